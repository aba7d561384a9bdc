"""The parts of a YAML text written down in the one layout that ``care fmt`` gives to all files."""

from __future__ import annotations

import re
from dataclasses import replace
from unicodedata import east_asian_width

from rules.layout_tree import Entry, Flow, List, Part, Table, Words
from rules.source_silent import TEXT_KEYS

__all__ = ["WIDTH", "Order", "write"]

#: Columns of a line before { } and [ ] are opened; a Chinese character takes two.
WIDTH = 120

#: The keys of a table in reading order, by the key above it; "" for the file itself.
Order = dict[str, tuple[str, ...]]

_FOLLOWED = re.compile(r":(?=\s|$)|\s#")
_FIRST = frozenset("-?:,[]{}#&*!|>'\"%@`=<~")
#: What an editor's YAML may take for something else than a text.
_NOT_TEXT = re.compile(
    r"[-+.\d].*|(?:true|false|yes|no|on|off|y|n|null|nan|inf)", re.IGNORECASE | re.ASCII
)
_FULL_WIDTH = frozenset("：，“”‘’「」【】［］｛｝＃")


def write(root: Part, order: Order, *, unquote: bool = True) -> list[str]:
    """Return the lines of a text; ``unquote`` drops the quotes of keys and titles that need none."""
    writer = _Writer(order, unquote=unquote)
    if isinstance(root, Table | List):
        writer.block(root, 0, "", first="")
    else:
        writer.lines += writer.value("", root, 0)
    while writer.lines and not writer.lines[0]:
        del writer.lines[0]
    while writer.lines and not writer.lines[-1]:
        del writer.lines[-1]
    return writer.lines


class _Writer:
    """Collects the lines; ``indent`` is always that of the block in hand."""

    def __init__(self, order: Order, *, unquote: bool) -> None:
        self.order = order
        self.unquote = unquote
        self.lines: list[str] = []

    def block(
        self, part: Table | List, indent: int, name: str, *, first: str | None = None
    ) -> None:
        """Write a block; its first line goes on behind ``first``, where a dash stands already."""
        entries = self._ordered(part, name) if isinstance(part, Table) else part.entries
        for number, entry in enumerate(entries):
            lead = entry.before
            while number == 0 and lead and not lead[0]:
                lead = lead[1:]
            for line in lead:
                self.lines.append(" " * indent + line if line else "")
            start = first if number == 0 and first else " " * indent
            if isinstance(part, Table):
                self._pair(entry, indent, start)
            else:
                self._item(entry, indent, start, name)
        self.lines += [" " * indent + line if line else "" for line in part.after]

    def _pair(self, entry: Entry, indent: int, start: str) -> None:
        assert entry.key is not None
        head = f"{start}{self._key(entry.key)}:"
        value = self._opened(entry.value, len(head) + 1)
        if isinstance(value, Table | List):
            if isinstance(entry.value, Flow) and entry.beside:
                entry.beside = replace(entry.beside, spot=(0, 0))
            self._add([head], entry)
            self.block(value, indent + 2, entry.key.text)
        else:
            self._add(self.value(head, value, indent, entry), entry)

    def _item(self, entry: Entry, indent: int, start: str, name: str) -> None:
        value = self._opened(entry.value, indent + 2)
        if isinstance(value, Table | List):
            if isinstance(entry.value, Flow) and entry.beside:
                value.entries[0].beside = replace(entry.beside, spot=(0, 0))
            self.block(value, indent + 2, f"{name}/", first=f"{start}- ")
        else:
            self._add(self.value(f"{start}-", value, indent, entry), entry)

    def _opened(self, part: Part, col: int) -> Part:
        """Return { } and [ ] that are too long for a line as a block."""
        if not isinstance(part, Flow) or part.commented or not part.entries:
            return part
        if col + _width(self._flow(part)) <= WIDTH:
            return part
        if part.table:
            return Table(entries=part.entries, start=part.start, end=part.end)
        if all(isinstance(entry.value, Words) for entry in part.entries):
            return part
        return List(entries=part.entries, start=part.start, end=part.end)

    def _add(self, lines: list[str], entry: Entry) -> None:
        """Add the lines of an entry, the comment beside it in its old column if that is free."""
        if entry.beside is not None:
            least = len(lines[-1]) + 2
            col = entry.beside.spot[1]
            if not least <= col < WIDTH:
                col = least
            lines[-1] = lines[-1].ljust(col) + entry.beside.text
        self.lines += lines

    # ------------------------------------------------------------------ values

    def value(self, head: str, part: Part, indent: int, entry: Entry | None = None) -> list[str]:
        """Return the lines of a value in line with its key."""
        before = f"{head} " if head else ""
        if isinstance(part, Words):
            if part.style in ("|", ">") and part.style:
                return _text_block(before, part, indent, entry)
            first, *rest = self._words(part, entry)
            inside = " " * (indent + 2)
            return [f"{before}{first}".rstrip(), *(f"{inside}{line}".rstrip() for line in rest)]
        assert isinstance(part, Flow)
        if part.commented:
            return _kept(before, part, indent, entry)
        words = self._flow(part)
        if part.table or _width(before + words) <= WIDTH:
            return [before + words]
        return _filled(before, [self._flow_item(each) for each in part.entries], indent)

    def _words(self, words: Words, entry: Entry | None) -> tuple[str, ...]:
        key = entry.key if entry else None
        if len(words.lines) == 1 and words.style in ("'", '"'):
            if self.unquote and key and key.text in TEXT_KEYS and _plain(words.text):
                return (words.text,)
            return (_quotes(words),)
        return (words.lines[0].rstrip(), *(line.strip() for line in words.lines[1:]))

    def _key(self, key: Words) -> str:
        if key.style and self.unquote and _plain(key.text):
            return key.text
        return _quotes(key) if key.style else " ".join(key.lines)

    def _flow(self, part: Flow) -> str:
        inside = ", ".join(self._flow_item(entry) for entry in part.entries)
        return f"{{{inside}}}" if part.table else f"[{inside}]"

    def _flow_item(self, entry: Entry) -> str:
        value = entry.value
        if isinstance(value, Words):
            words = (
                _quotes(value) if value.style else " ".join(line.strip() for line in value.lines)
            )
        else:
            assert isinstance(value, Flow)
            words = self._flow(value)
        if entry.key is None:
            return words
        return f"{self._key(entry.key)}: {words}"

    # ------------------------------------------------------------------ order

    def _ordered(self, part: Table, name: str) -> list[Entry]:
        """Return the entries in reading order; comments that stand alone keep all in their place."""
        known = self.order.get(name, ())
        rank = {key: number for number, key in enumerate(known)}

        def place(entry: Entry) -> int:
            return rank.get(entry.key.text, len(rank)) if entry.key else len(rank)

        moved = sorted(part.entries, key=place)
        if moved == part.entries or any(_alone(entry) for entry in part.entries[1:]):
            return part.entries
        old, new = part.entries[0], moved[0]
        if new is not old:  # what stands at the head of the file stays there
            new.before = old.before + [line for line in new.before if line]
            old.before = []
        return moved


