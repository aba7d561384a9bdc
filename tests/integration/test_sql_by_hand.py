"""Hand-worked measures, in SQL: each a trap that chance seldom sets."""

from __future__ import annotations

from typing import Any

import pytest

from rules.columns import column
from rules.conditions import Compare, Moment, Subject, SubjectKind
from rules.evaluate import Evaluator
from rules.history import Event
from rules.measures import (
    Aggregate,
    Catalogue,
    Change,
    Fold,
    Measure,
    NamedMeasure,
    OpenItems,
    Quantity,
    Ratio,
    Segment,
    TimeTo,
    Window,
)
from rules.sql import compile_population
from rules.units import Duration, Unit
from rules.values import Amount
from rules.vocabulary import FieldKind
from rules.windows import day_mark, mark
from tests.strategies import AttributeRow, EventRow, LogRows, Maker, install
from tests.unit.test_evaluate import (
    DAY,
    EVER,
    WEEK,
    T,
    count,
    event,
    folded,
    measured,
    some,
    vocabulary,
)

LAST_WEEK = Window(last=Duration(7, Unit.DAY), shift=Duration(7, Unit.DAY))
OPENED, CLOSED = some("open"), some("close")


def sql_value(measure: Measure, quantity: Quantity, *events: Event) -> Any:
    """What SQL gives for one customer."""
    declared = vocabulary()
    named = NamedMeasure(name="m", measure=measure, quantity=quantity)
    catalogue = Catalogue(measures={"m": named}, segments={}, classes={})
    rows = tuple(
        EventRow(
            seq=seq, customer=1, kind=event.name, at=event.at, source="s", id=event.id,
            fields=event.fields,
        )
        for seq, event in enumerate(events, start=1)
    )  # fmt: skip
    connection, codes = install(declared, LogRows(events=rows))
    population = compile_population(declared, catalogue, [], measures=["m"], scoped=False)
    with connection:
        (row,) = connection.execute(
            population.sql(), population.binds(T, len(rows), codes)
        ).fetchall()
    if len(row) == 2:
        return row[1]
    return None if row[1] is None else Amount(row[1], row[2])


SAME = Ratio(part=CLOSED, whole=OPENED, same="case", window=WEEK)
PLAIN = Ratio(part=CLOSED, whole=OPENED, same=None, window=WEEK)
TIME = TimeTo(start=OPENED, end=CLOSED, same="case", window=WEEK)
ITEMS = OpenItems(opened=OPENED, closed=CLOSED, same="case", window=WEEK)
ANY_ITEMS = OpenItems(opened=OPENED, closed=CLOSED, same=None, window=WEEK)
DROP = Change(of=count(WEEK), relative=True, needs=2)
VALUE = Aggregate(
    fold=Fold.LAST_VALUE, events=some("order", "open"), fields={"order": "amount"}, window=EVER
)

