"""Playbooks as they were: a journey runs on with the revision that it began under.

A revision is kept whole in the ledger as JSON: the playbook with every definition it could reach.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from fractions import Fraction
from functools import lru_cache
from types import ModuleType
from typing import Any

from engine.ids import canonical_json
from engine.ledger import Ledger
from rules import (
    conditions,
    errors,
    houserules,
    ingest,
    measures,
    playbook,
    steps,
    units,
    vocabulary,
)
from rules.errors import StateError
from rules.playbook import Playbook
from rules.templates import text

__all__ = ["Revisions", "decode", "encode"]

_MODULES: tuple[ModuleType, ...] = (
    conditions,
    errors,
    houserules,
    ingest,
    measures,
    playbook,
    steps,
    text,
    units,
    vocabulary,
)


@lru_cache(maxsize=1)
def _types() -> dict[str, type[Any]]:
    return {
        name: value
        for module in _MODULES
        for name, value in vars(module).items()
        if isinstance(value, type) and (is_dataclass(value) or issubclass(value, Enum))
    }


def encode(value: object) -> object:
    """Return the JSON form of a frozen model value; ``decode`` gives the equal value back."""
    match value:
        case Enum():
            return {"~": type(value).__name__, "v": value.value}
        case None | bool() | int() | str():
            return value
        case Fraction():
            return {"~": "Fraction", "v": str(value)}
        case dt.time():
            return {"~": "time", "v": value.isoformat()}
        case tuple():
            return [encode(item) for item in value]
        case Mapping():
            return {"~": "map", "v": [[key, encode(item)] for key, item in value.items()]}
        case _ if is_dataclass(value):
            body = {field.name: encode(getattr(value, field.name)) for field in fields(value)}
            return {"~": type(value).__name__, "v": body}
        case _:
            raise TypeError(f"no JSON form for {type(value).__name__}")


def decode(value: Any) -> Any:
    """Return the model value of a JSON form. Raises StateError for an unknown type name."""
    if isinstance(value, list):
        return tuple(decode(item) for item in value)
    if not isinstance(value, dict):
        return value
    name, body = value["~"], value["v"]
    match name:
        case "Fraction":
            return Fraction(body)
        case "time":
            return dt.time.fromisoformat(body)
        case "map":
            return {key: decode(item) for key, item in body}
    known = _types().get(name)
    if known is None:
        raise StateError(f'the ledger holds a revision with an unknown part "{name}"')
    if issubclass(known, Enum):
        return known(body)
    return known(**{key: decode(item) for key, item in body.items()})


@lru_cache(maxsize=512)
def _book(model: str) -> Playbook:
    found = decode(json.loads(model))
    assert isinstance(found, Playbook)
    return found


class Revisions:
    """The revisions of a ledger, decoded once a process."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._known: dict[str, Playbook] = {}

    def keep(self, book: Playbook, *, at: int) -> None:
        """Store a revision that the ledger does not have yet. Inside a transaction."""
        if self.ledger.one("SELECT 1 FROM revisions WHERE id = ?", book.revision):
            return
        row = {
            "id": book.revision, "playbook": book.name, "file": book.file,
            "source": book.source, "model": _model(book), "at": at,
        }  # fmt: skip
        self.ledger.insert("revisions", [row], at=at)

    def holds(self, revision: str) -> bool:
        """Tell whether the ledger has a revision: it keeps those of active playbooks."""
        if revision in self._known:
            return True
        return self.ledger.one("SELECT 1 FROM revisions WHERE id = ?", revision) is not None

    def get(self, revision: str) -> Playbook:
        """Return a stored revision. Raises StateError when the ledger does not have it."""
        if revision not in self._known:
            row = self.ledger.one("SELECT model FROM revisions WHERE id = ?", revision)
            if row is None:
                raise StateError(f"the ledger does not hold revision {revision}")
            self._known[revision] = _book(row["model"])
        return self._known[revision]

    def with_step(self, revision: str, step: str) -> Playbook:
        """Return the revision, or the newest other one of its playbook that has a step.

        A journey that was moved to an edited playbook may have done what the edit took out. Raises
        KeyError when no revision has it.
        """
        book = self.get(revision)
        if _has(book, step):
            return book
        others = self.ledger.rows(
            "SELECT id FROM revisions WHERE playbook = ? AND id <> ? ORDER BY at DESC, id",
            book.name, revision,
        )  # fmt: skip
        for row in list(others):
            found = self.get(row["id"])
            if _has(found, step):
                return found
        raise KeyError(step)

    def source(self, revision: str) -> str:
        """Return the YAML text of a stored revision, "" when it is unknown."""
        row = self.ledger.one("SELECT source FROM revisions WHERE id = ?", revision)
        return str(row["source"]) if row else ""


#: The last revisions that were written: tests play one playbook in a thousand ledgers.
_WRITTEN: dict[int, tuple[Playbook, str]] = {}
_MOST_WRITTEN = 256


def _model(book: Playbook) -> str:
    found = _WRITTEN.get(id(book))
    if found is None or found[0] is not book:
        if len(_WRITTEN) >= _MOST_WRITTEN:
            _WRITTEN.clear()
        found = _WRITTEN[id(book)] = book, canonical_json(encode(_without_source(book)))
    return found[1]


def _has(book: Playbook, step: str) -> bool:
    try:
        book.step(step)
    except KeyError:
        return False
    return True


def _without_source(book: Playbook) -> Playbook:
    values = {field.name: getattr(book, field.name) for field in fields(book)}
    return Playbook(**{**values, "source": ""})
