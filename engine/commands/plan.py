"""The command that shows what a run would do: plan."""

from __future__ import annotations

import sys

import click

from engine.commands.desk import FINDINGS, FORMAT, Desk, leave, show
from rules.errors import UsageError

__all__ = ["plan"]

_SHOWN = 20  #: journeys


@click.command()
@click.option("--at", help="The next run is at this instant (default: now).")
@click.option("--against", metavar="REV|DIR", help="Show what differs from the project at a git revision, or in a folder.")  # fmt: skip
@click.option("--playbook", "playbooks", multiple=True, help="Only of this playbook.")
@click.option("--customer", "customers", multiple=True, help="Only of this customer.")
@click.option(
    "--limit",
    default=str(_SHOWN),
    show_default=True,
    help="Journeys to show, or `all`; JSON has all.",
)
@click.option(
    "--names/--no-names",
    "personal",
    default=None,
    help="Names and words of texts (default: on a terminal only).",
)
@FORMAT
@click.pass_obj
def plan(desk: Desk, at: str | None, against: str | None, playbooks: tuple[str, ...], customers: tuple[str, ...], limit: str, form: str, *, personal: bool | None) -> None:  # fmt: skip
    """Show what the next run would do, and with --against what an edit changes in it.

    Decides as `care run` does, over the log as it is and what waits in the spool; nothing is
    written, sent or taken. Exit code 3: --against found changes, a playbook would be held, or
    one is left out for its errors.

    \b
    Examples:
      care plan
      care plan --at 2025-03-03T08:00 --playbook churn --limit all
      care plan --against HEAD
      care plan --against main --customer c17 --format json
      care plan --against ../as-it-was
    """
    project = desk.project(talk=True)
    zone = project.vocabulary.timezone
    moment, most = desk.instant(at, zone), _limit(limit)
    shown = sys.stdout.isatty() and form == "text" if personal is None else personal
    if against is not None:
        from pathlib import Path  # noqa: PLC0415

        from engine.planning.compare import compare  # noqa: PLC0415
        from engine.planning.difference import (  # noqa: PLC0415
            comparison_json,
            render_comparison,
        )
        from engine.planning.other import other_project  # noqa: PLC0415

        other = other_project(Path(project.root), against)
        found = compare(
            project, other, against=against, at=moment, playbooks=playbooks, customers=customers
        )
        told = comparison_json(found, personal=shown)
        show(told, form, lambda: render_comparison(found, zone, limit=most, personal=shown), zone)
        look = found.any
    else:
        from engine.planning.plan import plan as make  # noqa: PLC0415
        from engine.planning.words import plan_json, render_plan  # noqa: PLC0415

        made = make(project, at=moment, playbooks=playbooks, customers=customers)
        told = plan_json(made, zone, personal=shown)
        show(told, form, lambda: render_plan(made, zone, limit=most, personal=shown), zone)
        look = bool(made.held)
    if look or project.broken:
        leave(FINDINGS)


def _limit(text: str) -> int | None:
    """Return how many journeys are shown, None for all. Raises UsageError."""
    if text == "all":
        return None
    if text.isascii() and text.isdigit() and int(text) > 0:
        return int(text)
    raise UsageError(f'--limit takes a number above 0 or "all", not "{text}"')
