"""A project with another text in one of its files, without reading the others again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from rules.canonical import fingerprint
from rules.check_steps import start_findings
from rules.errors import Level, ProjectError
from rules.parse.playbook import read_playbook
from rules.playbook import Playbook, Project
from rules.project import SHARED, Folder, Reading, check_files

__all__ = ["Variants", "playbook_of", "variants_of"]


class Variants:
    """A sound project, and what it is with another text in one file."""

    def __init__(self, files: Mapping[str, bytes], *, root: str = ".") -> None:
        """Read a project of files by their path in it. Raises ProjectError where a shared one is wrong."""
        self._files = _Changed(files)
        self._reading = Reading(source=self._files, root=root)
        project = self._reading.project()
        if project is None:
            raise ProjectError(self._reading.findings())
        self.project = project

    def text(self, file: str) -> str:
        """Return what a file of the project says, "" where there is none."""
        found = self._reading.files.get(file)
        return found.text if found else ""

    def with_playbook(self, name: str, text: str) -> Project | None:
        """Return the project with another text of one playbook; None where that is not sound.

        What tasks ask for stays as the project has it: the new text must not ask for more. Raises
        KeyError for a name that no playbook has.
        """
        before = playbook_of(self.project, name)
        after = self._read(before.file, text)
        if after is None or after.name != name:
            return None
        books = [after if each.name == name else each for each in self.project.playbooks]
        if any(found.level is Level.ERROR for found in start_findings(books)):
            return None
        config = fingerprint([self.project.config_hash, after.revision])
        return replace(self.project, playbooks=tuple(books), config_hash=config)

    def with_shared(self, text: str) -> Project | None:
        """Return the project with another shared.yaml, all read anew; None where it is not sound."""
        files = _Changed(self._files.below, {SHARED: text.encode()})
        project, _ = check_files(files, root=self.project.root)
        sound = project is not None and project.broken == self.project.broken
        return project if sound else None

    def _read(self, file: str, text: str) -> Playbook | None:
        reading = self._reading
        kept = reading.files[file]
        self._files.changed[file] = text.encode()
        try:
            book = reading.file(file, "playbook")
        finally:
            self._files.changed.clear()
            reading.files[file] = kept
        assert reading.defined is not None
        assert reading.around is not None
        if book.place is None or book.broken:
            return None
        defined = reading.defined
        found = read_playbook(
            book.place, defined.names, defined.catalogue, reading.around,
            file=file, source=book.text,
        )  # fmt: skip
        if found is None or book.broken:
            return None
        return replace(found, revision=reading.revision(found))


def variants_of(root: Path) -> Variants:
    """Return the variants of a project folder. Raises ProjectError where a shared file is wrong."""
    return Variants(Folder(root), root=str(root.resolve()))


def playbook_of(project: Project, name: str) -> Playbook:
    """Return a playbook by name. Raises KeyError."""
    for book in project.playbooks:
        if book.name == name:
            return book
    raise KeyError(name)


class _Changed(Mapping[str, bytes]):
    """Files of which some say something else."""

    def __init__(self, below: Mapping[str, bytes], changed: dict[str, bytes] | None = None) -> None:
        self.below = below
        self.changed = changed or {}

    def __getitem__(self, name: str) -> bytes:
        return self.changed[name] if name in self.changed else self.below[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.below)

    def __len__(self) -> int:
        return len(self.below)
