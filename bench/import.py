"""How fast an import from Parquet is, against a bare CREATE TABLE AS of the same file.

    python bench/import.py [--events 5000000] [--customers 250000] [--rounds 3]

The budget is half the speed of the bare statement or better: a ratio of at most 2.0. Both write to
a new DuckDB file on the same disk, in turns; the best of each counts.
"""

from __future__ import annotations

import argparse
import datetime as dt
import resource
import tempfile
import time
from pathlib import Path

import duckdb

from engine.intake import import_file
from rules.errors import Span
from rules.importmap_types import CellMap, EventMap, FieldMap, ImportMap, Known, TimeMap
from rules.vocabulary import EventType, FieldKind, FieldType, Vocabulary

AMOUNT = FieldType(name="amount", kind=FieldKind.NUMBER)
CHANNEL = FieldType(name="channel", kind=FieldKind.TEXT)
KINDS = ("order", "usage", "call")
HERE = Span("bench", 1, 1)
CONFIG = {"memory_limit": "1GB"}

# Deterministic: no random(), a multiplier modulo a prime scatters customers and amounts.
GENERATE = """
COPY (
    SELECT 'e' || n AS id,
           'c' || (n * 7919 % $customers) AS customer,
           (['order', 'usage', 'call'])[n * 31 % 3 + 1] AS kind,
           TIMESTAMP '2023-01-01' + to_microseconds(n * (63072000000000 // $events)) AS time,
           CAST((n * 104729 % 100000) / 100 AS {amount}) AS amount,
           (['web', 'shop', 'phone'])[n * 17 % 3 + 1] AS channel
    FROM range($events) t(n) {order}
) TO '{path}' (FORMAT parquet)
"""


def vocabulary() -> Vocabulary:
    fields = {"amount": AMOUNT, "channel": CHANNEL}
    return Vocabulary(
        business="bench",
        timezone="Asia/Shanghai",
        calendar="none",
        opens=dt.time(9),
        closes=dt.time(18),
        events={kind: EventType(name=kind, title="", fields=fields) for kind in KINDS},
        groups={},
        attributes={},
        channels={},
        roles={},
        dates={},
    )


def import_map() -> ImportMap:
    return ImportMap(
        source="bench",
        timezone="Asia/Shanghai",
        events=(
            EventMap(
                event=None,
                column="kind",
                values={kind: kind for kind in KINDS},
                customer="customer",
                time=TimeMap(column="time", span=HERE),
                known=Known.AT_EVENT,
                id=("id",),
                fields=(
                    FieldMap(field=AMOUNT, cell=CellMap(factors=("amount",), span=HERE)),
                    FieldMap(field=CHANNEL, cell=CellMap(factors=("channel",), span=HERE)),
                ),
                span=HERE,
            ),
        ),
        span=HERE,
    )


def bare(file: Path, folder: Path) -> float:
    started = time.perf_counter()
    with duckdb.connect(str(folder / "bare.duckdb"), config=CONFIG) as connection:
        connection.execute(f"CREATE TABLE events AS SELECT * FROM read_parquet('{file}')")
    return time.perf_counter() - started


def imported(file: Path, folder: Path, events: int) -> float:
    started = time.perf_counter()
    summary = import_file(folder, vocabulary(), file, import_map(), at=1_800_000_000_000_000)
    spent = time.perf_counter() - started
    assert summary.added == events, summary
    return spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--customers", type=int, default=250_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--amount", default="DOUBLE", help="SQL type of the amounts")
    parser.add_argument("--shuffled", action="store_true", help="rows not in the order of time")
    given = parser.parse_args()
    order = "ORDER BY hash(n)" if given.shuffled else ""
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "events.parquet"
        sql = GENERATE.format(path=file, amount=given.amount, order=order)
        with duckdb.connect() as connection:
            connection.execute(sql, {"events": given.events, "customers": given.customers})
        bares, imports = [], []
        for number in range(given.rounds):
            for what, times in (("bare", bares), ("import", imports)):
                folder = Path(name) / f"{what}{number}"
                folder.mkdir()
                spent = (
                    bare(file, folder) if what == "bare" else imported(file, folder, given.events)
                )
                times.append(spent)
                print(f"{what:>6} {spent:7.2f} s")
        print(
            f"{given.events:,} events: bare {min(bares):.2f} s, import {min(imports):.2f} s, "
            f"ratio {min(imports) / min(bares):.2f} (budget 2.0), "
            f"{given.events / min(imports):,.0f} events/s, "
            f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB"
        )


if __name__ == "__main__":
    main()
