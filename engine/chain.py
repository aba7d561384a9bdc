"""``start:`` steps: another playbook begins for the customer; chains end."""

from __future__ import annotations

from collections.abc import Iterable

from engine.advance import StartRequest
from engine.context import RunContext
from engine.detect import Candidate
from engine.store import Decision
from engine.words import Reason, Verb
from rules.playbook import Status, Trigger, TriggerKind

__all__ = ["LONGEST", "chained"]

LONGEST = 8  #: journeys in a chain of ``start:`` steps; a longer one is taken for endless


def chained(ctx: RunContext, requests: Iterable[StartRequest]) -> list[Candidate]:
    """Return the candidates that ``start:`` steps ask for; the occurrence is the parent action.

    A playbook that is not active, and a chain that is too long, are refused with a row; one that is
    broken or gone can't have one.
    """
    found = []
    for request in requests:
        book = ctx.books.get(request.step.playbook)
        if book is None:
            continue
        action, journey = request.action, request.journey
        trigger = Trigger(
            kind=TriggerKind.MANUAL, name="start", path="trigger", span=request.step.span,
            words=f"started by {journey.playbook}, step {request.step.name}",
        )  # fmt: skip
        reason = Reason.CHAIN if _length(ctx, journey.occurrence) >= LONGEST else None
        if book.status is not Status.ACTIVE:
            reason = Reason.NOT_ACTIVE
        if reason is not None:
            ctx.store.decide(
                Decision(
                    run_at=ctx.at, gate="start", playbook=book.name, revision=book.revision,
                    customer=journey.customer, trigger="start", occurrence=action.id,
                    verb=Verb.REFUSED, entry=action.closed_at, reason=reason,
                    place=str(request.step.span), evidence={"parent": action.id},
                )
            )  # fmt: skip
            continue
        assert action.closed_at is not None
        found.append(
            Candidate(
                playbook=book,
                trigger=trigger,
                customer=journey.customer,
                occurrence=action.id,
                entry=action.closed_at,
            )
        )
    return found


def _length(ctx: RunContext, occurrence: str) -> int:
    """Return how many ``start:`` steps led here."""
    length = 0
    while occurrence.startswith("a-") and length < LONGEST:
        length += 1
        row = ctx.ledger.one(
            "SELECT j.occurrence FROM actions a JOIN journeys j ON j.id = a.journey WHERE a.id = ?",
            occurrence,
        )
        if row is None:
            break
        occurrence = row["occurrence"]
    return length
