"""Journeys move on: steps are planned as their anchors become known, and released when they open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.context import RunContext
from engine.gate import Answer, Asked, word
from engine.giveup import expired_by
from engine.journeys import Action, Journey, closes_at, deadline, finish, late, plan
from engine.stops import step_values
from engine.store import Decision
from engine.words import ActionState, JourneyState, Reason, Verb
from rules.evaluate import Evaluator
from rules.matcher import Word
from rules.playbook import Anchor, AnchorKind, Do, Playbook, Status
from rules.units import shift

__all__ = ["Moved", "advance_journeys", "close_journeys"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What advancing did."""

    counts: Mapping[tuple[str, str], int]  #: (playbook, what) -> number
    finished: int
    waiting: Mapping[str, int]  #: playbook that is paused, broken or gone -> journeys that wait


@dataclass(slots=True, kw_only=True)
class _Walk:
    """One journey while it is being advanced."""

    book: Playbook
    journey: Journey
    actions: dict[str, Action]


def close_journeys(ctx: RunContext) -> Moved:
    """Close what is over by itself, before new journeys begin: tasks that nobody finished, and
    journeys whose steps are all closed. Inside the run's transaction.
    """
    woken = {journey.id: journey for journey in ctx.store.running("next_at <= ?", ctx.at)}
    for journey in ctx.store.running(f"id IN ({_UNFINISHED})", ctx.at):
        woken[journey.id] = journey
    actions = ctx.store.actions_of(sorted(woken))
    counts: Counter[tuple[str, str]] = Counter()
    finished = 0
    for key, journey in sorted(woken.items()):
        if _waits(ctx, journey):
            continue
        for step, action in actions[key].items():
            after = expired_by(action, ctx, ctx.at)
            if after is not None:
                ctx.store.move(after, at=ctx.at)
                ctx.store.wake(key, ctx.at)
                actions[key][step] = after
                counts[journey.playbook, "expired"] += 1
        ended = finish(ctx.revisions.get(journey.revision), journey, actions[key])
        if ended.state is JourneyState.FINISHED:
            ctx.store.end(ended, at=ctx.at)
            finished += 1
    return Moved(counts=counts, finished=finished, waiting={})


#: Journeys with a task that is past its time.
_UNFINISHED = "SELECT journey FROM actions WHERE state = 'open' AND due_by <= ?"


def _waits(ctx: RunContext, journey: Journey) -> bool:
    """Whether the playbook is paused, broken or gone."""
    current = ctx.books.get(journey.playbook)
    return current is None or current.status is not Status.ACTIVE


def advance_journeys(ctx: RunContext, started: Sequence[Journey], closed: Moved) -> Moved:
    """Plan and release what is due at T, to a fixpoint. Inside the run's transaction.

    Looked at: new journeys, those whose next step opens, those that something woke, and those that
    count from a date of the customer, which may have moved. ``closed`` is added to the counts.
    """
    fresh = {journey.id for journey in started}
    look = [*started, *(j for j in ctx.store.running("next_at <= ?", ctx.at) if j.id not in fresh)]
    seen = {journey.id for journey in look}
    look += [j for j in _dated(ctx) if j.id not in seen]
    waiting: Counter[str] = Counter()
    walks: list[_Walk] = []
    actions = ctx.store.actions_of([journey.id for journey in look])
    for journey in look:
        if _waits(ctx, journey):
            waiting[journey.playbook] += 1
            continue
        book = ctx.revisions.get(journey.revision)
        walks.append(_Walk(book=book, journey=journey, actions=actions[journey.id]))
    ctx.facts.load({walk.journey.customer for walk in walks})
    counts = Counter(closed.counts)
    turn = walks
    while turn:
        for walk in turn:
            _plan(ctx, walk)
        turn = _release(ctx, turn, counts)
    finished = closed.finished + sum(_settle(ctx, walk) for walk in walks)
    return Moved(counts=counts, finished=finished, waiting=waiting)


def _dated(ctx: RunContext) -> Iterable[Journey]:
    revisions = [
        row["revision"]
        for row in ctx.ledger.rows("SELECT DISTINCT revision FROM journeys WHERE state = 'running'")
    ]
    for revision in sorted(revisions):
        book = ctx.revisions.get(revision)
        if any(step.anchor.kind is AnchorKind.DATE for step in book.steps):
            yield from ctx.store.running("revision = ?", revision)


def _plan(ctx: RunContext, walk: _Walk) -> None:
    """Write the steps that can be planned now, and move those whose date has moved."""

    def dates(anchor: Anchor) -> int | None:
        return ctx.facts.date(walk.book.catalogue, walk.journey.customer, anchor)

    moving = {
        step.name
        for step in walk.book.steps
        if step.anchor.kind is AnchorKind.DATE
        and step.name in walk.actions
        and walk.actions[step.name].state is ActionState.PLANNED
    }
    settled = {name: action for name, action in walk.actions.items() if name not in moving}
    for action in plan(walk.book, walk.journey, settled, ctx.calendar, ctx.human, dates):
        if action.step in moving:
            before = walk.actions[action.step]
            if before.words == action.words:
                continue  # the date stands; the opening may have been deferred
            ctx.store.move(action, at=ctx.at)
        else:
            ctx.store.add(action, at=ctx.at)
        walk.actions[action.step] = action


