"""Why an action was triggered: the whole way from the trigger to the result, from the ledger."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from engine.holds import Hold, hold_of
from engine.journeys import Action, Journey
from engine.ledger import Ledger, Row
from engine.render import Rendered, rendered
from engine.revisions import Revisions
from engine.settle import settlements_of
from engine.store import Store
from engine.task_trail import trail_of
from engine.tasks import find_action
from rules.errors import Span, StateError
from rules.playbook import AskedKind, Do, Playbook, StartOther, Step
from rules.units import SCALE, date_of

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
    asked: dict[str, Any]  #: name -> the answer, as ``_answers`` tells it
    trigger_lines: tuple[tuple[int, str], ...]  #: (line number, text) of the YAML
    step_lines: tuple[tuple[int, str], ...]
    start: Row  #: the decision that began the journey, evidence decoded
    others: tuple[Row, ...]  #: deferrals (of the start too), holds, the release, the stop
    changes: tuple[Change, ...] = field(default=())
    attempts: tuple[Row, ...] = ()
    trail: tuple[Row, ...] = ()  #: what people did to a task, or said of a message
    texts: Rendered | None = None  #: what it says, as it was when it opened
    erased: str = ""  #: why its texts are no longer there
    hold: Hold | None = None  #: under which its journey is now
    begun: Row | None = None  #: of a step ``start``: the last decision about the other playbook

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        action, journey, hold = self.action, self.journey, self.hold
        return {
            "action": action.id,
            "customer": action.customer,
            "step": action.step,
            "kind": str(action.kind),
            "channel": action.channel,
            "state": str(action.state),
            "reason": action.reason,
            "opens_at": action.opens_at,
            "due_by": action.due_by,
            "opened_at": action.opened_at,
            "closed_at": action.closed_at,
            "assignee": action.assignee,
            "outcome": action.outcome,
            "branch": action.branch,
            "closed_by": action.by or None,
            "began": self.begun and {
                key: self.begun[key] for key in ("playbook", "verb", "reason", "journey")
            },
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
                "held": hold and {"since": hold.since, "rule": hold.rule, "place": hold.place},
            },
            "texts": None if self.texts is None else asdict(self.texts),
            "decisions": [self.start, *self.others],
            "changes": [
                {"n": c.n, "at": c.at, "subject": c.subject, **c.body} for c in self.changes
            ],
            "attempts": list(self.attempts),
            "trail": list(self.trail),
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
    kept = ledger.one("SELECT note, asked FROM actions WHERE id = ?", action.id)
    assert kept is not None
    step = book.step(action.step)
    attempts = ledger.rows(
        "SELECT n, wall, verdict, words, code FROM attempts WHERE action = ? ORDER BY n", action.id
    )
    begun = ledger.one(
        "SELECT * FROM decisions WHERE gate = 'start' AND customer = ? AND playbook = ?"
        " AND trigger = 'start' AND occurrence = ? ORDER BY run_at DESC, open",
        action.customer, step.playbook, action.id,
    ) if isinstance(step, StartOther) else None  # fmt: skip
    texts, erased = _texts(ledger, action)
    return Why(
        action=action, journey=journey, playbook=book, texts=texts, erased=erased,
        note=kept["note"] or "",
        asked=_answers(step, json.loads(kept["asked"])) if kept["asked"] else {},
        trigger_lines=yaml_lines(source, trigger.span) if trigger else (),
        step_lines=yaml_lines(source, step.span),
        start=start, others=tuple(row for row in decisions if row is not start),
        changes=_changes(ledger, action, journey), attempts=tuple(attempts), begun=begun,
        trail=trail_of(ledger, action) if action.human else settlements_of(ledger, action.id),
        hold=hold_of(ledger, journey.id),
    )  # fmt: skip


def _texts(ledger: Ledger, action: Action) -> tuple[Rendered | None, str]:
    """Return what an action said; None and why where its texts were erased."""
    try:
        return rendered(ledger, action.id), ""
    except StateError as error:
        return None, str(error)


def _changes(ledger: Ledger, action: Action, journey: Journey) -> tuple[Change, ...]:
    """Return what the chain tells of an action and its journey, in its order."""
    found = []
    for table, key in (("actions", action.id), ("journeys", journey.id)):
        row = ledger.one(f"SELECT link FROM {table} WHERE id = ?", key)  # noqa: S608  our own names
        assert row is not None
        state = ""
        for entry in ledger.chain.trail(row["link"]):
            state = entry.body.get("state", state)
            found.append(Change(n=entry.n, at=entry.at, subject=key, state=state, body=entry.body))
    return tuple(sorted(found, key=lambda change: change.n))


def _answers(step: Step, asked: dict[str, Any]) -> dict[str, Any]:
    """Return what a person answered as it was said: dates as ISO text, numbers unscaled."""
    kinds = {item.name: item.kind for item in step.ask} if isinstance(step, Do) else {}

    def plain(kind: AskedKind | None, value: Any) -> Any:
        if kind is AskedKind.DATE:
            return date_of(value).isoformat()
        if kind in (AskedKind.NUMBER, AskedKind.SCALE):
            return value // SCALE if value % SCALE == 0 else value / SCALE
        return value

    return {name: plain(kinds.get(name), value) for name, value in asked.items()}


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
