"""Whether conditions can hold together at all: a search over the few values that matter.

Logic as in ``rules.evaluate``: Kleene's, with ``in`` two-valued. Each subject is looked at alone: what
is called impossible is impossible; that a measure can't be 5 where another is 0 is not seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from typing import assert_never

from rules.conditions import (
    All,
    Always,
    AnyOf,
    Compare,
    Condition,
    InSegment,
    IsKnown,
    Not,
    Subject,
    SubjectKind,
    Test,
    Top,
)
from rules.doubts_cells import Cells, bare, cells_of
from rules.evaluate import split_class
from rules.measures import Catalogue
from rules.steps import Asked
from rules.units import from_iso
from rules.values import Result, Shape, passes
from rules.vocabulary import FieldType, Vocabulary

__all__ = ["Box", "Goal", "Ranges", "Solver", "TooHardError", "Want"]


class Want(Enum):
    """What a condition is wanted to say."""

    HOLDS = frozenset({True})
    FAILS = frozenset({False})
    NOT_HOLDS = frozenset({False, None})
    NOT_FAILS = frozenset({True, None})


_TURNED = {
    Want.HOLDS: Want.FAILS,
    Want.FAILS: Want.HOLDS,
    Want.NOT_HOLDS: Want.NOT_FAILS,
    Want.NOT_FAILS: Want.NOT_HOLDS,
}

#: A condition, and what it is wanted to say.
Goal = tuple[Condition, Want]


@dataclass(frozen=True, slots=True)
class _Outcome:
    """The customer has this value in this class; None: none."""

    name: str
    value: str | None


_Step = Goal | _Outcome
_Way = tuple[_Step, ...]

#: Subject -> the values that are still possible. Subjects that are not in it are free.
Box = Mapping[Subject, tuple[Result, ...]]


class TooHardError(Exception):
    """The search was given up: nothing is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranges:
    """What is known of subjects beside attributes and measures."""

    fields: Mapping[Subject, FieldType] = field(default_factory=dict)
    asked: Mapping[Subject, Asked] = field(default_factory=dict)


#: Months differ in length, so what is impossible has to be so in each of a year, and at its ends.
_DAYS = (
    *(f"2025-{month:02}-15T12:00" for month in (6, 3, 5, 9, 1, 2, 4, 7, 8, 10, 11, 12)),
    *("2025-03-31T12:00", "2024-02-29T12:00"),
)
_BUDGET = 4_000  #: steps of one search
_EVERYBODY, _KNOWN = Always(), IsKnown()  # one each: what was looked at is known by identity


@dataclass(frozen=True, kw_only=True)
class Solver:
    """Looks for values with which goals come true. Goals name definitions of ``catalogue``."""

    vocabulary: Vocabulary
    catalogue: Catalogue
    ranges: Ranges = field(default_factory=Ranges)

    @cached_property
    def days(self) -> tuple[int, ...]:
        """The instants at which the question is asked."""
        return tuple(from_iso(day, self.vocabulary.timezone) for day in _DAYS)

    def possible(self, goals: Sequence[Goal]) -> bool:
        """Return whether some customer can exist for whom all goals come true; True if in doubt."""
        try:
            return any(next(self.boxes(goals, at=at), None) is not None for at in self.days)
        except TooHardError:
            return True

    def boxes(self, goals: Sequence[Goal], *, at: int) -> Iterator[Box]:
        """Yield what subjects may be, one alternative after the other. Raises TooHardError."""
        search = _Search(solver=self, at=at, tests=self._tests(goals))
        yield from search.boxes(tuple(goals), {}, (), frozenset())

    def core(self, goals: Sequence[Goal]) -> list[Goal]:
        """Return a few of some impossible goals that are impossible already."""
        left = list(goals)
        for goal in goals:
            without = [each for each in left if each is not goal]
            if not self.possible(without):
                left = without
        return left

    def _tests(self, goals: Iterable[Goal]) -> Mapping[Subject, list[Test]]:
        """Return every test that may be asked, by subject."""
        found: dict[Subject, list[Test]] = {}
        waiting: list[Condition] = [condition for condition, _ in goals]
        seen: set[str] = set()
        while waiting:
            condition = waiting.pop()
            match condition:
                case All() | AnyOf():
                    waiting += condition.parts
                case Not():
                    waiting.append(condition.part)
                case InSegment():
                    waiting += self._behind(condition.names, seen)
                case Compare():
                    found.setdefault(condition.subject, []).append(condition.test)
                    plain = bare(condition.test)
                    if isinstance(plain, Top):
                        waiting += self._behind((plain.segment,), seen)
                    if condition.subject.kind is SubjectKind.CLASS:
                        waiting += self._behind((condition.subject.name,), seen)
                case Always():
                    pass
                case _:
                    assert_never(condition)
        return found

    def _behind(self, names: Iterable[str], seen: set[str]) -> Iterator[Condition]:
        for name in names:
            head = name if name in self.catalogue.segments else name.partition(".")[0]
            if head in seen:
                continue
            seen.add(head)
            if head in self.catalogue.segments:
                yield self.catalogue.segments[head].condition
                continue
            found = self.catalogue.classes[head]
            yield from (value.condition for value in found.values if value.condition)
            if found.of is not None:
                yield InSegment(names=(found.of,))


