"""The hold-out of the monthly review counts whom it would have let begin, and no more."""

from __future__ import annotations

from pathlib import Path

from tests.factories import Shop, event

BOOK = """\
trigger: {event: visit}
again: after 30 days
holdout: 50%
stop_when:
  - {event: order, goal: bought}
steps:
  - {step: ring, do: call, due: within 40 days, assign: boss}
"""


def test_later_occurrences_of_those_held_out_follow_again(tmp_path: Path) -> None:
    """Forty customers visit each week for two months: each counts twice, cared for or held out."""
    shop = Shop(tmp_path, rescue=BOOK)
    customers = [f"c{number}" for number in range(40)]
    days = [f"2025-03-{day:02}" for day in (3, 10, 17, 24, 31)]
    days += [f"2025-04-{day:02}" for day in (7, 14, 21)]
    shop.events(*(event(one, "visit", f"{day}T10:00") for one in customers for day in days))
    shop.run("2025-03-02T08:00", *(f"{day}T20:00" for day in days))
    said = shop.care(
        "report", "review", "--from", "2025-03-01", "--to", "2025-04-30", "--format", "json"
    )  # fmt: skip

    (row,) = said.json["tables"]["goals"]
    held = len(shop.rows("SELECT DISTINCT customer FROM decided WHERE reason = 'holdout'"))
    again = 2  # the first visit, and one that is 30 days later or more
    overlapping = len(shop.rows("SELECT 1 FROM decided WHERE reason = 'overlap'")) > 0
    assert overlapping
    assert 10 < held < 30
    assert row["held"] == held * again
