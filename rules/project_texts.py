"""The texts of a project: what stands below ``templates/``, each file read once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from rules.errors import Finding, Level, Span, did_you_mean
from rules.playbook import Do, Playbook, walk
from rules.resolve import template_files

if TYPE_CHECKING:
    from rules.templates.reader import Reader, Source

__all__ = ["Texts"]

_FOLDER = "templates/"


@dataclass(eq=False)
class Texts:
    """The texts among the files of a project."""

    source: Mapping[str, bytes]
    there: set[str] = field(default_factory=set)  #: files that were asked for and are there

    @cached_property
    def files(self) -> tuple[str, ...]:
        """All files, by their path below templates/."""
        return tuple(name.removeprefix(_FOLDER) for name in self.source if _FOLDER in name)

    @cached_property
    def _reader(self) -> Reader:
        from rules.templates.reader import Reader  # noqa: PLC0415  slow

        return Reader(load=self._load, names=lambda: list(self.files))

    def missing(self, path: str) -> str | None:
        """Return None for a text that is there, else what to write instead.

        A project without any texts yet is warned about by ``step_warnings``.
        """
        if path in self.there or not self.files:
            return None
        if self._load(_FOLDER + path) is not None:
            self.there.add(path)
            return None
        inner = path.removeprefix(_FOLDER)
        return f"write {inner}" if inner in self.files else did_you_mean(path, self.files)

    def read(self, path: str) -> Source | None:
        """Return what a text that is there says; None where the project has no texts yet."""
        return self._reader.read(path) if self.files else None

    def unused(self, playbooks: Iterable[Playbook]) -> Iterator[Finding]:
        """Yield a warning for every file that no step takes; all playbooks have to be sound."""
        used: set[str] = set()
        for book in playbooks:
            steps = (step for step in walk(book.steps) if isinstance(step, Do))
            used |= {file for step in steps for file in template_files(step.template)}
        for file in sorted(used & self.there):
            source = self._reader.read(file)
            attached = source.text.attachments if source.text else ()
            used |= {*source.renders, *(each.removeprefix(_FOLDER) for each in attached)}
        for file in self.files:
            if file not in used and not file.rpartition("/")[2].startswith("."):
                yield Finding(
                    level=Level.WARNING,
                    code="unused-template",
                    message="no step takes this text",
                    hint=f"write `template: {file}` in a step, or delete the file",
                    span=Span(_FOLDER + file, 1, 1),
                )

    def _load(self, name: str) -> bytes | None:
        try:
            return self.source[name]
        except (KeyError, OSError):
            return None
