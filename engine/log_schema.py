"""The tables of the log: made when it is new, widened as care.yaml declares more fields.

All columns are typed; there is no key and no index (a key costs minutes and gigabytes on 20 million
events, the anti-join that takes its place milliseconds).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules.columns import column, sql_type
from rules.errors import StateError
from rules.vocabulary import Vocabulary

if TYPE_CHECKING:
    import duckdb

__all__ = [
    "VERSION",
    "create_tables",
    "event_columns",
    "missing_columns",
    "quoted",
    "register_names",
    "widen",
]

#: Of the tables below; a log of a later one is refused.
VERSION = 1

_TABLES = """
CREATE TABLE IF NOT EXISTS log_version (version INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS customers (code INTEGER, id VARCHAR);
CREATE TABLE IF NOT EXISTS kinds (code INTEGER, name VARCHAR);
CREATE TABLE IF NOT EXISTS attribute_names (code INTEGER, name VARCHAR);
CREATE TABLE IF NOT EXISTS events (
    seq BIGINT, customer INTEGER, kind INTEGER, occurred_at BIGINT, known_at BIGINT,
    source VARCHAR, id VARCHAR, rest VARCHAR
);
CREATE TABLE IF NOT EXISTS superseded (seq BIGINT, by_seq BIGINT);
CREATE TABLE IF NOT EXISTS attributes (
    seq BIGINT, customer INTEGER, attribute INTEGER, occurred_at BIGINT, known_at BIGINT,
    source VARCHAR, id VARCHAR, num BIGINT, txt VARCHAR
);
CREATE TABLE IF NOT EXISTS imports (
    id BIGINT, imported_at BIGINT, file VARCHAR, sha256 VARCHAR, source VARCHAR, rows BIGINT,
    added BIGINT, ignored BIGINT, rejected BIGINT, first_seq BIGINT, last_seq BIGINT
);
"""

#: Columns of ``events`` that every kind has.
_FIXED = ("seq", "customer", "kind", "occurred_at", "known_at", "source", "id", "rest")


def quoted(name: str) -> str:
    """Return an SQL identifier; names may be Chinese or hold quotes."""
    return '"' + name.replace('"', '""') + '"'


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create what is missing in one transaction. Raises StateError for a log of a later care."""
    connection.execute("BEGIN")
    connection.execute(_TABLES)
    found = connection.execute("SELECT version FROM log_version").fetchone()
    if found is None:
        connection.execute("INSERT INTO log_version VALUES (?)", [VERSION])
    connection.execute("COMMIT")
    if found is not None and found[0] > VERSION:
        raise StateError(
            f"the log was written by a later version of care (its tables are {found[0]}, "
            f"this care knows {VERSION}): update care"
        )


def event_columns(vocabulary: Vocabulary) -> dict[str, str]:
    """Return column -> SQL type of every declared event field, in the order of care.yaml."""
    columns: dict[str, str] = {}
    for event in vocabulary.events.values():
        for field in event.fields.values():
            columns.setdefault(column(field), sql_type(field))
    return columns


def missing_columns(
    connection: duckdb.DuckDBPyConnection, vocabulary: Vocabulary
) -> dict[str, str]:
    """Return column -> SQL type of the declared fields that ``events`` has no column for."""
    # DESCRIBE sees the table as a query does: with the columns that `widen` shows in a view.
    rows = connection.execute("DESCRIBE SELECT * FROM events").fetchall()
    present = {name.lower() for name, *_ in rows} | set(_FIXED)
    missing: dict[str, str] = {}
    for name, kind in event_columns(vocabulary).items():
        if name.lower() not in present:  # identifiers are equal whatever their case
            present.add(name.lower())
            missing[name] = kind
    return missing


def widen(connection: duckdb.DuckDBPyConnection, vocabulary: Vocabulary, *, writable: bool) -> None:
    """Give ``events`` a column for every declared field; a read-only log shows them as NULLs."""
    missing = missing_columns(connection, vocabulary)
    if not missing:
        return
    if writable:
        for name, kind in missing.items():
            connection.execute(f"ALTER TABLE events ADD COLUMN {quoted(name)} {kind}")
        return
    row = connection.execute("SELECT current_database()").fetchone()
    assert row is not None
    table = f"{quoted(row[0])}.main.events"
    stored = {name.lower() for name, *_ in connection.execute(f"DESCRIBE {table}").fetchall()}
    empty = ", ".join(
        f"NULL::{kind} AS {quoted(name)}"
        for name, kind in event_columns(vocabulary).items()
        if name.lower() not in stored
    )
    connection.execute(f"CREATE OR REPLACE TEMP VIEW events AS SELECT *, {empty} FROM {table}")  # noqa: S608


def register_names(connection: duckdb.DuckDBPyConnection, vocabulary: Vocabulary) -> None:
    """Give every declared event kind and attribute its code, in the order of care.yaml."""
    for table, names in (("kinds", vocabulary.events), ("attribute_names", vocabulary.attributes)):
        rows = connection.execute(f"SELECT code, name FROM {table}").fetchall()  # noqa: S608
        known = {name for _, name in rows}
        code = max((code for code, _ in rows), default=0)
        for name in names:
            if name not in known:
                code += 1
                connection.execute(f"INSERT INTO main.{table} VALUES (?, ?)", [code, name])  # noqa: S608
