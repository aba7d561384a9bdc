"""The start gate: each candidate becomes a journey, a refusal or a deferral, once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from engine.candidates import Candidate
from engine.context import RunContext
from engine.gate import word
from engine.ids import name_id, stable_share
from engine.journeys import Journey
from engine.start_rows import Case, write_counted, write_held, write_refusal, write_start
from engine.stops import find_halt
from engine.words import JourneyState, Reason
from rules.conditions import Condition
from rules.matcher import Word
from rules.playbook import Overlap, Playbook, TriggerKind
from rules.units import shift

__all__ = ["Starts", "case_of", "start_journeys"]

#: Reasons that concern many at once: one row a run with a count and a digest.
_COUNTED = (Reason.EXISTING, Reason.ONLY, Reason.EXCEPT)

#: What a running journey of the same playbook means for a new one.
_OVERLAPS = {Overlap.IGNORE: "blocked", Overlap.QUEUE: "queued"}

_CHUNK = 5_000  #: customers decided and written before the next ones are looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Starts:
    """What the start gate did."""

    customers: frozenset[str]  #: of whom something began that still runs
    counts: Mapping[tuple[str, str], int]  #: (playbook, reason or "started") -> number
    held: Mapping[str, int]  #: playbook over its blast radius -> how many would have begun

    def plus(self, other: Starts) -> Starts:
        """Return both together."""
        counts = Counter(self.counts) + Counter(other.counts)
        return Starts(
            customers=self.customers | other.customers, counts=counts,
            held={**other.held, **self.held},
        )  # fmt: skip


def start_journeys(
    ctx: RunContext, candidates: Sequence[Candidate], *, approved: Collection[str]
) -> Starts:
    """Decide all candidates of a run and write what came out. Inside the run's transaction.

    A playbook that would begin more than ``per_run`` journeys is held as a whole: nothing of it is
    written but one row, and it meets the same candidates again next time. Customers are decided one
    part after another: a holiday may bring everybody at once.
    """
    queues = _queues(ctx, candidates)
    ctx.facts.expect(queues)
    held = _over(ctx, queues, approved)
    for name, count in sorted(held.items()):
        write_held(ctx, ctx.books[name], count)
    writing = _Writing()
    for cases in _decided(ctx, queues, held):
        writing.write(ctx, cases)
    return writing.done(ctx, held)


def _queues(ctx: RunContext, candidates: Sequence[Candidate]) -> dict[str, list[Candidate]]:
    """Return the candidates that have no decision yet, by customer, in serving order."""
    asked: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for one in candidates:
        asked[one.playbook.name, one.trigger.name][one.customer] = None
    known = {key: ctx.store.decided("start", *key, customers) for key, customers in asked.items()}
    queues: dict[str, list[Candidate]] = defaultdict(list)
    for one in candidates:
        if (one.customer, one.occurrence) not in known[one.playbook.name, one.trigger.name]:
            queues[one.customer].append(one)
    return queues


def _over(
    ctx: RunContext, queues: Mapping[str, Sequence[Candidate]], approved: Collection[str]
) -> dict[str, int]:
    """Return the playbooks that would begin too many journeys, with how many that would be.

    They are counted before anything is written, where there are as many candidates at all; without
    those that are held others may begin more, so that it is counted again.
    """
    held: dict[str, int] = {}
    while True:
        most = Counter(
            one.playbook.name
            for queue in queues.values()
            for one in queue
            if one.playbook.name not in held
        )
        if all(name in approved or n <= ctx.books[name].per_run for name, n in most.items()):
            return held
        begun = Counter(
            case.candidate.playbook.name
            for cases in _decided(ctx, queues, held)
            for case in cases
            if case.journey is not None
        )
        over = {
            name: count
            for name, count in begun.items()
            if count > ctx.books[name].per_run and name not in approved
        }
        if not over:
            return held
        held |= over


def _decided(
    ctx: RunContext, queues: Mapping[str, Sequence[Candidate]], held: Collection[str]
) -> Iterator[list[Case]]:
    """Yield the cases of one part of the customers after another, without playbooks that are held."""
    names = iter(queues)
    while part := list(islice(names, _CHUNK)):
        mine = {
            customer: [one for one in queues[customer] if one.playbook.name not in held]
            for customer in part
        }
        yield _decide(ctx, mine, ctx.store.journeys_of(part))


def _decide(
    ctx: RunContext,
    queues: Mapping[str, Sequence[Candidate]],
    known: Mapping[str, list[Journey]],
) -> list[Case]:
    """Return the cases with their answers; customer by customer in serving order, in rounds."""
    journeys = {customer: list(known.get(customer, ())) for customer in queues}
    done: list[Case] = []
    turn = 0
    while True:
        cases = [
            case_of(ctx, queue[turn], journeys[customer])
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


def case_of(ctx: RunContext, one: Candidate, journeys: list[Journey]) -> Case:
    """Gather the facts of one candidate."""
    book = one.playbook
    mine = [journey for journey in journeys if journey.playbook == book.name]
    if one.pending == Reason.QUEUED:  # its clocks start when the one before it has ended
        one = replace(one, entry=max([one.entry, *(j.ended_at or 0 for j in mine)]))
    entry = one.entry
    running = [j for j in journeys if j.ended_at is None or j.ended_at > entry]

    def told(condition: Condition | None, without: str) -> str:
        if condition is None:
            return without
        evaluator = ctx.facts.evaluator(book.catalogue, one.customer, at=entry)
        return word(evaluator.verdict(condition))

    open_mine = any(journey.playbook == book.name for journey in running)
    if book.overlap is Overlap.QUEUE:
        open_mine = any(journey.state is JourneyState.RUNNING for journey in mine)
    work: dict[str, Word] = {
        "playbook": book.name,
        "purpose": book.purpose,
        "gate": "start",
        "existing": word(_existing(ctx, one)),
        "late": word(_too_late(ctx, one)),
        "only": told(book.only, "yes"),
        "except": told(book.excepted, "no"),
        "again": _again(ctx, book, entry, mine),
        "overlap": _OVERLAPS.get(book.overlap, "free") if open_mine else "free",
        "holdout": _holdout(ctx, one),
    }
    others = [j for j in journeys if j.state is JourneyState.RUNNING]
    if book.overlap is Overlap.RESTART:  # the one whose place it takes is no reason against it
        others = [journey for journey in others if journey.playbook != book.name]
    return Case(candidate=one, work=work, running=others)


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
    everywhere, here = ctx.project.house.holdout, one.playbook.holdout
    if everywhere and stable_share("project", one.customer) < everywhere:
        return "project"
    if here and stable_share(one.playbook.name, one.customer) < here:
        return "playbook"
    return "no"


def _begin(ctx: RunContext, case: Case, journeys: list[Journey]) -> None:
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
                case.restarts = (*case.restarts, ended)
    key = name_id("j", one.playbook.name, one.customer, one.trigger.name, one.occurrence)
    case.journey = Journey(
        id=key, playbook=one.playbook.name, revision=one.playbook.revision, customer=one.customer,
        trigger=one.trigger.name, occurrence=one.occurrence, entry=one.entry, started_at=ctx.at,
        event_name=one.event.name if one.event else "",
        event={**(one.event.fields if one.event else {}), **one.given},
    )  # fmt: skip
    case.halt = find_halt(ctx, one.playbook, case.journey, {})
    after = case.journey
    if case.halt is not None:
        after = replace(case.journey, state=JourneyState.STOPPED, ended_at=case.halt.at)
    journeys.append(after)


@dataclass(slots=True)
class _Writing:
    """What has been written of a run's starts."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    many: dict[tuple[str, str, Reason], list[str]] = field(
        default_factory=lambda: defaultdict(list)
    )
    running: dict[str, str] = field(default_factory=dict)  #: journey -> customer

    def write(self, ctx: RunContext, cases: Sequence[Case]) -> None:
        """Write decided cases."""
        for case in cases:
            one, reason = case.candidate, case.answer.reason
            self.counts[one.playbook.name, reason or "started"] += 1
            if reason in _COUNTED or (reason is Reason.LATE and one.event is None):
                assert reason is not None
                self.many[one.playbook.name, one.trigger.name, reason].append(one.customer)
            elif case.journey is None:
                write_refusal(ctx, case)
            else:
                write_start(ctx, case)
                for ended in case.restarts:
                    self.running.pop(ended.id, None)
                if case.halt is None:
                    self.running[case.journey.id] = one.customer

    def done(self, ctx: RunContext, held: Mapping[str, int]) -> Starts:
        """Write what is one row for many, and return the whole."""
        for (name, trigger, reason), customers in self.many.items():
            write_counted(ctx, ctx.books[name], trigger, reason, customers)
        running = frozenset(self.running.values())
        return Starts(customers=running, counts=self.counts, held=held)
