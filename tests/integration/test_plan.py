"""``care plan``: what the next run would do, with nothing written."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.drafts import draft_of
from engine.ingest.taking import spool_of
from engine.log import open_log
from engine.paths import paths_of
from engine.planning.items import What
from engine.planning.overlay import draft_log
from engine.planning.plan import Plan, plan
from engine.planning.words import plan_json, render_plan
from engine.spool import Receipt, Shape
from engine.task_changes import finish_task
from rules.errors import ClockError, InputError, UsageError
from rules.history import Event
from tests.factories import ZONE, Shop, at, event, profile

BOOKS = {
    "thanks": """\
trigger: {event: order}
again: after 3 days
overlap: ignore
steps:
  - {step: letter, do: letter, due: now, template: thanks.txt}
  - {step: ask, do: call, due: within 2 days, assign: boss, if_overdue: [{escalate: owner, after: 4 working hours}]}
  - {step: later, do: letter, due: after 3 days, template: thanks.txt}
""",
    "lapsed": """\
trigger: {enters: lapsed}
except: {tier: gold}
stop_when: [{event: order, goal: back}]
steps:
  - {step: ring, do: call, due: within 1 day, assign: owner}
  - {step: note, do: letter, due: after 1 day, template: lapsed.txt}
""",
    "trouble": """\
trigger: {event: complaint, where: {severity: high}}
priority: 10
steps:
  - {step: sorry, do: call, due: within 4 hours, assign: boss, done_when: {event: solved, same: case_id}}
  - {step: check, do: letter, due: now}
""",
}
HOUSE = """\
rules:
  - {rule: quiet, when: {work: {playbook: thanks}, running: {playbook: trouble}}, then: skip}
"""
TEXTS = {
    "templates/thanks.txt": "谢谢 {{ customer.name | default: '您' }}",
    "templates/lapsed.txt": "好久不见 {{ customer.name | default: '您' }}",
}


@cache
def made_once() -> tempfile.TemporaryDirectory[str]:
    """Return a folder with texts and a log of customers; importing takes most of a test's time."""
    kept = tempfile.TemporaryDirectory()
    made = Shop(Path(kept.name))
    for name, text in TEXTS.items():
        made.write(name, text)
    made.customers(
        profile("c1", "2025-01-01", name="甲公司", tier="silver"),
        profile("c2", "2025-01-01", name="乙公司", tier="gold"),
        profile("c3", "2025-01-01", manager="小李"),
    )
    return kept


def shop(root: Path, **books: str) -> Shop:
    """Return a project with some customers and texts."""
    shutil.copytree(made_once().name, root, dirs_exist_ok=True)
    return Shop(root, **books)


def planned(project: Shop, when: str, **options: Any) -> Plan:
    """Return the plan of a run at an instant."""
    return plan(project.project, at=at(when), **options)


def told(found: Plan) -> list[tuple[str, str, str, str]]:
    """Return (what, customer, step, reason) of a plan's items."""
    return [(str(item.what), item.customer, item.step, item.reason) for item in found.items]


