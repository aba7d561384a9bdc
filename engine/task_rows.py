"""A filled-in task sheet read back: the rows of a workbook or a CSV file, each cell as text."""

from __future__ import annotations

import csv
import datetime as dt
import itertools
import re
import unicodedata
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from engine.intake.files import READ_ERRORS, detect_encoding
from engine.task_columns import SHEET, Column, headings, plain_head
from rules.errors import InputError, did_you_mean

__all__ = ["NO_VALUE", "SheetRow", "TaskFile", "csv_rows", "read_tasks"]

NO_VALUE = "\x00formula"  #: stands for a formula whose value was not saved
_LARGEST = 30 << 20  #: bytes of the file
_UNPACKED = 300 << 20  #: bytes of what a workbook holds
_PARTS = 5_000  #: files in a workbook
_MOST_ROWS = 100_000
_MOST_COLUMNS = 500
_HEAD_WITHIN = 20  #: the headings stand in one of the first rows
_NEEDED = (Column.ID, Column.OUTCOME, Column.VERSION)
#: What openpyxl raises for workbooks that are damaged inside.
_DAMAGED = (*READ_ERRORS, SyntaxError, KeyError, ValueError, TypeError, IndexError, AttributeError)
_OLD_EXCEL, _ZIP = b"\xd0\xcf\x11\xe0", (b"PK\x03\x04", b"PK\x05\x06")
_INJECTED = re.compile(
    r"'(?=[=+\-@])"
)  #: what ``neutral`` puts before a text that looks like a formula


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetRow:
    """One row that is not empty."""

    number: int  #: as Excel counts
    cells: Mapping[Column | str, str]  #: by column, or by the name that a step asks for


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFile:
    """A sheet as it came back."""

    path: Path
    rows: tuple[SheetRow, ...]
    head: int  #: row with the headings, as Excel counts
    sheet: str | None  #: None: a CSV file
    encoding: str = ""  #: of a CSV file
    epoch: dt.date = dt.date(1899, 12, 30)  #: day 0 of dates that are numbers
    ignored: tuple[str, ...] = ()  #: headings that are none of the sheet's, with a hint
    notes: tuple[str, ...] = field(default=())


