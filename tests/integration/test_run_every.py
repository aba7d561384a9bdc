"""Rhythms: by the calendar, from joining a segment, from an event, by cron; on a real ledger."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.factories import CARE, Shop, at, event

STEPS = "steps:\n  - {step: ring, do: call, due: within 5 days, assign: owner}\n"
BOOK = "overlap: parallel\n" + STEPS
CN = CARE.replace("calendar: none", "calendar: CN")


def shop(root: Path, trigger: str, more: str = BOOK, live: str = "2025-03-01T08:00", **texts: str) -> Shop:  # fmt: skip
    """Return a project with one playbook ``p``, live since the morning of Saturday 1 March."""
    made = Shop(root, p=f"trigger: {trigger}\n{more}", **texts)
    made.events(event("c0", "visit", "2025-02-01T10:00"))
    made.run(live)
    return made


def entries(made: Shop, customer: str = "c0") -> list[int]:
    sql = "SELECT entry FROM journeys WHERE customer = ? ORDER BY entry"
    return [row["entry"] for row in made.rows(sql, customer)]


@pytest.mark.parametrize(
    ("trigger", "runs", "expected"),
    [
        ("{every: day, at: 10:00}", ["03-01T20:00", "03-02T09:00", "03-02T10:00"], ["03-01T10:00", "03-02T10:00"]),
        ("{every: week, day: Wednesday}", ["03-04T08:00", "03-06T08:00"], ["03-05"]),
        ("{every: month, day: 31}", ["03-30T08:00", "03-31T08:00", "05-01T08:00"], ["03-31", "04-30"]),
        ("{every: month, day: first working day}", ["03-20T08:00", "04-02T08:00", "05-07T08:00"], ["03-03", "04-01", "05-06"]),
        ("{every: month, day: last working day, at: 10:00}", ["04-01T08:00", "05-01T08:00"], ["03-31T10:00", "04-30T10:00"]),
        ("{every: month, day: 3rd working day}", ["03-05T08:00"], ["03-05"]),
        ("{every: quarter, day: 15}", ["04-14T08:00", "04-16T08:00"], ["04-15"]),
        ("{every: year, day: 03-15}", ["03-16T08:00"], ["03-15"]),
        ('{every: "30 9 * * 1-5"}', ["03-03T09:00", "03-04T10:00", "03-08T08:00"], ["03-04T09:30", "03-07T09:30"]),
    ],
)  # fmt: skip
def test_calendar_rhythms(
    tmp_path: Path, trigger: str, runs: list[str], expected: list[str]
) -> None:
    """Each run begins the last slot that has passed since the run before, at the planned instant."""
    made = shop(tmp_path, trigger, care=CN)
    made.run(*(f"2025-{run}" for run in runs))

    assert entries(made) == [at(f"2025-{slot}") for slot in expected]


def test_slots_that_passed_while_cron_was_down_are_caught_up_once(tmp_path: Path) -> None:
    """Of five weeks the last one begins, however long ago; not one a week."""
    made = shop(tmp_path, "{every: week}")
    made.run("2025-04-05T08:00", "2025-04-06T08:00")

    assert entries(made) == [at("2025-03-31")]
    (row,) = made.rows("SELECT occurrence FROM journeys")
    assert row["occurrence"] == "2025-03-31T00:00:00+08:00"


def test_only_members_at_the_time_are_candidates(tmp_path: Path) -> None:
    """Non-members leave no row; membership is asked at the run; without `in` it is everybody."""
    made = shop(
        tmp_path, "[{every: week, in: [buyers, big], name: some}, {every: month, name: everybody}]"
    )
    made.events(
        event("c1", "order", "2025-03-02T10:00", amount=1),
        event("c2", "visit", "2025-03-02T10:00"),
        event("c3", "order", "2025-03-10T10:00", amount=1),
    )
    made.run("2025-03-03T08:00", "2025-04-01T08:00")

    rows = made.rows(
        "SELECT customer, trigger FROM decisions WHERE gate = 'start' ORDER BY entry, 1, 2"
    )
    assert [(row["customer"], row["trigger"]) for row in rows] == [
        ("c1", "some"), ("c1", "some"), ("c3", "some"),
        ("c0", "everybody"), ("c1", "everybody"), ("c2", "everybody"), ("c3", "everybody"),
    ]  # fmt: skip


def test_days_run_from_joining_the_segment(tmp_path: Path) -> None:
    """From the run that saw it; who leaves and comes back begins anew; those inside when it goes
    live count from there."""
    made = Shop(tmp_path, p=f"trigger: {{every: 3 days, in: active}}\n{BOOK}")
    made.events(event("c0", "order", "2025-02-20T10:00", amount=1))
    made.run("2025-03-01T08:00")
    made.events(event("c1", "order", "2025-03-02T10:00", amount=1))
    made.run(*(f"2025-03-{day:02}T08:00" for day in range(2, 12)))

    assert entries(made) == [at("2025-03-04T08:00"), at("2025-03-07T08:00"), at("2025-03-10T08:00")]
    assert entries(made, "c1") == [at("2025-03-06T08:00"), at("2025-03-09T08:00")]
    made.run("2025-03-25T08:00")  # c0 has left on 22 March, seen only now
    made.events(event("c0", "order", "2025-03-25T10:00", amount=1))
    made.run("2025-03-26T08:00", "2025-03-28T08:00", "2025-03-29T09:00")
    assert entries(made)[3:] == [at("2025-03-29T08:00")]


def test_since_moves_with_each_event(tmp_path: Path) -> None:
    """30 days after the last order and every 30 days more, at the order's time of day; a new order
    begins the count anew; nobody who never ordered."""
    made = shop(tmp_path, "{every: 30 days, since: last_time order}")
    made.events(
        event("c1", "order", "2025-02-10T10:00", amount=1),
        event("c2", "order", "2025-02-10T10:00", amount=1),
        event("c3", "order", "2025-01-20T10:00", amount=1),
    )
    made.run("2025-03-05T08:00")
    made.events(event("c2", "order", "2025-03-06T15:00", amount=1))
    made.run("2025-03-13T08:00")
    made.done("ring", "2025-03-14T08:00")
    made.run("2025-04-06T08:00", "2025-04-12T08:00")

    assert entries(made, "c1") == [at("2025-03-12T10:00"), at("2025-04-11T10:00")]
    assert entries(made, "c2") == [at("2025-04-05T15:00")]
    assert entries(made, "c3") == [at("2025-03-21T10:00")]
    assert entries(made) == []


def test_since_is_silent_while_its_own_task_is_open_and_catches_up_once(tmp_path: Path) -> None:
    """A slot that comes while the task is open leaves no row; when it is done the last slot
    begins, once; an order in between takes it away."""
    made = shop(tmp_path, "{every: 10 days, since: last_time order}", STEPS)
    made.events(
        event("c1", "order", "2025-03-01T10:00", amount=1),
        event("c2", "order", "2025-03-01T10:00", amount=1),
    )
    made.run("2025-03-12T08:00", "2025-03-22T08:00", "2025-04-01T08:00")
    assert made.decisions() == [("started", "")]
    assert made.rows("SELECT customer FROM waiting_slots ORDER BY 1") == [
        {"customer": "c1"}, {"customer": "c2"},
    ]  # fmt: skip
    made.done("ring", "2025-04-02T09:00")
    made.done("ring", "2025-04-02T09:00", "c2")
    made.events(event("c2", "order", "2025-04-02T10:00", amount=1))
    made.run("2025-04-03T08:00", "2025-04-04T08:00")

    # Begun when the task was done; the slot that it stands for is the one of 31 March.
    assert entries(made, "c1") == [at("2025-03-11T10:00"), at("2025-04-02T09:00")]
    rows = made.rows("SELECT occurrence FROM journeys WHERE customer = 'c1' ORDER BY entry")
    assert rows[1]["occurrence"] == "2025-03-31T10:00:00+08:00"
    assert entries(made, "c2") == [at("2025-03-11T10:00")]
    assert made.rows("SELECT * FROM waiting_slots") == []


def test_an_order_that_comes_late_moves_the_rhythm_too(tmp_path: Path) -> None:
    """What is imported later counts from its own time: the slot that has passed is caught up."""
    made = shop(tmp_path, "{every: 10 days, since: last_time order, in: buyers}")
    made.run("2025-03-20T08:00")
    made.events(event("c1", "order", "2025-03-05T10:00", amount=1))
    made.run("2025-03-21T08:00", "2025-03-22T08:00")

    assert entries(made, "c1") == [at("2025-03-15T10:00")]
