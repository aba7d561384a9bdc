"""The number of the local calendar month of a row, in SQL: the twin of ``windows.month_of``.

Integer arithmetic only: no time functions, no time zones of the database.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp, parse_one

from rules.sql.build import col, named, number, select, subquery
from rules.units import MICROS
from rules.windows import offsets

__all__ = ["local_time", "with_months"]

_DAY = 86_400 * MICROS
_EPOCH = 719_468 * _DAY  #: from 0000-03-01 to 1970-01-01

#: From local time to the month's number, step by step so that nothing is worked out twice.
_STEPS = (
    {"care_d": f"care_l // {_DAY}"},
    {"care_e": "care_d // 146097", "care_g": "care_d % 146097"},
    {"care_y": "(care_g - care_g // 1460 + care_g // 36524 - care_g // 146096) // 365"},
    {"care_h": "care_g - (365 * care_y + care_y // 4 - care_y // 100)"},
    {"care_k": "(care_e * 400 + care_y) * 12 + (5 * care_h + 2) // 153"},
)


def local_time(instant: exp.Expr, tz: str) -> exp.Expr:
    """Return the local time of an instant, in microseconds since 0000-03-01, as ``care_l``."""
    offset = _offset(instant, offsets(tz))
    local = exp.Add(this=exp.Add(this=instant, expression=offset), expression=number(_EPOCH))
    return named(local, "care_l")


def with_months(rows: exp.Select, kept: Sequence[str]) -> exp.Select:
    """Return the kept columns of rows with ``care_l``, and their month as ``care_k``."""
    known: list[str] = ["care_l"]
    for step in _STEPS:
        carried = [col(name) for name in (*kept, *known)]
        added = [named(parse_one(sql, dialect="duckdb"), name) for name, sql in step.items()]
        rows = select([*carried, *added], subquery(rows, "care_rows"))
        known += step
    return rows


def _offset(instant: exp.Expr, table: Sequence[tuple[int, int]]) -> exp.Expr:
    """Return the zone's offset as a tree of comparisons, as deep as the table's logarithm."""
    if len(table) == 1:
        return number(table[0][1])
    middle = len(table) // 2
    early = exp.LT(this=instant, expression=number(table[middle][0]))
    branch = exp.If(this=early, true=_offset(instant, table[:middle]))
    return exp.Case(ifs=[branch], default=_offset(instant, table[middle:]))
