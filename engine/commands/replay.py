"""The command that makes runs again: `care replay`."""

from __future__ import annotations

import click

from engine.commands.desk import FINDINGS, FORMAT, Desk, leave, progress_bar, show
from rules.errors import InputError, UsageError

__all__ = ["replay"]


@click.command()
@click.option("--from", "start", help="The first run to make again (default: the very first).")
@click.option("--to", "end", help="The last one (default: the last there is).")
@click.option("-q", "--quiet", is_flag=True, help="Print only what needs a person.")
@FORMAT
@click.pass_obj
def replay(desk: Desk, start: str | None, end: str | None, form: str, *, quiet: bool) -> None:
    """Make past runs again from the log, and say where the ledger tells it otherwise.

    Each run decides again with the playbooks and settings that it had then, over the events that it
    could see. What people and channels did is taken from the ledger. Nothing is sent or changed.

    Exit code 1 when something is not the same, 3 when a run could not be made again.

    \b
    Examples:
      care replay
      care replay --from 2025-03-01 --to 2025-03-31T23:59
      care replay --quiet --format json
    """
    from engine.audit.rerun import replay as make  # noqa: PLC0415  slow
    from engine.console_replay import render_replayed, replayed_json  # noqa: PLC0415

    with desk.ledger() as ledger:
        zone = desk.vocabulary(ledger).timezone
    first = desk.instant(start, zone) if start is not None else None
    last = desk.instant(end, zone) if end is not None else None
    if first is not None and last is not None and last < first:
        raise UsageError("--to lies before --from")
    with progress_bar("making runs again") as progress:
        found = make(desk.root(), start=first, end=last, progress=progress)
    if not quiet or not found.equal or found.unmade:
        show(replayed_json(found), form, lambda: render_replayed(found, zone), zone)
    if not found.equal:
        count = len(found.differences)
        things = "1 thing is" if count == 1 else f"{count} things are"
        raise InputError(f"{things} not as the ledger says: it, or the log, was changed since")
    if found.unmade:
        leave(FINDINGS)
