"""A file's rows in a temporary table ``staged(line, c0, c1, ...)`` of the log's connection.

Text formats are all VARCHAR; Parquet keeps its types and is a view: it is read where it lies.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.intake.files import detect_encoding, detect_kind, open_bytes, text_stream
from engine.intake.jsonl import JsonRow, read_json_lines
from engine.intake.sheet import read_sheet
from engine.intake.text import Broken, Row, read_delimited
from engine.log_schema import quoted
from rules.errors import InputError
from rules.importmap_types import FileFormat, FileKind

if TYPE_CHECKING:
    import duckdb

__all__ = ["Column", "Progress", "Stage", "literal", "stage_file", "stage_rows"]

Progress = Callable[[int, int | None], None]

_CHUNK = 20_000  #: rows a batch into DuckDB
_SHOWN = 200  #: characters of a bad value in the rejects file

_REJECTS = """
CREATE OR REPLACE TEMP TABLE rejects (line BIGINT, name VARCHAR, value VARCHAR, reason VARCHAR)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of the file, as it stands in ``staged``."""

    sql: str  #: its name there
    type: str  #: SQL type
    typed: bool = False  #: of a file that keeps types


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What was staged."""

    kind: FileKind
    encoding: str  #: "" where the format has its own
    columns: dict[str, Column]  #: by the name that a map uses, in the order of the file
    table: str = "staged"  #: of the rows


def literal(text: str) -> str:
    """Return an SQL text literal."""
    return "'" + text.replace("'", "''") + "'"


@contextmanager
def stage_file(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    form: FileFormat,
    progress: Progress | None,
) -> Iterator[Stage]:
    """Stage the rows of a file, and what is no row in ``rejects``; valid within the block.

    Raises InputError for a file that can't be read at all.
    """
    kind = detect_kind(path, form)
    connection.execute(_REJECTS)
    if kind is FileKind.PARQUET:
        with tempfile.TemporaryDirectory() as folder:
            yield _stage_parquet(connection, _plain_name(path, Path(folder)))
        return
    loader = _Loader(connection, progress, path.stat().st_size)
    if kind is FileKind.XLSX:
        loader.table(read_sheet(path, form.sheet), form.columns, path.name, lambda: 0)
        yield Stage(kind=kind, encoding="", columns=loader.columns)
        return
    encoding = detect_encoding(path, form.encoding)
    with open_bytes(path) as opened, text_stream(opened, encoding) as lines:
        try:
            if kind is FileKind.JSONL:
                loader.objects(read_json_lines(lines), lambda: opened.done)
            else:
                rows = read_delimited(lines, form.delimiter)
                loader.table(rows, form.columns, path.name, lambda: opened.done)
        except UnicodeError as error:
            raise InputError(f"{path.name} is not {encoding} text: {error}") from error
    yield Stage(kind=kind, encoding=encoding.removesuffix("-sig"), columns=loader.columns)


def stage_rows(
    connection: duckdb.DuckDBPyConnection,
    rows: Iterable[JsonRow],
    columns: Iterable[str],
    *,
    whole: Iterable[str] = (),
) -> Stage:
    """Stage rows that stand in no file; each of the columns is there, also where no row has it.

    The columns ``whole`` hold whole numbers in every row.
    """
    connection.execute(_REJECTS)
    loader = _Loader(connection, None, 0)
    loader.add_columns(columns)
    loader.objects(iter(rows), lambda: 0)
    for name in whole:
        column = loader.columns[name]
        connection.execute(f"ALTER TABLE staged ALTER {column.sql} TYPE BIGINT")
        loader.columns[name] = replace(column, type="BIGINT")
    return Stage(kind=FileKind.JSONL, encoding="", columns=loader.columns)


def _plain_name(path: Path, folder: Path) -> Path:
    """Return a name of the file without the characters that DuckDB takes for wildcards."""
    if not set("*?[") & set(str(path)):
        return path
    link = folder / "file.parquet"
    link.symlink_to(path.resolve())
    return link


def _stage_parquet(connection: duckdb.DuckDBPyConnection, path: Path) -> Stage:
    import duckdb  # noqa: PLC0415

    source = f"read_parquet({literal(str(path))}, file_row_number = true)"
    try:
        described = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()  # noqa: S608
    except duckdb.Error as error:
        raise InputError(f"{path.name} is damaged, or no Parquet file") from error
    names = [(row[0], row[1]) for row in described if row[0] != "file_row_number"]
    columns = {
        name: Column(sql=f"c{index}", type=kind, typed=True)
        for index, (name, kind) in enumerate(names)
    }
    select = "".join(f", {quoted(name)} AS {column.sql}" for name, column in columns.items())
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW staged AS SELECT file_row_number + 1 AS line{select} FROM {source}"  # noqa: S608
    )
    return Stage(kind=FileKind.PARQUET, encoding="", columns=columns)


