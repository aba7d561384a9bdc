"""The rule matcher in plain Python: the oracle of the tests, and the one that always works."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never

from rules.matcher.gates import (
    Case,
    Comparison,
    FactKind,
    FieldTest,
    GateRule,
    Part,
    Word,
    problems,
)

__all__ = ["ReferenceMatcher", "part_matches"]


class ReferenceMatcher:
    """Tries every rule on every case."""

    name = "reference"
    degraded = None

    def __init__(self, rules: Sequence[GateRule], *, reason: str = "") -> None:
        """Take the rules. Raises CompileProblem, the first, where ``problems`` finds any."""
        for problem in problems(rules):
            raise problem
        self.reason = reason
        self._rules = tuple(rules)

    def match(self, cases: Sequence[Case]) -> list[frozenset[str]]:
        """Return the names of the rules that match, case by case."""
        return [
            frozenset(rule.name for rule in self._rules if _holds(rule, case)) for case in cases
        ]

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""


def _same(left: object, right: object) -> bool:
    """Return whether two values are equal as rules see it: a yes is not 1."""
    return isinstance(left, bool) is isinstance(right, bool) and left == right


def _holds(rule: GateRule, case: Case) -> bool:
    return all(
        any(part_matches(part, fact) for fact in _facts(part.kind, case)) for part in rule.parts
    )


def _facts(kind: FactKind, case: Case) -> Sequence[Mapping[str, Word]]:
    match kind:
        case FactKind.WORK:
            return (case.work,)
        case FactKind.CUSTOMER:
            return (case.customer,)
        case FactKind.RUNNING:
            return case.running
        case _:
            assert_never(kind)


def part_matches(part: Part, fact: Mapping[str, Word]) -> bool:
    """Return whether a fact passes all tests of a part."""
    return all(_passes(test, fact.get(test.field)) for test in part.tests)


def _passes(test: FieldTest, value: Word | None) -> bool:
    if not isinstance(value, (str, int)):  # absent, null, a fraction: nothing to compare
        return False
    match test.op:
        case Comparison.EQ | Comparison.ONE_OF:
            return any(_same(value, each) for each in test.values)
        case Comparison.NE:
            return not _same(value, test.values[0])
        case _:
            pass
    bound = test.values[0]
    if isinstance(value, (str, bool)) or isinstance(bound, (str, bool)):
        return False
    match test.op:
        case Comparison.LT:
            return value < bound
        case Comparison.LTE:
            return value <= bound
        case Comparison.GT:
            return value > bound
        case Comparison.GTE:
            return value >= bound
        case _:
            assert_never(test.op)
