"""Working days and working time."""

from __future__ import annotations

import datetime as dt

import chinese_calendar
import holidays
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.calendar import DayOff, WorkingCalendar
from rules.errors import InputError
from rules.units import MICROS, date_of, day_number, from_iso, to_iso, to_local
from rules.vocabulary import Vocabulary
from tests.calendars import own_calendars

HOUR = 3600 * MICROS
CN = WorkingCalendar(timezone="Asia/Shanghai", country="CN", opens=dt.time(9), closes=dt.time(18))
PLAIN = WorkingCalendar(timezone="UTC", country="none", opens=dt.time(9), closes=dt.time(18))
ZONES = ("America/New_York", "Australia/Lord_Howe", "America/Santiago", "Asia/Shanghai", "UTC")
CALENDARS = {
    name: WorkingCalendar(timezone=name, country=country, opens=opens, closes=closes)
    for name, country, opens, closes in (
        ("America/New_York", "US", dt.time(9), dt.time(17)),
        ("Australia/Lord_Howe", "AU", dt.time(0, 30), dt.time(23, 30)),
        ("America/Santiago", "CL", dt.time(0, 15), dt.time(4)),
        ("Asia/Shanghai", "CN", dt.time(9), dt.time(18)),
        ("UTC", "none", dt.time(0), dt.time(23, 59)),
    )
}
calendars = st.sampled_from([CALENDARS[name] for name in ZONES]) | own_calendars()
days = st.integers(day_number(dt.date(2008, 1, 1)), day_number(dt.date(2028, 12, 31)))
instants = st.integers(
    from_iso("2008-01-01T00:00", "UTC") // MICROS, from_iso("2028-12-31T00:00", "UTC") // MICROS
).map(lambda second: second * MICROS)
counts = st.integers(0, 400)
spans = st.integers(0, 200 * 3600).map(lambda second: second * MICROS)


def day(text: str) -> int:
    return day_number(dt.date.fromisoformat(text))


def vocabulary(*, calendar: str = "CN", timezone: str = "Asia/Shanghai") -> Vocabulary:
    return Vocabulary(
        business="云帆科技",
        timezone=timezone,
        calendar=calendar,
        opens=dt.time(9),
        closes=dt.time(18),
        events={},
        groups={},
        attributes={},
        channels={},
        roles={},
        dates={},
    )


def fresh(year: int) -> WorkingCalendar:
    """A calendar that has seen no year before: neighbours must not be needed."""
    assert 1 <= year <= 9999
    return WorkingCalendar(
        timezone="Asia/Shanghai", country="CN", opens=dt.time(9), closes=dt.time(18)
    )


#: Where chinesecalendar is the one that is wrong, with the notice that says so.
ITS_ERRORS = {
    # 国办发明电〔2005〕35号, of 2006's holidays: 12月31日(星期六)上班
    dt.date(2005, 12, 31): True,
}


@pytest.mark.parametrize("year", range(2004, 2027))
def test_china_agrees_with_chinesecalendar_on_every_day(year):
    """Two independently kept tables of the State Council's notices say the same of each day."""
    calendar = fresh(year)
    dates = [date_of(each) for each in range(day(f"{year}-01-01"), day(f"{year + 1}-01-01"))]
    expected = [date for date in dates if ITS_ERRORS.get(date, chinese_calendar.is_workday(date))]

    actual = [date for date in dates if calendar.is_working_day(day_number(date))]

    assert expected == actual


def test_make_up_days_of_2025():
    """A make-up day is a weekend day that is worked."""
    expected = ["2025-01-26", "2025-02-08", "2025-04-27", "2025-09-28", "2025-10-11"]

    actual = [
        date_of(each).isoformat()
        for each in range(day("2025-01-01"), day("2026-01-01"))
        if CN.is_make_up_day(each)
    ]

    assert expected == actual


