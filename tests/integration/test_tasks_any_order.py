"""Whatever people, customers and runs do in whatever order: what always holds of tasks."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from engine.audit.verify import verify
from engine.calendar import WorkingCalendar
from engine.task_changes import TaskChanges
from rules.errors import CareError
from rules.units import MICROS
from tests.factories import ZONE, Shop, at, event

HOUR = 3600 * MICROS
BOOKS = {
    "thanks": (
        "trigger: {event: order}\noverlap: parallel\n"
        "stop_when: [{event: signup}]\n"
        "steps:\n"
        "  - {step: ring, do: call, due: within 1 day, assign: owner, outcomes: [fine, again],"
        " retry: {on: again, every: 1 day, times: 1}, give_up: 2 days, done_when: {event: visit},"
        " if_overdue: [{escalate: boss}, {escalate: owner, after: 4 working hours}]}\n"
        "  - {step: look, do: review, due: after 1 day, assign: boss, give_up: 3 days}\n"
    ),
    "cases": (
        "trigger: {event: complaint}\n"
        "stop_when: [{event: solved, same: case_id, goal: solved}]\n"
        "steps:\n  - {step: answer, do: call, due: within 1 working day, assign: owner, give_up: 4 days}\n"
    ),
}


def play(root: Path, seed: int, moves: int) -> Shop:
    """Return a project after a random course of two weeks, checked after every move."""
    draw = random.Random(seed)
    made = Shop(root, **BOOKS)
    made.events(event("c0", "visit", "2025-02-01T10:00"))
    now = at("2025-03-03T08:00")
    made.run(told(now))
    for number in range(moves):
        now += draw.randrange(1, 30) * HOUR
        match draw.choice(["event", "event", "run", "run", "run", "person", "person", "person"]):
            case "event":
                made.events(*(anything(draw, f"{number}-{n}", now) for n in range(3)))
            case "run":
                made.run(told(now))
            case "person":
                act(made, draw, now)
        check(made)
    made.run(told(now + HOUR))
    check(made)
    return made


def told(instant: int) -> str:
    from rules.units import to_iso

    return to_iso(instant, ZONE)


def anything(draw: random.Random, key: str, now: int) -> dict[str, object]:
    kind = draw.choice(["order", "order", "complaint", "solved", "visit", "signup"])
    fields = {"case_id": str(draw.randrange(2))} if kind in ("complaint", "solved") else {}
    when = told(now - draw.randrange(1, 9) * HOUR)
    return event(f"c{draw.randrange(2)}", kind, when, key=key, **fields)


def act(made: Shop, draw: random.Random, now: int) -> None:
    """Let a person do something to any task, sensible or not; what is refused changes nothing."""
    rows = made.rows("SELECT id, step FROM actions WHERE kind = 'task' AND state <> 'planned'")
    if not rows:
        return
    before = made.counts()
    calendar = WorkingCalendar.of(made.project.vocabulary)
    for row in draw.sample(rows, min(2, len(rows))):
        with made.ledger() as ledger:
            try:
                with ledger.transaction():
                    changes = TaskChanges(ledger, ZONE)
                    match draw.choice(["finish", "finish", "snooze", "assign", "reopen"]):
                        case "finish":
                            ring = row["step"].startswith("ring")
                            outcome = draw.choice(["fine", "again"]) if ring else None
                            changes.finish(row["id"], at=now, outcome=outcome)
                        case "snooze":
                            until = now + draw.randrange(1, 90) * HOUR
                            changes.snooze(row["id"], at=now, until=until, why="x")
                        case "assign":
                            changes.assign(row["id"], at=now, to=draw.choice("甲乙"))
                        case "reopen":
                            changes.reopen(row["id"], at=now, calendar=calendar, why="x")
            except CareError:
                assert made.counts() == before
        before = made.counts()


def check(made: Shop) -> None:
    """Assert what always holds."""
    rows = made.rows(
        "SELECT a.*, j.state AS journey_state, j.event FROM actions a"
        " JOIN journeys j ON j.id = a.journey WHERE a.kind = 'task'"
    )
    by_id = {row["id"]: row for row in rows}
    open_ = [row for row in rows if row["state"] == "open"]
    lines = Counter(
        (row["customer"], row["playbook"], row["step"], case_of(row))
        for row in open_
        if row["host"] is None
    )
    assert set(lines.values()) <= {1}, "an open task is not doubled"
    assert {row["journey_state"] for row in open_} <= {"running"}, (
        "open tasks are of running journeys"
    )
    for row in rows:
        if row["host"] is not None and row["state"] == "open":
            host = by_id[row["host"]]
            assert (host["host"], host["state"], host["step"]) == (None, "open", row["step"])
            assert case_of(host) == case_of(row), "each case has a task of its own"
        if row["reason"] == "joined":
            host = by_id[row["host"]]
            assert (host["state"], host["closed_at"]) == (row["state"], row["closed_at"])
            assert row["closed_at"] >= row["opened_at"]
    turns = Counter((row["journey"], row["step"]) for row in open_)
    assert set(turns.values()) <= {1}, "one turn of a step at a time"


def case_of(row: dict[str, object]) -> object:
    import json

    if row["playbook"] != "cases":
        return None
    return json.loads(str(row["event"]))["fields"]["case_id"]


def settled(made: Shop) -> None:
    """Assert what holds in the end: the ledger is sound and nothing moves any more."""
    before = made.export()
    last = made.rows("SELECT max(at) AS at FROM runs")[0]["at"]
    made.run(told(last))
    assert made.export() == before, "a run again at the same time changes nothing"
    with made.ledger() as ledger:
        assert verify(ledger).faults == ()


@pytest.mark.parametrize("seed", [2, 3])
def test_tasks_in_any_order(tmp_path: Path, seed: int) -> None:
    """No task is doubled, none is open in a journey that is over, and the ledger proves it all."""
    settled(play(tmp_path, seed, 12))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 130))
def test_tasks_in_many_orders(tmp_path: Path, seed: int) -> None:
    """The same over many courses."""
    settled(play(tmp_path, seed, 30))
