"""Journeys, purely: when a step closes, when it is late, what stops a journey."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.calendar import WorkingCalendar
from engine.due import window
from engine.journeys import Action, Halt, Journey, closes_at, deadline, halt, late
from engine.words import ActionKind, ActionState, Reason
from rules.history import Event
from rules.playbook import Do, Playbook, Stop
from rules.units import from_iso
from tests.projects import CARE, playbook, project

CARE_NONE = CARE.replace("calendar: CN", "calendar: none")
ZONE = "Asia/Shanghai"
HOUR = 3_600_000_000
ENTRY = from_iso("2025-03-03T10:00", ZONE)  # a Monday
JOURNEY = Journey(
    id="j", playbook="p", revision="r", customer="c", trigger="event", occurrence="o", entry=ENTRY,
    started_at=ENTRY + HOUR, event_name="complaint", event={"case_id": "A"},
)  # fmt: skip


def book(*steps: str, stops: str = "") -> Playbook:
    lines = "".join(f"  - {{{step}}}\n" for step in steps)
    stop_when = f"stop_when:\n{stops}" if stops else ""
    text = f"playbook: p\nowner: us\ntrigger: {{event: complaint}}\n{stop_when}steps:\n{lines}"
    return playbook(text, care=CARE_NONE)


def planned(step: Do, kind: ActionKind = ActionKind.TASK) -> Action:
    """Return the action of a step that counts from the entry."""
    calendar = WorkingCalendar.of(project(care=CARE_NONE).vocabulary)
    opening = window(step.due, ENTRY, calendar, step.at)
    return Action(
        id="a", journey=JOURNEY.id, playbook="p", customer="c", step=step.name, kind=kind,
        channel=step.channel, state=ActionState.PLANNED, priority=0, opens_at=opening.opens_at,
        due_by=opening.due_by,
    )  # fmt: skip


def first(*steps: str) -> Do:
    """Return the first step of a playbook."""
    step = book(*steps).steps[0]
    assert isinstance(step, Do)
    return step


CALL = "do: call, assign: manager"


# -- the close ----------------------------------------------------------------------------------


def test_a_task_closes_with_its_result() -> None:
    """Planned or open it is not closed; released is not closed."""
    known = planned(first(f"step: a, {CALL}, due: now"))
    opened = replace(known, state=ActionState.OPEN, opened_at=ENTRY + HOUR)

    assert (closes_at(known), closes_at(opened)) == (None, None)
    done = replace(opened, state=ActionState.DONE, closed_at=ENTRY + 5 * HOUR)
    assert closes_at(done) == ENTRY + 5 * HOUR


@pytest.mark.parametrize("state", [ActionState.SKIPPED, ActionState.EXPIRED, ActionState.CANCELLED])
def test_closed_is_closed(state: ActionState) -> None:
    """Expired, skipped or cancelled: closed when it was, released or not."""
    known = planned(first(f"step: a, {CALL}, due: now"))

    assert closes_at(replace(known, state=state, closed_at=ENTRY + HOUR)) == ENTRY + HOUR


@pytest.mark.parametrize("state", [ActionState.DUE, ActionState.INTENT, ActionState.SENT])
def test_a_message_closes_when_it_is_released(state: ActionState) -> None:
    """What its channel says, and when, moves nothing."""
    known = planned(first("step: a, do: letter, due: now"), ActionKind.MESSAGE)
    later = None if state is not ActionState.SENT else ENTRY + 9 * HOUR
    sent = replace(known, state=state, opened_at=ENTRY + HOUR, closed_at=later)

    assert (closes_at(known), closes_at(sent)) == (None, ENTRY + HOUR)


# -- late ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("due", "if_late", "hours", "expected"),
    [
        ("within 2 hours", "skip", 2, False),
        ("within 2 hours", "skip", 2.1, True),
        ("within 2 hours", "do", 99, False),
        ("now", "skip", 24, False),
        ("now", "skip", 24.1, True),
        ("after 2 hours", "skip", 8 + 24, False),  # due at 18:00, the close of hours
        ("after 2 hours", "skip", 8.1 + 24, True),
    ],
)
def test_late(due: str, if_late: str, hours: float, expected: bool) -> None:
    """A step is late once its window is over; what has no window gets a day."""
    step = first(f"step: a, {CALL}, due: {due}, if_late: {if_late}")

    assert late(step, planned(step), ENTRY + int(hours * HOUR), ZONE) is expected


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["now", "within 2 days", "after 1 day", "same day"]), st.integers(0, 999))
def test_a_deferral_does_not_move_the_deadline(due: str, hours: int) -> None:
    """However often a step was deferred, its deadline stays where it was."""
    step = first(f"step: a, {CALL}, due: {due}")
    action = planned(step)
    moved = replace(action, opens_at=action.opens_at + hours * HOUR)

    assert deadline(step, moved, ZONE) == deadline(step, action, ZONE)


# -- stops --------------------------------------------------------------------------------------


def stopped(
    made: Playbook,
    *events: Event,
    left: Mapping[str, int] | None = None,
    true: bool = False,
    hours: int = 240,
) -> Halt | None:
    return halt(
        made, JOURNEY, sorted(events, key=lambda one: (one.at, one.id)),
        lambda stop, one: one.fields.get("passes", True) is True,
        (left or {}).get, lambda stop: true, at=ENTRY + hours * HOUR, timezone=ZONE,
    )  # fmt: skip


def event(hours: float, name: str = "order", **fields: str | bool) -> Event:
    return Event(id=f"{name}{hours}", name=name, at=ENTRY + int(hours * HOUR), fields=fields)


def test_the_first_event_after_the_entry_stops() -> None:
    """Events at or before the entry, after T, of other kinds or not passing do not count."""
    made = book(f"step: a, {CALL}", stops="  - {event: order}\n")
    found = stopped(
        made, event(-1), event(0), event(1, "visit"), event(2, passes=False), event(3), event(4),
    )  # fmt: skip

    assert found is not None
    assert (found.at, found.reason, found.goal) == (ENTRY + 3 * HOUR, Reason.STOP_EVENT, None)
    assert found.event == event(3)
    assert stopped(made, event(3), hours=2) is None


def test_same_needs_the_field_on_both_sides() -> None:
    """`same` never matches an unknown."""
    made = book(f"step: a, {CALL}", stops="  - {event: solved, same: case_id}\n")

    assert stopped(made, event(1, "solved"), event(2, "solved", case_id="B")) is None
    found = stopped(made, event(3, "solved", case_id="A"))
    assert found is not None
    assert found.at == ENTRY + 3 * HOUR


def test_goal_in_time_and_after() -> None:
    """After its time a goal is a plain stop."""
    made = book(f"step: a, {CALL}", stops="  - {event: order, goal: won, within: 5 hours}\n")
    early, too_late = stopped(made, event(5)), stopped(made, event(5.1))

    assert early is not None
    assert too_late is not None
    assert (early.reason, early.goal) == (Reason.GOAL, "won")
    assert (too_late.reason, too_late.goal) == (Reason.STOP_EVENT, None)


def test_the_earliest_counts_and_at_one_instant_a_stop_before_a_goal() -> None:
    """Instant first, then stops before goals, then the order of the file."""
    stops = "  - {event: order, goal: won}\n  - {leaves: buyers}\n  - {size: above 3}\n"
    made = book(f"step: a, {CALL}", stops=stops)

    def reason(**given: object) -> Reason:
        found = stopped(made, event(4), **given)  # type: ignore[arg-type]
        assert found is not None
        return found.reason

    assert reason() is Reason.GOAL
    assert reason(left={"buyers": ENTRY + 5 * HOUR}) is Reason.GOAL
    assert reason(left={"buyers": ENTRY + 4 * HOUR}) is Reason.STOP_LEAVES
    assert reason(true=True) is Reason.GOAL
    assert reason(true=True, hours=4) is Reason.STOP_CONDITION


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(-5, 30), max_size=8), st.integers(0, 30))
def test_a_halt_is_the_earliest_event_of_its_time(hours: list[int], now: int) -> None:
    """Whatever the events: the earliest strictly after the entry and at most T, or none."""
    made = _STOPPING
    found = stopped(made, *(event(hour) for hour in hours), hours=now)
    inside = [hour for hour in hours if 0 < hour <= now]

    assert (found.at if found else None) == (ENTRY + min(inside) * HOUR if inside else None)


_STOPPING = book(f"step: a, {CALL}", stops="  - {event: order}\n")


def test_stops_of_a_playbook_keep_their_place() -> None:
    """Evidence names the line of the YAML."""
    (stop,) = _STOPPING.stops

    assert isinstance(stop, Stop)
    assert (str(stop.span), stop.words) == ("playbooks/p.yaml:5:5", "event: order")
