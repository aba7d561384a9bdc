"""The vocabulary in which the schemas are written: a few functions that return JSON Schema.

Draft-07, since editors stop there. Kinds (of step, trigger, measure) are chosen by ``if``/``then``,
never ``anyOf``, so that each mistake has one message. What a value *means* (phrases, durations,
references) is not judged here: for the schema it is a text or a number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = [
    "Schema",
    "either",
    "flag",
    "items",
    "kinds",
    "name",
    "named",
    "names",
    "number",
    "open_table",
    "ref",
    "table",
    "text",
    "usual",
    "value",
    "values",
    "word",
]

Schema = dict[str, Any]

_SCALAR = ["string", "number", "boolean"]
#: A name, or several in [ ]: ``only: mature, a_tier`` is neither.
_ONE_NAME = "^[^,，、]*$"


def _with(schema: Schema, description: str, examples: Iterable[Any]) -> Schema:
    found = list(examples)
    return {"description": description, **({"examples": found} if found else {}), **schema}


def text(description: str, *examples: Any) -> Schema:
    """Any single value, read as text."""
    return _with({"type": _SCALAR}, description, examples)


value = text


def values(description: str, *examples: Any) -> Schema:
    """One value, or a list of them."""
    schema = {"type": [*_SCALAR, "array"], "items": {"type": _SCALAR}, "minItems": 1}
    return _with(schema, description, examples)


def number(description: str, *examples: Any) -> Schema:
    """A number, also one that only the language reads: ``50万``, ``500_000``."""
    return _with({"type": ["number", "string"]}, description, examples)


def name(description: str, *examples: Any) -> Schema:
    """The name of one thing."""
    return _with({"type": ["string", "number"], "pattern": _ONE_NAME}, description, examples)


def names(description: str, *examples: Any) -> Schema:
    """One name, or a list of them."""
    schema = {
        "type": ["string", "number", "array"],
        "pattern": _ONE_NAME,
        "items": {"type": ["string", "number"], "pattern": _ONE_NAME},
        "minItems": 1,
    }
    return _with(schema, description, examples)


def word(description: str, words: Mapping[str, str], *examples: Any) -> Schema:
    """One of a closed list of words, each with its meaning."""
    choices = [{"const": key, "description": meaning} for key, meaning in words.items()]
    return _with({"oneOf": choices}, description, examples)


def flag(description: str, *examples: Any) -> Schema:
    """Yes or no."""
    choices: list[Schema] = [{"const": choice} for choice in ("yes", "no", True, False)]
    return _with({"oneOf": choices}, description, examples)


def usual(shape: Schema, default: object) -> Schema:
    """A key and what holds where it is missing."""
    return {**shape, "default": default}


def items(description: str, item: Schema, *examples: Any, least: int = 1) -> Schema:
    """A list."""
    return _with({"type": "array", "items": item, "minItems": least}, description, examples)


def named(description: str, item: Schema, *examples: Any, empty: bool = False) -> Schema:
    """Names that the project gives, each with something behind it."""
    kinds_ = ["object", "null"] if empty else "object"
    return _with({"type": kinds_, "additionalProperties": item}, description, examples)


def table(
    title: str,
    description: str,
    keys: Mapping[str, Schema],
    required: Iterable[str] = (),
    *,
    example: Any = None,
) -> Schema:
    """A closed set of keys. ``title`` names the thing in messages: ``a step``."""
    needed = list(required)
    schema: Schema = {
        "title": title,
        "description": description,
        "type": "object",
        "properties": dict(keys),
        "additionalProperties": False,
    }
    if example is not None:
        schema["examples"] = [example]
    return {**schema, **({"required": needed} if needed else {})}


def open_table(
    title: str,
    description: str,
    keys: Mapping[str, Schema],
    rest: Schema,
    *,
    example: Any = None,
) -> Schema:
    """Some known keys, and names that the project gives."""
    return {**table(title, description, keys, example=example), "additionalProperties": rest}


def ref(definition: str, description: str = "", *examples: Any) -> Schema:
    """A shared shape, by name."""
    schema = {"$ref": f"#/definitions/{definition}"}
    return _with(schema, description, examples) if description else schema


def either(description: str, *examples: Any, **shapes: Schema) -> Schema:
    """Different shapes for one key: ``scalar=``, ``sequence=``, ``mapping=``."""
    types: list[str] = []
    schema: Schema = {"type": types}
    if "scalar" in shapes:
        types += shapes["scalar"].get("type", _SCALAR)
        schema |= {k: v for k, v in shapes["scalar"].items() if k in ("pattern", "enum")}
    if "sequence" in shapes:
        types += [] if "array" in types else ["array"]
        schema |= {"items": shapes["sequence"], "minItems": 1}
    if "mapping" in shapes:
        types.append("object")
        schema |= {"if": {"type": "object"}, "then": shapes["mapping"]}
    return _with(schema, description, examples)


def kinds(
    title: str,
    description: str,
    of: Mapping[str, Mapping[str, Schema]],
    common: Mapping[str, Schema],
    required: Iterable[str] = (),
    *,
    example: Any,
) -> Schema:
    """A table that differs by which of its keys is there.

    ``of`` maps the deciding key to the keys of its kind (itself among them); all kinds also take
    the ``common`` ones. Without a deciding key all keys are known and the first kind's is missing.
    """
    needed = list(required)
    union = {key: shape for keys in of.values() for key, shape in keys.items()}
    schema: Schema = table(title, description, {**union, **common}, [next(iter(of)), *needed])
    for key, keys in reversed(list(of.items())):
        kind = table(title, description, {**keys, **common}, [key, *needed])
        schema = {"if": {"required": [key]}, "then": kind, "else": schema}
    head: Schema = {"title": title, "description": description, "type": "object"}
    return {**head, "examples": [example], **schema}
