"""The command that shows a text before anybody gets it: preview."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from engine.commands.desk import FINDINGS, FORMAT, Desk, leave, show
from rules.errors import InputError, UsageError

__all__ = ["preview"]


@click.command()
@click.argument("playbook")
@click.argument("step")
@click.argument("customer")
@click.option("--at", help="With what was known at this instant (default: now).")
@click.option(
    "--html", "page", type=click.Path(path_type=Path), help="Write the HTML of a mail to this file."
)
@FORMAT
@click.pass_obj
def preview(
    desk: Desk,
    playbook: str,
    step: str,
    customer: str,
    at: str | None,
    page: Path | None,
    form: str,
) -> None:
    """Show what STEP of PLAYBOOK would say to CUSTOMER; nothing is sent or written down.

    Leaves with 3 where the text would not go out.

    \b
    Examples:
      care preview churn offer 17850
      care preview churn offer 17850 --at 2011-12-09 --html offer.html
    """
    from engine.console_texts import render_preview  # noqa: PLC0415
    from engine.log import open_log  # noqa: PLC0415
    from engine.paths import paths_of  # noqa: PLC0415
    from engine.preview import preview as look  # noqa: PLC0415

    project = desk.project(talk=True)
    zone = project.vocabulary.timezone
    paths = paths_of(Path(project.root))
    with ExitStack() as stack:
        ledger = stack.enter_context(desk.ledger()) if paths.ledger.exists() else None
        log = stack.enter_context(open_log(paths.log, writable=False))
        log.ensure_columns(project.vocabulary)
        found = look(
            project, log, ledger, playbook=playbook, step=step, customer=customer,
            at=desk.instant(at, zone),
        )  # fmt: skip
    if page is not None:
        if not found.texts.html:
            raise UsageError(
                f'no HTML: it is made of a .md or .html text for mails; this goes through "{found.channel}"'
            )
        try:
            page.write_text(found.texts.html, encoding="utf-8")
        except OSError as error:
            raise InputError(f"{page} can't be written: {error.strerror}") from error
    show(found.to_json(), form, lambda: render_preview(found, zone), zone)
    if found.missing:
        leave(FINDINGS)
