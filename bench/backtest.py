"""How the cost of ``care backtest`` grows: ``python -m bench.backtest``.

The sample ``online-retail`` with the whole Online Retail file (``online_retail.parquet`` in the folder
that CARE_DATA names, or ``../shared/data``). One line a past that is played: what was changed of the
year with three playbooks, seconds on the wall and of the processor, and what there was to do. With
``times`` every customer stands in the log so often, under other names.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
FILE = "online_retail.parquet"
FIRST, ZONE = "2010-12-01T08:00", "UTC"
THREE = ("new_customer", "after_complaint", "regular_news")

#: days, playbooks, how often every customer stands in the log
CASES = (
    (374, THREE, 1),
    (187, THREE, 1),
    (94, THREE, 1),
    (94, THREE, 2),
    (94, THREE, 4),
    (187, THREE[:1], 1),
    (187, ("activity_drop",), 1),
)

_COPIES = """
INSERT INTO customers SELECT code + {step}, id || '-{copy}' FROM customers WHERE code <= {most};
INSERT INTO events BY NAME
SELECT * REPLACE (seq + {last} AS seq, customer + {step} AS customer, id || '-{copy}' AS id)
FROM events WHERE seq <= {last_of_one} ORDER BY seq;
"""


def build(root: Path, data: Path, times: int) -> None:
    """Make the project, import the file, and let every customer stand in the log so often."""
    from bench.year import import_all  # noqa: PLC0415
    from engine.log import open_log  # noqa: PLC0415
    from engine.paths import paths_of  # noqa: PLC0415
    from engine.scaffold import init  # noqa: PLC0415

    init(root, "online-retail")
    import_all(root, data)
    with open_log(paths_of(root).log, writable=True) as log:
        ((most,),) = log.query("SELECT max(code) FROM customers")
        one = log.max_seq()
        for copy in range(1, times):
            for statement in _COPIES.split(";\n"):
                if statement.strip():
                    log.connection.execute(
                        statement.format(
                            step=copy * most, most=most, copy=copy, last=copy * one, last_of_one=one
                        )
                    )


def measure(root: Path, days: int, names: tuple[str, ...]) -> str:
    """Play a past and return its line."""
    from engine.backtest.past import Setting, chosen, play  # noqa: PLC0415
    from engine.paths import paths_of  # noqa: PLC0415
    from engine.series import instants  # noqa: PLC0415
    from rules.project import load  # noqa: PLC0415
    from rules.units import MICROS, from_iso  # noqa: PLC0415

    first = from_iso(FIRST, ZONE)
    moments = instants(first, first + (days - 1) * 86_400 * MICROS, "1 day", ZONE)
    project = chosen(load(root), names)
    wall, worked = time.perf_counter(), time.process_time()
    with play(project, paths_of(root).log, Setting(moments=moments)) as played:
        wall, worked = time.perf_counter() - wall, time.process_time() - worked
        counts = [
            (played.draft.one(f"SELECT count(*) AS n FROM {name}") or {})["n"]
            for name in ("journeys", "actions", "decided", "audit")
        ]
        ((events,),) = played.sandbox.log.query("SELECT count(*) FROM past.events")
        ((customers,),) = played.sandbox.log.query("SELECT count(*) FROM customers")
    told = "".join(f" {count:9,}" for count in counts)
    return f"{days:5} {len(names):9} {customers:9,} {events:9,} {wall:7.1f} {worked:7.1f}{told}  {','.join(names)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    home = Path(os.environ.get("CARE_DATA", REPOSITORY.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=home / FILE)
    given = parser.parse_args()
    if not given.data.exists():
        sys.exit(f"{given.data} is not here: CARE_DATA or --data says where the file is")
    heads = ("journeys", "actions", "decisions", "entries")
    print(f"{'days':>5} {'playbooks':>9} {'customers':>9} {'events':>9} {'wall s':>7} {'cpu s':>7}" + "".join(f" {head:>9}" for head in heads))  # fmt: skip
    with tempfile.TemporaryDirectory() as scratch:
        made: dict[int, Path] = {}
        for days, names, times in CASES:
            if times not in made:
                made[times] = Path(scratch) / str(times)
                build(made[times], given.data, times)
            print(measure(made[times], days, names), flush=True)


if __name__ == "__main__":
    main()
