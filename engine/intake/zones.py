"""Local time to UTC and back in SQL: one nested CASE over the changes of a zone's offset.

Computed with zoneinfo, so that a verdict does not hang on DuckDB's own zone data.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import lru_cache

from rules.units import MICROS, zone

__all__ = ["FIRST_YEAR", "LAST_YEAR", "offsets", "to_local", "to_utc"]

#: Times outside are turned away as typing errors.
FIRST_YEAR, LAST_YEAR = 1900, 2099
_DAY = 86_400
_STEP = 7 * _DAY  #: no zone has ever changed its offset and back within a week
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@lru_cache(maxsize=32)
def offsets(name: str) -> tuple[tuple[int, int, int], ...]:
    """Return (local second, UTC second from which on, offset in seconds), the first from ever on.

    A local time that does not exist moves forward by the gap, one that exists twice is the first:
    both follow from changing over at the later of the two wall clocks.
    """
    if name == "UTC":
        return ((0, 0, 0),)
    place = zone(name)

    def offset(second: int) -> int:
        moment = (_EPOCH + dt.timedelta(seconds=second)).astimezone(place)
        found = moment.utcoffset()
        assert found is not None
        return int(found.total_seconds())

    start = int((dt.datetime(FIRST_YEAR, 1, 1, tzinfo=dt.UTC) - _EPOCH).total_seconds()) - _DAY
    end = int((dt.datetime(LAST_YEAR + 1, 1, 1, tzinfo=dt.UTC) - _EPOCH).total_seconds()) + _DAY
    before = offset(start)
    changes = [(start, start, before)]
    for day in range(start + _STEP, end, _STEP):
        after = offset(day)
        if after != before:
            low, high = day - _STEP, day  # offset(low) is before, offset(high) is after
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset(middle) == before else (low, middle)
            changes.append((high + max(before, after), high, after))
            before = after
    return tuple(changes)


def to_utc(local: str, name: str) -> str:
    """Return SQL for the instant of a local time, both in microseconds."""
    return f"({local} - {_case(local, [(change[0], change[2]) for change in offsets(name)])})"


def to_local(instant: str, name: str) -> str:
    """Return SQL for the local time of an instant, both in microseconds."""
    return f"({instant} + {_case(instant, [(change[1], change[2]) for change in offsets(name)])})"


def _case(moment: str, changes: Sequence[tuple[int, int]]) -> str:
    """Return SQL for the offset in microseconds: halving, some eight comparisons deep."""
    if len(changes) == 1:
        return f"{changes[0][1] * MICROS}"
    middle = len(changes) // 2
    return (
        f"CASE WHEN {moment} < {changes[middle][0] * MICROS} "
        f"THEN {_case(moment, changes[:middle])} ELSE {_case(moment, changes[middle:])} END"
    )
