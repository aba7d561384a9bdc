"""What may stand at a place of a file, read from its schema: for ``care schema`` and for people."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from rules.errors import UsageError, did_you_mean
from rules.schema import render
from rules.schema_shapes import Schema

__all__ = ["FILES", "PARTS", "Key", "Topic", "as_yaml", "document", "look_up"]

#: Kind of file -> where it stands and what it says.
FILES = {
    "care": ("care.yaml", "the vocabulary and the settings"),
    "shared": ("shared.yaml", "measures, segments and classes that several playbooks use"),
    "house": ("house.yaml", "what binds every playbook"),
    "playbook": ("playbooks/*.yaml", "who, when, what then"),
    "import": ("imports/*.yaml", "how rows of a file become events"),
    "test": ("tests/*.test.yaml", "stories of customers, and what is expected"),
}
#: Parts of files that have a name of their own -> the file and the place there.
PARTS = {
    "event": ("care", "events.NAME"),
    "channel": ("care", "channels.NAME"),
    "role": ("care", "roles.NAME"),
    "measure": ("shared", "measures.NAME"),
    "segment": ("shared", "segments.NAME"),
    "class": ("shared", "classes.NAME"),
    "rule": ("house", "rules"),
    "trigger": ("playbook", "trigger"),
    "step": ("playbook", "steps"),
    "stop": ("playbook", "stop_when"),
}
NAME = "NAME"  #: stands in a path for a name that the project gives

_PLAIN = re.compile(r"[^\W\d_][^:#,\[\]{}\"'&*!|>%@`]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key that may be written at a place."""

    name: str  #: NAME for a name that the project gives
    says: str
    needed: bool
    kinds: tuple[str, ...] = ()  #: the deciding keys beside which it may stand; () for any

    def to_json(self) -> dict[str, object]:
        """Return the words of ``--format json``."""
        return {
            "key": self.name,
            "says": self.says,
            "needed": self.needed,
            "kinds": list(self.kinds),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """What may stand at one place of a file."""

    kind: str  #: of file
    path: tuple[str, ...]
    says: str
    takes: tuple[str, ...]  #: ``value``, ``list``, ``keys``, ``yes or no``
    words: tuple[tuple[str, str], ...]  #: the closed words, each with its meaning
    default: object  #: what holds where it is missing; None where nothing is to be said
    examples: tuple[object, ...]
    keys: tuple[Key, ...]
    beside: tuple[
        Key, ...
    ] = ()  #: of a key that decides what its table is: what else may stand there

    @property
    def name(self) -> str:
        """Return ``playbook trigger.missing``."""
        return " ".join([self.kind, *([".".join(self.path)] if self.path else [])])

    def to_json(self) -> dict[str, object]:
        """Return the words of ``--format json``."""
        return {
            "kind": self.kind,
            "path": ".".join(self.path),
            "says": self.says,
            "takes": list(self.takes),
            "words": dict(self.words),
            "default": self.default,
            "examples": list(self.examples),
            "keys": [key.to_json() for key in self.keys],
            "beside": [key.to_json() for key in self.beside],
        }


@cache
def document(kind: str) -> Schema:
    """Return the JSON Schema of a kind of file; KeyError for another word."""
    found: Schema = json.loads(render()[f"{kind}.schema.json"])
    return found


def look_up(kind: str, path: str = "") -> Topic:
    """Return what may stand at a place: ``playbook``, ``trigger.missing``; or ``step``, ``wait``.

    Lists are passed through, a name of the project may be any word. Raises UsageError, with the
    nearest word, for a kind or a key that there is not.
    """
    if kind not in FILES and kind not in PARTS:
        hint = did_you_mean(kind, [*FILES, *PARTS])
        known = ", ".join([*FILES, *PARTS])
        raise UsageError(f'no kind "{kind}"; {hint or f"known here: {known}"}')
    file, start = (kind, "") if kind in FILES else PARTS[kind]
    walker = _Walker(document(file))
    schema: Schema = walker.root
    above: Schema = {}
    walked: list[str] = []
    for word in filter(None, f"{start}.{path}".split(".")):
        below = walker.keys(schema)
        found = below.get(word) or below.get(NAME)
        if found is None:
            place = " ".join([file, ".".join(walked)]).strip()
            hint = did_you_mean(word, below) or _list(below)
            raise UsageError(f'no key "{word}" in {place}; {hint}')
        walked.append(word)
        above, schema = schema, found[0].schema
    topic = walker.topic(file, tuple(walked), schema)
    if not path and kind in PARTS:
        one = walker.solved(walker.solved(schema).get("items", schema))
        return replace(topic, says=one.get("description") or topic.says)
    word = walked[-1] if walked else ""
    near = [key for key in walker.listed(above) if word in key.kinds and key.name != word]
    return replace(topic, beside=tuple(near))


def as_yaml(value: object) -> str:
    """Return an example as it is written in a file, on one line."""
    match value:
        case bool():
            return "yes" if value else "no"
        case dict():
            return "{" + ", ".join(f"{as_yaml(k)}: {as_yaml(v)}" for k, v in value.items()) + "}"
        case list():
            return "[" + ", ".join(as_yaml(each) for each in value) + "]"
        case str():
            return _text(value)
    return str(value)


def _text(text: str) -> str:
    bare = re.fullmatch(r"[\d０-９][^#,\[\]{}\"']*|\$[^\s#,\[\]{}\"']*", text)
    if (bare or _PLAIN.fullmatch(text)) and ": " not in text and not text.endswith((":", " ")):
        return text
    return json.dumps(text, ensure_ascii=False)


def _list(below: dict[str, list[_Shown]]) -> str:
    return f"known here: {', '.join(sorted(below))}" if below else "nothing stands below it"


@dataclass(frozen=True, slots=True)
class _Shown:
    """A key in one of the tables of a place."""

    schema: Schema
    needed: bool
    kind: str  #: the deciding key of the table; "" for all


class _Walker:
    """Follows references, lists and kinds of one schema."""

    def __init__(self, root: Schema) -> None:
        self.root = root
        self.definitions: Schema = root.get("definitions", {})

    def solved(self, schema: Schema) -> Schema:
        """Return a schema with what it refers to; its own words go first."""
        seen = 0
        while "$ref" in schema and seen < 20:
            target = self.definitions[schema["$ref"].rpartition("/")[2]]
            schema = {**target, **{k: v for k, v in schema.items() if k != "$ref"}}
            if "$ref" in target:
                schema["$ref"] = target["$ref"]
            seen += 1
        return schema

    def tables(
        self, schema: Schema, kind: str = "", depth: int = 0
    ) -> Iterator[tuple[Schema, str]]:
        """Yield every table that may stand at a place, with the key or word that decides for it."""
        schema = self.solved(schema)
        if depth > 30:
            return
        rest = schema.get("additionalProperties")
        closed = rest is False and bool(schema.get("properties"))
        if (closed or isinstance(rest, dict)) and "if" not in schema:
            yield schema, kind
        condition = schema.get("if")
        if condition is not None and "then" in schema:
            decided = _decides(condition)
            yield from self.tables(schema["then"], decided or kind, depth + 1)
            other = schema.get("else")
            if isinstance(other, dict) and ("if" in other or not decided):
                yield from self.tables(other, kind, depth + 1)
        if isinstance(schema.get("items"), dict):
            yield from self.tables(schema["items"], kind, depth + 1)

    def keys(self, schema: Schema) -> dict[str, list[_Shown]]:
        """Return the keys that may stand at a place, of all its tables."""
        found: dict[str, list[_Shown]] = {}
        for table, kind in self.tables(schema):
            needed = table.get("required", ())
            for name, below in table.get("properties", {}).items():
                found.setdefault(name, []).append(_Shown(below, name in needed, kind))
            rest = table.get("additionalProperties")
            if isinstance(rest, dict):
                found.setdefault(NAME, []).append(_Shown(rest, needed=False, kind=kind))
        return found

    def listed(self, schema: Schema) -> tuple[Key, ...]:
        """Return the keys that may stand at a place, those that stand anywhere first."""
        below = self.keys(schema)
        every = {shown.kind for all_ in below.values() for shown in all_}
        found = []
        for name, all_ in below.items():
            kinds = {shown.kind for shown in all_}
            some = dict.fromkeys(shown.kind for shown in all_ if shown.kind)
            key = Key(
                name=name,
                says=self.solved(all_[0].schema).get("description", ""),
                needed=all(shown.needed for shown in all_) and kinds == every,
                kinds=() if kinds == every else tuple(some),
            )
            found.append(key)
        return tuple(sorted(found, key=lambda key: bool(key.kinds)))

    def topic(self, kind: str, path: tuple[str, ...], schema: Schema) -> Topic:
        schema = self.solved(schema)
        words = [
            (as_yaml(choice["const"]), choice.get("description", ""))
            for choice in schema.get("oneOf", [])
            if not isinstance(choice.get("const"), bool)
        ]
        keys = self.listed(schema)
        return Topic(
            kind=kind,
            path=path,
            says=schema.get("description", ""),
            takes=_takes(schema, below=bool(keys)),
            words=tuple(words),
            default=schema.get("default"),
            examples=tuple(schema.get("examples", ())),
            keys=keys,
        )


def _decides(condition: Schema) -> str:
    """Return the key, or ``kind: smtp``, that chooses a table."""
    for name, shape in condition.get("properties", {}).items():
        if "const" in shape:
            return f"{name}: {shape['const']}"
    required = condition.get("required", [])
    return str(required[0]) if required else ""


def _takes(schema: Schema, *, below: bool) -> tuple[str, ...]:
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    found = []
    if "oneOf" in schema:
        found.append("one of the words below")
    elif {"string", "number", "boolean"} & set(types):
        numeric = set(types) == {"number", "string"} and "pattern" not in schema
        name = "pattern" in schema
        found.append("a name" if name else "a number" if numeric else "a value")
    if "array" in types:
        found.append("a list")
    if "object" in types and below:
        found.append("the keys below")
    return tuple(found)
