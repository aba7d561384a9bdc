"""What is known of one customer: events and attribute versions, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["AttributeVersion", "Datum", "Event", "History"]

#: A value as the log holds it: NUMBER is int scaled by 10^4, DATE int days, INSTANT int
#: microseconds, WORDS a sorted tuple. The declared FieldKind says which.
Datum = int | str | bool | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of the log."""

    id: str
    name: str  #: of the event kind
    at: int  #: occurred_at, instant
    fields: Mapping[str, Datum] = field(default_factory=dict)  #: unknown fields are absent
    seq: int = field(default=0, compare=False)  #: order of import


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeVersion:
    """One attribute as it was said to be from an instant on; None: said to be unknown."""

    name: str
    at: int
    value: Datum | None
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Everything up to some (T, S) about one customer.

    ``events`` are ordered by (at, id); ``attributes`` by (name, at, id). The value of an attribute
    at T is that of the last version with at <= T; before the first version, the first one (a first
    snapshot counts from the beginning of time).
    """

    customer: str
    events: tuple[Event, ...] = ()
    attributes: tuple[AttributeVersion, ...] = ()
    kinds: frozenset[str] | None = None  #: of which events are held; None: of all
