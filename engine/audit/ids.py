"""Ids made again: each is a hash of what it names, so a row that was made up shows."""

from __future__ import annotations

from collections.abc import Iterator

from engine.ids import name_id
from engine.ledger import Ledger

__all__ = ["odd_ids"]

_ORPHANS = """
SELECT 'actions ' || a.id AS what, 'journey ' || a.journey AS of FROM actions a
LEFT JOIN journeys j ON j.id = a.journey
WHERE j.id IS NULL OR j.customer <> a.customer OR j.playbook <> a.playbook
UNION ALL
SELECT 'decisions ' || d.id, 'journey ' || d.journey FROM decided d
LEFT JOIN journeys j ON j.id = d.journey
WHERE d.journey IS NOT NULL AND (j.id IS NULL OR j.customer <> d.customer OR j.playbook <> d.playbook)
UNION ALL
SELECT 'decisions ' || d.id, 'action ' || d.action FROM decided d
LEFT JOIN actions a ON a.id = d.action
WHERE d.action IS NOT NULL AND (a.id IS NULL OR a.journey <> d.journey)
UNION ALL
SELECT 'journeys ' || j.id, 'revision ' || j.revision FROM journeys j
LEFT JOIN revisions r ON r.id = j.revision WHERE r.id IS NULL
UNION ALL
SELECT 'outcomes ' || o.id, 'action ' || o.action FROM outcomes o
LEFT JOIN actions a ON a.id = o.action WHERE a.id IS NULL
"""
_TURNS = 10_000  #: decisions of one occurrence


def odd_ids(ledger: Ledger) -> Iterator[str]:
    """Yield the rows whose id is not the hash of what they name, or which name what is not there."""
    for row in ledger.rows("SELECT id, playbook, customer, trigger, occurrence FROM journeys"):
        parts = (row["playbook"], row["customer"], row["trigger"], row["occurrence"])
        if name_id("j", *parts) != row["id"]:
            yield f"journeys {row['id']}: the id is not that of its playbook, customer and occurrence"
    for row in ledger.rows("SELECT id, journey, step, turn FROM actions"):
        if name_id("a", *_step(row["journey"], row["step"], row["turn"])) != row["id"]:
            yield f"actions {row['id']}: the id is not that of its journey, step and turn"
    for row in ledger.rows("SELECT * FROM decided ORDER BY id"):
        named = (
            row["gate"], row["playbook"], row["customer"] or "", row["trigger"], row["occurrence"],
            row["action"] or "", row["reason"] or "" if row["customer"] is None else "",
        )  # fmt: skip
        turns = (name_id("d", *named, str(turn)) for turn in range(1, _TURNS))
        if row["id"] != name_id("d", *named) and row["id"] not in turns:
            yield f"decisions {row['id']}: the id is not that of what it decides"
    for row in ledger.rows("SELECT id, action, at FROM outcomes"):
        if name_id("o", row["action"], str(row["at"])) != row["id"]:
            yield f"outcomes {row['id']}: the id is not that of its action and time"
    for row in ledger.rows(_ORPHANS):
        yield f"{row['what']}: it speaks of {row['of']}, which is not there or another one's"


def _step(journey: str, step: str, turn: int) -> tuple[str, ...]:
    return (journey, step) if turn == 1 else (journey, step, str(turn))
