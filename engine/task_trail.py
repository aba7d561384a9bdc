"""The trail of a task: what people did to it, and what else happened beside its states."""

from __future__ import annotations

from engine.ids import name_id
from engine.journeys import Action
from engine.ledger import Ledger, Row
from engine.words import ActionState, TaskChange

__all__ = ["trail_of", "write_change"]


def write_change(
    ledger: Ledger,
    change: TaskChange,
    action: Action,
    *,
    before: str,
    after: str,
    at: int,
    why: str = "",
    who: str = "",
) -> None:
    """Write what happened to a task. Inside a transaction.

    ``before`` and ``after`` are instants (as digits), people, or ids of actions.
    """
    earlier = "SELECT count(*) AS n FROM task_changes WHERE action = ?"
    (count,) = ledger.rows(earlier, action.id)
    row = {
        "id": name_id("t", action.id, str(count["n"])), "action": action.id, "at": at,
        "change": str(change), "before": before, "after": after, "why": why, "who": who,
    }  # fmt: skip
    ledger.insert("task_changes", [row], at=at)


def trail_of(ledger: Ledger, action: Action) -> tuple[Row, ...]:
    """Return what was done to a task, in order: ``at, change, before, after, why, who``.

    Also ``reopened as`` the action that took its place, and ``done`` with who said so.
    """
    columns = "at, change, before, after, why, who"
    found = list(
        ledger.rows(
            f"SELECT {columns} FROM task_changes WHERE action = ? ORDER BY at, rowid",  # noqa: S608
            action.id,
        )
    )
    if action.state is ActionState.DONE and action.host is None:
        outcome = name_id("o", action.id, str(action.closed_at))
        found += ledger.rows(
            "SELECT at, 'done' AS change, '' AS before, '' AS after, '' AS why, who FROM outcomes"
            " WHERE id = ?",
            outcome,
        )
    found += ledger.rows(
        "SELECT c.at, 'reopened as' AS change, c.before, c.after, c.why, c.who FROM actions a"
        " JOIN task_changes c ON c.action = a.id AND c.before = ?"
        " WHERE a.journey = ? AND a.step = ? AND a.turn = ?",
        action.id, action.journey, action.step, action.turn + 1,
    )  # fmt: skip
    return tuple(found)
