"""The start gate: each candidate becomes a journey, a refusal or a deferral, once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from engine.candidates import Candidate
from engine.context import RunContext
from engine.gate import Answer, word
from engine.ids import name_id, sha, stable_share
from engine.journeys import Halt, Journey
from engine.stops import find_halt, write_end, write_halt
from engine.store import PERSONAL, Decision
from engine.words import JourneyState, Reason, Verb
from rules.history import Datum
from rules.matcher import Word
from rules.playbook import Overlap, Playbook, TriggerKind
from rules.units import shift

__all__ = ["Starts", "start_journeys"]

#: Reasons that concern many at once: one row a run with a count and a digest.
_COUNTED = (Reason.EXISTING, Reason.ONLY, Reason.EXCEPT)


#: What a running journey of the same playbook means for a new one.
_OVERLAPS = {Overlap.IGNORE: "blocked", Overlap.QUEUE: "queued"}

#: Reasons that wait for something to pass, not for a time: asked again by each run, told once.
_WAITING = (Reason.QUEUED, Reason.HOUSE_HOLD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Starts:
    """What the start gate did."""

    started: tuple[Journey, ...]  #: those that still run
    counts: Mapping[tuple[str, str], int]  #: (playbook, reason or "started") -> number
    held: Mapping[str, int]  #: playbook over its blast radius -> how many would have begun

    def plus(self, other: Starts) -> Starts:
        """Return both together; ``started`` those of the first."""
        counts = Counter(self.counts) + Counter(other.counts)
        return Starts(started=self.started, counts=counts, held={**other.held, **self.held})


@dataclass(slots=True, kw_only=True)
class _Case:
    candidate: Candidate
    work: Mapping[str, Word]
    running: list[Journey]
    answer: Answer = field(default_factory=Answer)
    journey: Journey | None = None
    halt: Halt | None = None
    restarts: list[Journey] = field(default_factory=list)


def start_journeys(
    ctx: RunContext, candidates: Sequence[Candidate], *, approved: Collection[str]
) -> Starts:
    """Decide all candidates of a run and write what came out. Inside the run's transaction.

    A playbook that would begin more than ``per_run`` journeys is held as a whole: nothing of it is
    written but one row, and it meets the same candidates again next time.
    """
    fresh = [
        one
        for one in candidates
        if not ctx.store.decided(
            "start", one.playbook.name, one.customer, one.trigger.name, one.occurrence
        )
    ]
    ctx.facts.load({one.customer for one in fresh})
    journeys = ctx.store.journeys_of({one.customer for one in fresh})
    held: dict[str, int] = {}
    while True:
        cases = _decide(ctx, [one for one in fresh if one.playbook.name not in held], journeys)
        begun = Counter(case.candidate.playbook.name for case in cases if case.journey)
        over = {
            name: count
            for name, count in begun.items()
            if count > ctx.books[name].per_run and name not in approved
        }
        if not over:
            break
        held |= over
    for name, count in sorted(held.items()):
        _write_held(ctx, ctx.books[name], count)
    return _write(ctx, cases, held)


def _decide(
    ctx: RunContext, candidates: Iterable[Candidate], known: Mapping[str, list[Journey]]
) -> list[_Case]:
    """Return the cases with their answers; customer by customer in serving order, in rounds."""
    queues: dict[str, list[Candidate]] = defaultdict(list)
    for one in candidates:
        queues[one.customer].append(one)
    journeys = {customer: list(known.get(customer, ())) for customer in queues}
    done: list[_Case] = []
    turn = 0
    while True:
        cases = [
            _case(ctx, queue[turn], journeys[customer])
            for customer, queue in queues.items()
            if turn < len(queue)
        ]
        if not cases:
            return done
        questions = [ctx.question(c.candidate.customer, c.work, c.running) for c in cases]
        for case, answer in zip(cases, ctx.gate.ask(questions), strict=True):
            case.answer = answer
            if answer.reason is None:
                _begin(ctx, case, journeys[case.candidate.customer])
        done += cases
        turn += 1


def _case(ctx: RunContext, one: Candidate, journeys: list[Journey]) -> _Case:
    """Gather the facts of one candidate."""
    book = one.playbook
    mine = [journey for journey in journeys if journey.playbook == book.name]
    if one.pending == Reason.QUEUED:  # its clocks start when the one before it has ended
        one = replace(one, entry=max([one.entry, *(j.ended_at or 0 for j in mine)]))
    entry = one.entry
    running = [j for j in journeys if j.ended_at is None or j.ended_at > entry]
    evaluator = ctx.facts.evaluator(book.catalogue, one.customer, at=entry)
    open_mine = any(journey.playbook == book.name for journey in running)
    if book.overlap is Overlap.QUEUE:
        open_mine = any(journey.state is JourneyState.RUNNING for journey in mine)
    work: dict[str, Word] = {
        "playbook": book.name,
        "purpose": book.purpose,
        "gate": "start",
        "existing": word(_existing(ctx, one)),
        "late": word(_too_late(ctx, one)),
        "only": "yes" if book.only is None else word(evaluator.verdict(book.only)),
        "except": "no" if book.excepted is None else word(evaluator.verdict(book.excepted)),
        "again": _again(ctx, book, entry, mine),
        "overlap": _OVERLAPS.get(book.overlap, "free") if open_mine else "free",
        "holdout": _holdout(ctx, one),
    }
    others = [j for j in journeys if j.state is JourneyState.RUNNING]
    if book.overlap is Overlap.RESTART:  # the one whose place it takes is no reason against it
        others = [journey for journey in others if journey.playbook != book.name]
    return _Case(candidate=one, work=work, running=others)


def _existing(ctx: RunContext, one: Candidate) -> bool:
    """Whether it happened before the trigger went live; of dates only later ones are candidates."""
    if one.event is None and one.trigger.kind is not TriggerKind.CHANGED:
        return False
    row = ctx.ledger.one(
        "SELECT live_at FROM triggers WHERE playbook = ? AND trigger = ?",
        one.playbook.name, one.trigger.path,
    )  # fmt: skip
    return row is not None and one.entry <= row["live_at"]


def _too_late(ctx: RunContext, one: Candidate) -> bool:
    if not one.late:
        return False
    accept = one.trigger.late.accept
    since = one.entry if one.lasts is None else one.lasts
    return accept is None or ctx.at > shift(since, accept, ctx.timezone)


def _again(ctx: RunContext, book: Playbook, entry: int, mine: Sequence[Journey]) -> str:
    if book.again_ever or not mine:
        return "free"
    if book.again is None:
        return "never"
    last = max(journey.entry for journey in mine)
    return "early" if entry < shift(last, book.again, ctx.timezone) else "free"


def _holdout(ctx: RunContext, one: Candidate) -> str:
    if stable_share("project", one.customer) < ctx.project.house.holdout:
        return "project"
    if stable_share(one.playbook.name, one.customer) < one.playbook.holdout:
        return "playbook"
    return "no"


def _begin(ctx: RunContext, case: _Case, journeys: list[Journey]) -> None:
    """Add the new journey to the customer's, ended already where a stop lies behind its entry."""
    one = case.candidate
    if one.playbook.overlap is Overlap.RESTART:
        for index, other in enumerate(journeys):
            if other.playbook == one.playbook.name and other.state is JourneyState.RUNNING:
                ended = replace(
                    other, state=JourneyState.STOPPED, ended_at=max(one.entry, other.entry),
                    reason=Reason.RESTARTED,
                )  # fmt: skip
                journeys[index] = ended
                case.restarts.append(ended)
    key = name_id("j", one.playbook.name, one.customer, one.trigger.name, one.occurrence)
    case.journey = Journey(
        id=key, playbook=one.playbook.name, revision=one.playbook.revision, customer=one.customer,
        trigger=one.trigger.name, occurrence=one.occurrence, entry=one.entry, started_at=ctx.at,
        event_name=one.event.name if one.event else "",
        event={**(one.event.fields if one.event else {}), **one.extra},
    )  # fmt: skip
    case.halt = find_halt(ctx, one.playbook, case.journey, {})
    after = case.journey
    if case.halt is not None:
        after = replace(case.journey, state=JourneyState.STOPPED, ended_at=case.halt.at)
    journeys.append(after)


