"""A run that looks at what changed decides what a run over everybody decides, byte for byte."""

from __future__ import annotations

import itertools
import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.export import canonical_lines
from engine.intake import import_file
from engine.ledger import open_ledger
from engine.run import open_runner
from rules.importmap import ImportMap, read_map
from rules.playbook import Project
from rules.project import check_files
from rules.units import to_iso
from tests import factories
from tests.factories import IMPORTS, ZONE, Shop, at, event, profile

#: All events have the same fields: one entry of the import map serves them, which is quick.
CARE = (
    factories.CARE.split("events:")[0]
    + """\
events:
  order: {fields: {amount: number, case_id: text}}
  visit: {fields: {amount: number, case_id: text}}
  complaint: {fields: {amount: number, case_id: text}}
  solved: {fields: {amount: number, case_id: text}}
customer:"""
    + factories.CARE.split("\ncustomer:")[1]
)
MAP = """\
import: 1
source: crm
format: csv
known: at event
customer: customer
time: at
id: id
events:
  - event: {from: event, values: {order: order, visit: visit, complaint: complaint, solved: solved}}
    fields: {amount: amount, case_id: case_id}
"""

SHARED = """\
measures:
  orders: {count: order}
  orders_10d: {count: order, last: 10 days}
  orders_1m: {count: order, last: 1 month}
  before: {count: order, last: 1 month, ending: 5 days ago}
  amount_1m: {sum: order.amount, last: 1 month}
  best: {max: order.amount, last: 20 days}
  last_order: {last_time: order}
  first_order: {first_time: order}
  orders_change: {change: orders_10d, needs: 1}
  orders_more: {difference: orders_1m}
  open_cases: {open: complaint, closed_by: solved, same: case_id, last: 20 days}
  answered: {share: solved, of: complaint, same: case_id, last: 1 month}
  answer_time: {time: complaint, to: solved, same: case_id, last: 1 month}
  months: {months_with: order, last: 2 months}
  tier_changed: {changed: tier}
  care: {count: care_started, last: 10 days}
segments:
  recent: {title: 近, orders_10d: above 0}
  monthly: {title: 月, orders_1m: at least 2}
  shifted: {title: 移, before: above 0}
  rich: {title: 富, any: [{amount_1m: at least 300}, {best: above 250}]}
  lapsed: {title: 沉默, last_order: at least 15 days ago}
  lapsed_1m: {title: 沉默月, last_order: at least 1 month ago}
  newish: {title: 新, first_order: within last 1 month}
  falling: {title: 降, orders_change: down at least 30%}
  rising: {title: 升, orders_more: up at least 1}
  unhappy: {title: 投诉, open_cases: above 0}
  unanswered: {title: 未答, answered: below 100%}
  slow: {title: 慢, answer_time: above 2 days}
  loyal: {title: 忠, months: at least 2}
  gold: {title: 金, tier: gold}
  moved: {title: 变, tier_changed: within last 10 days}
  ending: {title: 到期, contract_end: within next 20 days}
  ended: {title: 过期, contract_end: at least 1 month ago}
  cared: {title: 关怀, care: above 1}
  quiet_gold: {title: 静金, in: gold, not: {in: recent}}
  top: {title: 前, orders_1m: top 30% of gold}
classes:
  stage:
    title: 阶段
    values:
      - {value: lapsed, if: {in: lapsed}}
      - {value: falling, if: {in: falling}}
      - {value: recent, if: {in: recent}}
      - {value: other}
  worth:
    title: 价值
    of: gold
    values:
      - {value: high, if: {in: rich}}
      - {value: low}
"""
SEGMENTS = (
    "recent", "monthly", "shifted", "rich", "lapsed", "lapsed_1m", "newish", "falling", "rising",
    "unhappy", "unanswered", "slow", "loyal", "gold", "moved", "ending", "ended", "cared",
    "quiet_gold", "top",
)  # fmt: skip
ENDING = ("recent", "shifted", "lapsed", "newish", "falling", "moved", "ending", "top")
STEPS = "steps:\n  - {step: hello, do: letter, due: now}\n"


