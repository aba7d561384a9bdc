"""Stops, goals, queues and edits that meet a journey on its way, through the program."""

from __future__ import annotations

from pathlib import Path

from tests.factories import Shop, event, profile
from tests.reading import actions, journeys, lines, live, run, why
from tests.zygote import Zygote


def complain(made: Shop, when: str = "2025-03-03T10:00", case: str = "A") -> None:
    made.events(event("c1", "complaint", when, key=f"k{case}", case_id=case))


WAITING = """\
  - {step: hello, do: letter}
  - step: reply
    wait: {event: visit, up_to: 10 days}
    then: [{step: thanks, do: letter}]
    else: [{step: ring, do: call, due: within 2 days, assign: boss}]
"""
STOPS = """\
stop_when:
  - {event: order, where: {amount: above 100}, goal: won_back, within: 5 days}
  - {event: solved, same: case_id}
  - {leaves: big}
  - {tier: gold}
"""


def test_a_goal_in_the_middle_of_a_wait(tmp_path: Path, zygote: Zygote) -> None:
    """An order of its size ends the journey at its own instant while it waits; it is a goal within its
    window and a plain stop a minute after it. Smaller ones do nothing; `care why` names the order.
    """
    made = live(tmp_path, zygote, WAITING, STOPS)
    for name in ("c1", "c2"):
        made.events(
            event(name, "complaint", "2025-03-03T10:00", case_id=name),
            event(name, "order", "2025-03-04T10:00", amount=100),
        )
    run(made, "2025-03-04T12:00")
    assert lines(made) == lines(made, "c2") == ["hello sent", "reply open"]

    made.events(
        event("c1", "order", "2025-03-08T10:00", key="o-1", amount=101),
        event("c2", "order", "2025-03-08T10:01", key="o-2", amount=101),
    )
    run(made, "2025-03-09T12:00")

    assert journeys(made) == ["p stopped won_back"]
    assert lines(made) == ["hello sent", "reply cancelled goal"]
    assert actions(made)[1]["closed_at"] == "2025-03-08T10:00:00+08:00"
    assert journeys(made, "c2") == ["p stopped stop_event"]
    assert lines(made, "c2") == ["hello sent", "reply cancelled stop_event"]
    assert "stopped (goal)  playbooks/p.yaml:6:5" in why(made, "reply")
    assert "  waited for: visit\n" in why(made, "reply")
    told = why(made, "reply", "c2")
    assert "stopped (stop event)  playbooks/p.yaml:6:5" in told
    assert "      event order o-2 of Sat 2025-03-08 10:01\n" in told


def test_other_stops_in_the_middle_of_a_wait(tmp_path: Path, zygote: Zygote) -> None:
    """The end of the own case, leaving a segment, and a condition each end what waits."""
    made = live(tmp_path, zygote, WAITING, STOPS)
    made.customers(*(profile(name, "2025-01-01", size=500) for name in ("c1", "c2", "c3")))
    for name in ("c1", "c2", "c3"):
        made.events(event(name, "complaint", "2025-03-03T10:00", case_id=f"A{name}"))
    run(made, "2025-03-04T12:00")
    made.events(
        event("c1", "solved", "2025-03-05T10:00", key="s1", case_id="Ac2"),
        event("c1", "solved", "2025-03-05T11:00", key="s2", case_id="Ac1"),
    )
    made.customers(
        profile("c2", "2025-03-05T10:00", size=5),
        profile("c3", "2025-03-05T10:00", size=500, tier="gold"),
    )
    run(made, "2025-03-05T12:00")

    assert journeys(made, "c1") == ["p stopped stop_event"]
    assert actions(made, "c1")[1]["closed_at"] == "2025-03-05T11:00:00+08:00"
    assert journeys(made, "c2") == ["p stopped stop_leaves"]
    assert "- size is 5, asked: at least 100" in why(made, "reply", "c2")
    assert journeys(made, "c3") == ["p stopped stop_condition"]
    assert "+ tier is gold, asked: gold" in why(made, "reply", "c3")


