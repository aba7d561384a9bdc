"""The command line: parse, call one function, show what it gives, leave.

stdout is data, stderr is talk. Exit 0 fine, 1 error, 2 usage, 3 findings (a held playbook, or
warnings under ``check --strict``). Only this module reads the clock.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from rules.errors import CareError, ClockError, Finding, InputError, Level, ProjectError, UsageError

if TYPE_CHECKING:
    from engine.ledger import Ledger
    from rules.playbook import Project

__all__ = ["main"]

FINDINGS = 3  #: exit code: nothing is broken, but a person should look


def now() -> int:
    """Return the wall clock as an instant: the only place where time comes from."""
    return time.time_ns() // 1_000


class _Help(click.Group):
    """Shows examples as they are written, and names near commands for unknown ones."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from rules.errors import did_you_mean  # noqa: PLC0415

            hint = did_you_mean(args[0], self.list_commands(ctx))
            if hint:
                raise click.UsageError(f'no command "{args[0]}"; {hint}', ctx) from error
            raise


@click.group(
    cls=_Help, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.option(
    "-C",
    "--project",
    "folder",
    type=click.Path(path_type=Path),
    help="The care project (default: the folder with care.yaml here or above).",
)
@click.option("--debug", is_flag=True, help="Show tracebacks.")
@click.version_option(package_name="care-engine", prog_name="care")
@click.pass_context
def care(ctx: click.Context, folder: Path | None, *, debug: bool) -> None:
    """Customer care from playbooks in YAML: who gets what, when, and why.

    \b
    A first tour:
      care init shop --sample online-retail   make a project with real data
      cd shop
      care check                              everything wrong in the YAML, at once
      care import data/*.csv.gz --map imports/online-retail.yaml
      care run --from 2011-11-01T08:00 --to 2011-12-09T08:00 --every "1 day"
      care tasks                              what people have to do
      care why a-...                          why an action is there
    """
    ctx.obj = {"folder": folder, "debug": debug}


def main() -> None:
    """Run the program; every known error becomes one line and an exit code."""
    debug = "--debug" in sys.argv
    try:
        code = care.main(standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("care: stopped; what was finished is kept, nothing is half done", err=True)
        code = 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except ProjectError as error:
        for finding in error.findings:
            click.echo(str(finding), err=True)
        click.echo(f"care: {_count(error.findings)}; nothing was done", err=True)
        code = error.exit_code
    except CareError as error:
        click.echo(f"care: {error}", err=True)
        code = error.exit_code
    except Exception as error:
        if debug:
            raise
        code = _unexpected(error)
    sys.exit(code)


def _unexpected(error: Exception) -> int:
    if isinstance(error, sqlite3.Error | OSError):
        click.echo(f"care: {error}; nothing of this step was written", err=True)
    else:
        click.echo(
            f"care: an error inside care ({type(error).__name__}: {error}); --debug shows where",
            err=True,
        )
    return 1


def _count(findings: Sequence[Finding]) -> str:
    errors = sum(finding.level is Level.ERROR for finding in findings)
    warnings = len(findings) - errors
    parts = [f"{errors} error{'' if errors == 1 else 's'}"]
    if warnings:
        parts.append(f"{warnings} warning{'' if warnings == 1 else 's'}")
    return ", ".join(parts)


# -- what commands share -----------------------------------------------------------------------

_FORMAT = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True,
    help="text for people, json for scripts.",
)  # fmt: skip


def _root(ctx: click.Context) -> Path:
    """Return the project's folder. Raises UsageError where there is none."""
    given: Path | None = ctx.obj["folder"]
    if given is not None:
        if not (given / "care.yaml").is_file():
            raise UsageError(f"no care.yaml in {given}")
        return given.resolve()
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "care.yaml").is_file():
            return folder
    raise UsageError("no care.yaml here or above; `care init DIR` makes a project, -C names one")


