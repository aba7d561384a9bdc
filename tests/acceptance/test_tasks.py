"""People's tasks through the program: the list, what is done to it, the sheet and the calendar."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from icalendar import Calendar

import cli
from rules.errors import UsageError
from tests.factories import CARE, SHARED, Said, Shop, event, profile
from tests.office import Office, copied, open_office
from tests.reading import actions, lines, live, run, why
from tests.zygote import Zygote

AT = ("--at", "2025-03-03T12:30")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return open_office(tmp_path_factory.mktemp("office"))


@pytest.fixture
def office(source: Path, tmp_path: Path, zygote: Zygote) -> Office:
    return copied(source, tmp_path, zygote)


def fine(said: Said) -> Said:
    assert said.code == 0, said
    return said


def customers(said: Said) -> list[tuple[str, str]]:
    """Return (customer, step) of the lines of a JSON list."""
    return [(task["customer"], task["step"]) for task in fine(said).json]


# ---------------------------------------------------------------- the list


def test_the_list_is_what_there_is_to_do(office: Office) -> None:
    """The earliest due first, with ids that are short and enough."""
    text = fine(office.care("tasks", *AT)).out.splitlines()
    due = [line.split("  ")[1] for line in text[2:]]
    shown = text[2].split()[0]

    assert text[0].split() == [
        "id",
        "due",
        "customer",
        "what",
        "step",
        "channel",
        "who",
        "outcomes",
    ]
    assert due == ["Tue 2025-03-04 10:00"] * 4 + ["Wed 2025-03-05 18:00"] * 4
    assert len(shown) < 14
    assert fine(office.care("why", shown)).out.startswith(shown)


def test_the_list_is_chosen(office: Office) -> None:
    """By person, role, customer, playbook, step, day; each names what it leaves."""
    every = [(f"c{n}", step) for step in ("look", "ring") for n in range(1, 5)]

    def chosen(*words: str) -> list[tuple[str, str]]:
        return sorted(customers(office.care("tasks", *AT, "--format", "json", *words)))

    assert chosen() == sorted(every)
    assert chosen("--assignee", "王丽") == [("c1", "ring"), ("c2", "ring")]
    assert chosen("--role", "boss") == [(f"c{n}", "look") for n in range(1, 5)]
    assert chosen("--customer", "c3") == [("c3", "look"), ("c3", "ring")]
    assert chosen("--step", "ring", "--who", "李强") == [("c3", "ring")]
    assert chosen("--due", "2025-03-04", "--role", "owner") == []
    assert chosen("--due", "tomorrow") == [(f"c{n}", "look") for n in range(1, 5)]
    assert chosen("--overdue") == []
    assert chosen("--playbook", "other") == []


def test_mine_are_those_of_care_user(
    office: Office, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """CARE_USER says who is at work: which tasks are mine, and who did them."""

    def here(*words: str) -> str:
        cli.care.main(["-C", str(office.root), *words], standalone_mode=False)
        return capsys.readouterr().out

    monkeypatch.setenv("CARE_USER", "李强")
    found = json.loads(here("tasks", "--mine", *AT, "--format", "json"))
    assert [(task["customer"], task["step"]) for task in found] == [("c3", "ring")]
    here("done", office.id("ring", "c3"), "--outcome", "好", *AT)
    assert [row["who"] for row in office.rows("SELECT who FROM outcomes")] == ["李强"]

    monkeypatch.delenv("CARE_USER")

    with pytest.raises(UsageError, match='export CARE_USER="王丽"'):
        here("tasks", "--mine")


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("tasks", "--due", "someday"), 2, "--due takes today, tomorrow or a date"),
        (("tasks", "--role", "bos"), 2, 'no role "bos" in care.yaml; did you mean "boss"?'),
        (("tasks", "--overdue", "export", "x.xlsx"), 2, "write the options behind: care tasks export"),
        (("tasks", "--assignee", "王莉"), 0, 'no task has assignee "王莉"; did you mean "王丽"?'),
        (("assign", "ID", "李墙", *AT), 0, "nobody called 李墙 has had a task yet; did you mean"),
        (("tasks", "--step", "rng"), 0, 'no task has step "rng"; did you mean "ring"?'),
        (("tasks", "export", "x.pdf"), 2, "neither a sheet nor a calendar"),
        (("tasks", "import", "nowhere.xlsx"), 1, "can't be read"),
        (("snooze", "ID", "--until", "soon", "--why", "x"), 2, '"soon" is no time; write a date'),
        (("snooze", "ID", "--until", "2025-03-05"), 2, "Missing option '--why'"),
        (("assign", "ID", "owner"), 2, "another person for each customer (customer.manager)"),
        (("done", "a-zzzzzz"), 1, 'no action "a-zzzzzz"'),
        (("done", "ID", "--outcome", "好", "--at", "2125-03-05"), 2, "lies ahead; write when it was"),
        (("done", "ID", "--outcome", "好", "--ask", "satisfaction"), 2, "--ask takes NAME=ANSWER"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_one_line(
    office: Office, words: tuple[str, ...], code: int, told: str
) -> None:
    """A sentence says what to write instead."""
    said = office.care(*(office.id() if word == "ID" else word for word in words))

    assert said.code == code
    assert told in said.err
    assert "Traceback" not in said.err


# ---------------------------------------------------------------- what people do


def test_a_task_from_hand_to_hand(office: Office) -> None:
    """Put off, given away, done, opened again; `care why` tells it all, and who said so."""
    call = office.id()
    fine(
        office.care(
            "snooze", call, "--until", "2 working days", "--why", "出差", "--who", "王丽", *AT
        )
    )
    said = fine(office.care("assign", call[:8], "boss", "--why", "休假", "--who", "王丽", *AT))
    assert said.out == f"{call} is given to 经理\n"
    fine(
        office.care(
            "done", call, "--outcome", "不好", "--note", "不满意", "--at", "2025-03-03T15:00"
        )
    )
    said = fine(
        office.care("reopen", call, "--why", "没解决", "--who", "经理", "--at", "2025-03-03T16:00")
    )
    again = office.id(turn=2)

    assert said.out == f"{again} is open, due Wed 2025-03-05 18:00\n"
    told = why(office, "ring")
    assert "put off from Wed 2025-03-05 18:00 to Wed 2025-03-05 18:00" not in told
    assert "given to 经理 instead of 王丽 by 王丽: 休假" in told
    assert f"opened again as {again} by 经理: 没解决" in told
    assert f"opened again, after {call} by 经理: 没解决" in why(office, "ring", turn=2)


def test_snooze_takes_days_times_and_lengths(office: Office) -> None:
    """A day means its close of hours."""
    for until, due in (
        ("2025-03-07", "2025-03-07T18:00:00+08:00"),
        ("明天", "2025-03-04T18:00:00+08:00"),
        ("2025-03-06T15:00", "2025-03-06T15:00:00+08:00"),
        ("3 days", "2025-03-06T12:30:00+08:00"),
        ("4 working hours", "2025-03-03T16:30:00+08:00"),
    ):
        fine(office.care("snooze", office.id(), "--until", until, "--why", "x", *AT))
        (task,) = office.care(
            "tasks", "--customer", "c1", "--step", "ring", "--format", "json"
        ).json

        assert task["due_by"] == due


def test_a_ladder_in_working_hours(tmp_path: Path, zygote: Zygote) -> None:
    """The boss gets a task four working hours after the call was due, the director a working day
    after; over the weekend nobody does; the call's end takes both back.
    """
    steps = (
        "  - step: ring\n    do: call\n    due: within 1 working day\n    assign: owner\n"
        "    if_overdue:\n      - {escalate: boss, after: 4 working hours}\n"
        "      - {escalate: director, after: 1 working day}\n"
    )
    made = live(tmp_path, zygote, steps, care=CARE + "  director: 总监\n")
    made.events(event("c1", "complaint", "2025-03-06T10:00", case_id="1"))  # due Friday 18:00
    run(made, "2025-03-06T12:00", "2025-03-08T12:00", "2025-03-10T12:59")
    assert lines(made) == ["ring open"]

    run(made, "2025-03-10T13:00", "2025-03-10T17:59")
    assert lines(made) == ["ring open", "ring.overdue open"]
    run(made, "2025-03-10T18:00")
    found = {one["step"]: one["assignee"] for one in actions(made)}
    assert found == {"ring": "客户成功组", "ring.overdue": "经理", "ring.overdue2": "总监"}

    call = actions(made)[0]["id"]
    fine(made.care("done", call, "--at", "2025-03-11T10:00"))
    run(made, "2025-03-11T12:00")

    assert lines(made) == [
        "ring done", "ring.overdue cancelled answered", "ring.overdue2 cancelled answered",
    ]  # fmt: skip


def test_a_contract_that_ends_later_moves_what_counts_from_it(
    tmp_path: Path, zygote: Zygote
) -> None:
    """The date of the customer changes: the planned call goes along."""
    steps = "  - {step: renew, from: 10 days before contract_end, do: call, due: within 2 days, assign: owner}\n"
    made = live(tmp_path, zygote, steps)
    made.customers(profile("c1", "2025-02-01", contract_end="2025-03-20"))
    made.events(event("c1", "complaint", "2025-03-03T10:00", case_id="1"))
    run(made, "2025-03-03T12:00")
    assert [one["opens_at"][:10] for one in actions(made)] == ["2025-03-10"]

    made.customers(profile("c1", "2025-03-05", contract_end="2025-04-20"))
    run(made, "2025-03-10T12:00")

    assert [(one["state"], one["opens_at"][:10]) for one in actions(made)] == [
        ("planned", "2025-04-10")
    ]


# ---------------------------------------------------------------- results are events


def test_a_low_mark_opens_the_case_again(tmp_path: Path, zygote: Zygote) -> None:
    """A satisfaction under 3 is an event that another playbook begins with; a 4 is not."""
    steps = "  - {step: ring, do: call, due: within 1 day, assign: owner, outcomes: [reached], ask: {satisfaction: 1 to 5}}\n"
    again = (
        "trigger: {event: care_done, where: {playbook: p, satisfaction: below 3}}\n"
        "steps: [{step: boss_call, do: call, due: within 1 working day, assign: boss}]\n"
    )
    made = live(tmp_path, zygote, steps, reopened=again)
    made.events(*(event(f"c{n}", "complaint", "2025-03-03T10:00", case_id=str(n)) for n in (1, 2)))
    run(made, "2025-03-03T12:00")
    for customer, mark in (("c1", "2"), ("c2", "4")):
        call = actions(made, customer)[0]["id"]
        fine(made.care("done", call, "--outcome", "reached", "--ask", f"satisfaction={mark}", "--at", "2025-03-03T15:00"))  # fmt: skip
    run(made, "2025-03-03T16:00")

    assert lines(made) == ["ring done reached", "boss_call open"]
    assert lines(made, "c2") == ["ring done reached"]
    assert "event care_done" in why(made, "boss_call")


def test_replies_count_in_the_reply_rate(tmp_path: Path, zygote: Zygote) -> None:
    """Of what care sent, half was answered: the measure says 50%, and a playbook acts by it."""
    replies = CARE.replace(
        "  visit: {title: 拜访}\n", "  visit: {title: 拜访, fields: {action: text}}\n"
    )
    rate = "  reply_rate: {share: visit, of: care_sent, same: action, last: 60 days}\n"
    shared = SHARED.replace(
        "segments:\n", rate + "segments:\n  silent: {title: 少回复, reply_rate: below 60%}\n"
    )
    steps = "  - {step: letter, do: letter}\n"
    watch = "trigger: {enters: silent}\nsteps: [{step: ask, do: call, due: within 1 day, assign: owner}]\n"
    made = live(
        tmp_path, zygote, steps, "overlap: parallel\n", care=replies, shared=shared, w=watch
    )
    made.events(
        *(event("c1", "complaint", f"2025-03-0{day}T10:00", case_id=str(day)) for day in (3, 4))
    )
    run(made, "2025-03-04T12:00")
    sent = [one["id"] for one in actions(made)]
    answer(made, sent[0], "2025-03-04T15:00")
    run(made, "2025-03-04T16:00", "2025-03-04T17:00")

    assert lines(made) == ["letter sent", "letter sent", "ask open"]
    assert "reply_rate is 50%, asked: below 60%" in why(made, "ask")


def answer(made: Shop, action: str, when: str) -> None:
    """Import a customer's answer to one message."""
    text = (
        "import: 1\nsource: chat\nformat: csv\ncustomer: customer\ntime: at\nknown: at event\n"
        "events: [{event: visit, fields: {action: action}}]\n"
    )
    made.write("imports/chat.yaml", text)
    made.write("data/chat.csv", f"customer,at,action\nc1,{when},{action}\n")
    fine(
        made.care(
            "import",
            str(made.root / "data/chat.csv"),
            "--map",
            str(made.root / "imports/chat.yaml"),
        )
    )


