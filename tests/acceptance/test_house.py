"""House rules through the program: a hold, a cap, quiet hours, and what ``care why`` says of them."""

from __future__ import annotations

from pathlib import Path

from tests.factories import Shop, event
from tests.zygote import Zygote

HOUSE = """\
rules:
  - rule: 投诉中不营销
    when: {work: {purpose: marketing}, customer: {open_cases: above 0}}
    then: hold
caps: [{at_most: 1, per: 7 days, purposes: [marketing], then: defer}]
quiet: {hours: 21:00-08:30, then: wait}
"""
SERIES = """\
purpose: marketing
trigger: {event: visit}
steps:
  - {step: hello, do: letter, due: within 30 days}
  - {step: again, do: letter, due: between 1 and 30 days}
"""


def test_a_customer_between_hold_cap_and_night(tmp_path: Path, zygote: Zygote) -> None:
    """The first letter waits for the morning, the second for room and for the end of a complaint;
    `care why` tells each with the line of house.yaml.
    """
    made = Shop(tmp_path, through=zygote, house=HOUSE, series=SERIES)
    made.events(event("c0", "order", "2025-03-01T10:00", amount=1))
    checked = made.care("check")
    assert (checked.code, checked.out) == (0, "no errors; 1 playbook is sound\n")
    assert made.care("run", "--at", "2025-03-02T12:00").code == 0
    made.events(event("c1", "visit", "2025-03-02T21:30"))
    for moment in ("2025-03-02T22:00", "2025-03-03T08:30", "2025-03-04T12:00"):
        assert made.care("run", "--at", moment).code == 0
    made.events(event("c1", "complaint", "2025-03-05T09:00", case_id="A"))
    held = made.care("run", "--at", "2025-03-05T12:00")
    shown = made.care("journeys", "c1").out
    (journey,) = made.care("journeys", "c1", "--format", "json").json
    waiting = made.care("why", made.action("again")["id"]).out.splitlines()
    made.events(event("c1", "solved", "2025-03-07T09:00", case_id="A"))
    for moment in ("2025-03-07T12:00", "2025-03-12T08:29", "2025-03-13T12:00"):
        later = made.care("run", "--at", moment)
        assert later.code == 0

    told = "  on hold: 1 journey of series, by house rules; `care journeys CUSTOMER` shows which\n"
    assert told in held.out
    assert "on hold" not in later.out
    assert (
        "\n  held since Wed 2025-03-05 12:00 by house rule 投诉中不营销  house.yaml:2:5\n" in shown
    )
    assert journey["held"] == {
        "since": "2025-03-05T12:00:00+08:00", "rule": "投诉中不营销", "place": "house.yaml:2:5",
    }  # fmt: skip
    assert "held since" not in made.care("journeys", "c1").out
    assert made.actions() == [("hello", "sent", ""), ("again", "sent", "")]
    assert waiting[1:3] == [
        "  now: planned, not open yet",
        "  held: since Wed 2025-03-05 12:00 by house rule 投诉中不营销  house.yaml:2:5",
    ]
    first = made.care("why", made.action("hello")["id"]).out
    second = made.care("why", made.action("again")["id"]).out
    assert "deferred (quiet) by quiet of house.yaml until" in first
    assert "quiet until 2025-03-03T08:30:00+08:00" in first
    assert "house.yaml:6:1" in first
    assert "deferred (cap) by caps/0 of house.yaml until" in second
    assert "1 reached the customer in 7 days, 1 may" in second
    assert "held (house hold) by house rule 投诉中不营销  house.yaml:2:5" in second
    assert "+ open_cases is 1, asked: above 0" in second
    assert "resumed (house hold) by house rule 投诉中不营销" in second
    assert "held since 2025-03-05T12:00:00+08:00" in second
    assert made.care("audit", "verify").code == 0


def test_why_tells_of_a_start_that_was_held(tmp_path: Path, zygote: Zygote) -> None:
    """What began late, because a rule held its start, says so with the rule and its line."""
    made = Shop(tmp_path, through=zygote, house=HOUSE, series=SERIES)
    made.events(event("c0", "order", "2025-03-01T10:00", amount=1))
    assert made.care("run", "--at", "2025-03-02T12:00").code == 0
    made.events(
        event("c1", "complaint", "2025-03-03T09:00", case_id="A"),
        event("c1", "visit", "2025-03-03T09:30"),
        event("c1", "solved", "2025-03-05T09:00", case_id="A"),
    )
    first, *_ = [
        made.care("run", "--at", moment).out
        for moment in ("2025-03-03T12:00", "2025-03-04T12:00", "2025-03-05T12:00")
    ]

    assert first.startswith("Mon 2025-03-03 12:00  0 started, 1 put off (house_hold 1)\n")
    why = made.care("why", made.action("hello")["id"]).out.splitlines()
    (line,) = [line for line in why if "deferred" in line]
    assert "2025-03-03 12:00" in line
    assert "deferred (house hold) by house rule 投诉中不营销" in line
    assert line.endswith("house.yaml:2:5")
    assert made.decisions("start") == [("deferred", "house_hold"), ("started", "")]
