"""``due``: when a step opens, and when it is due."""

from __future__ import annotations

import re

from rules.parse.place import Place
from rules.phrases import plain, read_duration, read_duration_pair
from rules.playbook import Due, DueForm
from rules.repair import repair
from rules.units import Duration, Unit

__all__ = ["read_due"]

#: About how many hours each unit has, to tell a window that ends before it opens.
_HOURS = {
    Unit.SECOND: 1 / 3600,
    Unit.MINUTE: 1 / 60,
    Unit.HOUR: 1.0,
    Unit.DAY: 24.0,
    Unit.WEEK: 168.0,
    Unit.MONTH: 720.0,
    Unit.YEAR: 8760.0,
    Unit.WORKING_DAY: 24.0,
    Unit.WORKING_HOUR: 1.0,
}
_EXAMPLES = "write now, same day, within 3 working days, after 2 days, or between 5 and 7 days"


def read_due(place: Place) -> Due | None:
    """Return when a step is due, or report why that can't be read."""
    text = place.text()
    if text is None:
        return None
    words = plain(text)
    due = _due(words)
    if due is None:
        better = repair(words, lambda candidate: _due(candidate) is not None) or _common(words)
        hint = f"write {better}" if better else _EXAMPLES
        place.error("bad-due", f'`due` can\'t be "{text}"', hint)
        return None
    if due.low and due.high and _hours(due.low) > _hours(due.high):
        message = f"`due` ends before it opens: {text}"
        place.error("bad-due", message, f"write between {_turned(due.high, due.low)}")
        return None
    return due


def _due(words: str) -> Due | None:
    if words == "now":
        return Due(DueForm.NOW)
    if words == "same day":
        return Due(DueForm.SAME_DAY)
    if words.startswith("within ") and (found := read_duration(words.removeprefix("within "))):
        return Due(DueForm.WITHIN, high=found)
    if words.startswith("after ") and (found := read_duration(words.removeprefix("after "))):
        return Due(DueForm.AFTER, low=found)
    if pair := read_duration_pair(words):
        return Due(DueForm.BETWEEN, low=pair[0], high=pair[1])
    return None


_SAME_DAY = {"today", "the same day", "on the same day", "同一天", "当天", "当日"}
_NOW = {"immediately", "at once", "asap", "right away", "立即", "马上", "0 days", "within 0 days"}


def _common(words: str) -> str:
    """Return what to write for a few things that people write instead."""
    if words.casefold() in _SAME_DAY:
        return "same day"
    if words.casefold() in _NOW:
        return "now"
    if words.casefold() in {"tomorrow", "next day", "the next day"}:
        return "after 1 day"
    if found := re.fullmatch(r"(.+?),? (?:at )?(\d{1,2}:\d{2})", words):
        return f"due: {found[1]}, at: {found[2]}" if _due(found[1]) else ""
    if found := re.fullmatch(r"(within .+?|between .+?) (?:after|from|of) (?:the )?(\S+)", words):
        return f"due: {found[1]}, from: {found[2]}" if _due(found[1]) else ""
    if re.fullmatch(r"between \d+( [a-z ]+)? and \d+|within \d+|after \d+", words):
        bare = re.sub(r"(\d+) [a-z ]+? and", r"\1 and", words)
        return f"{bare} days" if _due(f"{bare} days") else ""
    rest = re.sub("^(by|in|until|no later than|at the latest in) ", "", words)
    return f"within {rest}" if rest != words and read_duration(rest) else ""


def _hours(duration: Duration) -> float:
    return duration.amount * _HOURS[duration.unit]


def _turned(low: Duration, high: Duration) -> str:
    if low.unit is high.unit:
        return f"{low.amount} and {high}"
    return f"{low} and {high}"
