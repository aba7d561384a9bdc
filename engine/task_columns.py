"""The columns of the task sheet, as it is written and as it is read back."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from enum import StrEnum

__all__ = [
    "ERRORS",
    "FINISHED",
    "SHEET",
    "Column",
    "asked_heading",
    "headings",
    "plain_head",
]

SHEET = "任务"  #: name of the sheet with the tasks
FINISHED = "完成"  #: the result of a task whose step has no outcomes
ERRORS = "错误"  #: heading of the column that a returned copy has


class Column(StrEnum):
    """The fixed columns by their headings. What a step asks for has a column each beside them."""

    ID = "编号"
    CUSTOMER = "客户"
    WHAT = "任务"
    STEP = "步骤"
    BRIEF = "说明"
    ASSIGNEE = "负责人"
    OPENED = "开始时间"
    DUE = "截止时间"
    STATE = "状态"
    OUTCOME = "结果"  #: the first that a person fills in; the answers stand behind it
    NOTE = "备注"
    DONE_AT = "完成时间"
    WHO = "完成人"
    VERSION = "版本(勿改)"  #: hidden: the task as it stood


#: Headings that are read as well.
_ALSO = {
    Column.ID: ("id", "任务编号", "action"),
    Column.CUSTOMER: ("customer",),
    Column.OUTCOME: ("outcome", "result"),
    Column.NOTE: ("note", "remark"),
    Column.DONE_AT: ("done at", "done_at"),
    Column.WHO: ("who",),
    Column.VERSION: ("version", "版本"),
}

#: Chinese words for names that steps often ask for.
_WORDS = {
    "satisfaction": "满意度", "nps": "推荐意愿", "score": "评分", "reason": "原因",
    "callback": "回电日期", "call_again_on": "再次致电日期", "next": "下次日期",
    "next_contact": "下次联系日期", "note": "记录", "complaint_about": "投诉内容",
    "damage": "损失", "would_recommend": "是否愿意推荐", "need": "需求", "budget": "预算",
    "amount": "金额", "feedback": "反馈", "next_step": "下一步",
}  # fmt: skip


def asked_heading(name: str) -> str:
    """Return the heading of what a step asks for: ``满意度 (satisfaction)``."""
    word = _WORDS.get(name)
    if word is not None:
        return f"{word} ({name})"
    taken = {plain_head(text) for text in headings()} | {plain_head(ERRORS)}
    return f"{name} (回答)" if plain_head(name) in taken else name


def headings(asked: Iterable[str] = ()) -> Mapping[str, Column | str]:
    """Return what each heading that is read stands for: a column, or a name that steps ask for."""
    names = list(asked)
    found: dict[str, Column | str] = {plain_head(_WORDS.get(name, name)): name for name in names}
    for name in names:
        found |= {plain_head(name): name, plain_head(asked_heading(name)): name}
    for column in Column:
        for text in (column, *_ALSO.get(column, ())):
            found[plain_head(text)] = column
    return found


def plain_head(text: str) -> str:
    """Return a heading as it is compared: width, case, blanks and line breaks don't matter."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())
