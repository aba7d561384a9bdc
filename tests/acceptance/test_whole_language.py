"""The whole language, as an ops person writes it, goes through ``care check``.

``tests/golden/language`` holds every row of the handbook.
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


def write_project(folder: Path) -> Path:
    """Write the project of the language, with a text for each that it names."""
    shutil.copytree(LANGUAGE, folder)
    rest = (folder / "other-rows.yaml").read_text(encoding="utf-8").split("\n---\n")
    (folder / "other-rows.yaml").unlink()
    for number, text in enumerate(rest):
        book = folder / "playbooks" / f"row-{number:02}.yaml"
        book.write_text(text, encoding="utf-8")
    (folder / "templates").mkdir()
    for name in TEXTS:
        (folder / "templates" / name).write_text("您好", encoding="utf-8")
    care = (folder / "care.yaml").read_text(encoding="utf-8")
    own = "  account_manager: text\n"
    assert care.count(own) == 1
    (folder / "care.yaml").write_text(
        care.replace(own, f"{own}  points: number\n"), encoding="utf-8"
    )
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


def test_every_row_is_accepted(tmp_path: Path) -> None:
    """There is no error in any row, and no doubt about its steps; its channels are the real ones."""
    code, found = check(write_project(tmp_path / "project"))

    assert code == 0
    assert {each["level"] for each in found} == {"warning"}
    assert {each["code"] for each in found} <= {
        "no-owner", "again-unclear", "unknown-purpose", "unannounced-year",
    }  # fmt: skip
