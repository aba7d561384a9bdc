"""Evidence: what a trace holds, and how values read."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from fractions import Fraction

import pytest

from rules.conditions import All, Bound, InSegment, Op, SubjectKind
from rules.history import Event
from rules.measures import Change, Quantity
from rules.trace import evidence, show, show_field
from rules.units import day_number, from_iso
from rules.values import Amount, Result
from rules.vocabulary import FieldKind
from tests.unit.test_evaluate import DAY, WEEK, T, attribute, count, evaluator, event, leaf, said

DOWN = leaf(SubjectKind.MEASURE, "orders_change", Bound(Op.BELOW, Fraction(-3, 10)))
BIG = attribute("size", Bound(Op.AT_LEAST, Fraction(10)))


@pytest.mark.parametrize(
    ("value", "quantity", "expected"),
    [
        (Amount(45, 100), Quantity.SHARE, "45%"),
        (Amount(1, 3), Quantity.SHARE, "33.33%"),
        (Amount(-29_999, 100_000), Quantity.SHARE, "-29.999%"),
        (Amount(-29_999_999, 100_000_000), Quantity.SHARE, "-30.00%"),
        (Amount(35_000, 10_000), Quantity.NUMBER, "3.5"),
        (Amount(12_345, 10_000), Quantity.NUMBER, "1.2345"),
        (Amount(10, 3), Quantity.NUMBER, "3.33"),
        (Amount(4 * 3_600_000_000, 1), Quantity.TIME, "4 hours"),
        (Amount(3_600_000_000, 1), Quantity.TIME, "1 hour"),
        (Amount(90_000_000, 1), Quantity.TIME, "1.5 minutes"),
        (Amount(0, 1), Quantity.TIME, "0 seconds"),
        (from_iso("2011-09-10T13:00", "UTC"), Quantity.INSTANT, "2011-09-10 14:00"),
        (from_iso("2011-09-10T13:00:05", "UTC"), Quantity.INSTANT, "2011-09-10 14:00:05"),
        (2**62, Quantity.INSTANT, "instant 4611686018427387904"),
        (15_227, Quantity.DATE, "2011-09-10"),
        ("价格", Quantity.TEXT, "价格"),
        (False, Quantity.YES_NO, "no"),
        (None, Quantity.NUMBER, "unknown"),
    ],
)
def test_values_read_as_people_write_them(value: Result, quantity: Quantity, expected: str) -> None:
    """Shares in %, numbers plain, times in their unit, instants on the wall clock."""
    assert expected == show(value, quantity, "Europe/London")


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        (125_000, FieldKind.NUMBER, "12.5"),
        (("cost", "slow"), FieldKind.WORDS, "cost, slow"),
        ((), FieldKind.WORDS, "none"),
        (True, FieldKind.YES_NO, "yes"),
        (day_number(dt.date(2011, 9, 10)), FieldKind.DATE, "2011-09-10"),
        (None, FieldKind.TEXT, "unknown"),
    ],
)
def test_fields_read_as_people_write_them(value: Result, kind: FieldKind, expected: str) -> None:
    """What the log holds scaled or coded is shown in its own terms."""
    assert expected == show_field(value, kind)


def test_evidence_keeps_the_newest_and_a_digest_of_all() -> None:
    """Five ids, newest first; the digest is over all ids in order."""
    events = [Event(id=f"e{n}", name="order", at=n) for n in range(7)]
    found = evidence(events)

    assert found.ids == ("e6", "e5", "e4", "e3", "e2")
    assert found.count == 7
    assert hashlib.sha256(b"e0\ne1\ne2\ne3\ne4\ne5\ne6\n").hexdigest() == found.digest


def test_a_leaf_says_what_it_saw() -> None:
    """A trace holds path, words, value, verdict and events of every leaf, as plain JSON."""
    orders = [event("order", T - 8 * DAY, f"p{n}") for n in range(4)]
    orders.append(event("order", T - DAY, "n0"))
    change = {"orders_change": (Change(of=count(WEEK), relative=True), Quantity.SHARE)}
    person = evaluator(*orders, measures=change, attributes=(said("size", 50_000, T + DAY),))
    trace = person.trace(All((DOWN, BIG))).to_json()

    down, big = trace["leaves"]
    assert trace == json.loads(json.dumps(trace))
    assert trace["verdict"] is False
    assert down | {"events": {key: down["events"][key] for key in ("ids", "count")}} == {
        "path": "x/orders_change",
        "subject": "orders_change",
        "words": "as written",
        "value": "-75%",
        "verdict": True,
        "events": {"ids": ["n0", "p3", "p2", "p1", "p0"], "count": 5},
    }
    assert (big["value"], big["verdict"]) == ("5", False)
    assert big["note"] == "first said on 2024-04-01 12:00, taken to hold before as well"


def test_segments_show_what_is_behind_them() -> None:
    """A leaf ``in`` holds the leaves of the segments that let the customer in."""
    person = evaluator(
        attributes=(said("size", 200_000),),
        segments={
            "big": BIG,
            "small": All((BIG, DOWN)),
            "either": InSegment(names=("small", "big")),
        },
        measures={"orders_change": (Change(of=count(WEEK), relative=True), Quantity.SHARE)},
    )
    (leaf_,) = person.trace_segment("either").leaves

    assert (leaf_.words, leaf_.shown, leaf_.verdict) == ("small, big", "big", True)
    assert [inner.subject for inner in leaf_.inside] == ["size"]
