"""Values as conditions see them, and what a test says of a value: true, false or unknown (None).

The one place where Python compares; ``rules.sql.comparisons`` is its twin in SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import assert_never

from rules.conditions import (
    Between,
    Bound,
    Has,
    IsKnown,
    IsUnknown,
    Moment,
    NotTest,
    OneOf,
    Op,
    Test,
    Top,
    Value,
)
from rules.history import Datum
from rules.measures import Quantity
from rules.units import SCALE, Duration, round6
from rules.vocabulary import FieldKind
from rules.windows import day_mark, mark

__all__ = [
    "Amount",
    "MomentBounds",
    "Result",
    "Shape",
    "all_of",
    "any_of",
    "moment_bounds",
    "negated",
    "passes",
    "rank_value",
    "shape_of_field",
    "shape_of_quantity",
    "threshold",
    "valued",
]


@dataclass(frozen=True, slots=True)
class Amount:
    """A number, share or mean time in natural units (times in microseconds): num / den."""

    num: int
    den: int  #: positive

    @property
    def value(self) -> Fraction:
        """The quotient."""
        return Fraction(self.num, self.den)


#: A measure's or attribute's value; None: unknown.
Result = Amount | Datum | None


class Shape(StrEnum):
    """How a value compares."""

    AMOUNT = "amount"  #: Amount
    INSTANT = "instant"  #: int
    DATE = "date"  #: int
    TEXT = "text"  #: str
    YES_NO = "yes_no"  #: bool
    WORDS = "words"  #: tuple of str
    NOTHING = "nothing"  #: a name that is not declared here: always unknown


_FIELDS = {
    FieldKind.NUMBER: Shape.AMOUNT,
    FieldKind.TEXT: Shape.TEXT,
    FieldKind.WORD: Shape.TEXT,
    FieldKind.WORDS: Shape.WORDS,
    FieldKind.YES_NO: Shape.YES_NO,
    FieldKind.DATE: Shape.DATE,
    FieldKind.INSTANT: Shape.INSTANT,
}
_QUANTITIES = {
    Quantity.NUMBER: Shape.AMOUNT,
    Quantity.SHARE: Shape.AMOUNT,
    Quantity.TIME: Shape.AMOUNT,
    Quantity.INSTANT: Shape.INSTANT,
    Quantity.TEXT: Shape.TEXT,
    Quantity.YES_NO: Shape.YES_NO,
    Quantity.DATE: Shape.DATE,
}


def shape_of_field(kind: FieldKind) -> Shape:
    """Return how values of a field compare."""
    return _FIELDS[kind]


def shape_of_quantity(quantity: Quantity) -> Shape:
    """Return how values of a measure compare."""
    return _QUANTITIES[quantity]


def valued(kind: FieldKind, held: Datum | None) -> Result:
    """Return the value behind what the log holds: a scaled number becomes an Amount."""
    if kind is FieldKind.NUMBER and held is not None:
        assert isinstance(held, int)
        return Amount(held, SCALE)
    return held


def all_of(verdicts: Iterable[bool | None]) -> bool | None:
    """Return Kleene's *and*: false where one is false, else unknown where one is unknown."""
    result: bool | None = True
    for verdict in verdicts:
        if verdict is False:
            return False
        if verdict is None:
            result = None
    return result


def any_of(verdicts: Iterable[bool | None]) -> bool | None:
    """Return Kleene's *or*: true where one is true, else unknown where one is unknown."""
    result: bool | None = False
    for verdict in verdicts:
        if verdict is True:
            return True
        if verdict is None:
            result = None
    return result


def negated(verdict: bool | None) -> bool | None:  # noqa: FBT001
    """Return Kleene's *not*: unknown stays unknown."""
    return None if verdict is None else not verdict


_FINEST = 10**9
_LARGEST = Fraction(10**24)


def threshold(value: Value) -> Fraction | None:
    """Return a constant as an exact number, or None for texts and yes/no.

    Held to 9 decimals and to 10^24, so that cross-multiplication fits 128 bits in SQL.
    """
    if isinstance(value, bool | str):
        return None
    number = Fraction(value)
    if number.denominator > _FINEST:
        number = Fraction(round(number * _FINEST), _FINEST)
    return max(-_LARGEST, min(_LARGEST, number))


