"""The shipped slice gives the figures that were counted independently, by hand-written SQL over it.

The whole file gives 1,449 and 43; the slice, a fifth of its customers, 299 and 6.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.scaffold import init

ROOT = Path(__file__).resolve().parents[2]


def care(folder: Path, *words: str) -> Any:
    """Run the program and return what it prints as JSON."""
    done = subprocess.run(
        [sys.executable, "-m", "cli", *words, "--format", "json"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "shop"
    init(folder, "online-retail")
    care(
        folder,
        *("import", "data/online-retail-slice.parquet", "--map", "imports/online-retail.yaml"),
    )
    return folder


def test_segments_of_the_slice(shop: Path) -> None:
    """Lapsed and dropping customers are those that plain SQL counts."""
    rows = care(shop, "segments", "--at", "2011-12-09T13:00")
    counts = {row["segment"]: row["customers"] for row in rows}

    assert {name: counts[name] for name in ("bought", "lapsed", "dropping")} == {
        "bought": 871,
        "lapsed": 299,
        "dropping": 6,
    }


def test_journeys_of_the_slice(shop: Path) -> None:
    """Nobody is forgotten: 27 first orders make 27 journeys, and each of 56 cancellations is decided."""
    runs = care(
        shop,
        *("run", "--from", "2011-11-21T08:00", "--to", "2011-12-09T08:00", "--every", "1 day"),
    )
    starts: dict[str, int] = {}
    decided: dict[str, int] = {}
    for run in runs:
        for told in run["starts"]:
            name, count = told["playbook"], told["count"]
            decided[name] = decided.get(name, 0) + count
            if told["what"] == "started":
                starts[name] = starts.get(name, 0) + count

    assert starts["new_customer"] == 27
    assert decided["after_complaint"] == 56
