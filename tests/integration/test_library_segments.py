"""The library's segments and classes, each by hand-worked customers: the models of the handbook's chapter 1."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from engine.library import init_library
from rules.evaluate import Evaluator
from rules.history import AttributeVersion, Datum, Event, History
from rules.playbook import Project
from rules.project import load
from rules.units import from_iso

NOW = dt.datetime(2025, 6, 30, 12, tzinfo=ZoneInfo("Asia/Shanghai"))
SCALE = 10_000
#: days ago, event, amount or satisfaction or message
Told = tuple[float, str, object]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project of the library."""
    folder = tmp_path_factory.mktemp("segments")
    init_library(folder, "saas")
    return load(folder)


def person(shop: Project, told: Iterable[Told], **attributes: Datum) -> Evaluator:
    """A customer with these events, so many days ago."""
    events = []
    for number, (days, name, value) in enumerate(told):
        fields: dict[str, Datum] = {}
        match name, value:
            case "order", int():
                fields = {"amount": value * SCALE}
            case "survey", int():
                fields = {"satisfaction": value * SCALE}
            case (("message_sent" | "message_reply"), str()):
                fields = {"message_id": value}
        at = from_iso((NOW - dt.timedelta(days=days)).isoformat(), "UTC")
        events.append(Event(id=f"{number:04}", name=name, at=at, fields=fields))
    said = [
        AttributeVersion(name=name, at=0, id=name, value=value)
        for name, value in sorted(attributes.items())
    ]
    history = History(
        customer="K1",
        events=tuple(sorted(events, key=lambda event: (event.at, event.id))),
        attributes=tuple(said),
    )
    ranks = {("amount_1y", "dealt", Fraction(1, 5)): None}
    return Evaluator(
        shop.vocabulary,
        shop.catalogue,
        at=from_iso(NOW.isoformat(), "UTC"),
        history=history,
        ranks=ranks,
    )


def every(step: int, first: float, last: float, name: str, value: object = None) -> list[Told]:
    """An event every ``step`` days, from ``first`` to ``last`` days ago."""
    found = []
    days = first
    while days >= last:
        found.append((days, name, value))
        days -= step
    return found


CALLS_5 = every(10, 45, 5, "outside_call")
CALLS_3 = every(10, 25, 5, "outside_call")
CALLS_2 = every(10, 15, 5, "outside_call")
#: five orders in the 60 days before the last 60
STEADY = every(12, 115, 65, "order", 12_000)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([(10, "deal", None)], "新客户"),
        ([(29.9, "order", 100)], "新客户"),
        ([(100, "deal", None), *every(20, 170, 100, "activity"), *every(10, 85, 5, "activity"), *CALLS_2], "成长"),
        ([(100, "deal", None), *every(10, 170, 100, "activity"), *every(20, 85, 5, "activity"), *CALLS_2], "其他"),
        ([(500, "deal", None), *every(20, 360, 0, "order", 100)], "成熟"),
        ([(1200, "deal", None), *every(20, 360, 0, "order", 100)], "成熟"),
        ([(1200, "deal", None), *CALLS_2], "衰退"),
        ([(500, "deal", None), *every(10, 115, 65, "order", 100), *every(12, 58, 5, "order", 100)], "衰退"),
        ([(500, "deal", None), *CALLS_2], "其他"),
        ([(100, "deal", None)], "流失风险"),
        ([(500, "deal", None), *every(10, 115, 65, "order", 100), (20, "order", 100)], "流失风险"),
        ([(10, "deal", None), *((n, "message_sent", f"M{n}") for n in range(1, 6))], "流失风险"),
        ([(10, "deal", None), *((n, "message_sent", f"M{n}") for n in range(1, 6)), (1, "message_reply", "M5")], "新客户"),
        ([(500, "deal", None), *CALLS_2, (5, "survey", 2)], "流失风险"),
        ([(500, "deal", None), *CALLS_2, (5, "survey", 3)], "其他"),
        ([(5, "signup", None)], None),
    ],
)  # fmt: skip
def test_the_life_cycle(told: list[Told], expected: str | None, shop: Project) -> None:
    """New, growing, mature, declining, at risk by each of the four readings; nobody without a deal."""
    assert person(shop, told).class_value("stage") == expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([(740, "deal", None), (100, "order", 500_000), *CALLS_5], "A"),
        ([(740, "deal", None), (100, "order", 499_999), *CALLS_5], "B"),
        ([(700, "deal", None), (100, "order", 500_000), *CALLS_5], "B"),
        ([(740, "deal", None), (100, "order", 500_000), *CALLS_5[1:]], "B"),
        ([(740, "deal", None), (400, "order", 500_000), *CALLS_5], "C"),
        ([(370, "deal", None), (100, "order", 100_000), *CALLS_3], "B"),
        ([(370, "deal", None), (100, "order", 99_999), *CALLS_3], "C"),
        ([(350, "deal", None), (100, "order", 100_000), *CALLS_3], "C"),
        ([(370, "deal", None), (100, "order", 100_000), *CALLS_2], "C"),
        ([(370, "deal", None), (5, "outside_visit", None)], "其他"),
        ([*CALLS_5], None),
    ],
)
def test_the_value_tiers(told: list[Told], expected: str | None, shop: Project) -> None:
    """A, B and C by yearly amount, tenure and contacts, at their bounds."""
    assert person(shop, told).class_value("value_tier") == expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (every(9, 89, 3, "order", 50_001), "重要价值"),
        ([(30, "order", 50_001)], "重要发展"),
        ([(100, "order", 50_001)], "重要挽留"),
        (every(9, 89, 3, "order", 50_000), "一般价值"),
        ([(30, "order", 50_000)], "一般发展"),
        ([(100, "order", 50_000)], "一般挽留"),
        ([(90.5, "order", 50_001)] * 9, "重要保持"),
        ([(90.5, "order", 50_000)] * 9, "一般保持"),
    ],
)
def test_the_eight_classes_of_rfm(told: list[Told], expected: str, shop: Project) -> None:
    """Each of recency, frequency and amount high or low gives its named class."""
    assert person(shop, told).class_value("rfm") == expected


