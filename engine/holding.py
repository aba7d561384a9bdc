"""Which running journeys a house rule holds at T: holds begin, go on, and end.

Work under hold does not count as running beside other work. Where rules hold journeys of one
customer against each other, the one that is served first goes on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.changed import changed_since
from engine.context import RunContext
from engine.gate import Asked
from engine.holds import Hold, moved_by
from engine.ids import canonical_json
from engine.journeys import Journey
from engine.store import Decision
from engine.words import Reason, Verb
from rules.matcher import Word
from rules.playbook import HouseRule, Verdict
from rules.units import to_iso

__all__ = ["Standing", "resolve", "settle_holds"]

_PART = 5_000  #: customers asked at once


@dataclass(slots=True, kw_only=True)
class Standing:
    """One running journey: what holds it by itself, and beside which other one."""

    journey: Journey
    alone: set[str] = field(default_factory=set)  #: names of rules
    beside: dict[str, set[str]] = field(default_factory=dict)  #: other journey -> names of rules
    held: bool | None = None  #: None: not decided yet
    because: tuple[str, str | None] = ("", None)  #: the rule, and the journey beside it


def settle_holds(ctx: RunContext, among: Collection[str] | None = None) -> None:
    """Begin and end holds, so that they are what the rules say at T. In the run's transaction.

    ``among``: only these customers, those of journeys that the run has just begun.
    """
    rules = [rule for rule in ctx.project.house.rules if rule.verdict is Verdict.HOLD]
    if among is None:
        ctx.holds.drop_ended()
    lasting = ctx.holds.lasting()
    if not rules and not lasting:
        return
    asked = sorted(_to_ask(ctx, rules, lasting) if among is None else set(among))
    ctx.facts.expect(asked)
    for start in range(0, len(asked), _PART):
        _settle_part(ctx, rules, asked[start : start + _PART])


def _settle_part(ctx: RunContext, rules: Sequence[HouseRule], customers: Sequence[str]) -> None:
    standings = _ask(ctx, rules, ctx.store.journeys_of(customers, running=True))
    for customer in sorted(standings):
        resolve(rules, standings[customer])
        for standing in standings[customer]:
            _settle(ctx, rules, standing, standings[customer])


# -- who has to be asked -----------------------------------------------------------------------


def _to_ask(ctx: RunContext, rules: Sequence[HouseRule], lasting: Mapping[str, Hold]) -> set[str]:
    """Return the customers of whom a hold may begin or end in this run.

    Those with a hold; with several journeys, where a rule looks at what runs beside; with a journey
    that is new; and those for whom a condition may have changed since the last run.
    """
    revisions = _concerned(ctx, rules)
    held = [ctx.store.journey(key) for key in lasting]
    asked = {journey.customer for journey in held if journey is not None}
    last = ctx.ledger.one("SELECT at, seq, config FROM runs ORDER BY n DESC LIMIT 1")
    conditions = [rule.customer for rule in rules if rule.customer is not None]
    changed: set[str] | None = set()
    if last is None or last["config"] != ctx.project.config_hash:
        changed = None
    elif conditions:
        changed = changed_since(
            ctx, ctx.project.catalogue, conditions, at=last["at"], seq=last["seq"]
        )  # fmt: skip
    if changed is None:
        return asked.union(*(_running(ctx, one, "1") for one in revisions))
    if any(rule.running_purposes or rule.running_playbooks for rule in rules):
        rows = ctx.ledger.rows(
            "SELECT customer FROM journeys INDEXED BY journeys_running WHERE state = 'running'"
            " GROUP BY customer HAVING count(*) > 1"
        )
        asked |= {row["customer"] for row in rows}
    assert last is not None
    for revision in revisions:
        asked |= _running(ctx, revision, "started_at >= ?", last["at"])
        if changed:
            names = canonical_json(sorted(changed))
            asked |= _running(ctx, revision, "customer IN (SELECT value FROM json_each(?))", names)
    return asked


def _running(ctx: RunContext, revision: str, where: str, *values: object) -> set[str]:
    """Return the customers with running journeys of a revision that meet a hand-written condition."""
    rows = ctx.ledger.rows(
        f"SELECT customer FROM journeys WHERE state = 'running' AND revision = ? AND {where}",  # noqa: S608
        revision, *values,
    )  # fmt: skip
    return {row["customer"] for row in rows}


def _concerned(ctx: RunContext, rules: Iterable[HouseRule]) -> list[str]:
    """Return the revisions of running journeys of which some rule speaks."""
    found: list[str] = []
    revisions = "SELECT DISTINCT revision FROM journeys WHERE state = 'running' ORDER BY revision"
    for row in list(ctx.ledger.rows(revisions)):
        book = ctx.revisions.get(row["revision"])
        if any(
            (not rule.purposes or book.purpose in rule.purposes)
            and (not rule.playbooks or book.name in rule.playbooks)
            for rule in rules
        ):
            found.append(row["revision"])
    return found


# -- what the rules say ------------------------------------------------------------------------


def _ask(
    ctx: RunContext, rules: Sequence[HouseRule], running: Mapping[str, Sequence[Journey]]
) -> dict[str, list[Standing]]:
    """Ask the rule engine of each journey alone, and beside each other journey."""
    found: dict[str, list[Standing]] = defaultdict(list)
    questions: list[Asked] = []
    places: list[tuple[Standing, str | None]] = []
    beside = any(rule.running_purposes or rule.running_playbooks for rule in rules)
    for customer, journeys in running.items():
        verdict = ctx.house(customer)
        for journey in sorted(journeys, key=lambda one: _served(ctx, one)):
            standing = Standing(journey=journey)
            found[customer].append(standing)
            work = _work(ctx, journey)
            questions.append(Asked(work=work, house=verdict))
            places.append((standing, None))
            for other in journeys if beside else ():
                if other.id != journey.id:
                    questions.append(Asked(work=work, running=[ctx.fact(other)], house=verdict))
                    places.append((standing, other.id))
    for (standing, beside_id), answer in zip(places, ctx.gate.ask(questions), strict=True):
        names = {rule.name for rule in answer.rules if rule.verdict is Verdict.HOLD}
        if beside_id is None:
            standing.alone = names
        elif names - standing.alone:
            standing.beside[beside_id] = names - standing.alone
    return found


def _work(ctx: RunContext, journey: Journey) -> dict[str, Word]:
    return {**ctx.fact(journey), "gate": "hold"}


def _served(ctx: RunContext, journey: Journey) -> tuple[int, str, int, str]:
    """Return a journey's place in serving order: priority, file, entry."""
    book = ctx.revisions.get(journey.revision)
    return (-book.priority, book.file, journey.entry, journey.id)


