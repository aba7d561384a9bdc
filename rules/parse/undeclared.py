"""Attributes that only ``set`` steps name: added to the vocabulary, with a warning."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from rules.errors import Finding
from rules.nodes import Node
from rules.parse.names import check_name
from rules.parse.place import Place
from rules.parse.tree import every_step
from rules.phrases import plain, read_date, read_number
from rules.vocabulary import FieldKind, FieldType, Vocabulary

__all__ = ["with_undeclared"]

#: So alike that it is one name misspelt: ``industri``, but not ``points`` beside ``pain_point``.
_NEAR = 0.8


def with_undeclared(
    vocabulary: Vocabulary,
    books: Iterable[tuple[str, Node | None, list[Finding]]],
    taken: frozenset[str],
) -> Vocabulary:
    """Return the vocabulary with what playbooks set and care.yaml does not declare.

    Only where the constant that is set tells the type, and where no declared name is near: what
    looks misspelt stays unknown. ``books`` are file name, tree and the list for its findings;
    ``taken`` are the names of shared definitions.
    """
    added: dict[str, FieldType] = {}
    for _, node, findings in books:
        if node is None:
            continue
        root = Place(node=node, path="", findings=findings)
        for name, place in _set_in(root, vocabulary):
            kind = _kind(place)
            if name in taken or kind is None or _misspelt(name, vocabulary):
                continue
            if name not in added:
                if not check_name(name, place, "attribute"):
                    continue
                added[name] = FieldType(name=name, kind=kind, span=place.key_span)
                message = f'care.yaml has no attribute "{name}": it is taken for a {_SHOWN[kind]}'
                hint = f"declare it under `customer` there: {name}: {kind.value}"
                place.warn("undeclared-attribute", message, hint, at_key=True)
    return replace(vocabulary, attributes={**vocabulary.attributes, **added})


_SHOWN = {
    FieldKind.NUMBER: "number",
    FieldKind.YES_NO: "yes or no",
    FieldKind.DATE: "date",
    FieldKind.TEXT: "text",
}


def _set_in(root: Place, vocabulary: Vocabulary) -> Iterator[tuple[str, Place]]:
    for step in every_step(root.get("steps")):
        found = step.get("set")
        if found and found.is_mapping():
            for name, value in found.pairs():
                if name not in vocabulary.attributes and value.is_scalar() and not value.empty:
                    yield name, value


def _kind(place: Place) -> FieldKind | None:
    """Return the type of the constant that is set; None where it is taken from elsewhere."""
    text = plain(place.text() or "")
    if place.quoted:
        return FieldKind.TEXT
    if text in ("yes", "no"):
        return FieldKind.YES_NO
    if read_number(text.removeprefix("add ")) is not None:
        return FieldKind.NUMBER
    if read_date(text) is not None:
        return FieldKind.DATE
    return None if text == "unknown" or re.fullmatch(r"\S+\.\S+", text) else FieldKind.TEXT


def _misspelt(name: str, vocabulary: Vocabulary) -> bool:
    return bool(difflib.get_close_matches(name, vocabulary.attributes, n=1, cutoff=_NEAR))
