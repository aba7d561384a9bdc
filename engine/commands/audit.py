"""The command that proves: `care audit verify`, `care audit entries`, `care audit export`."""

from __future__ import annotations

import click

from engine.commands.desk import FORMAT, Desk, show
from rules.errors import InputError, UsageError

__all__ = ["audit"]


@click.group()
def audit() -> None:
    """Prove what happened."""


@audit.command()
@click.option("--head", help="NUMBER:HASH of an earlier head, kept elsewhere.")
@FORMAT
@click.pass_obj
def verify(desk: Desk, head: str | None, form: str) -> None:
    """Check that the ledger is as it was written: the chain, every row, every id, every decision.

    Nothing is changed. Each thing that is wrong is a line; the exit code is 1 then. A head that was
    kept elsewhere (each run prints one) also shows that the end of the chain was cut or rewritten.

    \b
    Example:
      care audit verify
      care audit verify --head 412:9f86d081884c7d65
    """
    from engine.audit.verify import verify as check  # noqa: PLC0415
    from engine.console_audit import render_verified, verified_json  # noqa: PLC0415

    number, digest = _head(head)
    with desk.ledger() as ledger:
        found = check(ledger, number=number, head=digest)
    show(verified_json(found), form, lambda: render_verified(found))
    if found.faults:
        count = len(found.faults)
        things = "1 thing is" if count == 1 else f"{count} things are"
        raise InputError(f"{things} not as it was written: this ledger was changed by another hand")


def _head(text: str | None) -> tuple[int | None, str | None]:
    if text is None:
        return None, None
    number, _, digest = text.strip().replace(" ", ":").partition(":")
    if not (number.isascii() and number.isdigit()) or not digest:
        raise UsageError(f'--head takes NUMBER:HASH, as a run prints them, not "{text}"')
    return int(number), digest.strip().casefold()


@audit.command()
@click.argument("subject", required=False)
@click.option("--from", "first", type=click.IntRange(1), default=1, help="The first number.")
@click.option("--to", "last", type=click.IntRange(1), help="The last number.")
@click.pass_obj
def entries(desk: Desk, subject: str | None, first: int, last: int | None) -> None:
    """Print the entries of the audit chain as JSON lines: all, or those about SUBJECT.

    \b
    Example:
      care audit entries a-k3vq7m2x5p4c
      care audit entries --from 400 --to 412
    """
    from engine.console_audit import entry_line  # noqa: PLC0415

    with desk.ledger() as ledger:
        for entry in ledger.chain.entries(after=first - 1):
            if last is not None and entry.n > last:
                break
            if subject is None or subject == entry.subject:
                click.echo(entry_line(entry))


@audit.command()
@click.pass_obj
def export(desk: Desk) -> None:
    """Write the ledger in its canonical form: JSON lines that two equal ledgers share."""
    from engine.export import canonical_lines  # noqa: PLC0415

    with desk.ledger() as ledger:
        for line in canonical_lines(ledger):
            click.echo(line)
