"""Faults at numbered points: nothing is sent without a committed intent, nothing twice, nothing lost.

Each fault is injected into a fresh copy of a scenario. Then `care run` at the same T, again at the
same T, and at the next T; what arrived on the other side, the ledger, the files and the audit chain
are compared with the same scenario that nothing disturbed (``tests/faults``).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from tests.faults.bugs import BUGS
from tests.faults.choice import chains, some, telling, waking
from tests.faults.scenarios import SCENARIOS
from tests.faults.yard import Job, Yard

FLOOR = 1_500  #: faults of the fast suite
ALONE, PAIRS, CHAINS, FULL, DENIED = 6, 3, 7, 2, 2  #: of each scenario
LENGTH = 8  #: kills in a chain
PAIRS_LONG = 20  #: of each scenario in the long suite
EACH = ALONE + 2 * PAIRS + LENGTH * CHAINS + FULL + DENIED

Record = Callable[[str, object], None]


@pytest.fixture(scope="module")
def yard() -> Iterator[Yard]:
    made = Yard()
    yield made
    made.close()


def test_the_floor() -> None:
    """All scenarios together inject 1,500 faults; 200 times a process is killed that recovers."""
    assert len(SCENARIOS) >= 12
    assert len(SCENARIOS) * EACH >= FLOOR
    assert len(SCENARIOS) * (PAIRS + CHAINS) >= 200


@pytest.mark.parametrize("name", SCENARIOS)
def test_sampled_faults(name: str, yard: Yard, record_property: Record) -> None:
    """Killed at sampled points, again while it recovers, and again and again; the disk full, or the
    files denied, from a point on.
    """
    points = yard.points(name)
    alone = [[number] for number in some(points, ALONE, f"{name} alone")]
    jobs = [
        Job(scenario=name, points=alone),
        Job(scenario=name, points=chains(points, PAIRS, 2, f"{name} pairs")),
        Job(scenario=name, points=chains(points, CHAINS, LENGTH, f"{name} chains")),
        Job(scenario=name, how="full", points=[[n] for n in some(points, FULL, f"{name} full")]),
        Job(scenario=name, how="denied", points=[[n] for n in some(points, DENIED, f"{name} no")]),
    ]
    reports = [yard.do(job) for job in jobs]
    faults = sum(report.faults for report in reports)
    record_property("faults", faults)

    assert [report.problems for report in reports] == [[]] * len(jobs)
    assert faults >= EACH * 0.9  # a process may end before its second point comes


def test_no_room_for_a_page_more(yard: Yard, record_property: Record) -> None:
    """A ledger that may grow to so many pages and no further, from the first on: care says so in a
    line, and with room again it goes on.
    """
    report = yard.do(Job(scenario="baseline", how="pages", pages=list(range(0, 64, 3))))
    record_property("faults", report.faults)

    assert report.problems == []
    assert report.ends["1"] > 15


#: scenario in which a bug shows, and how
CAUGHT = {
    "intent_after_send": Job(scenario="mail"),
    "doubt_forgotten": Job(scenario="mail"),
    "answer_not_kept": Job(scenario="bot"),
    "no_unique_key": Job(scenario="feed"),
    "cursor_first": Job(scenario="feed"),
    "spool_first": Job(scenario="spool"),
    "bucket_outside": Job(scenario="digest"),
    "two_transactions": Job(scenario="complaint"),
    "no_fence": Job(scenario="bot", how="stop"),
}
WITHIN = 60  #: faults


@pytest.mark.parametrize("bug", CAUGHT)
def test_a_seeded_bug_is_caught(bug: str, yard: Yard, record_property: Record) -> None:
    """With care made wrong on purpose the same harness finds it within sixty faults."""
    job = CAUGHT[bug]
    points = yard.points(job.scenario)
    where = waking(points) if job.how == "stop" else telling(points)
    chosen = random.Random(bug).sample(where, min(WITHIN, len(where)))
    report = yard.do(replace(job, bug=bug, points=[[n] for n in chosen], enough=1))
    record_property("faults", report.faults)

    assert report.problems
    assert bug in BUGS


def test_stopped_past_its_lease_and_woken(yard: Yard, record_property: Record) -> None:
    """A process that is stopped while another one takes over, and then woken, does nothing more."""
    faults = 0
    for name in ("mail", "bot"):
        chosen = random.Random(name).sample(waking(yard.points(name)), 4)
        report = yard.do(Job(scenario=name, how="stop", points=[[n] for n in chosen]))
        assert report.problems == []
        faults += report.faults
    record_property("faults", faults)

    assert faults == 8


@pytest.mark.parametrize("name", ["mail", "complaint", "import"])
def test_several_at_once(name: str, yard: Yard, record_property: Record) -> None:
    """Two and eight at once: who finds the others at work leaves with one line, and all is done once."""
    report = yard.do(Job(scenario=name, how="together", together=[2, 2, 8]))
    record_property("faults", report.faults)

    assert (report.problems, report.faults) == ([], 3)


@pytest.mark.parametrize("name", ["mail", "complaint"])
def test_the_clock_goes_back(name: str, yard: Yard, record_property: Record) -> None:
    """After a kill the clock goes back an hour or a day: care only delivers, and then goes on."""
    chosen = [[n] for n in some(yard.points(name), 5, f"{name} back")]
    reports = [yard.do(Job(scenario=name, points=chosen, back=by)) for by in (3_600, 86_400)]
    record_property("faults", sum(report.faults for report in reports))

    assert [report.problems for report in reports] == [[], []]


@pytest.mark.parametrize("name", ["mail", "signups", "bot"])
def test_nobody_takes_anything_for_a_while(name: str, yard: Yard, record_property: Record) -> None:
    """After a kill the other side is down: what waits goes out with the next run."""
    chosen = [[n] for n in some(yard.points(name), 6, f"{name} down")]
    report = yard.do(Job(scenario=name, points=chosen, down=True))
    record_property("faults", report.faults)

    assert (report.problems, report.faults) == ([], 6)


@pytest.mark.parametrize("name", ["mail", "bot", "hook_503", "hook_cut"])
def test_killed_while_the_other_side_answers(
    name: str, yard: Yard, record_property: Record
) -> None:
    """The other side has the message and kills the sender before it can hear the answer."""
    report = yard.do(Job(scenario=name, how="arrival", arrivals=[1, 2, 3]))
    record_property("faults", report.faults)

    assert (report.problems, report.faults) == ([], 3)


@pytest.mark.long
@pytest.mark.parametrize("name", SCENARIOS)
def test_every_point(name: str, yard: Yard, record_property: Record) -> None:
    """Killed at each point in turn, and with the disk full from every tenth one on."""
    points = yard.points(name)
    report = yard.do(Job(scenario=name, points=[[n] for n in range(1, len(points) + 1)]))
    full = [[n] for n in telling(points)[::10]]
    filled = yard.do(Job(scenario=name, how="full", points=full))
    pairs = yard.do(Job(scenario=name, points=chains(points, PAIRS_LONG, 2, f"{name} long")))
    record_property("faults", report.faults + filled.faults + pairs.faults)

    assert [report.problems, filled.problems, pairs.problems] == [[], [], []]
    assert report.faults == len(points)
    assert filled.faults == len(full)
    assert pairs.faults >= 1.5 * PAIRS_LONG  # a process may end before its second point comes
