"""What ``care library`` and ``care add`` print."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from engine.console import table
from engine.library import Addition, Book, Change, State, snippets, state_of
from engine.library_needs import Needs, missing
from rules.playbook import Project

__all__ = [
    "addition_json",
    "library_json",
    "render_addition",
    "render_book",
    "render_library",
]

_SAID = {
    State.ABSENT: "-",
    State.SAME: "here",
    State.NEWER: "here, newer in the library",
    State.EDITED: "here, edited",
    State.OWN: "your own",
}
_DONE = {
    State.SAME: "is here already",
    State.NEWER: "is an older version: take the newer one with --update",
    State.EDITED: "was edited here and stays as it is",
    State.OWN: "is your own and stays as it is",
}


def library_json(
    found: Sequence[Book], root: Path | None, project: Project | None
) -> list[dict[str, object]]:
    """Return the playbooks of the library; ``here`` and ``missing`` are null outside a project."""
    return [
        {
            "playbook": book.name,
            "title": book.title,
            "owner": book.owner,
            "purpose": book.purpose,
            "intent": book.intent,
            "not_for": book.not_for,
            "handbook": list(book.handbook),
            "files": list(book.files),
            "needs": _needs_json(book.needs),
            "here": state_of(root, book).value if root else None,
            "missing": _needs_json(missing(book.needs, project)) if project else None,
        }
        for book in found
    ]


def addition_json(done: Addition) -> dict[str, object]:
    """Return what ``care add`` did; ``missing`` is null where the project has errors."""
    return {
        "playbook": done.book.name,
        "files": [
            {
                "file": each.file,
                "before": each.state.value,
                "written": each.written,
                "difference": each.difference,
            }
            for each in done.changes
        ],
        "missing": _needs_json(done.lacking) if done.lacking else None,
    }


def render_library(found: Sequence[Book], root: Path | None, project: Project | None) -> str:
    """Return the list: a line a playbook."""
    head = ["handbook", "playbook", "title", "owner", "needs"]
    here = ["here", "missing here"] if root else []
    rows = []
    for book in found:
        row = [", ".join(book.handbook), book.name, book.title, book.owner, str(book.needs.count)]
        if root:
            lacking = str(missing(book.needs, project).count) if project else "?"
            row += [_SAID[state_of(root, book)], "-" if lacking == "0" else lacking]
        rows.append(row)
    tail = "care library PLAYBOOK shows one of them; care add PLAYBOOK copies it into the project"
    if root and project is None:
        tail += "\nthe project has errors, so what is missing is not known; care check shows them"
    return f"{table([*head, *here], rows)}\n{tail}"


def render_book(book: Book, root: Path | None, project: Project | None) -> str:
    """Return everything about one playbook."""
    lines = [
        f"{book.name}  {book.title}",
        f"  for:       {book.intent}",
        f"  not for:   {book.not_for}",
        f"  owner:     {book.owner}; purpose: {book.purpose}",
        f"  handbook:  {', '.join(book.handbook)}",
        "  files:",
        *(f"    {file}" for file in book.files),
        "  needs:",
        *(f"    {line}" for line in _needs_lines(book.needs)),
    ]
    if root:
        lines.append(f"  here:      {_SAID[state_of(root, book)]}")
    if project:
        lacking = list(_needs_lines(missing(book.needs, project)))
        lines += ["  missing here:", *(f"    {line}" for line in lacking or ["nothing"])]
    return "\n".join(lines)


def render_addition(done: Addition) -> str:
    """Return what was done with each file, and what the project lacks, ready to be pasted."""
    lines = [line for change in done.changes for line in _change_lines(change)]
    if done.lacking is None:
        lines.append(
            "the project has errors, so what is missing is not known; care check shows them"
        )
    elif done.lacking.count:
        lines.append("")
        lines.append(
            f"{done.book.name} needs what is not here yet; the library writes it like this:"
        )
        for file, section, text in snippets(done.lacking):
            lines.append(f"# {file}" if file else "# playbooks that it begins")
            lines += [f"{section}:", text]
        if done.lacking.routing:
            lines += [
                "# house.yaml: the channel of `do: message`",
                "routing:",
                "  - {use: CHANNEL}",
            ]
    else:
        lines.append("nothing is missing; next: care check && care test")
    return "\n".join(lines)


def _change_lines(change: Change) -> Iterator[str]:
    if change.state is State.ABSENT:
        yield f"{change.file} was copied"
    elif change.written:
        yield f"{change.file} is the newer version now; what changed:"
    else:
        yield f"{change.file} {_DONE[change.state]}"
    if change.difference:
        yield change.difference


def _needs_json(wanted: Needs) -> dict[str, object]:
    found: dict[str, object] = {section: list(names) for section, names in wanted.lines()}
    if wanted.routing:
        found["routing"] = True
    return found


def _needs_lines(wanted: Needs) -> Iterator[str]:
    for section, names in wanted.lines():
        yield f"{section}: {', '.join(names)}"
    if wanted.routing:
        yield "routing in house.yaml, for `do: message`"
