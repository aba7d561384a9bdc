"""The task sheet: written for people, filled in by people, read back row by row."""

from __future__ import annotations

import csv
import datetime as dt
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.worksheet.worksheet import Worksheet

from engine.task_columns import Column, headings
from engine.task_import import Fate, Taken, asked_names, take_results
from engine.task_return import fresh_path, write_return
from engine.task_rows import SheetRow, TaskFile, read_tasks
from engine.task_sheet import write_sheet
from rules.errors import InputError
from tests.factories import ZONE, at
from tests.office import Office, copied, open_office

EXPORTED, IMPORTED = "2025-03-03T12:30", "2025-03-03T17:00"


def clock(*parts: int) -> dt.datetime:
    """Return a time as Excel has it: without a zone."""
    return dt.datetime(*parts)  # noqa: DTZ001


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = open_office(tmp_path_factory.mktemp("office"))
    export(Office(root))
    return root


@pytest.fixture
def office(source: Path, tmp_path: Path) -> Office:
    return copied(source, tmp_path)


def export(office: Office, when: str = EXPORTED, name: str = "today.xlsx") -> Path:
    path = office.root / name
    found = office.listed(when)
    write_sheet(path, found, at=at(when), timezone=ZONE, business="测试")
    return path


class Filled:
    """The sheet as a person has it open in Excel."""

    def __init__(self, office: Office, name: str = "today.xlsx") -> None:
        self.office, self.path = office, office.root / name
        self.book = openpyxl.load_workbook(self.path)
        self.sheet: Worksheet = self.book["任务"]

    def column(self, head: str) -> int:
        """Return where a heading that begins so stands, from 1."""
        heads = [str(cell.value) for cell in self.sheet[1]]
        return next(n for n, text in enumerate(heads, 1) if text.startswith(head))

    def row(self, step: str = "ring", customer: str = "c1") -> int:
        """Return the row of a task."""
        step_at, customer_at = self.column("步骤"), self.column("客户")
        return next(
            row
            for row in range(2, self.sheet.max_row + 1)
            if self.sheet.cell(row, step_at).value == step
            and self.sheet.cell(row, customer_at).value == customer
        )

    def fill(self, step: str = "ring", customer: str = "c1", /, **cells: Any) -> int:
        """Fill in cells of a task's row by their headings, and return the row."""
        row = self.row(step, customer)
        for head, value in cells.items():
            self.sheet.cell(row, self.column(head)).value = value
        return row

    def save(self, name: str = "today.xlsx") -> Path:
        path = self.office.root / name
        self.book.save(path)
        return path

    def taken(self, when: str = IMPORTED) -> Taken:
        return take(self.office, self.save(), when)


def take(office: Office, path: Path, when: str = IMPORTED) -> Taken:
    with office.ledger() as ledger:
        file = read_tasks(path, asked_names(ledger))
        return take_results(ledger, office.project.vocabulary, file, at=at(when), who="甲")


def fates(taken: Taken) -> dict[str, int]:
    return {str(fate): count for fate, count in taken.counts.items() if fate is not Fate.EMPTY}


def words(taken: Taken) -> str:
    (row,) = taken.failed
    return row.words


# ---------------------------------------------------------------- what is written


def test_the_sheet_is_ready_to_be_filled_in(office: Office) -> None:
    """Chinese headings, a frozen head, a hidden mark, lists to choose from, print on one width."""
    filled = Filled(office)
    sheet = filled.sheet
    heads = [cell.value for cell in sheet[1]]
    hidden = [key for key, width in sheet.column_dimensions.items() if width.hidden]

    assert heads[:10] == [
        "编号", "客户", "任务", "步骤", "说明", "负责人", "开始时间", "截止时间", "状态", "结果",
    ]  # fmt: skip
    assert heads[10:16] == [
        "满意度 (satisfaction)", "原因 (reason)", "vip", "回电日期 (callback)", "记录 (note)",
        "损失 (damage)",
    ]  # fmt: skip
    assert heads[16:] == ["备注", "完成时间", "完成人", "版本(勿改)"]
    assert (sheet.freeze_panes, hidden) == ("C2", ["T"])
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert sheet.print_title_rows == "$1:$1"
    assert filled.book.sheetnames == ["任务", "说明"]


