"""What begins a journey, for whom, how often; run on a real log and a real ledger."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.ids import stable_share
from tests.factories import SHARED, Shop, at, event, profile

STEPS = "steps:\n  - {step: ring, do: call, due: within 1 day, assign: owner}\n"


def shop(root: Path, trigger: str, more: str = "", **texts: str) -> Shop:
    """Return a project with one playbook ``p``, live since the morning of 1 March."""
    made = Shop(root, p=f"trigger: {trigger}\n{more}{STEPS}", **texts)
    made.events(event("c0", "visit", "2025-02-01T10:00"))
    made.run("2025-03-01T08:00")
    return made


def started(made: Shop, customer: str = "c1") -> int:
    return len(made.journeys(customer))


# -- event, first ------------------------------------------------------------------------------


def test_event_begins_a_journey_at_the_events_own_time(tmp_path: Path) -> None:
    """The entry of an event trigger is the event's instant, not the run's."""
    made = shop(tmp_path, "{event: complaint}")
    made.events(event("c1", "complaint", "2025-03-01T10:15", case_id="A"))
    made.run("2025-03-02T08:00")

    (row,) = made.rows("SELECT entry, started_at FROM journeys")
    assert row == {"entry": at("2025-03-01T10:15"), "started_at": at("2025-03-02T08:00")}


def test_event_where_passes_only_what_it_says(tmp_path: Path) -> None:
    """An event that does not meet `where` is no candidate, an unknown field neither."""
    made = shop(tmp_path, "{event: complaint, where: {severity: high}}")
    made.events(
        event("c1", "complaint", "2025-03-01T10:00", case_id="A", severity="high"),
        event("c2", "complaint", "2025-03-01T10:00", case_id="B", severity="low"),
        event("c3", "complaint", "2025-03-01T10:00", case_id="C"),
    )
    made.run("2025-03-02T08:00")

    assert [started(made, c) for c in ("c1", "c2", "c3")] == [1, 0, 0]
    assert made.rows("SELECT * FROM decisions WHERE customer IN ('c2', 'c3')") == []


def test_every_event_begins_its_own_journey_by_default(tmp_path: Path) -> None:
    """`again` is always for event triggers, and a second event while one runs is refused."""
    made = shop(tmp_path, "{event: complaint}")
    made.events(event("c1", "complaint", "2025-03-01T10:00", case_id="A"))
    made.run("2025-03-02T08:00")
    made.events(event("c1", "complaint", "2025-03-02T10:00", case_id="B"))
    made.run("2025-03-03T08:00")
    made.done("ring", "2025-03-03T09:00")
    made.run("2025-03-03T10:00")
    made.events(event("c1", "complaint", "2025-03-03T11:00", case_id="C"))
    made.run("2025-03-04T08:00")

    assert made.journeys() == [("p", "finished", ""), ("p", "running", "")]
    assert made.decisions() == [("started", ""), ("refused", "overlap"), ("started", "")]


def test_first_takes_the_first_event_of_the_whole_log(tmp_path: Path) -> None:
    """`first` begins with the first of any of its events and never with a later one."""
    made = shop(tmp_path, "{first: [signup, order]}")
    made.events(
        event("c1", "order", "2025-03-01T12:00", amount=1),
        event("c1", "signup", "2025-03-01T13:00"),
        event("c0", "order", "2025-02-20T10:00", amount=1),
        event("c0", "signup", "2025-03-01T10:00"),
    )
    made.run("2025-03-02T08:00")

    assert started(made) == 1
    assert made.rows("SELECT entry FROM journeys WHERE customer = 'c1'") == [
        {"entry": at("2025-03-01T12:00")}
    ]
    assert started(made, "c0") == 0


def test_first_with_where_is_the_first_that_passes(tmp_path: Path) -> None:
    """`first: order, where: large` begins with the first large order."""
    made = shop(tmp_path, "{first: order, where: {amount: at least 100}}")
    made.events(
        event("c1", "order", "2025-03-01T09:00", amount=5),
        event("c1", "order", "2025-03-01T10:00", amount=500),
        event("c1", "order", "2025-03-01T11:00", amount=900),
    )
    made.run("2025-03-02T08:00")

    assert made.rows("SELECT entry FROM journeys") == [{"entry": at("2025-03-01T10:00")}]


def test_events_up_to_going_live_are_existing(tmp_path: Path) -> None:
    """What lies at or before the first run starts nothing, also when it is imported later."""
    made = shop(tmp_path, "{event: complaint}")
    made.events(
        event("c1", "complaint", "2025-03-01T08:00", case_id="A"),
        event("c2", "complaint", "2025-03-01T08:01", case_id="B"),
    )
    made.run("2025-03-02T08:00")

    assert [started(made, c) for c in ("c1", "c2")] == [0, 1]
    assert made.decisions(customer=None) == [("refused", "existing")]


@pytest.mark.parametrize(
    ("late", "when", "expected"),
    [
        ("", "2025-03-03T10:00", ("started", "")),
        ("", "2025-03-01T10:00", ("refused", "late")),
        (", late: ignore", "2025-03-08T10:00", ("refused", "late")),
        (", late: accept within 30 days", "2025-03-01T10:00", ("started", "")),
    ],
)
def test_late_events(tmp_path: Path, late: str, when: str, expected: tuple[str, str]) -> None:
    """An event that a run should have seen counts within `late`, 7 days unless it says else."""
    made = shop(tmp_path, f"{{event: complaint{late}}}")
    made.run("2025-03-09T08:00")
    made.events(event("c1", "complaint", when, case_id="A"))
    made.run("2025-03-10T08:00")

    assert made.decisions() == [expected]


def test_late_is_measured_to_the_run_that_sees_it(tmp_path: Path) -> None:
    """An event that is not late in coming is accepted however seldom care runs."""
    made = shop(tmp_path, "{event: complaint, late: ignore}")
    made.events(event("c1", "complaint", "2025-03-02T10:00", case_id="A"))
    made.run("2025-03-30T08:00")

    assert made.decisions() == [("started", "")]


# -- enters, leaves, changes --------------------------------------------------------------------


def test_enters_is_an_edge_seen_by_a_run(tmp_path: Path) -> None:
    """Entering begins a journey at the run's T; those who were inside begin none."""
    made = Shop(tmp_path, p=f"trigger: {{enters: buyers}}\n{STEPS}")
    made.events(event("c0", "order", "2025-02-01T10:00", amount=1))
    made.run("2025-03-01T08:00")
    made.events(event("c1", "order", "2025-03-01T10:00", amount=1))
    made.run("2025-03-02T08:00", "2025-03-03T08:00")

    assert [started(made, c) for c in ("c0", "c1")] == [0, 1]
    assert made.rows("SELECT entry FROM journeys") == [{"entry": at("2025-03-02T08:00")}]


