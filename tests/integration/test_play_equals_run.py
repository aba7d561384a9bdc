"""A story in memory decides what runs over a log in DuckDB decide; runs left out change nothing."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import tempfile
from collections.abc import Sequence
from contextlib import closing
from functools import lru_cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.drafts import empty_draft
from engine.export import canonical_lines
from engine.log import open_log
from engine.testing.play import play, stage_of
from rules.errors import Span
from rules.history import Datum
from rules.playbook import Project
from rules.project import check_files
from rules.testfile import Case, Happening, Occurs, Rhythm, Sets
from rules.units import MICROS, Duration, Unit, day_number
from tests.factories import CARE, at

_HOUR = 3600 * MICROS
_DAY = 24 * _HOUR
_HERE = Span("tests/a.test.yaml", 1, 1)
_STEPS = "steps:\n  - {step: hello, do: letter, due: now}\n"

SHARED = """\
measures:
  orders_10d: {count: order, last: 10 days}
  orders_1m: {count: order, last: 1 month, ending: 5 days ago}
  amount_1m: {sum: order.amount, last: 1 month}
  last_order: {last_time: order}
  first_order: {first_time: order}
  change_10d: {change: orders_10d, needs: 1}
  open_cases: {open: complaint, closed_by: solved, same: case_id, last: 20 days}
  answered: {share: solved, of: complaint, same: case_id, last: 1 month}
  answer_time: {time: complaint, to: solved, same: case_id, last: 1 month}
  tier_changed: {changed: tier}
  care: {count: care_started, last: 10 days}
segments:
  recent: {title: 近, orders_10d: above 0}
  shifted: {title: 移, orders_1m: above 0}
  rich: {title: 富, amount_1m: at least 300}
  lapsed: {title: 沉默, last_order: at least 15 days ago}
  lapsed_1m: {title: 沉默月, last_order: at least 1 month ago}
  newish: {title: 新, first_order: within last 1 month}
  falling: {title: 降, change_10d: down at least 30%}
  unhappy: {title: 投诉, open_cases: above 0}
  unanswered: {title: 未答, answered: below 100%}
  slow: {title: 慢, answer_time: above 2 days}
  gold: {title: 金, tier: gold}
  moved: {title: 变, tier_changed: within last 10 days}
  ending: {title: 到期, contract_end: within next 20 days}
  cared: {title: 关怀, care: above 1}
  top: {title: 前, orders_10d: top 30% of gold}
classes:
  stage:
    title: 阶段
    values:
      - {value: lapsed, if: {in: lapsed}}
      - {value: recent, if: {in: recent}}
      - {value: other}
"""
HOUSE = """\
rules:
  - {rule: unhappy_waits, when: {work: {purpose: sales}, customer: {in: unhappy}}, then: hold}
  - {rule: no_moved, when: {work: {purpose: news}, customer: {in: moved}}, then: skip}
caps:
  - {at_most: 2, per: 7 days}
