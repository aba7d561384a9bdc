"""Mutants: a playbook with one mistake that a person might make, for asking which test notices."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from engine.testing.notes import Change
from engine.testing.notes_book import changes_of_definitions, changes_of_playbook
from engine.testing.sheet import Sheet
from engine.testing.slips import Kind
from rules.canonical import fingerprint
from rules.playbook import Playbook, Project
from rules.project import SHARED
from rules.resolve import closure, playbook_references
from rules.variants import Variants, playbook_of

__all__ = ["MOST", "Litter", "Mutant", "mutants_of"]

MOST = 60  #: mutants of a playbook that are tried unless more are asked for
_SECTIONS = {"measure": "measures", "segment": "segments", "class": "classes"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A sound playbook that does something else than the one it was made of."""

    id: str  #: ``m-0f3a9c21``: the same as long as the file is
    playbook: str
    kind: Kind
    file: str
    line: int  #: in the file as it is
    words: str  #: ``due: within 1 day became within 2 days``
    hint: str  #: which test would notice
    source: str  #: the file's text with the mistake
    project: Project  #: with the mistake

    @property
    def place(self) -> str:
        """``playbooks/churn.yaml:14``."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Litter:
    """The mutants of one playbook."""

    playbook: str
    mutants: tuple[Mutant, ...]  #: in the order of the file
    stillborn: int = 0  #: mistakes that `care check` finds: they need no test
    equal: int = 0  #: mistakes that change nothing, or the same as another one
    untried: int = 0  #: further mistakes that were not looked at


def mutants_of(
    variants: Variants, playbook: str, *, most: int | None = MOST, shared: bool = False
) -> Litter:
    """Return mutants of one playbook, spread over kinds of mistakes; ``most`` None: all.

    ``shared``: also of the definitions of shared.yaml that it reaches. Raises KeyError for a
    playbook that the project does not have.
    """
    book = playbook_of(variants.project, playbook)
    sources = [_Source(variants, book, book.file, partial(variants.with_playbook, playbook))]
    if shared:
        sources.append(_Source(variants, book, SHARED, variants.with_shared))
    waiting = [(source, change) for source in sources for change in source.changes]
    seen = {book.revision}
    found: list[tuple[Change, Mutant]] = []
    stillborn = equal = tried = 0
    for source, change in _spread(waiting):
        if most is not None and len(found) >= most:
            break
        tried += 1
        mutant = source.mutant(change)
        if mutant is None:
            stillborn += 1
            continue
        revision = playbook_of(mutant.project, playbook).revision
        if revision in seen:
            equal += 1
        else:
            seen.add(revision)
            found.append((change, mutant))
    found.sort(
        key=lambda each: (each[1].file == SHARED, each[0].offset, each[0].kind, each[0].turn)
    )
    return Litter(
        playbook=playbook,
        mutants=tuple(mutant for _, mutant in found),
        stillborn=stillborn,
        equal=equal,
        untried=len(waiting) - tried,
    )


class _Source:
    """One file in which a playbook's meaning stands."""

    def __init__(
        self,
        variants: Variants,
        book: Playbook,
        file: str,
        variant: Callable[[str], Project | None],
    ) -> None:
        self.book = book
        self.file = file
        self.variant = variant
        self.sheet = Sheet(variants.text(file))
        vocabulary = variants.project.vocabulary
        self.changes: Sequence[Change]
        if file == SHARED:
            self.changes = changes_of_definitions(self.sheet, vocabulary, _reached(book))
        else:
            self.changes = changes_of_playbook(self.sheet, vocabulary)

    def mutant(self, change: Change) -> Mutant | None:
        """Return the mutant of a mistake; None where `care check` finds it."""
        source = self.sheet.edited(change.edits)
        project = self.variant(source)
        if project is None:
            return None
        return Mutant(
            id=f"m-{fingerprint([self.file, self.book.name, source])[:8]}",
            playbook=self.book.name,
            kind=change.kind,
            file=self.file,
            line=self.sheet.line(change.offset),
            words=change.words,
            hint=change.hint,
            source=source,
            project=project,
        )


def _reached(book: Playbook) -> dict[str, frozenset[str]]:
    """Return the names of definitions that a playbook reaches: section -> names."""
    found: dict[str, set[str]] = {section: set() for section in _SECTIONS.values()}
    for key in closure(book.catalogue, playbook_references(book)):
        kind, _, name = key.partition(":")
        found[_SECTIONS[kind]].add(name)
    return {section: frozenset(names) for section, names in found.items()}


def _spread(waiting: Iterable[tuple[_Source, Change]]) -> list[tuple[_Source, Change]]:
    """Return mistakes so that any number of the first ones is spread over kinds and places."""
    by_kind: dict[Kind, list[tuple[_Source, Change]]] = {kind: [] for kind in Kind}
    for source, change in waiting:
        by_kind[change.kind].append((source, change))
    ranked = []
    for order, several in enumerate(by_kind.values()):
        several.sort(key=_turn)
        ranked += [(rank, order, each) for rank, each in enumerate(several)]
    ranked.sort(key=lambda found: found[:2])
    return [each for _, _, each in ranked]


def _turn(found: tuple[_Source, Change]) -> tuple[int, str]:
    """Return the key by which first mistakes of a place come first, and places in no order.

    It hangs on words alone, so that an edit elsewhere in the file leaves the choice as it was.
    """
    source, change = found
    return change.turn, fingerprint([source.file, change.words])
