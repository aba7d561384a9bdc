"""Small pieces of statements. Nothing is copied: a node may stand in several places."""

from __future__ import annotations

from collections.abc import Iterable

from sqlglot import exp

__all__ = [
    "all_of",
    "any_of",
    "case_of",
    "coalesce",
    "col",
    "counted",
    "fallback",
    "huge",
    "in_order",
    "is_set",
    "named",
    "negated",
    "number",
    "select",
    "subquery",
]


def col(name: str, table: str | None = None) -> exp.Column:
    """Return a column, quoted: names may be Chinese or words of SQL."""
    return exp.column(exp.to_identifier(name, quoted=True), table=table)


def number(value: int) -> exp.Expr:
    """Return a small integer of ours; what users wrote is bound."""
    return exp.Literal.number(value)


def huge(this: exp.Expr) -> exp.Expr:
    """Return an integer in 128 bits."""
    return exp.Cast(this=this, to=exp.DataType(this=exp.DataType.Type.INT128))


def coalesce(this: exp.Expr, otherwise: exp.Expr) -> exp.Expr:
    """Return the value, or another where it is NULL."""
    return exp.Coalesce(this=this, expressions=[otherwise])


def is_set(this: exp.Expr) -> exp.Expr:
    """Return whether a value is known."""
    return negated(exp.Is(this=this, expression=exp.null()))


def negated(this: exp.Expr) -> exp.Expr:
    """Return *not*; of NULL NULL."""
    return exp.Not(this=exp.Paren(this=this))


def all_of(parts: Iterable[exp.Expr]) -> exp.Expr:
    """Return *and*; of nothing TRUE."""
    found = list(parts)
    if len(found) < 2:
        return found[0] if found else exp.true()
    return exp.Paren(this=exp.and_(*found, copy=False))


def any_of(parts: Iterable[exp.Expr]) -> exp.Expr:
    """Return *or*; of nothing FALSE."""
    found = list(parts)
    if len(found) < 2:
        return found[0] if found else exp.false()
    return exp.Paren(this=exp.or_(*found, copy=False))


def case_of(condition: exp.Expr, value: exp.Expr) -> exp.Case:
    """Return the value where the condition holds, else NULL."""
    return exp.Case(ifs=[exp.If(this=condition, true=value)])


def fallback(condition: exp.Expr, value: exp.Expr, otherwise: exp.Expr) -> exp.Case:
    """Return the value where the condition holds, else the other one."""
    return exp.Case(ifs=[exp.If(this=condition, true=value)], default=otherwise)


def counted(condition: exp.Expr) -> exp.Expr:
    """Return the number of rows for which a condition holds."""
    return exp.Count(this=case_of(condition, number(1)))


def named(this: exp.Expr, name: str) -> exp.Expr:
    """Return an expression under a name."""
    return exp.Alias(this=this, alias=exp.to_identifier(name, quoted=True))


def in_order(*, falling: bool = False) -> exp.Order:
    """Return the total order of rows: (occurred_at, id), then seq."""
    names = ("occurred_at", "id", "seq")
    return exp.Order(expressions=[exp.Ordered(this=col(name), desc=falling) for name in names])


def select(
    columns: Iterable[exp.Expr],
    source: str | exp.Subquery,
    *,
    where: Iterable[exp.Expr] = (),
    by: Iterable[exp.Expr] = (),
) -> exp.Select:
    """Return a SELECT of columns from a table or sub-query, with all conditions, grouped."""
    query = exp.select(*columns, copy=False).from_(source, copy=False)
    conditions = list(where)
    if conditions:
        query = query.where(all_of(conditions), copy=False)
    groups = list(by)
    return query.group_by(*groups, copy=False) if groups else query


def subquery(query: exp.Query, name: str) -> exp.Subquery:
    """Return a query to select from."""
    return query.subquery(name, copy=False)
