"""What makes a value harmless where it stands, Markdown as HTML, and HTML as plain text."""

from __future__ import annotations

import html
import re
from functools import cache
from html.parser import HTMLParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

__all__ = ["for_chat", "for_html", "for_line", "for_markdown", "for_plain", "html_of", "plain_of"]

_MARKS = re.compile(r"([!-/:-@\[-`{-~])")  #: what Markdown lets a backslash stand before
_WIDE = str.maketrans("<>[]*`", "＜＞［］＊｀")


def for_plain(value: str) -> str:
    """Return a value for a plain text: as it is."""
    return value


def for_line(value: str) -> str:
    """Return a value for one line: a subject, an address."""
    return " ".join(value.split())


def for_html(value: str) -> str:
    """Return a value for HTML: no tag, no way out of a quoted attribute."""
    return html.escape(value, quote=True)


def for_markdown(value: str) -> str:
    """Return a value for Markdown: every sign stands for itself, and no line begins a block."""
    lines = (" ".join(line.split()) for line in value.split("\n"))
    return _MARKS.sub(r"\\\1", "\n".join(line for line in lines if line))


def for_chat(value: str) -> str:
    """Return a value for a chat that reads some Markdown or tags: those signs are made full-width."""
    return value.translate(_WIDE)


@cache
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt  # noqa: PLC0415  slow

    return MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(
        ["table", "strikethrough"]
    )


def html_of(markdown: str) -> str:
    """Return Markdown as HTML: tags in it are text, a line end is a line end."""
    return str(_markdown().render(markdown))


def plain_of(source: str) -> str:
    """Return what a person reads of HTML: blocks on lines of their own, links with their address."""
    reader = _Plain()
    reader.feed(source)
    reader.close()
    lines = [" ".join(line.split()) for line in "".join(reader.parts).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


_SILENT = ("head", "style", "script", "title", "template")
_BLOCKS = {
    "address", "article", "blockquote", "div", "dl", "dt", "dd", "footer", "form", "header", "li",
    "main", "nav", "ol", "section", "table", "tr", "ul",
}  # fmt: skip
_APART = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "hr"}


class _Plain(HTMLParser):
    """Collects the text of HTML."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.silent = 0
        self.link = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self.silent += 1
        elif tag == "br":
            self.parts.append("\n")
        elif tag == "td":
            self.parts.append(" ")
        elif tag == "a":
            self.link = dict(attrs).get("href") or ""
        else:
            self._break(tag)
            if tag == "li":
                self.parts.append("- ")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self.silent = max(0, self.silent - 1)
        elif tag == "a":
            if self.link and self.link not in "".join(self.parts[-1:]):
                self.parts.append(f" ({self.link})")
            self.link = ""
        else:
            self._break(tag)

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.parts.append(re.sub(r"\s+", " ", data))

    def _break(self, tag: str) -> None:
        """End the line before and behind a block; paragraphs stand apart."""
        if tag in _APART:
            self.parts.append("\n\n")
        elif tag in _BLOCKS and not "".join(self.parts[-1:]).endswith("\n"):
            self.parts.append("\n")
