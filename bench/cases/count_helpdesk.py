"""Tickets of the help desk whose limits were missed: what care escalated, beside a count of our own.

    care -C desk import helpdesk.csv --map imports/helpdesk.yaml
    care -C desk run --from 2010-01-12T18:30 --to 2014-04-13T18:30 --every "1 day"
    python -m bench.cases.count_helpdesk desk helpdesk.csv

The count of our own reads the file with DuckDB and adds up working hours second by second in Python,
without any of care's code; like the series of runs it looks every evening at half past six, and takes
a task that is overdue when it first appears to the manager on the evening after.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
import holidays

EVENING = dt.time(18, 30)
DAY = dt.timedelta(days=1)
HOURS = ((dt.time(9), dt.time(13)), (dt.time(14), dt.time(18)))
OFF = holidays.country_holidays("IT", years=range(2009, 2016))
_ROWS = """
SELECT "Case ID", Activity, strptime("Complete Timestamp", '%Y/%m/%d %H:%M:%S.%g')
FROM read_csv($file, header = true, all_varchar = true)
"""

Row = tuple[dt.datetime, str]
Tickets = dict[str, list[Row]]


def tickets(file: Path) -> Tickets:
    """Return the rows of each ticket in order of time."""
    found: Tickets = defaultdict(list)
    for case, activity, at in duckdb.execute(_ROWS, {"file": str(file)}).fetchall():
        found[case].append((at, activity))
    return {case: sorted(rows, key=lambda row: row[0]) for case, rows in found.items()}


def after(at: dt.datetime, hours: int) -> dt.datetime:
    """Return when so many working hours are over."""
    left = dt.timedelta(hours=hours)
    while True:
        day = at.date()
        if day.weekday() < 5 and day not in OFF:
            for opens, closes in HOURS:
                begin = max(at, dt.datetime.combine(day, opens))
                span = dt.datetime.combine(day, closes) - begin
                if span >= left:
                    return begin + left
                left -= max(span, dt.timedelta())
        at = dt.datetime.combine(day + DAY, dt.time())


def evening(at: dt.datetime) -> dt.datetime:
    """Return the first evening look at or after a moment."""
    same = dt.datetime.combine(at.date(), EVENING)
    return same if same >= at else same + DAY


def missed(
    found: Tickets,
    hours: int,
    begins: Callable[[Sequence[Row]], Sequence[dt.datetime]],
    ends: Sequence[str],
    *,
    look: bool,
) -> set[str]:
    """Return the tickets that were not answered in time: at once, or by the evening's ``look``."""
    late = set()
    for case, rows in found.items():
        for begin in begins(rows):
            limit = after(begin, hours)
            if look:
                limit = max(evening(limit), evening(begin) + DAY)
            if not any(begin < at <= limit for at, activity in rows if activity in ends):
                late.add(case)
    return late


def first(rows: Sequence[Row]) -> Sequence[dt.datetime]:
    """Return when a ticket was opened."""
    return [rows[0][0]]


def waits(rows: Sequence[Row]) -> Sequence[dt.datetime]:
    """Return when a ticket began to wait."""
    return [at for at, activity in rows if activity == "Wait"]


def escalated(root: Path, step: str) -> set[str]:
    """Return the tickets whose step went to the manager."""
    ledger = sqlite3.connect(f"{(root / '.care/ledger.db').resolve().as_uri()}?mode=ro", uri=True)
    rows = ledger.execute(
        "SELECT j.event FROM actions a JOIN journeys j ON j.id = a.journey"
        " WHERE a.step = ? AND a.opened_at IS NOT NULL",
        [f"{step}.overdue"],
    ).fetchall()
    ledger.close()
    return {json.loads(event)["fields"]["case_id"] for (event,) in rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("project", type=Path)
    parser.add_argument("file", type=Path)
    given = parser.parse_args()
    found = tickets(given.file)
    rows = (
        ("reply", 8, first, ("Take in charge ticket",)),
        ("move_on", 16, waits, ("Resolve ticket", "Closed")),
    )
    print(f"{'step':10}{'tickets':>9}{'care':>7}{'our count':>11}{'same':>6}{'at once':>9}")
    for step, hours, begins, ends in rows:
        of = sum(bool(begins(each)) for each in found.values())
        told = escalated(given.project, step)
        ours = missed(found, hours, begins, ends, look=True)
        at_once = missed(found, hours, begins, ends, look=False)
        same = "yes" if told == ours else f"no, {len(told ^ ours)} differ"
        print(f"{step:10}{of:9}{len(told):7}{len(ours):11}{same:>6}{len(at_once):9}")


if __name__ == "__main__":
    main()
