"""Plays many tests on all cores: each worker is a fork that has the project already."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

from engine.testing.play import run_test
from engine.testing.verdict import Verdict
from rules.playbook import Project
from rules.testfile import Case

__all__ = ["cores", "spread", "verdicts"]

Run = Callable[[Project, Case], Verdict]
T = TypeVar("T")

_FEW = 40  #: tests that are played sooner than a worker is there
_CHUNK = 10  #: tests handed to a worker at once
_WORK: list[Callable[[int], Any]] = []  #: what forks find


def cores() -> int:
    """Return how many workers make sense here."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def verdicts(
    project: Project,
    cases: Sequence[Case],
    *,
    jobs: int,
    run: Run = run_test,
    tick: Callable[[int, int | None], None] | None = None,
) -> list[Verdict]:
    """Return the verdicts on some tests, in their order; ``tick`` hears how many are done."""
    found: list[Verdict] = []
    for verdict in spread(lambda number: run(project, cases[number]), len(cases), jobs=jobs):
        found.append(verdict)
        if tick is not None:
            tick(len(found), len(cases))
    return found


def spread(
    work: Callable[[int], T], count: int, *, jobs: int, few: int = _FEW, chunk: int = _CHUNK
) -> Iterator[T]:
    """Yield what ``work`` makes of 0 to ``count`` - 1, in order; up to ``few`` without workers.

    A worker is a fork: only numbers go to it, and what it made comes back.
    """
    alone = jobs <= 1 or count < few
    if alone or "fork" not in multiprocessing.get_all_start_methods():
        yield from map(work, range(count))
        return
    _WORK.append(work)
    try:
        context = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(jobs, mp_context=context) as pool:
            yield from pool.map(_one, range(count), chunksize=chunk)
    finally:
        _WORK.pop()


def _one(number: int) -> Any:
    return _WORK[-1](number)
