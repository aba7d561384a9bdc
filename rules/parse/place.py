"""A node with its path: what a reader holds in its hand, and where it reports what is wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rules.errors import Finding, Level, Span
from rules.nodes import Mapping, Node, Scalar, Sequence

__all__ = ["Place", "written"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A node, its YAML path, and the list that takes the findings of its file."""

    node: Node
    path: str
    findings: list[Finding]
    name: Span | None = None  #: of the key in front of the node

    @property
    def span(self) -> Span:
        """Where the node begins."""
        return self.node.span

    @property
    def key_span(self) -> Span:
        """Where its key begins; the node itself where there is no key."""
        return self.name or self.node.span

    @property
    def key(self) -> str:
        """The last word of the path."""
        return self.path.rsplit("/", 1)[-1]

    def error(self, code: str, message: str, hint: str = "", *, at_key: bool = False) -> None:
        """Report that this is wrong."""
        self._report(Level.ERROR, code, message, hint, at_key=at_key)

    def warn(self, code: str, message: str, hint: str = "", *, at_key: bool = False) -> None:
        """Report that this is legal and doubtful."""
        self._report(Level.WARNING, code, message, hint, at_key=at_key)

    def _report(self, level: Level, code: str, message: str, hint: str, *, at_key: bool) -> None:
        self.findings.append(
            Finding(
                level=level,
                code=code,
                message=message,
                hint=hint,
                span=self.key_span if at_key else self.span,
                path=self.path,
            )
        )

    def get(self, key: str) -> Place | None:
        """Return the value of a key of a mapping; None where there is none."""
        if not isinstance(self.node, Mapping):
            return None
        for name, value in self.node.pairs:
            if name.text == key:
                return self._below(key, value, name.span)
        return None

    def pairs(self, what: str = "") -> list[tuple[str, Place]]:
        """Return keys and values; reports and returns nothing where this is no mapping."""
        if not isinstance(self.node, Mapping):
            self.error(
                "wrong-shape", f"{what or self.key} needs `key: value` lines", at_key=self.empty
            )
            return []
        return [(key.text, self._below(key.text, value, key.span)) for key, value in self.node]

    def items(self, what: str = "") -> list[Place]:
        """Return the items of a list; reports and returns nothing where this is no list."""
        if not isinstance(self.node, Sequence):
            if not self.one_text():
                self.error("wrong-shape", f"{what or self.key} needs a list", at_key=self.empty)
            return []
        return [
            self._below(str(index), item, item.span) for index, item in enumerate(self.node.items)
        ]

    def one_text(self) -> bool:
        """Report ``a, b`` without brackets, which YAML takes for one text; True where it is."""
        text = self.node.text if isinstance(self.node, Scalar) else ""
        parts = [part.strip() for part in re.split("[,，、]", text) if part.strip()]
        if len(parts) < 2:
            return False
        message = f'"{text}" is one text: a list needs [ ]'
        self.error("wrong-shape", message, f"write [{', '.join(parts)}]")
        return True

    def each(self) -> list[Place]:
        """Return the items of a list, or this alone: for keys that take one or several."""
        return self.items() if isinstance(self.node, Sequence) else [self]

    def text(self, what: str = "") -> str | None:
        """Return the text of a scalar; reports and returns None for anything else."""
        if not isinstance(self.node, Scalar):
            self.error("wrong-shape", f"{what or self.key} needs one value")
            return None
        if self.empty:
            self.error("empty-value", f"{what or self.key} has nothing behind it", at_key=True)
            return None
        return self.node.text

    def texts(self, what: str = "") -> list[tuple[str, Place]] | None:
        """Return the texts of one value or a list of values; None where one is missing."""
        found = [(item.text(what), item) for item in self.each()]
        if any(text is None for text, _ in found):
            return None
        return [(text or "", item) for text, item in found]

    def label(self, key: str) -> str:
        """Return the text of a key that only people read; "" where there is none."""
        found = self.get(key)
        if found is None or found.empty:
            return ""
        return found.text() or ""

    @property
    def empty(self) -> bool:
        """True for a key with nothing behind it."""
        return isinstance(self.node, Scalar) and self.node.empty

    @property
    def quoted(self) -> bool:
        """True for a scalar in quotes."""
        return isinstance(self.node, Scalar) and self.node.quoted

    def is_list(self) -> bool:
        """Tell whether this is a list."""
        return isinstance(self.node, Sequence)

    def is_mapping(self) -> bool:
        """Tell whether this has keys."""
        return isinstance(self.node, Mapping)

    def is_scalar(self) -> bool:
        """Tell whether this is one value."""
        return isinstance(self.node, Scalar)

    def _below(self, key: str, node: Node, name: Span) -> Place:
        path = f"{self.path}/{key}" if self.path else key
        return Place(node=node, path=path, findings=self.findings, name=name)


def written(node: Node) -> str:
    """Return a node as one line, as a person would write it."""
    match node:
        case Scalar():
            return f'"{node.text}"' if node.quoted else " ".join(node.text.split())
        case Sequence():
            return "[" + ", ".join(written(item) for item in node.items) + "]"
        case Mapping():
            return "{" + ", ".join(f"{key.text}: {written(value)}" for key, value in node) + "}"
