"""A care project on disk, read and checked whole: everything that is wrong, at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from rules.canonical import canonical, digest, fingerprint
from rules.check import definition_warnings, house_warnings
from rules.check_steps import start_findings, step_warnings
from rules.errors import Finding, Level, ProjectError, Span
from rules.measures import Catalogue
from rules.nodes import Node
from rules.parse.asked import asked_fields
from rules.parse.definitions import Definitions, read_definitions
from rules.parse.house import read_house
from rules.parse.names import Names, Section
from rules.parse.place import Place
from rules.parse.playbook import read_playbook
from rules.parse.reporting import read_reports
from rules.parse.scope import Around
from rules.parse.undeclared import with_undeclared
from rules.parse.vocabulary import read_vocabulary
from rules.playbook import Do, HouseRules, Playbook, Project, Status, walk
from rules.project_texts import Texts
from rules.resolve import closure, playbook_references, template_files
from rules.source import read_yaml

__all__ = ["Folder", "Reading", "check", "check_files", "load"]

CARE, SHARED, HOUSE = "care.yaml", "shared.yaml", "house.yaml"
#: No part of what a playbook does: where it stands and what only people read.
_LABELS = frozenset({"words", "title", "strategy", "marks"})


def load(root: Path) -> Project:
    """Return the project in a folder, with its sound playbooks.

    Raises ProjectError, with every finding, where care.yaml is missing or a shared file is wrong.
    """
    project, findings = check(root)
    if project is None:
        raise ProjectError(findings)
    return project


def check(root: Path) -> tuple[Project | None, tuple[Finding, ...]]:
    """Return the project (None where a shared file is wrong) and all that is wrong with it."""
    return check_files(Folder(root), root=str(root.resolve()))


def check_files(
    files: Mapping[str, bytes], *, root: str = "."
) -> tuple[Project | None, tuple[Finding, ...]]:
    """Return what ``check`` returns, of files by their path in the project."""
    reading = Reading(source=files, root=root)
    project = reading.project()
    findings = reading.findings()
    if project is None:
        return None, findings
    return replace(project, findings=findings), findings


class Folder(Mapping[str, bytes]):
    """The files of a project folder, each read when it is asked for; OSError passes through."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __getitem__(self, name: str) -> bytes:
        path = self.root / name
        try:
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            raise KeyError(name) from None

    def __iter__(self) -> Iterator[str]:
        for name in (CARE, SHARED, HOUSE):
            if (self.root / name).is_file():
                yield name
        folders = [(self.root / "playbooks").glob("*"), (self.root / "templates").rglob("*")]
        for path in sorted(each for found in folders for each in found):
            if path.is_file():
                yield path.relative_to(self.root).as_posix()

    def __len__(self) -> int:
        return sum(1 for _ in self)


@dataclass(slots=True)
class _File:
    """One file: its tree, and what each stage found."""

    name: str
    node: Node | None = None
    text: str = ""
    mended: bool = False  #: the YAML loader found errors: keys may be missing from the tree
    read: list[Finding] = field(default_factory=list)  #: by the YAML loader and the schema
    parsed: list[Finding] = field(default_factory=list)

    @property
    def place(self) -> Place | None:
        """Return the root of the file's tree."""
        if self.node is None:
            return None
        return Place(node=self.node, path="", findings=self.parsed)

    def findings(self) -> list[Finding]:
        """Return what was found, each mistake once."""
        better = {(each.path, each.code) for each in self.parsed if each.hint}
        read = [each for each in self.read if (each.path, each.code) not in better or _flat(each)]
        return [*read, *(each for each in self.parsed if not _told(each, read))]

    @property
    def broken(self) -> bool:
        """True where something is an error."""
        return any(found.level is Level.ERROR for found in self.findings())


#: What the schema says about a place says it about everything below.
_WHOLE = frozenset({"wrong-shape", "bad-word", "empty-value", "unknown-key"})
#: What is said about a key that is not there.
_ABSENT = frozenset({"missing-key", "no-owner", "no-assignee"})
#: Mistakes that the schema and the readers both see at the same place.
_BOTH = frozenset({*_WHOLE, "missing-key"})


def _flat(finding: Finding) -> bool:
    """Tell whether the readers have nothing to add to what the schema says."""
    return finding.code != "wrong-shape"