def test_a_make_up_day_at_the_end_of_a_year_is_known_from_the_next_years_notice():
    """The notice for 2012 made Saturday, 31 December 2011, a working day."""
    calendar = fresh(2011)

    assert (
        calendar.is_working_day(day("2011-12-31")),
        calendar.is_make_up_day(day("2011-12-31")),
    ) == (True, True)


def test_names_are_chinese_in_china_and_english_elsewhere():
    """A holiday is called what the evidence's readers call it."""
    israel = WorkingCalendar(
        timezone="Asia/Jerusalem", country="IL", opens=dt.time(9), closes=dt.time(18)
    )

    assert (
        CN.name_of(day("2025-10-01")),
        CN.name_of(day("2025-10-09")),
        israel.name_of(day("2025-04-13")).split(" (")[0],
    ) == ("国庆节", None, "Pesach")


def test_a_stretch_off_has_the_names_of_its_holidays_and_takes_weekends_in():
    """The eight days of October 2025 are one stretch with two names."""
    expected = DayOff(first=day("2025-10-01"), last=day("2025-10-08"), name="国庆节、中秋节")

    assert [expected] * 3 == [CN.day_off(day(f"2025-10-0{each}")) for each in (1, 5, 8)]


def test_new_years_eve_is_part_of_spring_festival():
    """The stretch of 2026 is called 春节, as in the notice, and starts on Sunday, 15 February."""
    expected = DayOff(first=day("2026-02-15"), last=day("2026-02-23"), name="春节")

    assert expected == CN.day_off(day("2026-02-16"))


def test_a_plain_weekend_is_no_stretch_off():
    """Weekends have no name, nor have working days."""
    assert [CN.day_off(day("2025-09-13")), CN.day_off(day("2025-09-12"))] == [None, None]


@pytest.mark.parametrize(
    ("year", "expected"), [(2000, False), (2010, True), (2026, True), (2027, False)]
)
def test_china_knows_for_which_years_make_up_days_are_announced(year, expected):
    """A year whose notice is not out yet (or that the library never had) is said to be unknown."""
    assert expected is CN.announced(year)


@pytest.mark.parametrize("zone", ["America/New_York", "UTC"])
def test_other_calendars_are_always_announced(zone):
    """Countries without make-up days have nothing to wait for."""
    assert CALENDARS[zone].announced(2050)


def test_weekends_are_the_countrys_own():
    """Friday and Saturday are Israel's weekend, Sunday is worked."""
    israel = WorkingCalendar(
        timezone="Asia/Jerusalem", country="IL", opens=dt.time(9), closes=dt.time(18)
    )

    actual = [israel.is_working_day(day(f"2025-03-0{each}")) for each in (6, 7, 8, 9)]

    assert actual == [True, False, False, True]


def test_every_country_that_the_library_knows_can_be_counted_with():
    """Each has between 200 and 320 working days in a year, and nearly each a holiday with a name
    (uninhabited islands have none, nor has a country at war).
    """
    first, last = day("2024-12-31"), day("2025-12-31")
    known = holidays.list_supported_countries(include_aliases=False)
    odd, nameless = {}, set()
    for country in known:
        calendar = WorkingCalendar.of(vocabulary(calendar=country))
        worked = calendar.working_days_between(first, last)
        if not 200 < worked < 320:
            odd[country] = worked
        if not any(calendar.name_of(each) for each in range(first + 1, last + 1)):
            nameless.add(country)

    assert odd == {}
    assert nameless <= {"BV", "HM", "IO", "UA"}
    assert len(known) > 200


def test_no_calendar_means_weekends_only():
    """``calendar: none`` works on Christmas, and not on Saturdays."""
    actual = [PLAIN.is_working_day(day(each)) for each in ("2025-12-25", "2025-12-27")]

    assert actual == [True, False]
    assert PLAIN.name_of(day("2025-12-25")) is None


def test_a_calendar_comes_from_the_vocabulary():
    """The country may be written small."""
    expected = WorkingCalendar(
        timezone="Asia/Shanghai", country="CN", opens=dt.time(9), closes=dt.time(18)
    )

    assert expected == WorkingCalendar.of(vocabulary(calendar="cn"))
    assert WorkingCalendar.of(vocabulary(calendar="none")).country == "none"


