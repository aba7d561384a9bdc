"""The ledger: one SQLite file that remembers every decision, and who may write to it now."""

from __future__ import annotations

import contextlib
import os
import socket
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.ids import canonical_json, sha
from engine.words import Transition
from rules.errors import BusyError, InputError, StateError
from rules.units import MICROS

if TYPE_CHECKING:
    from sqlite_utils import Database

__all__ = ["GENESIS", "Lease", "Ledger", "open_ledger"]

GENESIS = "0" * 64  #: what the first audit entry is chained to
_LEASE = 15 * 60 * MICROS  #: a lease of a host that is out of sight lasts this long

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to run, with its fencing number: a later lease has a higher one."""

    fence: int
    holder: str


class Ledger:
    """The tables of one project's ledger. Callers own the transaction: see ``transaction``."""

    def __init__(self, db: Database, path: Path) -> None:
        self.db = db
        self.path = path
        self._tail: tuple[int, str] | None = None
        self._entries: list[tuple[int, int, str, str, str, str]] = []

    def close(self) -> None:
        """Close the file."""
        self.db.close()

    @contextlib.contextmanager
    def transaction(self, lease: Lease | None = None) -> Iterator[None]:
        """Everything inside is written, or nothing. With a lease, its fence is checked inside.

        Raises BusyError when the ledger stays locked or another run took the lease over.
        """
        try:
            self.db.conn.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if _no_room(error):
                raise InputError(_unwritable(self.path, error)) from error
            raise BusyError(f"{self.path} is locked by another program: {error}") from error
        self._tail = None
        self._entries.clear()
        try:
            if lease is not None:
                row = self.one("SELECT fence FROM lease WHERE name = 'run'")
                if row is None or row["fence"] != lease.fence:
                    raise BusyError(
                        "another run took over while this one was away; nothing written"
                    )
            yield
            self._flush()
            self.db.conn.execute("COMMIT")
        except BaseException as error:
            if self.db.conn.in_transaction:
                self.db.conn.execute("ROLLBACK")
            self._tail = None
            self._entries.clear()
            if isinstance(error, sqlite3.OperationalError) and _no_room(error):
                raise InputError(_unwritable(self.path, error)) from error
            raise

    # -- reading ---------------------------------------------------------------------------

    def rows(self, sql: str, *values: object) -> Iterator[Row]:
        """Yield rows as dicts of a hand-written query with bound values."""
        cursor = self.db.conn.execute(sql, values)
        names = [column[0] for column in cursor.description]
        for row in cursor:
            yield dict(zip(names, row, strict=True))

    def one(self, sql: str, *values: object) -> Row | None:
        """Return the first row of a query, or None."""
        return next(self.rows(sql, *values), None)

    # -- writing ---------------------------------------------------------------------------

    def execute(self, sql: str, *values: object) -> int:
        """Run one statement with bound values; return the number of rows it touched."""
        return int(self.db.conn.execute(sql, values).rowcount)

    def insert(self, table: str, rows: list[Row], *, replace: bool = False) -> None:
        """Insert rows that all have the same keys; ``replace`` those with an equal key."""
        if not rows:
            return
        names = list(rows[0])
        marks = ", ".join("?" * len(names))
        columns = ", ".join(names)
        self.db.conn.executemany(
            f"{'REPLACE' if replace else 'INSERT'} INTO {table} ({columns}) VALUES ({marks})",  # noqa: S608  our own names
            ([row[name] for name in names] for row in rows),
        )

    def update(self, table: str, key: str, **values: object) -> None:
        """Set columns of the row with this id."""
        names = ", ".join(f"{name} = ?" for name in values)
        self.db.conn.execute(
            f"UPDATE {table} SET {names} WHERE id = ?",  # noqa: S608  our own names
            [*values.values(), key],
        )

    def record(self, at: int, kind: Transition, subject: str, body: dict[str, Any]) -> None:
        """Append one transition to the audit chain. Inside a transaction only."""
        if not self.db.conn.in_transaction:
            raise StateError("an audit entry outside a transaction")
        number, last = self._tail or self.head()
        text = canonical_json(body)
        number += 1
        digest = sha(last, str(number), str(at), kind, subject, text)
        self._entries.append((number, at, str(kind), subject, text, digest))
        self._tail = (number, digest)

    def _flush(self) -> None:
        self.db.conn.executemany(
            "INSERT INTO audit (n, at, kind, subject, body, hash) VALUES (?, ?, ?, ?, ?, ?)",
            self._entries,
        )
        self._entries.clear()

    def head(self) -> tuple[int, str]:
        """Return number and hash of the last audit entry that is written."""
        row = self.one("SELECT n, hash FROM audit ORDER BY n DESC LIMIT 1")
        return (row["n"], row["hash"]) if row else (0, GENESIS)

    # -- the lease -------------------------------------------------------------------------

    @contextlib.contextmanager
    def lease(self, clock: Callable[[], int]) -> Iterator[Lease]:
        """Hold the right to run. ``clock`` gives the wall time, an instant.

        Raises BusyError, naming the holder, when another live process has it. A process that died
        is taken over at once on this machine, elsewhere when its lease is over.
        """
        with self.transaction():
            row = self.one("SELECT * FROM lease WHERE name = 'run'")
            now = clock()
            if row and row["holder"] and _alive(row["holder"], until=row["until"], now=now):
                raise BusyError(
                    f"another run is at work ({_describe(row['holder'])}); try again later"
                )
            fence = (row["fence"] if row else 0) + 1
            mine = _holder()
            self.execute(
                "INSERT OR REPLACE INTO lease (name, fence, holder, until) VALUES ('run', ?, ?, ?)",
                fence,
                mine,
                now + _LEASE,
            )
        held = Lease(fence=fence, holder=mine)
        try:
            yield held
        finally:
            with contextlib.suppress(BusyError, sqlite3.Error), self.transaction():
                self.execute(
                    "UPDATE lease SET holder = '', until = 0 WHERE name = 'run' AND fence = ?",
                    fence,
                )


