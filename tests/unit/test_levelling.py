"""Levelling: which day each task opens on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import product
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from engine.levelling import Slot, level

_DAYS = st.lists(st.integers(0, 8), unique=True, min_size=1, max_size=6).map(sorted)
_WINDOWS = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 4), st.integers(0, 2)), max_size=6)
_USED = st.dictionaries(st.integers(0, 8), st.integers(0, 3), max_size=4)


def slots(windows: Sequence[tuple[int, int, int]]) -> list[Slot]:
    return [
        Slot(key=f"t{index}", first=first, last=first + length, value=value)
        for index, (first, length, value) in enumerate(windows)
    ]


def placed(slot: Slot, days: Sequence[int]) -> list[int]:
    """The days on which a task may open; its first one where none is worked."""
    return [day for day in days if slot.first <= day <= slot.last] or [slot.first]


def peak(chosen: Sequence[int], used: Mapping[int, int], days: Sequence[int]) -> int:
    counts = Counter(chosen)
    return max((counts[day] + used.get(day, 0) for day in days), default=0)


def inside(work: Sequence[Slot], days: Sequence[int]) -> list[Slot]:
    return [slot for slot in work if placed(slot, days)[0] in days]


@given(_WINDOWS, _DAYS, st.integers(1, 3), _USED)
def test_inside_the_window(
    windows: list[tuple[int, int, int]], days: list[int], capacity: int, used: dict[int, int]
) -> None:
    """Every task opens on a working day of its window; where it has none, on its first day."""
    work = slots(windows)
    found = level(work, days, capacity, used)

    assert set(found) == {slot.key for slot in work}
    assert all(found[slot.key] in placed(slot, days) for slot in work)


@given(_WINDOWS, _DAYS, st.integers(1, 3), _USED)
def test_the_best_peak(
    windows: list[tuple[int, int, int]], days: list[int], capacity: int, used: dict[int, int]
) -> None:
    """No other choice of days has a lower peak above the capacity: every choice is tried. So the
    capacity is kept wherever it can be.
    """
    work = slots(windows)
    found = level(work, days, capacity, used)
    mine = inside(work, days)
    best = min(
        peak(choice, used, days) for choice in product(*(placed(slot, days) for slot in mine))
    )

    assert max(capacity, peak([found[slot.key] for slot in mine], used, days)) == max(
        capacity, best
    )


@given(_WINDOWS, _DAYS, st.integers(1, 3), _USED)
def test_never_a_higher_peak(
    windows: list[tuple[int, int, int]], days: list[int], capacity: int, used: dict[int, int]
) -> None:
    """The fullest day is never fuller than if every task opened as soon as it may."""
    work = slots(windows)
    found = level(work, days, capacity, used)
    before = peak([placed(slot, days)[0] for slot in work], used, days)

    assert peak(list(found.values()), used, days) <= before


@given(_WINDOWS, _DAYS, st.integers(1, 3), _USED, st.randoms(use_true_random=False))
def test_the_same_in_any_order(
    windows: list[tuple[int, int, int]],
    days: list[int],
    capacity: int,
    used: dict[int, int],
    random: Random,
) -> None:
    """The order in which tasks are given changes nothing."""
    work = slots(windows)
    other = list(work)
    random.shuffle(other)

    assert level(other, days, capacity, used) == level(work, days, capacity, used)


def test_the_earliest_end_goes_first_then_the_value() -> None:
    """Of tasks that could open today those with the earliest end do; of equals the most valuable."""
    work = [
        Slot(key="late", first=1, last=3, value=9),
        Slot(key="cheap", first=1, last=2, value=1),
        Slot(key="dear", first=1, last=2, value=5),
    ]

    assert level(work, [1, 2, 3], 1) == {"dear": 1, "cheap": 2, "late": 3}


def test_only_narrow_days_are_overfull() -> None:
    """Where a window is too narrow its days share the rest evenly, and the others stay in capacity."""
    work = [Slot(key=f"n{index}", first=2, last=3) for index in range(7)]
    work += [Slot(key=f"w{index}", first=1, last=5) for index in range(3)]
    found = level(work, [1, 2, 3, 4, 5], 1)

    assert Counter(found.values()) == {1: 1, 2: 4, 3: 3, 4: 1, 5: 1}