@dataclass(frozen=True, slots=True)
class MomentBounds:
    """What a Moment asks of x: ``low < x`` (or <= where ``closed``) and ``x <= high``.

    Each bound is T moved by a duration, or T itself (duration None), or absent.
    """

    low: tuple[Duration | None, bool] | None  #: duration, True: back
    closed: bool
    high: tuple[Duration | None, bool] | None


def moment_bounds(test: Moment, *, date: bool) -> MomentBounds:
    """Return the bounds that a Moment sets. Raises ValueError for an unknown word."""
    far, near = test.far, test.near
    match test.word:
        case "within last":
            return MomentBounds((far or near, True), False, (None, True))  # noqa: FBT003
        case "ago":
            return MomentBounds(None, False, (near or far, True))  # noqa: FBT003
        case "between ago":
            return MomentBounds((far, True), True, (near, True))  # noqa: FBT003
        case "within next":
            return MomentBounds((None, True), date, (far or near, False))
        case word:
            raise ValueError(f"no such test of an instant: {word}")


def passes(
    test: Test,
    value: Result,
    shape: Shape,
    *,
    at: int,
    tz: str,
    top: Callable[[Top], bool | None] | None = None,
) -> bool | None:
    """Return whether a value passes a test at T: True, False, or None for unknown.

    A test that does not fit the value's shape is false of every known value. ``top`` answers
    ``Top``, which needs the population; without it a Top raises ValueError.
    """
    match test:
        case IsKnown():
            return value is not None
        case IsUnknown():
            return value is None
        case NotTest():
            return negated(passes(test.test, value, shape, at=at, tz=tz, top=top))
        case Top():
            if top is None:
                raise ValueError("top stands only where a population is")
            return top(test)
    if value is None:
        return None
    match test:
        case OneOf():
            return any(_equal(value, constant, shape) for constant in test.values)
        case Bound():
            return _holds(value, test.op, test.value)
        case Between():
            return _holds(value, Op.AT_LEAST, test.low) and _holds(value, Op.AT_MOST, test.high)
        case Has():
            return isinstance(value, tuple) and any(word in value for word in test.values)
        case Moment():
            return _moment(test, value, shape, at, tz)
        case _:
            assert_never(test)


def _equal(value: Result, constant: Value, shape: Shape) -> bool:
    if isinstance(constant, bool):
        return shape is Shape.YES_NO and value is constant
    if isinstance(constant, str):
        return shape is Shape.TEXT and value == constant
    number = threshold(constant)
    assert number is not None
    pair = _pair(value)
    return pair is not None and pair[0] * number.denominator == number.numerator * pair[1]


def _pair(value: Result) -> tuple[int, int] | None:
    if isinstance(value, Amount):
        return value.num, value.den
    if isinstance(value, int) and not isinstance(value, bool):
        return value, 1
    return None


def _holds(value: Result, op: Op, limit: Fraction) -> bool:
    pair, number = _pair(value), threshold(limit)
    if pair is None or number is None:
        return False
    left, right = pair[0] * number.denominator, number.numerator * pair[1]
    match op:
        case Op.AT_LEAST:
            return left >= right
        case Op.AT_MOST:
            return left <= right
        case Op.ABOVE:
            return left > right
        case Op.BELOW:
            return left < right
        case _:
            assert_never(op)


def _moment(test: Moment, value: Result, shape: Shape, at: int, tz: str) -> bool:
    if shape not in (Shape.INSTANT, Shape.DATE):
        return False
    assert isinstance(value, int)
    move = day_mark if shape is Shape.DATE else mark
    bounds = moment_bounds(test, date=shape is Shape.DATE)
    if bounds.low is not None:
        low = move(at, bounds.low[0], tz, back=bounds.low[1])
        if value < low or (value == low and not bounds.closed):
            return False
    return bounds.high is None or value <= move(at, bounds.high[0], tz, back=bounds.high[1])


def rank_value(value: Result) -> int | None:
    """Return what ``top`` ranks by: an amount rounded half-even to 6 decimals, times 10^6."""
    if isinstance(value, Amount):
        return round6(value.num, value.den)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return None
