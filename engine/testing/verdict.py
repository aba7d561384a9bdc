"""What came of a test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rules.errors import Span
from rules.testfile import Case

__all__ = ["Difference", "Failure", "Verdict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that is other than expected, in words."""

    key: str
    expected: str
    got: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One expectation that was not met."""

    span: Span  #: of the expectation
    shown: str  #: the expectation as written
    differences: tuple[Difference, ...]
    instead: tuple[str, ...] = ()  #: what happened, a sentence each

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "place": str(self.span), "expectation": self.shown,
            "differences": [
                {"key": one.key, "expected": one.expected, "got": one.got}
                for one in self.differences
            ],
            "instead": list(self.instead),
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How a test ended. An error: its story could not be played to the end."""

    case: Case
    failures: tuple[Failure, ...] = ()
    error: str = ""  #: with the place in front
    runs: int = 0

    @property
    def passed(self) -> bool:
        """True when every expectation was met."""
        return not self.failures and not self.error

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "file": self.case.file, "line": self.case.span.line, "test": self.case.name,
            "passed": self.passed, "error": self.error or None,
            "failures": [one.to_json() for one in self.failures], "runs": self.runs,
        }  # fmt: skip
