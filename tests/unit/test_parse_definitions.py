"""Measures, segments and classes."""

from __future__ import annotations

from fractions import Fraction

import pytest

from rules.conditions import (
    All,
    Always,
    AnyOf,
    Bound,
    Compare,
    InSegment,
    Not,
    OneOf,
    Op,
    Subject,
    SubjectKind,
)
from rules.measures import (
    Aggregate,
    Change,
    Changed,
    Events,
    Fold,
    Measure,
    OpenItems,
    Quantity,
    Ratio,
    TimeTo,
    Window,
)
from rules.units import Duration, Unit
from tests.projects import CARE, SHARED, checked, project, told

DAYS_60 = Window(last=Duration(60, Unit.DAY))
PAID = Compare(
    subject=Subject(SubjectKind.FIELD, "paid"),
    test=OneOf((True,)),
    path="measures/m/where/paid",
    words="yes",
)


def measure(text: str) -> tuple[Measure, Quantity, int | None]:
    shared = f"measures:\n  orders_60d: {{count: order, last: 60 days}}\n  m: {text}\n"
    found = project(shared=shared).catalogue.measures["m"]
    return found.measure, found.quantity, found.per_month


def count(*names: str, window: Window | None = None) -> Aggregate:
    return Aggregate(fold=Fold.COUNT, events=Events(names=names), window=window or Window())


def fold(kind: Fold, event: str, field: str) -> Aggregate:
    return Aggregate(
        fold=kind, events=Events(names=(event,)), fields={event: field}, window=Window()
    )


@pytest.mark.parametrize(
    ("text", "expected", "quantity"),
    [
        ("{count: order}", count("order"), Quantity.NUMBER),
        ("{count: order, last: 60 days}", count("order", window=DAYS_60), Quantity.NUMBER),
        ("{count: [visit, order]}", count("order", "visit"), Quantity.NUMBER),
        ("{count: contact}", count("care_done", "visit"), Quantity.NUMBER),
        (
            "{count: order, last: 60 days, ending: 1 month ago}",
            count("order", window=Window(last=DAYS_60.last, shift=Duration(1, Unit.MONTH))),
            Quantity.NUMBER,
        ),
        (
            "{count: order, where: {paid: yes}}",
            Aggregate(
                fold=Fold.COUNT, events=Events(names=("order",), where=PAID), window=Window()
            ),
            Quantity.NUMBER,
        ),
        ("{sum: order.amount}", fold(Fold.SUM, "order", "amount"), Quantity.NUMBER),
        ("{mean: order.amount}", fold(Fold.MEAN, "order", "amount"), Quantity.NUMBER),
        ("{min: order.amount}", fold(Fold.MIN, "order", "amount"), Quantity.NUMBER),
        ("{max: order.amount}", fold(Fold.MAX, "order", "amount"), Quantity.NUMBER),
        ("{distinct: order.product}", fold(Fold.DISTINCT, "order", "product"), Quantity.NUMBER),
        (
            "{first_time: order}",
            Aggregate(fold=Fold.FIRST_TIME, events=Events(names=("order",)), window=Window()),
            Quantity.INSTANT,
        ),
        (
            "{months_with: order}",
            Aggregate(fold=Fold.MONTHS_WITH, events=Events(names=("order",)), window=Window()),
            Quantity.NUMBER,
        ),
        ("{last_value: order.product}", fold(Fold.LAST_VALUE, "order", "product"), Quantity.TEXT),
        ("{last_value: order.paid}", fold(Fold.LAST_VALUE, "order", "paid"), Quantity.YES_NO),
        ("{first_value: complaint.on}", fold(Fold.FIRST_VALUE, "complaint", "on"), Quantity.DATE),
        (
            "{last_value: [order.product, complaint.case_id]}",
            Aggregate(
                fold=Fold.LAST_VALUE,
                events=Events(names=("complaint", "order")),
                fields={"order": "product", "complaint": "case_id"},
                window=Window(),
            ),
            Quantity.TEXT,
        ),
        (
            "{share: solved, of: complaint, same: case_id, last: 60 days, needs: 5}",
            Ratio(
                part=Events(names=("solved",)),
                whole=Events(names=("complaint",)),
                same="case_id",
                window=DAYS_60,
                needs=5,
            ),
            Quantity.SHARE,
        ),
        (
            "{time: complaint, to: solved}",
            TimeTo(
                start=Events(names=("complaint",)),
                end=Events(names=("solved",)),
                same=None,
                window=Window(),
            ),
            Quantity.TIME,
        ),
        (
            "{open: complaint, closed_by: solved, same: case_id}",
            OpenItems(
                opened=Events(names=("complaint",)),
                closed=Events(names=("solved",)),
                same="case_id",
                window=Window(),
            ),
            Quantity.NUMBER,
        ),
        ("{changed: industry}", Changed(attribute="industry"), Quantity.INSTANT),
        (
            "{change: orders_60d, needs: 4}",
            Change(of=count("order", window=DAYS_60), relative=True, needs=4),
            Quantity.SHARE,
        ),
        (
            "{difference: orders_60d}",
            Change(of=count("order", window=DAYS_60), relative=False),
            Quantity.NUMBER,
        ),
    ],
)
def test_measures_of_the_language(text: str, expected: Measure, quantity: Quantity) -> None:
    """Each kind of measure gives its type and what its values are."""
    assert measure(text) == (expected, quantity, None)


