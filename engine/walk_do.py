"""Steps that act: planned, tried again, repeated, escalated, given up, closed by an event."""

from __future__ import annotations

from dataclasses import replace

from engine.due import window
from engine.journeys import Action, closes_at
from engine.walking import NEVER, Base, Walker
from engine.words import ActionKind, ActionState, Reason
from rules.playbook import AnchorKind, Awaited, Do, Due, DueForm, overdue_step
from rules.units import Duration, Unit

__all__ = ["DoWalker"]

_FIXED = (AnchorKind.PREVIOUS, AnchorKind.ENTRY, AnchorKind.STEP)
_ESCALATED = Due(DueForm.WITHIN, high=Duration(1, Unit.WORKING_DAY))  #: an escalation's own time


class DoWalker(Walker):
    """Walks ``do`` steps."""

    def act(self, step: Do, base: Base) -> Base | None:
        """Walk one step with all its turns; return its close, None while it is open."""
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
            event = self.first((asked,), base.at, NEVER if over is None else over)
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
        at = action.due_by if after is None else self.moved(action.due_by, after, calendar)
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
            moved = self.moved(end, step.retry.every, self.world.calendar.of_role(step.assign))
            return Base(moved, f"try {turn} of {step.name}")
        if step.repeat is None or turn >= step.repeat.times:
            return None
        if step.repeat.until is not None:
            verdict, _ = self.world.verdict(step.repeat.until, end)
            if verdict is True:
                return None
        moved = self.moved(end, step.repeat.every, self.world.calendar.of_role(step.assign))
        return Base(moved, f"turn {turn} of {step.name}")
