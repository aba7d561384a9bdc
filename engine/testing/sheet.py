"""The text of a YAML file that is in order, with the places of its parts, and edits to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import yaml
from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

__all__ = ["Edit", "Pair", "Sheet"]

#: A key and its value.
Pair = tuple[ScalarNode, Node]


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """The characters from ``start`` to before ``end`` become ``text``."""

    start: int
    end: int
    text: str


class Sheet:
    """One file: its text, always with a line end at its end, and its nodes."""

    def __init__(self, text: str) -> None:
        self.text = text if text.endswith("\n") else f"{text}\n"
        self.root: Node | None = yaml.compose(self.text, Loader=yaml.SafeLoader)

    def edited(self, edits: Iterable[Edit]) -> str:
        """Return the text after edits that do not overlap."""
        text = self.text
        for edit in sorted(edits, reverse=True):
            text = text[: edit.start] + edit.text + text[edit.end :]
        return text

    def line(self, offset: int) -> int:
        """Return the line, counted from 1, in which a character stands."""
        return self.text.count("\n", 0, offset) + 1

    def pairs(self, node: Node | None) -> list[Pair]:
        """Return the keys and values of a mapping; nothing for anything else."""
        if not isinstance(node, MappingNode):
            return []
        return [(key, value) for key, value in node.value if isinstance(key, ScalarNode)]

    def get(self, node: Node | None, name: str) -> Pair | None:
        """Return a key of a mapping with its value."""
        return next((pair for pair in self.pairs(node) if pair[0].value == name), None)

    def written(self, node: Node) -> str:
        """Return a node's text as one line."""
        return " ".join(self.text[node.start_mark.index : self.tail(node)].split())

    def flat(self, node: Node) -> bool:
        """Tell whether a node may stand in { }: a plain or quoted value, or in [ ] or { } itself."""
        if isinstance(node, ScalarNode):
            return node.style not in ("|", ">")
        return isinstance(node, CollectionNode) and bool(node.flow_style)

    def tail(self, node: Node) -> int:
        """Return where a node's own characters end: before blanks and comments behind it."""
        last = _children(node)[-1:]
        if last and not self.flat(node):
            return self.tail(last[0])
        found: int = node.end_mark.index
        return found

    def replaced(self, node: Node, text: str) -> Edit:
        """Return the edit that writes something else for a node."""
        return Edit(node.start_mark.index, self.tail(node), text)

    def without_pair(self, mapping: Node, *names: str) -> list[Edit | None]:
        """Return the edits that take keys out; None among them where nothing else is there."""
        pairs = self.pairs(mapping)
        indexes = [n for n, (key, _) in enumerate(pairs) if key.value in names]
        if len(indexes) == len(pairs):
            return [None]
        if self.flat(mapping):
            return self._unlisted([(key, value) for key, value in pairs], indexes)
        edits: list[Edit | None] = []
        for index in indexes:
            key, value = pairs[index]
            start: int = key.start_mark.index
            if self._opens(start):
                start, end = self._line_start(start), self._line_end(self.tail(value))
            else:  # behind the dash of an item: the next key takes its place
                end = pairs[index + 1][0].start_mark.index
            edits.append(Edit(start, end, ""))
        return edits

    def without_items(self, sequence: Node, indexes: Sequence[int]) -> list[Edit | None]:
        """Return the edits that take items out of a list; None among them: there is no way."""
        items = _children(sequence)
        if len(indexes) == len(items):
            return [self.emptied(sequence)]
        if self.flat(sequence):
            return self._unlisted([(item, item) for item in items], indexes)
        chunks = [self._chunk(items[index]) for index in indexes]
        if not all(self._opens(start) for start, _ in chunks):
            return [None]
        return [Edit(self._line_start(start), end, "") for start, end in chunks]

    def emptied(self, sequence: Node) -> Edit:
        """Return the edit that leaves nothing in a list."""
        return self.replaced(sequence, "[]")

    def swapped(self, sequence: Node, index: int) -> Edit | None:
        """Return the edit that makes an item change places with the next one."""
        first, second = _children(sequence)[index : index + 2]
        if self.flat(sequence):
            places = [(node.start_mark.index, self.tail(node)) for node in (first, second)]
        else:
            places = [self._chunk(first), self._chunk(second)]
            if not all(self._opens(start) for start, _ in places):
                return None
        (start, middle), (other, end) = places
        text = self.text
        return Edit(start, end, text[other:end] + text[middle:other] + text[start:middle])

    def _unlisted(
        self, entries: Sequence[tuple[Node, Node]], indexes: Sequence[int]
    ) -> list[Edit | None]:
        """Return the edits that take entries, from first to last node, out of [ ] or { }."""
        edits: list[Edit | None] = []
        for first in indexes:
            if first - 1 in indexes:
                continue  # gone with the one before
            last = first
            while last + 1 in indexes:
                last += 1
            if last + 1 < len(entries):
                after: int = entries[last + 1][0].start_mark.index
                edits.append(Edit(entries[first][0].start_mark.index, after, ""))
            else:
                edits.append(
                    Edit(self.tail(entries[first - 1][1]), self.tail(entries[last][1]), "")
                )
        return edits

    def _chunk(self, item: Node) -> tuple[int, int]:
        """Return from where to where the lines of a block item go, beginning at its dash."""
        return self.text.rindex("-", 0, item.start_mark.index), self._line_end(self.tail(item))

    def _opens(self, offset: int) -> bool:
        """Tell whether only blanks stand before a character in its line."""
        return not self.text[self._line_start(offset) : offset].strip()

    def _line_start(self, offset: int) -> int:
        return self.text.rfind("\n", 0, offset) + 1

    def _line_end(self, offset: int) -> int:
        """Return where the line ends that holds the character before an offset."""
        return self.text.index("\n", max(0, offset - 1)) + 1


def _children(node: Node) -> list[Node]:
    if isinstance(node, SequenceNode):
        return list(node.value)
    if isinstance(node, MappingNode):
        return [value for _, value in node.value]
    return []
