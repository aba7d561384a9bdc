"""Caps: how much reaches one customer in a rolling window, across playbooks and runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.factories import Shop, at, event

WEEK = "caps: [{at_most: 3, per: 7 days, purposes: [marketing, content], then: defer}]\n"
NOTE = "steps:\n  - {step: STEP, do: letter, due: DUE}\n"


def book(step: str, when: str = "visit", due: str = "within 30 days", **keys: str) -> str:
    head = "".join(f"{key}: {value}\n" for key, value in {"purpose": "marketing", **keys}.items())
    steps = NOTE.replace("STEP", step).replace("DUE", due)
    return f"{head}trigger: {{event: {when}}}\nagain: always\noverlap: parallel\n{steps}"


def shop(root: Path, house: str, **books: str) -> Shop:
    made = Shop(root, house=house, **books)
    made.events(event("c0", "order", "2025-02-01T10:00", amount=1))
    made.run("2025-03-01T08:00")
    return made


def visits(made: Shop, *moments: str, customer: str = "c1") -> None:
    made.events(*(event(customer, "visit", moment) for moment in moments))


def test_the_fourth_waits_for_room(tmp_path: Path) -> None:
    """Three in seven days may reach a customer; the fourth goes out when the first leaves the
    window, and not before.
    """
    made = shop(tmp_path, WEEK, sale=book("hello"))
    for day in (2, 3, 4, 5):
        visits(made, f"2025-03-0{day}T07:00")
        made.run(f"2025-03-0{day}T08:00")

    assert [state for _, state, _ in made.actions()] == ["sent", "sent", "sent", "planned"]
    (row,) = made.rows("SELECT * FROM decisions WHERE verb = 'deferred'")
    assert (row["reason"], row["rule"], row["place"]) == ("cap", "caps/0", "house.yaml:1:8")
    assert row["until"] == at("2025-03-09T08:00")
    evidence = json.loads(row["evidence"])
    assert evidence["cap"]["count"] == 3
    assert len(evidence["cap"]["newest"]) == 3
    assert evidence["notes"] == ["3 reached the customer in 7 days, 3 may"]

    made.run("2025-03-09T07:59")
    assert made.actions()[-1][1] == "planned"
    made.run("2025-03-09T08:00")
    assert made.actions()[-1][1] == "sent"


def test_caps_count_what_this_run_released_before(tmp_path: Path) -> None:
    """In one run the higher priority takes the room first, across playbooks; ties by what is due."""
    house = "caps: [{at_most: 2, per: 7 days, then: skip}]\n"
    made = shop(
        tmp_path, house,
        a=book("low"), b=book("high", priority="9"), c=book("soon", due="within 1 day"),
    )  # fmt: skip
    visits(made, "2025-03-02T07:00")
    made.run("2025-03-02T08:00")

    states = {step: (state, reason) for step, state, reason in made.actions()}
    assert states == {"high": ("sent", ""), "soon": ("sent", ""), "low": ("skipped", "cap")}


def test_a_deferral_past_due_is_skipped_with_its_reason(tmp_path: Path) -> None:
    """A cap does not move a step past its due time: it is skipped, and the row names the cap."""
    house = "caps: [{at_most: 1, per: 7 days}]\n"
    made = shop(tmp_path, house, sale=book("hello", due="within 2 days"))
    visits(made, "2025-03-02T07:00", "2025-03-02T07:30")
    made.run("2025-03-02T08:00")

    assert [(state, reason) for _, state, reason in made.actions()] == [
        ("sent", ""), ("skipped", "deferred_too_long"),
    ]  # fmt: skip
    (row,) = made.rows("SELECT * FROM decisions WHERE verb = 'skipped'")
    assert (row["rule"], row["place"]) == ("caps/0", "house.yaml:1:8")
    assert json.loads(row["evidence"])["notes"] == [
        "1 reached the customer in 7 days, 1 may", "cap until 2025-03-09T08:00:00+08:00",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cap", "expected"),
    [
        ("purposes: [content]", ["sent", "sent", "sent"]),  # of another purpose
        ("exempt: [marketing]", ["sent", "sent", "sent"]),
        ("channels: [call]", ["sent", "sent", "sent"]),
        ("channels: [letter]", ["sent", "skipped", "skipped"]),
        ("exempt: [repair]", ["sent", "skipped", "skipped"]),
    ],
)
def test_what_a_cap_binds(tmp_path: Path, cap: str, expected: list[str]) -> None:
    """Purposes and channels of a cap are what it counts and what it binds; exempt is neither."""
    house = f"caps: [{{at_most: 1, per: 7 days, then: skip, {cap}}}]\n"
    made = shop(tmp_path, house, sale=book("hello"))
    visits(made, "2025-03-02T07:00", "2025-03-02T07:10", "2025-03-02T07:20")
    made.run("2025-03-02T08:00")

    assert [state for _, state, _ in made.actions()] == expected


def test_tasks_count_when_they_are_done_and_reviews_never(tmp_path: Path) -> None:
    """A call reached the customer when it was made; what does not reach customers is neither
    counted nor bound.
    """
    house = "caps: [{at_most: 1, per: 7 days, then: skip}]\n"
    call = (
        "purpose: marketing\ntrigger: {event: complaint}\nsteps:\n"
        "  - {step: ring, do: call, due: within 1 day, assign: owner}\n"
    )
    look = (
        "purpose: marketing\ntrigger: {event: signup}\nsteps:\n"
        "  - {step: look, do: review, due: within 1 day, assign: boss}\n"
    )
    made = shop(tmp_path, house, sale=book("hello"), call=call, look=look)
    made.events(
        event("c1", "complaint", "2025-03-02T07:00", case_id="A"),
        event("c1", "signup", "2025-03-02T07:00"),
    )
    made.run("2025-03-02T08:00")
    made.done("look", "2025-03-02T09:00")
    visits(made, "2025-03-03T07:00")
    made.run("2025-03-03T08:00")  # ring is open still: nothing has reached the customer
    assert made.actions()[-1] == ("hello", "sent", "")

    made.events(event("c2", "complaint", "2025-03-04T07:00", case_id="B"))
    made.run("2025-03-04T08:00")
    made.done("ring", "2025-03-04T10:00", customer="c2")
    visits(made, "2025-03-05T07:00", customer="c2")
    made.run("2025-03-05T08:00")
    assert made.actions("c2")[-1] == ("hello", "skipped", "cap")


def test_of_several_caps_the_one_that_takes_longest(tmp_path: Path) -> None:
    """All caps bind; a skip goes before a deferral."""
    house = (
        "caps: [{at_most: 1, per: 2 days}, {at_most: 1, per: 1 month}, {at_most: 9, per: 1 day}]\n"
    )
    made = shop(tmp_path, house, sale=book("hello", due="within 60 days"))
    visits(made, "2025-03-02T07:00", "2025-03-02T07:10")
    made.run("2025-03-02T08:00")

    (row,) = made.rows("SELECT * FROM decisions WHERE verb = 'deferred'")
    assert (row["rule"], row["until"]) == ("caps/1", at("2025-04-02T08:00"))


def test_customers_do_not_share_their_room(tmp_path: Path) -> None:
    """A cap is a customer's own."""
    made = shop(tmp_path, "caps: [{at_most: 1, per: 7 days}]\n", sale=book("hello"))
    made.events(*(event(f"c{n}", "visit", "2025-03-02T07:00") for n in range(1, 6)))
    made.run("2025-03-02T08:00")

    states = made.rows("SELECT DISTINCT state FROM actions")
    assert states == [{"state": "sent"}]
