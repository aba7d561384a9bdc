"""Working time through the program: what care.yaml says, what tasks are due, what `why` tells."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.factories import CARE, Shop, event

HOURS = """\
calendar: CN
hours: 09:00-12:00, 13:30-18:00
days_off: [2025-10-09]
days_on: [2025-10-12]
half_days: {2025-10-10: 09:00-12:00}
"""
TEXT = """\
trigger: {event: complaint}
again: always
steps:
  - {step: first, title: 回访, do: call, assign: boss, due: within 4 working hours}
  - {step: second, title: 复盘, do: review, assign: boss, due: within 2 working days, from: entry}
  - {step: abroad, title: 海外, do: review, assign: london, due: within 1 working day, from: entry}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A firm with a lunch break, a bridge day, a worked Sunday, and people in London."""
    care = CARE.replace("calendar: none\nhours: 09:00-18:00\n", HOURS)
    care += "  london: {else: 伦敦, timezone: Europe/London}\n"
    shop = Shop(tmp_path, care=care, book=TEXT)
    shop.events(event("c0", "visit", "2025-09-01"))
    assert shop.care("run", "--at", "2025-09-30T08:00").code == 0
    shop.events(event("c1", "complaint", "2025-09-30T16:30"))
    assert shop.care("run", "--at", "2025-09-30T17:00").code == 0
    return shop


def test_tasks_are_due_in_working_time_and_why_says_how(shop: Shop) -> None:
    """Breaks, own days, half days and the zone of the people move the due date, in words."""
    tasks = {task["step"]: task for task in shop.care("tasks", "--format", "json").json}

    assert {name: task["due_by"] for name, task in tasks.items()} == {
        "first": "2025-10-10T11:30:00+08:00",
        "second": "2025-10-11T18:00:00+08:00",
        "abroad": "2025-10-10T19:00:00+08:00",
    }
    told = {
        name: next(
            line.strip()
            for line in shop.care("why", task["id"]).out.splitlines()
            if line.strip().startswith("when:")
        )
        for name, task in tasks.items()
    }
    assert told == {
        "first": (
            "when: opens Tue 30 Sep 2025 16:30, due Fri 10 Oct 2025 11:30: within 4 working hours"
            " of Tue 30 Sep 2025 16:30, 国庆节、中秋节 1 to 8 Oct off, own day off Thu 9 Oct,"
            " half day Fri 10 Oct 09:00 to 12:00"
        ),
        "second": (
            "when: opens Tue 30 Sep 2025 16:30, due Sat 11 Oct 2025 18:00: within 2 working days"
            " of Tue 30 Sep 2025, 国庆节、中秋节 1 to 8 Oct off, own day off Thu 9 Oct,"
            " make-up day Sat 11 Oct worked"
        ),
        "abroad": (
            "when: opens Tue 30 Sep 2025 09:30, due Fri 10 Oct 2025 12:00 (Europe/London time):"
            " within 1 working day of Tue 30 Sep 2025, 国庆节、中秋节 1 to 8 Oct off,"
            " own day off Thu 9 Oct, half day Fri 10 Oct 09:00 to 12:00"
        ),
    }


def test_check_warns_of_a_year_that_is_not_announced(shop: Shop) -> None:
    """A warning with its line; exit 0, and 3 where warnings count."""
    before = shop.care("check", "--strict", "--at", "2026-05-01")
    after = shop.care("check", "--strict", "--at", "2026-12-01")

    assert (before.code, before.out.partition(";")[0]) == (0, "no errors")
    assert after.code == 3
    assert after.out.startswith(
        "care.yaml:4:11: warning[unannounced-year] the make-up days of 2027 are not known"
    )
    assert shop.care("check", "--at", "2026-12-01").code == 0


def test_the_evidence_says_that_a_year_is_not_announced(shop: Shop) -> None:
    """A window that reaches such a year carries the doubt."""
    shop.events(event("c2", "complaint", "2026-12-31T16:30"))
    assert shop.care("run", "--at", "2026-12-31T17:00").code == 0
    (journey,) = shop.care("journeys", "c2", "--format", "json").json
    found = [action["calendar"].rpartition("; ")[2] for action in journey["actions"]]

    assert found == ["the make-up days of 2027 are not known"] * 3