def read_tasks(path: Path, asked: Iterable[str]) -> TaskFile:
    """Read a workbook or a CSV file; ``asked`` are all names that steps ask for.

    Raises InputError for a file that can't be read or is no task sheet.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError(
                f"{path.name} is larger than {_LARGEST >> 20} MB: is it the task sheet?"
            )
        with path.open("rb") as file:
            head = file.read(8)
    except PermissionError as error:
        raise InputError(
            f"{path.name} can't be opened: is it open in Excel? Save and close it there first"
        ) from error
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror or error}") from error
    if not head:
        raise InputError(f"{path.name} is empty")
    if head.startswith(_OLD_EXCEL):
        raise InputError(
            f"{path.name} is an old Excel file (.xls), or has a password: save it as .xlsx without a"
            " password"
        )
    known = headings(asked)
    notes = _open_elsewhere(path)
    if head.startswith(_ZIP):
        return _workbook(path, known, notes)
    encoding = detect_encoding(path, None)
    lines = [[_clean(cell) for cell in row] for row in csv_rows(path, encoding)]
    numbered = [(number, row) for number, row in enumerate(lines, start=1) if any(row)]
    return _file(path, numbered, known, sheet=None, encoding=encoding, notes=notes)


def _clean(text: str) -> str:
    """Return a cell's text without blanks around it, visible or not, and without the mark that makes
    formulas harmless.
    """
    kept = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) != "Cc")
    start, end = 0, len(kept)
    while start < end and _blank(kept[start]):
        start += 1
    while end > start and _blank(kept[end - 1]):
        end -= 1
    return _INJECTED.sub("", kept[start:end], count=1)


def _blank(letter: str) -> bool:
    return letter.isspace() or unicodedata.category(letter) == "Cf"


def _open_elsewhere(path: Path) -> tuple[str, ...]:
    """Tell that Excel or LibreOffice has the file open: what is not saved yet is not in it."""
    beside = (path.parent / f"~${path.name}", path.parent / f".~lock.{path.name}#")
    if not any(other.exists() for other in beside):
        return ()
    return (f"{path.name} seems to be open; what is not saved yet is not in it",)


def _file(
    path: Path,
    lines: list[tuple[int, list[str]]],
    known: Mapping[str, Column | str],
    **more: Any,
) -> TaskFile:
    """Find the headings and name the cells of the rows below them."""
    place = next((n for n, (_, row) in enumerate(lines[:_HEAD_WITHIN]) if _is_head(row, known)), -1)
    if place < 0:
        raise InputError(
            f'{path.name} is no task sheet: no row has the headings "{Column.ID}" and'
            f' "{Column.OUTCOME}"; `care tasks export` makes one'
        )
    number, cells = lines[place]
    named = [known.get(plain_head(cell)) for cell in cells]
    _complain(path, cells, named)
    used = [(column, name) for column, name in enumerate(named) if name is not None]
    rows = [
        SheetRow(
            number=line,
            cells={name: row[column] for column, name in used if column < len(row) and row[column]},
        )
        for line, row in lines[place + 1 :]
    ]
    odd = [cell for cell, name in zip(cells, named, strict=True) if cell and name is None]
    hints = [f'"{cell}"; {near}' for cell in odd if (near := _near(cell, known))]
    return TaskFile(
        path=path, rows=tuple(row for row in rows if row.cells), head=number,
        ignored=tuple(hints), **more,
    )  # fmt: skip


def _is_head(row: list[str], known: Mapping[str, Column | str]) -> bool:
    named = [known.get(plain_head(cell)) for cell in row]
    return Column.ID in named or sum(isinstance(name, Column) for name in named) >= 4


def _complain(path: Path, cells: list[str], named: list[Column | str | None]) -> None:
    odd = [cell for cell, name in zip(cells, named, strict=True) if cell and name is None]
    for needed in _NEEDED:
        if needed not in named:
            hint = f", but {', '.join(odd[:5])}" if odd else ""
            raise InputError(
                f'{path.name} has no column "{needed}"{hint}: put the heading back, or export again'
            )
    doubled = next((name for name in named if name is not None and named.count(name) > 1), None)
    if doubled is not None:
        raise InputError(f'{path.name} has the column "{doubled}" twice: delete one of them')


def _near(cell: str, known: Mapping[str, Column | str]) -> str:
    hint = did_you_mean(cell, [str(name) for name in known.values()])
    return hint if hint.startswith("did you mean") else ""


# -- CSV ---------------------------------------------------------------------------------------


def csv_rows(path: Path, encoding: str) -> Iterator[list[str]]:
    """Yield the rows of a CSV file as they are, whatever stands between the cells.

    Raises InputError for a damaged file.
    """
    with path.open(encoding=encoding, newline="") as file:
        first = file.readline()
        file.seek(0)
        mark = max(",;\t", key=first.count)
        try:
            for number, row in enumerate(csv.reader(file, delimiter=mark), start=1):
                if number > _MOST_ROWS:
                    raise InputError(f"{path.name} has more than {_MOST_ROWS} rows")
                yield row[:_MOST_COLUMNS]
        except csv.Error as error:
            raise InputError(f"{path.name} is damaged: {error}") from error


# -- workbooks ---------------------------------------------------------------------------------


def _workbook(path: Path, known: Mapping[str, Column | str], notes: tuple[str, ...]) -> TaskFile:
    _guard(path)
    sheet, epoch, lines, formulas = _cells(path, known, values=False)
    if formulas:  # once more, for the values that were saved with them
        _, _, values, _ = _cells(path, known, values=True)
        saved = dict(values)
        lines = [
            (
                number,
                [
                    (_cell(saved.get(number, []), column) or NO_VALUE)
                    if (number, column) in formulas
                    else cell
                    for column, cell in enumerate(row)
                ],
            )
            for number, row in lines
        ]
    return _file(path, lines, known, sheet=sheet, epoch=epoch, notes=notes)


def _cell(row: list[str], column: int) -> str:
    return row[column] if column < len(row) else ""


def _guard(path: Path) -> None:
    """Refuse what is no workbook, or one that unpacks to more than any task list."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except READ_ERRORS as error:
        raise InputError(f"{path.name} is damaged or cut off") from error
    names = {part.filename for part in parts}
    if "xl/workbook.xml" not in names:
        raise InputError(f"{path.name} is no Excel workbook (.xlsx)")
    if len(parts) > _PARTS or sum(part.file_size for part in parts) > _UNPACKED:
        raise InputError(f"{path.name} unpacks to far more than a task sheet: it is not read")


def _cells(
    path: Path, known: Mapping[str, Column | str], *, values: bool
) -> tuple[str, dt.date, list[tuple[int, list[str]]], set[tuple[int, int]]]:
    """Return the sheet, day 0 of its dates, its rows with their numbers, and where formulas are."""
    from openpyxl import load_workbook  # noqa: PLC0415  slow
    from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415

    with warnings.catch_warnings(), path.open("rb") as file:
        warnings.simplefilter("ignore")  # of styles and validations that a reader does not need
        try:
            book = load_workbook(file, read_only=True, data_only=values)
            names = [page.title for page in book.worksheets]
            name = SHEET if SHEET in names else _task_sheet(book, names, known)
            lines, formulas = [], set()
            for number, row in enumerate(book[name].iter_rows(), start=1):
                cells = row[:_MOST_COLUMNS]
                texts = [_text(cell.value) for cell in cells]
                if not any(texts):
                    continue
                if number > _MOST_ROWS:
                    raise InputError(f"{path.name} has more than {_MOST_ROWS} rows")
                lines.append((number, texts))
                formulas |= {
                    (number, column)
                    for column, cell in enumerate(cells)
                    if getattr(cell, "data_type", "") == "f"
                }
            epoch = book.epoch.date()
        except InputError:
            raise
        except (InvalidFileException, zlib.error, *_DAMAGED) as error:
            raise InputError(f"{path.name} is damaged, or no Excel workbook") from error
    return name, epoch, lines, formulas


def _task_sheet(book: Any, names: list[str], known: Mapping[str, Column | str]) -> str:
    """Return the first sheet that has the heading of the ids; the sheet was renamed."""
    for name in names:
        for row in itertools.islice(book[name].iter_rows(values_only=True), _HEAD_WITHIN):
            if any(known.get(plain_head(_text(cell))) is Column.ID for cell in row):
                return name
    return names[0]


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            number = Decimal(repr(value))
            return str(number.to_integral_value()) if number == int(number) else f"{number:f}"
        case dt.datetime():
            return value.isoformat(" ")
        case dt.date() | dt.time():
            return value.isoformat()
        case _:
            return _clean(str(value))