def test_an_unknown_country_is_refused_in_words():
    """The error names what stands in care.yaml and what to write instead."""
    with pytest.raises(InputError) as caught:
        WorkingCalendar.of(vocabulary(calendar="ZZ"))

    assert str(caught.value) == (
        'calendar "ZZ": no public holidays are known for it; write a country code such as CN,'
        " or none for weekends only"
    )


@pytest.mark.parametrize(
    ("start", "count", "expected"),
    [
        ("2025-09-30", 1, "2025-10-09"),
        ("2025-09-30", 3, "2025-10-11"),  # Saturday, made up
        ("2025-10-04", 1, "2025-10-09"),  # a day off is day 0 all the same
        ("2025-10-04", 0, "2025-10-04"),
        ("2025-12-31", 1, "2026-01-04"),  # Sunday, made up
        ("2026-02-13", 1, "2026-02-14"),  # Saturday, made up
        ("2026-02-13", 2, "2026-02-24"),
    ],
)
def test_working_days_are_counted_by_the_notices(start, count, expected):
    """Holidays, make-up days and year ends are counted as the State Council has it."""
    assert expected == date_of(CN.add_working_days(day(start), count)).isoformat()


def test_counting_leaves_the_calendar_with_an_error():
    """No endless loop, no day beyond the year 9999."""
    with pytest.raises(ValueError, match="leave the calendar"):
        PLAIN.add_working_days(day("9999-12-01"), 1000)


@given(calendars, days, counts, counts)
def test_adding_working_days_is_additive(calendar, start, first, second):
    """a working days and then b are a + b."""
    expected = calendar.add_working_days(start, first + second)

    assert expected == calendar.add_working_days(calendar.add_working_days(start, first), second)


@given(calendars, days, counts)
def test_adding_working_days_has_an_inverse(calendar, start, count):
    """From a working day, going back the same number returns to it; the difference is the number."""
    start = calendar.this_or_next_working_day(start)
    end = calendar.add_working_days(start, count)

    assert start == calendar.add_working_days(end, count, back=True)
    assert count == calendar.working_days_between(start, end)
    assert -count == calendar.working_days_between(end, start)


@given(calendars, days, st.integers(0, 30), counts)
def test_adding_working_days_is_monotone(calendar, start, later, count):
    """A later start never ends earlier, and every end but day 0 is a working day."""
    end = calendar.add_working_days(start, count)

    assert end <= calendar.add_working_days(start + later, count)
    assert count == 0 or calendar.is_working_day(end)


@given(calendars, instants, spans, spans)
def test_advancing_is_additive_and_measured_by_working_time(calendar, start, first, second):
    """advance and working_time are inverses, over clock changes too."""
    end = calendar.advance(start, first + second)

    assert end == calendar.advance(calendar.advance(start, first), second)
    assert first + second == calendar.working_time(start, end)
    assert -(first + second) == calendar.working_time(end, start)


@given(calendars, instants, spans, st.integers(0, 10 * 24 * 3600))
def test_advancing_is_monotone(calendar, start, span, later):
    """A later start never ends earlier."""
    assert calendar.advance(start, span) <= calendar.advance(start + later * MICROS, span)


@given(calendars, instants)
def test_the_next_working_moment_is_within_hours_and_skips_no_working_time(calendar, start):
    """It is the first instant from which working time runs."""
    moment = calendar.next_working_moment(start)

    assert calendar.working_time(start, moment) == 0
    assert calendar.working_time(moment, moment + MICROS) == MICROS
    assert moment == calendar.next_working_moment(moment)


