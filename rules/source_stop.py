"""Where the YAML parser gave up on a text."""

from __future__ import annotations

from dataclasses import dataclass

import yaml

from rules.errors import Finding
from rules.source_page import Edit, Page
from rules.source_silent import Mistake

__all__ = ["Stop", "indent_of", "line_above", "mistake", "stop_of"]


@dataclass(frozen=True, slots=True)
class Stop:
    """Where the parser gave up, and what it was reading since when; all counted from 0."""

    line: int
    col: int
    since: tuple[int, int] | None  #: begin of the quote, list or key that it was reading
    doing: str  #: the parser's words for that, lower case, "" where it has none
    problem: str  #: the parser's words, never shown

    @property
    def place(self) -> tuple[int, int]:
        """Line and column, to compare how far two texts could be read."""
        return (self.line, self.col)


def stop_of(error: yaml.YAMLError) -> Stop:
    """Return where an error of PyYAML happened."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return Stop(0, 0, None, "", str(error))
    mark = error.problem_mark or error.context_mark
    since = error.context_mark
    return Stop(
        line=mark.line if mark else 0,
        col=mark.column if mark else 0,
        since=(since.line, since.column) if since else None,
        doing=(error.context or "").lower(),
        problem=(error.problem or "").lower(),
    )


def mistake(
    page: Page, code: str, message: str, line: int, col: int, hint: str, *edits: Edit
) -> Mistake:
    """Return a mistake at a line and column, from 0."""
    finding = Finding(code=code, message=message, span=page.span(line, col), hint=hint)
    return Mistake(finding=finding, edits=edits)


def line_above(page: Page, line: int) -> int:
    """Return the nearest line above that has content, or -1."""
    line -= 1
    while line >= 0 and not page.line(line).split("#", 1)[0].strip():
        line -= 1
    return line


def indent_of(raw: str) -> int:
    """Return how many spaces a line begins with."""
    return len(raw) - len(raw.lstrip(" "))
