"""Segments, classes and measures of a whole population in one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from rules.evaluate import RankKey
from rules.measures import Catalogue
from rules.sql.binds import Binds, Codes
from rules.sql.build import col, named
from rules.sql.layers import Layers
from rules.vocabulary import Vocabulary

__all__ = ["Population", "RankQuery", "compile_population", "compile_ranks"]

_NO_RANKS: Mapping[RankKey, int | None] = {}


@dataclass(frozen=True, slots=True)
class Population:
    """One statement that gives a row a customer, for any (T, S).

    Columns: ``customer`` (code), ``s_<segment>`` (boolean, never NULL), ``c_<class>`` (text),
    ``m_<measure>_num`` and ``m_<measure>_den`` of numbers, shares and times, ``m_<measure>`` of
    the others, ``a_<attribute>`` (numbers scaled); NULL is unknown.
    """

    query: exp.Select
    bound: Binds

    def sql(self, dialect: str = "duckdb") -> str:
        """Return the statement, with ``$name`` placeholders."""
        return self.query.sql(dialect)

    def binds(
        self, at: int, seq: int, codes: Codes, ranks: Mapping[RankKey, int | None] = _NO_RANKS
    ) -> dict[str, int | str | None]:
        """Return the values of the placeholders at (T, S) on one log.

        ``ranks`` is needed where the statement is scoped and a ``top`` stands in it; without them
        ValueError is raised.
        """
        return self.bound.values({0: (at, seq)}, codes, ranks)


@dataclass(frozen=True, slots=True)
class RankQuery:
    """One statement with one row: the last value inside each ``top N% of segment``."""

    keys: tuple[RankKey, ...]
    query: exp.Select
    bound: Binds

    def sql(self, dialect: str = "duckdb") -> str:
        """Return the statement, with ``$name`` placeholders."""
        return self.query.sql(dialect)

    def binds(self, at: int, seq: int, codes: Codes) -> dict[str, int | str | None]:
        """Return the values of the placeholders at (T, S) on one log."""
        return self.bound.values({0: (at, seq)}, codes, {})

    def read(self, rows: Sequence[Sequence[int | None]]) -> dict[RankKey, int | None]:
        """Return what ``Evaluator`` and a scoped ``Population`` take, from the rows."""
        (row,) = rows
        return dict(zip(self.keys, row, strict=False))


def compile_population(
    vocabulary: Vocabulary,
    catalogue: Catalogue,
    segments: Sequence[str],
    classes: Sequence[str] = (),
    measures: Sequence[str] = (),
    attributes: Sequence[str] = (),
    *,
    scoped: bool,
) -> Population:
    """Compile segments (or ``class.value``), classes, measures and attributes.

    All customers known at (T, S) are rows; ``scoped`` keeps those in a table
    ``scope(customer INTEGER)``. Raises KeyError for a name that the catalogue does not hold, and
    ValueError for a condition on triggers or steps, which only Python evaluates.
    """
    compiler = Layers(vocabulary, catalogue, scoped=scoped)
    chosen = [(f"s_{name}", compiler.member(name)) for name in segments]
    chosen += [(f"c_{name}", compiler.class_value(name)) for name in classes]
    for name in measures:
        value = compiler.measure(name)
        if value.den is None:
            chosen.append((f"m_{name}", value.this))
        else:
            chosen += [(f"m_{name}_num", value.this), (f"m_{name}_den", value.den)]
    chosen += [(f"a_{name}", compiler.attribute(name).this) for name in attributes]
    columns = [named(this, name) for name, this in chosen]
    query = compiler.query([col("customer"), *columns])
    return Population(query, compiler.binds.used(query))


def compile_ranks(
    vocabulary: Vocabulary, catalogue: Catalogue, names: Sequence[str]
) -> RankQuery | None:
    """Compile every ``top N% of segment`` behind segments and classes; None: there is none."""
    compiler = Layers(vocabulary, catalogue, scoped=False)
    for name in names:
        if name in catalogue.classes:
            compiler.class_value(name)
        else:
            compiler.member(name)
    if not compiler.ranks:
        return None
    places = [col(f"r{place}") for place in range(len(compiler.ranks))]
    query = compiler.query(places, ranks_only=True)
    return RankQuery(tuple(compiler.ranks), query, compiler.binds.used(query))
