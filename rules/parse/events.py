"""Which events: a name, a list, a group, or ``{event: E, where: {...}}``; and fields of events."""

from __future__ import annotations

from collections.abc import Iterable

from rules.conditions import Always, Condition, Subject, SubjectKind
from rules.errors import did_you_mean
from rules.measures import Events
from rules.nodes import Mapping, Node, Scalar, Sequence
from rules.parse.condition import read_condition
from rules.parse.names import Left, Names, Section, Subjects, field_left, nearest
from rules.parse.place import Place, written
from rules.vocabulary import FieldKind, FieldType

__all__ = ["event_names", "read_events", "read_fields", "read_where", "shared_fields"]


def read_events(place: Place, names: Names) -> Events | None:
    """Return the events that a value names, or report why there are none."""
    if place.is_mapping():
        event = place.get("event")
        if event is None:
            hint = "write {event: order, where: {amount: above 100}}"
            place.error("missing-key", "which event? `event:` is missing", hint)
            return None
        found = event_names(event, names)
        where = read_where(place.get("where"), found, written(event.node), names)
        return None if found is None or where is None else Events(names=found, where=where)
    found = event_names(place, names)
    return None if found is None else Events(names=found)


def event_names(place: Place, names: Names) -> tuple[str, ...] | None:
    """Return the event kinds behind a name or a list of names, groups resolved, sorted."""
    if place.is_list() and isinstance(place.node, Sequence):
        for item in place.items():
            if item.is_mapping():
                hint = "write {event: [a, b], where: {...}}: the test is asked of all of them"
                item.error("wrong-shape", "a list of events takes names only", hint)
                return None
    texts = place.texts("an event")
    if texts is None:
        return None
    if not texts:
        place.error("empty-value", f"{place.key} has no event in its list", at_key=True)
        return None
    found: set[str] = set()
    sound = True
    for text, item in texts:
        known = _expand(text, item, names)
        sound = sound and known is not None
        found |= set(known or ())
    return tuple(sorted(found)) if sound else None


def _expand(name: str, place: Place, names: Names) -> tuple[str, ...] | None:
    vocabulary = names.vocabulary
    if name in vocabulary.events or name in vocabulary.groups:
        return vocabulary.expand(name)
    if names.silent(name, Section.EVENTS):
        return None
    known = {*vocabulary.events, *vocabulary.groups}
    head, dot, _ = name.partition(".")
    if dot and head in known:
        message = f'"{name}" is a field; {place.key} takes an event'
        place.error("unknown-event", message, f"write {head}")
    elif not place.one_text():
        place.error("unknown-event", f'no event "{name}"', nearest(name, known, Section.EVENTS))
    return None


def read_where(
    place: Place | None, events: tuple[str, ...] | None, shown: str, names: Names
) -> Condition | None:
    """Return the condition on the fields of these events; None where something is wrong."""
    if place is None:
        return Always()
    if events is None:
        return None
    fields: dict[str, Left] = {}
    for declared in _declared(events, names):
        known = fields.setdefault(declared.name, _left(declared))
        if known != _left(declared) and declared.name in _keys(place.node):
            message = f'field "{declared.name}" has not one type in all of {shown}'
            place.error("unknown-field", message, "ask each event in a measure of its own")
            return None
    return read_condition(place, Subjects(names=names, fields=fields, fields_of=shown))


def shared_fields(events: Iterable[tuple[str, ...]], names: Names) -> dict[str, FieldType]:
    """Return the fields that every one of these events has, with one type."""
    kinds = sorted({name for several in events for name in several})
    if not kinds:
        return {}
    common = dict(names.vocabulary.events[kinds[0]].fields)
    for kind in kinds[1:]:
        fields = names.vocabulary.events[kind].fields
        common = {
            name: declared
            for name, declared in common.items()
            if name in fields and fields[name].kind is declared.kind
        }
    return common


def _declared(events: Iterable[str], names: Names) -> list[FieldType]:
    return [field for event in events for field in names.vocabulary.events[event].fields.values()]


def _left(declared: FieldType) -> Left:
    return field_left(declared, Subject(SubjectKind.FIELD, declared.name), declared.name)


def _keys(node: Node) -> set[str]:
    match node:
        case Scalar():
            return set()
        case Sequence():
            return {key for item in node.items for key in _keys(item)}
        case Mapping():
            below = {key for _, value in node for key in _keys(value)}
            return {key.text for key, _ in node} | below


def read_fields(place: Place, names: Names) -> tuple[dict[str, str], FieldType] | None:
    """Return event -> field and the common type of ``order.amount`` or a list of such."""
    texts = place.texts("a field")
    if texts is None:
        return None
    if not texts:
        place.error("empty-value", f"{place.key} has no field in its list", at_key=True)
        return None
    fields: dict[str, str] = {}
    types: list[FieldType] = []
    sound = True
    for text, item in texts:
        found = _field(text, item, names)
        if found is None:
            sound = False
            continue
        for event, declared in found.items():
            if fields.get(event, declared.name) != declared.name:
                message = f'event "{event}" stands here with two fields'
                item.error("bad-measure", message, "take one field of each event")
                return None
            fields[event] = declared.name
            types.append(declared)
    if not sound:
        return None
    if len({_loose(declared.kind) for declared in types}) > 1:
        message = f"{written(place.node)}: these fields have different types"
        place.error("bad-measure", message, "take fields of one type")
        return None
    return fields, _merged(types)


def _loose(kind: FieldKind) -> FieldKind:
    return FieldKind.TEXT if kind is FieldKind.WORD else kind


def _merged(types: list[FieldType]) -> FieldType:
    words = tuple(dict.fromkeys(word for declared in types for word in declared.words))
    if all(declared.kind is types[0].kind for declared in types):
        return FieldType(name=types[0].name, kind=types[0].kind, words=words)
    return FieldType(name=types[0].name, kind=FieldKind.TEXT)


def _field(text: str, place: Place, names: Names) -> dict[str, FieldType] | None:
    vocabulary = names.vocabulary
    event, dot, name = text.partition(".")
    known = {*vocabulary.events, *vocabulary.groups}
    if event not in known:
        if not names.silent(event, Section.EVENTS):
            hint = nearest(event, known, Section.EVENTS)
            place.error("unknown-event", f'no event "{event}"', hint)
        return None
    kinds = vocabulary.expand(event)
    fields = sorted({field for kind in kinds for field in vocabulary.events[kind].fields})
    if not dot:
        numbers = [
            field
            for kind in kinds
            for field, declared in vocabulary.events[kind].fields.items()
            if declared.kind is FieldKind.NUMBER
        ]
        example = (numbers or fields or ["<field>"])[0]
        message = f'{place.key} needs a field of event "{event}"'
        place.error("unknown-field", message, f"write {event}.{example}")
        return None
    found = {
        kind: vocabulary.events[kind].fields[name]
        for kind in kinds
        if name in vocabulary.events[kind].fields
    }
    if found:
        return found
    if any((Section.FIELDS, f"{kind}.{name}") in names.broken for kind in kinds):
        return None
    if any((Section.FIELDS, f"{kind}.*") in names.broken for kind in kinds):
        return None
    hint = did_you_mean(name, fields) or f'"{event}" has no fields'
    place.error("unknown-field", f'event "{event}" has no field "{name}"', hint)
    return None
