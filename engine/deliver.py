"""Delivery: each due action goes to its channel, its intent committed before it is sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.channels import KINDS, SendFailed
from engine.journeys import Action
from engine.ledger import Lease, Ledger
from engine.revisions import Revisions
from engine.store import Store, action_of
from engine.words import ActionState, Reason
from rules.playbook import Project
from rules.units import to_iso

__all__ = ["Delivery", "deliver"]

_WAITING = """
SELECT * FROM actions WHERE state IN ('due', 'intent') AND kind = 'message'
ORDER BY priority DESC, due_by, id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What one pass over the outbox did."""

    sent: int
    failed: int


def deliver(
    project: Project,
    ledger: Ledger,
    lease: Lease,
    *,
    clock: Callable[[], int],
    progress: Callable[[int, int], None] | None = None,
) -> Delivery:
    """Send everything that is due, one by one. A process that dies here loses and repeats nothing:
    the next one finds the intent, and the file channel names its files by the action.
    """
    store, revisions = Store(ledger), Revisions(ledger)
    waiting = [action_of(row) for row in ledger.rows(_WAITING)]
    sent = failed = 0
    for index, action in enumerate(waiting):
        channel = project.vocabulary.channels.get(action.channel)
        kind = KINDS.get(channel.kind) if channel else None
        at = action.opened_at or action.opens_at
        if action.state is ActionState.DUE:
            action = replace(action, state=ActionState.INTENT)  # noqa: PLW2901
            with ledger.transaction(lease):
                store.move(action, at=at)
        try:
            if channel is None or kind is None or kind.send is None:
                raise SendFailed(f'care.yaml has no channel "{action.channel}" that sends')
            kind.send(Path(project.root), channel, _message(project, revisions, store, action))
            result, state, reason = "sent", ActionState.SENT, None
            sent += 1
        except SendFailed as error:
            result, state, reason = str(error), ActionState.FAILED, Reason.CHANNEL_FAILED
            failed += 1
        done = replace(action, state=state, reason=reason, closed_at=at)
        with ledger.transaction(lease):
            ledger.insert("attempts", [{"action": action.id, "wall": clock(), "result": result}])
            store.move(done, at=at)
            store.wake(action.journey, at)
        if progress:
            progress(index + 1, len(waiting))
    return Delivery(sent=sent, failed=failed)


def _message(
    project: Project, revisions: Revisions, store: Store, action: Action
) -> dict[str, Any]:
    journey = store.journey(action.journey)
    assert journey is not None
    book = revisions.get(journey.revision)
    step = book.step(action.step)
    zone = project.vocabulary.timezone
    return {
        "action": action.id,
        "customer": action.customer,
        "playbook": action.playbook,
        "title": step.title or book.title,
        "step": action.step,
        "channel": action.channel,
        "assignee": action.assignee,
        "opens_at": to_iso(action.opens_at, zone),
        "due_by": to_iso(action.due_by, zone),
        "brief": step.brief,
        "template": step.template,
        "journey": action.journey,
    }
