"""`care audit export`: what was done and decided, one row each, and no formula among them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from engine.audit.report import ACTIONS, DECISIONS, Chosen, Column, rows_of
from engine.audit.report_files import write_csv, write_json, write_xlsx
from engine.audit.report_words import GATES, JOURNEYS, KINDS, REASONS, STATES, VERBS
from engine.words import ActionKind, ActionState, JourneyState, Reason, Verb
from tests.factories import ZONE, Shop, at, event, profile

HOSTILE = ("=1+1", "+49 30", "-5", "@SUM(A1)", "＝1+1", "'=1", "c1")
NOTE = '=HYPERLINK("http://example.com";"看")'
BOOK = (
    "title: =投诉\ntrigger: {event: complaint}\nexcept: {size: above 100}\n"
    "steps:\n  - {step: ring, title: 回访, do: call, due: within 2 days, assign: owner,"
    " ask: {score: 1 to 5}}\n  - {step: mail, do: letter, due: now}\n"
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop whose customers have names that sheet programs would compute."""
    made = Shop(tmp_path_factory.mktemp("report"), p=BOOK)
    made.events(event("c0", "visit", "2025-02-01T10:00"))
    made.customers(profile("c9", "2025-01-01", size=200))
    made.run("2025-03-01T08:00")
    made.events(
        *(event(name, "complaint", "2025-03-03T10:00", case_id=NOTE) for name in (*HOSTILE, "c9"))
    )
    made.run("2025-03-03T12:00")
    made.done("ring", "2025-03-04T09:00", "=1+1", asked={"score": "4"}, note=NOTE)
    made.run("2025-03-05T08:00")
    return made


def rows(made: Shop, columns: Any = ACTIONS, **chosen: Any) -> list[dict[str, Any]]:
    with made.ledger() as ledger:
        return list(rows_of(ledger, columns, Chosen(**chosen)))


def as_csv(made: Shop, columns: Any) -> list[list[str]]:
    text = io.StringIO(newline="")
    with made.ledger() as ledger:
        write_csv(text, columns, rows_of(ledger, columns, Chosen()), ZONE)
    text.seek(0)
    return list(csv.reader(text))


def test_an_action_is_told_in_one_row(made: Shop) -> None:
    """Who, what, when, by which rule, with what result: the row of a task that was done."""
    (row,) = rows(made, customer="=1+1", since=at("2025-03-01"), until=at("2025-03-03T13:00"))

    told = {name: row[name] for name in ("step", "title", "state", "note", "answers", "place")}
    assert told == {
        "step": "ring", "title": "回访", "state": "done", "note": NOTE, "answers": "score=4",
        "place": "playbooks/p.yaml:4:10",
    }  # fmt: skip
    assert (row["entry"], row["opened_at"]) == (at("2025-03-03T10:00"), at("2025-03-03T12:00"))
    assert (row["closed_at"], row["assignee"]) == (at("2025-03-04T09:00"), "客户成功组")


def test_a_decision_about_many_is_one_row_with_its_count(made: Shop) -> None:
    """Those whom `except` refused stand in one row, with their number and the reason."""
    (row,) = [row for row in rows(made, DECISIONS) if row["customer"] is None]

    assert (row["verb"], row["reason"], row["count"]) == ("refused", "except", 1)


@pytest.mark.parametrize(
    ("chosen", "count"),
    [
        ({"since": at("2025-03-04")}, 1),
        ({"until": at("2025-03-04")}, 7),
        ({"until": at("2025-03-03T12:00")}, 0),
        ({"since": at("2025-03-03T12:00")}, 8),
        ({"customer": "c1"}, 1),
        ({"playbook": "q"}, 0),
    ],
)
def test_rows_are_chosen_by_time_customer_and_playbook(
    made: Shop, chosen: dict[str, Any], count: int
) -> None:
    """From is inside, to is not; an action counts by the time at which it opened."""
    assert len(rows(made, **chosen)) == count


def test_no_cell_of_a_csv_is_a_formula(made: Shop) -> None:
    """Whatever customers are called and people write: no cell begins as a formula does."""
    cells = [
        cell for table in (ACTIONS, DECISIONS) for line in as_csv(made, table) for cell in line
    ]

    assert {cell[0] for cell in cells if cell} & set("=+-@\t\r\n＝＋－＠") == set()
    assert {f"'{name}" for name in HOSTILE[:-1]} <= set(cells)
    assert f"'{NOTE}" in cells


def test_a_workbook_holds_texts_and_times(made: Shop, tmp_path: Path) -> None:
    """In Excel every text is a text, times are times of the business zone, and nothing computes."""
    path = tmp_path / "r.xlsx"
    with made.ledger() as ledger:
        sheets = {"动作": (ACTIONS, rows_of(ledger, ACTIONS, Chosen()))}
        counts = write_xlsx(path, sheets, ZONE)
    sheet = load_workbook(path)["动作"]
    head, *lines = sheet.iter_rows()
    titles = [cell.value for cell in head]
    found = {line[titles.index("客户")].value: line for line in lines}

    assert counts == {"动作": 8}
    assert {cell.data_type for line in lines for cell in line} <= {"s", "d", "n"}
    assert set(found) == set(HOSTILE)
    cell = found["+49 30"][titles.index("放行时间")].value
    assert f"{cell:%Y-%m-%d %H:%M}" == "2025-03-03 12:00"
    assert found["+49 30"][titles.index("状态")].value == "待办"


def test_json_has_names_and_instants_for_programs(made: Shop) -> None:
    """JSON keeps the ledger's own words, and instants with the offset of the business zone."""
    text = io.StringIO()
    with made.ledger() as ledger:
        write_json(text, ACTIONS, rows_of(ledger, ACTIONS, Chosen(customer="-5")), ZONE)
    (row,) = json.loads(text.getvalue())

    assert (row["customer"], row["state"], row["kind"]) == ("-5", "open", "task")
    assert row["opened_at"] == "2025-03-03T12:00:00+08:00"
    assert list(row) == [column.name for column in ACTIONS]


def test_every_closed_word_has_a_chinese_one() -> None:
    """A state, reason or verb that is new gets its word in the sheets."""
    assert set(STATES) == set(ActionState)
    assert set(KINDS) == set(ActionKind)
    assert set(JOURNEYS) == set(JourneyState)
    assert set(VERBS) == set(Verb)
    assert set(REASONS) == set(Reason)


def test_every_gate_has_a_chinese_word(made: Shop) -> None:
    """The gates that decisions name are told in the sheets too."""
    assert {row["gate"] for row in rows(made, DECISIONS)} <= set(GATES)


def test_headings_are_told_apart() -> None:
    """No two columns of a report share a heading or a name."""

    def double(columns: Any) -> bool:
        names: list[Column] = list(columns)
        return len({c.title for c in names}) < len(names) or len({c.name for c in names}) < len(
            names
        )

    assert not double(ACTIONS)
    assert not double(DECISIONS)
