"""Which kinds of events something speaks of, wherever they stand in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache

from rules.measures import Events

__all__ = ["event_names"]


def event_names(*values: object) -> frozenset[str]:
    """Return the names of the events that playbooks, catalogues or house rules read.

    Every reading of events is an ``Events`` somewhere in the model; what two of the values share is
    looked through once.
    """
    seen: dict[int, object] = {}
    return frozenset(name for value in values for name in _names(value, seen))


def _names(value: object, seen: dict[int, object]) -> Iterator[str]:
    if isinstance(value, str | int | None):
        return
    if isinstance(value, Events):
        yield from value.names
    elif isinstance(value, Mapping):
        if id(value) not in seen:
            seen[id(value)] = value
            for item in value.values():
                yield from _names(item, seen)
    elif isinstance(value, tuple):
        for item in value:
            yield from _names(item, seen)
    elif is_dataclass(value) and not isinstance(value, type) and id(value) not in seen:
        seen[id(value)] = value
        for name in _fields(type(value)):
            yield from _names(getattr(value, name), seen)


@lru_cache(maxsize=256)
def _fields(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))
