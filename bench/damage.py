"""How much of what people get wrong ``care check`` sees: ``python -m bench.damage [COUNT]``.

Each file of each shipped project is damaged in COUNT ways (default 300) as in tests/damage.py. A
slip is *found* when check says something that it did not say before, found *at the line* when that
stands where the slip is, and a misspelling is *answered* when the word that was meant is named.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rules.project import check_files
from tests.damage import damages

SAMPLES = Path(__file__).parents[1] / "playbooks" / "samples"


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


def files_of(root: Path) -> dict[str, bytes]:
    """Return the YAML and the texts of a project by path, without its import maps."""
    found = [
        path for path in sorted(root.rglob("*"))
        if path.suffix in (".yaml", ".md", ".txt", ".html") and "imports" not in path.parts
    ]  # fmt: skip
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}


def tally(root: Path, count: int, seed: int = 1) -> Iterator[tuple[str, Tally]]:
    """Yield what came of each file of one project."""
    files = files_of(root)
    before = {(finding.code, finding.message) for finding in check_files(files)[1]}
    for name in files:
        if not name.endswith(".yaml"):
            continue
        found = Tally()
        for damage in damages(files[name].decode(), seed, count):
            _, findings = check_files({**files, name: damage.text.encode()})
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


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    everything = Tally()
    print(f"{'file':52}{'slips':>6}{'found':>8}{'at line':>9}{'answered':>10}")
    for root in sorted(SAMPLES.iterdir()):
        for name, found in tally(root, count):
            everything.add(found)
            answered = f"{found.answered:9.1%}" if found.spelt.total() else "        -"
            label = f"{root.name}/{name}"
            print(
                f"{label:52}{found.made.total():6}{found.found:8.1%}{found.at_line:9.1%} {answered}"
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
