"""The canonical export: what "the same ledger, byte for byte" means.

Rows by id. Left out: seq, wall times, attempts, leases, row numbers, versions of libraries, and
the audit chain, whose order of entries differs where a run was cut and taken up again.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.ids import canonical_json
from engine.ledger import Ledger

__all__ = ["canonical_lines"]

#: table -> (columns, order)
_TABLES: dict[str, tuple[str, str]] = {
    "runs": ("at, config, summary", "at, n"),
    "revisions": ("id, playbook, file, source, model, at", "id"),
    "triggers": ("playbook, trigger, hash, live_at, at", "playbook, trigger"),
    "definitions": ("hash, name, at", "hash"),
    "membership": (
        "definition, customer, since, until, existing, value",
        "definition, customer, since",
    ),
    "requests": (
        "playbook, trigger, customer, occurrence, at, who, source, taken",
        "playbook, trigger, customer, occurrence",
    ),
    "waiting_slots": ("playbook, trigger, customer", "playbook, trigger, customer"),
    "decisions": (
        (
            "id, run_at, gate, playbook, revision, customer, trigger, occurrence, entry, verb,"
            " reason, rule, place, until, open, journey, action, evidence"
        ),
        "id",
    ),
    "journeys": (
        (
            "id, playbook, revision, customer, trigger, occurrence, entry, started_at, event,"
            " state, ended_at, reason, goal, next_at"
        ),
        "id",
    ),
    "actions": (
        (
            "id, journey, playbook, customer, step, turn, channel, kind, state, branch, priority, opens_at,"
            " due_by, opened_at, closed_at, assignee, outcome, asked, note, reason, host, words, anchor,"
            " closed_by, detail"
        ),
        "id",
    ),
    "outcomes": ("id, action, at, outcome, asked, note, who", "id"),
    "task_changes": ("id, action, at, change, before, after, why, who", "id"),
    "settlements": ("action, n, at, verdict, why, who", "action, n"),
    "channels": ("name, disabled", "name"),
    "holds": ("journey, since, until, rule, place", "journey, since, rule"),
    "approvals": ("playbook, at, who", "playbook"),
    "private": ("owner, name, value", "owner, name"),
}


def canonical_lines(ledger: Ledger) -> Iterator[str]:
    """Yield the export as JSON lines, each with its table's name under ``table``."""
    for table, (columns, order) in _TABLES.items():
        sql = f"SELECT {columns} FROM {table} ORDER BY {order}"  # noqa: S608  our own names
        for row in ledger.rows(sql):
            yield canonical_json({"table": table, **row})