def _alone(entry: Entry) -> bool:
    """Tell whether a comment above an entry has a blank line below it, or heads a section."""
    lines = entry.before
    return any(line and "" in lines[at:] for at, line in enumerate(lines))


def _text_block(before: str, words: Words, indent: int, entry: Entry | None) -> list[str]:
    """Return a block of text, moved as a whole to its new indentation."""
    header, *body = words.lines
    header, marks, remark = header.partition(" #")
    while body and not body[-1].strip() and "+" not in header:
        body.pop()
    digit = next((int(char) for char in header if char.isdigit()), 0)
    old = entry.start[1] if entry else 0
    now = (
        old + digit
        if digit
        else min((_indent(line) for line in body if line.strip()), default=indent + 2)
    )
    inside = " " * (indent + (digit or 2))
    moved = [(inside + line[now:]) if line[now:] else "" for line in body]
    return [f"{before}{header.rstrip()}{'  #' if marks else ''}{remark.rstrip()}", *moved]


def _kept(before: str, part: Flow, indent: int, entry: Entry | None) -> list[str]:
    """Return { } or [ ] with comments inside line by line, moved with the entry."""
    first, *rest = part.lines
    shift = indent - (entry.start[1] if entry else 0)
    moved = []
    for line in rest:
        col = max(_indent(line) + shift, indent + 2)
        moved.append((" " * col + line.strip()) if line.strip() else "")
    return [f"{before}{first.rstrip()}", *moved]


def _filled(before: str, items: list[str], indent: int) -> list[str]:
    """Return a list of words in as many lines as it needs."""
    lines = [f"{before}["]
    for number, item in enumerate(items):
        last = number == len(items) - 1
        words = f"{item}]" if last else f"{item},"
        glue = "" if lines[-1].endswith("[") and number == 0 else " "
        if number and _width(lines[-1]) + len(glue) + _width(words) > WIDTH:
            lines.append(" " * (indent + 2) + words)
        else:
            lines[-1] += glue + words
    return lines


def _quotes(words: Words) -> str:
    """Return a quoted value in double quotes, where that is the same."""
    raw = " ".join(line.strip() for line in words.lines)
    if words.style == "'" and len(words.lines) == 1 and not set('"\\') & set(words.text):
        return f'"{words.text}"'
    return raw


def _plain(text: str) -> bool:
    """Tell whether a text can do without quotes anywhere but in { } and [ ]; short of that, none."""
    return not (
        not text
        or text != text.strip()
        or not text.isprintable()
        or text[0] in _FIRST
        or set(text) & set("[]{},\"'#") | set(text) & _FULL_WIDTH
        or _FOLLOWED.search(text)
        or _NOT_TEXT.fullmatch(text)
    )


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _width(text: str) -> int:
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in text)
