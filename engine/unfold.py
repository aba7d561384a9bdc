"""The walk over a journey's steps: which are known now, what waits see, which branch is taken.

Pure: everything that it needs to know of the customer it asks of a ``World``. One walk creates and
moves actions in memory; whoever called writes them. Walked again with the same facts, nothing moves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, assert_never

from engine.due import end_of
from engine.ids import stable_share
from engine.journeys import Action, Journey, Key
from engine.untaken import never_since
from engine.walk_do import DoWalker
from engine.walking import NEVER, Base, Unfolded, World
from engine.words import ActionKind, ActionState, Reason
from rules.playbook import (
    Anchor,
    AnchorKind,
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
    walk,
)
from rules.units import Duration, Unit, shift

__all__ = ["unfold"]


def unfold(
    book: Playbook, journey: Journey, actions: Mapping[Key, Action], world: World
) -> Unfolded:
    """Walk a journey at T until nothing moves. ``actions`` is not changed."""
    work = _Work(book, journey, dict(actions), world)
    world.follow(work.actions)
    while True:
        before = len(work.found.changed), dict(work.actions)
        work.open, work.unknown = False, []
        end = work.line(book.steps, Base(journey.entry, "the entry"))
        if (len(work.found.changed), work.actions) == before or work.found.stopped:
            break
    if not work.found.stopped:
        for step in work.unknown:
            work.park(step)
    if end is not None and not work.open:
        work.found.done_at = max([end, *work.branch_ends])
    return work.found


class _Work(DoWalker):
    """Walks lists of steps, and every kind of step in them."""

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
            start = self._start(step, self.base(step.anchor, before))
            before = self.step(step, start) if start is not None else None
            if start is None:
                self.unknown.append(step)
            if before is not None:
                self.ends[step.name] = before
            if before is None or before.pending:
                self.open = True
                latest = None
            else:
                latest = None if latest is None else max(latest, before.at)
        return latest

    def _start(self, step: Step, base: Base | None) -> Base | None:
        """Return what a step counts from behind one that was reopened: as it began, if it has begun;
        None where it waits for the second close.
        """
        if base is None or base.was is None:
            return base
        known = self.actions.get((step.name, 1))
        begun = known is not None and known.state is not ActionState.PLANNED
        if begun and known is not None and known.anchor != base.words:
            return replace(base, at=base.was, pending=False)
        return None if base.pending else base

    def park(self, step: Step) -> None:
        """Take the date from a planned step whose beginning is not known any more."""
        known = self.actions.get((step.name, 1))
        if isinstance(step, Do) and known is not None and known.state is ActionState.PLANNED:
            words = "when what it counts from is known again"
            self.put(replace(known, opens_at=NEVER, due_by=NEVER, words=words))

    def base(self, anchor: Anchor, before: Base | None) -> Base | None:
        """Return what a step counts from, None while it is not known."""
        match anchor.kind:
            case AnchorKind.PREVIOUS:
                return before
            case AnchorKind.ENTRY:
                return Base(self.journey.entry, "the entry")
            case AnchorKind.STEP | AnchorKind.STEP_DATE if never := self._never(anchor):
                return never
            case AnchorKind.STEP:
                return self.ends.get(anchor.name)
            case AnchorKind.STEP_DATE if self._unanswered(anchor):
                return Base(self.world.at, anchor.name, cancelled=True)
            case _:
                at = self.world.date(anchor)
                side = "before" if anchor.back else "after"
                name = anchor.name
                if anchor.kind is AnchorKind.TRIGGER_DATE:
                    name = f"trigger.{name}"
                words = f"{anchor.offset} {side} {name}" if anchor.offset else name
                return None if at is None else Base(at, words)

    def _never(self, anchor: Anchor) -> Base | None:
        """Return a cancelled beginning where the step that is counted from never comes."""
        name = anchor.name.partition(".")[0]
        if name in self.ends:
            return None
        at = never_since(self.book.steps, name, self.actions, self.journey.entry)
        words = f'step "{name}", which does not come'
        return None if at is None else Base(at, words, cancelled=True)

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
                return self.act(step, base)
            case Wait():
                return self._wait(step, base)
            case Choose():
                return self._choose(step, base)
            case Split() | Set() | Record() | StartOther() | StopHere():
                return self._at_once(step, base)
            case _:
                assert_never(step)

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

    # -- steps that wait and choose --------------------------------------------------------

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
        return end_of(Due(DueForm.WITHIN, high=up_to), at, self.world.calendar)

    def _heard(self, step: Wait, action: Action) -> Action:
        event = self.first(step.awaited, action.opens_at, action.due_by)
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
