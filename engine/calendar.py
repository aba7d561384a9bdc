"""Working time: which days are worked, and how working days and hours are counted.

Public holidays come from the ``holidays`` library. China's make-up days (a Saturday or Sunday that
is worked, in return for a weekday off) are announced by the State Council each autumn for the next
year only; ``announced`` says for which years they are known.
"""

from __future__ import annotations

import datetime as dt
import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rules.errors import InputError, did_you_mean
from rules.units import date_of, day_number, day_of, day_start
from rules.vocabulary import Vocabulary

if TYPE_CHECKING:
    import holidays

__all__ = ["DayOff", "WorkingCalendar"]

#: Countries whose make-up days are made known year by year, so that a year without any is a year
#: that we don't know yet. (China has had some every year since 2004.)
_BY_NOTICE = frozenset({"CN"})
#: What the library adds to a name: ``国庆节（补假）``, ``New Year's Day (observed)``.
_SUFFIX = re.compile(r"\s*[(（][^()（）]*[)）]$")
#: The library's name for a weekday off that a make-up day pays for; it belongs to its neighbours.
_SWAPPED = "休息日"
_EVE = "农历除夕"
_SPRING = "春节"


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOff:
    """A stretch of days without work that has at least one public holiday in it."""

    first: int  #: day
    last: int  #: day, inclusive
    name: str  #: ``国庆节、中秋节``; the weekend days and swapped days in it have no name


