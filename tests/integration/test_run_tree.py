"""Waits, choices, repeats and effects through real runs: the whole step tree on a simulated clock."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.factories import Shop, event, profile
from tests.integration.test_run_steps import complain, shop


def test_a_wait_ends_at_its_event_and_the_branch_counts_from_it(tmp_path: Path) -> None:
    """`wait` hears a visit between two runs; `then` counts from the visit, not from the run."""
    steps = (
        "  - step: reply\n"
        "    wait: {event: visit, up_to: 5 days}\n"
        "    then: [{step: thanks, do: letter, due: after 1 day}]\n"
        "    else: [{step: ring, do: call, due: within 2 days, assign: owner}]\n"
    )
    made = shop(tmp_path, steps)
    complain(made, "2025-03-03T10:00")
    made.run("2025-03-03T12:00")
    assert made.actions() == [("reply", "open", "")]

    made.events(event("c1", "visit", "2025-03-04T09:00"))
    made.run("2025-03-05T12:00", "2025-03-06T12:00")

    assert made.actions() == [("reply", "done", ""), ("thanks", "sent", "")]
    assert made.journeys() == [("p", "finished", "")]


def test_a_wait_that_times_out_takes_else(tmp_path: Path) -> None:
    """No answer in time: `else` opens, at the end of the wait."""
    steps = (
        "  - step: reply\n"
        "    wait: {event: visit, up_to: 2 days}\n"
        "    else: [{step: ring, do: call, due: within 2 days, assign: owner}]\n"
    )
    made = shop(tmp_path, steps)
    complain(made, "2025-03-03T10:00")
    made.run("2025-03-03T12:00", "2025-03-07T12:00")

    assert made.actions() == [("reply", "done", ""), ("ring", "open", "")]


def test_a_late_answer_takes_the_time_out_back(tmp_path: Path) -> None:
    """An answer that came in time but was imported late wins while `else` has not acted."""
    steps = (
        "  - step: reply\n"
        "    wait: {event: visit, up_to: 2 days}\n"
        "    then: [{step: thanks, do: letter, due: now}]\n"
        "    else: [{step: ring, do: call, due: after 3 days, assign: owner}]\n"
    )
    made = shop(tmp_path, steps)
    complain(made, "2025-03-03T10:00")
    made.run("2025-03-03T12:00", "2025-03-06T12:00")
    assert made.actions() == [("reply", "done", ""), ("ring", "planned", "")]

    made.events(event("c1", "visit", "2025-03-04T10:00"))
    made.run("2025-03-07T12:00")

    assert made.actions() == [
        ("reply", "done", ""),
        ("thanks", "sent", ""),
        ("ring", "cancelled", "wait_answered"),
    ]


def test_a_choice_goes_by_the_outcome_of_a_task(tmp_path: Path) -> None:
    """The branch is taken once, by what the call said; the line goes on behind it."""
    steps = (
        "  - {step: ring, do: call, due: within 1 day, assign: owner, outcomes: [price, fine]}\n"
        "  - step: by_reason\n"
        "    choose:\n"
        "      - if: {ring.outcome: price}\n"
        "        then: [{step: offer, do: call, due: within 1 day, assign: owner}]\n"
        "      - else: [{step: bye, do: letter, due: now}]\n"
        "  - {step: last, do: letter, due: now}\n"
    )
    made = shop(tmp_path, steps)
    complain(made, "2025-03-03T10:00")
    made.run("2025-03-03T12:00")
    made.done("ring", "2025-03-03T15:00", outcome="price")
    made.run("2025-03-04T12:00")
    assert [name for name, _, _ in made.actions()] == ["ring", "by_reason", "offer"]

    made.done("offer", "2025-03-04T15:00")
    made.run("2025-03-05T12:00", "2025-03-06T12:00")

    assert made.action("by_reason")["branch"] == "0"
    assert made.action("last")["state"] == "sent"
    assert made.journeys() == [("p", "finished", "")]


def test_a_choice_knows_what_its_own_run_closed(tmp_path: Path) -> None:
    """The run that gives a task up takes the branch for it, and a split's share counts at once; what
    another line learned only after the choice was due is not known to it.
    """
    steps = (
        "  - {step: ring, do: call, due: within 1 day, assign: owner, give_up: after 1 day,"
        " outcomes: [fine]}\n"
        "  - {step: half, split: {one: 99.99%, other: 0.01%}}\n"
        "  - step: which\n"
        "    choose:\n"
        "      - if: {ring.outcome: expired, half.outcome: one}\n"
        "        then: [{step: sorry, do: letter}]\n"
        "  - step: early\n"
        "    from: entry\n"
        "    choose:\n"
        "      - if: {ring.outcome: known}\n"
        "        then: [{step: never, do: letter}]\n"
    )
    made = shop(tmp_path, steps)
    complain(made, "2025-03-03T10:00")
    made.run("2025-03-03T12:00", "2025-03-06T12:00")

    assert made.action("which")["branch"] == "0"
    assert made.action("sorry")["state"] == "sent"
    assert made.action("early")["reason"] == "no_branch"


def test_a_message_before_a_stop_goes_out(tmp_path: Path) -> None:
    """The farewell was released before `stop` was reached; what is planned beside it is cancelled."""
    steps = (
        "  - {step: later, from: entry, do: letter, due: after 3 days}\n"
        "  - {step: bye, from: entry, do: letter}\n"
        "  - {step: over, stop: lost}\n"
    )
    made = shop(tmp_path, steps)
    complain(made, "2025-03-03T10:00")
    made.run("2025-03-03T12:00")

    assert sorted(made.actions()) == [
        ("bye", "sent", ""), ("later", "cancelled", "stop_step"), ("over", "done", ""),
    ]  # fmt: skip
    assert made.journeys() == [("p", "stopped", "stop_step")]


def test_a_retry_makes_the_task_again(tmp_path: Path) -> None:
    """no_answer comes back after a pause, so many times and no more."""
    steps = (
        "  - step: ring\n    do: call\n    due: within 1 day\n    assign: owner\n"
        "    outcomes: [fine, no_answer]\n"
        "    retry: {on: no_answer, every: 1 day, times: 1}\n"
    )
    made = shop(tmp_path, steps)
    complain(made, "2025-03-03T10:00")
    made.run("2025-03-03T12:00")
    made.done("ring", "2025-03-03T15:00", outcome="no_answer")
    made.run("2025-03-04T16:00")
    rows = made.rows("SELECT turn, state FROM actions ORDER BY turn")

    assert [(row["turn"], row["state"]) for row in rows] == [(1, "done"), (2, "open")]


def test_a_repeat_ends_when_its_condition_holds(tmp_path: Path) -> None:
    """A letter every 3 days until the customer has ordered."""
    steps = (
        "  - step: touch\n    do: letter\n    due: now\n"
        "    repeat: {every: 3 days, times: 10, until: {orders: above 0}}\n"
    )
    made = shop(tmp_path, steps)
    complain(made, "2025-03-03T10:00")
    days = [f"2025-03-{day:02}T10:00" for day in range(3, 11)]
    made.run(*days)
    made.events(event("c1", "order", "2025-03-10T12:00", amount=1))
    made.run(*[f"2025-03-{day:02}T10:00" for day in range(11, 20)])
    rows = made.rows("SELECT state, reason FROM actions ORDER BY turn")

    assert [row["state"] for row in rows] == ["sent", "sent", "sent", "skipped"]
    assert rows[-1]["reason"] == "until"
    assert made.journeys() == [("p", "finished", "")]


def test_done_when_closes_the_task_by_the_event(tmp_path: Path) -> None:
    """The ticket system's answer closes the call; only that of the same case."""
    steps = (
        "  - step: ring\n    do: call\n    due: within 2 days\n    assign: owner\n"
        "    done_when: {event: solved, same: case_id}\n"
    )
    made = shop(tmp_path, steps)
    made.events(event("c1", "complaint", "2025-03-03T10:00", case_id="7"))
    made.run("2025-03-03T12:00")
    made.events(event("c1", "solved", "2025-03-03T14:00", case_id="8"))
    made.run("2025-03-03T15:00")
    assert made.actions() == [("ring", "open", "")]

    made.events(event("c1", "solved", "2025-03-03T16:00", case_id="7"))
    made.run("2025-03-03T18:00")

    assert made.actions() == [("ring", "done", "done_when")]
    assert made.journeys() == [("p", "finished", "")]


