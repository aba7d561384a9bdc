"""Journeys move on: steps are planned as their anchors become known, and released when they open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from engine.context import RunContext
from engine.giveup import expires_at
from engine.journeys import Action, Journey
from engine.release import Walk, release
from engine.stops import write_end
from engine.store import Decision
from engine.unfold import unfold
from engine.walking import NEVER
from engine.words import ActionKind, ActionState, JourneyState, Reason, Verb
from rules.playbook import AnchorKind, Do, StartOther, Status, StopHere, walk
from rules.units import shift

__all__ = ["Moved", "StartRequest", "advance_journeys", "close_journeys"]

_DATES = (AnchorKind.DATE, AnchorKind.STEP_DATE)
_PART = 5_000  #: journeys advanced before the next ones are looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRequest:
    """A ``start:`` step that was reached."""

    step: StartOther
    action: Action
    journey: Journey


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What advancing did."""

    counts: Mapping[tuple[str, str], int]  #: (playbook, what) -> number
    finished: int
    waiting: Mapping[str, int]  #: playbook that is paused, broken or gone -> journeys that wait
    starts: tuple[StartRequest, ...] = ()

    def plus(self, other: Moved) -> Moved:
        """Return both together."""
        return Moved(
            counts=Counter(self.counts) + Counter(other.counts),
            finished=self.finished + other.finished,
            waiting=Counter(self.waiting) | Counter(other.waiting),
            starts=other.starts,
        )


def close_journeys(
    ctx: RunContext, touched: Collection[str], replanned: Collection[str] = ()
) -> Moved:
    """Close what is over by itself, before new journeys begin: waits that heard or timed out, tasks
    that an event or nobody finished, journeys whose steps are all closed. Releases nothing.

    ``touched`` are journeys (ids) whose customer had an event that they listen for, ``replanned``
    those that follow an edited playbook from now on.
    """
    counts: Counter[tuple[str, str]] = Counter()
    starts: list[StartRequest] = []
    ended = 0
    for look in _parts(ctx, _look(ctx, touched)):
        walks, _ = _walks(ctx, look)
        for item in walks:
            item.replans = item.journey.id in replanned
        starts += [request for item in walks for request in _unfold(ctx, item, counts)]
        for item in walks:
            if item.journey.state is JourneyState.RUNNING:
                ctx.store.wake(item.journey.id, ctx.at)  # to be advanced in this very run
            else:
                ended += 1
    return Moved(counts=counts, finished=ended, waiting={}, starts=tuple(starts))


def advance_journeys(ctx: RunContext) -> Moved:
    """Plan and release what is due at T, to a fixpoint. Inside the run's transaction.

    Looked at: new journeys, those whose next step opens, those that something woke, and those that
    count from a date of the customer, which may have moved.
    """
    counts: Counter[tuple[str, str]] = Counter()
    waiting: Counter[str] = Counter()
    starts: list[StartRequest] = []
    finished = 0
    for look in _parts(ctx, _look(ctx, ())):
        walks, waits = _walks(ctx, look)
        waiting.update(waits)
        starts += _advance(ctx, walks, counts)
        finished += sum(item.journey.state is JourneyState.FINISHED for item in walks)
    return Moved(counts=counts, finished=finished, waiting=waiting, starts=tuple(starts))


def _advance(
    ctx: RunContext, walks: Sequence[Walk], counts: Counter[tuple[str, str]]
) -> list[StartRequest]:
    starts: list[StartRequest] = []
    turn = walks
    while turn:
        for item in turn:
            starts += _unfold(ctx, item, counts)
        going = [item for item in turn if item.journey.state is JourneyState.RUNNING]
        turn = release(ctx, going, counts, walks)
    for item in walks:
        if item.journey.state is JourneyState.RUNNING:
            ctx.store.wake(item.journey.id, _next(ctx, item))
    return starts


def _look(ctx: RunContext, touched: Collection[str]) -> dict[str, str]:
    """Return id -> customer of the running journeys to look at."""
    look = ctx.store.running_ids("next_at <= ?", ctx.at)
    for revision in _dated(ctx):
        look |= ctx.store.running_ids("revision = ?", revision)
    for key in touched:
        if key not in look:
            look |= ctx.store.running_ids("id = ?", key)
    return look


def _parts(ctx: RunContext, look: Mapping[str, str]) -> Iterator[list[Journey]]:
    """Yield journeys, all of a customer at once, one part after another; each part by id."""
    keys = sorted(look) if len(look) <= _PART else sorted(look, key=lambda key: (look[key], key))
    while keys:
        end = min(_PART, len(keys))
        while end < len(keys) and look[keys[end]] == look[keys[end - 1]]:
            end += 1
        yield ctx.store.running_of(sorted(keys[:end]))
        keys = keys[end:]


