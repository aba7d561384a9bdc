"""``every: month, day: first working day, at: 10:00`` and its like."""

from __future__ import annotations

import re

from rules.errors import did_you_mean
from rules.parse.place import Place
from rules.parse.settings import read_clock_at
from rules.phrases import plain, read_duration
from rules.playbook import Every, Period
from rules.repair import repair
from rules.rhythm import WEEKDAYS, read_cron, read_day
from rules.units import Duration, Unit

__all__ = ["read_every"]

_PERIODS = {period.value: period for period in Period}
#: What people write for the calendar words.
_MEANT = {
    "daily": "day", "weekly": "week", "monthly": "month", "quarterly": "quarter",
    "yearly": "year", "annually": "year", "days": "day", "weeks": "week", "months": "month",
    "每天": "day", "每日": "day", "天": "day", "每周": "week", "周": "week", "每月": "month",
    "月": "month", "每季度": "quarter", "每季": "quarter", "季度": "quarter", "每年": "year", "年": "year",
}  # fmt: skip
_CRON = re.compile(r"[\d*/,A-Za-z#?-]+( [\d*/,A-Za-z#?-]+){4,5}")
_CHINESE = {word: name for name, words in zip(WEEKDAYS, ("周一", "周二", "周三", "周四", "周五", "周六", "周日"), strict=True) for word in (words, words.replace("周", "星期"))}  # fmt: skip
_EXAMPLES = {
    Period.WEEK: "Monday, or last working day",
    Period.MONTH: "15, last day, or first working day",
    Period.QUARTER: "15, last day, or first working day",
    Period.YEAR: "03-15, or first working day",
}
_SHORT = (Unit.SECOND, Unit.MINUTE, Unit.HOUR, Unit.WORKING_HOUR)


def read_every(subject: Place, place: Place, since: str | None) -> Every | None:
    """Return a rhythm, or None where something is wrong.

    ``subject`` is the value of ``every``, ``place`` the whole trigger, ``since`` its instant.
    """
    text = subject.text()
    if text is None:
        return None
    words = plain(text)
    day, at = place.get("day"), place.get("at")
    time = read_clock_at(at) if at else None
    if at and time is None:
        return None
    if words in _PERIODS:
        if _refused(place, "since", "needs a length of time, such as every: 30 days"):
            return None
        picked = day.text() if day else ""
        if picked is None or (day and not _good_day(picked, _PERIODS[words], day)):
            return None
        return Every(period=_PERIODS[words], day=plain(picked), at=time)
    if _refused(place, "day", "belongs to week, month, quarter and year"):
        return None
    span = read_duration(words)
    if span:
        return _span(span, subject, place, since, Every(span=span, at=time, since=since))
    if _CRON.fullmatch(words) and re.search(r"[\d*]", words):
        return _cron(words, subject, place)
    better = _MEANT.get(words.casefold()) or repair(words, lambda c: read_duration(c) is not None)
    hint = f"write {better}" if better else did_you_mean(words, _PERIODS)
    if hint.startswith("known here") or not hint:
        hint = 'write day, week, month, quarter, year, 3 days, or cron: "0 9 * * 1"'
    subject.error("bad-phrase", f'`every` can\'t be "{text}"', hint)
    return None


def _refused(place: Place, key: str, why: str) -> bool:
    part = place.get(key)
    if part:
        part.error("bad-trigger", f"`{key}` {why}", f"take `{key}` out", at_key=True)
    return part is not None


def _good_day(text: str, period: Period, place: Place) -> bool:
    if period is Period.DAY:
        place.error("bad-trigger", "`every: day` has no day to choose", "take it out", at_key=True)
        return False
    if read_day(text, period):
        return True
    words = plain(text).casefold()
    hint = f"write {_EXAMPLES[period]}"
    if period is Period.WEEK:
        near = did_you_mean(words, [*WEEKDAYS, "first working day", "last working day"])
        hint = f"write {_CHINESE[words].capitalize()}" if words in _CHINESE else near or hint
        short = [name for name in WEEKDAYS if len(words) >= 3 and name.startswith(words)]
        hint = f"write {short[0].capitalize()}" if short else hint
    ordinal = re.fullmatch(r"(\d+)(st|nd|rd|th)", words)
    if ordinal and read_day(ordinal[1], period):
        hint = f"write {ordinal[1]}"
    place.error("bad-phrase", f'`day` of a {period} can\'t be "{text}"', hint)
    return False


def _span(
    span: Duration, subject: Place, place: Place, since: str | None, every: Every
) -> Every | None:
    at = place.get("at")
    if at and span.unit in _SHORT:
        message = f"`every: {span}` comes at its own time of day"
        at.error("bad-trigger", message, "take `at` out, or write days", at_key=True)
        return None
    if since and (span.working or span.unit in _SHORT):
        message = "with `since`, `every` takes days, weeks, months or years"
        subject.error("bad-duration", message, "write every: 30 days")
        return None
    return every


def _cron(words: str, subject: Place, place: Place) -> Every | None:
    for key in ("at", "since"):
        if _refused(place, key, "does not go with cron, which says it itself"):
            return None
    found = read_cron(words)
    if found is None:
        hint = 'five fields: minute hour day month weekday, such as "0 9 * * 1-5"'
        subject.error("bad-phrase", f'`every` is no cron expression: "{words}"', hint)
        return None
    return Every(cron=found)
