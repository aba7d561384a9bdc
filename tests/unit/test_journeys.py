"""Journeys, purely: which steps are known, what stops them, when they are over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.calendar import WorkingCalendar
from engine.journeys import (
    Action,
    Halt,
    Journey,
    closes_at,
    deadline,
    finish,
    halt,
    late,
    plan,
)
from engine.words import ActionState, JourneyState, Reason
from rules.history import Event
from rules.playbook import Anchor, Playbook, Stop
from rules.units import from_iso
from tests.projects import CARE, playbook

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
    return playbook(text, care=CARE.replace("calendar: CN", "calendar: none"))


def calendar() -> WorkingCalendar:
    from tests.projects import project

    return WorkingCalendar.of(
        project(care=CARE.replace("calendar: CN", "calendar: none")).vocabulary
    )


def planned(
    made: Playbook, actions: Mapping[str, Action], dates: Mapping[str, int] | None = None
) -> dict[str, Action]:
    """Return the newly planned actions by step."""

    def date(anchor: Anchor) -> int | None:
        return (dates or {}).get(anchor.name)

    found = plan(made, JOURNEY, actions, calendar(), lambda channel: channel == "call", date)
    return {action.step: action for action in found}


CALL = "do: call, assign: manager"


def test_the_first_step_counts_from_the_entry() -> None:
    """Steps above which nothing stands, and `from: entry`, are known at once; the rest is not."""
    made = book(
        f"step: a, {CALL}, due: now", f"step: b, {CALL}, due: now",
        f"step: c, {CALL}, due: now, from: entry",
    )  # fmt: skip
    found = planned(made, {})

    assert {step: action.opens_at for step, action in found.items()} == {"a": ENTRY, "c": ENTRY}
    assert {action.state for action in found.values()} == {ActionState.PLANNED}


def test_a_step_is_planned_once() -> None:
    """What is known already is not planned again."""
    made = book(f"step: a, {CALL}, due: now")

    assert planned(made, planned(made, {})) == {}


def test_a_task_counts_when_it_is_done_and_a_message_when_it_is_released() -> None:
    """The next step's clock starts with the task's result, or with the message's release."""
    task = book(f"step: a, {CALL}, due: now", f"step: b, {CALL}, due: after 1 hour")
    a = replace(planned(task, {})["a"], state=ActionState.OPEN, opened_at=ENTRY + HOUR)
    assert (closes_at(a), planned(task, {"a": a})) == (None, {})
    done = replace(a, state=ActionState.DONE, closed_at=ENTRY + 5 * HOUR)
    assert planned(task, {"a": done})["b"].opens_at == ENTRY + 6 * HOUR

    message = book("step: a, do: letter, due: now", f"step: b, {CALL}, due: after 1 hour")
    sent = replace(planned(message, {})["a"], state=ActionState.DUE, opened_at=ENTRY + HOUR)
    assert planned(message, {"a": sent})["b"].opens_at == ENTRY + 2 * HOUR


@pytest.mark.parametrize("state", [ActionState.SKIPPED, ActionState.EXPIRED, ActionState.DONE])
def test_closed_is_closed(state: ActionState) -> None:
    """Done, expired or skipped: the line goes on from there."""
    made = book(f"step: a, {CALL}, due: now", f"step: b, {CALL}, due: now")
    a = replace(planned(made, {})["a"], state=state, closed_at=ENTRY + HOUR)

    assert planned(made, {"a": a})["b"].opens_at == ENTRY + HOUR


def test_cancelled_cancels_what_counts_from_it() -> None:
    """A cancelled step takes those behind it along, one after the other."""
    made = book(*(f"step: {name}, {CALL}, due: now" for name in "abc"))
    a = replace(planned(made, {})["a"], state=ActionState.CANCELLED, closed_at=ENTRY + HOUR)
    found = planned(made, {"a": a})

    assert {
        step: (one.state, one.reason, one.closed_at) for step, one in found.items()
    } == dict.fromkeys("bc", (ActionState.CANCELLED, Reason.ANCHOR_CANCELLED, ENTRY + HOUR))


def test_a_date_anchor_waits_until_the_date_is_known() -> None:
    """Without the date there is no plan; with it the plan says what it counts from."""
    made = book(f"step: a, {CALL}, due: now, from: 60 days before contract_end")
    assert planned(made, {}) == {}
    found = planned(made, {}, {"contract_end": ENTRY + HOUR})["a"]

    assert (found.opens_at, found.anchor) == (ENTRY + HOUR, "60 days before contract_end")


def test_ids_are_made_of_journey_and_step() -> None:
    """The same step of the same journey has the same id always."""
    made = book(f"step: a, {CALL}, due: now")

    assert planned(made, {})["a"].id == planned(made, {})["a"].id
    other = plan(
        made, replace(JOURNEY, id="k"), {}, calendar(), lambda _: True, lambda _: None
    )  # fmt: skip
    assert other[0].id != planned(made, {})["a"].id


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
    made = book(f"step: a, {CALL}, due: {due}, if_late: {if_late}")
    action = planned(made, {})["a"]

    assert late(made.steps[0], action, ENTRY + int(hours * HOUR), ZONE) is expected


@given(st.sampled_from(["now", "within 2 days", "after 1 day", "same day"]), st.integers(0, 999))
def test_a_deferral_does_not_move_the_deadline(due: str, hours: int) -> None:
    """However often a step was deferred, its deadline stays where it was."""
    made = book(f"step: a, {CALL}, due: {due}")
    action = planned(made, {})["a"]
    moved = replace(action, opens_at=action.opens_at + hours * HOUR)

    assert deadline(made.steps[0], moved, ZONE) == deadline(made.steps[0], action, ZONE)


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


# -- the end ------------------------------------------------------------------------------------


def test_a_journey_is_finished_when_every_step_is_closed() -> None:
    """It ends with the last close; a step that is not planned yet keeps it running."""
    made = book(f"step: a, {CALL}, due: now", f"step: b, {CALL}, due: now, from: entry")
    actions = {
        step: replace(one, state=ActionState.DONE, closed_at=ENTRY + hours * HOUR)
        for (step, one), hours in zip(planned(made, {}).items(), (9, 2), strict=True)
    }
    after = finish(made, JOURNEY, actions)

    assert (after.state, after.ended_at) == (JourneyState.FINISHED, ENTRY + 9 * HOUR)
    assert finish(made, JOURNEY, {"a": actions["a"]}) is JOURNEY
    still = {**actions, "b": replace(actions["b"], state=ActionState.INTENT)}
    assert finish(made, JOURNEY, still) is JOURNEY


def test_stops_of_a_playbook_keep_their_place() -> None:
    """Evidence names the line of the YAML."""
    (stop,) = _STOPPING.stops

    assert isinstance(stop, Stop)
    assert (str(stop.span), stop.words) == ("playbooks/p.yaml:5:5", "event: order")