def contents(root: Path) -> dict[str, tuple[bytes, int]]:
    """Return path -> content and time of change, of every file of a project."""
    return {
        path.relative_to(root).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


# -- a plan is what the run then does -------------------------------------------------------------


def of_plan(found: Plan) -> dict[str, set[tuple[str, ...]]]:
    """Return what a plan says of starts, openings, messages, refusals and ends."""

    def some(*what: What) -> set[tuple[str, ...]]:
        return {(item.journey, item.action) for item in found.items if item.what in what}

    return {
        "starts": some(What.STARTS),
        "opens": some(What.OPENS, What.JOINS),
        "sends": some(What.SENDS),
        "ends": some(What.STOPS, What.FINISHES),
        "skips": {
            (item.action, item.reason) for item in found.items if item.what is What.SKIPS
        },
        "refuses": {
            (item.playbook, item.customer, item.reason)
            for item in found.items
            if item.what is What.REFUSES
        },
        "counted": {(one.playbook, one.reason, str(one.count)) for one in found.counted},
    }  # fmt: skip


def of_run(done: Shop, when: str, ended: Iterable[str]) -> dict[str, set[tuple[str, ...]]]:
    """Return the same of the run at an instant, from the ledger; ``ended`` had ended before."""
    now, before = at(when), set(ended)
    released = done.rows("SELECT * FROM actions WHERE opened_at = ?", now)
    decided = done.rows("SELECT * FROM decisions WHERE run_at = ?", now)
    return {
        "starts": {(row["id"], "") for row in done.rows("SELECT id FROM journeys WHERE started_at = ?", now)},
        "opens": {(row["journey"], row["id"]) for row in released if row["kind"] == "task"},
        "sends": {(row["journey"], row["id"]) for row in released if row["kind"] == "message"},
        "ends": {(key, "") for key in over(done) - before},
        "skips": {
            (row["id"], row["reason"])
            for row in done.rows("SELECT * FROM actions WHERE state = 'skipped' AND closed_at = ?", now)
        },
        "refuses": {
            (row["playbook"], row["customer"], row["reason"])
            for row in decided
            if row["gate"] == "start" and row["verb"] == "refused" and row["customer"]
        },
        "counted": {
            (row["playbook"], row["reason"], str(_count(row)))
            for row in decided
            if row["verb"] == "refused" and row["customer"] is None
        },
    }  # fmt: skip


def _count(row: dict[str, Any]) -> int:
    return int(json.loads(row["evidence"])["count"])


def over(done: Shop) -> set[str]:
    """Return the journeys that are no longer running."""
    return {row["id"] for row in done.rows("SELECT id FROM journeys WHERE state <> 'running'")}


#: (customer, kind, hour from the start, case)
happened = st.tuples(
    st.sampled_from(["c1", "c2", "c3"]),
    st.sampled_from(["order", "order", "complaint", "solved", "visit"]),
    st.integers(0, 45 * 24),
    st.sampled_from(["k1", "k2"]),
)


@st.composite
def stories(draw: st.DrawFn) -> tuple[list[list[Any]], list[int], bool]:
    """Return two batches of events, the hours of the runs, and whether there are house rules."""
    batches = [draw(st.lists(happened, min_size=1, max_size=12, unique=True)) for _ in range(2)]
    runs = sorted(draw(st.sets(st.integers(1, 50 * 24), min_size=2, max_size=4)))
    return batches, runs, draw(st.booleans())


def hour(number: int) -> str:
    """Return the instant so many hours after the beginning."""
    day, rest = divmod(number, 24)
    return f"2025-0{2 + day // 28}-{1 + day % 28:02}T{rest:02}:00"


def plans_come_true(story: tuple[list[list[Any]], list[int], bool]) -> None:
    """Plan and run in turn, with late events and a person at work between the runs."""
    (first, late), runs, strict = story
    with tempfile.TemporaryDirectory() as folder:
        made = shop(Path(folder), **BOOKS)
        if strict:
            made.write("house.yaml", HOUSE)
        for index, when in enumerate(map(hour, [0, *runs])):
            if index < 2:
                rows = first if index == 0 else late
                made.events(
                    *(
                        event(
                            customer, kind, hour(number), f"{index}-{nth}",
                            **({"case_id": case} if kind in ("complaint", "solved") else {}),
                            **({"severity": "high"} if kind == "complaint" else {}),
                        )
                        for nth, (customer, kind, number, case) in enumerate(rows)
                    )
                )  # fmt: skip
            ended = over(made) if index else set()
            found = planned(made, when)
            made.run(when)

            assert of_plan(found) == of_run(made, when, ended)

            for row in made.rows("SELECT id FROM actions WHERE state = 'open' ORDER BY id LIMIT 1"):
                with made.ledger() as ledger:
                    finish_task(ledger, row["id"], at=at(when), timezone=ZONE, who="甲")


@given(story=stories())
@settings(max_examples=2, suppress_health_check=list(HealthCheck))
def test_a_plan_names_what_the_run_then_does(story: tuple[Any, Any, bool]) -> None:
    """Whatever happened, the run at T starts, opens, sends, skips, ends and refuses what the plan
    for T names.
    """
    plans_come_true(story)


@pytest.mark.long
@given(story=stories())
@settings(max_examples=150, suppress_health_check=list(HealthCheck))
def test_many_plans_name_what_the_run_then_does(story: tuple[Any, Any, bool]) -> None:
    """The same, in many more stories."""
    plans_come_true(story)


def test_a_plan_writes_nothing(tmp_path: Path) -> None:
    """Log, ledger, spool and every other file are as they were, to the time of change, and none is
    new.
    """
    made = shop(tmp_path, thanks=BOOKS["thanks"])
    made.run("2025-03-03T09:00")
    made.events(event("c1", "order", "2025-03-03T10:00"))
    spool_of(paths_of(tmp_path), made.project.vocabulary).put([_order("c2")], at=at("2025-03-03"))
    before = contents(tmp_path)
    found = planned(made, "2025-03-03T11:00")

    assert (found.count(What.STARTS)["thanks"], contents(tmp_path)) == (2, before)


def test_while_another_program_has_the_ledger_open(tmp_path: Path) -> None:
    """A plan sees what was committed last, also where it stands in the write-ahead log yet."""
    made = shop(tmp_path, thanks=BOOKS["thanks"])
    made.run("2025-03-03T09:00")
    with made.ledger() as ledger:
        with ledger.transaction():
            ledger.insert("cursors", [{"name": "other", "value": 7}], at=at("2025-03-03T09:00"))
        assert (tmp_path / ".care" / "ledger.db-wal").stat().st_size > 0
        with closing(draft_of(tmp_path / ".care" / "ledger.db")) as draft:
            seen = draft.one("SELECT value FROM cursors WHERE name = 'other'")
        last = planned(made, "2025-03-03T11:00").last

    assert (seen, last) == ({"value": 7}, at("2025-03-03T09:00"))


def _order(customer: str) -> Receipt:
    """Return an order as another program sends it."""
    body = {
        "specversion": "1.0", "id": f"o-{customer}", "source": "shop", "type": "order",
        "subject": customer, "time": "2025-03-03T09:30:00+08:00", "data": {},
    }  # fmt: skip
    return Receipt(at=at("2025-03-03T09:30"), shape=Shape.CLOUDEVENT, body=body)


def test_what_waits_in_the_spool_counts(tmp_path: Path) -> None:
    """Events and results that no run has taken yet are in the plan, as the run then takes them."""
    made = shop(tmp_path, thanks=BOOKS["thanks"])
    made.events(event("c1", "order", "2025-03-03T08:30"))
    made.run("2025-03-03T08:00", "2025-03-03T09:00")
    task = made.action("ask")["id"]
    result = {
        "action": task, "id": "r1", "at": "2025-03-03T10:00:00+08:00",
    }  # fmt: skip
    spool_of(paths_of(tmp_path), made.project.vocabulary).put(
        [_order("c2"), Receipt(at=at("2025-03-03T10:00"), shape=Shape.RESULT, body=result)],
        at=at("2025-03-03T10:00"),
    )
    found = planned(made, "2025-03-03T11:00")
    made.run("2025-03-03T11:00")

    assert (found.taken.done, dict(found.taken.events)) == (1, {"order": 1})
    assert told(found)[:2] == [("later", "c1", "later", ""), ("starts", "c2", "", "")]
    assert of_plan(found) == of_run(made, "2025-03-03T11:00", ())


def test_a_first_plan_tells_of_the_silent_baseline(tmp_path: Path) -> None:
    """Before the first run nothing begins of what was before, and the plan says why."""
    made = shop(tmp_path, thanks=BOOKS["thanks"], lapsed=BOOKS["lapsed"])
    made.events(event("c1", "order", "2025-01-03T10:00"))
    found = planned(made, "2025-03-03T09:00")
    text = render_plan(found, ZONE, limit=20, personal=True)

    assert (found.items, found.live) == ((), ("lapsed", "thanks"))
    assert "no run yet" in text
    assert "goes live: lapsed, thanks" in text


def test_those_who_are_enrolled_begin_in_the_first_run(tmp_path: Path) -> None:
    """With ``existing: enrol`` who is inside begins, and the plan of the first run names them."""
    made = shop(tmp_path, lapsed="existing: enrol\n" + BOOKS["lapsed"])
    made.events(event("c1", "order", "2025-01-03T10:00"))

    assert told(planned(made, "2025-03-03T09:00"))[0] == ("starts", "c1", "", "")


def test_over_the_limit(tmp_path: Path) -> None:
    """A playbook over ``limits.per_run`` is told as held, with how many and the limit."""
    made = shop(tmp_path, thanks="limits: {per_run: 1}\n" + BOOKS["thanks"])
    made.run("2025-03-03T09:00")
    made.events(event("c1", "order", "2025-03-03T10:00"), event("c2", "order", "2025-03-03T10:00"))
    found = planned(made, "2025-03-03T11:00")

    assert [(one.playbook, one.count, one.limit) for one in found.held] == [("thanks", 2, 1)]
    assert found.items == ()
    assert "thanks starts 2 > 1: would be held" in render_plan(
        found, ZONE, limit=20, personal=False
    )


def test_the_same_run_again(tmp_path: Path) -> None:
    """The plan of a run that was done says that it would do nothing new."""
    made = shop(tmp_path, thanks=BOOKS["thanks"])
    made.run("2025-03-03T09:00")
    found = planned(made, "2025-03-03T09:00")

    assert (found.repeated, found.items) == (True, ())


def test_a_plan_of_the_past_is_refused(tmp_path: Path) -> None:
    """Before the last run everything is decided: the error names it."""
    made = shop(tmp_path, thanks=BOOKS["thanks"])
    made.run("2025-03-03T09:00")
    with pytest.raises(ClockError, match="2025-03-03 09:00"):
        planned(made, "2025-03-03T08:00")


def test_no_log_yet(tmp_path: Path) -> None:
    """Without any event the error says what makes a log."""
    made = Shop(tmp_path, thanks=BOOKS["trouble"])
    with pytest.raises(InputError, match="care import"):
        planned(made, "2025-03-03T09:00")


def test_an_unknown_playbook(tmp_path: Path) -> None:
    """A playbook that is not there is an error with the near one."""
    made = shop(tmp_path, thanks=BOOKS["thanks"])
    with pytest.raises(UsageError, match="thanks"):
        planned(made, "2025-03-03T09:00", playbooks=["thank"])


def test_filters_and_limit(tmp_path: Path) -> None:
    """A plan of some customers or playbooks has these only; the text is cut by journeys and says so."""
    made = shop(tmp_path, thanks=BOOKS["thanks"], trouble=BOOKS["trouble"])
    made.run("2025-03-03T09:00")
    made.events(
        event("c1", "order", "2025-03-03T10:00"),
        event("c2", "complaint", "2025-03-03T10:00", case_id="k", severity="high"),
    )
    when = "2025-03-03T11:00"
    assert {item.customer for item in planned(made, when, customers=["c2"]).items} == {"c2"}
    assert {item.playbook for item in planned(made, when, playbooks=["thanks"]).items} == {"thanks"}

    text = render_plan(planned(made, when), ZONE, limit=1, personal=False)

    assert "... and 1 more; --limit all shows them" in text
    assert "plan: 2 starts (thanks 1, trouble 1), 1 message (letter 1), 2 tasks (call 2)" in text


def test_tasks_by_person_and_day(tmp_path: Path) -> None:
    """What comes to people is counted by person and the day on which it is due."""
    made = shop(tmp_path, thanks=BOOKS["thanks"])
    made.run("2025-03-03T09:00")
    made.events(event("c1", "order", "2025-03-03T10:00"), event("c2", "order", "2025-03-03T10:00"))
    found = plan_json(planned(made, "2025-03-03T11:00"), ZONE, personal=False)

    assert found["tasks"] == [{"role": "boss", "assignee": "经理", "day": "2025-03-05", "count": 2}]


def test_names_are_personal(tmp_path: Path) -> None:
    """Names of customers stand in what a person sees, and not in what is piped on."""
    made = shop(tmp_path, thanks=BOOKS["thanks"])
    made.run("2025-03-03T09:00")
    made.events(event("c1", "order", "2025-03-03T10:00"))
    found = planned(made, "2025-03-03T11:00")

    assert [
        "甲公司" in render_plan(found, ZONE, limit=None, personal=personal)
        for personal in (True, False)
    ] == [True, False]
    assert [
        item.get("name") for item in plan_json(found, ZONE, personal=True)["items"]
    ] == ["甲公司"] * 3  # fmt: skip
    assert "name" not in plan_json(found, ZONE, personal=False)["items"][0]


# -- the log that is tried out --------------------------------------------------------------------


def test_drafted_rows_are_seen_and_not_kept(tmp_path: Path) -> None:
    """What is appended to a log that is tried out is read with the rest, and the file has none of it."""
    made = shop(tmp_path, thanks=BOOKS["thanks"])
    made.events(event("c1", "order", "2025-03-03T10:00", amount=5))
    vocabulary, path = made.project.vocabulary, paths_of(tmp_path).log
    fresh = Event(id="x", name="visit", at=at("2025-03-03T11:00"), fields={})
    with draft_log(path, vocabulary) as log:
        low = log.max_seq()
        for _ in range(2):  # a (source, id) counts once
            log.append([("c9", fresh)], vocabulary=vocabulary, source="x", known_at=0)
        found = log.histories(
            ["c1", "c9"], at=at("2025-03-04"), seq=log.max_seq(), vocabulary=vocabulary
        )
        assert log.max_seq() == low + 1
    with open_log(path, writable=False) as log:
        kept = log.histories(["c9"], at=at("2025-03-04"), seq=9**9, vocabulary=vocabulary)

    assert [[e.name for e in found[key].events] for key in ("c1", "c9")] == [["order"], ["visit"]]
    assert kept["c9"].events == ()


def test_a_field_that_the_log_does_not_have_yet(tmp_path: Path) -> None:
    """A field that care.yaml declares since the last import is there, and unknown in older events."""
    made = shop(tmp_path, thanks=BOOKS["thanks"])
    made.events(event("c1", "order", "2025-03-03T10:00", amount=5))
    care = (tmp_path / "care.yaml").read_text(encoding="utf-8")
    made.write("care.yaml", care.replace("product: text}", "product: text, city: text}"))
    vocabulary = made.project.vocabulary
    order = Event(id="x", name="order", at=at("2025-03-03T11:00"), fields={"city": "上海"})
    with draft_log(paths_of(tmp_path).log, vocabulary) as log:
        log.append([("c1", order)], vocabulary=vocabulary, source="x", known_at=0)
        found = log.histories(["c1"], at=at("2025-03-04"), seq=9**9, vocabulary=vocabulary)["c1"]

    assert [e.fields.get("city") for e in found.events] == [None, "上海"]


def test_an_unknown_customer_is_told(tmp_path: Path) -> None:
    """A misspelt customer is no plan with nothing in it."""
    made = Shop(tmp_path, **BOOKS)
    made.events(event("K001", "order", "2025-03-03T08:30"))
    with pytest.raises(UsageError, match='no customer "K01"; did you mean K001'):
        plan(made.project, at=at("2025-03-03T09:00"), customers=["K01"])
