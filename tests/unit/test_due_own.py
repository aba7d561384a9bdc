"""Windows over breaks, half days, own days, and in the zone of the people who act; in words."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from engine.calendar import WorkingCalendar
from engine.due import Opening, window
from rules.parse.due import read_due
from rules.parse.place import Place
from rules.source import read_yaml
from rules.units import day_number, from_iso, to_iso


def day(text: str) -> int:
    return day_number(dt.date.fromisoformat(text))


OWN = WorkingCalendar(
    timezone="Asia/Shanghai",
    country="CN",
    opens=dt.time(9),
    closes=dt.time(18),
    breaks=((dt.time(12), dt.time(13, 30)),),
    days_off=frozenset(map(day, ("2025-10-09", "2025-10-11", "2025-12-24"))),
    days_on=frozenset(map(day, ("2025-10-08", "2025-12-20"))),
    half_days={day("2025-12-31"): ((dt.time(9), dt.time(12)),)},
    zones={"london": "Europe/London", "new_york": "America/New_York"},
)


def opening(
    text: str, anchor: str, at: str = "", role: str | None = None, calendar: WorkingCalendar = OWN
) -> Opening:
    """Return the window of a ``due`` as it is written, from a moment in Shanghai."""
    node, _ = read_yaml(f"due: {text}".encode(), "f.yaml")
    assert node is not None
    place = Place(node=node, path="", findings=[]).get("due")
    assert place is not None
    due = read_due(place)
    assert due is not None
    clock = dt.time.fromisoformat(at) if at else None
    return window(due, from_iso(anchor, "Asia/Shanghai"), calendar.of_role(role), clock)


@pytest.mark.parametrize(
    ("text", "anchor", "expected"),
    [
        (
            "after 2 working days", "2025-09-30T14:00",
            ("opens Fri 10 Oct 2025 09:00, due 18:00 that day: 2 working days after Tue 30 Sep 2025,"
             " 国庆节、中秋节 1 to 7 Oct off, own day off Thu 9 Oct, own working day Wed 8 Oct"),
        ),
        (
            "within 4 working days", "2025-09-30T14:00",
            ("opens Tue 30 Sep 2025 14:00, due Tue 14 Oct 2025 18:00: within 4 working days of"
             " Tue 30 Sep 2025, 国庆节、中秋节 1 to 7 Oct off, Sun 12 Oct off,"
             " own days off Thu 9 Oct and Sat 11 Oct, own working day Wed 8 Oct"),
        ),
        (
            "within 2 working days", "2025-12-19T14:00",
            ("opens Fri 19 Dec 2025 14:00, due Mon 22 Dec 2025 18:00: within 2 working days of"
             " Fri 19 Dec 2025, Sun 21 Dec off, own working day Sat 20 Dec"),
        ),
        (
            "within 1 working day", "2025-12-23T14:00",
            ("opens Tue 23 Dec 2025 14:00, due Thu 25 Dec 2025 18:00: within 1 working day of"
             " Tue 23 Dec 2025, own day off Wed 24 Dec"),
        ),
        (
            "within 1 working day", "2025-12-30T14:00",
            ("opens Tue 30 Dec 2025 14:00, due Wed 31 Dec 2025 12:00: within 1 working day of"
             " Tue 30 Dec 2025, half day Wed 31 Dec 09:00 to 12:00"),
        ),
        (
            "within 2 working days", "2025-12-30T14:00",  # a half day inside counts as a day
            ("opens Tue 30 Dec 2025 14:00, due Sun 4 Jan 2026 18:00: within 2 working days of"
             " Tue 30 Dec 2025, 元旦 1 to 3 Jan 2026 off, make-up day Sun 4 Jan 2026 worked"),
        ),
        (
            "within 4 working hours", "2025-12-31T11:00",
            ("opens Wed 31 Dec 2025 11:00, due Sun 4 Jan 2026 12:00: within 4 working hours of"
             " Wed 31 Dec 2025 11:00, 元旦 1 to 3 Jan 2026 off, make-up day Sun 4 Jan 2026 worked,"
             " half day Wed 31 Dec 09:00 to 12:00"),
        ),
        (
            "within 3 working hours", "2025-09-29T11:00",
            ("opens Mon 29 Sep 2025 11:00, due 15:30 that day: within 3 working hours of"
             " Mon 29 Sep 2025 11:00, break 12:00 to 13:30 off"),
        ),
        (
            "within 3 working hours", "2025-09-29T14:00",
            ("opens Mon 29 Sep 2025 14:00, due 17:00 that day: within 3 working hours of"
             " Mon 29 Sep 2025 14:00"),
        ),
        (
            "after 3 working hours", "2025-09-29T09:00",  # noon is a close: it opens after lunch
            ("opens Mon 29 Sep 2025 13:30, due 18:00 that day: 3 working hours after"
             " Mon 29 Sep 2025 09:00, break 12:00 to 13:30 off"),
        ),
        (
            "after 1 day", "2025-12-30T14:00",  # due the same working day: the half day is over
            ("opens Wed 31 Dec 2025 14:00, due Sun 4 Jan 2026 18:00: 1 day after"
             " Tue 30 Dec 2025 14:00, 元旦 1 to 3 Jan 2026 off, make-up day Sun 4 Jan 2026 worked,"
             " half day Wed 31 Dec 09:00 to 12:00"),
        ),
    ],
)  # fmt: skip
def test_the_words_tell_breaks_half_days_and_own_days(
    text: str, anchor: str, expected: str
) -> None:
    """What moved a window is named, and what did not is not."""
    assert expected == opening(text, anchor).words


@pytest.mark.parametrize(
    ("text", "anchor", "at", "role", "expected"),
    [
        (
            "after 1 working day", "2025-09-27T06:30", "", "london",  # Friday evening there
            ("opens Sun 28 Sep 2025 09:00, due 18:00 that day (Europe/London time): 1 working day"
             " after Fri 26 Sep 2025, Sat 27 Sep off, make-up day Sun 28 Sep worked"),
        ),
        (
            "within 1 working day", "2025-09-26T09:00", "10:00", "new_york",
            ("opens Fri 26 Sep 2025 10:00, due 18:00 that day (America/New_York time): within"
             " 1 working day of Thu 25 Sep 2025, at 10:00"),
        ),
        (
            "within 5 working hours", "2025-10-27T16:00", "", "london",  # the clocks went back
            ("opens Mon 27 Oct 2025 08:00, due 15:30 that day (Europe/London time): within 5 working"
             " hours of Mon 27 Oct 2025 08:00, break 12:00 to 13:30 off"),
        ),
        (
            "now", "2025-09-27T06:30", "", "london",
            "opens and is due Fri 26 Sep 2025 23:30 (Europe/London time): at once",
        ),
    ],
)  # fmt: skip
def test_people_elsewhere_have_their_own_windows(
    text: str, anchor: str, at: str, role: str, expected: str
) -> None:
    """The words name the zone whose clock they tell."""
    assert expected == opening(text, anchor, at, role).words


def test_months_clamp_in_the_business_zone() -> None:
    """31 January in Shanghai is still the 30th in New York; a month later is the end of February."""
    here = opening("within 1 month", "2026-01-31T08:00")
    there = opening("within 1 month", "2026-01-31T08:00", role="new_york")

    assert (here.due_by, here.opens_at) == (there.due_by, there.opens_at)
    assert to_iso(there.due_by, "Asia/Shanghai") == "2026-02-28T08:00:00+08:00"


def test_years_are_handed_on_wherever_people_work() -> None:
    """The calendar is the business's, and so is what is not known of it."""
    assert opening("within 3 working days", "2026-12-30T14:00", role="london").unannounced == (
        2027,
    )


def test_a_business_in_one_zone_names_none() -> None:
    """A role in the business zone is told as everybody else."""
    calendar = replace(OWN, zones={"here": "Asia/Shanghai"})

    assert (
        opening("within 3 days", "2025-12-30T14:00", calendar=calendar).words
        == opening("within 3 days", "2025-12-30T14:00", role="here", calendar=calendar).words
    )
