"""The task list as an Excel sheet that an ops person fills in.

Every text is written as a text, never as a formula. Cells to fill in are white; the sheet is not
locked, so that sorting and filtering work, and what comes back is checked row by row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.task_answers import NO, YES
from engine.task_columns import FINISHED, SHEET, Column, asked_heading
from engine.tasks import Task, version
from rules.playbook import Asked, AskedKind
from rules.units import day_of, to_local

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

__all__ = ["write_sheet"]

_LONGEST = 2_000  #: characters of a cell; Excel takes 32,767
_INLINE = 255  #: characters of a list that a cell can have for itself
_RANGES = 100  #: places of one drop-down list
_MOST_ON_SCALE = 20  #: marks that stand in a drop-down list
_WIDTHS = {
    Column.ID: 17, Column.CUSTOMER: 16, Column.WHAT: 22, Column.STEP: 15, Column.BRIEF: 36,
    Column.ASSIGNEE: 12, Column.OPENED: 17, Column.DUE: 17, Column.STATE: 9, Column.OUTCOME: 14,
    Column.NOTE: 30, Column.DONE_AT: 17, Column.WHO: 12, Column.VERSION: 12,
}  # fmt: skip
_HELP = (
    "怎样填写",
    "1. 在「结果」列选择结果;没有结果可选的任务选「完成」。没有选结果的行不会导入。",
    "2. 白色的单元格由您填写,灰色的只供查看;带斜线的格子这项任务不需要填写。",
    "3. 「完成时间」和「完成人」可以不填:不填则为导入的时间和导入的人。时间写成 2025-10-08 14:30。",
    "4. 可以排序、筛选、删除不需要的行、增加自己的列。请不要改动「编号」列和隐藏的版本列。",
    "5. 填好后保存,然后运行:care tasks import 文件名。有错误的行会写入另一个文件,其余的行照常导入。",
    "6. 导出之后有变动的任务(已完成、改期、换人)不会被覆盖,会在错误列中说明。",
)


@dataclass(slots=True)
class _Choice:
    """A rule for cells, and where it holds."""

    rule: dict[str, Any]
    places: list[tuple[int, int]] = field(default_factory=list)  #: row, column


def write_sheet(
    path: Path, found: Sequence[Task], *, at: int, timezone: str, business: str
) -> None:
    """Write tasks to a new workbook, in their order. ``at`` is the instant of the export.

    Raises OSError where the file can't be written.
    """
    import xlsxwriter  # noqa: PLC0415  slow

    options = {
        "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
        "in_memory": True,
    }  # fmt: skip
    book = xlsxwriter.Workbook(str(path), options)
    local = to_local(at, timezone).replace(tzinfo=None)
    book.set_properties({"title": f"{business} {SHEET}", "created": local})
    page = _Page(book, found, at=at, timezone=timezone)
    page.write()
    page.lay_out(f"{business}  {local:%Y-%m-%d %H:%M}")
    notes = book.add_worksheet("说明")
    notes.set_column(0, 0, 100)
    for row, line in enumerate(_HELP):
        notes.write_string(row, 0, line, page.formats["head" if row == 0 else "note"])
    page.sheet.activate()
    book.close()


class _Page:
    """The sheet while it is written."""

    def __init__(self, book: Workbook, found: Sequence[Task], *, at: int, timezone: str) -> None:
        self.book, self.found, self.at, self.timezone = book, found, at, timezone
        self.sheet: Worksheet = book.add_worksheet(SHEET)
        self.formats = _formats(book)
        asked = list(dict.fromkeys(item.name for task in found for item in task.step.ask))
        fixed = list(Column)
        middle = fixed.index(Column.NOTE)
        self.columns: list[Column | str] = [*fixed[:middle], *asked, *fixed[middle:]]
        self.lists: Worksheet | None = None
        self.list_count = 0
        self.choices: dict[str, _Choice] = {}

    def write(self) -> None:
        """Write the head, the rows and the rules for what may be filled in."""
        for column, name in enumerate(self.columns):
            text = str(name) if isinstance(name, Column) else asked_heading(name)
            self.sheet.write_string(0, column, text, self.formats["head"])
            width = _WIDTHS[name] if isinstance(name, Column) else max(12, _width(text) + 2)
            self.sheet.set_column(column, column, width)
        hidden = self.columns.index(Column.VERSION)
        self.sheet.set_column(hidden, hidden, _WIDTHS[Column.VERSION], None, {"hidden": True})
        for row, task in enumerate(self.found, start=1):
            self._write_task(row, task)
        for choice in self.choices.values():
            for start in range(0, len(choice.places), _RANGES):
                self._restrict(choice, choice.places[start : start + _RANGES])

    def _restrict(self, choice: _Choice, places: Sequence[tuple[int, int]]) -> None:
        (row, column), *rest = places
        others = [[r, c, r, c] for r, c in rest]
        self.sheet.data_validation(
            row, column, row, column,
            {**choice.rule, **({"other_cells": others} if others else {})},
        )  # fmt: skip

    def _write_task(self, row: int, task: Task) -> None:
        action = task.action
        texts = {
            Column.ID: action.id, Column.CUSTOMER: action.customer, Column.WHAT: task.what,
            Column.STEP: action.step, Column.BRIEF: task.told,
            Column.ASSIGNEE: action.assignee or "", Column.STATE: self._state(task),
            Column.VERSION: version(action, task.guests),
        }  # fmt: skip
        asks = {item.name: item for item in task.step.ask}
        for column, name in enumerate(self.columns):
            if name in texts:
                text = _cell(texts[Column(name)])
                self.sheet.write_string(row, column, text, self.formats["shown"])
            elif name is Column.DUE or name is Column.OPENED:
                instant = action.due_by if name is Column.DUE else action.opened_at
                local = to_local(instant or action.opens_at, self.timezone).replace(tzinfo=None)
                self.sheet.write_datetime(row, column, local, self.formats["shown time"])
            elif isinstance(name, Column):
                kind = "time" if name is Column.DONE_AT else "input"
                self.sheet.write_blank(row, column, None, self.formats[kind])
                if name is Column.OUTCOME:
                    self._choose(row, column, task.step.outcomes or (FINISHED,))
            elif name in asks:
                self._ask(row, column, asks[name])
            else:
                self.sheet.write_blank(row, column, None, self.formats["not asked"])

    def _state(self, task: Task) -> str:
        today = day_of(self.at, self.timezone)
        if task.overdue:
            return "逾期"
        return "今天到期" if day_of(task.action.due_by, self.timezone) == today else ""

    def _ask(self, row: int, column: int, asked: Asked) -> None:
        kind = "day" if asked.kind is AskedKind.DATE else "input"
        self.sheet.write_blank(row, column, None, self.formats[kind])
        match asked.kind:
            case AskedKind.CHOICE:
                self._choose(row, column, asked.choices)
            case AskedKind.YES_NO:
                self._choose(row, column, (YES, NO))
            case AskedKind.SCALE if asked.high - asked.low < _MOST_ON_SCALE:
                marks = [str(mark) for mark in range(asked.low, asked.high + 1)]
                self._choose(row, column, marks)
            case AskedKind.SCALE:
                words = f"{asked.low} 到 {asked.high} 的整数"
                rule = {"validate": "integer", "criteria": "between", "minimum": asked.low, "maximum": asked.high}  # fmt: skip
                self._rule(row, column, rule, words)
            case AskedKind.NUMBER:
                rule = {"validate": "decimal", "criteria": "between", "minimum": -1e11, "maximum": 1e11}  # fmt: skip
                self._rule(row, column, rule, "请填写数字")
            case AskedKind.DATE | AskedKind.TEXT:
                pass

    def _choose(self, row: int, column: int, words: Sequence[str]) -> None:
        """Give a cell a drop-down list: its own, or one that stands on the sheet of lists."""
        source: str | list[str] = list(words)
        short = len(",".join(words)) <= _INLINE and not any("," in word for word in words)
        key = "\x00".join(words)
        if not short and key not in self.choices:
            source = self._listed(words)
        rule = {"validate": "list", "source": source}
        self._rule(row, column, rule, "请从下拉列表中选择", key)

    def _listed(self, words: Sequence[str]) -> str:
        if self.lists is None:
            self.lists = self.book.add_worksheet("选项")
            self.lists.hide()
        column = self.list_count
        self.list_count += 1
        for row, word in enumerate(words):
            self.lists.write_string(row, column, _cell(word))
        from xlsxwriter.utility import xl_col_to_name  # noqa: PLC0415

        letter = xl_col_to_name(column, True)  # noqa: FBT003  absolute
        return f"='选项'!{letter}$1:{letter}${len(words)}"

    def _rule(
        self, row: int, column: int, rule: Mapping[str, Any], words: str, key: str = ""
    ) -> None:
        full = {**rule, "error_title": "不能这样填写", "error_message": words}
        known = self.choices.setdefault(key or words, _Choice(full))
        known.places.append((row, column))

    def lay_out(self, footer: str) -> None:
        """Freeze the head, colour what is due, make it ready for paper."""
        last, right = len(self.found), len(self.columns) - 1
        sheet = self.sheet
        sheet.freeze_panes(1, 2)
        sheet.autofilter(0, 0, max(last, 1), right)
        due = self.columns.index(Column.DUE)
        outcome = self.columns.index(Column.OUTCOME)
        if last:
            from xlsxwriter.utility import xl_rowcol_to_cell  # noqa: PLC0415

            cell = xl_rowcol_to_cell(1, due, col_abs=True)
            given = xl_rowcol_to_cell(1, outcome, col_abs=True)
            for criteria, name in (
                (f'={given}<>""', "filled"),
                (f"={cell}<NOW()", "late"),
                (f"=INT({cell})=TODAY()", "today"),
            ):
                sheet.conditional_format(
                    1, due, last, due,
                    {"type": "formula", "criteria": criteria, "format": self.formats[name],
                     "stop_if_true": True},
                )  # fmt: skip
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
        sheet.set_footer(f"&L{_cell(footer, 150).replace('&', '&&')}&R第 &P 页,共 &N 页")


def _formats(book: Workbook) -> dict[str, Format]:
    shown = {"bg_color": "#F2F2F2", "font_color": "#404040", "border": 1, "border_color": "#D9D9D9"}
    given = {"border": 1, "border_color": "#BFBFBF", "valign": "top", "text_wrap": True}
    time, day = {"num_format": "yyyy-mm-dd hh:mm"}, {"num_format": "yyyy-mm-dd"}
    top = {"valign": "top", "text_wrap": True}
    head = {
        "bold": True, "bg_color": "#1F4E78", "font_color": "#FFFFFF", "border": 1,
        "text_wrap": True, "valign": "vcenter",
    }  # fmt: skip
    return {
        "head": book.add_format(head),
        "shown": book.add_format({**shown, **top}),
        "shown time": book.add_format({**shown, **top, **time}),
        "input": book.add_format(given),
        "time": book.add_format({**given, **time}),
        "day": book.add_format({**given, **day}),
        "not asked": book.add_format({"pattern": 14, "fg_color": "#BFBFBF", "bg_color": "#F2F2F2"}),
        "note": book.add_format(top),
        "late": book.add_format({"bg_color": "#FFC7CE", "font_color": "#9C0006"}),
        "today": book.add_format({"bg_color": "#FFEB9C", "font_color": "#7F6000"}),
        "filled": book.add_format({"bg_color": "#C6EFCE", "font_color": "#006100"}),
    }


def _cell(text: str, most: int = _LONGEST) -> str:
    """Return a text as a cell can hold it."""
    sound = text.encode("utf-8", "replace").decode("utf-8")
    return sound if len(sound) <= most else sound[: most - 1] + "…"


def _width(text: str) -> int:
    return sum(2 if ord(letter) > 0x2E7F else 1 for letter in text)
