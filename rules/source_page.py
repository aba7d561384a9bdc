"""The text of one file: from bytes to lines, with places that survive repairs."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field

from rules.errors import Finding, Span

__all__ = ["MAX_BYTES", "Edit", "Page", "decode", "decode_text", "quoted"]

#: The largest file that care reads. A playbook of 60 lines has about 2,000 bytes.
MAX_BYTES = 1_000_000

#: The longest line. It also bounds the work on lines that are wrong.
MAX_LINE = 10_000

_BOMS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_SURROGATE = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")
_SAVE = "save the file as UTF-8"
#: What YAML does not take, and what cannot be seen: C0 and C1 controls, line separators that are no
#: line ends to an editor, zero-width characters (not the joiner, which emoji need), bidi overrides.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u200b\u200c\u200e\u200f\u2028-\u202e"
    "\u2060-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)
_NAMES = {
    "\x00": "NUL",
    "\u200b": "zero-width space",
    "\ufeff": "byte order mark",
    "\u2028": "line separator",
    "\u2029": "paragraph separator",
}
_TAB_INDENT = re.compile(r"[ \t]*\t[ \t]*[^\s#]")


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the characters ``start`` to ``end`` of a line; all three counted from 0."""

    line: int
    start: int
    end: int
    new: str


@dataclass(slots=True)
class Page:
    """Lines of a file that may be repaired in memory; a place is always that of the file."""

    file: str
    lines: list[str]
    columns: dict[int, list[int]] = field(
        default_factory=dict
    )  #: of edited lines only: where each character stands in the file

    def text(self) -> str:
        """Return the text as repaired so far, each line ended by a line feed."""
        return "\n".join(self.lines) + "\n"

    def size(self, lines: int | None = None) -> int:
        """Return how many characters the first lines, or all, have."""
        return sum(map(len, self.lines[:lines])) + len(self.lines[:lines])

    def line(self, line: int) -> str:
        """Return a line, or "" outside the file."""
        return self.lines[line] if 0 <= line < len(self.lines) else ""

    def span(self, line: int, col: int) -> Span:
        """Return the place in the file of a line and column of the repaired text, from 0."""
        line = min(line, len(self.lines) - 1)
        columns = self.columns.get(line)
        col = min(col, len(self.lines[line]))
        if columns is not None:
            col = columns[col]
        return Span(self.file, line + 1, col + 1)

    def edited(self, edits: tuple[Edit, ...]) -> Page:
        """Return a copy with the edits made; they may not overlap."""
        copy = Page(self.file, list(self.lines), dict(self.columns))
        lines: dict[int, list[Edit]] = {}
        for edit in edits:
            lines.setdefault(edit.line, []).append(edit)
        for line, changes in lines.items():
            old = self.lines[line]
            columns = self.columns.get(line) or list(range(len(old) + 1))
            parts: list[str] = []
            places: list[int] = []
            done = 0
            for edit in sorted(changes, key=lambda e: (e.start, e.end)):
                parts += [old[done : edit.start], edit.new]
                places += columns[done : edit.start]
                places += [columns[min(edit.start, len(old))]] * len(edit.new)
                done = edit.end
            copy.lines[line] = "".join(parts) + old[done:]
            copy.columns[line] = places + columns[done:]
        return copy


def decode(data: bytes, file: str) -> tuple[Page | None, tuple[Finding, ...]]:
    """Return what ``decode_text`` does; tabs in the indentation are reported and make it None."""
    page, findings = decode_text(data, file)
    tabs = _tabs(page) if page else ()
    return (None if tabs else page), findings + tabs


def decode_text(data: bytes, file: str) -> tuple[Page | None, tuple[Finding, ...]]:
    """Return the lines of a file, or None where it is not text in UTF-8.

    CR LF and a lone CR end a line too. Characters that nobody can see are reported and left
    out of the lines.
    """
    if len(data) > MAX_BYTES:
        size = f"{len(data) / 1_000_000:.1f} MB"
        return None, (
            Finding(
                code="file-too-large",
                message=f"the file has {size}; care reads files up to 1 MB",
                span=Span(file, 1, 1),
                hint="split it: one playbook a file",
            ),
        )
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return None, (_not_utf8(file, 1, 1, f"the file is written in {encoding}"),)
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
        line = before.count("\n") + 1
        col = len(before) - (before.rfind("\n") + 1) + 1
        return None, (_not_utf8(file, line, col, _guess(data)),)
    if len(data) >= 4 and text.count("\x00") * 3 > len(text):
        return None, (_not_utf8(file, 1, 1, "the file looks like UTF-16"),)
    page = Page(file, text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    for number, text in enumerate(page.lines):
        if len(text) > MAX_LINE:
            long = Finding(
                code="line-too-long",
                message=f"a line of {len(text):,} characters; care reads lines up to {MAX_LINE:,}",
                span=page.span(number, 0),
                hint="break it into several lines",
            )
            return None, (long,)
    return _without_unseen(page)


def _not_utf8(file: str, line: int, col: int, message: str) -> Finding:
    return Finding(code="not-utf8", message=message, span=Span(file, line, col), hint=_SAVE)


def _guess(data: bytes) -> str:
    """Say what bytes that are not UTF-8 probably are."""
    if _SURROGATE.search(data):
        return "half a character (a lone surrogate), as broken emoji leave behind"
    lenient = data.decode("utf-8", "replace")
    broken = lenient.count("�")
    if sum(char > "\x7f" for char in lenient) > 3 * broken:
        return "a broken character: these bytes are not UTF-8"
    even, odd = data[0::2].count(0), data[1::2].count(0)
    if max(even, odd) * 4 > len(data):
        return "the file looks like UTF-16"
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        pass
    else:
        if any("一" <= char <= "鿿" for char in text):
            return "the file looks like GB18030 (GBK), as Windows and Excel in China write it"
    return "the file is not UTF-8, perhaps Windows-1252 or Big5"


def _without_unseen(page: Page) -> tuple[Page, tuple[Finding, ...]]:
    """Take out what cannot be seen; report the first of each kind."""
    first: dict[str, Finding] = {}
    for number, line in enumerate(page.lines):
        if line.isascii() and line.isprintable():
            continue
        found = list(_UNSEEN.finditer(line))
        if not found:
            continue
        for match in found:
            char = match[0]
            if char not in first and len(first) < 5:
                name = _NAMES.get(char, f"U+{ord(char):04X}")
                first[char] = Finding(
                    code="control-character",
                    message=f"a character that cannot be seen ({name})",
                    span=page.span(number, match.start()),
                    hint="delete it; it often comes along when text is pasted",
                )
        columns = [i for i, char in enumerate(line) if not _UNSEEN.match(char)]
        page.lines[number] = _UNSEEN.sub("", line)
        page.columns[number] = [*columns, len(line)]
    return page, tuple(first.values())


def _tabs(page: Page) -> tuple[Finding, ...]:
    lines = [number for number, line in enumerate(page.lines) if _TAB_INDENT.match(line)]
    if not lines:
        return ()
    first = lines[0]
    more = len(lines) - 1
    others = f" (and {more} more {'line' if more == 1 else 'lines'})" if more else ""
    return (
        Finding(
            code="tab-indent",
            message=f"a tab in the indentation{others}",
            span=page.span(first, page.lines[first].index("\t")),
            hint="indent with spaces, two a level",
        ),
    )


def quoted(text: str) -> str:
    """Return text in quotes, as YAML takes it and a person writes it."""
    if '"' not in text and "\\" not in text:
        return f'"{text}"'
    return "'" + text.replace("'", "''") + "'"
