"""The language page is true and complete: its examples pass ``check``, and nothing is missing.

What is proved about completeness:

- each key of each table of the JSON Schemas stands in the tables of its section, and in an example;
- each word of each enumeration of the language is read from some example, each kind of test, measure
  and condition too.

Something new in the language: give it a row and an example in its section, a new code of ``check`` its
row, and a new table of the schemas its line in SECTIONS.
"""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest

from engine.words import Reason
from rules import (
    conditions,
    houserules,
    ingest,
    measures,
    playbook,
    reporting,
    steps,
    units,
    vocabulary,
)
from rules.channel_kinds import CHANNEL_KINDS
from rules.conditions import Condition, Test
from rules.measures import Measure
from rules.parse.phrase import EXAMPLES
from rules.playbook import Project
from rules.schema import SCHEMAS
from rules.steps import Step
from rules.vocabulary import BUILT_IN_EVENTS
from tests.language_page import (
    BLOCK,
    CODE,
    PAGE,
    ROW,
    base,
    blocks,
    checked,
    code,
    first_words,
    sections,
)

ROOT = Path(__file__).parents[2]

#: Title of a table in the schemas -> the sections of the page that explain its keys.
SECTIONS: dict[str, tuple[str, ...]] = {
    "care.yaml": ("care.yaml", "Working time"),
    "an event": ("Events", "Which events"),
    "a type": ("Types",),
    **{f"a channel of kind {kind}": ("Channels",) for kind in CHANNEL_KINDS},
    "ingest": ("Ingest",),
    "a name of theirs": ("Ingest",),
    "reports": ("Reports",),
    "replies": ("Reports",),
    "a limit": ("Reports",),
    "a role": ("Roles",),
    "limits": ("care.yaml", "Who and how often"),
    "shared.yaml": ("shared.yaml",),
    "a measure": ("Measures",),
    "a condition": ("Conditions",),
    "a segment": ("Segments",),
    "a class": ("Classes",),
    "a value of a class": ("Classes",),
    "a playbook": ("A playbook", "Who and how often", "stop_when"),
    "a trigger": ("Triggers", "Triggers of time"),
    "a step": (
        "Steps", "Tasks for people", "Again", "Texts", "Waiting and choosing", "Writing and beginning",
    ),
    "template": ("Texts",),
    "done_when": ("Tasks for people",),
    "if_overdue": ("Tasks for people",),
    "retry": ("Again",),
    "repeat": ("Again",),
    "wait": ("Waiting and choosing",),
    "a branch": ("Waiting and choosing",),
    "a line of stop_when": ("stop_when",),
    "house.yaml": ("house.yaml", "Caps, quiet hours, consent", "Routing"),
    "a rule": ("house.yaml",),
    "when": ("house.yaml",),
    "work": ("house.yaml",),
    "running": ("house.yaml",),
    "a cap": ("Caps, quiet hours, consent",),
    "quiet": ("Caps, quiet hours, consent",),
    "consent": ("Caps, quiet hours, consent",),
    "a line of routing": ("Routing",),
}  # fmt: skip
#: Where a short word is explained in the words around it.
IN_WORDS = (steps.AnchorKind, steps.AskedKind, measures.Quantity, vocabulary.FieldKind)
#: What nobody writes: care works it out, or the project as a whole says it.
NOT_WRITTEN = {("Project", "broken"), ("Project", "findings"), ("Quiet", "path")}
#: Where the types of playbooks and house.yaml, and the enumerations of the language stand.
BOOKS = (playbook, steps, houserules)
MODULES = (*BOOKS, conditions, ingest, measures, reporting, vocabulary, units)


@cache
def projects() -> tuple[Project, ...]:
    """Return the projects of all examples."""
    found = [checked(file, text)[0] for file, text in blocks()]
    return tuple(project for project in found if project)


@pytest.mark.parametrize(("file", "text"), blocks())
def test_examples_pass_check(file: str, text: str) -> None:
    """``check`` has nothing to say about any example, not even a warning."""
    project, findings = checked(file, text)

    assert [str(finding) for finding in findings] == []
    assert project is not None


def test_every_example_is_checked() -> None:
    """No YAML of the page escapes the test above, and the page begins with a whole project."""
    assert len(blocks()) == PAGE.count("```yaml")
    assert set(base()) == {file for file, _ in blocks()}


