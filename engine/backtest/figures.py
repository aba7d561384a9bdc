"""What a backtest tells, as tables: starts, load, noes, overlap, and how customers went on."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.audit.report_words import GATES, REASONS, VERBS
from engine.backtest.follow import SPANS, Followed
from engine.backtest.load import Act, Load
from engine.backtest.overlap import NEAR, Overlap
from engine.backtest.past import Played
from engine.grid import Column, Kind, Table, share
from engine.words import ActionKind, JourneyState, Verb
from rules.playbook import Status

__all__ = ["Figures", "book_rows", "suppressed_rows", "tables"]

#: Noes that a person wants to see; that an event closed a step is none.
_NOES = (Verb.REFUSED, Verb.SKIPPED, Verb.DEFERRED, Verb.HELD)

_COUNT = Kind.COUNT

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What was found in one past."""

    books: Sequence[Row]
    loads: Sequence[Load]
    levelled: Sequence[Load]  #: the loads of roles with levelling; empty where it was not asked
    suppressed: Sequence[Row]
    overlaps: Sequence[Overlap]
    followed: Sequence[Followed]
    event: str  #: that customers are followed by; "" for none
    people: int  #: customers that anything reached


def book_rows(played: Played, acts: Sequence[Act]) -> list[Row]:
    """Return a row a playbook that was active, in the project's order."""
    found: dict[str, Row] = {}
    for row in played.draft.rows(
        "SELECT playbook, state, goal, count(*) AS n, count(DISTINCT customer) AS c FROM journeys"
        " GROUP BY 1, 2, 3"
    ):
        mine = found.setdefault(row["playbook"], Counter())
        mine["started"] += row["n"]
        mine["goals"] += row["n"] if row["goal"] else 0
        mine["stopped"] += row["n"] if row["state"] == JourneyState.STOPPED else 0
    reached: dict[str, set[str]] = {}
    for act in acts:
        mine = found.setdefault(act.playbook, Counter())
        mine["tasks" if act.human else "messages"] += 1
        if act.reaches:
            reached.setdefault(act.playbook, set()).add(act.customer)
    for row in played.draft.rows(
        "SELECT playbook, count(*) AS n FROM actions WHERE kind = ? AND state = 'expired'"
        " AND host IS NULL GROUP BY 1",
        ActionKind.TASK,
    ):
        found.setdefault(row["playbook"], Counter())["expired"] += row["n"]
    for over in played.held.values():
        for name in over:
            found.setdefault(name, Counter())["held"] += 1
    names = [book.name for book in played.project.playbooks if book.status is Status.ACTIVE]
    return [
        {
            "playbook": name, "customers": len(reached.get(name, ())),
            **{key: found.get(name, {}).get(key, 0) for key in _BOOK},
        }
        for name in names
    ]  # fmt: skip


_BOOK = ("started", "tasks", "messages", "expired", "goals", "stopped", "held")


def suppressed_rows(played: Played) -> list[Row]:
    """Return how often what was not done, by playbook, gate and reason; the most frequent first."""
    rows = played.draft.rows(
        "SELECT playbook, gate, reason, verb, count(*) AS n, count(DISTINCT customer) AS c"
        " FROM decided WHERE customer IS NOT NULL AND reason IS NOT NULL AND verb IN (?, ?, ?, ?)"
        " GROUP BY 1, 2, 3, 4",
        *_NOES,
    )
    found: dict[tuple[str, str, str, str], list[int]] = {}
    for row in rows:
        found[row["playbook"], row["gate"], row["reason"], row["verb"]] = [row["n"], row["c"]]
    many = played.draft.rows(
        "SELECT playbook, gate, reason, verb, evidence FROM decisions"
        " WHERE customer IS NULL AND verb IN (?, ?, ?, ?)",
        *_NOES,
    )
    for row in many:  # one row for many customers, and one for all of a playbook that is held
        key = (row["playbook"], row["gate"], row["reason"], row["verb"])
        counts = found.setdefault(key, [0, 0])
        counts[0] += json.loads(row["evidence"])["count"]
    return [
        {
            "playbook": playbook, "gate": gate, "reason": reason, "verb": verb, "count": count,
            "customers": customers or None,
        }
        for (playbook, gate, reason, verb), (count, customers) in sorted(
            found.items(), key=lambda item: (-item[1][0], item[0])
        )
    ]  # fmt: skip


def tables(figures: Figures, *, runs: int) -> list[Table]:
    """Return all tables, those without rows too."""
    found = [_books(figures, runs), _load(figures), _days(figures)]
    if figures.levelled:
        found.append(_levelling(figures))
    return [*found, _suppressed(figures), _overlap(figures), _followed(figures)]


def _books(figures: Figures, runs: int) -> Table:
    columns = [
        Column(name="playbook", title="剧本"),
        Column(name="started", title="启动", kind=_COUNT),
        Column(name="customers", title="触达客户", kind=_COUNT),
        Column(name="tasks", title="任务", kind=_COUNT),
        Column(name="messages", title="消息", kind=_COUNT),
        Column(name="expired", title="过期未做", kind=_COUNT),
        Column(name="goals", title="达成目标", kind=_COUNT),
        Column(name="stopped", title="提前终止", kind=_COUNT),
        Column(name="held", title="超限暂停(次)", kind=_COUNT),
    ]
    note = f"{runs} 次运行; 合计触达客户 {figures.people} 人"
    return Table(name="playbooks", title="剧本", columns=columns, rows=figures.books, note=note)


_LOAD = (
    Column(name="what", title="", words={"role": "角色", "channel": "渠道"}),
    Column(name="name", title="名称"),
    Column(name="total", title="总数", kind=_COUNT),
    Column(name="days", title="有事的天数", kind=_COUNT),
    Column(name="capacity", title="每日容量", kind=_COUNT),
    Column(name="peak", title="峰值", kind=_COUNT),
    Column(name="peak_day", title="峰值日", kind=Kind.DAY),
    Column(name="over", title="超容量天数", kind=_COUNT),
)


