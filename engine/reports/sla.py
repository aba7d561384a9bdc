"""SLA: which steps were carried out by when they were due, and which events were answered in time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from engine.calendar import WorkingCalendar
from engine.charts import Point
from engine.due import window
from engine.grid import Column, Kind, Table, share
from engine.reports.acts import Act, Acts, Timeliness
from engine.reports.answers import answers
from engine.reports.phrases import duration_words
from engine.reports.report import Chart, Period, Report, Source
from rules.measures import Events
from rules.playbook import Due, DueForm
from rules.reporting import Limit
from rules.units import MICROS

__all__ = ["Reply", "replies_of", "sla_report"]

TITLE = "服务时效表"
_HOUR = 3_600 * MICROS
_SCALE = 10_000
_COUNTED = (
    Column(name="total", title="应完成", kind=Kind.COUNT),
    Column(name="in_time", title="按时", kind=Kind.COUNT),
    Column(name="late", title="迟到", kind=Kind.COUNT),
    Column(name="missed", title="逾期未做", kind=Kind.COUNT),
    Column(name="open", title="未到期", kind=Kind.COUNT),
    Column(name="share", title="按时率", kind=Kind.SHARE),
    Column(name="median", title="用时中位数（小时）", kind=Kind.NUMBER),
    Column(name="slowest", title="用时 90% 分位（小时）", kind=Kind.NUMBER),
)
_STEPS = (
    Column(name="playbook", title="剧本", width=22),
    Column(name="step", title="步骤", width=18),
    Column(name="what", title="任务", width=22),
    *_COUNTED,
)
_DETAILS = (
    Column(name="what", title="时限 / 步骤", width=26),
    Column(name="customer", title="客户", width=14),
    Column(name="since", title="起点", kind=Kind.INSTANT),
    Column(name="due_by", title="截止", kind=Kind.INSTANT),
    Column(name="done_at", title="完成", kind=Kind.INSTANT),
    Column(name="hours", title="超出（小时）", kind=Kind.NUMBER),
    Column(name="who", title="负责人", width=12),
    Column(name="ref", title="编号", width=20),
)
_NOTE = "按时率 = 按时 ÷ (按时 + 迟到 + 逾期未做)；未到期的不计入。"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One thing that had to follow another in time."""

    since: int
    due_by: int
    done_at: int | None
    customer: str
    ref: str
    who: str = ""

    def timely(self, at: int) -> Timeliness:
        """Return how it stands to its due time at T."""
        if self.done_at is None:
            return Timeliness.MISSED if self.due_by < at else Timeliness.OPEN
        return Timeliness.IN_TIME if self.done_at <= self.due_by else Timeliness.LATE


def sla_report(source: Source, period: Period) -> Report:
    """Return the limits of care.yaml for what began in a span, and the tasks that were due in it."""
    limits, late = [], []
    for limit in source.project.reports.limits:
        found = replies_of(source, limit, period)
        limits.append(
            {"limit": limit.title, "within": str(limit.within), **_counts(found, source.at)}
        )
        late += _details(limit.title, found, source.at)
    steps = []
    due = Acts(source.ledger).find(
        "a.kind = 'task' AND a.host IS NULL AND a.opened_at IS NOT NULL"
        " AND a.due_by >= ? AND a.due_by < ?", period.since, period.until,
    )  # fmt: skip
    for (title, step, what), acts in _by_step(due).items():
        found = _replies(acts)
        steps.append({"playbook": title, "step": step, "what": what, **_counts(found, source.at)})
        late += _details(f"{title} · {what}", found, source.at)
    note = _NOTE if limits else f"{_NOTE}care.yaml 的 reports 里还没有 limits。"
    tables = [
        Table(
            name="limits",
            title="事件时限",
            columns=_limit_columns(source.project.reports.limits),
            rows=limits,
            note=note,
        ),
        Table(name="steps", title="任务时限", columns=_STEPS, rows=steps, note=_NOTE),
        Table(name="late", title="逾期明细", columns=_DETAILS, rows=late),
    ]
    return Report(
        name="sla", title=TITLE, when=period.words(source.zone), tables=tables,
        charts=[_chart("事件时限按时率", limits, ("limit",)), _chart("任务按时率", steps, ("playbook", "what"))],
        at=source.at, period=period,
    )  # fmt: skip