def _told(found: Finding, before: Iterable[Finding]) -> bool:
    """Tell whether the loader or the schema has said it already."""
    for told in before:
        if told.level is not Level.ERROR:
            continue
        if (
            not told.path
            and told.code not in _BOTH
            and (told.span.file, told.span.line) == (found.span.file, found.span.line)
        ):
            return True  # the loader: what stands on that line is not what was meant
        if told.span == found.span and told.code in _BOTH:
            return True
        if told.code in _WHOLE and told.path and f"{found.path}/".startswith(f"{told.path}/"):
            return True
        if told.code == found.code == "missing-key" and told.path == found.path:
            return True
        above = told.path.rpartition("/")[0]
        if told.code == "unknown-key" and found.code in _ABSENT and found.path == above:
            return True  # it is there, misspelt
    return False


@dataclass(slots=True)
class Reading:
    """The reading of one project folder."""

    source: Mapping[str, bytes]
    root: str
    files: dict[str, _File] = field(default_factory=dict)
    digests: dict[int, tuple[object, str]] = field(default_factory=dict)  #: by identity
    texts: Texts = field(init=False)
    defined: Definitions | None = None  #: of care.yaml and shared.yaml, once ``project`` read them
    around: Around | None = None

    def __post_init__(self) -> None:
        self.texts = Texts(self.source)

    def findings(self) -> tuple[Finding, ...]:
        """Return the findings of all files, by place."""
        found = {finding for file in self.files.values() for finding in file.findings()}
        return tuple(sorted(found, key=lambda finding: finding.order))

    def project(self) -> Project | None:
        """Read everything; None where a shared file is wrong."""
        care = self.file(CARE, "care")
        shared = self.file(SHARED, "shared")
        house = self.file(HOUSE, "house")
        books = [self.file(name, "playbook") for name in self._playbook_names()]
        if care.place is None or not care.place.is_mapping():
            return None
        names = read_vocabulary(care.place)
        if care.mended:
            names.opened |= set(Section)
        trees = [(book.name, book.node, book.parsed) for book in books]
        asked = asked_fields(names.vocabulary, trees)
        if Section.ATTRIBUTES not in names.opened:
            taken = _defined([shared, *books])
            asked = replace(asked, vocabulary=with_undeclared(asked.vocabulary, trees, taken))
        names.vocabulary = asked.vocabulary
        defined = _definitions(shared, names)
        known = frozenset(_playbook_name(book) for book in books)
        reports = read_reports(care.place.get("reports"), defined.names)
        rules = read_house(house.place, defined.names, known) if house.place else HouseRules()
        around = Around(
            template=self.texts.missing,
            text=self.texts.read,
            routing=rules is None or bool(rules.routing),
            playbooks=known,
        )
        self.defined, self.around = defined, around
        playbooks = self._playbooks(books, defined, around, unsound=care.broken or shared.broken)
        vocabulary, catalogue = names.vocabulary, defined.catalogue
        if care.broken or shared.broken or house.broken or rules is None:
            return None
        shared.parsed += definition_warnings(vocabulary, catalogue, SHARED)
        if not any(book.broken for book in books):
            house.parsed += house_warnings(rules, playbooks)
            found = list(self.texts.unused(playbooks))
            self.files["templates"] = _File(name="templates", parsed=found)
        return Project(
            root=self.root,
            vocabulary=vocabulary,
            catalogue=catalogue,
            house=rules,
            playbooks=tuple(playbooks),
            broken=tuple(book.name for book in books if book.broken),
            config_hash=fingerprint(
                [
                    canonical(vocabulary, skip=frozenset({"title", "business"})),
                    canonical(rules),
                    canonical(catalogue, skip=_LABELS),
                    [[each.name, each.revision, each.status.value] for each in playbooks],
                ]
            ),
            asked=dict(asked.fields),
            reports=reports,
        )

    def _playbooks(
        self, books: list[_File], defined: Definitions, around: Around, *, unsound: bool
    ) -> list[Playbook]:
        """Return the sound playbooks; ``unsound`` shared definitions are not evaluated."""
        found: dict[str, Playbook] = {}
        for book in books:
            if book.place is None:
                continue
            playbook = read_playbook(
                book.place,
                defined.names,
                defined.catalogue,
                around,
                file=book.name,
                source=book.text,
            )
            if playbook is None or book.broken:
                continue
            if playbook.name in found:
                first = found[playbook.name].file
                message = f'the playbook "{playbook.name}" stands in {first} already'
                name = book.place.get("playbook")
                assert name is not None
                name.error("name-clash", message, "give one of them another name")
                continue
            if playbook.catalogue is not defined.catalogue and not unsound:
                book.parsed += definition_warnings(
                    defined.names.vocabulary, playbook.catalogue, book.name
                )
            book.parsed += step_warnings(playbook, templates=bool(self.texts.files))
            found[playbook.name] = replace(playbook, revision=self.revision(playbook))
        by_name = {book.name: book for book in books}
        for finding in start_findings(list(found.values())):
            by_name[finding.span.file].parsed.append(finding)
        return [each for each in found.values() if not by_name[each.file].broken]

    def revision(self, playbook: Playbook) -> str:
        """Return the hash of everything that can change what the playbook does."""
        bare = replace(
            playbook,
            title="",
            file="",
            owner="",
            status=Status.ACTIVE,
            revision="",
            catalogue=Catalogue(measures={}, segments={}, classes={}),
        )
        steps = (step for step in walk(playbook.steps) if isinstance(step, Do))
        texts = sorted({file for step in steps for file in template_files(step.template)})
        reached = closure(playbook.catalogue, playbook_references(playbook))
        return fingerprint(
            [
                canonical(bare, skip=frozenset({"words"})),
                {name: self._digest(definition) for name, definition in reached.items()},
                [[path, digest(playbook.texts.get(path))] for path in texts],
            ]
        )

    def _digest(self, definition: object) -> str:
        """Return a definition's hash, computed once: playbooks share most of them."""
        key = id(definition)
        if key not in self.digests:
            self.digests[key] = (definition, digest(definition, skip=_LABELS))
        return self.digests[key][1]

    def _playbook_names(self) -> list[str]:
        found: list[str] = []
        for name in sorted(self.source):
            folder, _, file = name.rpartition("/")
            if folder != "playbooks" or file.startswith("."):
                continue
            if name.endswith(".yaml"):
                found.append(name)
            elif name.endswith(".yml"):
                self.files[name] = _File(name=name, read=[_not_read(name)])
        return found

    def file(self, name: str, kind: str) -> _File:
        """Read one file by the loader and the schema."""
        file = self.files[name] = _File(name=name)
        place = Span(name, 1, 1)
        try:
            data = self.source[name]
        except KeyError:
            if name == CARE:
                message = f"there is no care.yaml in {self.root}"
                hint = "go to a project's folder, or make one with `care init`"
                file.read.append(
                    Finding(code="missing-file", message=message, hint=hint, span=place)
                )
            return file
        except OSError as error:
            message = f"the file can't be read: {error.strerror}"
            file.read.append(Finding(code="unreadable-file", message=message, span=place))
            return file
        file.node, found = read_yaml(data, name)
        if name in (SHARED, HOUSE):
            found = tuple(each for each in found if each.code != "empty-file")
        file.read += found
        file.mended = any(each.level is Level.ERROR for each in found)
        file.text = data.decode("utf-8", "replace").removeprefix("\ufeff")
        if file.node is not None:
            from rules.schema import validate  # noqa: PLC0415 -- jsonschema is slow to import

            file.read += validate(file.node, kind)
        return file