def test_existing_enrol_takes_those_inside_once(tmp_path: Path) -> None:
    """With `existing: enrol` those inside at the first run begin, and none again after that."""
    made = Shop(tmp_path, p=f"trigger: {{enters: buyers}}\nexisting: enrol\nagain: always\n{STEPS}")
    made.events(event("c0", "order", "2025-02-01T10:00", amount=1))
    made.run("2025-03-01T08:00", "2025-03-02T08:00")

    assert made.decisions(customer="c0") == [("started", "")]


def test_leaves_fires_by_the_passing_of_time(tmp_path: Path) -> None:
    """Leaving needs no event: a window that passes over the last order is enough."""
    made = Shop(tmp_path, p=f"trigger: {{leaves: active}}\n{STEPS}")
    made.events(event("c1", "order", "2025-02-01T10:00", amount=1))
    made.run("2025-03-01T08:00", "2025-03-03T09:00", "2025-03-03T10:00", "2025-03-04T10:00")

    assert made.rows("SELECT entry FROM journeys") == [{"entry": at("2025-03-03T10:00")}]


def test_enters_again_after_leaving(tmp_path: Path) -> None:
    """With `again: always` each entering is an occurrence; the default is once in a lifetime."""
    texts = {"p": "again: always\n", "q": ""}
    books = {
        name: f"trigger: {{enters: active}}\n{more}stop_when:\n  - {{leaves: active}}\n{STEPS}"
        for name, more in texts.items()
    }
    made = Shop(tmp_path, **books)
    made.events(event("c0", "visit", "2025-02-01T10:00"))
    made.run("2025-03-01T08:00")
    made.events(event("c1", "order", "2025-03-01T10:00", amount=1))
    made.run("2025-03-02T08:00", "2025-04-02T08:00")
    made.events(event("c1", "order", "2025-04-03T10:00", amount=1))
    made.run("2025-04-04T08:00")

    assert made.journeys() == [
        ("p", "stopped", "stop_leaves"),
        ("q", "stopped", "stop_leaves"),
        ("p", "running", ""),
    ]
    assert ("refused", "again_never") in made.decisions()


