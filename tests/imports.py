"""Factories for import tests: a vocabulary, a map from text, and what landed in the log."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from engine.intake import ImportSummary, import_file
from engine.log import open_log
from rules.history import History
from rules.importmap import parse_map
from rules.importmap_types import ImportMap
from rules.source import read_yaml
from rules.units import from_iso
from rules.vocabulary import BUILT_IN_EVENTS, EventType, FieldKind, FieldType, Vocabulary

NOW = from_iso("2026-05-01T12:00", "UTC")
#: Sees everything that any test imports.
FAR = from_iso("2190-01-01", "UTC")


def field(name: str, kind: FieldKind | tuple[str, ...]) -> FieldType:
    """Return a field; a tuple of words is a WORD."""
    if isinstance(kind, tuple):
        return FieldType(name=name, kind=FieldKind.WORD, words=kind)
    if kind is FieldKind.WORDS:
        return FieldType(name=name, kind=kind, words=("a", "b", "vip"))
    return FieldType(name=name, kind=kind)


ORDER = {
    "amount": FieldKind.NUMBER,
    "lines": FieldKind.NUMBER,
    "note": FieldKind.TEXT,
    "channel": ("web", "shop"),
    "tags": FieldKind.WORDS,
    "paid": FieldKind.YES_NO,
    "due": FieldKind.DATE,
    "sent": FieldKind.INSTANT,
}
ATTRIBUTES = {
    "name": FieldKind.TEXT,
    "email_ok": FieldKind.YES_NO,
    "size": FieldKind.NUMBER,
    "plan": ("basic", "pro"),
    "tags": FieldKind.WORDS,
    "contract_end": FieldKind.DATE,
}


def vocabulary(timezone: str = "UTC") -> Vocabulary:
    """Return a vocabulary with ``order``, ``cancellation``, ``call`` and some attributes."""
    order = {name: field(name, kind) for name, kind in ORDER.items()}
    events = {
        "order": EventType(name="order", title="", fields=order),
        "cancellation": EventType(name="cancellation", title="", fields=order),
        "call": EventType(name="call", title="", fields={}),
    }
    return Vocabulary(
        business="test",
        timezone=timezone,
        calendar="none",
        opens=dt.time(9),
        closes=dt.time(18),
        events={**events, **BUILT_IN_EVENTS},
        groups={},
        attributes={name: field(name, kind) for name, kind in ATTRIBUTES.items()},
        channels={},
        roles={},
        dates={},
    )


def import_map(text: str, timezone: str = "UTC") -> ImportMap:
    """Return the map of a YAML text that has no mistakes; ``import`` and ``source`` are added."""
    whole = f"import: 1\nsource: shop\n{text}"
    node, findings = read_yaml(whole.encode(), "imports/test.yaml")
    assert node is not None, findings
    found, findings = parse_map(node, vocabulary(timezone))
    assert found is not None, "\n".join(map(str, findings))
    return found


SIMPLE = """
customer: who
time: when
id: id
events:
  - event: order
    fields: {amount: amount}
"""


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    """Write a text file and return its path."""
    path.write_bytes(text.encode(encoding))
    return path


def run(
    root: Path, file: Path, text: str = SIMPLE, *, timezone: str = "UTC", **options: Any
) -> ImportSummary:
    """Import a file into the project ``root`` by a map's text."""
    options.setdefault("at", NOW)
    found = import_map(text, timezone)
    return import_file(root, vocabulary(timezone), file, found, **options)


def run_text(root: Path, rows: str, text: str = SIMPLE, **options: Any) -> ImportSummary:
    """Import rows of text by a map's text."""
    root.mkdir(exist_ok=True)
    return run(root, write(root / "rows.csv", rows), text, **options)


def landed(root: Path, *customers: str, at: int = FAR, seq: int | None = None) -> list[History]:
    """Return what the log holds of some customers."""
    with open_log(root / ".care" / "log.duckdb", writable=False) as log:
        last = log.max_seq() if seq is None else seq
        found = log.histories(customers, at=at, seq=last, vocabulary=vocabulary())
    return [found[customer] for customer in customers]


def dump(root: Path) -> set[tuple[Any, ...]]:
    """Return every visible event as (customer, kind, at, id, fields), without seq."""
    with open_log(root / ".care" / "log.duckdb", writable=False) as log:
        customers = [row[0] for row in log.query("SELECT id FROM customers")]
        found = log.histories(customers, at=FAR, seq=log.max_seq(), vocabulary=vocabulary())
    return {
        (history.customer, event.name, event.at, event.id, tuple(sorted(event.fields.items())))
        for history in found.values()
        for event in history.events
    }


def rejects(summary: ImportSummary) -> list[str]:
    """Return the lines of the rejects file, without its header."""
    if summary.rejects is None:
        return []
    return summary.rejects.read_text(encoding="utf-8-sig").splitlines()[1:]
