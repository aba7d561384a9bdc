"""Reading the log's events in SQL: which rows a run sees, and which of them a measure means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from sqlglot import exp

from rules.columns import column
from rules.conditions import All, Always, AnyOf, Compare, Condition, InSegment, Not, SubjectKind
from rules.measures import Events, Window
from rules.sql.binds import Binds, Earliest, Edge, KindCode, Moment
from rules.sql.build import (
    all_of,
    any_of,
    col,
    huge,
    is_set,
    negated,
    number,
    select,
)
from rules.sql.comparisons import SqlValue, test_value
from rules.units import SCALE
from rules.values import Shape, shape_of_field
from rules.vocabulary import FieldType, Vocabulary

__all__ = ["Branch", "Reach", "Reader", "field_value", "visible"]


def field_value(field: FieldType | None, this: exp.Expr) -> SqlValue:
    """Return the value behind a column that holds a field; without a type it is unknown."""
    if field is None:
        return SqlValue(Shape.NOTHING, exp.null())
    shape = shape_of_field(field.kind)
    if shape is Shape.AMOUNT:
        return SqlValue(shape, huge(this), huge(number(SCALE)))
    return SqlValue(shape, this)


def visible(binds: Binds, *, run: int = 0) -> list[exp.Expr]:
    """Return the conditions under which a run sees a row of ``events``."""
    seq = Moment("seq", run)
    later = exp.LTE(this=col("by_seq"), expression=binds(seq))
    replaced = select([col("seq")], "superseded", where=[later]).subquery(copy=False)
    return [
        exp.LTE(this=col("seq"), expression=binds(seq)),
        exp.LTE(this=col("occurred_at"), expression=binds(Moment("at", run))),
        # Uncorrelated: DuckDB plans NOT EXISTS on 20 million rows three times as slowly.
        negated(exp.In(this=col("seq"), query=replaced)),
    ]


@dataclass(frozen=True, slots=True)
class Branch:
    """Event names that share a ``where`` and the column of a field."""

    names: tuple[str, ...]
    where: exp.Expr
    value: exp.Expr | None


class Reach:
    """The rows that a scan must read: of each event name all, or those after the earliest edge."""

    def __init__(self) -> None:
        self._edges: dict[str, list[Edge] | None] = {}

    def add(self, names: Iterable[str], window: Window | None, step: int = 0) -> None:
        """Read what a window needs, ``step`` windows back; None: everything."""
        for name in names:
            known = self._edges.setdefault(name, [])
            if window is None or window.last is None:
                self._edges[name] = None
            elif known is not None:
                known.append(Edge(window, step + 1))

    def condition(self, reader: Reader) -> exp.Expr:
        """Return the condition on the rows."""
        whole = [name for name, edges in self._edges.items() if edges is None]
        recent = [name for name, edges in self._edges.items() if edges is not None]
        edges = {edge: None for name in recent for edge in self._edges[name] or ()}
        parts = [reader.kinds(whole)] if whole else []
        if recent:
            first = reader.binds(Earliest(tuple(edges)))
            after = exp.GT(this=col("occurred_at"), expression=first)
            parts.append(all_of([after, reader.kinds(recent)]))
        return any_of(parts)


class Reader:
    """Makes scans of ``events`` and conditions on its rows."""

    def __init__(self, vocabulary: Vocabulary, binds: Binds, *, scoped: bool) -> None:
        self.vocabulary = vocabulary
        self.binds = binds
        self.scoped = scoped

    def in_scope(self) -> list[exp.Expr]:
        """Return the condition on customers, where the scope is given."""
        if not self.scoped:
            return []
        return [
            exp.In(this=col("customer"), query=exp.select("customer").from_("scope").subquery())
        ]

    def rows(self, reach: Reach) -> list[exp.Expr]:
        """Return the conditions on the rows of a scan."""
        return [*visible(self.binds), reach.condition(self), *self.in_scope()]

    def kinds(self, names: Sequence[str]) -> exp.Expr:
        """Return the condition that a row is one of these events."""
        codes = [self.binds(KindCode(name)) for name in sorted(names)]
        if len(codes) == 1:
            return exp.EQ(this=col("kind"), expression=codes[0])
        return exp.In(this=col("kind"), expressions=codes) if codes else exp.false()

    def within(self, window: Window, step: int) -> list[exp.Expr]:
        """Return the conditions that a row stands in a window, or ``step`` windows before."""
        parts: list[exp.Expr] = []
        if window.last is not None:
            low = self.binds(Edge(window, step + 1))
            parts.append(exp.GT(this=col("occurred_at"), expression=low))
        if step or window.shift is not None:  # else the end is T, which no visible row is after
            high = self.binds(Edge(window, step))
            parts.append(exp.LTE(this=col("occurred_at"), expression=high))
        return parts

    def field(self, event: str, name: str | None) -> FieldType | None:
        """Return the declared type of an event's field."""
        kind = self.vocabulary.events.get(event)
        return kind.fields.get(name) if kind is not None and name is not None else None

    def branches(
        self, events: Events, field_of: Callable[[str], FieldType | None] | None = None
    ) -> list[Branch]:
        """Return the events that are meant; with ``field_of`` only those that have the field."""
        found: dict[tuple[str, str], Branch] = {}
        for name in events.names:
            value: exp.Expr | None = None
            if field_of is not None:
                field = field_of(name)
                if field is None:
                    continue
                value = col(column(field))
            where = self._where(events.where, name)
            key = (where.sql(), value.sql() if value is not None else "")
            same = found.get(key)
            names = (*same.names, name) if same else (name,)
            found[key] = Branch(names, where, value)
        return list(found.values())

    def meant(self, events: Events) -> exp.Expr:
        """Return the condition that a row is one of the events that are meant."""
        branches = self.branches(events)
        return any_of(self.taken(branch) for branch in branches)

    def taken(self, branch: Branch) -> exp.Expr:
        """Return the condition that a row is of a branch, its field known where it has one."""
        parts = [self.kinds(branch.names)]
        if not isinstance(branch.where, exp.Boolean) or not branch.where.this:
            parts.append(branch.where)
        return all_of(parts)

    def rows_of(
        self,
        events: Events,
        field_of: Callable[[str], FieldType | None] | None,
        window: Window,
        step: int,
    ) -> tuple[list[str], exp.Expr, exp.Expr]:
        """Return the event names that are meant, the condition on their rows in a window, and the
        field that ``field_of`` chooses (NULL without it); rows without the field are left out.
        """
        branches = self.branches(events, field_of)
        names = [name for branch in branches for name in branch.names]
        either = []
        for branch in branches:
            parts = [self.taken(branch)]
            if branch.value is not None:
                parts.append(is_set(branch.value))
            either.append(all_of(parts))
        rows = all_of([any_of(either), *self.within(window, step)])
        return names, rows, self._chosen(branches)

    def _chosen(self, branches: Sequence[Branch]) -> exp.Expr:
        found = [(branch, branch.value) for branch in branches if branch.value is not None]
        if not found:
            return exp.null()
        if len({value.sql("duckdb") for _, value in found}) == 1:
            return found[0][1]
        ifs = [exp.If(this=self.kinds(branch.names), true=value) for branch, value in found]
        return exp.Case(ifs=ifs)

    def key(self, names: Iterable[str], field: str) -> exp.Expr:
        """Return what two rows must share to have the same value of a field; NULL: unknown.

        Rows of other event names than these are not looked at.
        """
        return self.keyed({name: self.field(name, field) for name in names})

    def keyed(self, fields: Mapping[str, FieldType | None]) -> exp.Expr:
        """Return the value of one field an event name, such that values of two types differ."""
        columns: dict[str, list[str]] = {}
        for name, field in fields.items():
            if field is not None:
                columns.setdefault(column(field), []).append(name)
        if not columns:
            return exp.null()
        mixed = len({name[:2] for name in columns}) > 1
        plain = len(columns) == 1 and all(field is not None for field in fields.values())
        if plain:
            return col(next(iter(columns)))
        ifs = []
        for name, events in columns.items():
            this: exp.Expr = col(name)
            if mixed:
                text = exp.Cast(this=this, to=exp.DataType(this=exp.DataType.Type.VARCHAR))
                this = exp.DPipe(this=exp.Literal.string(name[0]), expression=text)
            ifs.append(exp.If(this=self.kinds(events), true=this))
        return exp.Case(ifs=ifs)

    def _where(self, condition: Condition, event: str) -> exp.Expr:
        match condition:
            case Always():
                return exp.true()
            case All():
                return all_of(self._where(part, event) for part in condition.parts)
            case AnyOf():
                return any_of(self._where(part, event) for part in condition.parts)
            case Not():
                return negated(self._where(condition.part, event))
            case Compare():
                subject = condition.subject
                if subject.kind is not SubjectKind.FIELD:
                    raise ValueError(f"where asks of fields only, not of {subject.name}")
                field = self.field(event, subject.name)
                this = col(column(field)) if field is not None else exp.null()
                return test_value(condition.test, field_value(field, this), self.binds, None)
            case InSegment():
                raise ValueError("where asks of fields only, not of segments")
            case _:
                assert_never(condition)
