"""Tasks that nobody finishes are closed: ``give_up`` of the step, else of care.yaml, from due."""

from __future__ import annotations

from engine.context import RunContext
from engine.due import end_of
from engine.journeys import Action
from engine.words import ActionState
from rules.playbook import Do, Due, DueForm

__all__ = ["expires_at"]


def expires_at(step: Do, action: Action, ctx: RunContext) -> int | None:
    """Return when the time of an open task is over, None for a task without an end.

    A task that was released late has its whole time from then on.
    """
    after = step.give_up or ctx.project.vocabulary.give_up
    if after is None or action.state is not ActionState.OPEN:
        return None
    since = max(action.due_by, action.opened_at or action.due_by)
    return end_of(Due(DueForm.WITHIN, high=after), since, ctx.calendar)
