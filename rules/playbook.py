"""A playbook past the parser, and the project that it belongs to.

The door to all types of the language beyond conditions and measures: steps and house rules stand in
``rules.steps`` and ``rules.houserules`` and are handed on from here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from rules.conditions import Condition
from rules.errors import Finding, Span
from rules.houserules import (
    Cap,
    Consent,
    HouseRule,
    HouseRules,
    Quiet,
    Route,
    Verdict,
)
from rules.measures import Catalogue, Events
from rules.reporting import Reports
from rules.steps import (
    Anchor,
    AnchorKind,
    Asked,
    AskedKind,
    Assignment,
    Awaited,
    Branch,
    Choose,
    Do,
    DoneWhen,
    Due,
    DueForm,
    IfLate,
    Overdue,
    Record,
    Repeat,
    Retry,
    Set,
    Split,
    StartOther,
    Step,
    StopHere,
    Template,
    Wait,
    overdue_steps,
    rung_of,
    walk,
)
from rules.templates import Text
from rules.units import Duration, Unit
from rules.vocabulary import FieldType, Vocabulary

__all__ = [
    "Anchor",
    "AnchorKind",
    "Asked",
    "AskedKind",
    "Assignment",
    "Awaited",
    "Branch",
    "Cap",
    "Choose",
    "Consent",
    "Do",
    "DoneWhen",
    "Due",
    "DueForm",
    "Every",
    "Existing",
    "HouseRule",
    "HouseRules",
    "IfLate",
    "Late",
    "Migrate",
    "Overdue",
    "Overlap",
    "Period",
    "Playbook",
    "Project",
    "Quiet",
    "Record",
    "Repeat",
    "Reports",
    "Retry",
    "Route",
    "Set",
    "Split",
    "StartOther",
    "Status",
    "Step",
    "Stop",
    "StopHere",
    "Template",
    "Trigger",
    "TriggerKind",
    "Verdict",
    "Wait",
    "overdue_steps",
    "rung_of",
    "walk",
]


class Status(StrEnum):
    """Whether a playbook acts."""

    ACTIVE = "active"
    PAUSED = "paused"  #: starts nothing, its journeys wait; back from paused takes a baseline
    DRAFT = "draft"  #: checked, never run


class TriggerKind(StrEnum):
    """What may begin a journey."""

    EVENT = "event"
    FIRST = "first"
    ENTERS = "enters"
    LEAVES = "leaves"
    CHANGES = "changes"
    MISSING = "missing"
    DATE = "date"
    HOLIDAY = "holiday"
    EVERY = "every"
    CHANGED = "changed"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class Late:
    """What happens to events that arrive after a run that should have seen them."""

    accept: Duration | None  #: None: ignore


class Period(StrEnum):
    """The calendar words of ``every``."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


@dataclass(frozen=True, slots=True, kw_only=True)
class Every:
    """When a repeating trigger fires; exactly one of period, span, cron is set.

    A period has calendar phase: ``day`` picks the day in it (``Monday`` of a week; ``15``,
    ``first day``, ``last day``, ``first working day``, ``last working day`` or ``3rd working day``
    of a month or quarter; ``03-15`` of a year). A span runs from the customer's joining the segment
    (``in:``), or with ``since`` from an instant measure, and moves with it.
    """

    period: Period | None = None
    span: Duration | None = None
    cron: str | None = None
    day: str = ""  #: as written, checked by the parser; "" is the first day of the period
    at: dt.time | None = None  #: None: midnight
    since: str | None = None  #: instant measure


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """One way in which a journey begins. Which fields are set depends on the kind."""

    kind: TriggerKind
    name: str  #: as given, else the kind
    path: str  #: ``trigger`` or ``trigger/0``
    span: Span = field(compare=False)
    words: str = ""  #: as written, for ``why``: ``enters slipping, holds_for 2 days``
    events: Events | None = None  #: event, first
    segment: str | None = None  #: enters, leaves: a segment or ``class.value``
    of_class: str | None = None  #: changes
    from_values: tuple[str, ...] = ()  #: changes; empty: any
    to_values: tuple[str, ...] = ()  #: changes; empty: any
    holds_for: Duration | None = None  #: enters, leaves, changes
    late: Late = Late(Duration(7, Unit.DAY))  #: all but enters, leaves, changes, every, manual
    after: Events | None = None  #: missing: E1; ``events`` is what is missed
    within: Duration | None = None  #: missing: also working days and hours
    same: str | None = None  #: missing: E1 and E2 carry the same value in this field
    date: str | None = None  #: date: a date or instant attribute, or an instant measure
    offset: Duration | None = None  #: date, holiday: also working days
    back: bool = False  #: True: ``before``
    at: dt.time | None = None  #: date, holiday: at this time of the day; None: midnight
    yearly: bool = False  #: date
    days: tuple[
        str, ...
    ] = ()  #: holiday: names of public holidays (as ``holidays`` names them) or own
    members: tuple[
        str, ...
    ] = ()  #: holiday, every: ``in:``, any of these segments; empty: everybody
    every: Every | None = None  #: every
    attribute: str | None = None  #: changed


