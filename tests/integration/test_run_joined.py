"""One open task for the same customer, playbook and step: further occurrences go with it."""

from __future__ import annotations

from pathlib import Path

from engine.tasks import tasks
from tests.factories import Shop, at, event

CARE_ORDERS = (
    "trigger: {event: order}\noverlap: parallel\n"
    "steps:\n"
    "  - {step: thank, do: call, due: within 2 days, assign: owner, outcomes: [fine, bad],"
    " ask: {mark: 1 to 5}}\n"
    "  - {step: card, do: letter, due: now}\n"
)
CASES = (
    "trigger: {event: complaint}\n"
    "stop_when: [{event: solved, same: case_id, goal: solved}]\n"
    "steps:\n  - {step: ring, do: call, due: within 2 days, assign: owner}\n"
)


def shop(root: Path, text: str, **more: str) -> Shop:
    """Return a project with a playbook ``p`` that is live since 1 March."""
    made = Shop(root, p=text, **more)
    made.events(event("c0", "visit", "2025-02-01T10:00"))
    made.run("2025-03-01T08:00")
    return made


def order(made: Shop, *whens: str) -> None:
    made.events(*(event("c1", "order", when, amount=1) for when in whens))


def rows(made: Shop, step: str) -> list[tuple[str, str, bool]]:
    """Return (state, reason, goes with another) of a step's actions, the oldest first."""
    found = made.rows("SELECT * FROM actions WHERE step = ? ORDER BY opens_at, id", step)
    return [(row["state"], row["reason"] or "", row["host"] is not None) for row in found]


def listed(made: Shop, when: str) -> list[tuple[str, int]]:
    """Return (step, how many occurrences) of the lines of the task list."""
    with made.ledger() as ledger:
        return [(task.step.name, len(task.guests) + 1) for task in tasks(ledger, at=at(when))]


def test_a_second_occurrence_goes_with_the_open_task(tmp_path: Path) -> None:
    """Two orders while the call is open are one line of the list; one result closes both steps, and
    both journeys go on from there.
    """
    made = shop(tmp_path, CARE_ORDERS)
    order(made, "2025-03-03T10:00")
    made.run("2025-03-03T12:00")
    order(made, "2025-03-03T15:00")
    made.run("2025-03-03T16:00")
    assert listed(made, "2025-03-03T16:00") == [("thank", 2)]

    with made.ledger() as ledger:
        (task,) = tasks(ledger, at=at("2025-03-03T16:00"))
    finish(made, task.action.id, "2025-03-04T09:00", outcome="fine", asked={"mark": "5"})
    made.run("2025-03-04T10:00", "2025-03-05T10:00")

    assert rows(made, "thank") == [("done", "", False), ("done", "joined", True)]
    assert [row["asked"] for row in made.rows("SELECT asked FROM actions WHERE step = 'thank'")] == [
        '{"mark":50000}', '{"mark":50000}',
    ]  # fmt: skip
    assert rows(made, "card") == [("sent", "", False)] * 2
    assert made.journeys() == [("p", "finished", "")] * 2


def test_it_is_told_once(tmp_path: Path) -> None:
    """The log hears of one call that was done, so that reply rates and caps count one."""
    made = shop(tmp_path, CARE_ORDERS)
    order(made, "2025-03-03T10:00", "2025-03-03T11:00")
    made.run("2025-03-03T12:00")
    assert made.decisions("release") == [("released", ""), ("released", "joined")]

    host = made.rows("SELECT id FROM actions WHERE step = 'thank' AND host IS NULL")[0]["id"]
    finish(made, host, "2025-03-03T13:00", outcome="fine")
    made.run("2025-03-03T14:00")
    said = made.care("log", "c1", "--format", "json")

    assert [one["event"] for one in said.json["events"]].count("care_done") == 1


def test_each_case_has_a_task_of_its_own(tmp_path: Path) -> None:
    """Where `same` tells cases apart, two cases of one customer are two tasks."""
    made = shop(tmp_path, CASES)
    made.events(*(event("c1", "complaint", f"2025-03-03T1{n}:00", case_id=str(n)) for n in (0, 1)))
    made.run("2025-03-03T12:00")

    assert listed(made, "2025-03-03T12:00") == [("ring", 1), ("ring", 1)]


