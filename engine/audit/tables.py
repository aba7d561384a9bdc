"""Which tables the audit chain vouches for, and how their rows are told in it.

Every row that is written to one of these tables through the ledger leaves an entry: its columns
when it is new, what changed after that, ``gone`` when it is deleted. So the chain alone gives every
row as it has to be. Of ``membership`` the chain holds digests, since a baseline can be large.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from engine.ids import sha
from engine.words import Transition

__all__ = ["APART", "BY_KIND", "TABLES", "Table", "seal"]

_NOTHING = ("", "{}")  #: sealed columns that hold nothing are told as they are
_LINK = "link"  #: column with the number of the last entry about the row


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """How the rows of one table stand in the chain."""

    name: str
    kind: Transition
    key: tuple[str, ...] = ("id",)  #: primary key; its first column is the entry's subject
    parsed: frozenset[str] = frozenset()  #: columns whose text is JSON and is told as such
    sealed: frozenset[str] = frozenset()  #: columns of which the chain holds a digest only
    hidden: frozenset[str] = frozenset()  #: columns that go when the row goes: salts of digests
    linked: bool = False  #: has a column ``link``, so that all entries about a row can be found

    def subject(self, row: Mapping[str, Any]) -> str:
        """Return the subject of the entries about a row."""
        return str(row[self.key[0]])

    def told(
        self, row: Mapping[str, Any], names: Collection[str], *, nulls: bool = False
    ) -> dict[str, Any]:
        """Return some columns of a row as an entry tells them; nulls only where asked for."""
        found: dict[str, Any] = {}
        for name in names:
            value = row[name]
            if name == self.key[0] or name == _LINK or (value is None and not nulls):
                continue
            if name in self.hidden:
                continue
            if value is not None:
                if name in self.parsed:
                    value = json.loads(value)
                elif name in self.sealed and value not in _NOTHING:
                    value = value.hex() if isinstance(value, bytes) else str(value)
                    value = seal(name, value, row.get("salt") or self.subject(row))
            found[name] = value
        return found

    def place(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the columns of the key that the subject does not tell."""
        return {name: row[name] for name in self.key[1:]}


def seal(name: str, value: str, salt: str) -> str:
    """Return the digest that stands in the chain for a value which may have to be erased."""
    return sha(salt, name, value)[:32]


_ALL = (
    Table(name="runs", kind=Transition.RUN, key=("n",), parsed=frozenset({"versions", "summary"})),
    Table(name="revisions", kind=Transition.REVISION, sealed=frozenset({"source", "model"})),
    Table(name="configs", kind=Transition.CONFIG, sealed=frozenset({"model"})),
    Table(name="triggers", kind=Transition.LIVE, key=("playbook", "trigger")),
    Table(name="definitions", kind=Transition.DEFINITION, key=("hash",)),
    Table(name="decided", kind=Transition.DECISION, linked=True),
    Table(
        name="journeys", kind=Transition.JOURNEY, parsed=frozenset({"event"}), linked=True
    ),
    Table(
        name="actions", kind=Transition.ACTION, linked=True,
        sealed=frozenset({"asked", "note", "detail"}),
    ),
    Table(
        name="attempts", kind=Transition.ATTEMPT, key=("action", "n"), sealed=frozenset({"words"})
    ),
    Table(name="retries", kind=Transition.RETRY, key=("action",)),
    Table(
        name="settlements", kind=Transition.SETTLED, key=("action", "n"), sealed=frozenset({"why"})
    ),
    Table(name="channels", kind=Transition.CHANNEL, key=("name",), sealed=frozenset({"words"})),
    Table(name="outcomes", kind=Transition.OUTCOME, sealed=frozenset({"asked", "note"})),
    Table(name="task_changes", kind=Transition.TASK, sealed=frozenset({"why"})),
    Table(name="holds", kind=Transition.HOLD, key=("journey", "since", "rule")),
    Table(name="approvals", kind=Transition.APPROVAL, key=("playbook",)),
    Table(
        name="requests", kind=Transition.REQUEST,
        key=("playbook", "trigger", "customer", "occurrence"),
    ),
    Table(name="waiting_slots", kind=Transition.SLOT, key=("playbook", "trigger", "customer")),
    Table(
        name="private", kind=Transition.PRIVATE, key=("owner", "name"),
        sealed=frozenset({"value"}), hidden=frozenset({"salt"}),
    ),
    Table(name="cursors", kind=Transition.CURSOR, key=("name",)),
)  # fmt: skip

TABLES: Mapping[str, Table] = {table.name: table for table in _ALL}
BY_KIND: Mapping[str, Table] = {str(table.kind): table for table in _ALL}

#: Tables that say nothing of what was done, with the chain itself and the membership.
APART = ("_sqlite_migrations", "blocks", "buckets", "lease", "membership")
