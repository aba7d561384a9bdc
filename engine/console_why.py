"""``care why`` in words: from the trigger to the result, each sentence with what it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.console import held_words, moment
from engine.console_effect import effect
from engine.console_tasks import trail_lines
from engine.console_texts import text_lines
from engine.console_trace import trace_lines
from engine.explain import Change, Why
from engine.journeys import Action
from engine.ledger import Row
from engine.words import ActionState
from rules.playbook import Do
from rules.vocabulary import Vocabulary

__all__ = ["render_why"]

_STATES = {
    ActionState.PLANNED: "planned, not open yet",
    ActionState.DUE: "decided, not sent yet",
    ActionState.INTENT: "handed to its channel, no answer recorded",
    ActionState.OPEN: "open, waiting for a person",
}

#: What a fact of the gate means in words; facts that are as usual are told together.
_GATE: dict[tuple[str, str], str] = {
    ("existing", "no"): "it happened after the playbook went live",
    ("existing", "yes"): "it happened before the playbook went live",
    ("late", "no"): "",
    ("late", "yes"): "the event came too late",
    ("only", "yes"): "`only` is met",
    ("only", "no"): "`only` is not met",
    ("only", "unknown"): "`only` can't be told",
    ("except", "no"): "`except` is not met",
    ("except", "yes"): "`except` is met",
    ("again", "free"): "no earlier journey stands in the way",
    ("again", "never"): "the customer had it before, and `again: never`",
    ("again", "early"): "the last one is too recent for `again`",
    ("overlap", "free"): "none of it is running",
    ("overlap", "blocked"): "one of it is running",
    ("holdout", "no"): "not held out",
    ("holdout", "playbook"): "in the playbook's hold-out",
    ("holdout", "project"): "in the project's hold-out",
    ("recheck", "yes"): "",
    ("step_late", "yes"): "the step's window was over",
}


def render_why(found: Why, vocabulary: Vocabulary) -> str:
    """Return the explanation of one action as text."""
    return "\n".join(_lines(found, vocabulary))


def _lines(found: Why, vocabulary: Vocabulary) -> Iterator[str]:
    action, journey, book = found.action, found.journey, found.playbook
    tz = vocabulary.timezone
    step = book.step(action.step)
    title = step.title if isinstance(step, Do) else ""
    what = title or book.title or book.name
    yield f"{action.id}  {what}: {action.channel or action.kind} for customer {action.customer}"
    state = _STATES.get(action.state, str(action.state))
    if action.state is ActionState.OPEN and not action.human:
        state = "open"
    yield f"  now: {state}{_reason(action.reason)}"
    if found.hold is not None and action.state in _STATES:
        yield f"  held: {held_words(found.hold, tz)}"
    if action.assignee:
        yield f"  who: {action.assignee}"
    yield f"  when: {action.words or moment(action.opens_at, tz)}"
    yield f"        counted from {action.anchor}"
    if any(_moves(change, action.id) for change in found.changes):
        yield f"  moved: {_window(action, tz)}"
    yield from effect(found, step, vocabulary)
    if action.by and isinstance(step, Do):
        yield f"  closed by: {action.by}"
    if action.outcome or found.asked or found.note:
        told = [
            action.outcome or "",
            *(f"{k}={_asked(v)}" for k, v in found.asked.items()),
            found.note,
        ]
        yield f"  result: {', '.join(part for part in told if part)}"
    yield from _said(found)
    yield ""
    titled = f" ({book.title})" if book.title else ""
    yield f"Playbook {book.name}{titled}, revision {book.revision}, {book.file}"
    yield from _yaml(found.trigger_lines)
    yield from _yaml(found.step_lines)
    yield ""
    yield "Why it began"
    yield from _start(found.start, tz)
    for row in found.others:
        if row["gate"] == "start":
            yield from _decision(row, tz)
    later = [row for row in found.others if row["gate"] != "start"]
    if later:
        yield ""
        yield "What was decided after that"
        for row in later:
            yield from _decision(row, tz)
    yield ""
    yield "What happened"
    for change in found.changes:
        what = "journey" if change.subject == journey.id else "action"
        shown = {k: change.body[k] for k in ("reason", "goal", "outcome") if change.body.get(k)}
        tail = "".join(f", {key} {value}" for key, value in shown.items())
        if _moves(change, action.id):
            tail += f", due {moment(change.body['due_by'], tz)}"
        yield f"  {moment(change.at, tz)}  {what} {change.state}{tail}  (audit entry {change.n})"
    for attempt in found.attempts:
        verdict = (attempt["verdict"] or "no answer recorded").replace("_", " ")
        said = ": ".join(part for part in (attempt["code"], attempt["words"]) if part)
        tried = f"  try {attempt['n']} at {moment(attempt['wall'], tz)}: {verdict}"
        yield f"{tried}, {said}" if said else tried
    if found.trail:
        yield ""
        yield "What people did"
        yield from trail_lines(found.trail, tz)


def _moves(change: Change, action: str) -> bool:
    """Return whether a change gave an action another time: after a hold, or by a person."""
    return (
        change.subject == action and "state" not in change.body and bool(change.body.get("due_by"))
    )


def _window(action: Action, tz: str) -> str:
    due = f"due {moment(action.due_by, tz)}"
    planned = action.state is ActionState.PLANNED
    return f"opens {moment(action.opens_at, tz)}, {due}" if planned else due


def _said(found: Why) -> Iterator[str]:
    lines = list(text_lines(found.texts)) if found.texts else [found.erased]
    if any(lines):
        yield ""
        yield "What it says"
        yield from (f"  {line}" for line in lines)


def _reason(reason: str | None) -> str:
    return f" ({reason.replace('_', ' ')})" if reason else ""


def _asked(value: object) -> object:
    return ("no", "yes")[value] if isinstance(value, bool) else value


def _yaml(lines: tuple[tuple[int, str], ...]) -> Iterator[str]:
    for number, text in lines:
        yield f"  {number:>4} | {text}"


def _start(row: Row, tz: str) -> Iterator[str]:
    evidence: Mapping[str, Any] = row["evidence"]
    trigger = evidence["trigger"]
    yield f"  trigger at {trigger['place']}: {trigger['words'] or trigger['kind']}"
    if "event" in evidence:
        event = evidence["event"]
        late = ", arrived late" if evidence.get("late") else ""
        yield f"  event {event['name']} {event['id']} of {moment(event['at'], tz)}{late}"
    if "moment" in evidence:
        yield f"  {evidence['moment']['words']}"
        for year in evidence["moment"].get("unannounced", ()):
            yield f"  the make-up days of {year} are not known"
    if "edge" in evidence:
        edge = evidence["edge"]
        change = (
            f": {edge['before'] or 'none'} -> {edge['after'] or 'none'}" if edge["after"] else ""
        )
        yield f"  {edge['name']}{change}, first seen by the run of {moment(edge['since'], tz)}"
    if "condition" in evidence:
        yield from trace_lines("because", evidence["condition"])
    for name in ("only", "except"):
        if name in evidence:
            yield from trace_lines(name, evidence[name])
    yield f"  decided by the run of {moment(row['run_at'], tz)}, matcher {evidence['matcher']}"
    asked = [
        (name, str(value))
        for name, value in evidence["gate"].items()
        if name not in ("only", "except") or name in evidence
    ]
    told = [_GATE.get(item, "") for item in asked]
    yield f"  gate: {'; '.join(part for part in told if part)}"


def _decision(row: Row, tz: str) -> Iterator[str]:
    evidence = row["evidence"]
    rule = f" by {_rule(row)}" if row["rule"] else ""
    until = f" until {moment(row['until'], tz)}" if row["until"] else ""
    yield f"  {moment(row['run_at'], tz)}  {row['verb']}{_reason(row['reason'])}{rule}{until}  {row['place']}"
    if "event" in evidence:
        event = evidence["event"]
        yield f"      event {event['name']} {event['id']} of {moment(event['at'], tz)}"
    for note in (*evidence.get("routing", ()), *evidence.get("notes", ())):
        yield f"      {note}"
    for name in ("condition", "recheck", "house"):
        if name in evidence:
            for line in trace_lines(name, evidence[name]):
                yield f"    {line}"


#: Reasons that parts of house.yaml other than its rules give; the rule is the part's path.
_LIMITS = ("cap", "quiet", "consent", "consent_withdrawn", "no_channel")


def _rule(row: Row) -> str:
    head = str(row["rule"]).partition("/")[0]
    limit = row["reason"] in _LIMITS or head in ("caps", "quiet")
    if row["reason"] == "levelled":
        return f"{row['rule']} of care.yaml"
    return f"{row['rule']} of house.yaml" if limit else f"house rule {row['rule']}"
