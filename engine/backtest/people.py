"""What people would have done with their tasks: one assumption for all, which the report names."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from engine.drafts import Draft
from engine.store import action_of
from engine.task_changes import TaskChanges
from engine.words import ActionKind, ActionState
from rules.errors import UsageError, did_you_mean
from rules.playbook import Do, Project, walk

__all__ = ["People", "Tasks", "read_outcomes"]

_NOBODY = "backtest"  #: who the ledger names

_OPEN = """
SELECT * FROM actions WHERE kind = ? AND state = ? AND host IS NULL AND {until} <= ?
ORDER BY {until}, id
"""


class Tasks(StrEnum):
    """When people do their tasks."""

    DONE = "done"  #: when each is due
    AT_OPEN = "at-open"  #: as soon as each opens
    EXPIRED = "expired"  #: never


class People:
    """Does the tasks of a draft ledger, run after run."""

    def __init__(
        self, draft: Draft, tasks: Tasks, outcomes: Mapping[str, str], timezone: str
    ) -> None:
        self.draft = draft
        self.tasks = tasks
        self.outcomes = outcomes
        self.timezone = timezone

    def work(self, at: int) -> int:
        """Do what would have been done by an instant; return how many tasks that were."""
        if self.tasks is Tasks.EXPIRED:
            return 0
        until = "opened_at" if self.tasks is Tasks.AT_OPEN else "max(due_by, opened_at)"
        rows = self.draft.rows(_OPEN.format(until=until), ActionKind.TASK, ActionState.OPEN, at)
        found = [action_of(row) for row in rows]
        if not found:
            return 0
        with self.draft.transaction():
            changes = TaskChanges(self.draft, self.timezone)
            for action in found:
                opened = action.opened_at or action.opens_at
                moment = opened if self.tasks is Tasks.AT_OPEN else max(action.due_by, opened)
                outcome = self._outcome(changes.step(action), action.playbook)
                changes.finish(action.id, at=moment, outcome=outcome, who=_NOBODY)
        return len(found)

    def _outcome(self, step: Do, playbook: str) -> str | None:
        if not step.outcomes:
            return None
        given = self.outcomes.get(f"{playbook}.{step.name}") or self.outcomes.get(step.name)
        return given if given in step.outcomes else step.outcomes[0]


def read_outcomes(project: Project, given: tuple[str, ...]) -> dict[str, str]:
    """Return step (``call`` or ``playbook.call``) -> outcome of ``STEP=WORD`` texts.

    Raises UsageError for a step or an outcome that no playbook of the project has.
    """
    steps: dict[str, set[str]] = {}
    for book in project.playbooks:
        for step in walk(book.steps):
            if isinstance(step, Do) and step.outcomes:
                for name in (step.name, f"{book.name}.{step.name}"):
                    steps.setdefault(name, set()).update(step.outcomes)
    found: dict[str, str] = {}
    for text in given:
        name, equals, word = (part.strip() for part in text.partition("="))
        if not equals or not word:
            raise UsageError(f'--outcome takes STEP=WORD, not "{text}"')
        if name not in steps:
            hint = did_you_mean(name, steps) or "only steps with `outcomes` can have one"
            raise UsageError(f'--outcome: no step "{name}" with outcomes; {hint}')
        if word not in steps[name]:
            hint = did_you_mean(word, steps[name]) or f"it has {', '.join(sorted(steps[name]))}"
            raise UsageError(f'--outcome: step "{name}" has no outcome "{word}"; {hint}')
        found[name] = word
    return found
