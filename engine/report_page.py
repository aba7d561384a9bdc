"""Tables and charts as one page of HTML: for a mail, a ticket, a printer. Nothing is fetched by it."""

from __future__ import annotations

import html
from collections.abc import Sequence

from engine.grid import Column, Kind, Table, cell_text
from engine.page import STYLE

__all__ = ["report_page"]

_STYLE = """
body { max-width: 76rem; }
.sub { color: #63676d; margin-bottom: 1rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .875rem; margin: .5rem 0 .25rem; }
th, td { border: 1px solid #d5d8dc; padding: .25rem .55rem; text-align: left; vertical-align: top; }
th { background: #eef1f5; font-weight: 600; white-space: nowrap; }
tbody tr:nth-child(even) { background: #f8f9fb; }
td { overflow-wrap: anywhere; min-width: 2.5rem; max-width: 26rem; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.t { white-space: nowrap; }
.note { color: #63676d; font-size: .85rem; }
.charts { display: flex; flex-wrap: wrap; gap: 1rem 2rem; }
figure { margin: .75rem 0; max-width: 100%; break-inside: avoid; }
figure svg { max-width: 100%; height: auto; }
figcaption { font-weight: 600; font-size: .9rem; margin-bottom: .3rem; }
.legend { font-size: .8rem; margin: 0 0 .2rem; }
.legend span { margin-right: 1rem; } .legend i { display: inline-block; width: .7em; height: .7em;
  margin-right: .35em; border-radius: 2px; }
@media print { @page { size: A4 landscape; margin: 12mm; } body { font-size: 12px; }
  .wide { overflow: visible; } thead { display: table-header-group; } tr { break-inside: avoid; } }
""".strip()


def report_page(
    title: str,
    subtitle: str,
    tables: Sequence[Table],
    *,
    zone: str,
    charts: Sequence[str] = (),
    foot: str = "",
) -> str:
    """Return a report as HTML that needs nothing else. ``charts`` are of ``engine.charts``.

    All texts are shown as they are; nothing of them is taken for HTML.
    """
    drawn = "\n".join(chart for chart in charts if chart)
    body = [f'<div class="charts">\n{drawn}\n</div>'] if drawn else []
    several = len(tables) > 1 or any(table.title != title for table in tables)
    body += [_table(table, zone, headed=several) for table in tables]
    footer = f"\n<footer>{html.escape(foot)}</footer>" if foot else ""
    return (
        '<!DOCTYPE html>\n<html lang="zh-CN">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>\n{STYLE}\n{_STYLE}\n</style>\n</head>\n"
        f'<body>\n<h1>{html.escape(title)}</h1>\n<p class="sub">{html.escape(subtitle)}</p>\n'
        + "\n".join(body)
        + f"{footer}\n</body>\n</html>\n"
    )


def _table(table: Table, zone: str, *, headed: bool) -> str:
    parts = [f"<h2>{html.escape(table.title)}</h2>"] if headed else []
    if table.rows:
        kinds = [_class(column) for column in table.columns]
        heads = "".join(
            f"<th{kind}>{html.escape(column.title)}</th>"
            for kind, column in zip(kinds, table.columns, strict=True)
        )
        lines = "\n".join(
            "<tr>"
            + "".join(
                f"<td{kind}>{html.escape(cell_text(column, row.get(column.name), zone))}</td>"
                for kind, column in zip(kinds, table.columns, strict=True)
            )
            + "</tr>"
            for row in table.rows
        )
        parts.append(
            f'<div class="wide"><table>\n<thead><tr>{heads}</tr></thead>\n'
            f"<tbody>\n{lines}\n</tbody>\n</table></div>"
        )
    else:
        parts.append("<p>(没有)</p>")
    if table.note:
        parts.append(f'<p class="note">{html.escape(table.note)}</p>')
    return "\n".join(parts)


def _class(column: Column) -> str:
    if column.numeric:
        return ' class="n"'
    return ' class="t"' if column.kind in (Kind.INSTANT, Kind.DAY) else ""
