"""The ledger: one SQLite file that remembers every decision, and who may write to it now."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.audit.blocks import GENESIS
from engine.audit.chain import Chain
from engine.audit.tables import BY_KIND, TABLES, Table
from engine.audit.views import add_views
from engine.processes import alive, describe, holder
from engine.words import Transition
from rules.errors import BusyError, InputError, StateError
from rules.units import MICROS

__all__ = ["GENESIS", "MIGRATIONS", "Lease", "Ledger", "make_tables", "open_ledger"]

MIGRATIONS = ("first",)  #: those of ``engine.ledger_schema``, which is slow to import

_LEASE = 15 * 60 * MICROS  #: a lease of a host out of sight, or a stopped process, lasts this long
_NAMES = {"run": "run", "deliver": "delivery"}

_WAKES = 200  #: journeys told in one entry

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to run, with its fencing number: a later lease has a higher one."""

    fence: int
    holder: str
    name: str = "run"  #: what it is the right to: to ``run``, or to ``deliver``


class Ledger:
    """The tables of one project's ledger. Callers own the transaction: see ``transaction``."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.connection = connection
        self.path = path
        self.chain = Chain(connection)
        self._wakes: dict[str, int | None] = {}  #: journeys to be woken, of this transaction

    def close(self) -> None:
        """Close the file."""
        self.connection.close()

    @contextlib.contextmanager
    def transaction(self, lease: Lease | None = None, *, patience: float = 0) -> Iterator[None]:
        """Everything inside is written, or nothing. With a lease, its fence is checked inside.

        ``patience`` is how long to wait, in seconds, for another program that writes (at least the
        connection's own time-out). Raises BusyError when the ledger stays locked or another run
        took the lease over.
        """
        self._begin(time.monotonic() + patience)
        self._forget()
        try:
            if lease is not None:
                row = self.one("SELECT fence FROM lease WHERE name = ?", lease.name)
                if row is None or row["fence"] != lease.fence:
                    raise BusyError(
                        f"another {_NAMES[lease.name]} took over while this one was away; nothing"
                        " written"
                    )
            yield
            self._flush()
            self.connection.execute("COMMIT")
        except BaseException as error:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            self._forget()
            if isinstance(error, sqlite3.OperationalError) and _no_room(error):
                raise InputError(_unwritable(self.path, error)) from error
            raise

    def _begin(self, until: float) -> None:
        while True:
            try:
                self.connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if _no_room(error):
                    raise InputError(_unwritable(self.path, error)) from error
                if time.monotonic() >= until:
                    words = f"{self.path} is locked by another program: {error}"
                    raise BusyError(words) from error
            else:
                return

    # -- reading ---------------------------------------------------------------------------

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """Everything that is read inside is of one moment, whoever writes meanwhile."""
        self.connection.execute("BEGIN")
        try:
            self.head()  # the moment is that of the first read
            yield
        finally:
            self.connection.execute("ROLLBACK")

    def rows(self, sql: str, *values: object) -> Iterator[Row]:
        """Yield rows as dicts of a hand-written query with bound values."""
        cursor = self.connection.execute(sql, values)
        names = [column[0] for column in cursor.description]
        for row in cursor:
            yield dict(zip(names, row, strict=True))

    def one(self, sql: str, *values: object) -> Row | None:
        """Return the first row of a query, or None."""
        return next(self.rows(sql, *values), None)

    # -- writing ---------------------------------------------------------------------------

    def execute(self, sql: str, *values: object) -> int:
        """Run one statement with bound values; return the number of rows it touched.

        Not for tables that the audit chain vouches for: it would not know.
        """
        return int(self.connection.execute(sql, values).rowcount)

    def insert(
        self,
        table: str,
        rows: Sequence[Row],
        *,
        replace: bool = False,
        at: int | None = None,
        also: Mapping[str, Any] | None = None,
    ) -> None:
        """Insert rows that all have the same keys; ``replace`` those with an equal key.

        What the chain vouches for leaves an entry at ``at`` (without it, the row's own instant, or
        that of the entry before); ``also`` stands on the entry beside the columns.
        """
        if not rows:
            return
        if table not in TABLES:
            self._insert(table, rows, replace=replace)
            return
        kept = self._vouched(table)
        for row in rows:
            moment = at
            if moment is None:
                moment = row.get("at", self.chain.at)
            key = {name: row[name] for name in kept.key}
            if replace and self._row(table, key) is not None:
                self.change(table, key, row, at=moment)
                continue
            told = kept.told(row, row.keys() - also.keys() if also else row.keys())
            self._insert(table, [{**row, "link": self.chain.next} if kept.linked else row])
            self.chain.append(moment, kept.kind, kept.subject(row), 0, {**told, **(also or {})})

    def _insert(self, table: str, rows: Sequence[Row], *, replace: bool = False) -> None:
        names = list(rows[0])
        marks = ", ".join("?" * len(names))
        columns = ", ".join(names)
        self.connection.executemany(
            f"{'REPLACE' if replace else 'INSERT'} INTO {table} ({columns}) VALUES ({marks})",  # noqa: S608  our own names
            ([row[name] for name in names] for row in rows),
        )

    def change(
        self,
        table: str,
        key: Mapping[str, object],
        values: Mapping[str, Any],
        *,
        at: int | None = None,
        told: Mapping[str, Any] | None = None,
    ) -> None:
        """Set columns of the row with this key. The entry tells those that differ, and ``told``.

        Where nothing differs and nothing is told there is no entry.
        """
        kept = self._vouched(table)
        row = self._row(table, key)
        if row is None:
            raise StateError(f"the ledger's {table} have no {', '.join(map(str, key.values()))}")
        after = {name: value for name, value in values.items() if row[name] != value}
        if not after and not told:
            return
        body = {
            **kept.place(row), **kept.told({**row, **after}, after, nulls=True), **(told or {})
        }  # fmt: skip
        moment = self.chain.at if at is None else at
        if kept.linked:
            after["link"] = self.chain.next
        if table == "journeys" and "next_at" in after:
            self._wakes.pop(str(key["id"]), None)
        if after:
            sets = ", ".join(f"{name} = ?" for name in after)
            self.connection.execute(
                f"UPDATE {table} SET {sets} WHERE {_where(key)}",  # noqa: S608  our own names
                [*after.values(), *key.values()],
            )
        self.chain.append(moment, kept.kind, kept.subject(row), row.get("link", 0), body)

    def drop(self, table: str, key: Mapping[str, object], *, at: int | None = None) -> bool:
        """Delete the row with this key; tell whether there was one."""
        kept = self._vouched(table)
        row = self._row(table, key)
        if row is None:
            return False
        moment = self.chain.at if at is None else at
        body = {**kept.place(row), "gone": True}
        self.connection.execute(
            f"DELETE FROM {table} WHERE {_where(key)}",  # noqa: S608  our own names
            list(key.values()),
        )
        self.chain.append(moment, kept.kind, kept.subject(row), row.get("link", 0), body)
        return True

    def _vouched(self, table: str) -> Table:
        if not self.connection.in_transaction:
            raise StateError(f"a row of {table} outside a transaction")
        return TABLES[table]

    def _row(self, table: str, key: Mapping[str, object]) -> Row | None:
        return self.one(f"SELECT * FROM {table} WHERE {_where(key)}", *key.values())  # noqa: S608

    def wake(self, journey: str, at: int | None) -> None:
        """Say when a journey is to be looked at again. Told to the chain once a transaction."""
        touched = self.execute(
            "UPDATE journeys SET next_at = ? WHERE id = ? AND next_at IS NOT ?", at, journey, at
        )
        if touched:
            self._wakes[journey] = at

    def record(self, at: int, kind: Transition, subject: str, body: dict[str, Any]) -> None:
        """Append an entry that is about no row of its own. Inside a transaction only."""
        if kind in BY_KIND:
            raise StateError(f"an entry of kind {kind} without its row")
        self.chain.append(at, kind, subject, 0, body)

    def _flush(self) -> None:
        wakes = sorted(self._wakes.items())
        for start in range(0, len(wakes), _WAKES):
            some = dict(wakes[start : start + _WAKES])
            self.chain.append(self.chain.at, Transition.WAKE, "", 0, some)
        self._wakes.clear()
        self.chain.flush()

    def _forget(self) -> None:
        self._wakes.clear()
        self.chain.forget()

    def head(self) -> tuple[int, str]:
        """Return number and hash of the last audit entry that is written."""
        return self.chain.head()

    # -- the lease -------------------------------------------------------------------------

    @contextlib.contextmanager
    def lease(self, clock: Callable[[], int], name: str = "run") -> Iterator[Lease]:
        """Hold the right to ``run``, or to ``deliver``. ``clock`` gives the wall time, an instant.

        Raises BusyError, naming the holder, when another live process has it. A process that died
        is taken over at once on this machine, one that is stopped when its lease is over, as is any
        on another machine.
        """
        with self.transaction():
            row = self.one("SELECT * FROM lease WHERE name = ?", name)
            now = clock()
            if row and row["holder"] and alive(row["holder"], until=row["until"], now=now):
                raise BusyError(
                    f"another {_NAMES[name]} is at work ({describe(row['holder'])});"
                    " try again later"
                )
            fence = (row["fence"] if row else 0) + 1
            mine = holder()
            self.execute(
                "INSERT OR REPLACE INTO lease (name, fence, holder, until) VALUES (?, ?, ?, ?)",
                name,
                fence,
                mine,
                now + _LEASE,
            )
        held = Lease(fence=fence, holder=mine, name=name)
        try:
            yield held
        finally:
            with contextlib.suppress(BusyError, sqlite3.Error), self.transaction():
                self.execute(
                    "UPDATE lease SET holder = '', until = 0 WHERE name = ? AND fence = ?",
                    name,
                    fence,
                )

    def renew(self, lease: Lease, now: int) -> None:
        """Let a lease last longer, from the wall time on. Inside a transaction with that lease."""
        self.execute("UPDATE lease SET until = ? WHERE name = ?", now + _LEASE, lease.name)


def open_ledger(path: Path, *, create: bool = True) -> Ledger:
    """Open a project's ledger, making or migrating its tables.

    Raises InputError when there is none (``create=False``) or the file is not a ledger.
    """
    if not create and not path.exists():
        raise InputError(f"there is no ledger yet at {path}; `care run` makes it")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        connection = sqlite3.connect(path, timeout=10.0, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        ledger = Ledger(connection, path)
        if not _made(connection):
            make_tables(ledger)
        ledger.head()  # another make of ledger has no chain like this
        add_views(connection, ledger.chain)
    except sqlite3.DatabaseError as error:
        if _no_room(error):
            raise InputError(_unwritable(path, error)) from error
        raise InputError(f"{path} cannot be used as a ledger: {error}") from error
    return ledger


def _made(connection: sqlite3.Connection) -> bool:
    """Tell whether the tables are there; without sqlite-utils, which is slow to import."""
    tables = connection.execute("SELECT 1 FROM sqlite_master WHERE name = '_sqlite_migrations'")
    if tables.fetchone() is None:
        return False
    done = connection.execute("SELECT name FROM _sqlite_migrations WHERE migration_set = 'care'")
    return {name for (name,) in done} >= set(MIGRATIONS)


def make_tables(ledger: Ledger) -> None:
    """Make or migrate the tables of a ledger."""
    from sqlite_utils import Database  # noqa: PLC0415  slow to import

    from engine.ledger_schema import migrations  # noqa: PLC0415

    with ledger.transaction():
        migrations.apply(Database(ledger.connection))


def _where(key: Mapping[str, object]) -> str:
    return " AND ".join(f"{name} = ?" for name in key)


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
