"""The tables of the handbook: `care report segments`, `tags`, `care`, `plan`, `review`, `sla`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from engine.commands.desk import FORMAT, Desk, replaced, show
from rules.errors import UsageError

if TYPE_CHECKING:
    from engine.reports.report import Period, Report, Source

__all__ = ["report"]

_F = TypeVar("_F", bound=Callable[..., object])
_FILE = click.Path(dir_okay=False, path_type=Path)


def _ending(*endings: str) -> Callable[[click.Context, click.Parameter, Path | None], Path | None]:
    """Return a check that a file is named as what it will be, so that it opens with its program."""

    def check(_context: click.Context, option: click.Parameter, file: Path | None) -> Path | None:
        if file is not None and file.suffix.casefold() not in endings:
            raise click.BadParameter(
                f"{file} does not end with {endings[0]}: name it {file.stem}{endings[0]}",
                param=option,
            )
        return file

    return check


@click.group()
def report() -> None:
    """Print the tables that customer care works with, and how well it went.

    \b
    Examples:
      care report segments --at 2011-12-09 --xlsx segments.xlsx
      care report review --month 2011-11 --html november.html
      care report plan --format json
    """


def _shown(command: _F) -> _F:
    """Add the options that every report has."""
    for option in (
        FORMAT,
        click.option(
            "--html",
            "page",
            type=_FILE,
            callback=_ending(".html", ".htm"),
            help="Write a page with charts to this file.",
        ),
        click.option(
            "--xlsx",
            "sheet",
            type=_FILE,
            callback=_ending(".xlsx"),
            help="Write a workbook to this file.",
        ),
    ):
        command = option(command)
    return command


def _spanned(what: str) -> Callable[[_F], _F]:
    """Add the options that say of which time a report speaks; ``what`` is the span without them."""

    def add(command: _F) -> _F:
        for option in (
            click.option("--at", help="As known at this instant (default: now)."),
            click.option(
                "--to", "until", help="The end of the span: this day or instant, not included."
            ),
            click.option("--from", "since", help="The beginning of the span."),
            click.option("--month", help=f"A month, 2011-11 (default: {what})."),
        ):
            command = option(command)
        return command

    return add


_PII = click.option(
    "--no-pii", is_flag=True, help="Leave personal attributes, texts and notes out."
)


@report.command()
@click.option("--at", help="As of this instant (default: now).")
@_shown
@click.pass_obj
def segments(desk: Desk, /, at: str | None, **form: Any) -> None:
    """客户分层分析表: how many customers are in which segment, what marks them, what is done.

    \b
    Example:
      care report segments --at 2011-12-09 --xlsx segments.xlsx
    """
    from engine.reports.segments import segments_report  # noqa: PLC0415

    with _source(desk, at, ledger=False) as source:
        found = segments_report(source)
    _give(source, found, **form)


@report.command()
@click.option("--at", help="As of this instant (default: now).")
@_PII
@_shown
@click.pass_obj
def tags(desk: Desk, /, at: str | None, *, no_pii: bool, **form: Any) -> None:
    """客户分层与标签管理表: each customer with attributes, classes, segments and last contact.

    \b
    Example:
      care report tags --no-pii --xlsx customers.xlsx
    """
    from engine.reports.customers import customers_report  # noqa: PLC0415

    with _source(desk, at, ledger=False) as source:
        found = customers_report(source, pii=not no_pii)
    _give(source, found, **form)


@report.command()
@_spanned("last month")
@_PII
@_shown
@click.pass_obj
def care(
    desk: Desk, /, month: str | None, since: str | None, until: str | None, at: str | None, *,
    no_pii: bool, **form: Any,
) -> None:  # fmt: skip
    """客户关怀记录表: what was done for whom, what came of it, and what comes next.

    \b
    Example:
      care report care --from 2011-11-01 --to 2011-11-08
    """
    from engine.reports.care_record import care_report  # noqa: PLC0415

    with _source(desk, at, log=False) as source:
        found = care_report(source, _period(desk, source, month, since, until), pii=not no_pii)
    _give(source, found, **form)


@report.command()
@_spanned("a month from now on")
@_shown
@click.pass_obj
def plan(
    desk: Desk,
    /,
    month: str | None,
    since: str | None,
    until: str | None,
    at: str | None,
    **form: Any,
) -> None:
    """沟通计划表: what is to be done, by whom and when; and what the calendar will begin.

    \b
    Example:
      care report plan --xlsx december.xlsx
    """
    from engine.reports.outlook import outlook_report  # noqa: PLC0415

    with _source(desk, at) as source:
        found = outlook_report(source, _period(desk, source, month, since, until, ahead=True))
    _give(source, found, **form)


@report.command()
@_spanned("last month")
@_shown
@click.pass_obj
def review(
    desk: Desk,
    /,
    month: str | None,
    since: str | None,
    until: str | None,
    at: str | None,
    **form: Any,
) -> None:
    """月度回顾: how it went, by playbook, step, channel and segment, against the hold-out.

    \b
    Example:
      care report review --month 2011-11 --html november.html --xlsx november.xlsx
    """
    from engine.reports.review import review_report  # noqa: PLC0415

    with _source(desk, at) as source:
        found = review_report(source, _period(desk, source, month, since, until))
    _give(source, found, **form)


@report.command()
@_spanned("last month")
@_shown
@click.pass_obj
def sla(
    desk: Desk,
    /,
    month: str | None,
    since: str | None,
    until: str | None,
    at: str | None,
    **form: Any,
) -> None:
    """服务时效表: what was answered and done in time, what late, what not at all.

    The limits stand in care.yaml, `reports: limits:`; tasks bring their own, `due:`.

    \b
    Example:
      care report sla --month 2011-11
    """
    from engine.reports.sla import sla_report  # noqa: PLC0415

    with _source(desk, at) as source:
        found = sla_report(source, _period(desk, source, month, since, until))
    _give(source, found, **form)


@contextlib.contextmanager
def _source(
    desk: Desk, at: str | None, *, ledger: bool = True, log: bool = True
) -> Iterator[Source]:
    """Open what a report is made from, and close it again."""
    from engine.log import open_log  # noqa: PLC0415
    from engine.paths import paths_of  # noqa: PLC0415
    from engine.reports.report import Source  # noqa: PLC0415

    project = desk.project(talk=True)
    instant = desk.instant(at, project.vocabulary.timezone)
    with contextlib.ExitStack() as stack:
        kept = stack.enter_context(desk.ledger()) if ledger else None
        if kept is not None:
            stack.enter_context(kept.snapshot())
        path = paths_of(Path(project.root)).log
        opened = stack.enter_context(open_log(path, writable=False)) if log else None
        last = kept.one("SELECT max(at) AS at FROM runs") if kept is not None else None
        yield Source(
            project=project, at=instant, opened_ledger=kept, opened_log=opened,
            last_run=last["at"] if last else None,
        )  # fmt: skip


def _period(
    desk: Desk, source: Source, month: str | None, since: str | None, until: str | None, *,
    ahead: bool = False,
) -> Period:  # fmt: skip
    """Return the span that is meant. Raises UsageError."""
    from engine.reports.report import Period, last_month, month_of  # noqa: PLC0415
    from rules.units import Duration, Unit, day_of, day_start, shift  # noqa: PLC0415

    zone = source.zone
    if month is not None:
        if since is not None or until is not None:
            raise UsageError("take --month, or --from and --to, not both")
        return month_of(month, zone)
    if since is None and until is None and not ahead:
        return last_month(source.at, zone)
    if since is None and not ahead:
        raise UsageError("--to needs --from: where does the span begin?")
    first = desk.instant(since, zone) if since else day_start(day_of(source.at, zone), zone)
    default = shift(first, Duration(1, Unit.MONTH), zone) if ahead else source.at
    end = desk.instant(until, zone) if until else default
    if end <= first:
        raise UsageError("the span ends before it begins: --from comes before --to")
    return Period(first, end)


def _give(
    source: Source, found: Report, *, form: str, sheet: Path | None, page: Path | None
) -> None:
    """Write the files that were asked for; print the report where none was, or JSON was asked for."""
    from engine.reports.show import page_of, report_json, report_text, write_sheets  # noqa: PLC0415

    zone, business = source.zone, source.project.vocabulary.business
    if sheet is not None:
        with replaced(sheet) as half:
            write_sheets(half, found, zone, business=business)
    if page is not None:
        with replaced(page) as half:
            half.write_text(page_of(found, zone, business=business), encoding="utf-8")
    for file in (sheet, page):
        if file is not None:
            click.echo(f"care: {file.name} is written", err=True)
    if empty := _why_empty(source, found):
        click.echo(f"care: {empty}", err=True)
    if form == "json" or (sheet is None and page is None):
        show(
            report_json(found, zone),
            form,
            lambda: report_text(found, zone, business=business),
            zone,
        )


def _why_empty(source: Source, found: Report) -> str:
    """Return why a span has nothing of the ledger in it, "" where a run was in it or after it."""
    from engine.console import moment  # noqa: PLC0415

    period = found.period
    if period is None or source.opened_ledger is None or found.name == "plan":
        return ""
    if period.since >= found.at:
        return f"{found.when} is still to come; `care report plan` tells what is planned"
    last = source.last_run
    if last is None or last < period.since:
        told = f"the last run was {moment(last, source.zone)}" if last else "there was no run yet"
        return f"nothing was decided in {found.when}: {told}"
    return ""
