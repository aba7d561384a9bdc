"""The journey: which steps are known, what stops it, when it is finished. Pure; time is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.words import ActionKind, ActionState, JourneyState, Reason
from rules.history import Datum, Event
from rules.playbook import Do, DueForm, IfLate, Playbook, Stop
from rules.units import Duration, Unit, shift

__all__ = ["NEVER", "Action", "Halt", "Journey", "Key", "closes_at", "deadline", "halt", "late"]

Key = tuple[str, int]  #: step and turn

NEVER = 253_402_300_799_000_000  #: the end of the year 9999: a wait without ``up_to``

_GRACE = Duration(1, Unit.DAY)  #: a step due ``now`` is late a day after it


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """One customer on the way through one playbook."""

    id: str
    playbook: str
    revision: str
    customer: str
    trigger: str  #: name of the trigger that began it
    occurrence: str
    entry: int  #: nominal instant
    started_at: int  #: T of the run that began it
    event_name: str = ""  #: of the trigger event, "" for edges
    event: Mapping[str, Datum] = field(default_factory=dict)  #: its fields
    state: JourneyState = JourneyState.RUNNING
    ended_at: int | None = None
    reason: str | None = None
    goal: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One step of one journey, from the moment its opening is known."""

    id: str
    journey: str
    playbook: str
    customer: str
    step: str
    turn: int = 1  #: of a repeated or retried step, 1-based
    kind: ActionKind
    channel: str  #: "" for steps that do not act
    state: ActionState
    priority: int
    opens_at: int  #: nominal; moved by ``defer``
    due_by: int  #: NEVER, or later, of a wait without ``up_to``
    opened_at: int | None = None  #: T of the run that released it
    closed_at: int | None = None
    assignee: str | None = None
    outcome: str | None = None
    reason: str | None = None
    words: str = ""  #: the calendar arithmetic
    anchor: str = ""  #: what the clock counts from
    branch: str | None = None  #: of a wait: ``then`` or ``else``; of a choose: the branch's number
    by: str = ""  #: the event that closed it: name and id
    host: str | None = None  #: the open task of another journey that this one goes with
    detail: Mapping[str, Any] = field(default_factory=dict)  #: of a choice or effect, JSON values

    @property
    def key(self) -> Key:
        """The step and its turn: one action each in a journey."""
        return (self.step, self.turn)

    @property
    def human(self) -> bool:
        """True when a person acts."""
        return self.kind is ActionKind.TASK


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """What ends a journey before its steps do."""

    at: int
    reason: Reason
    stop: Stop
    goal: str | None = None
    event: Event | None = None


def closes_at(action: Action) -> int | None:
    """Return when a step closed for the line that follows it; None while it is open.

    An automatic step closes when it is released: what its channel says later changes nothing for
    the steps behind it.
    """
    if action.state in (ActionState.PLANNED, ActionState.OPEN):
        return None
    if action.kind is not ActionKind.MESSAGE or action.opened_at is None:
        return action.closed_at
    return action.opened_at


def deadline(step: Do, action: Action, timezone: str) -> int:
    """Return the instant after which a step that has not opened is late.

    Not counted from ``opens_at``, which every deferral moves.
    """
    if step.due.form in (DueForm.NOW, DueForm.AFTER):
        return shift(action.due_by, _GRACE, timezone)
    return action.due_by


def late(step: Do, action: Action, at: int, timezone: str) -> bool:
    """True when the step's window is over and ``if_late: skip`` says to leave it out."""
    return step.if_late is IfLate.SKIP and at > deadline(step, action, timezone)


def halt(
    book: Playbook,
    journey: Journey,
    events: Sequence[Event],
    passes: Callable[[Stop, Event], bool],
    left: Callable[[str], int | None],
    true_now: Callable[[Stop], bool],
    *,
    at: int,
    timezone: str,
) -> Halt | None:
    """Return what stops a journey at or before T, the earliest; at one instant stops before goals.

    ``events`` are the customer's; only those after the entry count. ``passes`` says whether an
    event meets the stop's ``where``, ``left`` when the customer left a segment after the entry,
    ``true_now`` whether a stop's condition holds at T.
    """
    found: list[tuple[int, bool, int, Halt]] = []
    for index, stop in enumerate(book.stops):
        hit: tuple[int, Reason, Event | None] | None = None
        if stop.events is not None:
            event = _first_event(stop, journey, events, passes, at)
            hit = (event.at, Reason.STOP_EVENT, event) if event else None
        elif stop.leaves is not None:
            when = left(stop.leaves)
            hit = (when, Reason.STOP_LEAVES, None) if when is not None else None
        elif true_now(stop):
            hit = (at, Reason.STOP_CONDITION, None)
        if hit is None:
            continue
        when, reason, event = hit
        reached = stop.goal
        if reached and stop.within and when > shift(journey.entry, stop.within, timezone):
            reached = None
        one = Halt(
            at=when, reason=Reason.GOAL if reached else reason, stop=stop, goal=reached, event=event
        )
        found.append((when, reached is not None, index, one))
    return min(found, key=lambda item: item[:3])[3] if found else None


def _first_event(
    stop: Stop,
    journey: Journey,
    events: Sequence[Event],
    passes: Callable[[Stop, Event], bool],
    at: int,
) -> Event | None:
    assert stop.events is not None
    for event in events:
        if not journey.entry < event.at <= at or event.name not in stop.events.names:
            continue
        if stop.same is not None:
            mine = journey.event.get(stop.same)
            if mine is None or event.fields.get(stop.same) != mine:
                continue
        if passes(stop, event):
            return event
    return None
