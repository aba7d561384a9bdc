"""What the language page shows about dates runs for half a year, on the days that matter."""

from __future__ import annotations

import pytest

from tests.language_claims import CLAIMS
from tests.language_log import day
from tests.language_story import Example, Lived, Story, examples, page_files, settled

EXAMPLES = [one for one in examples() if one.dated]
#: By day: the last working days before holidays, quarters, the day of the year, and between them.
DAYS = (0, 9, 12, 20, 28, 32, 44, 66, 80, 110, 166, 169, 172, 195)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """The examples after half a year."""
    log = Story(tmp_path_factory.mktemp("log"), page_files()).load_log()
    found = settled(tmp_path_factory.mktemp("rare"), log, EXAMPLES)
    found.story.live(*(day(number, "12:00") for number in DAYS))
    return found


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_every_example_of_dates_does_what_it_says(example: Example, lived: Lived) -> None:
    """Each of its triggers begins a journey, each of its steps comes, and the moments are those that
    a calendar shows.
    """
    assert lived.missing(example, CLAIMS[example.name]) == []
