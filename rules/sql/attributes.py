"""Attributes of customers in SQL: the version that holds at T, and the last change."""

from __future__ import annotations

from collections.abc import Iterable

from sqlglot import exp

from rules.sql.binds import AT, SEQ, AttributeCode
from rules.sql.comparisons import SqlValue, number
from rules.sql.scan import Reader, case_of, col, field_value
from rules.vocabulary import FieldKind, FieldType

__all__ = ["ChangedTable", "CurrentTable"]

_TEXTS = (FieldKind.TEXT, FieldKind.WORD, FieldKind.WORDS)


def _held(field: FieldType) -> exp.Expr:
    """Return the value of a version's row: ``num`` or ``txt``."""
    if field.kind in _TEXTS:
        return col("txt")
    if field.kind is FieldKind.YES_NO:
        return exp.NEQ(this=col("num"), expression=number(0))
    return col("num")


def _rows(reader: Reader, fields: Iterable[FieldType]) -> list[exp.Expr]:
    codes = [reader.binds(AttributeCode(field.name)) for field in fields]
    return [
        exp.LTE(this=col("seq"), expression=reader.binds(SEQ)),
        exp.In(this=col("attribute"), expressions=codes),
        *reader.in_scope(),
    ]


def _place(*by: str, falling: bool) -> exp.Window:
    """Return a row's place in the order (occurred_at, id, seq)."""
    order = [exp.Ordered(this=col(name), desc=falling) for name in ("occurred_at", "id", "seq")]
    return exp.Window(
        this=exp.RowNumber(),
        partition_by=[col(name) for name in by],
        order=exp.Order(expressions=order),
    )


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
        reader, at = self.reader, self.reader.binds(AT)
        past = exp.LTE(this=col("occurred_at"), expression=at)
        future = exp.GT(this=col("occurred_at"), expression=at.copy())
        held = self._versions(past, falling=True)
        earlier = (
            exp.select(number(1))
            .from_("attributes AS care_past")
            .where(
                exp.EQ(this=col("customer", "care_past"), expression=col("customer", "attributes")),
                exp.EQ(
                    this=col("attribute", "care_past"), expression=col("attribute", "attributes")
                ),
                exp.LTE(this=col("seq", "care_past"), expression=reader.binds(SEQ)),
                exp.LTE(this=col("occurred_at", "care_past"), expression=at.copy()),
            )
        )
        first = self._versions(exp.and_(future, exp.not_(exp.Exists(this=earlier))), falling=False)
        both = exp.union(held, first, distinct=False)
        columns = [
            exp.alias_(
                exp.Max(this=case_of(self._is(field), _held(field))), f"v{place}", quoted=True
            )
            for place, field in enumerate(self._fields.values())
        ]
        return (
            exp.select(col("customer"), *columns)
            .from_(both.subquery("care_versions"))
            .group_by(col("customer"))
        )

    def _is(self, field: FieldType) -> exp.Expr:
        code = self.reader.binds(AttributeCode(field.name))
        return exp.EQ(this=col("attribute"), expression=code)

    def _versions(self, condition: exp.Expr, *, falling: bool) -> exp.Select:
        """Return one version a customer and attribute, the first or last that is meant."""
        columns = [col(name) for name in ("customer", "attribute", "num", "txt")]
        placed = exp.alias_(_place("customer", "attribute", falling=falling), "care_n")
        rows = (
            exp.select(*columns, placed)
            .from_("attributes")
            .where(*_rows(self.reader, self._fields.values()), condition)
        )
        return (
            exp.select(*columns)
            .from_(rows.subquery("care_rows"))
            .where(exp.EQ(this=col("care_n"), expression=number(1)))
        )


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
        order = [exp.Ordered(this=col(name)) for name in ("occurred_at", "id", "seq")]
        before = exp.Window(
            this=exp.Lag(this=held.copy()),
            partition_by=[col("customer")],
            order=exp.Order(expressions=order),
        )
        rows = (
            exp.select(
                col("customer"),
                col("occurred_at"),
                exp.alias_(held.copy(), "care_held"),
                exp.alias_(before, "care_before"),
            )
            .from_("attributes")
            .where(
                *_rows(reader, [self.field]),
                exp.LTE(this=col("occurred_at"), expression=reader.binds(AT)),
                exp.not_(exp.Is(this=held.copy(), expression=exp.null())),
            )
        )
        return (
            exp.select(col("customer"), exp.alias_(exp.Max(this=col("occurred_at")), "care_v"))
            .from_(rows.subquery("care_rows"))
            .where(exp.NEQ(this=col("care_held"), expression=col("care_before")))
            .group_by(col("customer"))
        )
