"""Steps for people, through the program on a simulated clock: from the opening to the result."""

from __future__ import annotations

from pathlib import Path

from tests.factories import CARE, Shop, event, profile
from tests.reading import actions, journeys, lines, live, run, why
from tests.zygote import Zygote


def complain(made: Shop, when: str = "2025-03-03T10:00", case: str = "A") -> None:
    made.events(event("c1", "complaint", when, key=f"k{case}", case_id=case))


def done(made: Shop, step: str, when: str, *words: str, customer: str = "c1") -> None:
    """Say ``care done`` of a customer's task."""
    task = made.action(step, customer)["id"]
    said = made.care("done", task, "--at", when, "--who", "李雷", *words)
    assert said.code == 0, said


RING = """\
  - step: ring
    do: call
    due: within 1 working day
    at: 10:30
    assign: owner
    brief: 致歉,问清原因
    outcomes: [fine, angry]
    ask: {satisfaction: 1 to 5, about: [price, quality], say: text, loss: number, next: date, again: yes_no}
  - {step: second, from: ring.next, do: call, due: same day, assign: boss}
"""


def test_a_call_from_its_opening_to_its_result(tmp_path: Path, zygote: Zygote) -> None:
    """A task stands in the list of its person with all that is asked; what was answered is read in
    `care why` as it was said, and the asked date opens the next call.
    """
    made = live(tmp_path, zygote, RING)
    made.customers(profile("c1", "2025-01-01", manager="王芳"))
    complain(made)
    run(made, "2025-03-03T12:00")
    (task,) = made.care("tasks", "--format", "json", "--at", "2025-03-03T12:00").json
    listed = made.care("tasks", "--at", "2025-03-05T12:00").out
    answers = ("satisfaction=2", "about=price", "say=等太久", "loss=1200.5", "next=2025-03-20")
    asks = [word for answer in (*answers, "again=no") for word in ("--ask", answer)]
    done(made, "ring", "2025-03-04T15:00", "--outcome", "angry", *asks, "--note", "要主管回电")
    run(made, "2025-03-05T12:00")

    assert (task["assignee"], task["brief"]) == ("王芳", "致歉,问清原因")
    assert task["outcomes"] == ["fine", "angry"]
    assert task["ask"] == ["satisfaction", "about", "say", "loss", "next", "again"]
    assert task["opens_at"] == "2025-03-03T10:30:00+08:00"
    assert task["due_by"] == "2025-03-04T18:00:00+08:00"
    assert "Tue 2025-03-04 18:00 overdue  c1" in listed
    told = why(made, "ring")
    assert (
        "  when: opens Mon 3 Mar 2025 10:30, due Tue 4 Mar 2025 18:00: within 1 working day of"
        " Mon 3 Mar 2025, at 10:30\n        counted from the entry\n"
    ) in told
    assert "  who: 王芳\n" in told
    assert (
        "  result: angry, about=price, again=no, loss=1200.5, next=2025-03-20, satisfaction=2,"
        " say=等太久, 要主管回电\n"
    ) in told
    assert lines(made) == ["ring done angry", "second planned"]
    assert "the same day as Thu 20 Mar 2025 00:00\n        counted from ring.next" in why(
        made, "second"
    )


def test_a_task_is_tried_again_and_given_up(tmp_path: Path, zygote: Zygote) -> None:
    """`retry` makes the task again after an outcome and after nobody did it, so many times; `give_up`
    closes what nobody does, and the line goes on from there.
    """
    steps = (
        "  - {step: ring, do: call, due: within 1 day, assign: owner, outcomes: [fine, no_answer],"
        " retry: {on: no_answer, every: 1 day, times: 1}, give_up: after 2 days}\n"
        "  - {step: letter, do: letter, recheck: {ring.outcome: expired}}\n"
    )
    made = live(tmp_path, zygote, steps)
    complain(made)
    run(made, "2025-03-03T12:00")
    done(made, "ring", "2025-03-03T15:00", "--outcome", "no_answer")
    run(made, "2025-03-04T14:59", "2025-03-04T15:00")
    assert lines(made) == ["ring done no_answer", "ring(2) open"]
    assert "counted from try 1 of ring" in why(made, "ring", turn=2)

    run(made, "2025-03-07T14:59", "2025-03-07T15:00", "2025-03-08T12:00")

    assert lines(made) == ["ring done no_answer", "ring(2) expired expired", "letter sent"]
    assert actions(made)[1]["closed_at"] == "2025-03-07T15:00:00+08:00"
    assert journeys(made) == ["p finished"]
    told = why(made, "letter")
    assert "+ ring.outcome is expired, asked: expired" in told


OVERDUE = """\
  - step: ring
    do: call
    due: within 1 working day
    assign: owner
    outcomes: [fine]
    done_when: {event: solved, same: case_id}
    if_overdue: {escalate: boss, after: 4 working hours}
"""


