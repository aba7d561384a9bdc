"""Golden files: the exact words that an ops person sees for each broken file.

``tests/golden/check/NAME.yaml`` is a playbook, ``NAME/`` holds files of a project; both stand on
the sound project in ``base/``. ``pytest --update-golden`` rewrites the texts; the diff is the
review.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from rules.project import check_files

FOLDER = Path(__file__).parents[1] / "golden" / "check"
BASE = FOLDER / "base"
CASES = sorted(
    path for path in FOLDER.iterdir() if path.suffix == ".yaml" or (path.is_dir() and path != BASE)
)


def files_of(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def shown(files: Mapping[str, bytes]) -> str:
    _, findings = check_files(files)
    return "".join(f"{finding}\n" for finding in findings)


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_broken_projects_get_exactly_these_words(case: Path, update_golden: bool) -> None:
    """Every mistake in the file is told, once, in the words of the golden file."""
    own = {f"playbooks/{case.name}": case.read_bytes()} if case.is_file() else files_of(case)
    found = shown({**files_of(BASE), **own})
    golden = case.with_suffix(".txt")
    if update_golden:
        golden.write_text(found, encoding="utf-8")

    assert golden.read_text(encoding="utf-8") == found
    assert found


def test_the_project_below_them_is_sound() -> None:
    """What the golden files say comes from the broken file alone."""
    assert shown(files_of(BASE)) == ""


def test_there_are_at_least_forty() -> None:
    """The issue asks for forty broken playbooks."""
    assert len(CASES) >= 40
