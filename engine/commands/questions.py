"""Commands that answer: journeys, why, audit."""

from __future__ import annotations

import click

from engine.commands.desk import FORMAT, Desk, show
from rules.errors import InputError, UsageError

__all__ = ["audit", "journeys", "why"]


@click.command()
@click.argument("customer")
@FORMAT
@click.pass_obj
def journeys(desk: Desk, customer: str, form: str) -> None:
    """Show the journeys of CUSTOMER with their actions."""
    from engine.console import journey_json, render_journeys  # noqa: PLC0415
    from engine.store import Store  # noqa: PLC0415

    project = desk.project()
    with desk.ledger() as ledger:
        store = Store(ledger)
        found = store.journeys_of([customer]).get(customer, [])
        actions = store.actions_of([journey.id for journey in found])
    pairs = [
        (journey, sorted(actions[journey.id].values(), key=lambda a: (a.opens_at, a.step)))
        for journey in found
    ]
    zone = project.vocabulary.timezone
    show([journey_json(*pair) for pair in pairs], form, lambda: render_journeys(pairs, zone), zone)


@click.command()
@click.argument("action")
@FORMAT
@click.pass_obj
def why(desk: Desk, action: str, form: str) -> None:
    """Tell why ACTION is there: trigger, evidence, calendar, gates, everything since.

    \b
    Example:
      care why a-k3vq7m2x5p4c
    """
    from engine.console_why import render_why  # noqa: PLC0415
    from engine.explain import why as explain  # noqa: PLC0415

    project = desk.project()
    with desk.ledger() as ledger:
        found = explain(ledger, action)
    zone = project.vocabulary.timezone
    show(found.to_json(), form, lambda: render_why(found, zone), zone)


@click.group()
def audit() -> None:
    """Prove what happened."""


@audit.command()
@click.option("--head", help="NUMBER:HASH of an earlier head, kept elsewhere.")
@click.pass_obj
def verify(desk: Desk, head: str | None) -> None:
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
    with desk.ledger() as ledger:
        found = verify_chain(ledger, number=number, head=digest)
    if number is not None and found.entries < number and found.broken_at == found.entries + 1:
        raise InputError(
            f"the chain ends at entry {found.entries}, before the head at {number}: its tail was cut"
        )
    if found.broken_at is not None:
        raise InputError(
            f"the audit chain is broken at entry {found.broken_at}; {found.entries} before it are sound"
        )
    click.echo(f"{found.entries} entries are sound, head {found.head}")


@audit.command()
@click.pass_obj
def export(desk: Desk) -> None:
    """Write the ledger in its canonical form: JSON lines that two equal ledgers share."""
    from engine.export import canonical_lines  # noqa: PLC0415

    with desk.ledger() as ledger:
        for line in canonical_lines(ledger):
            click.echo(line)