def _write(ctx: RunContext, cases: Sequence[_Case], held: Mapping[str, int]) -> Starts:
    counts: Counter[tuple[str, str]] = Counter()
    many: dict[tuple[str, str, Reason], list[str]] = defaultdict(list)
    running: dict[str, Journey] = {}
    for case in cases:
        one, reason = case.candidate, case.answer.reason
        counts[one.playbook.name, reason or "started"] += 1
        if reason in _COUNTED or (reason is Reason.LATE and one.event is None):
            assert reason is not None
            many[one.playbook.name, one.trigger.name, reason].append(one.customer)
        elif case.journey is None:
            _write_refusal(ctx, case)
        else:
            _write_start(ctx, case)
            for ended in case.restarts:
                running.pop(ended.id, None)
            if case.halt is None:
                running[case.journey.id] = case.journey
    for (name, trigger, reason), customers in many.items():
        _write_counted(ctx, ctx.books[name], trigger, reason, customers)
    return Starts(started=tuple(running.values()), counts=counts, held=held)


def _write_start(ctx: RunContext, case: _Case) -> None:
    one, journey = case.candidate, case.journey
    assert journey is not None
    for ended in case.restarts:
        write_end(ctx, ended, Reason.RESTARTED)
    event, private = _stored_event(ctx, one)
    ctx.store.start(journey, event, private, at=ctx.at)
    ctx.store.decide(_decision(ctx, case, Verb.STARTED, journey=journey.id))
    if case.halt is not None:
        write_halt(ctx, one.playbook, journey, case.halt)


