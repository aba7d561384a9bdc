"""One canonical form of frozen dataclasses, for hashes that only meaning can change."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from fractions import Fraction

__all__ = ["canonical", "digest"]

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
        for field in fields(value):
            if field.compare and field.name not in skip:
                shown[field.name] = canonical(getattr(value, field.name), skip=skip)
        return shown
    raise TypeError(f"no canonical form of {type(value).__name__}")


def digest(value: object, *, skip: frozenset[str] = frozenset()) -> str:
    """Return 16 hex digits of the sha256 of a value's canonical JSON."""
    text = json.dumps(
        canonical(value, skip=skip), ensure_ascii=False, sort_keys=True, separators=(",", ":")
    )
    return hashlib.sha256(text.encode()).hexdigest()[:16]
