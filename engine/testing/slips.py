"""What a person might write instead of a test, a duration or a ``due``: near, and wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from fractions import Fraction

from rules.phrases import plain, read_duration, read_duration_pair, read_number
from rules.units import Duration, describe_number

__all__ = ["Kind", "due_slips", "longer", "phrase_slips"]


class Kind(StrEnum):
    """What sort of mistake a mutant makes; mutants of one playbook are spread over these."""

    STEP = "step"  #: a step is dropped
    BRANCH = "branch"  #: a branch or what stands in it is dropped
    WHO = "who"  #: ``only``, ``except``, ``recheck``, ``in`` dropped
    STOP = "stop"  #: a line of ``stop_when`` or its goal is dropped
    THRESHOLD = "threshold"  #: another number
    COMPARISON = "comparison"  #: at least -> below, up -> down, within -> ago
    CONDITION = "condition"  #: negated, or dropped
    DURATION = "duration"  #: twice as long
    DUE = "due"  #: a window of a step is wider or later
    ORDER = "order"  #: two steps, branches or class values change places
    AGAIN = "again"  #: ``again`` and ``overlap``
    TRIGGER = "trigger"  #: a trigger is dropped or turned around
    CHANNEL = "channel"
    ROLE = "role"
    OVERDUE = "overdue"
    RETRY = "retry"  #: ``retry`` and ``repeat``
    TEMPLATE = "template"
    DONE = "done"  #: ``done_when``
    ANCHOR = "anchor"  #: ``from``, ``at``, ``same``


#: Another comparison, the most telling first.
_FLIPS = {
    "at least": ("below", "above"),
    "at most": ("above", "below"),
    "above": ("at most", "at least"),
    "below": ("at least", "at most"),
    "up": ("down",),
    "down": ("up",),
}
_COMPARISON = re.compile(r"(at least|at most|above|below|up|down)\b(.*)")
_PAIR = re.compile(r"(between .+ and \d+ (?:working )?[a-z]+)( ago)?")
_MOMENTS = (
    (re.compile(r"within last (.+)"), "at least {} ago"),
    (re.compile(r"less than (.+) ago"), "at least {} ago"),
    (re.compile(r"at least (.+) ago"), "within last {}"),
    (re.compile(r"within next (.+)"), "within last {}"),
)
_WORDS = {"known": "unknown", "unknown": "known", "yes": "no", "no": "yes"}
_DURATION = re.compile(
    r"\b\d+ (?:working (?:day|hour)|second|minute|hour|day|week|month|year)s?\b", re.IGNORECASE
)
_NUMBER = re.compile(r"(?<![\w.-])-?\d[\d_,]*(?:\.\d+)?(?: ?(?:百万|千万|千|万|亿))?(?![\w:-])")


def phrase_slips(text: str) -> Iterator[tuple[Kind, str]]:
    """Yield other tests than a plain one, the most telling of each kind first."""
    words = plain(text)
    inner = words.removeprefix("not ")
    head = words[: len(words) - len(inner)]
    if inner in _WORDS:
        yield Kind.COMPARISON, head + _WORDS[inner]
        return
    moment = _moment(inner)
    if moment:
        yield Kind.COMPARISON, head + moment
    elif found := _COMPARISON.fullmatch(inner):
        for other in _FLIPS[found[1]]:
            yield Kind.COMPARISON, f"{head}{other}{found[2]}"
    if _DURATION.search(inner):
        for other in longer(inner):
            yield Kind.DURATION, head + other
        return
    for found in _NUMBER.finditer(inner):
        for near in _near(found[0]):
            yield Kind.THRESHOLD, head + inner[: found.start()] + near + inner[found.end() :]


def longer(text: str) -> Iterator[str]:
    """Yield phrases in which a duration is twice as long, a window wider."""
    words = plain(text)
    found = _PAIR.fullmatch(words)
    pair = read_duration_pair(found[1]) if found else None
    if found and pair:
        low, high = pair
        ago = found[2] or ""
        yield _between(low, _twice(high)) + ago
        if low.unit is high.unit and low.amount < high.amount:
            yield _between(Duration(low.amount + 1, low.unit), high) + ago
        return
    for each in _DURATION.finditer(words):
        duration = read_duration(each[0])
        if duration:
            yield words[: each.start()] + str(_twice(duration)) + words[each.end() :]


def due_slips(text: str) -> Iterator[str]:
    """Yield wider and later windows of a step."""
    words = plain(text)
    match words:
        case "now":
            yield "after 1 day"
        case "same day":
            yield "within 2 days"
        case _:
            yield from longer(words)
            if words.startswith("within "):
                yield f"after {words.removeprefix('within ')}"
            elif words.startswith("after "):
                yield f"within {words.removeprefix('after ')}"


def _moment(words: str) -> str:
    for pattern, other in _MOMENTS:
        found = pattern.fullmatch(words)
        if found and read_duration(found[1]):
            return other.format(found[1])
    return ""


def _near(text: str) -> Iterator[str]:
    """Yield a tenth more and less, then one more and less; whole numbers stay whole."""
    value = read_number(text)
    if value is None:
        return
    tenth = abs(value) / 10
    if value.denominator == 1:
        tenth = Fraction(max(1, round(tenth)))
    seen = {value}
    for other in (value + tenth, value - tenth, value + 1, value - 1):
        if other not in seen and (other >= 0 or value <= 0):
            seen.add(other)
            yield describe_number(other)


def _twice(duration: Duration) -> Duration:
    return Duration(duration.amount * 2, duration.unit)


def _between(low: Duration, high: Duration) -> str:
    first = low.amount if low.unit is high.unit else low
    return f"between {first} and {high}"
