"""Drafts: ledgers in memory, in which runs are tried without anything leaving the house.

``care plan``, ``care test`` and ``care backtest`` decide with the same runner as ``care run``; what it
writes goes into such a ledger, and what it would send counts as sent.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from engine.audit.views import add_views
from engine.ledger import Lease, Ledger, make_tables
from engine.outbox import Outbox
from engine.words import ActionState
from rules.errors import InputError

__all__ = ["Draft", "copy_of", "draft_of", "empty_draft", "send_all"]

_NOWHERE = Path(":memory:")


class Draft(Ledger):
    """A ledger that one process has to itself; a transaction inside another one is part of it."""

    @contextlib.contextmanager
    def transaction(self, lease: Lease | None = None, *, patience: float = 0) -> Iterator[None]:
        """Do all or nothing, as part of a transaction around this one where there is one."""
        del lease  # nobody else could take it over
        if self.connection.in_transaction:
            yield
            self._flush()
            return
        with super().transaction(patience=patience):
            yield

    @contextlib.contextmanager
    def lease(self, clock: Callable[[], int], name: str = "run") -> Iterator[Lease]:
        """Hold a right that nobody else could want."""
        del clock
        yield Lease(fence=0, holder="", name=name)


def empty_draft() -> Draft:
    """Return a new ledger in memory. Close it."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.deserialize(_tables())
    return _opened(connection)


def draft_of(source: Path) -> Draft:
    """Return a copy in memory of a ledger as it is at this moment, while others may write to it.

    Raises InputError where there is none, or the file is not a ledger.
    """
    if not source.exists():
        raise InputError(f"there is no ledger yet at {source}; `care run` makes it")
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        if not _copied_at_rest(source, connection):
            _copy(f"{source.resolve().as_uri()}?mode=ro", connection)
        return _opened(connection)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise InputError(f"{source} cannot be used as a ledger: {error}") from error


def copy_of(draft: Draft) -> Draft:
    """Return a second draft that is as this one is now. Close both."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    draft.connection.backup(connection)
    return _opened(connection)


def _copied_at_rest(source: Path, connection: sqlite3.Connection) -> bool:
    """Copy a ledger that nobody has open, without the files beside it that SQLite makes for readers.

    Nobody has it open while it has no write-ahead log. Returns False where it has one, or where
    somebody came meanwhile.
    """
    log = source.with_name(f"{source.name}-wal")
    before = source.stat()
    if log.exists():
        return False
    try:
        _copy(f"{source.resolve().as_uri()}?mode=ro&immutable=1", connection)
    except sqlite3.DatabaseError:
        return False
    after = source.stat()
    same = (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size)
    return same and not log.exists()


def _copy(address: str, connection: sqlite3.Connection) -> None:
    with contextlib.closing(sqlite3.connect(address, uri=True)) as kept:
        kept.backup(connection)


def send_all(draft: Draft) -> int:
    """Let every message on its way count as sent, at the instant at which it was released, and
    return how many there were. What a house rule holds stays.
    """
    outbox = Outbox(draft)
    found = [item.action for item in outbox.waiting() if not item.held]
    if not found:
        return 0
    with draft.transaction():
        for action in found:
            moment = action.opened_at or action.opens_at
            closed = replace(action, state=ActionState.SENT, closed_at=moment)
            outbox.store.move(closed, at=moment)
            outbox.store.wake(action.journey, moment)
    return len(found)


@lru_cache(maxsize=1)
def _tables() -> bytes:
    """Return an empty ledger as the bytes of its file: making its tables takes far longer."""
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        make_tables(Ledger(connection, _NOWHERE))
        return connection.serialize()


def _opened(connection: sqlite3.Connection) -> Draft:
    draft = Draft(connection, _NOWHERE)
    draft.head()
    add_views(connection, draft.chain)
    return draft
