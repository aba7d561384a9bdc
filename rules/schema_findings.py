"""From the validator's errors to findings: one message a mistake, at its place, with its cure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rules.errors import Finding, Span, did_you_mean
from rules.nodes import Mapping, Node, Scalar, Sequence
from rules.schema_definitions import MEASURE_KINDS
from rules.schema_import import CELL_KINDS
from rules.schema_playbook import STEP_KINDS, TRIGGER_KINDS
from rules.schema_testfile import EXPECTATION_KINDS, HAPPENING_KINDS

if TYPE_CHECKING:
    from jsonschema import ValidationError

__all__ = ["findings_of", "plain"]

_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}  # fmt: skip

#: Words that people take for ours.
_MEANT = {
    "name": ("step", "playbook", "rule", "value", "event"),
    "description": ("brief", "title"),
    "desc": ("brief", "title"),
    "label": ("title",),
    "assignee": ("assign",),
    "assigned_to": ("assign",),
    "deadline": ("due",),
    "due_in": ("due",),
    "when": ("if", "trigger"),
    "on": ("trigger",),
    "condition": ("if", "where"),
    "filter": ("where", "only"),
    "segment": ("in", "only", "enters"),
    "action": ("do", "then"),
    "channel": ("do",),
    "send": ("do",),
    "call": ("do",),
    "actions": ("steps",),
    "triggers": ("trigger",),
    "attributes": ("customer",),
    "customers": ("customer",),
    "window": ("last",),
    "period": ("last",),
    "within": ("due", "last"),
    "stop_if": ("stop_when",),
    "exit": ("stop_when",),
    "until": ("stop_when",),
    "exclude": ("except",),
}
#: Closed words that people call something else.
_SAME = {
    "email": "smtp",
    "mail": "smtp",
    "邮件": "smtp",
    "http": "webhook",
    "wechat": "wecom_bot",
    "企业微信": "wecom_bot",
    "钉钉": "dingtalk_bot",
    "飞书": "feishu_bot",
    "lark": "feishu_bot",
    "slack": "apprise",
    "telegram": "apprise",
    "excel": "xlsx",
    "ssl": "tls",
}
#: What decides between kinds, by the title of the table.
_KINDS = {
    "a step": "what to do: write do: <channel>, or wait, choose, split, set, record, start, stop",
    "a trigger": "what begins a journey: write event, first, enters, leaves, changes, every, date",
    "a measure": "what it measures: write count, sum, last_time, share, change or another kind",
    "a branch": "when it is taken: write if: {...}, or else:",
    "a cell": "where the value comes from: write column, value, sum, count, first, last",
    "a happening": "what happens: write event: <name>, or set, done, snooze, start",
    "an expectation": "what it is about: write starts, step, journey or event",
}  # fmt: skip


_FAMILIES = {
    "a step": STEP_KINDS,
    "a trigger": TRIGGER_KINDS,
    "a measure": MEASURE_KINDS,
    "a cell": CELL_KINDS,
    "a happening": HAPPENING_KINDS,
    "an expectation": EXPECTATION_KINDS,
}
_KIND_WORDS = {"if", "else"}.union(*_FAMILIES.values())


def plain(node: Node) -> Any:
    """Return plain values as a JSON Schema sees them: scalars by the core rules of YAML 1.2.

    Quoted text stays text; ``yes`` and ``no`` are texts too.
    """
    match node:
        case Mapping():
            return {key.text: plain(value) for key, value in node.pairs}
        case Sequence():
            return [plain(item) for item in node.items]
        case Scalar():
            return _value(node)


def _value(scalar: Scalar) -> str | int | float | bool | None:
    text = scalar.text
    if scalar.quoted:
        return text
    if scalar.empty or text in ("Null", "NULL"):
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.fullmatch(text) and len(text) < 40:
        return int(text)
    if _FLOAT.fullmatch(text) and len(text) < 40:
        return float(text)
    return text


def findings_of(errors: Iterable[ValidationError], root: Node) -> tuple[Finding, ...]:
    """Return findings in the order of the file, those that only follow from another left out."""
    found = [finding for error in errors for finding in _findings(error, root)]
    meant = {
        (finding.path.rpartition("/")[0], word)
        for finding in found
        if finding.code == "unknown-key"
        for word in re.findall(r'did you mean "(\w+)"', finding.hint)
    }
    kept: dict[tuple[Span, str, str], Finding] = {}
    for finding in found:
        if finding.code != "missing-key" or not _follows(finding, meant):
            kept.setdefault((finding.span, finding.code, finding.message), finding)
    return tuple(sorted(kept.values(), key=lambda finding: finding.order))


def _follows(finding: Finding, meant: set[tuple[str, str]]) -> bool:
    """Say whether a missing key stands there, misspelt."""
    words = set(re.findall(r"`(\w+)`", finding.message)) or _KIND_WORDS
    return any(path == finding.path and word in words for path, word in meant)


def _findings(error: ValidationError, root: Node) -> list[Finding]:
    path = [*error.absolute_path]
    node, key = _at(root, path)
    schema: dict[str, Any] = error.schema if isinstance(error.schema, dict) else {}
    where = "/".join(str(part) for part in path)
    match error.validator:
        case "additionalProperties":
            return _unknown(node, schema, where)
        case "required":
            return _missing(error, node, schema, where)
        case "type":
            return [_shape(error.instance, node, key, schema, path)]
        case "oneOf":
            return [_word(node, key, schema, path)]
        case "pattern":
            return [_one_text(node, path)]
        case "minItems":
            return [_finding("empty-value", f"{_name(path, schema)} has an empty list", node.span, where, _example(path, schema))]  # fmt: skip
        case _:
            return [_finding("wrong-shape", f"{_name(path, schema)} is not what belongs here", node.span, where, _example(path, schema))]  # fmt: skip


def _at(root: Node, path: list[str | int]) -> tuple[Node, Scalar | None]:
    """Return the node at a path, and the key before it."""
    node, key = root, None
    for part in path:
        if isinstance(node, Sequence) and isinstance(part, int):
            node, key = node.items[part], None
        elif isinstance(node, Mapping):
            key = node.key(str(part))
            found = node.get(str(part))
            assert found is not None
            node = found
    return node, key


def _unknown(node: Node, schema: dict[str, Any], where: str) -> list[Finding]:
    assert isinstance(node, Mapping)
    known = schema.get("properties", {})
    title = schema.get("title", "this")
    present = {key.text for key, _ in node}
    found = []
    for key, _ in node:
        if key.text in known:
            continue
        word = key.text
        message = f"{title} has no key {_quoted(word)}"
        hint = _elsewhere(title, word, present) or _meant(word, set(known) - present, set(known))
        found.append(
            _finding("unknown-key", message, key.span, f"{where}/{word}".lstrip("/"), hint)
        )
    return found


def _meant(word: str, free: set[str], known: set[str]) -> str:
    if word.strip() != word or word.lower().replace("-", "_") in known:
        return f'did you mean "{word.strip().lower().replace("-", "_")}"?'
    near = did_you_mean(word, free)
    if near.startswith("did"):
        return near
    for candidate in sorted(free):
        if len(word) == len(candidate) <= 3 and sum(map(str.__ne__, word, candidate)) == 1:
            return f'did you mean "{candidate}"?'
    for candidate in _MEANT.get(word.casefold(), ()):
        if candidate in free:
            return f'did you mean "{candidate}"?'
        if candidate in known:
            return f"that is what `{candidate}` says"
    return near or did_you_mean(word, known)


def _elsewhere(title: str, word: str, present: set[str]) -> str:
    """Say with which kind a key goes, where it does not go with this one."""
    family = _FAMILIES.get(title, {})
    own = next((kind for kind in family if kind in present), "")
    if word in family and own:
        return f"{own} and {word} are two of them: keep one here"
    takers = [kind for kind, keys in family.items() if word in keys]
    return f"it goes with {', '.join(takers)}" if takers else ""


def _missing(
    error: ValidationError, node: Node, schema: dict[str, Any], where: str
) -> list[Finding]:
    assert isinstance(node, Mapping)
    needed = re.match(r"'(.*?)' is a required", error.message)
    word = needed[1] if needed else ""
    title = schema.get("title", "this")
    for key, _ in node:
        if key.text not in schema.get("properties", {}) and _near(key.text, word):
            message = f"{title} has no key {_quoted(key.text)}"
            hint = f'did you mean "{word}"?'
            return [
                _finding("unknown-key", message, key.span, f"{where}/{key.text}".lstrip("/"), hint)
            ]
    if word and title in _KINDS and word == _first_kind(schema):
        message = f"{title} does not say {_KINDS[title].split(':', maxsplit=1)[0]}"
        hint = _KINDS[title].split(": ", maxsplit=1)[1]
    else:
        message = f"{title} needs `{word}`"
        example = _written(word, schema.get("properties", {}).get(word, {}))
        hint = f"write {example}" if example else f"write {word}: ..."
    return [_finding("missing-key", message, node.span, where, hint)]


def _near(word: str, key: str) -> bool:
    return did_you_mean(word, [key, *("",) * 7]).startswith("did")


def _first_kind(schema: dict[str, Any]) -> str:
    required = schema.get("required") or [""]
    return str(required[0])


def _shape(
    instance: Any, node: Node, key: Scalar | None, schema: dict[str, Any], path: list[str | int]
) -> Finding:
    where = "/".join(str(part) for part in path)
    types = schema.get("type", [])
    types = {types} if isinstance(types, str) else set(types)
    what = _name(path, schema)
    example = _example(path, schema)
    if instance is None:
        span = key.span if key else node.span
        return _finding("empty-value", f"{what} has nothing behind it", span, where, example)
    if types <= {"array", "null"}:
        if isinstance(node, Mapping):
            each = schema.get("items", {}).get("title", "each item").removeprefix("a ").removeprefix("an ")  # fmt: skip
            hint = (
                f"put a dash before each {each}" if "item" not in each else "put a dash before each"
            )
            return _finding("wrong-shape", f"{what} needs a list", node.span, where, hint)
        text = node.text if isinstance(node, Scalar) else ""
        if re.search("[,，、]", text):
            return _one_text(node, path)
        return _finding("wrong-shape", f"{what} needs a list", node.span, where, example)
    if types <= {"object", "null"}:
        hint = example
        if not path:
            first = next(iter(schema.get("properties", {})), "")
            begin = _written(first, schema.get("properties", {}).get(first, {}))
            hint = f"begin it with {begin}"
        if isinstance(node, Sequence) and not path:
            hint = "take the dashes before its first keys away"
        return _finding("wrong-shape", f"{what} needs `key: value` lines", node.span, where, hint)
    if not types & {"object", "array"}:
        kind = "a list" if isinstance(node, Sequence) else "keys and values"
        if isinstance(instance, bool | int | float):
            kind = f'"{node.text}"' if isinstance(node, Scalar) else kind
        return _finding("wrong-shape", f"{what} takes one value, not {kind}", node.span, where, example)  # fmt: skip
    takes = [word for name, word in (("string", "one value"), ("array", "a list"), ("object", "`key: value` lines")) if name in types]  # fmt: skip
    return _finding("wrong-shape", f"{what} takes {' or '.join(takes)}", node.span, where, example)


def _word(node: Node, key: Scalar | None, schema: dict[str, Any], path: list[str | int]) -> Finding:
    where = "/".join(str(part) for part in path)
    what = _name(path, schema)
    words = [choice.get("const") for choice in schema.get("oneOf", [])]
    if isinstance(node, Scalar) and node.empty:
        span = key.span if key else node.span
        return _finding("empty-value", f"{what} has nothing behind it", span, where, f"write {_any(words)}")  # fmt: skip
    if not isinstance(node, Scalar):
        return _finding("wrong-shape", f"{what} takes one word", node.span, where, f"write {_any(words)}")  # fmt: skip
    message = f"{what} can't be {_quoted(node.text)}"
    names = [str(word) for word in words]
    if node.quoted and node.text in names:
        return _finding("bad-word", message, node.span, where, f"write {node.text} without quotes")
    near = did_you_mean(_SAME.get(node.text.casefold(), node.text), names)
    hint = near if near.startswith("did") else f"write {_any(words)}"
    return _finding("bad-word", message, node.span, where, hint)


def _one_text(node: Node, path: list[str | int]) -> Finding:
    where = "/".join(str(part) for part in path)
    assert isinstance(node, Scalar)
    parts = [part.strip() for part in re.split("[,，、]", node.text) if part.strip()]
    message = f"{_quoted(node.text)} is one text: a list needs [ ]"
    return _finding("wrong-shape", message, node.span, where, f"write [{', '.join(parts)}]")


def _finding(code: str, message: str, span: Span, path: str, hint: str = "") -> Finding:
    return Finding(code=code, message=message, span=span, path=path, hint=hint)


def _name(path: list[str | int], schema: dict[str, Any]) -> str:
    """Return what to call the thing at a path: its key, or which item of which list."""
    if not path:
        return str(schema.get("title", "the file"))
    if isinstance(path[-1], int):
        above = next((part for part in reversed(path) if isinstance(part, str)), "")
        title = schema.get("title", "")
        return str(title) if title else f"item {path[-1] + 1} of `{above}`"
    return f"`{path[-1]}`"


def _example(path: list[str | int], schema: dict[str, Any]) -> str:
    key = path[-1] if path and isinstance(path[-1], str) else ""
    written = _written(key, schema)
    return f"write {written}" if written else ""


def _written(key: str, schema: dict[str, Any]) -> str:
    """Return the first example of a schema as it stands in YAML."""
    for example in schema.get("examples", []):
        return f"{key}: {_flow(example)}" if key else _flow(example)
    keys = schema.get("properties", {})
    wanted = schema.get("required") or list(keys)[:1]
    if not all(word in keys and keys[word].get("examples") for word in wanted):
        return ""
    value = {word: keys[word]["examples"][0] for word in wanted}
    return "" if not value else f"{key}: {_flow(value)}" if key else _flow(value)


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(part) for part in value) + "]"
    text = str(value)
    return f'"{text}"' if "{" in text else text


def _any(words: list[Any]) -> str:
    names = ["yes", "no"] if any(word is True for word in words) else [str(word) for word in words]
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + f" or {names[-1]}"


def _quoted(text: str) -> str:
    return f'"{text if len(text) <= 60 else text[:57] + "..."}"'
