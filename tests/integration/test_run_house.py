"""House rules at both gates: skip, defer, who runs beside, and the reason for every no."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.run import RunResult
from tests.factories import Shop, at, event

RING = "steps:\n  - {step: ring, do: call, due: within 2 days, assign: owner}\n"
SALE = f"purpose: marketing\ntrigger: {{event: visit}}\nagain: always\n{RING}"
REPAIR = f"purpose: repair\ntrigger: {{event: complaint}}\n{RING}"


def house(work: str, then: str, **when: str) -> str:
    more = "".join(f", {key}: {value}" for key, value in when.items())
    return f"rules:\n  - {{rule: 规则, when: {{work: {work}{more}}}, then: {then}}}\n"


def shop(root: Path, rules: str, **books: str) -> Shop:
    made = Shop(root, house=rules, **(books or {"sale": SALE, "repair": REPAIR}))
    made.events(event("c0", "order", "2025-02-01T10:00", amount=1))
    made.run("2025-03-01T08:00")
    return made


def run(made: Shop, *moments: str) -> RunResult:
    """Run with the rule engine proper where it is installed."""
    return made.run(*moments, matcher="durable")


def test_skip_at_the_start_gate(tmp_path: Path) -> None:
    """A house rule refuses work that is about to start, and the decision names the rule."""
    made = shop(tmp_path, house("{purpose: marketing}", "skip", customer="{in: unhappy}"))
    made.events(
        event("c1", "complaint", "2025-03-01T09:00", case_id="A"),
        event("c1", "visit", "2025-03-01T10:00"),
        event("c2", "visit", "2025-03-01T10:00"),
    )
    run(made, "2025-03-02T08:00")

    assert made.journeys("c1") == [("repair", "running", "")]
    assert made.journeys("c2") == [("sale", "running", "")]
    (row,) = made.rows("SELECT * FROM decisions WHERE verb = 'refused'")
    assert (row["reason"], row["rule"], row["place"]) == ("house_rule", "规则", "house.yaml:2:5")
    assert json.loads(row["evidence"])["house"]["verdict"] is True


def test_defer_at_the_start_gate_asks_again(tmp_path: Path) -> None:
    """Deferred work is presented again when its time is over, and starts when the rule is gone."""
    made = shop(tmp_path, house("{purpose: marketing}", "defer 2 days", customer="{in: unhappy}"))
    made.events(
        event("c1", "complaint", "2025-03-01T09:00", key="k", case_id="A"),
        event("c1", "visit", "2025-03-01T10:00", key="v"),
    )
    run(made, "2025-03-02T08:00", "2025-03-03T08:00", "2025-03-04T08:00")
    made.events(event("c1", "solved", "2025-03-04T09:00", case_id="A"))
    run(made, "2025-03-05T08:00", "2025-03-06T08:00")

    rows = made.rows(
        "SELECT verb, run_at, until FROM decisions WHERE playbook = 'sale' AND customer = 'c1'"
        " AND gate = 'start' ORDER BY run_at"
    )
    assert [(row["verb"], row["run_at"], row["until"]) for row in rows] == [
        ("deferred", at("2025-03-02T08:00"), at("2025-03-04T08:00")),
        ("deferred", at("2025-03-04T08:00"), at("2025-03-06T08:00")),
        ("started", at("2025-03-06T08:00"), None),
    ]
    (entry,) = made.rows("SELECT entry FROM journeys WHERE playbook = 'sale'")
    assert entry["entry"] == at("2025-03-01T10:00")


def test_a_deferral_of_a_paused_playbook_waits(tmp_path: Path) -> None:
    """A paused playbook starts nothing, deferred work neither."""
    made = shop(tmp_path, house("{purpose: marketing}", "defer 1 day", customer="{in: unhappy}"))
    made.events(
        event("c1", "complaint", "2025-03-01T09:00", case_id="A"),
        event("c1", "visit", "2025-03-01T10:00"),
    )
    run(made, "2025-03-02T08:00")
    made.book("sale", f"status: paused\n{SALE}")
    made.events(event("c1", "solved", "2025-03-02T09:00", case_id="A"))
    run(made, "2025-03-04T08:00")

    assert made.journeys("c1") == [("repair", "running", "")]


def test_skip_while_other_work_runs(tmp_path: Path) -> None:
    """`running:` looks at the customer's other journeys, also those that this run begins."""
    rules = house("{purpose: marketing}", "skip", running="{purpose: repair}")
    made = shop(tmp_path, rules, sale=SALE, repair=f"priority: 9\n{REPAIR}")
    made.events(
        event("c1", "complaint", "2025-03-01T11:00", case_id="A"),
        event("c1", "visit", "2025-03-01T10:00"),
        event("c2", "visit", "2025-03-01T10:00"),
    )
    run(made, "2025-03-02T08:00")

    assert made.journeys("c1") == [("repair", "running", "")]
    assert made.journeys("c2") == [("sale", "running", "")]
    (row,) = made.rows("SELECT * FROM decisions WHERE reason = 'house_rule'")
    assert json.loads(row["evidence"])["running"][0]["playbook"] == "repair"


