"""An example customer: a history in which given conditions come true, as the evaluator says.

From the values that a solver leaves, events and attributes are made that give them; the evaluator
then judges the whole. What it does not call true is no example.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import islice
from math import ceil

from rules.conditions import Always, Subject, SubjectKind
from rules.doubts_parts import moved, plain_value, ranks_of, reach
from rules.doubts_solver import Box, Goal, Ranges, Solver, TooHardError, Want
from rules.evaluate import Evaluator, RankKey
from rules.history import AttributeVersion, Datum, Event, History
from rules.measures import (
    Aggregate,
    Change,
    Changed,
    Events,
    Fold,
    Measure,
    NamedMeasure,
    OpenItems,
    Ratio,
    TimeTo,
)
from rules.trace import show, show_field
from rules.units import SCALE
from rules.values import Amount, Result
from rules.windows import BEGINNING, bound

__all__ = ["Example", "example"]

_BOXES = 8  #: alternatives of the solver that are tried
_PICKS = 4  #: values that are tried in each
_MOST_EVENTS = 400
_HOUR = 3_600_000_000
_DAY = 24 * _HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A customer whom an evaluator calls true, and the values that matter."""

    history: History
    at: int
    told: str  #: ``tier A, orders_60d 5``
    ranks: dict[RankKey, int | None]


def example(solver: Solver, goals: Sequence[Goal]) -> Example | None:
    """Return a customer for whom all goals come true; None where none was found."""
    at = solver.days[0]
    try:
        for box in islice(solver.boxes(goals, at=at), _BOXES):
            for turn in range(_PICKS):
                found = _tried(solver, goals, box, turn, at)
                if found is not None:
                    return found
    except TooHardError:
        pass
    return None


def _tried(solver: Solver, goals: Sequence[Goal], box: Box, turn: int, at: int) -> Example | None:
    story = _Story(solver=solver, at=at)
    wanted = {
        subject: _pick(values, turn)
        for subject, values in box.items()
        if subject.kind in (SubjectKind.ATTRIBUTE, SubjectKind.MEASURE)
    }
    if not story.tell(wanted):
        return None
    person = story.person()
    if not all(person.verdict(condition) in want.value for condition, want in goals):
        return None
    shown = (_shown(person, subject) for subject in wanted)
    return Example(
        history=story.history(), at=at, told=", ".join(each for each in shown if each),
        ranks=story.ranks,
    )  # fmt: skip


def _pick(values: tuple[Result, ...], turn: int) -> Result:
    """Return the plainest value, on later turns others: known ones, near to nothing, first."""
    ordered = sorted(values, key=_plainness)
    return ordered[turn % len(ordered)] if turn < _PICKS - 1 else ordered[-1]


def _plainness(value: Result) -> tuple[int, Fraction]:
    if value is None:
        return 2, Fraction(0)
    if isinstance(value, Amount):
        return int(value.value.denominator != 1), abs(value.value)
    return 0, Fraction(0)


def _shown(person: Evaluator, subject: Subject) -> str:
    tz = person.vocabulary.timezone
    if subject.kind is SubjectKind.MEASURE:
        named = person.catalogue.measures[subject.name]
        return f"{subject.name} {show(person.measure(subject.name), named.quantity, tz)}"
    kind, held = person.field(subject)
    return f"{subject.name} {show_field(held, kind.kind, tz)}" if kind else ""


