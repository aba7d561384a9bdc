"""The arithmetic of a step's window in words: what was counted, and which days were passed over."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import assert_never

from engine.calendar import DayOff, Hours, WorkingCalendar
from rules.playbook import Due, DueForm
from rules.units import Unit, date_of, day_of, to_local

__all__ = ["told"]

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NAMED_AT_MOST = 4  #: stretches, and days of a kind, told one by one; evidence stays about 1 kB


def told(
    due: Due, anchor: int, opens: int, by: int, calendar: WorkingCalendar, at_words: str
) -> tuple[str, tuple[int, ...]]:
    """Return a window in one English sentence, no full stop, and the years counted whose make-up
    days are not known. ``at_words`` is what the time of day did to it.
    """
    counted, unknown = _counted(due, anchor, opens, by, calendar)
    zone = f" ({calendar.timezone} time)" if calendar.home else ""
    words = f"{_head(due, opens, by, calendar)}{zone}: {_why(due, anchor, calendar)}"
    words += f"{counted}{at_words}"
    for year in unknown:
        words += f"; the make-up days of {year} are not known"
    return words, unknown


def _head(due: Due, opens: int, by: int, calendar: WorkingCalendar) -> str:
    first = _moment(opens, calendar)
    if opens == by:
        return f"opens and is due {first}"
    tz = calendar.timezone
    if due.form is DueForm.SAME_DAY:
        return f"opens {first}, due by the end of that day"
    if day_of(opens, tz) == day_of(by, tz):
        return f"opens {first}, due {to_local(by, tz):%H:%M} that day"
    return f"opens {first}, due {_moment(by, calendar)}"


def _why(due: Due, anchor: int, calendar: WorkingCalendar) -> str:
    units = {part.unit for part in (due.low, due.high) if part is not None}
    whole_days = units == {Unit.WORKING_DAY}
    day = _date(day_of(anchor, calendar.timezone))
    since = day if whole_days else _moment(anchor, calendar)
    match due.form:
        case DueForm.NOW:
            return "at once"
        case DueForm.SAME_DAY:
            return f"the same day as {since}"
        case DueForm.WITHIN:
            return f"within {due.high} of {since}"
        case DueForm.AFTER:
            return f"{due.low} after {since}"
        case DueForm.BETWEEN:
            low, high = due.low, due.high
            assert low is not None
            assert high is not None
            span = f"{low.amount} to {high}" if low.unit is high.unit else f"{low} to {high}"
            return f"{span} after {since}"
        case _:
            assert_never(due.form)


@dataclass(slots=True, kw_only=True)
class _Passed:
    """What stands between two days of a calendar."""

    stretches: list[str] = field(default_factory=list)
    weekends: int = 0
    made_up: list[int] = field(default_factory=list)
    own_off: list[int] = field(default_factory=list)
    own_on: list[int] = field(default_factory=list)
    half: list[int] = field(default_factory=list)


def _counted(
    due: Due, anchor: int, opens: int, by: int, calendar: WorkingCalendar
) -> tuple[str, tuple[int, ...]]:
    """Return what the count passed over, in words, and the years whose make-up days are not known."""
    tz = calendar.timezone
    units = {part.unit for part in (due.low, due.high) if part is not None}
    working = bool(units & {Unit.WORKING_DAY, Unit.WORKING_HOUR})
    if working:
        first, last = day_of(anchor, tz), day_of(by, tz)
    elif due.form is DueForm.AFTER:  # only the close of hours was looked up
        first, last = day_of(opens, tz), day_of(by, tz)
    else:
        return "", ()
    home = date_of(day_of(anchor, tz)).year
    passed = _passed(first, last, home, calendar)
    if Unit.WORKING_HOUR not in units:  # whole days count the same; only the ends have hours
        passed.half = [day for day in passed.half if day in (day_of(opens, tz), last)]
    if Unit.WORKING_DAY in units:  # day 0 is not counted
        for days in (passed.made_up, passed.own_on, passed.half):
            if days[:1] == [first]:
                days.pop(0)

    def named(days: list[int], what: str, worked: str = "") -> list[str]:
        return [_named(days, what, lambda day: _short(day, home)) + worked] if days else []

    parts = [f"{each} off" for each in passed.stretches[:_NAMED_AT_MOST]]
    if len(passed.stretches) > _NAMED_AT_MOST:
        parts.append(f"{len(passed.stretches) - _NAMED_AT_MOST} more stretches off")
    parts += named(passed.own_off, "own day")
    if passed.weekends:
        parts.append("weekend off" if passed.weekends == 1 else "weekends off")
    parts += named(passed.made_up, "make-up day", " worked")
    parts += named(passed.own_on, "own working day")
    if passed.half:
        parts.append(
            _named(
                passed.half, "half day",
                lambda day: f"{_short(day, home)} {_hours(calendar.half_days[day])}",
            )
        )  # fmt: skip
    if Unit.WORKING_HOUR in units:
        parts += _breaks(anchor, by, calendar)
    years = range(date_of(first).year, date_of(last).year + 1)
    unknown = tuple(year for year in years if not calendar.announced(year))
    return "".join(f", {part}" for part in parts), unknown


def _passed(first: int, last: int, home: int, calendar: WorkingCalendar) -> _Passed:
    found = _Passed()
    day = first
    while day <= last:
        if calendar.is_own_day_off(day):
            found.own_off.append(day)
            day += 1
            continue
        if calendar.is_working_day(day):
            if calendar.is_make_up_day(day):
                found.made_up.append(day)
            elif calendar.is_own_day_on(day):
                found.own_on.append(day)
            if calendar.half_day(day):
                found.half.append(day)
            day += 1
            continue
        after = day + 1
        while not calendar.is_working_day(after) and not calendar.is_own_day_off(after):
            after += 1
        stretch = calendar.day_off(day)
        if stretch is not None:
            found.stretches.append(f"{stretch.name} {_stretch(stretch, home)}")
        elif _half_weekend(day, after, calendar):
            found.stretches.append(_short(day, home))
        else:
            found.weekends += 1
        day = after
    return found


def _half_weekend(day: int, after: int, calendar: WorkingCalendar) -> bool:
    """Whether the days off from a day to before another are what is left of a weekend."""
    beside = (day - 1, after)
    if any(calendar.is_make_up_day(each) or calendar.is_own_day_on(each) for each in beside):
        return True
    return after - day == 1 and any(calendar.is_own_day_off(each) for each in beside)


def _breaks(anchor: int, by: int, calendar: WorkingCalendar) -> Iterable[str]:
    """Tell the breaks of usual days that lie inside a window, each once."""
    first, last = day_of(anchor, calendar.timezone), day_of(by, calendar.timezone)
    found: dict[str, None] = {}
    for day in range(first, min(last, first + 366) + 1):  # a year shows every break
        if len(found) == len(calendar.breaks):
            break
        if calendar.is_working_day(day) and not calendar.half_day(day):
            for before, after in pairwise(calendar.hours(day)):
                if anchor < after[0] and before[1] < by:
                    start, end = (to_local(at, calendar.timezone) for at in (before[1], after[0]))
                    found[f"{start:%H:%M} to {end:%H:%M}"] = None
    if found:
        yield f"{'break' if len(found) == 1 else 'breaks'} {' and '.join(found)} off"


def _named(days: list[int], what: str, word: Callable[[int], str]) -> str:
    """Return ``make-up days Sat 8 Feb and Sun 27 Apr and 1 more``; an own day is also off."""
    many = "s" if len(days) > 1 else ""
    shown = " and ".join(word(day) for day in days[:_NAMED_AT_MOST])
    more = len(days) - _NAMED_AT_MOST
    off = " off" if what == "own day" else ""
    return f"{what}{many}{off} {shown}" + (f" and {more} more" if more > 0 else "")


def _hours(hours: Hours) -> str:
    return " and ".join(f"{start:%H:%M} to {end:%H:%M}" for start, end in hours)


def _moment(instant: int, calendar: WorkingCalendar) -> str:
    local = to_local(instant, calendar.timezone)
    return f"{_date(day_of(instant, calendar.timezone))} {local:%H:%M}"


def _date(day: int) -> str:
    date = date_of(day)
    return f"{_WEEKDAYS[date.weekday()]} {date.day} {_MONTHS[date.month - 1]} {date.year}"


def _short(day: int, home: int) -> str:
    """Return a date with its weekday, and its year where that is not the year of the anchor."""
    words = _date(day)
    return words.removesuffix(f" {home}")


def _stretch(stretch: DayOff, home: int) -> str:
    """Return ``1 to 8 Oct``, ``29 Sep to 6 Oct``, ``1 Jan 2026``."""
    first, last = date_of(stretch.first), date_of(stretch.last)
    year = "" if last.year == home else f" {last.year}"
    end = f"{last.day} {_MONTHS[last.month - 1]}{year}"
    if first == last:
        return end
    if first.year != last.year:
        return f"{first.day} {_MONTHS[first.month - 1]} {first.year} to {end}"
    start = str(first.day)
    if first.month != last.month:
        start += f" {_MONTHS[first.month - 1]}"
    return f"{start} to {end}"
