"""Writing to the log: customers get codes, events get seqs, in the order in which they happened.

Tables that grow are named with their schema: a log that is tried out reads wider views of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from engine.log_schema import event_columns, quoted
from rules.columns import attribute_cells, cell, column
from rules.history import AttributeVersion, Event
from rules.vocabulary import Vocabulary

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

__all__ = ["add_events", "append", "register_customers"]

#: Codes in the order of first sight; `{table}` has customer (id) and occurred_at.
_NEW_CUSTOMERS = """
INSERT INTO main.customers
SELECT (SELECT coalesce(max(code), 0) FROM customers)
       + row_number() OVER (ORDER BY first_at, customer), customer
FROM (
    SELECT customer, min(occurred_at) AS first_at FROM {table}
    WHERE customer NOT IN (SELECT id FROM customers)
    GROUP BY customer
)
ORDER BY first_at, customer
"""

# Of a (source, id) that stands twice in one batch the first row counts.
_NEW_EVENTS = """
CREATE OR REPLACE TEMP TABLE fresh_events AS
SELECT * FROM (
    SELECT *, row_number() OVER (PARTITION BY id ORDER BY nth) AS copy FROM staged_events
) WHERE copy = 1 AND id NOT IN (SELECT id FROM events WHERE source = $source)
"""

_ADD_EVENTS = """
INSERT INTO main.events BY NAME
SELECT $first_seq - 1 + row_number() OVER (ORDER BY f.occurred_at, f.id) AS seq,
       c.code AS customer, f.kind, f.occurred_at, $known_at::BIGINT AS known_at,
       $source AS source, f.id, f.rest {columns}
FROM {table} f JOIN customers c ON c.id = f.customer
ORDER BY f.occurred_at, f.id
"""


def register_customers(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    """Give codes to the customers of a staged table that have none; return how many."""
    row = connection.execute(_NEW_CUSTOMERS.format(table=table)).fetchone()
    return int(row[0]) if row is not None else 0


def append(
    connection: duckdb.DuckDBPyConnection,
    events: Sequence[tuple[str, Event]],
    *,
    vocabulary: Vocabulary,
    source: str,
    known_at: int,
    kinds: Mapping[str, int],
    first_seq: int,
) -> int:
    """Add those events whose (source, id) the log does not have; the caller owns the transaction.

    Raises KeyError for an event kind that care.yaml does not declare.
    """
    connection.register("staged_events", _arrow(events, vocabulary, kinds))
    connection.execute(_NEW_EVENTS, {"source": source})
    register_customers(connection, "fresh_events")
    added = _add(
        connection, "fresh_events", vocabulary=vocabulary, source=source, known_at=known_at,
        first_seq=first_seq,
    )  # fmt: skip
    connection.unregister("staged_events")
    connection.execute("DROP TABLE fresh_events")
    return added


def add_events(
    connection: duckdb.DuckDBPyConnection,
    events: Sequence[tuple[str, Event]],
    *,
    vocabulary: Vocabulary,
    source: str,
    known_at: int,
    kinds: Mapping[str, int],
    first_seq: int,
) -> int:
    """Add events of known customers whose (source, id) the log does not have."""
    connection.register("staged_events", _arrow(events, vocabulary, kinds))
    added = _add(
        connection, "staged_events", vocabulary=vocabulary, source=source, known_at=known_at,
        first_seq=first_seq,
    )  # fmt: skip
    connection.unregister("staged_events")
    return added


def _add(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    *,
    vocabulary: Vocabulary,
    source: str,
    known_at: int,
    first_seq: int,
) -> int:
    columns = {name.lower(): name for name in event_columns(vocabulary)}
    select = "".join(f", f.{quoted(name)}" for name in columns.values())
    row = connection.execute(
        _ADD_EVENTS.format(columns=select, table=table),
        {"first_seq": first_seq, "known_at": known_at, "source": source},
    ).fetchone()
    return int(row[0]) if row is not None else 0


_ADD_VERSIONS = """
INSERT INTO main.attributes BY NAME
SELECT $first_seq + row_number() OVER (ORDER BY f.nth) - 1 AS seq, c.code AS customer, f.attribute,
       f.occurred_at, $known_at AS known_at, $source AS source, f.id, f.num, f.txt
FROM staged_versions f JOIN customers c ON c.id = f.customer
WHERE NOT EXISTS (SELECT 1 FROM attributes a WHERE a.source = $source AND a.id = f.id)
"""


def append_attributes(
    connection: duckdb.DuckDBPyConnection,
    versions: Sequence[tuple[str, AttributeVersion]],
    *,
    vocabulary: Vocabulary,
    source: str,
    known_at: int,
    codes: Mapping[str, int],
    first_seq: int,
) -> int:
    """Add those attribute versions whose (source, id) the log does not have."""
    import pyarrow as pa  # noqa: PLC0415

    cells = [attribute_cells(vocabulary.attributes[v.name], v.value) for _, v in versions]
    staged = pa.table(
        {
            "nth": pa.array(range(len(versions)), type=pa.int64()),
            "customer": pa.array([customer for customer, _ in versions], type=pa.string()),
            "attribute": pa.array([codes[v.name] for _, v in versions], type=pa.int32()),
            "occurred_at": pa.array([v.at for _, v in versions], type=pa.int64()),
            "id": pa.array([v.id for _, v in versions], type=pa.string()),
            "num": pa.array([num for num, _ in cells], type=pa.int64()),
            "txt": pa.array([txt for _, txt in cells], type=pa.string()),
        }
    )
    connection.register("staged_versions", staged)
    register_customers(connection, "staged_versions")
    binds = {"first_seq": first_seq, "known_at": known_at, "source": source}
    row = connection.execute(_ADD_VERSIONS, binds).fetchone()
    connection.unregister("staged_versions")
    return int(row[0]) if row is not None else 0


_ARROW = {"BIGINT": "int64", "INTEGER": "int32", "VARCHAR": "string", "BOOLEAN": "bool"}


def _arrow(
    events: Sequence[tuple[str, Event]], vocabulary: Vocabulary, kinds: Mapping[str, int]
) -> pa.Table:
    """Return the events as columns, each declared field in its typed one."""
    import pyarrow as pa  # noqa: PLC0415

    types = {name.lower(): (name, kind) for name, kind in event_columns(vocabulary).items()}
    cells: dict[str, list[Any]] = {key: [None] * len(events) for key in types}
    rest: list[str | None] = []
    for index, (_, event) in enumerate(events):
        declared = vocabulary.events[event.name].fields
        other: dict[str, Any] = {}
        for key, value in event.fields.items():
            field = declared.get(key)
            if field is None:
                other[key] = value
            else:
                cells[column(field).lower()][index] = cell(field, value)
        rest.append(json.dumps(other, ensure_ascii=False, sort_keys=True) if other else None)
    fixed: dict[str, pa.Array] = {
        "nth": pa.array(range(len(events)), type=pa.int64()),
        "customer": pa.array([customer for customer, _ in events], type=pa.string()),
        "kind": pa.array([kinds[event.name] for _, event in events], type=pa.int32()),
        "occurred_at": pa.array([event.at for _, event in events], type=pa.int64()),
        "id": pa.array([event.id for _, event in events], type=pa.string()),
        "rest": pa.array(rest, type=pa.string()),
    }
    typed = {
        types[key][0]: pa.array(
            values, type=getattr(pa, _ARROW[types[key][1]].replace("bool", "bool_"))()
        )
        for key, values in cells.items()
    }
    return pa.table(fixed | typed)
