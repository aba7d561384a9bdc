"""The language page runs: every example, in a project with a log, does what the page says of it.

Each example of a playbook has a line in ``language_claims``; a new one needs its own there, and
customers in ``language_log`` whom it meets. What has to do with dates runs in ``test_language_time``,
house.yaml in ``test_language_house``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.facts import Facts
from engine.log import open_log
from engine.paths import paths_of
from engine.segments import segment_table
from engine.words import Reason
from rules.playbook import Split, walk
from rules.schema import SCHEMAS
from tests.factories import at
from tests.language_claims import CLAIMS, ELSEWHERE, HOUSE, IDLE_BOOKS
from tests.language_log import day, late_events
from tests.language_page import blocks
from tests.language_story import Example, Lived, Story, examples, page_files, settled
from tests.zygote import Zygote

TESTS = Path(__file__).parents[1]
EXAMPLES = [one for one in examples() if not one.dated]
#: Nearly daily for a month; who is late with everything comes to an end in the second.
DAYS = (0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 14, 16, 18, 22, 24, 31, 36, 44, 46)
#: What people do besides their tasks, after the run of the fourth day: file, old text, new text.
EDIT = ("a_playbook_3", "due: within 3 working days", "due: within 4 working days")
START = ("start", "triggers_5", "c04", "--key", "x", "--at", day(4, "18:00"))


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The firm's log, without what comes late."""
    return Story(tmp_path_factory.mktemp("log"), page_files()).load_log()


@pytest.fixture(scope="module")
def lived(log: Path, tmp_path_factory: pytest.TempPathFactory, zygote: Zygote) -> Lived:
    """The examples two months on."""
    return told(tmp_path_factory.mktemp("lived"), log, zygote)


def told(root: Path, log: Path, zygote: Zygote, **how: Any) -> Lived:
    """Live through two months: with an edit, a start by hand, and events that come late."""
    found = settled(root, log, EXAMPLES)
    story = found.story
    story.through = zygote
    story.live(*(day(number, "12:00") for number in DAYS if number < 5), **how)
    name, old, new = EDIT
    path = root / f"playbooks/{name}.yaml"
    story.book(name, path.read_text(encoding="utf-8").replace(old, new))
    assert story.care(*START).code == 0
    story.live(*(day(number, "12:00") for number in DAYS if 5 <= number <= 10), **how)
    story.take(late_events())
    story.live(*(day(number, "12:00") for number in DAYS if number > 10), **how)
    return found


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_every_example_does_what_it_says(example: Example, lived: Lived) -> None:
    """Each of its triggers begins a journey, each of its steps comes, each line of `stop_when` ends
    one, and what the page tells of it is in the ledger; those that are not active do nothing.
    """
    if example.name in IDLE_BOOKS:
        assert lived.story.facts(example.name) == set()
    else:
        assert lived.missing(example, CLAIMS[example.name]) == []


def test_every_share_of_a_split_is_taken(lived: Lived) -> None:
    """Whoever shares customers out finds some in each share."""
    splits = [
        (name, step)
        for name, book in lived.books.items()
        for step in walk(book.steps)
        if isinstance(step, Split)
    ]
    assert splits

    for name, split in splits:
        found = lived.story.facts(name)
        assert [word for word, _ in split.shares if f"{split.name} done {word}" not in found] == []


def test_every_segment_has_members_and_others(lived: Lived) -> None:
    """Each segment and class value of the page holds for some of the customers and not for all."""
    with open_log(paths_of(lived.story.root).log, writable=False) as log:
        rows = segment_table(lived.story.project, log, at=at(day(12, "12:00")))
    assert len(rows) > 30

    assert {row.name: row.customers for row in rows if not 0 < row.customers < row.population} == {}


def test_every_measure_is_known_of_somebody(lived: Lived) -> None:
    """Each measure of the page has a value for some customer, and not the same one for all."""
    project = lived.story.project
    catalogues = [project.catalogue, *(book.catalogue for book in project.playbooks)]
    customers = [f"c{number:02}" for number in range(1, 21)]
    with open_log(paths_of(lived.story.root).log, writable=False) as log:
        facts = Facts(log, project.vocabulary, at=at(day(22, "12:00")), seq=log.max_seq())
        facts.expect(customers)
        values = {
            name: {facts.evaluator(catalogue, customer).measure(name) for customer in customers}
            for catalogue in catalogues
            for name in catalogue.measures
        }
    assert len(values) > 20

    assert {name for name, seen in values.items() if len(seen) < 2} == set()


@pytest.mark.long
@pytest.mark.parametrize("how", [{"full": True}, {"matcher": "durable"}], ids=["full", "durable"])
def test_it_ends_alike_however_it_is_worked_out(
    lived: Lived, log: Path, tmp_path: Path, zygote: Zygote, how: dict[str, Any]
) -> None:
    """Two months of all examples give the same ledger where every run measures everybody, and where
    the other rule engine decides.
    """
    other = told(tmp_path, log, zygote, **how)
    ledgers = [
        [re.sub(r'\\"matcher\\":\\"[^"]*"', "matcher", line) for line in one.story.export()]
        for one in (lived, other)
    ]
    assert len(ledgers[0]) > 3_000

    assert [line for line in ledgers[0] if '"table":"runs"' not in line] == [
        line for line in ledgers[1] if '"table":"runs"' not in line
    ]


# -- completeness -------------------------------------------------------------------------------


def test_every_example_has_its_claim() -> None:
    """Each example of a playbook or of house.yaml says what it has to show."""
    assert set(CLAIMS) == {one.name for one in examples()}
    assert {name for name, lines in CLAIMS.items() if not lines} == set(IDLE_BOOKS)
    assert set(HOUSE) == set(range(1, [file for file, _ in blocks()].count("house.yaml") + 1))


def keys(schema: object) -> Iterator[str]:
    """Yield every key that may be written, of a schema and all within."""
    if isinstance(schema, dict):
        if "properties" in schema and "additionalProperties" in schema:
            yield from schema["properties"]
        for key, part in schema.items():
            if key != "examples":
                yield from keys(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from keys(part)


def test_every_key_of_the_language_ran() -> None:
    """Each key of the schemas stands in a project that ran."""
    house = [text for file, text in blocks() if file == "house.yaml"]
    ran = "".join([*page_files().values(), *(one.book for one in examples()), *house])
    written = {
        key
        for kind, parts in SCHEMAS.items()
        if kind not in ("import", "test")
        for key in keys([*parts])
    }
    assert len(written) > 100

    assert {key for key in written if not re.search(rf"\b{key}:", ran)} == set()


def test_every_reason_is_shown() -> None:
    """Each reason is made by an example of the page, or by a test that is named with it."""
    lines = [line for claims in (*CLAIMS.values(), *HOUSE.values()) for line in claims]
    shown = {word for line in lines for word in line.split()} & {each.value for each in Reason}
    told = {
        reason
        for reason, (file, name) in ELSEWHERE.items()
        if name in (TESTS / file).read_text(encoding="utf-8")
    }

    assert {each.value for each in Reason} - shown - told == set()
    assert told == set(ELSEWHERE)
    assert shown & told == set()
