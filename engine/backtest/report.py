"""A backtest from its flags to what people read: the pasts that are played, the tables, the charts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.backtest.beside import beside, narrow
from engine.backtest.figures import Figures, book_rows, suppressed_rows, tables
from engine.backtest.follow import follow, followed_event
from engine.backtest.load import Load, acts_of, loads
from engine.backtest.overlap import Reach, overlaps, real_reaches
from engine.backtest.past import Played, Progress, Setting, chosen, play
from engine.backtest.people import Tasks
from engine.backtest.sandbox import Copied
from engine.grid import Column, Table, json_rows, text_table
from engine.paths import paths_of
from rules.playbook import Project, Status
from rules.units import date_of, to_iso

__all__ = ["Asked", "Report", "backtest"]

_TITLE = "回测"
_LONG = frozenset({"days"})  #: tables that are no reading: for a sheet, a script, a chart
_WIDEST = 6  #: roles and channels in one chart


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody wants to know of the past."""

    names: Sequence[str]  #: playbooks; none: those that are active
    setting: Setting
    others: bool = False  #: the other active playbooks run beside them
    then: str | None = None  #: the event that customers are followed by
    level: bool = False  #: with and without levelling
    against: Project | None = None  #: another variant of the project
    label: str = ""  #: what that one is called


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a backtest says."""

    zone: str
    first: int  #: T of the first run
    last: int  #: T of the last run
    runs: int
    assumed: Sequence[str]  #: sentences
    tables: Sequence[Table]
    loads: Sequence[Load] = field(default=())
    other_loads: Sequence[Load] = field(default=())  #: of the variant, or with levelling
    labels: tuple[str, str] = ("", "")  #: of both in charts

    def text(self) -> str:
        """Return it for the screen; the days one by one are left out."""
        parts = [f"{_TITLE} {self._span}", *(f"- {line}" for line in self.assumed)]
        shown = (text_table(table, self.zone) for table in self._narrow())
        return "\n\n".join(["\n".join(parts), *shown])

    def json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "from": to_iso(self.first, self.zone), "to": to_iso(self.last, self.zone),
            "runs": self.runs, "assumed": list(self.assumed),
            **{table.name: json_rows(table, self.zone) for table in self.tables},
        }  # fmt: skip

    def write_xlsx(self, path: Path, *, at: int) -> None:
        """Write it as a workbook, a sheet a table and one for what is assumed."""
        from engine.workbook import write_workbook  # noqa: PLC0415  slow

        write_workbook(
            path, [*self.tables, _assumptions(self.assumed)], subtitle=self._span, zone=self.zone,
            at=at,
        )  # fmt: skip

    def html(self) -> str:
        """Return it as a page that needs nothing else, with charts."""
        from engine.report_page import report_page  # noqa: PLC0415  slow

        return report_page(
            _TITLE, self._span, [*self._narrow(), _assumptions(self.assumed)], zone=self.zone,
            charts=list(self._charts()),
        )  # fmt: skip

    def _narrow(self) -> Iterator[Table]:
        return (narrow(table, self.zone) for table in self.tables if table.name not in _LONG)

    @property
    def _span(self) -> str:
        return f"{to_iso(self.first, self.zone)[:10]} 至 {to_iso(self.last, self.zone)[:10]}"

    def _charts(self) -> Iterator[str]:
        from engine.charts import Point, columns, lines  # noqa: PLC0415  slow

        for what, title in (
            ("role", "每周最忙一天: 各角色的任务"),
            ("channel", "每周: 各渠道的动作"),
        ):
            mine = sorted(
                (one for one in self.loads if one.what == what), key=lambda one: -one.total
            )
            yield lines(
                title,
                [
                    Point(label=date_of(monday).isoformat(), value=number, series=load.name or "-")
                    for load in mine[:_WIDEST]
                    for monday, number in _weeks(load, self.loads, busiest=what == "role")
                ],
            )
        others = {(one.what, one.name): one for one in self.other_loads}
        pairs = [
            (load, other)
            for load in self.loads
            if load.what == "role" and (other := others.get(("role", load.name))) is not None
        ]
        yield columns(
            "峰值",
            [
                Point(label=one.name or "-", value=one.peak[1], series=label)
                for pair in pairs
                for one, label in zip(pair, self.labels, strict=True)
            ],
        )


def backtest(project: Project, asked: Asked, progress: Progress | None = None) -> Report:
    """Play the past that was asked for and return what it says. Nothing of the project is written.

    Raises UsageError for names that do not exist, InputError where there is no log.
    """
    paths = paths_of(Path(project.root))
    mine = chosen(project, asked.names, others=asked.others)
    plain = _with(mine, levelling=False) if asked.level else mine
    pasts = [plain]
    if asked.level:
        pasts.append(_with(mine, levelling=True))
    if asked.against is not None:
        pasts.append(chosen(asked.against, asked.names, others=asked.others))
    found = []
    for index, past in enumerate(pasts):
        with play(past, paths.log, asked.setting, _part(progress, index, len(pasts))) as played:
            found.append(_look(played, asked, paths.ledger))
    first = found[0]
    levelled = found[1].figures.loads if asked.level else ()
    figures = replace(first.figures, levelled=levelled)
    runs = len(asked.setting.moments)
    shown = tables(figures, runs=runs)
    other_loads, labels = levelled, ("均衡前", "均衡后")
    if asked.against is not None:
        # what levelling does is told of this project alone: the variant was not played with it
        own = [table for table in shown if table.name == "levelling"]
        both = [table for table in shown if table.name != "levelling"]
        other = found[-1].figures
        shown = [*beside(both, tables(other, runs=runs), asked.label), *own]
        if not asked.level:
            other_loads, labels = other.loads, ("现在", asked.label)
    return Report(
        zone=project.vocabulary.timezone, first=asked.setting.moments[0],
        last=asked.setting.moments[-1], runs=runs, assumed=list(_assumed(project, asked, first)),
        tables=shown, loads=figures.loads, other_loads=other_loads, labels=labels,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What was read of a past before it was forgotten."""

    figures: Figures
    copied: Copied
    held: Mapping[int, Mapping[str, int]]


