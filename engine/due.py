"""When a step opens and when it is due, with the arithmetic in words for the evidence.

Working time, days and times of day are those of the calendar's zone; months and years clamp in the
business zone.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import assert_never

from engine.calendar import WorkingCalendar
from engine.due_words import told
from rules.playbook import Due, DueForm
from rules.units import MICROS, Duration, Unit, day_of, day_start, shift

__all__ = ["Opening", "end_of", "window"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """The window of a step; ``opens_at <= due_by`` always."""

    opens_at: int  #: instant
    due_by: int  #: instant
    words: str  #: one English sentence, no full stop, in the calendar's zone
    unannounced: tuple[int, ...] = ()  #: years counted though their make-up days are not known


def window(due: Due, anchor: int, calendar: WorkingCalendar, at: dt.time | None = None) -> Opening:
    """Return when a step opens and is due, counted from its anchor (an instant).

    Raises ValueError where the result leaves the years 1 to 9999.
    """
    opens, by = _plain(due, anchor, calendar)
    at_words = ""
    if at is not None:
        moved = _first_at(at, opens, calendar, worked=_working(due))
        ends_before = due.form is DueForm.SAME_DAY and moved == by  # midnight is the next day's
        if due.form is DueForm.AFTER:  # no end of its own: it is due the day that it opens
            opens, by = moved, _close_of_hours(moved, calendar)
            at_words = f", at {at:%H:%M}"
        elif moved <= by and not ends_before:
            opens = moved
            at_words = f", at {at:%H:%M}"
        else:
            at_words = f"; {at:%H:%M} does not come inside this window, so it opens at its start"
    by = max(by, opens)
    words, unannounced = told(due, anchor, opens, by, calendar, at_words)
    return Opening(opens_at=opens, due_by=by, words=words, unannounced=unannounced)


def end_of(due: Due, anchor: int, calendar: WorkingCalendar) -> int:
    """Return the ``due_by`` that ``window`` gives, without its words, which take much longer."""
    opens, by = _plain(due, anchor, calendar)
    return max(by, opens)


def _plain(due: Due, anchor: int, calendar: WorkingCalendar) -> tuple[int, int]:
    """Return the window before ``at`` moves it."""
    match due.form:
        case DueForm.NOW:
            return anchor, anchor
        case DueForm.SAME_DAY:
            return anchor, day_start(day_of(anchor, calendar.timezone) + 1, calendar.timezone)
        case DueForm.WITHIN:
            return anchor, _end(_duration(due.high, due), anchor, calendar)
        case DueForm.AFTER:
            opens = _start(_duration(due.low, due), anchor, calendar)
            return opens, _close_of_hours(opens, calendar)
        case DueForm.BETWEEN:
            low = _duration(due.low, due)
            opens, by = (
                _start(low, anchor, calendar),
                _end(_duration(due.high, due), anchor, calendar),
            )
            if opens > by and low.unit is Unit.WORKING_HOUR:  # rolled from a close past the end
                opens = calendar.advance(anchor, _hours(low))
            return opens, by
        case _:
            assert_never(due.form)


def _start(duration: Duration, anchor: int, calendar: WorkingCalendar) -> int:
    """Return where a window opens; one that would open at a close of hours opens next morning."""
    match duration.unit:
        case Unit.WORKING_DAY:
            day = calendar.add_working_days(day_of(anchor, calendar.timezone), duration.amount)
            return max(anchor, calendar.opening(day))
        case Unit.WORKING_HOUR:
            return calendar.next_working_moment(calendar.advance(anchor, _hours(duration)))
        case _:
            return shift(anchor, duration, calendar.home or calendar.timezone)


def _end(duration: Duration, anchor: int, calendar: WorkingCalendar) -> int:
    """Return where a window ends."""
    match duration.unit:
        case Unit.WORKING_DAY:
            day = calendar.add_working_days(day_of(anchor, calendar.timezone), duration.amount)
            if not calendar.is_working_day(day) or calendar.closing(day) < anchor:  # 0 of them
                return _close_of_hours(anchor, calendar)
            return calendar.closing(day)
        case Unit.WORKING_HOUR:
            return calendar.advance(anchor, _hours(duration))
        case _:
            return shift(anchor, duration, calendar.home or calendar.timezone)


def _close_of_hours(instant: int, calendar: WorkingCalendar) -> int:
    """Return the first close of hours at or after an instant."""
    day = calendar.this_or_next_working_day(day_of(instant, calendar.timezone))
    if calendar.closing(day) < instant:
        day = calendar.add_working_days(day, 1)
    return calendar.closing(day)


def _first_at(at: dt.time, instant: int, calendar: WorkingCalendar, *, worked: bool) -> int:
    """Return the first such time of day at or after an instant; on a working day if ``worked``."""
    day = day_of(instant, calendar.timezone)
    if day_start(day, calendar.timezone, at=at) < instant:
        day += 1
    if worked:
        day = calendar.this_or_next_working_day(day)
    return day_start(day, calendar.timezone, at=at)


def _duration(duration: Duration | None, due: Due) -> Duration:
    if duration is None:
        raise ValueError(f'due "{due.form}" without its duration')
    return duration


def _hours(duration: Duration) -> int:
    return duration.amount * 3600 * MICROS


def _working(due: Due) -> bool:
    """Return whether the window is counted in working days or hours."""
    return any(part is not None and part.working for part in (due.low, due.high))
