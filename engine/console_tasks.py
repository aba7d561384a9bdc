"""The task list on the screen and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.console import moment, table
from engine.task_columns import ERRORS
from engine.tasks import Task
from engine.words import TaskChange
from rules.playbook import Asked, AskedKind

if TYPE_CHECKING:
    from engine.task_import import Taken
    from engine.task_rows import TaskFile

__all__ = [
    "answer_words",
    "render_long_tasks",
    "render_taken",
    "render_tasks",
    "taken_json",
    "task_json",
    "trail_lines",
]

_HEADS = (
    "id", "due", "customer", "what", "step", "channel", "who", "state", "outcome", "outcomes",
)  # fmt: skip


def render_tasks(found: Sequence[Task], ids: Mapping[str, str], tz: str) -> str:
    """Return the task list; ``ids`` are the short ones."""
    rows = [
        (
            ids[task.action.id], _due(task, tz), task.action.customer, _what(task), task.step.name,
            task.action.channel, task.action.assignee or "",
            "" if str(task.action.state) == "open" else str(task.action.state),
            task.action.outcome or "", ", ".join(task.step.outcomes),
        )
        for task in found
    ]  # fmt: skip
    return table(_HEADS, rows) if rows else "no tasks"


def render_long_tasks(found: Sequence[Task], ids: Mapping[str, str], tz: str) -> str:
    """Return the tasks one below the other, each with what is to be said and asked."""
    return "\n\n".join("\n".join(_long(task, ids, tz)) for task in found) if found else "no tasks"


def _long(task: Task, ids: Mapping[str, str], tz: str) -> Iterator[str]:
    action = task.action
    yield f"{ids[action.id]}  {_what(task)}: {task.step.name}, customer {action.customer}"
    yield f"  due {_due(task, tz)}" + (f", {action.assignee}" if action.assignee else "")
    if task.texts and task.texts.to:
        yield f"  to {task.texts.to}"
    if task.brief:
        for line in task.brief.splitlines():
            yield f"  | {line}"
    if task.script:
        yield "  to say:"
        for line in task.script.strip("\n").splitlines():
            yield f"  | {line}".rstrip()
    if task.step.outcomes:
        yield f"  outcome: {', '.join(task.step.outcomes)}"
    for asked in task.step.ask:
        yield f"  ask {asked.name}: {answer_words(asked)}"


def _due(task: Task, tz: str) -> str:
    return moment(task.action.due_by, tz) + (" overdue" if task.overdue else "")


def _what(task: Task) -> str:
    return task.what + (f" (for {len(task.guests) + 1} occurrences)" if task.guests else "")


def answer_words(asked: Asked) -> str:
    """Return what an answer may be, as the playbook has it."""
    match asked.kind:
        case AskedKind.SCALE:
            return f"{asked.low} to {asked.high}"
        case AskedKind.CHOICE:
            return ", ".join(asked.choices)
        case AskedKind.YES_NO:
            return "yes or no"
        case _:
            return str(asked.kind)


def task_json(task: Task) -> dict[str, Any]:
    """Return one task as plain values."""
    action = task.action
    return {
        "id": action.id, "customer": action.customer, "playbook": action.playbook,
        "title": task.title, "step": action.step, "step_title": task.step.title,
        "brief": task.brief, "script": task.script, "to": task.texts.to if task.texts else "",
        "channel": action.channel, "role": task.role,
        "assignee": action.assignee, "state": str(action.state), "opens_at": action.opens_at,
        "due_by": action.due_by, "overdue": task.overdue, "outcomes": list(task.step.outcomes),
        "ask": [asked.name for asked in task.step.ask],
        "answers": {asked.name: answer_words(asked) for asked in task.step.ask},
        "outcome": action.outcome, "note": task.note, "journey": action.journey,
        "reopens": action.detail.get("reopens"),
        "joined": [
            {"id": guest.id, "journey": guest.journey, "opened_at": guest.opened_at}
            for guest in task.guests
        ],
    }  # fmt: skip


def trail_lines(trail: Sequence[Mapping[str, Any]], tz: str) -> Iterator[str]:
    """Yield what people did to a task, a line each."""
    for row in trail:
        by = f" by {row['who']}" if row["who"] else ""
        why = f": {row['why']}" if row["why"] else ""
        yield f"  {moment(row['at'], tz)}  {_change(row, tz)}{by}{why}"


def _change(row: Mapping[str, Any], tz: str) -> str:
    match row["change"]:
        case TaskChange.SNOOZED:
            return (
                f"put off from {moment(int(row['before']), tz)} to {moment(int(row['after']), tz)}"
            )
        case TaskChange.ASSIGNED:
            before = f" instead of {row['before']}" if row["before"] else ""
            return f"given to {row['after']}{before}"
        case TaskChange.REOPENED:
            return f"opened again, after {row['before']}"
        case TaskChange.JOINED:
            return f"{row['after']} goes with it"
        case "reopened as":
            return f"opened again as {row['after']}"
        case _:
            return str(row["change"])


def render_taken(file: TaskFile, taken: Taken, returned: Path | None) -> str:
    """Return what became of a sheet that came back."""
    from engine.task_import import Fate  # noqa: PLC0415  slow: it opens files

    counts = taken.counts
    told = [f"{counts[Fate.TAKEN]} taken"]
    told += [f"{counts[Fate.ALREADY]} known already"] if counts[Fate.ALREADY] else []
    told += [f"{counts[Fate.FAILED]} not taken"] if counts[Fate.FAILED] else []
    told += [f"{counts[Fate.EMPTY]} without a result"] if counts[Fate.EMPTY] else []
    lines = [f"{file.path.name}: {', '.join(told)}"]
    lines += [f"  row {row.number} {row.action}: {row.words}" for row in taken.failed]
    if returned is not None:
        lines.append(f"{returned.name} has the errors in its column {ERRORS}")
    return "\n".join(lines)


def taken_json(file: TaskFile, taken: Taken, returned: Path | None) -> dict[str, Any]:
    """Return what became of a sheet as plain values."""
    from engine.task_import import Fate  # noqa: PLC0415  slow: it opens files

    return {
        "file": str(file.path), "returned": str(returned) if returned is not None else None,
        **{str(fate): taken.counts[fate] for fate in Fate},
        "rows": [
            {"row": row.number, "action": row.action, "fate": str(row.fate), "words": row.words}
            for row in taken.rows
            if row.fate is not Fate.EMPTY
        ],
    }  # fmt: skip