def test_an_overdue_task_makes_one_for_another_role(tmp_path: Path) -> None:
    """Past its time the call goes to the boss as a task of its own; its end takes that back."""
    steps = (
        "  - step: ring\n    do: call\n    due: within 1 day\n    assign: owner\n"
        "    if_overdue: {escalate: boss}\n"
    )
    made = shop(tmp_path, steps)
    complain(made, "2025-03-03T10:00")
    made.run("2025-03-03T12:00", "2025-03-04T12:00")
    assert made.action("ring.overdue")["assignee"] == "经理"

    made.done("ring", "2025-03-04T13:00")
    made.run("2025-03-05T12:00")

    assert made.action("ring.overdue")["reason"] == "answered"
    assert made.journeys() == [("p", "finished", "")]


def test_set_is_seen_at_once_by_the_journey_and_later_by_the_rest(tmp_path: Path) -> None:
    """A later step of the same run sees the new value; segments see it from the next run."""
    steps = (
        "  - {step: mark, set: {tier: gold}}\n"
        "  - step: look\n"
        "    choose:\n"
        "      - if: {tier: gold}\n"
        "        then: [{step: gift, do: letter, due: now}]\n"
    )
    watcher = "trigger: {enters: golden}\nsteps: [{step: hello, do: letter, due: now}]\n"
    golden = "segments:\n  golden: {title: 金牌, tier: gold}\n"
    made = shop(tmp_path, steps, w=golden + watcher)
    made.customers(profile("c1", "2025-02-01T00:00", tier="silver"))
    complain(made, "2025-03-03T10:00")
    made.run("2025-03-03T12:00")
    assert made.action("gift")["state"] == "sent"
    assert [name for name, _, _ in made.journeys()] == ["p"]

    made.run("2025-03-04T12:00")

    assert [name for name, _, _ in made.journeys()] == ["p", "w"]


