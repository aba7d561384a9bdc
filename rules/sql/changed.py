"""The customers whose verdict may differ between two runs: the rest need not be asked again."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from rules.columns import column
from rules.edges import (
    AttributeEdge,
    ChangeEdge,
    Edge,
    FieldEdge,
    Place,
    TimeEdge,
    WindowEdge,
    edges,
)
from rules.measures import Catalogue
from rules.sql.binds import AttributeCode, Binds, Codes, Constant, KindCode
from rules.sql.build import all_of, col, select
from rules.vocabulary import FieldKind, Vocabulary
from rules.windows import bound, day_mark, mark

__all__ = ["changed_customers"]


def changed_customers(
    vocabulary: Vocabulary,
    catalogue: Catalogue,
    names: Sequence[str],
    *,
    at0: int,
    seq0: int,
    at1: int,
    seq1: int,
    codes: Codes,
) -> tuple[str, dict[str, int | str | None]]:
    """Return a statement and its binds; it gives the ``customer`` codes between two runs.

    Of these segments, classes or measures, whoever is not listed has the same verdict at (T1, S1)
    as at (T0, S0), or is in neither population. With a ``top`` behind one of the names all
    customers are listed: ask ``edges(...).population_bound`` first and measure those in full.
    """
    search = _Search(vocabulary, (at0, at1), (seq0, seq1))
    depends = edges(catalogue, *names)
    if depends.population_bound:
        return 'SELECT code AS "customer" FROM customers', {}
    search.rows()
    search.versions(sorted(depends.attributes))
    for edge in sorted(depends.boundaries, key=repr):
        search.edge(edge)
    query = search.query()
    return query.sql("duckdb"), search.binds.used(query).values({}, codes, {})


class _Search:
    """Collects the places where something may have changed."""

    def __init__(self, vocabulary: Vocabulary, ats: tuple[int, int], seqs: tuple[int, int]) -> None:
        self.vocabulary = vocabulary
        self.tz = vocabulary.timezone
        self.ats = ats
        self.seqs = seqs
        self.binds = Binds(vocabulary.timezone)
        self.found: dict[str, exp.Select] = {}

    def query(self) -> exp.Query:
        """Return the union of all places."""
        first, *others = self.found.values()
        return exp.union(first, *others, distinct=True, copy=False) if others else first.distinct()

    def rows(self) -> None:
        """Events that became visible, of any name: whoever is new belongs to the population."""
        last = exp.LTE(this=col("occurred_at"), expression=self._value(max(self.ats)))
        known = exp.LTE(this=col("seq"), expression=self._value(max(self.seqs)))
        self._add("events", self._new_seq("seq"), last)
        self._add("events", known, *self._between("occurred_at", min(self.ats), max(self.ats)))
        # A version replaced: its customer may lose the event, wherever the new one went.
        replaced = select([col("seq")], "superseded", where=[self._new_seq("by_seq")])
        if min(self.seqs) != max(self.seqs):
            self._add("events", exp.In(this=col("seq"), query=replaced.subquery(copy=False)))

    def versions(self, attributes: Sequence[str]) -> None:
        """Attribute versions that became visible, and those read that became the last one."""
        self._add("attributes", self._new_seq("seq"))
        if attributes and self.ats[0] != self.ats[1]:
            span = self._between("occurred_at", min(self.ats), max(self.ats))
            self._add("attributes", self._are(attributes), *span)

    def edge(self, edge: Edge) -> None:
        """Rows between the old and the new place of a boundary, in either direction."""
        match edge:
            case WindowEdge():
                old, new = (bound(at, edge.window, edge.step, self.tz) for at in self.ats)
                self._crossed("events", "occurred_at", old, new, self._kinds(edge.names))
            case TimeEdge():
                old, new = self._instants(edge.place)
                self._crossed("events", "occurred_at", old, new, self._kinds(edge.names))
            case FieldEdge():
                self._field(edge)
            case ChangeEdge():
                old, new = self._instants(edge.place)
                self._crossed("attributes", "occurred_at", old, new, self._are([edge.attribute]))
            case AttributeEdge():
                field = self.vocabulary.attributes.get(edge.attribute)
                if field is not None:
                    places = self._places(field.kind, edge.place)
                    if places is not None:
                        self._crossed("attributes", "num", *places, self._are([edge.attribute]))

    def _field(self, edge: FieldEdge) -> None:
        for name in edge.names:
            event = self.vocabulary.events.get(name)
            field = event.fields.get(edge.field) if event else None
            places = self._places(field.kind, edge.place) if field else None
            if field is not None and places is not None:
                self._crossed("events", column(field), *places, self._kinds([name]))

    def _places(self, kind: FieldKind, place: Place) -> tuple[int, int] | None:
        if kind is FieldKind.INSTANT:
            return self._instants(place)
        if kind is FieldKind.DATE:
            old, new = (day_mark(at, place.duration, self.tz, back=place.back) for at in self.ats)
            return old, new
        return None

    def _instants(self, place: Place) -> tuple[int, int]:
        old, new = (mark(at, place.duration, self.tz, back=place.back) for at in self.ats)
        return old, new

    def _crossed(self, table: str, name: str, old: int, new: int, which: exp.Expr) -> None:
        if old != new:
            self._add(table, which, *self._between(name, min(old, new), max(old, new)))

    def _between(self, name: str, low: int, high: int) -> list[exp.Expr]:
        """Return low <= x <= high: both ends, since some phrases take theirs in."""
        return [
            exp.GTE(this=col(name), expression=self._value(low)),
            exp.LTE(this=col(name), expression=self._value(high)),
        ]

    def _new_seq(self, name: str) -> exp.Expr:
        after = exp.GT(this=col(name), expression=self._value(min(self.seqs)))
        return all_of([after, exp.LTE(this=col(name), expression=self._value(max(self.seqs)))])

    def _kinds(self, names: Sequence[str]) -> exp.Expr:
        return exp.In(this=col("kind"), expressions=[self.binds(KindCode(n)) for n in names])

    def _are(self, attributes: Sequence[str]) -> exp.Expr:
        codes = [self.binds(AttributeCode(name)) for name in attributes]
        return exp.In(this=col("attribute"), expressions=codes)

    def _value(self, value: int) -> exp.Expr:
        return self.binds(Constant(value))

    def _add(self, table: str, *conditions: exp.Expr) -> None:
        query = select([col("customer")], table, where=conditions)
        self.found[query.sql("duckdb")] = query
