"""Commands about the project itself: init, check, doctor."""

from __future__ import annotations

from pathlib import Path

import click

from engine.commands.desk import FINDINGS, FORMAT, Desk, count_of, leave, show
from rules.errors import Level

__all__ = ["check", "doctor", "init"]


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--sample",
    default="starter",
    show_default=True,
    help="Which sample to copy: starter or online-retail.",
)
def init(folder: Path, sample: str) -> None:
    """Make a new care project in FOLDER.

    \b
    Examples:
      care init mycare
      care init shop --sample online-retail
    """
    from engine.scaffold import init as make  # noqa: PLC0415

    written = make(folder, sample)
    click.echo(f"{len(written)} files in {folder}; next: cd {folder} && care check")


@click.command()
@FORMAT
@click.option("--strict", is_flag=True, help="Exit 3 when there are warnings.")
@click.option("--at", help="Look at the calendar as of then instead of now.")
@click.pass_obj
def check(desk: Desk, form: str, at: str | None, *, strict: bool) -> None:
    """Show everything that is wrong in the project, at once.

    \b
    Examples:
      care check
      care check --format json
    """
    from rules.project import check as examine  # noqa: PLC0415

    project, findings = examine(desk.root())
    if project is not None:
        from engine.calendar_check import calendar_findings  # noqa: PLC0415  slow

        vocabulary = project.vocabulary
        late = calendar_findings(vocabulary, desk.instant(at, vocabulary.timezone))
        findings = tuple(sorted((*findings, *late), key=lambda finding: finding.order))
    value = [
        {
            "file": f.span.file, "line": f.span.line, "col": f.span.col, "level": str(f.level),
            "code": f.code, "message": f.message, "hint": f.hint, "path": f.path,
        }
        for f in findings
    ]  # fmt: skip
    sound = f"{len(project.playbooks)} playbooks are sound" if project else "the project can't run"
    verdict = f"{count_of(findings)}; {sound}" if findings else f"no errors; {sound}"
    show(value, form, lambda: "\n".join([*map(str, findings), verdict]))
    if any(f.level is Level.ERROR for f in findings):
        leave(1)
    if strict and findings:
        leave(FINDINGS)


@click.command()
@FORMAT
@click.pass_obj
def doctor(desk: Desk, form: str) -> None:
    """Tell whether this installation can work, and with what."""
    from engine.doctor import examine  # noqa: PLC0415

    found = examine(desk.clock())
    show([item.to_json() for item in found], form, lambda: "\n".join(map(str, found)))
    if any(not item.fine for item in found):
        leave(1)