def _project(ctx: click.Context, *, talk: bool = False) -> Project:
    from rules.project import load  # noqa: PLC0415

    project = load(_root(ctx))
    if talk:
        for finding in project.findings:
            if finding.level is Level.ERROR:
                click.echo(str(finding), err=True)
        for name in project.broken:
            click.echo(f"care: {name} is left out until it is mended; its journeys wait", err=True)
    return project


@contextlib.contextmanager
def _ledger(root: Path, *, create: bool = False) -> Iterator[Ledger]:
    from engine.ledger import open_ledger  # noqa: PLC0415
    from engine.run import paths_of  # noqa: PLC0415

    ledger = open_ledger(paths_of(root).ledger, create=create)
    try:
        yield ledger
    finally:
        ledger.close()


def _instant(text: str | None, zone: str) -> int:
    """Return the instant that a flag names; without one, now."""
    from rules.units import from_iso  # noqa: PLC0415

    if text is None:
        return now()
    try:
        return from_iso(text, zone)
    except ValueError:
        raise UsageError(
            f'"{text}" is no time; write 2011-12-09 or 2011-12-09T13:00 (in zone {zone})'
        ) from None


def _out(text: str) -> None:
    click.echo(text)


def _show(value: object, form: str, text: Callable[[], str], zone: str = "UTC") -> None:
    from engine.console import as_json  # noqa: PLC0415

    _out(as_json(value, zone) if form == "json" else text())


def _leave(code: int) -> NoReturn:
    raise click.exceptions.Exit(code)


# -- the project -------------------------------------------------------------------------------


@care.command()
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
    _out(f"{len(written)} files in {folder}; next: cd {folder} && care check")


@care.command()
@_FORMAT
@click.option("--strict", is_flag=True, help="Exit 3 when there are warnings.")
@click.pass_context
def check(ctx: click.Context, form: str, *, strict: bool) -> None:
    """Show everything that is wrong in the project, at once.

    \b
    Examples:
      care check
      care check --format json
    """
    from rules.project import check as examine  # noqa: PLC0415

    project, findings = examine(_root(ctx))
    value = [
        {
            "file": f.span.file, "line": f.span.line, "col": f.span.col, "level": str(f.level),
            "code": f.code, "message": f.message, "hint": f.hint, "path": f.path,
        }
        for f in findings
    ]  # fmt: skip
    sound = f"{len(project.playbooks)} playbooks are sound" if project else "the project can't run"
    verdict = f"{_count(findings)}; {sound}" if findings else f"no errors; {sound}"
    _show(value, form, lambda: "\n".join([*map(str, findings), verdict]))
    if any(f.level is Level.ERROR for f in findings):
        _leave(1)
    if strict and findings:
        _leave(FINDINGS)


@care.command()
@_FORMAT
def doctor(form: str) -> None:
    """Tell whether this installation can work, and with what."""
    from engine.doctor import examine  # noqa: PLC0415

    found = examine(now())
    _show([item.to_json() for item in found], form, lambda: "\n".join(map(str, found)))
    if any(not item.fine for item in found):
        _leave(1)


# -- the log -----------------------------------------------------------------------------------


@care.command("import")
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
@_FORMAT
@click.pass_context
def import_(ctx: click.Context, files: tuple[Path, ...], map_file: Path, at: str | None, form: str, *, strict: bool, dry_run: bool) -> None:  # fmt: skip
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

    project = _project(ctx)
    zone = project.vocabulary.timezone
    given = _import_map(project, map_file)
    values, texts = [], []
    for file in files:
        with _progress(f"reading {file.name}") as progress:
            summary = import_file(
                Path(project.root), project.vocabulary, file, given, at=_instant(at, zone),
                strict=strict, dry_run=dry_run, progress=progress,
            )  # fmt: skip
        values.append(summary_json(summary))
        texts.append(render_import(summary, zone))
    _show(values, form, lambda: "\n\n".join(texts))


