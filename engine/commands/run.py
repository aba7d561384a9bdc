"""Commands that act: run, start, approve."""

from __future__ import annotations

import getpass
from pathlib import Path

import click

from engine.commands.desk import FINDINGS, FORMAT, Desk, leave, progress_bar, show
from rules.errors import ClockError, UsageError

__all__ = ["approve", "run", "start"]


@click.command()
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
@click.option("--deliver", "past", is_flag=True, help="Send also where the run is of another time.")
@click.option("-q", "--quiet", is_flag=True, help="Print only what needs a person.")
@FORMAT
@click.pass_obj
def run(desk: Desk, at: str | None, start: str | None, end: str | None, every: str | None, matcher: str, form: str, *, full: bool, past: bool, quiet: bool) -> None:  # fmt: skip
    """Evaluate the playbooks and act. Made for cron: started twice it acts once.

    A run more than an hour away from the clock writes tasks and files; what would leave the house
    waits, unless --deliver is given.

    \b
    Examples:
      care run
      care run --at 2011-12-09T13:00
      care run --from 2011-11-01T08:00 --to 2011-12-09T08:00 --every "1 day"
    """
    from engine.console import render_run, run_json  # noqa: PLC0415
    from engine.run import open_runner  # noqa: PLC0415
    from engine.series import instants  # noqa: PLC0415

    project = desk.project(talk=True)
    zone = project.vocabulary.timezone
    series = [(start, end, every)] if start or end or every else []
    if series and (at or not (start and end and every)):
        raise UsageError("a series needs --from, --to and --every, and no --at")
    moments = (
        instants(desk.instant(start, zone), desk.instant(end, zone), every or "", zone)
        if series
        else [desk.instant(at, zone)]
    )
    results = []
    with desk.ledger(create=True) as ledger, open_runner(
        project, ledger, clock=desk.clock, prefer=matcher, full=full, past=past
    ) as runner:  # fmt: skip
        if runner.matcher.reason and matcher == "durable" and not quiet:
            click.echo(f"care: reference matcher: {runner.matcher.reason}", err=True)
        skipped, look = 0, False
        with progress_bar("running") as progress:
            for index, moment in enumerate(moments):
                if series and runner.done_before(moment):
                    runner.deliver()  # what was decided and, after a power cut, not sent
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
                    leave(FINDINGS)
                results.append(result)
                if progress:
                    progress(index + 1, len(moments))
                person = result.delivery.needs_a_person or bool(result.taken.refused)
                look = look or person
                if form == "text" and (not quiet or result.held or person):
                    click.echo(render_run(result, zone))
    if skipped and not quiet:
        click.echo(f"care: {skipped} of {len(moments)} instants were run before", err=True)
    if form == "json":
        show([run_json(result) for result in results], form, str, zone)
    elif results and not quiet:
        number, head = results[-1].head
        click.echo(f"audit head: {number} {head}")
    if look or any(result.held for result in results) or project.broken:
        leave(FINDINGS)


@click.command()
@click.argument("playbook")
@click.option("--who", default=None, help="Who approves (default: the user of this machine).")
@click.pass_obj
def approve(desk: Desk, playbook: str, who: str | None) -> None:
    """Let a PLAYBOOK that is held by its limit go, once."""
    from engine.approvals import approve as write  # noqa: PLC0415

    with desk.ledger() as ledger:
        write(ledger, desk.project(), playbook, at=desk.clock(), who=who or getpass.getuser())
    click.echo(f"{playbook} may pass its limit in the next run")


@click.command()
@click.argument("playbook")
@click.argument("customers", nargs=-1)
@click.option(
    "--file",
    "files",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Customers from a file: one a line, or the column `customer` of a .csv.",
)
@click.option("--key", help="What makes this one start and no other (default: the file's content).")
@click.option("--trigger", help="Which manual trigger, where the playbook has several.")
@click.option("--at", help="The instant of asking (default: now).")
@click.option("--who", default=None, help="Who asks (default: the user of this machine).")
@click.pass_obj
def start(desk: Desk, playbook: str, customers: tuple[str, ...], files: tuple[Path, ...], key: str | None, trigger: str | None, at: str | None, who: str | None) -> None:  # fmt: skip
    """Let a PLAYBOOK with the trigger `manual` begin for CUSTOMERS, in the next run.

    The gates are asked then as for any start. The same file twice, or the same --key, begins once.

    \b
    Examples:
      care start farewell c17 c18
      care start farewell --file lost.csv
      care start survey c17 --key 2025-Q4
    """
    from engine.log import open_log  # noqa: PLC0415
    from engine.paths import paths_of  # noqa: PLC0415
    from engine.requests import customers_of, file_key, manual_trigger, request  # noqa: PLC0415

    project = desk.project(talk=True)
    book, found = manual_trigger(project, playbook, trigger)
    asked = [(list(customers), key, "")] if customers else []
    asked += [(customers_of(file), key or file_key(file), file.name) for file in files]
    if not asked:
        raise UsageError("name customers, or a --file with them")
    moment = desk.instant(at, project.vocabulary.timezone)
    new = known = 0
    with (
        desk.ledger(create=True) as ledger,
        open_log(paths_of(Path(project.root)).log, writable=False) as log,
    ):
        for names, given, source in asked:
            done = request(
                ledger, log, book, found, names, key=given, source=source, at=moment,
                who=who or getpass.getuser(),
            )  # fmt: skip
            new, known = new + done.new, known + done.known
    again = f"; {known} asked for before" if known else ""
    click.echo(f"{new} to begin {playbook} in the next run{again}")