def test_an_overdue_task_goes_to_the_boss_until_somebody_did_it(
    tmp_path: Path, zygote: Zygote
) -> None:
    """Four working hours past its time a task of its own goes to the boss; the first one's end, by a
    person or by the event of `done_when`, takes it back, and another case's event does not.
    """
    made = live(tmp_path, zygote, OVERDUE)
    made.events(
        event("c1", "complaint", "2025-03-03T10:00", case_id="A"),
        event("c2", "complaint", "2025-03-03T10:00", case_id="B"),
        event("c1", "solved", "2025-03-04T09:00", case_id="B"),
    )
    run(made, "2025-03-03T12:00", "2025-03-05T12:59")
    assert lines(made) == ["ring open"]
    run(made, "2025-03-05T13:00")
    mine = made.care("tasks", "--who", "经理", "--format", "json", "--at", "2025-03-05T13:00").json
    assert [(one["customer"], one["step"], one["due_by"]) for one in mine] == [
        (name, "ring.overdue", "2025-03-06T18:00:00+08:00") for name in ("c1", "c2")
    ]
    assert 'counted from step "ring" overdue' in why(made, "ring.overdue")

    made.events(event("c1", "solved", "2025-03-05T14:00", key="s-9", case_id="A"))
    done(made, "ring", "2025-03-05T14:00", "--outcome", "fine", customer="c2")
    run(made, "2025-03-05T18:00")

    taken = "ring.overdue cancelled answered"
    assert lines(made) == ["ring done done_when", taken]
    assert lines(made, "c2") == ["ring done fine", taken]
    assert journeys(made) == journeys(made, "c2") == ["p finished"]
    assert "  closed by: solved s-9\n" in why(made, "ring")


LATE = """\
  - {step: skipped, do: call, due: within 1 day, assign: owner, if_late: skip}
  - {step: escalated, from: entry, do: call, due: within 1 day, assign: owner, if_late: escalate, if_overdue: {escalate: boss}}
  - {step: done_late, from: entry, do: call, due: within 1 day, assign: owner, if_late: do}
  - {step: left_out, from: entry, do: call, due: now, assign: owner, disabled: yes}
  - {step: not_now, from: entry, do: call, due: now, assign: owner, recheck: {size: above 5}}
"""


def test_what_opens_too_late_or_not_at_all(tmp_path: Path, zygote: Zygote) -> None:
    """A task seen after its window is left out, goes to another role, or is made all the same;
    `disabled` leaves no row, and `recheck` of something unknown skips with what it saw.
    """
    made = live(tmp_path, zygote, LATE)
    complain(made)
    run(made, "2025-03-05T08:00")
    found = {one["step"]: one["assignee"] for one in actions(made) if one["state"] == "open"}

    assert sorted(lines(made)) == [
        "done_late open", "escalated open", "escalated.overdue open",
        "not_now skipped recheck", "skipped skipped step_late",
    ]  # fmt: skip
    assert (found["escalated"], found["done_late"]) == ("经理", "客户成功组")
    assert "? size is unknown, asked: above 5" in why(made, "not_now")
    assert "skipped (step late)" in why(made, "skipped")


def test_due_and_at_as_the_calendar_says(tmp_path: Path, zygote: Zygote) -> None:
    """Every form of `due`, with and without `at`, opens and is due around 国庆 as one reads it."""
    forms = {
        "now": ("now", "2025-09-25T15:00", "2025-09-25T15:00"),
        "today": ("same day, at: 17:30", "2025-09-25T17:30", "2025-09-26T00:00"),
        "within": ("within 5 working days", "2025-09-25T15:00", "2025-10-09T18:00"),
        "hours": ("within 4 working hours", "2025-09-25T15:00", "2025-09-26T10:00"),
        "after": ("after 1 month", "2025-10-25T15:00", "2025-10-27T18:00"),
        "between": ("between 5 and 7 working days", "2025-10-09T09:00", "2025-10-11T18:00"),
        "noon": ("within 2 days, at: 12:00", "2025-09-26T12:00", "2025-09-27T15:00"),
        "too_short": ("within 2 hours, at: 09:00", "2025-09-25T15:00", "2025-09-25T17:00"),
    }
    steps = "".join(
        f"  - {{step: {name}, from: entry, do: call, assign: owner, due: {due}}}\n"
        for name, (due, _, _) in forms.items()
    )
    made = live(tmp_path, zygote, steps, care=CARE.replace("calendar: none", "calendar: CN"))
    complain(made, "2025-09-25T15:00")
    run(made, "2025-09-25T15:30")

    assert {one["step"]: (one["opens_at"][:16], one["due_by"][:16]) for one in actions(made)} == {
        name: (opens, due) for name, (_, opens, due) in forms.items()
    }
    assert "09:00 does not come inside this window" in why(made, "too_short")
    assert "国庆" in why(made, "between")
