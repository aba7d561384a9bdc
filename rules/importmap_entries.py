"""Import maps: one entry of ``events``, and the ``profile``."""

from __future__ import annotations

from rules.errors import did_you_mean
from rules.importmap_cells import read_cell, read_columns, read_time, read_when
from rules.importmap_notes import Notes
from rules.importmap_types import (
    AttributeMap,
    EventMap,
    FieldMap,
    Known,
    ProfileMap,
    RowTest,
    Take,
    TimeMap,
)
from rules.nodes import Mapping, Node, Scalar
from rules.vocabulary import BUILT_IN_EVENTS, FieldType, Vocabulary

__all__ = ["Shared", "read_event", "read_profile"]

_EVENT_KEYS = ("event", "customer", "time", "known", "id", "when", "group", "fields")
_PROFILE_KEYS = ("customer", "time", "known", "id", "when", "attributes")


class Shared:
    """What the top of the map says for all entries."""

    def __init__(self, root: Mapping, notes: Notes, when: tuple[tuple[RowTest, ...], ...]) -> None:
        self.customer = notes.text(root, "customer", "")
        self.time = read_time(root.get("time"), "time", notes)
        self.known = _known(root.get("known"), "known", notes)
        self.id = read_columns(root.get("id"), "id", notes)
        self.when = when
        self.has_time = root.get("time") is not None
        self.has_customer = root.get("customer") is not None

    def conditions(self, own: tuple[tuple[RowTest, ...], ...]) -> tuple[tuple[RowTest, ...], ...]:
        """Return both conditions as one: any of these, each all of its tests."""
        if not self.when or not own:
            return self.when or own
        return tuple(first + second for first in self.when for second in own)


def read_event(
    node: Node, path: str, shared: Shared, vocabulary: Vocabulary, notes: Notes
) -> EventMap | None:
    """Return one entry of ``events``, with what the top of the map says for all of them."""
    entry = notes.mapping(node, path, _EVENT_KEYS, "each entry begins with - event: NAME")
    if entry is None:
        return None
    event, column, values = _event_name(entry, path, vocabulary, notes)
    customer = notes.text(entry, "customer", path) or shared.customer
    if customer is None and not shared.has_customer and entry.get("customer") is None:
        notes.add("missing-key", path, entry.span, "no column is named for customer")
    time = read_time(entry.get("time"), f"{path}/time", notes) or shared.time
    if time is None and not shared.has_time and entry.get("time") is None:
        notes.add("missing-key", path, entry.span, "no column is named for time")
    kinds = (event,) if event else tuple(dict.fromkeys(values.values()))
    fields = _fields(entry.get("fields"), f"{path}/fields", kinds, vocabulary, notes)
    known = _known(entry.get("known"), f"{path}/known", notes) or shared.known or Known.AT_EVENT
    if customer is None or time is None or not kinds:
        return None
    return EventMap(
        event=event,
        column=column,
        values=values,
        when=shared.conditions(read_when(entry.get("when"), f"{path}/when", notes)),
        customer=customer,
        time=time,
        known=known,
        id=read_columns(entry.get("id"), f"{path}/id", notes)
        or (() if entry.get("group") is not None else shared.id),
        group=read_columns(entry.get("group"), f"{path}/group", notes),
        fields=fields,
        span=entry.span,
    )


def _event_name(
    entry: Mapping, path: str, vocabulary: Vocabulary, notes: Notes
) -> tuple[str | None, str | None, dict[str, str]]:
    """Return a fixed kind, or the column and its words -> kinds."""
    node = entry.get("event")
    path = f"{path}/event"
    if node is None:
        notes.add(
            "missing-key", path, entry.span, "the entry does not say which event: event: NAME"
        )
        return None, None, {}
    if isinstance(node, Scalar):
        return _kind(node, path, vocabulary, notes), None, {}
    choice = notes.mapping(
        node, path, ("from", "values"), "event is a name, or {from: column, values: {...}}"
    )
    if choice is None:
        return None, None, {}
    column = notes.text(choice, "from", path, needed="the column that says which event")
    table = choice.get("values")
    values: dict[str, str] = {}
    if not isinstance(table, Mapping) or not table.pairs:
        span = table.span if table is not None else choice.span
        notes.add(
            "missing-key",
            path,
            span,
            "values needs the file's words and our events: {Wait: ticket_wait}",
        )
        return None, column, {}
    for word, kind in table:
        if isinstance(kind, Scalar):
            name = _kind(kind, f"{path}/values/{word.text}", vocabulary, notes)
            if name is not None:
                values[word.text] = name
        else:
            notes.add("wrong-shape", f"{path}/values", kind.span, "here stands one event")
    return None, column, values if column else {}


