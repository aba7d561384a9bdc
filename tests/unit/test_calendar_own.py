"""The business's own working time: breaks, days off and on, half days, people in other zones."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from engine.calendar import DayOff, WorkingCalendar
from rules.units import MICROS, date_of, day_number, from_iso, to_iso
from tests.projects import CARE, project

HOUR = 3600 * MICROS
NOON, HALF_PAST_ONE = dt.time(12), dt.time(13, 30)


def day(text: str) -> int:
    return day_number(dt.date.fromisoformat(text))


def days(*texts: str) -> frozenset[int]:
    return frozenset(map(day, texts))


CN = WorkingCalendar(
    timezone="Asia/Shanghai",
    country="CN",
    opens=dt.time(9),
    closes=dt.time(18),
    breaks=((NOON, HALF_PAST_ONE),),
    days_off=days("2025-10-09", "2025-10-11", "2025-12-24"),  # the 11th is a make-up Saturday
    days_on=days("2025-10-08", "2025-12-20", "2025-12-22"),  # the 22nd is a Monday anyway
    half_days={day("2025-12-31"): ((dt.time(9), NOON),)},
    zones={"london": "Europe/London", "beijing": "Asia/Shanghai"},
)


def local(instant: int, calendar: WorkingCalendar = CN) -> str:
    return to_iso(instant, calendar.timezone)[:16]


def test_it_all_comes_from_care_yaml() -> None:
    """What is written there is what the calendar counts with."""
    care = CARE.replace(
        "hours: 09:00-18:00",
        "hours: 09:00-12:00, 13:30-18:00\n"
        "days_off: [2025-10-09, 2025-10-11, 2025-12-24]\n"
        "days_on: [2025-10-08, 2025-12-20, 2025-12-22]\n"
        "half_days: {2025-12-31: 09:00-12:00}",
    ).replace(
        "  manager: 客服经理",
        "  london: {else: 伦敦, timezone: Europe/London}\n"
        "  beijing: {else: 北京, timezone: Asia/Shanghai}\n"
        "  manager: 客服经理",
    )

    assert WorkingCalendar.of(project(care=care).vocabulary) == CN


def test_own_days_go_before_the_countrys() -> None:
    """A day off of one's own is no working day, a day on is one, whatever the country says."""
    asked = ("2025-10-07", "2025-10-08", "2025-10-09", "2025-10-10", "2025-10-11", "2025-12-20")

    actual = [CN.is_working_day(day(each)) for each in asked]

    assert actual == [False, True, False, True, False, True]


def test_own_days_are_told_apart_from_the_countrys() -> None:
    """A make-up day is the country's; a day that the country has anyway is nobody's own."""
    asked = [day(each) for each in ("2025-10-11", "2025-09-28", "2025-12-20", "2025-12-22")]

    assert [CN.is_make_up_day(each) for each in asked] == [False, True, False, False]
    assert [CN.is_own_day_off(each) for each in asked] == [True, False, False, False]
    assert [CN.is_own_day_on(each) for each in asked] == [False, False, True, False]


def test_taking_every_make_up_day_off_does_not_unmake_the_announcement() -> None:
    """Firms that never work on Saturdays still know the year's calendar."""
    free = replace(
        CN,
        days_off=days("2025-01-26", "2025-02-08", "2025-04-27", "2025-09-28", "2025-10-11"),
        _years={},
    )

    assert free.announced(2025)
    assert not free.announced(2027)


def test_a_stretch_off_ends_where_an_own_day_begins() -> None:
    """The 9th of October is not part of 国庆, though nobody works."""
    expected = DayOff(first=day("2025-10-01"), last=day("2025-10-07"), name="国庆节、中秋节")

    assert expected == CN.day_off(day("2025-10-03"))
    assert CN.day_off(day("2025-10-09")) is None


@pytest.mark.parametrize(
    ("start", "count", "expected"),
    [
        ("2025-09-30", 1, "2025-10-08"),  # own day on
        ("2025-09-30", 2, "2025-10-10"),  # the 9th is off
        ("2025-09-30", 3, "2025-10-13"),  # so is the make-up Saturday
        ("2025-12-19", 1, "2025-12-20"),
        ("2025-12-23", 1, "2025-12-25"),
        ("2025-12-30", 2, "2026-01-04"),  # a half day counts as a day
    ],
)
def test_working_days_with_own_days(start: str, count: int, expected: str) -> None:
    """Counting passes over days off of one's own, and stops at days on."""
    assert expected == date_of(CN.add_working_days(day(start), count)).isoformat()


