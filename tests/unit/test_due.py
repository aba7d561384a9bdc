"""When a step opens and is due, and the words for it."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.calendar import WorkingCalendar
from engine.due import window
from rules.playbook import Due, DueForm
from rules.units import MICROS, Duration, Unit, day_of, from_iso, shift, to_iso, to_local
from tests.calendars import own_calendars

ZONES = {
    country: WorkingCalendar(timezone=zone, country=country, opens=dt.time(9), closes=dt.time(18))
    for country, zone in (
        ("CN", "Asia/Shanghai"),
        ("US", "America/New_York"),
        ("none", "Australia/Lord_Howe"),
    )
}
CN, US = ZONES["CN"], ZONES["US"]
UNITS = {f"{unit}{s}": unit for unit in Unit for s in ("", "s")}

calendars = st.sampled_from(list(ZONES.values())) | own_calendars()
instants = st.integers(
    from_iso("2010-01-01T00:00", "UTC") // MICROS, from_iso("2028-01-01T00:00", "UTC") // MICROS
).map(lambda second: second * MICROS)
units = st.sampled_from(list(Unit))
times = st.none() | st.times().map(lambda at: at.replace(second=0, microsecond=0))


@st.composite
def dues(draw, forms=tuple(DueForm)):
    unit = draw(units)
    low = Duration(draw(st.integers(0, 40)), unit)
    high = Duration(low.amount + draw(st.integers(0, 40)), unit)
    match draw(st.sampled_from(forms)):
        case DueForm.WITHIN:
            return Due(DueForm.WITHIN, high=high)
        case DueForm.AFTER:
            return Due(DueForm.AFTER, low=low)
        case DueForm.BETWEEN:
            return Due(DueForm.BETWEEN, low=low, high=high)
        case form:
            return Due(form)


def duration(text: str) -> Duration:
    amount, unit = text.split(" ", 1)
    return Duration(int(amount), UNITS[unit])


def due(text: str) -> Due:
    """Read ``within 3 days``, ``between 5 and 7 working days``, ``now``; only what tests write."""
    word, _, rest = text.partition(" ")
    match word:
        case "now":
            return Due(DueForm.NOW)
        case "same":
            return Due(DueForm.SAME_DAY)
        case "within":
            return Due(DueForm.WITHIN, high=duration(rest))
        case "after":
            return Due(DueForm.AFTER, low=duration(rest))
        case _:
            low, _, high = rest.partition(" and ")
            unit = high.split(" ", 1)[1]
            return Due(DueForm.BETWEEN, low=duration(f"{low} {unit}"), high=duration(high))


def opening(calendar: WorkingCalendar, text: str, anchor: str, at: str = ""):
    return window(
        due(text),
        from_iso(anchor, calendar.timezone),
        calendar,
        dt.time.fromisoformat(at) if at else None,
    )


WORDS = [
    (
        CN, "after 3 working days", "2025-09-30T14:00", "",
        ("opens Sat 11 Oct 2025 09:00, due 18:00 that day: 3 working days after Tue 30 Sep 2025,"
        " 国庆节、中秋节 1 to 8 Oct off, make-up day Sat 11 Oct worked"),
    ),
    (
        CN, "within 3 working days", "2025-09-26T20:00", "10:00",
        ("opens Sun 28 Sep 2025 10:00, due Tue 30 Sep 2025 18:00: within 3 working days of"
        " Fri 26 Sep 2025, Sat 27 Sep off, make-up day Sun 28 Sep worked, at 10:00"),
    ),
    (
        CN, "between 5 and 7 working days", "2025-10-15T14:00", "",
        ("opens Wed 22 Oct 2025 09:00, due Fri 24 Oct 2025 18:00: 5 to 7 working days after"
        " Wed 15 Oct 2025, weekend off"),
    ),
    (
        CN, "within 4 working hours", "2025-09-30T16:00", "",
        ("opens Tue 30 Sep 2025 16:00, due Thu 9 Oct 2025 11:00: within 4 working hours of"
        " Tue 30 Sep 2025 16:00, 国庆节、中秋节 1 to 8 Oct off"),
    ),
    (
        CN, "within 24 hours", "2025-09-30T16:00", "",
        ("opens Tue 30 Sep 2025 16:00, due Wed 1 Oct 2025 16:00: within 24 hours of"
        " Tue 30 Sep 2025 16:00"),
    ),
    (
        CN, "after 3 days", "2025-09-30T16:00", "",
        ("opens Fri 3 Oct 2025 16:00, due Thu 9 Oct 2025 18:00: 3 days after"
        " Tue 30 Sep 2025 16:00, 国庆节、中秋节 1 to 8 Oct off"),
    ),
    (
        CN, "within 3 working days", "2026-02-13T14:00", "",
        ("opens Fri 13 Feb 2026 14:00, due Wed 25 Feb 2026 18:00: within 3 working days of"
        " Fri 13 Feb 2026, 春节 15 to 23 Feb off, make-up day Sat 14 Feb worked"),
    ),
    (
        CN, "within 1 working day", "2026-02-14T14:00", "",  # the make-up day itself is day 0
        ("opens Sat 14 Feb 2026 14:00, due Tue 24 Feb 2026 18:00: within 1 working day of"
        " Sat 14 Feb 2026, 春节 15 to 23 Feb off"),
    ),
    (
        CN, "within 3 working days", "2025-12-30T14:00", "",
        ("opens Tue 30 Dec 2025 14:00, due Mon 5 Jan 2026 18:00: within 3 working days of"
        " Tue 30 Dec 2025, 元旦 1 to 3 Jan 2026 off, make-up day Sun 4 Jan 2026 worked"),
    ),
    (
        CN, "within 3 working days", "2026-12-30T14:00", "",
        ("opens Wed 30 Dec 2026 14:00, due Tue 5 Jan 2027 18:00: within 3 working days of"
        " Wed 30 Dec 2026, 元旦 1 to 3 Jan 2027 off; the make-up days of 2027 are not known"),
    ),
    (
        US, "within 5 working days", "2025-12-24T14:00", "",
        ("opens Wed 24 Dec 2025 14:00, due Fri 2 Jan 2026 18:00: within 5 working days of"
        " Wed 24 Dec 2025, Christmas Day 25 Dec off, New Year's Day 1 Jan 2026 off, weekend off"),
    ),
    (
        CN, "now", "2025-09-30T16:00", "",
        "opens and is due Tue 30 Sep 2025 16:00: at once",
    ),
    (
        CN, "same day", "2025-09-30T16:00", "10:00",
        ("opens Tue 30 Sep 2025 16:00, due by the end of that day: the same day as"
        " Tue 30 Sep 2025 16:00; 10:00 does not come inside this window, so it opens at its start"),
    ),
    (
        CN, "within 1 month", "2025-01-31T14:00", "08:30",
        ("opens Sat 1 Feb 2025 08:30, due Fri 28 Feb 2025 14:00: within 1 month of"
        " Fri 31 Jan 2025 14:00, at 08:30"),
    ),
    (
        CN, "within 250 working days", "2025-01-30T14:00", "",
        ("opens Thu 30 Jan 2025 14:00, due Fri 30 Jan 2026 18:00: within 250 working days of"
        " Thu 30 Jan 2025, 春节 28 Jan to 4 Feb off, Sun 9 Feb off, 清明节 4 to 6 Apr off,"
        " Sat 26 Apr off, 6 more stretches off, weekends off, make-up days Sat 8 Feb and"
        " Sun 27 Apr and Sun 28 Sep and Sat 11 Oct and 1 more worked"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("calendar", "text", "anchor", "at", "expected"), WORDS)
def test_the_words_say_what_was_counted(calendar, text, anchor, at, expected):
    """The evidence names the window, what it counts from, and the days that it passed over."""
    assert expected == opening(calendar, text, anchor, at).words


def test_years_without_announced_make_up_days_are_handed_on():
    """So that a run can warn once, whatever the sentence."""
    assert opening(CN, "within 3 working days", "2026-12-30T14:00").unannounced == (2027,)
    assert opening(CN, "within 24 hours", "2027-06-01T14:00").unannounced == ()


@pytest.mark.parametrize(
    ("text", "anchor", "at", "expected"),
    [
        ("same day", "2025-09-30T16:00", "", ("2025-09-30T16:00", "2025-10-01T00:00")),
        ("same day", "2025-09-30T16:00", "00:00", ("2025-09-30T16:00", "2025-10-01T00:00")),
        ("within 2 working days", "2025-10-04T03:00", "", ("2025-10-04T03:00", "2025-10-10T18:00")),
        ("within 0 working days", "2025-10-04T03:00", "", ("2025-10-04T03:00", "2025-10-09T18:00")),
        ("within 0 working days", "2025-10-09T19:00", "", ("2025-10-09T19:00", "2025-10-10T18:00")),
        ("after 1 working day", "2025-10-09T19:00", "10:00", ("2025-10-10T10:00", "2025-10-10T18:00")),
        ("after 24 hours", "2025-10-09T19:00", "", ("2025-10-10T19:00", "2025-10-11T18:00")),
        ("after 24 hours", "2025-10-09T14:00", "10:00", ("2025-10-11T10:00", "2025-10-11T18:00")),
        ("after 9 working hours", "2025-10-09T09:00", "", ("2025-10-10T09:00", "2025-10-10T18:00")),
        ("between 9 and 9 working hours", "2025-10-09T09:00", "", ("2025-10-09T18:00",) * 2),
        ("between 4 and 12 working hours", "2025-10-09T16:00", "", ("2025-10-10T11:00", "2025-10-11T10:00")),
        ("between 3 and 6 months", "2025-11-30T16:00", "", ("2026-02-28T16:00", "2026-05-30T16:00")),
        ("within 1 working day", "2025-10-10T20:00", "09:30", ("2025-10-11T09:30", "2025-10-11T18:00")),
        ("within 1 working day", "2025-10-11T22:00", "21:00", ("2025-10-11T22:00", "2025-10-13T18:00")),
        ("within 1 working day", "2025-10-10T20:00", "21:00", ("2025-10-10T21:00", "2025-10-11T18:00")),
    ],
)  # fmt: skip
def test_windows(text, anchor, at, expected):
    """Opening and end of each form, around holidays, closes of hours and month ends."""
    actual = opening(CN, text, anchor, at)

    assert expected == tuple(
        to_iso(each, CN.timezone).removesuffix(":00+08:00")
        for each in (actual.opens_at, actual.due_by)
    )


def test_an_exact_window_is_not_moved_to_working_hours():
    """24 hours are 24 hours, at night and over a clock change."""
    anchor = from_iso("2025-03-08T23:00", US.timezone)

    actual = window(due("within 24 hours"), anchor, US)

    assert (anchor, anchor + 24 * 3600 * MICROS) == (actual.opens_at, actual.due_by)


def test_a_time_of_day_that_the_clock_skips_is_taken_as_soon_as_it_can_be():
    """02:30 on the morning that has none is 03:30."""
    actual = opening(US, "within 2 days", "2025-03-08T23:00", "02:30")

    assert to_iso(actual.opens_at, US.timezone) == "2025-03-09T03:30:00-04:00"


@given(dues(), instants, calendars, times)
def test_a_window_never_opens_after_its_end_nor_before_its_anchor(wanted, anchor, calendar, at):
    """Whatever is asked for."""
    actual = window(wanted, anchor, calendar, at)

    assert anchor <= actual.opens_at <= actual.due_by


@given(dues(), instants, calendars, times.filter(lambda at: at is not None))
def test_a_time_of_day_is_kept_or_its_absence_is_said(wanted, anchor, calendar, at):
    """Never silently: the opening is at that time, or the words say that it is not."""
    plain = window(wanted, anchor, calendar)

    actual = window(wanted, anchor, calendar, at)

    said = "does not come inside this window" in actual.words
    if said:
        assert (plain.opens_at, plain.due_by) == (actual.opens_at, actual.due_by)
    else:
        local = to_local(actual.opens_at, calendar.timezone)
        there = local.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
        assert abs(local - there) <= dt.timedelta(hours=1)  # 1 hour where the clock skips it
        assert actual.opens_at >= plain.opens_at


@given(dues(), instants, st.integers(0, 20 * 24 * 3600), calendars)
def test_a_later_anchor_never_gives_an_earlier_window(wanted, anchor, later, calendar):
    """Both ends are monotone in the anchor."""
    first, second = (window(wanted, each, calendar) for each in (anchor, anchor + later * MICROS))

    if wanted.form is DueForm.BETWEEN and wanted.low.unit is Unit.WORKING_HOUR:
        assert first.due_by <= second.due_by  # an opening at a close may go over to the next day
    else:
        assert (first.opens_at <= second.opens_at, first.due_by <= second.due_by) == (True, True)


@given(dues((DueForm.AFTER, DueForm.WITHIN)), instants, calendars)
def test_an_exact_duration_is_exact(wanted, anchor, calendar):
    """What is not counted in working units is what ``shift`` says, to the microsecond."""
    length = wanted.low or wanted.high
    actual = window(wanted, anchor, calendar)

    if not length.working:
        expected = shift(anchor, length, calendar.timezone)
        assert expected == (actual.opens_at if wanted.form is DueForm.AFTER else actual.due_by)


@given(dues((DueForm.AFTER, DueForm.BETWEEN)), instants, calendars)
def test_what_is_counted_in_working_time_opens_and_ends_in_it(wanted, anchor, calendar):
    """The due day is a working day, and so is the day of an opening that has been counted to."""
    actual = window(wanted, anchor, calendar)

    if wanted.form is DueForm.AFTER or wanted.low.working:
        if wanted.high is None or wanted.high.amount > 0:
            assert calendar.is_working_day(day_of(actual.due_by, calendar.timezone))
        if wanted.low.working and wanted.low.amount > 0:
            assert calendar.is_working_day(day_of(actual.opens_at, calendar.timezone))


def test_a_due_without_its_duration_is_an_error():
    """The parser never makes one; a mistake in code shows itself."""
    with pytest.raises(ValueError, match="without its duration"):
        window(Due(DueForm.WITHIN), 0, CN)