CASES: dict[str, tuple[Measure, Quantity, list[Event], Any]] = {
    "a part long before the whole": (
        SAME, Quantity.SHARE,
        [event("close", T - 30 * DAY, case="a"), event("open", T - 1, case="a")],
        Amount(1, 1),
    ),
    "a whole without the field": (
        SAME, Quantity.SHARE,
        [event("open", T - 2, "1"), event("open", T - 1, "2", case="a"), event("close", T)],
        Amount(0, 1),
    ),
    "a part twice": (
        SAME, Quantity.SHARE,
        [event("open", T, "1", case="a"), event("close", T, "2", case="a"),
         event("close", T, "3", case="a")],
        Amount(1, 1),
    ),
    "a part before the window, without same": (
        PLAIN, Quantity.SHARE,
        [event("close", T - 7 * DAY), event("open", T)],
        Amount(0, 1),
    ),
    "an end at the very start": (
        TIME, Quantity.TIME,
        [event("open", T - 5, "b", case="a"), event("close", T - 5, "a", case="a"),
         event("close", T, "c", case="a")],
        Amount(0, 1),
    ),
    "an end after the window": (
        TimeTo(start=OPENED, end=CLOSED, same="case", window=LAST_WEEK), Quantity.TIME,
        [event("open", T - 8 * DAY, case="a"), event("close", T, case="a")],
        Amount(8 * DAY, 1),
    ),
    "an end of another case": (
        TIME, Quantity.TIME,
        [event("open", T - 5, case="a"), event("close", T, case="b")],
        None,
    ),
    "closed at the very moment": (
        ITEMS, Quantity.NUMBER,
        [event("open", T, "a", case="a"), event("close", T, "b", case="a")],
        Amount(0, 1),
    ),
    "opened again": (
        ITEMS, Quantity.NUMBER,
        [event("open", T - 3, "1", case="a"), event("close", T - 2, "2", case="a"),
         event("open", T - 1, "3", case="a"), event("open", T, "4", case="a")],
        Amount(1, 1),
    ),
    "opened before the window": (
        ITEMS, Quantity.NUMBER, [event("open", T - 7 * DAY, case="a")], Amount(0, 1),
    ),
    "one close for all": (
        ANY_ITEMS, Quantity.NUMBER,
        [event("open", T - 3, "1"), event("open", T - 2, "2"), event("close", T - 2, "3"),
         event("open", T - 1, "4")],
        Amount(1, 1),
    ),
    "down from two to one": (
        DROP, Quantity.SHARE,
        [event("order", T - 8 * DAY, "1"), event("order", T - 7 * DAY, "2"), event("order", T)],
        Amount(-1, 2),
    ),
    "too few before": (
        DROP, Quantity.SHARE, [event("order", T - 8 * DAY), event("order", T)], None,
    ),
    "a change from below zero": (
        Change(of=folded(Fold.SUM, WEEK), relative=True), Quantity.SHARE,
        [event("order", T - 8 * DAY, amount=-20_000), event("order", T, amount=10_000)],
        Amount(30_000, 20_000),
    ),
    "the last value skips events without one": (
        VALUE, Quantity.NUMBER,
        [event("order", T - 2, amount=7), event("order", T - 1), event("open", T, amount=9)],
        Amount(7, 10_000),
    ),
    "the last of two at one instant": (
        VALUE, Quantity.NUMBER,
        [event("order", T, "b", amount=2), event("order", T, "a", amount=1)],
        Amount(2, 10_000),
    ),
    "the largest numbers": (
        Change(of=folded(Fold.MEAN, WEEK), relative=True), Quantity.SHARE,
        [event("order", T - 8 * DAY, amount=-9 * 10**18), event("order", T, amount=9 * 10**18)],
        Amount(18 * 10**18, 9 * 10**18),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_by_hand(name: str) -> None:
    """The value worked out by hand is that of SQL, and of Python."""
    measure, quantity, events, expected = CASES[name]

    assert expected == sql_value(measure, quantity, *events)
    assert expected == measured(measure, *events, quantity=quantity)


MOMENTS = [
    Moment("within last", far=Duration(1, Unit.MONTH)),
    Moment("ago", near=Duration(3, Unit.DAY)),
    Moment("between ago", far=Duration(1, Unit.MONTH), near=Duration(3, Unit.DAY)),
    Moment("within next", far=Duration(1, Unit.MONTH)),
]


@pytest.mark.parametrize("kind", [FieldKind.INSTANT, FieldKind.DATE])
def test_moments_at_their_bounds(kind: FieldKind) -> None:
    """On a bound, one before it and one after it, SQL says what Python says; and not the same of
    all three.
    """
    maker = Maker(1)
    names = {field.kind: name for name, field in maker.vocabulary.attributes.items()}
    name, date = names[kind], kind is FieldKind.DATE
    at, tz, move = maker.now, maker.tz, day_mark if date else mark
    marks = {move(at, duration, tz, back=back) for duration in
             (None, Duration(3, Unit.DAY), Duration(1, Unit.MONTH)) for back in (True, False)}  # fmt: skip
    values = sorted({value + step for value in marks for step in (-1, 0, 1)})
    rows = tuple(
        AttributeRow(seq=place, customer=place, name=name, at=0, id="a", value=value)
        for place, value in enumerate(values, start=1)
    )
    segments = {}
    for place, test in enumerate(MOMENTS):
        leaf = Compare(subject=Subject(SubjectKind.ATTRIBUTE, name), test=test)
        segments[f"s{place}"] = Segment(name=f"s{place}", title="", condition=leaf)
    catalogue = Catalogue(measures={}, segments=segments, classes={})
    log = LogRows(attributes=rows)
    population = compile_population(maker.vocabulary, catalogue, list(segments), scoped=False)
    connection, codes = install(maker.vocabulary, log)
    with connection:
        binds = population.binds(at, len(rows), codes)
        found = connection.execute(population.sql(), binds).fetchall()
    people = {
        code: Evaluator(maker.vocabulary, catalogue, at=at, history=history)
        for code, history in log.histories(at, len(rows)).items()
    }

    expected = {
        (code, *(person.in_segment(segment) for segment in segments))
        for code, person in people.items()
    }
    assert expected == set(found)
    assert all(len({row[place] for row in found}) == 2 for place in range(1, 5))


def test_fields_have_their_columns() -> None:
    """The cases use typed columns, as the log makes them."""
    fields = vocabulary().events["order"].fields

    assert [column(f) for f in fields.values()] == ["n_amount", "t_case", "t_severity", "d_due"]
