"""Working time: which days are worked, and how working days and hours are counted.

Public holidays come from the ``holidays`` library. China's make-up days (a Saturday or Sunday that
is worked, in return for a weekday off) are announced by the State Council each autumn for the next
year only; ``announced`` says for which years they are known. The business's own days off and on go
before both. Hours stand on the wall clock of the zone; an hour that the clock skips is moved
forward by the gap, one that comes twice is the first.
"""

from __future__ import annotations

import datetime as dt
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from rules.errors import InputError, did_you_mean
from rules.public_holidays import countries, known_country
from rules.units import date_of, day_number, day_of, day_start
from rules.vocabulary import Vocabulary

if TYPE_CHECKING:
    import holidays

__all__ = ["DayOff", "Hours", "WorkingCalendar"]

#: Spans of the day, in order and apart: 09:00 to 12:00 and 13:30 to 18:00.
Hours = tuple[tuple[dt.time, dt.time], ...]

#: Countries whose make-up days are made known year by year, so that a year without any is a year
#: that we don't know yet. (China has had some every year since 2004.)
_BY_NOTICE = frozenset({"CN"})
#: What the library adds to a name: ``国庆节（补假）``, ``New Year's Day (observed)``.
_SUFFIX = re.compile(r"\s*[(（][^()（）]*[)）]$")
#: The library's name for a weekday off that a make-up day pays for; it belongs to its neighbours.
_SWAPPED = "休息日"
_EMPTY_AT_MOST = 400  #: working days in a row without a moment of work: the hours hold no time
_EVE = "农历除夕"
_SPRING = "春节"


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOff:
    """A stretch of days without work that has at least one public holiday in it."""

    first: int  #: day
    last: int  #: day, inclusive
    name: str  #: ``国庆节、中秋节``; the weekend days and swapped days in it have no name