class _Loader:
    """Fills ``staged`` from rows of text, chunk by chunk."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, progress: Progress | None, size: int
    ) -> None:
        self.columns: dict[str, Column] = {}
        self._connection = connection
        self._progress = progress
        self._size = size
        self._broken: list[Broken] = []
        connection.execute("CREATE OR REPLACE TEMP TABLE staged (line BIGINT)")

    def table(
        self,
        rows: Iterator[Row | Broken] | Iterator[Row],
        names: tuple[str, ...],
        file: str,
        done: Callable[[], int],
    ) -> None:
        """Load rows of cells; the first row names the columns unless the map does."""
        header = list(names)
        for row in rows if not header else ():
            if isinstance(row, Row):
                header = row.cells
                break
            raise InputError(f"{file} line {row.line}: {row.reason}")
        if not header:
            raise InputError(f"{file} is empty")
        self.add_columns(_unique(header))
        width = len(header)
        while batch := list(islice(rows, _CHUNK)):
            lines: list[int] = []
            cells: list[list[str]] = []
            for row in batch:
                if isinstance(row, Broken):
                    self._broken.append(row)
                    continue
                found = row.cells
                if len(found) > width and not any(cell.strip() for cell in found[width:]):
                    found = found[:width]  # a delimiter too many at the end of the line
                if len(found) != width:
                    reason = f"the line has {_columns(len(found))}, the header {width}"
                    self._broken.append(Broken(row.line, ",".join(found), reason))
                    continue
                lines.append(row.line)
                cells.append(found)
            values = [list(column) for column in zip(*cells, strict=True)] or [[]] * width
            self._insert(lines, values, [f"c{index}" for index in range(width)])
            self._tell(done())

    def objects(self, rows: Iterator[Any], done: Callable[[], int]) -> None:
        """Load flat objects; a column is made when its key is first seen."""
        while batch := list(islice(rows, _CHUNK)):
            self._broken.extend(row for row in batch if isinstance(row, Broken))
            found = [row for row in batch if not isinstance(row, Broken)]
            keys = list(dict.fromkeys(key for row in found for key in row.cells))
            self.add_columns([key for key in keys if key not in self.columns])
            values = [[row.cells.get(key) for row in found] for key in keys]
            self._insert([row.line for row in found], values, [self.columns[k].sql for k in keys])
            self._tell(done())

    def add_columns(self, names: Iterable[str]) -> None:
        """Add columns of text."""
        for name in names:
            column = Column(sql=f"c{len(self.columns)}", type="VARCHAR")
            self.columns[name] = column
            self._connection.execute(f"ALTER TABLE staged ADD COLUMN {column.sql} VARCHAR")

    def _insert(self, lines: list[int], values: list[list[Any]], names: list[str]) -> None:
        """Insert columns of text; rows that hold what is no text are turned away."""
        import pyarrow as pa  # noqa: PLC0415

        wrong = _not_text(values)
        if wrong:
            for index, reason in sorted(wrong.items()):
                shown = ",".join(str(column[index] or "") for column in values)
                self._broken.append(Broken(lines[index], shown, reason))
            lines = [line for index, line in enumerate(lines) if index not in wrong]
            values = [
                [cell for index, cell in enumerate(column) if index not in wrong]
                for column in values
            ]
        if lines:
            arrays = [pa.array(column, type=pa.string()) for column in values]
            chunk = pa.table([pa.array(lines, type=pa.int64()), *arrays], names=["line", *names])
            self._load("staged", chunk)
        if self._broken:
            self._load(
                "rejects",
                pa.table(
                    {
                        "line": pa.array([row.line for row in self._broken], type=pa.int64()),
                        "name": [""] * len(self._broken),
                        "value": [_shown(row.text) for row in self._broken],
                        "reason": [row.reason for row in self._broken],
                    }
                ),
            )
            self._broken.clear()

    def _load(self, table: str, chunk: Any) -> None:
        self._connection.register("chunk", chunk)
        self._connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM chunk")  # noqa: S608
        self._connection.unregister("chunk")

    def _tell(self, done: int) -> None:
        if self._progress is not None:
            self._progress(done, self._size)


def _not_text(values: list[list[Any]]) -> dict[int, str]:
    """Return row -> reason for rows with lone surrogates or NULs; quick where there are none."""
    wrong: dict[int, str] = {}
    for column in values:
        joined = "".join(cell for cell in column if cell)
        if "\0" not in joined and joined.isascii():
            continue
        for index, cell in enumerate(column):
            if not cell:
                continue
            if "\0" in cell:
                wrong[index] = "a NUL character in the line"
            elif not cell.isascii():
                try:
                    cell.encode()
                except UnicodeEncodeError:
                    wrong[index] = "bytes that are no text in the file's encoding"
    return wrong


def _shown(text: str) -> str:
    plain = text.rstrip("\r\n")[:_SHOWN].replace("\0", "")
    return plain.encode(errors="replace").decode()


def _columns(count: int) -> str:
    return f"{count} column" + ("" if count == 1 else "s")


def _unique(header: list[str]) -> list[str]:
    """Name what has no name, and number what stands twice: ``Variant``, ``Variant (2)``."""
    taken: dict[str, int] = {}
    names = []
    for index, cell in enumerate(header, start=1):
        name = cell.strip() or f"column {index}"
        taken[name] = taken.get(name, 0) + 1
        names.append(name if taken[name] == 1 else f"{name} ({taken[name]})")
    return names
