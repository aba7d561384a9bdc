"""When a ``date`` or ``holiday`` trigger fires, and which stored values make it fire in a span of time.

A stored value has *days that count* (itself, its anniversaries, its lunar day); each has a *moment*:
the day moved by ``before`` or ``after``, at midnight of the business zone or at ``at``. Moments grow
with their days, so a span of moments is a span of days, and that a list of ranges of values.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from engine.calendar import WorkingCalendar
from rules.lunar import lunar_of, solar_of
from rules.playbook import Trigger
from rules.units import (
    MICROS,
    Duration,
    Unit,
    date_of,
    day_number,
    day_of,
    day_start,
    shift,
    shift_day,
)

__all__ = ["Kept", "Moments", "Occasion", "last_before"]

_DATED = (Unit.DAY, Unit.WEEK, Unit.MONTH, Unit.YEAR)
_FIRST_YEAR = 1800  #: anniversaries of what lies further back are not looked for
_DAY = 86_400 * MICROS

Range = tuple[int, int]  #: low and high, both inside


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How the values of a trigger's date are kept."""

    instant: bool  #: microseconds, else days
    lunar: bool = False  #: month and day are those of the lunar calendar


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """One day that counts, of one stored value."""

    value: int
    year: int | None  #: of an anniversary: by the calendar that the date has
    day: int
    moment: int  #: when the trigger fires
    until: int  #: lateness counts from here: the moment, or the day itself when that comes later


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """The arithmetic of one trigger."""

    trigger: Trigger
    kept: Kept
    calendar: WorkingCalendar

    @property
    def by_day(self) -> bool:
        """Whether whole days are moved; else an instant by its own time of day."""
        offset = self.trigger.offset
        working = offset is not None and offset.unit is Unit.WORKING_DAY
        return (
            not self.kept.instant or self.trigger.yearly or self.trigger.at is not None or working
        )

    def of_day(self, day: int) -> int:
        """Return the moment of a day that counts."""
        trigger, tz = self.trigger, self.calendar.timezone
        at, offset = trigger.at or dt.time(), trigger.offset
        if offset is None:
            return day_start(day, tz, at=at)
        if offset.unit is Unit.WORKING_DAY:
            moved = self.calendar.add_working_days(day, offset.amount, back=trigger.back)
            return day_start(moved, tz, at=at)
        if offset.unit in _DATED:
            return day_start(shift_day(day, offset, back=trigger.back), tz, at=at)
        return self._moved(day_start(day, tz, at=at), offset)

    def of_value(self, value: int) -> int:
        """Return the moment of an instant that is not moved by whole days."""
        offset = self.trigger.offset
        return value if offset is None else self._moved(value, offset)

    def _moved(self, instant: int, offset: Duration) -> int:
        if offset.unit is Unit.WORKING_HOUR:
            micros = offset.amount * 3600 * MICROS
            if self.trigger.back:
                return self.calendar.retreat(instant, micros)
            return self.calendar.advance(instant, micros)
        return shift(instant, offset, self.calendar.timezone, back=self.trigger.back)

    def until(self, day: int) -> int:
        """Return from when an unserved day is late: the moment, or the day when that comes later."""
        return max(self.of_day(day), day_start(day, self.calendar.timezone))

    def earliest(self, instant: int) -> int:
        """Return an instant before the moment of every day that comes after ``instant``."""
        return instant - (self._reach() + 2) * _DAY

    # Spans of days and values

    def days(self, after: int, upto: int) -> range:
        """Return the days whose moment lies in (after, upto]."""
        return self._days(self.of_day, after, upto)

    def _days(self, late: Callable[[int], int], after: int, upto: int) -> range:
        """Return the days with a moment up to ``upto``, and ``late`` of it after ``after``."""
        centre = day_of(upto, self.calendar.timezone)
        reach = self._reach() + abs(upto - after) // _DAY + 2
        low = last_before(late, after, centre - reach, centre + reach)
        return range(low + 1, last_before(self.of_day, upto, centre - reach, centre + reach) + 1)

    def _instants(self, late: Callable[[int], int], after: int, upto: int) -> list[Range]:
        """Return the instants likewise."""
        reach = (self._reach() + 2) * _DAY + abs(upto - after)
        low = last_before(late, after, upto - reach, upto + reach)
        high = last_before(self.of_value, upto, upto - reach, upto + reach)
        return [(low + 1, high)] if low < high else []

    def _reach(self) -> int:
        """Return more days than the offset can move a day."""
        offset = self.trigger.offset
        if offset is None:
            return 2
        factor = {Unit.DAY: 1, Unit.WEEK: 7, Unit.MONTH: 31, Unit.YEAR: 366}
        factor |= {Unit.WORKING_DAY: 3, Unit.WORKING_HOUR: 3}
        return offset.amount * factor.get(offset.unit, 1) + 60

    def ranges(self, days: range) -> list[Range]:
        """Return the values that have one of some days as a day that counts."""
        if not days:
            return []
        if not self.trigger.yearly:
            if self.kept.lunar:
                values = [v for day in days for v in _named(day, lunar=True, first=None)]
            else:
                return self._stored([(days[0], days[-1])])
        else:
            values = [
                v for day in days for v in _named(day, lunar=self.kept.lunar, first=_FIRST_YEAR)
            ]
        return self._stored(_merged(values))

    def _stored(self, days: Iterable[Range]) -> list[Range]:
        """Return ranges of days as ranges of what is stored."""
        if not self.kept.instant:
            return list(days)
        tz = self.calendar.timezone
        return [(day_start(low, tz), day_start(high + 1, tz) - 1) for low, high in days]

    def values(self, after: int, upto: int) -> list[Range]:
        """Return the ranges of stored values with a moment in (after, upto]."""
        if self.by_day:
            return self.ranges(self.days(after, upto))
        return self._instants(self.of_value, after, upto)

    def values_not_late(self, upto: int, since: int) -> list[Range]:
        """Return the ranges of stored values with a moment up to ``upto`` that are not late before
        ``since``: a run may still learn of them.
        """
        if self.by_day:
            return self.ranges(self._days(self.until, since, upto))
        return self._instants(lambda value: max(value, self.of_value(value)), since, upto)

    # Occasions of one value

    def occasions(self, value: int, after: int, upto: int) -> Iterator[Occasion]:
        """Yield the days that count of one stored value with a moment in (after, upto], in order."""
        if not self.by_day:
            moment = self.of_value(value)
            if after < moment <= upto:
                day = day_of(value, self.calendar.timezone)
                yield Occasion(
                    value=value, year=None, day=day, moment=moment, until=max(value, moment)
                )
            return
        stored = day_of(value, self.calendar.timezone) if self.kept.instant else value
        for year, day in self._counting(stored, self.days(after, upto)):
            moment = self.of_day(day)
            yield Occasion(value=value, year=year, day=day, moment=moment, until=self.until(day))

    def _counting(self, stored: int, days: range) -> Iterator[tuple[int | None, int]]:
        """Yield (year, day) of the days that count among some days."""
        date = date_of(stored)
        if not self.trigger.yearly:
            day = solar_of(date.year, date.month, date.day) if self.kept.lunar else stored
            if day in days:
                yield None, day
            return
        if not days:
            return
        first, last = date_of(days[0]).year, date_of(days[-1]).year
        for year in range(max(first - 1, date.year + 1), last + 2):
            if self.kept.lunar:
                day = solar_of(year, date.month, date.day)
            else:
                leaps = (date.month, date.day) == (2, 29) and not _is_leap(year)
                day = day_number(dt.date(year, date.month, 28 if leaps else date.day))
            if day in days:
                yield year, day


