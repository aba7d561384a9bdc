"""What people write about tasks on the command line: until when, due when, whose."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from engine.calendar import WorkingCalendar
from engine.due import window
from engine.ledger import Ledger
from engine.task_answers import read_day
from rules.errors import UsageError, did_you_mean
from rules.phrases import plain, read_duration
from rules.playbook import Due, DueForm
from rules.units import day_number, day_of, day_start, from_iso
from rules.vocabulary import Vocabulary

__all__ = ["near_name", "read_day_end", "read_person", "read_until", "stranger"]

_DAYS = {"today": 0, "今天": 0, "tomorrow": 1, "明天": 1}


def read_day_end(text: str, at: int, zone: str) -> int:
    """Return the midnight that ends ``today``, ``tomorrow`` or a date. Raises UsageError."""
    day = _day(text, at, zone)
    if day is None:
        raise UsageError(f'--due takes today, tomorrow or a date like 2025-10-08, not "{text}"')
    return day_start(day + 1, zone)


def read_until(text: str, at: int, calendar: WorkingCalendar) -> int:
    """Return the instant that a task is put off to: the close of hours of a day, a time as it is, or
    so long from T on. Raises UsageError.
    """
    day = _day(text, at, calendar.timezone)
    if day is not None:
        return calendar.closing(day)
    length = read_duration(text)
    if length is not None:
        return window(Due(DueForm.WITHIN, high=length), at, calendar).due_by
    try:
        return from_iso(plain(text), calendar.timezone)
    except ValueError:
        raise UsageError(
            f'"{text}" is no time; write a date (2025-10-08), a time (2025-10-08T15:00), or a length'
            " (2 working days)"
        ) from None


def read_person(text: str, vocabulary: Vocabulary) -> str:
    """Return whom a task goes to: a role stands for its people. Raises UsageError."""
    role = vocabulary.roles.get(text.strip())
    if role is None:
        return text.strip()
    if role.attribute is not None:
        raise UsageError(
            f'role "{role.name}" is another person for each customer (customer.{role.attribute});'
            " write the person's name"
        )
    return role.otherwise or role.name


def stranger(ledger: Ledger, vocabulary: Vocabulary, person: str) -> str:
    """Return a hint where nobody of this name has had a task and a known name is near; else ""."""
    rows = ledger.rows("SELECT DISTINCT assignee FROM actions WHERE assignee IS NOT NULL")
    known = {row["assignee"] for row in rows}
    known |= {role.otherwise for role in vocabulary.roles.values() if role.otherwise}
    hint = "" if person in known else near_name(person, known)
    return f"nobody called {person} has had a task yet; {hint}" if hint else ""


def near_name(word: str, known: Collection[str]) -> str:
    """Return ``did you mean "王丽"?`` for 王莉 as for Wnag; "" where no name is near."""
    hint = did_you_mean(word, known)
    if hint.startswith("did you mean"):
        return hint
    for name in sorted(known):
        if (
            len(name) == len(word) <= 4
            and sum(a != b for a, b in zip(name, word, strict=True)) == 1
        ):
            return f'did you mean "{name}"?'
    return ""


def _day(text: str, at: int, zone: str) -> int | None:
    words = plain(text).casefold()
    if words in _DAYS:
        return day_of(at, zone) + _DAYS[words]
    day: dt.date | None = read_day(words)
    return None if day is None else day_number(day)
