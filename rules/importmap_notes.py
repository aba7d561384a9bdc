"""Collects what is wrong with an import map, and reads the simple shapes of it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import TypeVar

from rules.errors import Finding, Span, did_you_mean
from rules.nodes import Mapping, Node, Scalar, Sequence
from rules.units import zone

__all__ = ["Notes"]

Word = TypeVar("Word", bound=StrEnum)


class Notes:
    """The findings so far. Every reader gives None for what is missing or wrong."""

    def __init__(self) -> None:
        self._findings: dict[tuple[int, int, str], Finding] = {}

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Return all findings in the order of the file."""
        return tuple(sorted(self._findings.values(), key=lambda finding: finding.order))

    def add(self, code: str, path: str, span: Span, message: str, hint: str = "") -> None:
        """Note an error; one of a kind a place."""
        finding = Finding(code=code, message=message, span=span, path=path, hint=hint)
        self._findings.setdefault((span.line, span.col, code), finding)

    def mapping(
        self, node: Node | None, path: str, keys: Iterable[str] | None, shape: str
    ) -> Mapping | None:
        """Return a mapping whose keys are all known (None: any)."""
        if node is None:
            return None
        if not isinstance(node, Mapping):
            self.add("wrong-shape", path, node.span, shape)
            return None
        if keys is not None:
            known = tuple(keys)
            for key, _ in node:
                if key.text not in known:
                    hint = did_you_mean(key.text, known)
                    self.add("unknown-key", path, key.span, f'no key "{key.text}" here', hint)
        return node

    def items(self, node: Node | None, path: str) -> tuple[Node, ...]:
        """Return the entries of a list."""
        if node is None:
            return ()
        if not isinstance(node, Sequence):
            self.add(
                "wrong-shape", path, node.span, f"{path} is a list", "put a dash before each entry"
            )
            return ()
        return node.items

    def text(self, mapping: Mapping, key: str, path: str, *, needed: str = "") -> str | None:
        """Return the text of a key; where it is missing, ``needed`` says what should stand."""
        place = f"{path}/{key}" if path else key
        node = mapping.get(key)
        if node is None:
            if needed:
                self.add(
                    "missing-key",
                    place,
                    mapping.span,
                    f"{key} is missing",
                    f"write {key}: {needed}",
                )
            return None
        return self.scalar(node, place)

    def scalar(self, node: Node, path: str) -> str | None:
        """Return the text of one value, without blanks around it."""
        if not isinstance(node, Scalar):
            self.add("wrong-shape", path, node.span, f"{_last(path)} takes one text")
            return None
        text = node.text if node.quoted else node.text.strip()
        if node.empty or not text:
            self.add("empty-value", path, node.span, f"nothing stands behind {_last(path)}")
            return None
        return text

    def word(self, node: Node | None, path: str, words: type[Word], default: Word) -> Word:
        """Return one of the words of an enum, the default where the key is missing or wrong."""
        if node is None:
            return default
        text = self.scalar(node, path)
        if text is None:
            return default
        if text not in tuple(words):
            self.add(
                "bad-word",
                path,
                node.span,
                f'{_last(path)} can\'t be "{text}"',
                did_you_mean(text, words) or "known here: " + ", ".join(words),
            )
            return default
        return words(text)

    def zone(self, node: Node, path: str) -> str | None:
        """Return the name of a time zone."""
        name = self.scalar(node, path)
        if name is None:
            return None
        try:
            zone(name)
        except KeyError:
            self.add(
                "unknown-timezone",
                path,
                node.span,
                f'no time zone is called "{name}"',
                "write it like Asia/Shanghai, Europe/London or UTC",
            )
            return None
        return name


def _last(path: str) -> str:
    """Return the key that a path ends with; of a list's entry the list and the place."""
    parts = path.split("/")
    return " ".join(parts[-2:]) if parts[-1].isdigit() else parts[-1]
