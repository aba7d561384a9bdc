"""Delivery: each due action goes to its channel, its intent committed before it is sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.channels import KINDS, SendFailed
from engine.consent import ConsentNow, Refusal
from engine.journeys import Action
from engine.ledger import Lease, Ledger
from engine.paths import paths_of
from engine.revisions import Revisions
from engine.store import Decision, Store, action_of
from engine.words import ActionState, Reason, Verb
from rules.errors import BusyError
from rules.playbook import Project
from rules.units import MICROS, to_iso

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
    refused: int = 0  #: consent was withdrawn since the decision
    waiting: int = 0  #: consent could not be asked: the log was in use


def deliver(
    project: Project,
    ledger: Ledger,
    lease: Lease,
    *,
    clock: Callable[[], int],
    at: int | None = None,
    wait: float = 10.0,
    progress: Callable[[int, int], None] | None = None,
) -> Delivery:
    """Send everything that is due, one by one. A process that dies here loses and repeats nothing:
    the next one finds the intent, and the file channel names its files by the action.

    Consent is asked again before each intent, as of now; as of T (``at``, default that of the last
    run) where T is not about now, so that a run of the past does not look ahead. ``wait`` is how
    long to wait, in seconds, for whoever holds the log; what needs consent then stays due.
    """
    store, revisions = Store(ledger), Revisions(ledger)
    waiting = [action_of(row) for row in ledger.rows(_WAITING)]
    consent = ConsentNow(
        project.house.consent, project.vocabulary, paths_of(Path(project.root)).log,
        (action.customer for action in waiting), at=_horizon(ledger, at, clock()), wait=wait,
    )  # fmt: skip
    sent = failed = refused = busy = 0
    for index, action in enumerate(waiting):
        channel = project.vocabulary.channels.get(action.channel)
        kind = KINDS.get(channel.kind) if channel else None
        at = action.opened_at or action.opens_at
        if action.state is ActionState.DUE:
            try:
                no = _refused(consent, revisions, store, action)
            except BusyError:
                busy += 1
                continue
            if no is not None:
                with ledger.transaction(lease):
                    _withdrawn(store, action, no, at=at)
                refused += 1
                continue
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
    return Delivery(sent=sent, failed=failed, refused=refused, waiting=busy)


_ABOUT_NOW = 3600 * MICROS  #: a run whose T is further behind the clock is one of the past


def _horizon(ledger: Ledger, at: int | None, now: int) -> int:
    """Return the instant as of which consent is asked."""
    if at is None:
        row = ledger.one("SELECT max(at) AS at FROM runs")
        at = row["at"] if row and row["at"] is not None else now
    return now if 0 <= now - at <= _ABOUT_NOW else at


def _refused(
    consent: ConsentNow, revisions: Revisions, store: Store, action: Action
) -> Refusal | None:
    if not consent.lines:
        return None
    journey = store.journey(action.journey)
    assert journey is not None
    purpose = revisions.get(journey.revision).purpose
    return consent.refusal(action.customer, action.channel, purpose)


def _withdrawn(store: Store, action: Action, no: Refusal, *, at: int) -> None:
    """Write that a message is not sent after all. Inside a transaction."""
    journey = store.journey(action.journey)
    assert journey is not None
    skipped = replace(
        action, state=ActionState.SKIPPED, closed_at=at, reason=Reason.CONSENT_WITHDRAWN
    )
    store.decide(
        Decision(
            run_at=at, gate="deliver", playbook=journey.playbook, revision=journey.revision,
            customer=journey.customer, trigger=journey.trigger, occurrence=journey.occurrence,
            verb=Verb.SKIPPED, entry=journey.entry, reason=Reason.CONSENT_WITHDRAWN,
            rule=no.consent.path, place=str(no.consent.span), journey=journey.id,
            action=action.id, evidence={"notes": [no.words], "channel": action.channel},
        )
    )  # fmt: skip
    store.move(skipped, at=at)
    store.wake(journey.id, at)


def _message(
    project: Project, revisions: Revisions, store: Store, action: Action
) -> dict[str, Any]:
    journey = store.journey(action.journey)
    assert journey is not None
    book = revisions.with_step(journey.revision, action.step)
    step = book.act(action.step)
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
        "template": action.detail.get("template"),
        "journey": action.journey,
    }
