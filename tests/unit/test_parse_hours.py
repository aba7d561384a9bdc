"""Working time of care.yaml, past the parser and in the words for what is wrong."""

from __future__ import annotations

import datetime as dt

import pytest

from rules.errors import Span
from rules.units import day_number
from rules.vocabulary import Role
from tests.projects import CARE, checked, project

NINE, NOON, TWO, SIX = dt.time(9), dt.time(12), dt.time(14), dt.time(18)


def day(text: str) -> int:
    return day_number(dt.date.fromisoformat(text))


def care(text: str) -> str:
    """The project's care.yaml with other lines in place of ``hours``."""
    return CARE.replace("hours: 09:00-18:00\n", f"{text}\n")


@pytest.mark.parametrize(
    "text",
    [
        "hours: 09:00-12:00, 14:00-18:00",
        "hours: [09:00-12:00, 14:00-18:00]",
        "hours: [14:00-18:00, 09:00-12:00]",
        "hours: 09:00-12:00，14:00-18:00",
        "hours: 9:00 - 12:00, 14：00－18：00",
    ],
)
def test_spans_of_the_day_make_breaks(text: str) -> None:
    """In one line or as a list, in any order, with the signs of a Chinese keyboard."""
    found = project(care=care(text)).vocabulary

    assert (found.opens, found.closes, found.breaks) == (NINE, SIX, ((NOON, TWO),))


def test_own_days_arrive_sorted() -> None:
    """One day or a list; half days have spans as hours have."""
    found = project(
        care=care(
            "days_off: [2026-12-24, 2026-02-13]\ndays_on: 2026-12-26\n"
            "half_days:\n  2026-12-31: 09:00-12:00\n  2026-12-30: [14:00-18:00, 09:00-12:00]"
        )
    ).vocabulary

    assert found.days_off == (day("2026-02-13"), day("2026-12-24"))
    assert found.days_on == (day("2026-12-26"),)
    assert found.half_days == {
        day("2026-12-31"): ((NINE, NOON),),
        day("2026-12-30"): ((NINE, NOON), (TWO, SIX)),
    }
    assert found.places["half_days/2026-12-31"] == Span("care.yaml", 8, 3)


def test_zones_of_roles_and_customers() -> None:
    """A role may work elsewhere, and an attribute says where a customer is."""
    found = project(
        care=care("customer_timezone: customer.tz").replace(
            "  vip: yes_no", "  vip: yes_no\n  tz: [Asia/Shanghai, Europe/London]"
        ).replace("  manager: 客服经理", "  manager: {else: 经理, timezone: Europe/London}")
    ).vocabulary  # fmt: skip

    assert found.customer_zone == "tz"
    assert found.roles["manager"] == Role(
        name="manager", attribute=None, otherwise="经理", timezone="Europe/London"
    )


def test_nothing_of_it_need_be_said() -> None:
    """Without hours the day goes from nine to six, with no break and no days of one's own."""
    found = project(care=care("days_off: []\ndays_on:\nhalf_days: {}")).vocabulary

    assert (found.opens, found.closes, found.breaks) == (NINE, SIX, ())
    assert (found.days_off, found.days_on, dict(found.half_days)) == ((), (), {})
    assert found.customer_zone is None


def test_what_changes_working_time_changes_the_configuration() -> None:
    """Decisions carry the hash of everything that can change them."""
    texts = (
        "hours: 09:00-18:00",
        "hours: 09:00-12:00, 13:00-18:00",
        "days_off: 2026-12-24",
        "days_on: 2026-12-24",
        "half_days: {2026-12-24: 09:00-12:00}",
        "customer_timezone: name",
    )

    assert len({project(care=care(text)).config_hash for text in texts}) == len(texts)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hours: 09:00-12:00, 13.30-18:00",
         ("bad-time] `hours` is a span of the day and can't be \"13.30-18:00\"; "
          "write hours: 09:00-18:00")),
        ("hours: [09:00-12:00, 11:00-18:00]",
         ("bad-time] `hours` leave no break between 09:00-12:00 and 11:00-18:00; "
          "write 09:00-18:00 for both")),
        ("hours: 09:00-12:00, 12:00-18:00",
         ("bad-time] `hours` leave no break between 09:00-12:00 and 12:00-18:00; "
          "write 09:00-18:00 for both")),
        ("hours: 00:00-24:00",
         ("bad-time] `hours` can't end at 24:00; "
          "the last minute that can be written is 23:59: 00:00-23:59")),
        ("hours: 13:30-18:00, 12:00-09:00",
         ("bad-time] `hours` end before they begin: 12:00-09:00; "
          "working hours over midnight are not supported")),
        ("days_off: 12-24", 'bad-date] "12-24" is no day; write 2026-12-24'),
        ("days_off: [every year 12-24]",
         'bad-date] "every year 12-24" is no day; give the year, and each year its own: 2026-12-24'),
        ("days_off: 2026-02-09 to 2026-02-13",
         ('bad-date] "2026-02-09 to 2026-02-13" is no day; '
          "list each day: [2026-02-09, ..., 2026-02-13]")),
        ("days_off: 2026-02-09, 2026-02-10",
         ('wrong-shape] "2026-02-09, 2026-02-10" is one text: a list needs [ ]; '
          "write [2026-02-09, 2026-02-10]")),
        ("days_on: [2026-02-30]", 'bad-date] "2026-02-30" is no day; write 2026-12-27'),
        ("days_on: [2026-12-26, 2026-12-26]",
         "name-clash] `days_on` lists 2026-12-26 twice; take one out"),
        ("days_off: 2026-12-26\ndays_on: 2026-12-26",
         ("name-clash] 2026-12-26 stands in `days_off` and in `days_on`; "
          "take it out of one of them")),
        ("days_off: 2026-12-26\nhalf_days: {2026-12-26: 09:00-12:00}",
         ("name-clash] 2026-12-26 stands in `days_off` and in `half_days`; "
          "take it out of one of them")),
        ("half_days: {12-31: 09:00-12:00}", 'bad-date] "12-31" is no day; write 2026-12-31'),
        ("half_days: {2026-12-31: morning}",
         ("bad-time] `half_days` is a span of the day and can't be \"morning\"; "
          "write 2026-12-31: 09:00-12:00")),
        ("customer_timezone: customer.zone",
         'unknown-attribute] no attribute "zone"; did you mean "joined"?'),
        ("customer_timezone: size",
         ('bad-type] attribute "size" is of type number and can\'t hold a time zone; '
          "write size: text under `customer`")),
        ("customer_timezone: industry",
         ('unknown-timezone] attribute "industry" may be "制造业", which is no time zone; '
          "write Asia/Shanghai")),
        ("roles: {a: {else: b, timezone: Asia/Peking}}",
         'unknown-timezone] no time zone "Asia/Peking"; write Asia/Shanghai'),
    ],
)  # fmt: skip
def test_wrong_working_time_is_told_once(text: str, said: str) -> None:
    """Each mistake is one finding in care.yaml, with what to write instead."""
    whole = care(text)
    if text.startswith("roles"):
        whole = whole[: whole.index("roles:\n")]
    found, findings = checked(care=whole)

    assert found is None
    assert [str(finding).split("[", 1)[1] for finding in findings] == [said]
