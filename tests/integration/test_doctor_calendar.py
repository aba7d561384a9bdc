"""What ``care doctor`` says of the calendar: known, not known yet, and time to do something."""

from __future__ import annotations

import pytest

from engine.doctor import examine
from rules.units import from_iso

NOT_YET = "ok   calendar: CN: the make-up days of 2027 are not known"
NOW = (
    "!    calendar: CN: the make-up days of 2027 are not known; update the package `holidays`,"
    " or list them under days_on and days_off"
)


@pytest.mark.parametrize(
    ("at", "country", "expected"),
    [
        ("2025-05-01", "CN", "ok   calendar: CN, known for 2025 and 2026"),
        ("2026-05-01", "CN", NOT_YET),
        ("2026-11-01", "cn", NOW),  # 90 days reach the first of January
        ("2026-11-01", "GB", "ok   calendar: GB, known for 2026 and 2027"),
        ("2026-11-01", "none", "ok   calendar: weekends only"),
    ],
)
def test_a_year_that_is_not_announced_is_a_warning_in_time(
    at: str, country: str, expected: str
) -> None:
    """It works all the same: the line begins with `!`, and nothing is BAD."""
    (found,) = [
        one for one in examine(from_iso(at, "Asia/Shanghai"), country) if one.name == "calendar"
    ]

    assert str(found) == expected
    assert found.fine
    assert found.to_json()["warning"] == expected.startswith("!")
