"""The steps of a playbook past the parser."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fractions import Fraction

from rules.conditions import Condition
from rules.errors import Span
from rules.history import Datum
from rules.measures import Events
from rules.units import Duration

__all__ = [
    "Anchor",
    "AnchorKind",
    "Asked",
    "AskedKind",
    "Assignment",
    "Awaited",
    "Branch",
    "Choose",
    "Do",
    "DoneWhen",
    "Due",
    "DueForm",
    "IfLate",
    "Overdue",
    "Record",
    "Repeat",
    "Retry",
    "Set",
    "Split",
    "StartOther",
    "Step",
    "StopHere",
    "Template",
    "Wait",
    "overdue_steps",
    "rung_of",
    "walk",
]


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
    TRIGGER_DATE = "trigger date"  #: ``trigger.date``, or a date field of the event that began it
    STEP_DATE = "step date"  #: a date that a task asked for; known once the task is done


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where a step's clock starts."""

    kind: AnchorKind
    name: str = ""  #: step, attribute or measure; ``date`` of TRIGGER_DATE, ``call.callback``
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
    ESCALATE = "escalate"  #: a task for the role of the first rung of ``if_overdue`` instead


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """Which text a message takes: one, the next of a rotation, or one by a value."""

    files: tuple[str, ...]  #: relative to ``templates/``; more than one without ``by``: a rotation
    by: str | None = None  #: attribute, class, ``trigger.holiday`` or ``trigger.<field>``
    cases: tuple[tuple[str, str], ...] = ()  #: value -> file
    otherwise: str | None = None  #: ``else``


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """The same step again, counted from the previous one's close."""

    every: Duration
    times: int  #: in all
    until: Condition | None = None  #: asked before each further one


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """The same task again when its outcome was one of these."""

    on: tuple[str, ...]
    every: Duration
    times: int  #: further tries


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """Who gets a task of its own when this one is overdue."""

    role: str
    after: Duration | None = None  #: beyond ``due_by``; also working hours


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneWhen:
    """An event that closes a task as done."""

    events: Events
    same: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Do:
    """A step that acts through a channel."""

    name: str
    channel: str  #: ``message``: routing chooses
    due: Due
    path: str  #: ``steps/0``
    span: Span = field(compare=False)
    title: str = ""
    at: dt.time | None = None
    anchor: Anchor = Anchor(AnchorKind.PREVIOUS)
    assign: str | None = None  #: role
    brief: str = ""  #: what to tell the person who does it
    template: Template | None = None
    to: str | None = None  #: attribute with the address, without ``customer.``; None: the channel's
    outcomes: tuple[str, ...] = ()
    ask: tuple[Asked, ...] = ()
    if_late: IfLate = IfLate.DO
    recheck: Condition | None = None  #: asked when it opens; false or unknown: skipped
    done_when: DoneWhen | None = None
    retry: Retry | None = None
    repeat: Repeat | None = None
    if_overdue: tuple[Overdue, ...] = ()  #: a ladder: the first rung comes first
    give_up: Duration | None = None  #: from when it was due; None: the project's default
    on_unknown: str | None = None  #: ``hold`` or ``resend``; None: what the channel says
    disabled: bool = False  #: passed over; what follows counts from what stands before


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """One event that a wait may end with."""

    events: Events
    same: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Waits for an event at a strictly later time, or for a time to pass. Closes at the event
    (then ``then``) or at the end of ``up_to`` (then ``otherwise``); without events after ``up_to``.
    """

    name: str
    path: str
    span: Span = field(compare=False)
    awaited: tuple[Awaited, ...]  #: empty: a plain delay
    up_to: Duration | None
    then: tuple[Step, ...] = ()
    otherwise: tuple[Step, ...] = ()  #: ``else``
    anchor: Anchor = Anchor(AnchorKind.PREVIOUS)
    if_late: IfLate = IfLate.DO
    disabled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One line of a choose; ``condition`` None is ``else``."""

    condition: Condition | None
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choose:
    """Takes the first branch whose condition holds when it opens; closes when its steps are closed."""

    name: str
    path: str
    span: Span = field(compare=False)
    branches: tuple[Branch, ...]
    anchor: Anchor = Anchor(AnchorKind.PREVIOUS)
    if_late: IfLate = IfLate.DO
    disabled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Puts the customer into one of the shares, for ever the same; ``<step>.outcome`` names it."""

    name: str
    path: str
    span: Span = field(compare=False)
    shares: tuple[tuple[str, Fraction], ...]  #: they add up to 1
    anchor: Anchor = Anchor(AnchorKind.PREVIOUS)
    disabled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One attribute and its new value: a constant, a number to add, or a name's value.

    With neither ``value`` nor ``source`` it becomes unknown.
    """

    attribute: str
    value: Datum | None = None  #: as the log holds it: numbers scaled, dates as days
    add: bool = False
    source: str | None = None  #: ``trigger.<field>`` or ``<step>.<asked>`` instead of a constant


@dataclass(frozen=True, slots=True, kw_only=True)
class Set:
    """Writes attributes of the customer: seen by later steps at once, by the rest from the next run."""

    name: str
    path: str
    span: Span = field(compare=False)
    values: tuple[Assignment, ...]
    anchor: Anchor = Anchor(AnchorKind.PREVIOUS)
    disabled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Writes an event of the customer; it never stops its own journey."""

    name: str
    path: str
    span: Span = field(compare=False)
    event: str
    fields: tuple[Assignment, ...] = ()  #: ``attribute`` is the field
    anchor: Anchor = Anchor(AnchorKind.PREVIOUS)
    disabled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StartOther:
    """Begins another playbook for the customer."""

    name: str
    path: str
    span: Span = field(compare=False)
    playbook: str
    anchor: Anchor = Anchor(AnchorKind.PREVIOUS)
    disabled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StopHere:
    """Ends the journey with a word."""

    name: str
    path: str
    span: Span = field(compare=False)
    word: str
    anchor: Anchor = Anchor(AnchorKind.PREVIOUS)
    disabled: bool = False


Step = Do | Wait | Choose | Split | Set | Record | StartOther | StopHere


def overdue_steps(step: Do) -> tuple[Do, ...]:
    """Return the tasks that an overdue one makes, rung by rung: each for another role, under
    ``<step>.overdue``, ``<step>.overdue2`` ...
    """
    return tuple(
        replace(
            step, name=f"{step.name}.overdue{number if number > 1 else ''}", assign=rung.role,
            if_overdue=(), retry=None, repeat=None, give_up=None, at=None,
        )
        for number, rung in enumerate(step.if_overdue, start=1)
    )  # fmt: skip


def rung_of(name: str) -> str | None:
    """Return the step whose overdue task an escalation is about; None for a step of its own."""
    step, _, rung = name.partition(".")
    return step if rung.startswith("overdue") else None


def walk(steps: tuple[Step, ...]) -> Iterator[Step]:
    """Yield every step of a list and of the lists inside, in file order."""
    for step in steps:
        yield step
        if isinstance(step, Wait):
            yield from walk(step.then)
            yield from walk(step.otherwise)
        elif isinstance(step, Choose):
            for branch in step.branches:
                yield from walk(branch.steps)
