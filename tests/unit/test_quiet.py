"""Quiet hours: over midnight, in every zone, over clock changes."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.quiet import quiet_until
from rules.errors import Span
from rules.playbook import Quiet
from rules.units import MICROS, from_iso, to_local

PLACE = Span("house.yaml", 1, 1)
NIGHT = Quiet(start=dt.time(21), end=dt.time(8, 30), span=PLACE)
ZONES = ["Asia/Shanghai", "Europe/London", "America/New_York", "Australia/Lord_Howe", "UTC"]

times = st.builds(dt.time, st.integers(0, 23), st.integers(0, 59))
#: 2024-01-01 to 2027-01-01, to the second.
instants = st.integers(1_704_067_200, 1_798_761_600).map(lambda second: second * MICROS)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2025-03-03T20:59:59", None),
        ("2025-03-03T21:00:00", "2025-03-04T08:30"),
        ("2025-03-03T23:59:59", "2025-03-04T08:30"),
        ("2025-03-04T00:00:00", "2025-03-04T08:30"),
        ("2025-03-04T08:29:59", "2025-03-04T08:30"),
        ("2025-03-04T08:30:00", None),
    ],
)
def test_a_night_over_midnight(at: str, expected: str | None) -> None:
    """From 21:00 to 08:30 it is quiet; at 08:30 sharp it is not."""
    found = quiet_until(NIGHT, from_iso(at, "Asia/Shanghai"), "Asia/Shanghai")

    assert found == (from_iso(expected, "Asia/Shanghai") if expected else None)


def test_a_rest_at_noon() -> None:
    """Hours within a day end on the same day."""
    noon = Quiet(start=dt.time(12), end=dt.time(14), span=PLACE)

    assert quiet_until(noon, from_iso("2025-03-03T13:00", "UTC"), "UTC") == from_iso(
        "2025-03-03T14:00", "UTC"
    )
    assert quiet_until(noon, from_iso("2025-03-03T14:00", "UTC"), "UTC") is None


def test_the_repeated_hour_of_autumn_is_quiet_both_times() -> None:
    """Hours that end at 01:30, in a night that has it twice, end at the next 01:30."""
    short = Quiet(start=dt.time(22), end=dt.time(1, 30), span=PLACE)
    second = from_iso("2025-11-02T01:10-05:00", "UTC")

    assert quiet_until(short, second, "America/New_York") == from_iso(
        "2025-11-02T01:30-05:00", "UTC"
    )


@settings(max_examples=300)
@given(instants, times, times, st.sampled_from(ZONES))
def test_quiet_ends_outside_of_the_quiet_hours(
    at: int, start: dt.time, end: dt.time, zone: str
) -> None:
    """Always: what is quiet ends later, within 25 hours, and at its end it is not quiet; what is
    not quiet by the clock on the wall has no end.
    """
    if start == end:
        return
    quiet = Quiet(start=start, end=end, span=PLACE)
    local = to_local(at, zone).time()
    inside = start <= local < end if start < end else local >= start or local < end
    until = quiet_until(quiet, at, zone)

    assert (until is not None) == inside
    if until is not None:
        assert at < until <= at + 25 * 3600 * MICROS
        assert quiet_until(quiet, until, zone) is None
