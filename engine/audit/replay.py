"""The chain played again: what every row that it vouches for has to be."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any

from engine.audit.blocks import Entry
from engine.audit.tables import BY_KIND, Table
from engine.ids import canonical_json
from engine.words import FOLLOWS, ActionState, JourneyState, Transition

__all__ = ["Replay"]

_IN_MEMORY = 50_000  #: rows; further ones go to a temporary file

#: What may come after the state of a journey; a finished one runs again where a task is reopened.
_JOURNEYS: Mapping[str, tuple[str, ...]] = {
    JourneyState.RUNNING: (JourneyState.FINISHED, JourneyState.STOPPED),
    JourneyState.FINISHED: (JourneyState.RUNNING,),
    JourneyState.STOPPED: (),
}

Row = dict[str, Any]


class Replay:
    """Takes the entries in order and keeps the rows that they make. ``faults`` are in words."""

    def __init__(self, columns: Mapping[str, frozenset[str]]) -> None:
        """``columns``: table -> its columns."""
        self.columns = columns
        self.faults: list[str] = []
        self.members: dict[tuple[str, int], tuple[str, str]] = {}
        self._rows: dict[tuple[str, str], Row | None] = {}  #: None: it was deleted
        self._disk: sqlite3.Connection | None = None

    def take(self, entry: Entry) -> None:
        """Apply one entry."""
        table = BY_KIND.get(entry.kind)
        try:
            if table is not None:
                self._apply(table, entry)
            elif entry.kind == Transition.WAKE:
                for journey, at in entry.body.items():
                    self._wake(journey, at)
            elif entry.kind == Transition.MEMBERSHIP:
                body = entry.body
                self.members[entry.subject, entry.at] = (body["since"], body["until"])
            else:
                self._fault(entry, f'is of an unknown kind "{entry.kind}"')
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            self._fault(entry, f"can't be understood: {error}")

    def key(self, table: Table, row: Mapping[str, Any]) -> str:
        """Return the text of a row's key."""
        return canonical_json([str(row[name]) for name in table.key])

    def expected(self, table: Table, row: Mapping[str, Any]) -> Row | None:
        """Return what a row has to be, and forget it; None for a row that must not be there."""
        key = self.key(table, row)
        found = self._get(table.name, key)
        if found is not None:
            self._put(table.name, key, None)
        return found

    def rest(self, table: Table) -> Iterator[str]:
        """Yield the keys of rows that nobody asked for: they have to be there."""
        for (name, key), row in self._rows.items():
            if name == table.name and row is not None:
                yield key
        if self._disk is not None:
            rows = self._disk.execute("SELECT key FROM rows WHERE name = ?", (table.name,))
            for (key,) in rows:
                if (table.name, key) not in self._rows:
                    yield key

    def close(self) -> None:
        """Let the temporary file go."""
        if self._disk is not None:
            self._disk.close()

    def _apply(self, table: Table, entry: Entry) -> None:
        key = canonical_json([entry.subject, *(str(entry.body[name]) for name in table.key[1:])])
        before = self._get(table.name, key)
        if table.linked and entry.prev != (before["link"] if before else 0):
            self._fault(entry, f"does not follow the entry before it about {entry.subject}")
        if entry.body.get("gone"):
            if before is None:
                self._fault(entry, f"deletes {entry.subject}, which is not there")
            self._put(table.name, key, None)
            return
        names = self.columns[table.name]
        after = {name: value for name, value in entry.body.items() if name in names}
        if table.linked:
            after["link"] = entry.n
        if before is not None:
            self._step(table, entry, before, after)
        self._put(table.name, key, {**(before or {}), **after})

    def _step(self, table: Table, entry: Entry, before: Row, after: Row) -> None:
        """Check that a state follows the one before it."""
        old, new = before.get("state"), after.get("state")
        if old is None or new is None or new == old or table.name not in ("actions", "journeys"):
            return
        legal = (
            ActionState(new) in FOLLOWS[ActionState(old)]
            if table.name == "actions"
            else new in _JOURNEYS[JourneyState(old)]
        )
        if not legal:
            self._fault(entry, f"makes {entry.subject} {new} after {old}: that can't be")

    def _fault(self, entry: Entry, words: str) -> None:
        self.faults.append(f"audit entry {entry.n} {words}")

    # -- rows, in memory or on disk --------------------------------------------------------------

    def _wake(self, journey: str, at: int | None) -> None:
        key = canonical_json([journey])
        found = self._get("journeys", key)
        if found is None:
            raise KeyError(journey)
        self._put("journeys", key, {**found, "next_at": at})

    def _get(self, name: str, key: str) -> Row | None:
        if (name, key) in self._rows:
            return self._rows[name, key]
        if self._disk is None:
            return None
        row = self._disk.execute(
            "SELECT body FROM rows WHERE name = ? AND key = ?", (name, key)
        ).fetchone()
        return json.loads(row[0]) if row else None

    def _put(self, name: str, key: str, row: Row | None) -> None:
        self._rows[name, key] = row
        if len(self._rows) > _IN_MEMORY:
            self._spill()

    def _spill(self) -> None:
        if self._disk is None:
            self._disk = sqlite3.connect("", isolation_level=None)  # a temporary file of its own
            self._disk.execute("PRAGMA journal_mode = OFF")
            self._disk.execute("PRAGMA synchronous = OFF")
            self._disk.execute(
                "CREATE TABLE rows (name TEXT, key TEXT, body TEXT, PRIMARY KEY (name, key))"
                " WITHOUT ROWID"
            )
        self._disk.execute("BEGIN")
        self._disk.executemany(
            "DELETE FROM rows WHERE name = ? AND key = ?",
            [place for place, row in self._rows.items() if row is None],
        )
        self._disk.executemany(
            "REPLACE INTO rows VALUES (?, ?, ?)",
            [(*place, json.dumps(row)) for place, row in self._rows.items() if row is not None],
        )
        self._disk.execute("COMMIT")
        self._rows.clear()
