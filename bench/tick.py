"""A whole run of ten playbooks, then ticks: ``python -m bench.tick [--customers 100000 --events 2000000]``.

On a log of ``bench/generate.py``: the first run takes every baseline; an empty tick comes a second
later; then a tick with 10,000 new events one hour on; and a full pass at that moment to compare
with. Each is a process of its own, as under cron, and tells its seconds (loading the project and
compiling the questions included, the start of Python not) and its peak memory. Ratios are of
processor seconds, which bear company on the machine. The budgets (a tick
0.6 times the full pass and 2 s, an empty one 0.5 s, 1.5 GB) are for the reference load of a million
customers and 20 million events.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rules.units import MICROS, to_iso

HOUR = 3600 * MICROS
ZONE = "Asia/Shanghai"

CARE = """\
care: 1
business: bench
timezone: Asia/Shanghai
calendar: CN
hours: 09:00-12:00, 13:30-18:00
events:
  order: {fields: {amount: number, product: text}}
  usage: {fields: {minutes: number}}
  complaint_opened: {fields: {case_id: text, severity: [low, high]}}
  complaint_resolved: {fields: {case_id: text}}
  message_sent: {fields: {message_id: text}}
  message_reply: {fields: {message_id: text}}
customer: {contract_end: date, account_manager: text, size: number}
channels:
  call: {kind: task}
  letter: {kind: file}
roles:
  owner: {from: customer.account_manager, else: team}
limits: {per_run: 1000000}
"""

SHARED = """\
measures:
  first_order: {first_time: order}
  last_order: {last_time: order}
  orders_3m: {count: order, last: 3 months}
  orders_60d: {count: order, last: 60 days}
  orders_change: {change: orders_60d, needs: 4}
  usage_60d: {sum: usage.minutes, last: 60 days}
  usage_change: {change: usage_60d, needs: 4}
  amount_1y: {sum: order.amount, last: 1 year}
  mean_order: {mean: order.amount, last: 180 days}
  months_bought: {months_with: order, last: 12 months}
  reply_rate: {share: message_reply, of: message_sent, same: message_id, last: 60 days, needs: 2}
  reply_time: {time: message_sent, to: message_reply, same: message_id, last: 60 days}
  open_complaints: {open: complaint_opened, closed_by: complaint_resolved, same: case_id, last: 90 days}
  resolved: {last_time: complaint_resolved}
segments:
  new: {first_order: within last 30 days}
  lapsed: {last_order: at least 90 days ago}
  dropping: {orders_change: down more than 30%}
  using_less: {usage_change: down more than 30%}
  silent: {reply_rate: below 20%}
  slow: {reply_time: above 1 hour}
  open: {open_complaints: above 0}
  mended: {resolved: within last 14 days}
  ending: {contract_end: within next 60 days}
classes:
  tier:
    values:
      - {value: A, if: {amount_1y: at least 20000, months_bought: at least 3}}
      - {value: B, if: {mean_order: above 3000}}
      - {value: C, if: {orders_3m: above 0}}
      - {value: other}
"""

#: Name -> trigger and what ends it; each has a task, and a letter three working days after it.
BOOKS = {
    "welcome": "trigger: {enters: new}",
    "win_back": "trigger: {enters: lapsed}\nstop_when: [{event: order, goal: back}]",
    "dropping": "trigger: {enters: dropping}\nstop_when: [{leaves: dropping}]",
    "using_less": "trigger: {enters: using_less}",
    "silent": "trigger: {enters: silent}\nonly: {orders_3m: above 0}",
    "slow": "trigger: {enters: slow}",
    "ending": "trigger: {enters: ending}",
    "mended": "trigger: {leaves: mended}",
    "promoted": "trigger: {changes: tier, to: A}",
    "complaint": (
        "trigger: {event: complaint_opened, where: {severity: high}}\n"
        "stop_when: [{event: complaint_resolved, same: case_id, goal: solved}]"
    ),
}
STEPS = """
again: after 90 days
steps:
  - {step: call, do: call, assign: owner, due: within 2 working days}
  - {step: letter, do: letter, template: letter.md, due: after 3 working days}
