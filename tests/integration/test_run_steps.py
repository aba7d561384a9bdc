"""When steps open and are due, from what they count, and what keeps them from going out."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.deliver import deliver
from engine.waits import Waits
from tests.factories import CARE, Shop, at, event, profile

CHINA = CARE.replace("calendar: none", "calendar: CN")


def shop(root: Path, steps: str, more: str = "", **texts: str) -> Shop:
    """Return a project whose playbook ``p`` begins with a complaint, live since 1 March 2025."""
    made = Shop(root, p=f"trigger: {{event: complaint}}\n{more}steps:\n{steps}", **texts)
    made.events(event("c0", "visit", "2025-02-01T10:00"))
    made.run("2025-03-01T08:00")
    return made


def complain(made: Shop, when: str, customer: str = "c1") -> None:
    made.events(event(customer, "complaint", when, case_id=when))


@pytest.mark.parametrize(
    ("due", "opens_at", "due_by"),
    [
        # Thursday 25 September 2025, 15:00. Days off: 1 to 8 October; worked: Sun 28 Sep, Sat 11 Oct.
        ("now", "2025-09-25T15:00", "2025-09-25T15:00"),
        ("same day", "2025-09-25T15:00", "2025-09-26T00:00"),
        ("within 24 hours", "2025-09-25T15:00", "2025-09-26T15:00"),
        ("within 3 days", "2025-09-25T15:00", "2025-09-28T15:00"),
        ("within 2 weeks", "2025-09-25T15:00", "2025-10-09T15:00"),
        ("within 1 working day", "2025-09-25T15:00", "2025-09-26T18:00"),
        ("within 2 working days", "2025-09-25T15:00", "2025-09-28T18:00"),
        ("within 5 working days", "2025-09-25T15:00", "2025-10-09T18:00"),
        ("within 4 working hours", "2025-09-25T15:00", "2025-09-26T10:00"),
        ("after 3 days", "2025-09-28T15:00", "2025-09-28T18:00"),
        ("after 1 working day", "2025-09-26T09:00", "2025-09-26T18:00"),
        ("after 2 working hours", "2025-09-25T17:00", "2025-09-25T18:00"),
        ("between 2 and 4 days", "2025-09-27T15:00", "2025-09-29T15:00"),
        ("between 5 and 7 working days", "2025-10-09T09:00", "2025-10-11T18:00"),
    ],
)
def test_due_forms_in_the_ledger(tmp_path: Path, due: str, opens_at: str, due_by: str) -> None:
    """Every form of `due` opens and is due as the calendar of China says."""
    made = shop(tmp_path, f"  - {{step: ring, do: call, due: {due}, assign: owner}}\n", care=CHINA)
    complain(made, "2025-09-25T15:00")
    made.run("2025-09-25T15:30")
    row = made.action("ring")

    assert (row["opens_at"], row["due_by"]) == (at(opens_at), at(due_by))
    assert row["state"] == ("open" if at(opens_at) <= at("2025-09-25T15:30") else "planned")


def test_a_step_opens_with_the_first_run_at_or_after_its_time(tmp_path: Path) -> None:
    """A planned step is released when its window opens, no run earlier."""
    made = shop(tmp_path, "  - {step: ring, do: call, due: after 2 days, assign: owner}\n")
    complain(made, "2025-03-03T10:00")
    made.run("2025-03-03T10:00", "2025-03-05T09:59")
    assert made.actions() == [("ring", "planned", "")]
    made.run("2025-03-05T10:00")

    assert made.actions() == [("ring", "open", "")]


def test_at_moves_the_opening_inside_the_window(tmp_path: Path) -> None:
    """`at: 16:30` opens the step at that time of day, and never past `due_by`."""
    steps = (
        "  - {step: late, do: letter, due: within 1 day, at: 16:30}\n"
        "  - {step: never, from: entry, do: letter, due: within 2 hours, at: 16:30}\n"
    )
    made = shop(tmp_path, steps)
    complain(made, "2025-03-03T10:00")
    made.run("2025-03-03T10:30")

    assert made.action("late")["opens_at"] == at("2025-03-03T16:30")
    assert made.action("never")["opens_at"] == at("2025-03-03T10:00")
    assert "does not come inside this window" in made.action("never")["words"]


def test_a_steps_clock_starts_when_the_one_above_closed(tmp_path: Path) -> None:
    """A task holds up its line; what follows counts from when the person did it."""
    steps = (
        "  - {step: ring, do: call, due: within 1 day, assign: owner}\n"
        "  - {step: again, do: call, due: after 2 days, assign: owner}\n"
    )
    made = shop(tmp_path, steps)
    complain(made, "2025-03-03T10:00")
    made.run("2025-03-03T12:00", "2025-03-06T12:00")
    assert made.actions() == [("ring", "open", "")]
    made.done("ring", "2025-03-06T14:10")
    made.run("2025-03-07T12:00")

    assert made.action("again")["opens_at"] == at("2025-03-08T14:10")
    assert made.action("again")["anchor"] == 'the close of step "ring"'


def test_from_entry_and_from_a_step_run_side_by_side(tmp_path: Path) -> None:
    """`from: entry` and `from: <step>` put steps off the line; two with one anchor open together."""
    steps = (
        "  - {step: ring, do: call, due: within 1 day, assign: owner}\n"
        "  - {step: look, from: entry, do: review, due: after 1 day, assign: boss}\n"
        "  - {step: left, from: ring, do: letter, due: now}\n"
        "  - {step: right, from: ring, do: letter, due: after 3 hours}\n"
    )
    made = shop(tmp_path, steps)
    complain(made, "2025-03-03T10:00")
    made.run("2025-03-04T10:00")
    assert {s: state for s, state, _ in made.actions()} == {"ring": "open", "look": "open"}
    made.done("ring", "2025-03-04T11:00")
    made.run("2025-03-04T12:00")

    assert made.action("left")["state"] == "sent"
    assert made.action("right")["opens_at"] == at("2025-03-04T14:00")


def test_a_date_attribute_moves_the_steps_that_count_from_it(tmp_path: Path) -> None:
    """`from: 30 days before contract_end` follows the attribute until the step has opened."""
    steps = (
        "  - {step: review, from: 30 days before contract_end, do: call, due: within 3 days,"
        " assign: owner}\n"
    )
    made = shop(tmp_path, steps)
    made.customers(profile("c1", "2025-01-01", contract_end="2025-06-30"))
    complain(made, "2025-03-03T10:00")
    made.run("2025-03-04T08:00")
    assert made.action("review")["opens_at"] == at("2025-05-31")
    made.customers(profile("c1", "2025-03-10", contract_end="2025-05-10"))
    made.run("2025-03-11T08:00")
    assert made.action("review")["opens_at"] == at("2025-04-10")
    made.run("2025-04-10T08:00")
    made.customers(profile("c1", "2025-04-11", contract_end="2026-05-10"))
    made.run("2025-04-12T08:00")

    row = made.action("review")
    assert (row["state"], row["opens_at"]) == ("open", at("2025-04-10"))


def test_a_date_that_becomes_known_plans_the_step(tmp_path: Path) -> None:
    """While the date is unknown the step waits, and the journey with it."""
    steps = "  - {step: review, from: contract_end, do: call, due: within 3 days, assign: owner}\n"
    made = shop(tmp_path, steps)
    complain(made, "2025-03-03T10:00")
    made.run("2025-03-04T08:00")
    assert (made.actions(), made.journeys()) == ([], [("p", "running", "")])
    made.customers(profile("c1", "2025-03-10", contract_end="2025-05-10"))
    made.run("2025-03-11T08:00")

    assert made.action("review")["opens_at"] == at("2025-05-10")


def test_if_late_skips_a_step_whose_window_was_over(tmp_path: Path) -> None:
    """With `if_late: skip` a step seen too late is left out; without it, it is done late."""
    steps = (
        "  - {step: hello, do: letter, due: within 1 day, if_late: skip}\n"
        "  - {step: soon, from: entry, do: letter, due: within 1 day}\n"
    )
    made = shop(tmp_path, steps)
    complain(made, "2025-03-03T10:00")
    made.run("2025-03-05T08:00")

    assert made.actions() == [("hello", "skipped", "step_late"), ("soon", "sent", "")]


def test_if_late_gives_a_step_due_now_a_day(tmp_path: Path) -> None:
    """A step due `now` is not late for a run of the next morning, but two days later it is."""
    steps = "  - {step: hello, do: letter, due: now, if_late: skip}\n"
    made = shop(tmp_path, steps)
    complain(made, "2025-03-03T10:00", "c1")
    complain(made, "2025-03-02T09:00", "c2")
    made.run("2025-03-04T08:00")

    assert made.actions("c1") == [("hello", "sent", "")]
    assert made.actions("c2") == [("hello", "skipped", "step_late")]


def test_recheck_is_asked_when_the_step_opens(tmp_path: Path) -> None:
    """A step whose `recheck` is not true is skipped, and what follows goes on from there."""
    steps = (
        "  - {step: ring, do: call, due: within 1 day, assign: owner, outcomes: [price, fine],"
        " ask: {satisfaction: 1 to 5}}\n"
        "  - {step: offer, do: letter, due: now, recheck: {ring.outcome: price}}\n"
        "  - {step: sorry, do: letter, due: now, recheck: {ring.satisfaction: below 3}}\n"
    )
    made = shop(tmp_path, steps)
    complain(made, "2025-03-03T10:00")
    made.run("2025-03-03T12:00")
    made.done("ring", "2025-03-03T14:00", outcome="fine", asked={"satisfaction": "2"})
    made.run("2025-03-04T08:00", "2025-03-05T08:00")

    assert {s: (state, why) for s, state, why in made.actions()} == {
        "ring": ("done", ""), "offer": ("skipped", "recheck"), "sorry": ("sent", ""),
    }  # fmt: skip
    assert made.journeys() == [("p", "finished", "")]


def test_recheck_unknown_is_not_true(tmp_path: Path) -> None:
    """An unknown is never a reason to act."""
    made = shop(tmp_path, "  - {step: hello, do: letter, due: now, recheck: {size: above 5}}\n")
    complain(made, "2025-03-03T10:00")
    made.run("2025-03-03T12:00")

    assert made.actions() == [("hello", "skipped", "recheck")]


def test_messages_go_out_as_files_named_by_their_action(tmp_path: Path) -> None:
    """The `file` channel writes one file an action."""
    made = shop(tmp_path, "  - {step: hello, do: letter, due: now, brief: 你好}\n")
    complain(made, "2025-03-03T10:00")
    made.run("2025-03-03T12:00")

    key = made.action("hello")["id"]
    assert list(made.sent()) == [f"letter/{key}.json"]
    assert '"brief": "你好"' in made.sent()[f"letter/{key}.json"]


def test_a_channel_that_fails_is_told_and_the_line_goes_on(tmp_path: Path) -> None:
    """What could not be sent waits for another try, with the channel's words, and nobody waits for it."""
    steps = "  - {step: hello, do: letter, due: now}\n  - {step: more, do: review, due: now, assign: boss}\n"
    made = shop(tmp_path, steps)
    made.write(".care/out/letter", "a file where the folder should be")
    complain(made, "2025-03-03T10:00")
    result = made.run("2025-03-03T12:00")

    assert result.delivery.waiting == {Waits.RETRY: 1}
    assert sorted(made.actions()) == [("hello", "due", ""), ("more", "open", "")]
    (attempt,) = made.rows("SELECT verdict, words FROM attempts")
    assert attempt["verdict"] == "retry"
    assert attempt["words"].startswith("cannot write")


