"""Commands for people's tasks: tasks, done."""

from __future__ import annotations

import getpass

import click

from engine.commands.desk import FORMAT, Desk, show
from rules.errors import UsageError

__all__ = ["done", "tasks"]


@click.command()
@click.option("--at", help="Overdue as of this instant (default: now).")
@click.option("--who", help="Only tasks of this person or team.")
@click.option("--customer", help="Only tasks about this customer.")
@click.option("--playbook", help="Only tasks of this playbook.")
@click.option("--overdue", is_flag=True, help="Only tasks past their time.")
@click.option("--all", "closed", is_flag=True, help="Closed ones too.")
@FORMAT
@click.pass_obj
def tasks(desk: Desk, at: str | None, who: str | None, customer: str | None, playbook: str | None, form: str, *, overdue: bool, closed: bool) -> None:  # fmt: skip
    """List open tasks, the earliest due first.

    \b
    Examples:
      care tasks
      care tasks --who 客服组 --overdue
    """
    from engine.console import render_tasks, task_json  # noqa: PLC0415
    from engine.tasks import tasks as find  # noqa: PLC0415

    project = desk.project()
    zone = project.vocabulary.timezone
    with desk.ledger() as ledger:
        found = find(
            ledger, at=desk.instant(at, zone), assignee=who, customer=customer, playbook=playbook,
            closed=closed, overdue=overdue,
        )  # fmt: skip
    show([task_json(task) for task in found], form, lambda: render_tasks(found, zone), zone)


@click.command()
@click.argument("action")
@click.option("--outcome", help="One of the step's outcomes.")
@click.option("--ask", "asked", multiple=True, help="An answer the step asks for: satisfaction=4.")
@click.option("--note", default="", help="A remark.")
@click.option("--at", help="When it was done (default: now).")
@click.option("--who", default=None, help="Who did it (default: the user of this machine).")
@click.pass_obj
def done(desk: Desk, action: str, outcome: str | None, asked: tuple[str, ...], note: str, at: str | None, who: str | None) -> None:  # fmt: skip
    """Write that the task ACTION is done.

    \b
    Examples:
      care done a-k3vq7m2x5p4c
      care done a-k3vq --outcome price --ask satisfaction=4 --note "asks for a discount"
    """
    from engine.tasks import finish_task  # noqa: PLC0415

    project = desk.project()
    zone = project.vocabulary.timezone
    answers = {}
    for item in asked:
        name, sign, value = item.partition("=")
        if not sign:
            raise UsageError(f'--ask takes NAME=ANSWER, not "{item}"')
        answers[name.strip()] = value
    with desk.ledger() as ledger:
        task = finish_task(
            ledger, action, at=desk.instant(at, zone), timezone=zone, outcome=outcome, asked=answers,
            note=note, who=who or getpass.getuser(),
        )  # fmt: skip
    click.echo(f"{task.id} done" + (f": {task.outcome}" if task.outcome else ""))
