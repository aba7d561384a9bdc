"""What would have to be different for a condition to hold, in sentences with the values seen."""

from __future__ import annotations

from typing import assert_never

from rules.conditions import All, Always, AnyOf, Compare, Condition, InSegment, Not
from rules.evaluate import Evaluator, split_class

__all__ = ["needs", "segment_needs"]

_DEEP = 4  #: segments within segments that are told apart; deeper ones are named


def needs(
    evaluator: Evaluator, condition: Condition, *, want: bool = True, deep: int = 0
) -> tuple[str, ...]:
    """Return the sentences that all have to become true; none where the condition is as wanted.

    ``want`` False: what would keep it from holding. Unknown is not true, and not false either.
    """
    if evaluator.verdict(condition) is want:
        return ()
    match condition:
        case Always():
            return ()
        case Not():
            return needs(evaluator, condition.part, want=not want, deep=deep)
        case All() | AnyOf():
            each = [needs(evaluator, part, want=want, deep=deep) for part in condition.parts]
            if isinstance(condition, All) is want:
                return tuple(dict.fromkeys(line for lines in each for line in lines))
            ways = dict.fromkeys(" and ".join(lines) for lines in each if lines)
            return (" or ".join(ways),) if ways else ()
        case InSegment():
            return _member(evaluator, condition, want=want, deep=deep)
        case Compare():
            leaf = evaluator.trace(condition).leaves[0]
            must = "has to be" if want else "must not be"
            return (f"{leaf.subject} {must} {leaf.words} (it is {leaf.shown})",)
        case _:
            assert_never(condition)


def _member(
    evaluator: Evaluator, condition: InSegment, *, want: bool, deep: int
) -> tuple[str, ...]:
    ways: list[str] = []
    for name in condition.names:
        if evaluator.in_segment(name) is want:
            continue
        lines = segment_needs(evaluator, name, want=want, deep=deep)
        ways += [" and ".join(lines)] if want else list(lines)
    return (" or ".join(ways),) if want and ways else tuple(ways)


def segment_needs(
    evaluator: Evaluator, name: str, *, want: bool = True, deep: int = 0
) -> tuple[str, ...]:
    """Return what would bring a customer into a segment or ``class.value``, or out of it."""
    classed = split_class(evaluator.catalogue, name)
    if classed is not None:
        found, value = classed
        now = evaluator.class_value(found.name) or "none"
        must = "has to be" if want else "must not be"
        return (f"{found.name} {must} {value} (it is {now})",)
    segment = evaluator.catalogue.segments.get(name)
    if segment is None:  # a class as a whole
        return (f"a value of {name} is needed",) if want else (f"no value of {name} may fit",)
    lines = needs(evaluator, segment.condition, want=want, deep=deep + 1) if deep < _DEEP else ()
    where = "into" if want else "out of"
    return lines or (f"the customer has to come {where} {name}",)
