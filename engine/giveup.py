"""Tasks that nobody finishes are closed: ``give_up: after D`` of care.yaml, counted from due."""

from __future__ import annotations

from dataclasses import replace

from engine.context import RunContext
from engine.due import window
from engine.journeys import Action
from engine.words import ActionState
from rules.playbook import Due, DueForm

__all__ = ["EXPIRED", "expired_by"]

EXPIRED = "expired"  #: the outcome that such a task gets


def expired_by(action: Action, ctx: RunContext, at: int) -> Action | None:
    """Return an open task as it is once its time is over, None before that.

    A task that was released late has its whole time from then on.
    """
    after = ctx.project.vocabulary.give_up
    if after is None or action.state is not ActionState.OPEN:
        return None
    since = max(action.due_by, action.opened_at or action.due_by)
    end = window(Due(DueForm.WITHIN, high=after), since, ctx.calendar).due_by
    if end > at:
        return None
    return replace(action, state=ActionState.EXPIRED, closed_at=end, outcome=EXPIRED)