@pytest.mark.parametrize(
    ("start", "hours", "expected"),
    [
        ("2025-09-29T09:00", 3, "2025-09-29T12:00"),  # a rest of a span ends at its close
        ("2025-09-29T11:00", 2, "2025-09-29T14:30"),
        ("2025-09-29T12:30", 1, "2025-09-29T14:30"),  # begins in the break
        ("2025-09-29T16:30", 2, "2025-09-30T09:30"),
        ("2025-12-31T11:00", 2, "2026-01-04T10:00"),  # the half day ends at noon
        ("2025-12-31T15:00", 1, "2026-01-04T10:00"),
    ],
)
def test_working_hours_with_breaks_and_half_days(start: str, hours: int, expected: str) -> None:
    """Breaks hold no working time, and a half day ends when it says."""
    begins = from_iso(start, CN.timezone)
    end = CN.advance(begins, hours * HOUR)

    assert expected == local(end)
    assert hours * HOUR == CN.working_time(begins, end)
    assert CN.next_working_moment(begins) == CN.retreat(end, hours * HOUR)


def test_a_half_day_has_its_own_hours_whole() -> None:
    """The usual break is no part of it; a day off does not become worked by it."""
    long = replace(
        CN,
        half_days={
            day("2025-12-31"): ((dt.time(10), dt.time(15)),),
            day("2025-12-27"): ((dt.time(9), NOON),),
        },
        _days={},
    )

    actual = [tuple(map(local, span)) for span in long.hours(day("2025-12-31"))]

    assert actual == [("2025-12-31T10:00", "2025-12-31T15:00")]
    assert long.half_day(day("2025-12-31")) == ((dt.time(10), dt.time(15)),)
    assert long.half_day(day("2025-12-27")) is None
    assert not long.is_working_day(day("2025-12-27"))


def test_people_in_another_zone_have_the_same_days_on_their_own_clocks() -> None:
    """London's 09:00 of a Chinese working day is 16:00 in Shanghai; in summer."""
    london = CN.of_role("london")

    assert (london.timezone, london.home) == ("Europe/London", "Asia/Shanghai")
    assert to_iso(london.opening(day("2025-09-30")), CN.timezone) == "2025-09-30T16:00:00+08:00"
    assert [london.is_working_day(day(f"2025-10-0{each}")) for each in (7, 8)] == [False, True]
    assert london is CN.of_role("london")
    assert [CN.of_role(role) for role in ("beijing", "nobody", None)] == [CN] * 3


def test_a_day_that_a_zone_does_not_have_holds_no_time() -> None:
    """Samoa went from Thursday 29 to Saturday 31 December 2011: nothing is counted twice."""
    apia = WorkingCalendar(
        timezone="Pacific/Apia", country="none", opens=dt.time(9), closes=dt.time(17)
    )
    start, end = (
        from_iso(f"{each}T00:00", "Pacific/Apia") for each in ("2011-12-29", "2012-01-01")
    )

    assert apia.hours(day("2011-12-30")) == ()
    assert apia.working_time(start, end) == 8 * HOUR


@pytest.mark.parametrize(
    ("date", "expected"),
    [("2021-03-25", 24), ("2021-03-26", 23), ("2021-10-29", 25)],  # Thursday, Friday, Friday
)
def test_clock_changes_on_a_working_day_are_exact(date: str, expected: int) -> None:
    """Amman changes its clocks on Fridays, which a firm without a country's calendar works."""
    amman = WorkingCalendar(
        timezone="Asia/Amman",
        country="none",
        opens=dt.time(0),
        closes=dt.time(23, 59),
        breaks=((NOON, dt.time(12, 59)),),
    )
    start, end = (from_iso(f"{date}T{clock}", "Asia/Amman") for clock in ("00:00", "23:59"))

    assert expected * HOUR - HOUR == amman.working_time(start, end)
    assert amman.advance(start, expected * HOUR - HOUR) == end
