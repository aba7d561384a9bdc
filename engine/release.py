"""The release gate: a step that opens goes out, is put off, or is skipped, with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.context import RunContext
from engine.gate import word
from engine.joining import join
from engine.journeys import Action, Journey, Key, closes_at, deadline, late
from engine.levelled import rule_level
from engine.render import Scene, Written, speaks, write
from engine.rulings import Opening, Ruling
from engine.store import Decision
from engine.templates import earlier_turns, template_file
from engine.words import ActionKind, ActionState, Reason, Verb
from engine.world import CustomerWorld
from rules.matcher import Word
from rules.playbook import Do, IfLate, Playbook

__all__ = ["Walk", "release"]


@dataclass(slots=True, kw_only=True)
class Walk:
    """One journey while it is being advanced."""

    book: Playbook
    journey: Journey
    actions: dict[Key, Action]
    replans: bool = False  #: it was moved to an edited playbook in this run

    def world(self, ctx: RunContext) -> CustomerWorld:
        """Return what the journey sees now."""
        return CustomerWorld(ctx, self.book, self.journey, self.actions, replans=self.replans)


def release(
    ctx: RunContext,
    walks: Sequence[Walk],
    counts: Counter[tuple[str, str]],
    among: Sequence[Walk] = (),
) -> list[Walk]:
    """Ask the house about every step that opens; return the journeys whose line moved on.

    ``among`` are all journeys that the run advances: an open task of theirs may be due earlier when
    another step goes with it.
    """
    due = sorted(
        (
            (walk, walk.book.act(action.step), action)
            for walk in walks
            for action in walk.actions.values()
            if action.state is ActionState.PLANNED
            and action.opens_at <= ctx.at
            and action.kind in (ActionKind.TASK, ActionKind.MESSAGE)
        ),
        key=lambda item: (-item[2].priority, item[2].due_by, item[2].id),
    )
    openings = [
        Opening(
            journey=walk.journey, purpose=walk.book.purpose, step=step, action=action,
            work=_work(ctx, walk, step, action),
        )
        for walk, step, action in due
    ]  # fmt: skip
    moved: dict[str, Walk] = {}
    for (walk, _, _), opening, ruling in zip(due, openings, rule_level(ctx, openings), strict=True):
        after, what = _ruled(ctx, walk, opening, ruling)
        walk.actions[after.key] = after
        if after.host is not None:
            host = join(ctx.store, after, walk.journey, at=ctx.at)
            for other in (*walks, *among):
                if other.journey.id == host.journey:
                    other.actions[host.key] = host
        counts[walk.journey.playbook, what] += 1
        if closes_at(after) is not None:
            moved[walk.journey.id] = walk
    return list(moved.values())


def _work(ctx: RunContext, walk: Walk, step: Do, action: Action) -> dict[str, Word]:
    recheck = "yes"
    if step.recheck is not None:
        recheck = word(walk.world(ctx).evaluator().verdict(step.recheck))
    return {
        "playbook": walk.journey.playbook,
        "purpose": walk.book.purpose,
        "gate": "release",
        "step_late": word(late(step, action, ctx.at, ctx.timezone)),
        "recheck": recheck,
    }


def _ruled(ctx: RunContext, walk: Walk, opening: Opening, ruling: Ruling) -> tuple[Action, str]:
    """Write what becomes of one action; return it as it is now, and a word for the count."""
    step, action = opening.step, opening.action
    after, written = action, None
    if ruling.verb is Verb.RELEASED:
        after, written = _released(ctx, walk, opening, ruling)
        ruling = _written(ruling, after, written)
    evidence: dict[str, Any] = {
        "gate": {**opening.work, "channel": ruling.channel}, "calendar": action.words,
        "anchor": action.anchor, "opens_at": action.opens_at, "due_by": action.due_by,
        "matcher": ctx.gate.matcher.name, "config": ctx.project.config_hash,
        **ruling.evidence,
    }  # fmt: skip
    if step.recheck is not None:
        evidence["recheck"] = walk.world(ctx).evaluator().trace(step.recheck).to_json()
    ctx.store.decide(
        Decision(
            run_at=ctx.at, gate="release", playbook=walk.journey.playbook,
            revision=walk.journey.revision, customer=walk.journey.customer,
            trigger=walk.journey.trigger, occurrence=walk.journey.occurrence, verb=ruling.verb,
            entry=walk.journey.entry, reason=ruling.reason, rule=ruling.rule,
            place=ruling.place or str(step.span), until=ruling.until, journey=walk.journey.id,
            action=action.id, evidence=evidence,
        )
    )  # fmt: skip
    match ruling.verb:
        case Verb.DEFERRED:
            assert ruling.until is not None
            after, what = replace(action, opens_at=ruling.until), "deferred"
        case Verb.SKIPPED:
            reason = str(ruling.reason)
            after = replace(action, state=ActionState.SKIPPED, closed_at=ctx.at, reason=reason)
            what = reason
        case _:
            what = "task" if after.human else "message"
            what = str(Reason.JOINED) if after.host else what
            if written is not None:
                ctx.store.keep(after.id, written.private(), at=ctx.at)
    ctx.store.move(after, at=ctx.at)
    return after, what


def _written(ruling: Ruling, after: Action, written: Written | None) -> Ruling:
    """Return the ruling with what came of the texts: without its text no message goes out, a task
    opens all the same.
    """
    if written is None or not written.failed:
        return ruling
    notes = [*ruling.evidence.get("notes", ()), written.failed]
    told = replace(ruling, evidence={**ruling.evidence, "notes": notes})
    if after.human:
        return told
    return replace(told, verb=Verb.SKIPPED, reason=Reason.TEMPLATE_FAILED, rule=None, place=None)


def _released(
    ctx: RunContext, walk: Walk, opening: Opening, ruling: Ruling
) -> tuple[Action, Written | None]:
    """Return an action that goes out now, and its texts: a task opens, a message becomes due.

    What goes with an open task has no texts of its own.
    """
    step, action = opening.step, opening.action
    role = ruling.role or step.assign
    if (
        step.if_late is IfLate.ESCALATE
        and step.if_overdue
        and ctx.at > deadline(step, action, ctx.timezone)
    ):
        role = step.if_overdue[0].role
    human = ctx.human(ruling.channel)
    after = replace(
        action,
        kind=ActionKind.TASK if human else ActionKind.MESSAGE,
        channel=ruling.channel,
        state=ActionState.OPEN if human else ActionState.DUE,
        opened_at=ctx.at,
        assignee=ctx.assignee(role, walk.journey.customer),
        host=ruling.host,
    )
    named = {"role": role} if human and role is not None and role != step.assign else {}
    channel = ctx.project.vocabulary.channels.get(ruling.channel)
    if after.host is not None or not speaks(walk.book, step, channel):
        return replace(after, detail=named), None
    scene = Scene(
        book=walk.book, step=step, journey=walk.journey, action=after,
        evaluator=walk.world(ctx).evaluator(), vocabulary=ctx.project.vocabulary,
    )  # fmt: skip
    turns = earlier_turns(ctx.ledger, step, action)
    file = template_file(step, walk.book.catalogue, scene.evaluator, turns)
    written = write(scene, file, channel, at=ctx.at)
    return replace(after, detail={**written.detail(file), **named}), written
