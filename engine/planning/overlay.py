"""A log that is tried out: the stored one, read only, with more rows on top of it in memory.

Nothing of the stored log is copied. It is attached; in the schema ``seen`` a view of each table shows
its rows and those drafted, which are in ``main``: so whoever reads ``events`` reads both, and whoever
writes to ``main.events`` writes to memory.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from engine.log import MEMORY, Log, patiently
from engine.log_schema import create_tables, missing_columns, quoted, register_names
from rules.vocabulary import Vocabulary

if TYPE_CHECKING:
    import duckdb

__all__ = ["DraftLog", "draft_log"]

#: Those that a run reads.
_TABLES = ("customers", "kinds", "attribute_names", "events", "superseded", "attributes")


class DraftLog(Log):
    """A stored log with drafted rows on top. Writing to it leaves the file alone."""

    def ensure_columns(self, vocabulary: Vocabulary) -> None:
        """Give every declared field its column and every declared name its code, in memory."""
        missing = missing_columns(self.connection, vocabulary)
        for name, kind in missing.items():
            self.connection.execute(f"ALTER TABLE main.events ADD COLUMN {quoted(name)} {kind}")
        if missing:
            _show(self.connection, "events")
        register_names(self.connection, vocabulary)


def draft_log(path: Path, vocabulary: Vocabulary, *, wait: float = 10.0) -> Log:
    """Open a log to be tried out, waiting some seconds for whoever holds it; an empty one where there
    is no file. Close it.

    Raises BusyError with the process that holds it, InputError for a damaged file.
    """
    import duckdb  # noqa: PLC0415  slow

    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY,
        "temp_directory": str(Path(tempfile.gettempdir()) / f"care-{os.getpid()}"),
        "autoload_known_extensions": False,
        "autoinstall_known_extensions": False,
    }
    connection = duckdb.connect(":memory:", config=config)
    try:
        if path.exists():
            log: Log = DraftLog(connection, path, writable=True)
            where = str(path).replace("'", "''")
            patiently(
                path, lambda: connection.execute(f"ATTACH '{where}' AS stored (READ_ONLY)"),
                wait=wait,
            )  # fmt: skip
            _lay(connection)
        else:
            log = Log(connection, path, writable=True)
            create_tables(connection)
        log.ensure_columns(vocabulary)
    except BaseException:
        connection.close()
        raise
    return log


def _lay(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("CREATE SCHEMA seen")
    for table in _TABLES:
        connection.execute(
            f"CREATE TABLE main.{table} AS SELECT * FROM stored.main.{table} LIMIT 0"  # noqa: S608
        )
        _show(connection, table)
    connection.execute("SET search_path = 'seen,main'")


def _show(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    connection.execute(
        f"CREATE OR REPLACE VIEW seen.{table} AS SELECT * FROM stored.main.{table}"  # noqa: S608
        f" UNION ALL BY NAME SELECT * FROM main.{table}"
    )
