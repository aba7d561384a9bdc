"""Reads a file of tests: the story of each, against the names of the project.

A test with a mistake is left out, with its findings; the others stay.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from rules.errors import Finding, Level, did_you_mean
from rules.history import Datum
from rules.parse.place import Place
from rules.parse.testfile_expect import read_expected
from rules.parse.testfile_story import Stage, read_events, read_values
from rules.parse.testfile_time import read_instant, read_rhythm
from rules.playbook import Playbook, Project, StartOther, walk
from rules.source import read_yaml
from rules.testfile import Case, CaseFile, Expected, Happening, Occurs, Rhythm, Sets, When

__all__ = ["read_cases"]

_HOUR = 3_600_000_000
_MOST_RUNS = 200_000  #: of one test; hourly, that is more than twenty years
_REACHING = ("opens", "at", "closes")  #: what an expectation names that the story has to reach


@dataclass(slots=True, kw_only=True)
class _Story:
    """What tests and ``given`` have in common, as far as it was written."""

    customers: dict[str, dict[str, Datum | None]]
    events: Sequence[Place] = ()
    house: str | None = None
    live: int | None = None
    rhythm: Rhythm = field(default_factory=Rhythm)


def read_cases(
    data: bytes, file: str, project: Project, codes: Collection[str]
) -> tuple[CaseFile, tuple[Finding, ...]]:
    """Return the sound tests of a file, and everything that is wrong with it, sorted by place.

    ``codes`` are the words that ``because`` takes.
    """
    from rules.schema import validate  # noqa: PLC0415  jsonschema is slow to import

    node, found = read_yaml(data, file)
    findings = list(found)
    if node is None:
        return CaseFile(file=file, broken=1), tuple(findings)
    findings += validate(node, "test")
    root = Place(node=node, path="", findings=[])
    cases, broken = _Reader(root, file, project, codes, list(findings)).cases()
    told = {(one.span.line, one.span.col) for one in findings}
    findings += [one for one in root.findings if (one.span.line, one.span.col) not in told]
    return (
        CaseFile(file=file, cases=tuple(cases), broken=broken),
        tuple(sorted(findings, key=lambda finding: finding.order)),
    )


class _Reader:
    def __init__(
        self,
        root: Place,
        file: str,
        project: Project,
        codes: Collection[str],
        before: list[Finding],
    ) -> None:
        self.root, self.file, self.project, self.codes = root, file, project, codes
        self.before = [one for one in before if one.level is Level.ERROR]
        self.books = {book.name: book for book in project.playbooks}

    def cases(self) -> tuple[list[Case], int]:
        """Return the sound tests and how many are not."""
        place = self.root.get("tests")
        items = place.items("`tests`") if place is not None and place.is_list() else []
        book = self._book(self.root.get("playbook"))
        beside = self._with(self.root)
        given = self._story(self.root.get("given"), None)
        outside = [one for one in self.before if not one.path.startswith("tests/")]
        if book is None or beside is None or outside or self.root.findings or not items:
            return [], max(1, len(items))
        found: list[Case] = []
        names: set[str] = set()
        for item in items:
            told = len(self.root.findings)
            case = self._case(item, book, beside, given, names)
            wrong = any(f"{one.path}/".startswith(f"{item.path}/") for one in self.before)
            if case is not None and not wrong and len(self.root.findings) == told:
                found.append(case)
        return found, len(items) - len(found)

    def _case(
        self, place: Place, book: Playbook, beside: Sequence[str], given: _Story, names: set[str]
    ) -> Case | None:
        name = (found.text("test") or "") if (found := place.get("test")) else ""
        if name in names and found is not None:
            found.error("name-clash", "another test of this file has this name", "give it another")
        names.add(name)
        more = self._with(place)
        if more is None:
            return None
        story = self._story(place, given)
        story.customers = story.customers or {"K1": {}}
        books = self._reached([book.name, *beside, *more])
        stage = Stage(
            vocabulary=self.project.vocabulary, customers=tuple(story.customers),
            books=[self.books[each] for each in books], zone=self.project.vocabulary.timezone,
            main=book.name,
        )  # fmt: skip
        happenings = read_events(story.events, stage)
        lines = place.get("expect")
        items = lines.items("`expect`") if lines is not None and lines.is_list() else []
        read = [read_expected(item, stage, self.codes) for item in items]
        until = place.get("until")
        last = None if until is None else read_instant(until, stage.zone)
        expect = tuple(one for one in read if one is not None)
        if happenings is None or len(expect) < len(read) or (until is not None and last is None):
            return None
        if not happenings and story.live is None and not story.rhythm.moments:
            place.error(
                "bad-test", "nothing happens in this test", "add `events`, or say when it is `live`"
            )
            return None
        last = _last(happenings, expect, story) if last is None else last
        first = min((one.at for one in happenings), default=story.live or last)
        if (last - first) // (story.rhythm.every.seconds * 1_000_000) > _MOST_RUNS:
            place.error(
                "bad-test", f"that is more than {_MOST_RUNS} runs", "write runs: every day at 08:00"
            )
            return None
        return Case(
            file=self.file, name=name, playbook=book.name, books=books,
            customers=story.customers, happenings=tuple(happenings), house=story.house,
            live=story.live, rhythm=story.rhythm,
            until=last,
            expect=expect, span=place.span,
        )  # fmt: skip

    def _story(self, place: Place | None, given: _Story | None) -> _Story:
        story = _Story(customers={}) if given is None else _copy(given)
        if place is None or not place.is_mapping():
            return story
        vocabulary = self.project.vocabulary
        zone = vocabulary.timezone
        customers = place.get("customers")
        if customers is not None and not customers.empty:
            for name, attributes in customers.pairs("`customers`"):
                values = {} if attributes.empty else read_values(attributes, vocabulary)
                story.customers[name] = {**story.customers.get(name, {}), **values}
        events = place.get("events")
        if events is not None and events.is_list():
            story.events = [*story.events, *events.items()]
        live, runs, house = place.get("live"), place.get("runs"), place.get("house")
        if live is not None:
            story.live = read_instant(live, zone)
        if runs is not None:
            story.rhythm = read_rhythm(runs, zone) or story.rhythm
        if house is not None:
            story.house = house.text("house")
        return story

    def _book(self, place: Place | None) -> Playbook | None:
        """Return the playbook behind a name, or the stem of its file; reports an unknown one."""
        text = None if place is None else place.text()
        if place is None or text is None:
            return None
        if text in self.books:
            return self.books[text]
        stems = {_stem(book.file): book for book in self.books.values()}
        if text in stems:
            return stems[text]
        if text.replace("-", "_") in {
            _stem(file).replace("-", "_") for file in self.project.broken
        }:
            place.error(
                "broken-playbook", f'playbook "{text}" has errors', "mend it first: care check"
            )
            return None
        place.error("unknown-playbook", f'no playbook "{text}"', did_you_mean(text, self.books))
        return None

    def _with(self, place: Place) -> list[str] | None:
        beside = place.get("with")
        if beside is None:
            return []
        found = [self._book(item) for item in beside.each()]
        return None if None in found else [book.name for book in found if book is not None]

    def _reached(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return playbooks with those that their ``start:`` steps begin, sorted."""
        found: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            book = self.books.get(name)
            if book is not None and name not in found:
                found.add(name)
                waiting += [one.playbook for one in walk(book.steps) if isinstance(one, StartOther)]
        return tuple(sorted(found))


def _copy(story: _Story) -> _Story:
    customers = {name: dict(values) for name, values in story.customers.items()}
    return _Story(
        customers=customers, events=story.events, house=story.house, live=story.live,
        rhythm=story.rhythm,
    )  # fmt: skip


def _stem(file: str) -> str:
    return file.rpartition("/")[2].removesuffix(".yaml")


def _last(happenings: Sequence[Happening], expect: Sequence[Expected], story: _Story) -> int:
    """Return the last instant that a test names."""
    found = [0 if story.live is None else story.live + _HOUR, *story.rhythm.moments]
    # What people do at T they do after the run of T: the next one sees it.
    found += [one.arrives if isinstance(one, Occurs | Sets) else one.at + 1 for one in happenings]
    found += [
        wanted.value.high - 1
        for line in expect
        for wanted in line.wanted
        if wanted.key in _REACHING and isinstance(wanted.value, When) and not line.flag("never")
    ]
    return max(found)