def test_changes_of_a_class_from_and_to(tmp_path: Path) -> None:
    """`changes` fires where the value goes from one of `from` to one of `to`, and nowhere else."""
    made = shop(tmp_path, "{changes: stage, from: active, to: lapsed}", "again: always\n")
    made.events(event("c1", "order", "2025-03-01T10:00", amount=1))
    made.run("2025-03-02T08:00")
    assert started(made) == 0
    made.run("2025-04-02T08:00")

    assert started(made) == 1
    (row,) = made.rows("SELECT evidence FROM decisions WHERE customer = 'c1' AND gate = 'start'")
    assert '"before":"active"' in row["evidence"]
    assert '"after":"lapsed"' in row["evidence"]


def test_enters_a_class_value(tmp_path: Path) -> None:
    """A class value is entered like a segment."""
    made = shop(tmp_path, "{enters: stage.lapsed}")
    made.events(event("c1", "order", "2025-03-01T10:00", amount=1))
    made.run("2025-03-02T08:00", "2025-04-02T08:00")

    assert started(made) == 1


def test_holds_for_counts_from_the_first_run_that_saw_it(tmp_path: Path) -> None:
    """A segment must hold for the whole time; one who leaves before that begins nothing."""
    made = shop(tmp_path, "{enters: unhappy, holds_for: 2 days}", "again: always\n")
    made.events(
        event("c1", "complaint", "2025-03-01T10:00", case_id="A"),
        event("c2", "complaint", "2025-03-01T10:00", case_id="B"),
    )
    made.run("2025-03-02T08:00")
    made.events(event("c2", "solved", "2025-03-02T10:00", case_id="B"))
    made.run("2025-03-03T08:00")
    assert started(made) == 0
    made.run("2025-03-04T08:00", "2025-03-05T08:00")

    assert [started(made, c) for c in ("c1", "c2")] == [1, 0]
    assert made.rows("SELECT entry FROM journeys") == [{"entry": at("2025-03-04T08:00")}]


def test_attribute_moves_somebody_into_a_segment(tmp_path: Path) -> None:
    """A new version of an attribute is an edge as an event is."""
    made = shop(tmp_path, "{enters: big}")
    made.customers(profile("c1", "2025-02-01", size=10))
    made.run("2025-03-02T08:00")
    made.customers(profile("c1", "2025-03-02T10:00", size=100))
    made.run("2025-03-03T08:00")

    assert started(made) == 1


def test_several_triggers_any_of_them(tmp_path: Path) -> None:
    """A list of triggers is any of them, each with its name in the ledger."""
    trigger = "\n  - {event: complaint, name: 投诉}\n  - {enters: big}"
    made = shop(tmp_path, trigger, "again: always\noverlap: parallel\n")
    made.events(event("c1", "complaint", "2025-03-01T10:00", case_id="A"))
    made.customers(profile("c1", "2025-03-01", size=500))
    made.run("2025-03-02T08:00")

    rows = made.rows("SELECT trigger FROM journeys ORDER BY trigger")
    assert [row["trigger"] for row in rows] == ["enters", "投诉"]


