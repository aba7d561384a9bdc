"""What the handbook says of each playbook, before it is written as Markdown or HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from engine.handbook.deeds import Deeds
from engine.handbook.flow import Lane, flow_of
from engine.handbook.house import house_sentences
from engine.handbook.sentences import Sentences
from engine.handbook.tongue import Tongue, label
from rules.measures import CustomerClass, NamedMeasure, Segment
from rules.playbook import Choose, Existing, Playbook, Project, Step, Wait, walk
from rules.resolve import closure, playbook_references
from rules.vocabulary import BUILT_IN_EVENTS

__all__ = ["Chapter", "Handbook", "Row", "handbook", "tongue_of"]

_HAN = re.compile("[\u4e00-\u9fff]")
_NOTED = re.compile(r"#\s*([a-z][a-z ]*?):\s*(.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table of steps; a heading says which way is taken below."""

    number: str
    name: str
    what: str = ""
    when: str = ""
    who: str = ""
    details: tuple[str, ...] = ()
    heading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One playbook."""

    name: str
    title: str
    file: str
    facts: tuple[tuple[str, str], ...]  #: label and sentence
    rows: tuple[Row, ...]
    flow: tuple[Lane, ...]
    starts: tuple[str, ...]  #: what begins it, any of these
    definitions: tuple[tuple[str, str], ...]  #: name and meaning
    house: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Handbook:
    """All playbooks of a project, for people."""

    title: str
    tongue: Tongue
    chapters: tuple[Chapter, ...]
    left_out: tuple[str, ...]  #: files of playbooks with errors

    def label(self, name: str, *parts: object) -> str:
        """Return one of the page's own words, filled in."""
        return label(name, self.tongue, *parts)


def tongue_of(project: Project) -> Tongue:
    """Return the language of a project: Chinese where half of its titles are."""
    events = project.vocabulary.events.values()
    titles = [book.title for book in project.playbooks]
    titles += [event.title for event in events if event.name not in BUILT_IN_EVENTS]
    titles.append(project.vocabulary.business)
    named = [title for title in titles if title]
    chinese = sum(bool(_HAN.search(title)) for title in named)
    return Tongue.ZH if named and chinese * 2 >= len(named) else Tongue.EN


def handbook(project: Project, tongue: Tongue, names: tuple[str, ...] = ()) -> Handbook:
    """Return the handbook of a project, or of the playbooks named; unknown names are passed over."""
    chosen = [book for book in project.playbooks if not names or book.name in names]
    titles = {book.name: book.title for book in project.playbooks}
    return Handbook(
        title=label("page", tongue, project.vocabulary.business or project.root.rpartition("/")[2]),
        tongue=tongue,
        chapters=tuple(_chapter(project, book, tongue, titles) for book in chosen),
        left_out=project.broken,
    )


def _chapter(project: Project, book: Playbook, tongue: Tongue, titles: dict[str, str]) -> Chapter:
    say = Sentences(
        tongue=tongue, vocabulary=project.vocabulary, catalogue=book.catalogue, titles=titles
    )
    names = {step.name: getattr(step, "title", "") for step in walk(book.steps)}
    deeds = Deeds(say=say, steps=names)
    begins = [say.trigger(trigger) for trigger in book.triggers]
    return Chapter(
        name=book.name,
        title=book.title or book.name,
        file=book.file,
        facts=tuple(_facts(book, say, begins)),
        rows=tuple(_rows(book.steps, deeds)),
        flow=flow_of(book.steps, deeds),
        starts=tuple(begins),
        definitions=tuple(_definitions(book, say)),
        house=tuple(house_sentences(project.house, book, say)),
    )


def _facts(book: Playbook, say: Sentences, begins: list[str]) -> Iterator[tuple[str, str]]:
    yield from _remarks(book.source, say)
    for words in begins:
        yield say.label("begins"), words
    if book.only is not None:
        yield say.label("whom"), say.condition(book.only)
    if book.excepted is not None:
        yield say.label("except"), say.condition(book.excepted)
    often = say.often(book)
    if book.existing is Existing.ENROL:
        often += f"{'; ' if say.tongue is Tongue.EN else '；'}{say.label('enrol')}"
    yield say.label("often"), often
    if book.holdout:
        yield say.label("holdout"), f"{float(book.holdout * 100):g}%"
    for stop in book.stops:
        yield say.label("ends"), say.stop(stop)
    yield say.label("owner"), book.owner
    yield say.label("status"), say.label(book.status.value)
    yield say.label("purpose"), book.purpose
    if book.priority:
        yield say.label("priority"), str(book.priority)


def _remarks(source: str, say: Sentences) -> Iterator[tuple[str, str]]:
    """Yield the comments at the head of a file, as far as they are for people."""
    notes: list[str] = []
    for line in source.splitlines():
        if not line.startswith("#"):
            break
        noted = _NOTED.fullmatch(line.strip())
        if noted and noted[1] in ("handbook", "intent", "not for"):
            yield say.label(noted[1]), noted[2]
        elif "yaml-language-server" not in line and line.strip("# "):
            notes.append(line.strip("# "))
    if notes:
        yield say.label("note"), " ".join(notes)


def _rows(steps: tuple[Step, ...], deeds: Deeds, prefix: str = "") -> Iterator[Row]:
    for number, step in enumerate(steps, start=1):
        place = f"{prefix}{number}"
        yield Row(
            number=place,
            name=deeds.steps.get(step.name) or step.name,
            what=deeds.what(step),
            when=deeds.when(step),
            who=deeds.who(step),
            details=tuple(deeds.details(step)),
        )
        for letter, (words, inside) in zip("abcdefghijklmnopqrstuvwxyz" * 9, _ways(step, deeds), strict=False):  # fmt: skip
            yield Row(number=f"{place}{letter}", name=words, heading=True)
            yield from _rows(inside, deeds, f"{place}{letter}.")


def _ways(step: Step, deeds: Deeds) -> Iterator[tuple[str, tuple[Step, ...]]]:
    """Yield the ways on from a step, those with steps."""
    say = deeds.say
    if isinstance(step, Choose):
        for branch in step.branches:
            asked = branch.condition
            yield say.label("else") if asked is None else say.condition(asked), branch.steps
    elif isinstance(step, Wait):
        for name, inside in (("came", step.then), ("timeout", step.otherwise)):
            if inside:
                yield say.label(name), inside


def _definitions(book: Playbook, say: Sentences) -> Iterator[tuple[str, str]]:
    used = closure(book.catalogue, playbook_references(book)).values()
    found = [each for each in used if isinstance(each, Segment | CustomerClass | NamedMeasure)]
    order = (Segment, CustomerClass, NamedMeasure)
    for definition in sorted(found, key=lambda each: (order.index(type(each)), each.name)):
        name = definition.name
        title = "" if isinstance(definition, NamedMeasure) else definition.title
        yield f"{title} ({name})" if title and title != name else name, say.definition(definition)
