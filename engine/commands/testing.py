"""The command ``care test``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.commands.desk import FORMAT, Desk, leave, progress_bar, show
from engine.commands.strength import Asked, measure, mutant_count
from rules.errors import InputError, Level, UsageError

if TYPE_CHECKING:
    from engine.testing.suite import Suite
    from rules.playbook import Project

__all__ = ["test"]


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--run", "pattern", metavar="REGEX", help="Only tests whose file or name matches.")
@click.option("--junit", type=click.Path(path_type=Path), help="Write the results as JUnit XML.")
@click.option("-j", "--jobs", type=click.IntRange(1), help="Workers (default: one a core).")
@click.option("--coverage", is_flag=True, help="Tell instead what no test reaches.")
@click.option(
    "--mutate",
    is_flag=False,
    flag_value="",
    metavar="[PLAYBOOK]",
    help="Tell instead which mistakes in a playbook, or in every one, no test notices.",
)
@click.option(
    "--mutants",
    default="60",
    show_default=True,
    metavar="N|all",
    callback=mutant_count,
    help="So many mistakes a playbook.",
)
@click.option("--shared", is_flag=True, help="With --mutate: mistakes in shared.yaml as well.")
@click.option(
    "--floor",
    type=click.IntRange(0, 100),
    metavar="PERCENT",
    help="With --coverage or --mutate: exit code 3 below this.",
)
@FORMAT
@click.pass_obj
def test(
    desk: Desk,
    *,
    files: tuple[Path, ...],
    pattern: str | None,
    junit: Path | None,
    jobs: int | None,
    coverage: bool,
    mutate: str | None,
    mutants: int,
    shared: bool,
    floor: int | None,
    form: str,
) -> None:
    """Play the tests of playbooks in memory, and tell what comes otherwise than expected.

    FILES are tests/NAME.test.yaml; without any, all of them.

    \b
    Examples:
      care test
      care test tests/after-complaint.test.yaml
      care test --run "manager|经理" --junit results.xml
      care test --coverage --floor 90
      care test --mutate after_complaint --mutants all
    """
    from engine.testing.report import as_junit, report_json, report_text  # noqa: PLC0415
    from engine.testing.workers import cores, verdicts  # noqa: PLC0415

    if coverage and mutate is not None:
        raise UsageError("--coverage and --mutate are two questions; ask one at a time")
    if floor is not None and not coverage and mutate is None:
        raise UsageError("--floor goes with --coverage or --mutate")
    begun = desk.clock()
    project = desk.project(talk=True)
    suite = _chosen(project, files, pattern)
    if not suite.files:
        click.echo("care: there are no tests yet; write tests/NAME.test.yaml", err=True)
    if coverage or mutate is not None:
        asked = Asked(
            suite=suite, whole=not files and pattern is None, form=form, floor=floor,
            jobs=jobs or cores(),
        )  # fmt: skip
        leave(measure(project, asked, mutate=mutate, most=mutants, shared=shared))
    with progress_bar("tests") as tick:
        found = verdicts(project, suite.cases, jobs=jobs or cores(), tick=tick)
    seconds = (desk.clock() - begun) / 1_000_000
    if junit is not None:
        _write(junit, as_junit(suite, found, seconds))
    show(report_json(suite, found, seconds), form, lambda: report_text(suite, found, seconds))
    wrong = any(one.level is Level.ERROR for one in suite.findings)
    if wrong or not all(one.passed for one in found):
        leave(1)


def _chosen(project: Project, files: Sequence[Path], pattern: str | None) -> Suite:
    """Return the tests that are meant. Raises UsageError for a file or pattern that is none."""
    from engine.testing.suite import load  # noqa: PLC0415  slow

    suite = load(project, _named(Path(project.root), files) if files else None)
    if pattern is None:
        return suite
    try:
        wanted = re.compile(pattern)
    except re.error as error:
        raise UsageError(f'--run "{pattern}" is no regular expression: {error}') from error
    kept = tuple(
        replace(
            file, cases=tuple(one for one in file.cases if wanted.search(f"{file.file} {one.name}"))
        )
        for file in suite.files
    )
    return replace(suite, files=kept)


def _named(root: Path, files: Sequence[Path]) -> list[str]:
    """Return the paths of files in the project; they may be named from here or from its folder."""
    found = []
    for file in files:
        path = next((each for each in (file, root / file) if each.is_file()), None)
        if path is None:
            raise UsageError(f"there is no file {file}")
        inside = path.resolve()
        if not inside.is_relative_to(root.resolve()):
            raise UsageError(f"{file} is not in the project {root}")
        found.append(inside.relative_to(root.resolve()).as_posix())
    return list(dict.fromkeys(found))


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} can't be written: {error.strerror}") from error