def test_each_cell_has_the_list_of_its_own_step(office: Office) -> None:
    """A call offers its outcomes; a review, which has none, offers 完成."""
    filled = Filled(office)
    lists = {
        cell: rule.formula1
        for rule in filled.sheet.data_validations.dataValidation
        for place in rule.sqref.ranges
        for cell in place.cells
    }
    outcome, mark, vip = (filled.column(head) for head in ("结果", "满意度", "vip"))

    assert lists[filled.row("ring"), outcome] == '"好,不好,no_answer"'
    assert lists[filled.row("look"), outcome] == '"完成"'
    assert lists[filled.row("ring"), mark] == '"1,2,3,4,5"'
    assert lists[filled.row("ring"), vip] == '"是,否"'
    assert (filled.row("look"), mark) not in lists


def test_times_are_times_in_the_zone_of_the_business(office: Office) -> None:
    """Due times can be sorted and coloured, since they are no texts."""
    filled = Filled(office)
    due = filled.sheet.cell(filled.row(), filled.column("截止时间"))

    assert due.value == clock(2025, 3, 5, 18, 0)
    assert due.number_format == "yyyy-mm-dd hh:mm"
    assert len(filled.sheet.conditional_formatting) == 1


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.text(max_size=40), min_size=3, max_size=12))
def test_no_text_becomes_a_formula(office: Office, texts: list[str]) -> None:
    """Whatever stands in the data stands in the sheet as a text."""
    task = office_task(office)
    found = [
        replace(
            task,
            action=replace(task.action, customer=text or "x"),
            step=replace(task.step, title=text, brief=text, outcomes=(f"={text}", "@x", "+1")),
        )
        for text in ["=1+1", "@SUM(A1)", "-2", "+3", "\t=4", *texts]
    ]
    path = office.root / "any.xlsx"
    write_sheet(path, found, at=at(EXPORTED), timezone=ZONE, business="=cmd|' /C calc'!A0")
    with zipfile.ZipFile(path) as archive:
        cells = archive.read("xl/worksheets/sheet1.xml").partition(b"<sheetData>")[2]
        strings = archive.read("xl/sharedStrings.xml")

    assert b"<f>" not in cells.partition(b"</sheetData>")[0]
    assert b"<t>=1+1</t>" in strings


def office_task(office: Office) -> Any:
    (task,) = office.listed(step="ring", customer="c1")
    return task


def test_long_lists_and_commas_stand_on_a_sheet_of_their_own(office: Office) -> None:
    """Excel has no room for a long list in a cell, and takes a comma for the next word."""
    task = office_task(office)
    many = tuple(f"outcome number {n}" for n in range(40))
    found = [
        replace(task, step=replace(task.step, outcomes=many)),
        replace(task, step=replace(task.step, outcomes=("yes, gladly", "no"))),
    ]
    path = office.root / "long.xlsx"
    write_sheet(path, found, at=at(EXPORTED), timezone=ZONE, business="测试")
    book = openpyxl.load_workbook(path)
    rules = {rule.formula1 for rule in book["任务"].data_validations.dataValidation}

    assert {"'选项'!$A$1:$A$40", "'选项'!$B$1:$B$2"} <= rules
    assert book["选项"].sheet_state == "hidden"
    assert [cell.value for cell in book["选项"]["B"]][:2] == ["yes, gladly", "no"]


# ---------------------------------------------------------------- what comes back


def test_what_was_filled_in_is_done(office: Office) -> None:
    """Outcome, answers, remark, time and person of a row are what `care done` would have written."""
    filled = Filled(office)
    filled.fill(
        结果="好", 满意度=4, 原因="价格", vip="是", 回电日期=clock(2025, 3, 20), 记录="要折扣",
        损失=12.5, 备注="谢谢", 完成时间=clock(2025, 3, 3, 15, 30), 完成人="王丽",
    )  # fmt: skip
    filled.fill("look", "c2", 结果="完成")
    assert fates(filled.taken()) == {"taken": 2}

    (row,) = office.rows("SELECT * FROM outcomes WHERE action = ?", office.id())
    assert (row["outcome"], row["note"], row["who"]) == ("好", "谢谢", "王丽")
    assert row["at"] == at("2025-03-03T15:30")
    assert row["asked"] == (
        '{"callback":20167,"damage":125000,"note":"要折扣","reason":"价格","satisfaction":40000,'
        '"vip":true}'
    )
    (other,) = office.rows("SELECT * FROM outcomes WHERE action = ?", office.id("look", "c2"))
    assert (other["outcome"], other["who"], other["at"]) == (None, "甲", at(IMPORTED))