def _books() -> dict[str, str]:
    """Return a playbook for entering, and one for leaving, each segment; for the classes; and some
    whose journeys end inside a segment.
    """
    found = {}
    for name in ENDING:
        found[f"until_{name}"] = (
            f"trigger: {{event: visit}}\nagain: always\noverlap: restart\n"
            f"stop_when:\n  - {{in: {name}}}\n"
            "steps:\n  - {step: hello, do: letter, due: after 60 days}\n"
        )
    for name in SEGMENTS:
        found[f"in_{name}"] = f"trigger: {{enters: {name}}}\nagain: always\n{STEPS}"
        found[f"out_{name}"] = (
            f"trigger: {{leaves: {name}}}\nagain: always\noverlap: restart\n{STEPS}"
        )
    for name in ("stage", "worth"):
        found[f"of_{name}"] = f"trigger: {{changes: {name}}}\nagain: always\n{STEPS}"
    found["held"] = (
        "trigger: {enters: recent, holds_for: 5 days}\nagain: always\n"
        "stop_when:\n  - {leaves: recent}\n  - {event: complaint}\n"
        "steps:\n  - {step: hello, do: letter, due: after 3 days, recheck: {orders_10d: above 1}}\n"
    )
    found["value"] = f"trigger: {{enters: stage.falling}}\nagain: after 3 days\n{STEPS}"
    return found


BOOKS = _books()

#: Around the ends of long and short months, where windows jump; every hour is one of few.
DAYS = ("01-29", "01-30", "01-31", "02-01", "02-14", "02-27", "02-28", "03-01", "03-02", "03-13",
        "03-28", "03-29", "03-30", "03-31", "04-01")  # fmt: skip
CUSTOMERS = ("c1", "c2", "c3", "c4")
moments = st.builds(
    "2025-{}T{}".format, st.sampled_from(DAYS), st.sampled_from(("00:00", "08:00", "12:30"))
)
events = st.builds(
    lambda number, customer, name, when, case, amount: event(
        customer, name, when, key=f"e{number}", **_fields(name, case, amount)
    ),
    st.integers(1, 25),  # few: corrections and doubles come by themselves
    st.sampled_from(CUSTOMERS),
    st.sampled_from(("order", "order", "complaint", "solved", "visit")),
    moments,
    st.sampled_from("AB"),
    st.sampled_from((0, 50, 200, 300)),
)
profiles = st.builds(
    lambda customer, when, tier, end: profile(customer, when, tier=tier, contract_end=end),
    st.sampled_from(CUSTOMERS),
    moments,
    st.sampled_from(("gold", "silver", None)),
    st.sampled_from(("2025-02-10", "2025-02-28", "2025-03-31", None)),
)


def _fields(name: str, case: str, amount: int) -> dict[str, Any]:
    if name == "order":
        return {"amount": amount}
    return {"case_id": case} if name in ("complaint", "solved") else {}


#: What happens: imports, then a run some hours on; again and again.
steps = st.lists(
    st.tuples(
        st.lists(events, max_size=6),
        st.lists(profiles, max_size=2),
        st.sampled_from((0, 1, 12, 24, 24, 60, 24 * 7, 24 * 30)),
    ),
    min_size=3,
    max_size=6,
)


@contextmanager
def folder() -> Iterator[Path]:
    """A folder of one example: pytest's own is shared by all of them."""
    path = Path(tempfile.mkdtemp(prefix="care-"))
    try:
        yield path
    finally:
        shutil.rmtree(path)


@lru_cache(maxsize=1)
def sound(books: frozenset[str]) -> tuple[Project, ImportMap, ImportMap]:
    """The project with some of the playbooks, and its import maps."""
    files = {"care.yaml": CARE, "shared.yaml": SHARED}
    files |= {
        f"playbooks/{name}.yaml": f"playbook: {name}\nowner: us\n{text}"
        for name, text in BOOKS.items()
        if name in books
    }
    project, findings = check_files({name: text.encode() for name, text in files.items()})
    assert project is not None, findings
    assert project.broken == ()
    maps = []
    for text in (MAP, IMPORTS["customers"]):
        found, wrong = read_map(text.encode(), "imports/map.yaml", project.vocabulary)
        assert found is not None, wrong
        maps.append(found)
    return project, maps[0], maps[1]