def last_before(moment: Callable[[int], int], upto: int, low: int, high: int) -> int:
    """Return the largest x in [low, high] with moment(x) <= upto; low - 1 where there is none.

    ``moment`` grows with x.
    """
    low -= 1
    while low < high:
        middle = (low + high + 1) // 2
        if moment(middle) <= upto:
            low = middle
        else:
            high = middle - 1
    return low


def _named(day: int, *, lunar: bool, first: int | None) -> list[int]:
    """Return the stored days (as dates are written) that have their day of the year on this day;
    ``first``: of this year and later, before the day's own; None: of its own year only.
    """
    if lunar:
        found = lunar_of(day)
        if found.leap:
            return []
        year, names = found.year, [(found.month, found.day)]
        if found.last:  # the 30th of a month that has 29 days; no lunar month has a 31st
            names += [(found.month, number) for number in range(found.day + 1, 32)]
    else:
        date = date_of(day)
        year, names = date.year, [(date.month, date.day)]
        if (date.month, date.day) == (2, 28) and not _is_leap(year):
            names.append((2, 29))
    years = [year] if first is None else range(first, year)
    return [
        day_number(dt.date(each, month, number))
        for each in years
        for month, number in names
        if _exists(each, month, number)
    ]


def _exists(year: int, month: int, day: int) -> bool:
    try:
        dt.date(year, month, day)
    except ValueError:
        return False
    return True


def _is_leap(year: int) -> bool:
    return _exists(year, 2, 29)


def _merged(days: Iterable[int]) -> list[Range]:
    """Return days as ranges of neighbours."""
    found: list[Range] = []
    for day in sorted(set(days)):
        if found and found[-1][1] == day - 1:
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found