@dataclass(frozen=True, slots=True)
class _Year:
    """What is known of one calendar year."""

    working: tuple[int, ...]  #: its working days, ascending
    made_up: frozenset[int]  #: those that would be weekend
    names: dict[int, str]  #: holiday names by day


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingCalendar:
    """The business's working days and hours. Make one with ``of``; it keeps the years it has seen."""

    timezone: str
    country: str  #: ISO code, ``none`` for weekends only
    opens: dt.time
    closes: dt.time
    _years: dict[int, _Year] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, vocabulary: Vocabulary) -> WorkingCalendar:
        """Return the calendar of a project. Raises InputError for a country nobody knows."""
        country = vocabulary.calendar
        if country != "none":
            import holidays  # noqa: PLC0415 - lazy: not every command counts working days

            country = country.upper()
            known = holidays.list_supported_countries(include_aliases=False)
            if country not in known:
                hint = did_you_mean(country, known)
                raise InputError(
                    f'calendar "{vocabulary.calendar}": no public holidays are known for it; write'
                    f" a country code such as CN, or none for weekends only"
                    + (f" ({hint})" if hint else "")
                )
        return cls(
            timezone=vocabulary.timezone,
            country=country,
            opens=vocabulary.opens,
            closes=vocabulary.closes,
        )

    def is_working_day(self, day: int) -> bool:
        """Return whether the business works on a day."""
        working = self._year(date_of(day).year).working
        place = bisect_left(working, day)
        return place < len(working) and working[place] == day

    def is_make_up_day(self, day: int) -> bool:
        """Return whether a day is worked although it would be weekend."""
        return day in self._year(date_of(day).year).made_up

    def name_of(self, day: int) -> str | None:
        """Return the name of a public holiday, as the library writes it; None for other days."""
        return self._year(date_of(day).year).names.get(day)

    def announced(self, year: int) -> bool:
        """Return whether the make-up days of a year are known; always True where there are none."""
        return self.country not in _BY_NOTICE or bool(self._year(year).made_up)

    def day_off(self, day: int) -> DayOff | None:
        """Return the stretch off around a day; None on working days and plain weekends."""
        if self.is_working_day(day):
            return None
        first = last = day
        while not self.is_working_day(first - 1):
            first -= 1
        while not self.is_working_day(last + 1):
            last += 1
        found = (self.name_of(each) for each in range(first, last + 1))
        split = (part for name in found if name for part in name.split("; "))
        names = list(dict.fromkeys(_SUFFIX.sub("", part) for part in split))
        if not names:
            return None
        if _SPRING in names:
            names = [name for name in names if name != _EVE]
        names = [name for name in names if name != _SWAPPED] or names
        joint = "、" if self.country == "CN" else ", "
        return DayOff(first=first, last=last, name=joint.join(names))

    def add_working_days(self, day: int, count: int, *, back: bool = False) -> int:
        """Return the count-th working day after (or before) a day, which is itself day 0.

        0 returns the day as it is, worked or not. Raises ValueError beyond the years 1 to 9999.
        """
        if count == 0:
            return day
        year = date_of(day).year
        while 1 <= year <= 9999:
            working = self._year(year).working
            if back:
                before = bisect_left(working, day)
                if count <= before:
                    return working[before - count]
                count -= before
                year -= 1
            else:
                upto = bisect_right(working, day)
                if upto + count <= len(working):
                    return working[upto + count - 1]
                count -= len(working) - upto
                year += 1
        raise ValueError(f"{count} working days more leave the calendar")

    def working_days_between(self, first: int, last: int) -> int:
        """Return the number of working days after ``first`` up to and with ``last``; negative when
        ``last`` is the earlier one.
        """
        if last < first:
            return -self.working_days_between(last, first)
        total = 0
        for year in range(date_of(first).year, date_of(last).year + 1):
            working = self._year(year).working
            total += bisect_right(working, last) - bisect_right(working, first)
        return total

    def this_or_next_working_day(self, day: int) -> int:
        """Return the day itself if it is worked, else the next one that is."""
        return day if self.is_working_day(day) else self.add_working_days(day, 1)

    def opening(self, day: int) -> int:
        """Return the instant at which hours begin on a day, worked or not."""
        return day_start(day, self.timezone, at=self.opens)

    def closing(self, day: int) -> int:
        """Return the instant at which hours end on a day, worked or not; never before ``opening``
        (which a clock change can move past it).
        """
        return max(self.opening(day), day_start(day, self.timezone, at=self.closes))

    def working_time(self, start: int, end: int) -> int:
        """Return the microseconds of working time between two instants; negative when the end is
        the earlier one. Exact over clock changes.
        """
        if end < start:
            return -self.working_time(end, start)
        total = 0
        last = day_of(end, self.timezone)
        day = self.this_or_next_working_day(day_of(start, self.timezone))
        while day <= last:
            total += max(0, min(end, self.closing(day)) - max(start, self.opening(day)))
            day = self.add_working_days(day, 1)
        return total

    def advance(self, instant: int, micros: int) -> int:
        """Return the first instant at which so many microseconds of working time have passed.

        A whole rest of a day ends at its close, not at the next opening; 0 returns the instant.
        Raises ValueError beyond the year 9999, and where the hours of the business hold no time.
        """
        if micros <= 0:
            return instant
        day = self.this_or_next_working_day(day_of(instant, self.timezone))
        empty = 0
        while empty < 400:
            start = max(instant, self.opening(day))
            free = self.closing(day) - start
            if micros <= free:
                return start + micros
            empty = 0 if free > 0 else empty + 1
            micros -= max(0, free)
            day = self.add_working_days(day, 1)
        raise ValueError("the working hours hold no time")

    def next_working_moment(self, instant: int) -> int:
        """Return the instant itself within hours (before their close), else the next opening."""
        day = self.this_or_next_working_day(day_of(instant, self.timezone))
        if instant >= self.closing(day):
            day = self.add_working_days(day, 1)
        return max(instant, self.opening(day))

    def _year(self, year: int) -> _Year:
        known = self._years.get(year)
        if known is None:
            known = self._years[year] = self._look_up(year)
        return known

    def _look_up(self, year: int) -> _Year:
        first = dt.date(year, 1, 1).toordinal()
        dates = [
            dt.date.fromordinal(first + each)
            for each in range(dt.date(year, 12, 31).toordinal() - first + 1)
        ]
        if self.country == "none":
            weekdays = tuple(day_number(date) for date in dates if date.weekday() < 5)
            return _Year(weekdays, frozenset(), {})
        table = self._table(year)
        working = tuple(day_number(date) for date in dates if table.is_working_day(date))
        made_up = frozenset(day for day in working if table.is_weekend(date_of(day)))
        names = {day_number(date): name for date in dates if (name := table.get(date))}
        return _Year(working, made_up, names)

    def _table(self, year: int) -> holidays.HolidayBase:
        """Return the library's table with the neighbouring years: a notice for 2012 made the last
        day of 2011 a working Saturday.
        """
        import holidays  # noqa: PLC0415 - lazy: not every command counts working days

        years = [each for each in (year - 1, year, year + 1) if 1 <= each <= 9999]
        plain = holidays.country_holidays(self.country)
        wanted = "zh_CN" if self.country == "CN" else "en_US"
        language = wanted if wanted in plain.supported_languages else None
        return holidays.country_holidays(self.country, years=years, language=language, expand=False)