def played(root: Path, history: list[Any], books: frozenset[str]) -> list[str]:
    """Play a history, each step of it imports and then a run, with two ledgers on one log: one
    runs by what changed, one over everybody. Compare them after each step; return the export.
    """
    project, of_events, of_customers = sound(books)
    made = Shop(root / "changed", care=CARE, shared=SHARED)
    (root / "all" / ".care").mkdir(parents=True)
    (root / "all" / ".care" / "log.duckdb").symlink_to(made.root / ".care" / "log.duckdb")

    def take(rows: Sequence[dict[str, Any]], found: ImportMap) -> None:
        import_file(made.root, project.vocabulary, made.file(rows), found, at=0)

    take([event("c0", "visit", "2025-01-01T10:00", key="first")], of_events)
    moment = at("2025-01-30T08:00")
    found: list[list[str]] = []
    with ExitStack() as stack:
        runners = []
        for name in ("changed", "all"):
            ledger = open_ledger(root / name / ".care" / "ledger.db")
            stack.callback(ledger.close)
            opened = open_runner(
                replace(project, root=str(root / name)), ledger, clock=lambda: 0,
                prefer="reference", full=name == "all",
            )  # fmt: skip
            runners.append(stack.enter_context(opened))
        for rows, versions, hours in [((), (), 0), *history]:
            if rows:
                take(rows, of_events)
            for version in versions:
                take([version], of_customers)
            moment += hours * 3_600_000_000
            for runner in runners:
                runner.run(moment)
            found = [list(canonical_lines(runner.ledger)) for runner in runners]
            for changed, every in itertools.zip_longest(*found):
                assert changed == every
    return found[0]


def check(history: list[Any], books: frozenset[str]) -> None:
    with folder() as path:
        played(path, history, books)


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps, st.frozensets(st.sampled_from(sorted(BOOKS)), min_size=4, max_size=8))
def test_incremental_equals_full(history: list[Any], books: frozenset[str]) -> None:
    """With late, doubled, corrected events and month ends, for every kind of measure: runs that
    ask only customers for whom something may have changed write the ledger of full runs.
    """
    check(history, books)


@pytest.mark.long
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps, st.frozensets(st.sampled_from(sorted(BOOKS)), min_size=4, max_size=8))
def test_incremental_equals_full_at_length(history: list[Any], books: frozenset[str]) -> None:
    """The same, with many more histories."""
    check(history, books)


def test_the_histories_are_not_empty() -> None:
    """The comparison is about something: a plain history begins journeys of most playbooks."""
    gold = profile("c1", "2025-01-01", tier="gold", contract_end="2025-02-28")
    history: list[Any] = [((), [gold], 0)]
    for n, hours in enumerate((48, 24, 13 * 24, 14 * 24)):
        when = to_iso(
            at("2025-01-30T08:00") + sum((48, 24, 312, 336)[: n + 1]) * 3_600_000_000, ZONE
        )
        rows = [
            event("c1", "order", when, key=f"o{n}", amount=200),
            event("c1", "visit", when, key=f"v{n}"),
            event("c2", "complaint", when, key=f"k{n}", case_id=str(n)),
            event("c2", "solved", when, key=f"s{n}", case_id=str(n // 2)),
        ]
        history.append((rows, [], hours))
    history += [([], [], 24 * days) for days in (5, 8, 33, 30)]
    with folder() as path:
        lines = [json.loads(line) for line in played(path, history, frozenset(BOOKS))]
    begun = {line["playbook"] for line in lines if line["table"] == "journeys"}
    stops = {(line["playbook"], line["reason"]) for line in lines if line["table"] == "journeys"}

    assert begun >= {
        "in_recent", "out_recent", "in_monthly", "out_monthly", "in_shifted", "out_shifted",
        "in_lapsed", "in_lapsed_1m", "out_newish", "in_rich", "out_rich", "in_unhappy",
        "in_falling", "in_ending", "out_ending", "in_ended", "in_loyal", "of_stage", "of_worth",
        "in_cared", "in_quiet_gold", "value",
    }  # fmt: skip
    assert ("until_lapsed", "stop_condition") in stops
