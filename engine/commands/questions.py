"""Commands that answer: journeys, why."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from engine.commands.desk import FORMAT, Desk, show
from rules.errors import InputError

__all__ = ["journeys", "why", "why_not"]


@click.command()
@click.argument("customer")
@FORMAT
@click.pass_obj
def journeys(desk: Desk, customer: str, form: str) -> None:
    """Show the journeys of CUSTOMER with their actions."""
    from engine.console import journey_json, render_journeys  # noqa: PLC0415
    from engine.holds import hold_of  # noqa: PLC0415
    from engine.store import Store  # noqa: PLC0415

    with desk.ledger() as ledger:
        zone = desk.vocabulary(ledger).timezone
        store = Store(ledger)
        found = store.journeys_of([customer]).get(customer, [])
        actions = store.actions_of([journey.id for journey in found])
        shown = [
            (
                journey, sorted(actions[journey.id].values(), key=lambda action: action.opens_at),
                hold_of(ledger, journey.id) if journey.ended_at is None else None,
            )
            for journey in found
        ]  # fmt: skip
    show([journey_json(*one) for one in shown], form, lambda: render_journeys(shown, zone), zone)


_ANSWER = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "html"]),
    default="text",
    show_default=True,
    help="text for people, json for scripts, html for a ticket.",
)
_OUT = click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the answer to this file."
)


@click.command()
@click.argument("action")
@_ANSWER
@_OUT
@click.pass_obj
def why(desk: Desk, action: str, form: str, out: Path | None) -> None:
    """Tell why ACTION is there: trigger, evidence, calendar, gates, everything since.

    \b
    Examples:
      care why a-k3vq7m2x5p4c
      care why a-k3vq --format html --out why.html
    """
    from engine.console_why import render_why  # noqa: PLC0415
    from engine.explain import why as explain  # noqa: PLC0415

    with desk.ledger() as ledger:
        vocabulary = desk.vocabulary(ledger)
        found = explain(ledger, action)
        head = ledger.head()
    foot = f"{vocabulary.business}; care why {found.action.id}; audit head {head[0]} {head[1]}"
    _answer(found.to_json(), form, render_why(found, vocabulary), vocabulary.timezone, foot, out)


@click.command("why-not")
@click.argument("customer")
@click.argument("playbook")
@click.option("--at", help="With what was known at this instant (default: now).")
@_ANSWER
@_OUT
@click.pass_obj
def why_not(
    desk: Desk, customer: str, playbook: str, at: str | None, form: str, out: Path | None
) -> None:
    """Tell why CUSTOMER is not in PLAYBOOK, and what would have to change.

    What runs have written down comes from the ledger; the rest is computed again from the log, with
    what was known then. Nothing is written.

    \b
    Examples:
      care why-not 17850 churn
      care why-not 17850 churn --at 2011-12-09 --format json
    """
    from engine.console_why_not import render_why_not  # noqa: PLC0415
    from engine.log import open_log  # noqa: PLC0415
    from engine.paths import paths_of  # noqa: PLC0415
    from engine.why_not import why_not as look  # noqa: PLC0415

    project = desk.project(talk=True)
    zone = project.vocabulary.timezone
    paths = paths_of(Path(project.root))
    with ExitStack() as stack:
        ledger = stack.enter_context(desk.ledger()) if paths.ledger.exists() else None
        log = stack.enter_context(open_log(paths.log, writable=False))
        log.ensure_columns(project.vocabulary)
        found = look(
            project, log, ledger, customer=customer, playbook=playbook,
            at=desk.instant(at, zone),
        )  # fmt: skip
    foot = f"{project.vocabulary.business}; care why-not {customer} {playbook}"
    _answer(found.to_json(), form, render_why_not(found, zone), zone, foot, out)


def _answer(
    value: dict[str, Any], form: str, text: str, zone: str, foot: str, out: Path | None
) -> None:
    """Print an explanation, or write it to a file."""
    from engine.console import as_json  # noqa: PLC0415
    from engine.page import page  # noqa: PLC0415

    told = {"json": lambda: as_json(value, zone), "html": lambda: page(text, foot=foot)}
    shown = told[form]() if form in told else text
    if out is None:
        click.echo(shown)
        return
    try:
        out.write_text(shown.rstrip("\n") + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{out} can't be written: {error.strerror}") from error
    click.echo(f"written to {out}", err=True)
