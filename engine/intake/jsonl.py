"""Rows of JSON lines: one object a line, made flat; numbers stay the text that they were."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from engine.intake.text import Broken

__all__ = ["JsonRow", "flatten", "read_json_lines"]


@dataclass(frozen=True, slots=True)
class JsonRow:
    """One object: ``{"a": {"b": 1}}`` has the column ``a.b``. A null is a column without a value."""

    line: int
    cells: dict[str, str | None]


def read_json_lines(lines: Iterable[str]) -> Iterator[JsonRow | Broken]:
    """Return the objects of a text; null and absent are alike."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            # As text: a float would change 0.1 + 0.2, a large id would lose digits.
            value = json.loads(line, parse_float=str, parse_int=str, parse_constant=str)
        except (ValueError, RecursionError):
            yield Broken(number, line, "the line is not a JSON object")
            continue
        if not isinstance(value, dict):
            yield Broken(number, line, "the line is not a JSON object")
            continue
        yield JsonRow(number, flatten(value))


def flatten(value: dict[str, Any], prefix: str = "") -> dict[str, str | None]:
    """Return an object whose numbers were read as texts, flat, all values as texts; null is None."""
    cells: dict[str, str | None] = {}
    for key, item in value.items():
        name = f"{prefix}{key}"
        match item:
            case None:
                cells[name] = None
            case bool():
                cells[name] = "true" if item else "false"
            case str():
                cells[name] = item
            case dict():
                cells |= flatten(item, f"{name}.")
            case list() if all(isinstance(part, str) for part in item):
                cells[name] = ",".join(item)
            case _:
                cells[name] = json.dumps(item, ensure_ascii=False)
    return cells
