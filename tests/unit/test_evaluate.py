"""What measures, conditions, segments and classes mean, by hand-worked cases."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.conditions import (
    All,
    Always,
    AnyOf,
    Bound,
    Compare,
    Condition,
    Has,
    InSegment,
    IsKnown,
    IsUnknown,
    Moment,
    Not,
    OneOf,
    Op,
    Subject,
    SubjectKind,
    Test,
    Top,
)
from rules.evaluate import Amount, Evaluator, event_verdict
from rules.history import AttributeVersion, Event, History
from rules.measures import (
    Aggregate,
    Catalogue,
    Change,
    Changed,
    ClassValue,
    CustomerClass,
    Events,
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
from rules.units import Duration, Unit, day_number, from_iso
from rules.vocabulary import EventType, FieldKind, FieldType, Vocabulary

T = from_iso("2024-03-31T12:00", "UTC")
HOUR = 3_600_000_000
DAY = 24 * HOUR
MONTH = Window(last=Duration(1, Unit.MONTH))
WEEK = Window(last=Duration(7, Unit.DAY))
EVER = Window()


def field(name: str, kind: FieldKind) -> FieldType:
    return FieldType(name=name, kind=kind, words=("low", "high"))


def vocabulary(tz: str = "UTC") -> Vocabulary:
    fields = {
        "amount": field("amount", FieldKind.NUMBER),
        "case": field("case", FieldKind.TEXT),
        "severity": field("severity", FieldKind.WORD),
        "due": field("due", FieldKind.DATE),
    }
    asked = {
        "outcome": field("outcome", FieldKind.TEXT),
        "rating": field("rating", FieldKind.NUMBER),
    }
    events = {n: EventType(name=n, title=n, fields=fields) for n in ("order", "open", "close")}
    events["care_done"] = EventType(name="care_done", title="done", fields=asked)
    attributes = {
        "size": field("size", FieldKind.NUMBER),
        "needs": field("needs", FieldKind.WORDS),
        "contact": field("contact", FieldKind.TEXT),
        "ends": field("ends", FieldKind.DATE),
        "ok": field("ok", FieldKind.YES_NO),
    }
    return Vocabulary(
        business="b", timezone=tz, calendar="none", opens=dt.time(9), closes=dt.time(18),
        events=events, groups={}, attributes=attributes, channels={}, roles={}, dates={},
    )  # fmt: skip


def event(name: str, at: int, id_: str = "", **fields: Any) -> Event:
    return Event(id=id_ or f"{name}{at}", name=name, at=at, fields=fields)


def some(*names: str, where: Condition | None = None) -> Events:
    return Events(names=tuple(sorted(names)), where=where or Always())


def evaluator(
    *events: Event,
    measures: dict[str, tuple[Measure, Quantity]] | None = None,
    segments: dict[str, Condition] | None = None,
    classes: dict[str, CustomerClass] | None = None,
    attributes: tuple[AttributeVersion, ...] = (),
    at: int = T,
    tz: str = "UTC",
    **more: Any,
) -> Evaluator:
    catalogue = Catalogue(
        measures={
            name: NamedMeasure(name=name, measure=measure, quantity=quantity)
            for name, (measure, quantity) in (measures or {}).items()
        },
        segments={
            name: Segment(name=name, title=name, condition=condition)
            for name, condition in (segments or {}).items()
        },
        classes=classes or {},
    )
    ordered = tuple(sorted(events, key=lambda event: (event.at, event.id)))
    history = History(customer="k", events=ordered, attributes=attributes)
    return Evaluator(vocabulary(tz), catalogue, at=at, history=history, **more)


def measured(measure: Measure, *events: Event, quantity: Quantity = Quantity.NUMBER) -> Any:
    return evaluator(*events, measures={"m": (measure, quantity)}).measure("m")


def count(window: Window = EVER, *names: str) -> Aggregate:
    return Aggregate(fold=Fold.COUNT, events=some(*(names or ("order",))), window=window)


def folded(fold: Fold, window: Window = EVER, needs: int | None = None) -> Aggregate:
    return Aggregate(
        fold=fold, events=some("order"), fields={"order": "amount"}, window=window, needs=needs
    )


def leaf(kind: SubjectKind, name: str, test: Test) -> Compare:
    return Compare(subject=Subject(kind, name), test=test, path=f"x/{name}", words="as written")


def attribute(name: str, test: Test) -> Compare:
    return leaf(SubjectKind.ATTRIBUTE, name, test)


def said(name: str, value: Any, at: int = T - DAY, id_: str = "v") -> AttributeVersion:
    return AttributeVersion(name=name, at=at, value=value, id=id_)


class TestWindows:
    def test_the_start_is_outside_and_the_end_inside(self) -> None:
        """A window of a week is (T - 7 days, T]."""
        assert Amount(0, 1) == measured(count(WEEK), event("order", T - 7 * DAY))
        assert Amount(1, 1) == measured(count(WEEK), event("order", T - 7 * DAY + 1))
        assert Amount(1, 1) == measured(count(WEEK), event("order", T))
        assert Amount(0, 1) == measured(count(WEEK), event("order", T + 1))

    def test_a_month_clamps_to_the_last_day(self) -> None:
        """A month back from 31 March is 29 February."""
        edge = from_iso("2024-02-29T12:00", "UTC")

        assert Amount(0, 1) == measured(count(MONTH), event("order", edge))
        assert Amount(1, 1) == measured(count(MONTH), event("order", edge + 1))

    def test_ending_shifts_the_window(self) -> None:
        """``last: 7 days, ending: 7 days ago`` is the week before the last one."""
        window = Window(last=Duration(7, Unit.DAY), shift=Duration(7, Unit.DAY))

        assert Amount(1, 1) == measured(count(window), event("order", T - 7 * DAY))
        assert Amount(0, 1) == measured(count(window), event("order", T - 7 * DAY + 1))

    def test_months_of_shift_and_length_add_up(self) -> None:
        """From 31 March, a month that ended a month ago began on 31 January, not on 29."""
        window = Window(last=Duration(1, Unit.MONTH), shift=Duration(1, Unit.MONTH))
        begin = from_iso("2024-01-31T12:00", "UTC")

        assert Amount(0, 1) == measured(count(window), event("order", begin))
        assert Amount(1, 1) == measured(count(window), event("order", begin + 1))


class TestFolds:
    def test_of_nothing(self) -> None:
        """Of nothing count, sum, distinct, months are 0; the others are unknown."""
        zero = [Fold.COUNT, Fold.SUM, Fold.DISTINCT, Fold.MONTHS_WITH]
        for fold in Fold:
            value = measured(folded(fold))
            if fold in zero:
                assert isinstance(value, Amount), fold
                assert value.value == 0, fold
            else:
                assert value is None, fold

    def test_amounts(self) -> None:
        """Sum, mean, least, greatest of 1.5, 2.5 and an unknown amount."""
        orders = [
            event("order", T - 3, amount=15_000),
            event("order", T - 2, amount=25_000),
            event("order", T - 1),
        ]

        assert Fraction(4) == measured(folded(Fold.SUM), *orders).value
        assert Fraction(2) == measured(folded(Fold.MEAN), *orders).value
        assert Fraction(3, 2) == measured(folded(Fold.MIN), *orders).value
        assert Fraction(5, 2) == measured(folded(Fold.MAX), *orders).value
        assert measured(folded(Fold.MEAN, needs=3), *orders) is None

    def test_ties_in_time_go_by_id(self) -> None:
        """The last of two values at one instant is that of the greater id."""
        orders = [event("order", T, "b", amount=2), event("order", T, "a", amount=1)]

        assert measured(folded(Fold.LAST_VALUE), *orders).num == 2
        assert measured(folded(Fold.FIRST_VALUE), *orders).num == 1

    def test_months_are_those_of_the_business(self) -> None:
        """At 17:00 UTC on the last of a month it is the next month in Shanghai."""
        orders = [event("order", from_iso("2024-01-31T17:00", "UTC")),
                  event("order", from_iso("2024-02-10T00:00", "UTC"))]  # fmt: skip
        months = {"m": (folded(Fold.MONTHS_WITH), Quantity.NUMBER)}

        assert Amount(2, 1) == evaluator(*orders, measures=months).measure("m")
        assert Amount(1, 1) == evaluator(*orders, measures=months, tz="Asia/Shanghai").measure("m")


class TestPairs:
    def ratio(self, same: str | None, needs: int | None = None) -> Ratio:
        return Ratio(part=some("close"), whole=some("open"), same=same, window=WEEK, needs=needs)

    def test_share_by_value(self) -> None:
        """Two of three opened cases were ever closed; one without a case does not count."""
        events = [
            event("open", T - 3, "1", case="a"), event("open", T - 2, "2", case="b"),
            event("open", T - 1, "3", case="c"), event("open", T - 1, "4"),
            event("close", T - 30 * DAY, "5", case="a"), event("close", T, "6", case="b"),
            event("close", T, "7", case="z"),
        ]  # fmt: skip

        assert Amount(2, 3) == measured(self.ratio("case"), *events, quantity=Quantity.SHARE)
        assert measured(self.ratio("case", needs=4), *events, quantity=Quantity.SHARE) is None

    def test_share_of_counts(self) -> None:
        """Without ``same`` it is count by count, and nothing by nothing is unknown."""
        events = [event("open", T - 1), event("close", T - 1, "c1"), event("close", T, "c2")]

        assert Amount(2, 1) == measured(self.ratio(None), *events)
        assert measured(self.ratio(None)) is None

    def test_time_to_the_first_end(self) -> None:
        """Mean time to the first end at the same time or later; what was not answered is left."""
        time = TimeTo(start=some("open"), end=some("close"), same="case", window=WEEK)
        events = [
            event("open", T - 9, "1", case="a"), event("close", T - 9, "2", case="a"),
            event("open", T - 8, "3", case="b"), event("close", T - 4, "4", case="b"),
            event("close", T - 1, "5", case="b"), event("open", T - 2, "6", case="c"),
            event("close", T - 3, "7", case="c"),
        ]  # fmt: skip

        assert Amount(4, 2) == measured(time, *events, quantity=Quantity.TIME)

    def test_open_items(self) -> None:
        """Reopening opens again, opening twice is one, a close at the same instant closes."""
        items = OpenItems(opened=some("open"), closed=some("close"), same="case", window=WEEK)
        events = [
            event("open", T - 9, "1", case="again"), event("close", T - 8, "2", case="again"),
            event("open", T - 7, "3", case="again"), event("open", T - 6, "4", case="again"),
            event("open", T - 5, "5", case="done"), event("close", T - 5, "6", case="done"),
            event("open", T - 8 * DAY, "7", case="old"),
        ]  # fmt: skip

        assert Amount(1, 1) == measured(items, *events)

    def test_one_close_closes_all_before(self) -> None:
        """Without ``same`` what counts is whether a close came at the same time or later."""
        items = OpenItems(opened=some("open"), closed=some("close"), same=None, window=WEEK)
        events = [event("open", T - 3), event("close", T - 2), event("open", T - 2, "x"),
                  event("open", T - 1)]  # fmt: skip

        assert Amount(1, 1) == measured(items, *events)


class TestChanges:
    def orders(self, before: int, now: int) -> list[Event]:
        past = [event("order", T - 8 * DAY, f"p{i}") for i in range(before)]
        return past + [event("order", T - DAY, f"n{i}") for i in range(now)]

    @pytest.mark.parametrize(
        ("before", "now", "expected"),
        [(4, 2, Fraction(-1, 2)), (2, 3, Fraction(1, 2)), (3, 0, Fraction(-1)), (0, 3, None)],
    )
    def test_relative(self, before: int, now: int, expected: Fraction | None) -> None:
        """(now - before) / before; unknown from a baseline of zero."""
        change = Change(of=count(WEEK), relative=True)
        value = measured(change, *self.orders(before, now), quantity=Quantity.SHARE)

        assert expected == (value.value if value else None)

    def test_needs_counts_the_earlier_window(self) -> None:
        """``needs: 4`` wants four events in the window before."""
        change = Change(of=count(WEEK), relative=True, needs=4)

        assert measured(change, *self.orders(3, 9)) is None
        assert measured(change, *self.orders(4, 9)) is not None

    def test_difference_of_a_mean(self) -> None:
        """The mean of 3 after a mean of 5 is a difference of -2, not of scaled numbers."""
        change = Change(of=folded(Fold.MEAN, WEEK), relative=False)
        orders = [event("order", T - 8 * DAY, amount=50_000), event("order", T, amount=30_000)]

        assert Fraction(-2) == measured(change, *orders).value

    def test_a_negative_baseline(self) -> None:
        """From -2 up to 1 is up 150 %: the baseline counts by its size."""
        change = Change(of=folded(Fold.SUM, WEEK), relative=True)
        orders = [event("order", T - 8 * DAY, amount=-20_000), event("order", T, amount=10_000)]

        assert Fraction(3, 2) == measured(change, *orders).value


class TestAttributes:
    def test_the_first_version_counts_from_the_beginning(self) -> None:
        """Before the first version the first one holds; from the next on, the next."""
        versions = (said("size", 1, T + DAY), said("size", 2, T + 2 * DAY))

        assert evaluator(attributes=versions).attribute("size") == 1
        assert evaluator(attributes=versions, at=T + 2 * DAY).attribute("size") == 2

    def test_said_to_be_unknown(self) -> None:
        """A version without value makes the attribute unknown again."""
        versions = (said("size", 1, T - DAY), said("size", None, T))

        assert evaluator(attributes=versions).attribute("size") is None

    def test_changed(self) -> None:
        """The first value is no change, the same again is none, and silence between is none."""
        changed = {"m": (Changed(attribute="contact"), Quantity.INSTANT)}
        same = (said("contact", "x", 1), said("contact", None, 2), said("contact", "x", 3))

        assert evaluator(attributes=same, measures=changed).measure("m") is None
        later = (*same, said("contact", "y", 4), said("contact", "y", 5))
        assert evaluator(attributes=later, measures=changed).measure("m") == 4


class TestConditions:
    def test_kleene(self) -> None:
        """Unknown stays unknown under not, loses to false in and, to true in or."""
        unknown = attribute("size", Bound(Op.ABOVE, Fraction(0)))
        person = evaluator()

        assert person.verdict(unknown) is None
        assert person.verdict(Not(unknown)) is None
        assert person.verdict(All((unknown, AnyOf(())))) is False
        assert person.verdict(All((unknown, Always()))) is None
        assert person.verdict(AnyOf((unknown, Always()))) is True
        assert person.verdict(attribute("size", IsUnknown())) is True
        assert person.verdict(attribute("size", IsKnown())) is False

    def test_segments_are_two_valued(self) -> None:
        """Not knowing is not being in; not in a segment is plainly true."""
        unknown = attribute("size", Bound(Op.ABOVE, Fraction(0)))
        person = evaluator(segments={"big": unknown, "other": Not(InSegment(names=("big",)))})

        assert person.in_segment("big") is False
        assert person.in_segment("other") is True

    def test_class_takes_the_first_match(self) -> None:
        """First match wins, an unknown does not match, outsiders have no value."""
        big = attribute("size", Bound(Op.AT_LEAST, Fraction(10)))
        any_size = attribute("size", IsKnown())
        values = (
            ClassValue(value="big", condition=big),
            ClassValue(value="small", condition=any_size),
            ClassValue(value="?", condition=None),
        )
        tier = CustomerClass(name="tier", title="t", of=None, values=values)
        inner = CustomerClass(name="inner", title="t", of="sized", values=values)
        classes: dict[str, Any] = {"tier": tier, "inner": inner}
        segments: dict[str, Condition] = {"sized": any_size}

        def value(size: int | None) -> tuple[str | None, str | None]:
            person = evaluator(attributes=(said("size", size),), classes=classes, segments=segments)
            return person.class_value("tier"), person.class_value("inner")

        assert value(100_000) == ("big", "big")
        assert value(99_999) == ("small", "small")
        assert value(None) == ("?", None)

    @pytest.mark.parametrize(
        ("day", "word", "expected"),
        [
            ("2024-03-31", "within next", True),
            ("2024-04-01", "within next", True),
            ("2024-04-02", "within next", False),
            ("2024-03-30", "within next", False),
            ("2024-03-31", "within last", True),
            ("2024-03-30", "within last", False),
            ("2024-03-30", "ago", True),
            ("2024-03-31", "ago", False),
        ],
    )
    def test_dates(self, day: str, word: str, expected: bool) -> None:
        """Dates compare by day; ``within next 1 day`` takes today and tomorrow in."""
        ends = said("ends", day_number(dt.date.fromisoformat(day)))
        test = Moment(word, far=Duration(1, Unit.DAY))

        assert expected is evaluator(attributes=(ends,)).verdict(attribute("ends", test))

    def test_has(self) -> None:
        """``has`` wants one of the words; of none it is false, of unknown unknown."""
        test = attribute("needs", Has(("low", "x")))

        assert evaluator(attributes=(said("needs", ("high", "low")),)).verdict(test) is True
        assert evaluator(attributes=(said("needs", ()),)).verdict(test) is False
        assert evaluator().verdict(test) is None

    def test_where_on_events(self) -> None:
        """Only events that pass ``where`` count; an unknown field does not pass."""
        low = Compare(subject=Subject(SubjectKind.FIELD, "severity"), test=OneOf(("low",)))
        measure = Aggregate(fold=Fold.COUNT, events=some("open", where=Not(low)), window=EVER)
        events = [event("open", T, "1", severity="low"), event("open", T, "2", severity="high"),
                  event("open", T, "3")]  # fmt: skip

        assert Amount(1, 1) == measured(measure, *events)
        assert event_verdict(low, events[2], vocabulary(), at=T) is None

    def test_trigger_and_steps(self) -> None:
        """Fields of the trigger and what steps left compare by their declared types."""
        amount = leaf(SubjectKind.TRIGGER, "amount", Bound(Op.AT_LEAST, Fraction(5, 2)))
        outcome = leaf(SubjectKind.STEP, "call.outcome", OneOf(("price",)))
        rating = leaf(SubjectKind.STEP, "call.rating", Bound(Op.BELOW, Fraction(3)))
        person = evaluator(
            trigger={"amount": 25_000},
            trigger_event="order",
            steps={"call.outcome": "price", "call.rating": 20_000},
        )

        assert [person.verdict(x) for x in (amount, outcome, rating)] == [True, True, True]
        assert evaluator().verdict(All((amount, outcome))) is None

    def test_top(self) -> None:
        """At the last value inside, ties all in; outsiders are out, unknowns unknown."""
        share = Fraction(1, 5)
        top = attribute("size", Top(share, "all"))
        ranks = {("size", "all", share): 2_000_000}

        def verdict(size: int | None, inside: Condition) -> bool | None:
            person = evaluator(
                attributes=(said("size", size),), segments={"all": inside}, ranks=ranks
            )
            return person.verdict(top)

        assert [verdict(s, Always()) for s in (20_000, 19_999, None)] == [True, False, None]
        assert verdict(20_000, AnyOf(())) is False

    def test_top_without_ranks_is_refused(self) -> None:
        """A top is never guessed."""
        person = evaluator(attributes=(said("size", 1),), segments={"all": Always()})

        with pytest.raises(ValueError, match="no ranks given for the top of all"):
            person.verdict(attribute("size", Top(Fraction(1, 5), "all")))

    @given(st.fractions(-5, 5, max_denominator=10**6), st.integers(-50_000, 50_000))
    def test_bounds_partition_the_line(self, limit: Fraction, size: int) -> None:
        """At least is the complement of below, at most that of above."""
        person = evaluator(attributes=(said("size", size),))

        def verdict(op: Op) -> bool | None:
            return person.verdict(attribute("size", Bound(op, limit)))

        assert verdict(Op.AT_LEAST) is not verdict(Op.BELOW)
        assert verdict(Op.AT_MOST) is not verdict(Op.ABOVE)
        assert verdict(Op.AT_LEAST) is (Fraction(size, 10_000) >= limit)
