"""Mistakes written down: what stands in a file, what a person might write there instead."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from engine.testing.sheet import Edit, Sheet
from engine.testing.slips import Kind, longer
from rules.vocabulary import Vocabulary

__all__ = [
    "Change", "Notes", "is_inside", "is_plain", "mappings", "root_of", "sequences",
    "texts",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One mistake: what is written instead of what stands there."""

    kind: Kind
    offset: int  #: of the character in the text at which it is named
    turn: int  #: 0 for the most telling mistake at its place, 1 for the next ...
    words: str  #: ``due: within 1 day became within 2 days``
    hint: str  #: which test would notice
    edits: tuple[Edit, ...]


class Notes:
    """The mistakes found in one file so far."""

    def __init__(self, sheet: Sheet, vocabulary: Vocabulary) -> None:
        self.sheet = sheet
        self.vocabulary = vocabulary
        self.found: list[Change] = []

    def add(self, kind: Kind, node: Node, words: str, hint: str, *edits: Edit | None) -> None:
        """Keep a mistake, if there is a way to write it: every edit is one, and none meets another."""
        made = tuple(edit for edit in edits if edit is not None)
        if len(made) < len(edits) or _overlapping(made):
            return
        offset = node.start_mark.index
        turn = sum(1 for each in self.found if each.offset == offset and each.kind is kind)
        self.found.append(
            Change(kind=kind, offset=offset, turn=turn, words=words, hint=hint, edits=made)
        )

    def became(self, kind: Kind, key: ScalarNode, value: Node, other: str, hint: str) -> None:
        """Keep the mistake of another value behind a key."""
        words = f"{key.value}: {self.sheet.written(value)} became {other}"
        self.add(kind, value, words, hint, self.sheet.replaced(value, other))

    def dropped(self, kind: Kind, mapping: Node, name: str, hint: str) -> None:
        """Keep the mistake of a key that is forgotten."""
        pair = self.sheet.get(mapping, name)
        if pair is None:
            return
        edits = self.sheet.without_pair(mapping, name)
        self.add(kind, pair[0], f"{self.told(*pair)} was dropped", hint, *edits)

    def told(self, key: ScalarNode, value: Node) -> str:
        """Return a key with its value, as far as it fits."""
        if self.sheet.flat(value):
            shown = self.sheet.written(value)
            return f"{key.value}: {shown if len(shown) <= 50 else shown[:48] + ' …'}"
        return str(key.value)

    def lengths(self, key: ScalarNode, value: Node, hint: str) -> None:
        """Keep the mistakes of longer durations."""
        if is_plain(value):
            for other in longer(value.value):
                self.became(Kind.DURATION, key, value, other, hint)


def root_of(node: Node | None) -> MappingNode:
    """Return the mapping that a playbook is."""
    assert isinstance(node, MappingNode)
    return node


def is_plain(node: Node) -> bool:
    """Tell whether a node is a value without quotes."""
    return isinstance(node, ScalarNode) and node.style is None


def _nodes(node: Node | None) -> Iterator[Node]:
    if node is None:
        return
    yield node
    if isinstance(node, SequenceNode):
        for item in node.value:
            yield from _nodes(item)
    elif isinstance(node, MappingNode):
        for key, value in node.value:
            yield key
            yield from _nodes(value)


def mappings(node: Node | None) -> Iterator[MappingNode]:
    """Yield every mapping in a tree, in the order of the file."""
    return (each for each in _nodes(node) if isinstance(each, MappingNode))


def sequences(node: Node | None) -> Iterator[SequenceNode]:
    """Yield every list in a tree, in the order of the file."""
    return (each for each in _nodes(node) if isinstance(each, SequenceNode))


def texts(node: Node) -> Iterator[str]:
    """Yield the texts of a node, but of no step inside it."""
    if isinstance(node, ScalarNode):
        yield node.value
    elif isinstance(node, SequenceNode):
        for item in node.value:
            yield from texts(item)
    elif isinstance(node, MappingNode):
        names = {key.value for key, _ in node.value}
        for key, value in node.value:
            if "step" not in names:
                yield key.value
                yield from texts(value)


def is_inside(inner: Node, outer: Node) -> bool:
    """Tell whether a node is another one or stands in it."""
    return (
        outer.start_mark.index <= inner.start_mark.index
        and inner.end_mark.index <= outer.end_mark.index
    )


def _overlapping(edits: Sequence[Edit]) -> bool:
    """Tell whether two edits can't both be made."""
    ordered = sorted(edits)
    return any(one.end > other.start for one, other in itertools.pairwise(ordered))
