# ruff: noqa: S608  (names are ours, values are bound)
"""Prepared profiles into the log: a version of an attribute only where its value changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from engine.log_write import register_customers
from rules.columns import sql_type
from rules.importmap_types import AttributeMap, ProfileMap

if TYPE_CHECKING:
    import duckdb

__all__ = ["merge_profiles"]

# New versions and those that the log holds of the same customer and attribute, in their order
# (occurred_at, id, seq); a new one that says what the one before it says adds nothing.
_CHANGED = """
CREATE OR REPLACE TEMP TABLE changed_attributes AS
SELECT * FROM (
    SELECT *, lag(num) OVER w AS num_before, lag(txt) OVER w AS txt_before,
           row_number() OVER w AS nth
    FROM (
        SELECT a.attribute, c.id AS customer, a.occurred_at, a.known_at, a.id, a.num, a.txt,
               a.seq, NULL::BIGINT AS line
        FROM attributes a JOIN customers c ON c.code = a.customer
        WHERE (c.id, a.attribute) IN (SELECT (customer, attribute) FROM new_attributes)
        UNION ALL BY NAME
        SELECT *, NULL::BIGINT AS seq FROM new_attributes
    )
    WINDOW w AS (
        PARTITION BY customer, attribute ORDER BY occurred_at, id, seq NULLS LAST, line NULLS FIRST)
)
WHERE line IS NOT NULL
  AND (nth = 1 OR num IS DISTINCT FROM num_before OR txt IS DISTINCT FROM txt_before)
"""

_INSERT = """
INSERT INTO main.attributes BY NAME
SELECT $base + row_number() OVER () AS seq, * FROM (
    SELECT c.code AS customer, n.attribute, n.occurred_at, n.known_at, $source AS source, n.id,
           n.num, n.txt
    FROM changed_attributes n JOIN customers c ON c.id = n.customer
    ORDER BY n.occurred_at, n.line, n.attribute
)
"""


def merge_profiles(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    profile: ProfileMap,
    *,
    codes: Mapping[str, int],
    source: str,
    base: int,
) -> tuple[int, int, int]:
    """Add the sound rows of a profile's table; return versions added, unchanged, new customers.

    The caller owns the transaction.
    """
    parts = " UNION ALL ".join(
        _versions(table, index, mapped, codes[mapped.field.name])
        for index, mapped in enumerate(profile.attributes)
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE new_attributes AS {parts}")
    connection.execute(_CHANGED)
    customers = register_customers(connection, "changed_attributes")
    total = connection.execute("SELECT count(*) FROM new_attributes").fetchone()
    added = connection.execute(_INSERT, {"base": base, "source": source}).fetchone()
    assert total is not None
    assert added is not None
    return int(added[0]), int(total[0] - added[0]), customers


def _versions(table: str, index: int, mapped: AttributeMap, code: int) -> str:
    """Return SQL for one attribute of all rows, as ``num`` or ``txt``."""
    textual = sql_type(mapped.field) == "VARCHAR"
    number = "NULL" if textual else f"v{index}"
    text = f"v{index}" if textual else "NULL"
    return (
        f"SELECT {code}::INTEGER AS attribute, customer, occurred_at, known_at, id,"
        f" CAST({number} AS BIGINT) AS num, CAST({text} AS VARCHAR) AS txt, line"
        f" FROM {table} WHERE bad IS NULL"
    )
