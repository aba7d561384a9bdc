"""What is legal and can't come true: conditions that nobody meets, branches that are never taken.

Asked of a sound project, by ``care check`` alone: a run does not need it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rules.conditions import (
    All,
    Always,
    AnyOf,
    Compare,
    Condition,
    InSegment,
    Not,
    OneOf,
    Subject,
    SubjectKind,
)
from rules.doubts_solver import Goal, Ranges, Solver, Want
from rules.doubts_time import time_warnings
from rules.errors import Finding, Level, Span
from rules.measures import Catalogue, Events
from rules.playbook import Choose, Do, Playbook, Project, Trigger, TriggerKind, walk
from rules.steps import Asked
from rules.vocabulary import TRIGGER_FACTS, FieldType, Vocabulary

__all__ = ["doubts", "first_span", "gate_goals", "solver_of", "starting_goals"]

_NOBODY = "can match nobody"


def doubts(project: Project) -> Iterator[Finding]:
    """Yield the warnings about conditions, branches and due dates that can't come true."""
    shared = Solver(vocabulary=project.vocabulary, catalogue=project.catalogue)
    yield from _definitions(
        shared, project.catalogue, Catalogue(measures={}, segments={}, classes={})
    )
    yield from _house(project, shared)
    for book in project.playbooks:
        solver = solver_of(project, book)
        if book.catalogue is not project.catalogue:
            yield from _definitions(solver, book.catalogue, project.catalogue)
        yield from _starts(book, solver)
        yield from _conditions(book, solver)
        for step in walk(book.steps):
            if isinstance(step, Choose) and not step.disabled:
                yield from _branches(step, solver)
        yield from time_warnings(book)


def solver_of(project: Project, book: Playbook) -> Solver:
    """Return a solver that knows a playbook's names, its trigger's fields and what its tasks ask."""
    ranges = Ranges(
        fields=_trigger_fields(book, project.vocabulary),
        asked={
            Subject(SubjectKind.STEP, f"{step.name}.{each.name}"): each
            for step in walk(book.steps)
            if isinstance(step, Do)
            for each in step.ask
        },
    )
    for subject, found in _asked_fields(ranges.asked, project.asked):
        ranges = Ranges(fields={**ranges.fields, subject: found}, asked=ranges.asked)
    return Solver(vocabulary=project.vocabulary, catalogue=book.catalogue, ranges=ranges)


def _asked_fields(
    asked: Mapping[Subject, Asked], types: Mapping[str, FieldType]
) -> Iterator[tuple[Subject, FieldType]]:
    for subject, each in asked.items():
        if each.name in types:
            yield subject, types[each.name]


def _trigger_fields(book: Playbook, vocabulary: Vocabulary) -> dict[Subject, FieldType]:
    """Return the type of each field that the events which begin the playbook have alike."""
    names = {name for each in book.triggers if each.events for name in each.events.names}
    found: dict[str, FieldType] = dict(TRIGGER_FACTS)
    clash: set[str] = set()
    for name in sorted(names):
        for field in vocabulary.events[name].fields.values():
            before = found.setdefault(field.name, field)
            if (before.kind, before.words) != (field.kind, field.words):
                clash.add(field.name)
    return {
        Subject(SubjectKind.TRIGGER, name): field
        for name, field in found.items()
        if name not in clash
    }


# Definitions


def _definitions(solver: Solver, catalogue: Catalogue, known: Catalogue) -> Iterator[Finding]:
    """Yield a warning for every segment and class value that nobody can be in."""
    for name, segment in catalogue.segments.items():
        if name not in known.segments:
            goal = (segment.condition, Want.HOLDS)
            yield from _nobody(solver, goal, f'segment "{name}"', segment.span, f"segments/{name}")
    for name, found in catalogue.classes.items():
        if name in known.classes:
            continue
        for index, value in enumerate(found.values):
            if value.condition is None:
                continue
            goal = (InSegment(names=(f"{name}.{value.value}",)), Want.HOLDS)
            what, path = (
                f'value "{value.value}" of class "{name}"',
                f"classes/{name}/values/{index}",
            )
            alone = (value.condition, Want.HOLDS)
            if not solver.possible([alone]):
                yield from _nobody(solver, alone, what, value.span, path)
            elif not solver.possible([goal]):
                message = f"{what} {_NOBODY}: the values above take everybody whom it would take"
                yield _warning("matches-nobody", message, "put it above them, or take it out", value.span, path)  # fmt: skip


