"""The shell scripts: what they say when something is missing, and that the demo shows what it should."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "scripts"

#: The environment that these tests run in, and the program in it.
HERE = Path(sys.prefix)
CARE = HERE / "bin" / "care"


def sh(*words: str | Path, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a script by plain sh, without a terminal."""
    return subprocess.run(
        ["sh", *map(str, words)],
        cwd=cwd,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("script", ["setup", "test", "demo"])
def test_scripts_are_plain_sh(script: str, tmp_path: Path) -> None:
    """Every script parses in the system's sh, begins with its shebang and stops at errors."""
    text = (SCRIPTS / script).read_text(encoding="utf-8")

    assert sh("-n", SCRIPTS / script, cwd=tmp_path).returncode == 0
    assert text.startswith("#!/bin/sh\n")
    assert "\nset -eu\n" in text


def test_setup_names_a_python_that_does_not_fit(tmp_path: Path) -> None:
    """A wrong PYTHON is one sentence, exit 1, and no environment is made."""
    done = sh(
        SCRIPTS / "setup", cwd=tmp_path, PYTHON="/bin/false", CARE_VENV=str(tmp_path / "venv")
    )

    assert done.returncode == 1
    assert done.stderr == "setup: PYTHON=/bin/false is not a Python 3.11 or later.\n"
    assert not (tmp_path / "venv").exists()


def test_setup_empties_no_folder_that_is_something_else(tmp_path: Path) -> None:
    """A CARE_VENV that holds other files is refused, and the files stay."""
    (tmp_path / "mine.txt").write_text("mine")

    done = sh(SCRIPTS / "setup", cwd=tmp_path, PYTHON=sys.executable, CARE_VENV=str(tmp_path))

    assert done.returncode == 1
    assert "is no virtual environment" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_setup_says_how_to_get_a_python(tmp_path: Path) -> None:
    """On a machine without Python, setup says what to install."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("sh", "dirname", "cat", "cksum"):
        (tools / tool).symlink_to(
            next(p for p in (Path("/bin"), Path("/usr/bin")) if (p / tool).exists()) / tool
        )

    done = sh(SCRIPTS / "setup", cwd=tmp_path, PATH=str(tools), CARE_VENV=str(tmp_path / "venv"))

    assert done.returncode == 1
    assert "needs Python 3.11 or later, and none was found" in done.stderr
    assert "apt install python3 python3-venv" in done.stderr


@pytest.mark.parametrize("words", [("test", "--nonsense"), ("demo", "a", "b")])
def test_wrong_words_are_usage(words: tuple[str, ...], tmp_path: Path) -> None:
    """Arguments that a script does not know are exit 2 with its usage."""
    done = sh(SCRIPTS / words[0], *words[1:], cwd=tmp_path)

    assert done.returncode == 2
    assert done.stderr.startswith(f"usage: sh scripts/{words[0]}")


@pytest.mark.skipif(not CARE.is_file(), reason=f"care is not installed: no {CARE}")
def test_the_demo_shows_the_whole_way(tmp_path: Path) -> None:
    """From a folder with a space, without a terminal: import, runs, segments, tasks, why, journeys."""
    folder = tmp_path / "my shop"

    done = sh(SCRIPTS / "demo", folder, cwd=tmp_path, CARE_VENV=str(HERE), CARE_READY="1")

    assert done.returncode == 0, done.stdout + done.stderr
    shown = [line for line in done.stdout.splitlines() if line.startswith("$ care ")]
    assert [line.split()[2] for line in shown] == [
        *("init", "check", "import", "run", "segments", "tasks", "why", "journeys")
    ]
    assert "79,058 rows" in done.stdout
    assert "Why it began" in done.stdout
    assert (folder / ".care" / "ledger.db").is_file()
