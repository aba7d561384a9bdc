"""One meaning, two evaluators: the compiled SQL and the Python that explains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules.evaluate import Evaluator, Ranks
from rules.sql import Population, changed_customers, compile_population, compile_ranks
from rules.sql.build import col, huge
from rules.sql.comparisons import SqlValue, ranked
from rules.values import Amount, Result, Shape, rank_value, shape_of_quantity
from tests.strategies import AllRanks, LogCodes, World, install, worlds

Rows = dict[int, dict[str, Any]]

SLOW_TO_MAKE = [HealthCheck.too_slow, HealthCheck.data_too_large]
EQUAL = settings(max_examples=60, deadline=None, suppress_health_check=SLOW_TO_MAKE)
MANY = settings(max_examples=1500, deadline=None, suppress_health_check=SLOW_TO_MAKE)
STEPS = settings(max_examples=12, deadline=None, suppress_health_check=SLOW_TO_MAKE)


def person_row(person: Evaluator) -> dict[str, Any]:
    """What Python says of one customer, named as the columns of SQL are."""
    catalogue = person.catalogue
    row: dict[str, Any] = {f"s_{name}": person.in_segment(name) for name in catalogue.segments}
    row |= {f"c_{name}": person.class_value(name) for name in catalogue.classes}
    for name, named in catalogue.measures.items():
        value: Result = person.measure(name)
        if shape_of_quantity(named.quantity) is Shape.AMOUNT:
            row[f"m_{name}_num"] = value.num if isinstance(value, Amount) else None
            row[f"m_{name}_den"] = value.den if isinstance(value, Amount) else None
        else:
            row[f"m_{name}"] = value
    return row


def python_rows(world: World) -> Rows:
    """What Python says of the whole population."""
    histories = world.log.histories(world.at, world.seq)
    ranks = AllRanks(world.vocabulary, world.catalogue, histories, world.at)
    return {customer: person_row(person) for customer, person in ranks.people.items()}


def compiled(world: World, *, scoped: bool = False) -> Population:
    """All definitions of a world in one statement."""
    catalogue = world.catalogue
    return compile_population(
        world.vocabulary,
        catalogue,
        list(catalogue.segments),
        list(catalogue.classes),
        list(catalogue.measures),
        scoped=scoped,
    )


def rows_of(
    connection: duckdb.DuckDBPyConnection,
    population: Population,
    codes: LogCodes,
    at: int,
    seq: int,
    ranks: Ranks | None = None,
) -> Rows:
    """What SQL says, one row a customer."""
    binds = population.binds(at, seq, codes, ranks or {})
    found = connection.execute(population.sql(), binds)
    names = [name for name, *_ in found.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    by_customer = {row.pop("customer"): row for row in rows}
    assert len(by_customer) == len(rows)
    return by_customer


def sql_rows(world: World) -> Rows:
    """What SQL says of the whole population."""
    connection, codes = install(world.vocabulary, world.log)
    with connection:
        return rows_of(connection, compiled(world), codes, world.at, world.seq)


def scope(connection: duckdb.DuckDBPyConnection, customers: Sequence[int]) -> None:
    """Put customers into the scope."""
    connection.execute("DELETE FROM scope")
    for customer in customers:
        connection.execute("INSERT INTO scope VALUES (?)", [customer])


@EQUAL
@given(worlds())
def test_segments_classes_and_measures(world: World) -> None:
    """SQL and Python give every customer the same values, unknowns included."""
    expected = python_rows(world)

    assert expected == sql_rows(world)


@pytest.mark.long
@MANY
@given(worlds(rows=150, definitions=8))
def test_segments_classes_and_measures_at_length(world: World) -> None:
    """SQL and Python give every customer the same values, in many and larger worlds."""
    expected = python_rows(world)

    assert expected == sql_rows(world)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(-(10**13), 10**13) | st.integers(-9, 9),
            st.sampled_from([1, 2, 4, 3, 7, 64, 10_000, 128 * 10**6, 2 * 10**6]),
        ),
        min_size=1,
        max_size=50,
    )
)
def test_ranking_rounds_alike(pairs: list[tuple[int, int]]) -> None:
    """What a top ranks by is rounded half-even to 6 decimals, by one formula in both."""
    value = SqlValue(Shape.AMOUNT, huge(col("num")), huge(col("den")))
    formula = ranked(value)
    assert formula is not None
    rows = ", ".join(f"({place}, {num}, {den})" for place, (num, den) in enumerate(pairs))
    with duckdb.connect(":memory:") as connection:
        found = connection.execute(
            f"SELECT {formula.sql('duckdb')} FROM (VALUES {rows}) t(place, num, den) ORDER BY place"
        ).fetchall()

    assert [rank_value(Amount(num, den)) for num, den in pairs] == [rank for (rank,) in found]


@STEPS
@given(worlds(definitions=4))
def test_ranks_and_scope(world: World) -> None:
    """The ranks of SQL are those of Python, and a scoped statement fed with them gives the same
    values as one over everybody, for those in scope.
    """
    connection, codes = install(world.vocabulary, world.log)
    catalogue = world.catalogue
    query = compile_ranks(world.vocabulary, catalogue, [*catalogue.segments, *catalogue.classes])
    with connection:
        ranks: Ranks = {}
        if query is not None:
            found = connection.execute(query.sql(), query.binds(world.at, world.seq, codes))
            ranks = query.read(found.fetchall())
        everybody = rows_of(connection, compiled(world), codes, world.at, world.seq)
        chosen = [customer for customer in everybody if customer % 2]
        scope(connection, [*chosen, 99])
        scoped = compiled(world, scoped=True)
        some = rows_of(connection, scoped, codes, world.at, world.seq, ranks)

    histories = world.log.histories(world.at, world.seq)
    by_hand = AllRanks(world.vocabulary, catalogue, histories, world.at)
    assert {key: by_hand[key] for key in ranks} == ranks
    assert {customer: everybody[customer] for customer in chosen} == some


@STEPS
@given(worlds(tops=False, definitions=4))
def test_incremental_equals_full(world: World) -> None:
    """Over several runs, with late and corrected rows and month ends, asking only the changed
    customers and keeping the others' verdicts gives what asking everybody gives.
    """
    catalogue = world.catalogue
    groups = [*catalogue.segments, *catalogue.classes]
    verdicts = [f"s_{name}" for name in catalogue.segments]
    verdicts += [f"c_{name}" for name in catalogue.classes]
    full, scoped = compiled(world), compiled(world, scoped=True)
    connection, codes = install(world.vocabulary, world.log)

    def kept(rows: Rows) -> Rows:
        return {customer: {key: row[key] for key in verdicts} for customer, row in rows.items()}

    with connection:
        (at0, seq0), *later = world.later
        known = kept(rows_of(connection, full, codes, at0, seq0))
        for at1, seq1 in later:
            sql, binds = changed_customers(
                world.vocabulary, catalogue, groups,
                at0=at0, seq0=seq0, at1=at1, seq1=seq1, codes=codes,
            )  # fmt: skip
            changed = [customer for (customer,) in connection.execute(sql, binds).fetchall()]
            scope(connection, changed)
            renewed = kept(rows_of(connection, scoped, codes, at1, seq1))
            known = {c: row for c, row in known.items() if c not in changed} | renewed
            expected = kept(rows_of(connection, full, codes, at1, seq1))

            assert expected == known
            at0, seq0 = at1, seq1


@STEPS
@given(worlds(definitions=3))
def test_one_statement_serves_every_instant(world: World) -> None:
    """One compiled statement, bound to other (T, S), equals Python there as well."""
    population = compiled(world)
    connection, codes = install(world.vocabulary, world.log)
    with connection:
        for at, seq in world.later[::2]:
            histories = world.log.histories(at, seq)
            ranks = AllRanks(world.vocabulary, world.catalogue, histories, at)
            expected = {customer: person_row(person) for customer, person in ranks.people.items()}

            assert expected == rows_of(connection, population, codes, at, seq)
