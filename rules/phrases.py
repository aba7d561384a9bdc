"""Values as people write them: numbers, shares, durations, times of day, days of the year.

Readers return None for anything that is not exactly in the language; ``rules.repair`` then finds
what was probably meant, so that the answer can say what to write.
"""

from __future__ import annotations

import datetime as dt
import re
from fractions import Fraction

from rules.units import Duration, Unit

__all__ = [
    "PhraseError",
    "plain",
    "read_clock",
    "read_date",
    "read_duration",
    "read_duration_pair",
    "read_number",
    "read_share",
]

#: Full-width characters that stand for the plain ones in numbers and phrases.
_WIDE = {ord(wide): chr(ord(wide) - 0xFEE0) for wide in "０１２３４５６７８９．％，＋－：［］"}
_WIDE |= {0x3000: " ", 0x00A0: " ", 0x2212: "-"}

#: ``500_000``, ``500,000``, ``-12.5``, ``50万``.
_NUMBER = re.compile(
    r"([+-]?)(\d+(?:_\d+)*|\d{1,3}(?:,\d{3})+)(\.\d+)?\s*(百万|千万|千|万|亿)?", re.ASCII
)
_TIMES = {None: 1, "千": 10**3, "万": 10**4, "百万": 10**6, "千万": 10**7, "亿": 10**8}
_LARGEST = 10**15  #: the log holds numbers below this

_UNITS = {unit.value: unit for unit in Unit} | {f"{unit.value}s": unit for unit in Unit}
_DURATION = re.compile(r"(\d+) ([a-z]+(?: [a-z]+)?)", re.ASCII)
_PAIR = re.compile(
    r"between (\d+)(?: ([a-z]+(?: [a-z]+)?))? and (\d+) ([a-z]+(?: [a-z]+)?)", re.ASCII
)
#: No duration of the language is longer: T moved by it must stay in the calendar.
_LONGEST = {
    Unit.SECOND: 10**9,
    Unit.MINUTE: 10**8,
    Unit.HOUR: 10**6,
    Unit.DAY: 73_000,
    Unit.WEEK: 10_400,
    Unit.MONTH: 2_400,
    Unit.YEAR: 200,
    Unit.WORKING_DAY: 10_000,
    Unit.WORKING_HOUR: 100_000,
}


class PhraseError(Exception):
    """A phrase that is not in the language, with the words for the user."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        self.code = code
        self.message = message
        self.hint = hint
        super().__init__(message)


def plain(text: str) -> str:
    """Return the text with plain digits and signs for full-width ones, and single spaces."""
    return " ".join(text.translate(_WIDE).split())


def read_number(text: str) -> Fraction | None:
    """Return the number that a text is: ``50万`` is 500000; None for anything else."""
    found = _NUMBER.fullmatch(plain(text))
    if not found:
        return None
    sign, whole, rest, times = found.groups()
    value = Fraction(re.sub("[_,]", "", whole) + (rest or "")) * _TIMES[times]
    if value >= _LARGEST:
        return None
    return -value if sign == "-" else value


def read_share(text: str) -> Fraction | None:
    """Return the share that a text is: ``30%`` is 3/10; None for anything else."""
    words = plain(text)
    if not words.endswith("%"):
        return None
    value = read_number(words[:-1])
    return None if value is None else value / 100


def read_duration(text: str) -> Duration | None:
    """Return the duration that a text is: ``3 working days``; None for anything else."""
    found = _DURATION.fullmatch(plain(text).casefold())
    return _duration(found[1], found[2]) if found else None


def read_duration_pair(text: str) -> tuple[Duration, Duration] | None:
    """Return the two ends of ``between 5 and 7 days`` or ``between 3 hours and 2 days``."""
    found = _PAIR.fullmatch(plain(text).casefold())
    if not found:
        return None
    low, high = _duration(found[1], found[2] or found[4]), _duration(found[3], found[4])
    return (low, high) if low and high else None


def _duration(amount: str, unit: str) -> Duration | None:
    known = _UNITS.get(unit)
    if known is None or not 0 < int(amount[:12]) <= _LONGEST[known] or len(amount) > 12:
        return None
    return Duration(int(amount), known)


def read_clock(text: str) -> dt.time | None:
    """Return the time of day that a text is: ``09:30``; None for anything else."""
    found = re.fullmatch(r"(\d{1,2}):(\d{2})", plain(text), re.ASCII)
    if not found or int(found[1]) > 23 or int(found[2]) > 59:
        return None
    return dt.time(int(found[1]), int(found[2]))


def read_date(text: str) -> dt.date | None:
    """Return the date that a text is: ``2026-03-18``; None for anything else."""
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", plain(text), re.ASCII):
        return None
    try:
        return dt.date.fromisoformat(plain(text))
    except ValueError:
        return None
