"""What stands in the way of a start, in words, with what would have to change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from engine.context import RunContext
from engine.gate import Answer
from engine.ledger import Row
from engine.needs import needs
from engine.start_rows import Case
from engine.words import Reason
from rules.measures import Quantity
from rules.playbook import Playbook, Verdict
from rules.trace import show
from rules.units import shift

__all__ = ["Obstacle", "answer_obstacles", "recorded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """One thing in the way."""

    code: str  #: a reason code, or ``trigger``, ``draft``, ``paused``, ``no_run``, ``not_live``
    words: str
    needs: tuple[str, ...] = ()  #: what would have to change; all of them
    place: str = ""  #: ``file:line:col`` of what says so
    run_at: int | None = None  #: T of the run that wrote it down; None: computed now
    until: int | None = None  #: of a deferral
    evidence: dict[str, Any] | None = None  #: of the recorded decision, or the traces behind it

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "code": self.code, "words": self.words, "needs": list(self.needs),
            "place": self.place, "run_at": self.run_at, "until": self.until,
            "evidence": self.evidence,
        }  # fmt: skip


#: What a reason says, and what would have to change where nothing more exact is known.
_WORDS: dict[Reason, tuple[str, str]] = {
    Reason.EXISTING: (
        "it happened before the playbook went live",
        "a new occurrence; or `existing: enrol`, where those inside are to be taken",
    ),
    Reason.LATE: ("it reached care later than the trigger accepts", "raise `late: accept within`"),
    Reason.ONLY: ("`only` is not met", "the customer has to meet `only`"),
    Reason.EXCEPT: ("`except` is met", "the customer must not meet `except`"),
    Reason.OVERLAP: (
        "a journey of this playbook is running for the customer",
        "the running one has to end, or `overlap: parallel` or `restart`",
    ),
    Reason.QUEUED: (
        "a journey of this playbook is running, and `overlap: queue`",
        "wait until the running one has ended",
    ),
    Reason.AGAIN_NEVER: (
        "the customer had this playbook before, and `again: never`",
        "`again: after 90 days` or `again: always`",
    ),
    Reason.AGAIN_EARLY: ("the last one is too recent for `again`", "wait, or shorten `again`"),
    Reason.HOLDOUT: ("the customer is in the playbook's hold-out", "nothing: that is by design"),
    Reason.HOLDOUT_PROJECT: (
        "the customer is in the project's hold-out",
        "nothing: that is by design",
    ),
    Reason.PER_RUN: (
        "the playbook would have begun more journeys in that run than `limits.per_run`",
        "`care approve`, or a higher limit",
    ),
    Reason.CHAIN: (
        "it would have been one more in a chain of `start` steps that is too long",
        "break the circle of playbooks that begin each other",
    ),
    Reason.NOT_ACTIVE: ("the playbook was paused or a draft", "make it active, or `care start`"),
    Reason.HOUSE_RULE: ("a house rule says skip", "the rule must not match"),
    Reason.HOUSE_HOLD: ("a house rule holds it back", "wait until the rule no longer matches"),
    Reason.HOUSE_DEFER: ("a house rule puts it off", "wait"),
}

#: Facts of the gate under which each of care's own reasons stands there.
_OWN = frozenset(_WORDS) - {Reason.HOUSE_RULE, Reason.HOUSE_HOLD, Reason.HOUSE_DEFER}


def recorded(row: Row) -> Obstacle:
    """Return what a decision of the ledger says; its ``evidence`` decoded."""
    reason = Reason(row["reason"]) if row["reason"] else None
    words, change = _WORDS.get(reason, (str(row["verb"]), "")) if reason else (row["verb"], "")
    if row["rule"]:
        words = f'{words}: "{row["rule"]}"'
    if reason is Reason.PER_RUN and "count" in row["evidence"]:
        words = f"{words}: {row['evidence']['count']}"
    event = row["evidence"].get("event")
    if event:
        words = f"{words} ({event['name']} {event['id']})"
    return Obstacle(
        code=row["reason"] or row["verb"], words=words, needs=(change,) if change else (),
        place=row["place"] or "", run_at=row["run_at"], until=row["until"],
        evidence=row["evidence"],
    )  # fmt: skip


def answer_obstacles(
    ctx: RunContext, book: Playbook, customer: str, case: Case, answer: Answer, *, entry: int
) -> Iterator[Obstacle]:
    """Yield everything that the start gate says against a case, care's own reasons first."""
    for name in answer.matched:
        reason = Reason(name) if name in set(Reason) else None
        if reason is not None and reason in _OWN:
            yield _own(ctx, book, customer, case, reason, entry)
    for rule in answer.rules:
        reason = {
            Verdict.SKIP: Reason.HOUSE_RULE, Verdict.HOLD: Reason.HOUSE_HOLD,
            Verdict.DEFER: Reason.HOUSE_DEFER,
        }.get(rule.verdict)  # fmt: skip
        if reason is None:
            continue
        words, change = _WORDS[reason]
        wanted: tuple[str, ...] = ()
        if rule.customer is not None:
            evaluator = ctx.facts.evaluator(ctx.project.catalogue, customer)
            wanted = needs(evaluator, rule.customer, want=False)
        beside = [journey.playbook for journey in case.running]
        running = f", beside {', '.join(sorted(set(beside)))}" if beside else ""
        yield Obstacle(
            code=str(reason), words=f'{words}: "{rule.name}"{running}', needs=wanted or (change,),
            place=str(rule.span),
        )  # fmt: skip


def _own(
    ctx: RunContext, book: Playbook, customer: str, case: Case, reason: Reason, entry: int
) -> Obstacle:
    words, change = _WORDS[reason]
    wanted: tuple[str, ...] = (change,)
    evidence: dict[str, Any] | None = None
    evaluator = ctx.facts.evaluator(book.catalogue, customer, at=entry)
    mine = [j for j in case.running if j.playbook == book.name]
    match reason:
        case Reason.ONLY if book.only is not None:
            wanted = needs(evaluator, book.only) or wanted
            evidence = {"only": evaluator.trace(book.only).to_json()}
        case Reason.EXCEPT if book.excepted is not None:
            wanted = needs(evaluator, book.excepted, want=False) or wanted
            evidence = {"except": evaluator.trace(book.excepted).to_json()}
        case Reason.OVERLAP | Reason.QUEUED if mine:
            words = f"{words}: {mine[-1].id}"
        case Reason.AGAIN_EARLY if book.again is not None:
            began = [
                journey.entry
                for journey in ctx.store.journeys_of([customer]).get(customer, ())
                if journey.playbook == book.name and journey.started_at <= ctx.at
            ]
            if began:
                free = shift(max(began), book.again, ctx.timezone)
                wanted = (
                    f"from {show(free, Quantity.INSTANT, ctx.timezone)} on it may begin again",
                )
        case _:
            pass
    return Obstacle(
        code=str(reason), words=words, needs=wanted, place=str(book.span), evidence=evidence
    )