# ---------------------------------------------------------------- sheet and calendar


def fill(path: Path, rows: dict[tuple[str, str], dict[str, Any]]) -> None:
    """Fill in a sheet as a person does: (customer, step) -> heading -> value."""
    book = openpyxl.load_workbook(path)
    sheet = book["任务"]
    heads = {str(cell.value).partition(" ")[0]: cell.column for cell in sheet[1]}
    for row in range(2, sheet.max_row + 1):
        key = (sheet.cell(row, heads["客户"]).value, sheet.cell(row, heads["步骤"]).value)
        for head, value in rows.get(key, {}).items():
            sheet.cell(row, heads[head]).value = value
    book.save(path)


def test_a_day_with_the_sheet(office: Office) -> None:
    """Exported in the morning, filled in, taken back in the evening; errors mended in the copy."""
    path = office.root / "今天.xlsx"
    said = fine(office.care("tasks", "export", str(path), "--assignee", "王丽", *AT))
    assert said.out == "今天.xlsx: 2 tasks\n"
    fill(path, {
        ("c1", "ring"): {"结果": "好", "满意度": 5, "备注": "感谢", "完成时间": "2025-03-03 15:00"},
        ("c2", "ring"): {"结果": "不好", "满意度": 55},
    })  # fmt: skip
    evening = ("--at", "2025-03-03T18:30", "--who", "王丽")
    said = office.care("tasks", "import", str(path), *evening)
    call = office.id("ring", "c2")

    assert said.code == 3
    assert said.out.splitlines() == [
        "今天.xlsx: 1 taken, 1 not taken",
        f"  row {3 if call > office.id() else 2} {call}: satisfaction: from 1 to 5, not 55",
        "今天.errors.xlsx has the errors in its column 错误",
    ]
    copy = office.root / "今天.errors.xlsx"
    fill(copy, {("c2", "ring"): {"满意度": 5}})
    said = office.care("tasks", "import", str(copy), *evening, "--format", "json")
    assert (said.code, said.json["taken"], said.json["already"]) == (0, 1, 1)

    run(office, "2025-03-03T19:00")
    log = office.care("log", "c1", "--format", "json").json["events"]
    assert [one["fields"]["satisfaction"] for one in log if one["event"] == "care_done"] == ["5"]
    assert [(row["note"], row["who"]) for row in office.rows("SELECT * FROM outcomes ORDER BY at")] == [
        ("感谢", "王丽"), ("", "王丽"),
    ]  # fmt: skip


