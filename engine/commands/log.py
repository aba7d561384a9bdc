"""Commands about the event log: import, log, segments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.commands.desk import FORMAT, Desk, progress_bar, show
from engine.paths import paths_of
from rules.errors import InputError, ProjectError

if TYPE_CHECKING:
    from rules.importmap import ImportMap
    from rules.playbook import Project

__all__ = ["import_", "log", "segments"]


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--map",
    "map_file",
    required=True,
    type=click.Path(path_type=Path),
    help="The import map, imports/*.yaml.",
)
@click.option("--strict", is_flag=True, help="Refuse a file whole when a row of it can't be read.")
@click.option("--dry-run", is_flag=True, help="Show ten rows as they would land; write nothing.")
@click.option("--at", help="The instant of this import (default: now).")
@FORMAT
@click.pass_obj
def import_(desk: Desk, files: tuple[Path, ...], map_file: Path, at: str | None, form: str, *, strict: bool, dry_run: bool) -> None:  # fmt: skip
    """Read FILES into the event log.

    CSV (any delimiter and encoding), Parquet, JSON lines, xlsx; gz, bz2, xz, zip too. A file read
    twice adds nothing. Rows that can't be read go to .care/rejects with their reason.

    \b
    Examples:
      care import data/orders.csv --map imports/orders.yaml --dry-run
      care import data/orders.csv --map imports/orders.yaml
    """
    from engine.console_import import render_import, summary_json  # noqa: PLC0415
    from engine.intake import import_file  # noqa: PLC0415

    project = desk.project()
    zone = project.vocabulary.timezone
    given = _import_map(project, map_file)
    values, texts = [], []
    for file in files:
        with progress_bar(f"reading {file.name}") as progress:
            summary = import_file(
                Path(project.root), project.vocabulary, file, given, at=desk.instant(at, zone),
                strict=strict, dry_run=dry_run, progress=progress,
            )  # fmt: skip
        values.append(summary_json(summary))
        texts.append(render_import(summary, project.vocabulary))
    show(values, form, lambda: "\n\n".join(texts))


def _import_map(project: Project, path: Path) -> ImportMap:
    from rules.importmap import read_map  # noqa: PLC0415

    if not path.exists() and (Path(project.root) / path).is_file():
        path = Path(project.root) / path
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"can't read the import map {path}: {error.strerror}") from error
    found, findings = read_map(data, str(path), project.vocabulary)
    if found is None:
        raise ProjectError(findings)
    for finding in findings:
        click.echo(str(finding), err=True)
    return found


@click.command()
@click.argument("customer")
@click.option("--at", help="As known at this instant (default: now).")
@FORMAT
@click.pass_obj
def log(desk: Desk, customer: str, at: str | None, form: str) -> None:
    """Show what the log knows of CUSTOMER: events and attributes.

    \b
    Example:
      care log 17850 --at 2011-12-09
    """
    from engine.console import history_json, render_history  # noqa: PLC0415
    from engine.log import open_log  # noqa: PLC0415

    project = desk.project()
    vocabulary = project.vocabulary
    with open_log(paths_of(Path(project.root)).log, writable=False) as opened:
        opened.ensure_columns(vocabulary)
        history = opened.histories(
            [customer], at=desk.instant(at, vocabulary.timezone), seq=opened.max_seq(),
            vocabulary=vocabulary,
        )[customer]  # fmt: skip
    if not history.events and not history.attributes:
        raise InputError(
            f'the log knows no customer "{customer}"' + (" at that time" if at else "")
        )
    show(
        history_json(history, vocabulary),
        form,
        lambda: render_history(history, vocabulary),
        vocabulary.timezone,
    )


@click.command()
@click.option("--at", help="As of this instant (default: now).")
@FORMAT
@click.pass_obj
def segments(desk: Desk, at: str | None, form: str) -> None:
    """Show the segment table (客户分层分析表): customers, share, marks, strategy.

    \b
    Example:
      care segments --at 2011-12-09T13:00
    """
    from engine.console import render_segments  # noqa: PLC0415
    from engine.log import open_log  # noqa: PLC0415
    from engine.segments import segment_table  # noqa: PLC0415

    project = desk.project(talk=True)
    with open_log(paths_of(Path(project.root)).log, writable=False) as opened:
        rows = segment_table(project, opened, at=desk.instant(at, project.vocabulary.timezone))
    show([row.to_json() for row in rows], form, lambda: render_segments(rows))
