"""Mistakes that YAML swallows in silence: it reads something, and it is not what was meant."""

from __future__ import annotations

import re
from dataclasses import dataclass

from yaml.events import Event, ScalarEvent

from rules.errors import Finding, Level
from rules.nodes import Node, Scalar
from rules.source_page import Edit, Page, quoted

__all__ = [
    "LIST_KEYS",
    "TEXT_KEYS",
    "EnoughError",
    "Mistake",
    "Silent",
    "end_of",
    "has_text",
    "short",
    "start_of",
    "symbol_words",
    "value_text",
]

#: Mistakes that are looked for in one text; a wrong file of a megabyte has a hundred thousand.
ENOUGH = 200

#: Keys whose values are read by people only.
TEXT_KEYS = frozenset({"title", "brief", "strategy", "marks", "business", "owner", "note"})
#: Keys that hold a list of mappings.
LIST_KEYS = frozenset(
    {"steps", "then", "else", "choose", "rules", "routing", "caps", "stop_when", "values", "trigger", "all", "any"}
)  # fmt: skip

_SYMBOL = re.compile(r"(>=|=>|<=|=<|!=|<>|==|>|<|=|≥|≤|≠|＞|＜)\s*(.*)", re.DOTALL)
_WORDS = {
    ">": "above", ">=": "at least", "=>": "at least", "≥": "at least", "＞": "above",
    "<": "below", "<=": "at most", "=<": "at most", "≤": "at most", "＜": "below",
    "!=": "not", "<>": "not", "≠": "not", "=": "", "==": "",
}  # fmt: skip
_CUT = re.compile(r"\s+#(\w)")
_KEY_WIDE = re.compile(r"\s*([A-Za-z_][\w.]*|\S+?(?=：\s*[{\[｛【]))：\s*")
_KEY_TIGHT = re.compile(r"\s*([^\W\d]\w*):(?=[^\s:/])")
_NEXT_KEY = re.compile(r"，\s*[A-Za-z_]\w*\s*[:：]")
_WRAPPED = {"“": "”", "‘": "’", "”": "”", "「": "」", "【": "】", "［": "］", "｛": "｝"}
_ASCII = {"【": "[", "】": "]", "［": "[", "］": "]", "｛": "{", "｝": "}", "，": ", ", "：": ": "}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """What is wrong, and how the reader goes on as if it were right."""

    finding: Finding
    edits: tuple[Edit, ...] = ()


def symbol_words(text: str) -> str:
    """Return ``above 3`` for ``>3``, or "" for a text that begins with no comparison symbol."""
    match = _SYMBOL.fullmatch(text.strip())
    if match is None:
        return ""
    return f"{_WORDS[match[1]]} {match[2].strip() or 'V'}".strip()


class EnoughError(Exception):
    """ENOUGH mistakes are found."""


