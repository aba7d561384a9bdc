"""The sub-queries behind measures: each gives ``customer`` and some columns, one row a customer.

Measures over the same events share one sub-query; each window adds columns to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from sqlglot import exp

from rules.folds import folded_kinds
from rules.measures import Aggregate, Events, Fold, OpenItems, Quantity, Ratio, TimeTo, Window
from rules.sql.build import (
    all_of,
    any_of,
    case_of,
    col,
    counted,
    fallback,
    in_order,
    is_set,
    named,
    number,
    select,
    subquery,
)
from rules.sql.months import local_time, with_months
from rules.sql.scan import Reach, Reader
from rules.vocabulary import FieldType

__all__ = [
    "DistinctTable",
    "MonthsTable",
    "OpenTable",
    "PlainOpenTable",
    "RatioTable",
    "SimpleTable",
    "Table",
    "TimeToTable",
    "ValueTable",
    "field_chooser",
]


FieldChooser = Callable[[str], FieldType | None]


class Table(Protocol):
    """A sub-query in the making."""

    name: str

    def query(self) -> exp.Select:
        """Return the sub-query: ``customer`` and columns."""
        ...


class Columns:
    """Named expressions, each once."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._names: dict[str, tuple[str, exp.Expr]] = {}

    def add(self, this: exp.Expr) -> str:
        """Return the name of an expression."""
        key = this.sql("duckdb")
        if key not in self._names:
            self._names[key] = (f"{self._prefix}{len(self._names)}", this)
        return self._names[key][0]

    def select(self) -> list[exp.Expr]:
        """Return all of them, named."""
        return [named(this, name) for name, this in self._names.values()]

    @property
    def names(self) -> list[str]:
        """The names."""
        return [name for name, _ in self._names.values()]


class SimpleTable:
    """All aggregates that need one pass over the events of a customer, and no more."""

    def __init__(self, name: str, reader: Reader) -> None:
        self.name = name
        self.reader = reader
        self.reach = Reach()
        self.columns = Columns("a")

    def add(self, names: Sequence[str], window: Window, step: int, this: exp.Expr) -> exp.Expr:
        """Return the column of an aggregate over events in a window."""
        self.reach.add(names, window, step)
        return col(self.columns.add(this), self.name)

    def query(self) -> exp.Select:
        """Return the sub-query."""
        columns = [col("customer"), *self.columns.select()]
        rows = self.reader.rows(self.reach)
        return select(columns, "events", where=rows, by=[col("customer")])


class KeyedTable:
    """Rows joined by customer and a key first, then by customer."""

    def __init__(self, name: str, reader: Reader, key: exp.Expr) -> None:
        self.name = name
        self.reader = reader
        self.key = key
        self.reach = Reach()
        self.inner = Columns("i")  #: by customer and key
        self.outer = Columns("o")  #: by customer
        self.matters: list[exp.Expr] = []  #: keys of which none holds add nothing; empty: all do

    def query(self) -> exp.Select:
        """Return the sub-query."""
        groups = select(
            [col("customer"), *self.inner.select()],
            "events",
            where=[*self.reader.rows(self.reach), is_set(self.key)],
            by=[col("customer"), self.key],
        )
        return self.joined(groups)

    def joined(self, groups: exp.Select) -> exp.Select:
        """Return the sub-query over rows that are one a customer and key."""
        columns = [col("customer"), *self.outer.select()]
        where = [any_of(self.matters)] if self.matters else []
        return select(columns, subquery(groups, "care_groups"), where=where, by=[col("customer")])

    def total(self, this: exp.Expr) -> exp.Expr:
        """Return the column of a sum over keys."""
        return col(self.outer.add(exp.Sum(this=this)), self.name)


class DistinctTable(KeyedTable):
    """How many values a field has."""

    def __init__(self, name: str, reader: Reader, measure: Aggregate) -> None:
        chosen = field_chooser(reader, measure, Quantity.NUMBER)
        super().__init__(name, reader, reader.keyed({n: chosen(n) for n in measure.events.names}))
        self.chosen = chosen

    def values(self, measure: Aggregate, step: int) -> tuple[exp.Expr, exp.Expr]:
        """Return the number of values in a window, and of the events behind them."""
        names, rows, _ = self.reader.rows_of(measure.events, self.chosen, measure.window, step)
        self.reach.add(names, measure.window, step)
        inside = col(self.inner.add(counted(rows)))
        some = exp.GT(this=inside, expression=number(0))
        return col(self.outer.add(counted(some)), self.name), self.total(inside)