def test_the_same_sheet_again_does_nothing(office: Office) -> None:
    """Imported twice, each result stands once."""
    filled = Filled(office)
    filled.fill(结果="好", 满意度=4)
    filled.fill("look", "c2", 结果="完成")
    filled.taken()
    before = office.counts()

    assert fates(take(office, filled.path, "2025-03-04T09:00")) == {"already": 2}
    assert office.counts() == before


@pytest.mark.parametrize(
    ("cells", "outcome", "asked"),
    [
        ({"结果": " 好 "}, "好", "{}"),
        ({"结果": "No_Answer"}, "no_answer", "{}"),
        ({"结果": "ｎｏ＿ａｎｓｗｅｒ"}, "no_answer", "{}"),
        ({"结果": "好\u200b"}, "好", "{}"),
        ({"结果": "好", "满意度": 4.0}, "好", '{"satisfaction":40000}'),
        ({"结果": "好", "满意度": "４"}, "好", '{"satisfaction":40000}'),
        ({"结果": "好", "满意度": " 4\u00a0"}, "好", '{"satisfaction":40000}'),
        ({"结果": "好", "vip": True}, "好", '{"vip":true}'),
        ({"结果": "好", "vip": "否"}, "好", '{"vip":false}'),
        ({"结果": "好", "vip": "NO"}, "好", '{"vip":false}'),
        ({"结果": "好", "回电日期": "2025/3/20"}, "好", '{"callback":20167}'),
        ({"结果": "好", "回电日期": "2025年3月20日"}, "好", '{"callback":20167}'),
        ({"结果": "好", "回电日期": dt.date(2025, 3, 20)}, "好", '{"callback":20167}'),
        ({"结果": "好", "回电日期": 45736}, "好", '{"callback":20167}'),  # a date without its format
        ({"结果": "好", "损失": "１,200.50"}, "好", '{"damage":12005000}'),
        ({"结果": "好", "损失": "50万"}, "好", '{"damage":5000000000}'),
    ],
)  # fmt: skip
def test_what_excel_and_people_make_of_cells_is_understood(
    office: Office, cells: dict[str, Any], outcome: str, asked: str
) -> None:
    """Blanks, width, capitals, numbers for texts and dates for numbers don't matter."""
    filled = Filled(office)
    filled.fill(**cells)
    assert fates(filled.taken()) == {"taken": 1}

    (row,) = office.rows("SELECT outcome, asked FROM outcomes")
    assert (row["outcome"], row["asked"]) == (outcome, asked)


