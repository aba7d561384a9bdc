"""Reports as files: JSON, CSV and Excel. Nothing in a sheet is a formula."""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from engine.channels.tables import shielded
from engine.grid import Column, Kind
from engine.journeys import NEVER
from rules.errors import InputError
from rules.units import to_iso, to_local

__all__ = ["FORMS", "write_csv", "write_json", "write_xlsx"]

FORMS = ("csv", "json", "xlsx")
_MOST_ROWS = 1_048_575  #: under the headings of an Excel sheet
_LONGEST = 32_767  #: characters of an Excel cell

Rows = Iterable[Mapping[str, Any]]


def write_json(target: IO[str], columns: Sequence[Column], rows: Rows, zone: str) -> int:
    """Write a list of objects, one a line, instants as ISO text; return their number."""
    count = 0
    target.write("[")
    for count, row in enumerate(rows, 1):
        told = {
            column.name: _iso(row[column.name], zone)
            if column.kind is Kind.INSTANT
            else row[column.name]
            for column in columns
        }
        text = json.dumps(told, ensure_ascii=False)
        target.write(f"{',' if count > 1 else ''}\n{text}")
    target.write("\n]\n")
    return count


def write_csv(target: IO[str], columns: Sequence[Column], rows: Rows, zone: str) -> int:
    """Write Chinese headings and one line a row, times local to the zone; return their number.

    ``target`` is open without newline translation; its encoding is the caller's.
    """
    count = 0
    writer = csv.writer(target, lineterminator="\r\n")
    writer.writerow([column.title for column in columns])
    for count, row in enumerate(rows, 1):  # noqa: B007  counted
        writer.writerow([_cell(column, row[column.name], zone) for column in columns])
    return count


def write_xlsx(
    path: Path, sheets: Mapping[str, tuple[Sequence[Column], Rows]], zone: str
) -> dict[str, int]:
    """Write a workbook with one sheet a report; return title -> number of rows.

    Raises InputError where one has more rows than a sheet holds, OSError where it can't be written.
    """
    import xlsxwriter  # noqa: PLC0415  slow
    from xlsxwriter.exceptions import FileCreateError  # noqa: PLC0415

    book = xlsxwriter.Workbook(
        path,
        {
            "constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )  # fmt: skip
    counts = {}
    try:
        head = book.add_format({"bold": True, "bg_color": "#DDEBF7", "border": 1})
        times = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        for title, (columns, rows) in sheets.items():
            sheet = book.add_worksheet(title)
            sheet.freeze_panes(1, 1)
            for x, column in enumerate(columns):
                sheet.set_column(x, x, 17 if column.kind is Kind.INSTANT else 14)
                sheet.write_string(0, x, column.title, head)
            y = 0
            for y, row in enumerate(rows, 1):
                if y > _MOST_ROWS:
                    raise InputError(
                        f"more than {_MOST_ROWS:,} rows do not fit into a sheet; take a shorter"
                        " time with --from and --to, or write .csv"
                    )
                for x, column in enumerate(columns):
                    value = row[column.name]
                    if value is None or value == "":
                        continue
                    if column.kind is Kind.INSTANT and value < NEVER:
                        sheet.write_datetime(y, x, _naive(value, zone), times)
                    elif column.kind is Kind.COUNT:
                        sheet.write_number(y, x, value)
                    else:
                        sheet.write_string(y, x, _text(column, value)[:_LONGEST])
            sheet.autofilter(0, 0, y, len(columns) - 1)
            counts[title] = y
    finally:
        try:
            book.close()
        except FileCreateError as error:  # it says no more than what the system said
            raise OSError(str(error)) from error
    return counts


def _iso(instant: int | None, zone: str) -> str | None:
    return to_iso(instant, zone) if instant is not None and instant < NEVER else None


def _naive(instant: int, zone: str) -> dt.datetime:
    return to_local(instant, zone).replace(tzinfo=None)


def _text(column: Column, value: Any) -> str:
    if column.kind is Kind.INSTANT:  # a wait without an end
        return ""
    words = column.words or {}
    return words.get(value, str(value))


def _cell(column: Column, value: Any, zone: str) -> str:
    if value is None:
        return ""
    if column.kind is Kind.INSTANT and value < NEVER:
        return f"{_naive(value, zone):%Y-%m-%d %H:%M:%S}"
    return shielded(_text(column, value))
