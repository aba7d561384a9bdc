"""A playbook past the parser, and the project that it belongs to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fractions import Fraction

from rules.conditions import Condition
from rules.errors import Finding, Span
from rules.history import Datum
from rules.measures import Catalogue, Events
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
    "overdue_step",
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
    ESCALATE = "escalate"  #: a task for ``if_overdue.escalate``'s role instead


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
    if_overdue: Overdue | None = None
    give_up: Duration | None = None  #: from the opening; None: the project's default
    on_unknown: str = "hold"  #: ``hold`` or ``resend``
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


def overdue_step(step: Do) -> Do:
    """Return the task that an overdue one makes: for another role, under ``<step>.overdue``."""
    assert step.if_overdue is not None
    return replace(
        step, name=f"{step.name}.overdue", assign=step.if_overdue.role, if_overdue=None,
        retry=None, repeat=None, give_up=None, at=None,
    )  # fmt: skip


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

    def step(self, name: str) -> Step:
        """Return a step by name, also one inside a branch. Raises KeyError."""
        for step in walk(self.steps):
            if step.name == name:
                return step
            if isinstance(step, Do) and step.if_overdue and name == f"{step.name}.overdue":
                return overdue_step(step)
        raise KeyError(name)

    def act(self, name: str) -> Do:
        """Return a step that acts, by name. Raises KeyError."""
        step = self.step(name)
        if not isinstance(step, Do):
            raise KeyError(name)
        return step


class Verdict(StrEnum):
    """What a house rule may say."""

    HOLD = "hold"  #: neither starts nor goes on, until the rule no longer matches
    SKIP = "skip"
    DEFER = "defer"
    ASSIGN = "assign"
    USE = "use"


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseRule:
    """One house rule: judges ``work`` in the light of ``customer`` and ``running``."""

    name: str
    span: Span = field(compare=False)
    path: str  #: ``rules/0``
    verdict: Verdict
    delay: Duration | None = None  #: of DEFER
    role: str | None = None  #: of ASSIGN
    channel: str | None = None  #: of USE
    purposes: tuple[str, ...] = ()  #: work.purpose one of; empty: any
    playbooks: tuple[str, ...] = ()  #: work.playbook one of; empty: any
    channels: tuple[str, ...] = ()  #: work.channel one of (release gate only); empty: any
    customer: Condition | None = None
    running_purposes: tuple[
        str, ...
    ] = ()  #: another journey of the customer runs with one of these
    running_playbooks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """At most so many actions that reached the customer in a rolling window."""

    at_most: int
    per: Duration
    path: str
    span: Span = field(compare=False)
    purposes: tuple[str, ...] = ()  #: counted and bound; empty: all
    channels: tuple[str, ...] = ()  #: counted and bound; empty: all
    exempt: tuple[str, ...] = ()  #: purposes neither counted nor bound
    verdict: Verdict = Verdict.DEFER  #: DEFER until the window has room, or SKIP


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """Hours in which nothing reaches a customer, in the customer's zone; may span midnight."""

    start: dt.time
    end: dt.time
    span: Span = field(compare=False)
    verdict: Verdict = Verdict.DEFER  #: ``wait`` is DEFER to the end; or SKIP
    channels: tuple[str, ...] = ()  #: bound; empty: all that reach the customer
    exempt: tuple[str, ...] = ()  #: purposes
    path: str = "quiet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """A channel needs a yes in an attribute; no and unknown are no."""

    channel: str  #: ``all`` for every channel
    attribute: str
    span: Span = field(compare=False)
    path: str = "consent"  #: ``consent/email``, ``consent/0/email``
    purposes: tuple[str, ...] = ()  #: empty: all
    refuses: bool = False  #: True: the attribute is a do-not-contact mark: only its yes is a no


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One line of ``routing``: a channel, or the attribute that names it."""

    use: str
    of_attribute: bool
    path: str
    span: Span = field(compare=False)
    condition: Condition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseRules:
    """house.yaml past the parser."""

    rules: tuple[HouseRule, ...] = ()
    holdout: Fraction = Fraction(0)  #: project-wide
    caps: tuple[Cap, ...] = ()
    quiet: Quiet | None = None
    consent: tuple[Consent, ...] = ()
    routing: tuple[Route, ...] = ()


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
