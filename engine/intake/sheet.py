"""Rows of an Excel workbook, each cell as text."""

from __future__ import annotations

import datetime as dt
import warnings
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from engine.intake.text import Row
from rules.errors import InputError, did_you_mean

__all__ = ["read_sheet"]


def read_sheet(path: Path, sheet: str | None) -> Iterator[Row]:
    """Return the rows of a sheet (None: the first) that are not empty, with their numbers.

    Formulas give the values that Excel saved. Raises InputError for a damaged file, no such sheet.
    """
    from openpyxl import load_workbook  # noqa: PLC0415  (0.2 s)
    from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of styles and validations that a reader does not need
        try:
            book = load_workbook(path, read_only=True, data_only=True)
        except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
            raise InputError(f"{path.name} is damaged, or no Excel workbook") from error
        try:
            if sheet is not None and sheet not in book.sheetnames:
                hint = did_you_mean(sheet, book.sheetnames)
                raise InputError(f'{path.name} has no sheet "{sheet}"; {hint}'.rstrip("; "))
            page = book[sheet or book.sheetnames[0]]
            for number, cells in enumerate(page.iter_rows(values_only=True), start=1):
                texts = [_text(cell) for cell in cells]
                if any(texts):
                    yield Row(number, texts)
        finally:
            book.close()


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            number = Decimal(repr(value))
            return str(number.to_integral_value()) if number == int(number) else f"{number:f}"
        case dt.datetime() | dt.date() | dt.time():
            return value.isoformat(" ") if isinstance(value, dt.datetime) else value.isoformat()
        case dt.timedelta():
            return str(value)
        case _:
            return str(value)
