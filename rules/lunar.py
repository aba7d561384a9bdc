"""The Chinese lunar calendar: from days to lunar dates and back.

The months are lunar-python's (MIT, pure Python, kept; it computes new moons, so that no table of
years runs out). lunardate is GPL, cnlunar goes one way only, LunarCalendar and zhdate are not kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from rules.units import date_of

__all__ = ["LunarDay", "lunar_of", "solar_of"]

_JULIAN = 2_440_588  #: Julian day number of 1970-01-01


@dataclass(frozen=True, slots=True, kw_only=True)
class LunarDay:
    """One day by the lunar calendar."""

    year: int
    month: int  #: 1 to 12
    day: int  #: 1 to 30
    leap: bool  #: in the leap month of that number
    last: bool  #: the last day of its month, the 29th or 30th


@dataclass(frozen=True, slots=True)
class _Month:
    number: int
    leap: bool
    first: int  #: day
    length: int


@lru_cache(maxsize=512)
def _months(year: int) -> tuple[_Month, ...]:
    """Return the 12 or 13 months of a lunar year, in order."""
    from lunar_python import LunarYear  # noqa: PLC0415 - only lunar dates need it

    return tuple(
        _Month(
            abs(month.getMonth()),  # a leap month has a negative number
            month.getMonth() < 0,
            int(month.getFirstJulianDay()) - _JULIAN,
            month.getDayCount(),
        )
        for month in LunarYear.fromYear(year).getMonthsInYear()
    )


def lunar_of(day: int) -> LunarDay:
    """Return the lunar date of a day."""
    year = date_of(day).year
    if day < _months(year)[0].first:
        year -= 1
    month = [month for month in _months(year) if month.first <= day][-1]
    nth = day - month.first + 1
    return LunarDay(
        year=year, month=month.number, day=nth, leap=month.leap, last=nth == month.length
    )


def solar_of(year: int, month: int, day: int) -> int:
    """Return the day of a lunar date in the regular month of that number, never in a leap month.

    The 30th of a month that has 29 days is its 29th.
    """
    found = next(each for each in _months(year) if each.number == month and not each.leap)
    return found.first + min(day, found.length) - 1