def resolve(rules: Sequence[HouseRule], standings: Sequence[Standing]) -> None:
    """Decide who is held, of one customer's journeys in serving order.

    Held is who is held alone, or beside one that goes on. Where that leaves several that hold each
    other in a circle, the first of them goes on and those that would hold it wait.
    """
    order = {rule.name: index for index, rule in enumerate(rules)}
    states = {standing.journey.id: standing for standing in standings}
    while True:
        moved = False
        for standing in standings:
            if standing.held is not None:
                continue
            reasons: list[tuple[int, str, str | None]] = [
                (order[name], name, None) for name in standing.alone
            ]
            waits = False
            for other, names in sorted(standing.beside.items()):
                if states[other].held is False:
                    reasons += [(order[name], name, other) for name in names]
                waits = waits or states[other].held is None
            if reasons:
                _, rule, other_id = min(reasons, key=lambda one: (one[0], one[2] or ""))
                standing.held, standing.because, moved = True, (rule, other_id), True
            elif not waits:
                standing.held, moved = False, True
        if moved:
            continue
        first = next((standing for standing in standings if standing.held is None), None)
        if first is None:
            return
        first.held = False
        for other, names in sorted(first.beside.items()):
            if states[other].held is None:  # what would hold it waits for it instead
                rule = min(names, key=lambda name: order[name])
                states[other].held, states[other].because = True, (rule, first.journey.id)


# -- what is written ---------------------------------------------------------------------------


def _settle(
    ctx: RunContext,
    rules: Sequence[HouseRule],
    standing: Standing,
    standings: Sequence[Standing],
) -> None:
    before = ctx.holds.now(standing.journey.id)
    rule_name, beside = standing.because
    if before is not None and standing.held and before.rule == rule_name:
        return
    moved = {} if before is None else _end(ctx, standing.journey, before)
    if not standing.held:
        if before is not None:
            _write(ctx, standing.journey, Verb.RESUMED, before.rule, before.place, moved)
            ctx.store.wake(standing.journey.id, ctx.at)
        return
    rule = next(one for one in rules if one.name == rule_name)
    ctx.holds.begin(
        Hold(
            journey=standing.journey.id, since=ctx.at, until=None, rule=rule.name,
            place=str(rule.span),
        )
    )  # fmt: skip
    # Handed from one rule to another it does not go on in between: one row, which tells both.
    shown: dict[str, Any] = {"gate": _work(ctx, standing.journey), **moved}
    if rule.customer is not None:
        evaluator = ctx.facts.evaluator(ctx.project.catalogue, standing.journey.customer)
        shown["house"] = evaluator.trace(rule.customer).to_json()
    if beside is not None:
        other = next(one.journey for one in standings if one.journey.id == beside)
        shown["running"] = [{"journey": other.id, "playbook": other.playbook}]
        beside_words = f"beside {other.id} of playbook {other.playbook}"
        shown["notes"] = [*shown.get("notes", ()), beside_words]
    if before is not None:
        shown["before"] = before.rule
        shown["notes"] = [*shown["notes"], f"until now by house rule {before.rule}"]
    _write(ctx, standing.journey, Verb.HELD, rule.name, str(rule.span), shown)


def _end(ctx: RunContext, journey: Journey, hold: Hold) -> dict[str, Any]:
    """End a hold and move what was planned; return the evidence."""
    ctx.holds.end(hold, at=ctx.at)
    pause = ctx.at - hold.since
    actions = ctx.store.actions_of([journey.id])[journey.id]
    moved = []
    for before, after in moved_by(actions.values(), pause):
        ctx.store.move(after, at=ctx.at)
        moved.append(
            {
                "action": after.id, "step": after.step, "opens_at": after.opens_at,
                "due_by": after.due_by, "before": [before.opens_at, before.due_by],
            }
        )  # fmt: skip
    note = f"held since {to_iso(hold.since, ctx.timezone)}; what was planned moves by that pause"
    return {
        "since": hold.since, "pause": pause, "notes": [note],
        "moved": sorted(moved, key=lambda one: str(one["action"])),
    }  # fmt: skip


def _write(
    ctx: RunContext, journey: Journey, verb: Verb, rule: str, place: str, evidence: dict[str, Any]
) -> None:
    shown = {**evidence, "matcher": ctx.gate.matcher.name, "config": ctx.project.config_hash}
    ctx.store.decide(
        Decision(
            run_at=ctx.at, gate="hold", playbook=journey.playbook, revision=journey.revision,
            customer=journey.customer, trigger=journey.trigger, occurrence=journey.occurrence,
            verb=verb, entry=journey.entry, reason=Reason.HOUSE_HOLD, rule=rule, place=place,
            journey=journey.id, evidence=shown,
        )
    )  # fmt: skip