def test_the_same_case_again_is_one_task(tmp_path: Path) -> None:
    """A second complaint under the number of an open case goes with its task."""
    made = shop(tmp_path, CASES)
    made.events(*(event("c1", "complaint", f"2025-03-03T1{n}:00", case_id="1") for n in (0, 1)))
    made.run("2025-03-03T12:00")

    assert listed(made, "2025-03-03T12:00") == [("ring", 2)]


def test_it_stands_by_itself_when_the_other_is_cancelled(tmp_path: Path) -> None:
    """The journey of the open task is stopped; what went with it becomes a line of the list."""
    text = CARE_ORDERS + "stop_when: [{tier: gold}]\n"
    made = shop(tmp_path, text)
    order(made, "2025-03-03T10:00", "2025-03-03T11:00")
    made.run("2025-03-03T12:00")
    first = made.rows("SELECT journey FROM actions WHERE step = 'thank' AND host IS NULL")
    stop(made, first[0]["journey"], "2025-03-03T13:00")
    made.run("2025-03-03T14:00")

    assert rows(made, "thank") == [("cancelled", "stop_event", False), ("open", "", False)]
    assert listed(made, "2025-03-03T14:00") == [("thank", 1)]


def test_what_was_done_before_it_opened_does_not_close_it(tmp_path: Path) -> None:
    """A call at 13:00 cannot have been about an order that joined at 16:00."""
    made = shop(tmp_path, CARE_ORDERS)
    order(made, "2025-03-03T10:00")
    made.run("2025-03-03T12:00")
    order(made, "2025-03-03T15:00")
    made.run("2025-03-03T16:00")
    host = made.rows("SELECT id FROM actions WHERE step = 'thank' AND host IS NULL")[0]["id"]
    finish(made, host, "2025-03-03T13:00", outcome="fine")

    assert rows(made, "thank") == [("done", "", False), ("open", "", False)]
    assert listed(made, "2025-03-03T17:00") == [("thank", 1)]


def test_it_expires_with_the_task_that_it_goes_with(tmp_path: Path) -> None:
    """Nobody did it: both are given up at the same instant."""
    made = shop(
        tmp_path, CARE_ORDERS.replace("assign: owner,", "assign: owner, give_up: 1 day,", 1)
    )
    order(made, "2025-03-03T10:00", "2025-03-03T11:00")
    made.run("2025-03-03T12:00", "2025-03-07T12:00")
    closed = made.rows("SELECT DISTINCT closed_at FROM actions WHERE step = 'thank'")

    assert rows(made, "thank") == [("expired", "", False), ("expired", "joined", True)]
    assert len(closed) == 1


def test_it_takes_no_room_of_a_cap(tmp_path: Path) -> None:
    """A cap of one call a week has room for a second occurrence of the call that is open."""
    house = "caps:\n  - {at_most: 1, per: 7 days, then: skip}\n"
    made = shop(tmp_path, CARE_ORDERS, house=house)
    order(made, "2025-03-03T10:00", "2025-03-03T11:00")
    made.run("2025-03-03T12:00")

    assert rows(made, "thank") == [("open", "", False), ("open", "", True)]


def finish(made: Shop, action: str, when: str, **given: object) -> None:
    """Write that a task is done, by its id."""
    from engine.task_changes import finish_task

    with made.ledger() as ledger:
        finish_task(ledger, action, at=at(when), timezone="Asia/Shanghai", **given)


def stop(made: Shop, journey: str, when: str) -> None:
    """End one journey as a stop would."""
    from dataclasses import replace

    from engine.store import Store, cancelled
    from engine.words import JourneyState, Reason

    with made.ledger() as ledger, ledger.transaction():
        store = Store(ledger)
        found = store.journey(journey)
        assert found is not None
        for action in store.actions_of([journey])[journey].values():
            store.move(cancelled(action, at=at(when), reason=Reason.STOP_EVENT), at=at(when))
        ended = replace(
            found, state=JourneyState.STOPPED, ended_at=at(when), reason=Reason.STOP_EVENT
        )
        store.end(ended, at=at(when))
