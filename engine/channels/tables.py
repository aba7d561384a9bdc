"""Messages as tables: JSON, CSV and Excel files, written whole or not at all, and read again.

Nothing in a sheet is a formula: xlsx cells are written as texts, and a CSV cell that a sheet program
would compute gets a ``'`` in front, which reading takes away again.
"""

from __future__ import annotations

import contextlib
import csv
import datetime as dt
import io
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rules.errors import InputError

__all__ = ["SUFFIXES", "read_rows", "render", "shielded", "unshielded", "write_whole"]

SUFFIXES = ("json", "csv", "xlsx")

Row = Mapping[str, Any]

#: What stands first; the rest follows by name.
_COLUMNS = (
    "action", "customer", "playbook", "step", "title", "channel", "to", "subject", "text", "html",
    "attachments", "assignee", "opens_at", "due_by", "brief", "template", "journey",
)  # fmt: skip
#: The wide forms are taken for the plain ones by sheet programs set to Chinese or Japanese.
_COMPUTED = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_LONGEST_CELL = 32_767  #: characters that Excel takes in a cell
_MADE = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)  #: an Excel file tells when it was made; ours do not


def shielded(text: str) -> str:
    """Return a text as a CSV cell that no sheet program computes."""
    return f"'{text}" if _COMPUTED.match(text) else text


def unshielded(text: str) -> str:
    """Return what was shielded."""
    return text[1:] if text.startswith("'") and _COMPUTED.match(text) else text


def render(rows: Sequence[Row], form: str, *, single: bool = False) -> bytes:
    """Return rows as a file of a form out of SUFFIXES; ``single``: one row, in JSON not a list."""
    if form == "json":
        value = rows[0] if single else list(rows)
        text = json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)
        return f"{text}\n".encode()
    columns = _columns(rows)
    cells = [[_cell(row.get(column)) for column in columns] for row in rows]
    return _csv(columns, cells) if form == "csv" else _xlsx(columns, cells)


def _columns(rows: Iterable[Row]) -> list[str]:
    there = {key for row in rows for key in row}
    return [*(key for key in _COLUMNS if key in there), *sorted(there - set(_COLUMNS))]


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case list() | tuple():
            return "; ".join(map(str, value))
    return json.dumps(value, ensure_ascii=False)


def _csv(columns: Sequence[str], cells: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([shielded(cell) for cell in line] for line in cells)
    return text.getvalue().encode("utf-8-sig")  # Excel takes it for UTF-8 by this mark only


def _xlsx(columns: Sequence[str], cells: Iterable[Sequence[str]]) -> bytes:
    import xlsxwriter  # noqa: PLC0415  slow

    made = io.BytesIO()
    book = xlsxwriter.Workbook(made, {"in_memory": True})
    book.set_properties({"created": _MADE.replace(tzinfo=None)})
    sheet = book.add_worksheet()
    sheet.freeze_panes(1, 0)
    for y, line in enumerate((columns, *cells)):
        for x, cell in enumerate(line):
            sheet.write_string(y, x, cell[:_LONGEST_CELL])
    book.close()
    return made.getvalue()


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a file that ``render`` made. Raises InputError for any other."""
    try:
        match path.suffix:
            case ".json":
                found = json.loads(path.read_text(encoding="utf-8"))
                rows = found if isinstance(found, list) else [found]
            case ".csv":
                lines = csv.DictReader(
                    io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")
                )
                rows = [{key: unshielded(cell) for key, cell in line.items()} for line in lines]
            case _:
                rows = _read_xlsx(path)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, csv.Error) as error:
        raise InputError(f"{path.name} can't be read: {_short(error)}") from None
    if not rows or not all(isinstance(row, dict) and "action" in row for row in rows):
        raise InputError(f"{path.name} holds no action")
    return rows


def _read_xlsx(path: Path) -> list[dict[str, Any]]:
    from zipfile import BadZipFile  # noqa: PLC0415

    from openpyxl import load_workbook  # noqa: PLC0415  slow
    from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415

    try:
        book = load_workbook(path, read_only=True)
    except (BadZipFile, InvalidFileException) as error:
        raise ValueError("no Excel file") from error
    with contextlib.closing(book):
        head, *lines = book.worksheets[0].iter_rows(values_only=True)
        names = [str(key) for key in head]
        empty = dict.fromkeys(names, "")
        return [{**empty, **_told(zip(names, line, strict=False))} for line in lines]


def _told(cells: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    from openpyxl.utils.escape import unescape  # noqa: PLC0415  slow

    return {key: unescape(str(cell)) for key, cell in cells if cell is not None}


def _short(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or "the system does not say why"
    return "it is cut or was changed"


def write_whole(target: Path, data: bytes, half: Path | None = None) -> None:
    """Write a file so that it is there whole or not at all, also after a power cut.

    ``half`` is where it is written first, in the same folder. Raises OSError, and leaves no half.
    """
    half = half or target.with_name(f".{target.name}.half")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with half.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        half.replace(target)
    except OSError:
        with contextlib.suppress(OSError):
            half.unlink(missing_ok=True)
        raise