def test_links_within_the_page_lead_somewhere() -> None:
    """Every link to a section of the page names one."""
    headings = {re.sub(r"[^\w -]", "", name).lower().replace(" ", "-") for name in sections()}
    named = set(re.findall(r"\]\(#([^)]+)\)", PAGE))
    assert named

    assert named - headings == set()


# ---------------------------------------------------------------- keys


def tables(schema: Any) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield title, key and schema of every key that may be written."""
    if isinstance(schema, dict):
        if "properties" in schema and "additionalProperties" in schema:
            for key, part in schema["properties"].items():
                yield schema["title"], key, part
        for key, part in schema.items():
            if key != "examples":
                yield from tables(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from tables(part)


@cache
def keys() -> dict[str, dict[str, Mapping[str, Any]]]:
    """Return title -> key -> its schema, of all files but import maps and tests, which have pages of their own."""
    found: dict[str, dict[str, Mapping[str, Any]]] = defaultdict(dict)
    for kind, (schema, shapes) in SCHEMAS.items():
        if kind not in ("import", "test"):
            for title, key, part in tables([schema, shapes]):
                found[title][key] = part
    return dict(found)


def test_every_table_has_its_section() -> None:
    """A new table in a schema needs a section here."""
    assert set(keys()) == set(SECTIONS)
    assert {name for names in SECTIONS.values() for name in names} <= set(sections())


@pytest.mark.parametrize("title", SECTIONS)
def test_every_key_is_explained(title: str) -> None:
    """Every key that may be written stands in a table of its section."""
    explained = {word for section in SECTIONS[title] for word in first_words(section)}

    assert set(keys()[title]) - explained == set()


@pytest.mark.parametrize("title", SECTIONS)
def test_every_key_has_an_example(title: str) -> None:
    """Every key that may be written stands in an example of its section, or in the first project."""
    shown = "".join(
        text
        for section in ("A whole project", *SECTIONS[title])
        for _, text in BLOCK.findall(sections()[section])
    )

    assert {key for key in keys()[title] if not re.search(rf"\b{key}:", shown)} == set()


@pytest.mark.parametrize("title", SECTIONS)
def test_no_key_is_invented(title: str) -> None:
    """What the tables of a section call a key is one, or a word of one."""
    known = {key for table in SECTIONS for key in keys()[table]}
    known |= set(BUILT_IN_EVENTS) | {each.value for each in words_of(MODULES)}
    odd = {
        word
        for section in SECTIONS[title]
        for word in first_words(section)
        if re.fullmatch("[a-z_]+", word) and word not in known
    }

    assert odd == set()


def test_closed_words_are_explained() -> None:
    """Every closed word of a key stands in the page, as code."""
    spans = code()
    wanted = {
        str(choice["const"])
        for known in keys().values()
        for schema in known.values()
        for choice in schema.get("oneOf", ())
        if choice["const"] not in (True, False)
    }

    assert {word for word in wanted if not re.search(rf"\b{word}\b", spans)} == set()


# ---------------------------------------------------------------- words and kinds


def words_of(modules: Iterable[ModuleType]) -> set[StrEnum]:
    """Return every word of every enumeration of these modules."""
    return {
        word
        for module in modules
        for name, kind in vars(module).items()
        if isinstance(kind, type) and issubclass(kind, StrEnum) and kind is not StrEnum
        if kind.__module__ == module.__name__ and not name.startswith("_")
        for word in kind
    }


def parts(value: object, seen: set[int]) -> Iterator[object]:
    """Yield a value and all that it is made of."""
    if id(value) in seen and not isinstance(value, StrEnum):
        return
    seen.add(id(value))
    yield value
    inner: Iterable[object] = ()
    if dataclasses.is_dataclass(value):
        inner = [getattr(value, each.name) for each in dataclasses.fields(value)]
    elif isinstance(value, Mapping):
        inner = value.values()
    elif isinstance(value, tuple | list):
        inner = value
    for part in inner:
        yield from parts(part, seen)


@cache
def met() -> list[object]:
    """Return everything that the examples are read into."""
    return list(parts(projects(), set()))


def test_no_room_of_the_language_escapes() -> None:
    """Whatever the examples are read into stands in one of the modules above."""
    rooms = {type(each).__module__ for each in met() if dataclasses.is_dataclass(each)}
    rooms |= {type(each).__module__ for each in met() if isinstance(each, StrEnum)}

    assert rooms == {
        "rules.errors",
        "rules.templates.text",
        *(module.__name__ for module in MODULES),
    }


def test_every_word_is_in_an_example() -> None:
    """Every word of the language's enumerations is read from an example."""
    read = {(type(each), each) for each in met() if isinstance(each, StrEnum)}
    missing = {
        f"{type(word).__name__}.{word.name}"
        for word in words_of(MODULES)
        if (type(word), word) not in read
    }

    assert missing == set()


