"""Room under a cap, clocks under a hold, and who goes on where rules hold each other."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.caps import room_at
from engine.holding import Standing, resolve
from engine.holds import LATEST, moved_by
from engine.journeys import Action, Journey
from engine.words import ActionKind, ActionState
from rules.errors import Span
from rules.playbook import HouseRule, Verdict


def rule(name: str) -> HouseRule:
    return HouseRule(name=name, span=Span("house.yaml", 1, 1), path="rules/0", verdict=Verdict.HOLD)


def journey(key: str) -> Journey:
    return Journey(
        id=key, playbook="p", revision="r", customer="c", trigger="event", occurrence=key, entry=0,
        started_at=0,
    )  # fmt: skip


@settings(max_examples=300)
@given(st.lists(st.integers(0, 60), max_size=12), st.integers(1, 6), st.integers(0, 60))
def test_room_is_at_the_first_instant_with_fewer_than_allowed(
    ends: list[int], at_most: int, at: int
) -> None:
    """Always: at that instant fewer are counted than may be, and at no earlier one from T on."""

    def counted(instant: int) -> int:
        return sum(end > instant for end in ends)

    found = room_at(ends, at_most, at)

    assert found >= at
    assert counted(found) < at_most
    assert all(counted(instant) >= at_most for instant in range(at, found))


@st.composite
def standings(draw: st.DrawFn) -> list[Standing]:
    count = draw(st.integers(1, 6))
    names = [f"j{index}" for index in range(count)]
    made = []
    for name in names:
        beside = {
            other: draw(st.sets(st.sampled_from(["a", "b"]), min_size=1))
            for other in names
            if other != name and draw(st.booleans())
        }
        alone = (
            draw(st.sets(st.sampled_from(["a", "b"]))) if draw(st.integers(0, 4)) == 0 else set()
        )
        made.append(Standing(journey=journey(name), alone=alone, beside=beside))
    return made


@settings(max_examples=300)
@given(standings())
def test_what_goes_on_is_held_by_nothing_that_goes_on(cases: list[Standing]) -> None:
    """Always: every journey is decided; one that goes on matches no rule alone and none beside
    another that goes on; one that is held has its reason; and not all are held for nothing.
    """
    resolve([rule("a"), rule("b")], cases)
    going = {case.journey.id for case in cases if case.held is False}

    for case in cases:
        assert case.held is not None
        if case.held:
            name, other = case.because
            assert name in ("a", "b")
            assert (name in case.alone) if other is None else other in going
        else:
            assert not case.alone
            assert not going & case.beside.keys()
    if not any(case.alone for case in cases):
        assert going


def action(state: ActionState, opens_at: int, due_by: int) -> Action:
    return Action(
        id="a", journey="j", playbook="p", customer="c", step="s", kind=ActionKind.TASK,
        channel="call", state=state, priority=0, opens_at=opens_at, due_by=due_by,
    )  # fmt: skip


@settings(max_examples=200)
@given(
    st.sampled_from(list(ActionState)), st.integers(0, 10**6), st.integers(0, 10**6),
    st.integers(1, 10**6),
)  # fmt: skip
def test_a_pause_moves_what_is_planned_and_what_is_due(
    state: ActionState, opens_at: int, length: int, pause: int
) -> None:
    """Always: the opening of what is planned, and the end of what is open, move by the pause; what
    is closed or on its way stays.
    """
    before = action(state, opens_at, opens_at + length)
    moved = [after for _, after in moved_by([before], pause)]

    match state:
        case ActionState.PLANNED:
            expected = [action(state, opens_at + pause, opens_at + length + pause)]
        case ActionState.OPEN:
            expected = [action(state, opens_at, opens_at + length + pause)]
        case _:
            expected = []
    assert expected == moved


def test_a_wait_without_an_end_has_none_after_a_pause_either() -> None:
    """The end of time does not move."""
    assert moved_by([action(ActionState.OPEN, 0, LATEST)], 10**15) == []
