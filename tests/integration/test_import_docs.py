"""The guide to importing holds: each of its maps takes its file as the text says."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from engine.intake import import_file
from rules.importmap import read_map
from rules.vocabulary import EventType, FieldKind, FieldType, Vocabulary
from tests.imports import NOW, field, vocabulary

PAGE = Path(__file__).parents[2] / "docs" / "import.md"
EXAMPLE = re.compile(
    r"```csv\n(?P<rows>.*?)```\n.*?```yaml\n(?P<map>.*?)```\n\n<!-- lands: (?P<lands>\d+) -->", re.S
)
EXAMPLES = [found.groups() for found in EXAMPLE.finditer(PAGE.read_text(encoding="utf-8"))]


def of_the_guide() -> Vocabulary:
    """Return the vocabulary that the guide takes for granted."""
    names = ("signup", "complaint_opened", "complaint_resolved", "ticket_wait")
    case = {"case_id": field("case_id", FieldKind.TEXT)}
    events = {name: EventType(name=name, title="", fields=case) for name in names}
    base = vocabulary("Asia/Shanghai")
    order = base.events["order"]
    order = dataclasses.replace(
        order, fields={**order.fields, "country": field("country", FieldKind.TEXT)}
    )
    tags = FieldType(name="tags", kind=FieldKind.WORDS, words=("重点", "新"))
    return dataclasses.replace(
        base,
        events={**base.events, **events, "order": order},
        attributes={**base.attributes, "tags": tags},
    )


@pytest.mark.parametrize(("rows", "text", "lands"), EXAMPLES)
def test_examples_of_the_guide(tmp_path: Path, rows: str, text: str, lands: str) -> None:
    """Each example is sound by schema and parser, and lands as many events or values as it says."""
    found, findings = read_map(text.encode(), "imports/guide.yaml", of_the_guide())
    assert found is not None, "\n".join(map(str, findings))
    file = tmp_path / "rows.csv"
    file.write_text(rows, encoding="utf-8")
    summary = import_file(tmp_path, of_the_guide(), file, found, at=NOW)

    assert findings == ()
    assert (summary.added + summary.versions, summary.rejected) == (int(lands), 0)


def test_every_map_of_the_guide_is_run() -> None:
    """No map of the guide escapes the test above."""
    assert len(EXAMPLES) == PAGE.read_text(encoding="utf-8").count("```yaml\n")
