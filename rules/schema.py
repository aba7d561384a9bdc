"""The JSON Schemas of all files of a project, and what is wrong with the structure of one.

Structure only: keys, lists, closed words. What values mean is for ``rules.parse``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping as Table
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from rules.errors import Finding
from rules.nodes import Node
from rules.schema_definitions import DEFINITIONS, SHARED
from rules.schema_findings import findings_of, plain
from rules.schema_house import HOUSE
from rules.schema_import import IMPORT, IMPORT_DEFINITIONS
from rules.schema_playbook import PLAYBOOK, PLAYBOOK_DEFINITIONS
from rules.schema_project import CARE, CARE_DEFINITIONS
from rules.schema_shapes import Schema
from rules.schema_testfile import TESTFILE, TESTFILE_DEFINITIONS

if TYPE_CHECKING:
    from jsonschema import Draft7Validator

__all__ = ["SCHEMAS", "render", "validate", "write_schemas"]

#: Kind of file -> its schema and the shapes that it may refer to.
SCHEMAS: Table[str, tuple[Schema, Table[str, Schema]]] = {
    "care": (CARE, CARE_DEFINITIONS),
    "shared": (SHARED, DEFINITIONS),
    "house": (HOUSE, DEFINITIONS),
    "playbook": (PLAYBOOK, {**DEFINITIONS, **PLAYBOOK_DEFINITIONS}),
    "import": (IMPORT, IMPORT_DEFINITIONS),
    "test": (TESTFILE, TESTFILE_DEFINITIONS),
}


def render() -> dict[str, str]:
    """Return file name -> text of every schema, as committed under ``schemas/``."""
    return {
        f"{kind}.schema.json": json.dumps(_document(kind), ensure_ascii=False, indent=2) + "\n"
        for kind in SCHEMAS
    }


def write_schemas(folder: Path) -> list[Path]:
    """Write every schema into a folder and return the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, text in render().items():
        path = folder / name
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    return paths


def validate(node: Node, kind: str) -> tuple[Finding, ...]:
    """Return everything that is wrong with the structure of a file, sorted by place.

    ``kind``: care, shared, house, playbook, import or test; another one raises KeyError.
    """
    return findings_of(_validator(kind).iter_errors(plain(node)), node)


def _document(kind: str) -> Schema:
    schema, shapes = SCHEMAS[kind]
    used: dict[str, Schema] = {}
    waiting = [schema]
    while waiting:
        for name in _references(waiting.pop()):
            if name not in used:
                used[name] = shapes[name]
                waiting.append(shapes[name])
    ordered = {name: used[name] for name in shapes if name in used}
    head = {"$schema": "http://json-schema.org/draft-07/schema#"}
    return _hoisted({**head, **schema, "definitions": ordered})


def _hoisted(document: Schema) -> Schema:
    """Return the document with every key that stands in several tables written once.

    The kinds of a step or measure have most of their keys in common: without this the schema of a
    playbook has three times the size.
    """
    seen: dict[str, int] = {}
    homes: dict[str, str] = {}
    definitions: Schema = document["definitions"]

    def count(part: Any) -> None:
        if isinstance(part, list):
            for each in part:
                count(each)
        elif isinstance(part, dict):
            for each in _properties(part).values():
                text = json.dumps(each)
                seen[text] = seen.get(text, 0) + 1
            for each in part.values():
                count(each)

    def share(part: Any) -> Any:
        if isinstance(part, list):
            return [share(each) for each in part]
        if not isinstance(part, dict):
            return part
        known = _properties(part)
        return {
            key: {name: home(name, shape) for name, shape in known.items()}
            if key == "properties" and known
            else share(each)
            for key, each in part.items()
        }

    def home(name: str, shape: Schema) -> Schema:
        text = json.dumps(shape)
        if seen[text] == 1 or "$ref" in shape:
            return cast("Schema", share(shape))
        if text not in homes:
            number = sum(key == name or key.startswith(f"{name}_") for key in definitions)
            homes[text] = f"{name}_{number + 1}" if number else name
            definitions[homes[text]] = {}
            definitions[homes[text]] = share(shape)
        return {"$ref": f"#/definitions/{homes[text]}"}

    count(document)
    for name in list(definitions):
        definitions[name] = share(definitions[name])
    return {key: part if key == "definitions" else share(part) for key, part in document.items()}


def _properties(part: Schema) -> Table[str, Schema]:
    """Return the keys of a table; a key that is itself called ``properties`` is none."""
    known = part.get("properties")
    return known if isinstance(known, dict) and "additionalProperties" in part else {}


def _references(schema: Any) -> list[str]:
    if isinstance(schema, dict):
        found = [schema["$ref"].rpartition("/")[2]] if isinstance(schema.get("$ref"), str) else []
        return found + [name for part in schema.values() for name in _references(part)]
    if isinstance(schema, list):
        return [name for part in schema for name in _references(part)]
    return []


@cache
def _validator(kind: str) -> Draft7Validator:
    from jsonschema import Draft7Validator  # noqa: PLC0415 - 0.1 s that not every command needs

    return Draft7Validator(_linked(_document(kind)))


def _linked(document: Schema) -> Schema:
    """Return the schema with every reference replaced by what it names.

    The result is a graph of dicts with circles. Looking a ``$ref`` up at every step made
    validation three times slower (measured); descriptions beside a ``$ref`` stay, for messages.
    """
    shapes = document.get("definitions", {})
    made: dict[str, Schema] = {}
    later: list[tuple[Schema, str]] = []

    def copy(part: Any) -> Any:
        if isinstance(part, list):
            return [copy(each) for each in part]
        if not isinstance(part, dict):
            return part
        reference = part.get("$ref")
        if isinstance(reference, str):
            shell = {key: value for key, value in part.items() if key != "$ref"}
            later.append((shell, reference.rpartition("/")[2]))
            return shell
        return {key: value if key == "examples" else copy(value) for key, value in part.items()}

    for name, shape in shapes.items():
        made[name] = copy(shape)
    root: Schema = copy({key: part for key, part in document.items() if key != "definitions"})
    for shell, name in later:
        for key, part in made[name].items():
            shell.setdefault(key, part)
    return root
