"""Why a customer is not in a playbook: what was written down, and what stands in the way at T.

The recorded part is the ledger's: refusals, deferrals, holds, steps left out. The rest is computed
again with what was known at T, by the same gate and the same conditions; nothing is written.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.calendar import WorkingCalendar
from engine.candidates import Candidate
from engine.context import RunContext
from engine.facts import Facts
from engine.gate import Gate, gate_rules
from engine.holds import Holds
from engine.journeys import Action, Journey
from engine.ledger import Ledger
from engine.log import Log
from engine.needs import needs
from engine.obstacles import Obstacle, answer_obstacles, recorded
from engine.revisions import Revisions
from engine.start import case_of
from engine.store import Store
from engine.why_not_triggers import Met, trigger_obstacles
from engine.words import ActionState, JourneyState
from rules.errors import InputError, UsageError, did_you_mean
from rules.matcher import open_matcher
from rules.playbook import Playbook, Project, Status

__all__ = ["WhyNot", "known_customer", "why_not"]

_RECORDED = """
SELECT * FROM decisions WHERE customer = ? AND playbook = ? AND gate = 'start' AND run_at <= ?
ORDER BY run_at DESC, open DESC, id
"""
_OVER_LIMIT = """
SELECT * FROM decisions WHERE customer IS NULL AND playbook = ? AND verb = 'held' AND run_at <= ?
ORDER BY run_at DESC LIMIT 1
"""
_MOST = 20  #: recorded refusals that are told, the newest


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyNot:
    """The answer: what began after all, what is in the way, the first thing first."""

    customer: str
    playbook: str
    title: str
    at: int  #: T
    seq: int  #: S
    last_run: int | None  #: T of the last run up to T
    journeys: tuple[Journey, ...]  #: those that did begin
    left_out: tuple[Action, ...]  #: their steps that were skipped, cancelled or failed
    recorded: tuple[Obstacle, ...]  #: the newest first
    now: tuple[Obstacle, ...]  #: computed at T, in the order in which they would be told

    @property
    def first(self) -> Obstacle | None:
        """The first thing that stands in the way; None where nothing does."""
        running = any(journey.state is JourneyState.RUNNING for journey in self.journeys)
        pool = (*self.now, *self.recorded) if not self.journeys or running else self.now
        return pool[0] if pool else None

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "customer": self.customer, "playbook": self.playbook, "at": self.at,
            "seq": self.seq, "last_run": self.last_run,
            "journeys": [
                {
                    "id": journey.id, "state": str(journey.state), "entry": journey.entry,
                    "started_at": journey.started_at, "ended_at": journey.ended_at,
                    "reason": journey.reason, "goal": journey.goal,
                }
                for journey in self.journeys
            ],
            "left_out": [
                {
                    "action": action.id, "journey": action.journey, "step": action.step,
                    "state": str(action.state), "reason": action.reason,
                }
                for action in self.left_out
            ],
            "first": self.first.to_json() if self.first else None,
            "recorded": [one.to_json() for one in self.recorded],
            "now": [one.to_json() for one in self.now],
        }  # fmt: skip


def why_not(
    project: Project,
    log: Log,
    ledger: Ledger | None,
    *,
    customer: str,
    playbook: str,
    at: int,
) -> WhyNot:
    """Return what keeps, or kept, a customer from a playbook, as of T.

    Raises UsageError for a playbook or customer that is not there, InputError where the playbook's
    file is broken.
    """
    book = _book(project, playbook)
    run = None if ledger is None else ledger.one(
        "SELECT at, seq FROM runs WHERE at <= ? ORDER BY n DESC LIMIT 1", at
    )  # fmt: skip
    later = ledger is not None and ledger.one("SELECT 1 FROM runs WHERE at > ? LIMIT 1", at)
    seq = run["seq"] if run and later else log.max_seq()
    facts = Facts(log, project.vocabulary, at=at, seq=seq)
    _known(log, facts, customer)
    journeys, actions = _begun(ledger, customer, book.name, at)
    began = {journey.id for journey in journeys}
    rows = [] if ledger is None else [
        {**row, "evidence": json.loads(row["evidence"])}
        for row in ledger.rows(_RECORDED, customer, book.name, at)
    ]  # fmt: skip
    refused = [row for row in rows if row["journey"] not in began]
    over = None if ledger is None else ledger.one(_OVER_LIMIT, book.name, at)
    found = [recorded(row) for row in refused[:_MOST]]
    if over is not None and run is not None and over["run_at"] == run["at"]:
        found.insert(0, recorded({**over, "evidence": json.loads(over["evidence"])}))
    return WhyNot(
        customer=customer, playbook=book.name, title=book.title, at=at, seq=seq,
        last_run=run["at"] if run else None, journeys=journeys, left_out=actions,
        recorded=tuple(found),
        now=tuple(_in_the_way(project, ledger, facts, book, customer, journeys)),
    )  # fmt: skip


def _book(project: Project, name: str) -> Playbook:
    books = {book.name: book for book in project.playbooks}
    if name in books:
        return books[name]
    stems = {Path(file).stem.replace("-", "_"): file for file in project.broken}
    if name in stems:
        raise InputError(
            f"{stems[name]} has errors, so nothing of it begins until it is mended; see `care check`"
        )
    raise UsageError(f'no playbook "{name}"; {did_you_mean(name, books)}'.rstrip("; "))


def _known(log: Log, facts: Facts, customer: str) -> None:
    history = facts.history(customer)
    if history.events or history.attributes:
        return
    known_customer(log, customer)
    raise UsageError(f'nothing was known of customer "{customer}" at that time')


def known_customer(log: Log, customer: str) -> None:
    """Raise UsageError, naming near ones, for a customer of whom the log knows nothing."""
    if log.customer_codes([customer]):
        return
    near = log.query(
        "SELECT id FROM customers WHERE levenshtein(id, $id) <= 3"
        " ORDER BY levenshtein(id, $id), id LIMIT 3",
        {"id": customer},
    )
    hint = f"; did you mean {', '.join(row[0] for row in near)}?" if near else ""
    raise UsageError(f'the log knows no customer "{customer}"{hint}')


def _begun(
    ledger: Ledger | None, customer: str, playbook: str, at: int
) -> tuple[tuple[Journey, ...], tuple[Action, ...]]:
    """Return the journeys that began up to T, as they stood at T, and steps left out by then."""
    if ledger is None:
        return (), ()
    store = Store(ledger)
    mine = [
        _as_of(journey, at)
        for journey in store.journeys_of([customer]).get(customer, ())
        if journey.playbook == playbook and journey.started_at <= at
    ]
    actions = store.actions_of([journey.id for journey in mine])
    bad = (ActionState.SKIPPED, ActionState.CANCELLED, ActionState.FAILED, ActionState.EXPIRED)
    left_out = [
        action
        for of_one in actions.values()
        for action in of_one.values()
        if action.state in bad and (action.closed_at is None or action.closed_at <= at)
    ]
    left_out.sort(key=lambda action: (action.opens_at, action.step, action.id))
    return tuple(mine), tuple(left_out)


def _as_of(journey: Journey, at: int) -> Journey:
    if journey.ended_at is None or journey.ended_at <= at:
        return journey
    return replace(journey, state=JourneyState.RUNNING, ended_at=None, reason=None, goal=None)


def _in_the_way(
    project: Project,
    ledger: Ledger | None,
    facts: Facts,
    book: Playbook,
    customer: str,
    journeys: Sequence[Journey],
) -> Iterator[Obstacle]:
    if book.status is not Status.ACTIVE:
        what = "a draft" if book.status is Status.DRAFT else "paused"
        yield Obstacle(
            code=str(book.status), words=f"the playbook is {what}: nothing of it begins",
            needs=("set `status: active` in its file",), place=str(book.span),
        )  # fmt: skip
    if ledger is None:
        yield Obstacle(
            code="no_run", words="no run has looked at this project yet", needs=("`care run`",)
        )
    calendar = WorkingCalendar.of(project.vocabulary)
    met: Met | None = None
    blocked: list[Obstacle] = []
    for trigger in book.triggers:
        found = trigger_obstacles(ledger, facts, book, trigger, customer, calendar)
        if isinstance(found, Met):
            met = met or found
        else:
            blocked += found
    if met is None:
        yield from blocked
    yield from _gate(project, ledger, facts, book, customer, calendar, met, journeys)


def _gate(
    project: Project,
    ledger: Ledger | None,
    facts: Facts,
    book: Playbook,
    customer: str,
    calendar: WorkingCalendar,
    met: Met | None,
    journeys: Sequence[Journey],
) -> Iterator[Obstacle]:
    """Ask the start gate as if the trigger had fired: now, or when it last did."""
    entry = met.entry if met else facts.at
    if ledger is None:
        evaluator = facts.evaluator(book.catalogue, customer, at=entry)
        if book.only is not None and evaluator.verdict(book.only) is not True:
            yield Obstacle(
                code="only", words="`only` is not met", needs=needs(evaluator, book.only)
            )
        if book.excepted is not None and evaluator.verdict(book.excepted) is True:
            needed = needs(evaluator, book.excepted, want=False)
            yield Obstacle(code="except", words="`except` is met", needs=needed)
        return
    store = Store(ledger)
    matcher = open_matcher(gate_rules(project.house), "reference")
    try:
        ctx = RunContext(
            project=project, ledger=ledger, store=store, revisions=Revisions(ledger), facts=facts,
            gate=Gate(project.house, matcher), calendar=calendar, at=facts.at, seq=facts.seq,
            books={each.name: each for each in project.playbooks}, holds=Holds(ledger),
        )  # fmt: skip
        one = Candidate(
            playbook=book, trigger=met.trigger if met else book.triggers[0], customer=customer,
            occurrence="", entry=entry, event=met.event if met else None,
        )  # fmt: skip
        known = {journey.id: journey for journey in journeys}
        others = [
            known.get(journey.id, _as_of(journey, facts.at))
            for journey in store.journeys_of([customer]).get(customer, ())
            if journey.started_at <= facts.at
            and not (met and met.event and journey.occurrence == met.occurrence)
        ]
        case = case_of(ctx, one, others)
        answer = ctx.gate.ask([ctx.question(customer, case.work, case.running)])[0]
        yield from answer_obstacles(ctx, book, customer, case, answer, entry=entry)
    finally:
        matcher.close()
