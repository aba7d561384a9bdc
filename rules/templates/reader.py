"""A file below ``templates/``: its head (subject, attachments), its text, the files it renders.

::

    Subject: 您好，{{ customer.name | default: "客户" }}
    Attachments: files/prices.pdf, files/map.png

    您好 ...

The head may stand between two lines ``---``. It is no YAML: a colon in a subject needs no quotes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from rules.errors import Finding, Level, Span, did_you_mean
from rules.source_page import Page, decode_text
from rules.templates.study import Study, study
from rules.templates.text import Text, TextKind

__all__ = ["Reader", "Source", "Wanted", "kind_of", "wanted_of"]

FOLDER = "templates/"
LONGEST = 100_000  #: characters of a text
_ENDINGS = {
    ".md": TextKind.MARKDOWN, ".markdown": TextKind.MARKDOWN, ".html": TextKind.HTML,
    ".htm": TextKind.HTML,
}  # fmt: skip
_KEYS = {
    "subject": "subject",
    "主题": "subject",
    "attachments": "attachments",
    "附件": "attachments",
}
_LINE = re.compile(r"(\w+)[ \t]*[:：][ \t]*(.*?)\s*$")
_FENCE = "---"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A variable that a file prints or asks, with its place."""

    name: str
    span: Span
    bare: bool = False  #: printed, with nothing to stand in where it is unknown
    value: str | None = None  #: a text in quotes that it is compared with
    sign: str = ""  #: how: ``==``, ``contains`` ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What one file says. ``text`` is None where it has an error."""

    text: Text | None
    wanted: tuple[Wanted, ...] = ()  #: of the files that it renders as well
    findings: tuple[Finding, ...] = ()
    renders: tuple[str, ...] = ()  #: files that it puts in, theirs included


@dataclass(slots=True)
class Reader:
    """Reads the texts of a project, each once."""

    load: Callable[[str], bytes | None]  #: the bytes of a file of the project; None: not there
    names: Callable[[], list[str]]  #: all files below templates/, without the folder
    known: dict[str, Source] = field(default_factory=dict)

    def read(self, file: str) -> Source:
        """Return what a file says, which has to be there."""
        return self._read(file, ())

    def _read(self, file: str, above: tuple[str, ...]) -> Source:
        if file not in self.known:
            data = self.load(FOLDER + file)
            assert data is not None, file
            self.known[file] = _File(self, file, above).read(data)
        return self.known[file]

    def part(self, file: str, above: tuple[str, ...]) -> tuple[Source | None, str, str]:
        """Return a file that another renders; else None, what is wrong, and what to write."""
        if _outside(file):
            return None, f'"{file}" is no file below {FOLDER}', "write the name alone: signature.md"
        if file in above:
            return None, f"{file} renders itself", "take one of them out"
        if file not in self.known and self.load(FOLDER + file) is None:
            message = f"there is no file {FOLDER}{file}"
            return None, message, did_you_mean(file, self.names())
        return self._read(file, above), "", ""


def wanted_of(found: Study, span: Callable[[int], Span]) -> list[Wanted]:
    """Return what a source asks for, each at its place in a file."""
    uses = [Wanted(name=use.name, span=span(use.at), bare=use.bare) for use in found.uses]
    return uses + [
        Wanted(name=each.name, span=span(each.at), value=each.value, sign=each.sign)
        for each in found.comparisons
    ]


def _outside(path: str) -> bool:
    """Tell whether a path may lead out of its folder, or to a hidden file."""
    parts = path.split("/")
    return (
        "\\" in path
        or ":" in path
        or any(part.startswith(("~", ".")) or not part for part in parts)
    )


def kind_of(file: str) -> TextKind:
    """Return how a file is written, by its ending."""
    name = file.lower()
    return next((kind for end, kind in _ENDINGS.items() if name.endswith(end)), TextKind.PLAIN)


@dataclass(slots=True)
class _Part:
    """A subject or body, and where it stands in the file."""

    source: str
    line: int  #: 1-based
    col: int = 1

    def span(self, file: str, at: int) -> Span:
        before = self.source[:at]
        line = before.count("\n")
        col = at - (before.rfind("\n") + 1)
        return Span(file, self.line + line, col + (self.col if line == 0 else 1))


