"""What the house says of each step that opens: rules, routing, consent, quiet hours, caps.

Decides and writes nothing. Asked in serving order, since what is released first takes the room of
the caps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from engine.address import address_of
from engine.caps import Reached, ReachedBook
from engine.consent import binding, refusal
from engine.context import RunContext
from engine.gate import Answer, Asked
from engine.joining import OpenTasks
from engine.journeys import Action, Journey, deadline
from engine.quiet import binds, customer_zone, quiet_until
from engine.routing import MESSAGE, Routed, route
from engine.words import Reason, Verb
from rules.errors import Span
from rules.evaluate import Evaluator
from rules.matcher import Word
from rules.playbook import Do, Verdict
from rules.units import shift, to_iso

__all__ = ["Opening", "Ruling", "rule_on"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A step that opens, with the facts of its own gate."""

    journey: Journey
    purpose: str
    step: Do
    action: Action
    work: Mapping[str, Word]  #: without the channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What is to become of it."""

    verb: Verb  #: RELEASED, SKIPPED or DEFERRED
    channel: str  #: the one that it goes through
    reason: Reason | None = None
    rule: str | None = None  #: the house rule, or ``caps/0``, ``quiet``, ``consent/email``
    place: str | None = None  #: of what said no; None: the step's own
    until: int | None = None  #: of DEFERRED
    role: str | None = None  #: who gets the task by a house rule
    host: str | None = None  #: the open task that it goes with
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class _Case:
    """One opening on its way through the house."""

    opening: Opening
    evaluator: Evaluator
    running: list[Journey]
    channel: str | None
    routed: Routed | None
    asked: Asked = field(default_factory=lambda: Asked(work={}))
    answer: Answer = field(default_factory=Answer)
    told: Answer = field(default_factory=Answer)  #: the first answer, with the rule that said use


def rule_on(ctx: RunContext, openings: Sequence[Opening]) -> list[Ruling]:
    """Return what becomes of each step, in the order given: serving order."""
    customers = {one.journey.customer for one in openings}
    journeys = ctx.store.journeys_of(customers, running=True)
    cases = [_case(ctx, one, journeys.get(one.journey.customer, ())) for one in openings]
    _ask(ctx, cases)
    moved = [case for case in cases if case.answer.use and case.answer.use.channel != case.channel]
    for case in moved:
        assert case.answer.use is not None
        case.told, case.channel = case.answer, case.answer.use.channel
    _ask(ctx, moved)  # the rules speak of the channel that it goes through
    reached, tasks = ReachedBook(ctx, customers), OpenTasks(ctx.store)
    return [_ruling(ctx, case, reached, tasks) for case in cases]


def _case(ctx: RunContext, one: Opening, journeys: Sequence[Journey]) -> _Case:
    evaluator = ctx.facts.evaluator(ctx.project.catalogue, one.journey.customer)
    routed = None
    if one.step.channel == MESSAGE:
        routed = route(
            ctx.project.house, ctx.project.vocabulary, evaluator, one.purpose, one.step.to
        )
    return _Case(
        opening=one,
        evaluator=evaluator,
        running=[journey for journey in journeys if journey.id != one.journey.id],
        channel=routed.channel if routed else one.step.channel,
        routed=routed,
    )


def _ask(ctx: RunContext, cases: Sequence[_Case]) -> None:
    for case in cases:
        work = dict(case.opening.work)
        if case.channel is not None:
            work["channel"] = case.channel
        case.asked = ctx.question(case.opening.journey.customer, work, case.running)
    answers = ctx.gate.ask([case.asked for case in cases])
    for case, answer in zip(cases, answers, strict=True):
        case.answer = answer


def _ruling(ctx: RunContext, case: _Case, reached: ReachedBook, tasks: OpenTasks) -> Ruling:
    found = _by_rules(ctx, case) or _by_limits(ctx, case, reached, _host(ctx, case, tasks))
    one, action = case.opening, case.opening.action
    if found.verb is Verb.DEFERRED:
        assert found.until is not None
        if found.until > deadline(one.step, action, ctx.timezone):
            notes = [
                *found.evidence.get("notes", ()),
                f"{found.reason} until {_shown(ctx, found.until)}",
            ]
            found = replace(
                found, verb=Verb.SKIPPED, reason=Reason.DEFERRED_TOO_LONG, until=None,
                evidence={**found.evidence, "notes": notes},
            )  # fmt: skip
    if found.verb is Verb.RELEASED and found.host is None:
        if ctx.human(found.channel):
            tasks.add(one.journey, action)
        reached.add(
            one.journey.customer,
            Reached(action=action.id, at=ctx.at, purpose=one.purpose, channel=found.channel),
        )
    return replace(found, evidence={**_evidence(case), **found.evidence})


def _host(ctx: RunContext, case: _Case, tasks: OpenTasks) -> str | None:
    """Return the open task of another journey that does the same already."""
    one = case.opening
    if case.channel is None or not ctx.human(case.channel):
        return None
    book = ctx.revisions.get(one.journey.revision)
    return tasks.host(book, one.journey, one.action.step, case.running)


