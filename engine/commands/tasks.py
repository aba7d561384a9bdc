"""Commands for the task list: tasks, tasks export, tasks import."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from engine.commands.desk import FINDINGS, FORMAT, Desk, leave, show
from engine.commands.people import assign, done, myself, reopen, snooze, when
from rules.errors import InputError, UsageError, did_you_mean

if TYPE_CHECKING:
    from engine.ledger import Ledger
    from engine.tasks import Task
    from rules.vocabulary import Vocabulary

__all__ = ["tasks"]

_F = TypeVar("_F", bound=Callable[..., object])

#: The options that choose tasks, for the list and for the export.
_CHOICE = (
    click.option("--assignee", "--who", "assignee", help="Only tasks of this person or team."),
    click.option("--mine", is_flag=True, help="Only yours: of the person that CARE_USER names."),
    click.option("--role", help="Only tasks for this role of care.yaml."),
    click.option("--customer", help="Only tasks about this customer."),
    click.option("--playbook", help="Only tasks of this playbook."),
    click.option("--step", help="Only tasks of this step."),
    click.option("--due", help="Only what is due by then: today, tomorrow, or a date."),
    click.option("--overdue", is_flag=True, help="Only tasks past their time."),
    click.option("--at", help="As of this instant (default: now)."),
)


def _choosing(command: _F) -> _F:
    for option in reversed(_CHOICE):
        command = option(command)
    return command


def _chosen(desk: Desk, vocabulary: Vocabulary, ledger: Ledger, *, closed: bool = False, closed_since: int | None = None, **given: Any) -> list[Task]:  # fmt: skip
    """Return the tasks that the options choose. Raises UsageError for names that nothing has."""
    from engine.task_phrases import near_name, read_day_end  # noqa: PLC0415
    from engine.tasks import tasks as find  # noqa: PLC0415

    zone = vocabulary.timezone
    at = desk.instant(given["at"], zone)
    assignee = given["assignee"]
    if given["mine"]:
        assignee = os.environ.get("CARE_USER")
        if not assignee:
            raise UsageError(
                '--mine needs your name as the tasks have it: export CARE_USER="王丽", or write'
                " --assignee 王丽"
            )
    if given["role"] is not None and given["role"] not in vocabulary.roles:
        hint = did_you_mean(given["role"], vocabulary.roles)
        raise UsageError(f'no role "{given["role"]}" in care.yaml; {hint}'.rstrip("; "))
    due_until = None if given["due"] is None else read_day_end(given["due"], at, zone)
    found = find(
        ledger, at=at, assignee=assignee, role=given["role"], customer=given["customer"],
        playbook=given["playbook"], step=given["step"], due_until=due_until, closed=closed,
        closed_since=closed_since, overdue=given["overdue"],
    )  # fmt: skip
    if not found:
        for name, known in _names(ledger).items():
            word = given[name]
            hint = near_name(word, known) if word is not None and word not in known else ""
            if hint:
                click.echo(f'care: no task has {name} "{word}"; {hint}', err=True)
    return found


def _names(ledger: Ledger) -> dict[str, set[str]]:
    """Return what tasks have had so far, to name a near one for a name that none has."""
    columns = ("assignee", "playbook", "step")
    rows = list(
        ledger.rows("SELECT DISTINCT assignee, playbook, step FROM actions WHERE kind = 'task'")
    )
    return {column: {row[column] for row in rows if row[column]} for column in columns}


@click.group(invoke_without_command=True)
@_choosing
@click.option("--all", "closed", is_flag=True, help="Closed ones too.")
@click.option("--long", is_flag=True, help="With what is to be said and asked.")
@FORMAT
@click.pass_context
def tasks(ctx: click.Context, /, form: str, *, closed: bool, long: bool, **given: Any) -> None:
    """List open tasks, the earliest due first; or export them to a sheet and take results back.

    \b
    Examples:
      care tasks
      care tasks --mine --due today
      care tasks --assignee 客服组 --overdue
      care tasks export today.xlsx
    """
    if ctx.invoked_subcommand is not None:
        if any(given.values()) or closed or long:
            raise UsageError(f"write the options behind: care tasks {ctx.invoked_subcommand} ...")
        return
    from engine.console_tasks import (  # noqa: PLC0415
        render_long_tasks,
        render_tasks,
        task_json,
    )
    from engine.tasks import short_ids  # noqa: PLC0415

    desk: Desk = ctx.obj
    with desk.ledger() as ledger:
        vocabulary = desk.vocabulary(ledger)
        zone = vocabulary.timezone
        found = _chosen(desk, vocabulary, ledger, closed=closed, **given)
        ids = short_ids(ledger, [task.action.id for task in found])
    render = render_long_tasks if long else render_tasks
    show([task_json(task) for task in found], form, lambda: render(found, ids, zone), zone)


@tasks.command()
@click.argument("file", type=click.Path(path_type=Path))
@_choosing
@click.option("--force", is_flag=True, help="Overwrite a sheet that is there already.")
@click.pass_obj
def export(desk: Desk, /, file: Path, *, force: bool, **given: Any) -> None:
    """Write open tasks to FILE: a sheet to fill in (.xlsx), or a calendar (.ics).

    \b
    Examples:
      care tasks export today.xlsx --due today
      care tasks export wangli.ics --assignee 王丽
    """
    from engine.task_ics import LATELY, calendar_of  # noqa: PLC0415
    from engine.task_return import replace_file  # noqa: PLC0415
    from engine.task_sheet import write_sheet  # noqa: PLC0415

    kind = file.suffix.casefold()
    if kind not in (".xlsx", ".ics"):
        raise UsageError(f"{file.name} is neither a sheet nor a calendar: write .xlsx or .ics")
    if kind == ".xlsx" and file.exists() and not force:
        raise UsageError(
            f"{file.name} is there already; what was filled in there may not be imported yet."
            " Import it first, choose another name, or overwrite it with --force"
        )
    vocabulary = desk.project().vocabulary
    zone, business = vocabulary.timezone, vocabulary.business
    at = desk.instant(given["at"], zone)
    with desk.ledger() as ledger:
        if kind == ".xlsx":
            found = _chosen(desk, vocabulary, ledger, **given)
            write = partial(write_sheet, found=found, at=at, timezone=zone, business=business)
        else:
            found = _chosen(desk, vocabulary, ledger, closed_since=at - LATELY, **given)
            name = f"{business} {given['assignee'] or ''}".strip()
            body = calendar_of(ledger, found, at=at, timezone=zone, name=name)
            write = partial(_write, body=body)
    try:
        replace_file(file, write)
    except OSError as error:
        raise InputError(f"{file} can't be written: {error.strerror or error}") from error
    opened = [task for task in found if task.action.state == "open"]
    late = sum(task.overdue for task in opened)
    click.echo(
        f"{file.name}: {len(opened)} task{'' if len(opened) == 1 else 's'}"
        + (f", {late} overdue" if late else "")
    )


def _write(to: Path, body: bytes) -> None:
    to.write_bytes(body)


@tasks.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--at", help="When it was done, where a row does not say (default: now).")
@click.option(
    "--who", help="Who did it, where a row does not say (default: CARE_USER, else the user)."
)
@FORMAT
@click.pass_obj
def import_(desk: Desk, file: Path, at: str | None, who: str | None, form: str) -> None:
    """Take results back from a sheet that `care tasks export` made: .xlsx, or saved as .csv.

    Rows with errors come back in FILE.errors.xlsx; all others are taken. The same file again does
    nothing.

    \b
    Example:
      care tasks import today.xlsx
    """
    from engine.console_tasks import render_taken, taken_json  # noqa: PLC0415
    from engine.task_import import asked_names, take_results  # noqa: PLC0415
    from engine.task_return import write_return  # noqa: PLC0415
    from engine.task_rows import read_tasks  # noqa: PLC0415

    vocabulary = desk.project().vocabulary
    with desk.ledger() as ledger:
        sheet = read_tasks(file, asked_names(ledger))
        moment_at = when(desk, ledger, at, vocabulary.timezone)
        taken = take_results(ledger, vocabulary, sheet, at=moment_at, who=myself(who))
    for note in (*sheet.notes, *(f"a column is not read: {words}" for words in sheet.ignored)):
        click.echo(f"care: {note}", err=True)
    returned, problem = None, ""
    if taken.failed:
        try:
            returned = write_return(sheet, taken)
        except OSError as error:
            problem = f"the copy with the errors can't be written: {error.strerror or error}"
    show(
        taken_json(sheet, taken, returned), form, lambda: render_taken(sheet, taken, returned),
        vocabulary.timezone,
    )  # fmt: skip
    if problem:
        raise InputError(problem)
    if taken.failed:
        leave(FINDINGS)


for command in (done, snooze, assign, reopen):  # `care tasks done` is `care done`
    tasks.add_command(command)