def test_edge_that_a_late_import_shows_at_the_same_instant(tmp_path: Path) -> None:
    """A second run at one T, after an import, finds the edges that the first could not see."""
    made = shop(tmp_path, "{enters: buyers}")
    made.run("2025-03-02T08:00")
    made.events(event("c1", "order", "2025-03-01T10:00", amount=1))
    made.run("2025-03-02T08:00", "2025-03-03T08:00")

    assert started(made) == 1
    assert made.rows("SELECT entry FROM journeys") == [{"entry": at("2025-03-02T08:00")}]


# -- only, except, again, overlap, hold-out -----------------------------------------------------


def test_only_and_except_are_asked_as_of_entry(tmp_path: Path) -> None:
    """What becomes true after the event does not count for `only`."""
    made = shop(tmp_path, "{event: complaint}", "only: buyers\nexcept: big\n")
    made.customers(profile("c3", "2025-02-01", size=500))
    made.events(
        event("c1", "order", "2025-03-01T09:00", amount=1),
        event("c1", "complaint", "2025-03-01T10:00", case_id="A"),
        event("c2", "complaint", "2025-03-01T10:00", case_id="B"),
        event("c2", "order", "2025-03-01T11:00", amount=1),
        event("c3", "order", "2025-03-01T09:00", amount=1),
        event("c3", "complaint", "2025-03-01T10:00", case_id="C"),
    )
    made.run("2025-03-02T08:00")

    assert [started(made, c) for c in ("c1", "c2", "c3")] == [1, 0, 0]
    assert sorted(made.decisions(customer=None)) == [("refused", "except"), ("refused", "only")]


def test_refused_by_segment_is_one_row_with_a_count(tmp_path: Path) -> None:
    """Many refused by `only` are one row a run, with their number."""
    made = shop(tmp_path, "{event: complaint}", "only: buyers\n")
    made.events(
        *(event(f"x{n}", "complaint", "2025-03-01T10:00", case_id=str(n)) for n in range(9))
    )
    result = made.run("2025-03-02T08:00")

    (row,) = made.rows("SELECT evidence FROM decisions WHERE customer IS NULL")
    assert '"count":9' in row["evidence"]
    assert result.starts == {("p", "only"): 9}


def test_again_after_counts_from_the_last_entry(tmp_path: Path) -> None:
    """`again: after 10 days` refuses what comes too early and takes what comes in time."""
    made = shop(tmp_path, "{event: complaint}", "again: after 10 days\noverlap: parallel\n")
    made.events(
        event("c1", "complaint", "2025-03-02T10:00", case_id="A"),
        event("c1", "complaint", "2025-03-12T09:59", case_id="B"),
        event("c1", "complaint", "2025-03-12T10:00", case_id="C"),
    )
    made.run("2025-03-13T08:00")

    assert sorted(made.decisions()) == [
        ("refused", "again_early"),
        ("started", ""),
        ("started", ""),
    ]
    assert [row["entry"] for row in made.rows("SELECT entry FROM journeys ORDER BY entry")] == [
        at("2025-03-02T10:00"), at("2025-03-12T10:00"),
    ]  # fmt: skip


def test_again_never_is_once_in_a_lifetime(tmp_path: Path) -> None:
    """`again: never` refuses the second occurrence, also long after the first journey ended."""
    made = shop(tmp_path, "{event: complaint}", "again: never\n")
    made.events(event("c1", "complaint", "2025-03-02T10:00", case_id="A"))
    made.run("2025-03-03T08:00")
    made.done("ring", "2025-03-03T09:00")
    made.events(event("c1", "complaint", "2025-06-02T10:00", case_id="B"))
    made.run("2025-06-03T08:00")

    assert made.decisions() == [("started", ""), ("refused", "again_never")]


