# ruff: noqa: S608  (names are ours, values are bound)
"""Prepared events into the log: what it knows is passed over, what changed becomes a new version.

The key of an event is (source, kind, id). There is no index: two anti-joins do its work.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.log_schema import quoted
from engine.log_write import register_customers

if TYPE_CHECKING:
    import duckdb

__all__ = ["Merged", "merge_events"]

_HEAD = 10_000

# Equal counts prove that no key stands twice; hashes only ever make the count smaller.
_ALL_UNIQUE = "SELECT count(*) = count(DISTINCT hash(kind, id)) FROM {prepared}"

# Of a key that stands twice in the file the last line counts; equal ones are just repeated.
_LAST = """
CREATE OR REPLACE TEMP TABLE last_lines AS
SELECT * EXCLUDE (back) FROM (
    SELECT *, row_number() OVER (PARTITION BY kind, id ORDER BY line DESC) AS back FROM {prepared}
) WHERE back = 1
"""

_REPLACED = """
SELECT count(*) FROM {prepared} p JOIN last_lines l ON l.kind = p.kind AND l.id = p.id
WHERE p.line <> l.line AND ({different})
"""

# The version of each key that the log holds now, whatever its time: a correction may move it.
_MATCHED = """
CREATE OR REPLACE TEMP TABLE matched AS
SELECT e.seq, p.kind, p.id, ({different}) AS changed
FROM events e JOIN customers c ON c.code = e.customer
JOIN {prepared} p ON p.id = e.id AND p.kind = e.kind
WHERE e.source = $source AND e.seq NOT IN (SELECT seq FROM superseded)
"""

_FRESH = """
CREATE OR REPLACE TEMP VIEW fresh AS
SELECT p.* FROM {prepared} p
WHERE NOT EXISTS (
    SELECT 1 FROM matched m WHERE m.kind = p.kind AND m.id = p.id AND NOT m.changed)
"""

_INSERT = """
INSERT INTO main.events BY NAME
SELECT $base + row_number() OVER () AS seq, * EXCLUDE (line, place) FROM (
    SELECT c.code AS customer, f.* EXCLUDE (customer), $source AS source
    FROM {fresh} f JOIN customers c ON c.id = f.customer
    ORDER BY f.occurred_at, f.line, f.kind
)
"""

# The same where the rows lie in that order already and none is left out; row_number() would keep
# the insertion to one thread.
_INSERT_ORDERED = """
INSERT INTO main.events BY NAME
SELECT $base + 1 + f.place - $place AS seq, c.code AS customer, f.* EXCLUDE (line, place, customer),
       $source AS source
FROM {fresh} f JOIN customers c ON c.id = f.customer
ORDER BY seq
"""

# Else the order is found on narrow rows, for the same reason.
_RANK = """
CREATE OR REPLACE TEMP TABLE ranks AS
SELECT place AS row_place, row_number() OVER (ORDER BY occurred_at, line) AS nth FROM {fresh}
"""

_INSERT_RANKED = """
INSERT INTO main.events BY NAME
SELECT $base + r.nth AS seq, c.code AS customer, f.* EXCLUDE (line, place, customer),
       $source AS source
FROM {fresh} f JOIN customers c ON c.id = f.customer JOIN ranks r ON r.row_place = f.place
ORDER BY seq
"""

_SUPERSEDE = """
INSERT INTO main.superseded
SELECT m.seq, e.seq FROM matched m JOIN events e ON e.kind = m.kind AND e.id = m.id
WHERE m.changed AND e.seq > $base AND e.source = $source
ORDER BY m.seq
"""

# One streaming pass in the order of the table: does any row lie before its elder, is any left out?
_ORDERED = """
SELECT coalesce(bool_and(place = before + 1
                AND NOT (occurred_at < earlier OR (occurred_at = earlier AND line < above))), TRUE)
FROM (
    SELECT occurred_at, line, place, lag(occurred_at) OVER () AS earlier,
           lag(line) OVER () AS above, lag(place, 1, place - 1) OVER () AS before
    FROM {prepared}
)
"""

# Do the ids rise, as a database counts them (longer is later)? What rises can't stand twice.
_RISING = """
SELECT coalesce(bool_and(strlen(id) > strlen(last_id) OR (strlen(id) = strlen(last_id)
                AND id > last_id)), TRUE)
FROM (SELECT id, lag(id) OVER () AS last_id FROM {prepared})
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """What became of the prepared events."""

    added: int  #: rows in the log, corrected ones among them
    corrected: int  #: new versions of events that the log held
    known: int  #: exactly as the log holds them
    repeated: int  #: an id that stands again in the file, with the same values
    replaced: int  #: an id that stands again in the file, with other values: the last line counts
    customers: int  #: that the log had not known
    fresh: str  #: table or view of what was added