@dataclass(frozen=True, slots=True, kw_only=True)
class _Year:
    """What is known of one calendar year."""

    working: tuple[int, ...]  #: its working days, ascending
    made_up: frozenset[int]  #: by the calendar: worked though they would be weekend
    own_off: frozenset[int]  #: off though the calendar has them worked
    own_on: frozenset[int]  #: worked though the calendar has them off
    names: dict[int, str]  #: holiday names by day


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingCalendar:
    """The business's working days and hours. Make one with ``of``; it keeps what it has looked up."""

    timezone: str
    country: str  #: ISO code, ``none`` for weekends only
    opens: dt.time
    closes: dt.time
    breaks: Hours = ()  #: inside the hours
    days_off: frozenset[int] = frozenset()  #: own
    days_on: frozenset[int] = frozenset()  #: own
    half_days: Mapping[int, Hours] = field(default_factory=dict)  #: hours of single days, whole
    home: str | None = None  #: the business zone, where these people work in another one
    zones: Mapping[str, str] = field(default_factory=dict)  #: role -> zone of its people
    _years: dict[int, _Year] = field(default_factory=dict, compare=False, repr=False)
    _days: dict[int, tuple[tuple[int, int], ...]] = field(
        default_factory=dict, compare=False, repr=False
    )
    _away: dict[str, WorkingCalendar] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, vocabulary: Vocabulary) -> WorkingCalendar:
        """Return the calendar of a project. Raises InputError for a country nobody knows."""
        country = vocabulary.calendar
        if country != "none":
            country = country.upper()
            if not known_country(country):
                hint = did_you_mean(country, countries())
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
            breaks=vocabulary.breaks,
            days_off=frozenset(vocabulary.days_off),
            days_on=frozenset(vocabulary.days_on),
            half_days=vocabulary.half_days,
            zones={role.name: role.timezone for role in vocabulary.roles.values() if role.timezone},
        )

    def of_role(self, role: str | None) -> WorkingCalendar:
        """Return the same days and hours on the clocks of a role's people; itself where they work
        in the business zone, or the role is None.
        """
        zone = self.zones.get(role) if role is not None else None
        if zone is None or zone == self.timezone:
            return self
        if zone not in self._away:
            home = self.home or self.timezone
            self._away[zone] = replace(self, timezone=zone, home=home, _days={}, _away={})
        return self._away[zone]

    @property
    def usual(self) -> Hours:
        """The hours of a usual day."""
        edges = [self.opens, *(each for span in self.breaks for each in span), self.closes]
        return tuple(zip(edges[::2], edges[1::2], strict=True))

    def is_working_day(self, day: int) -> bool:
        """Return whether the business works on a day."""
        working = self._year(date_of(day).year).working
        place = bisect_left(working, day)
        return place < len(working) and working[place] == day

    def is_make_up_day(self, day: int) -> bool:
        """Return whether a day is worked, by the calendar, although it would be weekend."""
        year = self._year(date_of(day).year)
        return day in year.made_up and day not in year.own_off

    def is_own_day_off(self, day: int) -> bool:
        """Return whether the business alone has a day off."""
        return day in self._year(date_of(day).year).own_off

    def is_own_day_on(self, day: int) -> bool:
        """Return whether the business alone works on a day."""
        return day in self._year(date_of(day).year).own_on

    def half_day(self, day: int) -> Hours | None:
        """Return the hours of a working day that has its own; None for the others."""
        return self.half_days.get(day) if self.is_working_day(day) else None

    def name_of(self, day: int) -> str | None:
        """Return the name of a public holiday, as the library writes it; None for other days."""
        return self._year(date_of(day).year).names.get(day)

    def announced(self, year: int) -> bool:
        """Return whether the make-up days of a year are known; always True where there are none."""
        return self.country not in _BY_NOTICE or bool(self._year(year).made_up)

    def day_off(self, day: int) -> DayOff | None:
        """Return the stretch off around a day, up to the business's own days off; None on those, on
        working days and on plain weekends.
        """
        if not self._rests(day):
            return None
        first = last = day
        while self._rests(first - 1):
            first -= 1
        while self._rests(last + 1):
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

    def hours(self, day: int) -> tuple[tuple[int, int], ...]:
        """Return the spans of work of a day (of a day off: what they would be) as instants, in
        order. Empty where the clock jumps over them all.
        """
        known = self._days.get(day)
        if known is None:
            known = self._days[day] = tuple(self._clocked(day))
        return known

    def opening(self, day: int) -> int:
        """Return the instant at which hours begin on a day, worked or not."""
        hours = self.hours(day)
        return hours[0][0] if hours else day_start(day, self.timezone, at=self.opens)

    def closing(self, day: int) -> int:
        """Return the instant at which hours end on a day, worked or not; never before ``opening``
        (which a clock change can move past it).
        """
        hours = self.hours(day)
        return hours[-1][1] if hours else self.opening(day)

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
            for opens, closes in self.hours(day):
                total += max(0, min(end, closes) - max(start, opens))
            day = self.add_working_days(day, 1)
        return total

    def advance(self, instant: int, micros: int) -> int:
        """Return the first instant at which so many microseconds of working time have passed.

        A whole rest of a span ends at its close, not at the next opening; 0 returns the instant.
        Raises ValueError beyond the year 9999, and where the hours of the business hold no time.
        """
        if micros <= 0:
            return instant
        for opens, closes in self._spans_from(instant):
            start = max(instant, opens)
            if micros <= closes - start:
                return start + micros
            micros -= closes - start
        raise AssertionError("spans never end")

    def retreat(self, instant: int, micros: int) -> int:
        """Return the last instant from which so many microseconds of working time pass up to this
        one: the mirror image of ``advance``. Raises ValueError as it does.
        """
        if micros <= 0:
            return instant
        for opens, closes in self._spans_upto(instant):
            end = min(instant, closes)
            if micros <= end - opens:
                return end - micros
            micros -= end - opens
        raise AssertionError("spans never end")

    def next_working_moment(self, instant: int) -> int:
        """Return the instant itself within hours (before their close), else the next opening."""
        opens, _ = next(self._spans_from(instant))
        return max(instant, opens)

    def previous_working_moment(self, instant: int) -> int:
        """Return the instant itself within hours (after their opening), else the last close."""
        _, closes = next(self._spans_upto(instant))
        return min(instant, closes)

    def _spans_from(self, instant: int) -> Iterator[tuple[int, int]]:
        """Yield, without end, the spans of working days that hold time after an instant."""
        day = self.this_or_next_working_day(day_of(instant, self.timezone))
        empty = 0
        while True:
            for opens, closes in self.hours(day):
                if closes > max(instant, opens):
                    empty = 0
                    yield opens, closes
            day = self.add_working_days(day, 1)
            empty = _counted(empty)

    def _spans_upto(self, instant: int) -> Iterator[tuple[int, int]]:
        """Yield, without end, the spans of working days that hold time before an instant."""
        day = day_of(instant, self.timezone)
        if not self.is_working_day(day):
            day = self.add_working_days(day, 1, back=True)
        empty = 0
        while True:
            for opens, closes in reversed(self.hours(day)):
                if opens < min(instant, closes):
                    empty = 0
                    yield opens, closes
            day = self.add_working_days(day, 1, back=True)
            empty = _counted(empty)

    def _clocked(self, day: int) -> Iterator[tuple[int, int]]:
        """Yield the spans of a day as instants, also where the clock jumps in the midst of them."""
        before: int | None = None
        for start, end in self.half_days.get(day) or self.usual:
            opens = day_start(day, self.timezone, at=start)
            if day_of(opens, self.timezone) != day:
                continue  # the zone has no such time on this day
            if before is not None:
                opens = max(opens, before)
            before = max(opens, day_start(day, self.timezone, at=end))
            yield opens, before

    def _rests(self, day: int) -> bool:
        """Return whether the calendar has a day off, and nobody works."""
        return not self.is_working_day(day) and not self.is_own_day_off(day)

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
        names: dict[int, str] = {}
        if self.country == "none":
            worked = {day_number(date) for date in dates if date.weekday() < 5}
            made_up = frozenset[int]()
        else:
            table = self._table(year)
            worked = {day_number(date) for date in dates if table.is_working_day(date)}
            made_up = frozenset(day for day in worked if table.is_weekend(date_of(day)))
            names = {day_number(date): name for date in dates if (name := table.get(date))}
        own_off = self.days_off & worked
        own_on = frozenset(each for each in self.days_on if date_of(each).year == year) - worked
        return _Year(
            working=tuple(sorted((worked - own_off) | own_on)),
            made_up=made_up,
            own_off=own_off,
            own_on=own_on,
            names=names,
        )

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


def _counted(empty: int) -> int:
    """Return the number of days in a row without working time. Raises ValueError over 400."""
    if empty >= _EMPTY_AT_MOST:
        raise ValueError("the working hours hold no time")
    return empty + 1
