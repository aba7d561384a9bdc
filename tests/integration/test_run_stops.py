"""What ends journeys early: events, leaving, conditions, goals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.factories import Shop, at, event, profile

RING = "  - {step: ring, do: call, due: within 2 days, assign: owner}\n"


def shop(root: Path, stops: str, more: str = "", steps: str = RING) -> Shop:
    """Return a project whose playbook ``p`` begins with a complaint, live since 1 March 2025."""
    stop_when = f"stop_when:\n{stops}" if stops else ""
    made = Shop(root, p=f"trigger: {{event: complaint}}\n{more}{stop_when}steps:\n{steps}")
    made.events(event("c0", "visit", "2025-02-01T10:00"))
    made.run("2025-03-01T08:00")
    return made


def complain(made: Shop, when: str = "2025-03-03T10:00", case: str = "A") -> None:
    made.events(event("c1", "complaint", when, key=f"k{case}", case_id=case))


def test_an_order_before_the_call_was_due_cancels_the_call(tmp_path: Path) -> None:
    """The order is the evidence of the stop, and the open task is cancelled at its instant."""
    made = shop(tmp_path, "  - {event: order, goal: won_back}\n")
    complain(made)
    made.run("2025-03-03T12:00")
    made.events(event("c1", "order", "2025-03-03T14:30", key="o-77", amount=9))
    made.run("2025-03-04T08:00")

    assert made.journeys() == [("p", "stopped", "goal")]
    assert made.actions() == [("ring", "cancelled", "goal")]
    assert made.action("ring")["closed_at"] == at("2025-03-03T14:30")
    (row,) = made.rows("SELECT * FROM decisions WHERE gate = 'stop'")
    shown = json.loads(row["evidence"])["event"]
    assert (row["reason"], shown["name"], shown["id"]) == ("goal", "order", "o-77")


def test_a_stop_before_the_journey_was_seen_begins_and_ends_it(tmp_path: Path) -> None:
    """Complaint and solution between two runs: the journey is told, and nothing of it goes out."""
    made = shop(tmp_path, "  - {event: solved, same: case_id}\n")
    complain(made)
    made.events(event("c1", "solved", "2025-03-03T11:00", case_id="A"))
    result = made.run("2025-03-04T08:00")

    assert made.journeys() == [("p", "stopped", "stop_event")]
    assert made.actions() == []
    assert result.started == 1


def test_same_stops_only_its_own_case(tmp_path: Path) -> None:
    """`same: case_id` compares with the trigger's event."""
    made = shop(tmp_path, "  - {event: solved, same: case_id}\n")
    complain(made, case="A")
    made.run("2025-03-03T12:00")
    made.events(event("c1", "solved", "2025-03-03T14:00", case_id="B"))
    made.run("2025-03-04T08:00")
    assert made.journeys() == [("p", "running", "")]
    made.events(event("c1", "solved", "2025-03-04T14:00", case_id="A"))
    made.run("2025-03-05T08:00")

    assert made.journeys() == [("p", "stopped", "stop_event")]


@pytest.mark.parametrize(
    ("when", "ended"),
    [("2025-03-13T10:00", ("goal", "bought")), ("2025-03-13T10:01", ("stop_event", None))],
)
def test_a_goal_counts_within_its_time(
    tmp_path: Path, when: str, ended: tuple[str, str | None]
) -> None:
    """`goal: bought, within: 10 days` is a goal up to then and a plain stop after it."""
    made = shop(tmp_path, "  - {event: order, goal: bought, within: 10 days}\n")
    complain(made)
    made.run("2025-03-03T12:00")
    made.events(event("c1", "order", when, amount=9))
    made.run("2025-03-20T08:00")

    (row,) = made.rows("SELECT reason, goal FROM journeys")
    assert (row["reason"], row["goal"]) == ended


def test_where_of_a_stop(tmp_path: Path) -> None:
    """Only events that pass the stop's `where` stop."""
    made = shop(tmp_path, "  - {event: order, where: {amount: at least 100}}\n")
    complain(made)
    made.run("2025-03-03T12:00")
    made.events(event("c1", "order", "2025-03-03T14:00", amount=99))
    made.run("2025-03-03T18:00")
    assert made.journeys() == [("p", "running", "")]
    made.events(event("c1", "order", "2025-03-03T19:00", amount=100))
    made.run("2025-03-04T08:00")

    assert made.journeys() == [("p", "stopped", "stop_event")]


def test_leaving_a_segment_stops(tmp_path: Path) -> None:
    """`leaves:` stops with the first run that sees the customer outside."""
    made = shop(tmp_path, "  - {leaves: big, goal: grown_small}\n")
    made.customers(profile("c1", "2025-01-01", size=500))
    complain(made)
    made.run("2025-03-04T08:00")
    made.customers(profile("c1", "2025-03-04T10:00", size=5))
    made.run("2025-03-05T08:00")

    assert made.journeys() == [("p", "stopped", "goal")]
    assert made.rows("SELECT ended_at FROM journeys") == [{"ended_at": at("2025-03-05T08:00")}]


def test_one_who_was_never_inside_does_not_leave(tmp_path: Path) -> None:
    """Being outside is no leaving."""
    made = shop(tmp_path, "  - {leaves: big}\n")
    complain(made)
    made.run("2025-03-04T08:00", "2025-03-05T08:00")

    assert made.journeys() == [("p", "running", "")]


