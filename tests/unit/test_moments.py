"""The arithmetic of dates, holidays and rhythms: spans of time, ranges of values, planned slots."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.calendar import WorkingCalendar
from engine.moments import Kept, Moments
from engine.slots import last_slot, nth_slot, slot_since
from rules.errors import Span
from rules.lunar import lunar_of, solar_of
from rules.playbook import Every, Period, Trigger, TriggerKind
from rules.public_holidays import holiday_day, holiday_names
from rules.rhythm import read_cron, read_day
from rules.units import Duration, Unit, date_of, day_number, day_start, from_iso, to_iso
from tests.projects import CARE, project

SHANGHAI = WorkingCalendar.of(project(care=CARE).vocabulary)
BERLIN = WorkingCalendar.of(
    project(care=CARE.replace("Asia/Shanghai", "Europe/Berlin").replace("CN", "DE")).vocabulary
)
LOW, HIGH = from_iso("2019-06-01", "UTC"), from_iso("2026-06-01", "UTC")


def day(text: str) -> int:
    return day_number(dt.date.fromisoformat(text))


def moments(kept: Kept, calendar: WorkingCalendar = SHANGHAI, **more: object) -> Moments:
    trigger = Trigger(
        kind=TriggerKind.DATE, name="date", path="trigger", span=Span("p", 1, 1), date="d",
        **more,  # type: ignore[arg-type]
    )  # fmt: skip
    return Moments(trigger=trigger, kept=kept, calendar=calendar)


durations = st.one_of(
    st.none(),
    st.builds(
        Duration,
        st.integers(1, 100),
        st.sampled_from([Unit.HOUR, Unit.DAY, Unit.WEEK, Unit.MONTH, Unit.WORKING_DAY]),
    ),
)
kinds = st.sampled_from([Kept(instant=True), Kept(instant=False), Kept(instant=False, lunar=True)])


@settings(max_examples=150, deadline=None)
@given(
    kept=kinds,
    calendar=st.sampled_from([SHANGHAI, BERLIN]),
    offset=durations,
    back=st.booleans(),
    yearly=st.booleans(),
    at=st.sampled_from([None, dt.time(2, 30), dt.time(9)]),
    after=st.integers(LOW, HIGH),
    gap=st.integers(0, 40 * 86_400_000_000),
    value=st.integers(LOW, HIGH),
    data=st.data(),
)
def test_ranges_hold_exactly_the_values_with_an_occasion(
    kept: Kept, calendar: WorkingCalendar, offset: Duration | None, back: bool, yearly: bool,
    at: dt.time | None, after: int, gap: int, value: int, data: st.DataObject,
) -> None:  # fmt: skip
    """A stored value lies in the ranges of a span just where it has a day whose moment is in it."""
    found = moments(kept, calendar, offset=offset, back=back, yearly=yearly, at=at)
    if not kept.instant:
        value //= 86_400_000_000
    ranges = found.values(after, after + gap)
    if ranges:  # the edges are where it could go wrong
        edge = data.draw(st.sampled_from([each for pair in ranges for each in pair]))
        value = edge + data.draw(st.sampled_from([-1, 0, 1]))
    inside = any(low <= value <= high for low, high in ranges)
    occasions = list(found.occasions(value, after, after + gap))

    assert inside == bool(occasions)
    assert all(after < one.moment <= after + gap for one in occasions)
    assert all(one.until >= one.moment for one in occasions)


@pytest.mark.parametrize(
    ("stored", "year", "expected"),
    [
        ("2020-02-29", 2023, "2023-02-28"),
        ("2020-02-29", 2024, "2024-02-29"),
        ("2021-02-28", 2024, "2024-02-28"),
    ],
)
def test_29_february_falls_on_the_28th_of_common_years(
    stored: str, year: int, expected: str
) -> None:
    """The same holds from the day to the values as from the value to the days."""
    found = moments(Kept(instant=False), yearly=True)
    start, end = from_iso(f"{year}-01-10", "UTC"), from_iso(f"{year}-12-10", "UTC")
    (one,) = found.occasions(day(stored), start, end)

    assert date_of(one.day).isoformat() == expected
    assert one.year == year


def test_the_day_itself_is_no_anniversary() -> None:
    """The first one is a year later."""
    found = moments(Kept(instant=False), yearly=True)
    days = found.occasions(
        day("2024-05-05"), from_iso("2024-01-01", "UTC"), from_iso("2026-01-01", "UTC")
    )

    assert [date_of(one.day).isoformat() for one in days] == ["2025-05-05"]


@pytest.mark.parametrize(
    ("lunar", "solar"),
    [
        ((2024, 1, 1), "2024-02-10"),
        ((2025, 1, 1), "2025-01-29"),
        ((2026, 1, 1), "2026-02-17"),
        ((2025, 8, 15), "2025-10-06"),
        ((2033, 11, 30), "2033-12-21"),  # before the disputed leap 11th month
        ((2025, 6, 10), "2025-07-04"),  # the regular 6th month, not the leap one
        ((2025, 12, 30), "2026-02-16"),  # a month of 29 days
    ],
)
def test_lunar_days_that_everybody_knows(lunar: tuple[int, int, int], solar: str) -> None:
    """New years and mid-autumns; the regular month, and the last day where the 30th is missing."""
    assert date_of(solar_of(*lunar)).isoformat() == solar


@settings(max_examples=300, deadline=None)
@given(st.integers(day("1901-01-01"), day("2099-12-31")))
def test_lunar_and_back(number: int) -> None:
    """Every day has one lunar date; outside of leap months the way back leads to it."""
    found = lunar_of(number)

    assert found.leap or solar_of(found.year, found.month, found.day) == number
    assert found.last == (lunar_of(number + 1).day == 1)


def test_holidays_by_name() -> None:
    """The first day of the name; days in lieu and swapped days are none; unknown ones have none."""
    assert date_of(holiday_day("CN", "春节", 2026) or 0).isoformat() == "2026-02-17"
    assert date_of(holiday_day("CN", "国庆节", 2025) or 0).isoformat() == "2025-10-01"
    assert date_of(holiday_day("CN", "中秋节", 2020) or 0).isoformat() == "2020-10-01"
    assert holiday_day("CN", "休息日", 2025) is None
    assert holiday_names("none") == () == holiday_names("XX")
    assert "Christmas Day" in holiday_names("US")


# -- rhythms -----------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(
    period=st.sampled_from(list(Period)),
    text=st.sampled_from(["", "first working day", "last working day", "last day", "5", "31", "3rd working day", "Friday", "02-29"]),
    at=st.sampled_from([None, dt.time(2, 30), dt.time(18)]),
    calendar=st.sampled_from([SHANGHAI, BERLIN]),
    start=st.integers(LOW, HIGH),
    cuts=st.lists(st.integers(0, 200 * 86_400_000_000), min_size=1, max_size=4),
)  # fmt: skip
def test_the_last_slot_does_not_depend_on_how_often_one_looks(
    period: Period, text: str, at: dt.time | None, calendar: WorkingCalendar, start: int,
    cuts: list[int],
) -> None:  # fmt: skip
    """Looked at piece by piece, the last slot found is the one found in one look; it lies inside."""
    if period is Period.DAY or read_day(text, period) is None:
        text = ""
    every = Every(period=period, day=text, at=at)
    edges = [start, *(start + cut for cut in sorted(cuts))]
    pieces = [last_slot(every, calendar, after=a, upto=b) for a, b in pairwise(edges)]
    whole = last_slot(every, calendar, after=edges[0], upto=edges[-1])

    assert max((slot for slot in pieces if slot is not None), default=None) == whole
    assert whole is None or edges[0] < whole <= edges[-1]


@settings(max_examples=150, deadline=None)
@given(
    span=st.builds(Duration, st.integers(1, 40), st.sampled_from([Unit.HOUR, Unit.DAY, Unit.WEEK, Unit.MONTH, Unit.WORKING_DAY, Unit.WORKING_HOUR])),
    calendar=st.sampled_from([SHANGHAI, BERLIN]),
    start=st.integers(LOW, HIGH),
    gap=st.integers(0, 500 * 86_400_000_000),
)  # fmt: skip
def test_slots_of_a_rhythm_that_runs_from_an_instant(
    span: Duration, calendar: WorkingCalendar, start: int, gap: int
) -> None:
    """The last slot up to an instant is a slot, not after it, and the next one lies beyond."""
    every = Every(span=span)
    found = slot_since(every, start, calendar, upto=start + gap)
    slots = [nth_slot(every, start, number, calendar) for number in range(1, 4)]

    assert slots == sorted(slots)
    if found is None:
        assert slots[0] > start + gap
    else:
        assert found <= start + gap


def test_months_are_counted_from_the_start() -> None:
    """From 31 January: the end of February, and 31 March again."""
    every = Every(span=Duration(1, Unit.MONTH))
    start = from_iso("2025-01-31T10:00", "Asia/Shanghai")
    slots = [nth_slot(every, start, number, SHANGHAI) for number in (1, 2)]

    assert [to_iso(slot, "Asia/Shanghai")[:10] for slot in slots] == ["2025-02-28", "2025-03-31"]


@pytest.mark.parametrize(
    ("after", "upto", "expected"),
    [
        ("2025-03-29T12:00+01:00", "2025-03-30T12:00+02:00", "2025-03-30T03:00:00+02:00"),
        ("2025-10-25T12:00+02:00", "2025-10-26T02:40+02:00", "2025-10-26T02:30:00+02:00"),
        ("2025-10-26T02:40+02:00", "2025-10-26T02:40+01:00", None),  # the hour that comes twice
    ],
)
def test_cron_over_clock_changes(after: str, upto: str, expected: str | None) -> None:
    """An hour that the clock skips comes after the gap; one that comes twice counts once."""
    every = Every(cron="30 2 * * *")
    found = last_slot(
        every, BERLIN, after=from_iso(after, "Europe/Berlin"), upto=from_iso(upto, "Europe/Berlin")
    )

    assert (found and to_iso(found, "Europe/Berlin")) == expected


def test_what_day_and_cron_may_say() -> None:
    """Days that a period has, and five fields."""
    assert read_day("Sunday", Period.WEEK) is not None
    assert [read_day(text, Period.MONTH) for text in ("32", "0", "Monday", "03-15")] == [None] * 4
    assert read_day("92", Period.QUARTER) is not None
    assert [read_day(text, Period.YEAR) for text in ("02-30", "15")] == [None, None]
    assert read_cron("*/5 9-17 * * 1-5") == "*/5 9-17 * * 1-5"
    assert [read_cron(text) for text in ("0 9 31 2 *", "0 9 * *", "0 9 * * * *")] == [None] * 3


def test_a_week_without_a_working_day_has_no_first_one() -> None:
    """国庆 2025 is off from Wednesday to Wednesday: the week of 6 October begins on the 9th."""
    every = Every(period=Period.WEEK, day="first working day")
    upto = day_start(day("2025-10-12"), "Asia/Shanghai")
    found = last_slot(every, SHANGHAI, after=upto - 5 * 86_400_000_000, upto=upto)

    assert found == day_start(day("2025-10-09"), "Asia/Shanghai")
