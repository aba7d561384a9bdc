"""The commands of the shipped library: library, add."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.commands.desk import FINDINGS, FORMAT, Desk, leave, show
from rules.errors import UsageError

if TYPE_CHECKING:
    from rules.playbook import Project

__all__ = ["add", "library"]


@click.command()
@click.argument("playbook", required=False)
@FORMAT
@click.pass_obj
def library(desk: Desk, playbook: str | None, form: str) -> None:
    """Show the shipped playbooks, or one of them: what for, what it needs, what is missing here.

    \b
    Examples:
      care library
      care library complaint_loop
      care library --format json
    """
    from engine.console_library import library_json, render_book, render_library  # noqa: PLC0415
    from engine.library import book, books  # noqa: PLC0415  slow

    root, project = _here(desk)
    if playbook is None:
        found = books()
        show(library_json(found, root, project), form, lambda: render_library(found, root, project))
        return
    one = book(playbook)
    show(library_json((one,), root, project)[0], form, lambda: render_book(one, root, project))


@click.command()
@click.argument("playbook")
@click.option(
    "--update", is_flag=True, help="Take the newer version of copies you have not edited."
)
@FORMAT
@click.pass_obj
def add(desk: Desk, playbook: str, form: str, *, update: bool) -> None:
    """Copy PLAYBOOK of the library into the project, with its texts and tests.

    What is there already is never overwritten: where the library has something else, the difference is
    shown. Leaves with 3 where something is left to you: a difference, or a word that care.yaml or
    shared.yaml lacks.

    \b
    Examples:
      care add birthday
      care add complaint-loop --update
    """
    from engine.console_library import addition_json, render_addition  # noqa: PLC0415
    from engine.library import add as copy  # noqa: PLC0415  slow

    root = desk.root()
    done = copy(root, playbook, _project(root), update=update)
    show(addition_json(done), form, lambda: render_addition(done))
    if done.open:
        leave(FINDINGS)


def _here(desk: Desk) -> tuple[Path | None, Project | None]:
    """Return the project's folder and the project, as far as there are any."""
    try:
        root = desk.root()
    except UsageError:
        if desk.folder is not None:
            raise
        return None, None
    return root, _project(root)


def _project(root: Path) -> Project | None:
    """Return the project of a folder; None where a shared file is wrong."""
    from rules.project import check  # noqa: PLC0415

    return check(root)[0]
