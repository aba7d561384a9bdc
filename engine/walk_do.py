"""Steps that act: planned, tried again, repeated, escalated, given up, closed by an event."""

from __future__ import annotations

from dataclasses import replace

from engine.due import end_of, window
from engine.journeys import Action, closes_at
from engine.walking import NEVER, Base, Walker
from engine.words import ActionKind, ActionState, Reason
from rules.playbook import AnchorKind, Awaited, Do, Due, DueForm, Overdue, overdue_steps
from rules.units import Duration, Unit

__all__ = ["DoWalker"]

_FIXED = (AnchorKind.PREVIOUS, AnchorKind.ENTRY, AnchorKind.STEP)
_ESCALATED = Due(DueForm.WITHIN, high=Duration(1, Unit.WORKING_DAY))  #: an escalation's own time


class DoWalker(Walker):
    """Walks ``do`` steps."""

    def act(self, step: Do, base: Base) -> Base | None:
        """Walk one step with all its turns; return its close, None while it is open.

        A step that a person reopened is pending: what began after its first close goes on.
        """
        turn, tries, reopened = 1, 1, 0
        was: int | None = None
        while True:
            action = self.actions.get((step.name, turn))
            if action is None or action.state is ActionState.PLANNED:
                action = self._planned(step, base, turn, action)
            action = self._settled(step, self._needless(step, action), base)
            end = closes_at(action)
            words = f'the close of step "{step.name}"' + (f" ({reopened + 1})" if reopened else "")
            if end is None:
                return None if was is None else Base(was, words, was=was, pending=True)
            if action.state is ActionState.CANCELLED:
                return Base(end, words, cancelled=True)
            again = self.actions.get((step.name, turn + 1))
            following: Base | None
            if again is not None and "reopens" in again.detail:
                following, was, reopened = Base(again.opens_at, "the reopening"), end, reopened + 1
            else:
                begun = again is not None and again.state is not ActionState.PLANNED
                following = self._again(step, action, end, tries, begun=begun)
                tries += 1
            if following is None:
                return Base(end, words, was=was)
            base, turn = following, turn + 1

    def _planned(self, step: Do, base: Base, turn: int, known: Action | None) -> Action:
        """Plan a step, or plan it anew where the date that it counts from has moved."""
        fixed = step.anchor.kind in _FIXED and not self.world.replans and base.was is None
        if known is not None and fixed and known.opens_at < NEVER:
            return known
        opening = window(step.due, base.at, self.world.calendar.of_role(step.assign), step.at)
        if known is not None and known.words == opening.words:
            return known  # the date stands; the opening may have been deferred
        made = self.new(
            step, base, self.world.kind(step.channel), opening.opens_at, opening.due_by, turn=turn
        )
        return self.put(replace(made, words=opening.words))

    def _needless(self, step: Do, action: Action) -> Action:
        """Leave out a further one of a repeat that is over by the time it is to open."""
        until = step.repeat.until if step.repeat else None
        opening = action.state is ActionState.PLANNED and action.opens_at <= self.world.at
        if until is None or action.turn == 1 or not opening:
            return action
        verdict, trace = self.world.verdict(until, self.world.at)
        if verdict is not True:
            return action
        return self.put(
            replace(
                action, state=ActionState.SKIPPED, closed_at=self.world.at, reason=Reason.UNTIL,
                detail={"until": trace},
            )
        )  # fmt: skip

    def _settled(self, step: Do, action: Action, base: Base) -> Action:
        """Close a task whose event came or whose time is over; escalate one that is overdue."""
        waiting = action.state is ActionState.OPEN or (
            action.state is ActionState.PLANNED and action.opens_at <= self.world.at
        )
        if action.kind is not ActionKind.TASK or not waiting:
            return self._answered(step, action)
        if action.host is not None:
            return self._answered(step, self._guest(action))
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

    def _guest(self, action: Action) -> Action:
        """Close a task with the one that it goes with, or let it stand by itself where that ended
        otherwise than by being done or expired.
        """
        host = self.world.host(action)
        if host is not None and not host.state.closed:
            return action
        opened = action.opened_at or action.opens_at
        ended = host is not None and host.state in (ActionState.DONE, ActionState.EXPIRED)
        if host is None or not ended or (host.closed_at or opened) < opened:
            return self.put(replace(action, host=None))
        return self.put(
            replace(
                action, state=host.state, closed_at=host.closed_at, outcome=host.outcome,
                reason=Reason.JOINED, by=host.id,
            )
        )  # fmt: skip

    def _escalate(self, step: Do, action: Action) -> None:
        """Make the tasks of the rungs whose time has come, each once."""
        if action.state is not ActionState.OPEN:
            return
        for rung, other in zip(step.if_overdue, overdue_steps(step), strict=True):
            at = self._rung_at(step, rung, action.due_by)
            if at > self.world.at or (other.name, action.turn) in self.actions:
                continue
            opening = window(_ESCALATED, at, self.world.calendar.of_role(rung.role))
            made = self.new(
                other, Base(at, f'step "{step.name}" overdue'), ActionKind.TASK,
                opening.opens_at, opening.due_by, turn=action.turn,
            )  # fmt: skip
            self.put(replace(made, words=opening.words))

    def _rung_at(self, step: Do, rung: Overdue, due_by: int) -> int:
        """Return when a rung's time comes; working days count to their close of hours."""
        if rung.after is None:
            return due_by
        calendar = self.world.calendar.of_role(step.assign)
        if rung.after.unit is Unit.WORKING_DAY:
            return end_of(Due(DueForm.WITHIN, high=rung.after), due_by, calendar)
        return self.moved(due_by, rung.after, calendar)

    def _answered(self, step: Do, action: Action) -> Action:
        """Cancel the escalations of a task that is closed."""
        for rung in overdue_steps(step):
            other = self.actions.get((rung.name, action.turn))
            if other is not None and action.state.closed and not other.state.closed:
                self.put(
                    replace(
                        other, state=ActionState.CANCELLED, reason=Reason.ANSWERED,
                        closed_at=max(action.closed_at or self.world.at, other.opens_at),
                    )
                )  # fmt: skip
        return action

    def _again(self, step: Do, action: Action, end: int, turn: int, *, begun: bool) -> Base | None:
        """Return what the next turn of a retried or repeated step counts from.

        ``turn`` counts from 1 and leaves out what people reopened. Where the next one has ``begun``,
        ``until`` was asked already.
        """
        if step.retry is not None and action.outcome in step.retry.on:
            if turn > step.retry.times:
                return None
            moved = self.moved(end, step.retry.every, self.world.calendar.of_role(step.assign))
            return Base(moved, f"try {turn} of {step.name}")
        if step.repeat is None or turn >= step.repeat.times or action.reason == Reason.UNTIL:
            return None
        if step.repeat.until is not None and not begun:
            verdict, _ = self.world.verdict(step.repeat.until, end)
            if verdict is True:
                return None
        moved = self.moved(end, step.repeat.every, self.world.calendar.of_role(step.assign))
        return Base(moved, f"turn {turn} of {step.name}")
