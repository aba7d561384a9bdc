"""Measures in SQL: the twin of ``rules.folds``. Nothing is divided; NULL is unknown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, assert_never

from sqlglot import exp

from rules.folds import NEEDS_FIELD
from rules.measures import (
    Aggregate,
    Change,
    Changed,
    Fold,
    Measure,
    NamedMeasure,
    OpenItems,
    Quantity,
    Ratio,
    TimeTo,
)
from rules.sql.attributes import ChangedTable
from rules.sql.build import all_of, case_of, coalesce, col, counted, huge, is_set, number
from rules.sql.comparisons import SqlValue
from rules.sql.scan import Reader
from rules.sql.tables import (
    DistinctTable,
    MonthsTable,
    OpenTable,
    PlainOpenTable,
    RatioTable,
    SimpleTable,
    Table,
    TimeToTable,
    ValueTable,
    field_chooser,
)
from rules.units import SCALE
from rules.values import Shape, shape_of_quantity

__all__ = ["Measures", "Parts"]

T = TypeVar("T", bound=Table)


@dataclass(frozen=True, slots=True)
class Parts:
    """An amount not yet divided: num / (count * scale), 128 bits; ``num`` is NULL for unknown."""

    num: exp.Expr
    count: exp.Expr | None  #: positive where num is known; None: 1
    scale: int


class Measures:
    """Compiles measures into columns of sub-queries that are joined by customer."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.simple = SimpleTable("care_simple", reader)
        self._tables: dict[object, Table] = {}

    def tables(self) -> list[Table]:
        """Return the sub-queries that the compiled measures need."""
        simple: list[Table] = [self.simple] if self.simple.columns.names else []
        return simple + list(self._tables.values())

    def value(self, named: NamedMeasure) -> SqlValue:
        """Return a measure's value."""
        found = self.fold(named.measure, 0, named.quantity)
        shape = shape_of_quantity(named.quantity)
        if not isinstance(found, Parts):
            return SqlValue(shape, found, None if shape is not Shape.AMOUNT else huge(exp.null()))
        if shape is not Shape.AMOUNT:
            return SqlValue(shape, exp.null())
        scale = huge(number(found.scale * (named.per_month or 1)))
        if found.count is None:
            den = scale
        else:
            den = exp.Mul(this=exp.Paren(this=found.count), expression=scale)
        return SqlValue(shape, found.num, case_of(is_set(found.num), den))

    def fold(self, measure: Measure, step: int, quantity: Quantity) -> Parts | exp.Expr:
        """Return what a measure gives in its window, or ``step`` windows before."""
        match measure:
            case Aggregate():
                return self._aggregate(measure, step, quantity)
            case Ratio():
                part, whole = self._ratio(measure, step)
                enough = _at_least(whole, max(1, measure.needs or 0))
                return Parts(huge(case_of(enough, part)), huge(whole), 1)
            case TimeTo():
                total, count = self._answered(measure, step)
                enough = _at_least(count, max(1, measure.needs or 0))
                return Parts(huge(case_of(enough, total)), huge(count), 1)
            case OpenItems():
                return Parts(huge(self._opened(measure, step)[0]), None, 1)
            case Changed():
                return self._changed(measure)
            case Change():
                return self._change(measure, step)
            case _:
                assert_never(measure)

    def counted(self, measure: Measure, step: int) -> exp.Expr:
        """Return the number of events that count for ``needs``."""
        match measure:
            case Aggregate():
                return self._folded(measure, step, Quantity.NUMBER)
            case Ratio():
                return self._ratio(measure, step)[1]
            case TimeTo():
                return self._answered(measure, step)[1]
            case OpenItems():
                return self._opened(measure, step)[1]
            case Changed():
                return number(0)
            case Change():
                return self.counted(measure.of, step)
            case _:
                assert_never(measure)

    # Aggregates

    def _rows(
        self, measure: Aggregate, step: int, quantity: Quantity
    ) -> tuple[list[str], exp.Expr, exp.Expr]:
        """Return event names, the condition on the rows that are folded, and the folded field."""
        reader = self.reader
        chooser = field_chooser(reader, measure, quantity) if measure.fold in NEEDS_FIELD else None
        return reader.rows_of(measure.events, chooser, measure.window, step)

    def _folded(self, measure: Aggregate, step: int, quantity: Quantity) -> exp.Expr:
        """Return the number of events that are folded."""
        names, rows, _ = self._rows(measure, step, quantity)
        return self._simple(names, measure, step, counted(rows), otherwise=0)

    def _simple(
        self,
        names: list[str],
        measure: Aggregate,
        step: int,
        this: exp.Expr,
        *,
        otherwise: int | None = None,
    ) -> exp.Expr:
        found = self.simple.add(names, measure.window, step, this)
        return found if otherwise is None else coalesce(found, number(otherwise))

    def _aggregate(self, measure: Aggregate, step: int, quantity: Quantity) -> Parts | exp.Expr:
        fold = measure.fold
        names, rows, value = self._rows(measure, step, quantity)

        def simple(this: exp.Expr, *, otherwise: int | None = None) -> exp.Expr:
            return self._simple(names, measure, step, this, otherwise=otherwise)

        def needed(this: exp.Expr) -> exp.Expr:
            if not measure.needs:
                return this
            return case_of(_at_least(self._folded(measure, step, quantity), measure.needs), this)

        match fold:
            case Fold.COUNT:
                return Parts(huge(needed(self._folded(measure, step, quantity))), None, 1)
            case Fold.DISTINCT:
                key = (fold, measure.events, tuple(sorted(measure.fields.items())))
                distinct = self._table(key, lambda n: DistinctTable(n, self.reader, measure))
                found = coalesce(distinct.values(measure, step)[0], number(0))
                return Parts(huge(needed(found)), None, 1)
            case Fold.MONTHS_WITH:
                months = self._table(
                    (fold, measure.events), lambda n: MonthsTable(n, self.reader, measure.events)
                )
                found = coalesce(months.values(measure, step)[0], number(0))
                return Parts(huge(needed(found)), None, 1)
            case Fold.SUM | Fold.MEAN:
                total = simple(exp.Sum(this=case_of(rows, value)), otherwise=0)
                if fold is Fold.SUM:
                    return Parts(huge(needed(total)), None, SCALE)
                count = self._folded(measure, step, quantity)
                enough = _at_least(count, max(1, measure.needs or 0))
                return Parts(huge(case_of(enough, total)), huge(count), SCALE)
            case Fold.MIN | Fold.MAX:
                best = exp.Min if fold is Fold.MIN else exp.Max
                return Parts(huge(needed(simple(best(this=case_of(rows, value))))), None, SCALE)
            case Fold.FIRST_TIME | Fold.LAST_TIME:
                best = exp.Min if fold is Fold.FIRST_TIME else exp.Max
                return needed(simple(best(this=case_of(rows, col("occurred_at")))))
            case Fold.FIRST_VALUE | Fold.LAST_VALUE:
                fields = tuple(sorted(measure.fields.items()))
                chosen = self._table(
                    (fold, measure.events, fields, measure.window, step, quantity),
                    lambda n: ValueTable(n, self.reader, measure, step, quantity),
                )
                held = needed(chosen.value())
                return Parts(huge(held), None, SCALE) if quantity is Quantity.NUMBER else held
            case _:
                assert_never(fold)

    # Pairs of events

    def _ratio(self, measure: Ratio, step: int) -> tuple[exp.Expr, exp.Expr]:
        """Return (part, whole)."""
        if measure.same is None:
            both = []
            for events in (measure.part, measure.whole):
                names, rows, _ = self.reader.rows_of(events, None, measure.window, step)
                found = self.simple.add(names, measure.window, step, counted(rows))
                both.append(coalesce(found, number(0)))
            return both[0], both[1]
        key = (Ratio, measure.part, measure.whole, measure.same)
        table = self._table(key, lambda n: RatioTable(n, self.reader, measure))
        part, whole = table.values(measure, step)
        return coalesce(part, number(0)), coalesce(whole, number(0))

    def _answered(self, measure: TimeTo, step: int) -> tuple[exp.Expr, exp.Expr]:
        """Return (microseconds in all, answered starts)."""
        key = (TimeTo, measure.start, measure.end, measure.same)
        table = self._table(key, lambda n: TimeToTable(n, self.reader, measure))
        total, count = table.values(measure, step)
        return coalesce(total, number(0)), coalesce(count, number(0))

    def _opened(self, measure: OpenItems, step: int) -> tuple[exp.Expr, exp.Expr]:
        """Return (still open, opened)."""
        key = (OpenItems, measure.opened, measure.closed, measure.same)
        values: tuple[exp.Expr, exp.Expr]
        if measure.same is None:
            plain = self._table(key, lambda n: PlainOpenTable(n, self.reader, measure))
            values = plain.values(measure, step)
        else:
            keyed = self._table(key, lambda n: OpenTable(n, self.reader, measure))
            values = keyed.values(measure, step)
        return coalesce(values[0], number(0)), coalesce(values[1], number(0))

    def _changed(self, measure: Changed) -> exp.Expr:
        field = self.reader.vocabulary.attributes.get(measure.attribute)
        if field is None:
            return exp.null()
        table = self._table(
            (Changed, measure.attribute), lambda n: ChangedTable(n, self.reader, field)
        )
        return table.value()

    def _change(self, measure: Change, step: int) -> Parts | exp.Expr:
        now = self.fold(measure.of, step, Quantity.NUMBER)
        before = self.fold(measure.of, step + 1, Quantity.NUMBER)
        if not isinstance(now, Parts) or not isinstance(before, Parts):
            return exp.null()  # an instant or a text has no change
        change = exp.Sub(
            this=_times(now.num, before.count), expression=_times(before.num, now.count)
        )
        conditions: list[exp.Expr] = []
        if measure.needs:
            conditions.append(_at_least(self.counted(measure.of, step + 1), measure.needs))
        if not measure.relative:
            num = case_of(all_of(conditions), change) if conditions else change
            count = _product(now.count, before.count)
            return Parts(exp.Paren(this=num), count, now.scale)
        conditions.append(exp.NEQ(this=before.num, expression=number(0)))
        baseline = exp.Abs(this=before.num)
        return Parts(case_of(all_of(conditions), change), _product(now.count, baseline), 1)

    def _table(self, key: object, make: Callable[[str], T]) -> T:
        if key not in self._tables:
            self._tables[key] = make(f"care_t{len(self._tables)}")
        return self._tables[key]  # type: ignore[return-value]


def _at_least(count: exp.Expr, least: int) -> exp.Expr:
    return exp.GTE(this=count, expression=number(least))


def _times(this: exp.Expr, count: exp.Expr | None) -> exp.Expr:
    if count is None:
        return exp.Paren(this=this)
    return exp.Mul(this=exp.Paren(this=this), expression=exp.Paren(this=count))


def _product(one: exp.Expr | None, two: exp.Expr | None) -> exp.Expr | None:
    if one is None or two is None:
        found = one or two
        return None if found is None else exp.Paren(this=found)
    return _times(one, two)
