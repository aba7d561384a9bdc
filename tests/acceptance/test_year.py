"""A real log day by day, with ten playbooks of all kinds, and then everything once more."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("CARE_DATA", ROOT.parent / "shared" / "data"))


@pytest.mark.long
def test_a_second_pass_over_real_days_adds_nothing() -> None:
    """Seven weeks of Online Retail: all days again, the last one again and the file again add no row,
    and a second shop that works through the same days has the same ledger, byte for byte.
    """
    if not (DATA / "online_retail.parquet").exists():
        pytest.skip("the real log online_retail.parquet is not here: set CARE_DATA to its folder")
    done = subprocess.run(
        [sys.executable, "-m", "bench.year", "--days", "50", "--apart", "2"],
        cwd=ROOT, env={**os.environ, "CARE_DATA": str(DATA)}, capture_output=True, text=True,
        check=False, timeout=900,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "a second pass added 0 rows" in done.stdout
    assert "the export is equal, byte for byte" in done.stdout
    assert "quarterly_review  journeys:" in done.stdout