def _release(
    ctx: RunContext, walks: Sequence[_Walk], counts: Counter[tuple[str, str]]
) -> list[_Walk]:
    """Ask the gate about every step that opens; return the journeys whose line moved on."""
    due = sorted(
        (
            (walk, walk.book.step(action.step), action)
            for walk in walks
            for action in walk.actions.values()
            if action.state is ActionState.PLANNED and action.opens_at <= ctx.at
        ),
        key=lambda item: (-item[2].priority, item[2].due_by, item[2].id),
    )
    running = ctx.store.journeys_of({walk.journey.customer for walk, _, _ in due})
    questions, asked = [], []
    for walk, step, action in due:
        others = [
            journey
            for journey in running.get(walk.journey.customer, ())
            if journey.state is JourneyState.RUNNING and journey.id != walk.journey.id
        ]
        question = _question(ctx, walk, step, action, others)
        questions.append(question)
        asked.append((walk, step, action, question))
    moved: dict[str, _Walk] = {}
    for (walk, step, action, question), answer in zip(asked, ctx.gate.ask(questions), strict=True):
        after, what = _answered(ctx, walk, step, action, question, answer)
        walk.actions[step.name] = after
        counts[walk.journey.playbook, what] += 1
        if closes_at(after) is not None:
            moved[walk.journey.id] = walk
    return list(moved.values())


def _question(
    ctx: RunContext, walk: _Walk, step: Do, action: Action, others: list[Journey]
) -> Asked:
    recheck = "yes"
    if step.recheck is not None:
        recheck = word(_evaluator(ctx, walk).verdict(step.recheck))
    work: dict[str, Word] = {
        "playbook": walk.journey.playbook,
        "purpose": walk.book.purpose,
        "channel": step.channel,
        "gate": "release",
        "step_late": word(late(step, action, ctx.at, ctx.timezone)),
        "recheck": recheck,
    }
    return ctx.question(walk.journey.customer, work, others)


def _evaluator(ctx: RunContext, walk: _Walk) -> Evaluator:
    return ctx.facts.evaluator(
        walk.book.catalogue, walk.journey.customer, trigger=walk.journey.event,
        trigger_event=walk.journey.event_name, steps=step_values(ctx, walk.actions.values()),
    )  # fmt: skip


def _answered(
    ctx: RunContext, walk: _Walk, step: Do, action: Action, question: Asked, answer: Answer
) -> tuple[Action, str]:
    """Write what the gate said of one action; return it as it is now, and a word for the count."""
    reason, until, verb = answer.reason, None, Verb.RELEASED
    if reason is Reason.HOUSE_DEFER:
        assert answer.rule is not None
        assert answer.rule.delay is not None
        until = shift(ctx.at, answer.rule.delay, ctx.timezone)
        verb = Verb.DEFERRED
        if until > deadline(step, action, ctx.timezone):
            reason, until, verb = Reason.DEFERRED_TOO_LONG, None, Verb.SKIPPED
    elif reason is not None:
        verb = Verb.SKIPPED
    evidence: dict[str, Any] = {
        "gate": dict(question.work), "calendar": action.words, "anchor": action.anchor,
        "opens_at": action.opens_at, "due_by": action.due_by, "matcher": ctx.gate.matcher.name,
        "config": ctx.project.config_hash,
    }  # fmt: skip
    if step.recheck is not None:
        evidence["recheck"] = _evaluator(ctx, walk).trace(step.recheck).to_json()
    if question.running:
        evidence["running"] = [dict(fact) for fact in question.running]
    if answer.matched:
        evidence["matched"] = list(answer.matched)
    if answer.rule is not None and answer.rule.customer is not None:
        now = ctx.facts.evaluator(ctx.project.catalogue, walk.journey.customer)
        evidence["house"] = now.trace(answer.rule.customer).to_json()
    rule = answer.rule
    ctx.store.decide(
        Decision(
            run_at=ctx.at, gate="release", playbook=walk.journey.playbook,
            revision=walk.journey.revision, customer=walk.journey.customer,
            trigger=walk.journey.trigger, occurrence=walk.journey.occurrence, verb=verb,
            entry=walk.journey.entry, reason=reason, rule=rule.name if rule else None,
            place=str(rule.span if rule else step.span), until=until, journey=walk.journey.id,
            action=action.id, evidence=evidence,
        )
    )  # fmt: skip
    match verb:
        case Verb.DEFERRED:
            assert until is not None
            after, what = replace(action, opens_at=until), "deferred"
        case Verb.SKIPPED:
            after = replace(action, state=ActionState.SKIPPED, closed_at=ctx.at, reason=str(reason))
            what = str(reason)
        case _:
            state = ActionState.OPEN if action.human else ActionState.DUE
            who = ctx.assignee(step.assign, walk.journey.customer)
            after = replace(action, state=state, opened_at=ctx.at, assignee=who)
            what = "task" if action.human else "message"
    ctx.store.move(after, at=ctx.at)
    return after, what


def _settle(ctx: RunContext, walk: _Walk) -> bool:
    """Write the journey's end, or when to look at it again; return whether it finished."""
    after = finish(walk.book, walk.journey, walk.actions)
    if after.state is JourneyState.FINISHED:
        ctx.store.end(after, at=ctx.at)
        return True
    opens = [a.opens_at for a in walk.actions.values() if a.state is ActionState.PLANNED]
    ctx.store.wake(walk.journey.id, min(opens, default=None))
    return False
