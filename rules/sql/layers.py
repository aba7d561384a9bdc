"""Definitions laid upon each other: the statement behind a population.

The statement is built in layers: the customers; their measures and attributes joined to them
(``care_facts``); then one layer after another the definitions that need only what lies below.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import assert_never

from sqlglot import exp

from rules.conditions import (
    All,
    Always,
    AnyOf,
    Compare,
    Condition,
    InSegment,
    Not,
    NotTest,
    Subject,
    SubjectKind,
    Top,
)
from rules.evaluate import RankKey, split_class
from rules.measures import Catalogue, CustomerClass
from rules.sql.attributes import CurrentTable
from rules.sql.binds import SEQ, Binds, Constant, Rank
from rules.sql.build import (
    all_of,
    any_of,
    case_of,
    coalesce,
    col,
    fallback,
    huge,
    is_set,
    named,
    negated,
    number,
    select,
    subquery,
)
from rules.sql.comparisons import SqlValue, ranked, test_value
from rules.sql.measures import Measures
from rules.sql.scan import Reader, visible
from rules.values import Shape
from rules.vocabulary import Vocabulary

__all__ = ["Layers"]


class Layers:
    """Lays definitions upon each other; every definition is one column of one layer."""

    def __init__(self, vocabulary: Vocabulary, catalogue: Catalogue, *, scoped: bool) -> None:
        self.vocabulary = vocabulary
        self.catalogue = catalogue
        self.scoped = scoped
        self.binds = Binds(vocabulary.timezone)
        self.reader = Reader(vocabulary, self.binds, scoped=scoped)
        self.measures = Measures(self.reader)
        self.attributes = CurrentTable("care_current", self.reader)
        self.facts: list[exp.Expr] = []  #: columns of the lowest layer
        self.layers: list[list[exp.Expr]] = []  #: columns that each layer adds
        self.ranks: dict[RankKey, tuple[int, exp.Expr, exp.Expr]] = {}  #: layer, member, value
        self._known: dict[tuple[str, str], SqlValue] = {}
        self._levels: dict[tuple[str, str], int] = {}

    # Names

    def measure(self, name: str) -> SqlValue:
        """Return the columns of a measure."""
        key = ("measure", name)
        if key not in self._known:
            value = self.measures.value(self.catalogue.measures[name])
            self._known[key] = self._fact(f"m{len(self._known)}", value)
        return self._known[key]

    def attribute(self, name: str) -> SqlValue:
        """Return the column of an attribute."""
        key = ("attribute", name)
        if key not in self._known:
            field = self.vocabulary.attributes.get(name)
            if field is None:
                self._known[key] = SqlValue(Shape.NOTHING, exp.null())
            else:
                found = self.attributes.value(field)
                self._known[key] = self._fact(f"m{len(self._known)}", found)
        return self._known[key]

    def _fact(self, name: str, value: SqlValue) -> SqlValue:
        self.facts.append(named(value.this, f"{name}n"))
        if value.den is None:
            return SqlValue(value.shape, col(f"{name}n"))
        self.facts.append(named(value.den, f"{name}d"))
        return SqlValue(value.shape, col(f"{name}n"), col(f"{name}d"))

    def member(self, name: str) -> exp.Expr:
        """Return whether the customer is in a segment or ``class.value``; never NULL."""
        classed = split_class(self.catalogue, name)
        if classed is not None:
            value = self.binds(Constant(classed[1]))
            same = exp.EQ(this=self.class_value(classed[0].name), expression=value)
            return coalesce(same, exp.false())
        key = ("segment", name)
        if key not in self._known:
            condition = self.catalogue.segments[name].condition
            this = coalesce(self.condition(condition), exp.false())
            level = self._level(condition)
            self._known[key] = SqlValue(Shape.YES_NO, self._place(key, level, this))
        return self._known[key].this

    def class_value(self, name: str) -> exp.Expr:
        """Return the value of a class, NULL for none."""
        key = ("class", name)
        if key not in self._known:
            found = self.catalogue.classes[name]
            this, level = self._class(found)
            self._known[key] = SqlValue(Shape.TEXT, self._place(key, level, this))
        return self._known[key].this

    def _class(self, found: CustomerClass) -> tuple[exp.Expr, int]:
        ifs: list[exp.If] = []
        level = 0
        if found.of is not None:
            outside = negated(self.member(found.of))
            level = self._level(InSegment(names=(found.of,)))
            ifs.append(exp.If(this=outside, true=exp.null()))
        for item in found.values:
            condition = item.condition if item.condition is not None else Always()
            value = self.binds(Constant(item.value))
            ifs.append(exp.If(this=self.condition(condition), true=value))
            level = max(level, self._level(condition))
        # Without a cast DuckDB takes the type of the first branch, which may be a bare NULL.
        case = exp.Case(ifs=ifs) if ifs else exp.null()
        return exp.Cast(this=case, to=exp.DataType(this=exp.DataType.Type.VARCHAR)), level

    def _place(self, key: tuple[str, str], level: int, this: exp.Expr) -> exp.Expr:
        """Put a definition on its layer, one above all that it needs; return its column."""
        while len(self.layers) <= level:
            self.layers.append([])
        name = f"d{len(self._levels)}"
        self._levels[key] = level + 1
        self.layers[level].append(named(this, name))
        return col(name)

    def _level(self, condition: Condition) -> int:
        """Return the lowest layer on which a condition's needs are all below."""
        match condition:
            case Always():
                return 0
            case All() | AnyOf():
                return max((self._level(part) for part in condition.parts), default=0)
            case Not():
                return self._level(condition.part)
            case InSegment():
                return max((self._level_of(name) for name in condition.names), default=0)
            case Compare():
                found = 0
                if condition.subject.kind is SubjectKind.CLASS:
                    found = self._levels[("class", condition.subject.name)]
                top = _top(condition)
                if top is not None:
                    found = max(found, self._level_of(top.segment))
                    key = (condition.subject.name, top.segment, top.share)
                    if key in self.ranks:
                        found = max(found, self.ranks[key][0] + 1)
                return found
            case _:
                assert_never(condition)

    def _level_of(self, name: str) -> int:
        classed = split_class(self.catalogue, name)
        key = ("segment", name) if classed is None else ("class", classed[0].name)
        return self._levels[key]

    # Conditions

    def condition(self, condition: Condition) -> exp.Expr:
        """Return the verdict on a condition, NULL for unknown."""
        match condition:
            case Always():
                return exp.true()
            case All():
                return all_of([self.condition(part) for part in condition.parts])
            case AnyOf():
                return any_of([self.condition(part) for part in condition.parts])
            case Not():
                return negated(self.condition(condition.part))
            case InSegment():
                return any_of([self.member(name) for name in condition.names])
            case Compare():
                value = self._value(condition.subject)
                name = condition.subject.name
                return test_value(
                    condition.test, value, self.binds, lambda top, it: self._top(name, top, it)
                )
            case _:
                assert_never(condition)

    def _value(self, subject: Subject) -> SqlValue:
        match subject.kind:
            case SubjectKind.MEASURE:
                return self.measure(subject.name)
            case SubjectKind.ATTRIBUTE:
                return self.attribute(subject.name)
            case SubjectKind.CLASS:
                return SqlValue(Shape.TEXT, self.class_value(subject.name))
            case SubjectKind.FIELD | SubjectKind.TRIGGER | SubjectKind.STEP:
                raise ValueError(f"{subject.name} is known of one journey, not of a population")
            case _:
                assert_never(subject.kind)

    def _top(self, name: str, test: Top, value: SqlValue) -> exp.Expr:
        member = self.member(test.segment)
        this = ranked(value)
        if this is None:
            return all_of([member, exp.cast(exp.null(), exp.DataType.Type.BOOLEAN)])
        key = (name, test.segment, test.share)
        last: exp.Expr
        if self.scoped:
            last = huge(self.binds(Rank(key)))
        else:
            if key not in self.ranks:
                self.ranks[key] = (self._level_of(test.segment), member, this)
                while len(self.layers) <= self.ranks[key][0]:
                    self.layers.append([])
            last = col(f"r{list(self.ranks).index(key)}")
        inside = coalesce(exp.GTE(this=this, expression=last), exp.false())
        return fallback(member, case_of(is_set(this), inside), exp.false())

    # The statement

    def query(self, chosen: Sequence[exp.Expr], *, ranks_only: bool = False) -> exp.Select:
        """Return the whole statement."""
        parts: list[tuple[str, exp.Query]] = [("care_people", self._people())]
        facts = select([col("customer", "care_people"), *self.facts], "care_people")
        tables = self.measures.tables()
        if not self.attributes.empty:
            tables = [*tables, self.attributes]
        for table in tables:
            parts.append((table.name, table.query()))
            same = exp.EQ(
                this=col("customer", table.name), expression=col("customer", "care_people")
            )
            facts = facts.join(table.name, on=same, join_type="left", copy=False)
        parts.append(("care_facts", facts))
        below = "care_facts"
        shared: set[str] = set()
        for level, added in enumerate(self.layers):
            above = f"care_layer{level}"
            layer = select([exp.column(exp.Star(), table=below), *added], below)
            for place, (key, (at, member, value)) in enumerate(self.ranks.items()):
                if at != level:
                    continue
                shared.add(below)
                name = f"care_rank{place}"
                parts.append((name, self._last(key[2], place, below, member, value)))
                layer = layer.select(col(f"r{place}", name), copy=False)
                layer = layer.join(name, join_type="cross", copy=False)
            parts.append((above, layer))
            below = above
        if ranks_only:
            outer = select(chosen, "care_rank0")
            for place in range(1, len(self.ranks)):
                outer = outer.join(f"care_rank{place}", join_type="cross", copy=False)
            parts.pop()  # nobody asks for the last layer
        else:
            outer = select(chosen, below)
        for name, query in parts:
            once = True if name in shared else None
            outer = outer.with_(name, as_=query, materialized=once, copy=False)
        return outer

    def _people(self) -> exp.Query:
        """Return the customers known at (T, S), by a visible event or any attribute."""
        scope = self.reader.in_scope()
        active = select([col("customer")], "events", where=[*visible(self.binds), *scope])
        known = exp.LTE(this=col("seq"), expression=self.binds(SEQ))
        profiled = select([col("customer")], "attributes", where=[known, *scope])
        return exp.union(active, profiled, distinct=True, copy=False)

    def _last(
        self, share: Fraction, place: int, below: str, member: exp.Expr, value: exp.Expr
    ) -> exp.Select:
        """Return the k-th value of a segment, k = ceil(share * ranked), as ``r<place>``."""
        rows = select([named(value, "care_v")], below, where=[member, is_set(value)])
        falling = exp.Order(expressions=[exp.Ordered(this=col("care_v"), desc=True)])
        placed = select(
            [
                col("care_v"),
                named(exp.Window(this=exp.RowNumber(), order=falling), "care_n"),
                named(exp.Window(this=exp.Count(this=exp.Star())), "care_all"),
            ],
            subquery(rows, "care_ranked"),
        )
        above = exp.Paren(this=exp.Sub(this=col("care_n"), expression=number(1)))
        # Inside is n <= ceil(all * p / q), which is n - 1 < all * p / q.
        inside = exp.LT(
            this=exp.Mul(this=above, expression=number(share.denominator)),
            expression=exp.Mul(this=col("care_all"), expression=number(share.numerator)),
        )
        last = named(exp.Min(this=col("care_v")), f"r{place}")
        return select([last], subquery(placed, "care_places"), where=[inside])


def _top(leaf: Compare) -> Top | None:
    test = leaf.test
    while isinstance(test, NotTest):
        test = test.test
    return test if isinstance(test, Top) else None
