# ruff: noqa: S608  (names are ours, values are bound)
"""Rows that can't go in: collected in the table ``rejects``, written for a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.intake import cells
from engine.intake.layers import Check
from engine.intake.staging import Stage
from rules.units import to_local

if TYPE_CHECKING:
    import duckdb

__all__ = ["add_rejects", "count_reasons", "count_rejects", "write_rejects"]

_FETCH = 10_000


def add_rejects(
    connection: duckdb.DuckDBPyConnection, table: str, checks: Sequence[Check], stage: Stage
) -> None:
    """Add the rows of an entry's table that have something wrong, with the value as it stands."""
    used = connection.execute(
        f"SELECT DISTINCT bad FROM {table} WHERE bad IS NOT NULL ORDER BY bad"
    ).fetchall()
    for (index,) in used:
        check = checks[index]
        column = stage.columns.get(check.name)
        value = "NULL" if column is None else cells.text(column)
        connection.execute(
            "INSERT INTO rejects SELECT line, $name, left(value, 200), $reason FROM ("
            f"SELECT s.line, {value} AS value FROM {stage.table} s "
            f"WHERE s.line IN (SELECT line FROM {table} WHERE bad = {index}))",
            {"name": check.name, "reason": check.reason},
        )


def count_rejects(connection: duckdb.DuckDBPyConnection) -> int:
    """Return how many lines have something wrong."""
    row = connection.execute("SELECT count(DISTINCT line) FROM rejects").fetchone()
    assert row is not None
    return int(row[0])


def count_reasons(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Return reason -> number of lines, the most frequent first."""
    return dict(
        connection.execute(
            "SELECT CASE WHEN name = '' THEN reason ELSE name || ': ' || reason END AS told,"
            " count(DISTINCT line) AS lines FROM rejects GROUP BY told ORDER BY lines DESC, told"
        ).fetchall()
    )


def write_rejects(
    connection: duckdb.DuckDBPyConnection, folder: Path, file: str, *, at: int, timezone: str
) -> Path:
    """Write the rejects as CSV that Excel opens rightly; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{file}-{to_local(at, timezone):%Y%m%dT%H%M%S}.csv"
    cursor = connection.execute(
        "SELECT DISTINCT line, name, value, reason FROM rejects ORDER BY line, name, reason"
    )
    with path.open("w", encoding="utf-8-sig", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(["line", "column", "value", "reason"])
        while rows := cursor.fetchmany(_FETCH):
            writer.writerows(
                (line, _harmless(name), _harmless(value or ""), reason)
                for line, name, value, reason in rows
            )
    return path


def _harmless(text: str) -> str:
    """Keep a spreadsheet from taking a value for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
