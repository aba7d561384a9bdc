"""A real care project on disk, with its log, its runs and its ledger, for tests."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.export import canonical_lines
from engine.intake import import_file
from engine.ledger import Ledger, open_ledger
from engine.run import RunResult, open_runner, paths_of
from engine.task_changes import finish_task
from rules.importmap import read_map
from rules.playbook import Project
from rules.project import load
from rules.units import from_iso
from tests.zygote import Zygote

REPOSITORY = Path(__file__).resolve().parents[1]
ZONE = "Asia/Shanghai"

CARE = """\
care: 1
business: 测试
timezone: Asia/Shanghai
calendar: none
hours: 09:00-18:00
events:
  signup: {title: 注册}
  order: {title: 下单, fields: {amount: number, product: text}}
  visit: {title: 拜访}
  complaint: {title: 投诉, fields: {case_id: text, severity: [low, high]}}
  solved: {title: 解决, fields: {case_id: text}}
event_groups:
  contact: [visit, care_sent, care_done]
customer:
  name: {type: text, pii: true}
  size: number
  tier: [gold, silver]
  contract_end: date
  manager: text
  email_ok: yes_no
  no_contact: yes_no
  address: {type: text, pii: true}
  preferred: [call, letter, mail]
  tz: text
channels:
  call: {kind: task}
  review: {kind: task, reaches_customer: no}
  letter: {kind: file}
roles:
  owner: {from: customer.manager, else: 客户成功组}
  boss: 经理
"""

SHARED = """\
measures:
  orders: {count: order}
  orders_30d: {count: order, last: 30 days}
  last_order: {last_time: order}
  open_cases: {open: complaint, closed_by: solved, same: case_id}
  contacts: {count: contact}
segments:
  buyers: {title: 买过, orders: above 0}
  active: {title: 活跃, orders_30d: above 0}
  lapsed: {title: 沉默, last_order: at least 30 days ago}
  big: {title: 大客户, size: at least 100}
  unhappy: {title: 投诉中, open_cases: above 0}
classes:
  stage:
    title: 阶段
    values:
      - {value: lapsed, if: {in: lapsed}}
      - {value: active, if: {in: active}}
      - {value: other}
"""

_FIELDS = {
    "signup": (),
    "order": ("amount", "product"),
    "visit": (),
    "complaint": ("case_id", "severity"),
    "solved": ("case_id",),
}
_ATTRIBUTES = (
    "name", "size", "tier", "contract_end", "manager",
    "email_ok", "no_contact", "address", "preferred", "tz",
)  # fmt: skip


def _map_of_events(kinds: Iterable[str] = _FIELDS) -> str:
    """Return a map for some kinds of events; planning each of them takes a tenth of a second."""
    lines = [
        "import: 1", "source: crm", "format: csv", "known: at event", "customer: customer",
        "time: at", "id: id", "events:",
    ]  # fmt: skip
    for name in kinds:
        cells = ", ".join(f"{field}: {field}" for field in _FIELDS[name])
        given = f", fields: {{{cells}}}" if cells else ""
        lines.append(f"  - {{event: {name}, when: {{event: {name}}}{given}}}")
    return "\n".join(lines) + "\n"


def _map_of_customers() -> str:
    cells = "".join(f"    {name}: {name}\n" for name in _ATTRIBUTES)
    return (
        "import: 1\nsource: crm-customers\nformat: csv\ncustomer: customer\n"
        f"profile:\n  time: at\n  attributes:\n{cells}"
    )


IMPORTS = {"events": _map_of_events(), "customers": _map_of_customers()}


def at(text: str) -> int:
    """Return the instant of ``2025-03-03`` or ``2025-03-03T10:00`` in the project's zone."""
    return from_iso(text, ZONE)


def event(customer: str, name: str, when: str, key: str = "", **fields: object) -> dict[str, Any]:
    """Return a row of the event file; its id is made of what it is unless ``key`` gives one."""
    empty = dict.fromkeys(field for names in _FIELDS.values() for field in names)
    row = {"id": key or f"{name}-{customer}-{when}", "customer": customer, "event": name}
    return {**row, "at": when, **empty, **fields}


