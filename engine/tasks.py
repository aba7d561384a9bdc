"""Tasks of people: which are open, and what came of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from engine.ids import canonical_json, name_id
from engine.journeys import Action
from engine.ledger import Ledger
from engine.revisions import Revisions
from engine.store import Store, action_of
from engine.words import ActionState
from rules.errors import StateError, UsageError, did_you_mean
from rules.history import Datum
from rules.playbook import Asked, AskedKind, Do
from rules.units import SCALE, day_number, scaled, to_iso

__all__ = ["Task", "find_action", "finish_task", "tasks"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """An action with what a person needs to know to do it."""

    action: Action
    title: str
    step: Do
    overdue: bool
    note: str = ""


def tasks(
    ledger: Ledger,
    *,
    at: int,
    assignee: str | None = None,
    customer: str | None = None,
    playbook: str | None = None,
    closed: bool = False,
    overdue: bool = False,
) -> list[Task]:
    """Return the open tasks (``closed``: all), the earliest due first."""
    clauses, values = ["a.kind = 'task'"], list[object]()
    clauses.append("a.state <> 'planned'" if closed else "a.state = 'open'")
    for name, value in (("assignee", assignee), ("customer", customer), ("playbook", playbook)):
        if value is not None:
            clauses.append(f"a.{name} = ?")
            values.append(value)
    if overdue:
        clauses.append("a.due_by < ? AND a.state = 'open'")
        values.append(at)
    where = " AND ".join(clauses)
    sql = (  # the clauses are written above, the values are bound
        "SELECT a.*, j.revision FROM actions a JOIN journeys j ON j.id = a.journey"  # noqa: S608
        f" WHERE {where} ORDER BY a.due_by, a.priority DESC, a.id"
    )
    revisions = Revisions(ledger)
    found = []
    for row in ledger.rows(sql, *values):
        action = action_of(row)
        book = revisions.with_step(row["revision"], action.step)
        late = action.state is ActionState.OPEN and action.due_by < at
        found.append(
            Task(
                action=action, title=book.title, step=book.act(action.step), overdue=late,
                note=row["note"] or "",
            )
        )  # fmt: skip
    return found


def find_action(ledger: Ledger, key: str) -> Action:
    """Return the action with this id, or the only one that begins so. Raises StateError."""
    rows = list(ledger.rows("SELECT * FROM actions WHERE id = ?", key))
    if not rows and len(key) >= 4:
        like = key.replace("%", "").replace("_", "") + "%"
        rows = list(ledger.rows("SELECT * FROM actions WHERE id LIKE ? LIMIT 6", like))
    if not rows:
        raise StateError(f'no action "{key}"; `care tasks` and `care journeys` show the ids')
    if len(rows) > 1:
        ids = ", ".join(row["id"] for row in rows)
        raise StateError(f'"{key}" could be {ids}; write more of it')
    return action_of(rows[0])


def finish_task(
    ledger: Ledger,
    key: str,
    *,
    at: int,
    timezone: str,
    outcome: str | None = None,
    asked: Mapping[str, str] | None = None,
    note: str = "",
    who: str = "",
) -> Action:
    """Write that a task is done, with its outcome and what was asked, and return it.

    The same result again changes nothing. Raises StateError when the task is not open, UsageError
    when the outcome or an answer does not fit the step.
    """
    action = find_action(ledger, key)
    store = Store(ledger)
    journey = store.journey(action.journey)
    assert journey is not None
    step = Revisions(ledger).with_step(journey.revision, action.step).act(action.step)
    if not action.human:
        raise StateError(f"{action.id} is not a task: {action.channel} acts by itself")
    answers = _answers(step, asked or {})
    word = _outcome(step, outcome)
    if action.state is ActionState.DONE and (action.outcome, _written(ledger, action)) == (
        word, answers,
    ):  # fmt: skip
        return action
    if action.state is not ActionState.OPEN:
        raise StateError(f"{action.id} is {action.state}, not open")
    opened = action.opened_at or action.opens_at
    if at < opened:
        raise StateError(
            f"{action.id} opened at {to_iso(opened, timezone)}; it can't be done before that"
        )
    done = replace(action, state=ActionState.DONE, closed_at=at, outcome=word)
    text = canonical_json(answers)
    with ledger.transaction():
        now = find_action(ledger, action.id)
        if now.state is not ActionState.OPEN:
            raise StateError(f"{action.id} is {now.state}, not open")
        row = {
            "id": name_id("o", action.id, str(at)), "action": action.id, "at": at,
            "outcome": word, "asked": text, "note": note, "who": who,
        }  # fmt: skip
        ledger.insert("outcomes", [row])
        store.move(done, at=at, asked=text, note=note)
        store.wake(action.journey, at)
    return done


def _written(ledger: Ledger, action: Action) -> dict[str, Datum]:
    row = ledger.one("SELECT asked FROM actions WHERE id = ?", action.id)
    return json.loads(row["asked"]) if row and row["asked"] else {}


def _outcome(step: Do, outcome: str | None) -> str | None:
    if step.outcomes and outcome is None:
        raise UsageError(f"this task asks for an outcome: {', '.join(step.outcomes)}")
    if outcome is not None and outcome not in step.outcomes:
        if not step.outcomes:
            raise UsageError(f'step "{step.name}" has no outcomes; leave --outcome out')
        raise UsageError(
            f'no outcome "{outcome}" in step "{step.name}"; {did_you_mean(outcome, step.outcomes)}'
        )
    return outcome


def _answers(step: Do, asked: Mapping[str, str]) -> dict[str, Datum]:
    known = {item.name: item for item in step.ask}
    found: dict[str, Datum] = {}
    for name, text in asked.items():
        if name not in known:
            hint = did_you_mean(name, known) if known else "it asks for nothing"
            raise UsageError(f'step "{step.name}" does not ask for "{name}"; {hint}')
        found[name] = _answer(known[name], text.strip())
    return found


def _answer(item: Asked, text: str) -> Datum:
    import datetime as dt  # noqa: PLC0415  only here

    match item.kind:
        case AskedKind.TEXT:
            return text
        case AskedKind.CHOICE:
            if text in item.choices:
                return text
            raise UsageError(f'{item.name}: "{text}" is none of {", ".join(item.choices)}')
        case AskedKind.YES_NO:
            if text in ("yes", "no"):
                return text == "yes"
            raise UsageError(f'{item.name}: write yes or no, not "{text}"')
        case AskedKind.DATE:
            try:
                return day_number(dt.date.fromisoformat(text))
            except ValueError:
                raise UsageError(
                    f'{item.name}: write a date like 2025-10-08, not "{text}"'
                ) from None
        case AskedKind.NUMBER | AskedKind.SCALE:
            try:
                number = scaled(Decimal(text))
            except (InvalidOperation, ValueError, OverflowError):
                raise UsageError(f'{item.name}: write a number, not "{text}"') from None
            low, high = item.low * SCALE, item.high * SCALE
            if item.kind is AskedKind.SCALE and not low <= number <= high:
                raise UsageError(f"{item.name}: from {item.low} to {item.high}, not {text}")
            return number
