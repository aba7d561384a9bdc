"""Commands with which people work on a task: done, snooze, assign, reopen."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import click

from engine.commands.desk import Desk
from rules.errors import UsageError
from rules.units import MICROS, to_iso

if TYPE_CHECKING:
    from engine.ledger import Ledger

__all__ = ["assign", "done", "myself", "reopen", "snooze", "when"]

_AHEAD = 5 * 60 * MICROS  #: clocks differ by so much
_F = TypeVar("_F", bound=Callable[..., object])


def myself(who: str | None = None) -> str:
    """Return who is at work: as given, else CARE_USER, else the user of this machine."""
    return who or os.environ.get("CARE_USER") or getpass.getuser()


def when(desk: Desk, ledger: Ledger, text: str | None, zone: str) -> int:
    """Return the instant of a change: as given, else now, or that of a later last run.

    Raises UsageError for what lies ahead.
    """
    row = ledger.one("SELECT max(at) AS at FROM runs")
    now = max(desk.clock(), row["at"] or 0 if row else 0)
    if text is None:
        return now
    at = desk.instant(text, zone)
    if at > now + _AHEAD:
        raise UsageError(f"{to_iso(at, zone)} lies ahead; write when it was, not when it will be")
    return at


def _told_by(command: _F) -> _F:
    """Add the options that every change has."""
    command = click.option(
        "--who", help="Who says so (default: CARE_USER, else the user of this machine)."
    )(command)
    return click.option("--at", help="When it was (default: now).")(command)


@click.command()
@click.argument("action")
@click.option("--outcome", help="One of the step's outcomes.")
@click.option("--ask", "asked", multiple=True, help="An answer the step asks for: satisfaction=4.")
@click.option("--note", default="", help="A remark.")
@_told_by
@click.pass_obj
def done(desk: Desk, action: str, outcome: str | None, asked: tuple[str, ...], note: str, at: str | None, who: str | None) -> None:  # fmt: skip
    """Write that the task ACTION is done. The beginning of its id will do.

    \b
    Examples:
      care done a-k3vq7m2x5p4c
      care done a-k3vq --outcome price --ask satisfaction=4 --note "asks for a discount"
    """
    from engine.task_changes import TaskChanges  # noqa: PLC0415

    answers = {}
    for item in asked:
        name, sign, value = item.partition("=")
        if not sign:
            raise UsageError(f'--ask takes NAME=ANSWER, not "{item}"')
        answers[name.strip()] = value
    with desk.ledger() as ledger, ledger.transaction():
        zone = desk.vocabulary(ledger).timezone
        found = TaskChanges(ledger, zone).finish(
            action, at=when(desk, ledger, at, zone), outcome=outcome, asked=answers, note=note,
            who=myself(who),
        )  # fmt: skip
    task = found.action
    already = "" if found.changed else " (it was already)"
    click.echo(f"{task.id} done" + (f": {task.outcome}" if task.outcome else "") + already)
    for beside in found.open_beside:
        click.echo(
            f"care: {beside.id}, step {beside.step} of {beside.assignee or 'nobody'}, is still open;"
            " it was the overdue one",
            err=True,
        )


@click.command()
@click.argument("action")
@click.option("--until", required=True, help="A date, a time, or a length: 2 working days.")
@click.option("--why", required=True, help="The reason, for whoever asks later.")
@_told_by
@click.pass_obj
def snooze(desk: Desk, action: str, until: str, why: str, at: str | None, who: str | None) -> None:
    """Put the open task ACTION off: it is due later, and escalates later.

    \b
    Examples:
      care snooze a-k3vq --until 2025-10-13 --why "the customer is travelling"
      care snooze a-k3vq --until "2 working days" --why 等客户回邮件
    """
    from engine.calendar import WorkingCalendar  # noqa: PLC0415
    from engine.console import moment  # noqa: PLC0415
    from engine.task_changes import TaskChanges  # noqa: PLC0415
    from engine.task_phrases import read_until  # noqa: PLC0415

    vocabulary = desk.project().vocabulary
    zone = vocabulary.timezone
    with desk.ledger() as ledger, ledger.transaction():
        changes, moment_at = TaskChanges(ledger, zone), when(desk, ledger, at, zone)
        task = changes.task(action)
        calendar = WorkingCalendar.of(vocabulary).of_role(changes.step(task).assign)
        found = changes.snooze(
            action, until=read_until(until, moment_at, calendar), at=moment_at, why=why,
            who=myself(who),
        )  # fmt: skip
    already = "" if found.changed else " already"
    click.echo(f"{found.action.id} is due {moment(found.action.due_by, zone)}{already}")


@click.command()
@click.argument("action")
@click.argument("person")
@click.option("--why", default="", help="The reason, for whoever asks later.")
@_told_by
@click.pass_obj
def assign(desk: Desk, action: str, person: str, why: str, at: str | None, who: str | None) -> None:
    """Give the open task ACTION to PERSON, or to a role of care.yaml.

    \b
    Examples:
      care assign a-k3vq 王丽 --why "李强 is on leave"
      care assign a-k3vq manager
    """
    from engine.task_changes import TaskChanges  # noqa: PLC0415
    from engine.task_phrases import read_person, stranger  # noqa: PLC0415

    vocabulary = desk.project().vocabulary
    zone = vocabulary.timezone
    to = read_person(person, vocabulary)
    with desk.ledger() as ledger:
        hint = stranger(ledger, vocabulary, to)
        with ledger.transaction():
            found = TaskChanges(ledger, zone).assign(
                action, to=to, at=when(desk, ledger, at, zone), why=why, who=myself(who)
            )
    already = "" if found.changed else "already "
    click.echo(f"{found.action.id} is {already}given to {found.action.assignee}")
    if hint and found.changed:
        click.echo(f"care: {hint}", err=True)


@click.command()
@click.argument("action")
@click.option("--why", required=True, help="The reason, for whoever asks later.")
@_told_by
@click.pass_obj
def reopen(desk: Desk, action: str, why: str, at: str | None, who: str | None) -> None:
    """Open the task ACTION once more that was done, or given up. It gets an id of its own.

    \b
    Example:
      care reopen a-k3vq --why "the customer says it is not solved"
    """
    from engine.calendar import WorkingCalendar  # noqa: PLC0415
    from engine.console import moment  # noqa: PLC0415
    from engine.task_changes import TaskChanges  # noqa: PLC0415

    vocabulary = desk.project().vocabulary
    zone = vocabulary.timezone
    with desk.ledger() as ledger, ledger.transaction():
        found = TaskChanges(ledger, zone).reopen(
            action, at=when(desk, ledger, at, zone), calendar=WorkingCalendar.of(vocabulary),
            why=why, who=myself(who),
        )  # fmt: skip
    task, already = found.action, "" if found.changed else " already"
    click.echo(f"{task.id} is open{already}, due {moment(task.due_by, zone)}")
