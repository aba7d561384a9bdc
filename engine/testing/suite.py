"""All tests of a project: its files ``tests/**/*.test.yaml``, read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.words import Reason
from rules.errors import Finding, Level, Span
from rules.parse.testfile import read_cases
from rules.playbook import Project
from rules.testfile import Case, CaseFile

__all__ = ["CODES", "Suite", "load", "test_files"]

#: What ``because`` and ``reason`` take: the reasons of the ledger, and the one that ``why-not`` adds.
CODES = (*(str(reason) for reason in Reason), "trigger")


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """The tests of a project, and what is wrong with their files."""

    files: tuple[CaseFile, ...]
    findings: tuple[Finding, ...]

    @property
    def cases(self) -> tuple[Case, ...]:
        """Every sound test, in the order of the files."""
        return tuple(case for file in self.files for case in file.cases)

    @property
    def broken(self) -> int:
        """How many tests can't be played, for errors in their files."""
        return sum(file.broken for file in self.files)


def test_files(root: Path) -> list[str]:
    """Return the test files of a project, relative to it, sorted."""
    found = sorted((root / "tests").rglob("*.test.yaml"))
    return [path.relative_to(root).as_posix() for path in found if path.is_file()]


def load(project: Project, files: Sequence[str] | None = None) -> Suite:
    """Read some test files, by their paths in the project; None: all of them."""
    root = Path(project.root)
    read: list[CaseFile] = []
    findings: list[Finding] = []
    for name in test_files(root) if files is None else files:
        try:
            data = (root / name).read_bytes()
        except OSError as error:
            message = f"the file can't be read: {error.strerror}"
            span = Span(name, 1, 1)
            findings.append(Finding(code="unreadable-file", message=message, span=span))
            read.append(CaseFile(file=name, broken=1))
            continue
        file, found = read_cases(data, name, project, CODES)
        read.append(file)
        findings += found
    wrong = {one.span.file for one in findings if one.level is Level.ERROR}
    assert all(file.broken == 0 or file.file in wrong for file in read)
    return Suite(files=tuple(read), findings=tuple(findings))
