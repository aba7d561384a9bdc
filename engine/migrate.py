"""Edited playbooks and journeys that run already: ``migrate: stay | move | cancel``."""

from __future__ import annotations

from dataclasses import replace

from engine.context import RunContext
from engine.journeys import Journey
from engine.stops import write_end
from engine.store import Decision, cancelled
from engine.words import ActionKind, ActionState, JourneyState, Reason, Verb
from rules.playbook import Migrate, Playbook, Status, rung_of, walk

__all__ = ["migrate_journeys"]


def migrate_journeys(ctx: RunContext) -> set[str]:
    """Move or cancel the journeys of edited playbooks that say so; return the ids of the moved.

    Moved: steps that have not opened follow the new revision; what is open or closed stays, unless
    its step is gone. Inside the run's transaction.
    """
    moved: set[str] = set()
    for book in ctx.books.values():
        if book.status is not Status.ACTIVE or book.migrate is Migrate.STAY:
            continue
        old = ctx.store.running("playbook = ? AND revision <> ?", book.name, book.revision)
        for journey in old:
            if book.migrate is Migrate.CANCEL:
                _cancel(ctx, book, journey)
            else:
                _move(ctx, book, journey)
                moved.add(journey.id)
    return moved


def _cancel(ctx: RunContext, book: Playbook, journey: Journey) -> None:
    _decide(ctx, book, journey, Verb.STOPPED)
    ended = replace(
        journey, state=JourneyState.STOPPED, ended_at=max(ctx.at, journey.entry),
        reason=Reason.MIGRATED,
    )  # fmt: skip
    write_end(ctx, ended, Reason.MIGRATED)


def _move(ctx: RunContext, book: Playbook, journey: Journey) -> None:
    _decide(ctx, book, journey, Verb.MOVED)
    ctx.store.rebase(journey, book.revision, at=ctx.at)
    kept = {step.name for step in walk(book.steps)}
    for action in ctx.store.actions_of([journey.id])[journey.id].values():
        name = rung_of(action.step) or action.step
        if name in kept or action.state.closed:
            continue
        if action.state is ActionState.PLANNED or action.kind is not ActionKind.MESSAGE:
            ctx.store.move(cancelled(action, at=ctx.at, reason=Reason.MIGRATED), at=ctx.at)
    ctx.store.wake(journey.id, ctx.at)


def _decide(ctx: RunContext, book: Playbook, journey: Journey, verb: Verb) -> None:
    ctx.store.decide(
        Decision(
            run_at=ctx.at, gate="migrate", playbook=book.name, revision=book.revision,
            customer=journey.customer, trigger=journey.trigger,
            occurrence=f"{journey.occurrence}>{book.revision}", verb=verb, entry=journey.entry,
            reason=Reason.MIGRATED, place=str(book.span), journey=journey.id,
            evidence={"from": journey.revision, "to": book.revision},
        )
    )  # fmt: skip