def _kind(node: Scalar, path: str, vocabulary: Vocabulary, notes: Notes) -> str | None:
    name = node.text
    if name in BUILT_IN_EVENTS:
        notes.add(
            "built-in-event",
            path,
            node.span,
            f'"{name}" is written by care itself and can\'t be imported',
        )
        return None
    if name not in vocabulary.events:
        own = [event for event in vocabulary.events if event not in BUILT_IN_EVENTS]
        hint = did_you_mean(name, own)
        notes.add("unknown-event", path, node.span, f'care.yaml declares no event "{name}"', hint)
        return None
    return name


def _fields(
    node: Node | None, path: str, kinds: tuple[str, ...], vocabulary: Vocabulary, notes: Notes
) -> tuple[FieldMap, ...]:
    table = notes.mapping(node, path, None, "fields are names and columns: {amount: Price}")
    found: list[FieldMap] = []
    if table is None:
        return ()
    for key, value in table:
        place = f"{path}/{key.text}"
        declared = _declared(key, place, kinds, vocabulary, notes)
        if declared is not None:
            cell = read_cell(value, place, declared, notes)
            if cell is not None:
                found.append(FieldMap(field=declared, cell=cell))
    return tuple(found)


def _declared(
    key: Scalar, path: str, kinds: tuple[str, ...], vocabulary: Vocabulary, notes: Notes
) -> FieldType | None:
    """Return the declared field if every kind of the entry has it, with one type."""
    first: FieldType | None = None
    for kind in kinds:
        fields = vocabulary.events[kind].fields
        field = fields.get(key.text)
        if field is None:
            hint = did_you_mean(key.text, fields) or f"add it to {kind} in care.yaml"
            notes.add(
                "unknown-field", path, key.span, f'event {kind} has no field "{key.text}"', hint
            )
            return None
        if first is not None and first.kind != field.kind:
            message = f'field "{key.text}" is {first.kind.value} in {kinds[0]} and {field.kind.value} in {kind}'
            notes.add("field-clash", path, key.span, message, "write an entry for each event")
            return None
        first = first or field
    return first


def read_profile(
    node: Node, shared: Shared, vocabulary: Vocabulary, notes: Notes
) -> ProfileMap | None:
    """Return the ``profile`` of the map."""
    entry = notes.mapping(
        node, "profile", _PROFILE_KEYS, "profile needs attributes: {name: Column}"
    )
    if entry is None:
        return None
    customer = notes.text(entry, "customer", "profile") or shared.customer
    if customer is None and not shared.has_customer and entry.get("customer") is None:
        notes.add("missing-key", "profile", entry.span, "no column is named for customer")
    path = "profile/attributes"
    table = notes.mapping(entry.get("attributes"), path, None, "attributes are names and columns")
    found: list[AttributeMap] = []
    if table is None or not table.pairs:
        notes.add("missing-key", path, entry.span, "profile needs attributes: {name: Column}")
        return None
    for key, value in table:
        declared = vocabulary.attributes.get(key.text)
        if declared is None:
            hint = (
                did_you_mean(key.text, vocabulary.attributes) or "add it to customer in care.yaml"
            )
            message = f'care.yaml declares no customer attribute "{key.text}"'
            notes.add("unknown-attribute", f"{path}/{key.text}", key.span, message, hint)
            continue
        cell = read_cell(value, f"{path}/{key.text}", declared, notes)
        if cell is not None and cell.take is not Take.FIRST:
            message = f"a profile is one row a customer, so there is nothing to {cell.take}"
            notes.add("wrong-shape", f"{path}/{key.text}", value.span, message)
        elif cell is not None:
            found.append(AttributeMap(field=declared, cell=cell))
    known = _known(entry.get("known"), "profile/known", notes) or shared.known
    time = read_time(entry.get("time"), "profile/time", notes)
    if known is None:
        known = Known.AT_IMPORT if time is None else Known.AT_EVENT
    if customer is None:
        return None
    return ProfileMap(
        customer=customer,
        attributes=tuple(found),
        when=shared.conditions(read_when(entry.get("when"), "profile/when", notes)),
        time=time,
        known=known,
        id=read_columns(entry.get("id"), "profile/id", notes),
        span=entry.span,
    )


def _known(node: Node | None, path: str, notes: Notes) -> Known | TimeMap | None:
    if isinstance(node, Scalar) and not node.quoted and node.text in tuple(Known):
        return Known(node.text)
    return read_time(node, path, notes)