def test_a_sheet_that_is_there_is_not_overwritten(office: Office) -> None:
    """What was filled in and not imported yet would be lost."""
    path = office.root / "today.xlsx"
    fine(office.care("tasks", "export", str(path), *AT))
    before = path.read_bytes()
    said = office.care("tasks", "export", str(path), *AT)

    assert (said.code, path.read_bytes()) == (2, before)
    assert "Import it first" in said.err
    fine(office.care("tasks", "export", str(path), "--force", *AT))


def test_the_calendar_of_one_person(office: Office) -> None:
    """Each open task is an entry that ends when it is due, in the right zone; one that was closed is
    cancelled under the same UID, so that it goes from the phone.
    """
    path = office.root / "wangli.ics"
    fine(office.care("tasks", "export", str(path), "--assignee", "王丽", *AT))
    first = events(path)
    assert {uid: str(one["status"]) for uid, one in first.items()} == {
        f"{office.id('ring', name)}@care": "CONFIRMED" for name in ("c1", "c2")
    }
    mine = first[f"{office.id()}@care"]
    assert mine["dtend"].dt == dt.datetime(2025, 3, 5, 10, 0, tzinfo=dt.UTC)
    assert str(mine["summary"]) == "回访电话: c1"
    assert "致歉并确认结果" in str(mine["description"])

    fine(office.care("done", office.id(), "--outcome", "好", "--at", "2025-03-03T13:00"))
    fine(office.care("snooze", office.id("ring", "c2"), "--until", "2025-03-07", "--why", "x", "--at", "2025-03-03T13:00"))  # fmt: skip
    fine(
        office.care("tasks", "export", str(path), "--assignee", "王丽", "--at", "2025-03-03T13:30")
    )
    second = events(path)

    assert second.keys() == first.keys()
    assert str(second[f"{office.id()}@care"]["status"]) == "CANCELLED"
    moved = second[f"{office.id('ring', 'c2')}@care"]
    assert moved["dtend"].dt == dt.datetime(2025, 3, 7, 10, 0, tzinfo=dt.UTC)
    assert moved["sequence"] == 1


