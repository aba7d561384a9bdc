"""Where the edges of windows and the marks of phrases fall at an instant T."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from functools import lru_cache

from rules.measures import Window
from rules.units import (
    MICROS,
    Duration,
    Unit,
    day_of,
    from_datetime,
    shift,
    shift_day,
    to_datetime,
    zone,
)

__all__ = ["BEGINNING", "END", "bound", "day_mark", "mark", "month_of", "offsets"]

BEGINNING = -(2**62)  #: before every instant; fits a 64-bit integer
END = 2**62  #: after every instant

_FIRST_YEAR, _LAST_YEAR = 1900, 2100  #: between these a zone's offsets are looked up
_DAY = 86_400 * MICROS
_STEP = dt.timedelta(days=3)


@lru_cache(maxsize=4096)
def bound(at: int, window: Window, step: int, tz: str) -> int:
    """Return an edge of a window at T: step 0 its end, 1 its start, 2 the start of the one before.

    ``shift`` and ``last`` add up before the calendar moves (3 + 1 months are 4 months); where only
    one of them is in months or years, ``shift`` moves first. Without ``last`` every start is
    ``BEGINNING``. Raises ValueError for working units.
    """
    if step == 0:
        return mark(at, window.shift, tz, back=True)
    if window.last is None:
        return BEGINNING
    last = Duration(window.last.amount * step, window.last.unit)
    if window.shift is None:
        return mark(at, last, tz, back=True)
    both = _added(window.shift, last)
    if both is not None:
        return mark(at, both, tz, back=True)
    return mark(mark(at, window.shift, tz, back=True), last, tz, back=True)


def _added(one: Duration, two: Duration) -> Duration | None:
    """Return the sum of two exact or of two calendar durations, else None."""
    if one.exact and two.exact:
        return Duration(one.seconds + two.seconds, Unit.SECOND)
    months = [_months(duration) for duration in (one, two)]
    if None in months:
        return None
    return Duration(sum(month for month in months if month is not None), Unit.MONTH)


def _months(duration: Duration) -> int | None:
    match duration.unit:
        case Unit.MONTH:
            return duration.amount
        case Unit.YEAR:
            return 12 * duration.amount
        case _:
            return None


def mark(at: int, duration: Duration | None, tz: str, *, back: bool) -> int:
    """Return T moved by a duration (None: T itself), held between ``BEGINNING`` and ``END``.

    What would leave the calendar is the beginning or the end of time.
    """
    if duration is None:
        return at
    if duration.working:
        raise ValueError(f"{duration} needs a calendar")
    try:
        moved = shift(at, duration, tz, back=back)
    except (ValueError, OverflowError):
        return BEGINNING if back else END
    return max(BEGINNING, min(END, moved))


def day_mark(at: int, duration: Duration | None, tz: str, *, back: bool) -> int:
    """Return the local day of T moved by a duration (None: today), as a day number.

    Hours and smaller units move T itself. What would leave the calendar is far outside of it.
    """
    if duration is None:
        return day_of(at, tz)
    if duration.working:
        raise ValueError(f"{duration} needs a calendar")
    try:
        if duration.unit in (Unit.DAY, Unit.WEEK, Unit.MONTH, Unit.YEAR):
            return _held(shift_day(day_of(at, tz), duration, back=back))
        return day_of(shift(at, duration, tz, back=back), tz)
    except (ValueError, OverflowError):
        return -(2**30) if back else 2**30


def _held(day: int) -> int:
    return max(-(2**30), min(2**30, day))


@lru_cache(maxsize=64)
def offsets(tz: str) -> tuple[tuple[int, int], ...]:
    """Return (from instant, offset from UTC in microseconds) of a zone, in order.

    The first one holds from the beginning of time. Changes are found from 1900 to 2100 by looking
    at every third day: the two nearest of any zone are four days apart (Africa/Freetown, 1939).
    """
    zoned = zone(tz)

    def offset(moment: dt.datetime) -> dt.timedelta:
        delta = moment.astimezone(zoned).utcoffset()
        assert delta is not None
        return delta

    def micros(delta: dt.timedelta) -> int:
        return delta // dt.timedelta(microseconds=1)

    moment = dt.datetime(_FIRST_YEAR, 1, 1, tzinfo=dt.UTC)
    last = dt.datetime(_LAST_YEAR, 1, 1, tzinfo=dt.UTC)
    now = offset(moment)
    found = [(BEGINNING, micros(now))]
    # 24,000 steps in every process that counts months: datetimes are added, not made of instants.
    while (moment := moment + _STEP) < last:
        if (after := offset(moment)) != now:
            high = from_datetime(moment)
            low = high - micros(_STEP)  # the offset at low is the old one, that at high the new
            while high - low > MICROS:
                middle = (low + high) // 2 // MICROS * MICROS
                old = offset(to_datetime(middle)) == now
                low, high = (middle, high) if old else (low, middle)
            found.append((high, micros(after)))
            now = after
    return tuple(found)


@lru_cache(maxsize=64)
def _starts(tz: str) -> list[int]:
    return [start for start, _ in offsets(tz)]


def month_of(instant: int, tz: str) -> int:
    """Return the number of the local calendar month in which an instant falls.

    Numbers grow by one a month; 0 is March of the year 0.
    """
    offset = offsets(tz)[bisect_right(_starts(tz), instant) - 1][1]
    days = (instant + offset) // _DAY + 719_468  # since 0000-03-01
    era, day = divmod(days, 146_097)
    year = (day - day // 1460 + day // 36_524 - day // 146_096) // 365
    day -= 365 * year + year // 4 - year // 100
    return (era * 400 + year) * 12 + (5 * day + 2) // 153
