"""Working time of care.yaml: zone, calendar, hours with their breaks, own days off and on."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from rules.errors import Span, did_you_mean
from rules.parse.names import Section
from rules.parse.place import Place
from rules.phrases import plain, read_clock, read_date
from rules.units import date_of, day_number, zone
from rules.vocabulary import FieldKind, FieldType

__all__ = ["Hours", "WorkingTime", "read_customer_zone", "read_working_time", "read_zone"]

#: Spans of the day, in order and apart: 09:00 to 12:00 and 13:30 to 18:00.
Hours = tuple[tuple[dt.time, dt.time], ...]

_USUAL: Hours = ((dt.time(9), dt.time(18)),)
#: What people call the one zone of China that the zone database has under another name.
_SHANGHAI = {
    "asia/beijing", "asia/peking", "beijing", "shanghai", "china", "cst", "utc+8", "gmt+8", "+08:00",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingTime:
    """When the business works, as care.yaml says."""

    timezone: str
    calendar: str
    hours: Hours
    days_off: tuple[int, ...]
    days_on: tuple[int, ...]
    half_days: Mapping[int, Hours]
    places: Mapping[str, Span]

    @property
    def breaks(self) -> Hours:
        """The gaps between the spans of the hours."""
        return tuple((before[1], after[0]) for before, after in pairwise(self.hours))


def read_working_time(root: Place) -> WorkingTime:
    """Return the working time; what is missing or wrong is the usual."""
    places: dict[str, Span] = {}
    hours = root.get("hours")
    off, on = _days(root.get("days_off"), "12-24"), _days(root.get("days_on"), "12-27")
    for day in sorted(off.keys() & on.keys()):
        message = f"{date_of(day)} stands in `days_off` and in `days_on`"
        on[day].error("name-clash", message, "take it out of one of them")
    calendar = root.get("calendar")
    if calendar is not None:
        places["calendar"] = calendar.span
    return WorkingTime(
        timezone=_timezone(root),
        calendar=_calendar(calendar),
        hours=(_hours(hours) if hours else None) or _USUAL,
        days_off=tuple(sorted(off)),
        days_on=tuple(sorted(on)),
        half_days=_half_days(root.get("half_days"), off, places),
        places=places,
    )


def _timezone(root: Place) -> str:
    place = root.get("timezone")
    if place is None:
        message = "care.yaml has no `timezone`, so days begin and end in UTC"
        root.warn("no-timezone", message, "add timezone: Asia/Shanghai")
        return "UTC"
    return read_zone(place) or "UTC"


def read_zone(place: Place) -> str | None:
    """Return the IANA name of a time zone, or report that there is none of that name."""
    text = place.text()
    if text is None:
        return None
    try:
        zone(text)
    except KeyError:
        place.error("unknown-timezone", f'no time zone "{text}"', _meant_zone(text))
        return None
    return text


def _meant_zone(text: str) -> str:
    if text.casefold() in _SHANGHAI:
        return "write Asia/Shanghai"
    return did_you_mean(text, zoneinfo.available_timezones()) or "write Asia/Shanghai"


def read_customer_zone(
    place: Place | None,
    attributes: Mapping[str, FieldType],
    broken: set[tuple[Section, str]],
    opened: set[Section],
) -> str | None:
    """Return the attribute that holds a customer's zone. Closed words must be zones."""
    text = place.text() if place else None
    if place is None or text is None:
        return None
    name = text.removeprefix("customer.")
    declared = attributes.get(name)
    if declared is None:
        if Section.ATTRIBUTES not in opened and (Section.ATTRIBUTES, name) not in broken:
            hint = did_you_mean(name, attributes)
            place.error("unknown-attribute", f'no attribute "{name}"', hint)
        return None
    if declared.kind not in (FieldKind.TEXT, FieldKind.WORD):
        message = f'attribute "{name}" is of type {declared.kind} and can\'t hold a time zone'
        place.error("bad-type", message, f"write {name}: text under `customer`")
        return None
    for word in declared.words:
        try:
            zone(word)
        except KeyError:
            message = f'attribute "{name}" may be "{word}", which is no time zone'
            place.error("unknown-timezone", message, _meant_zone(word))
            return None
    return name