def test_a_channel_that_is_gone_fails_its_messages(tmp_path: Path) -> None:
    """Who takes a channel out of care.yaml no longer wants its messages: they are failed."""
    made = shop(tmp_path, "  - {step: hello, do: letter, due: now}\n")
    made.write(".care/out/letter", "a file where the folder should be")
    complain(made, "2025-03-03T10:00")
    made.run("2025-03-03T12:00")
    care = (tmp_path / "care.yaml").read_text(encoding="utf-8")
    made.write("care.yaml", care.replace("letter: {kind: file}", "brief: {kind: file}"))
    book = (tmp_path / "playbooks/p.yaml").read_text(encoding="utf-8")
    made.book("p", book.replace("do: letter", "do: brief"))
    with made.ledger() as ledger:
        did = deliver(made.project, ledger, clock=lambda: at("2025-03-03T16:00"))

    assert did.failed == 1
    assert made.actions() == [("hello", "failed", "channel_failed")]
    words = made.rows("SELECT words FROM attempts ORDER BY n")[-1]["words"]
    assert words == 'care.yaml has no channel "letter" that sends'


def test_a_task_goes_to_whom_the_attribute_names(tmp_path: Path) -> None:
    """A role with `from:` names a person where the attribute is known, else the team."""
    made = shop(tmp_path, "  - {step: ring, do: call, due: now, assign: owner}\n")
    made.customers(profile("c1", "2025-01-01", manager="王芳"))
    complain(made, "2025-03-03T10:00", "c1")
    complain(made, "2025-03-03T10:00", "c2")
    made.run("2025-03-03T12:00")

    assert made.action("ring", "c1")["assignee"] == "王芳"
    assert made.action("ring", "c2")["assignee"] == "客户成功组"


