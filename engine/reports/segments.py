"""客户分层分析表: how many customers are in which segment, what marks them, what is done with them."""

from __future__ import annotations

from engine.charts import Point
from engine.grid import Column, Kind, Table, share
from engine.reports.report import Chart, Report, Source
from engine.segments import SegmentRow, segment_table
from rules.playbook import Project
from rules.units import to_local

__all__ = ["segments_report"]

TITLE = "客户分层分析表"
_SEGMENTS = "分群"
_COLUMNS = (
    Column(name="model", title="分层模型", width=20),
    Column(name="segment", title="分层", width=24),
    Column(name="title", title="名称", width=24),
    Column(name="customers", title="客户数", kind=Kind.COUNT),
    Column(name="share", title="占比", kind=Kind.SHARE),
    Column(name="marks", title="特征", width=36),
    Column(name="strategy", title="策略", width=36),
    Column(name="playbook", title="所属剧本", width=16),
)


def segments_report(source: Source) -> Report:
    """Return every segment and class value as of T."""
    found = segment_table(source.project, source.log, at=source.at)
    rows = [_row(source.project, one) for one in found]
    population = found[0].population if found else 0
    table = Table(
        name="segments", title=TITLE, columns=_COLUMNS, rows=rows,
        note=f"共 {population:,} 位客户。分群可以重叠；同一模型的分类每位客户只有一个值。",
    )  # fmt: skip
    when = f"{to_local(source.at, source.zone):%Y-%m-%d %H:%M}"
    return Report(
        name="segments", title=TITLE, when=when, tables=[table], charts=_charts(rows), at=source.at
    )


def _row(project: Project, one: SegmentRow) -> dict[str, object]:
    model, name = _SEGMENTS, one.name
    if one.kind == "class":
        head, _, name = one.name.partition(".")
        books = {book.name: book.catalogue for book in project.playbooks}
        known = books.get(one.playbook, project.catalogue).classes
        model = known[head].title or head
    return {
        "model": model, "segment": name, "title": "" if one.title in (name, model) else one.title,
        "customers": one.customers, "share": share(one.customers, one.population),
        "marks": one.marks, "strategy": one.strategy, "playbook": one.playbook,
    }  # fmt: skip


def _charts(rows: list[dict[str, object]]) -> list[Chart]:
    models = list(dict.fromkeys(str(row["model"]) for row in rows))
    charts = []
    for model in models:
        points = [
            Point(label=str(row["title"] or row["segment"]), value=float(str(row["customers"])))
            for row in rows
            if row["model"] == model
        ]
        charts.append(Chart(kind="bars", title=f"{model}（客户数）", points=points))
    return charts