@given(calendars, instants, spans, spans)
def test_going_back_is_the_mirror_image_of_advancing(calendar, start, first, second):
    """There and back ends where work was going on; back and there too; and going back adds up."""
    there = calendar.advance(start, first + second)
    back = calendar.retreat(start, first + second)

    if first + second:
        assert calendar.next_working_moment(start) == calendar.retreat(there, first + second)
        assert calendar.previous_working_moment(start) == calendar.advance(back, first + second)
    assert back == calendar.retreat(calendar.retreat(start, first), second)
    assert first + second == calendar.working_time(back, start)


@given(calendars, instants, spans, st.integers(0, 10 * 24 * 3600))
def test_going_back_is_monotone(calendar, start, span, later):
    """A later start never ends earlier, and no result lies behind its start."""
    end = calendar.retreat(start, span)

    assert end <= calendar.retreat(start + later * MICROS, span)
    assert end <= start


@given(calendars, instants)
def test_the_previous_working_moment_has_work_right_before_it(calendar, start):
    """It is the last instant up to which working time ran."""
    moment = calendar.previous_working_moment(start)

    assert calendar.working_time(moment, start) == 0
    assert calendar.working_time(moment - MICROS, moment) == MICROS
    assert moment == calendar.previous_working_moment(moment)


@given(calendars, days)
def test_the_hours_of_a_day_stand_in_order_between_opening_and_closing(calendar, day):
    """Spans never overlap, in no zone, whatever the clock does that night."""
    edges = [edge for span in calendar.hours(day) for edge in span]

    assert edges == sorted(edges)
    assert calendar.opening(day) <= calendar.closing(day) <= calendar.opening(day + 1)


@settings(max_examples=60)
@given(calendars, instants, st.integers(0, 6 * 24 * 60))
def test_working_time_is_what_a_clock_on_the_wall_counts(calendar, start, minutes):
    """Minute by minute, the wall clock within hours on working days counts the same."""
    start -= start % (60 * MICROS)
    expected = 0
    for step in range(minutes):
        local = to_local(start + step * 60 * MICROS, calendar.timezone)
        day = day_number(local.date())
        hours = calendar.half_days.get(day, calendar.usual)
        if any(opens <= local.time() < closes for opens, closes in hours):
            expected += calendar.is_working_day(day)

    actual = calendar.working_time(start, start + minutes * 60 * MICROS)

    assert expected * 60 * MICROS == actual


@pytest.mark.parametrize(
    ("hours", "date", "expected"),
    [
        ((dt.time(0), dt.time(23, 59)), "2025-03-09", 22 + 59 / 60),  # 02:00 to 03:00 is not
        ((dt.time(0), dt.time(23, 59)), "2025-11-02", 24 + 59 / 60),  # 01:00 to 02:00 is twice
        ((dt.time(2, 30), dt.time(3)), "2025-03-09", 0),  # opens in the gap: at 03:30
    ],
)
def test_hours_are_exact_on_the_day_that_the_clock_changes(hours, date, expected):
    """A day in New York has 23 or 25 hours then, and hours in the gap hold nothing."""
    calendar = WorkingCalendar(
        timezone="America/New_York", country="none", opens=hours[0], closes=hours[1]
    )
    change = day(date)

    actual = calendar.closing(change) - calendar.opening(change)

    assert round(expected * HOUR) == actual


def test_a_whole_rest_of_a_day_ends_at_its_close():
    """Nine hours from the opening end at 18:00, one microsecond more goes over to the next day."""
    start = from_iso("2025-09-30T09:00", "Asia/Shanghai")

    actual = [
        to_iso(CN.advance(start, 9 * HOUR + more), "Asia/Shanghai") for more in (0, 60 * MICROS)
    ]

    assert actual == ["2025-09-30T18:00:00+08:00", "2025-10-09T09:01:00+08:00"]


def test_hours_that_hold_no_time_are_an_error():
    """Opening and closing at one time is no endless loop."""
    calendar = WorkingCalendar(timezone="UTC", country="none", opens=dt.time(9), closes=dt.time(9))

    with pytest.raises(ValueError, match="hold no time"):
        calendar.advance(0, HOUR)
