"""What the audit chain tells, as views: for queries that need more than the columns of the tables.

They belong to a connection, not to the file, since they need functions that only the program has:
``entries_of`` a block, and what is ``told`` by the entries about a row.
"""

from __future__ import annotations

import sqlite3

from engine.audit.blocks import unpack
from engine.audit.chain import Chain
from engine.ids import canonical_json

__all__ = ["add_views"]

_VIEWS = """
CREATE TEMP VIEW audit AS   -- the entries one by one
SELECT json_extract(e.value, '$[0]') AS n, json_extract(e.value, '$[1]') AS at,
    json_extract(e.value, '$[2]') AS kind, json_extract(e.value, '$[3]') AS subject,
    json_extract(e.value, '$[4]') AS prev, json_extract(e.value, '$[5]') AS body
FROM main.blocks b, json_each(entries_of(b.n, b.body)) e;
CREATE TEMP VIEW decisions AS   -- with what stands in the chain only
SELECT d.id, d.run_at, d.gate, d.playbook, told(d.link, 'revision') AS revision, d.customer,
    d.trigger, d.occurrence, told(d.link, 'entry') AS entry, d.verb, d.reason,
    told(d.link, 'rule') AS rule, told(d.link, 'place') AS place, d.until, d.open, d.journey,
    d.action, told(d.link, 'evidence') AS evidence
FROM main.decided d;
"""


def add_views(connection: sqlite3.Connection, chain: Chain) -> None:
    """Give a connection the views ``audit`` and ``decisions``."""

    def entries_of(last: int, body: bytes) -> str:
        lines = unpack(body)
        first = last - len(lines) + 1
        return "[" + ",".join(f"[{n},{line[1:]}" for n, line in enumerate(lines, first)) + "]"

    def told(link: int, name: str) -> str | int | None:
        value = chain.told(link, name)
        return value if isinstance(value, str | int | None) else canonical_json(value)

    connection.create_function("entries_of", 2, entries_of)
    connection.create_function("told", 2, told)
    connection.executescript(_VIEWS)