def _calendar(place: Place | None) -> str:
    text = place.text() if place else None
    if place is None or text is None or text == "none":
        return "none"
    import holidays  # noqa: PLC0415 -- slow, and not every command needs it

    if re.fullmatch("[A-Z]{2}", text) and hasattr(holidays, text):
        return text
    known = holidays.list_supported_countries(include_aliases=False)
    if text.upper() in known:
        hint = f"write {text.upper()}"
    else:
        common = {"china": "CN", "中国": "CN", "uk": "GB", "usa": "US", "germany": "DE"}
        meant = common.get(text.casefold())
        hint = f"write {meant}" if meant else "write a country's two letters (CN), or none"
    place.error("unknown-calendar", f'no calendar of public holidays for "{text}"', hint)
    return "none"


def _hours(place: Place) -> Hours | None:
    """Return the spans of ``09:00-12:00, 13:30-18:00``, also as a list, or report what is wrong."""
    key = place.key if place.key == "hours" else "half_days"
    sample = "hours: 09:00-18:00" if key == "hours" else f"{place.key}: 09:00-12:00"
    texts = place.texts()
    if not texts:
        return None
    found: list[tuple[dt.time, dt.time]] = []
    for text, item in texts:
        for part in re.split("[,，、]", text):
            opens, dash, closes = plain(part).partition("-")
            start, end = read_clock(opens), read_clock(closes)
            if dash and start is not None and plain(closes).strip() == "24:00":
                hint = f"the last minute that can be written is 23:59: {start:%H:%M}-23:59"
                item.error("bad-time", f"`{key}` can't end at 24:00", hint)
                return None
            if not dash or start is None or end is None:
                message = f'`{key}` is a span of the day and can\'t be "{part.strip()}"'
                item.error("bad-time", message, f"write {sample}")
                return None
            if start >= end:
                message = f"`{key}` end before they begin: {part.strip()}"
                item.error("bad-time", message, "working hours over midnight are not supported")
                return None
            found.append((start, end))
    found.sort()
    for before, after in pairwise(found):
        if after[0] <= before[1]:
            message = f"`{key}` leave no break between {_span(before)} and {_span(after)}"
            whole = before[0], max(before[1], after[1])
            place.error("bad-time", message, f"write {_span(whole)} for both")
            return None
    return tuple(found)


def _span(span: tuple[dt.time, dt.time]) -> str:
    return f"{span[0]:%H:%M}-{span[1]:%H:%M}"


def _days(place: Place | None, sample: str) -> dict[int, Place]:
    """Return the days of a list of dates, each with its place."""
    found: dict[int, Place] = {}
    if place is None or place.empty:
        return found
    for item in place.each():
        text = item.text(place.key)
        if text is None or (item is place and item.one_text()):
            continue
        day = _day(text, item, sample)
        if day in found:
            item.error("name-clash", f"`{place.key}` lists {text} twice", "take one out")
        elif day is not None:
            found[day] = item
    return found


def _day(text: str, place: Place, sample: str, *, at_key: bool = False) -> int | None:
    date = read_date(text)
    if date is not None:
        return day_number(date)
    words = plain(text)
    yearly = re.fullmatch(r"every year (\d{2}-\d{2})", words)
    span = re.findall(r"\d{4}-\d{2}-\d{2}", words)
    if yearly:
        hint = f"give the year, and each year its own: 2026-{yearly[1]}"
    elif len(span) == 2:
        hint = f"list each day: [{span[0]}, ..., {span[1]}]"
    else:
        hint = f"write 2026-{sample}"
    place.error("bad-date", f'"{text}" is no day', hint, at_key=at_key)
    return None


def _half_days(
    place: Place | None, off: Mapping[int, Place], places: dict[str, Span]
) -> dict[int, Hours]:
    found: dict[int, Hours] = {}
    if place is None or place.empty:
        return found
    for text, hours in place.pairs():
        day = _day(text, hours, "12-31", at_key=True)
        spans = _hours(hours)
        if day is None or spans is None:
            continue
        if day in off:
            message = f"{text} stands in `days_off` and in `half_days`"
            hours.error("name-clash", message, "take it out of one of them", at_key=True)
            continue
        places[f"half_days/{text}"] = hours.key_span
        found[day] = spans
    return found
