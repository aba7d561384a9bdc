"""The walk over a journey's steps: which are known now, what waits see, which branch is taken.

Pure: everything that it needs to know of the customer it asks of a ``World``. One walk creates and
moves actions in memory; whoever called writes them. Walked again with the same facts, nothing moves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, assert_never

from engine.calendar import WorkingCalendar
from engine.due import window
from engine.ids import name_id, stable_share
from engine.journeys import Action, Journey, Key, closes_at
from engine.words import ActionKind, ActionState, Reason
from rules.conditions import Condition
from rules.history import Datum, Event
from rules.playbook import (
    Anchor,
    AnchorKind,
    Awaited,
    Choose,
    Do,
    Due,
    DueForm,
    IfLate,
    Playbook,
    Record,
    Set,
    Split,
    StartOther,
    Step,
    StopHere,
    Wait,
    overdue_step,
    walk,
)
from rules.units import Duration, Unit, shift

__all__ = ["NEVER", "Base", "Unfolded", "World", "unfold"]

NEVER = 253_402_300_799_000_000  #: the end of the year 9999: a wait without ``up_to``
_ESCALATED = Due(DueForm.WITHIN, high=Duration(1, Unit.WORKING_DAY))  #: an escalation's own time


class World(Protocol):
    """What a walk may ask about the customer, at T."""

    at: int  #: T
    calendar: WorkingCalendar
    events: Sequence[Event]  #: the customer's, by (at, id)
    replans: bool  #: the playbook was edited: what has not opened is planned anew

    def clock(self, at: int) -> int | None:
        """Return an instant from which a clock may count: after a hold; None while it lasts."""
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


@dataclass(frozen=True, slots=True)
class Base:
    """What a step's clock counts from."""

    at: int
    words: str
    cancelled: bool = False


@dataclass(slots=True, kw_only=True)
class Unfolded:
    """What a walk found. ``changed`` holds new and moved actions, in the order of their finding."""

    changed: dict[Key, Action] = field(default_factory=dict)
    starts: list[tuple[StartOther, Action]] = field(default_factory=list)
    stopped: tuple[StopHere, Action] | None = None
    done_at: int | None = None  #: every step is closed: when the last one was


def unfold(
    book: Playbook, journey: Journey, actions: Mapping[Key, Action], world: World
) -> Unfolded:
    """Walk a journey at T until nothing moves. ``actions`` is not changed."""
    work = _Work(book, journey, dict(actions), world)
    while True:
        before = len(work.found.changed), dict(work.actions)
        work.open = False
        end = work.line(book.steps, Base(journey.entry, "the entry"))
        if (len(work.found.changed), work.actions) == before or work.found.stopped:
            break
    if end is not None and not work.open:
        work.found.done_at = max([end, *work.branch_ends])
    return work.found