@dataclass(slots=True, kw_only=True)
class _Story:
    """A history in the making."""

    solver: Solver
    at: int
    events: list[Event] = field(default_factory=list)
    versions: dict[str, list[AttributeVersion]] = field(default_factory=dict)
    ranks: dict[RankKey, int | None] = field(default_factory=dict)

    def tell(self, wanted: dict[Subject, Result]) -> bool:
        """Make each subject what is wanted, short windows first; False where one can't be."""
        self.ranks = ranks_of(self.solver.catalogue)
        for subject, value in wanted.items():
            if subject.kind is SubjectKind.ATTRIBUTE:
                self._attribute(subject.name, value)
        measures = self.solver.catalogue.measures
        named = [
            (measures[subject.name], value)
            for subject, value in wanted.items()
            if subject.kind is SubjectKind.MEASURE
        ]
        named.sort(key=lambda pair: (reach(pair[0].measure, self.at, self.tz), pair[0].name))
        return all(self._measure(each, value) for each, value in named)

    @property
    def tz(self) -> str:
        return self.solver.vocabulary.timezone

    def history(self) -> History:
        """Return what was told so far."""
        versions = sorted(
            (each for found in self.versions.values() for each in found),
            key=lambda each: (each.name, each.at, each.id),
        )
        ordered = sorted(self.events, key=lambda each: (each.at, each.id))
        return History(customer="c1", events=tuple(ordered), attributes=tuple(versions))

    def person(self) -> Evaluator:
        """Return the evaluator of the customer as told so far."""
        return Evaluator(
            self.solver.vocabulary, self.solver.catalogue,
            at=self.at, history=self.history(), ranks=self.ranks,
        )  # fmt: skip

    def _attribute(self, name: str, value: Result) -> None:
        if value is not None:
            held = value.num if isinstance(value, Amount) else value
            self.versions[name] = [AttributeVersion(name=name, at=self.at - 900 * _DAY, value=held)]

    def _measure(self, named: NamedMeasure, value: Result) -> bool:
        if isinstance(value, Amount) and named.per_month:
            value = Amount(value.num * named.per_month, value.den)
        return self._make(named.measure, value, named)

    def _make(self, measure: Measure, value: Result, named: NamedMeasure) -> bool:
        """Add what gives a measure a value; False where it can't be given."""
        now = self.person().timeline.value(replace(named, measure=measure, per_month=None))
        if now == value or _same(now, value):
            return True
        if value is None:
            return False
        match measure:
            case Aggregate():
                return self._aggregate(measure, value, now)
            case Ratio():
                return isinstance(value, Amount) and self._ratio(measure, value.value)
            case TimeTo():
                return isinstance(value, Amount) and self._time(measure, value.value)
            case OpenItems():
                return isinstance(value, Amount) and self._open(measure, value.value)
            case Changed():
                return isinstance(value, int) and self._changed(measure, value)
            case Change():
                return isinstance(value, Amount) and self._change(measure, value.value, named)

    # Each kind of measure

    def _aggregate(self, measure: Aggregate, value: Result, now: Result) -> bool:
        low, high = self._edges(measure)
        early = low + 1 if low != BEGINNING else high - 300 * _DAY
        fold = measure.fold
        if fold in (Fold.FIRST_TIME, Fold.LAST_TIME):
            return isinstance(value, int) and self._add(measure.events, value)
        if not isinstance(value, Amount):
            at = high if fold is Fold.LAST_VALUE else early
            held = value if isinstance(value, str | bool | int) else None
            return held is not None and self._add(measure.events, at, self._held(measure, held))
        number = value.value
        before = now.value if isinstance(now, Amount) else Fraction(0)
        if fold in (Fold.COUNT, Fold.DISTINCT, Fold.MONTHS_WITH):
            return self._counted(measure, number - before, low, high)
        if fold is Fold.SUM:
            number -= before
        if (number * SCALE).denominator != 1:
            return False
        held = int(number * SCALE)
        at = high if fold is Fold.LAST_VALUE else early
        times = max(1, measure.needs or 0)
        return all(self._add(measure.events, at, self._held(measure, held)) for _ in range(times))

    def _counted(self, measure: Aggregate, more: Fraction, low: int, high: int) -> bool:
        if more < 0 or more.denominator != 1 or more > _MOST_EVENTS:
            return False
        if measure.fold is Fold.MONTHS_WITH:
            spots = [high - 30 * _DAY * step - _HOUR for step in range(int(more))]
            return all(spot > low and self._add(measure.events, spot) for spot in spots)
        room = (high - low) // 3 if low != BEGINNING else 500 * _DAY
        start = low if low != BEGINNING else high - 2 * room
        gap = max(1, min(_HOUR, room // (int(more) + 1)))
        for step in range(int(more)):
            extra: dict[str, dict[str, Datum]] = {}
            if measure.fold is Fold.DISTINCT:
                extra = self._distinct(measure, step)
            if not self._add(measure.events, start + gap * (step + 1), extra):
                return False
        return True

    def _ratio(self, measure: Ratio, share: Fraction) -> bool:
        low, high = self._edges(measure)
        whole = share.denominator * ceil(max(1, measure.needs or 0) / share.denominator)
        part = share * whole
        if (part > whole and measure.same) or whole > _MOST_EVENTS:
            return False
        start = low if low != BEGINNING else high - 30 * _DAY
        gap = max(1, min(_HOUR, (high - start) // (whole + 2)))
        for step in range(whole):
            at = start + gap * (step + 1)
            same = self._same_value(measure.whole, measure.same, step)
            if not self._add(measure.whole, at, same):
                return False
        for step in range(int(part)):
            same = self._same_value(measure.part, measure.same, step)
            if not self._add(measure.part, start + gap * (step + 1) + 1, same):
                return False
        return True

    def _time(self, measure: TimeTo, length: Fraction) -> bool:
        low, high = self._edges(measure)
        times = max(1, measure.needs or 0)
        begun = max(low + 1, high - ceil(length) - _DAY)
        for step in range(times):
            same = self._same_value(measure.start, measure.same, step)
            ends = self._same_value(measure.end, measure.same, step)
            if not self._add(measure.start, begun, same):
                return False
            if not self._add(measure.end, begun + int(length), ends):
                return False
        return True

    def _open(self, measure: OpenItems, number: Fraction) -> bool:
        low, high = self._edges(measure)
        if number.denominator != 1 or number > _MOST_EVENTS:
            return False
        start = max(low + 1, high - _DAY)
        spots = range(int(number))
        return all(
            self._add(measure.opened, start + step, self._same_value(measure.opened, measure.same, step))
            for step in spots
        )  # fmt: skip

    def _changed(self, measure: Changed, at: int) -> bool:
        declared = self.solver.vocabulary.attributes[measure.attribute]
        held = self.versions.get(measure.attribute)
        last = held[-1].value if held else plain_value(declared.kind, declared.words, 1)
        other = plain_value(declared.kind, declared.words, 0)
        if other == last:
            other = plain_value(declared.kind, declared.words, 1)
        if other == last:
            return False
        name = measure.attribute
        self.versions[name] = [
            AttributeVersion(name=name, at=at - 900 * _DAY, value=other),
            AttributeVersion(name=name, at=at, value=last),
        ]
        return True

    def _change(self, measure: Change, change: Fraction, named: NamedMeasure) -> bool:
        of = measure.of
        if isinstance(of, Change | Changed) or of.window.last is None:
            return False
        needs = max(1, measure.needs or 0)
        if measure.relative:
            whole = change.denominator * ceil(needs / change.denominator)
            before, after = Fraction(whole), Fraction(whole) * (1 + change)
        else:
            before = max(Fraction(needs if measure.needs else 0), -change)
            after = before + change
        if after < 0 or before > _MOST_EVENTS:
            return False
        earlier = moved(of)
        return (
            earlier is not None
            and self._make(of, Amount(after.numerator, after.denominator), named)
            and self._make(earlier, Amount(before.numerator, before.denominator), named)
        )

    # Events

    def _edges(self, measure: Aggregate | Ratio | TimeTo | OpenItems) -> tuple[int, int]:
        high = bound(self.at, measure.window, 0, self.tz)
        return bound(self.at, measure.window, 1, self.tz), high

    def _add(
        self, events: Events, at: int, extra: dict[str, dict[str, Datum]] | None = None
    ) -> bool:
        """Add one event that is meant, with further fields by its kind."""
        if len(self.events) >= _MOST_EVENTS:
            return False
        for name in events.names:
            fields = self._where(events, name)
            if fields is None or (extra and name not in extra):
                continue
            own = {**fields, **(extra or {}).get(name, {})}
            identity = f"e{len(self.events):04}"
            self.events.append(Event(id=identity, name=name, at=at, fields=own))
            return True
        return False

    def _where(self, events: Events, name: str) -> dict[str, Datum] | None:
        """Return fields with which an event passes the ``where``; None where none were found."""
        if isinstance(events.where, Always):
            return {}
        kind = self.solver.vocabulary.events[name]
        types = {Subject(SubjectKind.FIELD, each.name): each for each in kind.fields.values()}
        inner = Solver(
            vocabulary=self.solver.vocabulary, catalogue=self.solver.catalogue,
            ranges=Ranges(fields=types),
        )  # fmt: skip
        box = next(inner.boxes([(events.where, Want.HOLDS)], at=self.at), None)
        if box is None:
            return None
        picked = {subject.name: _pick(values, 0) for subject, values in box.items()}
        return {
            key: value.num if isinstance(value, Amount) else value
            for key, value in picked.items()
            if value is not None
        }

    def _held(self, measure: Aggregate, held: Datum) -> dict[str, dict[str, Datum]]:
        return {event: {own: held} for event, own in measure.fields.items()}

    def _distinct(self, measure: Aggregate, step: int) -> dict[str, dict[str, Datum]]:
        found: dict[str, dict[str, Datum]] = {}
        for event, own in measure.fields.items():
            declared = self.solver.vocabulary.events[event].fields.get(own)
            if declared is not None:
                found[event] = {own: plain_value(declared.kind, declared.words, step)}
        return found

    def _same_value(
        self, events: Events, same: str | None, step: int
    ) -> dict[str, dict[str, Datum]] | None:
        """Return the field that ties events together, the same for equal steps."""
        if same is None:
            return None
        found: dict[str, dict[str, Datum]] = {}
        for name in events.names:
            declared = self.solver.vocabulary.events[name].fields.get(same)
            if declared is not None:
                found[name] = {same: plain_value(declared.kind, declared.words, step)}
        return found


def _same(now: Result, value: Result) -> bool:
    return isinstance(now, Amount) and isinstance(value, Amount) and now.value == value.value
