"""The schema of a channel of care.yaml: a table for each kind, from the registry of kinds."""

from __future__ import annotations

from rules.channel_kinds import CHANNEL_KINDS, Kind, Setting
from rules.channel_values import Shape
from rules.schema_shapes import Schema, flag, named, table, text, usual, value, values, word

__all__ = ["CHANNEL"]

_KIND = word("How it is delivered.", {kind.name: kind.says for kind in CHANNEL_KINDS.values()}, "task")  # fmt: skip
_COMMON: dict[str, Schema] = {
    "kind": _KIND,
    "reaches_customer": usual(flag("Bound by caps, quiet hours and consent.", "no"), "yes"),
    "to": text("The address: an attribute of the customer, or one for all.", "customer.email"),
    "on_unknown": usual(
        word(
            "What to do when nobody knows whether a message arrived.",
            {"hold": "wait for a person", "resend": "send it again"},
            "hold",
        ),
        "hold",
    ),
}


def _setting(setting: Setting) -> Schema:
    example = list(setting.example) if isinstance(setting.example, tuple) else setting.example
    if setting.shape is Shape.HEADERS:
        return named(setting.says, value("What stands behind it.", "care"), example)
    if setting.shape is Shape.WORD:
        return word(setting.says, setting.words, example)
    if setting.shape is Shape.FLAG:
        return flag(setting.says, example)
    return (values if setting.several else value)(setting.says, example)


def _kind(kind: Kind) -> Schema:
    own = {setting.name: _setting(setting) for setting in kind.settings}
    required = ["kind", *(["to"] if kind.addressed else [])]
    required += [setting.name for setting in kind.settings if setting.required]
    description = f"A way in which an action reaches somebody: {kind.says}."
    return table(f"a channel of kind {kind.name}", description, {**_COMMON, **own}, required)


def _channel() -> Schema:
    """Return the table whose ``kind`` decides what else it takes."""
    rest: Schema = {}
    for kind in reversed([*CHANNEL_KINDS.values()]):
        condition = {"properties": {"kind": {"const": kind.name}}, "required": ["kind"]}
        rest = {"if": condition, "then": _kind(kind), **({"else": rest} if rest else {})}
    head: Schema = {
        "title": "a channel",
        "description": "A way in which an action reaches somebody.",
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": _KIND},
    }
    return {**head, **rest}


CHANNEL = _channel()