def test_a_condition_stops_at_the_run_that_finds_it_true(tmp_path: Path) -> None:
    """Conditions on customer and steps stop at T; their evidence is the condition's trace."""
    steps = (
        "  - {step: ring, do: call, due: now, assign: owner, outcomes: [lost, fine]}\n"
        "  - {step: more, do: call, due: after 1 day, assign: owner}\n"
    )
    made = shop(tmp_path, "  - {ring.outcome: lost}\n", steps=steps)
    complain(made)
    made.run("2025-03-03T12:00")
    made.done("ring", "2025-03-03T14:00", outcome="lost")
    made.run("2025-03-04T08:00")

    assert made.journeys() == [("p", "stopped", "stop_condition")]
    (row,) = made.rows("SELECT * FROM decisions WHERE gate = 'stop'")
    assert json.loads(row["evidence"])["condition"]["verdict"] is True


def test_the_earliest_stop_wins(tmp_path: Path) -> None:
    """Of several stops the earliest instant counts, at one instant a stop before a goal."""
    stops = "  - {event: order, goal: bought}\n  - {event: visit}\n"
    made = shop(tmp_path, stops)
    complain(made)
    made.run("2025-03-03T12:00")
    made.events(
        event("c1", "order", "2025-03-03T15:00", amount=1),
        event("c1", "visit", "2025-03-03T15:00"),
    )
    made.run("2025-03-04T08:00")

    assert made.journeys() == [("p", "stopped", "stop_event")]


def test_what_was_done_stays_done(tmp_path: Path) -> None:
    """A stop cancels what lies ahead and leaves what is closed; the last step closes nothing."""
    steps = (
        "  - {step: hello, do: letter, due: now}\n"
        "  - {step: ring, from: entry, do: call, due: now, assign: owner}\n"
        "  - {step: later, from: entry, do: letter, due: after 5 days}\n"
    )
    made = shop(tmp_path, "  - {event: order}\n", steps=steps)
    complain(made)
    made.run("2025-03-03T12:00")
    made.done("ring", "2025-03-03T13:00")
    made.events(event("c1", "order", "2025-03-03T14:00", amount=1))
    made.run("2025-03-04T08:00")

    assert {step: state for step, state, _ in made.actions()} == {
        "hello": "sent", "ring": "done", "later": "cancelled",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("done", "order", "ended"),
    [
        ("2025-03-03T13:00", "2025-03-03T14:00", ("finished", "")),
        ("2025-03-03T15:00", "2025-03-03T14:00", ("stopped", "goal")),
        ("2025-03-03T14:00", "2025-03-03T14:00", ("stopped", "goal")),
    ],
)
def test_a_journey_ends_by_what_came_first(
    tmp_path: Path, done: str, order: str, ended: tuple[str, str]
) -> None:
    """Last task done, then the order: finished. The order first, or at one instant: the goal."""
    made = shop(tmp_path, "  - {event: order, goal: bought}\n")
    complain(made)
    made.run("2025-03-03T12:00")
    made.done("ring", done)
    made.events(event("c1", "order", order, amount=1))
    made.run("2025-03-04T08:00", "2025-03-05T08:00")

    assert made.journeys() == [("p", *ended)]
    assert made.actions() == [("ring", "done", "")]


def test_a_stop_that_arrives_late_still_stops(tmp_path: Path) -> None:
    """An event that we learn of later stops by its own time."""
    made = shop(tmp_path, "  - {event: order}\n")
    complain(made)
    made.run("2025-03-04T08:00", "2025-03-05T08:00")
    made.events(event("c1", "order", "2025-03-03T11:00", amount=1))
    made.run("2025-03-06T08:00")

    assert made.rows("SELECT state, ended_at FROM journeys") == [
        {"state": "stopped", "ended_at": at("2025-03-03T11:00")}
    ]


def test_own_history_before_entry_does_not_stop(tmp_path: Path) -> None:
    """Only events strictly after the entry count."""
    made = shop(tmp_path, "  - {event: order}\n")
    made.events(
        event("c1", "order", "2025-03-03T09:00", amount=1),
        event("c1", "order", "2025-03-03T10:00", amount=1),
    )
    complain(made)
    made.run("2025-03-04T08:00")

    assert made.journeys() == [("p", "running", "")]


def test_a_stop_while_the_playbook_was_broken_is_seen_when_it_is_mended(tmp_path: Path) -> None:
    """Nothing that came in the meantime is lost."""
    made = shop(tmp_path, "  - {event: order}\n")
    sound = (tmp_path / "playbooks/p.yaml").read_text(encoding="utf-8")
    complain(made)
    made.run("2025-03-04T08:00")
    made.book("p", "trigger: {event: nonsense}\nsteps: []\n")
    made.events(event("c1", "order", "2025-03-04T10:00", amount=1))
    made.run("2025-03-05T08:00")
    assert made.journeys() == [("p", "running", "")]
    made.write("playbooks/p.yaml", sound)
    made.run("2025-03-06T08:00")

    assert made.rows("SELECT state, ended_at FROM journeys") == [
        {"state": "stopped", "ended_at": at("2025-03-04T10:00")}
    ]


def test_paused_playbooks_still_stop(tmp_path: Path) -> None:
    """While a playbook is paused its journeys wait, and stops act."""
    made = shop(tmp_path, "  - {event: order}\n")
    complain(made)
    made.run("2025-03-04T08:00")
    path = tmp_path / "playbooks/p.yaml"
    made.write("playbooks/p.yaml", "status: paused\n" + path.read_text(encoding="utf-8"))
    made.events(event("c1", "order", "2025-03-04T10:00", amount=1))
    made.run("2025-03-05T08:00")

    assert made.journeys() == [("p", "stopped", "stop_event")]