def _dated(ctx: RunContext) -> Iterator[str]:
    """Yield the revisions with a step that counts from a date, which may have moved."""
    revisions = [
        row["revision"]
        for row in ctx.ledger.rows("SELECT DISTINCT revision FROM journeys WHERE state = 'running'")
    ]
    for revision in sorted(revisions):
        book = ctx.revisions.get(revision)
        if any(step.anchor.kind in _DATES for step in walk(book.steps)):
            yield revision


def _walks(ctx: RunContext, look: Sequence[Journey]) -> tuple[list[Walk], Mapping[str, int]]:
    waiting: Counter[str] = Counter()
    walks: list[Walk] = []
    actions = ctx.store.actions_of([journey.id for journey in look])
    for journey in look:
        current = ctx.books.get(journey.playbook)
        if current is None or current.status is not Status.ACTIVE:
            waiting[journey.playbook] += 1
            continue
        if ctx.holds.held(journey.id):
            continue
        book = ctx.revisions.get(journey.revision)
        walks.append(Walk(book=book, journey=journey, actions=actions[journey.id]))
    ctx.facts.expect(item.journey.customer for item in walks)
    return walks, waiting


def _unfold(ctx: RunContext, item: Walk, counts: Counter[tuple[str, str]]) -> list[StartRequest]:
    """Walk one journey and write what moved; the journey may be over after it."""
    found = unfold(item.book, item.journey, item.actions, item.world(ctx))
    for key, action in found.changed.items():
        if key in item.actions:
            ctx.store.move(action, at=ctx.at)
        else:
            ctx.store.add(action, at=ctx.at)
        item.actions[key] = action
        if action.state in (ActionState.EXPIRED,) or action.reason == Reason.DONE_WHEN:
            counts[item.journey.playbook, str(action.state)] += 1
    if found.stopped is not None:
        _stop_here(ctx, item, *found.stopped)
        counts[item.journey.playbook, "stopped by a step"] += 1
    elif found.done_at is not None and _all_closed(item):
        item.journey = replace(item.journey, state=JourneyState.FINISHED, ended_at=found.done_at)
        ctx.store.end(item.journey, at=ctx.at)
    return [
        StartRequest(step=step, action=action, journey=item.journey)
        for step, action in found.starts
    ]


def _all_closed(item: Walk) -> bool:
    return all(action.state.closed for action in item.actions.values())


def _stop_here(ctx: RunContext, item: Walk, step: StopHere, action: Action) -> None:
    journey = item.journey
    ctx.store.decide(
        Decision(
            run_at=ctx.at, gate="stop", playbook=journey.playbook, revision=journey.revision,
            customer=journey.customer, trigger=journey.trigger, occurrence=journey.occurrence,
            verb=Verb.STOPPED, entry=journey.entry, reason=Reason.STOP_STEP,
            place=str(step.span), journey=journey.id,
            evidence={"stop": {"words": f"stop: {step.word}", "path": step.path}, "at": action.closed_at},
        )
    )  # fmt: skip
    item.journey = replace(
        journey, state=JourneyState.STOPPED, ended_at=action.closed_at, reason=Reason.STOP_STEP,
        goal=step.word,
    )  # fmt: skip
    write_end(ctx, item.journey, Reason.STOP_STEP)


def _next(ctx: RunContext, item: Walk) -> int | None:
    """Return when a journey is to be looked at again; None: when something happens."""
    moments: list[int] = []
    for action in item.actions.values():
        if action.state is ActionState.PLANNED:
            moments.append(action.opens_at)
        elif action.state is ActionState.DUE:
            moments.append(ctx.at)
        elif action.state is ActionState.OPEN and action.kind is ActionKind.WAIT:
            if action.due_by < NEVER:
                moments.append(action.due_by)
        elif action.state is ActionState.OPEN and action.kind is ActionKind.TASK:
            moments += _task_moments(ctx, item.book.act(action.step), action)
    later = [moment for moment in moments if moment > ctx.at]
    return min(later, default=ctx.at if len(later) < len(moments) else None)


def _task_moments(ctx: RunContext, step: Do, action: Action) -> list[int]:
    if action.host is not None:
        return []  # it ends with the task that it goes with
    found = []
    over = expires_at(step, action, ctx)
    if over is not None:
        found.append(over)
    for rung in step.if_overdue:
        after = rung.after
        if after is None or after.working:  # working time needs another look from then on
            found.append(max(action.due_by, ctx.at + 1))
        else:
            found.append(shift(action.due_by, after, ctx.timezone))
    return found
