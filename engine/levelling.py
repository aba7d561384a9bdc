"""Levelling: which day each task of a role opens on, inside its window, so that no day has too many.

Pure. Earliest deadline first is right for work that takes one place of one day each (Jackson 1955;
with days on which tasks become open, and other places on each day, by an exchange of two tasks: of
two that could change places the one with the earlier end may always go first). Where a window is too
narrow for the capacity, the days inside it are filled higher, as evenly as they can be, and no
others: the peak is never higher than it was.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

__all__ = ["Slot", "level"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A task that may open on any working day of its window."""

    key: str
    first: int  #: day
    last: int  #: day, inclusive; not before ``first``
    value: int = 0  #: of tasks with the same last day the higher goes first


@dataclass(frozen=True, slots=True)
class _Short:
    """Days that can't hold the tasks which have to open on them."""

    first: int  #: place of the first day
    last: int  #: place of the last day
    count: int  #: tasks whose windows lie inside


def level(
    slots: Sequence[Slot],
    days: Sequence[int],
    capacity: int,
    used: Mapping[int, int] | None = None,
) -> dict[str, int]:
    """Return key -> day, the same for the same tasks in any order.

    ``days`` are the working days, ascending, ``used`` what already opens on them. A task whose
    window holds none of the days stays on its first day.
    """
    taken = [(used or {}).get(day, 0) for day in days]
    windows = {
        slot.key: (bisect_left(days, slot.first), bisect_right(days, slot.last) - 1)
        for slot in slots
    }
    found = {slot.key: slot.first for slot in slots if windows[slot.key][0] > windows[slot.key][1]}
    work = [slot for slot in slots if slot.key not in found]
    waiting: dict[int, list[tuple[int, int, str]]] = {}  #: place of the first day -> by urgency
    for slot in work:
        first, last = windows[slot.key]
        waiting.setdefault(first, []).append((last, -slot.value, slot.key))
    limits = [capacity] * len(days)
    while True:
        placed, short = _earliest_deadline_first(waiting, limits, taken)
        if short is None:
            return found | {key: days[place] for key, place in placed.items()}
        _raise(limits, taken, short)


def _earliest_deadline_first(
    waiting: Mapping[int, Sequence[tuple[int, int, str]]],
    limits: Sequence[int],
    taken: Sequence[int],
) -> tuple[dict[str, int], _Short | None]:
    """Return key -> place of its day; or the days that are too few for their tasks."""
    placed: dict[str, int] = {}
    ends: list[list[int]] = [[] for _ in limits]  #: last places of what went on each day
    heap: list[tuple[int, int, str]] = []
    place = min(waiting, default=0)
    left = sum(map(len, waiting.values()))
    while left:
        for item in waiting.get(place, ()):
            heappush(heap, item)
        for _ in range(max(0, limits[place] - taken[place])):
            if not heap:
                break
            last, _, key = heappop(heap)
            placed[key] = place
            ends[place].append(last)
            left -= 1
        if heap and heap[0][0] <= place:
            return placed, _short(place, heap, ends, limits, taken)
        place += 1
    return placed, None


def _short(
    end: int,
    heap: Sequence[tuple[int, int, str]],
    ends: Sequence[Sequence[int]],
    limits: Sequence[int],
    taken: Sequence[int],
) -> _Short:
    """Return the days up to ``end`` that are full of tasks which may not come after it."""
    first = end
    count = sum(last <= end for last, _, _ in heap) + len(ends[end])
    while first > 0:
        before = ends[first - 1]
        if taken[first - 1] + len(before) < limits[first - 1] or any(last > end for last in before):
            break
        first -= 1
        count += len(before)
    return _Short(first=first, last=end, count=count)


def _raise(limits: list[int], taken: Sequence[int], short: _Short) -> None:
    """Let the lowest of some days have more, evenly, until they hold what they must."""
    places = range(short.first, short.last + 1)

    def room(height: int) -> int:
        return sum(max(0, max(limits[place], height) - taken[place]) for place in places)

    low, high = min(limits[place] for place in places), max(taken) + short.count
    while low < high:  # the lowest height that is enough
        middle = (low + high) // 2
        if room(middle) >= short.count:
            high = middle
        else:
            low = middle + 1
    for place in places:
        limits[place] = max(limits[place], low - 1)
    missing = short.count - room(low - 1)
    lowest = [place for place in places if limits[place] == low - 1 and taken[place] < low]
    for place in lowest[:missing]:
        limits[place] = low
