"""The house rules of the language page run: each example of house.yaml, beside playbooks it binds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.language_claims import HOUSE
from tests.language_log import day
from tests.language_page import base, blocks
from tests.language_story import Story, page_files

EXAMPLES = [text for file, text in blocks() if file == "house.yaml"]
#: Work for the rules, beside the two playbooks of the page's first project.
BOOKS = {
    "talk": "trigger: {event: visit}\nsteps:\n  - {step: hello, do: message, due: within 20 days}\n",
    "offers": (
        "purpose: retention\ntrigger: {event: visit}\nsteps:\n"
        "  - {step: offer, do: letter, due: within 20 days}\n"
        "  - {step: more, from: entry, do: letter, due: within 20 days}\n"
        "  - {step: ring, from: entry, do: call, due: within 20 days, assign: support}\n"
    ),
    "series": "trigger: {event: signup}\nsteps:\n" + "".join(
        f"  - {{step: news_{number}, from: entry, do: letter, due: within 40 days}}\n"
        for number in range(11)
    ),
}  # fmt: skip
#: When each example runs: by day, and on two evenings after visits of that day.
NIGHTS = (day(10, "22:00"), day(12, "22:30"))
MOMENTS = {
    1: (*(day(number, "12:00") for number in (0, 13, 24, 40, 41, 45)),),
    2: (*(day(number, "12:00") for number in (0, 3, 9, 16, 22, 28, 40, 41)),),
    3: (day(0), day(9, "12:00"), *NIGHTS, day(13)),
    4: (day(0), day(9, "12:00"), *NIGHTS, day(13)),
    5: (day(0), day(11), day(13)),
}


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The firm's log, with some who sign up while the playbooks are live."""
    story = Story(tmp_path_factory.mktemp("log"), page_files())
    path = story.load_log()
    story.take(
        {"event": "signup", "customer": name, "at": day(9)} for name in ("c01", "c04", "c05")
    )
    return path


@pytest.mark.parametrize("number", range(1, len(EXAMPLES) + 1))
def test_every_example_of_the_house_binds(number: int, log: Path, tmp_path: Path) -> None:
    """Rules, caps, quiet hours, consent and routing of each example do what the page says of them."""
    books = {
        f"playbooks/{name}.yaml": f"playbook: {name}\nowner: us\n{text}"
        for name, text in BOOKS.items()
    }
    house = {"house.yaml": EXAMPLES[number - 1]}
    if "routing:" not in EXAMPLES[number - 1]:
        house["house.yaml"] += "routing: [{use: letter}]\n"
    story = Story(tmp_path, {**base(), **page_files(), **books, **house}, log)
    project = story.project
    assert project.broken == (), "\n".join(map(str, project.findings))
    story.live(*MOMENTS[number])
    found = {fact for book in project.playbooks for fact in story.facts(book.name)}

    assert set(HOUSE[number]) - found == set()