def test_a_recorded_event_is_in_the_log_from_the_next_run(tmp_path: Path) -> None:
    """`record` writes an event with values of the trigger; other playbooks are triggered by it."""
    steps = "  - {step: note, record: solved, fields: {case_id: trigger.case_id}}\n"
    other = "trigger: {event: solved}\nsteps: [{step: hello, do: letter, due: now}]\n"
    made = shop(tmp_path, steps, o=other)
    made.events(event("c1", "complaint", "2025-03-03T10:00", case_id="7"))
    made.run("2025-03-03T12:00", "2025-03-04T12:00")
    said = made.care("log", "c1", "--format", "json")

    assert [name for name, _, _ in made.journeys()] == ["o", "p"]  # of one instant
    solved = [one for one in said.json["events"] if one["event"] == "solved"]
    assert [one["fields"] for one in solved] == [{"case_id": "7"}]


def test_start_begins_another_playbook_in_the_same_run(tmp_path: Path) -> None:
    """`start` begins the farewell at once; `stop` ends the journey with its word."""
    steps = "  - {step: goodbye, start: farewell}\n  - {step: over, stop: lost}\n"
    farewell = "trigger: manual\nsteps: [{step: bye, do: letter, due: now}]\n"
    made = shop(tmp_path, steps, farewell=farewell)
    complain(made, "2025-03-03T10:00")
    made.run("2025-03-03T12:00", "2025-03-04T12:00")

    assert sorted(made.journeys()) == [("farewell", "finished", ""), ("p", "stopped", "stop_step")]
    assert made.action("bye")["state"] == "sent"


def test_a_queued_journey_begins_when_the_running_one_has_ended(tmp_path: Path) -> None:
    """`overlap: queue` defers the second occurrence, with one row, until the first is over."""
    made = shop(
        tmp_path, "  - {step: ring, do: call, due: within 9 days, assign: owner}\n",
        "overlap: queue\n",
    )  # fmt: skip
    complain(made, "2025-03-03T10:00")
    complain(made, "2025-03-04T10:00")
    made.run("2025-03-03T12:00", "2025-03-04T12:00", "2025-03-05T12:00")
    assert made.decisions() == [("started", ""), ("deferred", "queued")]

    made.done("ring", "2025-03-05T13:00")
    made.run("2025-03-06T12:00")

    assert made.decisions() == [("started", ""), ("deferred", "queued"), ("started", "")]


def test_migrate_moves_what_has_not_opened(tmp_path: Path) -> None:
    """With `migrate: move` a planned step follows the edit; one that is open stays as it is."""
    steps = (
        "  - {step: ring, do: call, due: within 1 day, assign: owner}\n"
        "  - {step: mail, from: entry, do: letter, due: after 5 days}\n"
    )
    made = shop(tmp_path, steps, "migrate: move\n")
    complain(made, "2025-03-03T10:00")
    made.run("2025-03-03T12:00")
    before = made.action("ring")
    edited = steps.replace("after 5 days", "after 7 days")
    made.book("p", f"trigger: {{event: complaint}}\nmigrate: move\nsteps:\n{edited}")
    made.run("2025-03-04T12:00")

    assert made.action("ring")["due_by"] == before["due_by"]
    assert "10 Mar 2025" in made.action("mail")["words"]