def open_ledger(path: Path, *, create: bool = True) -> Ledger:
    """Open a project's ledger, making or migrating its tables.

    Raises InputError when there is none (``create=False``) or the file is not a ledger.
    """
    from sqlite_utils import Database  # noqa: PLC0415  slow to import

    from engine.ledger_schema import migrations  # noqa: PLC0415

    if not create and not path.exists():
        raise InputError(f"there is no ledger yet at {path}; `care run` makes it")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        db = Database(sqlite3.connect(path, timeout=10.0, isolation_level=None))
        db.conn.execute("PRAGMA journal_mode = WAL")
        db.conn.execute("PRAGMA synchronous = FULL")
        ledger = Ledger(db, path)
        if migrations.pending(db):
            with ledger.transaction():
                migrations.apply(db)
    except sqlite3.DatabaseError as error:
        if _no_room(error):
            raise InputError(_unwritable(path, error)) from error
        raise InputError(f"{path} cannot be used as a ledger: {error}") from error
    return ledger


_CAN_NOT_WRITE = (
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
)


def _no_room(error: sqlite3.DatabaseError) -> bool:
    """Tell whether the file system did not take what was to be written."""
    code = getattr(error, "sqlite_errorcode", 0)  # none where Python itself found the mistake
    return code & 0xFF in _CAN_NOT_WRITE


def _unwritable(path: Path, error: sqlite3.DatabaseError) -> str:
    return (
        f"{path} can't be written ({error}); nothing of this step was done. Is the disk full, or"
        " the file another user's?"
    )


def _holder() -> str:
    return f"{socket.gethostname()}\t{os.getpid()}\t{_born(os.getpid())}"


def _born(pid: int) -> str:
    """Return when a process of this machine began, so that a reused number is not taken for it."""
    with contextlib.suppress(OSError, IndexError, ValueError):
        stat = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return "zombie" if stat[0] == b"Z" else stat[19].decode("ascii")
    return ""


def _alive(holder: str, *, until: int, now: int) -> bool:
    host, pid, born = holder.split("\t")
    if host != socket.gethostname():
        return until > now
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not born or _born(int(pid)) == born


def _describe(holder: str) -> str:
    host, pid, _ = holder.split("\t")
    return f"process {pid} on {host}"
