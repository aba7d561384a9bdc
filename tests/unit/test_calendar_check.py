"""What ``care check`` says of the calendar."""

from __future__ import annotations

import pytest

from engine.calendar_check import calendar_findings
from rules.units import from_iso
from tests.projects import CARE, project

UNKNOWN = (
    "care.yaml:4:11: warning[unannounced-year] the make-up days of 2027 are not known, so working"
    " days are counted there by the public holidays alone; update the package `holidays` when they"
    " are announced, or list them under days_on and days_off"
)


def told(at: str, old: str = "", new: str = "") -> list[str]:
    vocabulary = project(care=CARE.replace(old, new)).vocabulary
    return [str(each) for each in calendar_findings(vocabulary, from_iso(at, "Asia/Shanghai"))]


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2025-12-31", []),
        ("2026-10-02", []),
        ("2026-10-03", [UNKNOWN]),  # 90 days reach the first of January
        ("2027-05-01", [UNKNOWN]),
    ],
)
def test_a_year_within_reach_without_make_up_days_is_a_warning(at: str, expected: list[str]):
    """As soon as windows may reach it, until the notice is known; not a year ahead."""
    assert expected == told(at)


@pytest.mark.parametrize("country", ["US", "none"])
def test_a_country_without_make_up_days_has_nothing_to_announce(country: str) -> None:
    """Whatever the year."""
    assert told("2050-12-31", "calendar: CN", f"calendar: {country}") == []


def test_a_half_day_on_a_day_off_is_a_warning_at_its_line() -> None:
    """Its hours would be ignored without a word; a worked one is silent."""
    new = (
        "hours: 09:00-18:00\ndays_on: [2025-12-28]\nhalf_days:\n  2025-12-26: 09:00-12:00\n"
        "  2025-12-27: 09:00-12:00\n  2025-12-28: 09:00-12:00\n"
    )

    expected = (
        "care.yaml:9:3: warning[idle-half-day] 2025-12-27 is a day off, so nobody works in its"
        " hours; add it to days_on if it is worked"
    )

    assert told("2025-05-01", "hours: 09:00-18:00\n", new) == [expected]
