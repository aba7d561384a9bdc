"""Instants, days and rhythms of tests."""

from __future__ import annotations

import datetime as dt
import re

from rules.parse.place import Place
from rules.phrases import plain, read_clock, read_date, read_duration
from rules.testfile import Rhythm, When
from rules.units import Duration, Unit, day_number, day_start, from_iso

__all__ = ["read_instant", "read_rhythm", "read_when"]

_WRITTEN = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[ T]\d{1,2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:\d{2})?)?", re.ASCII
)
_RHYTHM = re.compile(r"every (?P<span>.+?)(?: at (?P<at>\S+))?")
_ONE = {"minute": "1 minute", "hour": "1 hour", "day": "1 day", "week": "1 week"}
_DAYS = (Unit.DAY, Unit.WEEK)
_SHORT = (Unit.SECOND, Unit.MINUTE, Unit.HOUR)
_FIRST, _LAST = 1900, 2200  #: years in which stories happen
_HINT = "write 2025-03-03 10:00"


def read_instant(place: Place, zone: str) -> int | None:
    """Return the instant that is written; of a day its midnight. Reports anything else."""
    found = read_when(place, zone)
    return None if found is None else found.low


def read_when(place: Place, zone: str) -> When | None:
    """Return the instant or the day that is written. Reports anything else."""
    text = place.text()
    if text is None:
        return None
    words = plain(text)
    sound = words[:4].isdecimal() and _FIRST <= int(words[:4]) <= _LAST
    day = read_date(words) if sound else None
    if day is not None:
        number = day_number(day)
        return When(day_start(number, zone), day_start(number + 1, zone))
    if sound and _WRITTEN.fullmatch(words):
        clock = re.sub(r"[ T](\d):", r" 0\1:", words)
        try:
            instant = from_iso(clock, zone)
        except ValueError:
            pass
        else:
            return When(instant, instant + 1)
    place.error("bad-time", f'{place.key} can\'t be "{text}"', _HINT)
    return None


def read_rhythm(place: Place, zone: str) -> Rhythm | None:
    """Return when cron runs. Reports what is neither a rhythm nor a list of instants."""
    if place.is_list():
        found = [read_instant(item, zone) for item in place.items()]
        moments = tuple(sorted({one for one in found if one is not None}))
        return Rhythm(moments=moments) if None not in found and moments else None
    text = place.text()
    if text is None:
        return None
    words = plain(text).casefold()
    if read_date(words) or _WRITTEN.fullmatch(plain(text)):
        instant = read_instant(place, zone)
        return None if instant is None else Rhythm(moments=(instant,))
    match = _RHYTHM.fullmatch(words)
    span = read_duration(_ONE.get(match["span"], match["span"])) if match else None
    clock = read_clock(match["at"]) if match and match["at"] else None
    good = span is not None and (
        (span.unit in _DAYS and (match is None or not match["at"] or clock is not None))
        or (span.unit in _SHORT and (match is None or not match["at"]))
    )
    if not good or span is None:
        hint = "write every hour, every day at 08:00, or a list of instants"
        place.error("bad-phrase", f'`runs` can\'t be "{text}"', hint)
        return None
    if span.unit is Unit.WEEK:
        span = Duration(span.amount * 7, Unit.DAY)
    return Rhythm(every=span, at=(clock or dt.time()) if span.unit is Unit.DAY else None)
