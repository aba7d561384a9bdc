"""What durable-rules gets to see of rules and facts."""

from __future__ import annotations

import json
import string

from hypothesis import given
from hypothesis import strategies as st

from rules.matcher import Case, Comparison, FactKind, FieldTest, GateRule, Part
from rules.matcher.codebook import Codebook

WORK, RUNNING = FactKind.WORK, FactKind.RUNNING
OPS = ("eq", "ne", "lt", "lte", "gt", "gte", "one_of")
ALPHABET = set(string.ascii_lowercase + string.digits)

values = st.one_of(
    st.text(), st.booleans(), st.integers(), st.none(), st.floats(), st.lists(st.integers())
)


def work_rule(*tests: FieldTest, name: str = "rule") -> GateRule:
    return GateRule(name, (Part(WORK, tests),))


def test_a_fact_carries_only_what_rules_ask():
    """No other field of a customer leaves the process, and words go as symbols."""
    book = Codebook(
        [
            work_rule(FieldTest("purpose", Comparison.EQ, ("维修",))),
            work_rule(FieldTest("age", Comparison.GT, (300_000,)), name="old"),
            work_rule(FieldTest("tier", Comparison.ONE_OF, ("A", "B")), name="tiers"),
        ]
    )
    case = Case(work={"purpose": "维修", "age": 300_001, "tier": "B", "phone": "13800000000"})

    actual = book.code(case).facts()

    assert actual == [
        {"k": "work", "e0": "v0", "n1": 2, "s0": "y"},
        {"k": "customer"},
    ]


@given(st.dictionaries(st.text(max_size=3), values), st.lists(values))
def test_whatever_a_fact_holds_is_coded_in_plain_letters_and_small_numbers(fact, named):
    """Neither odd field names nor odd values reach the C library."""
    tests = [
        FieldTest(name, Comparison.EQ, (value,))
        for name in fact
        for value in named
        if isinstance(value, (str, int))
    ]
    tests += [FieldTest(name, Comparison.GT, (value,)) for name in fact for value in (-5, 2**70)]
    book = Codebook([work_rule(*tests)])

    coded = book.code(Case(work=fact, customer=fact, running=[fact, fact])).facts()

    for each in coded:
        assert all(set(key) <= ALPHABET for key in each)
        assert all(
            set(value) <= ALPHABET if isinstance(value, str) else 0 <= value <= 4
            for value in each.values()
        )
    assert len(coded) == 3  # two equal running facts are one


@given(st.integers(), st.lists(st.integers(), min_size=1, max_size=5))
def test_a_rank_compares_as_the_number_does(value, bounds):
    """However big the numbers are."""
    rules = [
        work_rule(FieldTest("f", Comparison.GT, (bound,)), name=str(index))
        for index, bound in enumerate(bounds)
    ]
    book = Codebook(rules)
    rank = book.code(Case(work={"f": value})).facts()[0]["n0"]
    written = json.loads(json.dumps([list(each.rules.values()) for each in book.rulesets]))
    ranks = [rule[0]["m0"]["$and"][1]["$gt"]["n0"] for ruleset in written for rule in ruleset]

    actual = [(rank > each, rank == each) for each in ranks]

    assert actual == [(value > bound, value == bound) for bound in bounds]


def test_rulesets_hold_fifty_rules():
    """More would be error 303 on a fact that passes them all."""
    rules = [work_rule(FieldTest("f", Comparison.NE, (i,)), name=str(i)) for i in range(120)]

    assert [len(each.rules) for each in Codebook(rules).rulesets] == [50, 50, 20]


def test_rulesets_hold_fewer_rules_where_these_look_at_many_fields():
    """A fact of more than 255 fields breaks the engine."""
    rules = [
        work_rule(*(FieldTest(f"{i}-{j}", Comparison.NE, (1,)) for j in range(100)), name=str(i))
        for i in range(5)
    ]

    assert [len(each.fields) for each in Codebook(rules).rulesets] == [200, 200, 100]


def test_running_parts_become_rules_of_their_own():
    """The engine would not let one fact match two parts of a rule."""
    parts = [Part(RUNNING, (FieldTest("f", Comparison.EQ, (i,)),)) for i in (1, 2)]
    book = Codebook([GateRule("a", (Part(WORK), *parts, parts[0])), GateRule("b", ())])

    assert book.pieces == [("r0_0", "r0_1"), ()]
