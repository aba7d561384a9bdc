"""The instants of a series of runs."""

from __future__ import annotations

from rules.errors import UsageError
from rules.phrases import read_duration
from rules.units import Duration, Unit, day_of, day_start, shift, to_local

__all__ = ["instants"]

_MOST = 100_000  #: runs in one series; more is a typing error


def instants(start: int, end: int, every: str, tz: str) -> list[int]:
    """Return start, start + every, ... up to end. Days and longer keep the wall clock of the zone.

    Raises UsageError for a step that is no duration, a series that goes backwards or is endless.
    """
    step = read_duration(every)
    if step is None or step.working or step.amount == 0:
        raise UsageError(f'--every takes a duration like "1 day" or "1 hour", not "{every}"')
    if end < start:
        raise UsageError("--to lies before --from")
    found = [start]
    while True:
        grown = Duration(step.amount * len(found), step.unit)
        following = _local(start, grown, tz)
        if following > end:
            return found
        found.append(following)
        if len(found) > _MOST:
            raise UsageError(f"--every {every} would make more than {_MOST} runs")


def _local(start: int, by: Duration, tz: str) -> int:

    if by.unit in (Unit.DAY, Unit.WEEK):
        days = by.amount * (7 if by.unit is Unit.WEEK else 1)
        return day_start(day_of(start, tz) + days, tz, at=to_local(start, tz).time())
    return shift(start, by, tz)
