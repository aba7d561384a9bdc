"""Measures, segments and classes of shared.yaml or of one playbook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from rules.measures import Catalogue, ClassValue, CustomerClass, Segment
from rules.parse.condition import LABELS, read_condition
from rules.parse.measures import MeasureReader
from rules.parse.names import Names, Section, Subjects, check_name
from rules.parse.place import Place
from rules.resolve import class_references, references

__all__ = ["Definitions", "read_definitions"]

_SECTIONS = {
    "measures": Section.MEASURES,
    "segments": Section.SEGMENTS,
    "classes": Section.CLASSES,
}
_BOTH = ("left", "in")
#: Longer chains of definitions are refused: nobody could follow the answer to "why".
_DEEPEST = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Definitions:
    """What a file defines itself, and all names in scope for the rest of it."""

    names: Names
    catalogue: Catalogue  #: with what was in scope before


def read_definitions(root: Place, names: Names, before: Catalogue | None = None) -> Definitions:
    """Return the definitions of a file on top of those in scope before."""
    sections = {key: root.get(key) for key in _SECTIONS}
    if before is not None and not any(sections.values()):
        return Definitions(names=names, catalogue=before)
    names = names.copy()
    own = {key: _declared(key, place, names) for key, place in sections.items()}
    _clashes(own, names)
    for name, place in own["classes"].items():
        values = _value_words(place)
        names.classes[name] = values
        if not values:
            names.broken.add((Section.CLASSES, name))
    names.segments |= set(own["segments"])
    MeasureReader(names, own["measures"]).read_all()
    subjects = Subjects(names=names)
    segments = {name: _segment(name, place, subjects) for name, place in own["segments"].items()}
    classes = {name: _class(name, place, subjects) for name, place in own["classes"].items()}
    old = before or Catalogue(measures={}, segments={}, classes={})
    good_segments = {name: found for name, found in segments.items() if found}
    good_classes = {name: found for name, found in classes.items() if found}
    _circles(good_segments, good_classes, own)
    catalogue = Catalogue(
        measures=names.measures,
        segments={**old.segments, **good_segments},
        classes={**old.classes, **good_classes},
    )
    return Definitions(names=names, catalogue=catalogue)


def _declared(key: str, place: Place | None, names: Names) -> dict[str, Place]:
    if place is None or place.empty:
        return {}
    if not place.is_mapping():
        names.opened.add(_SECTIONS[key])
        place.error("wrong-shape", f"{key} needs `name: {{...}}` lines")
        return {}
    return dict(place.pairs())


def _clashes(own: dict[str, dict[str, Place]], names: Names) -> None:
    """Report and drop names that would stand for two things: left of a test, or in ``in:``."""
    taken = {("left", name): "an attribute of the customer" for name in names.vocabulary.attributes}
    taken |= {("left", name): "a measure of shared.yaml" for name in names.measures}
    taken |= {(room, name): "a class of shared.yaml" for name in names.classes for room in _BOTH}
    taken |= {("in", name): "a segment of shared.yaml" for name in names.segments}
    rooms = {"measures": ("left",), "classes": _BOTH, "segments": ("in",)}
    for key, places in own.items():
        for name, place in list(places.items()):
            other = next((taken[room, name] for room in rooms[key] if (room, name) in taken), "")
            if other:
                message = f'"{name}" is already the name of {other}'
                place.error("name-clash", message, "choose another name", at_key=True)
                del places[name]
            taken |= {(room, name): f"a {_SECTIONS[key].value}" for room in rooms[key]}


def _value_words(place: Place) -> tuple[str, ...]:
    values = place.get("values")
    if values is None or not values.is_list():
        return ()
    found = [item.get("value") for item in values.items()]
    return tuple(value.text() or "" for value in found if value and value.is_scalar())


def _segment(name: str, place: Place, subjects: Subjects) -> Segment | None:
    sound = check_name(name, place, "segment")
    if not place.is_mapping():
        hint = f"write {name}: {{title: ..., orders: above 3}}"
        place.error("wrong-shape", f'segment "{name}" needs a condition', hint)
        return None
    title = place.label("title")
    condition = read_condition(place, subjects, skip=LABELS)
    if condition is None or not sound:
        return None
    return Segment(
        name=name,
        title=title,
        condition=condition,
        strategy=place.label("strategy"),
        marks=place.label("marks"),
        span=place.key_span,
    )


def _class(name: str, place: Place, subjects: Subjects) -> CustomerClass | None:
    sound = check_name(name, place, "class")
    values = place.get("values")
    if values is None:
        hint = f"write {name}: {{values: [{{value: A, if: {{...}}}}, {{value: B}}]}}"
        place.error("missing-key", f'class "{name}" has no values', hint, at_key=True)
        return None
    of = place.get("of")
    within = subjects.names.member(of) if of else None
    read: list[ClassValue] = []
    seen: set[str] = set()
    items = values.items(f'class "{name}": values')
    if values.is_list() and not items:
        values.error("empty-value", f'class "{name}" has no values', at_key=True)
    for index, item in enumerate(items):
        value = _class_value(item, subjects, last=index == len(items) - 1)
        if value is None:
            sound = False
            continue
        if value.value in seen:
            message = f'class "{name}" has the value "{value.value}" twice'
            item.error("name-clash", message, "put both conditions under one value with `any:`")
            sound = False
        seen.add(value.value)
        read.append(value)
    if not sound or not read or (of and within is None):
        return None
    return CustomerClass(
        name=name,
        title=place.label("title"),
        of=within,
        values=tuple(read),
        span=place.key_span,
    )


def _class_value(place: Place, subjects: Subjects, *, last: bool) -> ClassValue | None:
    if not place.is_mapping():
        hint = "write {value: A, if: {...}}"
        place.error("wrong-shape", "a value of a class needs a name and a condition", hint)
        return None
    value, test = place.get("value"), place.get("if")
    if value is None:
        place.error("missing-key", "a value of a class needs `value:`", "write {value: A, ...}")
        return None
    word = value.text()
    condition = read_condition(test, subjects) if test else None
    if word is None or (test and condition is None):
        return None
    if test is None and not last:
        message = f'value "{word}" has no `if`, so the values below it are never reached'
        place.error("unreachable", message, "give it an `if:` or put it last")
        return None
    return ClassValue(
        value=word,
        condition=condition,
        title=place.label("title"),
        strategy=place.label("strategy"),
        marks=place.label("marks"),
        span=value.span,
    )


def _circles(
    segments: Mapping[str, Segment],
    classes: Mapping[str, CustomerClass],
    own: dict[str, dict[str, Place]],
) -> None:
    """Report segments and classes that need each other, and chains that are too long."""
    graph = {name: set(references(found.condition).groups) for name, found in segments.items()}
    graph |= {name: set(class_references(found).groups) for name, found in classes.items()}
    places = {**own["segments"], **own["classes"]}
    while True:
        try:
            order = list(TopologicalSorter(graph).static_order())
        except CycleError as circle:
            ring: list[str] = list(reversed(circle.args[1]))
            first = min(range(len(ring) - 1), key=lambda index: places[ring[index]].key_span)
            ring = [*ring[first:-1], *ring[:first], ring[first]]
            message = "these definitions go round in a circle: " + " -> ".join(ring)
            hint = "one of them must not name the next"
            places[ring[0]].error("cycle", message, hint, at_key=True)
            for name in ring:
                graph[name] = set()
        else:
            break
    depth: dict[str, int] = {}
    for name in order:
        depth[name] = 1 + max((depth[below] for below in graph.get(name, ())), default=0)
        if depth[name] == _DEEPEST + 1 and name in places:
            message = f'"{name}" stands on a chain of more than {_DEEPEST} definitions'
            places[name].error("too-deep", message, at_key=True)
