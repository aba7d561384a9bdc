"""Reports as text, JSON, workbook and page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.charts import bars, columns, lines
from engine.grid import json_rows, text_table
from engine.report_page import report_page
from engine.reports.report import Chart, Report
from engine.workbook import write_workbook
from rules.units import to_iso, to_local

__all__ = ["page_of", "report_json", "report_text", "write_sheets"]

_MOST = 200  #: rows of a table on the screen
_DRAWN = {"bars": bars, "columns": columns, "lines": lines}


def report_text(report: Report, zone: str, *, business: str) -> str:
    """Return a report for the screen; long tables are cut, and say so."""
    head = (
        f"{business} · {report.title} · {report.when}"
        if business
        else f"{report.title} · {report.when}"
    )
    return "\n\n".join([head, *(text_table(table, zone, most=_MOST) for table in report.tables)])


def report_json(report: Report, zone: str) -> dict[str, Any]:
    """Return a report as plain values: times as ISO text, shares as parts of 1."""
    period = report.period
    return {
        "report": report.name, "title": report.title,
        "as_of": to_iso(report.at, zone),
        "from": to_iso(period.since, zone) if period else None,
        "to": to_iso(period.until, zone) if period else None,
        "tables": {table.name: json_rows(table, zone) for table in report.tables},
    }  # fmt: skip


def page_of(report: Report, zone: str, *, business: str) -> str:
    """Return a report as a page of HTML with its charts."""
    return report_page(
        report.title, f"{business} {report.when}".strip(), report.tables, zone=zone,
        charts=[_drawn(chart) for chart in report.charts],
        foot=f"截至 {to_local(report.at, zone):%Y-%m-%d %H:%M}（{zone}）",
    )  # fmt: skip


def _drawn(chart: Chart) -> str:
    return _DRAWN[chart.kind](chart.title, chart.points, percent=chart.percent)


def write_sheets(path: Path, report: Report, zone: str, *, business: str) -> None:
    """Write a report as a workbook with one sheet a table. Raises InputError and OSError."""
    write_workbook(
        path, report.tables, subtitle=f"{business} {report.when}".strip(), zone=zone, at=report.at
    )
