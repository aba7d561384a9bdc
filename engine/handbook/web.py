"""The handbook as one page of HTML with the flows drawn; nothing is fetched by it."""

from __future__ import annotations

import html
from collections.abc import Iterable

from engine.handbook.chapter import Chapter, Handbook, Row
from engine.handbook.drawing import svg
from engine.handbook.tongue import Tongue
from engine.page import STYLE

__all__ = ["web_page"]

_STYLE = """
body { max-width: 68rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.25rem; margin-top: 2.5rem; } h3 { font-size: 1rem; margin: 1.2rem 0 .4rem; }
nav { columns: 18rem; margin: 1rem 0; } nav a { display: block; color: #1f5fae; text-decoration: none; padding: .1rem 0; }
.file { color: #63676d; font-size: .85rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; margin: .6rem 0; }
dt { color: #63676d; } dd { margin: 0; overflow-wrap: anywhere; }
.flow { overflow-x: auto; border: 1px solid #e3e6ea; border-radius: 6px; padding: .8rem; text-align: center; }
.flow svg { max-width: 100%; height: auto; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; width: 100%; }
th, td { border: 1px solid #d5d8dc; padding: .3rem .55rem; text-align: left; vertical-align: top; }
th { background: #eef1f5; white-space: nowrap; } .steps td:nth-child(-n+2), td:first-child { white-space: nowrap; } .steps td:nth-child(5) { min-width: 5.5rem; }
td { overflow-wrap: break-word; } td p { margin: 0 0 .15rem; }
.steps tr.way td { background: #fff6e0; font-weight: 600; white-space: normal; }
.left { color: #8a1c1c; }
@media print { @page { margin: 14mm; } body { font-size: 12px; } h2 { break-before: page; }
  .flow { border: 0; overflow: visible; } .flow svg { max-width: 100%; height: auto; } tr { break-inside: avoid; } }
""".strip()


def web_page(book: Handbook) -> str:
    """Return the whole page; all texts are shown as they are, nothing of them is taken for HTML."""
    lang = "zh-CN" if book.tongue is Tongue.ZH else "en"
    title = html.escape(book.title)
    return (
        f'<!DOCTYPE html>\n<html lang="{lang}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\n{STYLE}\n{_STYLE}\n</style>\n</head>\n"
        f"<body>\n<h1>{title}</h1>\n" + "\n".join(_body(book)) + "\n</body>\n</html>\n"
    )


def _body(book: Handbook) -> Iterable[str]:
    if len(book.chapters) > 1:
        links = "".join(
            f'<a href="#{html.escape(chapter.name)}">{html.escape(chapter.title)}</a>'
            for chapter in book.chapters
        )
        yield f"<nav>{links}</nav>"
    for file in book.left_out:
        yield f'<p class="left">{html.escape(book.label("left_out", file))}</p>'
    for chapter in book.chapters:
        yield from _chapter(chapter, book)
    yield f"<footer>{html.escape(book.label('made'))}</footer>"


def _chapter(chapter: Chapter, book: Handbook) -> Iterable[str]:
    yield f'<section id="{html.escape(chapter.name)}">\n<h2>{html.escape(chapter.title)}</h2>'
    yield f'<p class="file">{html.escape(chapter.name)} · {html.escape(chapter.file)}</p>'
    facts = "".join(
        f"<dt>{html.escape(name)}</dt><dd>{html.escape(words)}</dd>"
        for name, words in chapter.facts
        if words
    )
    yield f"<dl>{facts}</dl>"
    drawn = svg(chapter.flow, chapter.starts, book.label("end_node"), chapter.title)
    yield f'<h3>{html.escape(book.label("flow"))}</h3>\n<div class="flow">{drawn}</div>'
    yield f"<h3>{html.escape(book.label('steps'))}</h3>"
    names = ("number", "step", "what", "when", "who", "details")
    yield _table("steps", [book.label(name) for name in names], map(_row, chapter.rows))
    if chapter.definitions:
        yield f"<h3>{html.escape(book.label('definitions'))}</h3>"
        heads = [book.label("name"), book.label("meaning")]
        yield _table("words", heads, (f"<tr>{_cells(pair)}</tr>" for pair in chapter.definitions))
    if chapter.house:
        yield f"<h3>{html.escape(book.label('house'))}</h3>"
        yield f"<ul>{''.join(f'<li>{html.escape(each)}</li>' for each in chapter.house)}</ul>"
    yield "</section>"


def _row(row: Row) -> str:
    if row.heading:
        return (
            f'<tr class="way"><td>{html.escape(row.number)}</td>'
            f'<td colspan="5">{html.escape(row.name)}</td></tr>'
        )
    details = "".join(f"<p>{html.escape(each)}</p>" for each in row.details)
    cells = _cells((row.number, row.name, row.what, row.when, row.who))
    return f"<tr>{cells}<td>{details}</td></tr>"


def _cells(words: Iterable[str]) -> str:
    return "".join(f"<td>{html.escape(each)}</td>" for each in words)


def _table(kind: str, heads: list[str], rows: Iterable[str]) -> str:
    head = "".join(f"<th>{html.escape(each)}</th>" for each in heads)
    body = "\n".join(rows)
    return (
        f'<div class="wide"><table class="{kind}">\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody>\n</table></div>"
    )
