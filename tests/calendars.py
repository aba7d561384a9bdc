"""Working calendars for tests: a few fixed ones, and any that care.yaml can write."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from itertools import pairwise

from hypothesis import strategies as st

from engine.calendar import WorkingCalendar
from rules.units import day_number

#: Zones whose clocks change at night, some on working days; Apia had no 30 December 2011.
ZONES = (
    "Africa/Cairo", "America/New_York", "Asia/Amman", "Asia/Shanghai", "Asia/Tehran",
    "Australia/Lord_Howe", "Pacific/Apia", "UTC",
)  # fmt: skip
#: Looking a year of a country up takes milliseconds: calendars of one country share the years.
_PLAIN = {
    country: WorkingCalendar(timezone="UTC", country=country, opens=dt.time(9), closes=dt.time(18))
    for country in ("CN", "US", "none")
}
_DAYS = st.integers(day_number(dt.date(2010, 1, 1)), day_number(dt.date(2027, 12, 31)))


def _clock(quarter: int) -> dt.time:
    return dt.time(6 + quarter // 4, quarter % 4 * 15)


@st.composite
def hours(draw):
    """Up to three spans between 06:00 and 22:00, in order and apart."""
    edges = draw(
        st.lists(st.integers(0, 64), min_size=2, max_size=6, unique=True).filter(
            lambda found: len(found) % 2 == 0
        )
    )
    clocks = [_clock(each) for each in sorted(edges)]
    return tuple(zip(clocks[::2], clocks[1::2], strict=True))


@st.composite
def own_calendars(draw):
    """Any zone with any hours; half of them with days off, days on and half days of their own."""
    spans = draw(hours())
    calendar = replace(
        _PLAIN[draw(st.sampled_from(sorted(_PLAIN)))],
        timezone=draw(st.sampled_from(ZONES)),
        opens=spans[0][0],
        closes=spans[-1][1],
        breaks=tuple((before[1], after[0]) for before, after in pairwise(spans)),
        half_days=draw(st.dictionaries(_DAYS, hours(), max_size=3)),
        _days={},
    )
    if draw(st.booleans()):
        return calendar
    off = draw(st.frozensets(_DAYS, max_size=8))
    on = draw(st.frozensets(_DAYS, max_size=8)) - off
    return replace(calendar, days_off=off, days_on=on, _years={})
