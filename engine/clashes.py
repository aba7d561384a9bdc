"""What two files say against each other, each with a customer for whom it happens.

Playbooks that reach one customer through one channel in the same week, house rules that disagree or
judge nothing, caps that leave no room. The example is made by ``rules.doubts_story``: where none is
found, nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from rules.conditions import Always
from rules.doubts import first_span, gate_goals, starting_goals
from rules.doubts_solver import Goal, Solver, Want
from rules.doubts_story import Example, example
from rules.doubts_time import least, usual
from rules.errors import Finding, Level, Span
from rules.measures import Catalogue
from rules.playbook import (
    AnchorKind,
    Cap,
    Do,
    DueForm,
    HouseRule,
    Playbook,
    Project,
    Status,
    Step,
    Trigger,
    TriggerKind,
    Verdict,
    Wait,
    walk,
)
from rules.units import date_of, day_of

__all__ = ["Meeting", "clashes", "disagreements", "meetings"]

_WEEK = 7 * 86_400
_MESSAGE = "message"  #: the channel of a step for which routing chooses


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """Two playbooks that begin at one moment for one customer and use one channel that week."""

    one: Playbook
    other: Playbook
    trigger: Trigger  #: of ``one``
    channel: str
    steps: tuple[str, str]
    goals: tuple[Goal, ...]  #: what is true of the customer
    solver: Solver
    example: Example


@dataclass(frozen=True, slots=True, kw_only=True)
class _Touch:
    """A step that reaches the customer within a week of the entry, whatever happens."""

    step: str
    channel: str


def clashes(project: Project) -> Iterator[Finding]:
    """Yield the warnings about playbooks and house rules that do not go together."""
    for meeting in meetings(project):
        yield _told(meeting, project)
    yield from disagreements(project)
    yield from _idle_rules(project)
    yield from _idle_caps(project)


def _warning(code: str, message: str, hint: str, span: Span, path: str) -> Finding:
    return Finding(level=Level.WARNING, code=code, message=message, hint=hint, span=span, path=path)


def _for_example(found: Example, tz: str) -> str:
    day = date_of(day_of(found.at, tz))
    return f"for example a customer who on {day} has {found.told}" if found.told else "any customer"


# Playbooks that meet


def meetings(project: Project) -> Iterator[Meeting]:
    """Yield for each playbook the first other that reaches a customer of it in the same week."""
    live = [book for book in project.playbooks if book.status is Status.ACTIVE]
    touches = {book.name: _touches(book, project) for book in live}
    moments = {book.name: [(_moment(each), each) for each in book.triggers] for book in live}
    for index, other in enumerate(live):
        meeting = next(
            (
                found
                for one in live[:index]
                if (found := _first(project, one, other, touches, moments)) is not None
            ),
            None,
        )
        if meeting is not None:
            yield meeting


def _first(
    project: Project,
    one: Playbook,
    other: Playbook,
    touches: Mapping[str, Sequence[_Touch]],
    moments: Mapping[str, Sequence[tuple[tuple[object, ...], Trigger]]],
) -> Meeting | None:
    """Return how two playbooks meet, by the first triggers that they share."""
    shared = _shared(touches[one.name], touches[other.name])
    if shared is None or _apart(project, one, other, shared[0].channel):
        return None
    for moment, trigger in moments[one.name]:
        twin = next((t for m, t in moments[other.name] if moment and m == moment), None)
        found = _meeting(project, one, other, (trigger, twin), shared) if twin else None
        if found is not None:
            return found
    return None


def _meeting(
    project: Project,
    one: Playbook,
    other: Playbook,
    triggers: tuple[Trigger, Trigger],
    shared: tuple[_Touch, _Touch],
) -> Meeting | None:
    catalogue = _both(project, one, other)
    if catalogue is None:
        return None
    solver = Solver(vocabulary=project.vocabulary, catalogue=catalogue)
    goals = [goal for trigger in triggers for goal in starting_goals(trigger)]
    goals += [*gate_goals(one), *gate_goals(other)]
    found = example(solver, goals)
    if found is None:
        return None
    return Meeting(
        one=one, other=other, trigger=triggers[0], channel=shared[0].channel,
        steps=(shared[0].step, shared[1].step), goals=tuple(goals), solver=solver, example=found,
    )  # fmt: skip


def _told(meeting: Meeting, project: Project) -> Finding:
    one, other = meeting.one, meeting.other
    tz = project.vocabulary.timezone
    message = (
        f'"{one.name}" (step {meeting.steps[0]}) and "{other.name}" (step {meeting.steps[1]})'
        f" both reach a customer by {meeting.channel} in the same week, since both begin with"
        f" {meeting.trigger.words or meeting.trigger.name}:"
        f" {_for_example(meeting.example, tz)}"
    )
    hint = (
        "tell them apart by only:, or write a cap or a rule with running: {playbook: "
        f"{one.name}}} into house.yaml"
    )
    return _warning("same-week", message, hint, other.span, "trigger")


def _both(project: Project, one: Playbook, other: Playbook) -> Catalogue | None:
    """Return the names of two playbooks; None where one name means two things."""
    if one.catalogue is project.catalogue:
        return other.catalogue
    if other.catalogue is project.catalogue:
        return one.catalogue
    first, second = one.catalogue, other.catalogue
    for mine, yours in (
        (first.measures, second.measures),
        (first.segments, second.segments),
        (first.classes, second.classes),
    ):
        if any(yours[name] != mine[name] for name in mine.keys() & yours.keys()):
            return None
    return Catalogue(
        measures={**first.measures, **second.measures},
        segments={**first.segments, **second.segments},
        classes={**first.classes, **second.classes},
    )


def _moment(trigger: Trigger) -> tuple[object, ...]:
    """Return what two triggers share that fire at one moment; empty: nobody can say."""
    match trigger.kind:
        case TriggerKind.EVENT | TriggerKind.FIRST if trigger.events:
            if not isinstance(trigger.events.where, Always):
                return (trigger.kind, trigger.events)
            return (trigger.kind, trigger.events.names)
        case TriggerKind.ENTERS | TriggerKind.LEAVES:
            return (trigger.kind, trigger.segment, trigger.holds_for)
        case TriggerKind.CHANGES:
            return (trigger.kind, trigger.of_class, trigger.from_values, trigger.to_values)
        case TriggerKind.DATE:
            return (trigger.kind, trigger.date, trigger.offset, trigger.back, trigger.yearly)
        case TriggerKind.HOLIDAY:
            return (trigger.kind, trigger.days, trigger.offset, trigger.back)
        case TriggerKind.EVERY if trigger.every and trigger.every.period:
            return (trigger.kind, trigger.every.period, trigger.every.day)
        case _:
            return ()


def _touches(book: Playbook, project: Project) -> list[_Touch]:
    """Return the steps on the main line that reach the customer within a week of the entry."""
    return [
        _Touch(step=step.name, channel=step.channel)
        for step, _, late in _main_line(book.steps)
        if late <= _WEEK and _reaches(project, step.channel)
    ]


def _reaches(project: Project, channel: str) -> bool:
    channels = project.vocabulary.channels
    return channel == _MESSAGE or (channel in channels and channels[channel].reaches_customer)


def _main_line(steps: Sequence[Step]) -> Iterator[tuple[Do, int, int]]:
    """Yield each acting step that is in no branch, with its earliest opening and its latest due.

    Seconds from the entry, if everything goes as planned; what comes after a wait for an event, or
    counts from a date, ends the line.
    """
    early = late = 0
    for step in steps:
        if step.disabled:
            continue
        if step.anchor.kind not in (AnchorKind.PREVIOUS, AnchorKind.ENTRY):
            return
        if step.anchor.kind is AnchorKind.ENTRY:
            early = late = 0
        if isinstance(step, Do):
            early, late = early + least(step.due.low), late + _takes(step)
            yield step, early, late
        elif isinstance(step, Wait):
            if step.awaited:
                return
            early, late = early + least(step.up_to), late + usual(step.up_to)


def _takes(step: Do) -> int:
    """Return how long after its anchor a step is due at the latest."""
    due = step.due
    if due.form in (DueForm.NOW, DueForm.SAME_DAY):
        return 86_400
    return usual(due.high or due.low)


def _shared(one: Sequence[_Touch], other: Sequence[_Touch]) -> tuple[_Touch, _Touch] | None:
    pairs = ((a, b) for a in one for b in other if a.channel == b.channel)
    return next(pairs, None)


def _apart(project: Project, one: Playbook, other: Playbook, channel: str) -> bool:
    """Tell whether the house has thought of two playbooks at once: by a cap, or a rule."""
    house = project.house
    for cap in house.caps:
        if least(cap.per) >= _WEEK and all(_bound(cap, each, channel) for each in (one, other)):
            return True
    return any(
        (_judges(rule, one) and _beside(rule, other))
        or (_judges(rule, other) and _beside(rule, one))
        for rule in house.rules
        if rule.verdict in (Verdict.HOLD, Verdict.SKIP, Verdict.DEFER)
    )


def _bound(cap: Cap, book: Playbook, channel: str) -> bool:
    if book.purpose in cap.exempt or (cap.channels and channel not in (*cap.channels, _MESSAGE)):
        return False
    return not cap.purposes or book.purpose in cap.purposes


def _judges(rule: HouseRule, book: Playbook) -> bool:
    return (not rule.purposes or book.purpose in rule.purposes) and (
        not rule.playbooks or book.name in rule.playbooks
    )


def _beside(rule: HouseRule, book: Playbook) -> bool:
    if not rule.running_purposes and not rule.running_playbooks:
        return False
    return (not rule.running_purposes or book.purpose in rule.running_purposes) and (
        not rule.running_playbooks or book.name in rule.running_playbooks
    )


# House rules


def disagreements(project: Project) -> Iterator[Finding]:
    """Yield a warning for every two rules that give one piece of work to two people or channels."""
    solver = Solver(vocabulary=project.vocabulary, catalogue=project.catalogue)
    for first, second in combinations(project.house.rules, 2):
        if first.verdict is not second.verdict or not _differ(first, second):
            continue
        if not any(_works(first, book, project) and _works(second, book, project) for book in project.playbooks):  # fmt: skip
            continue
        goals = rule_goals(first, second)
        found = example(solver, goals)
        if found is None:
            continue
        message = (
            f'rules "{first.name}" and "{second.name}" both speak of one piece of work and say'
            f" {_says(first)} and {_says(second)}; the first in the file counts:"
            f" {_for_example(found, project.vocabulary.timezone)}"
        )
        span = first_span(second.customer, second.span)
        yield _warning(
            "rules-disagree", message, "add a condition to one of them", span, second.path
        )


def rule_goals(first: HouseRule, second: HouseRule) -> list[Goal]:
    """Return what is true of a customer for whom two rules match."""
    return [(each.customer, Want.HOLDS) for each in (first, second) if each.customer is not None]


def _differ(first: HouseRule, second: HouseRule) -> bool:
    match first.verdict:
        case Verdict.ASSIGN:
            return first.role != second.role
        case Verdict.USE:
            return first.channel != second.channel
        case _:
            return False  # a no has an order of its own: skip, then the first in the file


def _says(rule: HouseRule) -> str:
    return f"assign {rule.role}" if rule.verdict is Verdict.ASSIGN else f"use {rule.channel}"


def _works(rule: HouseRule, book: Playbook, project: Project) -> bool:
    """Tell whether a rule may ever judge work of a playbook."""
    if not _judges(rule, book):
        return False
    return not rule.channels or bool(_channels(book, project) & set(rule.channels))


def _channels(book: Playbook, project: Project) -> set[str]:
    """Return every channel through which a playbook may go."""
    found = {step.channel for step in walk(book.steps) if isinstance(step, Do)}
    if _MESSAGE in found:
        for route in project.house.routing:
            found |= set(project.vocabulary.channels) if route.of_attribute else {route.use}
    return found | {rule.channel for rule in project.house.rules if rule.channel}


def _idle_rules(project: Project) -> Iterator[Finding]:
    """Yield a warning for every rule that no playbook's work, or running beside, can meet."""
    purposes = {book.purpose for book in project.playbooks}
    if project.broken:
        return  # a playbook that is left out may be the one
    for rule in project.house.rules:
        named = {*rule.purposes, *rule.running_purposes}
        if named - purposes:
            continue  # unknown-purpose says so
        if not any(_works(rule, book, project) for book in project.playbooks):
            message = f'rule "{rule.name}" judges nothing: no playbook has all that `work` asks for'
        elif (rule.running_purposes or rule.running_playbooks) and not any(
            _beside(rule, book) for book in project.playbooks
        ):
            message = (
                f'rule "{rule.name}" never matches: no playbook has all that `running` asks for'
            )
        else:
            continue
        hint = "take one of the conditions out"
        yield _warning("idle-rule", message, hint, rule.span, f"{rule.path}/when")


# Caps


def _idle_caps(project: Project) -> Iterator[Finding]:
    """Yield a warning for every cap that one playbook alone breaks, even if all goes as planned."""
    for cap in project.house.caps:
        for book in project.playbooks:
            line = [
                (step, late)
                for step, _, late in _main_line(book.steps)
                if _reaches(project, step.channel) and _bound(cap, book, step.channel)
            ]
            inside = [step for step, late in line if late <= least(cap.per)]
            if len(inside) > cap.at_most:
                message = (
                    f'this cap of {cap.at_most} in {cap.per} is less than "{book.name}" alone'
                    f" needs: {', '.join(step.name for step in inside)}"
                )
                hint = f"write at_most: {len(inside)}, or spread the steps"
                yield _warning("cap-too-small", message, hint, cap.span, cap.path)
                break
