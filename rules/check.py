"""What is legal and doubtful: few warnings, each true. Errors are the readers' business."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeGuard

from rules.errors import Finding, Level, Span, did_you_mean
from rules.evaluate import Evaluator, RankKey
from rules.history import History
from rules.measures import Catalogue, Ratio
from rules.playbook import HouseRules, Playbook
from rules.vocabulary import Vocabulary

__all__ = ["definition_warnings", "house_warnings"]

#: Any instant will do: of nothing, nothing is known at any time. 2001-01-01T00:00Z.
_SOME_TIME = 978_307_200_000_000


def definition_warnings(
    vocabulary: Vocabulary, catalogue: Catalogue, file: str
) -> Iterator[Finding]:
    """Yield the warnings about the definitions that stand in one file."""
    for name, measure in catalogue.measures.items():
        ratio = measure.measure
        if isinstance(ratio, Ratio) and ratio.same is None and _in(measure.span, file):
            yield Finding(
                level=Level.WARNING,
                code="share-without-same",
                message=f'measure "{name}" may exceed 100%: nothing ties the two events together',
                hint="add same: with a field that both have",
                span=measure.span,
                path=f"measures/{name}",
            )
    nobody = Evaluator(
        vocabulary, catalogue, at=_SOME_TIME, history=History(customer=""), ranks=_Unranked()
    )
    for name, segment in catalogue.segments.items():
        if _in(segment.span, file) and nobody.in_segment(name):
            yield Finding(
                level=Level.WARNING,
                code="matches-unknown",
                message=f'segment "{name}" also takes customers of whom nothing is known',
                hint="add a test that only somebody known can pass",
                span=segment.span,
                path=f"segments/{name}",
            )


class _Unranked(dict[RankKey, int | None]):
    """Ranks where nobody is ranked, whatever is asked."""

    def __contains__(self, key: object) -> bool:
        return True

    def __missing__(self, key: RankKey) -> None:
        return None


def _in(span: Span | None, file: str) -> TypeGuard[Span]:
    return span is not None and span.file == file


def house_warnings(house: HouseRules, playbooks: Iterable[Playbook]) -> Iterator[Finding]:
    """Yield a warning for every purpose in a house rule that no playbook has."""
    known = sorted({playbook.purpose for playbook in playbooks if playbook.purpose})
    for what, path, span, purposes in _purposes_of(house):
        for purpose in purposes:
            if purpose not in known:
                yield Finding(
                    level=Level.WARNING,
                    code="unknown-purpose",
                    message=f'{what}: no playbook has the purpose "{purpose}"',
                    hint=did_you_mean(purpose, known),
                    span=span,
                    path=path,
                )


def _purposes_of(house: HouseRules) -> Iterator[tuple[str, str, Span, tuple[str, ...]]]:
    """Yield (what, path, span, purposes) of every place of house.yaml that names purposes."""
    for rule in house.rules:
        for part, purposes in (("work", rule.purposes), ("running", rule.running_purposes)):
            yield f'rule "{rule.name}"', f"{rule.path}/when/{part}/purpose", rule.span, purposes
    for cap in house.caps:
        yield "this cap", f"{cap.path}/purposes", cap.span, cap.purposes
        yield "this cap", f"{cap.path}/exempt", cap.span, cap.exempt
    if house.quiet is not None:
        yield "quiet", f"{house.quiet.path}/exempt", house.quiet.span, house.quiet.exempt
    for line in house.consent:
        yield "consent", f"{line.path}/purposes", line.span, line.purposes
