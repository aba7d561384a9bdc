"""What an auditor takes along: the actions and the decisions of a time, one a row."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.audit.report_words import GATES, JOURNEYS, KINDS, REASONS, STATES, VERBS
from engine.grid import Column, Kind
from engine.ledger import Ledger, Row
from engine.revisions import Revisions
from engine.task_answers import answer_text
from rules.errors import StateError
from rules.playbook import Do, Playbook

__all__ = ["ACTIONS", "DECISIONS", "Chosen", "rows_of"]


def _column(name: str, title: str, words: Mapping[Any, str] | None = None) -> Column:
    return Column(name=name, title=title, words=words)


def _instant(name: str, title: str) -> Column:
    return Column(name=name, title=title, kind=Kind.INSTANT)


ACTIONS: Sequence[Column] = (
    _column("action", "动作编号"),
    _column("customer", "客户"),
    _column("playbook", "剧本"),
    _column("playbook_title", "剧本名称"),
    _column("step", "步骤"),
    _column("title", "任务"),
    _column("kind", "类型", KINDS),
    _column("channel", "渠道"),
    _column("state", "状态", STATES),
    _column("reason", "原因", REASONS),
    _column("assignee", "负责人"),
    _instant("opens_at", "计划时间"),
    _instant("opened_at", "放行时间"),
    _instant("due_by", "截止时间"),
    _instant("closed_at", "结束时间"),
    _column("window", "时间依据"),
    _column("outcome", "结果"),
    _column("answers", "回答"),
    _column("note", "备注"),
    _column("trigger", "触发"),
    _instant("entry", "触发时间"),
    _instant("started_at", "启动时间"),
    _column("place", "依据的规则"),
    _column("revision", "剧本版本"),
    _column("journey", "旅程编号"),
    _column("journey_state", "旅程状态", JOURNEYS),
    Column(name="audit_entry", title="审计条目", kind=Kind.COUNT),
)

DECISIONS: Sequence[Column] = (
    _column("decision", "决定编号"),
    _instant("run_at", "运行时间"),
    _column("gate", "关口", GATES),
    _column("customer", "客户"),
    _column("playbook", "剧本"),
    _column("trigger", "触发器"),
    _column("occurrence", "触发的事"),
    _instant("entry", "触发时间"),
    _column("verb", "决定", VERBS),
    _column("reason", "原因", REASONS),
    _column("rule", "总则"),
    _column("place", "依据的规则"),
    _instant("until", "推迟到"),
    Column(name="count", title="人数", kind=Kind.COUNT),
    _column("journey", "旅程编号"),
    _column("action", "动作编号"),
    _column("revision", "剧本版本"),
    _column("config", "配置版本"),
    Column(name="audit_entry", title="审计条目", kind=Kind.COUNT),
)

_FIND_ACTIONS = """
SELECT a.*, j.trigger, j.entry, j.started_at, j.revision, j.state AS journey_state,
    coalesce(a.opened_at, a.opens_at) AS at,
    (SELECT d.link FROM decided d WHERE d.journey = j.id AND d.gate = 'start'
        AND d.customer = j.customer AND d.playbook = j.playbook) AS began
FROM actions a JOIN journeys j ON j.id = a.journey
WHERE {where} ORDER BY at, a.id
"""
_FIND_DECISIONS = "SELECT *, run_at AS at FROM decided WHERE {where} ORDER BY run_at, link"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which rows are wanted: of [since, until), of one customer, of one playbook.

    Actions count by the time at which they opened, or are to open; decisions by their run.
    """

    since: int | None = None
    until: int | None = None
    customer: str | None = None
    playbook: str | None = None

    def where(self, table: str, at: str) -> tuple[str, list[object]]:
        """Return the condition on a table, and what to bind."""
        asked = (
            (f"{at} >= ?", self.since),
            (f"{at} < ?", self.until),
            (f"{table}.customer = ?", self.customer),
            (f"{table}.playbook = ?", self.playbook),
        )
        wanted = [(clause, value) for clause, value in asked if value is not None]
        return " AND ".join(clause for clause, _ in wanted) or "1", [v for _, v in wanted]


def rows_of(ledger: Ledger, columns: Sequence[Column], chosen: Chosen) -> Iterator[dict[str, Any]]:
    """Yield the rows of a report, the earliest first: instants in µs, closed words as they are."""
    if columns is ACTIONS:
        return _actions(ledger, chosen)
    return _decisions(ledger, chosen)


def _actions(ledger: Ledger, chosen: Chosen) -> Iterator[dict[str, Any]]:
    revisions = Revisions(ledger)
    where, values = chosen.where("a", "coalesce(a.opened_at, a.opens_at)")
    for row in ledger.rows(_FIND_ACTIONS.format(where=where), *values):
        book, step = _step(revisions, row)
        yield {
            "action": row["id"], "customer": row["customer"], "playbook": row["playbook"],
            "playbook_title": book.title if book else "", "step": row["step"],
            "title": step.title or (book.title if book else "") if step else "",
            "kind": row["kind"], "channel": row["channel"], "state": row["state"],
            "reason": row["reason"], "assignee": row["assignee"], "opens_at": row["opens_at"],
            "opened_at": row["opened_at"], "due_by": row["due_by"],
            "closed_at": row["closed_at"], "window": row["words"], "outcome": row["outcome"],
            "answers": _answers(step, row["asked"]), "note": row["note"],
            "trigger": row["trigger"], "entry": row["entry"], "started_at": row["started_at"],
            "place": ledger.chain.told(row["began"], "place") if row["began"] else None,
            "revision": row["revision"], "journey": row["journey"],
            "journey_state": row["journey_state"], "audit_entry": row["link"],
        }  # fmt: skip


def _step(revisions: Revisions, row: Row) -> tuple[Playbook | None, Do | None]:
    try:
        book = revisions.with_step(row["revision"], row["step"])
    except (KeyError, StateError):
        return None, None
    step = book.step(row["step"])
    return book, step if isinstance(step, Do) else None


def _answers(step: Do | None, asked: str | None) -> str:
    known = {item.name: item for item in step.ask} if step else {}
    return "; ".join(
        f"{name}={answer_text(known[name], value) if name in known else value}"
        for name, value in (json.loads(asked) if asked else {}).items()
    )


def _decisions(ledger: Ledger, chosen: Chosen) -> Iterator[dict[str, Any]]:
    where, values = chosen.where("decided", "run_at")
    for row in ledger.rows(_FIND_DECISIONS.format(where=where), *values):
        told = {name: ledger.chain.told(row["link"], name) for name in _APART}
        evidence = told.pop("evidence") or {}
        assert isinstance(evidence, dict)
        yield {
            "decision": row["id"], "run_at": row["run_at"], "gate": row["gate"],
            "customer": row["customer"], "playbook": row["playbook"], "trigger": row["trigger"],
            "occurrence": row["occurrence"], "verb": row["verb"], "reason": row["reason"],
            "until": row["until"], "count": evidence.get("count"), "journey": row["journey"],
            "action": row["action"], "config": evidence.get("config"),
            "audit_entry": row["link"], **told,
        }  # fmt: skip


_APART = ("revision", "entry", "rule", "place", "evidence")  #: what stands in the chain only