def _definitions(shared: _File, names: Names) -> Definitions:
    if shared.mended:
        names.opened |= {Section.MEASURES, Section.SEGMENTS, Section.CLASSES}
    place = shared.place
    if place is None or not place.is_mapping():
        empty = Catalogue(measures={}, segments={}, classes={})
        return Definitions(names=names, catalogue=empty)
    return read_definitions(place, names)


def _defined(files: Iterable[_File]) -> frozenset[str]:
    """Return the names that the definitions of some files give, as far as they can be read."""
    found: set[str] = set()
    for file in files:
        for section in ("measures", "segments", "classes"):
            place = file.place.get(section) if file.place else None
            if place and place.is_mapping():
                found |= {name for name, _ in place.pairs()}
    return frozenset(found)


def _playbook_name(book: _File) -> str:
    """Return the name of a playbook, also of one that can't be read; else that of its file."""
    found = re.search(r"^playbook:[ \t]*([^\s#]+)", book.text, re.MULTILINE)
    return found[1].strip("\"'") if found else Path(book.name).stem


def _not_read(name: str) -> Finding:
    return Finding(
        level=Level.WARNING,
        code="file-name",
        message="this file is not read",
        hint=f"name it {name.removesuffix('.yml')}.yaml",
        span=Span(name, 1, 1),
    )