@dataclass(slots=True)
class _File:
    """The reading of one file."""

    reader: Reader
    name: str
    above: tuple[str, ...]
    findings: list[Finding] = field(default_factory=list)
    wanted: list[Wanted] = field(default_factory=list)
    renders: list[str] = field(default_factory=list)

    def read(self, data: bytes) -> Source:
        page, found = decode_text(data, FOLDER + self.name)
        self.findings += found
        if page is None:
            return self._source(None)
        if page.size() > LONGEST:
            message = f"the text is longer than {LONGEST:,} characters"
            self._tell(Span(FOLDER + self.name, 1, 1), "file-too-large", message)
            return self._source(None)
        subject, attachments, body = self._head(page)
        if not body.source.strip():
            message = "there is no text in it"
            self._tell(body.span(FOLDER + self.name, 0), "empty-file", message)
        text = Text(
            file=self.name, kind=kind_of(self.name), body=self._filled(body),
            subject=self._filled(subject) if subject else "", attachments=attachments,
        )  # fmt: skip
        return self._source(text)

    def _source(self, text: Text | None) -> Source:
        sound = not any(each.level is Level.ERROR for each in self.findings)
        names = tuple(sorted({each.name for each in self.wanted}))
        return Source(
            text=replace(text, names=names) if text and sound else None,
            wanted=tuple(dict.fromkeys(self.wanted)),
            findings=tuple(dict.fromkeys(self.findings)),
            renders=tuple(dict.fromkeys(self.renders)),
        )

    # The head

    def _head(self, page: Page) -> tuple[_Part | None, tuple[str, ...], _Part]:
        """Return subject, attachments and body."""
        lines = page.lines
        fenced = lines[0].rstrip() == _FENCE
        at = 1 if fenced else 0
        found: dict[str, tuple[int, int, str]] = {}
        while at < len(lines) and lines[at].rstrip() != _FENCE:
            line = _LINE.match(lines[at])
            key = _KEYS.get(line[1].lower()) if line else None
            if line is not None and key is not None:
                found[key] = (at + 1, line.start(2) + 1, line[2])
            elif not fenced:
                break
            elif lines[at].strip():
                message = f'the head of a text has no key "{lines[at].strip()[:40]}"'
                hint = f"write Subject: ..., Attachments: ..., or {_FENCE} below the head"
                self._tell(Span(FOLDER + self.name, at + 1, 1), "unknown-key", message, hint)
                break
            at += 1
        if fenced and at == len(lines):
            message = "the head of the text is not closed"
            hint = f"write {_FENCE} below it"
            self._tell(Span(FOLDER + self.name, 1, 1), "bad-text", message, hint)
        elif fenced or (found and not page.line(at).strip()):
            at += 1
        row, col, text = found.get("subject", (0, 0, ""))
        attachments = self._attachments(*found["attachments"]) if "attachments" in found else ()
        return _Part(text, row, col) if text else None, attachments, _body(lines, at)

    def _attachments(self, line: int, col: int, text: str) -> tuple[str, ...]:
        found = []
        for item in re.finditer(r"[^,，\[\]]+", text):
            path = item[0].strip()
            span = Span(FOLDER + self.name, line, col + item.start())
            if not path:
                continue
            if _outside(path):
                message = f'the attachment "{path}" is not a file inside of the project'
                hint = "write its path in the project: files/prices.pdf"
                self._tell(span, "unknown-attachment", message, hint)
            elif self.reader.load(path) is None:
                self._tell(span, "unknown-attachment", f"there is no file {path}")
            else:
                found.append(path)
        return tuple(found)

    # The text

    def _filled(self, part: _Part) -> str:
        """Take in what a part says; return it with the files that it renders put in."""
        file = FOLDER + self.name
        found = study(part.source)
        for fault in found.faults:
            level = Level.WARNING if fault.warning else Level.ERROR
            self._tell(part.span(file, fault.at), fault.code, fault.message, fault.hint, level)
        self.wanted += wanted_of(found, lambda at: part.span(file, at))
        text = part.source
        for start, end, name in reversed(found.renders):
            text = text[:start] + self._rendered(name, part.span(file, start)) + text[end:]
        if len(text) > LONGEST:
            message = (
                f"with the files that it renders the text is longer than {LONGEST:,} characters"
            )
            self._tell(part.span(file, 0), "file-too-large", message)
            return ""
        return text

    def _rendered(self, name: str, span: Span) -> str:
        source, message, hint = self.reader.part(name, (*self.above, self.name))
        if source is None:
            self._tell(span, "unknown-template", message, hint)
            return ""
        self.findings += source.findings
        self.wanted += source.wanted
        self.renders += [name, *source.renders]
        if source.text is None:
            return ""
        if source.text.kind not in (TextKind.PLAIN, kind_of(self.name)):
            message = f"{name} is written as {source.text.kind.value}, {self.name} is not"
            self._tell(span, "bad-text", message)
        return source.text.body.removesuffix("\n")

    def _tell(
        self, span: Span, code: str, message: str, hint: str = "", level: Level = Level.ERROR
    ) -> None:
        found = Finding(level=level, code=code, message=message, hint=hint, span=span)
        self.findings.append(found)


def _body(lines: list[str], first: int) -> _Part:
    return _Part("\n".join(lines[first:]), first + 1)