def test_the_next_one_waits_in_the_queue(tmp_path: Path, zygote: Zygote) -> None:
    """With `overlap: queue` a second complaint begins when the first one's call is done, and its clock
    counts from there; `care why` tells that it waited.
    """
    ring = "  - {step: ring, do: call, due: within 3 days, assign: boss}\n"
    made = live(tmp_path, zygote, ring, "overlap: queue\n")
    complain(made)
    complain(made, "2025-03-04T10:00", "B")
    run(made, "2025-03-03T12:00", "2025-03-04T12:00", "2025-03-05T12:00")
    assert (journeys(made), lines(made)) == (["p running"], ["ring open"])

    first = actions(made)[0]["id"]
    made.care("done", first, "--at", "2025-03-05T13:00")
    run(made, "2025-03-06T12:00")

    assert journeys(made) == ["p finished", "p running"]
    assert actions(made)[1]["due_by"] == "2025-03-08T13:00:00+08:00"
    told = why(made, "ring")
    assert "deferred (queued)" in told
    assert "event complaint kB of Tue 2025-03-04 10:00" in told


BOOK = """\
title: 投诉后
trigger: {event: complaint}
steps:
  - {step: ring, do: call, due: within 3 days, assign: boss}
  - {step: card, from: entry, do: letter, due: after 5 days}
"""
EDITED = BOOK.replace("within 3 days", "within 9 days").replace("after 5 days", "after 2 days")


def test_an_edit_with_journeys_on_their_way(tmp_path: Path, zygote: Zygote) -> None:
    """`stay` ends by the old file, `move` plans what has not opened by the new one and leaves the
    open task as it was, `cancel` ends the journey; `care why` shows the file that counts.
    """
    made = Shop(tmp_path, through=zygote, stay=BOOK, move=BOOK, cancel=BOOK)
    made.events(event("c0", "visit", "2025-02-01T10:00"))
    run(made, "2025-03-01T08:00")
    complain(made)
    run(made, "2025-03-03T12:00")
    for name, tail in (("stay", ""), ("move", "migrate: move\n"), ("cancel", "migrate: cancel\n")):
        made.book(name, EDITED.replace("steps:", f"{tail}steps:"))
    run(made, "2025-03-04T12:00")
    found = made.care("journeys", "c1", "--format", "json").json
    seen = {one["playbook"]: (one["state"], one["reason"], one["actions"]) for one in found}
    ids = {(name, one["step"]): one["id"] for name, (_, _, parts) in seen.items() for one in parts}
    opens = {
        (name, one["step"]): (one["opens_at"][:10], one["due_by"][:10])
        for name, (_, _, parts) in seen.items()
        for one in parts
    }

    assert seen["cancel"][:2] == ("stopped", "migrated")
    assert {one["reason"] for one in seen["cancel"][2]} == {"migrated"}
    assert "stopped (migrated)" in made.care("why", ids["cancel", "card"]).out
    assert seen["stay"][0] == seen["move"][0] == "running"
    assert opens["stay", "ring"] == opens["move", "ring"] == ("2025-03-03", "2025-03-06")
    assert (opens["stay", "card"][0], opens["move", "card"][0]) == ("2025-03-08", "2025-03-05")
    assert "do: letter, due: after 5 days" in made.care("why", ids["stay", "card"]).out
    moved = made.care("why", ids["move", "card"]).out
    assert "do: letter, due: after 2 days" in moved
    assert "  moved " in moved


def test_an_edit_takes_steps_out_and_puts_steps_in(tmp_path: Path, zygote: Zygote) -> None:
    """Moved to an edited playbook, an open task that it has no more is cancelled, a planned step that
    it has no more never comes, and a new one does.
    """
    made = live(tmp_path, zygote, BOOK.partition("steps:\n")[2])
    complain(made)
    run(made, "2025-03-03T12:00")
    steps = "  - {step: mail, from: entry, do: letter, due: after 1 day}\n"
    made.book("p", BOOK.partition("steps:")[0] + "migrate: move\nsteps:\n" + steps)
    run(made, "2025-03-04T12:00", "2025-03-05T12:00")

    assert sorted(lines(made)) == [
        "card cancelled migrated", "mail sent", "ring cancelled migrated",
    ]  # fmt: skip
    assert journeys(made) == ["p finished"]
