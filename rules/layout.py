"""``care fmt``: one layout for all files of a project; what they say stays as it is.

The reader of the language judges before and after: a file with an error is left alone, and so is one
that would say something else, or lose a comment, in the new layout.
"""

from __future__ import annotations

import codecs
from collections import Counter
from dataclasses import dataclass

import yaml

from rules.errors import Finding, Level
from rules.layout_tree import Comment, comments, read
from rules.layout_write import Order, write
from rules.nodes import Mapping, Node, Scalar, Sequence
from rules.schema import SCHEMAS
from rules.source import read_yaml
from rules.source_silent import TEXT_KEYS

__all__ = ["Laid", "lay_out"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """A file in its layout, or why it was left as it is."""

    data: bytes  #: the new bytes; the old ones where it was left
    left: str = ""  #: why it was left, in words; "" where it was not
    findings: tuple[Finding, ...] = ()  #: the errors for which it was left


def lay_out(data: bytes, file: str, kind: str) -> Laid:
    """Return a YAML file in its layout.

    ``kind`` (care, shared, house, playbook, import, test) gives the order of the keys; of another
    one they stay in theirs. Line ends stay as the first one is, a byte order mark goes.
    """
    node, findings = read_yaml(data, file)
    errors = tuple(each for each in findings if each.level is Level.ERROR)
    if node is None or errors:
        return Laid(data=data, left="it has errors", findings=errors or findings)
    text = data.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    windows = text.partition("\n")[0].endswith("\r")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for unquote in (True, False):
        try:
            root, remarks = read(lines)
        except yaml.YAMLError:
            break
        new = write(root, _order(kind), unquote=unquote) if root is not None else []
        made = "".join(f"{line}\n" for line in new)
        if new and _same(node, findings, remarks, made, file):
            return Laid(data=(made.replace("\n", "\r\n") if windows else made).encode())
    return Laid(data=data, left="no layout was found that keeps all that it says")


def _order(kind: str) -> Order:
    """Return the keys whose order is known: those of the file, and what heads a step."""
    found: Order = {}
    if kind in SCHEMAS and kind != "import":  # a map is laid out by its file's columns
        found[""] = tuple(SCHEMAS[kind][0].get("properties", ()))
    if kind == "playbook":
        first = ("step", "title", "from")
        found |= {f"{key}/": first for key in ("steps", "then", "else")}
    return found


def _same(
    node: Node, findings: tuple[Finding, ...], remarks: list[Comment], made: str, file: str
) -> bool:
    """Tell whether a new text says what the old one says, in values, remarks and findings."""
    again, later = read_yaml(made.encode(), file)
    if again is None or _meaning(again) != _meaning(node):
        return False
    if Counter(each.code for each in later) != Counter(each.code for each in findings):
        return False
    old = Counter(each.text for each in remarks)
    return old == Counter(each.text for each in comments(made.split("\n")))


def _meaning(node: Node, key: str = "") -> object:
    """Return what a node says: keys without order, quotes where they are part of the meaning."""
    match node:
        case Scalar():
            return (node.text, node.quoted and key not in TEXT_KEYS)
        case Sequence():
            return [_meaning(item) for item in node.items]
        case Mapping():
            return {name.text: _meaning(value, name.text) for name, value in node}
