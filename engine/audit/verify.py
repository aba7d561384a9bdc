"""Proof that a ledger is as it was written: its chain, its rows, its ids, its decisions."""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from engine.audit.blocks import GENESIS, Entry, follow, unpack
from engine.audit.ids import odd_ids
from engine.audit.members import odd_members
from engine.audit.redecide import Redecision
from engine.audit.replay import Replay
from engine.audit.tables import TABLES, Table
from engine.audit.windows import odd_windows
from engine.ids import canonical_json
from engine.ledger import Ledger, Row
from rules.errors import StateError

__all__ = ["Verified", "verify"]

_LONGEST = 60  #: characters of a value that are told
_MOST = 20  #: findings of one kind that are told


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What was looked at, and what is not as it was written."""

    entries: int  #: of the chain, up to the first fault
    head: str  #: hash of the last of them
    faults: tuple[str, ...] = ()  #: in words, for people
    rows: Mapping[str, int] = field(default_factory=dict)  #: table -> rows as they have to be
    again: Mapping[str, int] = field(default_factory=dict)  #: what was decided or counted again


def verify(
    ledger: Ledger,
    *,
    number: int | None = None,
    head: str | None = None,
    report: Callable[[str], None] | None = None,
) -> Verified:
    """Check a ledger, also against a head that was kept elsewhere: number and hash, or its beginning.

    The rows are compared with what the chain makes of them only where the chain is sound, decisions
    made again only where the rows are. Writes nothing; a run may write meanwhile. ``report`` is told
    what comes next.
    """
    tell = report or (lambda _: None)
    walk, rows, again = _Walk(number=number, head=head), Counter[str](), Counter[str]()
    faults: list[str] = []
    try:
        with ledger.snapshot():
            tell("the chain")
            replay = Replay(_columns(ledger))
            with contextlib.closing(replay):
                for entry in walk.entries(ledger):
                    replay.take(entry)
                faults += [*walk.faults, *replay.faults]
                if not walk.faults:
                    for table in TABLES.values():
                        tell(table.name)
                        faults += _compared(ledger, table, replay, rows)
                    tell("membership")
                    faults += odd_members(ledger, replay.members, rows)
            if not faults:
                tell("ids")
                faults += odd_ids(ledger)
                tell("decisions")
                redecision = Redecision(ledger)
                faults += redecision.odd()
                again += redecision.counts
                tell("calendar")
                faults += odd_windows(ledger, again)
    except sqlite3.DatabaseError as error:
        faults.append(f"the file can't be read: {error}")
    return Verified(
        entries=walk.count, head=walk.last, faults=tuple(dict.fromkeys(faults)), rows=rows,
        again=again,
    )  # fmt: skip


class _Walk:
    """A walk along the chain, block by block."""

    def __init__(self, *, number: int | None, head: str | None) -> None:
        self.number, self.wanted = number, head
        self.count, self.last = 0, GENESIS
        self.faults: list[str] = []

    def entries(self, ledger: Ledger) -> Iterator[Entry]:
        """Yield the sound entries; after a fault there are no more."""
        for row in ledger.rows("SELECT n, hash, body FROM blocks ORDER BY n"):
            first, last = self.count + 1, self.last
            try:
                lines = unpack(row["body"])
                found = [Entry.of(n, line) for n, line in enumerate(lines, first)]
            except (StateError, ValueError, TypeError):
                self._broken(first, row["n"])
                return
            for n, line in enumerate(lines, first):
                last = follow(last, n, line)
                if n == self.number and not self._kept(last):
                    return
            if (first + len(lines) - 1, last) != (row["n"], row["hash"]):
                self._broken(first, row["n"])
                return
            self.count, self.last = row["n"], last
            yield from found
        if self.number is not None and self.number > self.count:
            self.faults.append(
                f"the chain ends at entry {self.count}, before the head at {self.number}:"
                " its tail was cut"
            )

    def _kept(self, hash_: str) -> bool:
        if self.wanted is None or hash_.startswith(self.wanted):
            return True
        self.faults.append(
            f"entry {self.number} is not the one of the head that was kept: it, or one before it,"
            " was written anew"
        )
        return False

    def _broken(self, first: int, last: object) -> None:
        span = (
            f"entries {first} to {last}"
            if isinstance(last, int) and last > first
            else f"entry {first}"
        )
        self.faults.append(
            f"the audit chain is broken at {span}; {self.count} before that are sound"
        )


def _columns(ledger: Ledger) -> dict[str, frozenset[str]]:
    return {
        name: frozenset(
            row["name"] for row in ledger.rows("SELECT name FROM pragma_table_info(?)", name)
        )
        for name in TABLES
    }


def _compared(ledger: Ledger, table: Table, replay: Replay, rows: Counter[str]) -> Iterator[str]:
    """Yield how the rows of a table differ from what the chain says."""
    told = 0
    for row in ledger.rows(f"SELECT * FROM {table.name}"):  # noqa: S608  our own names
        words = _odd(table, row, replay.expected(table, row))
        if words is None:
            rows[table.name] += 1
            continue
        told += 1
        if told <= _MOST:
            yield f"{table.name} {_named(table, row)}: {words}"
    for key in replay.rest(table):
        told += 1
        if told <= _MOST:
            yield f"{table.name} {key}: the row was deleted"
    if told > _MOST:
        yield f"{table.name}: {told - _MOST} more rows are not what the chain says"


def _odd(table: Table, row: Row, expected: Row | None) -> str | None:
    if expected is None:
        return "no entry of the chain makes this row"
    try:
        told = table.told(row, row.keys(), nulls=True)
    except (ValueError, TypeError):
        return "it can't be read"
    if any(canonical_json(told[name]) != row[name] for name in table.parsed):
        return "it was written in another way"
    if table.linked:
        told["link"] = row["link"]
    for name, value in told.items():
        if expected.get(name) != value or type(expected.get(name)) is not type(value):
            if name in table.sealed:
                return f"{name} is not what it was"
            return f"{name} is {_shown(value)}, the chain says {_shown(expected.get(name))}"
    return None


def _shown(value: object) -> str:
    if value is None:
        return "empty"
    text = value if isinstance(value, str) else canonical_json(value)
    return f'"{text}"' if len(text) <= _LONGEST else f'"{text[:_LONGEST]}..."'


def _named(table: Table, row: Row) -> str:
    return " ".join(str(row[name]) for name in table.key)
