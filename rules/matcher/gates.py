"""What a rule engine is asked at a gate: rules over a few facts of one customer.

The semantics that both matchers keep: a rule matches a case when each of its parts is matched by
some fact of the part's kind (a case has one ``work`` fact, one ``customer`` fact, any number of
``running`` ones; two ``running`` parts may be matched by the same fact). A part matches a fact when
all its tests hold. A missing field makes every test false, ``ne`` too; so does a value that is
neither text, nor a yes or no, nor a whole number. A yes is not 1: values of different types are
never equal, always unequal, and never above or below one another; only whole numbers have an order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from rules.errors import CareError

__all__ = [
    "Case",
    "Comparison",
    "CompileProblem",
    "FactKind",
    "FieldTest",
    "GateRule",
    "Matcher",
    "Part",
    "Word",
    "problems",
]

Word = (
    str | bool | int
)  #: the value of a field: a closed word, a yes or no, a (scaled) whole number

TESTS_AT_MOST = 200  #: of one rule; durable-rules holds 255 fields, and a long rule makes it crawl


class FactKind(StrEnum):
    """Of what a fact speaks."""

    WORK = "work"  #: the piece of work that is judged
    CUSTOMER = "customer"
    RUNNING = "running"  #: other work of the same customer


class Comparison(StrEnum):
    """How a field is compared."""

    EQ = "eq"
    NE = "ne"
    LT = "lt"
    LTE = "lte"
    GT = "gt"
    GTE = "gte"
    ONE_OF = "one_of"


@dataclass(frozen=True, slots=True)
class FieldTest:
    """One comparison of one field with one value; with several only for ONE_OF."""

    field: str
    op: Comparison
    values: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """What some fact of a kind must be like; without tests any fact will do."""

    kind: FactKind
    tests: tuple[FieldTest, ...] = ()


@dataclass(frozen=True, slots=True)
class GateRule:
    """One rule: it matches where each part is matched by some fact. Without parts it always does."""

    name: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The facts of one decision."""

    work: Mapping[str, Word]
    customer: Mapping[str, Word] = field(default_factory=dict)
    running: Sequence[Mapping[str, Word]] = ()


class Matcher(Protocol):
    """Something that can tell which rules match."""

    @property
    def name(self) -> str:
        """Return who decides: ``durable-rules`` or ``reference``."""
        ...

    @property
    def reason(self) -> str:
        """Return why it is this one; "" where it is the preferred one."""
        ...

    @property
    def degraded(self) -> str | None:
        """Return why some batch was decided by the reference matcher instead; None: none was."""
        ...

    def match(self, cases: Sequence[Case]) -> list[frozenset[str]]:
        """Return the names of the rules that match, case by case."""
        ...

    def close(self) -> None:
        """Let go of processes and pipes; closing twice is no error."""
        ...


class CompileProblem(CareError):  # noqa: N818 - a finding as much as an exception
    """A rule that can't be given to a rule engine."""

    def __init__(self, rule: str, message: str) -> None:
        self.rule = rule  #: its name
        super().__init__(f'rule "{rule}": {message}')


def problems(rules: Sequence[GateRule]) -> list[CompileProblem]:
    """Return everything that keeps rules from being compiled, in their order."""
    found: list[CompileProblem] = []
    seen: set[str] = set()
    for rule in rules:
        if rule.name in seen:
            found.append(CompileProblem(rule.name, "two rules have this name; rename one"))
        seen.add(rule.name)
        tests = sum(len(part.tests) for part in rule.parts)
        if tests > TESTS_AT_MOST:
            message = f"it compares {tests} things, a rule may compare {TESTS_AT_MOST}; split it"
            found.append(CompileProblem(rule.name, message))
        for part in rule.parts:
            for test in part.tests:
                trouble = _trouble(test)
                if trouble:
                    found.append(CompileProblem(rule.name, trouble))
    return found


def _trouble(test: FieldTest) -> str:
    if not all(isinstance(value, (str, int)) for value in test.values):
        return f'"{test.field}" is compared with something that is no text, yes/no or whole number'
    if test.op is Comparison.ONE_OF:
        return "" if test.values else f'"{test.field}" is to be one of an empty list'
    if len(test.values) != 1:
        return f'"{test.field}" is compared with {len(test.values)} values where one belongs'
    if test.op in (Comparison.EQ, Comparison.NE):
        return ""
    if isinstance(test.values[0], bool) or not isinstance(test.values[0], int):
        return f'"{test.field}" is compared by size with something that is no whole number'
    return ""