class Silent:
    """Looks at events and nodes as the tree is built, and collects mistakes."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.mistakes: list[Mistake] = []

    def report(self, finding: Finding, *edits: Edit) -> None:
        """Keep a mistake. Raises EnoughError where nobody would read more of them."""
        self.mistakes.append(Mistake(finding=finding, edits=edits))
        if len(self.mistakes) >= ENOUGH:
            raise EnoughError

    def anchor_or_tag(self, event: Event, *, flow: bool) -> None:
        """Refuse &anchors and !tags; ``!=3`` is a tag to YAML."""
        anchor = getattr(event, "anchor", None)
        if anchor is not None:
            self.add("alias", f"&{anchor} is a YAML anchor, and care has none", event, f"delete it, or quote the text: {quoted('&' + anchor)}")  # fmt: skip
        tag = getattr(event, "tag", None)
        if tag is None or tag == "!":
            if tag == "!" and isinstance(event, ScalarEvent) and not event.style:
                self.add("tag", "! at the start of a value begins a YAML tag", event, "put the whole value in quotes")  # fmt: skip
            return
        line, col = start_of(event)
        written = self.page.line(line)[col:]
        test = value_text(written, flow=flow)
        words = symbol_words(test)
        if written.startswith("!=") and words:
            self.add("symbol-in-test", f"{test} uses a comparison symbol", event, f"write {words}", Edit(line, col, col + len(test), words))  # fmt: skip
            return
        word = written.split(" ", 1)[0].rstrip(",]}")
        self.add("tag", f"{word} is a YAML tag, and care has none", event, "delete it; if it belongs to the text, put the whole value in quotes")  # fmt: skip

    def block(self, event: ScalarEvent) -> None:
        """``orders: >3`` is an empty text block to YAML; so is ``|`` with nothing under it."""
        line, col = start_of(event)
        header = value_text(self.page.line(line)[col:])
        if event.value.strip() or not header:
            return
        if header[0] == ">" and header[1:].strip("+-").isdigit():
            words = symbol_words(header)
            self.add("symbol-in-test", f"{header} is an empty text block to YAML", event, f"write {words}", Edit(line, col, col + len(header), words))  # fmt: skip
        else:
            self.add("empty-value", f"{header[0]} begins a text on the lines below, and there is none", event, "write the text below, indented, or on this line without the sign")  # fmt: skip

    def comment_cut(self, event: ScalarEvent, key: Scalar) -> None:
        """Warn of ``title: 预警 #1``, which ends before the #."""
        line, col = end_of(event)
        rest = self.page.line(line)[col:]
        match = _CUT.match(rest)
        if match is None or not (match[1].isdigit() or key.text in TEXT_KEYS):
            return
        at = col + match.start(1) - 1
        whole = f"{event.value}{rest.rstrip()}"
        self.report(
            Finding(
                level=Level.WARNING,
                code="comment-cut",
                message=f"# begins a comment here: the value is only {quoted(event.value)}",
                span=self.page.span(line, at),
                hint=f"quote it if it belongs to the text: {quoted(short(whole))}",
            )
        )

    def wrapped(self, event: ScalarEvent, key: Scalar) -> None:
        """Report a value as a whole in “ ” or 【 】, where it is not a text for people."""
        text = event.value
        if len(text) < 2 or key.text in TEXT_KEYS or _WRAPPED.get(text[0]) != text[-1]:
            return
        line, col = start_of(event)
        if end_of(event)[0] != line:
            return
        raw = self.page.line(line)[col : end_of(event)[1]]
        if text[0] in "“‘”「":
            edit = Edit(line, col, end_of(event)[1], quoted(raw[1:-1]))
            what = quoted(raw[1:-1])
        else:
            what = re.sub(r"([,:]) +", r"\1 ", "".join(_ASCII.get(char, char) for char in raw))
            edit = Edit(line, col, end_of(event)[1], what)
        self.add("full-width", f"full-width {text[0]} stands in place of {_ASCII.get(text[0], chr(34))}", event, f"write {short(what)}", edit)  # fmt: skip

    def wide_comma(self, event: ScalarEvent) -> None:
        """Report ``[a， b]``: a list of one to YAML."""
        line, col = start_of(event)
        raw = self.page.line(line)[col : end_of(event)[1]] if end_of(event)[0] == line else ""
        at = raw.find("，")
        if at >= 0:
            edits = tuple(
                Edit(line, col + m.start(), col + m.end(), ", ") for m in re.finditer(r"，\s*", raw)
            )
            self.add_at("full-width", "full-width ， stands in place of ,", line, col + at, f"type , and a space, or quote the item: {quoted(short(raw))}", *edits)  # fmt: skip

    def next_key(self, event: ScalarEvent) -> None:
        """Report ``{a: x，b: y}`` and ``{a: x，b：y}``: one value to YAML."""
        line, col = start_of(event)
        raw = self.page.line(line)[col : end_of(event)[1]] if end_of(event)[0] == line else ""
        match = _NEXT_KEY.search(raw)
        if match:
            edits = tuple(
                Edit(line, col + m.start(), col + m.end(), _ASCII[m[0][0]])
                for m in re.finditer(r"[，：]\s*", raw)
            )
            self.add_at("full-width", "full-width ， stands in place of ,", line, col + match.start(), "type , and a space", *edits)  # fmt: skip

    def split_number(self, event: ScalarEvent, items: list[Node]) -> None:
        """``[500,000]`` is a list of two to YAML."""
        line, col = start_of(event)
        last = items[-1] if items else None
        near = re.search(r"(\d),$", self.page.line(line)[:col])
        if isinstance(last, Scalar) and near and re.match(r"0\d\d(?!\d)", event.value):
            self._comma(line, col - 1, f"{last.text},{event.value}", Edit(line, col - 1, col, ""))

    def lonely(self, key: Event, value: ScalarEvent, before: Event | None) -> None:
        """Report a key without a colon in { }: mostly a value that a comma has cut."""
        line, col = start_of(key)
        raw = self.page.line(line)
        end = end_of(key)[1] if end_of(key)[0] == line else len(raw)
        if not isinstance(key, ScalarEvent) or key.style:
            return
        text = raw[col:end]
        colon = re.search(r"：\s*", text)
        if colon:
            self._wide_colon(line, col + colon.start(), col + colon.end())
            return
        tight = _KEY_TIGHT.match(text)
        if tight:
            self._tight(tight[1], line, col + tight.end(), text[tight.end() :])
            return
        if ":" in raw[end : start_of(value)[1] + 1]:
            return  # "a:" with nothing behind it, for the schema to judge
        gap = re.search(r"(\S)(,\s*)$", raw[:col])
        if not isinstance(before, ScalarEvent) or gap is None or start_of(before)[0] != line:
            self.add("missing-value", f"{quoted(short(text))} stands in {{ }} without a value", key, "write name: value, or put the whole in quotes if it is a text")  # fmt: skip
            return
        start = start_of(before)[1]
        if re.match(r"\d{3}(?!\d)", text) and re.search(r"\d,$", raw[:col]):
            self._comma(line, col - 1, f"{before.value},{text}", Edit(line, col - 1, col, ""))
            return
        whole = raw[start:end]
        self._comma(line, gap.start(2), whole, Edit(line, start, end, quoted(whole)) if not before.style else None)  # fmt: skip

    def _comma(self, line: int, col: int, whole: str, edit: Edit | None) -> None:
        number = re.search(r"\d{1,3}(,\d{3})+", whole)
        write = whole.replace(number[0], number[0].replace(",", "")) if number else quoted(whole)
        self.add_at("comma-in-braces", "a comma inside { } or [ ] ends the value", line, col, f"write {short(write)}", *([edit] if edit else []))  # fmt: skip

    def odd_key(self, event: ScalarEvent) -> None:
        """``due:within 3 days`` or ``title：x`` where a key belongs: one text to YAML."""
        line, col = start_of(event)
        raw = self.page.line(line)[col:]
        wide, tight = _KEY_WIDE.match(raw), _KEY_TIGHT.match(raw)
        if wide:
            self._wide_colon(line, col + wide.end(1), col + wide.end())
        elif tight and re.fullmatch(r"[a-z][a-z0-9_]*", tight[1]):
            self._tight(tight[1], line, col + tight.end(), value_text(raw[tight.end() :]))

    def odd_lines(self, event: ScalarEvent) -> None:
        """Look for the same on the further lines of a text that runs on."""
        for line in range(start_of(event)[0] + 1, end_of(event)[0] + 1):
            raw = self.page.line(line)
            wide = re.match(r"\s*([a-z][a-z0-9_]*)：\s*", raw)
            tight = re.match(r"\s*([a-z][a-z0-9_]*):(?=[^\s:/])", raw)
            if wide:
                self._wide_colon(line, wide.end(1), wide.end(), edit=False)
            elif tight:
                self._tight(tight[1], line, tight.end(), value_text(raw[tight.end() :]), edit=False)

    def _wide_colon(self, line: int, start: int, end: int, *, edit: bool = True) -> None:
        edits = (Edit(line, start, end, ": "),) if edit else ()
        self.add_at("full-width", "full-width ： stands in place of :", line, start, "type : and a space", *edits)  # fmt: skip

    def _tight(self, key: str, line: int, col: int, rest: str, *, edit: bool = True) -> None:
        edits = (Edit(line, col, col, " "),) if edit else ()
        self.add_at("missing-space", f"a space is missing after {key}:", line, col, f"write {key}: {short(rest)}".rstrip(), *edits)  # fmt: skip

    def check_key(self, key: Scalar, event: Event, *, flow: bool) -> None:
        """Report merge keys, empty keys, ``-step:`` and ``{b：c，d: e}``."""
        if key.quoted:
            return
        line, col = start_of(event)
        if key.text == "<<":
            self.add("alias", "<< is a YAML merge key, and care has none", event, "write the keys out here")  # fmt: skip
        elif key.text == "":
            self.add("missing-key", "a colon without a key before it", event, "write the key before the colon")  # fmt: skip
        elif re.match(r"-[^\W\d]", key.text):
            self.add("missing-space", "a space is missing after the dash", event, f"write - {key.text[1:]}:", Edit(line, col + 1, col + 1, " "))  # fmt: skip
        last, end = end_of(event)
        raw = self.page.line(last)
        wide = list(re.finditer(r"[，：]\s*", raw[col:end])) if last == line else []
        if wide and (flow or re.match(r"[a-z][a-z_]*：", key.text)):
            edits = [Edit(line, col + m.start(), col + m.end(), _ASCII[m[0][0]]) for m in wide]
            char = wide[0][0][0]
            self.add_at("full-width", f"full-width {char} stands in place of {_ASCII[char].strip()}", line, col + wide[0].start(), f"type {_ASCII[char].strip()} and a space", *edits)  # fmt: skip
        opened = re.match(r"(\S+)( +)[{\[]", raw[col:end]) if last == line else None
        if opened:
            at = col + opened.end(1)
            self.add_at("missing-colon", f"a colon is missing after {opened[1]}", line, at, f"write {short(opened[1])}: {short(raw[at:].strip())}", Edit(line, at, at, ":"))  # fmt: skip
        if raw[end : end + 1] == ":" and raw[end + 1 : end + 2] in tuple("[{\"'"):
            self._tight(key.text, last, end + 1, raw[end + 1 :])  # only PyYAML without libyaml

    def braces(self, start: Event, key: Event) -> None:
        """Report a key that is a list or mapping, mostly ``{{name}}``."""
        line, col = start_of(start)
        raw = self.page.line(line)[col:]
        match = re.match(r"\{\{.*?\}\}", raw)
        if match:
            self.add_at("needs-quotes", f"{match[0]} has a meaning of its own in YAML", line, col, f"quote the whole value: {quoted(match[0])}", Edit(line, col, col + match.end(), quoted(match[0])))  # fmt: skip
        else:
            self.add("key-not-text", "a key must be one word or text, not a list or mapping", key, "write name: value")  # fmt: skip

    def twice(self, key: Scalar, twin: Scalar) -> None:
        """Report a key that stands twice."""
        hint = "keep one of them"
        if key.text == "in":
            hint = "for both write all: [{in: a}, {in: b}], for either one in: [a, b]"
        elif key.text in ("all", "any", "not"):
            hint = f"for both write all: [{{{key.text}: ...}}, {{{key.text}: ...}}]"
        self.report(
            Finding(
                code="duplicate-key",
                message=f"{quoted(key.text)} stands twice, on lines {twin.span.line} and {key.span.line}"
                if twin.span.line != key.span.line
                else f"{quoted(key.text)} stands twice on line {key.span.line}",
                span=key.span,
                hint=hint,
            )
        )

    def add(self, code: str, message: str, event: Event, hint: str, *edits: Edit) -> None:
        """Report at the begin of an event."""
        self.add_at(code, message, *start_of(event), hint, *edits)

    def add_at(self, code: str, message: str, line: int, col: int, hint: str, *edits: Edit) -> None:
        """Report at a line and column, from 0."""
        finding = Finding(code=code, message=message, span=self.page.span(line, col), hint=hint)
        self.report(finding, *edits)


def start_of(event: Event) -> tuple[int, int]:
    """Return line and column where an event begins, from 0."""
    mark = event.start_mark
    assert mark is not None
    return mark.line, mark.column


def end_of(event: Event) -> tuple[int, int]:
    """Return line and column where an event ends, from 0."""
    mark = event.end_mark
    assert mark is not None
    return mark.line, mark.column


def has_text(event: ScalarEvent) -> bool:
    """Say whether anything is written where a value stands."""
    return bool(event.style or event.value)


def value_text(raw: str, *, flow: bool = False) -> str:
    """Return a value without the comment behind it; in { } and [ ] up to the next , ] or }."""
    end = r"\s#|[,\]}]" if flow else r"\s#"
    return re.split(end, raw, maxsplit=1)[0].strip()


def short(text: str) -> str:
    """Return text cut for a message."""
    return text if len(text) <= 60 else text[:57] + "..."
