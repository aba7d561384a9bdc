"""The audit chain of one ledger: entries are appended in transactions, and read again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

from engine.audit.blocks import GENESIS, Entry, follow, line_of, pack, unpack
from rules.errors import StateError

__all__ = ["Chain"]

_BLOCK = 96_000  #: characters of a block; measured: half of it takes a tenth more on disk
_KEPT = 8_000_000  #: characters of unpacked blocks that are kept for the next question


class Chain:
    """Appends to and reads from the table ``blocks``. The caller owns the transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._tail: tuple[int, str] | None = None  #: number and hash of the last entry, in writing
        self._at: int | None = None  #: of the last entry of this transaction
        self._lines: list[str] = []  #: of the block that is being filled
        self._size = 0
        self._blocks: dict[int, list[str]] = {}  #: number of the last entry -> lines
        self._held = 0  #: characters in them
        self._last: Entry | None = None  #: the one that was looked at last

    # -- writing ---------------------------------------------------------------------------------

    def append(self, at: int, kind: str, subject: str, prev: int, body: dict[str, Any]) -> int:
        """Add an entry and return its number. Raises StateError outside a transaction."""
        if not self.connection.in_transaction:
            raise StateError("an audit entry outside a transaction")
        number, last = self._tail or self.head()
        line = line_of(at, kind, subject, prev, body)
        number += 1
        self._tail = (number, follow(last, number, line))
        self._at = at
        self._lines.append(line)
        self._size += len(line)
        if self._size >= _BLOCK:
            self.flush()
        return number

    def flush(self) -> None:
        """Write the block that is being filled."""
        if self._lines:
            assert self._tail is not None
            self.connection.execute(
                "INSERT INTO blocks (n, hash, body) VALUES (?, ?, ?)",
                (*self._tail, pack(self._lines)),
            )
        self._lines, self._size = [], 0

    def forget(self) -> None:
        """Forget what is not written: a transaction begins, or was taken back."""
        self._tail, self._at, self._lines, self._size = None, None, [], 0
        self._blocks.clear()
        self._held, self._last = 0, None

    @property
    def next(self) -> int:
        """The number that the next entry gets."""
        return (self._tail or self.head())[0] + 1

    @property
    def at(self) -> int:
        """The instant of the last entry of this transaction, else of the chain; 0 for none."""
        if self._at is None:
            number, _ = self.head()
            self._at = self.entry(number).at if number else 0
        return self._at

    # -- reading ---------------------------------------------------------------------------------

    def head(self) -> tuple[int, str]:
        """Return number and hash of the last entry that is written."""
        row = self.connection.execute(
            "SELECT n, hash FROM blocks ORDER BY n DESC LIMIT 1"
        ).fetchone()
        return (row[0], row[1]) if row else (0, GENESIS)

    def entry(self, number: int) -> Entry:
        """Return an entry, also one that is not committed yet. Raises StateError for none."""
        if self._last is None or self._last.n != number:
            last, lines = self._block(number)
            place = number - (last - len(lines) + 1)
            if not 0 <= place < len(lines):
                raise StateError(f"the audit chain has no entry {number}")
            self._last = Entry.of(number, lines[place])
        return self._last

    def trail(self, number: int) -> list[Entry]:
        """Return the entries about one journey or action, given the last one's number."""
        found = []
        while number:
            found.append(self.entry(number))
            number = found[-1].prev
        return found[::-1]

    def told(self, number: int, name: str) -> object:
        """Return the newest value of a name in the entries about a row; None where none tells it."""
        while number:
            entry = self.entry(number)
            if name in entry.body:
                return entry.body[name]
            number = entry.prev
        return None

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """Yield the written entries that follow a number, in order."""
        rows = self.connection.execute(
            "SELECT n, body FROM blocks WHERE n > ? ORDER BY n", (after,)
        )
        for last, body in rows:
            lines = unpack(body)
            for number, line in enumerate(lines, last - len(lines) + 1):
                if number > after:
                    yield Entry.of(number, line)

    def _block(self, number: int) -> tuple[int, list[str]]:
        """Return the block of an entry: its last number and its lines."""
        if self._tail is not None and number > self._tail[0] - len(self._lines):
            return self._tail[0], self._lines
        row = self.connection.execute(
            "SELECT n FROM blocks WHERE n >= ? ORDER BY n LIMIT 1", (number,)
        ).fetchone()
        if row is None:
            raise StateError(f"the audit chain has no entry {number}")
        if row[0] not in self._blocks:
            (body,) = self.connection.execute(
                "SELECT body FROM blocks WHERE n = ?", (row[0],)
            ).fetchone()
            self._keep(row[0], unpack(body))
        return row[0], self._blocks[row[0]]

    def _keep(self, number: int, lines: list[str]) -> None:
        """Keep a block at hand; those that were kept the longest give way."""
        self._blocks[number] = lines
        self._held += sum(map(len, lines))
        while self._held > _KEPT and len(self._blocks) > 1:
            oldest = self._blocks.pop(next(iter(self._blocks)))
            self._held -= sum(map(len, oldest))
