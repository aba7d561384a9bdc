"""The walk over steps that people reopened, and over the rungs of an overdue task."""

from dataclasses import replace

import pytest

from engine.journeys import NEVER
from engine.words import ActionState, Reason
from rules.measures import Events
from rules.playbook import (
    Anchor,
    AnchorKind,
    Branch,
    Choose,
    DoneWhen,
    Due,
    DueForm,
    Overdue,
    Retry,
)
from rules.units import Duration, Unit
from tests.unit.test_unfold import FALSE, TRUE, Course, do, event, make, t

AFTER = Due(DueForm.AFTER, low=Duration(3, Unit.DAY))


def reopen(course, name, when, turn=1):
    """Do what a person does who reopens a task: the step's next turn is open."""
    old = course.actions[name, turn]
    course.actions[name, turn + 1] = replace(
        old, id=f"{old.id}-{turn + 1}", turn=turn + 1, state=ActionState.OPEN, opens_at=t(when),
        opened_at=t(when), closed_at=None, outcome=None, detail={"reopens": old.id},
    )  # fmt: skip


def begun(*steps):
    """Return a course whose first step was done on 2 October at 10:00."""
    course = Course(*steps)
    course.walk("2025-10-01T10:00")
    course.open("a")
    course.done("a", "2025-10-02T10:00")
    course.walk("2025-10-02T11:00")
    return course


def test_what_was_planned_behind_a_reopened_step_waits_for_it():
    """The step behind loses its date, and gets one again from the second close."""
    course = begun(do("a"), do("b", due=AFTER))
    assert course.actions["b", 1].opens_at == t("2025-10-05T10:00")

    reopen(course, "a", "2025-10-03T10:00")
    course.walk("2025-10-03T11:00")
    assert (course.state("b"), course.actions["b", 1].opens_at) == (ActionState.PLANNED, NEVER)

    course.done("a", "2025-10-04T12:00", turn=2)
    found = course.walk("2025-10-04T13:00")

    assert course.actions["b", 1].opens_at == t("2025-10-07T12:00")
    assert found.done_at is None


def test_what_has_begun_behind_a_reopened_step_goes_on():
    """A task that is open already keeps its clock, and what follows it counts from its close."""
    heard = DoneWhen(events=Events(names=("visit",)))
    course = begun(do("a"), do("b", done_when=heard), do("c", due=AFTER))
    course.open("b")
    reopen(course, "a", "2025-10-03T10:00")
    course.walk("2025-10-03T11:00", event("visit", "2025-10-02T15:00"))

    assert course.state("b") is ActionState.DONE
    assert course.actions["b", 1].closed_at == t("2025-10-02T15:00")
    assert course.actions["c", 1].opens_at == t("2025-10-05T15:00")


def test_what_begins_after_the_second_close_counts_from_it():
    """An event between the two closes is no answer to a step that began after the second."""
    heard = DoneWhen(events=Events(names=("visit",)))
    course = begun(do("a"), do("b", due=AFTER, done_when=heard))
    reopen(course, "a", "2025-10-03T10:00")
    course.walk("2025-10-03T11:00")
    course.done("a", "2025-10-04T12:00", turn=2)
    course.walk("2025-10-04T13:00")
    course.open("b")
    course.walk("2025-10-08T00:00", event("visit", "2025-10-03T15:00"))
    assert course.state("b") is ActionState.OPEN

    course.walk("2025-10-08T00:00", event("visit", "2025-10-07T15:00"))

    assert course.state("b") is ActionState.DONE


def test_a_journey_is_not_over_while_a_reopened_task_is_open():
    """All steps were closed; the journey ends with the second close."""
    course = begun(do("a"))
    reopen(course, "a", "2025-10-03T10:00")
    assert course.walk("2025-10-03T11:00").done_at is None

    course.done("a", "2025-10-04T12:00", turn=2)

    assert course.walk("2025-10-04T13:00").done_at == t("2025-10-04T12:00")


def test_a_choice_that_was_taken_stays():
    """The branch was chosen after the first close; the second outcome chooses no other one."""
    choose = make(
        Choose, "by",
        branches=(
            Branch(condition=FALSE, steps=(do("x"),)), Branch(condition=TRUE, steps=(do("y"),)),
        ),
    )  # fmt: skip
    course = begun(do("a"), choose, do("z"))
    assert course.actions["by", 1].branch == "1"

    reopen(course, "a", "2025-10-03T10:00")
    course.walk("2025-10-03T11:00")
    course.open("y")
    course.done("y", "2025-10-03T12:00")
    course.walk("2025-10-03T13:00")

    assert ("x", 1) not in course.actions
    assert course.actions["z", 1].opens_at == t("2025-10-03T12:00")