def test_every_word_is_in_the_page() -> None:
    """Every word of the language's enumerations is told in the page, as code."""
    spans = code()
    where = {
        word: PAGE if isinstance(word, IN_WORDS) else spans
        for word in words_of(MODULES)
        if not isinstance(word, conditions.SubjectKind)
    }
    missing = {
        f"{type(word).__name__}.{word.name}"
        for word, text in where.items()
        if not re.search(rf"\b{re.escape(word.value)}", text)
    }

    assert missing == set()


@pytest.mark.parametrize(
    "union", [Test, Measure, Condition, Step], ids=["tests", "measures", "conditions", "steps"]
)
def test_every_kind_is_in_an_example(union: Any) -> None:
    """Every kind of test, of measure, of condition and of step is read from an example."""
    read = {type(each) for each in met()}

    assert {kind.__name__ for kind in get_args(union) if kind not in read} == set()


def told(kind: type) -> str:
    """Return what a type of the language is called; all kinds of steps are one."""
    return "a step" if kind in get_args(Step) else kind.__name__


def test_every_property_is_in_an_example() -> None:
    """Whatever a playbook or house.yaml may say, some example says other than it is without it."""
    said = {
        (told(type(each)), field.name)
        for each in met()
        if dataclasses.is_dataclass(each)
        for field in dataclasses.fields(each)
        if getattr(each, field.name) != field.default
    }
    every = {
        (told(kind), field.name)
        for module in BOOKS
        for kind in vars(module).values()
        if dataclasses.is_dataclass(kind) and kind.__module__ == module.__name__
        for field in dataclasses.fields(kind)
    }

    assert every - said == NOT_WRITTEN


def patterns() -> dict[str, re.Pattern[str]]:
    """Return the phrases of the page's table of tests, with what they match: ``at least V``."""
    cells = ROW.findall(sections()["Tests"])
    phrases = {phrase for cell in cells for phrase in CODE.findall(cell)}
    blank = re.compile(r"\b[A-Z]\b|[\d%]+")  # D, 30%
    return {
        phrase: re.compile(".+?".join(re.escape(part) for part in blank.split(phrase)))
        for phrase in phrases
    }


def test_every_phrase_is_in_an_example() -> None:
    """Every phrase of the table of tests is the test of some example."""
    written = {each.words for each in met() if isinstance(each, conditions.Compare)}
    found = patterns()
    assert len(found) > 20

    assert {
        phrase
        for phrase, pattern in found.items()
        if not any(pattern.fullmatch(words) for words in written)
    } == set()


def test_every_phrase_that_the_parser_offers_is_in_the_table() -> None:
    """What a message tells people to write stands in the table of tests."""
    offered = {
        phrase
        for hint in EXAMPLES.values()
        for phrase in re.split(r", (?:or )?| or ", hint.removeprefix("write "))
        if " " in phrase and not phrase.startswith(("the ", "a list"))
    }
    rest = [pattern for phrase, pattern in patterns().items() if " " in phrase]
    assert offered

    assert {each for each in offered if not any(p.fullmatch(each) for p in rest)} == set()


def test_moments() -> None:
    """All four tests of a moment are read from examples."""
    told = {each.word for each in met() if isinstance(each, conditions.Moment)}

    assert told == {"within last", "ago", "between ago", "within next"}


# ---------------------------------------------------------------- events, reasons


def test_built_in_events_are_explained() -> None:
    """Every event that care writes, with all its fields, stands in the page."""
    rows = dict(re.findall(r"^\| `(care_\w+)` \| (.+) \|$", sections()["Events"], re.MULTILINE))

    assert {name: set(event.fields) for name, event in BUILT_IN_EVENTS.items()} == {
        name: set(CODE.findall(fields)) for name, fields in rows.items()
    }


def test_the_page_names_every_reason() -> None:
    """Every reason is named in the page, as "(reason ...)", beside the key that makes it."""
    groups = re.findall(r"\(reasons?\s([^)]+)\)", PAGE)
    named = {code for group in groups for code in CODE.findall(group)}

    assert named == {reason.value for reason in Reason}
