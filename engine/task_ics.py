"""Tasks as calendar entries (iCalendar), for a phone or Outlook.

Each open task is an event of half an hour that ends when it is due, with an alarm; phones and Outlook
show events, and hide to-dos. What was closed lately is there as cancelled, so that it goes from
calendars that keep what they were given.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from engine.console_tasks import answer_words
from engine.ledger import Ledger
from engine.tasks import Task
from engine.words import ActionState
from rules.units import MICROS, to_datetime, to_local

if TYPE_CHECKING:
    from icalendar import Event

__all__ = ["LATELY", "calendar_of"]

LATELY = 31 * 86_400 * MICROS  #: so long a closed task is told as cancelled
_LENGTH = dt.timedelta(minutes=30)
_ALARM = dt.timedelta(minutes=-30)


def calendar_of(
    ledger: Ledger, found: Sequence[Task], *, at: int, timezone: str, name: str
) -> bytes:
    """Return the calendar of tasks, open and closed ones; ``name`` is what it is called.

    Instants stand in UTC, so that every program shows them in its own zone.
    """
    from icalendar import Calendar  # noqa: PLC0415  slow

    calendar = Calendar()
    calendar.add("prodid", "-//care//tasks//")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", name)
    calendar.add("x-wr-timezone", timezone)
    changes = _changes(ledger)
    for task in found:
        calendar.add_component(_event(task, changes.get(task.action.id, 0), at, timezone))
    return bytes(calendar.to_ical())


def _changes(ledger: Ledger) -> Mapping[str, int]:
    """Return how often each task was changed."""
    rows = ledger.rows("SELECT action, count(*) AS n FROM task_changes GROUP BY action")
    return {row["action"]: row["n"] for row in rows}


def _event(task: Task, changes: int, at: int, timezone: str) -> Event:
    from icalendar import Alarm, Event  # noqa: PLC0415

    action = task.action
    due = to_datetime(action.due_by)
    closed = action.state is not ActionState.OPEN
    event = Event()
    event.add("uid", f"{action.id}@care")
    event.add("dtstamp", to_datetime(at))
    event.add("sequence", changes + int(closed))
    event.add("dtstart", due - _LENGTH)
    event.add("dtend", due)
    event.add("summary", f"{task.what}: {action.customer}")
    event.add("description", "\n".join(_lines(task, timezone)))
    event.add("categories", [task.title])
    event.add("transp", "TRANSPARENT")
    event.add("status", "CANCELLED" if closed else "CONFIRMED")
    if not closed:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", f"{task.what}: {action.customer}")
        alarm.add("trigger", _ALARM)
        event.add_component(alarm)
    return event


def _lines(task: Task, timezone: str) -> list[str]:
    action = task.action
    told = [f"{action.id}  {action.playbook} / {action.step}"]
    told += [task.told] if task.told else []
    told += [f"负责人: {action.assignee}"] if action.assignee else []
    told += [f"截止: {to_local(action.due_by, timezone):%Y-%m-%d %H:%M}"]
    told += [f"结果: {', '.join(task.step.outcomes)}"] if task.step.outcomes else []
    told += [f"{asked.name}: {answer_words(asked)}" for asked in task.step.ask]
    return told