def _nobody(
    solver: Solver, goal: Goal, what: str, span: Span | None, path: str
) -> Iterator[Finding]:
    if solver.possible([goal]):
        return
    message = f"{what} {_NOBODY}: {_against(solver, [goal])}"
    yield _warning("matches-nobody", message, "change one of them, or take it out", span, path)


def _against(solver: Solver, goals: Sequence[Goal]) -> str:
    """Return the parts of some goals that can't be true together, in words."""
    parts = [part for goal in goals for part in _parts(goal)]
    told = list(dict.fromkeys(_shown(condition, want) for condition, want in solver.core(parts)))
    if len(told) == 1:
        return f"{told[0]} is never true"
    return f"{', '.join(told[:-1])} and {told[-1]} are never true together"


def _parts(goal: Goal) -> Iterator[Goal]:
    condition, want = goal
    if isinstance(condition, All) and want is Want.HOLDS:
        for part in condition.parts:
            yield from _parts((part, want))
    else:
        yield goal


def _shown(condition: Condition, want: Want) -> str:
    no = "" if want in (Want.HOLDS, Want.NOT_FAILS) else "not "
    match condition:
        case Compare():
            name = condition.subject.name
            if condition.subject.kind is SubjectKind.TRIGGER:
                name = f"trigger.{name}"
            return f"{no}`{name}: {condition.words}`"
        case InSegment():
            return f"{no}`in: {', '.join(condition.names)}`"
        case Not():
            return f"{no}`not: {_shown(condition.part, Want.HOLDS).strip('`')}`"
        case All():
            return no + " with ".join(_shown(part, Want.HOLDS) for part in condition.parts)
        case AnyOf():
            return no + "any of " + ", ".join(_shown(part, Want.HOLDS) for part in condition.parts)
        case Always():
            return f"{no}everybody"


def first_span(condition: Condition | None, otherwise: Span) -> Span:
    """Return where a condition begins, as far as it is known."""
    match condition:
        case Compare() | InSegment():
            return condition.span or otherwise
        case All() | AnyOf() if condition.parts:
            return first_span(condition.parts[0], otherwise)
        case Not():
            return first_span(condition.part, otherwise)
        case _:
            return otherwise


def _warning(code: str, message: str, hint: str, span: Span | None, path: str) -> Finding:
    assert span is not None, "definitions of a project that was read know their place"
    return Finding(level=Level.WARNING, code=code, message=message, hint=hint, span=span, path=path)


# House rules


def _house(project: Project, solver: Solver) -> Iterator[Finding]:
    for rule in project.house.rules:
        if rule.customer is not None:
            what = f'the condition of rule "{rule.name}"'
            span = first_span(rule.customer, rule.span)
            path = f"{rule.path}/when/customer"
            yield from _nobody(solver, (rule.customer, Want.HOLDS), what, span, path)
    for route in project.house.routing:
        if route.condition is not None:
            span = first_span(route.condition, route.span)
            goal = (route.condition, Want.HOLDS)
            yield from _nobody(solver, goal, "this line of routing", span, f"{route.path}/if")


# Playbooks


def starting_goals(trigger: Trigger) -> list[Goal]:
    """Return what is true of a customer for whom a trigger fires."""
    found: list[Goal] = []
    if trigger.kind is TriggerKind.ENTERS and trigger.segment:
        found.append((InSegment(names=(trigger.segment,)), Want.HOLDS))
    if trigger.kind is TriggerKind.LEAVES and trigger.segment:
        found.append((InSegment(names=(trigger.segment,)), Want.NOT_HOLDS))
    if trigger.kind is TriggerKind.CHANGES and trigger.of_class and trigger.to_values:
        subject = Subject(SubjectKind.CLASS, trigger.of_class)
        words = ", ".join(trigger.to_values)
        found.append((Compare(subject=subject, test=OneOf(trigger.to_values), words=words), Want.HOLDS))  # fmt: skip
    if trigger.members:
        found.append((InSegment(names=trigger.members), Want.HOLDS))
    return found