def _load(figures: Figures) -> Table:
    rows = [_load_row(load) for load in figures.loads]
    note = "任务按打开的工作日计; 容量见 care.yaml 的 roles"
    return Table(name="load", title="负荷与峰值", columns=_LOAD, rows=rows, note=note)


def _load_row(load: Load) -> Row:
    day, number = load.peak
    return {
        "what": load.what, "name": load.name or "(无角色)", "total": load.total,
        "days": len(load.days), "capacity": load.capacity, "peak": number, "peak_day": day,
        "over": None if load.capacity is None else len(load.over),
    }  # fmt: skip


def _days(figures: Figures) -> Table:
    columns = [
        Column(name="day", title="日期", kind=Kind.DAY),
        *(column for column in _LOAD[:2]),
        Column(name="count", title="数量", kind=_COUNT),
        Column(name="capacity", title="每日容量", kind=_COUNT),
    ]
    rows = [
        {
            "day": day, "what": load.what, "name": load.name or "(无角色)", "count": number,
            "capacity": load.capacity,
        }
        for load in figures.loads
        for day, number in sorted(load.days.items())
    ]  # fmt: skip
    return Table(name="days", title="逐日负荷", columns=columns, rows=rows)


def _levelling(figures: Figures) -> Table:
    columns = [
        Column(name="role", title="角色"),
        Column(name="capacity", title="每日容量", kind=_COUNT),
        Column(name="peak", title="均衡前峰值", kind=_COUNT),
        Column(name="peak_day", title="峰值日", kind=Kind.DAY),
        Column(name="over", title="均衡前超容量天数", kind=_COUNT),
        Column(name="level_peak", title="均衡后峰值", kind=_COUNT),
        Column(name="level_peak_day", title="峰值日", kind=Kind.DAY),
        Column(name="level_over", title="均衡后超容量天数", kind=_COUNT),
    ]
    after = {load.name: _load_row(load) for load in figures.levelled if load.what == "role"}
    rows = []
    for load in figures.loads:
        if load.what != "role" or load.capacity is None:
            continue
        row = _load_row(load)
        level = after.get(load.name, {})
        rows.append(
            {
                "role": load.name, **{key: row[key] for key in ("capacity", "peak", "peak_day", "over")},
                **{f"level_{key}": level.get(key) for key in ("peak", "peak_day", "over")},
            }
        )  # fmt: skip
    note = "" if rows else "没有角色写了 capacity, 无从均衡"
    return Table(name="levelling", title="任务均衡", columns=columns, rows=rows, note=note)


def _suppressed(figures: Figures) -> Table:
    columns = [
        Column(name="playbook", title="剧本"),
        Column(name="gate", title="关口", words=GATES),
        Column(name="verb", title="结果", words=_VERBS),
        Column(name="reason", title="原因", words=_REASONS),
        Column(name="count", title="次数", kind=_COUNT),
        Column(name="customers", title="客户", kind=_COUNT),
    ]  # fmt: skip
    note = "按分群一并拒绝的, 每次运行都计一次"
    return Table(
        name="suppressed", title="没有做的事", columns=columns, rows=figures.suppressed, note=note
    )


_VERBS = {str(verb): word for verb, word in VERBS.items()}
_REASONS = {str(reason): f"{word} {reason}" for reason, word in REASONS.items()}


def _overlap(figures: Figures) -> Table:
    columns = [
        Column(name="playbook", title="剧本"),
        Column(name="other", title="另一剧本"),
        Column(name="real", title="来自", words={"ledger": "真实台账", "backtest": "本次回测"}),
        Column(name="customers", title="同时触达的客户", kind=_COUNT),
        Column(name="times", title="次数", kind=_COUNT),
    ]
    rows = [
        {
            "playbook": one.playbook, "other": one.other,
            "real": "ledger" if one.real else "backtest", "customers": one.customers,
            "times": one.times,
        }
        for one in figures.overlaps
    ]  # fmt: skip
    note = f"{NEAR} 天之内都触达了同一客户"
    return Table(name="overlap", title="与其他剧本重叠", columns=columns, rows=rows, note=note)


def _followed(figures: Figures) -> Table:
    columns = [
        Column(name="playbook", title="剧本"),
        Column(name="group", title="组", words={"care": "关怀组", "holdout": "对照组"}),
        Column(name="entries", title="进入", kind=_COUNT),
    ]
    for days in SPANS:
        columns += [
            Column(name=f"seen_{days}", title=f"满 {days} 天", kind=_COUNT),
            Column(name=f"share_{days}", title=f"{days} 天内有 {figures.event}", kind=Kind.SHARE),
        ]
    rows = [_followed_row(one) for one in figures.followed]
    return Table(
        name="followed", title="之后如何", columns=columns, rows=rows, note=_proof(figures)
    )


def _followed_row(one: Followed) -> Row:
    row: Row = {
        "playbook": one.playbook, "group": "holdout" if one.held_out else "care",
        "entries": one.entries,
    }  # fmt: skip
    for days, (seen, hits) in one.of.items():
        row |= {f"seen_{days}": seen, f"share_{days}": share(hits, seen)}
    return row


def _proof(figures: Figures) -> str:
    if not figures.event:
        return "没有可跟踪的事件: 用 --then 指定一个"
    if any(one.held_out for one in figures.followed):
        return "回测里没有人真正被关怀: 两组的差别只说明名单如何, 不是关怀的效果"
    return "没有对照组 (holdout): 这不能证明关怀的效果, 只说明名单上的客户后来如何"
