"""The few values of a subject that tell all its tests apart.

Tests cut the range of a number, instant or word into parts; inside of one part every test says the
same. One value of each part is therefore enough to try.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, pairwise
from math import ceil, floor

from rules.conditions import Between, Bound, Has, Moment, NotTest, OneOf, Subject, SubjectKind, Test
from rules.measures import (
    Aggregate,
    Catalogue,
    Change,
    Fold,
    Measure,
    NamedMeasure,
    OpenItems,
    Quantity,
    Ratio,
    TimeTo,
)
from rules.steps import Asked, AskedKind
from rules.units import SCALE
from rules.values import (
    Amount,
    Result,
    Shape,
    moment_bounds,
    shape_of_field,
    shape_of_quantity,
    threshold,
)
from rules.vocabulary import FieldKind, FieldType, Vocabulary
from rules.windows import day_mark, mark

__all__ = ["Cells", "bare", "cells_of"]

#: More words than these are not tried in all their sets.
_MOST_WORDS = 6
#: Stands for every word that no test names.
ANOTHER = "其他"
_COUNTS = (Fold.COUNT, Fold.DISTINCT, Fold.MONTHS_WITH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """How a subject compares, and one value for each part of its range; None: unknown."""

    shape: Shape
    values: tuple[Result, ...]


def bare(test: Test) -> Test:
    """Return a test without its *not*s."""
    while isinstance(test, NotTest):
        test = test.test
    return test


def cells_of(
    subject: Subject,
    tests: Iterable[Test],
    vocabulary: Vocabulary,
    catalogue: Catalogue,
    *,
    at: int,
    fields: Mapping[Subject, FieldType] | None = None,
    asked: Mapping[Subject, Asked] | None = None,
) -> Cells | None:
    """Return the values to try, or None where nothing is known of the subject's range.

    ``fields`` and ``asked`` tell of fields of events and of what tasks ask for.
    """
    plain = [bare(test) for test in tests]
    question = (asked or {}).get(subject)
    if question is not None and question.kind is AskedKind.SCALE:
        marks = range(question.low, question.high + 1)
        return Cells(
            shape=Shape.AMOUNT, values=(*(_scaled(Fraction(mark)) for mark in marks), None)
        )
    if subject.kind is SubjectKind.MEASURE:
        named = catalogue.measures[subject.name]
        shape = shape_of_quantity(named.quantity)
        values = _of_measure(named, shape, plain, vocabulary, at)
        return Cells(shape=shape, values=values)
    field = (fields or {}).get(subject)
    if subject.kind is SubjectKind.ATTRIBUTE:
        field = vocabulary.attributes.get(subject.name)
    if field is None:
        return None
    shape = shape_of_field(field.kind)
    found = _of_field(field, shape, plain, vocabulary, at)
    return None if found is None else Cells(shape=shape, values=(*found, None))


def _of_field(
    field: FieldType, shape: Shape, tests: list[Test], vocabulary: Vocabulary, at: int
) -> tuple[Result, ...] | None:
    match field.kind:
        case FieldKind.NUMBER:
            scaled = {round(number * SCALE) for number in _numbers(tests)}
            return tuple(Amount(value, SCALE) for value in sorted(scaled))
        case FieldKind.WORD:
            return field.words
        case FieldKind.WORDS:
            if len(field.words) > _MOST_WORDS:
                return None
            sizes = range(len(field.words) + 1)
            return tuple(
                tuple(sorted(each)) for size in sizes for each in combinations(field.words, size)
            )
        case FieldKind.TEXT:
            return (*_words(tests), ANOTHER)
        case FieldKind.YES_NO:
            return (True, False)
        case FieldKind.DATE | FieldKind.INSTANT:
            return _instants(tests, shape, vocabulary.timezone, at)


def _of_measure(
    named: NamedMeasure, shape: Shape, tests: list[Test], vocabulary: Vocabulary, at: int
) -> tuple[Result, ...]:
    unknown = () if _always_known(named.measure) else (None,)
    match shape:
        case Shape.AMOUNT:
            whole = _is_count(named.measure) and named.per_month is None
            low, high = _range(named.measure)
            ends = [end for end in (low, high) if end is not None]
            cuts = _numbers(tests, ends)
            numbers = sorted(_whole(cuts) if whole else cuts)
            kept = [n for n in numbers if (low is None or n >= low) and (high is None or n <= high)]
            values = (*(Amount(n.numerator, n.denominator) for n in kept),)
            return (*values, *unknown)
        case Shape.INSTANT:
            until = at if named.quantity is Quantity.INSTANT else None
            found = _instants(tests, shape, vocabulary.timezone, at)
            return (*(x for x in found if until is None or x <= until), *unknown)
        case Shape.DATE:
            return (*_instants(tests, shape, vocabulary.timezone, at), *unknown)
        case Shape.YES_NO:
            return (True, False, *unknown)
        case _:
            return (*_words(tests), ANOTHER, *unknown)


def _is_count(measure: Measure) -> bool:
    if isinstance(measure, Change):
        return not measure.relative and _is_count(measure.of)
    return isinstance(measure, OpenItems) or (
        isinstance(measure, Aggregate) and measure.fold in _COUNTS
    )


def _always_known(measure: Measure) -> bool:
    if isinstance(measure, Aggregate):
        return measure.fold in (*_COUNTS, Fold.SUM) and not measure.needs
    return isinstance(measure, OpenItems)


def _range(measure: Measure) -> tuple[Fraction | None, Fraction | None]:
    """Return the least and the greatest value that a measure can have; None: no such bound."""
    zero = Fraction(0)
    if isinstance(measure, Change):
        never_below = _range(measure.of)[0] == zero
        return (Fraction(-1) if measure.relative and never_below else None, None)
    if isinstance(measure, Ratio):
        return zero, Fraction(1) if measure.same else None
    if isinstance(measure, TimeTo) or _is_count(measure):
        return zero, None
    return None, None


def _limits(tests: Iterable[Test]) -> Iterator[Fraction]:
    for test in tests:
        match test:
            case Bound():
                yield from _exact(test.value)
            case Between():
                yield from _exact(test.low)
                yield from _exact(test.high)
            case OneOf():
                for value in test.values:
                    if not isinstance(value, str | bool):
                        yield from _exact(value)
            case _:
                pass


def _exact(value: Fraction | int) -> Iterator[Fraction]:
    found = threshold(value)
    if found is not None:
        yield found


def _numbers(tests: Iterable[Test], ends: Iterable[Fraction] = ()) -> set[Fraction]:
    """Return every limit, a number between each two, and one beyond at both ends."""
    limits = sorted({*_limits(tests), *ends, Fraction(0)})
    between = {(low + high) / 2 for low, high in pairwise(limits)}
    return {*limits, *between, limits[0] - 1, limits[-1] + 1}


def _whole(numbers: Iterable[Fraction]) -> set[Fraction]:
    """Return the whole numbers at and beside each number."""
    return {
        Fraction(near)
        for number in numbers
        for near in (floor(number) - 1, floor(number), ceil(number), ceil(number) + 1)
    }


def _words(tests: Iterable[Test]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for test in tests:
        if isinstance(test, OneOf | Has):
            found |= {value: None for value in test.values if isinstance(value, str)}
    return tuple(found)


def _instants(tests: list[Test], shape: Shape, tz: str, at: int) -> tuple[int, ...]:
    """Return instants or days: each mark of a test, one between each two, and beyond both ends."""
    move = day_mark if shape is Shape.DATE else mark
    marks = {move(at, None, tz, back=True)}
    for test in tests:
        if isinstance(test, Moment):
            bounds = moment_bounds(test, date=shape is Shape.DATE)
            for end in (bounds.low, bounds.high):
                if end is not None:
                    marks.add(move(at, end[0], tz, back=end[1]))
    marks |= {int(limit) for limit in _limits(tests)}
    ordered = sorted(marks)
    between = {(low + high) // 2 for low, high in pairwise(ordered)}
    far = 400 if shape is Shape.DATE else 400 * 86_400_000_000
    return tuple(sorted({*ordered, *between, ordered[0] - far, ordered[-1] + far}))


def _scaled(number: Fraction) -> Amount:
    return Amount(int(number * SCALE), SCALE)
