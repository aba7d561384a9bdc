"""Attributes of customers in SQL: the version that holds at T, and the last change."""

from __future__ import annotations

from collections.abc import Iterable

from sqlglot import exp

from rules.sql.binds import AT, SEQ, AttributeCode
from rules.sql.build import (
    all_of,
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
from rules.sql.comparisons import SqlValue
from rules.sql.scan import Reader, field_value
from rules.vocabulary import FieldKind, FieldType

__all__ = ["ChangedTable", "CurrentTable"]

_TEXTS = (FieldKind.TEXT, FieldKind.WORD, FieldKind.WORDS)


def _held(field: FieldType) -> exp.Expr:
    """Return the value of a version's row: ``num`` or ``txt``."""
    if field.kind in _TEXTS:
        return col("txt")
    if field.kind is FieldKind.YES_NO:
        return exp.Paren(this=exp.NEQ(this=col("num"), expression=number(0)))
    return col("num")


def _rows(reader: Reader, fields: Iterable[FieldType]) -> list[exp.Expr]:
    codes = [reader.binds(AttributeCode(field.name)) for field in fields]
    return [
        exp.LTE(this=col("seq"), expression=reader.binds(SEQ)),
        exp.In(this=col("attribute"), expressions=codes),
        *reader.in_scope(),
    ]


class CurrentTable:
    """The attributes that hold at T: the last version, else the first, which lies after T."""

    def __init__(self, name: str, reader: Reader) -> None:
        self.name = name
        self.reader = reader
        self._fields: dict[str, FieldType] = {}

    @property
    def empty(self) -> bool:
        """True where no attribute was asked for."""
        return not self._fields

    def value(self, field: FieldType) -> SqlValue:
        """Return the value of an attribute."""
        self._fields[field.name] = field
        place = list(self._fields).index(field.name)
        return field_value(field, col(f"v{place}", self.name))

    def query(self) -> exp.Select:
        """Return the sub-query: ``customer`` and a column an attribute."""
        at = self.reader.binds(AT)
        held = self._versions(exp.LTE(this=col("occurred_at"), expression=at), falling=True)
        first = self._versions(exp.GT(this=col("occurred_at"), expression=at), falling=False)
        both = exp.union(held, first, distinct=False, copy=False)
        columns = [
            named(self._chosen(field), f"v{place}")
            for place, field in enumerate(self._fields.values())
        ]
        return select(
            [col("customer"), *columns], subquery(both, "care_versions"), by=[col("customer")]
        )

    def _chosen(self, field: FieldType) -> exp.Expr:
        """Return the value of an attribute: of the version up to T, else of the one after."""
        code = self.reader.binds(AttributeCode(field.name))
        ours = exp.EQ(this=col("attribute"), expression=code)
        past = all_of([ours, exp.LTE(this=col("occurred_at"), expression=self.reader.binds(AT))])
        some = exp.GT(this=counted(past), expression=number(0))
        value = _held(field)
        return fallback(
            some, exp.Max(this=case_of(past, value)), exp.Max(this=case_of(ours, value))
        )

    def _versions(self, condition: exp.Expr, *, falling: bool) -> exp.Select:
        """Return one version a customer and attribute, the first or last that is meant."""
        columns = [col(name) for name in ("customer", "attribute", "occurred_at", "num", "txt")]
        place = exp.Window(
            this=exp.RowNumber(),
            partition_by=[col("customer"), col("attribute")],
            order=in_order(falling=falling),
        )
        rows = select(
            [*columns, named(place, "care_n")],
            "attributes",
            where=[*_rows(self.reader, self._fields.values()), condition],
        )
        newest = exp.EQ(this=col("care_n"), expression=number(1))
        return select(columns, subquery(rows, "care_rows"), where=[newest])


class ChangedTable:
    """The instant at which an attribute last changed its known value."""

    def __init__(self, name: str, reader: Reader, field: FieldType) -> None:
        self.name = name
        self.reader = reader
        self.field = field

    def value(self) -> exp.Expr:
        """Return the column of the instant."""
        return col("care_v", self.name)

    def query(self) -> exp.Select:
        """Return the sub-query."""
        reader, held = self.reader, _held(self.field)
        before = exp.Window(
            this=exp.Lag(this=held), partition_by=[col("customer")], order=in_order()
        )
        past = exp.LTE(this=col("occurred_at"), expression=reader.binds(AT))
        rows = select(
            [
                col("customer"),
                col("occurred_at"),
                named(held, "care_held"),
                named(before, "care_before"),
            ],
            "attributes",
            where=[*_rows(reader, [self.field]), past, is_set(held)],
        )
        return select(
            [col("customer"), named(exp.Max(this=col("occurred_at")), "care_v")],
            subquery(rows, "care_rows"),
            where=[exp.NEQ(this=col("care_held"), expression=col("care_before"))],
            by=[col("customer")],
        )
