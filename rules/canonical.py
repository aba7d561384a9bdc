"""One canonical form of frozen dataclasses, for hashes that only meaning can change."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from fractions import Fraction
from functools import lru_cache

__all__ = ["Json", "canonical", "digest", "fingerprint"]

Json = None | bool | int | str | list["Json"] | dict[str, "Json"]


def canonical(value: object, *, skip: frozenset[str] = frozenset()) -> Json:
    """Return a value as JSON: dataclasses with their type's name, mappings sorted by key.

    Fields with ``compare=False`` (spans, source texts) and fields named in ``skip`` are left out.
    Raises TypeError for anything that is not part of the language's types.
    """
    match value:
        case Enum():
            return canonical(value.value)
        case None | bool() | int() | str():
            return value
        case Fraction():
            return f"{value.numerator}/{value.denominator}"
        case dt.time():
            return value.isoformat()
        case Mapping():
            return {str(key): canonical(value[key], skip=skip) for key in sorted(value)}
        case frozenset() | set():
            return [canonical(item, skip=skip) for item in sorted(value)]
        case tuple() | list():
            return [canonical(item, skip=skip) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        shown: dict[str, Json] = {"": type(value).__name__}
        for name in _compared(type(value)):
            if name not in skip:
                shown[name] = canonical(getattr(value, name), skip=skip)
        return shown
    raise TypeError(f"no canonical form of {type(value).__name__}")


@lru_cache(maxsize=256)
def _compared(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if field.compare)


def digest(value: object, *, skip: frozenset[str] = frozenset()) -> str:
    """Return 16 hex digits of the sha256 of a value's canonical JSON."""
    return fingerprint(canonical(value, skip=skip))


def fingerprint(shown: Json) -> str:
    """Return 16 hex digits of the sha256 of JSON, keys in order, no spaces."""
    text = json.dumps(shown, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
