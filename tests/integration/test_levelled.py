"""``limits: levelling``: tasks open where their role has room."""

from __future__ import annotations

from pathlib import Path

from tests.factories import CARE, Shop, event

LEVELLED = CARE.replace(
    "  boss: 经理", "  boss: {else: 经理, capacity: 2 a day}\nlimits: {levelling: yes}"
)
BOOK = """\
trigger: {event: order}
steps:
  - {step: ring, do: call, due: within 3 working days, assign: boss}
"""


def opened(shop: Shop) -> list[str]:
    """The days on which tasks opened, in Shanghai, in order."""
    rows = shop.rows(
        "SELECT date(opened_at / 1000000 + 8 * 3600, 'unixepoch') AS day FROM actions"
        " WHERE state = 'open' ORDER BY 1"
    )
    return [row["day"] for row in rows]


def week(tmp_path: Path, book: str = BOOK, care: str = LEVELLED, count: int = 7) -> Shop:
    """Orders of Monday 3 March, and a run each working day of that week."""
    shop = Shop(tmp_path, care=care, ring=book)
    shop.events(*(event(f"c{n}", "order", "2025-03-03T10:00") for n in range(count)))
    shop.run("2025-03-03T09:00", *(f"2025-03-0{day}T11:00" for day in range(3, 8)))
    return shop


def test_spread_over_the_window(tmp_path: Path) -> None:
    """Seven calls for one who does two a day open over four days, none after it is due."""
    shop = week(tmp_path)

    days = ["2025-03-03", "2025-03-04", "2025-03-05"]
    assert opened(shop) == [*(day for day in days for _ in range(2)), "2025-03-06"]
    assert shop.rows("SELECT count(*) AS n FROM actions WHERE opened_at > due_by")[0]["n"] == 0


def test_the_no_is_told(tmp_path: Path) -> None:
    """A task that opens later has a deferral with its reason and the words of both days."""
    shop = week(tmp_path)
    late = shop.rows("SELECT * FROM actions ORDER BY opened_at DESC, id LIMIT 1")[0]
    said = shop.rows(
        "SELECT evidence FROM decisions WHERE action = ? AND verb = 'deferred'", late["id"]
    )

    assert shop.decisions("release", late["customer"]) == [
        ("deferred", "levelled"), ("released", ""),
    ]  # fmt: skip
    assert "boss has 2 a day, and 2025-03-03 has 2: it opens on 2025-03-06" in said[0]["evidence"]


def test_without_the_setting_all_open_at_once(tmp_path: Path) -> None:
    """A capacity alone moves nothing."""
    shop = week(tmp_path, care=LEVELLED.replace("levelling: yes", "levelling: no"))

    assert opened(shop) == ["2025-03-03"] * 7


def test_what_has_one_day_opens_on_it(tmp_path: Path) -> None:
    """Tasks that are due the same day open that day, however many there are."""
    shop = week(tmp_path, BOOK.replace("within 3 working days", "same day"))

    assert opened(shop) == ["2025-03-03"] * 7


def test_again_the_same(tmp_path: Path) -> None:
    """The same instants again write nothing, and a second project has the same ledger."""
    one, two = week(tmp_path / "one", count=4), week(tmp_path / "two", count=4)
    before = one.export()
    one.run("2025-03-07T11:00")

    assert one.export() == before == two.export()


def test_what_people_have_counts(tmp_path: Path) -> None:
    """Tasks that opened earlier the same day take its room, done ones too."""
    shop = Shop(tmp_path, care=LEVELLED, ring=BOOK)
    shop.events(event("z", "visit", "2025-03-01T10:00"))
    shop.run("2025-03-03T09:00")
    shop.events(*(event(f"a{n}", "order", "2025-03-03T10:00") for n in range(2)))
    shop.run("2025-03-03T11:00")
    shop.done("ring", "2025-03-03T11:30", "a0")
    shop.events(event("b", "order", "2025-03-03T11:40"))
    shop.run("2025-03-03T12:00", "2025-03-04T09:00")

    assert shop.decisions("release", "b") == [("deferred", "levelled"), ("released", "")]


def test_a_time_of_day_is_kept(tmp_path: Path) -> None:
    """A step with ``at:`` opens at that time of the later day."""
    shop = week(tmp_path, BOOK.replace("assign: boss", "assign: boss, at: '10:30'"))
    late = shop.rows("SELECT until FROM decided WHERE reason = 'levelled' ORDER BY until")

    assert {row["until"] // 1_000_000 % 86_400 for row in late} == {2 * 3600 + 1800}  # in UTC


def test_escalations_do_not_wait(tmp_path: Path) -> None:
    """What is about an overdue task opens at once, beside a full day."""
    book = BOOK.replace("assign: boss", "assign: owner, if_overdue: {escalate: boss}").replace(
        "3 working days", "1 working day"
    )
    shop = week(tmp_path, book)
    sql = "SELECT date(opened_at / 1000000, 'unixepoch') AS day, count(*) AS n FROM actions WHERE step"

    assert shop.rows(f"{sql} LIKE '%.overdue%' GROUP BY 1") == [{"day": "2025-03-05", "n": 7}]