@pytest.mark.parametrize(
    ("written", "when"),
    [
        (clock(2025, 3, 3, 14, 30), "2025-03-03T14:30"),
        ("2025-03-03 14:30", "2025-03-03T14:30"),
        ("2025/3/3 14:30:00", "2025-03-03T14:30"),
        ("２０２５－０３－０３　１４：３０", "2025-03-03T14:30"),
        ("2025年3月3日 14:30", "2025-03-03T14:30"),
        ("2025-03-03T14:30:00+08:00", "2025-03-03T14:30"),
        (45719.604166666664, "2025-03-03T14:30"),
        (clock(2025, 3, 3), "2025-03-03T17:00"),  # the day alone: the import is before six
        ("2025-03-03", "2025-03-03T17:00"),
        (45719, "2025-03-03T17:00"),
        (None, "2025-03-03T17:00"),
    ],
)
def test_when_it_was_done_is_understood(office: Office, written: Any, when: str) -> None:
    """A time is read in every form that Excel and people give it, in the zone of the business."""
    filled = Filled(office)
    filled.fill(结果="好", 完成时间=written)
    assert fates(filled.taken()) == {"taken": 1}

    assert [row["at"] for row in office.rows("SELECT at FROM outcomes")] == [at(when)]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"满意度": 4}, '"结果" is empty: choose 好, 不好, no_answer, or clear the row'),
        ({"备注": "明天再打"}, '"结果" is empty: choose 好, 不好, no_answer, or clear the row'),
        ({"结果": "还行"}, 'no outcome "还行" in step "ring"; known here: no_answer, 不好, 好'),
        ({"结果": "完成"}, 'no outcome "完成" in step "ring"; known here: no_answer, 不好, 好'),
        ({"结果": "好", "满意度": 9}, "satisfaction: from 1 to 5, not 9"),
        ({"结果": "好", "满意度": 4.5}, 'satisfaction: write a whole number from 1 to 5, not "4.5"'),
        ({"结果": "好", "满意度": "很好"}, 'satisfaction: write a number from 1 to 5, not "很好"'),
        ({"结果": "好", "原因": "天气"}, 'reason: "天气" is none of 价格, 质量'),
        ({"结果": "好", "vip": "maybe"}, 'vip: write yes or no, not "maybe"'),
        ({"结果": "好", "回电日期": "3/20/2025"}, 'callback: write a date like 2025-10-08, not "3/20/2025"'),
        ({"结果": "好", "损失": "#N/A"}, 'damage: write a number, not "#N/A"'),
        ({"结果": "好", "完成时间": "2025-03-05 10:00"}, '"完成时间" 2025-03-05 10:00 lies ahead'),
        ({"结果": "好", "完成时间": "gestern"}, '"完成时间" can\'t be "gestern"; write 2025-10-08 14:30'),
        ({"结果": "好", "编号": ""}, '"编号" is empty: which task is it?'),
        ({"结果": "好", "编号": "a-zzzz"}, 'no task "a-zzzz"'),
        ({"结果": "好", "客户": "c2"}, "were the cells sorted apart?"),
        ({"结果": "=A1"}, '"结果" is a formula without a value: type the value'),
    ],
)  # fmt: skip
def test_a_wrong_row_is_told_and_the_others_are_taken(
    office: Office, cells: dict[str, Any], expected: str
) -> None:
    """One row fails with one sentence; the row beside it counts."""
    filled = Filled(office)
    filled.fill(**cells)
    filled.fill("look", "c2", 结果="完成")
    taken = filled.taken()

    assert fates(taken) == {"failed": 1, "taken": 1}
    assert expected in words(taken)


def test_a_done_time_before_the_task_opened_is_refused(office: Office) -> None:
    """A call cannot have been made before there was anything to call about."""
    filled = Filled(office)
    filled.fill(结果="好", 完成时间="2025-03-03 09:00")

    assert "opened at 2025-03-03T12:00" in words(filled.taken())


def test_an_answer_that_the_step_does_not_ask_for_is_refused(office: Office) -> None:
    """The hatched cell of another step's question was filled in."""
    filled = Filled(office)
    filled.fill("look", "c1", 结果="完成", 满意度=5)

    assert words(filled.taken()) == (
        'step "look" does not ask for "满意度 (satisfaction)": clear the cell'
    )


def test_two_rows_about_one_task_must_agree(office: Office) -> None:
    """A row that was copied and changed is not decided by chance; an equal copy does no harm."""
    filled = Filled(office)
    row = filled.fill(结果="好")
    filled.sheet.append([cell.value for cell in filled.sheet[row]])
    equal = filled.sheet.max_row
    assert fates(filled.taken()) == {"taken": 1, "already": 1}

    filled = Filled(office)
    filled.fill("ring", "c2", 结果="好")
    filled.sheet.append([cell.value for cell in filled.sheet[filled.row("ring", "c2")]])
    filled.sheet.cell(equal + 1, filled.column("结果")).value = "不好"
    failed = filled.taken().failed

    assert [row.words.partition(" ")[2].partition(" ")[2] for row in failed] == [
        "is about the same task and says something else: keep one of them"
    ] * 2


# ---------------------------------------------------------------- what has changed meanwhile


@pytest.mark.parametrize(
    ("what", "more", "told"),
    [
        ("snooze", {"until": at("2025-03-10T18:00"), "why": "x"}, "it is due 2025-03-10T18:00"),
        ("assign", {"to": "赵敏"}, "赵敏's now"),
        ("finish", {"outcome": "不好"}, "the task is done with outcome 不好"),
    ],
)
def test_a_row_that_is_out_of_date_is_refused(
    office: Office, what: str, more: dict[str, Any], told: str
) -> None:
    """Somebody changed the task after the export: nothing is overwritten, the row says what."""
    office.change(what, office.id(), "2025-03-03T14:00", **more)
    filled = Filled(office)
    filled.fill(结果="好")
    taken = filled.taken()

    assert fates(taken) == {"failed": 1}
    assert told in words(taken)


