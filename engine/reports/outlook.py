"""沟通计划表: what is to be done in a time to come, by whom; and what will begin by the calendar."""

from __future__ import annotations

import contextlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise

from engine.audit.report_words import STATES
from engine.calendar import WorkingCalendar
from engine.candidates import Candidate, Cursor, Look
from engine.candidates import Source as Triggered
from engine.charts import Point
from engine.detect_dates import from_dates, from_holidays
from engine.detect_every import from_rhythms
from engine.drafts import draft_of
from engine.grid import Column, Kind, Table
from engine.ledger import Ledger
from engine.reports.acts import Act, Acts
from engine.reports.phrases import trigger_words
from engine.reports.report import Chart, Period, Report, Source, day_labels, days_of
from engine.words import ActionKind
from rules.playbook import Playbook, Status, Trigger, TriggerKind
from rules.units import day_of, day_start
from rules.vocabulary import Vocabulary

__all__ = ["outlook_report"]

TITLE = "沟通计划表"
_AUTOMATIC = "自动发送"
_NAMED = 5  #: customers who are named in a line that stands for many
_COLUMNS = (
    Column(name="owner", title="负责人", width=14),
    Column(name="customer", title="客户", width=14),
    Column(name="at", title="计划时间", kind=Kind.INSTANT),
    Column(name="due_by", title="截止时间", kind=Kind.INSTANT),
    Column(name="channel", title="渠道", width=10),
    Column(name="what", title="沟通内容", width=26),
    Column(name="playbook", title="剧本", width=20),
    Column(name="state", title="状态", words=STATES, width=10),
    Column(name="overdue", title="逾期", width=8),
    Column(name="action", title="编号", width=17),
)
_COMING = (
    Column(name="day", title="日期", kind=Kind.DAY),
    Column(name="playbook", title="剧本", width=24),
    Column(name="why", title="触发", width=32),
    Column(name="customers", title="客户数", kind=Kind.COUNT),
    Column(name="first", title="客户（前几位）", width=40),
)
_NOTE = (
    "预计触发按目前的数据推算：日期、节日和定期触发；条件、频次、对照组和总则到时才判断。"
    "由事件、分群变化引起的触发无法预知。"
)

_Finder = Callable[[Look, Triggered], Iterator[Candidate]]


def outlook_report(source: Source, period: Period) -> Report:
    """Return the open and planned tasks and messages of a span, by owner, and what the calendar
    will begin in it. What is overdue stands in it too.

    The ledger is only read; the triggers are asked in a copy.
    """
    vocabulary = source.project.vocabulary
    planned = (
        period.since if period.since > source.at else 0
    )  # what a run has missed is to come, too
    acts = Acts(source.ledger).find(
        "a.host IS NULL AND (a.state = 'open' AND a.opens_at < ?"
        " OR a.state IN ('planned', 'due', 'intent') AND a.opens_at >= ? AND a.opens_at < ?)",
        period.until, planned, period.until,
    )  # fmt: skip
    rows = [_row(vocabulary, act, source.at) for act in acts]
    rows.sort(key=lambda row: (str(row["owner"]), _moment(row), str(row["action"])))
    tables = [
        Table(name="plan", title=TITLE, columns=_COLUMNS, rows=rows),
        Table(
            name="coming",
            title="预计触发",
            columns=_coming_columns(source),
            rows=_coming(source, period),
            note=_NOTE,
        ),
    ]
    owners = Counter(str(row["owner"]) for row in rows)
    points = [Point(label=name, value=n) for name, n in owners.most_common(20)]
    charts = [
        Chart(kind="bars", title="每人的沟通数", points=points),
        _by_day(source, rows, period),
    ]
    return Report(
        name="plan", title=TITLE, when=period.words(source.zone), tables=tables, charts=charts,
        at=source.at, period=period,
    )  # fmt: skip