class MonthsTable(KeyedTable):
    """In how many calendar months an event happened."""

    def __init__(self, name: str, reader: Reader, events: Events) -> None:
        super().__init__(name, reader, col("care_k"))
        self.events = events
        self.flags = Columns("f")

    def values(self, measure: Aggregate, step: int) -> tuple[exp.Expr, exp.Expr]:
        """Return the number of months in a window, and of the events behind them."""
        self.reach.add(measure.events.names, measure.window, step)
        rows = self.reader.rows_of(self.events, None, measure.window, step)[1]
        flag = col(self.flags.add(case_of(rows, number(1))))
        inside = col(self.inner.add(exp.Count(this=flag)))
        some = exp.GT(this=inside, expression=number(0))
        return col(self.outer.add(counted(some)), self.name), self.total(inside)

    def query(self) -> exp.Select:
        """Return the sub-query."""
        local = local_time(col("occurred_at"), self.reader.vocabulary.timezone)
        rows = select(
            [col("customer"), local, *self.flags.select()],
            "events",
            where=self.reader.rows(self.reach),
        )
        months = with_months(rows, ["customer", *self.flags.names])
        groups = select(
            [col("customer"), *self.inner.select()],
            subquery(months, "care_months"),
            by=[col("customer"), col("care_k")],
        )
        return self.joined(groups)


class RatioTable(KeyedTable):
    """``share: part, of: whole, same: field``."""

    def __init__(self, name: str, reader: Reader, measure: Ratio) -> None:
        assert measure.same is not None
        names = (*measure.whole.names, *measure.part.names)
        super().__init__(name, reader, reader.key(names, measure.same))
        self.reach.add(measure.part.names, None)  # at any time up to T
        self.part = col(
            self.inner.add(exp.Max(this=case_of(reader.meant(measure.part), number(1))))
        )

    def values(self, measure: Ratio, step: int) -> tuple[exp.Expr, exp.Expr]:
        """Return the part and the whole."""
        self.reach.add(measure.whole.names, measure.window, step)
        rows = self.reader.rows_of(measure.whole, None, measure.window, step)[1]
        whole = col(self.inner.add(counted(rows)))
        self.matters.append(exp.GT(this=whole, expression=number(0)))
        met = exp.EQ(this=self.part, expression=number(1))
        part = fallback(met, whole, number(0))
        return self.total(part), self.total(whole)


class OpenTable(KeyedTable):
    """``open: opened, closed_by: closed, same: field``."""

    def __init__(self, name: str, reader: Reader, measure: OpenItems) -> None:
        assert measure.same is not None
        names = (*measure.opened.names, *measure.closed.names)
        super().__init__(name, reader, reader.key(names, measure.same))
        last = exp.Max(this=case_of(reader.meant(measure.closed), col("occurred_at")))
        self.closed = col(self.inner.add(last))

    def values(self, measure: OpenItems, step: int) -> tuple[exp.Expr, exp.Expr]:
        """Return how many are open, and how many events opened something."""
        # What closed before the window began says nothing about what opened in it.
        self.reach.add(measure.opened.names, measure.window, step)
        self.reach.add(measure.closed.names, measure.window, step)
        rows = self.reader.rows_of(measure.opened, None, measure.window, step)[1]
        opened = col(self.inner.add(exp.Max(this=case_of(rows, col("occurred_at")))))
        times = col(self.inner.add(counted(rows)))
        self.matters.append(exp.GT(this=times, expression=number(0)))
        return col(self.outer.add(counted(_open(opened, self.closed))), self.name), self.total(
            times
        )


class RowsTable:
    """Rows that each look at the customer's other rows first, then joined by customer."""

    def __init__(self, name: str, reader: Reader, main: Events, other: exp.Expr) -> None:
        self.name = name
        self.reader = reader
        self.main = main
        self.other = other  #: what a row learns from the others
        self.reach = Reach()
        self.outer = Columns("o")
        self.known: list[exp.Expr] = []  #: conditions on rows beside the reach

    def query(self) -> exp.Select:
        """Return the sub-query."""
        rows = select(
            [
                col("customer"),
                col("occurred_at"),
                named(case_of(self.reader.meant(self.main), number(1)), "care_main"),
                named(self.other, "care_other"),
            ],
            "events",
            where=[*self.reader.rows(self.reach), *self.known],
        )
        return select(
            [col("customer"), *self.outer.select()],
            subquery(rows, "care_rows"),
            where=[exp.EQ(this=col("care_main"), expression=number(1))],
            by=[col("customer")],
        )


