"""The ledger does not depend on how often care runs, on the order of imports, on what is broken."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from engine.approvals import approve
from rules.errors import ClockError
from tests.factories import Shop, at, event, profile

RING = "steps:\n  - {step: ring, do: call, due: within 2 days, assign: owner}\n"
DAYS = [f"2025-03-{day:02}T08:00" for day in range(2, 10)]
BOOKS = {
    "repair": (
        "purpose: repair\npriority: 9\n"
        "trigger: {event: complaint, late: accept within 30 days}\n"
        "stop_when:\n  - {event: solved, same: case_id, goal: solved}\n"
        "steps:\n  - {step: sorry, do: letter, due: same day}\n"
        "  - {step: ring, from: entry, do: call, due: within 2 working days, assign: owner}\n"
        "  - {step: look, do: review, due: after 1 day, assign: boss}\n"
    ),
    "hello": "trigger: {first: [signup, order]}\n" + RING,
    "win": "trigger: {enters: active}\nagain: after 3 days\nholdout: 20%\n"
    "stop_when:\n  - {leaves: active}\nsteps:\n  - {step: gift, do: letter, due: after 1 day}\n",
    "stage": "trigger: {changes: stage}\nagain: always\noverlap: restart\n" + RING,
    "told": "trigger: {event: care_sent}\noverlap: parallel\n" + RING,
}
HOUSE = (
    "rules:\n  - {rule: r, when: {work: {playbook: win}, customer: {in: unhappy}},"
    " then: defer 1 day}\n"
)


def busy(root: Path) -> Shop:
    """Return a project with many kinds of playbooks, and nothing imported yet."""
    return Shop(root, house=HOUSE, **BOOKS)


def rows(seed: int = 1, customers: int = 8) -> list[dict[str, object]]:
    """Return a small made-up log of a week."""
    draw = random.Random(seed)
    found: list[dict[str, object]] = []
    for index in range(120):
        customer = f"c{draw.randrange(customers)}"
        kind = draw.choice(["signup", "order", "order", "visit", "complaint", "solved"])
        when = f"2025-{draw.choice(['02-27', '03-01', '03-03', '03-04', '03-06', '03-08'])}"
        when += f"T{draw.randrange(7, 20):02}:{draw.randrange(60):02}"
        fields: dict[str, object] = {}
        if kind in ("complaint", "solved"):
            fields["case_id"] = f"{customer}-{draw.randrange(2)}"
        if kind == "order":
            fields["amount"] = draw.randrange(1, 500)
        found.append(event(customer, kind, when, key=f"e{index}", **fields))
    return found


def test_a_second_run_at_one_instant_adds_no_row(tmp_path: Path) -> None:
    """The same T, S and configuration again is a no-op, in the export and in every table."""
    made = busy(tmp_path)
    made.events(*rows())
    made.run(*DAYS[:4])
    before = made.counts(), made.export()
    result = made.run(DAYS[3])

    assert result.repeated
    assert (made.counts(), made.export()) == before


def test_a_second_run_feeds_nothing_of_its_own_instant(tmp_path: Path) -> None:
    """A stop that a run wrote is no event for another run at that T, though it happened before."""
    made = Shop(
        tmp_path, p=f"trigger: {{event: complaint}}\nstop_when: [{{event: solved}}]\n{RING}"
    )
    made.events(event("c0", "visit", "2025-02-01T10:00"))
    made.run("2025-03-01T08:00")
    made.events(
        event("c1", "complaint", "2025-03-01T10:00", case_id="A"),
        event("c1", "solved", "2025-03-01T11:00", case_id="A"),
    )
    made.run("2025-03-02T08:00")
    before = made.counts()
    result = made.run("2025-03-02T08:00")

    assert (result.repeated, result.fed) == (True, 0)
    assert made.counts() == before


def test_one_process_equals_many(tmp_path: Path) -> None:
    """A series in one runner writes what a runner for each instant writes, byte for byte."""
    one, many = busy(tmp_path / "one"), busy(tmp_path / "many")
    one.events(*rows())
    many.events(*rows())
    one.run(*DAYS)
    for day in DAYS:
        many.run(day)

    assert one.export() == many.export()
    assert one.sent() == many.sent()


@pytest.mark.parametrize("seed", range(2))
def test_events_in_any_order_twice_and_in_batches(tmp_path: Path, seed: int) -> None:
    """What is all there before the runs may have come in any order, twice, in any batches."""
    draw = random.Random(seed)
    straight, shuffled = busy(tmp_path / "straight"), busy(tmp_path / "shuffled")
    straight.events(*rows())
    mixed = rows() + draw.sample(rows(), 40)
    draw.shuffle(mixed)
    while mixed:
        size = draw.randrange(1, 80)
        shuffled.events(*mixed[:size])
        mixed = mixed[size:]
    straight.run(*DAYS)
    shuffled.run(*DAYS)

    assert straight.export() == shuffled.export()


@pytest.mark.parametrize("seed", range(2))
def test_batches_between_runs_begin_the_same_journeys_or_say_late(
    tmp_path: Path, seed: int
) -> None:
    """Events that come in between runs lead to the journeys that they lead to when all are there
    before, or to a decision with the reason `late`.
    """
    book = "trigger: {event: complaint, late: accept within 2 days}\noverlap: parallel\n" + RING
    whole, bits = Shop(tmp_path / "whole", p=book), Shop(tmp_path / "bits", p=book)
    start = event("c0", "visit", "2025-02-01T10:00")
    complaints = [row for row in rows(seed) if row["event"] == "complaint"]
    for made in (whole, bits):
        made.events(start)
        made.run("2025-02-20T08:00")
    whole.events(*complaints)
    whole.run(*DAYS)
    draw = random.Random(seed)
    draw.shuffle(complaints)
    for index, day in enumerate(DAYS):
        if batch := complaints[index :: len(DAYS)]:
            bits.events(*batch)
        bits.run(day)

    def journeys(made: Shop) -> set[str]:
        return {row["id"] for row in made.rows("SELECT id FROM journeys")}

    late = bits.rows("SELECT * FROM decisions WHERE reason = 'late'")
    assert journeys(bits) <= journeys(whole)
    assert len(journeys(whole)) == len(journeys(bits)) + len(late)
    assert len(late) > 0


def test_a_corrected_event_changes_no_decision_that_was_made(tmp_path: Path) -> None:
    """A new version of an event starts nothing twice: decisions stand."""
    made = Shop(tmp_path, p=f"trigger: {{event: complaint}}\noverlap: parallel\n{RING}")
    made.events(event("c0", "visit", "2025-02-01T10:00"))
    made.run("2025-03-01T08:00")
    made.events(event("c1", "complaint", "2025-03-01T10:00", key="k", case_id="A"))
    made.run("2025-03-02T08:00")
    made.events(event("c1", "complaint", "2025-03-01T11:00", key="k", case_id="A"))
    made.run("2025-03-03T08:00")

    assert made.decisions() == [("started", "")]


def test_a_run_before_the_last_one_is_an_error(tmp_path: Path) -> None:
    """A run at an earlier T would decide about a past that is decided already."""
    made = busy(tmp_path)
    made.events(*rows())
    made.run(DAYS[3])
    before = made.export()

    with pytest.raises(ClockError, match="the last run was at 2025-03-05T08:00"):
        made.run(DAYS[2])
    assert made.export() == before


# -- what happens to playbooks ------------------------------------------------------------------


def shop(root: Path, trigger: str, more: str = "", steps: str = RING) -> Shop:
    made = Shop(
        root, p=f"{more}trigger: {trigger}\n{steps}", other=f"trigger: {{event: visit}}\n{RING}"
    )
    made.events(event("c0", "order", "2025-02-01T10:00", amount=1))
    made.run("2025-03-01T08:00")
    return made


def test_a_broken_playbook_is_left_out_and_the_others_go_on(tmp_path: Path) -> None:
    """Its journeys wait, the others go on, and once mended it goes on where it was."""
    steps = "steps:\n  - {step: ring, do: call, due: after 2 days, assign: owner}\n"
    made = shop(tmp_path, "{event: complaint}", steps=steps)
    sound = (tmp_path / "playbooks/p.yaml").read_text(encoding="utf-8")
    made.events(event("c1", "complaint", "2025-03-01T10:00", case_id="A"))
    made.run("2025-03-02T08:00")
    made.book("p", "trigger: {event: nothing}\nsteps:\n  - {step: x, do: call, assign: owner}\n")
    made.events(
        event("c2", "complaint", "2025-03-02T10:00", case_id="B"),
        event("c3", "visit", "2025-03-02T10:00"),
    )
    result = made.run("2025-03-03T08:00", "2025-03-04T08:00")
    assert made.project.broken == ("playbooks/p.yaml",)
    assert result.waiting == {"p": 1}
    assert (made.actions("c1"), made.journeys("c2")) == ([("ring", "planned", "")], [])
    assert made.journeys("c3") == [("other", "running", "")]
    made.write("playbooks/p.yaml", sound)
    result = made.run("2025-03-05T08:00")

    assert result.live == ()
    assert made.actions("c1") == [("ring", "open", "")]
    assert made.journeys("c2") == [("p", "running", "")]


def test_a_mended_playbook_sees_the_edges_of_the_meantime(tmp_path: Path) -> None:
    """Who entered while the playbook was broken is seen by the first run after that."""
    made = shop(tmp_path, "{enters: buyers}", "existing: enrol\nagain: always\n")
    sound = (tmp_path / "playbooks/p.yaml").read_text(encoding="utf-8")
    assert made.journeys("c0") == [("p", "running", "")]
    made.done("ring", "2025-03-01T09:00", customer="c0")
    made.book("p", "trigger: {enters: nowhere}\nsteps: []\n")
    made.events(event("c1", "order", "2025-03-02T10:00", amount=1))
    made.run("2025-03-03T08:00")
    made.write("playbooks/p.yaml", sound)
    made.run("2025-03-04T08:00", "2025-03-05T08:00")

    assert made.rows("SELECT entry FROM journeys WHERE customer = 'c1'") == [
        {"entry": at("2025-03-04T08:00")}
    ]
    assert made.journeys("c0") == [("p", "finished", "")]


@pytest.mark.parametrize("trigger", ["{event: order}", "{enters: buyers}"])
def test_paused_and_back_is_a_silent_baseline(tmp_path: Path, trigger: str) -> None:
    """What happened during the pause is existing; journeys of before go on after it."""
    steps = "steps:\n  - {step: ring, do: call, due: after 2 days, assign: owner}\n"
    made = shop(tmp_path, trigger, "status: active\n", steps=steps)
    active = (tmp_path / "playbooks/p.yaml").read_text(encoding="utf-8")
    made.events(event("c1", "order", "2025-03-01T10:00", amount=1))
    made.run("2025-03-02T08:00")
    made.write("playbooks/p.yaml", active.replace("status: active", "status: paused"))
    made.events(event("c2", "order", "2025-03-02T10:00", amount=1))
    result = made.run("2025-03-05T08:00")
    assert result.waiting == {"p": 1}
    made.write("playbooks/p.yaml", active)
    result = made.run("2025-03-06T08:00")
    made.events(event("c3", "order", "2025-03-06T10:00", amount=1))
    made.run("2025-03-07T08:00")

    assert result.live == ("p",)
    assert made.actions("c1") == [("ring", "open", "")]
    assert made.journeys("c2") == []
    assert made.journeys("c3") == [("p", "running", "")]


def test_an_edited_definition_takes_a_silent_baseline(tmp_path: Path) -> None:
    """Those whom an edit of the segment brings in are existing, with `existing: enrol` too."""
    made = shop(tmp_path, "{enters: big}", "existing: enrol\n")
    made.customers(profile("c1", "2025-01-01", size=60), profile("c2", "2025-01-01", size=10))
    made.run("2025-03-02T08:00")
    shared = (tmp_path / "shared.yaml").read_text(encoding="utf-8")
    made.write("shared.yaml", shared.replace("size: at least 100", "size: at least 50"))
    result = made.run("2025-03-03T08:00")
    made.customers(profile("c2", "2025-03-03T10:00", size=70))
    made.run("2025-03-04T08:00")

    assert result.live == ("p",)
    assert made.journeys("c1") == []
    assert made.journeys("c2") == [("p", "running", "")]


def test_an_edited_title_is_no_edit(tmp_path: Path) -> None:
    """Words that only people read change neither the baseline nor the revision."""
    made = shop(tmp_path, "{enters: big}", "title: 甲\n")
    before = made.project.playbooks[-1].revision
    made.book("p", f"title: 乙\ntrigger: {{enters: big}}\n{RING}")
    result = made.run("2025-03-02T08:00")

    assert made.project.playbooks[-1].revision == before
    assert result.live == ()


# -- blast radius -------------------------------------------------------------------------------


@pytest.mark.parametrize("trigger", ["{event: order}", "{enters: buyers}"])
def test_over_the_limit_a_playbook_is_held_and_the_others_go_on(
    tmp_path: Path, trigger: str
) -> None:
    """One row with the count, nothing else of it; approved, the same candidates begin."""
    made = shop(tmp_path, trigger, "limits: {per_run: 3}\n")
    made.events(*(event(f"x{n}", "order", "2025-03-01T10:00", amount=1) for n in range(4)))
    made.events(event("c9", "visit", "2025-03-01T10:00"))
    held = [made.run(f"2025-03-0{day}T08:00").held for day in (2, 3)]
    assert held == [{"p": 4}, {"p": 4}]
    assert made.journeys("c9") == [("other", "running", "")]
    assert made.rows("SELECT * FROM journeys WHERE playbook = 'p'") == []
    rows = made.rows("SELECT evidence FROM decisions WHERE reason = 'per_run'")
    assert [json.loads(row["evidence"]) for row in rows] == [{"count": 4, "per_run": 3}] * 2
    with made.ledger() as ledger:
        approve(ledger, made.project, "p", at=at("2025-03-03T09:00"), who="甲")
    result = made.run("2025-03-04T08:00")

    assert (result.held, result.starts["p", "started"]) == ({}, 4)
    occurrences = made.rows("SELECT DISTINCT occurrence FROM journeys WHERE playbook = 'p'")
    assert len(occurrences) == (4 if "event" in trigger else 1)
    made.events(*(event(f"y{n}", "order", "2025-03-04T10:00", amount=1) for n in range(4)))
    assert made.run("2025-03-05T08:00").held == {"p": 4}


def test_refusals_do_not_count_towards_the_limit(tmp_path: Path) -> None:
    """The limit is on journeys that would begin, not on candidates."""
    made = shop(tmp_path, "{event: order}", "limits: {per_run: 3}\nonly: {size: above 0}\n")
    made.customers(*(profile(f"x{n}", "2025-01-01", size=1) for n in range(3)))
    made.events(*(event(f"x{n}", "order", "2025-03-01T10:00", amount=1) for n in range(9)))
    result = made.run("2025-03-02T08:00")

    assert result.held == {}
    assert result.starts == {("p", "started"): 3, ("p", "only"): 6}


# -- care's own events --------------------------------------------------------------------------


def test_what_care_did_is_an_event_for_later_runs(tmp_path: Path) -> None:
    """Results of tasks feed measures of the next run; messages and tasks are contacts."""
    steps = (
        "steps:\n  - {step: hello, do: letter, due: now}\n"
        "  - {step: ring, do: call, due: now, assign: owner, outcomes: [ok, bad],"
        " ask: {satisfaction: 1 to 5, callback: date}}\n"
    )
    made = Shop(
        tmp_path,
        p=f"trigger: {{event: complaint}}\n{steps}",
        sad=(
            "measures:\n  score: {last_value: care_done.satisfaction}\n"
            "segments:\n  sad: {title: 不满, score: below 3, contacts: at least 2}\n"
            f"trigger: {{enters: sad}}\n{RING.replace('ring', 'boss_call')}"
        ),
        bad=f"trigger: {{event: care_done, where: {{outcome: bad}}}}\n"
        f"{RING.replace('ring', 'follow')}",
    )
    made.events(event("c0", "visit", "2025-02-01T10:00"))
    made.run("2025-03-01T08:00")
    made.events(event("c1", "complaint", "2025-03-01T10:00", case_id="A"))
    made.run("2025-03-02T08:00", "2025-03-03T08:00")
    made.done(
        "ring", "2025-03-03T09:00", outcome="bad",
        asked={"satisfaction": "2", "callback": "2025-03-20"},
    )  # fmt: skip
    made.run("2025-03-04T08:00")

    assert made.action("boss_call")["state"] == "open"
    assert made.action("follow")["state"] == "open"


def test_care_events_are_fed_once(tmp_path: Path) -> None:
    """However often care runs, each transition is one event of the log."""
    made = busy(tmp_path)
    made.events(*rows())
    fed = sum(made.run(day).fed for day in DAYS)
    ended = made.run("2025-03-20T08:00").fed
    again = made.run("2025-03-20T08:00").fed

    count = made.rows(
        "SELECT count(*) AS n FROM audit WHERE at < ?"
        " AND ((kind = 'journey' AND body LIKE '%\"state\":\"running\"%')"
        " OR (kind = 'journey' AND body LIKE '%\"state\":\"stopped\"%')"
        " OR (kind = 'action' AND body LIKE '%\"state\":\"sent\"%'))",
        at("2025-03-20T08:00"),
    )[0]["n"]
    assert (fed + ended, again) == (count, 0)
