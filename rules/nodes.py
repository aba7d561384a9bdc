"""YAML as care reads it: a tree in which every scalar is text and every node knows its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rules.errors import Span

__all__ = ["Mapping", "Node", "Scalar", "Sequence"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """One value, as written. What it means (number, duration, word) its place decides."""

    text: str
    quoted: bool  #: in quotes: always literal text, never a phrase
    span: Span

    @property
    def empty(self) -> bool:
        """True for a key with nothing behind it."""
        return not self.quoted and self.text in ("", "~", "null")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """A list."""

    items: tuple[Node, ...]
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """Keys and values in the order of the file; a key stands once."""

    pairs: tuple[tuple[Scalar, Node], ...]
    span: Span

    def get(self, key: str) -> Node | None:
        """Return the value of a key, or None."""
        for name, value in self.pairs:
            if name.text == key:
                return value
        return None

    def key(self, key: str) -> Scalar | None:
        """Return the key's own node, for its place."""
        return next((name for name, _ in self.pairs if name.text == key), None)

    def __iter__(self) -> Iterator[tuple[Scalar, Node]]:
        return iter(self.pairs)


Node = Scalar | Sequence | Mapping
