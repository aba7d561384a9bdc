"""Whom the churn warning reached in 1998, and how they went on; beside a count of our own.

    care -C shop import CDNOW_master.txt --map imports/cdnow.yaml
    care -C shop run --from 1998-01-01T08:00 --to 1998-06-30T08:00 --every "1 day"
    python -m bench.cases.count_cdnow shop CDNOW_master.txt

The count of our own reads the file with DuckDB and looks every morning at eight, without any of
care's code: warned is who falls by more than 30% from one 60 days to the next, with two orders at
least in the earlier ones, and was not so on the first morning.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sqlite3
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

FIRST = "1998-01-01 08:00"
LAST = "1998-06-30 08:00"
UNTIL = "1998-04-01"  #: of the warned those are followed who had three months left
_ORDERS = """
SELECT column0 AS customer, strptime(column1, '%Y%m%d') AS bought FROM (
    SELECT unnest(regexp_extract(line, '(\\d+)\\s+(\\d+)\\s', ['column0', 'column1']))
    FROM read_csv($file, columns = {'line': 'VARCHAR'}, delim = '\\1', skip = 1, header = false)
)
"""
_WARNED = """
WITH mornings AS (
    SELECT unnest(range($first::TIMESTAMP, $last::TIMESTAMP + INTERVAL 1 DAY, INTERVAL 1 DAY)) AS t
),
counted AS (
    SELECT m.t, o.customer,
        count(*) FILTER (WHERE o.bought > m.t - INTERVAL 60 DAY) AS now,
        count(*) FILTER (WHERE o.bought <= m.t - INTERVAL 60 DAY) AS before
    FROM mornings m JOIN orders o ON o.bought > m.t - INTERVAL 120 DAY AND o.bought <= m.t
    GROUP BY ALL
),
inside AS (SELECT customer, t FROM counted WHERE before >= 2 AND 10 * now < 7 * before)
SELECT customer, min(t) AS t FROM (
    SELECT customer, t, lag(t) OVER (PARTITION BY customer ORDER BY t) AS previous FROM inside
)
WHERE t > $first::TIMESTAMP AND (previous IS NULL OR previous < t - INTERVAL 1 DAY) GROUP BY customer
"""
_GROUPS = """
SELECT CASE WHEN w.customer IS NOT NULL THEN '1 warned'
        WHEN b.recent >= 2 THEN '2 not warned, two orders or more in 60 days'
        WHEN b.half > 0 THEN '3 not warned, bought in the last 180 days'
        ELSE '4 not warned, silent for 180 days' END AS "group",
    count(*) AS customers,
    count(*) FILTER (WHERE NOT EXISTS (
        SELECT 1 FROM orders o WHERE o.customer = b.customer AND o.bought > coalesce(w.t, $first::TIMESTAMP)
    )) AS never_again
FROM (
    SELECT customer, count(*) FILTER (WHERE bought > $first::TIMESTAMP - INTERVAL 60 DAY) AS recent,
        count(*) FILTER (WHERE bought > $first::TIMESTAMP - INTERVAL 180 DAY) AS half
    FROM orders WHERE bought <= $first::TIMESTAMP GROUP BY customer
) b LEFT JOIN warned w ON w.customer = b.customer AND w.t < $until::TIMESTAMP
GROUP BY 1 ORDER BY 1
"""


def warned_by_care(root: Path) -> dict[str, dt.date]:
    """Return customer -> day of the warning, in New York."""
    ledger = sqlite3.connect(f"{(root / '.care/ledger.db').resolve().as_uri()}?mode=ro", uri=True)
    rows = ledger.execute("SELECT customer, min(entry) FROM journeys GROUP BY customer").fetchall()
    ledger.close()
    zone = ZoneInfo("America/New_York")
    return {name: dt.datetime.fromtimestamp(at / 1e6, zone).date() for name, at in rows}


def warned_by_us(file: Path) -> dict[str, dt.date]:
    """Return customer -> day of the warning by plain SQL; it leaves the tables orders and warned."""
    duckdb.execute(f"CREATE OR REPLACE TEMP TABLE orders AS {_ORDERS}", {"file": str(file)})
    asked = {"first": FIRST, "last": LAST}
    duckdb.execute(f"CREATE OR REPLACE TEMP TABLE warned AS {_WARNED}", asked)
    return dict(duckdb.execute("SELECT customer, t::DATE FROM warned").fetchall())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("project", type=Path)
    parser.add_argument("file", type=Path)
    given = parser.parse_args()
    ours = warned_by_us(given.file)
    care = warned_by_care(given.project)
    same = "the same" if care == ours else "others"
    print(f"warned by care: {len(care)}; by our count: {len(ours)}; {same} customers and days")
    print(f"{'':45}{'customers':>10}{'never again':>13}{'share':>8}")
    rows = duckdb.execute(_GROUPS, {"first": FIRST, "until": UNTIL}).fetchall()
    for group, customers, never in rows:
        print(f"{group:45}{customers:10}{never:13}{never / customers:8.1%}")


if __name__ == "__main__":
    main()
