"""How rules and facts are written for durable-rules: short ASCII names and a closed alphabet.

The engine compares loosely (``"30" < 5`` is true, ``True == 1`` is true) and stumbles over odd
numbers and texts, so it never sees any. Of a field that rules test, a fact carries up to three
values, and nothing of a field that no rule tests:

- ``e7: "v3"``  which of the values that some rule names it equals, ``"v"`` for any other
- ``n7: 5``     where it stands among the bounds that rules name: 2i below bound i, 2i+1 on it
- ``s4: "y"``   that it is in list 4, for ``one_of`` (long lists would hang the engine)

A rule with several ``running`` parts is written as several, one for each, which must all fire: parts
are independent, the engine would never let one fact match two of them, and joins would multiply.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, assert_never

from rules.matcher.gates import Case, Comparison, FactKind, FieldTest, GateRule, Part, Word

__all__ = ["Codebook", "Coded", "Ruleset"]

RULES_AT_MOST = 50  #: of a ruleset: a fact that passes 64 branches is error 303
_KEPT = 10_000  #: facts whose code is kept
FIELDS_AT_MOST = 240  #: of a ruleset: the engine counts a fact's in a byte, sid and id among them

_Key = tuple[FactKind, str]  #: a field of a kind of fact
_Fact = tuple[tuple[str, str | int], ...]  #: a coded fact, sorted
_SIGNS = {
    Comparison.LT: "$lt",
    Comparison.LTE: "$lte",
    Comparison.GT: "$gt",
    Comparison.GTE: "$gte",
}


@dataclass(frozen=True, slots=True)
class Coded:
    """The facts of a case as the engine gets them; equal ones are decided once."""

    work: _Fact
    customer: _Fact
    running: frozenset[_Fact]

    def facts(self) -> list[dict[str, str | int]]:
        """Return the facts in a fixed order, each with its kind."""
        return [dict(fact) for fact in (self.work, self.customer, *sorted(self.running, key=repr))]


@dataclass(slots=True)
class Ruleset:
    """Some of the rules, few enough for one ruleset of the engine."""

    rules: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  #: name -> ``all``
    fields: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Field:
    """What rules ask of one field."""

    number: int
    named: dict[tuple[bool, Word], str] = field(default_factory=dict)  #: value -> symbol
    bounds: list[int] = field(default_factory=list)  #: ascending
    lists: list[tuple[str, frozenset[tuple[bool, Word]]]] = field(default_factory=list)


class Codebook:
    """The names and alphabets of one set of rules."""

    def __init__(self, rules: Sequence[GateRule]) -> None:
        self._fields: dict[_Key, _Field] = {}
        self._by_kind: dict[FactKind, list[tuple[str, _Field]]] = {kind: [] for kind in FactKind}
        self._lists = 0
        self._coded: dict[tuple[FactKind, tuple[Word | None, ...]], _Fact] = {}
        merged = [_merge(rule) for rule in rules]
        for parts in merged:
            for part in parts:
                for test in part.tests:
                    self._learn(part.kind, test)
        #: for each rule the names of the coded rules that must all fire; none: it always matches
        self.pieces: list[tuple[str, ...]] = []
        self.rulesets: list[Ruleset] = []
        for index, parts in enumerate(merged):
            self.pieces.append(self._write(index, parts))

    def code(self, case: Case) -> Coded:
        """Return a case's facts in code."""
        return Coded(
            self._fact(FactKind.WORK, case.work),
            self._fact(FactKind.CUSTOMER, case.customer),
            frozenset(self._fact(FactKind.RUNNING, fact) for fact in case.running),
        )

    def _learn(self, kind: FactKind, test: FieldTest) -> None:
        key = (kind, test.field)
        known = self._fields.get(key)
        if known is None:
            known = self._fields[key] = _Field(len(self._fields))
            self._by_kind[kind].append((test.field, known))
        match test.op:
            case Comparison.EQ | Comparison.NE:
                known.named.setdefault(_typed(test.values[0]), f"v{len(known.named)}")
            case Comparison.ONE_OF:
                members = frozenset(_typed(value) for value in test.values)
                if members not in (each for _, each in known.lists):
                    known.lists.append((f"s{self._lists}", members))
                    self._lists += 1
            case _:
                bound = int(test.values[0])
                place = bisect_left(known.bounds, bound)
                if known.bounds[place : place + 1] != [bound]:
                    known.bounds.insert(place, bound)

    def _fact(self, kind: FactKind, fact: Mapping[str, Word]) -> _Fact:
        """Return a fact in code; of a holiday a million are alike."""
        values = tuple([fact.get(name) for name, _ in self._by_kind[kind]])
        # Of texts only: yes and 1 are equal as keys and differ as values, others are no keys at all.
        if not all(type(value) is str or value is None for value in values):
            return self._code(kind, fact)
        key = (kind, values)
        if key not in self._coded:
            if len(self._coded) >= _KEPT:
                self._coded.clear()
            self._coded[key] = self._code(kind, fact)
        return self._coded[key]

    def _code(self, kind: FactKind, fact: Mapping[str, Word]) -> _Fact:
        coded: list[tuple[str, str | int]] = [("k", kind.value)]
        for name, known in self._by_kind[kind]:
            value = fact.get(name)
            if not isinstance(value, (str, int)):
                continue
            typed = _typed(value)
            if known.named:
                coded.append((f"e{known.number}", known.named.get(typed, "v")))
            coded.extend((symbol, "y") for symbol, members in known.lists if typed in members)
            if known.bounds and not isinstance(value, (str, bool)):
                coded.append((f"n{known.number}", _rank(known.bounds, value)))
        return tuple(sorted(coded))

    def _write(self, index: int, parts: Sequence[Part]) -> tuple[str, ...]:
        own = [part for part in parts if part.kind is not FactKind.RUNNING]
        running = [part for part in parts if part.kind is FactKind.RUNNING]
        groups = [[*own, part] for part in running] or ([own] if own else [])
        names = []
        for piece, group in enumerate(groups):
            name = f"r{index}_{piece}"
            written = [self._part(part) for part in group]
            fields = {field_ for _, used in written for field_ in used}
            self._place(name, [{f"m{i}": tests} for i, (tests, _) in enumerate(written)], fields)
            names.append(name)
        return tuple(names)

    def _part(self, part: Part) -> tuple[dict[str, Any], set[str]]:
        tests: list[dict[str, Any]] = [{"k": part.kind.value}]
        used: set[str] = set()
        for test in part.tests:
            name, written = self._test(self._fields[part.kind, test.field], test)
            if written not in tests:
                tests.append(written)
            used.add(name)
        return (tests[0] if len(tests) == 1 else {"$and": tests}), used

    def _test(self, known: _Field, test: FieldTest) -> tuple[str, dict[str, Any]]:
        match test.op:
            case Comparison.EQ:
                name = f"e{known.number}"
                return name, {name: known.named[_typed(test.values[0])]}
            case Comparison.NE:
                name = f"e{known.number}"
                return name, {"$neq": {name: known.named[_typed(test.values[0])]}}
            case Comparison.ONE_OF:
                members = frozenset(_typed(value) for value in test.values)
                name = next(symbol for symbol, each in known.lists if each == members)
                return name, {name: "y"}
            case Comparison.LT | Comparison.LTE | Comparison.GT | Comparison.GTE:
                name = f"n{known.number}"
                rank = _rank(known.bounds, int(test.values[0]))
                return name, {_SIGNS[test.op]: {name: rank}}
            case _:
                assert_never(test.op)

    def _place(self, name: str, parts: list[dict[str, Any]], fields: set[str]) -> None:
        last = self.rulesets[-1] if self.rulesets else None
        if (
            last is None
            or len(last.rules) >= RULES_AT_MOST
            or len(last.fields | fields) > FIELDS_AT_MOST
        ):
            last = Ruleset()
            self.rulesets.append(last)
        last.rules[name] = parts
        last.fields |= fields


def _merge(rule: GateRule) -> list[Part]:
    """Return a rule's parts with one part for ``work`` and one for ``customer`` (a case has one fact
    of each, which must pass all), and no ``running`` part twice.
    """
    tests: dict[FactKind, list[FieldTest]] = {}
    running: list[Part] = []
    for part in rule.parts:
        if part.kind is FactKind.RUNNING:
            if part not in running:
                running.append(part)
        else:
            tests.setdefault(part.kind, []).extend(part.tests)
    own = [Part(kind, tuple(dict.fromkeys(tests[kind]))) for kind in FactKind if kind in tests]
    return own + running


def _typed(value: Word) -> tuple[bool, Word]:
    return isinstance(value, bool), value


def _rank(bounds: Sequence[int], value: int) -> int:
    place = bisect_left(bounds, value)
    return 2 * place + (place < len(bounds) and bounds[place] == value)