def test_running_means_now_not_when_the_event_was(tmp_path: Path) -> None:
    """House rules are asked at the run's T: work that is over by then stands in nobody's way."""
    rules = house("{purpose: marketing}", "skip", running="{purpose: repair}")
    made = shop(tmp_path, rules)
    made.events(event("c1", "complaint", "2025-03-01T09:00", case_id="A"))
    run(made, "2025-03-02T08:00")
    made.events(event("c1", "visit", "2025-03-02T09:00"))
    made.done("ring", "2025-03-02T10:00")
    run(made, "2025-03-03T08:00")

    assert made.journeys("c1") == [("repair", "finished", ""), ("sale", "running", "")]


def test_one_journey_of_a_purpose_at_a_time(tmp_path: Path) -> None:
    """The customer's other journeys of the same playbook are other work too, at both gates."""
    rules = house("{purpose: marketing}", "skip", running="{purpose: marketing}")
    made = shop(tmp_path, rules, sale=f"overlap: parallel\n{SALE}")
    made.events(event("c1", "visit", "2025-03-01T10:00"), event("c1", "visit", "2025-03-01T11:00"))
    run(made, "2025-03-02T08:00")

    assert made.journeys("c1") == [("sale", "running", "")]
    assert made.actions("c1") == [("ring", "open", "")]


def test_skip_at_the_release_gate(tmp_path: Path) -> None:
    """A rule on a channel skips the step when it opens; the journey goes on."""
    steps = (
        "steps:\n  - {step: ring, do: call, due: after 1 day, assign: owner}\n"
        "  - {step: hello, do: letter, due: now}\n"
    )
    sale = f"purpose: marketing\ntrigger: {{event: visit}}\n{steps}"
    made = shop(tmp_path, house("{channel: call}", "skip", customer="{in: unhappy}"), sale=sale)
    made.events(event("c1", "visit", "2025-03-01T10:00"))
    run(made, "2025-03-02T08:00")
    made.events(event("c1", "complaint", "2025-03-02T09:00", case_id="A"))
    run(made, "2025-03-03T08:00", "2025-03-04T08:00")

    assert made.actions("c1") == [("ring", "skipped", "house_rule"), ("hello", "sent", "")]
    assert made.journeys("c1") == [("sale", "finished", "")]
    (row,) = made.rows("SELECT * FROM decisions WHERE gate = 'release' AND verb = 'skipped'")
    assert (row["rule"], row["place"]) == ("规则", "house.yaml:2:5")


