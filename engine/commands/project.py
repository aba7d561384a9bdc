"""Commands about the project itself: init, check, doctor."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.commands.desk import FINDINGS, FORMAT, Desk, count_of, leave, show
from rules.errors import BusyError, Finding, Level, ProjectError, UsageError

if TYPE_CHECKING:
    from engine.doctor import Examined
    from rules.playbook import Project

__all__ = ["check", "doctor", "init"]


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--sample", help="Which sample to copy: starter (usual) or online-retail.")
@click.option(
    "--library",
    "kind",
    help="The whole library instead, with the words of such a firm: saas, retail or services.",
)
def init(folder: Path, sample: str | None, kind: str | None) -> None:
    """Make a new care project in FOLDER.

    \b
    Examples:
      care init mycare
      care init shop --sample online-retail
      care init mycare --library saas
    """
    if kind is not None:
        if sample is not None:
            raise UsageError("--sample and --library are two kinds of projects: choose one")
        from engine.library import init_library  # noqa: PLC0415  slow

        written = init_library(folder, kind)
    else:
        from engine.scaffold import DEFAULT_SAMPLE  # noqa: PLC0415
        from engine.scaffold import init as make  # noqa: PLC0415

        written = make(folder, sample or DEFAULT_SAMPLE)
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
@click.option(
    "--explain",
    is_flag=False,
    flag_value="",
    metavar="[CODE]",
    help="Say what a code means, with a wrong and a right example; without CODE list all.",
)
@click.pass_obj
def check(desk: Desk, form: str, at: str | None, explain: str | None, *, strict: bool) -> None:
    """Show everything that is wrong in the project, at once.

    \b
    Examples:
      care check
      care check --strict
      care check --format github
      care check --explain unknown-channel
    """
    if explain is not None:
        _explain(explain, form)
        return
    from rules.project import check as examine  # noqa: PLC0415

    project, findings = examine(desk.root())
    if project is not None:
        from engine.calendar_check import calendar_findings  # noqa: PLC0415  slow
        from engine.side_files import side_findings  # noqa: PLC0415

        vocabulary = project.vocabulary
        when = desk.instant(at, vocabulary.timezone)
        late = [
            *side_findings(project),
            *calendar_findings(vocabulary, when),
            *_doubtful(desk, project, when),
        ]
        findings = tuple(sorted((*findings, *late), key=lambda finding: finding.order))
    sound = _sound(len(project.playbooks)) if project else "the project can't run"
    verdict = f"{count_of(findings)}; {sound}" if findings else f"no errors; {sound}"
    _print(findings, form, verdict)
    if any(f.level is Level.ERROR for f in findings):
        leave(1)
    if strict and findings:
        leave(FINDINGS)


def _doubtful(desk: Desk, project: Project, at: int) -> list[Finding]:
    """Return what can't come true, what clashes, and what the log, where there is one, speaks against."""
    from engine.clashes import clashes  # noqa: PLC0415  slow
    from engine.clashes_log import log_findings, open_if_there  # noqa: PLC0415
    from engine.paths import paths_of  # noqa: PLC0415
    from rules.doubts import doubts  # noqa: PLC0415

    found = [*doubts(project), *clashes(project)]
    try:
        log = open_if_there(paths_of(desk.root()).log)
    except BusyError as error:
        click.echo(f"care: {error}; what needs the log was not checked", err=True)
        return found
    if log is None:
        return found
    with log:
        return [*found, *log_findings(project, log, at=at)]


def _explain(name: str, form: str) -> None:
    from engine.console_explain import (  # noqa: PLC0415
        code_named,
        explained_json,
        render_code,
        render_codes,
    )
    from rules.explain import catalogue  # noqa: PLC0415

    if form not in ("text", "json"):
        raise UsageError(f"--explain speaks text or json, not {form}")
    codes = catalogue()
    if not name:
        show([*map(explained_json, codes.values())], form, lambda: render_codes(codes.values()))
        return
    each = code_named(codes, name)
    show(explained_json(each), form, lambda: render_code(each))


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
