"""Commands about the project itself: init, check, doctor."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.commands.desk import FINDINGS, FORMAT, Desk, count_of, leave, show
from rules.errors import Finding, Level, ProjectError, UsageError

if TYPE_CHECKING:
    from engine.doctor import Examined
    from rules.playbook import Project

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
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github", "sarif"]),
    default="text",
    show_default=True,
    help="text for people, json for scripts, github and sarif for code hosts.",
)
@click.option("--strict", is_flag=True, help="Exit 3 when there are warnings.")
@click.option("--at", help="Look at the calendar as of then instead of now.")
@click.pass_obj
def check(desk: Desk, form: str, at: str | None, *, strict: bool) -> None:
    """Show everything that is wrong in the project, at once.

    \b
    Examples:
      care check
      care check --strict
      care check --format github
    """
    from rules.project import check as examine  # noqa: PLC0415

    project, findings = examine(desk.root())
    if project is not None:
        from engine.calendar_check import calendar_findings  # noqa: PLC0415  slow

        vocabulary = project.vocabulary
        late = calendar_findings(vocabulary, desk.instant(at, vocabulary.timezone))
        findings = tuple(sorted((*findings, *late), key=lambda finding: finding.order))
    sound = _sound(len(project.playbooks)) if project else "the project can't run"
    verdict = f"{count_of(findings)}; {sound}" if findings else f"no errors; {sound}"
    _print(findings, form, verdict)
    if any(f.level is Level.ERROR for f in findings):
        leave(1)
    if strict and findings:
        leave(FINDINGS)


def _sound(count: int) -> str:
    return "1 playbook is sound" if count == 1 else f"{count} playbooks are sound"


def _print(findings: Sequence[Finding], form: str, verdict: str) -> None:
    from engine.console_check import as_github, as_sarif, findings_json  # noqa: PLC0415

    match form:
        case "github":
            if findings:
                click.echo(as_github(findings))
        case "sarif":
            click.echo(as_sarif(findings))
        case _:
            lines = [*map(str, findings), verdict]
            show(findings_json(findings), form, lambda: "\n".join(lines))


@click.command()
@FORMAT
@click.pass_obj
def doctor(desk: Desk, form: str) -> None:
    """Tell whether this installation can work, and with what; in a project, its channels too.

    \b
    Examples:
      care doctor
      care -C shop doctor --format json
    """
    from engine.doctor import examine  # noqa: PLC0415

    project, told = _project(desk)
    country = project.vocabulary.calendar if project else "CN"
    found = [*examine(desk.clock(), country), *told]
    show([item.to_json() for item in found], form, lambda: "\n".join(map(str, found)))
    if any(not item.fine for item in found):
        leave(1)


def _project(desk: Desk) -> tuple[Project | None, list[Examined]]:
    """Return the project, and what is to say of it: its channels, its spool; nothing outside of one."""
    from engine.channel_states import ChannelState, ChannelStates  # noqa: PLC0415
    from engine.doctor import Examined  # noqa: PLC0415
    from engine.doctor_channels import examine_channels  # noqa: PLC0415
    from engine.doctor_ingest import examine_ingest  # noqa: PLC0415
    from engine.paths import paths_of  # noqa: PLC0415

    try:
        root = desk.root()
    except UsageError:
        if desk.folder is not None:
            raise
        return None, []
    try:
        project = desk.project()
    except ProjectError as error:
        told = f"{count_of(error.findings)}; care check shows them"
        return None, [Examined(name="project", fine=False, told=told)]
    states: dict[str, ChannelState] = {}
    if paths_of(root).ledger.exists():
        with desk.ledger() as ledger:
            states = ChannelStates(ledger).disabled()
    channels = examine_channels(project, os.environ, states)
    return project, [*channels, *examine_ingest(project, os.environ, desk.clock())]
