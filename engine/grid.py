"""Tables that people read: their columns, their rows, and how a cell reads.

One value is shown as text, JSON, an Excel sheet (``engine.workbook``) and HTML
(``engine.report_page``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any

from engine.journeys import NEVER
from rules.units import date_of, describe_number, round6, to_iso, to_local

__all__ = [
    "MILLION",
    "Column",
    "Kind",
    "Table",
    "cell_text",
    "json_rows",
    "share",
    "text_table",
    "unfolded",
]

MILLION = 1_000_000  #: a share of 1
_SCALE = 10_000
_WIDEST = 44  #: character cells of a text in a table on the screen


class Kind(StrEnum):
    """What a cell holds."""

    TEXT = "text"
    INSTANT = "instant"  #: µs UTC
    DAY = "day"  #: days since 1970-01-01
    COUNT = "count"  #: a whole number
    NUMBER = "number"  #: scaled by 10^4
    SHARE = "share"  #: scaled by 10^6, shown in percent
    FIGURE = "figure"  #: a pair: the kind of this very cell, and its value


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table."""

    name: str  #: in JSON
    title: str  #: for people
    kind: Kind = Kind.TEXT
    words: Mapping[Any, str] | None = None  #: closed words, told in Chinese to people
    width: int = 0  #: of a sheet, in character cells; 0: what the kind needs
    private: bool = False  #: personal: left out of tables that leave the house

    @property
    def numeric(self) -> bool:
        """Tell whether its cells stand at the right."""
        return self.kind in (Kind.COUNT, Kind.NUMBER, Kind.SHARE, Kind.FIGURE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under columns. A cell that is None or missing is empty."""

    name: str  #: in JSON
    title: str  #: for people
    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Any]]
    note: str = ""  #: what a reader has to know; one sentence


def unfolded(column: Column, value: Any) -> tuple[Kind, Any]:
    """Return the kind and the value of a cell: those of its column, or its own."""
    if column.kind is not Kind.FIGURE:
        return column.kind, value
    kind, held = value
    return Kind(kind), held


def share(part: int, whole: int) -> int | None:
    """Return part / whole scaled by 10^6, rounded half-even; None where there is no whole."""
    return round6(part, whole) if whole else None


def cell_text(column: Column, value: Any, zone: str) -> str:
    """Return a cell as people read it; times local to the zone, shares with one decimal."""
    if value is None:
        return ""
    kind, value = unfolded(column, value)
    match kind:
        case Kind.INSTANT:
            return f"{to_local(value, zone):%Y-%m-%d %H:%M}" if value < NEVER else ""
        case Kind.DAY:
            return date_of(value).isoformat()
        case Kind.COUNT:
            return f"{value:,}"
        case Kind.NUMBER:
            return describe_number(Fraction(value, _SCALE))
        case Kind.SHARE:
            return _percent(value)
        case Kind.TEXT | Kind.FIGURE:
            return (column.words or {}).get(value, str(value))


def _percent(millionths: int) -> str:
    sign, size = ("-", -millionths) if millionths < 0 else ("", millionths)
    tenths, rest = divmod(size, 1_000)
    tenths += 2 * rest > 1_000 or (2 * rest == 1_000 and tenths % 2 == 1)
    return f"{sign}{tenths // 10}.{tenths % 10}%"


def json_rows(table: Table, zone: str) -> list[dict[str, Any]]:
    """Return the rows as plain values: instants as ISO text, shares as parts of 1."""
    return [
        {column.name: _plain(column, row.get(column.name), zone) for column in table.columns}
        for row in table.rows
    ]


def _plain(column: Column, value: Any, zone: str) -> Any:
    if value is None:
        return None
    kind, value = unfolded(column, value)
    match kind:
        case Kind.INSTANT:
            return to_iso(value, zone) if value < NEVER else None
        case Kind.DAY:
            return date_of(value).isoformat()
        case Kind.NUMBER:
            return value // _SCALE if value % _SCALE == 0 else value / _SCALE
        case Kind.SHARE:
            return value / MILLION
        case Kind.COUNT | Kind.TEXT | Kind.FIGURE:
            return value


def text_table(table: Table, zone: str, *, most: int | None = None) -> str:
    """Return a table for the screen: its title, its rows, its note; long texts are cut, and so are
    the rows after ``most``.
    """
    from rich.cells import cell_len, set_cell_size  # noqa: PLC0415  slow

    from engine.console import table as lined_up  # noqa: PLC0415

    def short(text: str) -> str:
        line = " ".join(text.split())
        if cell_len(line) <= _WIDEST:
            return line
        return set_cell_size(line, _WIDEST - 1).rstrip() + "…"

    lines = [
        [short(cell_text(column, row.get(column.name), zone)) for column in table.columns]
        for row in table.rows[:most]
    ]
    right = [index for index, column in enumerate(table.columns) if column.numeric]
    body = (
        lined_up([column.title for column in table.columns], lines, right=right)
        if lines
        else "(没有)"
    )
    left = len(table.rows) - len(lines)
    cut = f"… 还有 {left:,} 行：--xlsx、--html 和 --format json 里是全部"
    notes = [*([cut] if left else []), *([table.note] if table.note else [])]
    return "\n".join([table.title, "", body, *(["", *notes] if notes else [])])
