"""When a step opens and when it is due, with the arithmetic in words for the evidence."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import assert_never

from engine.calendar import DayOff, WorkingCalendar
from rules.playbook import Due, DueForm
from rules.units import MICROS, Duration, Unit, date_of, day_of, day_start, shift, to_local

__all__ = ["Opening", "window"]

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NAMED_AT_MOST = 4  #: stretches, and make-up days, told one by one; evidence stays about 1 kB


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """The window of a step; ``opens_at <= due_by`` always."""

    opens_at: int  #: instant
    due_by: int  #: instant
    words: str  #: one English sentence, no full stop, in the business zone
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
    counted, unannounced = _days_told(due, anchor, opens, by, calendar)
    words = f"{_head(due, opens, by, calendar)}: {_why(due, anchor, calendar)}{counted}{at_words}"
    for year in unannounced:
        words += f"; the make-up days of {year} are not known"
    return Opening(opens_at=opens, due_by=by, words=words, unannounced=unannounced)


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
            return shift(anchor, duration, calendar.timezone)


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
            return shift(anchor, duration, calendar.timezone)


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
            low, high = _duration(due.low, due), _duration(due.high, due)
            span = f"{low.amount} to {high}" if low.unit is high.unit else f"{low} to {high}"
            return f"{span} after {since}"
        case _:
            assert_never(due.form)


def _days_told(
    due: Due, anchor: int, opens: int, by: int, calendar: WorkingCalendar
) -> tuple[str, tuple[int, ...]]:
    """Return the days off and make-up days that the count passed over, in words, and the years
    among them whose make-up days are not known.
    """
    tz = calendar.timezone
    if _working(due):
        first, last = day_of(anchor, tz), day_of(by, tz)
    elif due.form is DueForm.AFTER:  # only the close of hours was looked up
        first, last = day_of(opens, tz), day_of(by, tz)
    else:
        return "", ()
    home = date_of(day_of(anchor, tz)).year
    stretches: list[str] = []
    weekends = 0
    made_up: list[int] = []
    day = first
    while day <= last:
        if calendar.is_working_day(day):
            if calendar.is_make_up_day(day):
                made_up.append(day)
            day += 1
            continue
        stretch = calendar.day_off(day)
        after = calendar.add_working_days(day, 1)
        if stretch is not None:
            stretches.append(f"{stretch.name} {_stretch(stretch, home)}")
        elif calendar.is_make_up_day(after) or calendar.is_make_up_day(day - 1):
            stretches.append(_short(day, home))  # half a weekend
        else:
            weekends += 1
        day = after
    if made_up[:1] == [first] and any(
        part is not None and part.unit is Unit.WORKING_DAY for part in (due.low, due.high)
    ):
        made_up.pop(0)  # day 0 is not counted
    told = [f"{each} off" for each in stretches[:_NAMED_AT_MOST]]
    if len(stretches) > _NAMED_AT_MOST:
        told.append(f"{len(stretches) - _NAMED_AT_MOST} more stretches off")
    if weekends:
        told.append("weekend off" if weekends == 1 else "weekends off")
    if made_up:
        days = " and ".join(_short(each, home) for each in made_up[:_NAMED_AT_MOST])
        more = len(made_up) - _NAMED_AT_MOST
        told.append(
            f"make-up {'day' if len(made_up) == 1 else 'days'} {days}"
            + (f" and {more} more" if more > 0 else "")
            + " worked"
        )
    years = range(date_of(first).year, date_of(last).year + 1)
    unknown = tuple(year for year in years if not calendar.announced(year))
    return "".join(f", {each}" for each in told), unknown


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
