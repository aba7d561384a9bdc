"""What a walk over a journey's steps works with: the world that it asks, and what it has found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from engine.calendar import WorkingCalendar
from engine.due import window
from engine.ids import name_id
from engine.journeys import NEVER, Action, Journey, Key
from engine.words import ActionKind, ActionState
from rules.conditions import Condition
from rules.history import Datum, Event
from rules.playbook import (
    Anchor,
    Awaited,
    Do,
    Due,
    DueForm,
    Playbook,
    Record,
    Set,
    StartOther,
    Step,
    StopHere,
)
from rules.units import Duration, shift

__all__ = ["NEVER", "Base", "Unfolded", "Walker", "World"]


class World(Protocol):
    """What a walk may ask about the customer, at T."""

    at: int  #: T
    calendar: WorkingCalendar
    replans: bool  #: the playbook was edited: what has not opened is planned anew

    @property
    def events(self) -> Sequence[Event]:
        """The customer's, by (at, id)."""
        ...

    def clock(self, at: int) -> int | None:
        """Return an instant from which a clock may count: after a hold; None while it lasts."""
        ...

    def follow(self, actions: Mapping[Key, Action]) -> None:
        """Look at the steps in this mapping from now on, which the walk changes as it goes."""
        ...

    def kind(self, channel: str) -> ActionKind:
        """Return TASK or MESSAGE."""
        ...

    def date(self, anchor: Anchor) -> int | None:
        """Return the instant of a date anchor, None while it is unknown."""
        ...

    def verdict(self, condition: Condition, at: int) -> tuple[bool | None, Mapping[str, Any]]:
        """Return whether a condition holds at an instant, and the trace."""
        ...

    def passes(self, awaited: Awaited, event: Event) -> bool:
        """Return whether an event is one that is awaited, ``same`` included."""
        ...

    def assigned(self, step: Set | Record, at: int) -> dict[str, Datum | None]:
        """Return the values that a step writes at an instant."""
        ...

    def expires(self, step: Do, action: Action) -> int | None:
        """Return when an open task is given up, None for never."""
        ...

    def host(self, action: Action) -> Action | None:
        """Return the task of another journey that a task goes with, as it is now."""
        ...


@dataclass(frozen=True, slots=True)
class Base:
    """What a step's clock counts from."""

    at: int
    words: str
    cancelled: bool = False
    was: int | None = None  #: of a step that was reopened: its close before that
    pending: bool = False  #: it is open again; what had begun by ``was`` goes on


@dataclass(slots=True, kw_only=True)
class Unfolded:
    """What a walk found. ``changed`` holds new and moved actions, in the order of their finding."""

    changed: dict[Key, Action] = field(default_factory=dict)
    starts: list[tuple[StartOther, Action]] = field(default_factory=list)
    stopped: tuple[StopHere, Action] | None = None
    done_at: int | None = None  #: every step is closed: when the last one was


class Walker:
    """The state of one walk, and what every kind of step needs of it."""

    def __init__(
        self, book: Playbook, journey: Journey, actions: dict[Key, Action], world: World
    ) -> None:
        self.book, self.journey, self.actions, self.world = book, journey, actions, world
        self.found = Unfolded()
        self.ends: dict[str, Base] = {}
        self.branch_ends: list[int] = []
        self.open = False  #: something in a line or a taken branch is not closed
        self.unknown: list[Step] = []  #: steps of this pass whose beginning is not known

    def put(self, action: Action) -> Action:
        """Keep a new or moved action."""
        if self.actions.get(action.key) != action:
            self.actions[action.key] = action
            self.found.changed[action.key] = action
        return action

    def new(
        self, step: Step, base: Base, kind: ActionKind, opens_at: int, due_by: int, *, turn: int = 1
    ) -> Action:
        """Return a planned action of a step."""
        parts = (
            (self.journey.id, step.name) if turn == 1 else (self.journey.id, step.name, str(turn))
        )
        return Action(
            id=name_id("a", *parts), journey=self.journey.id, playbook=self.journey.playbook,
            customer=self.journey.customer, step=step.name, turn=turn, kind=kind,
            channel=step.channel if isinstance(step, Do) else "",
            state=ActionState.PLANNED, priority=self.book.priority, opens_at=opens_at,
            due_by=due_by, anchor=base.words,
        )  # fmt: skip

    def first(self, awaited: Sequence[Awaited], after: int, until: int) -> Event | None:
        """Return the first awaited event strictly after an instant, at or before another and T."""
        last = min(until, self.world.at)
        for event in self.world.events:
            if after < event.at <= last and any(self.world.passes(one, event) for one in awaited):
                return event
        return None

    def moved(self, at: int, by: Duration, calendar: WorkingCalendar) -> int:
        """Return an instant moved on by a duration, also one of working time."""
        if by.working:
            return window(Due(DueForm.AFTER, low=by), at, calendar).opens_at
        return shift(at, by, self.world.calendar.timezone)