@pytest.mark.parametrize(
    ("text", "months"),
    [
        ("{count: order, last: 3 months, per: month}", 3),
        ("{sum: order.amount, last: 2 years, per: month}", 24),
    ],
)
def test_per_month_divides_by_the_months_of_the_window(text: str, months: int) -> None:
    """``per: month`` gives the number of months."""
    assert measure(text)[2] == months


def test_a_difference_keeps_per_month() -> None:
    """The difference of a number per month is per month too; a change has no unit."""
    shared = (
        "measures:\n  a: {count: order, last: 3 months, per: month}\n"
        "  d: {difference: a}\n  c: {change: a}\n"
    )
    measures = project(shared=shared).catalogue.measures

    assert measures["d"].per_month == 3
    assert measures["c"].per_month is None


def test_asked_values_are_fields_of_care_done() -> None:
    """What a step asks for can be measured, also in shared.yaml."""
    shared = "measures:\n  mark: {last_value: care_done.mark}\n"
    book = (
        "playbook: p\nowner: x\ntrigger: {event: complaint}\n"
        "steps:\n  - {step: call, do: call, assign: manager, ask: {mark: 1 to 5}}\n"
    )

    assert project(shared=shared, p=book).catalogue.measures["mark"].quantity is Quantity.NUMBER


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "{count: oder}",
            '3:14: error[unknown-event] no event "oder"; did you mean "order"?',
        ),
        (
            "{count: order.amount}",
            (
                '3:14: error[unknown-event] "order.amount" is a field; count takes an event; '
                "write order"
            ),
        ),
        (
            "{sum: order}",
            '3:12: error[unknown-field] sum needs a field of event "order"; write order.amount',
        ),
        (
            "{sum: order.amuont}",
            (
                '3:12: error[unknown-field] event "order" has no field "amuont"; '
                'did you mean "amount"?'
            ),
        ),
        (
            "{sum: order.product}",
            (
                "3:12: error[bad-measure] `sum` needs numbers, and order.product is text; "
                "declare the field as number, or take `last_value`"
            ),
        ),
        (
            "{count: order, last: 60}",
            (
                '3:27: error[bad-duration] `last` is a length of time and can\'t be "60"; '
                "write 3 months"
            ),
        ),
        (
            "{count: order, last: 60天}",
            (
                '3:27: error[bad-duration] `last` is a length of time and can\'t be "60天"; '
                "write 60 days"
            ),
        ),
        (
            "{count: order, last: 3 working days}",
            (
                "3:27: error[bad-duration] `last` can't be counted in working time; "
                "write days, weeks, months or years"
            ),
        ),
        (
            "{count: order, ending: 60 days}",
            (
                '3:29: error[bad-duration] `ending` is a length of time and can\'t be "60 days"; '
                "write 60 days ago"
            ),
        ),
        (
            "{count: order, last: 60 days, per: month}",
            (
                '3:41: error[bad-measure] measure "m": `per: month` needs `last` in months or years; '
                "write last: 12 months"
            ),
        ),
        (
            "{count: order, needs: 4}",
            "3:21: error[bad-measure] `count` takes no `needs`",
        ),
        (
            "{change: orders_all}",
            (
                '3:15: error[bad-measure] measure "orders_all" has no `last`, so there is no window '
                "before; give orders_all a `last: 60 days`"
            ),
        ),
        (
            "{change: order}",
            (
                '3:15: error[unknown-measure] no measure "order"; '
                "define a measure {count: order, last: 60 days} and name that"
            ),
        ),
        (
            "{change: m}",
            (
                '3:15: error[bad-measure] measure "m" is a change itself; '
                "take the change of what it compares"
            ),
        ),
        (
            "{changed: orders_all}",
            (
                '3:16: error[unknown-attribute] no attribute "orders_all"; '
                "for a measure write {change: orders_all}"
            ),
        ),
        (
            "{count: order, where: {amuont: above 3}}",
            (
                '3:29: error[unknown-field] event "order" has no field "amuont"; '
                'did you mean "amount"?'
            ),
        ),
        (
            "{count: order, where: {size: above 3}}",
            (
                '3:29: error[unknown-field] "size" is about the customer; `where` asks about the '
                "event; use `only`, or a segment"
            ),
        ),
        (
            "{share: solved, of: complaint, same: caseid}",
            (
                '3:43: error[unknown-field] event "solved" has no field "caseid"; '
                'did you mean "case_id"?'
            ),
        ),
        (
            "{share: solved, of: complaint, where: {severity: low}}",
            (
                "3:37: error[bad-measure] `share` takes no `where`; "
                "put it with its event: share: {event: ..., where: {...}}"
            ),
        ),
    ],
)
def test_a_wrong_measure_is_told_once(text: str, said: str) -> None:
    """A wrong measure is one finding at its place; what uses it stays silent."""
    shared = (
        f"measures:\n  orders_all: {{count: order}}\n  m: {text}\n"
        "segments:\n  s: {m: above 3}\n  t: {in: s, m: known}\n"
    )

    assert told(shared=shared) == [f"shared.yaml:{said}"]


