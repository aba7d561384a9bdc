"""A real year, day by day, with ten playbooks of all kinds: ``python -m bench.year``.

The project is the sample ``online-retail`` with the playbooks and house rules of ``bench/year``
laid over it, its log the whole Online Retail file (``online_retail.parquet`` in the folder that
CARE_DATA names, or ``../shared/data``; ``--data`` says another). Every day of the file one run at
08:00; between two runs people do some of their tasks, which ones and how is told by a hash.

Printed: seconds a day, peak memory, what the playbooks did, the sizes of ledger and log. Then what
a second pass must not do: ``care run --from --to`` over all days again, each single day again, and
the file again add no row and no entry to the chain. And a second year in a fresh folder, its last
days as processes of their own, as under cron, has to give an equal export.
"""

from __future__ import annotations

import argparse
import cProfile
import hashlib
import os
import pstats
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
FILE = "online_retail.parquet"
FIRST, LAST, EVERY = "2010-12-01T08:00", "2011-12-17T08:00", "1 day"
ZONE = "UTC"
_HOUR = 3600 * 1_000_000

#: Tables that tell of the machine, not of what was decided.
_APART = ("attempts", "lease")


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What one run took and did."""

    at: int
    wall: float  #: seconds
    worked: float  #: processor seconds of this process; the rule engine's not counted
    started: int
    moves: int
    sent: int
    done: int  #: tasks that people did after it


def build(root: Path, data: Path) -> None:
    """Make the project and import the file, twice: the second time is to add nothing."""
    from engine.scaffold import init  # noqa: PLC0415

    init(root, "online-retail")
    shutil.copytree(REPOSITORY / "bench" / "year", root, dirs_exist_ok=True)
    added = [import_all(root, data) for _ in range(2)]
    assert added == [22_190, 0], added


def import_all(root: Path, data: Path) -> int:
    """Import the whole file; return how many events were new."""
    from engine.intake import import_file  # noqa: PLC0415
    from rules.importmap import read_map  # noqa: PLC0415
    from rules.project import load  # noqa: PLC0415
    from rules.units import from_iso  # noqa: PLC0415

    name = "imports/online-retail.yaml"
    vocabulary = load(root).vocabulary
    found, findings = read_map((root / name).read_bytes(), name, vocabulary)
    assert found is not None, "\n".join(map(str, findings))
    return import_file(root, vocabulary, data, found, at=from_iso(LAST, ZONE)).added


def run_days(root: Path, moments: Sequence[int], matcher: str) -> list[Day]:
    """Run at each instant, in this process, and let people work after it."""
    from engine.ledger import open_ledger  # noqa: PLC0415
    from engine.paths import paths_of  # noqa: PLC0415
    from engine.run import open_runner  # noqa: PLC0415
    from rules.project import load  # noqa: PLC0415

    project = load(root)
    assert len(project.playbooks) == 10, "\n".join(map(str, project.findings))
    ledger = open_ledger(paths_of(root).ledger, create=True)
    now = [moments[0]]
    found = []
    try:
        with open_runner(project, ledger, clock=lambda: now[0], prefer=matcher) as runner:
            for now[0] in moments:
                began, worked = time.perf_counter(), time.process_time()
                result = runner.run(now[0])
                wall, worked = time.perf_counter() - began, time.process_time() - worked
                found.append(
                    Day(
                        at=now[0], wall=wall, worked=worked, started=result.started,
                        moves=sum(result.moves.values()), sent=result.delivery.sent,
                        done=work(root, now[0]),
                    )
                )  # fmt: skip
                if result.degraded or result.held:
                    print(f"  {result.degraded or ''} {dict(result.held)}")
    finally:
        ledger.close()
    return found


def work(root: Path, at: int) -> int:
    """Let people do a fourth of their open tasks in the hours after a run; return how many."""
    from engine.ledger import open_ledger  # noqa: PLC0415
    from engine.paths import paths_of  # noqa: PLC0415
    from engine.task_changes import finish_task  # noqa: PLC0415
    from engine.tasks import tasks  # noqa: PLC0415

    ledger = open_ledger(paths_of(root).ledger)
    ledger.connection.execute("PRAGMA synchronous = OFF")  # people's evenings are not measured
    count = 0
    try:
        for task in tasks(ledger, at=at):
            mark = hashlib.sha256(f"{task.action.id} {at}".encode()).digest()
            if mark[0] >= 64:
                continue
            outcomes = task.step.outcomes
            finish_task(
                ledger, task.action.id, at=at + (1 + mark[1] % 9) * _HOUR, timezone=ZONE,
                outcome=outcomes[mark[2] % len(outcomes)] if outcomes else None,
                asked={
                    item.name: str(1 + mark[3] % 5) if item.high else "好" for item in task.step.ask
                },
                who="店员",
            )  # fmt: skip
            count += 1
    finally:
        ledger.close()
    return count


def care(root: Path, *words: str) -> tuple[int, float, str]:
    """Run the program; return its exit code, its seconds, and what it said."""
    # An installed care lies there compiled; here the first call does it for those after it.
    cache = {"PYTHONPATH": str(REPOSITORY), "PYTHONPYCACHEPREFIX": str(root.parent / ".pyc")}
    environment = {**os.environ, **cache}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-P", "-m", "cli", "-C", str(root), *words],
        check=False, capture_output=True, text=True, env=environment,
    )  # fmt: skip
    return done.returncode, time.perf_counter() - began, (done.stdout + done.stderr).strip()


def rows(root: Path) -> dict[str, int]:
    """Return the number of rows of every table of ledger and log."""
    from engine.ledger import open_ledger  # noqa: PLC0415
    from engine.log import open_log  # noqa: PLC0415
    from engine.paths import paths_of  # noqa: PLC0415

    ledger = open_ledger(paths_of(root).ledger)
    try:
        names = [
            r["name"] for r in ledger.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        found = {
            name: next(ledger.rows(f"SELECT count(*) AS n FROM {name}"))["n"]
            for name in names
            if name not in _APART
        }
    finally:
        ledger.close()
    with open_log(paths_of(root).log, writable=False) as log:
        for name in ("events", "attributes", "customers"):
            ((found[f"log.{name}"],),) = log.query(f"SELECT count(*) FROM {name}")
    return found


def export_hash(root: Path) -> str:
    """Return the hash of the canonical export."""
    from engine.export import canonical_lines  # noqa: PLC0415
    from engine.ledger import open_ledger  # noqa: PLC0415
    from engine.paths import paths_of  # noqa: PLC0415

    ledger = open_ledger(paths_of(root).ledger)
    found = hashlib.sha256()
    try:
        for line in canonical_lines(ledger):
            found.update(line.encode() + b"\n")
    finally:
        ledger.close()
    return found.hexdigest()


def show_days(days: Sequence[Day]) -> None:
    """Print a line a month, and the whole."""
    from rules.units import to_local  # noqa: PLC0415

    months: dict[str, list[Day]] = {}
    for day in days:
        months.setdefault(f"{to_local(day.at, ZONE):%Y-%m}", []).append(day)
    print(f"{'month':8} {'days':>5} {'s':>7} {'cpu s':>7} {'s/day':>6} {'started':>8} {'moves':>7} {'sent':>7} {'done':>6}")  # fmt: skip
    for name, of in [*months.items(), ("all", list(days))]:
        wall, worked = sum(d.wall for d in of), sum(d.worked for d in of)
        print(
            f"{name:8} {len(of):5} {wall:7.1f} {worked:7.1f} {wall / len(of):6.3f}"
            f" {sum(d.started for d in of):8} {sum(d.moves for d in of):7}"
            f" {sum(d.sent for d in of):7} {sum(d.done for d in of):6}"
        )
    slowest = max(days, key=lambda day: day.wall)
    print(f"slowest day {to_local(slowest.at, ZONE):%Y-%m-%d}: {slowest.wall:.2f} s, {slowest.started} started")  # fmt: skip


def show_books(root: Path) -> None:
    """Print what each playbook did, and the sizes."""
    from engine.ledger import open_ledger  # noqa: PLC0415
    from engine.paths import paths_of  # noqa: PLC0415

    ledger = open_ledger(paths_of(root).ledger)
    try:
        states: dict[str, Counter[str]] = {}
        for table in ("journeys", "actions"):
            sql = f"SELECT playbook, state, count(*) AS n FROM {table} GROUP BY 1, 2 ORDER BY 1, 2"
            for row in ledger.rows(sql):
                states.setdefault(row["playbook"], Counter())[f"{table[0]}:{row['state']}"] = row[
                    "n"
                ]
        reasons: dict[str, Counter[str]] = {}
        for row in ledger.rows(
            "SELECT playbook, reason, count(*) AS n FROM decisions WHERE reason IS NOT NULL"
            " GROUP BY 1, 2 ORDER BY 1, 2"
        ):
            reasons.setdefault(row["playbook"], Counter())[row["reason"]] = row["n"]
        (acts,) = ledger.rows("SELECT count(*) AS n FROM actions")
        (starts,) = ledger.rows("SELECT count(*) AS n FROM journeys")
        (said,) = ledger.rows("SELECT count(*) AS n FROM decisions")
        (chain,) = ledger.rows("SELECT count(*) AS n FROM audit")
        ledger.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        ledger.close()
    for name in sorted(states):
        told = [f"{count} {what.partition(':')[2]}" for what, count in states[name].items() if what[0] == "j"]  # fmt: skip
        acted = [f"{count} {what.partition(':')[2]}" for what, count in states[name].items() if what[0] == "a"]  # fmt: skip
        print(f"{name:17} journeys: {', '.join(told)}")
        print(f"{'':17} actions:  {', '.join(acted)}")
        if name in reasons:
            told = [f"{count} {reason}" for reason, count in sorted(reasons[name].items())]
            print(f"{'':17} said no:  {', '.join(told)}")
    size = paths_of(root).ledger.stat().st_size
    print(
        f"{starts['n']:,} journeys, {acts['n']:,} actions, {said['n']:,} decisions,"
        f" {chain['n']:,} entries in the chain; ledger {size / 2**20:.1f} MiB,"
        f" {size / max(1, acts['n']) / 1000:.2f} kB an action;"
        f" log {paths_of(root).log.stat().st_size / 2**20:.1f} MiB"
    )


def second_pass(root: Path, data: Path, moments: Sequence[int]) -> None:
    """Do everything again and print what it added; AssertionError where that is not nothing."""
    from rules.units import to_iso  # noqa: PLC0415

    before, export = rows(root), export_hash(root)
    first, last = to_iso(moments[0], ZONE), to_iso(moments[-1], ZONE)
    code, took, said = care(root, "run", "--from", first, "--to", last, "--every", EVERY, "-q")
    assert code == 0, said
    print(f"all {len(moments)} days again, as one series: {took:.1f} s")
    for index in sorted({0, len(moments) // 2, len(moments) - 1}):
        code, took, said = care(root, "run", "--at", to_iso(moments[index], ZONE))
        assert code == (0 if index == len(moments) - 1 else 1), said
        print(f"  --at {to_iso(moments[index], ZONE)}: exit {code} in {took:.2f} s: {said.splitlines()[0]}")  # fmt: skip
    assert import_all(root, data) == 0
    after = rows(root)
    assert after == before, {k: (before[k], after[k]) for k in after if before.get(k) != after[k]}
    assert export_hash(root) == export
    print(f"a second pass added {sum(after.values()) - sum(before.values())} rows")


def fresh_year(root: Path, data: Path, moments: Sequence[int], matcher: str, apart: int) -> None:
    """Do the year in a folder of its own, the last days as processes of their own."""
    from rules.units import to_iso  # noqa: PLC0415

    build(root, data)
    here, there = moments[: len(moments) - apart], moments[len(moments) - apart :]
    run_days(root, here, matcher)
    took = []
    for at in there:
        code, seconds, said = care(root, "run", "--at", to_iso(at, ZONE), "--matcher", matcher)
        assert code == 0, said
        took.append(seconds)
        work(root, at)
    if took:
        print(f"a day as a process of its own: {min(took):.2f} to {max(took):.2f} s ({apart} days)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    home = Path(os.environ.get("CARE_DATA", REPOSITORY.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=home / FILE)
    parser.add_argument("--folder", type=Path, help="make the projects there and keep them")
    parser.add_argument("--days", type=int, help="only the first so many days")
    parser.add_argument("--matcher", choices=["durable", "reference"], default="durable")
    parser.add_argument("--apart", type=int, default=5, help="days as processes of their own")
    parser.add_argument("--once", action="store_true", help="the first year only")
    parser.add_argument("--profile", type=Path, help="write a profile of the first year there")
    given = parser.parse_args()
    if not given.data.exists():
        sys.exit(f"{given.data} is not here: CARE_DATA or --data says where the file is")
    with tempfile.TemporaryDirectory() as scratch:
        play(given.folder or Path(scratch), given)


def play(folder: Path, given: argparse.Namespace) -> None:
    """Run the first year, the second pass, and the fresh year; print what came of them."""
    from bench.tick import peak_memory  # noqa: PLC0415
    from engine.series import instants  # noqa: PLC0415
    from rules.units import from_iso  # noqa: PLC0415

    moments = instants(from_iso(FIRST, ZONE), from_iso(LAST, ZONE), EVERY, ZONE)[: given.days]
    one, two = folder / "year", folder / "again"
    build(one, given.data)
    profile = cProfile.Profile() if given.profile else None
    if profile:
        profile.enable()
    days = run_days(one, moments, given.matcher)
    if profile:
        profile.disable()
        pstats.Stats(profile).dump_stats(given.profile)
    show_days(days)
    show_books(one)
    print(f"peak memory {peak_memory()} MiB")
    if given.once:
        return
    second_pass(one, given.data, moments)
    fresh_year(two, given.data, moments, given.matcher, min(given.apart, len(moments)))
    assert export_hash(one) == export_hash(two)
    print("a second year in a fresh folder: the export is equal, byte for byte")


if __name__ == "__main__":
    main()
