"""Conditions: a mapping is *and*; ``all``, ``any``, ``not``, ``in`` and tests are its keys."""

from __future__ import annotations

from rules.conditions import (
    All,
    Always,
    AnyOf,
    Compare,
    Condition,
    InSegment,
    Not,
    NotTest,
    Test,
    Top,
)
from rules.parse.comparison import read_test
from rules.parse.names import Section, Subjects, nearest
from rules.parse.place import Place, written

__all__ = ["LABELS", "read_condition", "read_who"]

#: Keys beside the tests of a segment or class value that only people read.
LABELS = frozenset({"title", "strategy", "marks"})


def read_who(place: Place, subjects: Subjects) -> Condition | None:
    """Return ``only`` or ``except``: the name of a segment, a list of names, or a condition."""
    if place.is_mapping():
        return read_condition(place, subjects)
    names = subjects.names.memberships(place)
    return InSegment(names=names, path=place.path, span=place.span) if names else None


def read_condition(
    place: Place, subjects: Subjects, *, skip: frozenset[str] = frozenset()
) -> Condition | None:
    """Return a condition, or None where something in it is wrong; everything wrong is reported."""
    if place.is_scalar() or place.is_list():
        _no_mapping(place, subjects)
        return None
    parts = [_part(key, value, subjects, skip) for key, value in place.pairs() if key not in skip]
    sound = [part for part in parts if part is not None]
    if len(sound) < len(parts):
        return None
    if not sound:
        return Always()
    return sound[0] if len(sound) == 1 else All(tuple(sound))


def _no_mapping(place: Place, subjects: Subjects) -> None:
    text = written(place.node)
    if place.empty:
        place.error("empty-value", f"{place.key} has no condition behind it", at_key=True)
    elif place.is_list():
        hint = "write `any:` or `all:` in front of the list"
        place.error("wrong-shape", f"{place.key} is a list: of these, all or any?", hint)
    elif text in subjects.names.segments:
        place.error("wrong-shape", f'"{text}" is not a condition yet', f"write {{in: {text}}}")
    else:
        hint = "write {measure: test}, such as {orders: above 3}"
        place.error("wrong-shape", f'"{text}" is not a condition', hint)


def _part(key: str, value: Place, subjects: Subjects, beside: frozenset[str]) -> Condition | None:
    match key:
        case "all" | "any":
            parts = [read_condition(item, subjects) for item in value.items(f"`{key}`")]
            sound = [part for part in parts if part is not None]
            if not parts and value.is_list():
                value.error("empty-value", f"`{key}` has an empty list", at_key=True)
            if len(sound) < len(parts) or not parts:
                return None
            if len(sound) == 1:
                return sound[0]
            return All(tuple(sound)) if key == "all" else AnyOf(tuple(sound))
        case "not":
            part = read_condition(value, subjects)
            return None if part is None else Not(part)
        case "in" if subjects.fields is None:
            names = subjects.names.memberships(value)
            return InSegment(names=names, path=value.path, span=value.span) if names else None
        case _:
            return _compare(key, value, subjects, beside)


def _compare(
    key: str, value: Place, subjects: Subjects, beside: frozenset[str]
) -> Condition | None:
    left = subjects.find(key, value, beside=beside)
    if left is None:
        return None
    test = read_test(value, left)
    if test is None or not _ranked_in(test, value, subjects):
        return None
    return Compare(
        subject=left.subject,
        test=test,
        path=value.path,
        words=written(value.node),
        span=value.span,
    )


def _ranked_in(test: Test, value: Place, subjects: Subjects) -> bool:
    while isinstance(test, NotTest):
        test = test.test
    if not isinstance(test, Top):
        return True
    names = subjects.names
    head, dot, word = test.segment.partition(".")
    if test.segment in names.segments or (dot and word in names.classes.get(head, ())):
        return True
    if not names.silent(test.segment, Section.SEGMENTS) and not names.silent(head, Section.CLASSES):
        hint = nearest(test.segment, names.segments, Section.SEGMENTS)
        value.error("unknown-segment", f'no segment "{test.segment}" to rank in', hint)
    return False
