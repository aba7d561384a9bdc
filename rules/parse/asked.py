"""``ask``: what a task asks for, and the fields that ``care_done`` gets for it in the log."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from rules.errors import Finding
from rules.nodes import Node
from rules.parse.names import check_name
from rules.parse.place import Place
from rules.parse.tree import every_step
from rules.phrases import plain
from rules.playbook import Asked, AskedKind
from rules.vocabulary import FieldKind, FieldType, Vocabulary

__all__ = ["AskedFields", "asked_fields", "read_asked"]

_TYPES = {
    "text": AskedKind.TEXT,
    "number": AskedKind.NUMBER,
    "date": AskedKind.DATE,
    "yes_no": AskedKind.YES_NO,
}

_KINDS = {
    AskedKind.SCALE: FieldKind.NUMBER,
    AskedKind.NUMBER: FieldKind.NUMBER,
    AskedKind.CHOICE: FieldKind.WORD,
    AskedKind.TEXT: FieldKind.TEXT,
    AskedKind.DATE: FieldKind.DATE,
    AskedKind.YES_NO: FieldKind.YES_NO,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedFields:
    """Every name that some step asks for, and the vocabulary that has them on ``care_done``."""

    fields: Mapping[str, FieldType]
    vocabulary: Vocabulary


def asked_fields(
    vocabulary: Vocabulary, books: Iterable[tuple[str, Node | None, list[Finding]]]
) -> AskedFields:
    """Return what all playbooks ask for; reports a name that is asked for in two types.

    ``books`` are file name, tree and the list for its findings. The words of a choice are those of
    all playbooks together.
    """
    done = vocabulary.events["care_done"]
    fields: dict[str, FieldType] = {}
    first: dict[str, str] = {}
    for file, node, findings in books:
        if node is None:
            continue
        for asked, place in _asked_of(Place(node=node, path="", findings=[])):
            fits = _add(asked, file, fields, first, done.fields)
            if not fits:
                where = first.get(asked.name, "care itself")
                message = f'"{asked.name}" is asked for as something else in {where}'
                own = Place(node=place.node, path=place.path, findings=findings, name=place.name)
                own.error("name-clash", message, "ask alike, or choose another name", at_key=True)
    events = dict(vocabulary.events)
    events["care_done"] = replace(done, fields={**done.fields, **fields})
    return AskedFields(fields=fields, vocabulary=replace(vocabulary, events=events))


def _add(
    asked: Asked,
    file: str,
    fields: dict[str, FieldType],
    first: dict[str, str],
    built_in: Mapping[str, FieldType],
) -> bool:
    """Add what is asked for; False where the name has another type already."""
    kind = _KINDS[asked.kind]
    known, own = fields.get(asked.name), built_in.get(asked.name)
    if own and (own.kind is not kind or kind is FieldKind.TEXT):
        return False  # the texts are care's own: playbook, step, channel, outcome
    if known and known.kind is not kind:
        return False
    words = tuple(dict.fromkeys((*(known.words if known else ()), *asked.choices)))
    fields[asked.name] = FieldType(name=asked.name, kind=kind, words=words)
    first.setdefault(asked.name, file)
    return True


def read_asked(place: Place | None) -> tuple[Asked, ...] | None:
    """Return what a step asks for; None where something is wrong."""
    if place is None:
        return ()
    found = [_asked(name, value) for name, value in place.pairs("`ask`")]
    sound = tuple(each for each in found if each)
    if not found and place.is_mapping():
        place.error("empty-value", "`ask` asks for nothing", at_key=True)
    return sound if sound and len(sound) == len(found) else None


def _asked_of(root: Place) -> Iterator[tuple[Asked, Place]]:
    """Yield what the steps of a playbook ask for, with its place, as far as it can be read.

    Findings are for a scratch list: the steps' own reading reports them.
    """
    for step in every_step(root.get("steps")):
        ask = step.get("ask")
        if ask is None or not ask.is_mapping():
            continue
        for name, value in ask.pairs():
            found = _asked(name, value)
            if found:
                yield found, value


def _asked(name: str, place: Place) -> Asked | None:
    if name == "outcome":
        message = "`outcome` is what `outcomes:` gives already"
        place.error("bad-name", message, "choose another name", at_key=True)
        return None
    if not check_name(name, place, "question"):
        return None
    if place.is_list():
        texts = place.texts(f'the answers to "{name}"') or []
        words = tuple(dict.fromkeys(text for text, _ in texts))
        if not words:
            return None
        if len(words) < len(texts):
            place.error("name-clash", f'"{name}" lists an answer twice')
            return None
        return Asked(name=name, kind=AskedKind.CHOICE, choices=words)
    text = place.text(f'the question "{name}"')
    if text is None:
        return None
    words_ = plain(text)
    if words_ in _TYPES:
        return Asked(name=name, kind=_TYPES[words_])
    scale = re.fullmatch(r"(\d{1,4}) to (\d{1,4})", words_, re.ASCII)
    if scale and int(scale[1]) < int(scale[2]):
        return Asked(name=name, kind=AskedKind.SCALE, low=int(scale[1]), high=int(scale[2]))
    near = re.fullmatch(r"(\d{1,4})\s*(?:-|~|–|至|到|to|and)\s*(\d{1,4})", words_, re.ASCII)
    low, high = sorted((int(near[1]), int(near[2]))) if near else (0, 0)
    hint = f"write {low} to {high}" if low < high else ""
    hint = hint or "write 1 to 5, text, number, date, yes_no, or a list of answers in [ ]"
    place.error("bad-ask", f'"{name}" can\'t ask for "{text}"', hint)
    return None