class TimeToTable(RowsTable):
    """``time: start, to: end, same: field``."""

    def __init__(self, name: str, reader: Reader, measure: TimeTo) -> None:
        by: list[exp.Expr] = [col("customer")]
        key: list[exp.Expr] = []
        if measure.same is not None:
            key = [reader.key((*measure.start.names, *measure.end.names), measure.same)]
        first = exp.Window(
            this=exp.Min(this=case_of(reader.meant(measure.end), col("occurred_at"))),
            partition_by=[*by, *key],
            order=exp.Order(expressions=[exp.Ordered(this=col("occurred_at"))]),
            # Rows at the same time are peers: an end at the start's own instant counts.
            spec=exp.WindowSpec(
                kind="RANGE", start="CURRENT ROW", end="UNBOUNDED", end_side="FOLLOWING"
            ),
        )
        super().__init__(name, reader, measure.start, first)
        self.known = [is_set(each) for each in key]

    def values(self, measure: TimeTo, step: int) -> tuple[exp.Expr, exp.Expr]:
        """Return the microseconds in all, and the number of answered starts."""
        self.reach.add(measure.start.names, measure.window, step)
        self.reach.add(measure.end.names, measure.window, step)
        inside = all_of([is_set(col("care_other")), *self.reader.within(measure.window, step)])
        took = exp.Sub(this=col("care_other"), expression=col("occurred_at"))
        total = self.outer.add(exp.Sum(this=case_of(inside, took)))
        return col(total, self.name), col(self.outer.add(counted(inside)), self.name)


class PlainOpenTable(RowsTable):
    """``open: opened, closed_by: closed``: one close closes all before it."""

    def __init__(self, name: str, reader: Reader, measure: OpenItems) -> None:
        last = exp.Window(
            this=exp.Max(this=case_of(reader.meant(measure.closed), col("occurred_at"))),
            partition_by=[col("customer")],
        )
        super().__init__(name, reader, measure.opened, last)

    def values(self, measure: OpenItems, step: int) -> tuple[exp.Expr, exp.Expr]:
        """Return how many are open, and how many events opened something."""
        self.reach.add(measure.opened.names, measure.window, step)
        self.reach.add(measure.closed.names, measure.window, step)
        within = self.reader.within(measure.window, step)
        still = all_of([_open(col("occurred_at"), col("care_other")), *within])
        opened = self.outer.add(counted(all_of(within)))
        return col(self.outer.add(counted(still)), self.name), col(opened, self.name)


class ValueTable:
    """The first or last known value of a field in a window."""

    def __init__(
        self, name: str, reader: Reader, measure: Aggregate, step: int, quantity: Quantity
    ) -> None:
        self.name = name
        self.reader = reader
        self.measure = measure
        self.step = step
        self.chosen = field_chooser(reader, measure, quantity)

    def value(self) -> exp.Expr:
        """Return the column of the value."""
        return col("care_v", self.name)

    def query(self) -> exp.Select:
        """Return the sub-query."""
        measure = self.measure
        names, meant, value = self.reader.rows_of(
            measure.events, self.chosen, measure.window, self.step
        )
        reach = Reach()
        reach.add(names, measure.window, self.step)
        falling = measure.fold is Fold.LAST_VALUE
        place = exp.Window(
            this=exp.RowNumber(),
            partition_by=[col("customer")],
            order=in_order(falling=falling),
        )
        rows = select(
            [col("customer"), named(value, "care_v"), named(place, "care_n")],
            "events",
            where=[*self.reader.rows(reach), meant],
        )
        return select(
            [col("customer"), col("care_v")],
            subquery(rows, "care_rows"),
            where=[exp.EQ(this=col("care_n"), expression=number(1))],
        )


def field_chooser(reader: Reader, measure: Aggregate, quantity: Quantity) -> FieldChooser:
    """Return a function: event name -> the field that the measure folds there, if it may."""
    kinds = folded_kinds(measure.fold, quantity)

    def chosen(event: str) -> FieldType | None:
        field = reader.field(event, measure.fields.get(event))
        return field if field is not None and field.kind in kinds else None

    return chosen


def _open(opened: exp.Expr, closed: exp.Expr) -> exp.Expr:
    never = exp.Is(this=closed, expression=exp.null())
    before = exp.LT(this=closed, expression=opened)
    return all_of([is_set(opened), any_of([never, before])])
