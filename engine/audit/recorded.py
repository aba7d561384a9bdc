"""What the ledger recorded, written once more into another ledger, entry by entry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine.audit.blocks import Entry
from engine.audit.members import membership_digests
from engine.audit.tables import BY_KIND, Table, seal
from engine.ids import canonical_json
from engine.ledger import Ledger
from engine.words import Transition

__all__ = ["Recorded"]

Row = dict[str, Any]
_NOTHING: Mapping[str, object] = {"configs": b""}  #: for a sealed value that is gone
_PLAIN = (None, "", "{}")  #: values of sealed columns that the chain tells as they are


class Recorded:
    """Takes entries of the ledger ``kept`` over into the ledger ``made``.

    The chain holds digests of what may be personal, and of membership: those values come from the
    rows of ``kept``. ``odd`` names the rows whose values are not those of the digests.
    """

    def __init__(self, kept: Ledger, made: Ledger) -> None:
        self.kept, self.made = kept, made
        self._columns: dict[str, frozenset[str]] = {}
        self._odd: dict[tuple[str, str, str], int] = {}

    @property
    def odd(self) -> Mapping[tuple[str, str, str], int]:
        """(table, row, column) -> number of the entry whose digest is of another value."""
        return self._odd

    def take(self, entries: Iterable[Entry]) -> None:
        """Write entries and what they make of the rows. Inside a transaction of ``made``.

        Raises KeyError for an entry that can't be understood.
        """
        for entry in entries:
            if entry.kind == Transition.WAKE:
                for journey, at in entry.body.items():
                    self.made.execute("UPDATE journeys SET next_at = ? WHERE id = ?", at, journey)
            elif entry.kind == Transition.MEMBERSHIP:
                self._members(entry)
            else:
                self._row(BY_KIND[entry.kind], entry)
                continue
            self.made.chain.append(entry.at, entry.kind, entry.subject, 0, entry.body)

    def _row(self, table: Table, entry: Entry) -> None:
        key = {table.key[0]: entry.subject, **{name: entry.body[name] for name in table.key[1:]}}
        where = " AND ".join(f"{name} = ?" for name in key)
        asked = f"SELECT * FROM {table.name} WHERE {where}"  # noqa: S608  our own names
        kept, made = (one.one(asked, *key.values()) for one in (self.kept, self.made))
        prev = made["link"] if made is not None and table.linked else 0
        number = self.made.chain.append(entry.at, entry.kind, entry.subject, prev, entry.body)
        if entry.body.get("gone"):
            self.made.execute(f"DELETE FROM {table.name} WHERE {where}", *key.values())  # noqa: S608
            return
        values = self._values(table, entry, kept, made)
        if table.linked:
            values["link"] = number
        if made is not None:
            sets = ", ".join(f"{name} = ?" for name in values)
            sql = f"UPDATE {table.name} SET {sets} WHERE {where}"  # noqa: S608
            if values:
                self.made.execute(sql, *values.values(), *key.values())
            return
        row = {**key, **values}
        for name in table.hidden:
            row[name] = kept[name] if kept is not None else ""
        marks = ", ".join("?" * len(row))
        sql = f"INSERT INTO {table.name} ({', '.join(row)}) VALUES ({marks})"  # noqa: S608
        self.made.execute(sql, *row.values())

    def _values(self, table: Table, entry: Entry, kept: Row | None, made: Row | None) -> Row:
        """Return the columns that an entry tells, with the values behind its digests."""
        found: Row = {}
        for name, told in entry.body.items():
            if name not in self._names(table.name) or name in table.key:
                continue
            if name in table.parsed:
                found[name] = canonical_json(told)
            elif name in table.sealed:
                found[name] = self._unsealed(table, entry, name, kept, made)
            else:
                found[name] = told
        return found

    def _unsealed(
        self, table: Table, entry: Entry, name: str, kept: Row | None, made: Row | None
    ) -> object:
        told = entry.body[name]
        place = (table.name, entry.subject, name)
        self._odd.pop(place, None)
        if told in _PLAIN:
            return told
        for row in (kept, made):
            value = row[name] if row is not None else None
            if row is None or value is None:
                continue
            text = value.hex() if isinstance(value, bytes) else str(value)
            if seal(name, text, row.get("salt") or entry.subject) == told:
                return value
        self._odd[place] = entry.n
        if kept is not None and kept[name] is not None:
            return kept[name]
        return _NOTHING.get(table.name, "")

    def _members(self, entry: Entry) -> None:
        """Write who came into a definition at T and who left it."""
        key, at = entry.subject, entry.at
        came = self.kept.rows(
            "SELECT customer, existing, value FROM membership WHERE definition = ? AND since = ?",
            key, at,
        )  # fmt: skip
        rows = [
            {"definition": key, "customer": row["customer"], "since": at, "until": None,
             "existing": row["existing"], "value": row["value"]}
            for row in came
        ]  # fmt: skip
        self.made.insert("membership", rows, replace=True)
        went = self.kept.rows(
            "SELECT customer, since FROM membership WHERE definition = ? AND until = ?", key, at
        )
        for row in list(went):
            self.made.execute(
                "UPDATE membership SET until = ? WHERE definition = ? AND customer = ?"
                " AND since = ?",
                at, key, row["customer"], row["since"],
            )  # fmt: skip

        now = membership_digests(self.kept, key, at)
        place = ("membership", f"{key} {at}", "the row")
        self._odd.pop(place, None)
        if any(entry.body[side] != digest for side, digest in now.items()):
            self._odd[place] = entry.n

    def _names(self, table: str) -> frozenset[str]:
        if table not in self._columns:
            rows = self.made.rows("SELECT name FROM pragma_table_info(?)", table)
            self._columns[table] = frozenset(row["name"] for row in rows)
        return self._columns[table]