def _row(vocabulary: Vocabulary, act: Act, at: int) -> dict[str, object]:
    late = act.kind is ActionKind.TASK and act.due_by < at
    return {
        "owner": _owner(vocabulary, act), "customer": act.customer, "at": act.opens_at,
        "due_by": act.due_by, "channel": act.channel, "what": act.what, "playbook": act.title,
        "state": act.state, "overdue": "逾期" if late else "", "action": act.id,
    }  # fmt: skip


def _moment(row: Mapping[str, object]) -> int:
    due = row["due_by"]
    assert isinstance(due, int)
    return due


def _owner(vocabulary: Vocabulary, act: Act) -> str:
    """Return who does it: the person it was given to, else whom the role falls back to."""
    if act.kind is ActionKind.MESSAGE:
        return _AUTOMATIC
    if act.assignee:
        return act.assignee
    role = vocabulary.roles.get(act.role or "")
    return role.otherwise if role else act.role or "未分配"


def _by_day(source: Source, rows: list[dict[str, object]], period: Period) -> Chart:
    counts = Counter(day_of(max(_moment(row), period.since), source.zone) for row in rows)
    points = [
        Point(label=label, value=counts[day])
        for day, label in day_labels(period, source.zone).items()
    ]
    return Chart(kind="columns", title="每天到期的沟通数", points=points if counts else [])


# -- what the calendar will begin ----------------------------------------------------------------


def _coming_columns(source: Source) -> list[Column]:
    words = {
        trigger.words: trigger_words(trigger, source.project.catalogue)
        for book in source.project.playbooks
        for trigger in book.triggers
    }
    return [replace(one, words=words) if one.name == "why" else one for one in _COMING]


def _coming(source: Source, period: Period) -> list[dict[str, object]]:
    """Return a row a day, playbook and trigger, with how many customers it may concern."""
    since = max(period.since, source.at)
    if since >= period.until:
        return []
    found: dict[tuple[int, str, str], list[str]] = defaultdict(list)
    with contextlib.closing(draft_of(source.ledger.path)) as draft:
        for book in source.project.playbooks:
            if book.status is not Status.ACTIVE:
                continue
            for trigger in book.triggers:
                for one in _candidates(source, draft, book, trigger, Period(since, period.until)):
                    day = day_of(one.entry, source.zone)
                    key = (day, book.title or book.name, trigger.words)
                    found[key].append(one.customer)
    return [
        {
            "day": day, "playbook": title, "why": words, "customers": len(customers),
            "first": "、".join(customers[:_NAMED]) + ("…" if len(customers) > _NAMED else ""),
        }
        for (day, title, words), customers in sorted(found.items())
    ]  # fmt: skip


def _candidates(
    source: Source, draft: Ledger, book: Playbook, trigger: Trigger, period: Period
) -> Iterator[Candidate]:
    """Ask a trigger of the calendar as runs to come will, with what is known today."""
    finders: Mapping[TriggerKind, _Finder] = {
        TriggerKind.DATE: from_dates,
        TriggerKind.HOLIDAY: from_holidays,
        TriggerKind.EVERY: from_rhythms,
    }
    finder = finders.get(trigger.kind)
    if finder is None:
        return
    # Of the slots of a rhythm a run sees the last one only: ask day by day.
    edges = [period.since, period.until]
    if trigger.kind is TriggerKind.EVERY:
        starts = [day_start(day, source.zone) for day in days_of(period, source.zone)][1:]
        edges = [period.since, *starts, period.until]
    seq = source.log.max_seq()
    calendar = WorkingCalendar.of(source.project.vocabulary)
    for before, end in pairwise(edges):
        look = Look(
            ledger=draft, log=source.log, vocabulary=source.project.vocabulary,
            calendar=calendar, at=end - 1, seq=seq,
        )  # fmt: skip
        cursor = Cursor(live_at=before - 1, at=before - 1, seq=seq)
        asked = Triggered(playbook=book, trigger=trigger, hash="", cursor=cursor)
        with draft.transaction():
            yield from list(finder(look, asked))
