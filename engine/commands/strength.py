"""What `care test --coverage` and `--mutate` do: measure the tests rather than the playbooks."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.commands.desk import FINDINGS, progress_bar, show
from rules.errors import Level, UsageError, did_you_mean

if TYPE_CHECKING:
    from engine.testing.suite import Suite
    from rules.playbook import Project
    from rules.testfile import Case
    from rules.variants import Variants

__all__ = ["Asked", "measure", "mutant_count"]


def mutant_count(ctx: click.Context, param: click.Parameter, value: str) -> int:
    """Return the number of mutants that an option asks for; of ``all`` more than there may be."""
    if value == "all":
        return sys.maxsize
    if value.isascii() and value.isdigit() and int(value) > 0:
        return int(value)
    raise click.BadParameter(f'"{value}" is no number of mistakes; write 60, or all', ctx, param)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which tests are to be measured, and how the answer is shown."""

    suite: Suite
    whole: bool  #: all tests of the project, not a choice of them
    form: str  #: text or json
    floor: int | None  #: per cent below which the answer is a finding
    jobs: int


def measure(project: Project, asked: Asked, *, mutate: str | None, most: int, shared: bool) -> int:
    """Print what was asked for and return the exit code; ``mutate`` None: coverage, "": of all."""
    if mutate is None:
        return _coverage(project, asked)
    from rules.variants import variants_of  # noqa: PLC0415  slow

    return _mutation(variants_of(Path(project.root)), asked, mutate, most, shared=shared)


def _coverage(project: Project, asked: Asked) -> int:
    """Print what no test reached."""
    from engine.console_strength import coverage_json, render_coverage  # noqa: PLC0415  slow
    from engine.testing.coverage import covered  # noqa: PLC0415

    cases = asked.suite.cases
    with progress_bar("tests") as tick:
        coverage, failing = covered(project, cases, jobs=asked.jobs, tick=tick)
    about = Counter(case.playbook for case in cases)
    books = [book for book in project.playbooks if asked.whole or book.name in about]
    shares = coverage.shares(books, about)
    told = coverage_json(shares)
    show(told, asked.form, lambda: render_coverage(shares))
    return _code(asked, failing, told["percent"])


def _mutation(variants: Variants, asked: Asked, playbook: str, most: int, *, shared: bool) -> int:
    """Print which mistakes no test noticed."""
    from engine.console_strength import mutation_json, render_mutation  # noqa: PLC0415  slow
    from engine.testing.hunt import cases_with, hunt  # noqa: PLC0415
    from engine.testing.mutants import mutants_of  # noqa: PLC0415

    names = [book.name for book in variants.project.playbooks]
    if playbook.endswith(".yaml"):
        raise UsageError(f"--mutate takes a playbook; write care test {playbook} --mutate")
    if playbook and playbook not in names:
        raise UsageError(f'no playbook "{playbook}"; {did_you_mean(playbook, names)}')
    scores, untested = [], []
    for name in [playbook] if playbook else names:
        cases = cases_with(asked.suite.cases, name)
        if not cases:
            untested.append(name)
            continue
        litter = mutants_of(variants, name, most=most, shared=shared)
        with progress_bar(f"mistakes in {name}") as tick:
            scores.append(hunt(variants.project, litter, cases, jobs=asked.jobs, tick=tick))
    untested = untested if asked.whole or playbook else []
    told = mutation_json(scores, untested)
    show(told, asked.form, lambda: render_mutation(scores, untested))
    failing = {case.span: case for score in scores for case in score.failing}
    return _code(asked, list(failing.values()), told["score"])


def _code(asked: Asked, failing: Sequence[Case], percent: int) -> int:
    """Tell what is wrong with the tests themselves, and return the exit code."""
    findings = asked.suite.findings
    for finding in findings:
        click.echo(str(finding), err=True)
    for case in failing:
        click.echo(f"care: {case.span.file}:{case.span.line}: fails: {case.name}", err=True)
    if failing:
        click.echo("care: a test that fails measures nothing; `care test` tells why", err=True)
    if failing or any(finding.level is Level.ERROR for finding in findings):
        return 1
    return FINDINGS if asked.floor is not None and percent < asked.floor else 0
