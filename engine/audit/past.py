"""What the ledger held before an entry of the chain was written."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from engine.audit.blocks import Entry
from engine.ledger import Ledger

__all__ = ["Past"]

Row = dict[str, Any]


class Past:
    """Journeys and actions of a customer as they were, by the entries about them."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._trails = lru_cache(maxsize=4_096)(self._read)

    def journeys(self, customer: str, before: int) -> list[Row]:
        """Return the journeys of a customer as they stood before an entry, by their columns."""
        return _as_of(self._trails("journeys", customer), before)

    def actions(self, customer: str, before: int) -> list[Row]:
        """Return the actions of a customer as they stood before an entry, by their columns."""
        return _as_of(self._trails("actions", customer), before)

    def first(self, entry: Entry) -> Entry:
        """Return the first entry about what an entry is about."""
        while entry.prev:
            entry = self.ledger.chain.entry(entry.prev)
        return entry

    def _read(self, table: str, customer: str) -> tuple[tuple[Entry, ...], ...]:
        links = self.ledger.rows(f"SELECT link FROM {table} WHERE customer = ?", customer)  # noqa: S608
        return tuple(tuple(self.ledger.chain.trail(row["link"])) for row in list(links))


def _as_of(trails: Sequence[Sequence[Entry]], before: int) -> list[Row]:
    found = []
    for trail in trails:
        row: Row = {}
        for entry in trail:
            if entry.n < before:
                row |= entry.body
        if row:
            found.append({"id": trail[0].subject, **row})
    return found
