"""Tables as a workbook that can be printed as it is. Nothing in it is a formula, whatever it holds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from engine.grid import MILLION, Column, Kind, Table, cell_text, unfolded
from engine.journeys import NEVER
from rules.errors import InputError
from rules.units import date_of, to_local

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

__all__ = ["write_workbook"]

_LONGEST = 32_767  #: characters that Excel takes in a cell
_MOST_ROWS = 1_048_570  #: of a sheet, without its headings
_TITLE = 31  #: characters of a sheet's name
_FORBIDDEN = str.maketrans("[]:*?/\\'", "        ")
_WIDTHS = {
    Kind.TEXT: 14, Kind.INSTANT: 17, Kind.DAY: 12, Kind.COUNT: 10, Kind.NUMBER: 12, Kind.SHARE: 10,
    Kind.FIGURE: 12,
}  # fmt: skip
_FORMS = {
    Kind.TEXT: "@", Kind.INSTANT: "yyyy-mm-dd hh:mm", Kind.DAY: "yyyy-mm-dd", Kind.COUNT: "#,##0",
    Kind.NUMBER: "#,##0.00", Kind.SHARE: "0.0%", Kind.FIGURE: "@",
}  # fmt: skip
_HEAD_ROW = 2  #: under the title and the line below it
_WIDEST = 48
_LINE = 15  #: points
_PAGE = 240  #: characters across that a page can be read with
_MOST_LINES = 20  #: shown of one text; the rest is in the cell


def write_workbook(
    target: Path | BinaryIO, tables: Sequence[Table], *, subtitle: str, zone: str, at: int
) -> None:
    """Write a sheet a table: title, subtitle, headings that stay and are repeated on each page.

    ``at`` is the instant of the report. Raises InputError where a table has more rows than a sheet
    holds, OSError where the file can't be written.
    """
    import xlsxwriter  # noqa: PLC0415  slow
    from xlsxwriter.exceptions import FileCreateError  # noqa: PLC0415

    options = {
        "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
        "in_memory": True,
    }  # fmt: skip
    for table in tables:
        if len(table.rows) > _MOST_ROWS:
            raise InputError(
                f"{table.title} has more than {_MOST_ROWS:,} rows, which do not fit into a sheet;"
                " take a shorter time with --from and --to, or write --format json"
            )
    book = xlsxwriter.Workbook(target if not isinstance(target, Path) else str(target), options)
    made = to_local(at, zone).replace(tzinfo=None)
    book.set_properties({"title": tables[0].title if tables else "", "created": made})
    formats = _Formats(book)
    used: set[str] = set()
    for table in tables:
        _write(book.add_worksheet(_sheet_name(table.title, used)), table, formats, subtitle, zone)
    try:
        book.close()
    except FileCreateError as error:  # made of what the system said
        cause = error.args[0] if error.args else None
        raise cause if isinstance(cause, OSError) else OSError(str(error)) from error


class _Formats:
    """The styles of a workbook, made once."""

    def __init__(self, book: Workbook) -> None:
        line = {"border": 1, "border_color": "#D9D9D9", "valign": "top"}
        self.title: Format = book.add_format({"bold": True, "font_size": 14})
        self.note: Format = book.add_format({"font_color": "#63676D"})
        head = {
            "bold": True, "bg_color": "#1F4E78", "font_color": "#FFFFFF", "border": 1,
            "text_wrap": True, "valign": "vcenter",
        }  # fmt: skip
        self.head: Format = book.add_format(head)
        self.head_right: Format = book.add_format({**head, "align": "right"})
        self.cells: dict[tuple[Kind, bool], Format] = {}
        for kind, form in _FORMS.items():
            wrapped: dict[str, object] = {"text_wrap": True} if kind is Kind.TEXT else {}
            if kind in (Kind.INSTANT, Kind.DAY):
                wrapped["align"] = "left"
            for shaded in (False, True):
                colour = {"bg_color": "#F3F6FA"} if shaded else {}
                self.cells[kind, shaded] = book.add_format(
                    {**line, **wrapped, **colour, "num_format": form}
                )


def _write(
    sheet: Worksheet, table: Table, formats: _Formats, subtitle: str, zone: str
) -> None:  # fmt: skip
    sheet.write_string(0, 0, _cell(table.title), formats.title)
    told = "  ".join(text for text in (subtitle, table.note) if text)
    sheet.write_string(1, 0, _cell(told), formats.note)
    widths = [_width(column, table, zone) for column in table.columns]
    for x, column in enumerate(table.columns):
        sheet.set_column(x, x, widths[x])
        head = formats.head_right if column.numeric else formats.head
        sheet.write_string(_HEAD_ROW, x, column.title, head)
    for y, row in enumerate(table.rows):
        high = _lines(table.columns, row, widths)
        if high > 1:  # only Excel itself would make the row high enough
            sheet.set_row(_HEAD_ROW + 1 + y, min(high, _MOST_LINES) * _LINE)
        for x, column in enumerate(table.columns):
            value = row.get(column.name)
            kind = column.kind if value is None else unfolded(column, value)[0]
            style = formats.cells[kind, y % 2 == 1]
            _put(sheet, _HEAD_ROW + 1 + y, x, column, value, style, zone)
    last = _HEAD_ROW + max(len(table.rows), 1)
    right = len(table.columns) - 1
    sheet.autofilter(_HEAD_ROW, 0, last, right)
    sheet.freeze_panes(_HEAD_ROW + 1, 1)
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    across = -(-sum(widths) // _PAGE)
    sheet.fit_to_pages(across, 0)
    if across > 1:
        sheet.repeat_columns(0)
    sheet.repeat_rows(_HEAD_ROW)
    sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    footer = _cell(subtitle)[:150].replace("&", "&&")
    sheet.set_footer(f"&L{footer}&R第 &P 页,共 &N 页")


def _put(
    sheet: Worksheet, y: int, x: int, column: Column, value: Any, style: Format, zone: str
) -> None:
    if value is None or value == "" or (column.kind is Kind.INSTANT and value >= NEVER):
        sheet.write_blank(y, x, None, style)
        return
    kind, held = unfolded(column, value)
    match kind:
        case Kind.INSTANT:
            sheet.write_datetime(y, x, to_local(held, zone).replace(tzinfo=None), style)
        case Kind.DAY:
            sheet.write_datetime(y, x, dt.datetime.combine(date_of(held), dt.time()), style)
        case Kind.COUNT:
            sheet.write_number(y, x, held, style)
        case Kind.NUMBER:
            sheet.write_number(y, x, held / 10_000, style)
        case Kind.SHARE:
            sheet.write_number(y, x, held / MILLION, style)
        case Kind.TEXT | Kind.FIGURE:
            sheet.write_string(y, x, _cell(cell_text(column, value, zone)), style)


def _width(column: Column, table: Table, zone: str) -> int:
    """Return how wide a column is to be: as declared, else what its first rows need."""
    if column.width:
        return column.width
    texts = [cell_text(column, row.get(column.name), zone) for row in table.rows[:200]]
    needed = max(map(_cells, [column.title, *texts]))
    return min(_WIDEST, max(_WIDTHS[column.kind] if needed > 8 else 8, needed + 2))


def _lines(columns: Sequence[Column], row: Mapping[str, Any], widths: Sequence[int]) -> int:
    """Return how many lines the longest text of a row takes in its column."""
    texts = [
        (str(row.get(column.name) or ""), width)
        for column, width in zip(columns, widths, strict=True)
        if column.kind is Kind.TEXT
    ]
    return max(
        (
            sum(max(1, -(-_cells(line) // width)) for line in text.split("\n"))
            for text, width in texts
        ),
        default=1,
    )


def _cells(text: str) -> int:
    return sum(2 if ord(letter) > 0x2E7F else 1 for letter in text)


def _cell(text: str) -> str:
    """Return a text as a cell can hold it."""
    sound = text.encode("utf-8", "replace").decode("utf-8")
    return sound if len(sound) <= _LONGEST else sound[: _LONGEST - 1] + "…"


def _sheet_name(title: str, used: set[str]) -> str:
    """Return a name that Excel takes and that no other sheet has."""
    plain = " ".join(title.translate(_FORBIDDEN).split())[:_TITLE] or "表"
    name, number = plain, 2
    while name.casefold() in used:
        tail = f" {number}"
        name, number = plain[: _TITLE - len(tail)] + tail, number + 1
    used.add(name.casefold())
    return name