def _by_rules(ctx: RunContext, case: _Case) -> Ruling | None:
    """Return what the playbook's own conditions and the house rules say; None: nothing against."""
    answer, channel = case.answer, case.channel or MESSAGE
    if answer.reason is None:
        return None
    rule = answer.rule
    name, place = (rule.name, str(rule.span)) if rule else (None, None)
    if answer.reason is not Reason.HOUSE_DEFER:
        return Ruling(
            verb=Verb.SKIPPED, channel=channel, reason=answer.reason, rule=name, place=place
        )
    assert rule is not None
    assert rule.delay is not None
    return Ruling(
        verb=Verb.DEFERRED, channel=channel, reason=answer.reason, rule=name, place=place,
        until=shift(ctx.at, rule.delay, ctx.timezone),
    )  # fmt: skip


def _by_limits(ctx: RunContext, case: _Case, reached: ReachedBook, host: str | None) -> Ruling:
    """Return what routing, consent, quiet hours and caps say; what goes with an open task (``host``)
    takes no room of a cap.
    """
    house, vocabulary = ctx.project.house, ctx.project.vocabulary
    one, channel = case.opening, case.channel
    if channel is None:
        return _no(Verb.SKIPPED, MESSAGE, Reason.NO_CHANNEL, "routing", None)
    missing = "" if ctx.human(channel) else _no_address(ctx, case, channel)
    if missing:
        return Ruling(
            verb=Verb.SKIPPED, channel=channel, reason=Reason.NO_ADDRESS,
            evidence={"notes": [missing]},
        )  # fmt: skip
    lines = binding(house.consent, vocabulary, channel, one.purpose)
    refused = refusal(lines, case.evaluator.attribute)
    if refused is not None:
        line = refused.consent
        return _no(Verb.SKIPPED, channel, Reason.CONSENT, line.path, line.span, note=refused.words)
    quiet = house.quiet
    if quiet is not None and binds(quiet, vocabulary, channel, one.purpose):
        zone = customer_zone(vocabulary, case.evaluator.attribute)
        until = quiet_until(quiet, ctx.at, zone.name)
        if until is not None:
            verb = Verb.SKIPPED if quiet.verdict is Verdict.SKIP else Verb.DEFERRED
            note = f"{to_iso(ctx.at, zone.name)} in {zone.words}, quiet until {to_iso(until, zone.name)}"
            return _no(verb, channel, Reason.QUIET, quiet.path, quiet.span, until, note)
    if host is not None:
        return Ruling(
            verb=Verb.RELEASED, channel=channel, reason=Reason.JOINED, host=host,
            evidence={"notes": [f"{host} is open already: one task for both"]},
        )  # fmt: skip
    full = reached.full(one.journey.customer, one.purpose, channel)
    if full is not None:
        verb = Verb.SKIPPED if full.cap.verdict is Verdict.SKIP else Verb.DEFERRED
        found = _no(verb, channel, Reason.CAP, full.cap.path, full.cap.span, full.until, full.words)
        counted = {"count": full.count, "newest": list(full.newest), "room_at": full.until}
        return replace(found, evidence={**found.evidence, "cap": counted})
    rule = case.answer.assign
    return Ruling(
        verb=Verb.RELEASED, channel=channel, role=rule.role if rule else None,
        evidence={"notes": [note] if (note := _changed(case)) else []},
    )  # fmt: skip


def _no_address(ctx: RunContext, case: _Case, channel: str) -> str:
    """Return why a message has nowhere to go; "" where it has."""
    declared = ctx.project.vocabulary.channels.get(channel)
    if declared is None:
        return ""
    return address_of(declared, case.opening.step.to, case.evaluator.attribute).missing


def _no(
    verb: Verb,
    channel: str,
    reason: Reason,
    rule: str,
    span: Span | None,
    until: int | None = None,
    note: str = "",
) -> Ruling:
    return Ruling(
        verb=verb, channel=channel, reason=reason, rule=rule, place=str(span) if span else None,
        until=until if verb is Verb.DEFERRED else None, evidence={"notes": [note] if note else []},
    )  # fmt: skip


def _changed(case: _Case) -> str:
    """Return what house rules changed about work that goes out."""
    told = []
    use = case.told.use
    if use is not None:
        told.append(f"through {use.channel} by house rule {use.name} at {use.span}")
    assign = case.answer.assign
    if assign is not None:
        told.append(f"to {assign.role} by house rule {assign.name} at {assign.span}")
    return "; ".join(told)


def _evidence(case: _Case) -> dict[str, Any]:
    shown: dict[str, Any] = {"gate": dict(case.asked.work)}
    if case.asked.running:
        shown["running"] = [dict(fact) for fact in case.asked.running]
    matched = list(dict.fromkeys((*case.told.matched, *case.answer.matched)))
    if matched:
        shown["matched"] = matched
    spoke = case.answer.rule or case.answer.assign or case.told.use
    if spoke is not None and spoke.customer is not None:
        shown["house"] = case.evaluator.trace(spoke.customer).to_json()
    if case.routed is not None:
        shown["routing"] = list(case.routed.notes)
    return shown


def _shown(ctx: RunContext, instant: int) -> str:
    return to_iso(instant, ctx.timezone)