def test_migrate_cancel_ends_the_journeys_of_an_edited_playbook(tmp_path: Path) -> None:
    """With `migrate: cancel` running journeys end, and their open tasks are cancelled."""
    steps = "  - {step: ring, do: call, due: within 9 days, assign: owner}\n"
    made = shop(tmp_path, steps)
    complain(made, "2025-03-03T10:00")
    made.run("2025-03-03T12:00")
    edited = steps.replace("9 days", "8 days")
    made.book("p", f"trigger: {{event: complaint}}\nmigrate: cancel\nsteps:\n{edited}")
    made.run("2025-03-04T12:00")

    assert made.journeys() == [("p", "stopped", "migrated")]
    assert made.actions() == [("ring", "cancelled", "migrated")]


def test_a_series_equals_separate_runs_over_a_whole_tree(tmp_path: Path) -> None:
    """Waits, choices and repeats give the same ledger whether runs come one by one or rarely."""
    steps = (
        "  - step: reply\n"
        "    wait: {event: visit, up_to: 5 days}\n"
        "    then: [{step: thanks, do: letter, due: after 1 day}]\n"
        "    else: [{step: ring, do: call, due: within 2 days, assign: owner}]\n"
    )
    ends = []
    for name, days in (("daily", range(3, 21)), ("rare", (3, 20))):
        made = shop(tmp_path / name, steps)
        complain(made, "2025-03-03T10:00")
        complain(made, "2025-03-03T11:00", "c2")
        made.events(event("c2", "visit", "2025-03-05T10:00"))
        made.run(*[f"2025-03-{day:02}T12:00" for day in days])
        rows = made.rows("SELECT step, opens_at, due_by, branch FROM actions ORDER BY id")
        ends.append([tuple(row.values()) for row in rows])

    assert ends[0] == ends[1]


def test_a_disabled_step_is_left_out(tmp_path: Path) -> None:
    """`disabled: yes` leaves a step out; what follows counts from what stands before it."""
    steps = (
        "  - {step: ring, do: call, due: within 1 day, assign: owner, disabled: yes}\n"
        "  - {step: mail, do: letter, due: now}\n"
    )
    made: Shop = shop(tmp_path, steps)
    complain(made, "2025-03-03T10:00")
    made.run("2025-03-03T12:00")

    assert made.actions() == [("mail", "sent", "")]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (
            ("  - {step: how, choose: [{if: {trigger.severity: high}, then: [{step: a, do: letter}]}, {else: [{step: b, do: letter}]}]}\n"
            "  - {step: x, do: letter, from: a}\n"
            "  - {step: y, do: letter}\n"),
            [("b", "sent", ""), ("how", "done", ""), ("x", "cancelled", "anchor_cancelled"), ("y", "cancelled", "anchor_cancelled")],
        ),
        (
            ("  - {step: how, choose: [{if: {trigger.severity: high}, then: [{step: w, wait: 3 days}, {step: a, do: letter}]}]}\n"
            "  - {step: x, do: letter, from: a}\n"),
            [("how", "done", "no_branch"), ("x", "cancelled", "anchor_cancelled")],
        ),
        (
            ("  - {step: w, wait: {event: solved, up_to: 1 day}, then: [{step: a, do: letter}]}\n"
            "  - {step: x, do: letter, from: a}\n"),
            [("w", "done", ""), ("x", "cancelled", "anchor_cancelled")],
        ),
        (
            "  - {step: a, do: letter, disabled: yes}\n  - {step: x, do: letter, from: a}\n",
            [("x", "cancelled", "anchor_cancelled")],
        ),
        (
            ("  - {step: how, choose: [{if: {trigger.severity: high}, then: [{step: a, do: call, assign: owner, ask: {day: date}}]}]}\n"
            "  - {step: x, do: letter, from: 1 day after a.day}\n"),
            [("how", "done", "no_branch"), ("x", "cancelled", "anchor_cancelled")],
        ),
    ],
    ids=["other-branch", "no-branch", "wait", "disabled", "asked-date"],
)  # fmt: skip
def test_what_counts_from_a_step_that_never_comes_is_cancelled(
    tmp_path: Path, steps: str, expected: list[tuple[str, str, str]]
) -> None:
    """A journey ends also where a step counts from one of a branch that was not taken."""
    made: Shop = shop(tmp_path, steps)
    complain(made, "2025-03-03T10:00")
    made.run("2025-03-03T12:00", "2025-03-06T12:00")

    assert sorted(made.actions()) == expected
    assert [state for _, state, _ in made.journeys()] == ["finished"]
