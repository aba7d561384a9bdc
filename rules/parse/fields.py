"""Types of event fields and customer attributes."""

from __future__ import annotations

import re

from rules.errors import did_you_mean
from rules.parse.names import Section, check_name
from rules.parse.place import Place
from rules.parse.settings import read_word, read_yes_no
from rules.vocabulary import FieldKind, FieldType

__all__ = ["read_fields_of", "read_type"]

_KINDS = {
    "number": FieldKind.NUMBER,
    "text": FieldKind.TEXT,
    "yes_no": FieldKind.YES_NO,
    "date": FieldKind.DATE,
    "instant": FieldKind.INSTANT,
}
_MEANT = {
    "bool": "yes_no",
    "boolean": "yes_no",
    "yesno": "yes_no",
    "string": "text",
    "str": "text",
    "int": "number",
    "integer": "number",
    "float": "number",
    "decimal": "number",
    "money": "number",
    "amount": "number",
    "datetime": "instant",
    "time": "instant",
    "timestamp": "instant",
    "day": "date",
}


def read_fields_of(
    event: str, place: Place | None, broken: set[tuple[Section, str]]
) -> dict[str, FieldType]:
    """Return the fields of an event by name."""
    found: dict[str, FieldType] = {}
    if place is None or place.empty:
        return found
    if not place.is_mapping():
        broken.add((Section.FIELDS, f"{event}.*"))
        place.error("wrong-shape", f'the fields of "{event}" need types', "write {amount: number}")
        return found
    for name, value in place.pairs():
        declared = read_type(name, value) if check_name(name, value, "field") else None
        if declared is None:
            broken |= {(Section.FIELDS, f"{event}.{name}"), (Section.FIELDS, name)}
        else:
            found[name] = declared
    return found


def read_type(name: str, place: Place) -> FieldType | None:
    """Return the type of ``number``, ``[low, high]``, ``{any_of: [...]}`` or ``{type: date}``."""
    if place.is_list():
        return _closed(name, place, FieldKind.WORD)
    if not place.is_mapping():
        kind = _kind(name, place)
        return FieldType(name=name, kind=kind, span=place.key_span) if kind else None
    several, one = place.get("any_of"), place.get("type")
    pii, calendar = place.get("pii"), place.get("calendar")
    private = read_yes_no(pii) if pii else False
    if private is None:
        return None
    if several is not None:
        return _closed(name, several, FieldKind.WORDS, pii=private)
    if one is None:
        hint = f"write {name}: {{type: text, pii: yes}}"
        place.error("missing-key", f'"{name}" has no type', hint)
        return None
    if one.is_list():
        return _closed(name, one, FieldKind.WORD, pii=private)
    kind = _kind(name, one)
    moons = read_word(calendar, ("solar", "lunar")) if calendar else "solar"
    if kind is None or moons is None:
        return None
    if calendar and kind is not FieldKind.DATE:
        calendar.error("bad-type", f'"{name}" is no date, so it has no calendar', at_key=True)
        return None
    return FieldType(name=name, kind=kind, calendar=moons, pii=private, span=place.key_span)


def _kind(name: str, place: Place) -> FieldKind | None:
    text = place.text(f'the type of "{name}"')
    if text is None or text in _KINDS:
        return _KINDS[text] if text else None
    meant = _MEANT.get(text.casefold())
    words = [word.strip() for word in re.split(r"[,，、/|]|\bor\b", text) if word.strip()]
    hint = f"write {meant}" if meant else did_you_mean(text, _KINDS)
    if len(words) > 1:
        hint = f"for a list of words write [{', '.join(words)}]"
    place.error("bad-type", f'"{name}" can\'t be of type "{text}"', hint)
    return None


def _closed(name: str, place: Place, kind: FieldKind, *, pii: bool = False) -> FieldType | None:
    texts = place.texts(f'the words of "{name}"')
    if texts is None:
        return None
    words = [text for text, _ in texts]
    if not words:
        place.error("empty-value", f'"{name}" has no words in its list', at_key=True)
        return None
    for index, (word, item) in enumerate(texts):
        if word in words[:index]:
            item.error("name-clash", f'"{name}" lists "{word}" twice')
            return None
    return FieldType(name=name, kind=kind, words=tuple(words), pii=pii, span=place.key_span)