@pytest.mark.parametrize(
    ("days", "grade"), [(29, "30天内"), (31, "90天内"), (91, "180天内"), (181, "更早")]
)
def test_recency_is_graded(days: int, grade: str, shop: Project) -> None:
    """30, 90 and 180 days."""
    assert person(shop, [(days, "order", 1)]).class_value("r_grade") == grade


@pytest.mark.parametrize(
    ("count", "grade"),
    [(15, "每月5次以上"), (14, "每月3次"), (9, "每月3次"), (8, "每月1次"), (2, "更少")],
)
def test_frequency_is_graded(count: int, grade: str, shop: Project) -> None:
    """1, 3 and 5 purchases a month, over three months."""
    assert person(shop, [(10, "order", 1)] * count).class_value("f_grade") == grade


@pytest.mark.parametrize(
    ("amount", "grade"),
    [(50_001, "5万以上"), (50_000, "1万至5万"), (10_000, "1万至5万"), (9_999, "1万以下")],
)
def test_amounts_are_graded(amount: int, grade: str, shop: Project) -> None:
    """10,000 and 50,000 an order."""
    assert person(shop, [(10, "order", amount)]).class_value("m_grade") == grade


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([(80, "deal", None)], "新客户"),
        ([(200, "deal", None), (5, "survey", 2)], "风险"),
        ([(500, "deal", None), *every(20, 360, 0, "order", 60_000)], "高价值"),
        ([(500, "deal", None), *every(20, 360, 0, "order", 20_000)], "其他"),
        ([(120, "deal", None), *STEADY, *every(12, 55, 5, "order", 12_001)], "潜力"),
        ([(120, "deal", None), *STEADY, *every(12, 55, 5, "order", 12_000)], "其他"),
        ([(120, "deal", None), *STEADY, *every(12, 31, 5, "order", 12_001)], "其他"),
        ([(200, "deal", None), (100, "order", 9_999)], "低价值"),
        ([(200, "deal", None), (100, "order", 10_000)], "其他"),
    ],
)
def test_the_analysis_table(told: list[Told], expected: str, shop: Project) -> None:
    """New, at risk, high value, potential and low value as the table has them."""
    assert person(shop, told).class_value("analysis") == expected


@pytest.mark.parametrize(
    ("told", "attributes", "inside", "outside"),
    [
        ([], {"industry": "制造业", "size": 500 * SCALE, "region": "华东"}, {"lead", "long_chain"}, {"dealt"}),
        ([], {"industry": "制造业", "size": 499 * SCALE, "region": "华东"}, set(), {"lead", "long_chain"}),
        ([(80, "signup", None)], {}, {"new_plan"}, {"new_tool", "dealt"}),
        ([(80, "order", 1)], {}, {"new_plan", "new_tool"}, {"stable_tool"}),
        ([(500, "order", 1)], {}, {"stable_tool"}, {"new_plan", "new_tool"}),
        ([(5, "contract_ended", None)], {}, {"gone"}, set()),
        ([(5, "contract_ended", None), (2, "renewed", None)], {}, set(), {"gone"}),
        ([], {"need": ("function", "service"), "pain_point": ("cost",)}, {"wants_function", "wants_service", "pain_cost"}, {"wants_emotion", "pain_use", "pain_slow"}),
        ([], {"need": ("emotion",), "pain_point": ("hard_to_use", "slow_service")}, {"wants_emotion", "pain_use", "pain_slow"}, {"wants_function"}),
        ([], {"preferred_channel": "call", "role": "decides"}, {"likes_phone", "decision_makers"}, {"likes_chat", "likes_mail"}),
        ([], {"birth_year": 1990 * SCALE}, {"young_or_internet"}, set()),
        ([], {"birth_year": 1989 * SCALE}, set(), {"young_or_internet"}),
        ([(740, "deal", None), (100, "order", 500_000), *CALLS_5, (1, "survey", 4)], {}, {"high_value", "loyal"}, {"at_risk"}),
    ],
)  # fmt: skip
def test_segments_and_tags(
    told: list[Told],
    attributes: dict[str, Datum],
    inside: set[str],
    outside: set[str],
    shop: Project,
) -> None:
    """The other life-cycle definitions, the profile of a lead, tags, and who has left."""
    one = person(shop, told, **attributes)

    assert {name for name in inside | outside if one.in_segment(name)} == inside
