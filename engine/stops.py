"""What ends journeys before their steps do: events, leaving a segment, conditions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.context import RunContext
from engine.ids import recorded_id
from engine.journeys import Action, Halt, Journey, Key, halt
from engine.log import Log
from engine.store import Decision, cancelled
from engine.unfold import unfold
from engine.watch import hash_of
from engine.words import ActionKind, ActionState, JourneyState, Reason, Verb
from engine.world import CustomerWorld
from rules.history import Datum
from rules.playbook import Do, Playbook, Status, Stop, Wait, walk

_CANCELLABLE = (ActionState.PLANNED, ActionState.OPEN, ActionState.DUE)

__all__ = ["find_halt", "step_values", "stop_journeys", "write_end", "write_halt"]


def stop_journeys(
    ctx: RunContext, log: Log, *, at0: int, seq0: int
) -> tuple[list[tuple[Journey, Halt]], set[str]]:
    """End the running journeys that something stopped since (T0, S0).

    Return them, and the ids of those others whose customer had an event that they listen for.
    """
    running = ctx.store.running()
    books = {j.revision: ctx.revisions.get(j.revision) for j in running}
    running = [j for j in running if _followed(ctx, j.playbook)]
    touched = _touched(ctx, log, running, books, at0=at0, seq0=seq0)
    # Broken, held or paused at the last run: what came before it may not have been looked at.
    seen = {
        row["playbook"]
        for row in ctx.ledger.rows(
            "SELECT DISTINCT playbook FROM triggers WHERE at = ? AND seq = ?", at0, seq0
        )
    }
    heard = {
        journey.id
        for journey in running
        if journey.customer in touched[journey.revision] or journey.playbook not in seen
    }
    asked = [
        journey
        for journey in running
        if (journey.id in heard and books[journey.revision].stops)
        or any(stop.events is None for stop in books[journey.revision].stops)
    ]
    ctx.facts.load({journey.customer for journey in asked})
    actions = ctx.store.actions_of([journey.id for journey in asked])
    ended = []
    for journey in asked:
        book = books[journey.revision]
        found = find_halt(ctx, book, journey, actions[journey.id])
        if found is not None and not _over(ctx, book, journey, actions[journey.id], found.at):
            write_halt(ctx, book, journey, found)
            ended.append((journey, found))
    return ended, heard - {journey.id for journey, _ in ended}


def _over(
    ctx: RunContext, book: Playbook, journey: Journey, actions: Mapping[Key, Action], at: int
) -> bool:
    """Whether all its steps were closed before an instant: then nothing stopped it."""
    known = {key: one for key, one in actions.items() if one.opens_at < at}
    world = CustomerWorld(ctx, book, journey, known, at - 1)
    done_at = unfold(book, journey, known, world).done_at
    closed = all(one.state.closed for one in known.values())
    return done_at is not None and done_at < at and closed


def _followed(ctx: RunContext, playbook: str) -> bool:
    """Whether the playbook is sound and known: a broken or missing one keeps its state."""
    book = ctx.books.get(playbook)
    return book is not None and book.status is not Status.DRAFT


def _touched(
    ctx: RunContext,
    log: Log,
    running: Sequence[Journey],
    books: Mapping[str, Playbook],
    *,
    at0: int,
    seq0: int,
) -> Mapping[str, set[str]]:
    """Return revision -> customers with a new event of a kind that it listens for."""
    kinds: dict[str, set[str]] = defaultdict(set)
    for revision in {journey.revision for journey in running}:
        for name in _listens(books[revision]):
            kinds[name].add(revision)
    found: dict[str, set[str]] = defaultdict(set)
    if kinds:
        arrivals = log.events_between(
            sorted(kinds), vocabulary=ctx.project.vocabulary,
            at0=at0, seq0=seq0, at1=ctx.at, seq1=ctx.seq,
        )  # fmt: skip
        for arrival in arrivals:
            for revision in kinds[arrival.event.name]:
                found[revision].add(arrival.customer)
    return found


def _listens(book: Playbook) -> set[str]:
    """Return the kinds of events that stop a journey, end a wait or close a task."""
    names = {name for stop in book.stops if stop.events for name in stop.events.names}
    for step in walk(book.steps):
        if isinstance(step, Wait):
            names |= {name for one in step.awaited for name in one.events.names}
        elif isinstance(step, Do) and step.done_when is not None:
            names |= set(step.done_when.events.names)
    return names


def find_halt(
    ctx: RunContext, book: Playbook, journey: Journey, actions: Mapping[Key, Action]
) -> Halt | None:
    """Return what stopped a journey at or before T, or None; not what it recorded itself."""

    def left(name: str) -> int | None:
        row = ctx.ledger.one(
            "SELECT min(until) AS at FROM membership"
            " WHERE definition = ? AND customer = ? AND until > ? AND until <= ?",
            hash_of(book, name), journey.customer, journey.entry, ctx.at,
        )  # fmt: skip
        return row["at"] if row else None

    def true_now(stop: Stop) -> bool:
        assert stop.condition is not None
        evaluator = ctx.facts.evaluator(
            book.catalogue, journey.customer, trigger=journey.event,
            trigger_event=journey.event_name, steps=step_values(ctx, actions.values()),
        )  # fmt: skip
        return evaluator.verdict(stop.condition) is True

    if not book.stops:
        return None
    own = {recorded_id(one.id) for one in actions.values() if one.kind is ActionKind.RECORD}
    return halt(
        book,
        journey,
        [event for event in ctx.facts.history(journey.customer).events if event.id not in own],
        lambda stop, event: stop.events is not None and ctx.facts.passes(stop.events.where, event),
        left,
        true_now,
        at=ctx.at,
        timezone=ctx.timezone,
    )


def step_values(ctx: RunContext, actions: Iterable[Action]) -> dict[str, Datum]:
    """Return what closed steps left, by ``<step>.outcome`` and ``<step>.<asked>``."""
    return ctx.store.step_values(actions)


def write_halt(ctx: RunContext, book: Playbook, journey: Journey, found: Halt) -> None:
    """Write the stop with its evidence; what has not gone out is cancelled."""
    evidence: dict[str, Any] = {
        "stop": {"words": found.stop.words, "path": found.stop.path, "place": str(found.stop.span)},
        "at": found.at,
    }
    if found.event is not None:
        evidence["event"] = ctx.facts.shown(found.event)
    if found.stop.condition is not None:
        actions = ctx.store.actions_of([journey.id])[journey.id]
        evaluator = ctx.facts.evaluator(
            book.catalogue, journey.customer, trigger=journey.event,
            trigger_event=journey.event_name, steps=step_values(ctx, actions.values()),
        )  # fmt: skip
        evidence["condition"] = evaluator.trace(found.stop.condition).to_json()
    if found.stop.leaves is not None:
        evaluator = ctx.facts.evaluator(book.catalogue, journey.customer)
        evidence["condition"] = evaluator.trace_segment(found.stop.leaves).to_json()
    ctx.store.decide(
        Decision(
            run_at=ctx.at, gate="stop", playbook=journey.playbook, revision=journey.revision,
            customer=journey.customer, trigger=journey.trigger, occurrence=journey.occurrence,
            verb=Verb.STOPPED, entry=journey.entry, reason=found.reason,
            place=str(found.stop.span), journey=journey.id, evidence=evidence,
        )
    )  # fmt: skip
    ended = replace(
        journey, state=JourneyState.STOPPED, ended_at=found.at, reason=found.reason, goal=found.goal
    )
    write_end(ctx, ended, found.reason)


def write_end(ctx: RunContext, ended: Journey, reason: Reason) -> None:
    """Write that a journey ended, and cancel its open actions."""
    for action in ctx.store.actions_of([ended.id])[ended.id].values():
        if action.state in _CANCELLABLE:
            assert ended.ended_at is not None
            ctx.store.move(
                cancelled(action, at=max(ended.ended_at, ended.entry), reason=reason), at=ctx.at
            )
    ctx.store.end(ended, at=ctx.at)
