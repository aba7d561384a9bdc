"""The parts of a YAML text as they stand on the page: raw words, comments and blank lines kept."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.events import (
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

__all__ = ["Comment", "Entry", "Flow", "List", "Part", "Spot", "Table", "Words", "comments", "read"]

#: A place in the text: line and column, both from 0.
Spot = tuple[int, int]


@dataclass(slots=True, kw_only=True)
class Words:
    """One scalar as written, quotes and all; a text of several lines keeps its lines."""

    lines: tuple[str, ...]  #: the first from its own column, the others whole
    text: str  #: what YAML makes of it
    style: str  #: "" plain, else the quote, or ``|`` and ``>``
    start: Spot
    end: Spot


@dataclass(slots=True, kw_only=True)
class Entry:
    """One ``key: value``, or one item of a list (without a key), with what is written around it."""

    key: Words | None
    value: Part
    start: Spot
    before: list[str] = field(default_factory=list)  #: comments above it, "" for a blank line
    beside: Comment | None = None  #: the comment at the end of its first line


@dataclass(slots=True, kw_only=True)
class Table:
    """A mapping with a line a key."""

    entries: list[Entry]
    start: Spot
    end: Spot
    after: list[str] = field(default_factory=list)  #: comments below the last entry


@dataclass(slots=True, kw_only=True)
class List:
    """A list with a dash an item."""

    entries: list[Entry]
    start: Spot
    end: Spot
    after: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Flow:
    """Something in { } or [ ]; ``table`` tells which."""

    table: bool
    entries: list[Entry]
    start: Spot
    end: Spot
    lines: tuple[str, ...]  #: as written: the first from its own column, the others whole
    commented: bool = False  #: comments stand inside, so its lines are kept


Part = Words | Table | List | Flow


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """One comment from its ``#`` to the end of the line."""

    spot: Spot
    text: str
    own: bool  #: nothing else stands on its line


def read(lines: list[str]) -> tuple[Part | None, list[Comment]]:
    """Return the root of a text, its comments put where they belong, and all comments by themselves.

    The root is None for an empty text. Raises yaml.YAMLError. The text has no anchors, aliases and
    tags: care takes none.
    """
    reader = _Reader(lines)
    root = reader.root()
    found = _comments(lines, reader.scalars)
    if root is not None:
        _Placing(lines, root).place(found)
    return root, found


def comments(lines: list[str]) -> list[Comment]:
    """Return every comment of a text, top to bottom. Raises yaml.YAMLError."""
    reader = _Reader(lines)
    reader.root()
    return _comments(lines, reader.scalars)


def _comments(lines: list[str], scalars: list[Words]) -> list[Comment]:
    masked = list(lines)
    for words in scalars:
        (first, left), (last, right) = words.start, words.end
        for number in range(first, min(last, len(lines) - 1) + 1):
            low = left if number == first else 0
            high = right if number == last else len(lines[number])
            masked[number] = masked[number][:low] + "x" * (high - low) + masked[number][high:]
    found = []
    for number, line in enumerate(masked):
        at = re.search(r"(?:^|(?<=\s))#", line)
        if at:
            own = not line[: at.start()].strip()
            text = lines[number][at.start() :].rstrip()
            found.append(Comment(spot=(number, at.start()), text=text, own=own))
    return found


class _Reader:
    """Builds the parts of one text from the events of the parser in Python, whose marks are exact."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.scalars: list[Words] = []

    def root(self) -> Part | None:
        stream: Iterator[Event] = iter(
            yaml.parse("\n".join(self.lines) + "\n", Loader=yaml.SafeLoader)
        )
        for event in stream:
            if isinstance(event, ScalarEvent | MappingStartEvent | SequenceStartEvent):
                part = self._part(event, stream)
                if isinstance(part, Words) and not part.style and not part.text:
                    return None
                return part
        return None

    def _part(self, event: Event, stream: Iterator[Event]) -> Part:
        if isinstance(event, ScalarEvent):
            return self._words(event)
        assert isinstance(event, MappingStartEvent | SequenceStartEvent)
        table = isinstance(event, MappingStartEvent)
        entries: list[Entry] = []
        for inner in stream:
            if isinstance(inner, MappingEndEvent | SequenceEndEvent):
                end = _spot(inner.end_mark if event.flow_style else inner.start_mark)
                break
            key: Words | None = None
            if table:
                assert isinstance(inner, ScalarEvent)
                key = self._words(inner)
                inner = next(stream)  # noqa: PLW2901
            value = self._part(inner, stream)
            entries.append(Entry(key=key, value=value, start=(key or value).start))
        start = _spot(event.start_mark)
        if event.flow_style:
            lines = self._raw(start, end)
            return Flow(table=table, entries=entries, start=start, end=end, lines=lines)
        if table:
            return Table(entries=entries, start=start, end=end)
        self._dashes(entries, start)
        return List(entries=entries, start=start, end=end)

    def _dashes(self, entries: list[Entry], start: Spot) -> None:
        """Let each item begin at its dash: the last one in the list's column above its value."""
        for entry in entries:
            line = entry.value.start[0]
            while not self._is_dash(line, start[1]):
                line -= 1
            entry.start = (line, start[1])

    def _is_dash(self, line: int, col: int) -> bool:
        text = self.lines[line]
        return text[col : col + 2].rstrip() == "-" and not text[:col].strip(" -")

    def _words(self, event: ScalarEvent) -> Words:
        start, end = _spot(event.start_mark), _spot(event.end_mark)
        words = Words(
            lines=self._raw(start, end),
            text=event.value,
            style=event.style or "",
            start=start,
            end=end,
        )
        self.scalars.append(words)
        return words

    def _raw(self, start: Spot, end: Spot) -> tuple[str, ...]:
        (first, left), (last, right) = start, end
        if last >= len(self.lines):
            last, right = len(self.lines) - 1, len(self.lines[-1])
        if first == last:
            return (self.lines[first][left:right],)
        return (
            self.lines[first][left:],
            *self.lines[first + 1 : last],
            *([self.lines[last][:right]] if right else []),
        )


