"""One meaning, two evaluators: the compiled SQL and the Python that explains."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules.conditions import Always, Compare, IsKnown, Not, Subject, SubjectKind, Top
from rules.evaluate import Evaluator, Ranks
from rules.measures import Catalogue, Changed, NamedMeasure, Quantity, Segment
from rules.sql import Population, changed_customers, compile_population, compile_ranks
from rules.sql.build import col, huge
from rules.sql.comparisons import SqlValue, ranked
from rules.values import Amount, Result, Shape, rank_value, shape_of_quantity
from tests.strategies import (
    AllRanks,
    AttributeRow,
    LogCodes,
    LogRows,
    Maker,
    World,
    install,
    walks,
    worlds,
)

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


def walk(world: World) -> None:
    """Ask of every step and segment whether those not listed kept their verdict."""
    catalogue = world.catalogue
    population = compile_population(
        world.vocabulary, catalogue, list(catalogue.segments), scoped=False
    )
    connection, codes = install(world.vocabulary, world.log)
    with connection:
        (at0, seq0), *later = world.later
        before = rows_of(connection, population, codes, at0, seq0)
        for at1, seq1 in later:
            after = rows_of(connection, population, codes, at1, seq1)
            for name in catalogue.segments:
                sql, binds = changed_customers(
                    world.vocabulary, catalogue, [name],
                    at0=at0, seq0=seq0, at1=at1, seq1=seq1, codes=codes,
                )  # fmt: skip
                listed = {customer for (customer,) in connection.execute(sql, binds).fetchall()}
                column = f"s_{name}"
                differ = {
                    customer
                    for customer in before.keys() | after.keys()
                    if before.get(customer, {}).get(column) != after.get(customer, {}).get(column)
                }

                assert differ - listed == set()
            before, at0, seq0 = after, at1, seq1


@settings(max_examples=25, deadline=None, suppress_health_check=SLOW_TO_MAKE)
@given(walks())
def test_only_those_listed_change(world: World) -> None:
    """From step to step nobody's verdict changes who is not listed, segment by segment."""
    walk(world)


@pytest.mark.long
@settings(max_examples=600, deadline=None, suppress_health_check=SLOW_TO_MAKE)
@given(walks())
def test_only_those_listed_change_at_length(world: World) -> None:
    """The same in many worlds: some boundaries are seldom crossed."""
    walk(world)


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


def test_names_of_users_are_only_names() -> None:
    """Names in Chinese, with quotes, in capitals, or like words of SQL stand for themselves, and
    no two columns of a result have one name.
    """
    names = ["流失", 'a"b', "select", "x; DROP TABLE events", "Big", "big"]
    size = Compare(subject=Subject(SubjectKind.ATTRIBUTE, "size"), test=IsKnown())
    catalogue = Catalogue(
        measures={},
        segments={
            name: Segment(name=name, title=name, condition=size if place % 2 else Not(size))
            for place, name in enumerate(names)
        },
        classes={},
    )
    vocabulary = Maker(1).vocabulary
    row = AttributeRow(seq=1, customer=1, name="size", at=0, id="a", value=1)
    connection, codes = install(vocabulary, LogRows(attributes=(row,)))
    population = compile_population(vocabulary, catalogue, names, scoped=False)
    with connection:
        binds = population.binds(0, 1, codes)
        table = connection.sql(population.sql(), params=binds).to_arrow_table()

    assert ["customer", *(f"s_{name}" for name in names)] == table.column_names
    assert [[1], *([bool(place % 2)] for place in range(len(names)))] == [
        column.to_pylist() for column in table.columns
    ]


def test_other_subjects_are_refused() -> None:
    """What only a journey knows can't be asked of a population."""
    leaf = Compare(subject=Subject(SubjectKind.TRIGGER, "amount"), test=IsKnown())
    segment = Segment(name="s", title="s", condition=leaf)
    catalogue = Catalogue(measures={}, segments={"s": segment}, classes={})

    with pytest.raises(ValueError, match="amount is known of one journey"):
        compile_population(Maker(1).vocabulary, catalogue, ["s"], scoped=False)


def test_a_scoped_top_wants_ranks() -> None:
    """A scoped statement does not see the population, so it is never given ranks by silence."""
    top = Compare(subject=Subject(SubjectKind.ATTRIBUTE, "size"), test=Top(Fraction(1, 5), "all"))
    catalogue = Catalogue(
        measures={},
        segments={
            "all": Segment(name="all", title="all", condition=Always()),
            "best": Segment(name="best", title="best", condition=top),
        },
        classes={},
    )
    population = compile_population(Maker(1).vocabulary, catalogue, ["best"], scoped=True)

    with pytest.raises(ValueError, match="no ranks given for the top of all"):
        population.binds(0, 0, LogCodes(kinds={}, attributes={}))


@pytest.mark.parametrize(
    ("values", "changed"),
    [
        (("x",), None),
        (("x", "x"), None),
        (("x", "y", "y"), 2),
        (("x", None, "x"), None),
        (("x", None, "y"), 3),
        ((None, "x"), None),
    ],
)
def test_last_change(values: Sequence[str | None], changed: int | None) -> None:
    """The first value is no change, nor the same again, nor silence between."""
    maker = Maker(1)
    rows = tuple(
        AttributeRow(seq=at, customer=1, name="label", at=at, id="a", value=value)
        for at, value in enumerate(values, start=1)
    )
    named = NamedMeasure(name="m", measure=Changed(attribute="label"), quantity=Quantity.INSTANT)
    world = World(
        seed=1,
        vocabulary=maker.vocabulary,
        catalogue=Catalogue(measures={"m": named}, segments={}, classes={}),
        log=LogRows(attributes=rows),
        at=9,
        seq=9,
    )

    assert {1: {"m_m": changed}} == sql_rows(world) == python_rows(world)
