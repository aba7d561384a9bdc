"""Values as people write them."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.phrases import (
    plain,
    read_clock,
    read_date,
    read_duration,
    read_duration_pair,
    read_number,
    read_share,
)
from rules.repair import repair
from rules.units import Duration, Unit, describe_number


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3", 3),
        ("-3", -3),
        ("+3", 3),
        ("12.5", Fraction(25, 2)),
        ("500_000", 500_000),
        ("500,000", 500_000),
        ("1,234,567.5", Fraction(2469135, 2)),
        ("50万", 500_000),
        ("3千", 3_000),
        ("1亿", 100_000_000),
        ("1.5 亿", 150_000_000),
        ("２百万", 2_000_000),
        ("５００", 500),
        ("１２．５", Fraction(25, 2)),
        ("", None),
        ("3 days", None),
        ("3%", None),
        ("5,00", None),
        ("1_", None),
        ("١٢", None),
        ("1e5", None),
        ("1000000000000000", None),
        ("0x1F", None),
    ],
)
def test_numbers(text: str, expected: Fraction | int | None) -> None:
    """Numbers take full-width digits, groups and Chinese multipliers, and nothing else."""
    assert read_number(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30%", Fraction(3, 10)),
        ("２０％", Fraction(1, 5)),
        ("12.5 %", Fraction(1, 8)),
        ("-30%", Fraction(-3, 10)),
        ("30", None),
        ("%", None),
        ("3 days%", None),
    ],
)
def test_shares(text: str, expected: Fraction | None) -> None:
    """A share has a per cent sign."""
    assert read_share(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30 minutes", Duration(30, Unit.MINUTE)),
        ("24 hours", Duration(24, Unit.HOUR)),
        ("1 day", Duration(1, Unit.DAY)),
        ("1 days", Duration(1, Unit.DAY)),
        ("３ days", Duration(3, Unit.DAY)),
        ("2  weeks", Duration(2, Unit.WEEK)),
        ("3 Months", Duration(3, Unit.MONTH)),
        ("1 year", Duration(1, Unit.YEAR)),
        ("3 working days", Duration(3, Unit.WORKING_DAY)),
        ("4 working hours", Duration(4, Unit.WORKING_HOUR)),
        ("0 days", None),
        ("3", None),
        ("3天", None),
        ("3days", None),
        ("-3 days", None),
        ("1.5 hours", None),
        ("3 working", None),
        ("201 years", None),
        ("9999999999999999999999 days", None),
    ],
)
def test_durations(text: str, expected: Duration | None) -> None:
    """A duration is a whole number, a space and a unit, and stays inside the calendar."""
    assert read_duration(text) == expected


def test_pairs_share_the_unit_of_the_second() -> None:
    """``between 5 and 7 days`` takes the unit from its end, or one for each."""
    days = (Duration(5, Unit.WORKING_DAY), Duration(7, Unit.WORKING_DAY))
    mixed = (Duration(3, Unit.HOUR), Duration(2, Unit.DAY))

    assert read_duration_pair("between 5 and 7 working days") == days
    assert read_duration_pair("between 3 hours and 2 days") == mixed
    assert read_duration_pair("between 5 days and 7") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("09:30", dt.time(9, 30)),
        ("9:30", dt.time(9, 30)),
        ("２１：３０", dt.time(21, 30)),
        ("24:00", None),
        ("9:60", None),
        ("9", None),
        ("9:5", None),
    ],
)
def test_times_of_day(text: str, expected: dt.time | None) -> None:
    """A time of day has hours and minutes."""
    assert read_clock(text) == expected


def test_dates() -> None:
    """A date is written as year, month, day, and must exist."""
    assert read_date("2026-03-18") == dt.date(2026, 3, 18)
    assert read_date("2026-02-30") is None
    assert read_date("2026-3-8") is None
    assert read_date("20260318") is None


@given(st.integers(-(10**14), 10**14), st.integers(0, 4))
def test_every_number_is_read_back(whole: int, places: int) -> None:
    """What describe_number writes, read_number reads."""
    value = Fraction(whole, 10**places)

    assert read_number(describe_number(value)) == value


@given(st.sampled_from(Unit), st.integers(1, 200))
def test_every_duration_is_read_back(unit: Unit, amount: int) -> None:
    """What a duration writes of itself is read as the same duration."""
    duration = Duration(amount, unit)

    assert read_duration(str(duration)) == duration


@given(st.text())
def test_no_text_breaks_the_readers(text: str) -> None:
    """Readers answer None to any text that they can't read, and repairing it never fails."""
    assert plain(plain(text)) == plain(text)
    for read in (read_number, read_share, read_duration, read_clock, read_date):
        again = read(plain(text))

        assert again == read(text)
    assert repair(text, lambda _: False) == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3天", "3 days"),
        ("3个工作日", "3 working days"),
        ("2小时", "2 hours"),
        ("6个月", "6 months"),
        ("90days", "90 days"),
        ("24h", "24 hours"),
        ("3 business days", "3 working days"),
        ("a week", "1 week"),
        ("three days", "3 days"),
        ("1.5 hours", "90 minutes"),
        ("3 dyas", "3 days"),
        ("soon", ""),
        ("3", ""),
    ],
)
def test_durations_are_repaired(text: str, expected: str) -> None:
    """A duration in other words is rewritten as the language says it; nothing is invented."""
    assert repair(text, lambda words: read_duration(words) is not None) == expected
