"""What the commands share: the project in hand, the clock, and how things are shown."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from rules.errors import Finding, InputError, Level, UsageError

if TYPE_CHECKING:
    from engine.ledger import Ledger
    from rules.playbook import Project
    from rules.vocabulary import Vocabulary

__all__ = [
    "FINDINGS",
    "FORMAT",
    "Desk",
    "Progress",
    "count_of",
    "leave",
    "progress_bar",
    "replaced",
    "show",
]

FINDINGS = 3  #: exit code: nothing is broken, but a person should look

Progress = Callable[[int, int | None], None]

FORMAT = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="text for people, json for scripts.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where a command works. ``clock`` gives the wall time as an instant; it comes from cli.py."""

    folder: Path | None  #: -C
    clock: Callable[[], int]

    def root(self) -> Path:
        """Return the project's folder. Raises UsageError where there is none."""
        if self.folder is not None:
            if not (self.folder / "care.yaml").is_file():
                raise UsageError(f"no care.yaml in {self.folder}")
            return self.folder.resolve()
        here = Path.cwd()
        for folder in (here, *here.parents):
            if (folder / "care.yaml").is_file():
                return folder
        raise UsageError(
            "no care.yaml here or above; `care init DIR` makes a project, -C names one"
        )

    def project(self, *, talk: bool = False) -> Project:
        """Load the project; ``talk`` names playbooks that are left out on stderr."""
        from rules.project import load  # noqa: PLC0415  slow

        project = load(self.root())
        if talk:
            for finding in project.findings:
                if finding.level is Level.ERROR:
                    click.echo(str(finding), err=True)
            for name in project.broken:
                click.echo(
                    f"care: {name} is left out until it is mended; its journeys wait", err=True
                )
        return project

    def vocabulary(self, ledger: Ledger) -> Vocabulary:
        """Return the names and settings that the last run had; before the first, the project's.

        Without reading the project, which takes longer the more playbooks there are.
        """
        from engine.configs import Configs  # noqa: PLC0415  slow

        found = Configs(ledger).last()
        return found.vocabulary if found else self.project().vocabulary

    @contextlib.contextmanager
    def ledger(self, *, create: bool = False) -> Iterator[Ledger]:
        """Open the project's ledger and close it again."""
        from engine.ledger import open_ledger  # noqa: PLC0415  slow
        from engine.paths import paths_of  # noqa: PLC0415

        ledger = open_ledger(paths_of(self.root()).ledger, create=create)
        try:
            yield ledger
        finally:
            ledger.close()

    def instant(self, text: str | None, zone: str) -> int:
        """Return the instant that a flag names; without one, now. Raises UsageError."""
        from rules.units import from_iso  # noqa: PLC0415

        if text is None:
            return self.clock()
        try:
            return from_iso(text, zone)
        except ValueError:
            raise UsageError(
                f'"{text}" is no time; write 2011-12-09 or 2011-12-09T13:00 (in zone {zone})'
            ) from None


def show(value: object, form: str, text: Callable[[], str], zone: str = "UTC") -> None:
    """Print a value as JSON, or the text made of it."""
    from engine.console import as_json  # noqa: PLC0415  slow

    click.echo(as_json(value, zone) if form == "json" else text())


def count_of(findings: Sequence[Finding]) -> str:
    """Return ``2 errors, 1 warning``."""
    errors = sum(finding.level is Level.ERROR for finding in findings)
    warnings = len(findings) - errors
    parts = [f"{errors} error{'' if errors == 1 else 's'}"]
    if warnings:
        parts.append(f"{warnings} warning{'' if warnings == 1 else 's'}")
    return ", ".join(parts)


def leave(code: int) -> NoReturn:
    """Leave with an exit code."""
    raise click.exceptions.Exit(code)


@contextlib.contextmanager
def progress_bar(label: str) -> Iterator[Progress | None]:
    """Yield a progress callback that draws on a terminal; None elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415  slow
    from rich.progress import Progress as Bar  # noqa: PLC0415

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None)

        def advance(done: int, total: int | None) -> None:
            bar.update(task, completed=done, total=total)

        yield advance


@contextlib.contextmanager
def replaced(file: Path) -> Iterator[Path]:
    """Yield a path beside a file that takes its place once all is written.

    Raises InputError where it can't be written.
    """
    half = file.with_name(f".{file.name}.half")
    try:
        yield half
        half.replace(file)
    except OSError as error:
        raise InputError(f"{file} can't be written: {error.strerror or error}") from error
    finally:
        half.unlink(missing_ok=True)
