"""What ends journeys before their steps do: events, leaving a segment, conditions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from engine.changed import changed_since
from engine.context import RunContext
from engine.ids import canonical_json, recorded_id
from engine.journeys import Action, Halt, Journey, Key, closes_at, halt
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
    books = _running_books(ctx)
    touched = _touched(ctx, log, books, at0=at0, seq0=seq0)
    # Broken, held or paused at the last run: what came before it may not have been looked at.
    seen = {
        row["playbook"]
        for row in ctx.ledger.rows(
            "SELECT DISTINCT playbook FROM triggers WHERE at = ? AND seq = ?", at0, seq0
        )
    }
    heard: set[str] = set()
    ask: set[str] = set()
    for revision, book in books.items():
        mine = _Running(ctx, revision)
        new = mine.of(touched[revision]) if book.name in seen else mine.all()
        heard |= new
        if book.stops:
            ask |= new | _may_have_left(ctx, book, revision) | _may_meet(ctx, book, mine, at0, seq0)
    asked = ctx.store.running_of(sorted(ask))
    ctx.facts.expect(journey.customer for journey in asked)
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


def _running_books(ctx: RunContext) -> dict[str, Playbook]:
    """Return the revisions that running journeys follow, of playbooks that are followed."""
    rows = ctx.ledger.rows("SELECT DISTINCT revision FROM journeys WHERE state = 'running'")
    books = {row["revision"]: ctx.revisions.get(row["revision"]) for row in list(rows)}
    return {key: books[key] for key in sorted(books) if _followed(ctx, books[key].name)}


@dataclass(frozen=True, slots=True)
class _Running:
    """The running journeys of one revision, by id; only those asked for are read."""

    ctx: RunContext
    revision: str

    def all(self) -> set[str]:
        """Return every one."""
        return set(self.ctx.store.running_ids("revision = ?", self.revision))

    def of(self, customers: Iterable[str]) -> set[str]:
        """Return those of some customers."""
        names = canonical_json(sorted(customers))
        where = "revision = ? AND customer IN (SELECT value FROM json_each(?))"
        return set(self.ctx.store.running_ids(where, self.revision, names))


def _may_have_left(ctx: RunContext, book: Playbook, revision: str) -> set[str]:
    """Return the journeys whose customer left a segment that they must not leave."""
    found: set[str] = set()
    for name in {stop.leaves for stop in book.stops if stop.leaves}:
        rows = ctx.ledger.rows(
            "SELECT j.id FROM journeys j JOIN membership m"
            " ON m.definition = ? AND m.customer = j.customer AND m.until > j.entry AND m.until <= ?"
            " WHERE j.state = 'running' AND j.revision = ?",
            hash_of(book, name), ctx.at, revision,
        )  # fmt: skip
        found |= {row["id"] for row in rows}
    return found


def _may_meet(ctx: RunContext, book: Playbook, mine: _Running, at0: int, seq0: int) -> set[str]:
    """Return the journeys that may meet a condition that ends them, and did not at the last run.

    All of them for two runs after an edit: a journey that was moved has not been asked by what it
    follows now.
    """
    conditions = [stop.condition for stop in book.stops if stop.condition is not None]
    if not conditions:
        return set()
    runs = ctx.ledger.rows("SELECT config FROM runs ORDER BY n DESC LIMIT 2")
    edited = {row["config"] for row in runs} != {ctx.project.config_hash}
    changed = None
    if not edited:
        changed = changed_since(ctx, book.catalogue, conditions, at=at0, seq=seq0)
    return mine.all() if changed is None else mine.of(changed)


def _touched(
    ctx: RunContext, log: Log, books: Mapping[str, Playbook], *, at0: int, seq0: int
) -> Mapping[str, set[str]]:
    """Return revision -> customers with a new event of a kind that it listens for."""
    kinds: dict[str, set[str]] = defaultdict(set)
    for revision, book in books.items():
        for name in _listens(book):
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
    """Write that a journey ended, and cancel its open actions.

    What was released before a step ``stop`` was reached goes out: the step stands behind it.
    """
    for action in ctx.store.actions_of([ended.id])[ended.id].values():
        stays = reason is Reason.STOP_STEP and closes_at(action) is not None
        if action.state in _CANCELLABLE and not stays:
            assert ended.ended_at is not None
            ctx.store.move(
                cancelled(action, at=max(ended.ended_at, ended.entry), reason=reason), at=ctx.at
            )
    ctx.store.end(ended, at=ctx.at)
