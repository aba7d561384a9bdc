"""客户关怀记录表: what was done for whom, what came of it, and what comes next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice

from engine.audit.report_words import JOURNEYS, REASONS, STATES
from engine.grid import Column, Kind, Table
from engine.ledger import Ledger
from engine.render import rendered
from engine.reports.acts import Act, Acts
from engine.reports.report import Period, Report, Source
from engine.words import ActionState, JourneyState, Reason
from rules.errors import StateError
from rules.templates import has_liquid

__all__ = ["care_report"]

TITLE = "客户关怀记录表"
_LONGEST = 1_000  #: characters of what was said
_CHUNK = 500
_EXPIRED = "expired"  #: outcome of a task that nobody finished
_COLUMNS = (
    Column(name="at", title="时间", kind=Kind.INSTANT),
    Column(name="customer", title="客户", width=14),
    Column(name="who", title="执行人", width=12),
    Column(name="channel", title="渠道", width=10),
    Column(name="playbook", title="剧本", width=18),
    Column(name="what", title="关怀内容", width=22),
    Column(name="content", title="说了什么", width=44, private=True),
    Column(name="state", title="状态", words=STATES, width=10),
    Column(name="outcome", title="结果", words={_EXPIRED: "逾期"}, width=12),
    Column(name="feedback", title="反馈", width=32, private=True),
    Column(name="next", title="下一步", width=22),
    Column(name="next_due", title="下一步截止", kind=Kind.INSTANT),
    Column(name="action", title="编号", width=17),
)
_OVER = (
    ActionState.DONE, ActionState.EXPIRED, ActionState.SENT, ActionState.HANDED_OVER,
    ActionState.FAILED, ActionState.UNKNOWN,
)  # fmt: skip


def care_report(source: Source, period: Period, *, pii: bool = True) -> Report:
    """Return what was carried out, or tried, in a span; one row each, the earliest first.

    Without ``pii`` texts, answers and notes are left out.
    """
    acts = Acts(source.ledger)
    states = ", ".join(f"'{state}'" for state in _OVER)
    found = acts.find(
        f"a.state IN ({states}) AND a.host IS NULL AND a.closed_at >= ? AND a.closed_at < ?",
        period.since, period.until, order="a.closed_at",
    )  # fmt: skip
    following = _following(acts, {act.journey for act in found})
    rows = [_row(source.ledger, act, following.get(act.journey), pii=pii) for act in found]
    columns = [column for column in _COLUMNS if pii or not column.private]
    table = Table(name="care", title=TITLE, columns=columns, rows=rows)
    return Report(
        name="care", title=TITLE, when=period.words(source.zone), tables=[table], at=source.at,
        period=period,
    )  # fmt: skip


def _row(ledger: Ledger, act: Act, following: Act | None, *, pii: bool) -> dict[str, object]:
    row: dict[str, object] = {
        "at": act.closed_at, "customer": act.customer, "who": act.assignee or "自动",
        "channel": act.channel, "playbook": act.title, "what": act.what, "state": act.state,
        "outcome": act.outcome, "next": _next(act, following),
        "next_due": following.due_by if following else None, "action": act.id,
    }  # fmt: skip
    if pii:
        row["content"] = _said(ledger, act)
        row["feedback"] = "; ".join(part for part in (act.answers, act.note) if part)
    return row


def _said(ledger: Ledger, act: Act) -> str:
    """Return what was said, as it was filled in when it opened; "" where that was erased."""
    told = "" if has_liquid(act.brief) else act.brief
    if act.texts:
        try:
            texts = rendered(ledger, act.id)
        except StateError:
            texts = None
        if texts is not None:
            parts = (texts.subject, texts.brief or told, texts.text)
            told = "\n".join(part.strip() for part in parts if part.strip())
    return told if len(told) <= _LONGEST else f"{told[: _LONGEST - 1]}…"


def _next(act: Act, following: Act | None) -> str:
    if following is not None:
        return following.what
    words = JOURNEYS[JourneyState(act.journey_state)]
    reason = act.journey_reason
    return f"{words}：{REASONS[Reason(reason)]}" if reason in set(Reason) else words


def _following(acts: Acts, journeys: Iterable[str]) -> Mapping[str, Act]:
    """Return journey -> its next action that is still to be done."""
    found: dict[str, Act] = {}
    names = iter(sorted(journeys))
    while part := list(islice(names, _CHUNK)):
        marks = ",".join("?" * len(part))
        for act in acts.find(
            f"a.journey IN ({marks}) AND a.state IN ('planned', 'due', 'intent', 'open')",
            *part, order="a.due_by",
        ):  # fmt: skip
            found.setdefault(act.journey, act)
    return found
