"""What the rules of a gate mean, in plain Python; and what can't be made a rule."""

from __future__ import annotations

import pytest

from rules.matcher import (
    Case,
    Comparison,
    CompileProblem,
    FactKind,
    FieldTest,
    GateRule,
    Part,
    ReferenceMatcher,
    open_matcher,
    problems,
)

WORK, CUSTOMER, RUNNING = FactKind.WORK, FactKind.CUSTOMER, FactKind.RUNNING


def part(kind: FactKind, *tests: tuple) -> Part:
    """A part from ``(field, op, value, ...)``."""
    return Part(
        kind, tuple(FieldTest(name, Comparison(op), tuple(values)) for name, op, *values in tests)
    )


def rule(*parts: Part, name: str = "rule") -> GateRule:
    return GateRule(name, parts)


def matches(*parts: Part, work=None, customer=None, running=()) -> bool:
    case = Case(work=work or {}, customer=customer or {}, running=running)
    return ReferenceMatcher([rule(*parts)]).match([case]) == [frozenset({"rule"})]


@pytest.mark.parametrize(
    ("op", "values", "value", "expected"),
    [
        ("eq", ("a",), "a", True),
        ("eq", ("a",), "A", False),
        ("ne", ("a",), "b", True),
        ("ne", ("a",), "a", False),
        ("one_of", ("a", 1, True), "a", True),
        ("one_of", ("a", 1, True), 1, True),
        ("one_of", ("a", 1, True), False, False),
        ("eq", (1,), True, False),
        ("eq", (True,), 1, False),
        ("ne", (1,), True, True),
        ("one_of", (1,), True, False),
        ("eq", ("1",), 1, False),
        ("ne", ("1",), 1, True),
        ("lt", (5,), 4, True),
        ("lt", (5,), 5, False),
        ("lte", (5,), 5, True),
        ("gt", (5,), 5, False),
        ("gte", (5,), 5, True),
        ("gt", (2**60,), 2**60 + 1, True),
        ("gt", (5,), "30", False),
        ("lt", (5,), "30", False),
        ("gt", (0,), True, False),
        ("lte", (5,), 4.5, False),
        ("ne", (5,), float("nan"), False),
        ("ne", ("a",), None, False),
        ("ne", ("a",), ["b"], False),
        ("eq", ("",), "", True),
    ],
)
def test_a_comparison(op, values, value, expected):
    """Types are kept apart, and what is no text, yes/no or whole number is as good as missing."""
    assert matches(part(WORK, ("field", op, *values)), work={"field": value}) is expected


@pytest.mark.parametrize("op", list(Comparison))
def test_a_missing_field_makes_every_comparison_false(op):
    """``ne`` too."""
    assert matches(part(WORK, ("field", op, 1)), work={"other": 1}) is False


def test_all_parts_must_be_matched():
    """One part that no fact matches is enough to refuse."""
    parts = (part(WORK, ("purpose", "eq", "value")), part(CUSTOMER, ("complaints", "gt", 0)))
    work = {"purpose": "value"}

    actual = [matches(*parts, work=work, customer={"complaints": each}) for each in (0, 1)]

    assert actual == [False, True]


def test_one_running_fact_must_pass_all_tests_of_a_part():
    """Two facts that pass half each don't make one."""
    both = part(RUNNING, ("purpose", "eq", "repair"), ("playbook", "eq", "loop"))
    halves = [{"purpose": "repair", "playbook": "x"}, {"purpose": "x", "playbook": "loop"}]
    whole = {"purpose": "repair", "playbook": "loop"}

    actual = [matches(both, running=each) for each in (halves, [*halves, whole], [])]

    assert actual == [False, True, False]


def test_one_running_fact_may_match_two_parts():
    """Parts are independent."""
    parts = (part(RUNNING, ("purpose", "eq", "repair")), part(RUNNING, ("playbook", "eq", "loop")))

    assert matches(*parts, running=[{"purpose": "repair", "playbook": "loop"}]) is True


def test_a_part_without_tests_asks_for_any_fact():
    """There is always a piece of work and a customer; other work there may not be."""
    actual = [
        matches(part(WORK)),
        matches(part(CUSTOMER)),
        matches(part(RUNNING)),
        matches(part(RUNNING), running=[{}]),
        matches(),
    ]

    assert actual == [True, True, False, True, True]


def test_each_case_gets_the_names_of_its_rules():
    """In the order of the cases."""
    rules = [
        rule(part(WORK, ("purpose", "eq", "repair")), name="only repair"),
        rule(part(WORK, ("purpose", "ne", "value")), name="not value"),
    ]
    cases = [Case(work={"purpose": each}) for each in ("repair", "value", "other")]

    actual = ReferenceMatcher(rules).match(cases)

    assert actual == [
        frozenset({"only repair", "not value"}),
        frozenset(),
        frozenset({"not value"}),
    ]


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        (("f", "gt", "a"), '"f" is compared by size with something that is no whole number'),
        (("f", "gt", True), '"f" is compared by size with something that is no whole number'),
        (
            ("f", "eq", 1.5),
            '"f" is compared with something that is no text, yes/no or whole number',
        ),
        (
            ("f", "eq", None),
            '"f" is compared with something that is no text, yes/no or whole number',
        ),
        (("f", "one_of"), '"f" is to be one of an empty list'),
        (("f", "eq", 1, 2), '"f" is compared with 2 values where one belongs'),
        (("f", "lt"), '"f" is compared with 0 values where one belongs'),
    ],
)
@pytest.mark.parametrize("prefer", ["durable", "reference"])
def test_a_test_that_makes_no_sense_is_refused_with_the_rules_name(test, expected, prefer):
    """Whoever would have decided."""
    with pytest.raises(CompileProblem) as caught:
        open_matcher([rule(part(WORK, test), name="quiet 规则")], prefer)

    assert str(caught.value) == f'rule "quiet 规则": {expected}'
    assert caught.value.rule == "quiet 规则"


def test_all_problems_are_found():
    """Two rules of one name, and a rule too long for any engine, in their order."""
    long = part(CUSTOMER, *((f"f{i}", "eq", 1) for i in range(201)))
    rules = [rule(name="a"), rule(name="a"), rule(long, name="long")]

    actual = [str(problem) for problem in problems(rules)]

    assert actual == [
        'rule "a": two rules have this name; rename one',
        'rule "long": it compares 201 things, a rule may compare 200; split it',
    ]


def test_the_reference_can_be_asked_for():
    """And says that it was."""
    matcher = open_matcher([rule()], prefer="reference")

    assert (matcher.name, matcher.reason, matcher.degraded) == ("reference", "asked for", None)