@pytest.mark.parametrize(
    ("overlap", "journeys"),
    [
        ("ignore", [("p", "running", "")]),
        ("parallel", [("p", "running", ""), ("p", "running", "")]),
        ("restart", [("p", "stopped", "restarted"), ("p", "running", "")]),
    ],
)
@pytest.mark.parametrize("batch", ["one run", "two runs"])
def test_overlap(
    tmp_path: Path, overlap: str, journeys: list[tuple[str, str, str]], batch: str
) -> None:
    """While one runs the next is refused, runs beside it, or takes its place."""
    made = shop(tmp_path, "{event: complaint}", f"overlap: {overlap}\n")
    made.events(event("c1", "complaint", "2025-03-02T10:00", case_id="A"))
    if batch == "two runs":
        made.run("2025-03-03T08:00")
    made.events(event("c1", "complaint", "2025-03-03T10:00", case_id="B"))
    made.run("2025-03-04T08:00")

    assert made.journeys() == journeys
    tasks = [(step, state) for step, state, _ in made.actions() if state != "cancelled"]
    assert tasks == [("ring", "open")] * sum(state == "running" for _, state, _ in journeys)


def test_overlap_is_parallel_where_a_stop_has_same(tmp_path: Path) -> None:
    """Cases have journeys of their own: `same` makes parallel the default."""
    stop = "stop_when:\n  - {event: solved, same: case_id, goal: solved}\n"
    made = shop(tmp_path, "{event: complaint}", stop)
    made.events(
        event("c1", "complaint", "2025-03-02T10:00", case_id="A"),
        event("c1", "complaint", "2025-03-02T11:00", case_id="B"),
    )
    made.run("2025-03-03T08:00")
    made.events(event("c1", "solved", "2025-03-03T10:00", case_id="B"))
    made.run("2025-03-04T08:00")

    assert made.journeys() == [("p", "running", ""), ("p", "stopped", "goal")]


def test_holdout_takes_about_its_share_and_always_the_same(tmp_path: Path) -> None:
    """A hold-out of 30% refuses about 30% of 400 customers, by playbook and customer alone."""
    made = shop(tmp_path, "{event: complaint}", "holdout: 30%\nlimits: {per_run: 1000}\n")
    rows = [event(f"c{n}", "complaint", "2025-03-02T10:00", case_id="A") for n in range(1, 401)]
    made.events(*rows)
    result = made.run("2025-03-03T08:00")

    held = {
        row["customer"] for row in made.rows("SELECT * FROM decisions WHERE reason = 'holdout'")
    }
    expected = {f"c{n}" for n in range(1, 401) if stable_share("p", f"c{n}") * 10 < 3}
    assert held == expected
    assert 0.22 < len(held) / 400 < 0.38
    assert result.starts["p", "started"] == 400 - len(held)


def test_project_wide_holdout_is_over_all_playbooks(tmp_path: Path) -> None:
    """The hold-out of house.yaml keeps the same customers out of every playbook."""
    made = Shop(
        tmp_path, house="holdout: 50%\n",
        p=f"trigger: {{event: complaint}}\n{STEPS}", q=f"trigger: {{event: complaint}}\n{STEPS}",
    )  # fmt: skip
    made.events(event("c0", "visit", "2025-02-01T10:00"))
    made.run("2025-03-01T08:00")
    made.events(*(event(f"c{n}", "complaint", "2025-03-02T10:00", case_id="A") for n in range(60)))
    made.run("2025-03-03T08:00")

    out = {
        book: {
            row["customer"]
            for row in made.rows(
                "SELECT * FROM decisions WHERE reason = 'holdout_project' AND playbook = ?", book
            )
        }
        for book in ("p", "q")
    }
    assert out["p"] == out["q"]
    assert 15 < len(out["p"]) < 45


def test_own_segments_of_a_playbook_trigger_it(tmp_path: Path) -> None:
    """A playbook may define what it is triggered by."""
    own = "segments:\n  two: {title: 二, orders: at least 2}\n"
    made = shop(tmp_path, "{enters: two}", own, shared=SHARED)
    made.events(
        event("c1", "order", "2025-03-01T10:00", amount=1),
        event("c1", "order", "2025-03-01T11:00", amount=1),
    )
    made.run("2025-03-02T08:00")

    assert started(made) == 1
