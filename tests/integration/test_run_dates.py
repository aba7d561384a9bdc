"""Days before, on and after dates of the customer and of the calendar; on a real log and ledger."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.factories import CARE, SHARED, Shop, at, event, profile

STEPS = "steps:\n  - {step: ring, do: call, due: within 5 days, assign: owner}\n"
BOOK = "overlap: parallel\n" + STEPS
RENEWAL = "{date: contract_end, before: 90 days}"
DATES = "dates:\n  发布会: 2025-03-18\n  答谢日: every year 03-20\n"
CN = CARE.replace("calendar: none", "calendar: CN") + DATES
LUNAR = CARE.replace("contract_end: date", "contract_end: {type: date, calendar: lunar}")


def shop(root: Path, trigger: str, more: str = BOOK, live: str = "2025-03-01T08:00", **texts: str) -> Shop:  # fmt: skip
    """Return a project with one playbook ``p``, live since the morning of 1 March."""
    made = Shop(root, p=f"trigger: {trigger}\n{more}", **texts)
    made.events(event("c0", "visit", "2025-02-01T10:00"))
    made.run(live)
    return made


def ends(made: Shop, when: str, **dates: str) -> None:
    made.customers(*(profile(c, when, contract_end=date) for c, date in dates.items()))


def entries(made: Shop) -> list[tuple[str, int]]:
    rows = made.rows("SELECT customer, entry FROM journeys ORDER BY customer, entry")
    return [(row["customer"], row["entry"]) for row in rows]


def occurrences(made: Shop) -> list[str]:
    return [row["occurrence"] for row in made.rows("SELECT * FROM journeys ORDER BY entry, id")]


# -- date --------------------------------------------------------------------------------------


def test_date_fires_when_its_moment_comes(tmp_path: Path) -> None:
    """90 days before the end, at midnight; the occurrence is the date itself."""
    made = shop(tmp_path, RENEWAL)
    ends(made, "2025-02-01", c1="2025-06-01", c2="2025-06-02", c3="2024-01-01")
    made.run("2025-03-02T08:00")
    assert entries(made) == []
    made.run("2025-03-03T08:00", "2025-03-03T12:00", "2025-03-03T20:00")

    assert entries(made) == [("c1", at("2025-03-03"))]
    assert occurrences(made) == ["2025-06-01"]
    said = made.care("why", made.action("ring")["id"])
    assert "90 days before contract_end, 2025-06-01" in said.out


def test_a_date_that_changes_moves_what_was_planned_and_leaves_what_runs(tmp_path: Path) -> None:
    """A later date is a new occurrence; one taken away before its moment begins nothing."""
    made = shop(tmp_path, RENEWAL, "again: always\noverlap: parallel\n" + STEPS)
    ends(made, "2025-02-01", c1="2025-06-01", c2="2025-06-10", c3="2025-06-20")
    made.run("2025-03-03T08:00")
    ends(made, "2025-03-05", c1="2026-06-01", c2="2025-06-15")
    made.customers(profile("c3", "2025-03-05", contract_end=None))
    made.run(*(f"2025-03-{day:02}T08:00" for day in range(6, 32)))
    made.run("2026-03-03T08:00")

    assert entries(made) == [
        ("c1", at("2025-03-03")), ("c1", at("2026-03-03")), ("c2", at("2025-03-17")),
    ]  # fmt: skip


def test_a_date_that_is_learned_inside_its_time_begins_at_once(tmp_path: Path) -> None:
    """The entry is the run that saw it; over for more than `late` begins nothing; the same value
    said again is nothing new."""
    made = shop(tmp_path, RENEWAL)
    ends(made, "2025-02-01", c9="2025-04-20")  # its moment was before the playbook went live
    made.run("2025-03-10T08:00")
    ends(
        made, "2025-03-10T09:00", c1="2025-04-20", c2="2025-03-08", c3="2025-03-01", c9="2025-04-20"
    )
    made.run("2025-03-11T08:00", "2025-03-12T08:00")

    assert entries(made)[:2] == [("c1", at("2025-03-11T08:00")), ("c2", at("2025-03-11T08:00"))]
    assert [customer for customer, _ in entries(made)] == ["c1", "c2", "c9"]


def test_known_when_it_goes_live_is_existing(tmp_path: Path) -> None:
    """Those inside the time before are left alone, or enrolled; a day that is over is over."""
    for name, more, expected in (
        ("skip", "", []),
        ("enrol", "existing: enrol\n", [("c1", at("2025-03-01T08:00")), ("c4", at("2025-03-01T08:00"))]),
    ):  # fmt: skip
        made = Shop(tmp_path / name, p=f"trigger: {RENEWAL}\n{more}{BOOK}")
        ends(made, "2025-02-01", c1="2025-04-20", c2="2025-02-28", c3="2025-08-01", c4="2025-03-01")
        made.run("2025-03-01T08:00", "2025-03-02T08:00")

        assert entries(made) == expected


def test_yearly_on_its_day_and_29_february_on_the_28th(tmp_path: Path) -> None:
    """Every year after the first, at the given time; two years are two occurrences."""
    made = shop(
        tmp_path, "{date: contract_end, yearly: yes, before: 1 day, at: 09:30}",
        live="2024-02-01T08:00",
    )  # fmt: skip
    ends(made, "2024-01-01", c1="2020-02-29", c2="2021-02-28", c3="2024-02-29", c4="1985-03-01")
    made.run("2024-02-28T20:00", "2024-03-03T08:00", "2025-02-27T20:00", "2025-03-03T08:00")

    assert entries(made) == [
        ("c1", at("2024-02-28T09:30")), ("c1", at("2025-02-27T09:30")),
        ("c2", at("2024-02-27T09:30")), ("c2", at("2025-02-27T09:30")),
        ("c3", at("2025-02-27T09:30")), ("c4", at("2024-02-29T09:30")), ("c4", at("2025-02-28T09:30")),
    ]  # fmt: skip
    assert "2020-02-29:2025" in occurrences(made)


def test_lunar_birthdays(tmp_path: Path) -> None:
    """Month and day are lunar ones; a 30th that the month has not is its 29th; leap months are
    passed over."""
    made = shop(tmp_path, "{date: contract_end, yearly: yes}", care=LUNAR)
    ends(
        made, "2025-02-01",
        c1="1985-08-15",  # 中秋, 6 October 2025
        c2="1990-12-30",  # the 12th month of 2025 has 29 days: 16 February 2026
        c3="1990-06-10",  # 4 July 2025, and not again in the leap 6th month
    )  # fmt: skip
    made.run("2025-07-05T08:00", "2025-08-05T08:00", "2025-10-07T08:00", "2026-02-17T08:00")

    assert entries(made) == [
        ("c1", at("2025-10-06")), ("c2", at("2026-02-16")), ("c3", at("2025-07-04")),
    ]  # fmt: skip
    assert "1990-12-30:2025" in occurrences(made)  # by the lunar year


def test_anniversaries_of_an_instant_and_days_after_it(tmp_path: Path) -> None:
    """A measure gives the instant: its days are those of the business zone; without `yearly` the
    time of day is kept; a later event moves it."""
    made = shop(
        tmp_path,
        "[{date: first_order, yearly: yes, before: 3 days, name: year},"
        " {date: last_order, after: 7 days, name: week}]",
        "again: always\n" + BOOK,
        shared=SHARED.replace("  contacts:", "  first_order: {first_time: order}\n  contacts:"),
    )
    made.events(
        event("c1", "order", "2024-03-09T23:30", amount=1),
        event("c2", "order", "2025-03-02T10:00", amount=1),
        event("c3", "order", "2025-03-02T10:00", amount=1),
        event("c3", "order", "2025-03-05T11:00", amount=1),
    )
    made.run("2025-03-06T08:00", "2025-03-09T12:00", "2025-03-12T12:00")

    assert entries(made) == [
        ("c1", at("2025-03-06")), ("c2", at("2025-03-09T10:00")), ("c3", at("2025-03-12T11:00")),
    ]  # fmt: skip


def test_working_days_before_a_date_and_a_day_off_stays_where_it_is(tmp_path: Path) -> None:
    """3 working days before Tue 1 April; without an offset an anniversary on a Sunday stays."""
    made = shop(
        tmp_path,
        "[{date: contract_end, before: 3 working days, name: before},"
        " {date: contract_end, yearly: yes, name: day}]",
        "again: always\n" + BOOK, care=CN,
    )  # fmt: skip
    ends(made, "2025-02-01", c1="2025-04-01", c2="2020-03-30")
    made.run("2025-03-27T08:00", "2025-03-31T08:00")

    assert entries(made) == [("c1", at("2025-03-27")), ("c2", at("2025-03-30"))]


def test_moments_that_passed_while_cron_was_down(tmp_path: Path) -> None:
    """A date ahead is served however late the run; one that is over only within `late`, with a
    row for the others."""
    made = shop(
        tmp_path, "[{date: contract_end, before: 20 days}]",
        "again: always\noverlap: parallel\n" + STEPS,
    )  # fmt: skip
    ends(made, "2025-02-01", c1="2025-04-30", c2="2025-04-10", c3="2025-03-25")
    made.run("2025-04-15T08:00")  # moments: 10 April, 21 March, 5 March

    assert entries(made) == [("c1", at("2025-04-10")), ("c2", at("2025-03-21"))]
    assert made.decisions(customer=None) == [("refused", "late")]


def test_a_personal_date_is_nowhere_in_the_ledger(tmp_path: Path) -> None:
    """Neither the occurrence nor the evidence nor the journey tells it, where it can be erased."""
    care = CARE.replace("contract_end: date", "contract_end: {type: date, pii: true}")
    made = shop(tmp_path, "{date: contract_end, yearly: yes, before: 2 days}", care=care)
    ends(made, "2025-02-01", c1="1985-03-04")
    made.run("2025-03-02T08:00")

    assert entries(made) == [("c1", at("2025-03-02"))]
    assert made.rows("SELECT name, value FROM private") == [{"name": "date", "value": "20151"}]
    kept = ('"table":"private"', '"table":"revisions"')
    text = "\n".join(line for line in made.export() if not any(part in line for part in kept))
    assert not [secret for secret in ("1985", "2025-03-04", "20151") if secret in text]


def test_two_triggers_on_one_date_are_two(tmp_path: Path) -> None:
    """Without names each has a name of its own, so that their occurrences are not taken for one."""
    made = shop(
        tmp_path, "[{date: contract_end, before: 20 days}, {date: contract_end, before: 10 days}]",
        "again: always\n" + BOOK,
    )  # fmt: skip
    ends(made, "2025-02-01", c1="2025-03-25")
    made.run("2025-03-06T08:00", "2025-03-16T08:00")

    assert entries(made) == [("c1", at("2025-03-05")), ("c1", at("2025-03-15"))]
    assert [row["trigger"] for row in made.rows("SELECT trigger FROM journeys ORDER BY entry")] == [
        "date", "date-2",
    ]  # fmt: skip


# -- holiday -----------------------------------------------------------------------------------


def test_holidays_and_own_days_for_the_members_only(tmp_path: Path) -> None:
    """Public holidays of the calendar by name, own days, working days before; nobody else has a
    row; two of them in one run are two occurrences, in the order of time."""
    made = shop(
        tmp_path, "{holiday: [清明节, 发布会, 答谢日], before: 1 working day, in: buyers}",
        "overlap: parallel\n" + STEPS, care=CN,
    )  # fmt: skip
    made.events(
        event("c1", "order", "2025-02-01T10:00", amount=1),
        event("c2", "order", "2025-02-01T10:00", amount=1),
        event("c3", "visit", "2025-02-01T10:00"),
    )
    made.run("2025-03-16T08:00")
    made.run("2025-03-19T08:00")  # 发布会 on Tuesday 18 March, 答谢日 on Thursday 20 March
    made.run("2025-04-03T08:00")  # 清明节 on Friday 4 April

    days = [at("2025-03-17"), at("2025-03-19"), at("2025-04-03")]
    assert entries(made) == [(customer, day) for customer in ("c1", "c2") for day in days]
    assert occurrences(made)[::2] == ["发布会:2025", "答谢日:2025", "清明节:2025"]
    assert made.rows("SELECT * FROM decisions WHERE customer IN ('c0', 'c3')") == []
    action = made.rows("SELECT id FROM actions WHERE customer = 'c1' ORDER BY opens_at")[0]["id"]
    assert "1 working day before 发布会, 2025-03-18" in made.care("why", action).out


def test_two_occurrences_in_one_run_are_judged_in_order(tmp_path: Path) -> None:
    """The second one meets the journey of the first: `overlap: ignore` refuses it, with a row."""
    made = shop(tmp_path, "{holiday: [发布会, 答谢日]}", STEPS, care=CN)
    made.run("2025-03-20T08:00")

    assert made.decisions(customer="c0") == [("started", ""), ("refused", "overlap")]
    assert occurrences(made) == ["发布会:2025"]


def test_a_holiday_long_over_is_one_row_for_all(tmp_path: Path) -> None:
    """Cron was down over the day and a week more: nobody is greeted, and it is said."""
    made = shop(tmp_path, "{holiday: 发布会, before: 3 days}", care=CN)
    made.run("2025-03-27T08:00")

    assert entries(made) == []
    assert made.decisions(customer=None) == [("refused", "late")]


def test_the_names_of_the_trigger_are_there_for_the_steps(tmp_path: Path) -> None:
    """`trigger.holiday` and `trigger.date` are asked like fields."""
    made = shop(
        tmp_path, "{holiday: [发布会, 答谢日], in: buyers, before: 1 day}",
        "overlap: parallel\nsteps:\n"
        "  - {step: one, do: call, due: now, recheck: {trigger.holiday: 答谢日}}\n"
        "  - {step: two, do: call, due: now, from: entry, recheck: {trigger.date: within next 2 days}}\n",
        care=CN,
    )  # fmt: skip
    made.events(event("c1", "order", "2025-02-01T10:00", amount=1))
    made.run("2025-03-17T08:00", "2025-03-19T08:00")

    assert sorted(made.actions()) == [
        ("one", "open", ""), ("one", "skipped", "recheck"), ("two", "open", ""), ("two", "open", ""),
    ]  # fmt: skip


@pytest.mark.parametrize("country", ["US", "none"])
def test_holidays_of_other_calendars(tmp_path: Path, country: str) -> None:
    """The names are those of the project's calendar; without one the own days remain."""
    care = CARE.replace("calendar: none", f"calendar: {country}") + DATES
    name = "Independence Day" if country == "US" else "答谢日"
    made = shop(tmp_path, f"{{holiday: {name}, before: 3 days}}", care=care)
    made.run("2025-03-17T08:00", "2025-07-01T08:00")

    day = "2025-07-01" if country == "US" else "2025-03-17"
    assert entries(made) == [("c0", at(day))]