def compare(kind: SubjectKind, name: str, test: object, path: str, words: str) -> Compare:
    return Compare(subject=Subject(kind, name), test=test, path=path, words=words)  # type: ignore[arg-type]


def test_a_mapping_is_and_and_the_rest_nests() -> None:
    """Keys of a mapping all hold; ``all``, ``any`` and ``not`` nest; paths lead back to the file."""
    shared = SHARED.replace(
        "classes:",
        "  x:\n"
        "    size: above 3\n"
        "    any:\n"
        "      - {in: [buyers, tier.A]}\n"
        "      - not: {vip: yes}\n"
        "classes:",
    )
    condition = project(shared=shared).catalogue.segments["x"].condition

    assert condition == All(
        (
            compare(
                SubjectKind.ATTRIBUTE,
                "size",
                Bound(Op.ABOVE, Fraction(3)),
                "segments/x/size",
                "above 3",
            ),
            AnyOf(
                (
                    InSegment(names=("buyers", "tier.A"), path="segments/x/any/0/in"),
                    Not(
                        compare(
                            SubjectKind.ATTRIBUTE,
                            "vip",
                            OneOf((True,)),
                            "segments/x/any/1/not/vip",
                            "yes",
                        )
                    ),
                )
            ),
        )
    )


def test_a_segment_without_tests_takes_everybody_and_says_so() -> None:
    """An empty condition is legal and warned about."""
    found, findings = checked(shared="segments:\n  all_of_them: {title: x}\n")

    assert found is not None
    assert found.catalogue.segments["all_of_them"].condition == Always()
    assert [finding.code for finding in findings] == ["matches-unknown"]


@pytest.mark.parametrize(
    ("segment", "said"),
    [
        ("{orders: above 3, in: buyrs}", 'no segment "buyrs"; did you mean "buyers"?'),
        ("{in: tier}", '"tier" is a class, not a segment; write tier.A, or {tier: A}'),
        ("{in: tier.B}", 'class "tier" has no value "B"; known here: A, 其他'),
        ("{in: teir.A}", 'no class "teir"; did you mean "tier"?'),
        ("{in: orders}", '"orders" is not a segment; write it as a test: {orders: ...}'),
        ('{in: "buyers, slipping"}', ('"buyers, slipping" is one text: a list needs [ ]; '
         "write [buyers, slipping]")),
        ("{ordrs: above 3}", 'no measure, attribute or class "ordrs"; did you mean "orders"?'),
        ("{buyers: yes}", '"buyers" is a segment; write `in: buyers`'),
        ("{tier.A: yes}", '"tier.A" is a value of a class; write `tier: A`'),
        ("{order: above 3}", ('no measure, attribute or class "order"; '
         "an event needs a measure: {count: order}")),
        ("{order.amount: above 3}", ('no measure, attribute or class "order.amount"; '
         "a field of an event needs a measure: {last_value: order.amount}")),
        ("{tier: B}", 'tier has no value "B"; known here: A, 其他'),
        ("{industry: [制造, 教育]}", 'industry has no value "制造"; did you mean "制造业"?'),
        ("{severity: hi}", 'severity has no value "hi"; did you mean "high"?'),
        ("{orders: top 20% of buyrs}", 'no segment "buyrs" to rank in; did you mean "buyers"?'),
        ("{size: top 20% of buyers}", ("size can't be ranked: `top` takes a measure that is a "
         "number; write 3, at least 3, at most 3, above 3, below 3, or between 3 and 5")),
        ("{any: {orders: above 3}}", "`any` needs a list; put a dash before each condition"),
        ("{not: buyers}", '"buyers" is not a condition yet; write {in: buyers}'),
        ("{any: [buyers]}", '"buyers" is not a condition yet; write {in: buyers}'),
        ("{orders: {above: 3}}", ("orders needs a test, not `key: value`; write 3, at least 3, "
         "at most 3, above 3, below 3, or between 3 and 5")),
        ("{in: x}", ("these definitions go round in a circle: x -> x; "
         "one of them must not name the next")),
        ("{orders: top 10% of x}", ("these definitions go round in a circle: x -> x; "
         "one of them must not name the next")),
        ("{trigger.amount: above 3}", "`trigger.` has a meaning in recheck and stop_when only"),
    ],
)  # fmt: skip
def test_a_wrong_segment_is_told_once(segment: str, said: str) -> None:
    """A wrong name or test in a segment is one finding; uses of the segment stay silent."""
    shared = SHARED.replace("classes:", f"  x: {segment}\n  y: {{in: x}}\nclasses:")

    assert [line.split("] ", 1)[1] for line in told(shared=shared)] == [said]