def gate_goals(book: Playbook) -> list[Goal]:
    """Return what ``only`` and ``except`` ask of a customer."""
    only = [(book.only, Want.HOLDS)] if book.only is not None else []
    excepted = [(book.excepted, Want.NOT_HOLDS)] if book.excepted is not None else []
    return [*only, *excepted]


def _starts(book: Playbook, solver: Solver) -> Iterator[Finding]:
    """Yield a warning for every trigger whose customers ``only`` and ``except`` all refuse."""
    gates = gate_goals(book)
    for trigger in book.triggers:
        where = _where(trigger.events, trigger, solver)
        if where is not None:
            yield where
        begun = starting_goals(trigger)
        if not gates or not solver.possible(begun):
            continue  # that nobody is in its segment is told there
        if not solver.possible([*begun, *gates]):
            message = (
                f'trigger "{trigger.name}" never starts the playbook:'
                f" {_against(solver, [*begun, *gates])}"
            )
            span = first_span(book.only or book.excepted, trigger.span)
            hint = "change the trigger, `only` or `except`"
            yield _warning("never-starts", message, hint, span, trigger.path)


def _where(events: Events | None, trigger: Trigger, solver: Solver) -> Finding | None:
    """Return a warning where no event can pass the ``where`` of a trigger."""
    if events is None or isinstance(events.where, Always):
        return None
    goal = (events.where, Want.HOLDS)
    looks = [_of_event(solver, name) for name in events.names]
    if any(look.possible([goal]) for look in looks):
        return None
    message = f'trigger "{trigger.name}" never fires: {_against(looks[0], [goal])}'
    span = first_span(events.where, trigger.span)
    return _warning("never-starts", message, "change one of them", span, f"{trigger.path}/where")


def _of_event(solver: Solver, name: str) -> Solver:
    fields = {
        Subject(SubjectKind.FIELD, field.name): field
        for field in solver.vocabulary.events[name].fields.values()
    }
    return Solver(
        vocabulary=solver.vocabulary, catalogue=solver.catalogue, ranges=Ranges(fields=fields)
    )


def _conditions(book: Playbook, solver: Solver) -> Iterator[Finding]:
    """Yield a warning for every condition of a playbook that can't be true."""
    for what, path, span, condition in _asked_conditions(book):
        place = first_span(condition, span)
        yield from _nobody(solver, (condition, Want.HOLDS), what, place, path)


def _asked_conditions(book: Playbook) -> Iterator[tuple[str, str, Span, Condition]]:
    for stop in book.stops:
        if stop.condition is not None:
            yield "this line of stop_when", stop.path, stop.span, stop.condition
    for step in walk(book.steps):
        if not isinstance(step, Do) or step.disabled:
            continue
        if step.recheck is not None:
            what = f'`recheck` of step "{step.name}"'
            yield what, f"{step.path}/recheck", step.span, step.recheck
        if step.repeat is not None and step.repeat.until is not None:
            what = f'`until` of step "{step.name}"'
            yield what, f"{step.path}/repeat/until", step.span, step.repeat.until


def _branches(choose: Choose, solver: Solver) -> Iterator[Finding]:
    """Yield a warning for every branch that is never taken."""
    above: list[Goal] = []
    for index, branch in enumerate(choose.branches):
        if branch.condition is None:
            return
        goal = (branch.condition, Want.HOLDS)
        span = first_span(branch.condition, choose.span)
        path = f"{choose.path}/choose/{index}/if"
        which = f'branch {index + 1} of step "{choose.name}"'
        if not solver.possible([goal]):
            message = f"{which} is never taken: {_against(solver, [goal])}"
            yield _warning("unreachable", message, "change its `if`, or take it out", span, path)
        elif not solver.possible([goal, *above]):
            message = f"{which} is never taken: a branch above takes everybody whom it would take"
            yield _warning("unreachable", message, "put it above, or take it out", span, path)
        above.append((branch.condition, Want.NOT_HOLDS))