"""

# What the log has already, taken anew within the hour: every kind in its share, no id twice.
_NEW_EVENTS = """
INSERT INTO events BY NAME
SELECT * EXCLUDE (nth) REPLACE (
    $seq + nth AS seq, $after + nth * $step AS occurred_at, $after + nth * $step AS known_at,
    'tick' AS source
)
FROM (
    SELECT *, row_number() OVER (ORDER BY seq) AS nth FROM events
    WHERE source = 'bench' AND seq % $every = 1
)
WHERE nth <= $wanted
ORDER BY nth
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one run took."""

    loading: float  #: seconds until the project is read and the ledger open
    running: float  #: seconds of the run
    worked: float  #: processor seconds of all threads, in both
    memory: int  #: peak, MiB; the rule engine's own process not counted
    started: int
    refused: int
    moves: int

    @property
    def seconds(self) -> float:
        """The whole."""
        return self.loading + self.running


def write_project(root: Path) -> None:
    """Write a project with ten playbooks for the log of ``bench/generate.py``."""
    files = {"care.yaml": CARE, "shared.yaml": SHARED, "templates/letter.md": "Dear customer"}
    files |= {
        f"playbooks/{name}.yaml": f"playbook: {name}\nowner: bench\n{text}{STEPS}"
        for name, text in BOOKS.items()
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def add_events(root: Path, wanted: int, after: int) -> int:
    """Add events within the hour after an instant; return how many."""
    from engine.log import open_log  # noqa: PLC0415
    from engine.paths import paths_of  # noqa: PLC0415

    with open_log(paths_of(root).log, writable=True) as log:
        ((count,),) = log.query("SELECT count(*) FROM events")
        every = max(1, count // wanted)
        while every % 2 == 0 or every % 5 == 0:  # the kinds repeat every 100 events
            every -= 1
        log.connection.execute(
            _NEW_EVENTS,
            {
                "seq": log.max_seq(), "after": after, "step": HOUR // wanted, "every": every,
                "wanted": wanted,
            },
        )  # fmt: skip
        ((after_it,),) = log.query("SELECT count(*) FROM events")
    return int(after_it) - int(count)


def peak_memory() -> int:
    """Return the most memory that this process had, MiB. (``ru_maxrss`` would be its parent's.)"""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) // 1024
    raise RuntimeError("this system does not tell a process's peak memory")


def run_here(root: Path, at: int, *, full: bool, matcher: str) -> Measured:
    """Run at T in this process."""
    from engine.ledger import open_ledger  # noqa: PLC0415
    from engine.paths import paths_of  # noqa: PLC0415
    from engine.run import open_runner  # noqa: PLC0415
    from rules.project import load  # noqa: PLC0415

    began, worked = time.perf_counter(), time.process_time()
    project = load(root)
    assert len(project.playbooks) == len(BOOKS), "\n".join(map(str, project.findings))
    ledger = open_ledger(paths_of(root).ledger, create=True)
    loaded = time.perf_counter()
    try:
        with open_runner(
            project, ledger, clock=lambda: at, prefer=matcher, full=full
        ) as runner:  # fmt: skip
            result = runner.run(at)
    finally:
        ledger.close()
    return Measured(
        loading=loaded - began,
        running=time.perf_counter() - loaded,
        worked=time.process_time() - worked,
        memory=peak_memory(),
        started=result.started,
        refused=sum(n for (_, what), n in result.starts.items() if what != "started"),
        moves=sum(result.moves.values()),
    )


def run_apart(root: Path, at: int, *, full: bool = False, matcher: str) -> Measured:
    """Run at T in a process of its own, so that its memory is its own."""
    words = ["--one", str(at), "--folder", str(root), "--matcher", matcher]
    # An installed care lies there compiled; here the first process does it for those after it.
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(root / ".pyc")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        [sys.executable, "-m", "bench.tick", *words, *(["--full"] if full else [])],
        check=True, stdout=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip
    return Measured(**json.loads(done.stdout))


def show(what: str, one: Measured, whole: Measured | None = None) -> None:
    """Print one line."""
    ratio = f"{one.worked / whole.worked:5.2f} of the full pass" if whole else ""
    print(
        f"{what:18} {one.seconds:6.2f} s ({one.loading:.2f} to load; {one.worked:.2f} s of processor)"
        f" {one.memory:5} MiB  {one.started:>6} started {one.refused:>6} refused"
        f" {one.moves:>6} moves  {ratio}",
        flush=True,
    )


def compare(root: Path, given: argparse.Namespace) -> None:
    """Make the log, run, and print what each run took."""
    from bench.generate import LAST, make  # noqa: PLC0415
    from engine.paths import paths_of  # noqa: PLC0415

    write_project(root)
    log = paths_of(root).log
    log.parent.mkdir(parents=True)
    began = time.perf_counter()
    make(log, given.customers, given.events)
    print(
        f"{given.events:,} events of {given.customers:,} customers, {len(BOOKS)} playbooks"
        f" (made in {time.perf_counter() - began:.1f} s), up to {to_iso(LAST, ZONE)}"
    )
    first = run_apart(root, LAST, matcher=given.matcher)
    empty = run_apart(root, LAST + MICROS, matcher=given.matcher)
    added = add_events(root, given.new, LAST + MICROS)
    tick = run_apart(root, LAST + MICROS + HOUR, matcher=given.matcher)
    whole = run_apart(root, LAST + 2 * MICROS + HOUR, full=True, matcher=given.matcher)
    show("first run", first, whole)
    show("nothing new", empty, whole)
    show(f"{added:,} new events", tick, whole)
    show("full pass", whole)
    size = paths_of(root).ledger.stat().st_size / 2**20
    print(f"ledger {size:.1f} MiB; log {log.stat().st_size / 2**20:.1f} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--new", type=int, default=10_000, help="events of the tick")
    parser.add_argument("--matcher", choices=["durable", "reference"], default="durable")
    parser.add_argument("--folder", type=Path, help="make the project there and keep it")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--full", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one is not None:
        measured = run_here(given.folder, given.one, full=given.full, matcher=given.matcher)
        print(json.dumps({name: getattr(measured, name) for name in Measured.__slots__}))
    elif given.folder:
        compare(given.folder, given)
    else:
        with tempfile.TemporaryDirectory() as folder:
            compare(Path(folder), given)


if __name__ == "__main__":
    main()
