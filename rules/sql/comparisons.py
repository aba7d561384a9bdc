"""What a test says of a value, in SQL: the twin of ``rules.values.passes``. NULL is unknown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import assert_never

from sqlglot import exp

from rules.columns import SEPARATOR
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
from rules.sql.binds import Binds, Constant, DayMark, Mark
from rules.sql.build import all_of, any_of, case_of, fallback, huge, is_set, negated, number
from rules.values import Shape, moment_bounds, threshold

__all__ = ["SqlValue", "ranked", "test_value"]


@dataclass(frozen=True, slots=True)
class SqlValue:
    """A value in SQL; NULL is unknown. Of an AMOUNT ``this`` is the numerator."""

    shape: Shape
    this: exp.Expr
    den: exp.Expr | None = None  #: of an AMOUNT, positive


def test_value(
    test: Test, value: SqlValue, binds: Binds, top: Callable[[Top, SqlValue], exp.Expr] | None
) -> exp.Expr:
    """Return the verdict of a test on a value as a boolean, NULL for unknown.

    Without ``top`` a Top raises ValueError.
    """
    known = is_set(value.this)
    match test:
        case IsKnown():
            return known
        case IsUnknown():
            return exp.Is(this=value.this, expression=exp.null())
        case NotTest():
            return negated(test_value(test.test, value, binds, top))
        case Top():
            if top is None:
                raise ValueError("top stands only where a population is")
            return top(test, value)
        case OneOf():
            equal = [_equal(constant, value, binds) for constant in test.values]
            fitting = [each for each in equal if each is not None]
            return any_of(fitting) if fitting else _misfit(known)
        case Bound():
            return _holds(value, test.op, test.value, binds) or _misfit(known)
        case Between():
            low = _holds(value, Op.AT_LEAST, test.low, binds)
            high = _holds(value, Op.AT_MOST, test.high, binds)
            return _misfit(known) if low is None or high is None else all_of([low, high])
        case Has():
            if value.shape is not Shape.WORDS or not test.values:
                return _misfit(known)
            return any_of(_holds_word(value, word, binds) for word in test.values)
        case Moment():
            return _moment(test, value, binds) if _is_time(value) else _misfit(known)
        case _:
            assert_never(test)


def _is_time(value: SqlValue) -> bool:
    return value.shape in (Shape.INSTANT, Shape.DATE)


def _misfit(known: exp.Expr) -> exp.Expr:
    """Return false of every known value."""
    return case_of(known, exp.false())


def _equal(constant: Value, value: SqlValue, binds: Binds) -> exp.Expr | None:
    if isinstance(constant, bool):
        if value.shape is not Shape.YES_NO:
            return None
        return exp.EQ(this=value.this, expression=exp.convert(constant))
    if isinstance(constant, str):
        if value.shape is not Shape.TEXT:
            return None
        return exp.EQ(this=value.this, expression=binds(Constant(constant)))
    pair = _pair(value, constant, binds)
    return None if pair is None else exp.EQ(this=pair[0], expression=pair[1])


def _pair(value: SqlValue, constant: Value, binds: Binds) -> tuple[exp.Expr, exp.Expr] | None:
    """Return both sides of a comparison, multiplied out: no division, 128 bits."""
    limit = threshold(constant)
    if limit is None:
        return None
    left: exp.Expr = value.this
    if value.shape is Shape.AMOUNT:
        assert value.den is not None
        right: exp.Expr = exp.Mul(this=value.den, expression=binds(Constant(limit.numerator)))
    elif _is_time(value):
        left, right = huge(left), huge(binds(Constant(limit.numerator)))
    else:
        return None
    if limit.denominator != 1:
        left = exp.Mul(this=left, expression=binds(Constant(limit.denominator)))
    return left, right


_COMPARISONS = {Op.AT_LEAST: exp.GTE, Op.AT_MOST: exp.LTE, Op.ABOVE: exp.GT, Op.BELOW: exp.LT}


def _holds(value: SqlValue, op: Op, limit: Fraction, binds: Binds) -> exp.Expr | None:
    pair = _pair(value, limit, binds)
    return None if pair is None else _COMPARISONS[op](this=pair[0], expression=pair[1])


def _holds_word(value: SqlValue, word: str, binds: Binds) -> exp.Expr:
    marked = binds(Constant(SEPARATOR + word + SEPARATOR))
    return exp.GT(this=exp.StrPosition(this=value.this, substr=marked), expression=number(0))


def _moment(test: Moment, value: SqlValue, binds: Binds) -> exp.Expr:
    date = value.shape is Shape.DATE
    bind = DayMark if date else Mark
    bounds = moment_bounds(test, date=date)
    parts: list[exp.Expr] = []
    if bounds.low is not None:
        comparison = exp.GTE if bounds.closed else exp.GT
        low = binds(bind(bounds.low[0], bounds.low[1]))
        parts.append(comparison(this=value.this, expression=low))
    if bounds.high is not None:
        high = binds(bind(bounds.high[0], bounds.high[1]))
        parts.append(exp.LTE(this=value.this, expression=high))
    return all_of(parts)


def ranked(value: SqlValue) -> exp.Expr | None:
    """Return what ``top`` ranks by, the twin of ``rules.values.rank_value``; None: no number."""
    if _is_time(value):
        return huge(value.this)
    if value.shape is not Shape.AMOUNT or value.den is None:
        return None
    # round6: floor, then the remainder decides; % keeps the sign of the left side.
    scaled = exp.Mul(this=value.this, expression=number(1_000_000))
    den = value.den
    rest = exp.Mod(
        this=exp.Paren(
            this=exp.Add(
                this=exp.Mod(this=exp.Paren(this=scaled), expression=den),
                expression=den,
            )
        ),
        expression=den,
    )
    whole = exp.IntDiv(
        this=exp.Paren(this=exp.Sub(this=scaled, expression=exp.Paren(this=rest))),
        expression=den,
    )
    twice = exp.Mul(this=number(2), expression=exp.Paren(this=rest))
    odd = exp.NEQ(
        this=exp.Mod(this=exp.Paren(this=whole), expression=number(2)), expression=number(0)
    )
    half = all_of([exp.EQ(this=twice, expression=den), odd])
    up = any_of([exp.GT(this=twice, expression=den), half])
    return exp.Add(this=whole, expression=fallback(up, number(1), number(0)))
