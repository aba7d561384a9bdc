"""What can go wrong, as values and as a small tree of exceptions.

::

    CareError (exit 1)
    ├── UsageError    (exit 2)  a flag or argument that makes no sense
    ├── ProjectError  (exit 1)  the project's files are wrong; carries every finding
    ├── InputError    (exit 1)  a file, row or database from outside is wrong
    ├── BusyError     (exit 1)  somebody else holds the log or the run lock
    ├── ClockError    (exit 1)  an instant before the last run
    └── StateError    (exit 1)  an action, journey or ledger is not in a state that allows this
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "BusyError",
    "CareError",
    "ClockError",
    "Finding",
    "InputError",
    "Level",
    "ProjectError",
    "Span",
    "StateError",
    "UsageError",
    "did_you_mean",
]


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A place in a file of the project."""

    file: str  #: path relative to the project, with forward slashes
    line: int  #: 1-based
    col: int  #: 1-based, in characters

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.col}"


class Level(StrEnum):
    """How bad a finding is: an error stops the playbook, a warning is legal and doubtful."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong in a project's file, in the words that the user sees."""

    level: Level = Level.ERROR
    code: str  #: stable, kebab-case: ``unknown-channel``
    message: str  #: one sentence, no final full stop, in the words of the YAML
    span: Span
    path: str = ""  #: the YAML path, ``steps/1/choose/0/if``
    hint: str = ""  #: what to write instead; "" where the message says it all

    def __str__(self) -> str:
        text = f"{self.span}: {self.level}[{self.code}] {self.message}"
        return f"{text}; {self.hint}" if self.hint else text

    @property
    def order(self) -> tuple[str, int, int, str, str]:
        """Files, then lines, then columns; equal places by code and words."""
        return (self.span.file, self.span.line, self.span.col, self.code, self.message)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``did you mean "x"?`` for the nearest known word, a short list of a short set, or ""."""
    names = sorted({name for name in known if name})
    folded = {name.casefold(): name for name in reversed(names)}
    near = difflib.get_close_matches(word.casefold(), list(folded), n=1, cutoff=0.6)
    if near:
        return f'did you mean "{folded[near[0]]}"?'
    if 0 < len(names) <= 6:
        return "known here: " + ", ".join(names)
    return ""


class CareError(Exception):
    """An error to show in one line, without a traceback."""

    exit_code = 1


class UsageError(CareError):
    """A flag or argument that makes no sense."""

    exit_code = 2


class ProjectError(CareError):
    """The project's files are wrong."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(sorted(findings, key=lambda finding: finding.order))
        super().__init__("\n".join(str(finding) for finding in self.findings))


class InputError(CareError):
    """A file, row or database from outside is wrong."""


class BusyError(CareError):
    """Somebody else holds the log or the run lock."""


class ClockError(CareError):
    """An instant before the last run."""


class StateError(CareError):
    """An action, journey or ledger is not in a state that allows this."""