def _spot(mark: Any) -> Spot:
    return mark.line, mark.column


class _Placing:
    """Puts comments and blank lines where they belong: above, beside or below an entry."""

    def __init__(self, lines: list[str], root: Part) -> None:
        self.lines = lines
        self.entries: list[tuple[Entry, Table | List]] = []  #: in order of the text
        self.flows: list[Flow] = []
        self.keeps: set[int] = set()  #: blank lines that belong to a text block
        self.root = root
        self._walk(root)
        self.starts = [entry.start for entry, _ in self.entries]

    def _walk(self, part: Part) -> None:
        if isinstance(part, Flow):
            self.flows.append(part)
        elif isinstance(part, Words):
            if part.style in ("|", ">") and "+" in part.lines[0].split("#")[0]:
                self.keeps |= set(range(part.start[0], part.end[0]))
        else:
            for entry in part.entries:
                self.entries.append((entry, part))
                self._walk(entry.value)

    def place(self, found: list[Comment]) -> None:
        waiting: dict[int, list[Comment]] = {}
        for comment in found:
            at = bisect_left(self.flows, comment.spot, key=lambda flow: flow.start)
            flow = self.flows[at - 1] if at and comment.spot < self.flows[at - 1].end else None
            if flow is not None:
                flow.commented = True
            elif comment.own or not self._beside(comment):
                waiting.setdefault(self._next(comment), []).append(comment)
        for index, (entry, _) in enumerate(self.entries):
            self._above(index, entry, waiting.get(index, []))
        self._below(len(self.entries), waiting.get(len(self.entries), []))
        for entry, owner in self.entries:
            inner = entry.value
            if isinstance(owner, List) and isinstance(inner, Table | List) and inner.entries:
                first = inner.entries[0]
                if any(first.before):
                    entry.before += first.before
                first.before = []

    def _next(self, comment: Comment) -> int:
        """Return the number of the entry that a comment stands above."""
        at = bisect_left(self.starts, comment.spot)
        value = self.entries[at - 1][0].value if at else None
        inside = isinstance(value, Words | Flow) and comment.spot < value.start
        return at - 1 if inside else at

    def _beside(self, comment: Comment) -> bool:
        """Put a comment at the end of the line of the entry that it stands beside."""
        at = bisect_left(self.starts, comment.spot)
        owner = self.entries[at - 1][0] if at else None
        if owner is None or owner.beside is not None:
            return False
        if owner.key is None and isinstance(owner.value, Table | List):
            return False  # a dash alone on its line
        owner.beside = comment
        return True

    def _above(self, index: int, entry: Entry, found: list[Comment]) -> None:
        below = self._split(index, entry.start[1], found)
        self._below(index, found[:below])
        for comment in found[below:]:
            entry.before += [*self._blank(comment.spot[0]), comment.text]
        entry.before += self._blank(entry.start[0])

    def _split(self, index: int, col: int, found: list[Comment]) -> int:
        """Return how many of the comments before an entry belong below what ended there."""
        if index == 0 or self.entries[index][0].start[0] == self.entries[index - 1][0].start[0]:
            return 0
        before = self.entries[index - 1][0]
        if isinstance(before.value, Table | List):
            return 0  # the entry is its first: the block begins here
        if not self._ended(index):
            return 0
        return next((i for i, each in enumerate(found) if each.spot[1] <= col), len(found))

    def _below(self, index: int, found: list[Comment]) -> None:
        ended = self._ended(index)
        for comment in found:
            ended = [block for block in ended if block.start[1] <= comment.spot[1]] or ended[-1:]
            if ended:
                ended[0].after += [*self._blank(comment.spot[0]), comment.text]

    def _ended(self, index: int) -> list[Table | List]:
        """Return the blocks whose last entry stands before this one, the deepest first."""
        place = self.entries[index][0].start if index < len(self.entries) else (len(self.lines), 0)
        found: list[Table | List] = []
        part: Part = self.root
        while isinstance(part, Table | List) and part.entries:
            passed = [entry for entry in part.entries if entry.start < place]
            if index == len(self.entries) or part.end <= place:
                found.insert(0, part)
            if not passed:
                break
            part = passed[-1].value
        return found

    def _blank(self, line: int) -> list[str]:
        above = line - 1
        blank = above >= 0 and not self.lines[above].strip() and above not in self.keeps
        return [""] if blank else []
