"""Which faults are tried: each at each point in the long suite, a sample in the fast one."""

from __future__ import annotations

import random
from collections.abc import Sequence

__all__ = ["chains", "some", "telling", "waking"]

_EARLY = 45  #: points that every process passes
_READS = ("SELECT", "PRAGMA", "WITH", "BEGIN", "FROM")


def telling(points: Sequence[str]) -> list[int]:
    """Return the numbers of points at which something outside the process may have changed."""
    return [
        number
        for number, what in enumerate(points, 1)
        if not what.partition(": ")[2].startswith(_READS)
    ]


def waking(points: Sequence[str]) -> list[int]:
    """Return the numbers of points around a send at which no other program is kept out."""
    around = ("before send", "after send", "before socket", "after socket")
    return [number for number, what in enumerate(points, 1) if what.startswith(around)]


def some(points: Sequence[str], count: int, seed: str) -> list[int]:
    """Return so many different points, those that tell first, spread by a seed; all if few."""
    draw = random.Random(seed)
    first = telling(points)
    rest = sorted(set(range(1, len(points) + 1)) - set(first))
    chosen = draw.sample(first, min(count, len(first)))
    return sorted(chosen + draw.sample(rest, min(count - len(chosen), len(rest))))


def chains(points: Sequence[str], count: int, length: int, seed: str) -> list[list[int]]:
    """Return so many series of points, each for processes that follow one another. Later ones are
    early in theirs, since a process that goes on has less to do.
    """
    draw = random.Random(seed)
    first = telling(points)
    return [
        [
            draw.choice(first),
            *(draw.randint(1, len(points) // 3 if n == 0 else _EARLY) for n in range(length - 1)),
        ]
        for _ in range(count)
    ]
