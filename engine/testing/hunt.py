"""The hunt for mutants: which tests notice a mistake in a playbook, and which mistakes none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.testing.coverage import Tick, percent_of
from engine.testing.mutants import Litter, Mutant
from engine.testing.play import run_test
from engine.testing.workers import spread
from rules.playbook import Project
from rules.testfile import Case

__all__ = ["Fate", "Score", "cases_with", "hunt"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What became of a mutant."""

    mutant: Mutant
    noticed_by: Case | None  #: the first test that failed; None: it survived

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        mutant, case = self.mutant, self.noticed_by
        shown: dict[str, Any] = {
            "id": mutant.id, "file": mutant.file, "line": mutant.line, "kind": str(mutant.kind),
            "words": mutant.words,
        }  # fmt: skip
        if case is None:
            return {**shown, "hint": mutant.hint}
        return {**shown, "noticed_by": {"file": case.file, "test": case.name}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How well the tests watch over one playbook."""

    litter: Litter
    tests: int  #: that were tried
    failing: tuple[Case, ...]  #: tests that fail without any mistake: they notice nothing
    fates: tuple[Fate, ...]  #: in the order of the file

    @property
    def survivors(self) -> tuple[Fate, ...]:
        """The mutants that no test noticed."""
        return tuple(fate for fate in self.fates if fate.noticed_by is None)

    @property
    def killed(self) -> int:
        """How many mutants some test noticed."""
        return len(self.fates) - len(self.survivors)

    @property
    def percent(self) -> int:
        """Noticed of all, rounded down; 100 where there is nothing to notice."""
        return percent_of(self.killed, len(self.fates))

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "playbook": self.litter.playbook, "tests": self.tests, "score": self.percent,
            "killed": self.killed, "survived": len(self.survivors),
            "found_by_check": self.litter.stillborn, "equal": self.litter.equal,
            "untried": self.litter.untried,
            "failing": [{"file": case.file, "test": case.name} for case in self.failing],
            "mutants": [fate.to_json() for fate in self.fates],
        }  # fmt: skip


def cases_with(cases: Sequence[Case], playbook: str) -> list[Case]:
    """Return the tests in which a playbook runs: its own first, then those of others."""
    found = [case for case in cases if playbook in case.books]
    return sorted(found, key=lambda case: case.playbook != playbook)


def hunt(
    project: Project,
    litter: Litter,
    cases: Sequence[Case],
    *,
    jobs: int = 1,
    tick: Tick | None = None,
) -> Score:
    """Play tests against every mutant of a litter, each until the first test that fails.

    Tests that fail in ``project``, which is without mistakes, are left out.
    """
    verdicts = [run_test(project, case) for case in cases]
    own = [verdict.case.playbook == litter.playbook for verdict in verdicts]
    order = sorted(range(len(cases)), key=lambda n: (not own[n], verdicts[n].runs))
    sound = [cases[n] for n in order if verdicts[n].passed]  # the quick first: one is enough
    mutants = litter.mutants
    fates = []
    answers = spread(
        lambda number: _noticed(mutants[number], sound), len(mutants), jobs=jobs, few=2, chunk=1
    )
    for mutant, number in zip(mutants, answers, strict=True):
        by = None if number is None else sound[number]
        fates.append(Fate(mutant=mutant, noticed_by=by))
        if tick is not None:
            tick(len(fates), len(mutants))
    return Score(
        litter=litter,
        tests=len(sound),
        failing=tuple(verdict.case for verdict in verdicts if not verdict.passed),
        fates=tuple(fates),
    )


def _noticed(mutant: Mutant, sound: Sequence[Case]) -> int | None:
    """Return the number of the first test that fails, None where all pass."""
    for number, case in enumerate(sound):
        if not run_test(mutant.project, case).passed:
            return number
    return None
