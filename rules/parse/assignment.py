"""``set`` and ``record``: values that a step writes down, constants or what is known by name."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction

from rules.errors import did_you_mean
from rules.history import Datum
from rules.parse.names import Left, Section, Sort, nearest
from rules.parse.place import Place
from rules.parse.scope import Scope
from rules.phrases import plain, read_date, read_number
from rules.playbook import Assignment
from rules.units import SCALE, day_number
from rules.vocabulary import BUILT_IN_EVENTS, FieldKind, FieldType

__all__ = ["constant", "read_record", "read_set"]

_SORTS = {
    FieldKind.NUMBER: Sort.NUMBER,
    FieldKind.TEXT: Sort.TEXT,
    FieldKind.WORD: Sort.WORD,
    FieldKind.WORDS: Sort.WORDS,
    FieldKind.YES_NO: Sort.YES_NO,
    FieldKind.DATE: Sort.DATE,
    FieldKind.INSTANT: Sort.INSTANT,
}
_SHOULD = {
    FieldKind.NUMBER: ("a number", "write 100, or add 100"),
    FieldKind.YES_NO: ("yes or no", "write yes or no"),
    FieldKind.DATE: ("a date", "write 2026-03-18"),
    FieldKind.INSTANT: ("a moment in time", "take it from the trigger: trigger.<field>"),
}


def read_set(place: Place, scope: Scope) -> tuple[Assignment, ...] | None:
    """Return the attributes that a step sets."""
    attributes = scope.names.vocabulary.attributes
    found: list[Assignment | None] = []
    for name, value in place.pairs("`set`"):
        declared = attributes.get(name)
        if declared is None:
            _no_attribute(name, value, scope)
            found.append(None)
        else:
            found.append(_assigned(declared, value, scope, adds=True))
    if not found and place.is_mapping():
        place.error("empty-value", "`set` sets nothing", at_key=True)
    sound = tuple(each for each in found if each)
    return sound if sound and len(sound) == len(found) else None


def _no_attribute(name: str, place: Place, scope: Scope) -> None:
    names = scope.names
    if names.silent(name, Section.ATTRIBUTES):
        return
    message = f'no attribute "{name}"'
    hint = nearest(name, names.vocabulary.attributes, Section.ATTRIBUTES)
    if name in names.measures or name in names.classes or name in names.segments:
        kind = "measure" if name in names.measures else "segment"
        message = f'"{name}" is a {"class" if name in names.classes else kind}'
        hint = "care works it out; `set` writes attributes of the customer"
    place.error("unknown-attribute", message, hint, at_key=True)


def read_record(
    place: Place, fields: Place | None, scope: Scope
) -> tuple[str, tuple[Assignment, ...]] | None:
    """Return the event that a step writes into the log, and its fields."""
    event = _event(place, scope)
    if event is None:
        return None
    declared = scope.names.vocabulary.events[event].fields
    found: list[Assignment | None] = []
    pairs = fields.pairs("`fields`") if fields else []
    for name, value in pairs:
        if name in declared:
            found.append(_assigned(declared[name], value, scope, adds=False))
            continue
        found.append(None)
        if not scope.names.silent(f"{event}.{name}", Section.FIELDS):
            hint = did_you_mean(name, declared) or f'"{event}" has no fields'
            message = f'event "{event}" has no field "{name}"'
            value.error("unknown-field", message, hint, at_key=True)
    sound = tuple(each for each in found if each)
    if len(sound) < len(found) or (fields and not fields.is_mapping()):
        return None
    return event, sound


def _event(place: Place, scope: Scope) -> str | None:
    text = place.text()
    vocabulary = scope.names.vocabulary
    if text is None:
        return None
    if text in vocabulary.groups:
        known = vocabulary.groups[text]
        message = f'"{text}" is a group of events, and one is recorded'
        place.error("unknown-event", message, f"write record: {known[0]}" if known else "")
        return None
    if text in BUILT_IN_EVENTS:
        message = f'event "{text}" is written by care itself'
        place.error("bad-record", message, "record an event of care.yaml")
        return None
    if text not in vocabulary.events:
        if not scope.names.silent(text, Section.EVENTS):
            own = set(vocabulary.events) - set(BUILT_IN_EVENTS)
            place.error("unknown-event", f'no event "{text}"', nearest(text, own, Section.EVENTS))
        return None
    return text


def _assigned(declared: FieldType, place: Place, scope: Scope, *, adds: bool) -> Assignment | None:
    """Return one value for a declared attribute or field."""
    name = declared.name
    if place.is_list():
        return _words(declared, place)
    text = place.text(name)
    if text is None:
        return None
    words = plain(text)
    if not place.quoted:
        head, dot, _ = text.partition(".")
        if dot and (head == "trigger" or head in scope.subjects.step_names):
            return _taken(declared, text, place, scope)
        if adds and words == "unknown" and "unknown" not in declared.words:
            return Assignment(attribute=name)
        if found := re.fullmatch(r"add (.+)", words):
            return _added(declared, found[1], place, adds=adds)
    value = constant(declared, text, place)
    return None if value is None else Assignment(attribute=name, value=value)


def _added(declared: FieldType, text: str, place: Place, *, adds: bool) -> Assignment | None:
    if not adds or declared.kind is not FieldKind.NUMBER:
        if declared.kind is FieldKind.TEXT:
            hint = f'if these are the very words, quote them: "add {text}"'
        else:
            hint = "write the value alone"
        what = "is no number" if adds else "is a field of a new event"
        place.error("bad-value", f"{declared.name} {what}: there is nothing to add to", hint)
        return None
    number = _scaled(text)
    if number is None:
        message = f'{declared.name} can\'t be "add {text}"'
        place.error("bad-value", message, "write add 100, or add -100")
        return None
    return Assignment(attribute=declared.name, value=number, add=True)


def _taken(declared: FieldType, text: str, place: Place, scope: Scope) -> Assignment | None:
    """Return a value that is taken from the trigger or from a step above."""
    left = scope.here().find(text, replace(place, name=place.span))
    if left is None:
        return None
    if not _fits(declared, left):
        message = f"{declared.name} takes {_kind(declared)}, and {text} is {_sort(left)}"
        place.error("bad-value", message, "name something of the same type")
        return None
    return Assignment(attribute=declared.name, source=text)


def _fits(declared: FieldType, left: Left) -> bool:
    if declared.kind is FieldKind.TEXT:
        return left.sort in (Sort.TEXT, Sort.WORD)
    if declared.kind in (FieldKind.WORD, FieldKind.WORDS):
        return left.sort is _SORTS[declared.kind] and set(left.words) <= set(declared.words)
    return left.sort is _SORTS[declared.kind]


def _kind(declared: FieldType) -> str:
    if declared.words:
        return f"one of {', '.join(declared.words)}"
    return _SHOULD[declared.kind][0] if declared.kind in _SHOULD else "a text"


def _sort(left: Left) -> str:
    if left.words:
        return f"one of {', '.join(left.words)}"
    known = {kind: words[0] for kind, words in _SHOULD.items()}
    return next((known[kind] for kind in known if _SORTS[kind] is left.sort), "a text")


def _words(declared: FieldType, place: Place) -> Assignment | None:
    """Return several values of an attribute that has several at once."""
    if declared.kind is not FieldKind.WORDS:
        message = f"{declared.name} has one value"
        place.error("bad-value", message, "write it without [ ]")
        return None
    found = [constant(declared, text, item) for text, item in place.texts(declared.name) or []]
    if not found and not place.items():
        place.error("empty-value", f"the list of {declared.name} is empty", "write unknown")
    if not found or None in found:
        return None
    values = {word for each in found if isinstance(each, tuple) for word in each}
    return Assignment(attribute=declared.name, value=tuple(sorted(values)))


def constant(declared: FieldType, text: str, place: Place) -> Datum | None:
    """Return a constant as the log holds it."""
    match declared.kind:
        case FieldKind.TEXT:
            return text
        case FieldKind.WORD | FieldKind.WORDS:
            if text in declared.words:
                return text if declared.kind is FieldKind.WORD else (text,)
            hint = did_you_mean(plain(text), declared.words)
            place.error("unknown-value", f'{declared.name} has no value "{text}"', hint)
            return None
        case FieldKind.NUMBER:
            value: Datum | None = _scaled(text)
        case FieldKind.YES_NO:
            value = {"yes": True, "no": False}.get(text)
        case FieldKind.DATE:
            day = read_date(text)
            value = None if day is None else day_number(day)
        case FieldKind.INSTANT:
            value = None
    if value is None:
        what, hint = _SHOULD[declared.kind]
        message = f'{declared.name} is {what} and can\'t be "{text}"'
        place.error("bad-value", message, hint)
    return value


def _scaled(text: str) -> int | None:
    """Return a number as the log holds it; None for one with more than four decimals."""
    number = read_number(text)
    held = None if number is None else number * SCALE
    return int(held) if isinstance(held, Fraction) and held.denominator == 1 else None
