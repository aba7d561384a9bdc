"""The handbook as Markdown, with Mermaid for the flow: for GitHub, GitLab, a wiki."""

from __future__ import annotations

from collections.abc import Iterable

from engine.handbook.chapter import Chapter, Handbook
from engine.handbook.flow import Box, Lane

__all__ = ["markdown", "mermaid"]

_BOXES = {
    "act": '["{}"]', "ask": '{{{{"{}"}}}}', "note": '[/"{}"/]', "stop": '(["{}"])', "end": '(["{}"])',
}  # fmt: skip
_ESCAPED = str.maketrans({char: f"\\{char}" for char in "\\`*_[]<>#|~$"})


def markdown(book: Handbook) -> str:
    """Return the whole page; names and texts of the project are never taken for Markdown."""
    parts = [f"# {_text(book.title)}", ""]
    if len(book.chapters) > 1:
        parts += [f"- {_text(chapter.title)} (`{chapter.name}`)" for chapter in book.chapters] + [
            ""
        ]
    for file in book.left_out:
        parts += [f"> {_text(book.label('left_out', file))}", ""]
    for chapter in book.chapters:
        parts += _chapter(chapter, book)
    return "\n".join(parts).rstrip("\n") + "\n"


def _chapter(chapter: Chapter, book: Handbook) -> Iterable[str]:
    yield from (f"## {_text(chapter.title)}", "")
    yield from (f"`{chapter.name}`, {chapter.file}", "")
    yield from (f"- **{name}**: {_text(words)}" for name, words in chapter.facts if words)
    yield from ("", f"### {book.label('flow')}", "", "```mermaid")
    yield mermaid(chapter.flow, chapter.starts, book.label("end_node"))
    yield from ("```", "", f"### {book.label('steps')}", "")
    heads = [book.label(name) for name in ("number", "step", "what", "when", "who", "details")]
    yield from _table(heads, (
        [row.number, f"*{_text(row.name)}*", "", "", "", ""] if row.heading
        else [row.number, *map(_text, (row.name, row.what, row.when, row.who)),
              "<br>".join(_text(each) for each in row.details)]
        for row in chapter.rows
    ))  # fmt: skip
    if chapter.definitions:
        yield from (f"### {book.label('definitions')}", "")
        heads = [book.label(name) for name in ("name", "meaning")]
        yield from _table(heads, (list(map(_text, pair)) for pair in chapter.definitions))
    if chapter.house:
        yield from (f"### {book.label('house')}", "")
        yield from (f"- {_text(words)}" for words in chapter.house)
        yield ""


def _table(heads: list[str], rows: Iterable[list[str]]) -> Iterable[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def _text(words: str) -> str:
    return " ".join(words.translate(_ESCAPED).split())


def mermaid(lanes: tuple[Lane, ...], starts: tuple[str, ...], end: str) -> str:
    """Return a flow in the words of Mermaid."""
    chart = _Chart()
    first = chart.box("end", starts)
    chart.lines_out(chart.lanes(lanes, [(first, "", False)]), chart.box("end", (end,)))
    return "\n".join(["flowchart TD", *chart.boxes, *chart.arrows])


#: From which box an arrow comes, the words on it, and whether it is dashed.
_Way = tuple[str, str, bool]


class _Chart:
    """Collects boxes and arrows."""

    def __init__(self) -> None:
        self.boxes: list[str] = []
        self.arrows: list[str] = []
        self.names: dict[str, str] = {}  #: of boxes, by step

    def box(self, shape: str, lines: tuple[str, ...]) -> str:
        name = f"n{len(self.boxes) + 1}"
        words = "<br/>".join(_quoted(line) for line in lines)
        self.boxes.append(f"  {name}{_BOXES[shape].format(words)}")
        return name

    def lines_out(self, ways: list[_Way], to: str) -> None:
        for box, words, aside in ways:
            arrow = "-.->" if aside else "-->"
            said = f'|"{_quoted(words)}"|' if words else ""
            self.arrows.append(f"  {box} {arrow}{said} {to}")

    def lanes(self, lanes: tuple[Lane, ...], ways: list[_Way]) -> list[_Way]:
        """Draw lanes from some boxes on; return what leads out of them."""
        out: list[_Way] = []
        for lane in lanes:
            start = self.names.get(lane.after)
            here = (
                [(start, lane.words, True)]
                if start
                else [(box, words or lane.words, aside or lane.aside) for box, words, aside in ways]
            )
            for box in lane.boxes:
                here = self.step(box, here)
            out += here
        return out

    def step(self, box: Box, ways: list[_Way]) -> list[_Way]:
        name = self.names[box.step] = self.box(box.shape, box.lines)
        self.lines_out(ways, name)
        if box.shape == "stop":
            return []
        if not box.forks:
            return [(name, "", False)]
        return [way for fork in box.forks for way in self.lanes(fork, [(name, "", False)])]


def _quoted(text: str) -> str:
    return (
        text.replace("&", "&amp;").replace('"', "#quot;").replace("<", "&lt;").replace(">", "&gt;")
    )