def profile(customer: str, when: str, **attributes: object) -> dict[str, Any]:
    """Return a row of the customer file."""
    return {"customer": customer, "at": when, **dict.fromkeys(_ATTRIBUTES), **attributes}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the program said and how it left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return stdout as JSON."""
        return json.loads(self.out)


class Shop:
    """A care project in a folder. Runs in this process need no start-up, ``care`` is the program:
    a process of its own, or with ``through`` a fork of one that has loaded it.
    """

    through: Zygote | None = None

    def __init__(
        self,
        root: Path,
        *,
        care: str = CARE,
        shared: str = SHARED,
        house: str = "",
        through: Zygote | None = None,
        **books: str,
    ) -> None:
        self.root = root
        if through is not None:
            self.through = through
        self._files = 0
        self.write("care.yaml", care)
        self.write("shared.yaml", shared)
        if house:
            self.write("house.yaml", house)
        for name, text in IMPORTS.items():
            self.write(f"imports/{name}.yaml", text)
        for name, text in books.items():
            self.book(name, text)

    def write(self, name: str, text: str) -> None:
        """Write one file of the project."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def book(self, name: str, text: str) -> None:
        """Write a playbook; its first line, ``playbook: <name>``, and an owner are added."""
        if text.startswith("playbook:"):
            self.write(f"playbooks/{name}.yaml", text)
        else:
            self.write(f"playbooks/{name}.yaml", f"playbook: {name}\nowner: us\n{text}")

    @property
    def project(self) -> Project:
        """The project as it is on disk now."""
        return load(self.root)

    # -- the log ---------------------------------------------------------------------------

    def file(self, rows: Sequence[Mapping[str, Any]]) -> Path:
        """Write rows as CSV and return the file."""
        self._files += 1
        path = self.root / "data" / f"{self._files}.csv"
        path.parent.mkdir(exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as opened:
            writer = csv.DictWriter(opened, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return path

    def events(self, *rows: Mapping[str, Any]) -> None:
        """Import events."""
        self._import(_map_of_events(sorted({row["event"] for row in rows})), rows)

    def customers(self, *rows: Mapping[str, Any]) -> None:
        """Import customers' attributes."""
        self._import(_map_of_customers(), rows)

    def _import(self, text: str, rows: Sequence[Mapping[str, Any]]) -> None:
        vocabulary = self.project.vocabulary
        found, findings = read_map(text.encode(), "imports/map.yaml", vocabulary)
        assert found is not None, "\n".join(map(str, findings))
        summary = import_file(self.root, vocabulary, self.file(rows), found, at=at("2030-01-01"))
        assert summary.rejected == 0, summary.reasons

    # -- runs ------------------------------------------------------------------------------

    def run(
        self,
        *moments: str,
        full: bool = False,
        matcher: str = "reference",
        clock: Callable[[], int] = lambda: 0,
        past: bool = False,
    ) -> RunResult:
        """Run at some instants in this process and return the last result."""
        with self.ledger() as ledger, open_runner(
            self.project, ledger, clock=clock, prefer=matcher, full=full, past=past
        ) as runner:  # fmt: skip
            return [runner.run(at(moment)) for moment in moments][-1]

    def ledger(self) -> _Opened:
        """Open the ledger for a ``with``."""
        return _Opened(paths_of(self.root).ledger)

    def rows(self, sql: str, *values: object) -> list[dict[str, Any]]:
        """Return rows of the ledger."""
        with self.ledger() as ledger:
            return list(ledger.rows(sql, *values))

    def export(self) -> list[str]:
        """Return the canonical export."""
        with self.ledger() as ledger:
            return list(canonical_lines(ledger))

    def counts(self) -> dict[str, int]:
        """Return the number of rows of every table but those that tell of attempts and leases."""
        found = {}
        with self.ledger() as ledger:
            names = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
            for row in list(ledger.rows(names)):
                if row["name"] not in ("attempts", "lease"):
                    (count,) = ledger.rows(f"SELECT count(*) AS n FROM {row['name']}")
                    found[row["name"]] = count["n"]
        return found

    def journeys(self, customer: str = "c1") -> list[tuple[str, str, str]]:
        """Return (playbook, state, reason) of a customer's journeys, the oldest entry first."""
        rows = self.rows(
            "SELECT * FROM journeys WHERE customer = ? ORDER BY entry, playbook, id", customer
        )
        return [(row["playbook"], row["state"], row["reason"] or "") for row in rows]

    def actions(self, customer: str = "c1") -> list[tuple[str, str, str]]:
        """Return (step, state, reason) of a customer's actions, the earliest opening first."""
        rows = self.rows(
            "SELECT * FROM actions WHERE customer = ? ORDER BY opens_at, journey, step", customer
        )
        return [(row["step"], row["state"], row["reason"] or "") for row in rows]

    def action(self, step: str, customer: str = "c1") -> dict[str, Any]:
        """Return the one action of a step."""
        (row,) = self.rows("SELECT * FROM actions WHERE step = ? AND customer = ?", step, customer)
        return row

    def decisions(self, gate: str = "start", customer: str | None = "c1") -> list[tuple[str, str]]:
        """Return (verb, reason) of decisions in the order of runs; customer None: counted rows."""
        rows = self.rows(
            "SELECT * FROM decisions WHERE gate = ? AND customer IS ? ORDER BY run_at, id",
            gate, customer,
        )  # fmt: skip
        return [(row["verb"], row["reason"] or "") for row in rows]

    def done(self, step: str, when: str, customer: str = "c1", **given: Any) -> None:
        """Write that a task is done."""
        with self.ledger() as ledger:
            finish_task(
                ledger, self.action(step, customer)["id"], at=at(when), timezone=ZONE, who="甲",
                **given,
            )  # fmt: skip

    def sent(self) -> dict[str, str]:
        """Return the files of the file channels: path -> content."""
        folder = self.root / ".care" / "out"
        return {
            path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }

    # -- the program -----------------------------------------------------------------------

    def care(self, *words: str, **options: Any) -> Said:
        """Run the program in this project and return what it said."""
        if self.through is not None and not options:
            return Said(**self.through.told("-C", str(self.root), *words)._asdict())
        return care("-C", str(self.root), *words, **options)

    def start(self, *words: str, **options: Any) -> subprocess.Popen[str]:
        """Start the program in this project, in a process group of its own."""
        return start("-C", str(self.root), *words, **options)


class _Opened:
    """A ledger that closes at the end of a ``with``."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Ledger:
        self.ledger = open_ledger(self.path)
        return self.ledger

    def __exit__(self, *_: object) -> None:
        self.ledger.close()


def care(*words: str, limit: float = 60, **options: Any) -> Said:
    """Run the program and return what it said."""
    process = start(*words, **options)
    try:
        out, err = process.communicate(timeout=limit)
    except BaseException:
        kill(process)
        raise
    return Said(code=process.returncode, out=out, err=err)


#: Starts the program with a largest size of files, as a full disk would have it.
_LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
sys.argv = ["care", *sys.argv[2:]]
from cli import main
main()
"""


def start(*words: str, largest_file: int | None = None) -> subprocess.Popen[str]:
    """Start the program of this checkout, in a process group of its own."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONWARNINGS": "default"}
    program = ["-m", "cli"] if largest_file is None else ["-c", _LIMITED, str(largest_file)]
    return subprocess.Popen(
        [sys.executable, "-P", *program, *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
        env=environment, start_new_session=True,
    )  # fmt: skip


def kill(process: subprocess.Popen[str]) -> None:
    """End the program by SIGKILL, as a power cut would; its children find their pipes closed."""
    process.send_signal(signal.SIGKILL)
    process.communicate()
