"""What detection works with and gives: triggers with their cursors, and the candidates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.calendar import WorkingCalendar
from engine.ledger import Ledger
from engine.log import Log
from rules.history import Datum, Event
from rules.playbook import Playbook, Trigger
from rules.vocabulary import Vocabulary

__all__ = ["Candidate", "Cursor", "Edge", "Look", "Source"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A change of membership."""

    definition: str  #: hash
    name: str
    since: int  #: T of the run that saw it
    before: str | None  #: value of a class before, None for none
    after: str | None  #: value of a class now, None for none


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One occurrence of a trigger for one customer, to be decided once."""

    playbook: Playbook = field(compare=False)
    trigger: Trigger = field(compare=False)
    customer: str
    occurrence: str  #: what makes it this occurrence and no other
    entry: int  #: nominal instant
    event: Event | None = None
    edge: Edge | None = None
    late: bool = False  #: it was seen after a run that should have seen it
    lasts: int | None = field(default=None, compare=False)  #: lateness counts from here, not entry
    extra: Mapping[str, Datum] = field(default_factory=dict, compare=False)  #: see ``given``
    personal: frozenset[str] = field(default=frozenset(), compare=False)  #: those that are private
    moment: Mapping[str, Any] = field(
        default_factory=dict, compare=False
    )  #: for the evidence, JSON
    pending: str | None = None  #: reason of the deferral that it comes back from

    @property
    def given(self) -> Mapping[str, Datum]:
        """What ``trigger.`` names beside the fields of the event; of these a ``name`` goes before."""
        if self.event is not None and "name" in self.event.fields:
            return self.extra
        return {"name": self.trigger.name, **self.extra}

    @property
    def order(self) -> tuple[int, int, str, str, str, str]:
        """Who is served first: priority, then time, then names."""
        return (
            -self.playbook.priority, self.entry, self.playbook.name, self.trigger.name,
            self.customer, self.occurrence,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far a trigger has looked: it has seen (at, seq), and lives since ``live_at``."""

    live_at: int
    at: int
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A trigger of an active playbook with its cursor; ``cursor`` None: goes live in this run."""

    playbook: Playbook
    trigger: Trigger
    hash: str
    cursor: Cursor | None
    edited: bool = False  #: lived before under another definition: nobody is enrolled


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a run at (T, S) looks with. Inside its transaction."""

    ledger: Ledger
    log: Log
    vocabulary: Vocabulary
    calendar: WorkingCalendar
    at: int  #: T
    seq: int  #: S

    @property
    def timezone(self) -> str:
        """The business zone."""
        return self.vocabulary.timezone
