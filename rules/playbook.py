"""A playbook past the parser, and the project that it belongs to."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from rules.conditions import Condition
from rules.errors import Finding, Span
from rules.measures import Catalogue, Events
from rules.units import Duration, Unit
from rules.vocabulary import FieldType, Vocabulary

__all__ = [
    "Anchor",
    "AnchorKind",
    "Asked",
    "AskedKind",
    "Do",
    "Due",
    "DueForm",
    "Existing",
    "HouseRule",
    "HouseRules",
    "IfLate",
    "Late",
    "Overlap",
    "Playbook",
    "Project",
    "Status",
    "Stop",
    "Trigger",
    "TriggerKind",
    "Verdict",
]


class Status(StrEnum):
    """Whether a playbook acts."""

    ACTIVE = "active"
    PAUSED = "paused"  #: starts nothing, its journeys wait; back from paused takes a baseline
    DRAFT = "draft"  #: checked, never run


class TriggerKind(StrEnum):
    """What may begin a journey, as far as this version goes."""

    EVENT = "event"
    FIRST = "first"
    ENTERS = "enters"
    LEAVES = "leaves"
    CHANGES = "changes"


@dataclass(frozen=True, slots=True)
class Late:
    """What happens to events that arrive after a run that should have seen them."""

    accept: Duration | None  #: None: ignore


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
    late: Late = Late(Duration(7, Unit.DAY))  #: event, first


class Overlap(StrEnum):
    """What happens when a journey of the same playbook and customer runs already."""

    IGNORE = "ignore"
    PARALLEL = "parallel"
    RESTART = "restart"


class Existing(StrEnum):
    """Those already inside when the playbook goes live."""

    SKIP = "skip"
    ENROL = "enrol"


class DueForm(StrEnum):
    """The forms of ``due``."""

    NOW = "now"
    SAME_DAY = "same day"
    WITHIN = "within"
    AFTER = "after"
    BETWEEN = "between"


@dataclass(frozen=True, slots=True)
class Due:
    """When a step opens and when it is due, counted from its anchor."""

    form: DueForm
    low: Duration | None = None  #: after D; between A
    high: Duration | None = None  #: within D; between B


class AnchorKind(StrEnum):
    """From which moment a step's clock counts."""

    PREVIOUS = "previous"  #: the close of the step above; the entry for the first one
    STEP = "step"  #: the close of a named step
    ENTRY = "entry"
    DATE = "date"  #: a date attribute or instant measure of the customer, moved by ``offset``


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where a step's clock starts."""

    kind: AnchorKind
    name: str = ""  #: the step, attribute or measure
    offset: Duration | None = None
    back: bool = False  #: True: ``60 days before``


class AskedKind(StrEnum):
    """What a task asks the person for."""

    SCALE = "scale"  #: ``1 to 5``
    CHOICE = "choice"  #: ``[price, product]``
    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    YES_NO = "yes_no"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One thing to ask for when a task is done."""

    name: str
    kind: AskedKind
    low: int = 0  #: of SCALE
    high: int = 0
    choices: tuple[str, ...] = ()


class IfLate(StrEnum):
    """What to do with a step whose window was over before it could open."""

    DO = "do"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Do:
    """A step that acts through a channel."""

    name: str
    channel: str
    due: Due
    path: str  #: ``steps/0``
    span: Span = field(compare=False)
    title: str = ""
    at: dt.time | None = None
    anchor: Anchor = Anchor(AnchorKind.PREVIOUS)
    assign: str | None = None  #: role
    brief: str = ""  #: what to tell the person who does it
    template: str | None = None  #: path of the text, relative to ``templates/``
    outcomes: tuple[str, ...] = ()
    ask: tuple[Asked, ...] = ()
    if_late: IfLate = IfLate.DO
    recheck: Condition | None = None  #: asked when it opens; false or unknown: skipped


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
    steps: tuple[Do, ...]
    revision: str = ""  #: hash of the closure: playbook, shared definitions it uses, templates
    source: str = field(default="", compare=False)  #: the file's text

    def step(self, name: str) -> Do:
        """Return a step by name. Raises KeyError."""
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(name)


class Verdict(StrEnum):
    """What a house rule may say, as far as this version goes."""

    SKIP = "skip"
    DEFER = "defer"


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseRule:
    """One house rule: judges ``work`` in the light of ``customer`` and ``running``."""

    name: str
    span: Span = field(compare=False)
    path: str  #: ``rules/0``
    verdict: Verdict
    delay: Duration | None = None  #: of DEFER
    purposes: tuple[str, ...] = ()  #: work.purpose one of; empty: any
    playbooks: tuple[str, ...] = ()  #: work.playbook one of; empty: any
    channels: tuple[str, ...] = ()  #: work.channel one of (release gate only); empty: any
    customer: Condition | None = None
    running_purposes: tuple[
        str, ...
    ] = ()  #: another journey of the customer runs with one of these
    running_playbooks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseRules:
    """house.yaml past the parser."""

    rules: tuple[HouseRule, ...] = ()
    holdout: Fraction = Fraction(0)  #: project-wide


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
