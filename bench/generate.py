"""Make a large log, the same one for the same numbers: ``python bench/generate.py LOG [customers events]``.

24 months of one firm, sorted by time: of 100 events 60 are usage, 15 orders, 12 messages sent, 7
replies, 3 complaints opened and 3 resolved. Few customers do much and many do little. Replies
answer a message of some hundred events before, complaints are resolved some thousand events later,
so that measures with ``same`` have something to match. Integer arithmetic only: no ``hash()`` and
no ``random()``, whose results belong to a version of DuckDB.
"""

from __future__ import annotations

import datetime as dt
import sys
import time
from pathlib import Path

from engine.log import open_log
from rules.units import from_iso
from rules.vocabulary import EventType, FieldKind, FieldType, Vocabulary

FIRST = from_iso("2024-01-01T00:00", "UTC")
LAST = from_iso("2026-01-01T00:00", "UTC")  #: no event is later

_KINDS: dict[str, dict[str, FieldKind]] = {
    "order": {"amount": FieldKind.NUMBER, "product": FieldKind.TEXT},
    "usage": {"minutes": FieldKind.NUMBER},
    "complaint_opened": {"case_id": FieldKind.TEXT, "severity": FieldKind.WORD},
    "complaint_resolved": {"case_id": FieldKind.TEXT},
    "message_sent": {"message_id": FieldKind.TEXT},
    "message_reply": {"message_id": FieldKind.TEXT},
}
_ATTRIBUTES = {
    "contract_end": FieldKind.DATE,
    "account_manager": FieldKind.TEXT,
    "size": FieldKind.NUMBER,
}
_SEVERITY = ("low", "high")


def vocabulary(timezone: str = "Asia/Shanghai") -> Vocabulary:
    """Return the vocabulary of the log."""

    def field(name: str, kind: FieldKind) -> FieldType:
        return FieldType(name=name, kind=kind, words=_SEVERITY if kind is FieldKind.WORD else ())

    return Vocabulary(
        business="bench",
        timezone=timezone,
        calendar="none",
        opens=dt.time(9),
        closes=dt.time(18),
        events={
            kind: EventType(
                name=kind, title=kind, fields={n: field(n, of) for n, of in fields.items()}
            )
            for kind, fields in _KINDS.items()
        },
        groups={},
        attributes={name: field(name, kind) for name, kind in _ATTRIBUTES.items()},
        channels={},
        roles={},
        dates={},
    )


#: 31 bits of noise from a number below 2^31; three rounds, so that neighbours are far apart.
_NOISE = """
CREATE OR REPLACE TEMP MACRO stir(x) AS xor(x, x >> 15) * 48271 % 2147483647;
CREATE OR REPLACE TEMP MACRO noise(x, salt) AS
    stir(stir(stir((x::BIGINT * 40014 + salt * 7919 + 12345) % 2147483647)))
"""

# `asked` is the row that a reply or a close belongs to: same customer, same id.
_EVENTS = """
INSERT INTO events BY NAME
WITH drawn AS (
    SELECT i, i % 100 AS place,
           CASE WHEN i % 100 BETWEEN 87 AND 93 THEN i - 312
                WHEN i % 100 >= 97 THEN i - 5003 ELSE i END AS asked
    FROM range($events) t(i)
), placed AS (
    SELECT *, noise(asked, 1 + $seed) / 2147483647.0 AS luck FROM drawn
), known AS (
    SELECT *, 1 + (floor(luck * luck * $customers)::INTEGER % $customers) AS person FROM placed
)
SELECT i + 1 AS seq,
       person::INTEGER AS customer,
       CASE WHEN place < 60 THEN $usage WHEN place < 75 THEN $order_ WHEN place < 87 THEN $sent
            WHEN place < 94 THEN $reply WHEN place < 97 THEN $opened ELSE $resolved END AS kind,
       $first + i * (($last - $first) // $events) AS occurred_at,
       $first + i * (($last - $first) // $events) AS known_at,
       'bench' AS source,
       'e' || i AS id,
       CASE WHEN place BETWEEN 60 AND 74 THEN (noise(i, 2 + $seed) % 5000) * 10000 + 9900 END
           AS n_amount,
       CASE WHEN place BETWEEN 60 AND 74 THEN 'p' || noise(i, 3 + $seed) % 200 END AS t_product,
       CASE WHEN place < 60 THEN (noise(i, 4 + $seed) % 240) * 10000 END AS n_minutes,
       CASE WHEN place >= 94 THEN 'c' || asked END AS t_case_id,
       CASE WHEN place BETWEEN 94 AND 96
            THEN CASE WHEN noise(i, 5 + $seed) % 4 = 0 THEN 'high' ELSE 'low' END END AS t_severity,
       CASE WHEN place BETWEEN 75 AND 93 THEN 'm' || asked END AS t_message_id
FROM known
ORDER BY i
"""

_ATTRIBUTE_ROWS = """
INSERT INTO attributes
SELECT $events + row_number() OVER (ORDER BY a.code, c.code), c.code, a.code, $first, $first,
       'profiles', a.name || c.code,
       CASE a.name WHEN 'contract_end' THEN 19900 + noise(c.code, 6 + $seed) % 900
                   WHEN 'size' THEN (noise(c.code, 7 + $seed) % 1000) * 10000 END,
       CASE a.name WHEN 'account_manager' THEN 'am' || noise(c.code, 8 + $seed) % 400 END
FROM customers c, attribute_names a
"""


def make(path: Path, customers: int, events: int, *, seed: int = 1) -> None:
    """Write a new log. ``path`` must not exist."""
    with open_log(path, writable=True) as log:
        log.ensure_columns(vocabulary())
        kinds = log.codes().kinds
        database = log.connection
        database.execute("SET preserve_insertion_order = true")
        database.execute(_NOISE)
        database.execute(
            "INSERT INTO customers SELECT (i + 1)::INTEGER, 'k' || (i + 1) FROM range($n) t(i)",
            {"n": customers},
        )
        database.execute(
            _EVENTS,
            {
                "events": events, "customers": customers, "seed": seed,
                "first": FIRST, "last": LAST, "order_": kinds["order"], "usage": kinds["usage"],
                "sent": kinds["message_sent"], "reply": kinds["message_reply"],
                "opened": kinds["complaint_opened"], "resolved": kinds["complaint_resolved"],
            },
        )  # fmt: skip
        database.execute(_ATTRIBUTE_ROWS, {"events": events, "first": FIRST, "seed": seed})
        database.execute("CHECKPOINT")


if __name__ == "__main__":
    target = Path(sys.argv[1])
    people, rows = (int(word) for word in (sys.argv[2:] or ["1000000", "20000000"]))
    began = time.perf_counter()
    make(target, people, rows)
    size = target.stat().st_size / 2**20
    print(
        f"{rows:,} events of {people:,} customers: {time.perf_counter() - began:.1f} s, {size:.0f} MiB"
    )
