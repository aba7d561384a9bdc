"""Commands of the outbox: deliver, outbox, settle."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.commands.desk import FINDINGS, FORMAT, Desk, leave, progress_bar, show
from rules.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from engine.channels.files import Collected
    from rules.playbook import Project
    from rules.vocabulary import Channel, Vocabulary

__all__ = ["deliver", "outbox", "settle"]

_SHOWN = 200  #: lines of `care outbox`; JSON has them all


@click.command()
@click.option("--for", "length", help='How long at most: "10 minutes" (default: care.yaml).')
@click.option("--channel", "channels", multiple=True, help="Only through this channel.")
@click.option("--past", is_flag=True, help="Send what runs of another time decided, too.")
@click.option("--enable", help="Let a channel send again that was disabled, then deliver.")
@click.option(
    "--collect",
    "table",
    type=click.Path(path_type=Path),
    help="Then gather what a file channel wrote into this .xlsx, .csv or .json.",
)
@click.option("--at", help="Ask for consent and quiet hours as of then (default: now).")
@click.option("--who", default=None, help="Who enables (default: the user of this machine).")
@click.option("-q", "--quiet", is_flag=True, help="Print only what needs a person.")
@FORMAT
@click.pass_obj
def deliver(desk: Desk, length: str | None, channels: tuple[str, ...], enable: str | None, table: Path | None, at: str | None, who: str | None, form: str, *, past: bool, quiet: bool) -> None:  # fmt: skip
    """Send what is due, and what is to be tried again, until the time is over.

    Decides nothing: that is what `care run` does. With --for it also waits for the next tries.

    \b
    Examples:
      care deliver
      care deliver --for "10 minutes" --quiet
      care deliver --enable crm_hook
      care deliver --collect today.xlsx
    """
    from engine.channel_states import enable_channel  # noqa: PLC0415
    from engine.console_delivery import (  # noqa: PLC0415
        collected_json,
        collected_lines,
        delivery_json,
        render_delivery,
    )
    from engine.deliver import deliver as work  # noqa: PLC0415
    from engine.waits import Waits  # noqa: PLC0415

    project = desk.project(talk=True)
    zone = project.vocabulary.timezone
    for name in channels:
        _known(name, project.vocabulary.channels)
    files = _file_channel(project.vocabulary, channels) if table else None
    with desk.ledger() as ledger:
        if enable is not None:
            person = who or getpass.getuser()
            enable_channel(ledger, project.vocabulary, enable, at=desk.clock(), who=person)
        with progress_bar("delivering") as progress:
            did = work(
                project, ledger, clock=desk.clock, only=channels, past=past,
                at=desk.instant(at, zone) if at else desk.clock(),
                seconds=_seconds(length) if length else None,
                wait_for=(Waits.RETRY, Waits.PAUSED, Waits.RATE) if length else (Waits.RATE,),
                progress=progress,
            )  # fmt: skip
    if did.busy and not quiet:
        click.echo(f"care: {did.busy}", err=True)
    value, lines = delivery_json(did), [] if did.busy else [render_delivery(did)]
    look = did.needs_a_person
    if files is not None and table is not None:
        gathered = _gather(project, files, table)
        value["collected"] = collected_json(gathered)
        lines += collected_lines(gathered)
        look = look or bool(gathered.broken)
    if form == "json" or (lines and (look or not quiet)):
        show(value, form, lambda: "\n".join(lines), zone)
    if look:
        leave(FINDINGS)


def _seconds(length: str) -> float:
    from rules.phrases import read_duration  # noqa: PLC0415

    found = read_duration(length)
    if found is None or not found.exact:
        raise UsageError(f'--for takes a time like "10 minutes", not "{length}"')
    return found.seconds


def _file_channel(vocabulary: Vocabulary, channels: Sequence[str]) -> Channel:
    """Return the channel whose files are gathered: the one of kind file, or of those named."""
    found = [
        channel
        for name, channel in vocabulary.channels.items()
        if channel.kind == "file" and (not channels or name in channels)
    ]
    if len(found) == 1:
        return found[0]
    names = ", ".join(channel.name for channel in found)
    raise UsageError(
        f"each table takes one file channel: add --channel with one of {names}"
        if found
        else "there is no file channel here whose files could be gathered"
    )


def _gather(project: Project, channel: Channel, table: Path) -> Collected:
    from engine.channels.files import collect, folder_of  # noqa: PLC0415
    from engine.secrets import resolve  # noqa: PLC0415

    root = Path(project.root)
    settings = resolve(channel.settings, root, os.environ, channel=channel.name)
    return collect(folder_of(root, channel.name, settings), table)


def _known(name: str, channels: Mapping[str, object]) -> None:
    if name not in channels:
        hint = did_you_mean(name, channels)
        raise UsageError(f'no channel "{name}"' + (f"; {hint}" if hint else ""))


@click.command()
@click.option(
    "--state",
    type=click.Choice(["open", "waiting", "failed", "unknown", "sent"]),
    default="open",
    show_default=True,
    help="open: on their way, failed, or unknown.",
)
@click.option("--channel", help="Only through this channel.")
@click.option("--customer", help="Only to this customer.")
@click.option("--playbook", help="Only of this playbook.")
@FORMAT
@click.pass_obj
def outbox(desk: Desk, state: str, channel: str | None, customer: str | None, playbook: str | None, form: str) -> None:  # fmt: skip
    """Show the messages that are on their way, and those that a person should look at.

    \b
    Examples:
      care outbox
      care outbox --state unknown --channel mail
    """
    from engine.console_outbox import listed_json, render_outbox  # noqa: PLC0415
    from engine.outbox_list import Shown, list_outbox  # noqa: PLC0415

    project = desk.project()
    zone = project.vocabulary.timezone
    with desk.ledger() as ledger:
        found, disabled = list_outbox(
            project, ledger, now=desk.clock(), environ=os.environ, shown=Shown(state),
            channel=channel, customer=customer, playbook=playbook,
        )  # fmt: skip
    show(
        [listed_json(one) for one in found],
        form,
        lambda: render_outbox(found, disabled, zone, _SHOWN),
        zone,
    )


@click.command()
@click.argument("actions", nargs=-1, required=True)
@click.option("--sent", "verdict", flag_value="sent", help="It did arrive.")
@click.option("--failed", "verdict", flag_value="failed", help="It did not, or is not wanted.")
@click.option("--resend", "verdict", flag_value="resend", help="Let it go out again.")
@click.option("--why", default="", help="How you know: it stands in the audit chain.")
@click.option("--at", help="When you found out (default: now).")
@click.option("--who", default=None, help="Who settles (default: the user of this machine).")
@click.pass_obj
def settle(desk: Desk, actions: tuple[str, ...], verdict: str | None, why: str, at: str | None, who: str | None) -> None:  # fmt: skip
    """Say what became of messages (ACTIONS) that failed or of which nobody knows.

    \b
    Examples:
      care settle a-k3vq7m2x5p4c --sent --why "the customer answered it"
      care settle a-k3vq7m2x5p4c --resend --why "the mail server was down"
    """
    from engine.settle import Settled  # noqa: PLC0415
    from engine.settle import settle as write  # noqa: PLC0415

    if verdict is None:
        raise UsageError("say what became of it: --sent, --failed or --resend")
    zone = desk.project().vocabulary.timezone
    with desk.ledger() as ledger:
        for key in actions:
            action, changed = write(
                ledger, key, Settled(verdict), why=why, who=who or getpass.getuser(),
                at=desk.instant(at, zone),
            )  # fmt: skip
            again = "" if changed else ", as before"
            click.echo(f"{action.id} {_TOLD[verdict]}{again}")


_TOLD = {"sent": "was sent", "failed": "failed", "resend": "goes out again with the next delivery"}