def test_a_release_deferred_past_due_is_skipped_with_its_reason(tmp_path: Path) -> None:
    """Deferrals move the opening, and never past the step's due time."""
    sale = f"purpose: marketing\ntrigger: {{event: visit}}\n{RING}"
    made = shop(tmp_path, house("{channel: call}", "defer 1 day"), sale=sale)
    made.events(event("c1", "visit", "2025-03-01T20:00"))
    run(made, "2025-03-02T08:00", "2025-03-02T20:00", "2025-03-03T08:00", "2025-03-04T08:00")

    assert made.actions("c1") == [("ring", "skipped", "deferred_too_long")]
    assert made.decisions("release") == [
        ("deferred", "house_defer"), ("skipped", "deferred_too_long"),
    ]  # fmt: skip


def test_a_step_due_now_is_not_deferred_for_ever(tmp_path: Path) -> None:
    """A day after a step was due `now`, the next deferral skips it."""
    steps = "steps:\n  - {step: hello, do: letter, due: now}\n"
    sale = f"purpose: marketing\ntrigger: {{event: visit}}\n{steps}"
    made = shop(tmp_path, house("{channel: letter}", "defer 12 hours"), sale=sale)
    made.events(event("c1", "visit", "2025-03-02T08:00"))
    run(made, "2025-03-02T08:00", "2025-03-02T20:00", "2025-03-03T08:00", "2025-03-03T20:00")

    assert made.actions("c1") == [("hello", "skipped", "deferred_too_long")]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [("skip", "defer 1 day", "refused"), ("defer 1 day", "skip", "refused"),
     ("defer 1 day", "defer 3 days", "deferred")],
)  # fmt: skip
def test_skip_is_stronger_than_defer(
    tmp_path: Path, first: str, second: str, expected: str
) -> None:
    """Of several rules that match a skip counts, else the first in the file; all are told."""
    when = "{work: {purpose: marketing}}"
    rules = (
        f"rules:\n  - {{rule: one, when: {when}, then: {first}}}\n"
        f"  - {{rule: two, when: {when}, then: {second}}}\n"
    )
    made = shop(tmp_path, rules)
    made.events(event("c1", "visit", "2025-03-01T10:00"))
    run(made, "2025-03-02T08:00")

    (row,) = made.rows("SELECT * FROM decisions WHERE customer = 'c1'")
    assert row["verb"] == expected
    assert json.loads(row["evidence"])["matched"] == ["house one", "house two"]


def test_higher_priority_is_served_first(tmp_path: Path) -> None:
    """Of two playbooks that exclude each other the one with the higher priority starts."""
    rules = (
        "rules:\n"
        "  - {rule: a, when: {work: {playbook: low}, running: {playbook: high}}, then: skip}\n"
        "  - {rule: b, when: {work: {playbook: high}, running: {playbook: low}}, then: skip}\n"
    )
    books = {
        "low": f"trigger: {{event: visit}}\n{RING}",
        "high": f"priority: 5\ntrigger: {{event: visit}}\n{RING}",
    }
    made = shop(tmp_path, rules, **books)
    made.events(event("c1", "visit", "2025-03-01T10:00"))
    run(made, "2025-03-02T08:00")

    assert made.journeys("c1") == [("high", "running", "")]


def test_both_matchers_write_the_same_ledger(tmp_path: Path) -> None:
    """The rule engine and the reference decide alike; only the name on the evidence differs."""
    rules = house("{purpose: marketing}", "skip", running="{purpose: repair}")
    exports = []
    for matcher in ("reference", "durable"):
        made = shop(tmp_path / matcher, rules, sale=SALE, repair=f"priority: 9\n{REPAIR}")
        rows = [event(f"c{n}", "visit", f"2025-03-01T10:{n:02}") for n in range(30)]
        rows += [
            event(f"c{n}", "complaint", f"2025-03-01T09:{n:02}", case_id="A")
            for n in range(0, 30, 3)
        ]
        made.events(*rows)
        made.run("2025-03-02T08:00", matcher=matcher)
        exports.append([line.replace("durable-rules", "reference") for line in made.export()])

    assert exports[0] == exports[1]
