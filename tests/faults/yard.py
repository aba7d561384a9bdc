"""The yard: a process that has loaded care, never opened the log, and forks care to break it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

__all__ = ["Job", "Report", "Yard"]

_REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Faults to be injected into one scenario, one after another, each into a fresh copy."""

    scenario: str
    how: str = "kill"  #: of ``tests.faults.points.How``
    #: of each fault: the point in the first process, then in the one that follows it, and so on
    points: Sequence[Sequence[int]] = ()
    pages: Sequence[int] = ()  #: or so many pages of room in the ledger
    arrivals: Sequence[int] = ()  #: or killed while this arrival is being answered
    together: Sequence[int] = ()  #: or so many processes at once
    back: int = 0  #: seconds by which the clock has gone back when care runs again
    down: bool = False  #: nobody takes anything when care runs again
    bug: str = ""  #: of ``tests.faults.bugs``: care is made wrong
    enough: int = 1_000_000  #: stop at so many problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of a job."""

    faults: int  #: that happened; a process may end before its point comes
    problems: list[str]  #: in words
    ends: dict[str, int]  #: how the processes ended at which it happened: exit code -> number


class Yard:
    """Starts the process and gives it jobs. Close it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-W", "ignore", "-m", "tests.faults.breaking"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
            env={**os.environ, "PYTHONPATH": str(_REPOSITORY)},
        )  # fmt: skip

    def points(self, scenario: str) -> list[str]:
        """Return the points that an undisturbed scenario passes, in order."""
        found: list[str] = self._ask({"points": scenario})
        return found

    def do(self, job: Job) -> Report:
        """Inject the faults of a job and say what came of it."""
        return Report(**self._ask({"job": asdict(job)}))

    def _ask(self, value: Mapping[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(value) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline() or '{"error": "the yard died"}')
        if "error" in answer:
            raise AssertionError(answer["error"])
        return answer["value"]

    def close(self) -> None:
        """End it."""
        self._process.communicate()
