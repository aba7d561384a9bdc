"""What the summary of an import says."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.console_import import render_import
from engine.intake import ImportSummary
from tests.projects import project


@pytest.mark.parametrize(
    ("rows", "passed", "rejected", "said"),
    [
        (
            1, 1, 1,
            ["1 row", "  1 row passed over: no customer", "  1 row can't be read; it is in r.csv"],
        ),
        (
            1_200, 2, 3,
            ["1,200 rows", "  2 rows passed over: no customer", "  3 rows can't be read; they are in r.csv"],
        ),
    ],
)  # fmt: skip
def test_one_row_is_no_rows(rows: int, passed: int, rejected: int, said: list[str]) -> None:
    """A single row is told as one, of the file, passed over and rejected."""
    found = ImportSummary(
        file="a.csv", kind="csv", encoding="", rows=rows, added=0, corrected=0, known=0, repeated=0,
        replaced=0, dropped=0, rejected=rejected, rejects=Path("r.csv"), reasons={},
        passed={"no customer": passed}, events={}, versions=0, unchanged=0, customers=0,
        first_at=None, last_at=None, first_seq=None, last_seq=None,
    )  # fmt: skip

    first, _, *rest = render_import(found, project().vocabulary).splitlines()
    assert [first.removeprefix("a.csv (csv): "), *rest] == said
