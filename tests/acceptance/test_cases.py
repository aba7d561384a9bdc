"""The cases of docs/cases on real logs: care and plain counting without it name the same customers."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from bench.cases import count_cdnow, count_helpdesk
from tests.factories import REPOSITORY, care

pytestmark = pytest.mark.long
DATA = Path(os.environ.get("CARE_DATA", REPOSITORY.parent / "shared" / "data"))


def made(root: Path, case: str, file: str, start: str, end: str) -> Path:
    """Return the log of a case, of whose project every day was run."""
    data = DATA / file
    if not data.exists():
        pytest.skip(f"the real log {file} is not here: set CARE_DATA to its folder")
    shutil.copytree(REPOSITORY / "bench" / "cases" / case, root)
    days = ("run", "--from", start, "--to", end, "--every", "1 day")
    for words in (("import", str(data), "--map", str(root / f"imports/{case}.yaml")), days):
        said = care("-C", str(root), *words, limit=1800)
        assert said.code == 0, said.err
    return data


def test_the_churn_warning_of_a_music_shop(tmp_path: Path) -> None:
    """The warning reaches the 2,537 customers, on the days, that plain SQL finds."""
    root = tmp_path / "shop"
    data = made(root, "cdnow", "CDNOW_master.txt", "1998-01-01T08:00", "1998-06-30T08:00")
    found = count_cdnow.warned_by_care(root)
    assert found == count_cdnow.warned_by_us(data)
    assert len(found) == 2_537


def test_the_limits_of_a_help_desk(tmp_path: Path) -> None:
    """Of 4,580 tickets the 1,919 that plain counting finds too were not taken up in time; of 1,236
    that waited, 896 were not solved in time.
    """
    root = tmp_path / "desk"
    data = made(root, "helpdesk", "helpdesk.csv", "2010-01-12T18:30", "2014-04-13T18:30")
    rows = count_helpdesk.tickets(data)
    late = count_helpdesk.missed(
        rows, 8, count_helpdesk.first, ("Take in charge ticket",), look=True
    )
    stuck = count_helpdesk.missed(
        rows, 16, count_helpdesk.waits, ("Resolve ticket", "Closed"), look=True
    )
    assert count_helpdesk.escalated(root, "reply") == late
    assert count_helpdesk.escalated(root, "move_on") == stuck
    assert (len(late), len(stuck)) == (1_919, 896)
