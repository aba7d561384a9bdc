"""Rule matchers for the gates: durable-rules in a child process, and the reference in Python."""

from __future__ import annotations

from collections.abc import Sequence

from rules.matcher.durable import DurableMatcher, unavailable
from rules.matcher.gates import (
    Case,
    Comparison,
    CompileProblem,
    FactKind,
    FieldTest,
    GateRule,
    Matcher,
    Part,
    Word,
    problems,
)
from rules.matcher.reference import ReferenceMatcher

__all__ = [
    "Case",
    "Comparison",
    "CompileProblem",
    "DurableMatcher",
    "FactKind",
    "FieldTest",
    "GateRule",
    "Matcher",
    "Part",
    "ReferenceMatcher",
    "Word",
    "open_matcher",
    "problems",
]


def open_matcher(rules: Sequence[GateRule], prefer: str = "durable") -> Matcher:
    """Return a matcher for these rules: durable-rules where it can be had, else the reference.

    ``prefer`` is ``durable`` or ``reference``; ``reason`` of the result says why it is not durable. Raises CompileProblem, the first, where ``problems``
    finds any. Close it after use.
    """
    if prefer == "reference":
        return ReferenceMatcher(rules, reason="asked for")
    missing = unavailable()
    return ReferenceMatcher(rules, reason=missing) if missing else DurableMatcher(rules)
