"""What people do to tasks: put off, given away, opened again; each once, each with its row."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.task_trail import trail_of
from engine.tasks import find_action, short_ids
from rules.errors import CareError, StateError, UsageError
from tests.factories import at
from tests.office import Office, copied, open_office

NOON = "2025-03-03T13:00"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return open_office(tmp_path_factory.mktemp("office"))


@pytest.fixture
def office(source: Path, tmp_path: Path) -> Office:
    return copied(source, tmp_path)


def trail(office: Office, action: str) -> list[tuple[str, str, str]]:
    """Return (change, why, who) of a task."""
    with office.ledger() as ledger:
        rows = trail_of(ledger, find_action(ledger, action))
    return [(row["change"], row["why"], row["who"]) for row in rows]


def test_a_task_that_is_put_off_moves_in_the_list(office: Office) -> None:
    """The new due time sorts the list, and decides what is overdue."""
    office.change("snooze", office.id(), NOON, until=at("2025-03-03T15:00"), why="急", who="王丽")
    first = office.listed("2025-03-03T16:00")[0]

    assert (first.action.customer, first.overdue) == ("c1", True)
    assert trail(office, office.id()) == [("snoozed", "急", "王丽")]


def test_the_same_change_again_does_nothing(office: Office) -> None:
    """A command that is sent twice leaves one row and one audit entry."""
    for what, given in (
        ("snooze", {"until": at("2025-03-07T18:00"), "why": "出差"}),
        ("assign", {"to": "赵敏"}),
        ("finish", {"outcome": "好"}),
        ("reopen", {"why": "未解决"}),
    ):
        first = office.change(what, office.id(), NOON, **given)
        before = office.counts()
        again = office.change(what, office.id(), NOON, **given)

        assert (first.changed, again.changed) == (True, False)
        assert office.counts() == before


def test_escalation_moves_with_the_due_time(office: Office) -> None:
    """Nobody is told that a call is overdue which was put off in time."""
    office.change("snooze", office.id(), NOON, until=at("2025-03-12T18:00"), why="出差")
    office.run("2025-03-06T18:00")

    told = {
        customer: [step for step, _, _ in office.actions(customer)] for customer in ("c1", "c2")
    }
    assert "ring.overdue" not in told["c1"]
    assert "ring.overdue" in told["c2"]


def test_steps_behind_a_task_move_with_it(office: Office) -> None:
    """What counts from the call counts from the day that it was really made."""
    office.change("snooze", office.id(), NOON, until=at("2025-03-10T18:00"), why="出差")
    office.change(
        "finish", office.id(), "2025-03-10T11:00", outcome="好", asked={"callback": "2025-03-20"}
    )
    office.run("2025-03-10T12:00")

    assert office.action("later")["opens_at"] == at("2025-03-13T09:00")
    assert office.action("back")["opens_at"] == at("2025-03-20")


def test_a_second_answer_moves_what_counts_from_the_first(office: Office) -> None:
    """The task is opened again and tells another date: the letter goes by that."""
    office.change("finish", office.id(), NOON, outcome="好", asked={"callback": "2025-03-20"})
    office.run("2025-03-03T14:00")
    office.change("reopen", office.id(), "2025-03-03T15:00", why="改期")
    office.run("2025-03-03T16:00")
    assert office.action("later")["opens_at"] > at("2100-01-01")

    again = office.id(turn=2)
    office.change(
        "finish", again, "2025-03-04T11:00", outcome="好", asked={"callback": "2025-03-27"}
    )
    office.run("2025-03-04T12:00")

    assert office.action("later")["opens_at"] == at("2025-03-07T09:00")
    assert office.action("back")["opens_at"] == at("2025-03-27")


def test_a_task_of_a_finished_journey_can_be_opened_again(office: Office) -> None:
    """The journey runs again until the task is closed once more, and nothing is done twice."""
    days = ["2025-03-04T09:00", "2025-03-10T09:00"]
    office.change("finish", office.id("look"), NOON)
    office.change("finish", office.id(), NOON, outcome="好")
    office.run(*days)
    office.change("finish", office.id("later"), "2025-03-10T10:00")
    office.run("2025-03-10T12:00")
    assert office.journeys() == [("p", "finished", "")]

    office.change("reopen", office.id(), "2025-03-11T10:00", why="客户又来电")
    office.run("2025-03-11T12:00")
    assert office.journeys() == [("p", "running", "")]

    office.change("finish", office.id(turn=2), "2025-03-11T15:00", outcome="不好")
    office.run("2025-03-11T16:00", "2025-03-12T16:00")

    assert office.journeys() == [("p", "finished", "")]
    assert [step for step, _, _ in office.actions()].count("later") == 1


def test_a_task_that_was_given_up_can_be_opened_again(office: Office) -> None:
    """Expired is no end for ever."""
    care = (office.root / "care.yaml").read_text(encoding="utf-8") + "give_up: after 3 days\n"
    office.write("care.yaml", care)
    office.run("2025-03-10T09:00")
    assert office.action("ring")["state"] == "expired"

    found = office.change("reopen", office.id(), "2025-03-10T10:00", why="现在有空了")

    assert (found.action.turn, str(found.action.state)) == (2, "open")
    assert found.action.due_by == at("2025-03-12T18:00")


def test_the_list_is_chosen_by_role_person_and_time(office: Office) -> None:
    """Each option leaves the others out; they work together."""
    office.change("assign", office.id(customer="c1"), NOON, to="李强")
    mine = office.listed(assignee="李强")
    bosses = office.listed(role="boss")

    assert sorted(task.action.customer for task in mine) == ["c1", "c3"]
    assert {task.step.name for task in bosses} == {"look"}
    assert len(office.listed(due_until=at("2025-03-05T00:00"))) == 4
    assert office.listed(role="boss", assignee="李强") == []
    assert {task.action.step for task in office.listed(step="ring", customer="c2")} == {"ring"}


def test_short_ids_name_one_action(office: Office) -> None:
    """What the list shows is enough to find the task by, in capitals too."""
    ids = [row["id"] for row in office.rows("SELECT id FROM actions")]
    with office.ledger() as ledger:
        short = short_ids(ledger, ids)
        found = {key: find_action(ledger, text.upper()).id for key, text in short.items()}

    assert found == {key: key for key in ids}
    assert max(map(len, short.values())) < 14


@pytest.mark.parametrize(
    ("what", "given", "words"),
    [
        ("snooze", {"until": "2025-03-03T12:30", "why": "x"}, "has passed"),
        ("snooze", {"until": "2027-03-03T12:30", "why": "x"}, "more than a year ahead"),
        ("snooze", {"until": "2025-03-04T12:30", "why": " "}, "say why"),
        ("assign", {"to": "  "}, "write the name"),
        ("assign", {"to": "王\n丽"}, "write the name"),
        ("finish", {"outcome": "gut"}, 'no outcome "gut"'),
        ("finish", {}, "asks for an outcome: 好, 不好, no_answer"),
        ("finish", {"outcome": "好", "asked": {"satisfaction": "6"}}, "from 1 to 5, not 6"),
        ("finish", {"outcome": "好", "asked": {"mark": "6"}}, 'does not ask for "mark"'),
        ("finish", {"outcome": "好", "note": "x" * 10_001}, "at most 10000 characters"),
    ],
)
def test_what_cannot_be_is_told_and_changes_nothing(
    office: Office, what: str, given: dict[str, object], words: str
) -> None:
    """Each mistake is one sentence; the ledger is as it was."""
    before = office.counts()
    until = given.get("until")
    if isinstance(until, str):
        given = {**given, "until": at(until)}
    with pytest.raises(UsageError, match=words):
        office.change(what, office.id(), NOON, **given)

    assert office.counts() == before


@pytest.mark.parametrize("what", ["finish", "snooze", "assign"])
def test_what_is_not_open_is_left_alone(office: Office, what: str) -> None:
    """A task that was done before stays as it was done; one cannot act before it opened."""
    given = {
        "finish": {"outcome": "不好"}, "assign": {"to": "x"},
        "snooze": {"until": at("2025-03-07T18:00"), "why": "x"},
    }[what]  # fmt: skip
    with pytest.raises(StateError, match="opened at 2025-03-03T12:00"):
        office.change(what, office.id(), "2025-03-03T11:00", **given)
    office.change("finish", office.id(), NOON, outcome="好")
    with pytest.raises(StateError, match="is done since 2025-03-03T13:00"):
        office.change(what, office.id(), "2025-03-03T14:00", **given)


def test_what_cannot_be_opened_again_says_what_to_do(office: Office) -> None:
    """Planned ones, those that were followed and escalations are told apart."""

    def refused(action: str, words: str) -> None:
        with pytest.raises(CareError, match=words):
            office.change("reopen", action, "2025-03-10T12:00", why="x")

    office.change("finish", office.id(), NOON, outcome="好")
    office.run("2025-03-03T14:00")
    refused(office.id("later"), "is planned; what is done or expired can be reopened")
    office.change("reopen", office.id(), "2025-03-03T15:00", why="x")
    office.change("finish", office.id(turn=2), "2025-03-03T16:00", outcome="好")
    refused(office.id(), "was reopened as .*, which is done: reopen that one")
    office.run("2025-03-10T09:00")
    escalation = office.id("ring.overdue", "c2")
    office.change("finish", escalation, "2025-03-10T10:00", outcome="好")
    refused(escalation, 'was an escalation; reopen the task of step "ring"')


def test_an_escalation_that_is_done_names_the_task_that_is_still_open(office: Office) -> None:
    """The boss has called: the call of the other one is still in the list, and is told."""
    office.run("2025-03-06T18:00")
    found = office.change("finish", office.id("ring.overdue"), "2025-03-06T18:30", outcome="好")

    assert [beside.id for beside in found.open_beside] == [office.id()]
