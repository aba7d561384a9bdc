"""What an ops person reads for each mistake in the form of a file, word for word."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules.source import read_yaml

GOLDEN = Path(__file__).parent.parent / "golden" / "source"
FILES = sorted(GOLDEN.glob("*.yaml"))


def told(file: Path) -> str:
    node, findings = read_yaml(file.read_bytes(), file.name)
    lines = [str(finding) for finding in findings]
    if node is None:
        lines.append("(the rest of the file could not be read)")
    return "".join(f"{line}\n" for line in lines)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_words(file: Path, update_golden: bool) -> None:
    """Each mistake is told at its place, in the words of its golden file."""
    expected = file.with_suffix(".txt")
    if update_golden:
        expected.write_text(told(file), encoding="utf-8")

    assert expected.read_text(encoding="utf-8") == told(file)


def test_every_text_has_its_file() -> None:
    """No expected text is left over from a file that is gone."""
    assert sorted(GOLDEN.glob("*.txt")) == [file.with_suffix(".txt") for file in FILES]


@pytest.mark.parametrize("name", ["good", "good-chinese"])
def test_good_files_are_quiet(name: str) -> None:
    """Chinese punctuation inside texts and comments is no mistake."""
    assert told(GOLDEN / f"{name}.yaml") == ""
