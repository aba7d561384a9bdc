"""What the start gate writes: journeys, decisions with their evidence, one row for many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.candidates import Candidate
from engine.context import RunContext
from engine.gate import Answer
from engine.ids import sha
from engine.journeys import Halt, Journey
from engine.stops import write_end, write_halt
from engine.store import PERSONAL, Decision
from engine.words import Reason, Verb
from rules.history import Datum
from rules.matcher import Word
from rules.playbook import Playbook
from rules.units import shift

__all__ = ["Case", "write_counted", "write_held", "write_refusal", "write_start"]

#: Reasons that wait for something to pass, not for a time: asked again by each run, told once.
_WAITING = (Reason.QUEUED, Reason.HOUSE_HOLD)


@dataclass(slots=True, kw_only=True)
class Case:
    """One candidate at the gate, and what became of it."""

    candidate: Candidate
    work: dict[str, Word]
    running: list[Journey]
    answer: Answer = field(default_factory=Answer)
    journey: Journey | None = None
    halt: Halt | None = None
    restarts: Sequence[Journey] = ()  #: those whose place it takes


def write_start(ctx: RunContext, case: Case) -> None:
    """Write a journey that begins, and its end where a stop lies behind its entry."""
    one, journey = case.candidate, case.journey
    assert journey is not None
    for ended in case.restarts:
        write_end(ctx, ended, Reason.RESTARTED)
    event, private = _stored_event(ctx, one)
    ctx.store.start(journey, event, private, at=ctx.at)
    ctx.store.decide(_decision(ctx, case, Verb.STARTED, journey=journey.id))
    if case.halt is not None:
        write_halt(ctx, one.playbook, journey, case.halt)


def write_refusal(ctx: RunContext, case: Case) -> None:
    """Write why nothing begins: once, however long it waits."""
    rule, reason = case.answer.rule, case.answer.reason
    if reason is Reason.HOUSE_DEFER:
        assert rule is not None
        assert rule.delay is not None
        until = shift(ctx.at, rule.delay, ctx.timezone)
        ctx.store.decide(_decision(ctx, case, Verb.DEFERRED, until=until))
    elif reason in _WAITING:
        if case.candidate.pending != reason:
            ctx.store.decide(_decision(ctx, case, Verb.DEFERRED, until=ctx.at))
    else:
        ctx.store.decide(_decision(ctx, case, Verb.REFUSED))


def _decision(
    ctx: RunContext,
    case: Case,
    verb: Verb,
    *,
    journey: str | None = None,
    until: int | None = None,
) -> Decision:
    one, rule = case.candidate, case.answer.rule
    return Decision(
        run_at=ctx.at, gate="start", playbook=one.playbook.name, revision=one.playbook.revision,
        customer=one.customer, trigger=one.trigger.name, occurrence=one.occurrence, verb=verb,
        entry=one.entry, reason=case.answer.reason, rule=rule.name if rule else None,
        place=str(rule.span if rule else one.trigger.span), until=until, journey=journey,
        evidence=_evidence(ctx, case),
    )  # fmt: skip


def _evidence(ctx: RunContext, case: Case) -> dict[str, Any]:
    """What the decision rests on; without seq and wall time, which differ from log to log."""
    one = case.candidate
    book = one.playbook
    evaluator = ctx.facts.evaluator(book.catalogue, one.customer, at=one.entry)
    shown: dict[str, Any] = {
        "trigger": {
            "kind": str(one.trigger.kind), "words": one.trigger.words, "path": one.trigger.path,
            "place": str(one.trigger.span),
            "extra": {k: v for k, v in one.given.items() if k not in one.personal},
        },
        "gate": dict(case.work),
        "matcher": ctx.gate.matcher.name,
        "config": ctx.project.config_hash,
    }  # fmt: skip
    if one.event is not None:
        shown["event"] = ctx.facts.shown(one.event)
        shown["late"] = one.late
    if one.moment:
        shown["moment"] = dict(one.moment)
        if one.personal:
            shown["moment"]["personal"] = sorted(one.personal)
    if one.edge is not None:
        shown["edge"] = {
            "name": one.edge.name, "since": one.edge.since, "before": one.edge.before,
            "after": one.edge.after, "definition": one.edge.definition,
        }  # fmt: skip
        name = one.edge.name
        if name in book.catalogue.segments or "." in name:
            shown["condition"] = evaluator.trace_segment(name).to_json()
        elif one.edge.after:
            shown["condition"] = evaluator.trace_segment(f"{name}.{one.edge.after}").to_json()
    if book.only is not None:
        shown["only"] = evaluator.trace(book.only).to_json()
    if book.excepted is not None:
        shown["except"] = evaluator.trace(book.excepted).to_json()
    if case.running:
        shown["running"] = [
            {"journey": journey.id, "playbook": journey.playbook} for journey in case.running
        ]
    if case.answer.matched:
        shown["matched"] = list(case.answer.matched)
    if case.answer.rule is not None and case.answer.rule.customer is not None:
        now = ctx.facts.evaluator(ctx.project.catalogue, one.customer)
        shown["house"] = now.trace(case.answer.rule.customer).to_json()
    return shown


def _stored_event(ctx: RunContext, one: Candidate) -> tuple[dict[str, Any], dict[str, Datum]]:
    """Return the trigger event for the ledger, and the personal fields that stay out of it."""
    event = one.event
    extra = {k: PERSONAL if k in one.personal else v for k, v in one.given.items()}
    if event is None:
        private = {name: one.given[name] for name in sorted(one.personal & one.given.keys())}
        return ({"fields": extra} if extra else {}), private
    kind = ctx.project.vocabulary.events.get(event.name)
    personal = {name for name, declared in kind.fields.items() if declared.pii} if kind else set()
    private = {name: value for name, value in event.fields.items() if name in personal}
    shown = ctx.facts.shown(event)
    return {**shown, "fields": {**shown["fields"], **extra}}, private


def write_counted(
    ctx: RunContext, book: Playbook, trigger: str, reason: Reason, customers: list[str]
) -> None:
    """Write that many were refused for one reason."""
    names = sorted(customers)
    ctx.store.decide(
        Decision(
            run_at=ctx.at, gate="start", playbook=book.name, revision=book.revision,
            customer=None, trigger=trigger, occurrence=f"run:{ctx.at}", verb=Verb.REFUSED,
            reason=reason, place=str(book.span),
            evidence={"count": len(names), "digest": sha(*names), "first": names[:5]},
        )
    )  # fmt: skip


def write_held(ctx: RunContext, book: Playbook, count: int) -> None:
    """Write that a playbook would begin too many journeys at once."""
    ctx.store.decide(
        Decision(
            run_at=ctx.at, gate="start", playbook=book.name, revision=book.revision,
            customer=None, trigger="", occurrence=f"run:{ctx.at}", verb=Verb.HELD,
            reason=Reason.PER_RUN, place=str(book.span),
            evidence={"count": count, "per_run": book.per_run},
        )
    )  # fmt: skip
