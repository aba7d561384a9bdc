"""The gates: may this piece of work start, may this action go out? Asked of the rule engine.

Both gates are one rule base. care's own rules (only, re-entry, overlap, hold-out ...) and the
house rules are matched together over the facts of one customer; the first match by ``ORDER``, then
by the order of house.yaml, is the answer. Conditions on the customer come in as words: "yes", "no",
"unknown".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from engine.words import Reason
from rules.matcher import Case, Comparison, FactKind, FieldTest, GateRule, Matcher, Part, Word
from rules.playbook import HouseRule, HouseRules, Verdict

__all__ = ["ORDER", "Answer", "Asked", "Gate", "gate_rules", "word"]

#: care's own reasons in the order in which they are told, each with the facts that make it.
ORDER: tuple[tuple[Reason, tuple[tuple[str, Comparison, tuple[Word, ...]], ...]], ...] = (
    (Reason.EXISTING, (("existing", Comparison.EQ, ("yes",)),)),
    (Reason.LATE, (("late", Comparison.EQ, ("yes",)),)),
    (Reason.ONLY, (("only", Comparison.ONE_OF, ("no", "unknown")),)),
    (Reason.EXCEPT, (("except", Comparison.EQ, ("yes",)),)),
    (Reason.OVERLAP, (("overlap", Comparison.EQ, ("blocked",)),)),
    (Reason.AGAIN_NEVER, (("again", Comparison.EQ, ("never",)),)),
    (Reason.AGAIN_EARLY, (("again", Comparison.EQ, ("early",)),)),
    (Reason.HOLDOUT_PROJECT, (("holdout", Comparison.EQ, ("project",)),)),
    (Reason.HOLDOUT, (("holdout", Comparison.EQ, ("playbook",)),)),
    (Reason.STEP_LATE, (("step_late", Comparison.EQ, ("yes",)),)),
    (Reason.RECHECK, (("recheck", Comparison.ONE_OF, ("no", "unknown")),)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question to a gate. ``house`` gives the verdict of a house rule's customer condition."""

    work: Mapping[str, Word]
    running: Sequence[Mapping[str, Word]] = ()
    house: Callable[[HouseRule], bool | None] = field(default=lambda _: None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a gate says. ``reason`` None: go."""

    reason: Reason | None = None
    rule: HouseRule | None = None  #: the house rule that spoke
    matched: tuple[str, ...] = ()  #: every rule that matched, in telling order


def word(verdict: bool | None) -> str:  # noqa: FBT001  Kleene's three values
    """Return the word for a verdict."""
    return {True: "yes", False: "no", None: "unknown"}[verdict]


def gate_rules(house: HouseRules) -> list[GateRule]:
    """Return care's own rules and the house rules, compiled for a matcher."""
    found = [
        GateRule(str(reason), (Part(FactKind.WORK, tuple(FieldTest(*test) for test in tests)),))
        for reason, tests in ORDER
    ]
    for index, rule in enumerate(house.rules):
        parts = [
            Part(
                FactKind.WORK,
                _one_of(purpose=rule.purposes, playbook=rule.playbooks, channel=rule.channels),
            )
        ]
        if rule.customer is not None:
            parts.append(
                Part(FactKind.CUSTOMER, (FieldTest(_field(index), Comparison.EQ, ("yes",)),))
            )
        running = _one_of(purpose=rule.running_purposes, playbook=rule.running_playbooks)
        if running:
            parts.append(Part(FactKind.RUNNING, running))
        found.append(GateRule(_house_name(rule), tuple(parts)))
    return found


def _one_of(**words: tuple[str, ...]) -> tuple[FieldTest, ...]:
    return tuple(
        FieldTest(name, Comparison.ONE_OF, values) for name, values in words.items() if values
    )


def _field(index: int) -> str:
    """Name the fact that tells a house rule's condition: names of rules may be any text."""
    return f"rule_{index}"


def _house_name(rule: HouseRule) -> str:
    return f"house {rule.name}"


class Gate:
    """Asks a matcher about many pieces of work at once."""

    def __init__(self, house: HouseRules, matcher: Matcher) -> None:
        self.house = house
        self.matcher = matcher
        self._customer_rules = [
            (index, rule) for index, rule in enumerate(house.rules) if rule.customer is not None
        ]

    def ask(self, questions: Sequence[Asked]) -> list[Answer]:
        """Return the answers, in the order of the questions."""
        cases = [
            Case(
                work=question.work,
                customer={
                    _field(index): word(question.house(rule))
                    for index, rule in self._customer_rules
                    if _concerns(rule, question.work)
                },
                running=question.running,
            )
            for question in questions
        ]  # fmt: skip
        return [self._answer(matched) for matched in self.matcher.match(cases)]

    def _answer(self, matched: frozenset[str]) -> Answer:
        told = [str(reason) for reason, _ in ORDER if str(reason) in matched]
        rules = [rule for rule in self.house.rules if _house_name(rule) in matched]
        names = (*told, *(_house_name(rule) for rule in rules))
        if told:
            return Answer(reason=Reason(told[0]), matched=names)
        if rules:
            first = next((rule for rule in rules if rule.verdict is Verdict.SKIP), rules[0])
            skips = first.verdict is Verdict.SKIP
            reason = Reason.HOUSE_RULE if skips else Reason.HOUSE_DEFER
            return Answer(reason=reason, rule=first, matched=names)
        return Answer()


def _concerns(rule: HouseRule, work: Mapping[str, Word]) -> bool:
    """Whether a rule's customer condition needs to be asked at all for this work."""
    wanted = {"purpose": rule.purposes, "playbook": rule.playbooks, "channel": rule.channels}
    return all(work.get(name) in values for name, values in wanted.items() if values)