def merge_events(
    connection: duckdb.DuckDBPyConnection,
    prepared: str,
    *,
    source: str,
    base: int,
    unique: bool,
    placed: bool,
) -> Merged:
    """Add the events of a table (line, kind, customer, occurred_at, known_at, id, fields).

    ``base`` is the last seq given so far; ``unique`` says that keys can't stand twice, ``placed`` that ``place`` tells all rows apart. The
    caller owns the transaction.
    """
    repeated = replaced = 0
    fields = _fields(connection, prepared)
    ordered = placed and bool(_one(connection, _ORDERED.format(prepared=prepared)))
    if not (unique or (placed and _rising(connection, prepared)) or _unique(connection, prepared)):
        connection.execute(_LAST.format(prepared=prepared))
        different = _different("p", "l", fields, "l.customer")
        replaced = _one(connection, _REPLACED.format(prepared=prepared, different=different))
        total = _one(connection, f"SELECT count(*) FROM {prepared}")
        prepared, kept = "last_lines", _one(connection, "SELECT count(*) FROM last_lines")
        repeated = total - kept - replaced
        ordered = False
    known = corrected = 0
    fresh = prepared
    held = "SELECT count(*) FROM (SELECT 1 FROM events WHERE source = $source LIMIT 1)"
    if _one(connection, held, {"source": source}):
        # Fields that the map does not fill count too: a map that loses one makes a new version.
        different = _different("p", "e", _all_fields(connection, fields), "c.id")
        wide = _widened(connection, prepared, fields)
        connection.execute(
            _MATCHED.format(prepared=f"({wide})", different=different), {"source": source}
        )
        corrected = _one(connection, "SELECT count(*) FROM matched WHERE changed")
        known = _one(connection, "SELECT count(*) FROM matched WHERE NOT changed")
        if known or corrected:
            connection.execute(_FRESH.format(prepared=prepared))
            fresh, ordered = "fresh", False
    customers = register_customers(connection, fresh)
    binds: dict[str, object] = {"base": base, "source": source}
    insert = _INSERT
    if placed and not ordered:
        connection.execute(_RANK.format(fresh=fresh))
        insert = _INSERT_RANKED
    elif ordered:
        # The rowids of a table made in this transaction do not begin at 0.
        insert = _INSERT_ORDERED
        binds["place"] = _one(connection, f"SELECT coalesce(min(place), 0) FROM {fresh}")
    added = _one(connection, insert.format(fresh=fresh), binds)
    if corrected:
        connection.execute(_SUPERSEDE, {"base": base, "source": source})
    return Merged(
        added=added,
        corrected=corrected,
        known=known,
        repeated=repeated,
        replaced=replaced,
        customers=customers,
        fresh=fresh,
    )


_FIXED = {"line", "place", "kind", "customer", "occurred_at", "known_at", "id"}
_LOG = {"seq", "customer", "kind", "occurred_at", "known_at", "source", "id"}


def _rising(connection: duckdb.DuckDBPyConnection, prepared: str) -> bool:
    """Return whether the ids rise; most that don't show it in the first rows."""
    head = f"(SELECT * FROM {prepared} LIMIT {_HEAD})"
    return all(_one(connection, _RISING.format(prepared=rows)) for rows in (head, prepared))


def _unique(connection: duckdb.DuckDBPyConnection, prepared: str) -> bool:
    return bool(_one(connection, _ALL_UNIQUE.format(prepared=prepared)))


def _fields(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    rows = connection.execute(f"DESCRIBE SELECT * FROM {table}").fetchall()
    return [name for name, *_ in rows if name not in _FIXED]


def _all_fields(connection: duckdb.DuckDBPyConnection, fields: list[str]) -> list[str]:
    rows = connection.execute("DESCRIBE events").fetchall()
    lower = {name.lower() for name in fields}
    return fields + [name for name, *_ in rows if name not in _LOG and name.lower() not in lower]


def _widened(connection: duckdb.DuckDBPyConnection, table: str, fields: list[str]) -> str:
    """Return the prepared rows with NULLs for the log's other fields."""
    others = [name for name in _all_fields(connection, fields) if name not in fields]
    empty = "".join(f", NULL AS {quoted(name)}" for name in others)
    return f"SELECT *{empty} FROM {table}"


def _different(left: str, right: str, fields: list[str], customer: str) -> str:
    """Return SQL that is true where two rows differ in customer, time or a field.

    ``known_at`` is left out: with ``known: at import`` it differs each time.
    """
    parts = [f"{left}.customer <> {customer}", f"{left}.occurred_at <> {right}.occurred_at"]
    parts += [f"{left}.{quoted(name)} IS DISTINCT FROM {right}.{quoted(name)}" for name in fields]
    return " OR ".join(parts)


def _one(
    connection: duckdb.DuckDBPyConnection, sql: str, binds: dict[str, object] | None = None
) -> int:
    row = connection.execute(sql, binds).fetchone()
    assert row is not None
    return int(row[0])
