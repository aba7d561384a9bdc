"""What is wrong in files beside the playbooks: playbook tests and import maps."""

from __future__ import annotations

from pathlib import Path

from rules.errors import Finding, Span
from rules.playbook import Project

__all__ = ["side_findings"]

_TOLD = "broken-playbook"  #: `care check` tells what is wrong in the playbook itself


def side_findings(project: Project) -> list[Finding]:
    """Return the findings of ``tests/`` and ``imports/``; neither stops a run."""
    from engine.testing.suite import load  # noqa: PLC0415  slow

    tests = [one for one in load(project).findings if one.code != _TOLD]
    return [*tests, *_maps(project)]


def _maps(project: Project) -> list[Finding]:
    root = Path(project.root)
    paths = sorted(root.joinpath("imports").glob("*.yaml"))
    if not paths:
        return []
    from rules.importmap import read_map  # noqa: PLC0415  slow

    found: list[Finding] = []
    for path in paths:
        name = path.relative_to(root).as_posix()
        try:
            data = path.read_bytes()
        except OSError as error:
            message = f"the file can't be read: {error.strerror}"
            found.append(Finding(code="unreadable-file", message=message, span=Span(name, 1, 1)))
            continue
        found += read_map(data, name, project.vocabulary)[1]
    return found