def test_circles_through_classes_are_found() -> None:
    """A segment and a class that need each other are one finding, at the first of them."""
    shared = (
        "segments:\n  a: {c: X}\n  b: {in: a}\n"
        "classes:\n  c: {of: b, values: [{value: X, if: {size: 3}}, {value: Y}]}\n"
    )

    assert told(shared=shared) == [
        (
            "shared.yaml:2:3: error[cycle] these definitions go round in a circle: a -> c -> b -> a; "
            "one of them must not name the next"
        )
    ]


def test_long_chains_are_refused_without_a_crash() -> None:
    """A chain of thousands of segments is an error, not a stack overflow."""
    lines = ["  s0: {size: above 3}", *(f"  s{n}: {{in: s{n - 1}}}" for n in range(1, 3000))]
    found = told(shared="segments:\n" + "\n".join(lines))

    assert found == [
        'shared.yaml:62:3: error[too-deep] "s60" stands on a chain of more than 60 definitions'
    ]


@pytest.mark.parametrize(
    ("shared", "said"),
    [
        (
            "measures:\n  size: {count: order}\n",
            (
                '2:3: error[name-clash] "size" is already the name of an attribute of the customer; '
                "choose another name"
            ),
        ),
        (
            "measures:\n  x: {count: order}\nclasses:\n  x: {values: [{value: A}]}\n",
            '4:3: error[name-clash] "x" is already the name of a measure; choose another name',
        ),
        (
            "segments:\n  x: {size: 3}\nclasses:\n  x: {values: [{value: A}]}\n",
            '4:3: error[name-clash] "x" is already the name of a segment; choose another name',
        ),
        (
            "segments:\n  a.b: {size: 3}\n",
            (
                '2:3: error[bad-name] the name "a.b" of a segment has "." in it; '
                "use letters, digits, _ and -"
            ),
        ),
        (
            "measures:\n  any: {count: order}\n",
            (
                '2:3: error[bad-name] "any" is a word of the language and can\'t be the name of a '
                "measure; choose another name"
            ),
        ),
        (
            "classes:\n  c: {values: [{value: A}, {value: B}]}\n",
            (
                '2:16: error[unreachable] value "A" has no `if`, so the values below it are never '
                "reached; give it an `if:` or put it last"
            ),
        ),
        (
            "classes:\n  c: {values: [{value: A, if: {size: 3}}, {value: A}]}\n",
            (
                '2:43: error[name-clash] class "c" has the value "A" twice; '
                "put both conditions under one value with `any:`"
            ),
        ),
    ],
)
def test_names_and_values_are_checked(shared: str, said: str) -> None:
    """One name stands for one thing, and each value of a class can be reached."""
    assert told(shared=shared) == [f"shared.yaml:{said}"]


def test_a_measure_and_a_segment_may_share_a_name() -> None:
    """They never stand in the same place."""
    shared = "measures:\n  x: {count: order}\nsegments:\n  x: {x: above 3}\n"

    assert told(shared=shared) == []


def test_the_vocabulary_is_in_care_yaml() -> None:
    """The small project of these tests has nothing to complain about."""
    assert told(care=CARE, shared=SHARED) == []
