"""The command that proves: `care audit verify`, `care audit entries`, `care audit export`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from engine.commands.desk import FORMAT, Desk, replaced, show
from rules.errors import InputError, UsageError

if TYPE_CHECKING:
    from engine.audit.report import Chosen
    from engine.ledger import Ledger

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
    report = _told if sys.stderr.isatty() else None
    with desk.ledger() as ledger:
        found = check(ledger, number=number, head=digest, report=report)
    show(verified_json(found), form, lambda: render_verified(found))
    if found.faults:
        count = len(found.faults)
        things = "1 thing is" if count == 1 else f"{count} things are"
        raise InputError(f"{things} not as it was written: this ledger was changed by another hand")


def _told(what: str) -> None:
    click.echo(f"care: looking at {what}", err=True)


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
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["canonical", "csv", "json", "xlsx"]),
    help="Default: what FILE ends with, else canonical.",
)
@click.option(
    "--what", type=click.Choice(["actions", "decisions"]), default="actions", show_default=True,
    help="Which rows a .csv or .json has; .xlsx has a sheet of each.",
)  # fmt: skip
@click.option("--from", "since", help="Only what opened, or was decided, at that time or later.")
@click.option("--to", "until", help="Only what opened, or was decided, before that time.")
@click.option("--customer", help="Only what is about this customer.")
@click.option("--playbook", help="Only what is of this playbook.")
@click.option("--force", is_flag=True, help="Overwrite FILE where it is there already.")
@click.pass_obj
def export(
    desk: Desk, file: Path | None, form: str | None, what: str, since: str | None, until: str | None,
    customer: str | None, playbook: str | None, *, force: bool,
) -> None:  # fmt: skip
    """Write what was done and decided, one row each: for an auditor, or for a program.

    A sheet (.csv, .xlsx) has Chinese headings, times of the business zone, and no formula, whatever
    the data hold. Without FILE it goes to stdout. `canonical` is the whole ledger as JSON lines
    that two equal ledgers share.

    \b
    Examples:
      care audit export october.xlsx --from 2025-10-01 --to 2025-11-01
      care audit export --format csv --what decisions --customer 17850
      care audit export > ledger.jsonl
    """
    from engine.audit.report import Chosen  # noqa: PLC0415

    form = _form(file, form)
    if form == "canonical" and any((since, until, customer, playbook)):
        raise UsageError("the canonical form is of the whole ledger; say --format csv")
    if file is not None and file.exists() and not force:
        raise UsageError(f"{file.name} is there already; choose another name, or say --force")
    with desk.ledger() as ledger, ledger.snapshot():
        zone = desk.vocabulary(ledger).timezone
        chosen = Chosen(
            since=None if since is None else desk.instant(since, zone),
            until=None if until is None else desk.instant(until, zone),
            customer=customer, playbook=playbook,
        )  # fmt: skip
        if file is None:
            _write(ledger, form, what, chosen, zone, sys.stdout)
            return
        with replaced(file) as half:
            if form == "xlsx":
                _sheets(ledger, half, chosen, zone)
            else:
                with half.open("w", encoding=_encoding(form), newline="") as out:
                    _write(ledger, form, what, chosen, zone, out)
    click.echo(f"care: {file.name} is written", err=True)


def _form(file: Path | None, form: str | None) -> str:
    """Return the format that is meant. Raises UsageError."""
    from engine.audit.report_files import FORMS  # noqa: PLC0415

    suffix = file.suffix.casefold().removeprefix(".") if file else ""
    found = form or (suffix if suffix in FORMS else "canonical")
    if file is None and found == "xlsx":
        raise UsageError("a workbook needs a file: care audit export october.xlsx")
    if file is not None and form is None and suffix not in (*FORMS, "jsonl"):
        raise UsageError(f"{file.name}: write .csv, .json, .xlsx or .jsonl, or say --format")
    return found


def _encoding(form: str) -> str:
    return "utf-8-sig" if form == "csv" else "utf-8"  # Excel takes it for UTF-8 by this mark only


def _write(
    ledger: Ledger, form: str, what: str, chosen: Chosen, zone: str, out: IO[str]
) -> None:  # fmt: skip
    from engine.audit.report import ACTIONS, DECISIONS, rows_of  # noqa: PLC0415
    from engine.audit.report_files import write_csv, write_json  # noqa: PLC0415
    from engine.export import canonical_lines  # noqa: PLC0415

    if form == "canonical":
        for line in canonical_lines(ledger):
            out.write(f"{line}\n")
        return
    columns = ACTIONS if what == "actions" else DECISIONS
    write = write_csv if form == "csv" else write_json
    if not write(out, columns, rows_of(ledger, columns, chosen), zone):
        click.echo(f"care: no {what} match", err=True)


def _sheets(ledger: Ledger, path: Path, chosen: Chosen, zone: str) -> None:
    from engine.audit.report import ACTIONS, DECISIONS, rows_of  # noqa: PLC0415
    from engine.audit.report_files import write_xlsx  # noqa: PLC0415

    sheets = {
        "动作": (ACTIONS, rows_of(ledger, ACTIONS, chosen)),
        "决定": (DECISIONS, rows_of(ledger, DECISIONS, chosen)),
    }
    if not any(write_xlsx(path, sheets, zone).values()):
        click.echo("care: nothing matches", err=True)
