"""docs/working-time.md shows what the program does: its care.yaml is read, its examples are counted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.calendar import WorkingCalendar
from engine.due import window
from rules.parse.due import read_due
from rules.parse.place import Place
from rules.playbook import Due
from rules.project import check_files
from rules.schema_project import CARE
from rules.source import read_yaml
from rules.units import from_iso

PAGE = Path(__file__).parents[2] / "docs" / "working-time.md"
TEXT = PAGE.read_text(encoding="utf-8")
(YAML,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
EXAMPLES = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TEXT.splitlines()
    if re.search(r"\| \d{4}-\d\d-\d\dT", line)
]


def calendar() -> WorkingCalendar:
    project, findings = check_files({"care.yaml": f"care: 1\n{YAML}".encode()})
    assert project is not None, "\n".join(map(str, findings))
    assert findings == ()
    return WorkingCalendar.of(project.vocabulary)


def due(text: str) -> Due:
    node, _ = read_yaml(f"due: {text}".encode(), "f.yaml")
    assert node is not None
    place = Place(node=node, path="", findings=[]).get("due")
    assert place is not None
    found = read_due(place)
    assert found is not None
    return found


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda cells: " ".join(cells[:2]))
def test_every_example_is_what_the_program_says(example: list[str]) -> None:
    """The words in the last column are those of the evidence."""
    text, anchor, *role, expected = example
    mine = calendar()
    instant = from_iso(anchor, mine.timezone)

    assert expected == window(due(text), instant, mine.of_role(role[0] if role else None)).words


def test_there_are_examples() -> None:
    """The page shows each form of counting."""
    assert len(EXAMPLES) >= 10


def test_every_key_of_working_time_is_told() -> None:
    """Each is in the example and has a row."""
    keys = {"timezone", "calendar", "hours", "days_off", "days_on", "half_days",
            "customer_timezone"}  # fmt: skip

    assert keys <= CARE["properties"].keys()
    assert keys <= set(re.findall(r"^(\w+):", YAML, re.MULTILINE))
    assert keys <= set(re.findall(r"^\| `(\w+)`", TEXT, re.MULTILINE))