"""
SEGMENTS = (
    "recent", "shifted", "rich", "lapsed", "lapsed_1m", "newish", "falling", "unhappy",
    "unanswered", "slow", "gold", "moved", "ending", "cared", "top",
)  # fmt: skip


def _books() -> dict[str, str]:
    """Return playbooks for every kind of trigger, stop, wait and step that time has a hand in."""
    found = {}
    for name in SEGMENTS:
        found[f"in_{name}"] = f"trigger: {{enters: {name}}}\nagain: always\n{_STEPS}"
        found[f"out_{name}"] = f"trigger: {{leaves: {name}}}\nagain: always\n{_STEPS}"
    found["of_stage"] = f"trigger: {{changes: stage}}\nagain: always\n{_STEPS}"
    found["held"] = (
        "trigger: {enters: recent, holds_for: 5 days}\nagain: always\n"
        "stop_when:\n  - {leaves: recent}\n  - {event: complaint}\n"
        "steps:\n  - {step: hello, do: letter, due: after 3 days, recheck: {orders_10d: above 1}}\n"
    )
    for name in ("recent", "lapsed", "ending", "moved"):
        found[f"until_{name}"] = (
            f"trigger: {{event: visit}}\nagain: always\noverlap: restart\npurpose: sales\n"
            f"stop_when:\n  - {{in: {name}}}\n"
            "steps:\n  - {step: hello, do: letter, due: after 60 days}\n"
        )
    timed = {
        "monthly": "{every: month, day: 15, at: 10:00, in: gold}",
        "cron": '{every: "30 9 * * 1"}',
        "joined": "{every: 3 days, in: recent}",
        "since": "{every: 10 days, since: last_order}",
        "renewal": "{date: contract_end, before: 7 days}",
        "birthday": "{date: contract_end, yearly: yes, at: 09:00}",
        "after_first": "{date: first_order, after: 30 days}",
        "missing": "{missing: solved, after: complaint, within: 2 days, same: case_id}",
        "missing_wd": "{missing: solved, after: complaint, within: 1 working day}",
        "changed": "{changed: tier}",
        "first": "{first: order}",
    }
    for name, trigger in timed.items():
        found[name] = f"trigger: {trigger}\nagain: always\npurpose: news\n{_STEPS}"
    found["waits"] = (
        "trigger: {event: order}\nagain: always\noverlap: queue\npurpose: sales\nsteps:\n"
        "  - {step: ring, do: call, due: within 2 days, assign: owner, give_up: after 4 days,"
        " if_overdue: {escalate: boss}}\n"
        "  - wait: {event: visit, up_to: 6 days}\n    step: pause\n    else:\n"
        "      - {step: nudge, do: letter, due: within 1 day}\n"
        "  - {step: mark, set: {tier: silver}}\n"
        "  - {step: news, do: letter, due: now, repeat: {every: 5 days, times: 3}}\n"
    )
    found["chain"] = (
        "trigger: {event: visit}\nagain: after 3 days\nsteps:\n  - {step: on, start: waits}\n"
        "  - {step: note, record: complaint, fields: {case_id: Z}}\n"
        "  - {step: mail, do: letter, from: 5 days before contract_end, due: now}\n"
    )
    found["by_hand"] = f"trigger: [{{event: solved}}, manual]\nagain: always\n{_STEPS}"
    return found


BOOKS = _books()


@lru_cache(maxsize=8)
def sound(books: frozenset[str]) -> Project:
    """The project with some of the playbooks."""
    files = {"care.yaml": CARE, "shared.yaml": SHARED, "house.yaml": HOUSE}
    chosen = books | ({"waits"} if "chain" in books else set())
    files |= {
        f"playbooks/{name}.yaml": f"playbook: {name}\nowner: us\n{BOOKS[name]}" for name in chosen
    }
    project, findings = check_files({name: text.encode() for name, text in files.items()})
    assert project is not None, findings
    assert project.broken == (), findings
    return project


#: Around the ends of long and short months, where windows jump.
DAYS = ("01-29", "01-31", "02-01", "02-14", "02-27", "02-28", "03-01", "03-02", "03-13", "03-28",
        "03-31", "04-01")  # fmt: skip
CUSTOMERS = ("c1", "c2", "c3")
instants = st.builds(
    lambda day, clock: at(f"2025-{day}T{clock}"),
    st.sampled_from(DAYS),
    st.sampled_from(("00:00", "08:00", "12:30", "23:59:59")),
)
delays = st.sampled_from((0, 0, 0, 30 * 60 * MICROS, 5 * _HOUR, 9 * _DAY))


def _event(customer: str, name: str, when: int, delay: int, case: str, amount: int) -> Occurs:
    fields: dict[str, Datum] = {}
    if name == "order":
        fields = {"amount": amount}
    elif name in ("complaint", "solved"):
        fields = {"case_id": case}
    return Occurs(
        at=when, customer=customer, span=_HERE, event=name, fields=fields, arrives=when + delay
    )


def _set(customer: str, when: int, delay: int, tier: str | None, day: str | None) -> Sets:
    end = None if day is None else day_number(dt.date.fromisoformat(f"2025-{day}"))
    return Sets(
        at=when, customer=customer, span=_HERE, values={"tier": tier, "contract_end": end},
        arrives=when + delay,
    )  # fmt: skip


happenings: st.SearchStrategy[Sequence[Happening]] = st.lists(
    st.one_of(
        st.builds(
            _event, st.sampled_from(CUSTOMERS),
            st.sampled_from(("order", "order", "complaint", "solved", "visit")), instants, delays,
            st.sampled_from("AB"), st.sampled_from((500_000, 2_000_000, 3_000_000)),
        ),
        st.builds(
            _set, st.sampled_from(CUSTOMERS), instants, delays,
            st.sampled_from(("gold", "silver", None)),
            st.sampled_from(("02-10", "02-28", "03-31", "04-03", None)),
        ),
    ),
    min_size=1,
    max_size=10,
)  # fmt: skip
MORNING = dt.time(8)
LONG = "2025-04-20"  #: until then the stories are played at length
rhythms = st.sampled_from(
    (
        Rhythm(every=Duration(11, Unit.HOUR)),
        Rhythm(every=Duration(1, Unit.DAY), at=MORNING),
    )
)
books = st.frozensets(st.sampled_from(sorted(BOOKS)), min_size=2, max_size=6)


def story(project: Project, told: Sequence[Happening], rhythm: Rhythm, until: str) -> Case:
    """Return a test of all playbooks of a project."""
    return Case(
        file="tests/a.test.yaml", name="t", playbook=project.playbooks[0].name,
        books=tuple(book.name for book in project.playbooks),
        customers={"c1": {"tier": "gold", "name": "甲"}, "c2": {}}, rhythm=rhythm,
        happenings=tuple(sorted(told, key=lambda one: one.at)), until=at(until), expect=(),
        span=_HERE,
    )  # fmt: skip


def decided(project: Project, case: Case, *, every_run: bool, duck: bool = False) -> list[str]:
    """Return the canonical export of a story without its runs: those left out are not there."""
    with closing(empty_draft()) as ledger, tempfile.TemporaryDirectory() as folder:
        if duck:
            with open_log(Path(folder) / "log.duckdb", writable=True) as log:
                log.ensure_columns(project.vocabulary)
                play(stage_of(project, case), case, ledger, log)
        else:
            play(stage_of(project, case), case, ledger, every_run=every_run)
        return [line for line in canonical_lines(ledger) if json.loads(line)["table"] != "runs"]


def compare(one: list[str], two: list[str]) -> None:
    for left, right in itertools.zip_longest(one, two):
        assert left == right


def left_out(
    told: Sequence[Happening], chosen: frozenset[str], rhythm: Rhythm, until: str = LONG
) -> None:
    project = sound(chosen)
    case = story(project, told, rhythm, until)
    compare(decided(project, case, every_run=False), decided(project, case, every_run=True))


def through_duckdb(told: Sequence[Happening], chosen: frozenset[str], until: str = LONG) -> None:
    project = sound(chosen)
    case = story(project, told, Rhythm(every=Duration(9, Unit.DAY), at=MORNING), until)
    compare(
        decided(project, case, every_run=True), decided(project, case, every_run=True, duck=True)
    )


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(happenings, books, rhythms)
def test_runs_left_out_change_nothing(
    told: Sequence[Happening], chosen: frozenset[str], rhythm: Rhythm
) -> None:
    """With late arrivals, month ends and every kind of trigger: a story of which only the runs that
    matter are made leaves the ledger of one of which every run is made.
    """
    left_out(told, chosen, rhythm, "2025-03-05")


@pytest.mark.long
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(happenings, books, rhythms)
def test_runs_left_out_change_nothing_at_length(
    told: Sequence[Happening], chosen: frozenset[str], rhythm: Rhythm
) -> None:
    """The same, with many more stories."""
    left_out(told, chosen, rhythm)


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(happenings, books)
def test_memory_equals_duckdb(told: Sequence[Happening], chosen: frozenset[str]) -> None:
    """A story played in memory leaves the ledger that one over a log in DuckDB leaves."""
    through_duckdb(told, chosen, "2025-03-01")


@pytest.mark.long
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(happenings, books)
def test_memory_equals_duckdb_at_length(told: Sequence[Happening], chosen: frozenset[str]) -> None:
    """The same, with many more stories."""
    through_duckdb(told, chosen)


@pytest.mark.long
def test_the_stories_are_not_empty() -> None:
    """The comparison is about something: a plain story begins journeys of most playbooks."""
    project = sound(frozenset(BOOKS))
    told: list[Happening] = [
        _set("c1", at("2025-02-01T08:00"), 0, "silver", "02-28"),
        _set("c1", at("2025-02-10T08:00"), 0, "gold", "03-31"),
    ]
    for number, day in enumerate(("01-29", "01-31", "02-01", "02-14", "03-13")):
        for name in ("order", "complaint", "visit"):
            when = at(f"2025-{day}T12:30")
            told.append(_event("c1", name, when, 0, "AB"[number % 2], 3_000_000))
    told.append(_event("c1", "solved", at("2025-02-20T12:30"), 0, "A", 0))
    case = story(project, told, Rhythm(every=Duration(1, Unit.DAY), at=MORNING), LONG)
    begun = {
        line["playbook"]
        for line in map(json.loads, decided(project, case, every_run=False))
        if line["table"] == "journeys"
    }

    assert len(set(BOOKS) - begun) <= 8, set(BOOKS) - begun
