"""The gate: care's own reasons before house rules, a skip before a defer, the first in the file."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.gate import ORDER, Answer, Asked, Gate, gate_rules, word
from engine.ids import stable_share
from engine.words import Reason
from rules.conditions import Always
from rules.errors import Span
from rules.matcher import Comparison, open_matcher
from rules.playbook import HouseRule, HouseRules, Verdict
from rules.units import Duration, Unit

DAY = Duration(1, Unit.DAY)
FREE = {
    "playbook": "p", "purpose": "sale", "gate": "start", "existing": "no", "late": "no",
    "only": "yes", "except": "no", "again": "free", "overlap": "free", "holdout": "no",
}  # fmt: skip


def rule(name: str, verdict: Verdict = Verdict.SKIP, **parts: object) -> HouseRule:
    delay = DAY if verdict is Verdict.DEFER else None
    return HouseRule(
        name=name, span=Span("house.yaml", 1, 1), path="rules/0", verdict=verdict, delay=delay,
        **parts,  # type: ignore[arg-type]
    )  # fmt: skip


def asked(*rules: HouseRule, **question: object) -> Answer:
    """Return the gate's answer to one question."""
    house = HouseRules(rules=rules)
    gate = Gate(house, open_matcher(gate_rules(house), "reference"))
    question.setdefault("work", FREE)
    return gate.ask([Asked(**question)])[0]  # type: ignore[arg-type]


def test_nothing_in_the_way() -> None:
    """Work that no rule speaks of may start."""
    assert asked() == Answer()


@pytest.mark.parametrize(("reason", "tests"), ORDER)
def test_each_of_cares_own_reasons(
    reason: Reason, tests: tuple[tuple[str, Comparison, tuple[str, ...]], ...]
) -> None:
    """Each fact that makes a reason makes it alone, for each of its words."""
    ((name, _, words),) = tests
    for value in words:
        assert asked(work={**FREE, name: value}).reason is reason


def test_unknown_is_no_for_only_and_no_for_except() -> None:
    """Who can't be told to meet `only` does not start; who can't be told to meet `except` does."""
    assert asked(work={**FREE, "only": "unknown"}).reason is Reason.ONLY
    assert asked(work={**FREE, "except": "unknown"}).reason is None


def test_own_reasons_are_told_before_house_rules() -> None:
    """All that matched is kept, the first in the order is the answer."""
    answer = asked(rule("x"), work={**FREE, "late": "yes", "holdout": "playbook"})

    assert (answer.reason, answer.rule) == (Reason.LATE, None)
    assert answer.matched == ("late", "holdout", "house x")


@pytest.mark.parametrize(
    ("rules", "reason", "name"),
    [
        ([rule("a"), rule("b")], Reason.HOUSE_RULE, "a"),
        ([rule("a", Verdict.DEFER), rule("b")], Reason.HOUSE_RULE, "b"),
        ([rule("a", Verdict.DEFER), rule("b", Verdict.DEFER)], Reason.HOUSE_DEFER, "a"),
    ],
)
def test_of_several_house_rules(rules: list[HouseRule], reason: Reason, name: str) -> None:
    """A skip counts before a defer, then the order of the file."""
    answer = asked(*rules)

    assert (answer.reason, answer.rule.name if answer.rule else "") == (reason, name)


def test_the_parts_of_a_rule_must_all_hold() -> None:
    """Purpose, playbook and channel of the work, the customer, and one other piece of work."""
    judge = rule(
        "r", purposes=("sale", "news"), playbooks=("p",), channels=("call",), customer=Always(),
        running_purposes=("repair",), running_playbooks=("q",),
    )  # fmt: skip
    work = {**FREE, "channel": "call"}
    running = [{"purpose": "repair", "playbook": "q"}]

    def met(**other: object) -> bool:
        question: dict[str, object] = {"work": work, "running": running, "house": lambda _: True}
        return asked(judge, **{**question, **other}).rule is judge

    assert met()
    assert not met(work={**work, "purpose": "care"})
    assert not met(work={**work, "playbook": "z"})
    assert not met(work={**work, "channel": "letter"})
    assert not met(work=FREE)  # the start gate has no channel yet
    assert not met(house=lambda _: False)
    assert not met(house=lambda _: None)
    assert not met(running=[])
    # One piece of other work must have both, not one of them each.
    apart = [{"purpose": "repair", "playbook": "z"}, {"purpose": "care", "playbook": "q"}]
    assert not met(running=apart)
    assert met(running=[*apart, *running])


def test_a_customers_condition_is_asked_only_for_work_that_it_judges() -> None:
    """A rule about another purpose costs no look at the customer."""
    seen: list[str] = []

    def house(one: HouseRule) -> bool:
        seen.append(one.name)
        return True

    mine = rule("mine", purposes=("sale",), customer=Always())
    other = rule("other", purposes=("repair",), customer=Always())
    answer = asked(mine, other, house=house)

    assert answer.rule is mine
    assert seen == ["mine"]


facts = st.fixed_dictionaries(
    {
        "playbook": st.sampled_from(["p", "q"]),
        "purpose": st.sampled_from(["sale", "repair", ""]),
        "gate": st.just("start"),
        "existing": st.sampled_from(["yes", "no"]),
        "late": st.sampled_from(["yes", "no"]),
        "only": st.sampled_from(["yes", "no", "unknown"]),
        "except": st.sampled_from(["yes", "no", "unknown"]),
        "again": st.sampled_from(["free", "never", "early"]),
        "overlap": st.sampled_from(["free", "blocked"]),
        "holdout": st.sampled_from(["no", "playbook", "project"]),
    }
)


@settings(max_examples=200, deadline=None)
@given(st.lists(facts, max_size=5))
def test_many_questions_are_answered_as_one_by_one(works: list[dict[str, str]]) -> None:
    """Answers come in the order of the questions, and none depends on its neighbours."""
    house = HouseRules(rules=(rule("a", purposes=("sale",)), rule("b", Verdict.DEFER)))
    gate = Gate(house, open_matcher(gate_rules(house), "reference"))

    together = gate.ask([Asked(work=work) for work in works])
    assert together == [gate.ask([Asked(work=work)])[0] for work in works]
    assert all(answer.reason is not None for answer in together)  # rule b judges all


def test_words_of_verdicts() -> None:
    """Kleene's three values as words."""
    assert [word(value) for value in (True, False, None)] == ["yes", "no", "unknown"]


@settings(deadline=None)
@given(st.text(), st.text())
def test_shares_of_a_holdout_are_stable_and_in_range(playbook: str, customer: str) -> None:
    """A share depends on playbook and customer alone and lies in [0, 1)."""
    share = stable_share(playbook, customer)

    assert share == stable_share(playbook, customer)
    assert Fraction(0) <= share < 1
