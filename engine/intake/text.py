"""Rows of delimited text, each with the line it begins on; what is no row says why."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

__all__ = ["Broken", "Row", "read_delimited", "sniff"]

_SNIFFED = 20  #: lines looked at to find the delimiter
_LIMIT = 1 << 20  #: characters of one field; an unclosed quote is noticed by then
_REASONS = {
    "field larger": "a quote is opened and not closed",
    "unexpected end": "a quote is opened and not closed",
    "expected after": 'a quote inside a quoted text; two are needed: ""',
    "new-line character": "a line break inside the line",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One record of the file."""

    line: int  #: on which it begins, 1-based
    cells: list[str]


@dataclass(frozen=True, slots=True)
class Broken:
    """A line that is no record."""

    line: int
    text: str
    reason: str


class _Lines:
    """The lines of a text, which can be handed back to be read again."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._again: list[str] = []  # last in, first out
        self.taken: list[str] = []  # of the record being read
        self.begun = 1  # line on which that record begins

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._again.pop() if self._again else next(self._lines)
        self.taken.append(line)
        return line

    def begin(self) -> None:
        """Begin a record."""
        self.begun += len(self.taken)
        self.taken = []

    def hand_back(self) -> str:
        """Give up the record after its first line; the other lines are read again."""
        self._again.extend(reversed(self.taken[1:]))
        del self.taken[1:]
        return self.taken[0]


def sniff(head: list[str]) -> str:
    """Return the delimiter of some first lines: the one that divides most of them as the first."""
    lines = [line.rstrip("\r\n") for line in head if line.strip()]
    best, score = ",", 0
    for delimiter in ",;\t|":
        widths = [len(cells) for cells in csv.reader(lines, delimiter=delimiter) if cells]
        columns = widths[0] if widths else 1  # the header decides
        if columns > 1 and columns * widths.count(columns) > score:
            best, score = delimiter, columns * widths.count(columns)
    blanks = {len(line.split()) for line in lines}
    if score == 0 and len(blanks) == 1 and blanks != {1}:
        return "whitespace"
    return best


def read_delimited(lines: Iterable[str], delimiter: str | None) -> Iterator[Row | Broken]:
    """Return the records of a text (lines with their ends); None: the delimiter is found out.

    Empty lines are passed over. A record over several lines that has another number of columns
    than the first record is given up after its first line: most likely a quote was not closed.
    """
    csv.field_size_limit(_LIMIT)
    if delimiter is None:
        source = iter(lines)
        head = list(islice(source, _SNIFFED))
        try:
            delimiter = sniff(head)
        except csv.Error:
            delimiter = ","
        lines = chain(head, source)
    if delimiter == "whitespace":
        for number, line in enumerate(lines, start=1):
            cells = line.split()
            if cells:
                yield Row(number, cells)
        return
    yield from _records(_Lines(lines), delimiter)


def _records(lines: _Lines, delimiter: str) -> Iterator[Row | Broken]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    width: int | None = None
    while True:
        lines.begin()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            first = lines.hand_back()
            yield Broken(lines.begun, first, _reason(str(error)))
            continue
        if not cells or (len(cells) == 1 and not cells[0].strip()):
            continue
        if width is None:
            width = len(cells)
        elif len(lines.taken) > 1 and len(cells) != width:
            yield Broken(lines.begun, lines.hand_back(), _REASONS["unexpected end"])
            continue
        yield Row(lines.begun, cells)


def _reason(message: str) -> str:
    for words, reason in _REASONS.items():
        if words in message:
            return reason
    return "the line can't be divided into columns"
