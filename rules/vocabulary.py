"""care.yaml past the parser: the closed vocabulary of a project, and its settings."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from rules.errors import Span
from rules.ingest import Ingest
from rules.units import Duration, Unit

__all__ = [
    "BUILT_IN_EVENTS",
    "TRIGGER_FACTS",
    "Channel",
    "EventType",
    "FieldKind",
    "FieldType",
    "NamedDate",
    "Role",
    "Vocabulary",
]


class FieldKind(StrEnum):
    """What a field of an event, or an attribute of a customer, may hold."""

    NUMBER = "number"  #: int scaled by 10^4
    TEXT = "text"  #: str
    WORD = "word"  #: str, one of a closed list
    WORDS = "words"  #: tuple of str, each of a closed list, sorted
    YES_NO = "yes_no"  #: bool
    DATE = "date"  #: int, days since 1970-01-01
    INSTANT = "instant"  #: int, microseconds UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldType:
    """The declared type of one field or attribute."""

    name: str
    kind: FieldKind
    words: tuple[str, ...] = ()  #: the closed values of WORD and WORDS
    calendar: str = "solar"  #: of a DATE: ``solar`` or ``lunar``
    pii: bool = False  #: personal: never in the audit chain
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventType:
    """One kind of event that may stand in the log."""

    name: str
    title: str
    fields: Mapping[str, FieldType]
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A way in which an action reaches somebody."""

    name: str
    kind: str  #: a name of ``rules.channel_kinds``
    reaches_customer: bool = True  #: bound by caps, quiet hours, consent
    on_unknown: str = "hold"  #: when nobody knows whether it arrived: ``hold`` or ``resend``
    to: str = ""  #: ``customer.email``: the address attribute, or ""
    settings: Mapping[str, str] = field(default_factory=dict)  #: the kind's own keys, as written
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """Who gets a task: fixed people, or the one named by an attribute of the customer."""

    name: str
    attribute: str | None  #: customer attribute that names the person
    otherwise: str  #: fixed name; where the attribute is unknown
    capacity: int | None = None  #: tasks a working day
    timezone: str | None = None  #: where these people work; None: the business zone
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedDate:
    """A day of the firm's own: once, or every year."""

    name: str
    month: int
    day: int
    year: int | None  #: None: every year
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """All names that playbooks may use, and the settings of care.yaml."""

    business: str
    timezone: str
    calendar: str  #: ISO country code for public holidays, ``none`` for weekends only
    opens: dt.time  #: start of working hours
    closes: dt.time  #: end of working hours, later than ``opens``
    breaks: tuple[tuple[dt.time, dt.time], ...] = ()  #: inside the hours: lunch; in order, apart
    days_off: tuple[int, ...] = ()  #: own days off (day numbers), sorted
    days_on: tuple[int, ...] = ()  #: own working days that the calendar does not have
    half_days: Mapping[int, tuple[tuple[dt.time, dt.time], ...]] = field(
        default_factory=dict
    )  #: day -> its own hours, instead of the usual ones and their breaks
    customer_zone: str | None = None  #: attribute with the customer's IANA zone
    events: Mapping[str, EventType]  #: the project's and the built-in ones
    groups: Mapping[str, tuple[str, ...]]  #: group -> event names, resolved
    attributes: Mapping[str, FieldType]
    channels: Mapping[str, Channel]
    roles: Mapping[str, Role]
    dates: Mapping[str, NamedDate]
    per_run: int = 500  #: default blast radius of a playbook, new journeys a run
    deliver_for: Duration = field(
        default_factory=lambda: Duration(2, Unit.MINUTE)
    )  #: how long a run sends at most
    levelling: bool = False  #: tasks open on days of their window on which their role has room
    give_up: Duration | None = None  #: default for tasks that nobody finishes
    ingest: Ingest = field(default_factory=Ingest)  #: how events that other programs send are taken
    span: Span | None = field(default=None, compare=False)
    places: Mapping[str, Span] = field(
        default_factory=dict, compare=False
    )  #: of settings that are judged later: ``calendar``, ``half_days/2025-12-31``

    def expand(self, name: str) -> tuple[str, ...]:
        """Return the event names behind an event or group name. Raises KeyError."""
        if name in self.groups:
            return self.groups[name]
        return (self.events[name].name,)


def _built_in(name: str, title: str, *texts: str, number: tuple[str, ...] = ()) -> EventType:
    fields = {text: FieldType(name=text, kind=FieldKind.TEXT) for text in texts}
    fields |= {key: FieldType(name=key, kind=FieldKind.NUMBER) for key in number}
    return EventType(name=name, title=title, fields=fields)


#: What care itself writes into the log about its own work. ``care_done`` also takes every name that
#: some step ``ask``s for (added by the parser when the whole project is known).
BUILT_IN_EVENTS: Mapping[str, EventType] = {
    event.name: event
    for event in (
        _built_in("care_started", "关怀开始", "playbook", "journey"),
        _built_in("care_sent", "关怀已发出", "playbook", "journey", "step", "channel", "action"),
        _built_in(
            "care_done",
            "关怀已完成",
            "playbook",
            "journey",
            "step",
            "channel",
            "action",
            "outcome",
            number=("satisfaction",),
        ),
        _built_in(
            "care_expired", "关怀逾期关闭", "playbook", "journey", "step", "channel", "action"
        ),
        _built_in("care_stopped", "关怀终止", "playbook", "journey", "reason"),
    )
}

#: What ``trigger.<name>`` gives beside the fields of the event that began the journey.
TRIGGER_FACTS: Mapping[str, FieldType] = {
    "name": FieldType(name="name", kind=FieldKind.TEXT),
    "date": FieldType(name="date", kind=FieldKind.DATE),
    "holiday": FieldType(name="holiday", kind=FieldKind.TEXT),
}