def _with(project: Project, *, levelling: bool) -> Project:
    """Return a project with levelling or without it; its decisions are of another configuration."""
    return replace(
        project, vocabulary=replace(project.vocabulary, levelling=levelling),
        config_hash=f"{project.config_hash[:-1]}{int(levelling)}",
    )  # fmt: skip


def _part(progress: Progress | None, index: int, parts: int) -> Progress | None:
    if progress is None:
        return None

    def advance(done: int, total: int | None) -> None:
        progress(index * (total or 0) + done, parts * (total or 0))

    return advance


def _look(played: Played, asked: Asked, ledger: Path) -> _Found:
    vocabulary = played.project.vocabulary
    acts = acts_of(played.draft, vocabulary)
    event = followed_event(vocabulary, asked.then, played.sandbox.counts())
    real: Sequence[Reach] = ()
    if not asked.others:
        active = {b.name for b in played.project.playbooks if b.status is Status.ACTIVE}
        quiet = {c.name for c in vocabulary.channels.values() if not c.reaches_customer}
        moments = asked.setting.moments
        real = real_reaches(ledger, moments[0], moments[-1], without=active, inside=quiet)
    figures = Figures(
        books=book_rows(played, acts), loads=loads(acts, vocabulary), levelled=(),
        suppressed=suppressed_rows(played), overlaps=overlaps(acts, real),
        followed=follow(played, event), event=event,
        people=len({act.customer for act in acts if act.reaches}),
    )  # fmt: skip
    return _Found(figures=figures, copied=played.copied, held=played.held)


_TASKS = {
    Tasks.DONE: "任务都在到期时完成",
    Tasks.AT_OPEN: "任务一打开就完成",
    Tasks.EXPIRED: "任务都没人做, 到期按 give_up 关闭",
}


def _assumed(project: Project, asked: Asked, found: _Found) -> Iterator[str]:
    """Yield the sentences without which the figures would be misread."""
    setting, zone = asked.setting, project.vocabulary.timezone
    yield "每次运行只用当时已知的数据; 第一次运行只记基线, 已在名单里的人不算进入"
    outcome = "" if setting.tasks is Tasks.EXPIRED else "; 结果取 outcomes 的第一个"
    said = [f"{step}={word}" for step, word in sorted(setting.outcomes.items())]
    given = f", 但 {', '.join(said)}" if said and outcome else ""
    yield f"{_TASKS[setting.tasks]}{outcome}{given}; ask 的答案未知; 消息都算已发送"
    yield "历史不因回测而变: 客户之后做的事, 是没有这些关怀时做的"
    if asked.against is not None:
        yield f"有两个数的格子: {asked.label} → 这里; 只有一个数的, 两边相同"
    if found.held:
        told = [
            f"{to_iso(at, zone)[:10]} {name} {count} 个"
            for at, books in sorted(found.held.items())
            for name, count in sorted(books.items())
        ]
        more = f" 等 {len(told)} 次" if len(told) > 3 else ""
        yield f"超过 per_run 的在下一次运行时视为已批准: {'; '.join(told[:3])}{more}"
    last = found.copied.last
    if not found.copied.events:
        yield "这段时间日志里没有事件: 检查 --from 和 --to"
    if last is not None and last < setting.moments[-1]:
        yield f"日志止于 {to_iso(last, zone)[:10]}, 之后没有事件"
    late, of = found.copied.late_events, found.copied.events
    if late:
        yield f"这段时间的 {of:,} 个事件中 {late:,} 个到期末还不为人知 (导入得晚), 回测看不到它们"
    late, of = found.copied.late_versions, found.copied.versions
    if late:
        yield f"{of:,} 个客户属性值中 {late:,} 个到期末还不为人知 (导入得晚), 回测看不到它们"


def _weeks(load: Load, among: Sequence[Load], *, busiest: bool) -> Iterator[tuple[int, int]]:
    """Yield (Monday, fullest day or whole of that week) of every week that any of them has."""
    weeks: dict[int, int] = {
        day - (day + 3) % 7: 0 for one in among if one.what == load.what for day in one.days
    }
    for day, number in load.days.items():
        monday = day - (day + 3) % 7
        weeks[monday] = max(weeks[monday], number) if busiest else weeks[monday] + number
    yield from sorted(weeks.items())


def _assumptions(lines: Sequence[str]) -> Table:
    return Table(
        name="assumed", title="前提", columns=[Column(name="words", title="前提", width=100)],
        rows=[{"words": line} for line in lines],
    )  # fmt: skip