class _Work:
    def __init__(
        self, book: Playbook, journey: Journey, actions: dict[Key, Action], world: World
    ) -> None:
        self.book, self.journey, self.actions, self.world = book, journey, actions, world
        self.found = Unfolded()
        self.ends: dict[str, Base] = {}
        self.branch_ends: list[int] = []
        self.open = False  #: something in a line or a taken branch is not closed

    # -- lines -----------------------------------------------------------------------------

    def line(self, steps: Sequence[Step], base: Base) -> int | None:
        """Walk a list; return when its last step closed, None while one is open."""
        before: Base | None = base
        latest: int | None = base.at
        for step in steps:
            if step.disabled:
                continue
            if self.found.stopped:
                return None
            start = self.base(step.anchor, before)
            before = self.step(step, start) if start is not None else None
            if before is None:
                self.open = True
                latest = None
            else:
                self.ends[step.name] = before
                latest = None if latest is None else max(latest, before.at)
        return latest

    def base(self, anchor: Anchor, before: Base | None) -> Base | None:
        """Return what a step counts from, None while it is not known."""
        match anchor.kind:
            case AnchorKind.PREVIOUS:
                return before
            case AnchorKind.ENTRY:
                return Base(self.journey.entry, "the entry")
            case AnchorKind.STEP:
                return self.ends.get(anchor.name)
            case AnchorKind.STEP_DATE if self._unanswered(anchor):
                return Base(self.world.at, anchor.name, cancelled=True)
            case _:
                at = self.world.date(anchor)
                side = "before" if anchor.back else "after"
                name = anchor.name
                words = f"{anchor.offset} {side} {name}" if anchor.offset else name
                return None if at is None else Base(at, words)

    def _unanswered(self, anchor: Anchor) -> bool:
        """Whether the task that was to tell a date is closed without having told it."""
        asked = anchor.name.partition(".")[0]
        return asked in self.ends and self.world.date(anchor) is None

    def step(self, step: Step, base: Base) -> Base | None:
        """Walk one step; return its close, None while it is open."""
        moved = self.world.clock(base.at)
        if moved is None:
            return None
        base = replace(base, at=moved)
        if base.cancelled:
            return self._cancelled(step, base)
        match step:
            case Do():
                return self._do(step, base)
            case Wait():
                return self._wait(step, base)
            case Choose():
                return self._choose(step, base)
            case Split() | Set() | Record() | StartOther() | StopHere():
                return self._at_once(step, base)
            case _:
                assert_never(step)

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

    def _cancelled(self, step: Step, base: Base) -> Base:
        if (step.name, 1) not in self.actions:
            kind = self.world.kind(step.channel) if isinstance(step, Do) else _kind(step)
            made = self.new(step, base, kind, base.at, base.at)
            self.put(
                replace(
                    made, state=ActionState.CANCELLED, closed_at=base.at,
                    reason=Reason.ANCHOR_CANCELLED,
                )
            )  # fmt: skip
        return base

    # -- steps that act --------------------------------------------------------------------

    def _do(self, step: Do, base: Base) -> Base | None:
        turn = 1
        while True:
            action = self.actions.get((step.name, turn))
            if action is None or action.state is ActionState.PLANNED:
                action = self._planned(step, base, turn, action)
            action = self._settled(step, action, base)
            end = closes_at(action)
            if end is None:
                return None
            if action.state is ActionState.CANCELLED:
                return Base(end, f'the close of step "{step.name}"', cancelled=True)
            following = self._again(step, action, end, turn)
            if following is None:
                return Base(end, f'the close of step "{step.name}"')
            base, turn = following, turn + 1

    def _planned(self, step: Do, base: Base, turn: int, known: Action | None) -> Action:
        """Plan a step, or plan it anew where the date that it counts from has moved."""
        fixed = step.anchor.kind in _FIXED and not self.world.replans
        if known is not None and fixed:
            return known
        opening = window(step.due, base.at, self.world.calendar.of_role(step.assign), step.at)
        if known is not None and known.words == opening.words:
            return known  # the date stands; the opening may have been deferred
        made = self.new(
            step, base, self.world.kind(step.channel), opening.opens_at, opening.due_by, turn=turn
        )
        return self.put(replace(made, words=opening.words))

    def _settled(self, step: Do, action: Action, base: Base) -> Action:
        """Close a task whose event came or whose time is over; escalate one that is overdue."""
        waiting = action.state is ActionState.OPEN or (
            action.state is ActionState.PLANNED and action.opens_at <= self.world.at
        )
        if action.kind is not ActionKind.TASK or not waiting:
            return self._answered(step, action)
        over = self.world.expires(step, action) if action.state is ActionState.OPEN else None
        event = None
        if step.done_when is not None:
            asked = Awaited(events=step.done_when.events, same=step.done_when.same)
            event = self._first((asked,), base.at, NEVER if over is None else over)
        if event is not None:
            done = replace(
                action, state=ActionState.DONE, closed_at=event.at, reason=Reason.DONE_WHEN,
                by=f"{event.name} {event.id}",
            )  # fmt: skip
            return self._answered(step, self.put(done))
        if over is not None and over <= self.world.at:
            ended = replace(action, state=ActionState.EXPIRED, closed_at=over, outcome="expired")
            return self._answered(step, self.put(ended))
        self._escalate(step, action)
        return action

    def _escalate(self, step: Do, action: Action) -> None:
        overdue = step.if_overdue
        if overdue is None or action.state is not ActionState.OPEN:
            return
        calendar = self.world.calendar.of_role(step.assign)
        after = overdue.after
        at = action.due_by if after is None else self._moved(action.due_by, after, calendar)
        other = overdue_step(step)
        if at <= self.world.at and (other.name, action.turn) not in self.actions:
            opening = window(_ESCALATED, at, self.world.calendar.of_role(overdue.role))
            made = self.new(
                other, Base(at, f'step "{step.name}" overdue'), ActionKind.TASK,
                opening.opens_at, opening.due_by, turn=action.turn,
            )  # fmt: skip
            self.put(replace(made, words=opening.words))

    def _answered(self, step: Do, action: Action) -> Action:
        """Cancel the escalation of a task that is closed."""
        other = self.actions.get((f"{step.name}.overdue", action.turn))
        if other is not None and action.state.closed and not other.state.closed:
            self.put(
                replace(
                    other, state=ActionState.CANCELLED, reason=Reason.ANSWERED,
                    closed_at=max(action.closed_at or self.world.at, other.opens_at),
                )
            )  # fmt: skip
        return action

    def _again(self, step: Do, action: Action, end: int, turn: int) -> Base | None:
        """Return what the next turn of a retried or repeated step counts from."""
        if step.retry is not None and action.outcome in step.retry.on:
            if turn > step.retry.times:
                return None
            moved = self._moved(end, step.retry.every, self.world.calendar.of_role(step.assign))
            return Base(moved, f"try {turn} of {step.name}")
        if step.repeat is None or turn >= step.repeat.times:
            return None
        if step.repeat.until is not None:
            verdict, _ = self.world.verdict(step.repeat.until, end)
            if verdict is True:
                return None
        moved = self._moved(end, step.repeat.every, self.world.calendar.of_role(step.assign))
        return Base(moved, f"turn {turn} of {step.name}")

    def _moved(self, at: int, by: Duration, calendar: WorkingCalendar) -> int:
        if by.working:
            return window(Due(DueForm.AFTER, low=by), at, calendar).opens_at
        return shift(at, by, self.world.calendar.timezone)

    # -- steps that wait and choose --------------------------------------------------------

    def _first(self, awaited: Sequence[Awaited], after: int, until: int) -> Event | None:
        """Return the first awaited event strictly after an instant, at or before another and T."""
        last = min(until, self.world.at)
        for event in self.world.events:
            if after < event.at <= last and any(self.world.passes(one, event) for one in awaited):
                return event
        return None

    def _wait(self, step: Wait, base: Base) -> Base | None:
        action = self.actions.get((step.name, 1))
        if action is None:
            end = NEVER if step.up_to is None else self._end_of_wait(base.at, step.up_to)
            action = self.new(step, base, ActionKind.WAIT, base.at, end)
            if self._late(step, action):
                return self._skipped(step, action)
            action = self.put(replace(action, state=ActionState.OPEN))
        if action.state is ActionState.OPEN or self._revisable(step, action):
            action = self._heard(step, action)
        if action.closed_at is None:
            return None
        if action.state is ActionState.DONE:
            taken = step.then if action.branch == "then" else step.otherwise
            self._branch(taken, Base(action.closed_at, f'the end of wait "{step.name}"'))
        return Base(action.closed_at, f'the end of wait "{step.name}"')

    def _end_of_wait(self, at: int, up_to: Duration) -> int:
        return window(Due(DueForm.WITHIN, high=up_to), at, self.world.calendar).due_by

    def _heard(self, step: Wait, action: Action) -> Action:
        event = self._first(step.awaited, action.opens_at, action.due_by)
        if event is not None:
            if action.branch == "else":
                self._take_back(step.otherwise)
            heard = replace(
                action, state=ActionState.DONE, closed_at=event.at, branch="then",
                by=f"{event.name} {event.id}",
            )  # fmt: skip
            return self.put(heard)
        if action.state is ActionState.OPEN and action.due_by <= self.world.at:
            branch = "else" if step.awaited else "then"
            return self.put(
                replace(action, state=ActionState.DONE, closed_at=action.due_by, branch=branch)
            )
        return action

    def _revisable(self, step: Wait, action: Action) -> bool:
        """Whether a late event may still take back a time-out: its branch has not acted yet."""
        if action.state is not ActionState.DONE or action.branch != "else":
            return False
        inside = {one.name for one in walk(step.otherwise)}
        return not any(
            one.step in inside and one.state is not ActionState.PLANNED
            for one in self.actions.values()
        )

    def _take_back(self, steps: Sequence[Step]) -> None:
        inside = {one.name for one in walk(tuple(steps))}
        for one in list(self.actions.values()):
            if one.step in inside and one.state is ActionState.PLANNED:
                self.put(
                    replace(
                        one, state=ActionState.CANCELLED, closed_at=self.world.at,
                        reason=Reason.WAIT_ANSWERED,
                    )
                )  # fmt: skip

    def _choose(self, step: Choose, base: Base) -> Base | None:
        action = self.actions.get((step.name, 1))
        if action is None or (action.state is ActionState.PLANNED and action.opens_at != base.at):
            action = self.put(self.new(step, base, ActionKind.CHOOSE, base.at, base.at))
        if action.state is ActionState.PLANNED:
            if action.opens_at > self.world.at:
                return None
            if self._late(step, action):
                return self._skipped(step, action)
            action = self.put(self._chosen(step, action))
        if action.state is ActionState.OPEN:
            assert action.branch is not None
            start = Base(action.opens_at, f'the choice "{step.name}"')
            taken = step.branches[int(action.branch) : int(action.branch) + 1]  # none: edited away
            end = self._branch(taken[0].steps if taken else (), start)
            if end is None:
                return None
            action = self.put(replace(action, state=ActionState.DONE, closed_at=end))
        assert action.closed_at is not None
        return Base(action.closed_at, f'the close of step "{step.name}"')

    def _chosen(self, step: Choose, action: Action) -> Action:
        """Return the choice with its branch, asked once with the values of its opening."""
        asked: list[Mapping[str, Any]] = []
        for index, branch in enumerate(step.branches):
            if branch.condition is None:
                verdict: bool | None = True
            else:
                verdict, trace = self.world.verdict(branch.condition, action.opens_at)
                asked.append({"branch": index, **trace})
            if verdict is True:
                return replace(
                    action, state=ActionState.OPEN, branch=str(index), opened_at=self.world.at,
                    detail={"asked": asked},
                )  # fmt: skip
        return replace(
            action, state=ActionState.DONE, closed_at=action.opens_at, reason=Reason.NO_BRANCH,
            opened_at=self.world.at, detail={"asked": asked},
        )  # fmt: skip

    def _branch(self, steps: Sequence[Step], base: Base) -> int | None:
        """Walk a branch that was taken; what is open in it keeps the journey open."""
        end = self.line(steps, base)
        if end is not None:
            self.branch_ends.append(end)
        return end

    def _late(self, step: Wait | Choose, action: Action) -> bool:
        if step.if_late is not IfLate.SKIP:
            return False
        known = max(self.journey.started_at, action.opens_at)
        end = shift(action.opens_at, Duration(1, Unit.DAY), self.world.calendar.timezone)
        return known > end or self.world.at > end

    def _skipped(self, step: Wait | Choose, action: Action) -> Base:
        self.put(
            replace(
                action, state=ActionState.SKIPPED, closed_at=self.world.at,
                reason=Reason.STEP_LATE,
            )
        )  # fmt: skip
        return Base(self.world.at, f'the close of step "{step.name}"')

    # -- steps that are done at once -------------------------------------------------------

    def _at_once(
        self, step: Split | Set | Record | StartOther | StopHere, base: Base
    ) -> Base | None:
        action = self.actions.get((step.name, 1))
        if action is None or action.state is ActionState.PLANNED:
            action = self.new(step, base, _kind(step), base.at, base.at)
            if base.at > self.world.at:
                self.put(action)
                return None
            action = replace(
                action, state=ActionState.DONE, closed_at=base.at, opened_at=self.world.at
            )
            match step:
                case Split():
                    action = replace(action, outcome=self._share(step))
                case Set():
                    action = replace(action, detail={"values": self.world.assigned(step, base.at)})
                case Record():
                    values = self.world.assigned(step, base.at)
                    action = replace(action, detail={"event": step.event, "values": values})
                case StartOther():
                    action = replace(action, detail={"playbook": step.playbook})
                    self.found.starts.append((step, action))
                case StopHere():
                    action = replace(action, detail={"word": step.word})
                    self.found.stopped = (step, action)
            self.put(action)
        elif isinstance(step, StopHere):
            self.found.stopped = (step, action)
        assert action.closed_at is not None
        return Base(action.closed_at, f'step "{step.name}"')

    def _share(self, step: Split) -> str:
        """Return the share of a customer: stable by playbook, step and customer."""
        place = stable_share(self.journey.playbook, step.name, self.journey.customer)
        for name, part in step.shares:
            if place < part:
                return name
            place -= part
        return step.shares[-1][0]


_FIXED = (AnchorKind.PREVIOUS, AnchorKind.ENTRY, AnchorKind.STEP)


def _kind(step: Step) -> ActionKind:
    match step:
        case Do():
            return ActionKind.TASK
        case Wait():
            return ActionKind.WAIT
        case Choose():
            return ActionKind.CHOOSE
        case Split():
            return ActionKind.SPLIT
        case Set():
            return ActionKind.SET
        case Record():
            return ActionKind.RECORD
        case StartOther():
            return ActionKind.START
        case StopHere():
            return ActionKind.STOP
        case _:
            assert_never(step)