class Overlap(StrEnum):
    """What happens when a journey of the same playbook and customer runs already."""

    IGNORE = "ignore"
    PARALLEL = "parallel"
    RESTART = "restart"
    QUEUE = "queue"  #: begins when the running one has ended


class Migrate(StrEnum):
    """What an edit does to journeys that run already."""

    STAY = "stay"  #: they end as they began
    MOVE = "move"  #: steps that have not opened follow the new revision
    CANCEL = "cancel"


class Existing(StrEnum):
    """Those already inside when the playbook goes live."""

    SKIP = "skip"
    ENROL = "enrol"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """What ends a journey before its steps do; exactly one of the three is set."""

    path: str  #: ``stop_when/0``
    span: Span = field(compare=False)
    words: str = ""
    events: Events | None = None
    same: str | None = None  #: the event's field equals the trigger's field of that name
    leaves: str | None = None  #: segment or ``class.value``
    condition: Condition | None = None
    goal: str | None = None  #: the word of a goal reached
    within: Duration | None = None  #: goal counts only so long after entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Playbook:
    """One playbook, resolved against the project's vocabulary."""

    name: str
    title: str
    file: str  #: ``playbooks/churn.yaml``
    span: Span = field(compare=False)
    owner: str = ""
    status: Status = Status.ACTIVE
    purpose: str = ""
    priority: int = 0
    catalogue: Catalogue  #: shared definitions with the playbook's own on top
    triggers: tuple[Trigger, ...]
    only: Condition | None = None
    excepted: Condition | None = None
    again: Duration | None = None  #: set: after D from the last entry
    again_ever: bool = False  #: True: always; False with ``again`` None: never
    overlap: Overlap = Overlap.IGNORE
    existing: Existing = Existing.SKIP
    holdout: Fraction = Fraction(0)
    per_run: int = 500
    stops: tuple[Stop, ...] = ()
    steps: tuple[Step, ...]
    migrate: Migrate = Migrate.STAY
    revision: str = ""  #: hash of the closure: playbook, shared definitions it uses, templates
    source: str = field(default="", compare=False)  #: the file's text
    texts: Mapping[str, Text] = field(
        default_factory=dict, compare=False
    )  #: by file below templates/; a step's brief with something to fill in by BRIEF and its name

    def step(self, name: str) -> Step:
        """Return a step by name, also one inside a branch. Raises KeyError."""
        for step in walk(self.steps):
            if step.name == name:
                return step
            if isinstance(step, Do) and rung_of(name) == step.name:
                for rung in overdue_steps(step):
                    if rung.name == name:
                        return rung
        raise KeyError(name)

    def act(self, name: str) -> Do:
        """Return a step that acts, by name. Raises KeyError."""
        step = self.step(name)
        if not isinstance(step, Do):
            raise KeyError(name)
        return step


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A whole project as loaded. ``playbooks`` holds the sound ones; what is wrong, and which
    playbooks were left out for it, stands in ``findings``. A project whose shared files are wrong
    is not made: loading raises ProjectError.
    """

    root: str  #: absolute path
    vocabulary: Vocabulary
    catalogue: Catalogue  #: the shared definitions
    house: HouseRules
    playbooks: tuple[Playbook, ...]
    broken: tuple[str, ...] = ()  #: playbook files left out
    findings: tuple[Finding, ...] = ()
    config_hash: str = ""  #: of everything that can change a decision
    asked: dict[str, FieldType] = field(default_factory=dict)  #: every name that some step asks for
    reports: Reports = field(default_factory=Reports)  #: no part of any decision