@dataclass(slots=True, kw_only=True)
class _Search:
    """One search at one instant."""

    solver: Solver
    at: int
    tests: Mapping[Subject, list[Test]]
    cells: dict[Subject, Cells | None] = field(default_factory=dict)
    left: int = _BUDGET

    def boxes(
        self, todo: _Way, box: Box, choices: tuple[tuple[_Way, ...], ...], done: frozenset[object]
    ) -> Iterator[Box]:
        """Yield what is left possible once all of ``todo`` and one way of each choice came true."""
        waiting = list(todo)
        while waiting:
            step = waiting.pop()
            self.left -= 1
            if self.left < 0:
                raise TooHardError
            key = _key(step)
            if key in done:
                continue
            done |= {key}
            if isinstance(step, _Outcome):
                subject = Subject(SubjectKind.CLASS, step.name)
                if subject in box and step.value not in box[subject]:
                    return
                box = {**box, subject: (step.value,)}
                ways: tuple[_Way, ...] = tuple(self._outcome_ways(step))
            elif isinstance(step[0], Compare) and step[0].subject.kind is not SubjectKind.CLASS:
                narrowed, ways = self._narrowed(step[0], step[1], box)
                if narrowed is None:
                    return
                box = narrowed
            else:
                ways = tuple(self._ways(step[0], step[1]))
            if not ways:
                return
            if len(ways) == 1:
                waiting += ways[0]
            else:
                choices = (*choices, ways)
        if not choices:
            yield box
            return
        first = min(range(len(choices)), key=lambda index: len(choices[index]))
        rest = choices[:first] + choices[first + 1 :]
        for way in choices[first]:
            yield from self.boxes(way, box, rest, done)

    def _ways(self, condition: Condition, want: Want) -> Iterator[_Way]:
        """Yield the ways in which a condition says what is wanted; an empty way: it does already."""
        match condition:
            case Always():
                if True in want.value:
                    yield ()
            case All() | AnyOf():
                parts = tuple((part, want) for part in condition.parts)
                together = want in (Want.HOLDS, Want.NOT_FAILS)
                if together is isinstance(condition, All):
                    yield parts
                else:
                    yield from ((part,) for part in parts)
            case Not():
                yield ((condition.part, _TURNED[want]),)
            case InSegment():
                members = [self._member(name, want) for name in condition.names]
                if want in (Want.HOLDS, Want.NOT_FAILS):
                    yield from ((step,) for each in members for step in each)
                else:
                    yield from _together(members)
            case Compare():
                yield from self._class_ways(condition, want)
            case _:
                assert_never(condition)

    def _member(self, name: str, want: Want) -> tuple[_Step, ...]:
        """Return the alternatives that make somebody a member of a segment, or none."""
        inside = want in (Want.HOLDS, Want.NOT_FAILS)
        classed = split_class(self.solver.catalogue, name)
        if classed is None:
            condition = self.solver.catalogue.segments[name].condition
            return ((condition, Want.HOLDS if inside else Want.NOT_HOLDS),)
        found, word = classed
        outcomes = [*(value.value for value in found.values), None]
        return tuple(_Outcome(found.name, each) for each in outcomes if (each == word) is inside)

    def _class_ways(self, leaf: Compare, want: Want) -> Iterator[_Way]:
        found = self.solver.catalogue.classes[leaf.subject.name]
        for word in (*(value.value for value in found.values), None):
            verdict = passes(leaf.test, word, Shape.TEXT, at=self.at, tz="UTC", top=lambda _: None)
            if verdict in want.value:
                yield (_Outcome(found.name, word),)

    def _outcome_ways(self, outcome: _Outcome) -> Iterator[_Way]:
        """Yield the ways to get a value of a class: the first condition that holds gives it."""
        found = self.solver.catalogue.classes[outcome.name]
        of: _Way = ((InSegment(names=(found.of,)), Want.HOLDS),) if found.of else ()
        before: _Way = ()
        for item in found.values:
            condition = item.condition or _EVERYBODY
            if item.value == outcome.value:
                yield (*of, *before, (condition, Want.HOLDS))
            before = (*before, (condition, Want.NOT_HOLDS))
        if outcome.value is None:
            yield (*of, *before)
            if found.of:
                yield ((InSegment(names=(found.of,)), Want.NOT_HOLDS),)

    def _narrowed(self, leaf: Compare, want: Want, box: Box) -> tuple[Box | None, tuple[_Way, ...]]:
        """Return the box with what a comparison leaves of its subject; None where nothing is left."""
        subject, plain = leaf.subject, bare(leaf.test)
        if isinstance(plain, Top):
            return box, tuple(self._top_ways(leaf, plain, want))
        if subject not in self.cells:
            solver = self.solver
            self.cells[subject] = cells_of(
                subject, self.tests.get(subject, ()), solver.vocabulary, solver.catalogue,
                at=self.at, fields=solver.ranges.fields, asked=solver.ranges.asked,
            )  # fmt: skip
        cells = self.cells[subject]
        if cells is None:
            return box, ((),)
        tz = self.solver.vocabulary.timezone
        kept = tuple(
            value
            for value in box.get(subject, cells.values)
            if passes(leaf.test, value, cells.shape, at=self.at, tz=tz) in want.value
        )
        return ({**box, subject: kept} if kept else None), ((),)

    def _top_ways(self, leaf: Compare, top: Top, want: Want) -> Iterator[_Way]:
        """Yield what being among the best asks of a customer; who else there is, is open."""
        if want is Want.HOLDS and leaf.test is top:
            known = replace(leaf, test=_KNOWN)
            yield ((InSegment(names=(top.segment,)), Want.HOLDS), (known, Want.HOLDS))
        else:
            yield ()


def _key(step: _Step) -> object:
    if isinstance(step, _Outcome):
        return step
    condition, want = step
    if isinstance(condition, Compare):
        return (condition.subject, id(condition.test), want)
    if isinstance(condition, InSegment):
        return (condition.names, want)
    return (id(condition), want)


def _together(members: Sequence[tuple[_Step, ...]]) -> Iterator[_Way]:
    """Yield every way to take one alternative of each member."""
    ways: list[_Way] = [()]
    for each in members:
        ways = [(*way, step) for way in ways for step in each]
    yield from ways