def test_the_returned_copy_counts_when_the_author_has_looked(office: Office) -> None:
    """The copy has the new mark: sent back as it is, the row is taken."""
    office.change("assign", office.id(), "2025-03-03T14:00", to="赵敏")
    filled = Filled(office)
    filled.fill(结果="好")
    returned = back(office, filled.save())
    copy = Filled(office, returned.name)
    assert copy.sheet.cell(copy.row(), copy.column("错误")).value.startswith("the task has changed")

    assert fates(take(office, returned)) == {"taken": 1}


def back(office: Office, path: Path, when: str = IMPORTED) -> Path:
    """Import a file and return the copy with the errors."""
    with office.ledger() as ledger:
        file = read_tasks(path, asked_names(ledger))
        taken = take_results(ledger, office.project.vocabulary, file, at=at(when), who="甲")
    return write_return(file, taken)


def test_the_returned_copy_is_the_sheet_with_one_column_more(office: Office) -> None:
    """What was filled in, lists, colours and the author's own columns are all there."""
    filled = Filled(office)
    filled.sheet.cell(1, 22).value = "我的列"
    filled.fill(结果="好", 满意度=9)
    filled.sheet.cell(filled.row(), 22).value = "=1+1"
    filled.sheet.cell(filled.row(), 22).data_type = "s"
    filled.fill("look", "c2", 结果="完成")
    returned = back(office, filled.save())
    copy = Filled(office, returned.name)

    assert returned.name == "today.errors.xlsx"
    assert copy.column("错误") == 23
    assert copy.sheet.cell(copy.row(), 23).value == "satisfaction: from 1 to 5, not 9"
    assert copy.sheet.cell(copy.row(), 23).fill.start_color.rgb == "FFFFC7CE"
    assert copy.sheet.cell(copy.row("look", "c2"), 23).value == "已导入"
    assert copy.sheet.cell(copy.row("ring", "c3"), 23).value is None
    assert copy.sheet.cell(copy.row(), 22).data_type == "s"
    assert len(copy.sheet.data_validations.dataValidation) == 6
    assert copy.sheet.freeze_panes == "C2"


def test_returned_copies_overwrite_nothing(office: Office) -> None:
    """Each import has a copy of its own; a copy of a copy has no longer name."""
    filled = Filled(office)
    filled.fill(结果="好", 满意度=9)
    path = filled.save()
    names = [back(office, path).name, back(office, path).name]
    names.append(back(office, office.root / "today.errors.xlsx").name)

    assert names == ["today.errors.xlsx", "today.errors-2.xlsx", "today.errors-3.xlsx"]
    assert fresh_path(office.root / "other.csv").name == "other.errors.csv"


# ---------------------------------------------------------------- what people do to files


def test_columns_may_be_moved_added_and_deleted(office: Office) -> None:
    """The headings say what a column is; what is not needed may go."""
    filled = Filled(office)
    filled.fill(结果="好", 满意度=5)
    sheet = filled.sheet
    sheet.move_range(f"B1:B{sheet.max_row}", cols=25)
    sheet.delete_cols(3, 3)
    sheet.insert_cols(1)
    sheet.cell(1, 1).value = "序号"
    sheet.insert_rows(1)
    sheet.cell(1, 2).value = "三月三日任务"
    sheet.delete_rows(3)

    assert fates(filled.taken()) == {"taken": 1}


def test_headings_may_be_written_otherwise(office: Office) -> None:
    """Line breaks, blanks, width and the name alone are the same heading."""
    filled = Filled(office)
    filled.fill(结果="好", 满意度=5, 备注="谢谢")
    for head, text in (("结果", " 结\n果 "), ("满意度", "satisfaction"), ("版本", "版本（勿改）")):
        filled.sheet.cell(1, filled.column(head)).value = text

    assert fates(filled.taken()) == {"taken": 1}
    assert office.rows("SELECT asked FROM outcomes") == [{"asked": '{"satisfaction":50000}'}]


def test_a_heading_nearly_right_is_told(office: Office) -> None:
    """An answer under a heading that nobody knows is not read, and the summary says so."""
    filled = Filled(office)
    filled.sheet.cell(1, filled.column("满意度")).value = "satisfacton"
    with office.ledger() as ledger:
        file = read_tasks(filled.save(), asked_names(ledger))

    assert file.ignored == ('"satisfacton"; did you mean "satisfaction"?',)


