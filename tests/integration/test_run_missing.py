"""What should have come and did not, what has changed, what a person asks for; on a real ledger."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.log import open_log
from engine.paths import paths_of
from engine.requests import customers_of, file_key, manual_trigger, request
from rules.errors import InputError, StateError
from tests.factories import CARE, Shop, at, event, profile

STEPS = "steps:\n  - {step: ring, do: call, due: within 1 day, assign: owner}\n"
REPLY = "{missing: solved, after: complaint, within: 24 hours, same: case_id}"


def shop(root: Path, trigger: str, more: str = "", **texts: str) -> Shop:
    """Return a project with one playbook ``p``, live since the morning of 1 March."""
    made = Shop(root, p=f"trigger: {trigger}\n{more}{STEPS}", **texts)
    made.events(event("c0", "visit", "2025-02-01T10:00"))
    made.run("2025-03-01T08:00")
    return made


def entries(made: Shop) -> list[tuple[str, int]]:
    rows = made.rows("SELECT customer, entry FROM journeys ORDER BY customer, entry")
    return [(row["customer"], row["entry"]) for row in rows]


# -- missing -----------------------------------------------------------------------------------


def test_missing_fires_when_the_time_is_over_for_each_event_without_its_answer(
    tmp_path: Path,
) -> None:
    """The entry is the deadline; an answer in time, with the same field, is an answer; a later one,
    one of another case and one of another customer are none."""
    made = shop(tmp_path, REPLY)
    made.events(
        event("c1", "complaint", "2025-03-01T10:00", case_id="A"),
        event("c1", "complaint", "2025-03-01T11:00", case_id="B"),
        event("c1", "solved", "2025-03-02T11:00", case_id="B"),  # at the deadline itself
        event("c2", "complaint", "2025-03-01T10:00", case_id="C"),
        event("c2", "solved", "2025-03-02T10:01", case_id="C"),  # a minute too late
        event("c3", "complaint", "2025-03-01T10:00", case_id="D"),
        event("c4", "solved", "2025-03-01T12:00", case_id="D"),
        event("c5", "complaint", "2025-03-01T10:00", case_id="E"),
        event("c5", "solved", "2025-03-01T10:00", case_id="E"),  # at the very same time
        event("c6", "complaint", "2025-03-01T10:00"),  # which case is not known
        event("c7", "complaint", "2025-03-02T10:00", case_id="F"),  # its time is not over
    )
    made.run("2025-03-02T09:59")

    assert entries(made) == []

    made.run("2025-03-05T08:00")

    over = at("2025-03-02T10:00")
    assert entries(made) == [
        ("c1", over),
        ("c2", over),
        ("c3", over),
        ("c7", at("2025-03-03T10:00")),
    ]
    (row,) = made.rows("SELECT occurrence FROM journeys WHERE customer = 'c2'")
    assert row["occurrence"] == "complaint:crm:complaint-c2-2025-03-01T10:00"


def test_missing_counts_what_began_before_it_went_live_if_its_time_was_over_after_that(
    tmp_path: Path,
) -> None:
    """What counts is the deadline: up to going live it is existing, later it fires."""
    made = Shop(tmp_path, p=f"trigger: {REPLY}\n{STEPS}")
    made.events(
        event("c1", "complaint", "2025-02-28T07:00", case_id="A"),
        event("c2", "complaint", "2025-02-28T09:00", case_id="B"),
    )
    made.run("2025-03-01T08:00", "2025-03-02T08:00")

    assert entries(made) == [("c2", at("2025-03-01T09:00"))]


@pytest.mark.parametrize(
    ("late", "expected"),
    [
        ("", [("refused", "late")]),
        (", late: accept within 30 days", [("started", "")]),
        (", late: ignore", [("refused", "late")]),
    ],
)
def test_missing_of_an_event_that_came_ten_days_late(
    tmp_path: Path, late: str, expected: list[tuple[str, str]]
) -> None:
    """Late is what a run should have seen; it counts from the deadline."""
    made = shop(tmp_path, REPLY.replace("}", f"{late}}}"))
    made.run("2025-03-14T08:00")
    made.events(event("c1", "complaint", "2025-03-02T10:00", case_id="A"))
    made.run("2025-03-15T08:00")

    assert made.decisions() == expected


def test_an_answer_that_is_imported_later_changes_nothing(tmp_path: Path) -> None:
    """A decision stands; the same complaint is not decided again."""
    made = shop(tmp_path, REPLY)
    made.events(event("c1", "complaint", "2025-03-01T10:00", case_id="A"))
    made.run("2025-03-03T08:00")
    made.events(event("c1", "solved", "2025-03-01T12:00", case_id="A"))
    made.run("2025-03-04T08:00")

    assert made.decisions() == [("started", "")]


def test_missing_of_the_same_kind_is_not_its_own_answer(tmp_path: Path) -> None:
    """`missing: order, after: order` asks for the next order; the time may be a month."""
    made = shop(tmp_path, "{missing: order, after: order, within: 1 month}", "again: always\n")
    made.events(
        event("c1", "order", "2025-03-02T10:00", amount=1),
        event("c1", "order", "2025-03-20T10:00", amount=1),
    )
    made.run("2025-04-19T08:00", "2025-04-21T08:00")

    assert entries(made) == [("c1", at("2025-04-20T10:00"))]


def test_missing_in_working_time_with_tests_on_both_events(tmp_path: Path) -> None:
    """Working days end with the hours of the last one; `where` belongs to the event that begins."""
    made = shop(
        tmp_path,
        "{missing: {event: order, where: {amount: at least 100}}, after: complaint,"
        " within: 2 working days, where: {severity: high}}",
    )
    made.events(
        event("c1", "complaint", "2025-03-06T10:00", severity="high"),  # a Thursday
        event("c1", "order", "2025-03-07T10:00", amount=5),
        event("c2", "complaint", "2025-03-06T10:00", severity="high"),
        event("c2", "order", "2025-03-10T17:59", amount=500),
        event("c3", "complaint", "2025-03-06T10:00", severity="low"),
    )
    made.run("2025-03-10T17:00", "2025-03-11T08:00")

    assert entries(made) == [("c1", at("2025-03-10T18:00"))]


def test_the_fields_of_the_event_that_waited_are_the_triggers(tmp_path: Path) -> None:
    """`trigger.<field>` and `same` mean the event that began it; why tells the deadline."""
    made = shop(tmp_path, REPLY, "stop_when: [{event: solved, same: case_id}]\noverlap: parallel\n")
    made.events(
        event("c1", "complaint", "2025-03-01T10:00", case_id="A"),
        event("c1", "complaint", "2025-03-01T10:00", "x", case_id="B"),
    )
    made.run("2025-03-03T08:00")
    made.events(event("c1", "solved", "2025-03-03T09:00", case_id="B"))
    made.run("2025-03-04T08:00")

    assert sorted(made.journeys()) == [("p", "running", ""), ("p", "stopped", "stop_event")]
    said = made.care("why", made.rows("SELECT id FROM actions LIMIT 1")[0]["id"])
    told = "no solved with the same case_id by 2025-03-02T10:00:00+08:00, 24 hours after the event"
    assert told in said.out


# -- changed -----------------------------------------------------------------------------------


def test_changed_fires_for_another_value_and_not_for_the_first(tmp_path: Path) -> None:
    """The same value again is no change, nor is unknown; the entry is when it was said."""
    made = shop(tmp_path, "{changed: manager}")
    made.customers(
        profile("c1", "2025-02-01", manager="甲"),
        profile("c2", "2025-03-01T09:00", manager="甲"),
        profile("c3", "2025-02-01", manager="甲"),
    )
    made.run("2025-03-01T12:00")
    made.customers(
        profile("c1", "2025-03-02T10:00", manager="乙"),
        profile("c2", "2025-03-02T10:00", manager="甲"),
        profile("c3", "2025-03-02T10:00"),
    )
    made.run("2025-03-03T08:00")

    assert entries(made) == [("c1", at("2025-03-02T10:00"))]
    made.customers(profile("c3", "2025-03-04T10:00", manager="丙"))
    made.run("2025-03-05T08:00")
    assert entries(made)[1:] == [("c3", at("2025-03-04T10:00"))]
    sql = "SELECT occurrence, evidence FROM decisions WHERE customer = 'c3' AND gate = 'start'"
    (row,) = made.rows(sql)
    assert row["occurrence"] == "manager:2025-03-04T10:00:00+08:00"
    assert "manager changed from 甲 to 丙" in row["evidence"]


def test_changes_from_before_going_live_and_late_ones(tmp_path: Path) -> None:
    """Existing and late are told as for events; a personal value is not told at all."""
    made = shop(tmp_path, "{changed: name}")
    made.customers(
        profile("c1", "2025-02-01", name="张三"),
        profile("c1", "2025-02-10", name="李四"),  # before it went live
        profile("c2", "2025-02-01", name="王五"),
    )
    made.run("2025-03-20T08:00")
    made.customers(profile("c2", "2025-03-02", name="赵六"))  # 19 days late
    made.run("2025-03-21T08:00")
    made.customers(profile("c2", "2025-03-18", name="孙七"))  # 3 days late
    made.run("2025-03-22T08:00")

    assert made.decisions(customer=None) == [("refused", "existing"), ("refused", "late")]
    assert entries(made) == [("c2", at("2025-03-18"))]
    assert not [line for line in made.export() if "孙七" in line or "王五" in line]


# -- manual ------------------------------------------------------------------------------------


def ask(made: Shop, *customers: str, when: str, key: str | None = None, name: str = "") -> int:
    project = made.project
    book, trigger = manual_trigger(project, "p", name or None)
    with made.ledger() as ledger, open_log(paths_of(made.root).log, writable=False) as log:
        return request(
            ledger, log, book, trigger, customers, key=key, source="", at=at(when), who="甲"
        ).new


def test_manual_begins_in_the_next_run_and_once_under_one_key(tmp_path: Path) -> None:
    """The entry is the instant of asking; the same key again asks for nothing new."""
    made = shop(tmp_path, "manual", "again: always\noverlap: parallel\n")
    made.events(event("c1", "visit", "2025-02-01T10:00"))

    assert ask(made, "c1", "c0", when="2025-03-02T10:00", key="spring") == 2
    made.run("2025-03-02T09:00")
    assert entries(made) == []
    made.run("2025-03-02T11:00")
    assert entries(made) == [("c0", at("2025-03-02T10:00")), ("c1", at("2025-03-02T10:00"))]
    assert ask(made, "c1", when="2025-03-03T10:00", key="spring") == 0
    assert ask(made, "c1", when="2025-03-03T10:00") == 1
    made.run("2025-03-04T08:00", "2025-03-05T08:00")
    assert len(entries(made)) == 3


def test_manual_is_never_again_unless_it_says_so_and_waits_for_a_held_playbook(
    tmp_path: Path,
) -> None:
    """`again` is never for manual; a playbook over its limit meets the request again."""
    made = shop(tmp_path, "manual", "limits: {per_run: 1}\n")
    made.events(event("c1", "visit", "2025-02-01T10:00"))
    ask(made, "c0", "c1", when="2025-03-02T10:00")

    assert dict(made.run("2025-03-02T11:00").held) == {"p": 2}
    assert made.care("approve", "p").code == 0
    assert made.run("2025-03-02T12:00").started == 2
    ask(made, "c1", when="2025-03-03T10:00")
    made.run("2025-03-03T11:00")
    assert made.decisions()[-1] == ("refused", "overlap")


def test_what_cannot_be_begun_by_hand_is_said_plainly(tmp_path: Path) -> None:
    """An unknown playbook, one without `manual`, a paused one, a customer nobody knows."""
    made = shop(tmp_path, "[{manual: yes, name: a}, {manual: yes, name: b}]")
    made.book("q", f"trigger: {{event: order}}\n{STEPS}")
    made.book("r", f"status: paused\ntrigger: manual\n{STEPS}")

    with pytest.raises(StateError, match='no playbook "pp"; did you mean "p"'):
        manual_trigger(made.project, "pp", None)
    with pytest.raises(StateError, match="q is not begun by hand"):
        manual_trigger(made.project, "q", None)
    with pytest.raises(StateError, match="r is paused; nothing of it begins"):
        manual_trigger(made.project, "r", None)
    with pytest.raises(StateError, match="say --trigger a or b"):
        manual_trigger(made.project, "p", None)
    with pytest.raises(InputError, match="no customer c8, c9; nothing was written"):
        ask(made, "c0", "c8", "c9", when="2025-03-02", name="a")
    assert made.rows("SELECT * FROM requests") == []


def test_customers_of_a_file(tmp_path: Path) -> None:
    """A list of lines, or the column `customer` of a CSV, also of Excel's; each once."""
    lines, table, other = tmp_path / "a.txt", tmp_path / "b.csv", tmp_path / "c.csv"
    lines.write_text("# 名单\nc1\n\n c2 \nc1\n", encoding="utf-8")
    table.write_bytes("\ufeff姓名,customer\r\n张三,c1\r\n李四,c3\r\n".encode())
    other.write_bytes("客户,电话\r\nc1,1\r\n".encode("gb18030"))

    assert customers_of(lines) == ["c1", "c2"]
    assert customers_of(table) == ["c1", "c3"]
    with pytest.raises(InputError, match='no column "customer"; its columns are 客户, 电话'):
        customers_of(other)
    assert file_key(lines) == file_key(lines) != file_key(table)


def test_trigger_name_tells_how_it_began(tmp_path: Path) -> None:
    """`trigger.name` is the name of the trigger, the kind where it has none."""
    made = Shop(
        tmp_path,
        p="trigger: [{event: visit, name: seen}, manual]\nagain: always\noverlap: parallel\n"
        "steps:\n  - {step: ring, do: call, due: now, recheck: {trigger.name: seen}}\n",
        care=CARE,
    )
    made.events(event("c1", "signup", "2025-02-01T10:00"))
    made.run("2025-03-01T08:00")
    made.events(event("c1", "visit", "2025-03-01T10:00"))
    ask(made, "c1", when="2025-03-01T12:00")
    made.run("2025-03-02T08:00")

    assert made.actions() == [("ring", "open", ""), ("ring", "skipped", "recheck")]