def _import_map(project: Project, path: Path) -> Any:
    from rules.importmap import read_map  # noqa: PLC0415

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


@contextlib.contextmanager
def _progress(label: str) -> Iterator[Callable[[int, int | None], None] | None]:
    """Yield a progress callback that draws on a terminal; None elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import Progress  # noqa: PLC0415

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@care.command()
@click.argument("customer")
@click.option("--at", help="As known at this instant (default: now).")
@_FORMAT
@click.pass_context
def log(ctx: click.Context, customer: str, at: str | None, form: str) -> None:
    """Show what the log knows of CUSTOMER: events and attributes.

    \b
    Example:
      care log 17850 --at 2011-12-09
    """
    from engine.console import history_json, render_history  # noqa: PLC0415
    from engine.log import open_log  # noqa: PLC0415
    from engine.run import paths_of  # noqa: PLC0415

    project = _project(ctx)
    vocabulary = project.vocabulary
    with open_log(paths_of(Path(project.root)).log, writable=False) as opened:
        opened.ensure_columns(vocabulary)
        history = opened.histories(
            [customer], at=_instant(at, vocabulary.timezone), seq=opened.max_seq(),
            vocabulary=vocabulary,
        )[customer]  # fmt: skip
    if not history.events and not history.attributes:
        raise InputError(
            f'the log knows no customer "{customer}"' + (" at that time" if at else "")
        )
    _show(
        history_json(history, vocabulary),
        form,
        lambda: render_history(history, vocabulary),
        vocabulary.timezone,
    )


@care.command()
@click.option("--at", help="As of this instant (default: now).")
@_FORMAT
@click.pass_context
def segments(ctx: click.Context, at: str | None, form: str) -> None:
    """Show the segment table (客户分层分析表): customers, share, marks, strategy.

    \b
    Example:
      care segments --at 2011-12-09T13:00
    """
    from engine.console import render_segments  # noqa: PLC0415
    from engine.log import open_log  # noqa: PLC0415
    from engine.run import paths_of  # noqa: PLC0415
    from engine.segments import segment_table  # noqa: PLC0415

    project = _project(ctx, talk=True)
    with open_log(paths_of(Path(project.root)).log, writable=False) as opened:
        rows = segment_table(project, opened, at=_instant(at, project.vocabulary.timezone))
    _show([row.to_json() for row in rows], form, lambda: render_segments(rows))


# -- the run -----------------------------------------------------------------------------------


@care.command()
@click.option("--at", help="Run at this instant (default: now).")
@click.option("--from", "start", help="First instant of a series.")
@click.option("--to", "end", help="Last instant of a series.")
@click.option("--every", help='Step of a series: "1 day", "1 hour".')
@click.option("--full", is_flag=True, help="Measure every customer, not only those with changes.")
@click.option(
    "--matcher",
    type=click.Choice(["durable", "reference"]),
    default="durable",
    show_default=True,
    help="The rule engine of the gates.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print only what needs a person.")
@_FORMAT
@click.pass_context
def run(ctx: click.Context, at: str | None, start: str | None, end: str | None, every: str | None, matcher: str, form: str, *, full: bool, quiet: bool) -> None:  # fmt: skip
    """Evaluate the playbooks and act. Made for cron: started twice it acts once.

    \b
    Examples:
      care run
      care run --at 2011-12-09T13:00
      care run --from 2011-11-01T08:00 --to 2011-12-09T08:00 --every "1 day"
    """
    from engine.console import render_run, run_json  # noqa: PLC0415
    from engine.run import open_runner  # noqa: PLC0415
    from engine.series import instants  # noqa: PLC0415

    project = _project(ctx, talk=True)
    zone = project.vocabulary.timezone
    series = [(start, end, every)] if start or end or every else []
    if series and (at or not (start and end and every)):
        raise UsageError("a series needs --from, --to and --every, and no --at")
    moments = (
        instants(_instant(start, zone), _instant(end, zone), every or "", zone)
        if series
        else [_instant(at, zone)]
    )
    results = []
    with _ledger(Path(project.root), create=True) as ledger, open_runner(
        project, ledger, clock=now, prefer=matcher, full=full
    ) as runner:  # fmt: skip
        if runner.matcher.reason and matcher == "durable" and not quiet:
            click.echo(f"care: reference matcher: {runner.matcher.reason}", err=True)
        skipped = 0
        with _progress("running") as progress:
            for index, moment in enumerate(moments):
                if series and runner.done_before(moment):
                    skipped += 1
                    continue
                try:
                    result = runner.run(moment)
                except ClockError as error:
                    if at or series:
                        raise
                    sent = runner.deliver().sent
                    click.echo(
                        f"care: {error}; only delivered ({sent} sent) [clock_back]", err=True
                    )
                    _leave(FINDINGS)
                results.append(result)
                if progress:
                    progress(index + 1, len(moments))
                if form == "text" and (not quiet or result.held or result.delivery.failed):
                    _out(render_run(result, zone))
    if skipped and not quiet:
        click.echo(f"care: {skipped} of {len(moments)} instants were run before", err=True)
    if form == "json":
        _show([run_json(result) for result in results], form, str, zone)
    elif results and not quiet:
        number, head = results[-1].head
        _out(f"audit head: {number} {head}")
    if any(result.held for result in results) or project.broken:
        _leave(FINDINGS)


@care.command()
@click.argument("playbook")
@click.option("--who", default=None, help="Who approves (default: the user of this machine).")
@click.pass_context
def approve(ctx: click.Context, playbook: str, who: str | None) -> None:
    """Let a PLAYBOOK that is held by its limit go, once."""
    from engine.approvals import approve as write  # noqa: PLC0415

    root = _root(ctx)
    with _ledger(root) as ledger:
        write(ledger, _project(ctx), playbook, at=now(), who=who or getpass.getuser())
    _out(f"{playbook} may pass its limit in the next run")


# -- people ------------------------------------------------------------------------------------


@care.command()
@click.option("--at", help="Overdue as of this instant (default: now).")
@click.option("--who", help="Only tasks of this person or team.")
@click.option("--customer", help="Only tasks about this customer.")
@click.option("--playbook", help="Only tasks of this playbook.")
@click.option("--overdue", is_flag=True, help="Only tasks past their time.")
@click.option("--all", "closed", is_flag=True, help="Closed ones too.")
@_FORMAT
@click.pass_context
def tasks(ctx: click.Context, at: str | None, who: str | None, customer: str | None, playbook: str | None, form: str, *, overdue: bool, closed: bool) -> None:  # fmt: skip
    """List open tasks, the earliest due first.

    \b
    Examples:
      care tasks
      care tasks --who 客服组 --overdue
    """
    from engine.console import render_tasks, task_json  # noqa: PLC0415
    from engine.tasks import tasks as find  # noqa: PLC0415

    project = _project(ctx)
    zone = project.vocabulary.timezone
    with _ledger(Path(project.root)) as ledger:
        found = find(
            ledger, at=_instant(at, zone), assignee=who, customer=customer, playbook=playbook,
            closed=closed, overdue=overdue,
        )  # fmt: skip
    _show([task_json(task) for task in found], form, lambda: render_tasks(found, zone), zone)


@care.command()
@click.argument("action")
@click.option("--outcome", help="One of the step's outcomes.")
@click.option("--ask", "asked", multiple=True, help="An answer the step asks for: satisfaction=4.")
@click.option("--note", default="", help="A remark.")
@click.option("--at", help="When it was done (default: now).")
@click.option("--who", default=None, help="Who did it (default: the user of this machine).")
@click.pass_context
def done(ctx: click.Context, action: str, outcome: str | None, asked: tuple[str, ...], note: str, at: str | None, who: str | None) -> None:  # fmt: skip
    """Write that the task ACTION is done.

    \b
    Examples:
      care done a-k3vq7m2x5p4c
      care done a-k3vq --outcome price --ask satisfaction=4 --note "asks for a discount"
    """
    from engine.tasks import finish_task  # noqa: PLC0415

    project = _project(ctx)
    zone = project.vocabulary.timezone
    answers = {}
    for item in asked:
        name, sign, value = item.partition("=")
        if not sign:
            raise UsageError(f'--ask takes NAME=ANSWER, not "{item}"')
        answers[name.strip()] = value
    with _ledger(Path(project.root)) as ledger:
        task = finish_task(
            ledger, action, at=_instant(at, zone), timezone=zone, outcome=outcome, asked=answers,
            note=note, who=who or getpass.getuser(),
        )  # fmt: skip
    _out(f"{task.id} done" + (f": {task.outcome}" if task.outcome else ""))


# -- questions ---------------------------------------------------------------------------------


@care.command()
@click.argument("customer")
@_FORMAT
@click.pass_context
def journeys(ctx: click.Context, customer: str, form: str) -> None:
    """Show the journeys of CUSTOMER with their actions."""
    from engine.console import journey_json, render_journeys  # noqa: PLC0415
    from engine.store import Store  # noqa: PLC0415

    project = _project(ctx)
    with _ledger(Path(project.root)) as ledger:
        store = Store(ledger)
        found = store.journeys_of([customer]).get(customer, [])
        actions = store.actions_of([journey.id for journey in found])
    pairs = [
        (journey, sorted(actions[journey.id].values(), key=lambda a: (a.opens_at, a.step)))
        for journey in found
    ]
    zone = project.vocabulary.timezone
    _show([journey_json(*pair) for pair in pairs], form, lambda: render_journeys(pairs, zone), zone)


@care.command()
@click.argument("action")
@_FORMAT
@click.pass_context
def why(ctx: click.Context, action: str, form: str) -> None:
    """Tell why ACTION is there: trigger, evidence, calendar, gates, everything since.

    \b
    Example:
      care why a-k3vq7m2x5p4c
    """
    from engine.console_why import render_why  # noqa: PLC0415
    from engine.explain import why as explain  # noqa: PLC0415

    project = _project(ctx)
    with _ledger(Path(project.root)) as ledger:
        found = explain(ledger, action)
    zone = project.vocabulary.timezone
    _show(found.to_json(), form, lambda: render_why(found, zone), zone)


@care.group()
def audit() -> None:
    """Prove what happened."""


@audit.command()
@click.option("--head", help="NUMBER:HASH of an earlier head, kept elsewhere.")
@click.pass_context
def verify(ctx: click.Context, head: str | None) -> None:
    """Check the audit chain, against an outside copy of a head if there is one.

    \b
    Example:
      care audit verify --head 412:9f86d081884c7d65
    """
    from engine.audit import verify_chain  # noqa: PLC0415

    number, digest = None, None
    if head is not None:
        text, _, digest = head.replace(" ", ":").partition(":")
        if not text.isdigit() or not digest:
            raise UsageError(f'--head takes NUMBER:HASH, not "{head}"')
        number = int(text)
    with _ledger(_root(ctx)) as ledger:
        found = verify_chain(ledger, number=number, head=digest)
    if found.broken_at is not None:
        raise InputError(
            f"the audit chain is broken at entry {found.broken_at}; {found.entries} before it are sound"
        )
    _out(f"{found.entries} entries are sound, head {found.head}")


@audit.command()
@click.pass_context
def export(ctx: click.Context) -> None:
    """Write the ledger in its canonical form: JSON lines that two equal ledgers share."""
    from engine.export import canonical_lines  # noqa: PLC0415

    with _ledger(_root(ctx)) as ledger:
        for line in canonical_lines(ledger):
            _out(line)


if __name__ == "__main__":
    main()