def test_a_task_that_nobody_finishes_expires(tmp_path: Path) -> None:
    """`give_up: after 14 days` closes a task 14 days past due, and the line goes on from there."""
    steps = (
        "  - {step: ring, do: call, due: within 1 day, assign: owner}\n"
        "  - {step: hello, do: letter, due: after 1 day, recheck: {ring.outcome: expired}}\n"
    )
    made = shop(tmp_path, steps, care=CARE + "give_up: after 14 days\n")
    complain(made, "2025-03-03T10:00")
    made.run("2025-03-04T08:00", "2025-03-18T09:59")
    assert made.actions() == [("ring", "open", "")]
    made.run("2025-03-18T12:00")
    row = made.action("ring")
    assert (row["state"], row["outcome"]) == ("expired", "expired")
    assert row["closed_at"] == at("2025-03-18T10:00")
    made.run("2025-03-19T12:00", "2025-03-20T12:00")

    assert made.action("hello")["state"] == "sent"
    assert made.journeys() == [("p", "finished", "")]


def test_a_journey_pinned_to_its_revision(tmp_path: Path) -> None:
    """A running journey keeps the steps that it began with; new ones take the edited playbook."""
    made = shop(tmp_path, "  - {step: old, do: letter, due: after 2 days}\n")
    complain(made, "2025-03-03T10:00", "c1")
    made.run("2025-03-04T08:00")
    made.book(
        "p", "trigger: {event: complaint}\nsteps:\n  - {step: new, do: letter, due: after 2 days}\n"
    )
    complain(made, "2025-03-04T10:00", "c2")
    made.run("2025-03-05T08:00", "2025-03-08T08:00")

    assert made.actions("c1") == [("old", "sent", "")]
    assert made.actions("c2") == [("new", "sent", "")]


def test_a_journey_that_was_over_does_not_stand_in_the_way(tmp_path: Path) -> None:
    """A journey ends when its last step closed, not with the run that notes it down."""
    made = shop(tmp_path, "  - {step: ring, do: call, due: now, assign: owner}\n")
    complain(made, "2025-03-03T10:00")
    made.run("2025-03-03T12:00")
    made.done("ring", "2025-03-03T14:00")
    complain(made, "2025-03-03T16:00")
    made.run("2025-03-04T08:00")

    assert made.journeys() == [("p", "finished", ""), ("p", "running", "")]
    ended = made.rows("SELECT ended_at FROM journeys ORDER BY entry")[0]["ended_at"]
    assert ended == at("2025-03-03T14:00")