def events(path: Path) -> dict[str, Any]:
    """Return the entries of a calendar by their UID."""
    found = Calendar.from_ical(path.read_bytes())
    return {str(one["uid"]): one for one in found.walk("VEVENT")}


@pytest.mark.parametrize(
    "words",
    ["tasks", "tasks export", "tasks import", "done", "snooze", "assign", "reopen", "tasks done"],
)
def test_help_has_examples(office: Office, words: str) -> None:
    """Each command of a task shows how it is written."""
    said = fine(office.care(*words.split(), "--help")).out

    assert f"care {words.removeprefix('tasks done') or 'done'} " in said.partition("Example")[2]


def test_what_went_with_another_task_says_so(tmp_path: Path, zygote: Zygote) -> None:
    """Two orders, one call: the list, the journeys and `care why` tell it; its id leads to the task."""
    steps = "  - {step: ring, do: call, due: within 1 day, assign: owner, outcomes: [fine]}\n"
    made = live(tmp_path, zygote, steps, "overlap: parallel\n")
    made.events(
        *(event("c1", "complaint", f"2025-03-03T1{n}:00", case_id=str(n)) for n in range(2))
    )
    told = run(made, "2025-03-03T12:00")
    first, second = actions(made)
    text = fine(made.care("tasks", "--at", "2025-03-03T12:30")).out

    assert told.endswith("2 started (p 2), 1 task, 1 joined")
    assert (first["host"], second["host"]) == (None, first["id"])
    assert "投诉后 (for 2 occurrences)" in text
    assert f"{first['id']} is open already: one task for both" in why_of(made, second["id"])
    assert f"{second['id']} goes with it: event complaint:crm:complaint-c1-" in why_of(
        made, first["id"]
    )

    said = fine(made.care("done", second["id"], "--outcome", "fine", "--at", "2025-03-03T13:00"))

    assert said.out == f"{first['id']} done: fine\n"
    assert lines(made) == ["ring done fine", "ring done fine joined"]
    assert fine(made.care("audit", "verify")).err == ""


def why_of(made: Shop, action: str) -> str:
    return fine(made.care("why", action)).out
