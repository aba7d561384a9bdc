"""The strict YAML reader: bytes in, nodes and findings out.

What it refuses and why stands in three places: ``source_page`` (bytes and characters),
``source_silent`` (what YAML swallows in silence) and ``source_syntax`` (where YAML gives up). A
mistake that it understands is repaired in memory, so that one look at a file shows all of them.
"""

from __future__ import annotations

from collections.abc import Iterable

import yaml

from rules.errors import Finding, Level
from rules.nodes import Node
from rules.source_page import MAX_BYTES, Edit, Page, decode
from rules.source_silent import EnoughError, Mistake, start_of
from rules.source_stop import Stop, stop_of
from rules.source_syntax import guesses
from rules.source_tree import MAX_DEPTH, TooDeepError, Tree, events

__all__ = ["MAX_BYTES", "MAX_DEPTH", "read_yaml"]

#: Findings of one file that are shown; a wrong file of a megabyte has thousands.
MAX_FINDINGS = 50

#: Characters parsed on behalf of one file, all repairs together: keeps 1 MB under a second.
_BUDGET = 4_000_000

#: What indentation that is wrong makes of the lines below it.
_SHAPE = frozenset({"indent", "missing-dash", "syntax"})


def read_yaml(data: bytes, file: str) -> tuple[Node | None, tuple[Finding, ...]]:
    """Return the root node of a YAML file and everything that is wrong with its form.

    The node is None where the file is empty or cannot be read to its end. It may be there although
    there are errors: then it is the file with those errors mended, for finding more of them, never
    for running. Findings are sorted by place. Raises nothing for bad content.
    """
    page, findings = decode(data, file)
    if page is None:
        return None, _tidy(findings)
    node, more = _Reader(page).read()
    return node, _tidy((*findings, *more))


class _Reader:
    """Reads, repairs, reads again, until nothing is left to repair."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.kept: list[Finding] = []
        self.budget = _BUDGET
        self.shape = -9  #: line of the last mistake in the indentation, mended

    def read(self) -> tuple[Node | None, list[Finding]]:
        while True:
            tree = Tree(self.page)
            try:
                node = tree.build()
            except EnoughError:
                return None, [*self.kept, *(mistake.finding for mistake in tree.silent.mistakes)]
            except TooDeepError as deep:
                return None, [*self.kept, self._too_deep(deep)]
            except yaml.YAMLError as error:
                if not self._mend(stop_of(error)):
                    rest = [mistake.finding for mistake in tree.silent.mistakes]
                    return None, [*self.kept, *rest]
                continue
            self.budget -= 2 * self.page.size()
            if self._repair(tree.silent.mistakes):
                continue
            self.kept += [mistake.finding for mistake in tree.silent.mistakes]
            if node is None and not any(f.level is Level.ERROR for f in self.kept):
                self.kept.append(self._empty())
            return node, self.kept

    def _repair(self, mistakes: list[Mistake]) -> bool:
        """Make the edits of silent mistakes, those that do not overlap; True to read again."""
        chosen: list[Edit] = []
        findings: list[Finding] = []
        for mistake in mistakes:
            if mistake.edits and not any(_overlap(a, b) for a in mistake.edits for b in chosen):
                chosen += mistake.edits
                findings.append(mistake.finding)
        if not chosen or self.budget < 0 or len(self.kept) > MAX_FINDINGS:
            return False
        chosen = _apart(chosen)
        for finding in findings:
            self._keep(finding)
        self.page = self.page.edited(tuple(chosen))
        return True

    def _mend(self, stop: Stop) -> bool:
        """Find out what is wrong where the parser stopped; True where it was mended."""
        last: Mistake | None = None
        cost = 2 * self.page.size(stop.line + 3) + self.page.size() // 20
        self.budget -= cost
        for mistake in guesses(self.page, stop):
            if not mistake.edits:
                last = last or mistake
                continue
            if self.budget < 0 or len(self.kept) > MAX_FINDINGS:
                last = last or mistake
                break
            self.budget -= cost
            mended = self.page.edited(mistake.edits)
            if self._further(mended, stop):
                self._keep(mistake.finding)
                self.page = mended
                return True
        if last is not None and not self._follows(last.finding):
            self.kept.append(last.finding)
        return False

    def _keep(self, finding: Finding) -> None:
        if not self._follows(finding):
            self.kept.append(finding)
        if finding.code in _SHAPE or "dash" in finding.message:
            self.shape = finding.span.line

    def _follows(self, finding: Finding) -> bool:
        """Say whether a finding only follows from indentation mended on the lines just above."""
        return finding.code in _SHAPE and 0 <= finding.span.line - self.shape <= 2

    def _further(self, page: Page, stop: Stop) -> bool:
        """Say whether the parser gets further with a text than it did before."""
        depth = 0
        try:
            for event in events(page.text()):
                if start_of(event)[0] > stop.line + 2:
                    return True
                name = type(event).__name__
                depth += name.endswith("StartEvent") - name.endswith("EndEvent")
                if depth > MAX_DEPTH + 5:
                    return False
        except yaml.YAMLError as error:
            return stop_of(error).line > stop.line or (
                stop_of(error).line == stop.line and stop_of(error).col > stop.col + 1
            )
        return True

    def _too_deep(self, deep: TooDeepError) -> Finding:
        return Finding(
            code="too-deep",
            message=f"more than {MAX_DEPTH} levels inside one another",
            span=self.page.span(deep.line, deep.col),
            hint="give parts of it names of their own, for example as segments",
        )

    def _empty(self) -> Finding:
        return Finding(
            code="empty-file",
            message="the file is empty",
            span=self.page.span(0, 0),
            hint="write its keys, or delete the file",
        )


def _overlap(one: Edit, other: Edit) -> bool:
    return one.line == other.line and one.start <= other.end and other.start <= one.end


def _apart(edits: list[Edit]) -> list[Edit]:
    """Return edits in order of place, later ones left out where they touch an earlier one."""
    chosen: list[Edit] = []
    for edit in sorted(edits, key=lambda e: (e.line, e.start, e.end)):
        if not chosen or not _overlap(chosen[-1], edit) or edit.start >= chosen[-1].end:
            chosen.append(edit)
    return chosen


def _tidy(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort by place, one finding a place and code, at most MAX_FINDINGS."""
    unique = {(finding.span, finding.code): finding for finding in findings}
    ordered = sorted(unique.values(), key=lambda finding: finding.order)
    if len(ordered) <= MAX_FINDINGS:
        return tuple(ordered)
    cut = ordered[: MAX_FINDINGS - 1]
    more = Finding(
        code="more-findings",
        message=f"{len(ordered) - len(cut)} more mistakes from here on",
        span=ordered[MAX_FINDINGS - 1].span,
        hint="mend those above first",
    )
    return (*cut, more)
