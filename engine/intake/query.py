# ruff: noqa: S608  (names are ours)
"""The ``query:`` of a map: one SELECT over the table ``rows``, closed in.

It runs in a fresh in-memory connection that can reach no file, no network and no setting; what it
sees is a copy of the rows, what it gives are new rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.intake.staging import Column, Stage
from engine.log_schema import quoted
from rules.errors import InputError

if TYPE_CHECKING:
    import duckdb

__all__ = ["check_query", "run_query"]

_CLOSED: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": "700MB",
    "autoload_known_extensions": False,
    "autoinstall_known_extensions": False,
    "python_enable_replacements": False,
}


def check_query(sql: str) -> str:
    """Return the query if it is one SELECT over ``rows``. Raises InputError."""
    import sqlglot  # noqa: PLC0415  (0.2 s)
    from sqlglot import exp  # noqa: PLC0415
    from sqlglot.errors import SqlglotError  # noqa: PLC0415

    try:
        statements = [found for found in sqlglot.parse(sql, read="duckdb") if found is not None]
    except (SqlglotError, RecursionError) as error:
        first = str(error).splitlines()[0].replace("\x1b[4m", "").replace("\x1b[0m", "")
        raise InputError(f"the map's query can't be read: {first}") from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise InputError("the map's query must be one SELECT over the table rows")
    query = statements[0]
    own = {name.lower() for cte in query.find_all(exp.CTE) if (name := cte.alias)}
    for table in query.find_all(exp.Table):
        name = table.name
        if not name or table.args.get("db") is not None or isinstance(table.this, exp.Func):
            raise InputError(
                f"the map's query may only read the table rows, not {table.sql('duckdb')}"
            )
        if name.lower() != "rows" and name.lower() not in own:
            raise InputError(f'the map\'s query may only read the table rows, not "{name}"')
    return sql.strip().rstrip(";")


def run_query(connection: duckdb.DuckDBPyConnection, stage: Stage, sql: str) -> Stage:
    """Put the rows that the query gives in place of ``staged``; their line is their place.

    Raises InputError with what DuckDB says of a query that fails.
    """
    import duckdb  # noqa: PLC0415

    checked = check_query(sql)
    names = list(stage.columns)
    folded = [name.lower() for name in names]
    twice = next((name for name in names if folded.count(name.lower()) > 1), None)
    if twice is not None:
        raise InputError(
            f'two columns differ from "{twice}" in case only: rename one for the query'
        )
    select = ", ".join(f"{c.sql} AS {quoted(name)}" for name, c in stage.columns.items())
    source = connection.sql(f"SELECT {select} FROM {stage.table} ORDER BY line").to_arrow_table()
    with duckdb.connect(config=_CLOSED) as closed:
        closed.register("source", source)
        closed.execute("CREATE TABLE rows AS SELECT * FROM source")
        closed.unregister("source")
        closed.execute("SET enable_external_access = false")
        closed.execute("SET lock_configuration = true")
        try:
            found = closed.sql(checked).to_arrow_table()
            kinds = closed.execute(f"DESCRIBE {checked}").fetchall()
        except duckdb.Error as error:
            first = str(error).splitlines()[0]
            raise InputError(f"the map's query fails: {first}") from error
    return _stage(connection, stage, found, [(row[0], row[1]) for row in kinds])


def _stage(
    connection: duckdb.DuckDBPyConnection,
    stage: Stage,
    found: Any,
    kinds: list[tuple[str, str]],
) -> Stage:
    columns = {name: Column(sql=f"c{index}", type=kind) for index, (name, kind) in enumerate(kinds)}
    renamed = found.rename_columns([column.sql for column in columns.values()])
    connection.register("found", renamed)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE queried AS SELECT row_number() OVER () AS line, * FROM found"
    )
    connection.unregister("found")
    return Stage(kind=stage.kind, encoding=stage.encoding, columns=columns, table="queried")
