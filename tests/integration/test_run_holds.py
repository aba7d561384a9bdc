"""House rules that hold: journeys that pause, clocks that stand, and how they go on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.factories import CARE, Shop, at, event

RULES = """\
rules:
  - rule: 投诉中不营销
    when: {work: {purpose: [marketing, content]}, customer: {open_cases: above 0}}
    then: hold
  - rule: 先修复
    when: {work: {purpose: [marketing, content]}, running: {purpose: repair}}
    then: hold
"""
#: The quarterly letter: a message, and a call three days after it.
SERIES = """\
purpose: marketing
trigger: {event: visit}
again: always
overlap: parallel
steps:
  - {step: hello, do: letter, due: after 1 day}
  - {step: ring, do: call, due: between 3 and 5 days, assign: owner}
"""
REPAIR = """\
purpose: repair
trigger: {event: complaint}
steps:
  - {step: sorry, do: call, due: within 2 days, assign: owner}
"""


def shop(root: Path, rules: str = RULES, **books: str) -> Shop:
    made = Shop(root, house=rules, **(books or {"series": SERIES}))
    made.events(event("c0", "order", "2025-01-01T10:00", amount=1))
    made.run("2025-01-01T12:00")
    return made


def holds(made: Shop, customer: str = "c1") -> list[tuple[str, str, str]]:
    """Return (verb, rule, place) of what the hold gate wrote, in the order of runs."""
    rows = made.rows(
        "SELECT * FROM decisions WHERE gate = 'hold' AND customer = ? ORDER BY run_at, id", customer
    )
    return [(row["verb"], row["rule"], row["place"]) for row in rows]


def test_a_series_that_began_before_a_complaint_holds_and_resumes(tmp_path: Path) -> None:
    """While the complaint is open nothing goes out and nothing new begins; then all moves on, by
    the length of the pause.
    """
    made = shop(tmp_path)
    made.events(event("c1", "visit", "2025-01-10T10:00"))
    made.run("2025-01-11T12:00")  # hello went out, ring opens on the 14th at 12:00
    made.events(event("c1", "complaint", "2025-01-12T09:00", case_id="A"))
    made.run("2025-01-12T12:00", "2025-01-14T12:00", "2025-01-15T12:00")

    assert made.actions("c1") == [("hello", "sent", ""), ("ring", "planned", "")]
    assert holds(made) == [("held", "投诉中不营销", "house.yaml:2:5")]

    made.events(event("c1", "visit", "2025-04-10T10:00"))  # the next quarter, still complaining
    made.run("2025-04-10T12:00", "2025-04-11T12:00", "2025-04-12T12:00")

    assert made.decisions("start") == [("started", ""), ("deferred", "house_hold")]
    assert len(made.journeys("c1")) == 1

    made.events(event("c1", "solved", "2025-04-20T09:00", case_id="A"))
    made.run("2025-04-20T12:00")

    assert holds(made)[1:] == [("resumed", "投诉中不营销", "house.yaml:2:5")]
    pause = at("2025-04-20T12:00") - at("2025-01-12T12:00")
    ring, *_ = made.rows("SELECT * FROM actions WHERE step = 'ring' ORDER BY due_by")
    assert ring["opens_at"] == at("2025-01-14T12:00") + pause
    assert ring["due_by"] == at("2025-01-16T12:00") + pause
    assert made.decisions("start")[1:] == [("deferred", "house_hold"), ("started", "")]

    made.run("2025-04-22T11:59")
    assert [state for step, state, _ in made.actions("c1") if step == "ring"] == ["planned"] * 2
    made.run("2025-04-22T12:00")
    assert [state for step, state, _ in made.actions("c1") if step == "ring"] == ["open", "planned"]


def test_a_hold_and_its_end_are_one_row_each_however_often_care_runs(tmp_path: Path) -> None:
    """Nothing is written while a hold lasts; the evidence of both rows tells why and what moved."""
    made = shop(tmp_path)
    made.events(event("c1", "visit", "2025-01-10T10:00"))
    made.run("2025-01-10T12:00")
    made.events(event("c1", "complaint", "2025-01-10T13:00", case_id="A"))
    made.run(*(f"2025-01-{day}T12:00" for day in range(11, 20)))
    before = made.counts()
    made.run("2025-01-20T12:00")
    after = made.counts()
    made.events(event("c1", "solved", "2025-01-20T13:00", case_id="A"))
    made.run("2025-01-21T12:00")

    assert {name for name in after if after[name] != before[name]} == {"blocks", "runs"}
    rows = made.rows("SELECT * FROM decisions WHERE gate = 'hold' ORDER BY run_at")
    assert [row["verb"] for row in rows] == ["held", "resumed"]
    held, resumed = (json.loads(row["evidence"]) for row in rows)
    assert held["house"]["verdict"] is True
    assert held["house"]["leaves"][0]["value"] == "1"
    assert [one["step"] for one in resumed["moved"]] == ["hello"]
    assert resumed["pause"] == at("2025-01-21T12:00") - at("2025-01-11T12:00")


def test_stops_act_under_hold(tmp_path: Path) -> None:
    """What ends a journey ends it also while it is held; nothing goes out after that."""
    made = shop(tmp_path, series=SERIES + "stop_when: [{event: order, goal: bought}]\n")
    made.events(event("c1", "visit", "2025-01-10T10:00"))
    made.run("2025-01-10T12:00")
    made.events(event("c1", "complaint", "2025-01-10T13:00", case_id="A"))
    made.run("2025-01-11T09:00")
    made.events(event("c1", "order", "2025-01-12T10:00", amount=1))
    made.run("2025-01-12T12:00", "2025-01-13T12:00")

    assert made.journeys("c1") == [("series", "stopped", "goal")]
    assert made.actions("c1") == [("hello", "cancelled", "goal")]
    assert made.rows("SELECT until FROM holds") == [{"until": at("2025-01-12T10:00")}]


def test_an_answer_under_hold_ends_a_wait_and_its_time_does_not_run_out(tmp_path: Path) -> None:
    """Waits hear by event time; the time that they have stands still during the hold."""
    book = (
        "purpose: marketing\ntrigger: {event: visit}\nsteps:\n"
        "  - step: answer\n    wait: {event: order, up_to: 5 days}\n"
        "    then: [{step: thanks, do: letter, due: now}]\n"
        "    else: [{step: ask, do: letter, due: now}]\n"
    )
    made = shop(tmp_path, series=book)
    made.events(event("c1", "visit", "2025-01-10T10:00"), event("c2", "visit", "2025-01-10T10:00"))
    made.run("2025-01-10T12:00")
    made.events(
        event("c1", "complaint", "2025-01-11T10:00", case_id="A"),
        event("c2", "complaint", "2025-01-11T10:00", case_id="B"),
    )
    made.run("2025-01-11T12:00")
    made.events(event("c1", "order", "2025-01-17T10:00", amount=1))  # beyond 5 days, but held
    made.run("2025-01-17T12:00", "2025-01-20T12:00")

    assert made.actions("c1") == [("answer", "open", "")]
    made.events(
        event("c1", "solved", "2025-01-21T10:00", case_id="A"),
        event("c2", "solved", "2025-01-21T10:00", case_id="B"),
    )
    made.run("2025-01-21T12:00", "2025-01-25T09:59")

    assert made.actions("c1")[1] == ("thanks", "sent", "")
    assert made.action("thanks")["opens_at"] == at("2025-01-21T12:00")
    assert made.actions("c2") == [("answer", "open", "")]
    made.run("2025-01-25T10:00")  # 5 days and the 10 of the pause
    assert made.actions("c2")[1] == ("ask", "sent", "")


def test_repair_holds_marketing_that_runs_beside_it(tmp_path: Path) -> None:
    """A rule on `running` holds what runs already and what would begin, until the repair is over."""
    rules = RULES.partition("  - rule: 先修复")
    made = shop(tmp_path, "rules:\n" + rules[1] + rules[2], series=SERIES, repair=REPAIR)
    made.events(event("c1", "visit", "2025-01-10T10:00"))
    made.run("2025-01-10T12:00")
    made.events(event("c1", "complaint", "2025-01-11T08:00", case_id="A"))
    made.run("2025-01-11T12:00")  # the repair begins in the run in which hello would go out

    assert made.actions("c1") == [("sorry", "open", ""), ("hello", "planned", "")]
    assert holds(made) == [("held", "先修复", "house.yaml:2:5")]
    made.done("sorry", "2025-01-12T09:00")
    made.run("2025-01-12T12:00", "2025-01-13T12:00")

    assert made.actions("c1")[1:] == [("hello", "sent", ""), ("ring", "planned", "")]
    assert [verb for verb, _, _ in holds(made)] == ["held", "resumed"]


@pytest.mark.parametrize(("first", "expected"), [(9, "a"), (1, "b")])
def test_of_two_that_hold_each_other_the_one_served_first_goes_on(
    tmp_path: Path, first: int, expected: str
) -> None:
    """Rules that hold two journeys against each other stop one of them, not both; higher priority
    is served first, whichever began before.
    """
    rules = (
        "rules:\n"
        "  - {rule: one, when: {work: {playbook: a}, running: {playbook: b}}, then: hold}\n"
        "  - {rule: two, when: {work: {playbook: b}, running: {playbook: a}}, then: hold}\n"
    )
    step = "steps:\n  - {step: STEP, do: letter, due: after 2 days}\n"
    made = shop(
        tmp_path, rules,
        a=f"priority: {first}\ntrigger: {{event: visit}}\n" + step.replace("STEP", "a"),
        b="priority: 5\ntrigger: {event: visit}\n" + step.replace("STEP", "b"),
    )  # fmt: skip
    made.events(event("c1", "visit", "2025-01-10T10:00"))
    made.run("2025-01-10T12:00", "2025-01-12T12:00", "2025-01-13T12:00", "2025-01-14T12:00")

    sent = made.rows("SELECT step FROM actions WHERE state = 'sent' ORDER BY opened_at")
    assert sent[0]["step"] == expected


def test_a_rule_that_is_taken_out_holds_nothing_any_more(tmp_path: Path) -> None:
    """An edit of house.yaml acts in the next run, on journeys that run as well."""
    made = shop(tmp_path)
    made.events(
        event("c1", "visit", "2025-01-10T10:00"),
        event("c1", "complaint", "2025-01-10T13:00", case_id="A"),
    )
    made.run("2025-01-10T12:00", "2025-01-10T14:00", "2025-01-12T14:00")
    assert made.actions("c1") == [("hello", "planned", "")]
    made.write("house.yaml", "rules: []\n")
    made.run("2025-01-13T14:00", "2025-01-14T10:00")

    assert made.actions("c1")[0] == ("hello", "sent", "")
    assert [verb for verb, _, _ in holds(made)] == ["held", "resumed"]


def test_a_hold_that_passes_to_another_rule_is_one_row_that_names_both(tmp_path: Path) -> None:
    """The first rule stops to match, another holds on: the journey does not go on in between, no
    `resumed` says so, and what was planned has moved by the first pause all the same.
    """
    made = shop(tmp_path, series=SERIES, repair=REPAIR)
    made.events(event("c1", "visit", "2025-01-10T10:00"))
    made.run("2025-01-11T12:00")  # hello went out, ring opens on the 14th at 12:00
    made.events(event("c1", "complaint", "2025-01-12T10:00", case_id="A"))
    made.run("2025-01-12T12:00")
    made.events(event("c1", "solved", "2025-01-14T10:00", case_id="A"))
    made.run("2025-01-14T12:00")

    assert [(verb, rule) for verb, rule, _ in holds(made)] == [
        ("held", "投诉中不营销"), ("held", "先修复"),
    ]  # fmt: skip
    (row,) = made.rows("SELECT evidence FROM decisions WHERE gate = 'hold' AND rule = '先修复'")
    shown = json.loads(row["evidence"])
    assert shown["before"] == "投诉中不营销"
    assert "until now by house rule 投诉中不营销" in shown["notes"]
    assert [one["step"] for one in shown["moved"]] == ["ring"]
    assert made.action("ring")["opens_at"] == at("2025-01-16T12:00")
    assert made.action("ring")["state"] == "planned"


def test_a_task_under_hold_does_not_expire(tmp_path: Path) -> None:
    """The time after which nobody is expected to do a task stands still too."""
    made = Shop(
        tmp_path, care=f"{CARE}give_up: after 3 days\n", house=RULES,
        series="purpose: marketing\ntrigger: {event: visit}\nsteps:\n"
               "  - {step: ring, do: call, due: within 1 day, assign: owner}\n",
    )  # fmt: skip
    made.events(event("c0", "order", "2025-01-01T10:00", amount=1))
    made.run("2025-01-01T12:00")
    made.events(event("c1", "visit", "2025-01-10T10:00"))
    made.run("2025-01-10T12:00")
    made.events(event("c1", "complaint", "2025-01-11T10:00", case_id="A"))
    made.run("2025-01-11T12:00", "2025-01-20T12:00")
    assert made.actions("c1") == [("ring", "open", "")]
    made.events(event("c1", "solved", "2025-01-21T10:00", case_id="A"))
    made.run("2025-01-21T12:00", "2025-01-23T12:00")
    assert made.actions("c1") == [("ring", "open", "")]
    made.run("2025-01-24T12:00")

    assert made.actions("c1") == [("ring", "expired", "")]


def test_looking_at_changed_customers_alone_finds_the_same_holds(tmp_path: Path) -> None:
    """Run after run and run by run anew: holds begin and end alike, also by the passing of time."""
    rules = (
        "rules:\n  - {rule: 沉默, when: {work: {purpose: marketing},"
        " customer: {last_order: at least 10 days ago}}, then: hold}\n"
    )
    exports = []
    for name, anew in (("kept", False), ("anew", True)):
        made = Shop(tmp_path / name, house=rules, series=SERIES)
        made.events(event("c0", "order", "2025-01-01T10:00", amount=1))
        made.run("2025-01-01T12:00")
        made.events(
            *(event(f"c{n}", "order", f"2025-01-0{n}T10:00", amount=1) for n in range(2, 8)),
            *(event(f"c{n}", "visit", "2025-01-09T10:00") for n in range(2, 8)),
            event("c4", "order", "2025-01-15T10:00", amount=1),
        )
        for day in range(9, 25):
            if anew:  # a new run of another configuration has to ask everybody
                made.write("house.yaml", f"{rules}  - {{rule: x{day}, when: {{work:"
                           " {purpose: none}}, then: hold}\n")  # fmt: skip
            made.run(f"2025-01-{day:02}T12:00")
        exports.append(
            made.rows("SELECT journey, since, until, rule FROM holds ORDER BY journey, since")
        )

    assert exports[0] == exports[1]
    assert len(exports[0]) >= 5


def test_both_matchers_hold_alike(tmp_path: Path) -> None:
    """The rule engine and the reference write the same holds."""
    exports = []
    for matcher in ("reference", "durable"):
        made = shop(tmp_path / matcher, series=SERIES, repair=REPAIR)
        made.events(*(event(f"c{n}", "visit", f"2025-01-10T10:{n:02}") for n in range(9)))
        made.run("2025-01-10T12:00", matcher=matcher)
        made.events(
            *(event(f"c{n}", "complaint", "2025-01-11T08:00", case_id="A") for n in range(0, 9, 2))
        )
        made.run("2025-01-11T12:00", "2025-01-12T12:00", matcher=matcher)
        made.events(
            *(event(f"c{n}", "solved", "2025-01-13T08:00", case_id="A") for n in range(0, 9, 4))
        )
        made.run("2025-01-13T12:00", "2025-01-15T12:00", matcher=matcher)
        exports.append([line.replace("durable-rules", "reference") for line in made.export()])

    assert exports[0] == exports[1]
