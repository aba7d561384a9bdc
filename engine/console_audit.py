"""The audit chain and its proof, shown to people and to programs."""

from __future__ import annotations

from typing import Any

from engine.audit.blocks import Entry
from engine.audit.verify import Verified
from engine.ids import canonical_json

__all__ = ["entry_line", "render_verified", "verified_json"]

#: What was made again, in words.
_AGAIN = (
    ("gates", "answers of gates"),
    ("starts", "facts of the start gate"),
    ("conditions", "conditions"),
    ("caps", "counts of caps"),
    ("windows", "windows of steps"),
)


def render_verified(found: Verified) -> str:
    """Return what a verification found, each fault a line."""
    if found.faults:
        return "\n".join(found.faults)
    rows = sum(found.rows.values())
    again = ", ".join(
        f"{found.again[name]} {words}" for name, words in _AGAIN if name in found.again
    )
    return (
        f"{found.entries} entries and {rows} rows are sound, head {found.head}\n"
        f"made again: {again or 'nothing'}"
    )


def verified_json(found: Verified) -> dict[str, Any]:
    """Return plain values."""
    return {
        "sound": not found.faults, "entries": found.entries, "head": found.head,
        "rows": dict(found.rows), "made_again": dict(found.again), "faults": list(found.faults),
    }  # fmt: skip


def entry_line(entry: Entry) -> str:
    """Return an entry as one line of JSON."""
    return canonical_json(
        {
            "n": entry.n, "at": entry.at, "kind": entry.kind, "subject": entry.subject,
            "prev": entry.prev, "body": entry.body,
        }
    )  # fmt: skip
