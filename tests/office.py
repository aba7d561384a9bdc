"""A project with open tasks, made once and copied for each test that works on them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from engine.calendar import WorkingCalendar
from engine.task_changes import Changed, TaskChanges
from engine.tasks import Task, tasks
from tests.factories import ZONE, Shop, at, event, profile
from tests.zygote import Zygote

__all__ = ["BOOK", "Office", "copied", "open_office"]

BOOK = """\
title: 投诉后
trigger: {event: complaint}
steps:
  - step: ring
    title: 回访电话
    do: call
    due: within 2 working days
    assign: owner
    brief: 致歉并确认结果
    outcomes: [好, 不好, no_answer]
    ask: {satisfaction: 1 to 5, reason: [价格, 质量], vip: yes_no, callback: date, note: text, damage: number}
    if_overdue: [{escalate: boss, after: 4 working hours}, {escalate: owner, after: 2 working days}]
  - {step: look, from: entry, do: review, due: within 1 day, assign: boss}
  - {step: later, from: ring, do: call, due: between 3 and 5 working days, assign: owner}
  - {step: back, from: ring.callback, do: letter}
"""
_PEOPLE = {"c1": "王丽", "c2": "王丽", "c3": "李强"}


class Office(Shop):
    """The copy of one test: customers c1 to c4, each with a call and a review open since 3 March
    2025, 12:00; due on the 5th at 18:00 and on the 4th at 10:00.
    """

    def __init__(self, root: Path) -> None:
        self.root, self.through, self._files = root, None, 100

    def change(self, what: str, action: str, when: str, **given: Any) -> Changed:
        """Make one change in this process."""
        if what == "reopen":
            given["calendar"] = WorkingCalendar.of(self.project.vocabulary)
        with self.ledger() as ledger, ledger.transaction():
            changed: Changed = getattr(TaskChanges(ledger, ZONE), what)(
                action, at=at(when), **given
            )
        return changed

    def id(self, step: str = "ring", customer: str = "c1", turn: int = 1) -> str:
        """Return the id of an action."""
        (row,) = self.rows(
            "SELECT id FROM actions WHERE step = ? AND customer = ? AND turn = ?",
            step, customer, turn,
        )  # fmt: skip
        return str(row["id"])

    def listed(self, when: str = "2025-03-03T12:00", **given: Any) -> list[Task]:
        """Return the tasks that the list has."""
        with self.ledger() as ledger:
            return tasks(ledger, at=at(when), **given)


def open_office(root: Path) -> Path:
    """Make the project that is copied."""
    made = Shop(root, p=BOOK)
    made.events(event("c0", "visit", "2025-02-01T10:00"))
    made.customers(*(profile(key, "2025-02-01", manager=name) for key, name in _PEOPLE.items()))
    made.run("2025-03-03T08:00")
    made.events(
        *(event(f"c{n}", "complaint", "2025-03-03T10:00", case_id=str(n)) for n in range(1, 5))
    )
    made.run("2025-03-03T12:00")
    return root


def copied(source: Path, root: Path, zygote: Zygote | None = None) -> Office:
    """Return a copy of the project; with ``zygote`` the program runs through it."""
    shutil.copytree(source, root, dirs_exist_ok=True)
    office = Office(root)
    office.through = zygote
    return office
