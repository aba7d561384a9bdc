"""How much of what people get wrong ``care check`` sees: ``python -m bench.damage [COUNT]``.

Each file of each shipped project is damaged in COUNT ways (default 300) as in tests/damage.py. A
slip is *found* when check says something that it did not say before, found *at the line* when that
stands where the slip is, and a misspelling is *answered* when the word that was meant is named.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.testing.suite import CODES
from rules.errors import Finding
from rules.parse.testfile import read_cases
from rules.playbook import Project
from rules.project import check_files
from tests.damage import damages

SHIPPED = Path(__file__).parents[1] / "playbooks"
LIBRARY = "library"


@dataclass(slots=True)
class Tally:
    """Slips by kind: all, not found, found elsewhere, and misspellings without the word."""

    made: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    elsewhere: Counter[str] = field(default_factory=Counter)
    spelt: Counter[str] = field(default_factory=Counter)
    unanswered: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        for name in ("made", "missed", "elsewhere", "spelt", "unanswered"):
            getattr(self, name).update(getattr(other, name))

    @property
    def found(self) -> float:
        return 1 - self.missed.total() / self.made.total()

    @property
    def at_line(self) -> float:
        return 1 - (self.missed.total() + self.elsewhere.total()) / self.made.total()

    @property
    def answered(self) -> float:
        return 1 - self.unanswered.total() / self.spelt.total()


def shipped() -> Iterator[tuple[str, dict[str, bytes], list[str]]]:
    """Yield the name of each shipped project, its files, and those of them that are damaged.

    Each playbook of the library is a project of its own with what all of them share: the others
    would only be read again and again.
    """
    for root in sorted((SHIPPED / "samples").iterdir()):
        files = _files_of(root)
        yield root.name, files, [name for name in files if name.endswith(".yaml")]
    whole = {**_files_of(SHIPPED / LIBRARY), **_files_of(SHIPPED / LIBRARY / "saas")}
    common = {
        name: data for name, data in whole.items()
        if name.partition("/")[0] in ("care.yaml", "shared.yaml", "house.yaml", "templates")
    }  # fmt: skip
    yield LIBRARY, common, [name for name in common if name.endswith(".yaml")]
    for name in sorted(name for name in whole if name.startswith("playbooks/")):
        stem = Path(name).stem
        test = f"tests/{stem}.test.yaml"
        # farewell is begun by others: without it their tests could not be read to the end
        farewell = {"playbooks/farewell.yaml": whole["playbooks/farewell.yaml"]}
        yield LIBRARY, {**common, **farewell, name: whole[name], test: whole[test]}, [name, test]


def _files_of(root: Path) -> dict[str, bytes]:
    """Return the YAML and the texts of a project by path, without its import maps."""
    found = [
        path for path in sorted(root.rglob("*"))
        if path.suffix in (".yaml", ".md", ".txt", ".html") and "imports" not in path.parts
    ]  # fmt: skip
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}


def tally(
    files: dict[str, bytes], names: Sequence[str], count: int, seed: int = 1
) -> Iterator[tuple[str, Tally]]:
    """Yield what came of damaging each of these files of one project."""
    project, first = check_files(files)
    for name in names:
        found = Tally()
        before = {(finding.code, finding.message) for finding in first}
        if name.startswith("tests/"):
            before |= {(f.code, f.message) for f in _of_tests(files[name], name, project)}
        for damage in damages(files[name].decode(), seed, count):
            data = damage.text.encode()
            if name.startswith("tests/"):
                findings = _of_tests(data, name, project)
            else:
                _, findings = check_files({**files, name: data})
            new = [f for f in findings if (f.code, f.message) not in before]
            found.made[damage.how] += 1
            found.spelt[damage.how] += bool(damage.word)
            if not new:
                found.missed[damage.how] += 1
            elif not any(f.span.file == name and f.span.line in damage.lines for f in new):
                found.elsewhere[damage.how] += 1
            if damage.word and not any(damage.word in f"{f.message} {f.hint}" for f in new):
                found.unanswered[damage.how] += 1
        yield name, found


def _of_tests(data: bytes, name: str, project: Project | None) -> tuple[Finding, ...]:
    assert project is not None
    return read_cases(data, name, project, CODES)[1]


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    everything = Tally()
    print(f"{'file':52}{'slips':>6}{'found':>8}{'at line':>9}{'answered':>10}")
    for label, files, names in shipped():
        for name, found in tally(files, names, count):
            everything.add(found)
            answered = f"{found.answered:9.1%}" if found.spelt.total() else "        -"
            place = f"{label}/{name}"
            print(
                f"{place:52}{found.made.total():6}{found.found:8.1%}{found.at_line:9.1%} {answered}"
            )
    print(
        f"{'all':52}{everything.made.total():6}{everything.found:8.1%}"
        f"{everything.at_line:9.1%} {everything.answered:9.1%}\n"
    )
    print(f"{'kind of slip':24}{'slips':>6}{'missed':>8}{'elsewhere':>11}{'unanswered':>12}")
    for how, number in sorted(everything.made.items()):
        print(
            f"{how:24}{number:6}{everything.missed[how]:8}{everything.elsewhere[how]:11}"
            f"{everything.unanswered[how]:12}"
        )


if __name__ == "__main__":
    main()
