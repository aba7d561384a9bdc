"""The gates: may this piece of work start, may this action go out? Asked of the rule engine.

Both gates are one rule base. care's own rules (only, re-entry, overlap, hold-out ...) and the
house rules are matched together over the facts of one customer; the first match by ``ORDER``, then
by the order of house.yaml, is the answer. Conditions on the customer come in as words: "yes", "no",
"unknown".
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from engine.words import Reason
from rules.house import customer_fact, house_gate_rules, rule_name
from rules.matcher import Case, Comparison, FactKind, FieldTest, GateRule, Matcher, Part, Word
from rules.playbook import HouseRule, HouseRules, Verdict

__all__ = ["ORDER", "Answer", "Asked", "Gate", "answer_of", "gate_rules", "word"]

#: care's own reasons in the order in which they are told, each with the facts that make it.
ORDER: tuple[tuple[Reason, tuple[tuple[str, Comparison, tuple[Word, ...]], ...]], ...] = (
    (Reason.EXISTING, (("existing", Comparison.EQ, ("yes",)),)),
    (Reason.LATE, (("late", Comparison.EQ, ("yes",)),)),
    (Reason.ONLY, (("only", Comparison.ONE_OF, ("no", "unknown")),)),
    (Reason.EXCEPT, (("except", Comparison.EQ, ("yes",)),)),
    (Reason.OVERLAP, (("overlap", Comparison.EQ, ("blocked",)),)),
    (Reason.QUEUED, (("overlap", Comparison.EQ, ("queued",)),)),
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
    assign: HouseRule | None = None  #: the first that assigns, where the answer is go
    use: HouseRule | None = None  #: the first that names a channel, where the answer is go
    matched: tuple[str, ...] = ()  #: every rule that matched, in telling order
    rules: tuple[HouseRule, ...] = ()  #: the house rules among them


def word(verdict: bool | None) -> str:  # noqa: FBT001  Kleene's three values
    """Return the word for a verdict."""
    return {True: "yes", False: "no", None: "unknown"}[verdict]


def gate_rules(house: HouseRules) -> list[GateRule]:
    """Return care's own rules and the house rules, compiled for a matcher."""
    found = [
        GateRule(str(reason), (Part(FactKind.WORK, tuple(FieldTest(*test) for test in tests)),))
        for reason, tests in ORDER
    ]
    return [*found, *house_gate_rules(house)]


class Gate:
    """Asks a matcher about many pieces of work at once."""

    def __init__(self, house: HouseRules, matcher: Matcher) -> None:
        self.house = house
        self.matcher = matcher
        self._answers: dict[tuple[frozenset[str], bool], Answer] = {}
        self._customer_rules = [
            (index, rule) for index, rule in enumerate(house.rules) if rule.customer is not None
        ]

    def ask(self, questions: Sequence[Asked]) -> list[Answer]:
        """Return the answers, in the order of the questions."""
        cases = [
            Case(
                work=question.work,
                customer={
                    customer_fact(index): word(question.house(rule))
                    for index, rule in self._customer_rules
                    if _concerns(rule, question.work)
                },
                running=question.running,
            )
            for question in questions
        ]  # fmt: skip
        return [
            self._answer(matched, question.work)
            for matched, question in zip(self.matcher.match(cases), questions, strict=True)
        ]

    def _answer(self, matched: frozenset[str], work: Mapping[str, Word]) -> Answer:
        key = (matched, work.get("gate") == "start")
        if key not in self._answers:
            self._answers[key] = answer_of(self.house, matched, starts=key[1])
        return self._answers[key]


def answer_of(house: HouseRules, matched: Collection[str], *, starts: bool) -> Answer:
    """Return what the rules that matched mean, at the start gate or at another."""
    told = [str(reason) for reason, _ in ORDER if str(reason) in matched]
    rules = tuple(rule for rule in house.rules if rule_name(rule) in matched)
    names = (*told, *(rule_name(rule) for rule in rules))
    if told:
        return Answer(reason=Reason(told[0]), matched=names, rules=rules)
    # Whole journeys are held, before their steps come to the release gate: see engine.holding.
    asked = [rule for rule in rules if starts or rule.verdict is not Verdict.HOLD]
    first = _strongest(asked)
    if first is not None:
        return Answer(reason=_SAYS[first.verdict], rule=first, matched=names, rules=rules)
    return Answer(
        assign=next((rule for rule in rules if rule.verdict is Verdict.ASSIGN), None),
        use=next((rule for rule in rules if rule.verdict is Verdict.USE), None),
        matched=names,
        rules=rules,
    )


#: What a house rule's no is called.
_SAYS = {
    Verdict.SKIP: Reason.HOUSE_RULE,
    Verdict.HOLD: Reason.HOUSE_HOLD,
    Verdict.DEFER: Reason.HOUSE_DEFER,
}


def _strongest(rules: Sequence[HouseRule]) -> HouseRule | None:
    """Return the rule that says no: a skip is final, else the first in the file."""
    skip = next((rule for rule in rules if rule.verdict is Verdict.SKIP), None)
    return skip or next((rule for rule in rules if rule.verdict in _SAYS), None)


def _concerns(rule: HouseRule, work: Mapping[str, Word]) -> bool:
    """Whether a rule's customer condition needs to be asked at all for this work."""
    wanted = {"purpose": rule.purposes, "playbook": rule.playbooks, "channel": rule.channels}
    return all(work.get(name) in values for name, values in wanted.items() if values)