def _limit_columns(limits: Sequence[Limit]) -> list[Column]:
    words = {str(limit.within): duration_words(limit.within) for limit in limits}
    return [
        Column(name="limit", title="时限", width=20),
        Column(name="within", title="要求", width=16, words=words),
        *_COUNTED,
    ]


def replies_of(source: Source, limit: Limit, period: Period) -> list[Reply]:
    """Return what began in a span and the first answer to it that is known at T, in order."""
    calendar = WorkingCalendar.of(source.project.vocabulary)
    due = Due(DueForm.WITHIN, high=limit.within)
    first, then = Events(names=limit.start), Events(names=limit.end)
    found = answers(source, first, then, limit.same, period)
    begun = {
        one.event.seq: one
        for one in source.log.events_of(found, vocabulary=source.project.vocabulary)
    }
    return [
        Reply(
            since=one.event.at, due_by=window(due, one.event.at, calendar).due_by,
            done_at=found[seq], customer=one.customer, ref=one.event.id,
        )
        for seq, one in sorted(begun.items(), key=lambda item: (item[1].event.at, item[1].event.id))
    ]  # fmt: skip


def _by_step(acts: Iterable[Act]) -> dict[tuple[str, str, str], list[Act]]:
    found: dict[tuple[str, str, str], list[Act]] = defaultdict(list)
    for act in acts:
        found[act.title, act.step, act.what].append(act)
    return dict(sorted(found.items()))


def _replies(acts: Iterable[Act]) -> list[Reply]:
    """Return tasks as replies; those that nobody had to do are left out."""
    return [
        Reply(
            since=act.opened_at if act.opened_at is not None else act.opens_at, due_by=act.due_by,
            done_at=act.closed_at if act.state == "done" else None, customer=act.customer,
            ref=act.id, who=act.assignee or "",
        )
        for act in acts
        if act.timely(act.due_by) != Timeliness.NONE
    ]  # fmt: skip


def _counts(found: Sequence[Reply], at: int) -> dict[str, object]:
    counted = Counter(one.timely(at) for one in found)
    judged = sum(counted[word] for word in (Timeliness.IN_TIME, Timeliness.LATE, Timeliness.MISSED))
    took = sorted(one.done_at - one.since for one in found if one.done_at is not None)
    return {
        "total": len(found), "in_time": counted[Timeliness.IN_TIME],
        "late": counted[Timeliness.LATE], "missed": counted[Timeliness.MISSED],
        "open": counted[Timeliness.OPEN], "share": share(counted[Timeliness.IN_TIME], judged),
        "median": _hours(median(took)) if took else None,
        "slowest": _hours(took[-(-len(took) * 9 // 10) - 1]) if took else None,
    }  # fmt: skip


def _hours(micros: float) -> int:
    """Return hours scaled by 10^4, to the nearest tenth."""
    return round(micros * 10 / _HOUR) * _SCALE // 10


def _details(what: str, found: Iterable[Reply], at: int) -> list[dict[str, object]]:
    return [
        {
            "what": what, "customer": one.customer, "since": one.since, "due_by": one.due_by,
            "done_at": one.done_at, "who": one.who, "ref": one.ref,
            "hours": _hours((at if one.done_at is None else one.done_at) - one.due_by),
        }
        for one in found
        if one.timely(at) in (Timeliness.LATE, Timeliness.MISSED)
    ]  # fmt: skip


def _chart(title: str, rows: Sequence[dict[str, object]], names: Sequence[str]) -> Chart:
    points = [
        Point(label=" · ".join(str(row[name]) for name in names), value=part / 1_000_000)
        for row in rows
        if isinstance(part := row["share"], int)
    ]
    return Chart(kind="bars", title=title, points=points, percent=True)
