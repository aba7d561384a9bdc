"""``every: month, day: first working day``: which day of a period is meant."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rules.phrases import plain, read_date
from rules.playbook import Period

__all__ = ["WEEKDAYS", "DayRule", "read_cron", "read_day"]

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_LONGEST = {Period.WEEK: 7, Period.MONTH: 31, Period.QUARTER: 92, Period.YEAR: 366}
_NUMBERED = re.compile(r"(\d{1,3})(st|nd|rd|th) (working )?day", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRule:
    """One day of a period: its n-th or last (working) day, or a month and day of a year."""

    number: int = 1  #: 1-based; -1 for the last
    working: bool = False
    month: int | None = None  #: of a year; ``number`` is the day of that month


def read_day(text: str, period: Period) -> DayRule | None:
    """Return the day that a text picks; "" is the first one. None for anything else."""
    words = plain(text).casefold()
    if words == "":
        return DayRule()
    if period is Period.DAY:
        return None
    if period is Period.WEEK and words in WEEKDAYS:
        return DayRule(number=WEEKDAYS.index(words) + 1)
    if period is Period.YEAR and re.fullmatch(r"\d{2}-\d{2}", words, re.ASCII):
        date = read_date(f"2024-{words}")  # a leap year: 29 February is a day of some years
        return DayRule(number=date.day, month=date.month) if date else None
    for start, number in (("first ", 1), ("last ", -1)):
        if words in (f"{start}day", f"{start}working day"):
            return DayRule(number=number, working="working" in words)
    numbered = _NUMBERED.fullmatch(words)
    if numbered and 1 <= int(numbered[1]) <= _LONGEST[period]:
        return DayRule(number=int(numbered[1]), working=bool(numbered[3]))
    if period in (Period.MONTH, Period.QUARTER) and words.isdecimal():
        return DayRule(number=int(words)) if 1 <= int(words) <= _LONGEST[period] else None
    return None


def read_cron(text: str) -> str | None:
    """Return a cron expression of five fields; None for anything else."""
    from cronsim import CronSim, CronSimError  # noqa: PLC0415 - only cron needs it

    from rules.units import to_datetime  # noqa: PLC0415

    fields = text.split()
    if len(fields) != 5:
        return None
    try:
        next(CronSim(text, to_datetime(0)))
    except (CronSimError, StopIteration):
        return None
    return " ".join(fields)
