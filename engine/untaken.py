"""Steps that never come: left out, or in a branch that was not taken. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from engine.journeys import Action, Key
from rules.playbook import Choose, Step, Wait

__all__ = ["never_since"]


def never_since(
    steps: Sequence[Step], name: str, actions: Mapping[Key, Action], entry: int
) -> int | None:
    """Return since when it is certain that a step never comes; None while it may.

    A step that is left out never came since the entry; one in a branch since the branch was not
    taken, or since what it stands in was skipped or cancelled.
    """
    for step, branch in _way(steps, name) or ():
        if step.disabled:
            return entry
        if branch is None:
            return None
        action = actions.get((step.name, 1))
        if action is None:
            return None
        if action.branch is not None and action.branch != branch:
            return action.opens_at if isinstance(step, Choose) else action.closed_at
        if action.branch is None and action.state.closed:
            return action.closed_at
    return None


def _way(steps: Sequence[Step], name: str) -> list[tuple[Step, str | None]] | None:
    """Return the steps around a step, outermost first, each with its branch; it comes last."""
    for step in steps:
        if step.name == name:
            return [(step, None)]
        for branch, inside in _branches(step):
            below = _way(inside, name)
            if below is not None:
                return [(step, branch), *below]
    return None


def _branches(step: Step) -> Iterator[tuple[str, Sequence[Step]]]:
    """Yield the lists inside a step, each with the word that its action has for it."""
    if isinstance(step, Wait):
        yield "then", step.then
        yield "else", step.otherwise
    elif isinstance(step, Choose):
        for index, branch in enumerate(step.branches):
            yield str(index), branch.steps
