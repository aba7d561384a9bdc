"""How often care runs changes when a journey begins, never which ones."""

from __future__ import annotations

from pathlib import Path

from tests.factories import CARE, SHARED, Shop, event, profile

CN = CARE.replace("calendar: none", "calendar: CN") + "dates:\n  发布会: 2025-03-18\n"
STEPS = "again: always\noverlap: parallel\nsteps:\n  - {step: ring, do: call, due: now}\n"
TRIGGERS = {
    "missing": "{missing: solved, after: complaint, within: 2 working days, same: case_id}",
    "date": "{date: contract_end, before: 5 working days, at: 09:30}",
    "yearly": "{date: contract_end, yearly: yes, after: 1 week}",
    "instant": "{date: last_order, after: 36 hours}",
    "holiday": "{holiday: [发布会, 清明节], before: 3 days, in: buyers}",
    "changed": "{changed: manager}",
    "month": "{every: month, day: last working day}",
}
DAYS = [f"2025-03-{day:02}" for day in range(2, 32)] + [f"2025-04-{day:02}" for day in range(1, 9)]


def shop(root: Path) -> Shop:
    books = {name: f"trigger: {trigger}\n{STEPS}" for name, trigger in TRIGGERS.items()}
    made = Shop(root, care=CN, shared=SHARED, **books)
    made.customers(
        profile("c1", "2025-02-01", contract_end="2025-03-20", manager="甲"),
        profile("c2", "2025-02-01", contract_end="2021-03-29", manager="甲"),
        profile("c1", "2025-03-12T10:00", contract_end="2025-04-10", manager="乙"),
        profile("c2", "2025-03-25T10:00", contract_end="2021-03-29", manager="乙"),
        profile("c2", "2025-03-26T10:00", contract_end="2021-03-29", manager="甲"),
    )
    made.events(
        event("c1", "order", "2025-02-20T10:00", amount=1),
        event("c2", "order", "2025-03-10T10:00", amount=1),
        event("c2", "order", "2025-03-21T10:00", amount=1),
        event("c1", "complaint", "2025-03-06T16:00", case_id="A"),
        event("c1", "complaint", "2025-03-27T16:00", case_id="B"),
        event("c1", "solved", "2025-03-31T10:00", case_id="B"),
        event("c2", "complaint", "2025-04-02T16:00", case_id="C"),
    )
    made.run("2025-03-01T08:00")
    return made


def begun(made: Shop) -> list[tuple[str, str, str, int]]:
    rows = made.rows("SELECT playbook, customer, occurrence, entry FROM journeys ORDER BY 1, 2, 3")
    return [tuple(row.values()) for row in rows]


def test_rare_and_frequent_runs_begin_the_same(tmp_path: Path) -> None:
    """Twice a day, every fifth day: the same occurrences with the same entries."""
    often, rarely = shop(tmp_path / "often"), shop(tmp_path / "rarely")
    often.run(*(f"{day}T{hour}:00" for day in DAYS for hour in ("08", "20")))
    rarely.run(*(f"{day}T20:00" for day in DAYS[4:-1:5]), f"{DAYS[-1]}T20:00")
    found = begun(often)

    assert found == begun(rarely)
    assert {playbook for playbook, *_ in found} == set(TRIGGERS)
    assert len(found) == 15