def test_the_sheet_may_be_renamed_and_others_added(office: Office) -> None:
    """The sheet with the tasks is found by its headings."""
    filled = Filled(office)
    filled.fill(结果="好")
    filled.sheet.title = "王丽"
    filled.book.create_sheet("备忘", 0)["A1"] = "打印"

    assert fates(filled.taken()) == {"taken": 1}


def test_formulas_count_by_the_value_that_was_saved(office: Office) -> None:
    """A person wrote =2+2 in Excel, which saved 4 with it."""
    filled = Filled(office)
    row = filled.fill(结果="好")
    letter = filled.sheet.cell(row, filled.column("满意度")).coordinate
    path = filled.save()
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"].decode()
    before, _, after = sheet.partition(f'<c r="{letter}"')
    tail = after.partition("/>")
    parts["xl/worksheets/sheet1.xml"] = (
        f'{before}<c r="{letter}"><f>2+2</f><v>4</v></c>{tail[2]}'
    ).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, body in parts.items():
            archive.writestr(name, body)

    assert fates(take(office, path)) == {"taken": 1}
    assert office.rows("SELECT asked FROM outcomes") == [{"asked": '{"satisfaction":40000}'}]


def test_ids_that_excel_made_numbers_of_are_recognised(office: Office) -> None:
    """A customer 00123 that became 123 is the same one."""
    filled = Filled(office)
    row = filled.fill(结果="好")
    key = office.id()
    with office.ledger() as ledger:
        ledger.connection.execute("UPDATE actions SET customer = '00123' WHERE id = ?", [key])
    filled.sheet.cell(row, filled.column("客户")).value = 123

    assert fates(filled.taken()) == {"taken": 1}


@pytest.mark.parametrize(
    ("encoding", "mark", "line"),
    [
        ("utf-8-sig", ",", "\r\n"), ("gb18030", ",", "\r\n"), ("utf-8", ";", "\n"),
        ("utf-16", "\t", "\r\n"),
    ],
)  # fmt: skip
def test_a_csv_file_counts_too(office: Office, encoding: str, mark: str, line: str) -> None:
    """WPS and Excel save as CSV, in the encodings that they have in China."""
    filled = Filled(office)
    filled.fill(结果="好", 满意度=4.0, 备注="谢谢", 完成时间=clock(2025, 3, 3, 15, 30))
    path = office.root / "today.csv"
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, delimiter=mark, lineterminator=line)
        for row in filled.sheet.iter_rows(values_only=True):
            writer.writerow(["" if cell is None else cell for cell in row])

    assert fates(take(office, path)) == {"taken": 1}
    (row,) = office.rows("SELECT * FROM outcomes")
    assert (row["note"], row["at"], row["asked"]) == (
        "谢谢", at("2025-03-03T15:30"), '{"satisfaction":40000}',
    )  # fmt: skip


def test_the_copy_of_a_csv_file_holds_no_formula(office: Office) -> None:
    """What looks like a formula comes back with a mark before it, and is read without."""
    path = office.root / "today.csv"
    (task,) = office.listed(step="ring", customer="c1")
    rows = [["编号", "结果", "满意度", "备注", "版本"], [task.action.id, "好", "9", "=1+1", "vx"]]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(rows)
    returned = back(office, path)
    text = returned.read_text(encoding="utf-8-sig")
    with office.ledger() as ledger:
        again = read_tasks(returned, asked_names(ledger))

    assert "'=1+1" in text
    assert "satisfaction: from 1 to 5, not 9" in text
    assert again.rows[0].cells[Column.NOTE] == "=1+1"


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:2000])


