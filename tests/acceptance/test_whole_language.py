"""The whole language, as an ops person writes it, goes through ``care check``.

``tests/golden/language`` holds every row of the handbook. What channels of later versions need is
the only thing that is refused.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
LANGUAGE = ROOT / "tests" / "golden" / "language"
#: Every text that a row names.
TEXTS = sorted(
    {
        name
        for file in LANGUAGE.rglob("*.yaml")
        for name in re.findall(r"[a-z0-9-]+\.md", file.read_text(encoding="utf-8"))
    }
)


def write_project(folder: Path, *, texts: bool, own_kinds: bool) -> Path:
    """Write the project of the language; ``own_kinds``: its channels become files."""
    shutil.copytree(LANGUAGE, folder)
    rest = (folder / "other-rows.yaml").read_text(encoding="utf-8").split("\n---\n")
    (folder / "other-rows.yaml").unlink()
    for number, text in enumerate(rest):
        book = folder / "playbooks" / f"row-{number:02}.yaml"
        book.write_text(text, encoding="utf-8")
    if texts:
        (folder / "templates").mkdir()
        for name in TEXTS:
            (folder / "templates" / name).write_text("您好", encoding="utf-8")
    if own_kinds:
        care = (folder / "care.yaml").read_text(encoding="utf-8").splitlines()
        lines = ["  points: number" if "account_manager: text" in line else "" for line in care]
        kept = [
            f"  {line.split(':')[0].strip()}: {{kind: file}}"
            if "kind: smtp" in line or "kind: webhook" in line
            else line
            for line in care
        ]
        both = [text for pair in zip(kept, lines, strict=True) for text in pair if text]
        (folder / "care.yaml").write_text("\n".join(both), encoding="utf-8")
    return folder


def check(folder: Path) -> tuple[int, list[dict[str, Any]]]:
    """Run ``care check`` and return its exit code and findings."""
    done = subprocess.run(
        [sys.executable, "-m", "cli", "check", "--format", "json"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    found = json.loads(done.stdout)
    return done.returncode, found["findings"] if isinstance(found, dict) else found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("language")


def test_every_row_is_accepted(folder: Path) -> None:
    """With channels of this version there is no error in any row, and no doubt about its steps."""
    code, found = check(write_project(folder / "own", texts=True, own_kinds=True))

    assert code == 0
    assert {each["level"] for each in found} == {"warning"}
    assert {each["code"] for each in found} <= {
        "no-owner", "again-unclear", "unknown-purpose", "unannounced-year",
    }  # fmt: skip


def test_only_later_channels_are_refused(folder: Path) -> None:
    """As it stands, steps that name an e-mail channel are refused, and nothing else."""
    code, found = check(write_project(folder / "later", texts=False, own_kinds=False))
    errors = {(each["code"], each["message"].split(": ")[1][:24]) for each in found if each["level"] == "error"}  # fmt: skip

    assert code == 1
    assert errors == {("not-yet", 'channel "email" is of ki')}
