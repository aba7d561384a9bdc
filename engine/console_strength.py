"""How strong the tests are, on a terminal: what they did not reach, which mistakes they missed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.testing.coverage import Share, percent_of
from engine.testing.hunt import Score

__all__ = ["coverage_json", "mutation_json", "render_coverage", "render_mutation"]


def coverage_json(shares: Sequence[Share]) -> dict[str, Any]:
    """Return coverage as plain values."""
    reached, whole = _sums(shares)
    return {
        "percent": percent_of(reached, whole), "reached": reached, "points": whole,
        "playbooks": [
            {
                "name": share.name, "file": share.file, "tests": share.tests,
                "percent": share.percent,
                "parts": {
                    str(part): {"reached": some, "points": every}
                    for part, (some, every) in share.parts().items()
                },
                "missed": [
                    {
                        "file": point.span.file, "line": point.span.line, "col": point.span.col,
                        "part": str(point.part), "words": point.words,
                    }
                    for point in share.missed
                ],
            }
            for share in shares
        ],
    }  # fmt: skip


def render_coverage(shares: Sequence[Share]) -> str:
    """Return coverage as text: a line a playbook, then what no test reached, by file and line."""
    lines: list[str] = []
    for share in shares:
        parts = ", ".join(f"{part} {some}/{every}" for part, (some, every) in share.parts().items())
        told = parts if share.tests else f"no test; {parts}"
        lines.append(f"{share.percent:>3}%  {share.name}: {told}")
        if share.tests:
            lines += [f"      {_where(point.span)}  {point.words}" for point in share.missed]
    reached, whole = _sums(shares)
    lines.append(f"{percent_of(reached, whole):>3}%  of all: {reached} of {whole} reached")
    return "\n".join(lines)


def mutation_json(scores: Sequence[Score], untested: Sequence[str]) -> dict[str, Any]:
    """Return what became of mutants as plain values."""
    killed, tried = _tried(scores)
    return {
        "score": percent_of(killed, tried), "killed": killed, "survived": tried - killed,
        "playbooks": [score.to_json() for score in scores], "no_test": list(untested),
    }  # fmt: skip


def render_mutation(scores: Sequence[Score], untested: Sequence[str]) -> str:
    """Return what became of mutants as text: per playbook those that no test noticed."""
    lines: list[str] = []
    for score in scores:
        lines.append(_headline(score))
        for fate in score.survivors:
            lines.append(f"      {fate.mutant.place}  {fate.mutant.words}")
            lines.append(f"          {fate.mutant.hint}")
    lines += [f"  -   {name}: no test" for name in untested]
    killed, tried = _tried(scores)
    lines.append(
        f"{percent_of(killed, tried):>3}%  of all: {killed} of {_count(tried, 'mistake')} noticed"
    )
    return "\n".join(lines)


def _headline(score: Score) -> str:
    litter = score.litter
    tried = len(score.fates)
    tests = _count(score.tests, "test")
    line = f"{score.percent:>3}%  {litter.playbook}: {tests} noticed {score.killed} of {_count(tried, 'mistake')}"
    beside = [
        f"{litter.stillborn} found by care check" if litter.stillborn else "",
        f"{litter.equal} without effect" if litter.equal else "",
        f"{litter.untried} not tried" if litter.untried else "",
    ]
    told = ", ".join(words for words in beside if words)
    return f"{line} ({told} besides)" if told else line


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _where(span: object) -> str:
    return str(span).rpartition(":")[0]


def _sums(shares: Sequence[Share]) -> tuple[int, int]:
    whole = sum(len(share.points) for share in shares)
    return whole - sum(len(share.missed) for share in shares), whole


def _tried(scores: Sequence[Score]) -> tuple[int, int]:
    return sum(score.killed for score in scores), sum(len(score.fates) for score in scores)