def scrambled(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/worksheets/sheet1.xml"] = b"<worksheet><sheetData><row></sheetData>"
    with zipfile.ZipFile(path, "w") as archive:
        for name, body in parts.items():
            archive.writestr(name, body)


def bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/x.bin", b"0")
        archive.filelist[-1].file_size = 301 << 20  # what its directory says


def laughs(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    entities = "".join(
        f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' if n else '<!ENTITY l0 "ha">' for n in range(12)
    )
    text = parts["xl/sharedStrings.xml"].decode().partition("?>")[2]
    text = text.replace("编号", "&l11;", 1)
    parts["xl/sharedStrings.xml"] = (
        f"<?xml version='1.0'?><!DOCTYPE sst [{entities}]>{text}".encode()
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in parts.items():
            archive.writestr(name, body)


def without(head: str) -> Callable[[Path], None]:
    def edit(path: Path) -> None:
        book = openpyxl.load_workbook(path)
        heads = [str(cell.value) for cell in book["任务"][1]]
        book["任务"].delete_cols(
            next(n for n, text in enumerate(heads, 1) if text.startswith(head))
        )
        book.save(path)

    return edit


def twice(path: Path) -> None:
    book = openpyxl.load_workbook(path)
    book["任务"].cell(1, 30).value = "结果"
    book.save(path)


def renamed(path: Path) -> None:
    book = openpyxl.load_workbook(path)
    next(cell for cell in book["任务"][1] if cell.value == "结果").value = "跟进情况"
    book.save(path)


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (cut, "today.xlsx is damaged"),
        (scrambled, "today.xlsx is damaged, or no Excel workbook"),
        (bomb, "unpacks to far more than a task sheet"),
        (laughs, "today.xlsx is damaged, or no Excel workbook"),
        (without("版本"), 'has no column "版本(勿改)": put the heading back, or export again'),
        (without("编号"), 'has no column "编号"'),
        (renamed, 'has no column "结果", but 跟进情况: put the heading back'),
        (twice, 'has the column "结果" twice: delete one of them'),
        (lambda path: path.write_bytes(b""), "today.xlsx is empty"),
        (lambda path: path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)), "old Excel file"),
        (lambda path: path.write_text("name,phone\nx,1\n"), "is no task sheet: no row has"),
        (lambda path: path.write_bytes(b"\xff\x00\x81" * 50), "neither UTF-8"),
        (lambda path: path.unlink(), "can't be read: No such file"),
        (lambda path: zipfile.ZipFile(path, "w").close(), "is no Excel workbook"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_sheet_is_told_in_one_line(
    office: Office, edit: Callable[[Path], object], expected: str
) -> None:
    """Damaged, packed to explode, of another kind, without its columns: nothing is taken."""
    path = office.root / "today.xlsx"
    edit(path)
    before = office.counts()
    with pytest.raises(InputError) as error:
        take(office, path)

    assert expected in str(error.value)
    assert "\n" not in str(error.value)
    assert office.counts() == before


def test_a_file_that_is_open_elsewhere_is_read_with_a_note(office: Office) -> None:
    """Excel keeps a file ~$today.xlsx beside one that it has open."""
    (office.root / "~$today.xlsx").write_bytes(b"")
    with office.ledger() as ledger:
        file = read_tasks(office.root / "today.xlsx", asked_names(ledger))

    assert file.notes == ("today.xlsx seems to be open; what is not saved yet is not in it",)


_CELLS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["好", "完成", "5", "4.0", "2025-03-20", "45719", "45719.5", "99999", "是", "'=1"]
    ),
)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.dictionaries(
            st.sampled_from([*Column, "satisfaction", "vip", "callback", "damage", "note"]), _CELLS
        ),
        max_size=4,
    )
)
def test_any_cells_at_all_are_taken_or_refused(office: Office, rows: list[Any]) -> None:
    """Whatever stands in the rows, each has its fate and its words, and none stops the others."""
    task = office_task(office)
    cells = [
        {**row, **({Column.ID: task.action.id} if n % 2 else {})} for n, row in enumerate(rows)
    ]
    file = TaskFile(
        path=office.root / "any.xlsx", head=1, sheet="任务",
        rows=tuple(SheetRow(number=n, cells={k: v for k, v in row.items() if v}) for n, row in enumerate(cells, 2)),
    )  # fmt: skip
    with office.ledger() as ledger:
        taken = take_results(ledger, office.project.vocabulary, file, at=at(IMPORTED), who="甲")

    assert len(taken.rows) == len(file.rows)
    assert all(bool(row.words) == (row.fate is Fate.FAILED) for row in taken.rows)


def test_asked_names_do_not_hide_the_columns() -> None:
    """A step that asks for 备注 or 结果 has a heading of its own for it."""
    known = headings(["备注", "结果", "satisfaction", "满意度"])

    assert known["备注"] is Column.NOTE
    assert known["备注(回答)"] == "备注"
    assert (known["满意度"], known["满意度(satisfaction)"]) == ("满意度", "satisfaction")
