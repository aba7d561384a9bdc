"""The copy of a task sheet that goes back to its author: with a column that says what was wrong."""

from __future__ import annotations

import csv
import itertools
import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from engine.task_columns import ERRORS, Column, headings, plain_head
from engine.task_import import Fate, RowResult, Taken
from engine.task_rows import TaskFile, csv_rows

__all__ = ["fresh_path", "replace_file", "write_return"]

_TOLD = {Fate.TAKEN: "已导入", Fate.ALREADY: "已导入", Fate.EMPTY: ""}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_VERSIONS = {text for text, column in headings().items() if column is Column.VERSION}


def write_return(file: TaskFile, taken: Taken) -> Path:
    """Write the copy beside the file, under a name that nothing has yet, and return it.

    Rows whose task has changed since the export, but is still open, get its new mark: imported from
    the copy they count. Raises OSError where it can't be written.
    """
    path = fresh_path(file.path)
    write = _write_csv if file.sheet is None else _write_workbook
    replace_file(path, lambda to: write(file, taken, to))
    return path


def fresh_path(path: Path) -> Path:
    """Return ``today.errors.xlsx`` beside ``today.xlsx``, or the next such name that is free."""
    stem = path.stem.partition(".errors")[0]
    for number in itertools.count(1):
        tail = "" if number == 1 else f"-{number}"
        found = path.with_name(f"{stem}.errors{tail}{path.suffix}")
        if not found.exists():
            return found
    raise AssertionError("there is always a free number")


def replace_file(path: Path, write: Callable[[Path], None]) -> None:
    """Let a file be written whole, or not at all: under another name first."""
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        write(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _words(row: RowResult) -> str:
    return row.words if row.fate is Fate.FAILED else _TOLD[row.fate]


def _columns(heads: Sequence[object]) -> tuple[int, int | None]:
    """Return where the errors go and where the marks are, from 0."""
    named = [plain_head(str(head)) if head is not None else "" for head in heads]
    version = next((column for column, name in enumerate(named) if name in _VERSIONS), None)
    if plain_head(ERRORS) in named:  # a copy that came back again
        return named.index(plain_head(ERRORS)), version
    filled = [column for column, name in enumerate(named) if name]
    return (filled[-1] + 1 if filled else 0), version


def _write_workbook(file: TaskFile, taken: Taken, to: Path) -> None:
    from openpyxl import load_workbook  # noqa: PLC0415  slow
    from openpyxl.styles import Alignment, PatternFill  # noqa: PLC0415
    from openpyxl.utils import get_column_letter  # noqa: PLC0415

    with warnings.catch_warnings(), file.path.open("rb") as source:
        warnings.simplefilter("ignore")
        book = load_workbook(source)
    assert file.sheet is not None
    page = book[file.sheet]
    errors, version = _columns([cell.value for cell in page[file.head]])
    _set(page.cell(row=file.head, column=errors + 1), ERRORS)
    page.column_dimensions[get_column_letter(errors + 1)].width = 60
    red = PatternFill(fill_type="solid", start_color="FFFFC7CE")
    for row in taken.rows:
        cell = page.cell(row=row.number, column=errors + 1)
        _set(cell, _words(row))
        if row.fate is Fate.FAILED:
            cell.fill, cell.alignment = red, Alignment(wrap_text=True, vertical="top")
        if row.version and version is not None:
            _set(page.cell(row=row.number, column=version + 1), row.version)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        book.save(to)
    book.close()


def _set(cell: Any, text: str) -> None:
    """Set a cell to a text, never to a formula."""
    cell.value = text or None
    if text:
        cell.data_type = "s"


def _write_csv(file: TaskFile, taken: Taken, to: Path) -> None:
    rows = list(csv_rows(file.path, file.encoding))
    errors, version = _columns(rows[file.head - 1])
    told = {row.number: row for row in taken.rows}
    with to.open("w", encoding="utf-8-sig", newline="") as target:
        writer = csv.writer(target)
        for number, cells in enumerate(rows, start=1):
            full = [*cells, *[""] * (errors + 1 - len(cells))]
            row = told.get(number)
            if number == file.head:
                full[errors] = ERRORS
            elif row is not None:
                full[errors] = _words(row)
                if row.version and version is not None:
                    full[version] = row.version
            writer.writerow([_harmless(cell) for cell in full])


def _harmless(cell: str) -> str:
    """Return a cell that no program takes for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
