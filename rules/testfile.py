"""A test of a playbook past the parser: what happens, and what is expected of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from rules.errors import Span
from rules.history import Datum
from rules.units import Duration, Unit

__all__ = [
    "Begins",
    "Case",
    "CaseFile",
    "Expected",
    "Expects",
    "Finishes",
    "Happening",
    "Occurs",
    "PutsOff",
    "Rhythm",
    "Says",
    "Sets",
    "Wanted",
    "When",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Happens:
    """What all happenings have."""

    at: int  #: instant
    customer: str
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurs(_Happens):
    """An event of the customer."""

    event: str
    fields: Mapping[str, Datum]
    arrives: int  #: instant from which care knows of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Sets(_Happens):
    """Attributes of the customer change; None: unknown from now on."""

    values: Mapping[str, Datum | None]
    arrives: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finishes(_Happens):
    """A person finishes a task."""

    step: str
    outcome: str | None
    asked: Mapping[str, str]  #: as written
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PutsOff(_Happens):
    """A person puts a task off."""

    step: str
    until: int  #: instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Begins(_Happens):
    """A person starts a playbook by hand."""

    playbook: str
    trigger: str | None


Happening = Occurs | Sets | Finishes | PutsOff | Begins


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """When cron runs: every so often, at a time of the day for whole days; or at some instants."""

    every: Duration = field(default_factory=lambda: Duration(1, Unit.HOUR))
    at: dt.time | None = None  #: of days
    moments: tuple[int, ...] = ()  #: sorted; set: these alone


@dataclass(frozen=True, slots=True)
class When:
    """An instant, or any time of a day: low <= instant < high."""

    low: int
    high: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Says:
    """What stands in a text, and what does not; ``exact``: the whole of it."""

    exact: str | None = None
    has: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()


class Expects(StrEnum):
    """What an expectation is about."""

    STARTS = "starts"
    STEP = "step"
    JOURNEY = "journey"
    EVENT = "event"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One thing that is expected, with the words of the file."""

    key: str
    value: str | int | bool | When | Says | Datum | None
    shown: str  #: as written
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """One line of ``expect``."""

    about: Expects
    name: str  #: of the step or event; the state of the journey; ``yes`` or ``no``
    customer: str
    playbook: str  #: the one that is meant
    wanted: tuple[Wanted, ...]  #: what else is said, in the order of the file
    fields: tuple[Wanted, ...] = ()  #: of an event
    shown: str  #: the whole line as written
    span: Span = field(compare=False)

    def get(self, key: str) -> Wanted | None:
        """Return what is said under a key."""
        return next((one for one in self.wanted if one.key == key), None)

    def flag(self, key: str) -> bool:
        """Tell whether a key is there and says yes."""
        found = self.get(key)
        return found is not None and found.value is True


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One test."""

    file: str
    name: str
    playbook: str
    books: tuple[str, ...]  #: the playbooks that run, sorted
    customers: Mapping[str, Mapping[str, Datum | None]]
    happenings: tuple[Happening, ...]  #: by (at, order of the file)
    house: str | None = None  #: None: the project's; ``none``; a file of the project
    live: int | None = None  #: instant; None: just before the first happening
    rhythm: Rhythm = field(default_factory=Rhythm)
    until: int
    expect: tuple[Expected, ...]
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFile:
    """The sound tests of a file; ``broken`` is how many are not."""

    file: str
    cases: tuple[Case, ...] = ()
    broken: int = 0
