"""Traces made again: the verdict has to follow from what the leaves saw."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any, assert_never

from rules.conditions import (
    All,
    Always,
    AnyOf,
    Compare,
    Condition,
    InSegment,
    Moment,
    Not,
    NotTest,
    SubjectKind,
    Top,
)
from rules.measures import Catalogue, Quantity
from rules.values import Amount, Shape, all_of, any_of, negated, passes

__all__ = ["refold", "refold_segment"]

#: Numbers that are shown whole: what had to be rounded has two decimals.
_WHOLE = re.compile(r"-?\d+(\.\d)?")


def refold(condition: Condition, trace: Mapping[str, Any], catalogue: Catalogue) -> str:
    """Return why a trace is not that of a condition, or "".

    Each comparison is made again where the value that it saw stands in full on the trace.
    """
    leaves = iter(trace["leaves"])
    try:
        verdict = _verdict(condition, leaves, catalogue)
    except _OddError as odd:
        return str(odd)
    if next(leaves, None) is not None:
        return "it has more leaves than the condition"
    if verdict is not trace["verdict"]:
        return f"its leaves make it {_word(verdict)}, it says {_word(trace['verdict'])}"
    return ""


def refold_segment(name: str, trace: Mapping[str, Any], catalogue: Catalogue) -> str:
    """Return why a trace is not that of a segment, or ""; classes are not made again."""
    segment = catalogue.segments.get(name)
    if segment is None:
        return ""
    leaves = iter(trace["leaves"])
    try:
        inside = _verdict(segment.condition, leaves, catalogue) is True
    except _OddError as odd:
        return str(odd)
    if inside is not trace["verdict"]:
        return f"its leaves make it {_word(inside)}, it says {_word(trace['verdict'])}"
    return ""


class _OddError(Exception):
    """A leaf that is not what the condition asks for."""


def _verdict(
    condition: Condition, leaves: Iterator[Mapping[str, Any]], catalogue: Catalogue
) -> bool | None:
    match condition:
        case Always():
            return True
        case All():
            return all_of([_verdict(part, leaves, catalogue) for part in condition.parts])
        case AnyOf():
            return any_of([_verdict(part, leaves, catalogue) for part in condition.parts])
        case Not():
            return negated(_verdict(condition.part, leaves, catalogue))
        case InSegment():
            return _membership(condition, _next(leaves, condition.path), catalogue)
        case Compare():
            return _compared(condition, _next(leaves, condition.path), catalogue)
        case _:
            assert_never(condition)


def _next(leaves: Iterator[Mapping[str, Any]], path: str) -> Mapping[str, Any]:
    leaf = next(leaves, None)
    if leaf is None or leaf["path"] != path:
        raise _OddError(f"it says nothing of {path}")
    return leaf


def _membership(condition: InSegment, leaf: Mapping[str, Any], catalogue: Catalogue) -> bool | None:
    verdict: bool | None = leaf["verdict"]
    if len(condition.names) == 1:
        behind = {"verdict": verdict, "leaves": leaf.get("inside", [])}
        odd = refold_segment(condition.names[0], behind, catalogue)
        if odd:
            raise _OddError(f"{condition.names[0]}: {odd}")
    return verdict


def _compared(condition: Compare, leaf: Mapping[str, Any], catalogue: Catalogue) -> bool | None:
    verdict: bool | None = leaf["verdict"]
    subject, shown = condition.subject, leaf["value"]
    test = condition.test.test if isinstance(condition.test, NotTest) else condition.test
    if subject.kind is not SubjectKind.MEASURE or isinstance(test, Moment | Top):
        return verdict
    named = catalogue.measures.get(subject.name)
    if named is None or named.quantity not in (Quantity.NUMBER, Quantity.SHARE):
        return verdict
    number = shown.removesuffix("%") if named.quantity is Quantity.SHARE else shown
    if not _WHOLE.fullmatch(number):
        return verdict
    value = Fraction(number) / (100 if named.quantity is Quantity.SHARE else 1)
    amount = Amount(value.numerator, value.denominator)
    again = passes(condition.test, amount, Shape.AMOUNT, at=0, tz="UTC", top=lambda _: verdict)
    if again is not verdict:
        raise _OddError(
            f"{subject.name} {leaf['words']} is {_word(again)} for {shown}, it says {_word(verdict)}"
        )
    return verdict


def _word(verdict: bool | None) -> str:  # noqa: FBT001  Kleene's three values
    return {True: "true", False: "false", None: "unknown"}[verdict]
