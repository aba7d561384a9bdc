"""The compiler of house rules: from house.yaml's types to the rules of a matcher.

What a matcher gets is closed words: purpose, playbook and channel of the work, the same of what
runs beside, and the verdict of the rule's condition on the customer as yes, no or unknown.
"""

from __future__ import annotations

from rules.matcher import Comparison, FactKind, FieldTest, GateRule, Part, problems
from rules.playbook import HouseRule, HouseRules, Verdict

__all__ = ["customer_fact", "house_gate_rules", "house_problems", "rule_name"]


def rule_name(rule: HouseRule) -> str:
    """Return the name under which a matcher knows a house rule."""
    return f"house {rule.name}"


def customer_fact(index: int) -> str:
    """Return the customer's fact that tells a rule's condition; names of rules may be any text."""
    return f"rule_{index}"


def house_gate_rules(house: HouseRules) -> list[GateRule]:
    """Return the house rules for a matcher, in the order of the file."""
    found = []
    for index, rule in enumerate(house.rules):
        parts = [
            Part(
                FactKind.WORK,
                _one_of(purpose=rule.purposes, playbook=rule.playbooks, channel=rule.channels),
            )
        ]
        if rule.customer is not None:
            test = FieldTest(customer_fact(index), Comparison.EQ, ("yes",))
            parts.append(Part(FactKind.CUSTOMER, (test,)))
        running = _one_of(purpose=rule.running_purposes, playbook=rule.running_playbooks)
        if running:
            parts.append(Part(FactKind.RUNNING, running))
        found.append(GateRule(rule_name(rule), tuple(parts)))
    return found


def _one_of(**words: tuple[str, ...]) -> tuple[FieldTest, ...]:
    return tuple(
        FieldTest(name, Comparison.ONE_OF, values) for name, values in words.items() if values
    )


def house_problems(house: HouseRules) -> list[tuple[HouseRule, str, str]]:
    """Return the rules that can't be compiled, each with what is wrong and what to write instead."""
    found: list[tuple[HouseRule, str, str]] = []
    for rule in house.rules:
        if rule.verdict is Verdict.HOLD and rule.channels:
            message = f'rule "{rule.name}" holds whole journeys, and a journey has no channel'
            found.append((rule, message, "take the channel out, or write then: defer 1 day"))
    by_name = {rule_name(rule): rule for rule in house.rules}
    for problem in problems(house_gate_rules(house)):
        rule = by_name[problem.rule]
        found.append((rule, str(problem).replace(problem.rule, rule.name, 1), ""))
    return found
