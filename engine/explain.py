"""Why an action was triggered: the whole way from the trigger to the result, from the ledger."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from engine.journeys import Action, Journey
from engine.ledger import Ledger, Row
from engine.revisions import Revisions
from engine.store import Store
from engine.tasks import find_action
from rules.errors import Span
from rules.playbook import Playbook

__all__ = ["Change", "Why", "why", "yaml_lines"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One entry of the chain about the action or its journey."""

    n: int
    at: int  #: T of the run, or the instant that a person gave
    subject: str
    state: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Everything that the ledger knows of one action."""

    action: Action
    journey: Journey
    playbook: Playbook
    note: str
    asked: dict[str, Any]
    trigger_lines: tuple[tuple[int, str], ...]  #: (line number, text) of the YAML
    step_lines: tuple[tuple[int, str], ...]
    start: Row  #: the decision that began the journey, evidence decoded
    others: tuple[Row, ...]  #: deferrals (of the start too), holds, the release, the stop
    changes: tuple[Change, ...] = field(default=())
    attempts: tuple[Row, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        action, journey = self.action, self.journey
        return {
            "action": action.id,
            "customer": action.customer,
            "step": action.step,
            "channel": action.channel,
            "state": str(action.state),
            "reason": action.reason,
            "opens_at": action.opens_at,
            "due_by": action.due_by,
            "opened_at": action.opened_at,
            "closed_at": action.closed_at,
            "assignee": action.assignee,
            "outcome": action.outcome,
            "asked": self.asked,
            "note": self.note,
            "calendar": action.words,
            "anchor": action.anchor,
            "playbook": {
                "name": self.playbook.name, "title": self.playbook.title,
                "file": self.playbook.file, "revision": self.playbook.revision,
                "trigger_lines": [list(line) for line in self.trigger_lines],
                "step_lines": [list(line) for line in self.step_lines],
            },
            "journey": {
                "id": journey.id, "state": str(journey.state), "entry": journey.entry,
                "started_at": journey.started_at, "ended_at": journey.ended_at,
                "reason": journey.reason, "goal": journey.goal,
            },
            "decisions": [self.start, *self.others],
            "changes": [
                {"n": c.n, "at": c.at, "subject": c.subject, **c.body} for c in self.changes
            ],
            "attempts": list(self.attempts),
        }  # fmt: skip


def why(ledger: Ledger, key: str) -> Why:
    """Return why an action is there. Never opens the log. Raises StateError for an unknown id."""
    action = find_action(ledger, key)
    store, revisions = Store(ledger), Revisions(ledger)
    journey = store.journey(action.journey)
    assert journey is not None
    book = revisions.with_step(journey.revision, action.step)
    source = revisions.source(book.revision)
    decisions = [
        {**row, "evidence": json.loads(row["evidence"])}
        for row in ledger.rows(
            "SELECT * FROM decisions WHERE journey = ? AND (action IS NULL OR action = ?)"
            " OR journey IS NULL AND gate = 'start' AND playbook = ? AND customer = ?"
            " AND trigger = ? AND occurrence = ?"
            " ORDER BY run_at, gate DESC, id",
            journey.id, action.id, journey.playbook, journey.customer, journey.trigger,
            journey.occurrence,
        )
    ]  # fmt: skip
    start = next(row for row in decisions if row["gate"] == "start" and row["journey"])
    trigger = next((t for t in book.triggers if t.name == journey.trigger), None)
    changes = tuple(
        Change(n=row["n"], at=row["at"], subject=row["subject"], state=body["state"], body=body)
        for row in ledger.rows(
            "SELECT * FROM audit WHERE subject IN (?, ?) AND kind IN ('action', 'journey')"
            " ORDER BY n",
            action.id, journey.id,
        )
        for body in (json.loads(row["body"]),)
    )  # fmt: skip
    kept = ledger.one("SELECT note, asked FROM actions WHERE id = ?", action.id)
    attempts = ledger.rows(
        "SELECT wall, result FROM attempts WHERE action = ? ORDER BY id", action.id
    )
    return Why(
        action=action, journey=journey, playbook=book,
        note=(kept["note"] if kept else "") or "",
        asked=json.loads(kept["asked"]) if kept and kept["asked"] else {},
        trigger_lines=yaml_lines(source, trigger.span) if trigger else (),
        step_lines=yaml_lines(source, book.step(action.step).span),
        start=start, others=tuple(row for row in decisions if row is not start),
        changes=changes, attempts=tuple(attempts),
    )  # fmt: skip


def yaml_lines(source: str, span: Span, *, most: int = 12) -> tuple[tuple[int, str], ...]:
    """Return the lines of the YAML block that begins at a place, with their numbers."""
    lines = source.splitlines()
    if not 0 < span.line <= len(lines):
        return ()
    first = lines[span.line - 1]
    indent = len(first) - len(first.lstrip(" -"))
    found = [(span.line, first.rstrip())]
    for number, line in enumerate(lines[span.line :], span.line + 1):
        if line.strip() and len(line) - len(line.lstrip(" ")) < max(indent, 1):
            break
        if line.strip():
            found.append((number, line.rstrip()))
        if len(found) == most:
            break
    return tuple(found)