def test_a_reopened_try_is_no_further_try():
    """`retry: times 1` has its one further try, also where a person opened the task once more."""
    again = Retry(on=("no_answer",), every=Duration(1, Unit.DAY), times=1)
    course = Course(do("a", outcomes=("fine", "no_answer"), retry=again))
    course.walk("2025-10-01T10:00")
    course.open("a")
    course.done("a", "2025-10-02T10:00", outcome="fine")
    course.walk("2025-10-02T11:00")
    reopen(course, "a", "2025-10-02T12:00")
    course.done("a", "2025-10-02T13:00", outcome="no_answer", turn=2)
    course.walk("2025-10-02T14:00")
    assert course.actions["a", 3].opens_at == t("2025-10-03T13:00")

    course.open("a", 3)
    course.done("a", "2025-10-03T14:00", outcome="no_answer", turn=3)
    found = course.walk("2025-10-03T15:00")

    assert ("a", 4) not in course.actions
    assert found.done_at == t("2025-10-03T14:00")


def test_a_reopened_task_escalates_and_is_given_up_by_itself():
    """The second turn has rungs of its own, and an end of its own."""
    course = begun(do("a", if_overdue=(Overdue(role="boss"),)))
    reopen(course, "a", "2025-10-03T10:00")
    course.set("a", 2, due_by=t("2025-10-04T10:00"))
    course.walk("2025-10-04T11:00")
    assert course.state("a.overdue", 2) is ActionState.PLANNED

    course.walk("2025-10-06T00:00", give_up=Duration(1, Unit.DAY))

    assert course.state("a", 2) is ActionState.EXPIRED
    assert course.actions["a.overdue", 2].reason == Reason.ANSWERED


def test_a_date_that_becomes_unknown_takes_the_plan_along():
    """A step before the contract's end is not done at the old date when the date is taken back."""
    anchor = Anchor(AnchorKind.DATE, "contract_end")
    course = Course(do("a", anchor=anchor))
    course.walk("2025-10-01T10:00", dates={"contract_end": t("2025-11-01T00:00")})
    assert course.actions["a", 1].opens_at == t("2025-11-01T00:00")

    course.walk("2025-10-02T10:00")
    assert course.actions["a", 1].opens_at == NEVER

    course.walk("2025-10-03T10:00", dates={"contract_end": t("2025-12-01T00:00")})

    assert course.actions["a", 1].opens_at == t("2025-12-01T00:00")


def rungs():
    """Return a course with a ladder of two rungs whose task is open and due on 3 October 10:00."""
    ladder = (
        Overdue(role="boss"),
        Overdue(role="chief", after=Duration(4, Unit.WORKING_HOUR)),
    )
    course = Course(do("a", if_overdue=ladder), do("b"))
    course.walk("2025-10-01T10:00")
    course.open("a")
    return course


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2025-10-03T10:00", ["a.overdue"]),
        ("2025-10-03T13:59", ["a.overdue"]),
        ("2025-10-03T14:00", ["a.overdue", "a.overdue2"]),  # four hours of work later
        ("2025-10-09T00:00", ["a.overdue", "a.overdue2"]),  # a run that comes late makes both
    ],
)
def test_each_rung_comes_at_its_time(when, expected):
    """The rungs count from the task's due time, in working hours, each once."""
    course = rungs()
    course.walk(when)

    assert [step for step, _ in course.actions if step.startswith("a.")] == expected


def test_all_rungs_go_with_the_task():
    """The task's own end takes every rung back that is still open."""
    course = rungs()
    course.walk("2025-10-06T00:00")
    course.done("a", "2025-10-06T09:00")
    course.walk("2025-10-06T10:00")

    assert course.actions["a.overdue", 1].reason == Reason.ANSWERED
    assert course.actions["a.overdue2", 1].reason == Reason.ANSWERED


def test_a_task_that_is_put_off_is_overdue_later():
    """The rungs move with the due time."""
    course = rungs()
    course.set("a", due_by=t("2025-10-08T10:00"))
    course.walk("2025-10-08T09:00")
    assert ("a.overdue", 1) not in course.actions

    course.walk("2025-10-08T10:00")

    assert course.state("a.overdue") is ActionState.PLANNED
