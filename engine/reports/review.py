"""月度回顾: what was begun and done, what came of it, for whom it went well, and what was left out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from engine.audit.report_words import GATES, REASONS, VERBS
from engine.grid import MILLION, Column, Kind, Table, share
from engine.reports.acts import DONE, REACHED, Act, Acts, Timeliness
from engine.reports.figures import figures_table
from engine.reports.goals import Trial, trials
from engine.reports.groups import groups_of
from engine.reports.proportions import difference
from engine.reports.report import Period, Report, Source
from engine.reports.review_charts import daily, goal_chart, on_time_chart, refusal_chart
from engine.revisions import Revisions
from engine.words import ActionState, JourneyState, Verb
from rules.errors import StateError

__all__ = ["review_report"]

TITLE = "月度回顾"
_FEWEST = 5  #: actions with a verdict before one thing is called better than another
_SUPPRESSED = (
    "SELECT * FROM decided WHERE run_at >= ? AND run_at < ? AND verb IN ('refused', 'skipped')"
)
_BEGUN = "SELECT * FROM journeys WHERE started_at >= ? AND started_at < ? ORDER BY started_at, id"

_WORK = (
    Column(name="opened", title="放行", kind=Kind.COUNT),
    Column(name="done", title="完成", kind=Kind.COUNT),
    Column(name="in_time", title="按时", kind=Kind.COUNT),
    Column(name="late", title="迟到", kind=Kind.COUNT),
    Column(name="missed", title="逾期未做", kind=Kind.COUNT),
    Column(name="on_time", title="按时率", kind=Kind.SHARE),
)
_BOOKS = (
    Column(name="playbook", title="剧本", width=24),
    Column(name="started", title="启动", kind=Kind.COUNT),
    Column(name="running", title="进行中", kind=Kind.COUNT),
    Column(name="finished", title="走完", kind=Kind.COUNT),
    Column(name="stopped", title="终止", kind=Kind.COUNT),
    Column(name="goals", title="达成目标", kind=Kind.COUNT),
    *_WORK,
)
_GOALS = (
    Column(name="playbook", title="剧本", width=24),
    Column(name="acted", title="执行", kind=Kind.COUNT),
    Column(name="acted_share", title="执行组达成率", kind=Kind.SHARE),
    Column(name="held", title="对照", kind=Kind.COUNT),
    Column(name="held_share", title="对照组达成率", kind=Kind.SHARE),
    Column(name="gain", title="差", kind=Kind.SHARE),
    Column(name="low", title="95% 区间下限", kind=Kind.SHARE),
    Column(name="high", title="95% 区间上限", kind=Kind.SHARE),
    Column(name="verdict", title="结论", width=22),
)
_STEPS = (
    Column(name="playbook", title="剧本", width=24),
    Column(name="step", title="步骤", width=16),
    Column(name="what", title="任务", width=20),
    Column(name="channel", title="渠道", width=10),
    *_WORK,
    Column(name="failed", title="发送失败", kind=Kind.COUNT),
    Column(name="skipped", title="跳过或取消", kind=Kind.COUNT),
)
_CHANNELS = (
    Column(name="channel", title="渠道", width=16),
    *_WORK,
    Column(name="reached", title="送达消息", kind=Kind.COUNT),
    Column(name="failed", title="发送失败", kind=Kind.COUNT),
)
_GROUPS = (
    Column(name="model", title="分层模型", width=20),
    Column(name="segment", title="分层", width=20),
    Column(name="started", title="启动", kind=Kind.COUNT),
    Column(name="aiming", title="有目标的", kind=Kind.COUNT),
    Column(name="goals", title="达成目标", kind=Kind.COUNT),
    Column(name="goal_share", title="达成率", kind=Kind.SHARE),
    *_WORK,
)
_OUTCOMES = (
    Column(name="playbook", title="剧本", width=24),
    Column(name="what", title="任务", width=20),
    Column(name="outcome", title="结果", width=18),
    Column(name="count", title="次数", kind=Kind.COUNT),
    Column(name="share", title="占比", kind=Kind.SHARE),
)
_REFUSALS = (
    Column(name="playbook", title="剧本", width=24),
    Column(name="gate", title="关口", words=GATES, width=10),
    Column(name="verb", title="决定", words=VERBS, width=10),
    Column(name="reason", title="原因", words=REASONS, width=24),
    Column(name="count", title="次数", kind=Kind.COUNT),
)
_EXTREMES = (
    Column(name="what", title="比较", width=10),
    Column(name="measure", title="指标", width=12),
    Column(name="best", title="最好", width=28),
    Column(name="best_share", title="最好数值", kind=Kind.SHARE),
    Column(name="best_n", title="最好样本数", kind=Kind.COUNT),
    Column(name="worst", title="最差", width=28),
    Column(name="worst_share", title="最差数值", kind=Kind.SHARE),
    Column(name="worst_n", title="最差样本数", kind=Kind.COUNT),
)
_GOALS_NOTE = (
    "两组用同一口径：从触发起看日志里有没有目标事件，截至报告时点。差的区间为 Newcombe 法（1998）；"
    "同一客户多次触发时区间偏窄。"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Begun:
    """A journey that began in the span."""

    id: str
    playbook: str
    title: str
    customer: str
    at: int
    state: JourneyState


def review_report(source: Source, period: Period) -> Report:
    """Return how a span went; what was begun or released in it, as it stands at T."""
    begun = _begun(source, period)
    acts = Acts(source.ledger).opened(period.since, period.until)
    found = trials(source, period)
    reached = {journey for trial in found.values() for journey in trial.reached}
    books, goals = _books(begun, acts, reached, source.at), _goals(found)
    steps, channels = _steps(acts, source.at), _channels(acts, source.at)
    aiming = {journey for trial in found.values() for journey in trial.journeys}
    groups = _groups(source, period, begun, acts, aiming, reached)
    refusals = _refusals(source, period)
    figures = figures_table(source, period)
    extremes = _extremes(books, goals, steps, channels, groups)
    tables = [
        figures,
        Table(
            name="extremes",
            title="最好与最差",
            columns=_EXTREMES,
            rows=extremes,
            note=f"样本不足 {_FEWEST} 个的不比较。",
        ),
        Table(name="playbooks", title="剧本", columns=_BOOKS, rows=books),
        Table(name="goals", title="目标与对照组", columns=_GOALS, rows=goals, note=_GOALS_NOTE),
        Table(name="steps", title="步骤", columns=_STEPS, rows=steps),
        Table(name="channels", title="渠道", columns=_CHANNELS, rows=channels),
        Table(
            name="segments",
            title="分层",
            columns=_GROUPS,
            rows=groups,
            note="客户按期末所在的分层计入。",
        ),
        Table(name="outcomes", title="任务结果", columns=_OUTCOMES, rows=_outcomes(acts)),
        Table(name="suppressed", title="没有做的，及原因", columns=_REFUSALS, rows=refusals),
    ]
    charts = [
        daily(source, period, [(one.at, one.title) for one in begun]),
        goal_chart(found),
        on_time_chart(books),
        refusal_chart(refusals),
    ]
    return Report(
        name="review", title=TITLE, when=period.words(source.zone), tables=tables, charts=charts,
        at=source.at, period=period,
    )  # fmt: skip


def _begun(source: Source, period: Period) -> list[_Begun]:
    revisions = Revisions(source.ledger)
    found = []
    for row in source.ledger.rows(_BEGUN, period.since, period.until):
        try:
            title = revisions.get(row["revision"]).title
        except StateError:
            title = ""
        found.append(
            _Begun(
                id=row["id"], playbook=row["playbook"], title=title or row["playbook"],
                customer=row["customer"], at=row["started_at"], state=JourneyState(row["state"]),
            )
        )  # fmt: skip
    return found


def _work(acts: Sequence[Act], at: int) -> dict[str, object]:
    """Return how some actions were carried out."""
    counted = Counter(act.timely(at) for act in acts)
    judged = sum(counted[word] for word in (Timeliness.IN_TIME, Timeliness.LATE, Timeliness.MISSED))
    return {
        "opened": len(acts), "done": sum(act.state in DONE for act in acts),
        "in_time": counted[Timeliness.IN_TIME], "late": counted[Timeliness.LATE],
        "missed": counted[Timeliness.MISSED], "judged": judged,
        "on_time": share(counted[Timeliness.IN_TIME], judged),
    }  # fmt: skip


def _books(
    begun: Sequence[_Begun], acts: Sequence[Act], reached: set[str], at: int
) -> list[dict[str, object]]:
    titles = {act.playbook: act.title for act in acts} | {one.playbook: one.title for one in begun}
    rows = []
    for name, title in sorted(titles.items(), key=lambda item: (item[1], item[0])):
        mine = [one for one in begun if one.playbook == name]
        states = Counter(one.state for one in mine)
        rows.append(
            {
                "playbook": title, "started": len(mine), "running": states[JourneyState.RUNNING],
                "finished": states[JourneyState.FINISHED],
                "stopped": states[JourneyState.STOPPED],
                "goals": sum(one.id in reached for one in mine),
                **_work([act for act in acts if act.playbook == name], at),
            }
        )  # fmt: skip
    return rows


#: Cases that each group needs at least: of fewer an interval may speak, and chance speaks with it.
_CONCLUSIVE = 30


def _goals(found: Mapping[str, Trial]) -> list[dict[str, object]]:
    rows = []
    for trial in found.values():
        row: dict[str, object] = {
            "playbook": trial.title, "acted": trial.acted, "held": trial.held,
            "acted_share": share(trial.acted_goals, trial.acted),
            "held_share": share(trial.held_goals, trial.held), "verdict": "没有对照组",
        }  # fmt: skip
        if trial.acted and trial.held:
            low, high = difference(trial.acted_goals, trial.acted, trial.held_goals, trial.held)
            gain = trial.acted_goals / trial.acted - trial.held_goals / trial.held
            row |= {"gain": _millionths(gain), "low": _millionths(low), "high": _millionths(high)}
            row["verdict"] = "好于对照组" if low > 0 else "差于对照组" if high < 0 else "看不出差别"
            if min(trial.acted, trial.held) < _CONCLUSIVE:
                row["verdict"] = "样本太少，不下结论"
        rows.append(row)
    return rows


def _millionths(part: float) -> int:
    return round(part * MILLION)


def _steps(acts: Sequence[Act], at: int) -> list[dict[str, object]]:
    found: dict[tuple[str, str, str, str], list[Act]] = defaultdict(list)
    for act in acts:
        found[act.title, act.step, act.what, act.channel].append(act)
    return [
        {
            "playbook": title, "step": step, "what": what, "channel": channel, **_work(mine, at),
            "failed": sum(act.state is ActionState.FAILED for act in mine),
            "skipped": sum(act.timely(at) == Timeliness.NONE for act in mine),
        }
        for (title, step, what, channel), mine in sorted(found.items())
    ]  # fmt: skip


def _channels(acts: Sequence[Act], at: int) -> list[dict[str, object]]:
    found: dict[str, list[Act]] = defaultdict(list)
    for act in acts:
        found[act.channel].append(act)
    return [
        {
            "channel": channel, **_work(mine, at),
            "reached": sum(act.state in REACHED for act in mine),
            "failed": sum(act.state is ActionState.FAILED for act in mine),
        }
        for channel, mine in sorted(found.items())
    ]  # fmt: skip


def _groups(
    source: Source,
    period: Period,
    begun: Sequence[_Begun],
    acts: Sequence[Act],
    aiming: set[str],
    reached: set[str],
) -> list[dict[str, object]]:
    customers = {one.customer for one in begun} | {act.customer for act in acts}
    rows = []
    for (model, name), inside in groups_of(source, customers, at=period.until - 1).items():
        mine = [one for one in begun if one.customer in inside]
        could = sum(one.id in aiming for one in mine)
        goals = sum(one.id in reached for one in mine)
        rows.append(
            {
                "model": model, "segment": name, "started": len(mine), "goals": goals,
                "aiming": could, "goal_share": share(goals, could),
                **_work([act for act in acts if act.customer in inside], source.at),
            }
        )  # fmt: skip
    return rows


def _outcomes(acts: Iterable[Act]) -> list[dict[str, object]]:
    found: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for act in acts:
        if act.state is ActionState.DONE and act.outcome:
            found[act.title, act.what][act.outcome] += 1
    return [
        {
            "playbook": title, "what": what, "outcome": outcome, "count": count,
            "share": share(count, counts.total()),
        }
        for (title, what), counts in sorted(found.items())
        for outcome, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]  # fmt: skip


def _refusals(source: Source, period: Period) -> list[dict[str, object]]:
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for row in source.ledger.rows(_SUPPRESSED, period.since, period.until):
        many = 1
        if row["customer"] is None:
            evidence = source.ledger.chain.told(row["link"], "evidence")
            many = evidence.get("count", 1) if isinstance(evidence, dict) else 1
        counts[row["playbook"], row["gate"], Verb(row["verb"]), row["reason"] or ""] += many
    titles = {book.name: book.title or book.name for book in source.project.playbooks}
    return [
        {
            "playbook": titles.get(name, name),
            "gate": gate,
            "verb": verb,
            "reason": reason,
            "count": count,
        }
        for (name, gate, verb, reason), count in sorted(
            counts.items(), key=lambda item: (-item[1], item[0])
        )
    ]


# -- best and worst ------------------------------------------------------------------------------


def _extremes(
    books: Sequence[Mapping[str, object]],
    goals: Sequence[Mapping[str, object]],
    steps: Sequence[Mapping[str, object]],
    channels: Sequence[Mapping[str, object]],
    groups: Sequence[Mapping[str, object]],
) -> list[dict[str, object]]:
    told = [
        ("剧本", "按时率", books, ("playbook",), "on_time", "judged"),
        ("剧本", "目标达成率", goals, ("playbook",), "acted_share", "acted"),
        ("步骤", "按时率", steps, ("playbook", "what"), "on_time", "judged"),
        ("渠道", "按时率", channels, ("channel",), "on_time", "judged"),
        ("分层", "按时率", groups, ("model", "segment"), "on_time", "judged"),
        ("分层", "目标达成率", groups, ("model", "segment"), "goal_share", "aiming"),
    ]
    rows = [_extreme(*each) for each in told]
    return [row for row in rows if row]


def _extreme(
    what: str, measure: str, rows: Sequence[Mapping[str, object]], names: Sequence[str], part: str, n: str
) -> dict[str, object]:  # fmt: skip
    """Return the best and the worst of some rows; {} where fewer than two can be compared."""
    known = [
        (value, count, " · ".join(str(row[name]) for name in names))
        for row in rows
        if isinstance(value := row[part], int)
        and isinstance(count := row[n], int)
        and count >= _FEWEST
    ]
    if len(known) < 2:
        return {}
    best = max(known, key=lambda one: (one[0], one[1], one[2]))
    worst = min(known, key=lambda one: (one[0], -one[1], one[2]))
    if best[0] == worst[0]:
        return {}
    return {
        "what": what, "measure": measure, "best": best[2], "best_share": best[0],
        "best_n": best[1], "worst": worst[2], "worst_share": worst[0], "worst_n": worst[1],
    }  # fmt: skip
