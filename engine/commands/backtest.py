"""``care backtest``: playbooks tried on the past."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.commands.desk import FINDINGS, FORMAT, Desk, leave, progress_bar, show
from rules.errors import UsageError

if TYPE_CHECKING:
    from rules.playbook import Project

__all__ = ["backtest"]


@click.command()
@click.argument("playbooks", nargs=-1)
@click.option("--from", "start", required=True, help="Day of the first run: its silent baseline.")
@click.option("--to", "end", required=True, help="Day of the last run.")
@click.option("--every", default="1 day", show_default=True, help='Step of the runs: "1 hour".')
@click.option("--at", "clock", default="08:00", show_default=True, help="Time of the first run.")
@click.option(
    "--tasks",
    type=click.Choice(["done", "at-open", "expired"]),
    default="done",
    show_default=True,
    help="People do their tasks: when they are due, as soon as they open, never.",
)
@click.option(
    "--outcome", "outcomes", multiple=True, metavar="STEP=WORD",
    help="What comes of a step's tasks (default: the first of its outcomes).",
)  # fmt: skip
@click.option("--with-others", "others", is_flag=True, help="The other active playbooks run too.")
@click.option("--then", metavar="EVENT", help="What customers are followed by (default: orders).")
@click.option("--level", is_flag=True, help="Also with levelling: peaks before and after.")
@click.option("--against", metavar="REV|DIR", help="Another variant beside it: see care plan.")
@click.option("--xlsx", type=click.Path(path_type=Path, dir_okay=False), help="Write a workbook.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write a page.")
@FORMAT
@click.pass_obj
def backtest(desk: Desk, playbooks: tuple[str, ...], start: str, end: str, every: str, clock: str, tasks: str, outcomes: tuple[str, ...], then: str | None, against: str | None, xlsx: Path | None, html: Path | None, form: str, *, others: bool, level: bool) -> None:  # fmt: skip
    """Play the past under these PLAYBOOKS: who would have got what, when, and how much work it is.

    Every run sees only what was known at its moment. Nothing is sent and nothing is written, but
    the files that you name. Without PLAYBOOKS the active ones are tried; named ones count as
    active, whatever their status.

    \b
    Examples:
      care backtest --from 2011-01-01 --to 2011-12-09
      care backtest new_customer --from 2011-01-01 --to 2011-06-30 --with-others
      care backtest --from 2011-01-01 --to 2011-12-09 --level --html year.html --xlsx year.xlsx
      care backtest --from 2011-09-01 --to 2011-12-09 --against main
      care backtest activity_drop --from 2011-01-01 --to 2011-12-09 --outcome visit_call=price
    """
    from engine.backtest.past import Setting  # noqa: PLC0415  slow
    from engine.backtest.people import Tasks, read_outcomes  # noqa: PLC0415
    from engine.backtest.report import Asked  # noqa: PLC0415
    from engine.backtest.report import backtest as tried  # noqa: PLC0415
    from engine.series import instants  # noqa: PLC0415

    project = desk.project(talk=True)
    zone = project.vocabulary.timezone
    moments = instants(
        desk.instant(_moment(start, clock), zone), desk.instant(_moment(end, clock), zone), every, zone
    )  # fmt: skip
    asked = Asked(
        names=playbooks, others=others, then=then, level=level,
        setting=Setting(
            moments=moments, tasks=Tasks(tasks), outcomes=read_outcomes(project, outcomes)
        ),
        against=_other(project, against), label=against or "",
    )  # fmt: skip
    with progress_bar("backtest") as progress:
        report = tried(project, asked, progress)
    if xlsx is not None:
        report.write_xlsx(xlsx, at=desk.clock())
    if html is not None:
        html.write_text(report.html(), encoding="utf-8")
    show(report.json() if form == "json" else None, form, report.text, zone)
    if project.broken:
        leave(FINDINGS)


def _moment(day: str, clock: str) -> str:
    """Return a day with the time of the runs; what has a time already as it is."""
    if "T" in day.strip() or " " in day.strip():
        return day
    if len(clock.split(":")) < 2:
        raise UsageError(f'"{clock}" is no time of day; write --at 08:00')
    return f"{day.strip()}T{clock}"


def _other(project: Project, against: str | None) -> Project | None:
    if against is None:
        return None
    from engine.planning.other import other_project  # noqa: PLC0415

    return other_project(Path(project.root), against)
