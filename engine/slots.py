"""The planned instants of ``every``: by the calendar, from an instant on, or by cron."""

from __future__ import annotations

import datetime as dt
from typing import assert_never

from engine.calendar import WorkingCalendar
from engine.moments import last_before
from rules.playbook import Every, Period
from rules.rhythm import DayRule, read_day
from rules.units import (
    MICROS,
    Duration,
    Unit,
    date_of,
    day_number,
    day_of,
    day_start,
    from_datetime,
    shift,
    to_local,
)

__all__ = ["last_slot", "nth_slot", "slot_since"]

#: About how long one is, to guess the number of a slot.
_SECONDS = {
    Unit.SECOND: 1, Unit.MINUTE: 60, Unit.HOUR: 3600, Unit.DAY: 86_400, Unit.WEEK: 604_800,
    Unit.MONTH: 2_630_000, Unit.YEAR: 31_557_600,
}  # fmt: skip
_MOST_PERIODS = 60  #: without a slot in so many periods there is none
_LONGEST_GAP = 400 * 86_400 * MICROS  #: cron is not followed further back


def last_slot(every: Every, calendar: WorkingCalendar, *, after: int, upto: int) -> int | None:
    """Return the last planned instant in (after, upto] of a rhythm that is the same for everybody."""
    if every.cron is not None:
        return _last_of_cron(every.cron, calendar.timezone, after, upto)
    assert every.period is not None
    rule = read_day(every.day, every.period)
    assert rule is not None
    day = day_of(upto, calendar.timezone)
    for _ in range(_MOST_PERIODS):
        first, last = _bounds(day, every.period)
        picked = _picked(first, last, rule, calendar)
        if picked is not None:
            slot = day_start(picked, calendar.timezone, at=every.at or dt.time())
            if slot <= upto:
                return slot if slot > after else None
        day = first - 1
    return None


def _bounds(day: int, period: Period) -> tuple[int, int]:
    """Return the first and last day of the period around a day."""
    date = date_of(day)
    match period:
        case Period.DAY:
            return day, day
        case Period.WEEK:
            first = day - date.weekday()
            return first, first + 6
        case Period.MONTH:
            months, start = 1, date.month
        case Period.QUARTER:
            months, start = 3, (date.month - 1) // 3 * 3 + 1
        case Period.YEAR:
            months, start = 12, 1
        case _:
            assert_never(period)
    over, month = divmod(start - 1 + months, 12)
    after = dt.date(date.year + over, month + 1, 1)
    return day_number(dt.date(date.year, start, 1)), day_number(after) - 1


def _picked(first: int, last: int, rule: DayRule, calendar: WorkingCalendar) -> int | None:
    """Return the day that a rule picks in a period; the last one there is where it has not so many.

    None where no day of the period is worked and a working day is asked for.
    """
    if rule.month is not None:
        year = date_of(first).year
        leaps = (rule.month, rule.number) == (2, 29) and last - first == 364
        return day_number(dt.date(year, rule.month, 28 if leaps else rule.number))
    if not rule.working:
        return last if rule.number < 0 else min(first + rule.number - 1, last)
    if rule.number > 0:
        found = calendar.add_working_days(first - 1, rule.number)
        if found <= last:
            return found
    found = calendar.add_working_days(last + 1, 1, back=True)
    return found if found >= first else None


def _last_of_cron(expression: str, tz: str, after: int, upto: int) -> int | None:
    from cronsim import CronSim  # noqa: PLC0415 - only cron needs it

    found = None
    start = to_local(max(after, upto - _LONGEST_GAP), tz)
    for moment in CronSim(expression, start):
        instant = from_datetime(moment)
        if instant > upto:
            break
        if instant > after:
            found = instant
    return found


def nth_slot(every: Every, start: int, number: int, calendar: WorkingCalendar) -> int:
    """Return the ``number``-th planned instant (from 1) of a rhythm that runs from an instant.

    Always counted from the start, so that a month's end stays a month's end.
    """
    span = every.span
    assert span is not None
    tz = calendar.timezone
    total = Duration(span.amount * number, span.unit)
    match span.unit:
        case Unit.WORKING_DAY:
            day = calendar.add_working_days(day_of(start, tz), total.amount)
            slot = day_start(day, tz, at=to_local(start, tz).time())
        case Unit.WORKING_HOUR:
            slot = calendar.advance(start, total.amount * 3600 * MICROS)
        case Unit.DAY | Unit.WEEK:
            # The same time of day, also where the clock has changed between.
            days = total.amount * (7 if span.unit is Unit.WEEK else 1)
            slot = day_start(day_of(start, tz) + days, tz, at=to_local(start, tz).time())
        case _:
            slot = shift(start, total, tz)
    if every.at is not None:
        slot = day_start(day_of(slot, tz), tz, at=every.at)
    return slot


def slot_since(every: Every, start: int, calendar: WorkingCalendar, *, upto: int) -> int | None:
    """Return the last planned instant up to ``upto`` of a rhythm that runs from an instant."""
    span = every.span
    assert span is not None
    if upto <= start:
        return None
    if span.working:
        high = 1
        while nth_slot(every, start, high, calendar) <= upto:
            high *= 2
        number = last_before(lambda n: nth_slot(every, start, n, calendar), upto, 1, high)
        return nth_slot(every, start, number, calendar) if number else None
    number = (upto - start) // (span.amount * _SECONDS[span.unit] * MICROS) + 1
    slot = nth_slot(every, start, number, calendar)
    while slot > upto and number > 0:
        number -= 1
        slot = nth_slot(every, start, number, calendar)
    while (following := nth_slot(every, start, number + 1, calendar)) <= upto:
        number, slot = number + 1, following
    return slot if number > 0 else None