def _write_refusal(ctx: RunContext, case: _Case) -> None:
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
    case: _Case,
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


def _evidence(ctx: RunContext, case: _Case) -> dict[str, Any]:
    """What the decision rests on; without seq and wall time, which differ from log to log."""
    one = case.candidate
    book = one.playbook
    evaluator = ctx.facts.evaluator(book.catalogue, one.customer, at=one.entry)
    shown: dict[str, Any] = {
        "trigger": {
            "kind": str(one.trigger.kind), "words": one.trigger.words, "path": one.trigger.path,
            "place": str(one.trigger.span),
            "extra": {k: v for k, v in one.extra.items() if k not in one.personal},
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
    extra = {k: PERSONAL if k in one.personal else v for k, v in one.extra.items()}
    if event is None:
        private = {name: one.extra[name] for name in sorted(one.personal & one.extra.keys())}
        return ({"fields": extra} if extra else {}), private
    kind = ctx.project.vocabulary.events.get(event.name)
    personal = {name for name, declared in kind.fields.items() if declared.pii} if kind else set()
    private = {name: value for name, value in event.fields.items() if name in personal}
    shown = ctx.facts.shown(event)
    return {**shown, "fields": {**shown["fields"], **extra}}, private


def _write_counted(
    ctx: RunContext, book: Playbook, trigger: str, reason: Reason, customers: list[str]
) -> None:
    names = sorted(customers)
    ctx.store.decide(
        Decision(
            run_at=ctx.at, gate="start", playbook=book.name, revision=book.revision,
            customer=None, trigger=trigger, occurrence=f"run:{ctx.at}", verb=Verb.REFUSED,
            reason=reason, place=str(book.span),
            evidence={"count": len(names), "digest": sha(*names), "first": names[:5]},
        )
    )  # fmt: skip


def _write_held(ctx: RunContext, book: Playbook, count: int) -> None:
    ctx.store.decide(
        Decision(
            run_at=ctx.at, gate="start", playbook=book.name, revision=book.revision,
            customer=None, trigger="", occurrence=f"run:{ctx.at}", verb=Verb.HELD,
            reason=Reason.PER_RUN, place=str(book.span),
            evidence={"count": count, "per_run": book.per_run},
        )
    )  # fmt: skip
