"""Decisions made again from their evidence: the same facts have to give the same answer.

What can be made again without the log: the answer of a gate from its facts; the facts ``only``,
``except``, ``recheck`` from the traces of their conditions, and those from their leaves; hold-outs;
what earlier journeys of the playbook mean for ``again`` and ``overlap``; caps, by counting again
what had reached the customer. What a run read in the log (events, attributes) is not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from engine.audit.blocks import Entry
from engine.audit.past import Past
from engine.audit.refold import refold, refold_segment
from engine.caps import Reached, full_cap
from engine.configs import Config, Configs
from engine.gate import answer_of, gate_rules, word
from engine.ids import stable_share
from engine.ledger import Ledger
from engine.revisions import Revisions
from engine.words import JourneyState, Reason, Verb
from rules.conditions import Condition
from rules.errors import StateError
from rules.house import customer_fact, rule_name
from rules.matcher import Case, ReferenceMatcher
from rules.measures import Catalogue
from rules.playbook import Do, Overlap, Playbook
from rules.units import shift

__all__ = ["Redecision"]

#: Reasons that a release has beside those of the gate's rules.
_LIMITS = frozenset(
    (
        Reason.NO_CHANNEL, Reason.NO_ADDRESS, Reason.CONSENT, Reason.QUIET, Reason.CAP,
        Reason.JOINED, Reason.TEMPLATE_FAILED, Reason.LEVELLED,
    )
)  # fmt: skip
_COUNTED = ("due", "intent", "sent", "handed_over", "unknown")  #: states of messages under caps
_OVERLAPS = {Overlap.IGNORE: "blocked", Overlap.QUEUE: "queued"}

Body = Mapping[str, Any]


class Redecision:
    """Makes the decisions of a ledger again. ``counts``: what was made again, by kind."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.revisions, self.configs = Revisions(ledger), Configs(ledger)
        self.past = Past(ledger)
        self.counts: Counter[str] = Counter()
        self._matchers: dict[str, ReferenceMatcher] = {}

    def odd(self) -> Iterator[str]:
        """Yield the decisions that do not follow from their evidence, in words."""
        for row in self.ledger.rows("SELECT id, link FROM decided ORDER BY link"):
            entry = self.past.first(self.ledger.chain.entry(row["link"]))
            try:
                words = self._odd(entry)
            except (KeyError, ValueError, TypeError, StateError) as error:
                words = f"its evidence can't be understood: {error}"
            if words:
                yield f"decisions {row['id']} (audit entry {entry.n}): {words}"

    def _odd(self, entry: Entry) -> str:
        body = entry.body
        evidence = body["evidence"]
        if not self.revisions.holds(body["revision"]):
            return ""  # of a playbook that was never active, which a `start:` step named
        book = self.revisions.get(body["revision"])
        config = self.configs.get(evidence["config"]) if "config" in evidence else None
        checks: list[Callable[[], str]] = [lambda: self._conditions(body, book, config)]
        if "gate" in evidence and body["gate"] in ("start", "release") and config is not None:
            checks.append(lambda: self._gate(body, config))
        if body["gate"] == "start" and "gate" in evidence and config is not None:
            checks.append(lambda: self._start(entry, book, config))
        if body["gate"] == "release" and config is not None and config.house.caps:
            checks.append(lambda: self._caps(entry, config))
        return next((words for check in checks if (words := check())), "")

    # -- conditions -----------------------------------------------------------------------------

    def _conditions(self, body: Body, book: Playbook, config: Config | None) -> str:
        """Make traces again, and what the gate was told of them."""
        evidence = body["evidence"]
        for name, condition, catalogue in self._asked(body, book, config):
            trace = evidence.get(name)
            if trace is None:
                continue
            self.counts["conditions"] += 1
            if isinstance(condition, str):
                odd = refold_segment(condition, trace, catalogue)
            else:
                odd = refold(condition, trace, catalogue)
            if odd:
                return f"the trace of `{name}` is not sound: {odd}"
            told = evidence.get("gate", {}).get(name)
            if told is not None and told != word(trace["verdict"]):
                return f"the gate was told that `{name}` is {told}, its trace says otherwise"
        return ""

    def _asked(
        self, body: Body, book: Playbook, config: Config | None
    ) -> Iterator[tuple[str, Condition | str, Catalogue]]:
        """Yield the conditions that stand on the evidence: its name, the tree or segment, the names."""
        evidence = body["evidence"]
        if body["gate"] == "start":
            for name, condition in (("only", book.only), ("except", book.excepted)):
                if condition is not None:
                    yield name, condition, book.catalogue
            if "edge" in evidence:
                yield "condition", evidence["edge"]["name"], book.catalogue
        elif body["gate"] == "release":
            step = self._step(body)
            if step is not None and step.recheck is not None:
                yield "recheck", step.recheck, book.catalogue
        elif body["gate"] == "stop":
            stop = next((s for s in book.stops if s.path == evidence["stop"]["path"]), None)
            if stop is not None and stop.condition is not None:
                yield "condition", stop.condition, book.catalogue
            elif stop is not None and stop.leaves is not None:
                yield "condition", stop.leaves, book.catalogue
        rule = None
        if config is not None:
            rule = next((r for r in config.house.rules if r.name == body.get("rule")), None)
        if rule is not None and rule.customer is not None and config is not None:
            yield "house", rule.customer, config.catalogue

    def _step(self, body: Body) -> Do | None:
        row = self.ledger.one("SELECT step FROM actions WHERE id = ?", body["action"])
        if row is None:
            return None
        try:
            return self.revisions.get(body["revision"]).act(row["step"])
        except KeyError:
            return None

    # -- the gates ------------------------------------------------------------------------------

    def _gate(self, body: Body, config: Config) -> str:
        """Ask the gate again, with the facts that it was asked with."""
        evidence, house = body["evidence"], config.house
        self.counts["gates"] += 1
        matched = frozenset(evidence.get("matched", ()))
        starts = body["gate"] == "start"
        known = {rule_name(rule): rule for rule in house.rules}
        customer = {
            customer_fact(index): "yes"
            for index, rule in enumerate(house.rules)
            if rule.customer is not None and rule_name(rule) in matched
        }
        # What ran beside stands whole on the evidence of releases; a rule that named another channel
        # makes two questions of one.
        whole = not starts and not any(
            name in known and known[name].channel is not None for name in matched
        )
        running = evidence.get("running", []) if whole else []
        matcher = self._matcher(evidence["config"], config)
        (again,) = matcher.match([Case(work=evidence["gate"], customer=customer, running=running)])
        if whole and again != matched:
            odd = ", ".join(sorted(again ^ matched))
            return f"the rules that match are not those that it names: {odd}"
        own = {name for name in matched if name not in known}
        if {name for name in again if name not in known} != own:
            return "the facts of the gate give another answer than the one that it names"
        answer = answer_of(house, matched, starts=starts)
        reason = body.get("reason")
        if answer.reason is None:
            fits = reason is None if starts else reason is None or self._limit(reason)
        else:
            late = not starts and reason == Reason.DEFERRED_TOO_LONG
            fits = reason == answer.reason or (late and answer.reason is Reason.HOUSE_DEFER)
        if not fits:
            return f"the gate says {answer.reason or 'go'}, the decision {reason or 'go'}"
        if answer.rule is not None and body.get("rule") != answer.rule.name:
            return f"house rule {answer.rule.name} speaks, not {body.get('rule') or 'none'}"
        return self._verb(body, starts=starts)

    def _limit(self, reason: str) -> bool:
        return reason in _LIMITS or reason == Reason.DEFERRED_TOO_LONG

    def _verb(self, body: Body, *, starts: bool) -> str:
        """Check that what was done fits the reason."""
        verb, reason = body["verb"], body.get("reason")
        if reason is None or reason == Reason.JOINED:
            fits = verb == (Verb.STARTED if starts else Verb.RELEASED)
        else:
            fits = verb in ((Verb.REFUSED if starts else Verb.SKIPPED), Verb.DEFERRED)
        if verb == Verb.STARTED and body.get("journey") is None:
            fits = False
        return "" if fits else f"what was done ({verb}) is not what was decided ({reason or 'go'})"

    def _matcher(self, key: str, config: Config) -> ReferenceMatcher:
        if key not in self._matchers:
            self._matchers[key] = ReferenceMatcher(gate_rules(config.house))
        return self._matchers[key]

    # -- facts of the start gate ----------------------------------------------------------------

    def _start(self, entry: Entry, book: Playbook, config: Config) -> str:
        """Find the facts again that the ledger itself gives: hold-out, again, overlap."""
        body, facts = entry.body, entry.body["evidence"]["gate"]
        customer = body.get("customer")
        if customer is None:
            return ""
        self.counts["starts"] += 1
        held = "no"
        if config.house.holdout and stable_share("project", customer) < config.house.holdout:
            held = "project"
        elif book.holdout and stable_share(book.name, customer) < book.holdout:
            held = "playbook"
        mine = [
            row
            for row in self.past.journeys(customer, before=entry.n)
            if row["playbook"] == book.name and row["id"] != body.get("journey")
        ]
        found = {
            "holdout": held,
            "again": _again(book, mine, body["entry"], config.vocabulary.timezone),
            "overlap": _overlap(book, mine, body["entry"]),
        }
        for name, value in found.items():
            if facts[name] != value:
                return f"the gate was told {name} {facts[name]}; by the ledger it was {value}"
        return ""

    # -- caps -----------------------------------------------------------------------------------

    def _caps(self, entry: Entry, config: Config) -> str:
        """Count again what had reached the customer when this was released or put off."""
        body = entry.body
        reason, said = body.get("reason"), body["evidence"].get("cap")
        if reason is not None and said is None:
            return ""
        purposes = {
            row["id"]: self.revisions.get(row["revision"]).purpose
            for row in self.past.journeys(body["customer"], before=entry.n)
        }
        actions = self.past.actions(body["customer"], before=entry.n)
        at, facts = body["run_at"], body["evidence"]["gate"]
        if any(row.get("host") is not None and row.get("opened_at") == at for row in actions):
            return ""  # a task that joined another one in this very run
        self.counts["caps"] += 1
        reached = [
            Reached(
                action=row["id"], at=when, purpose=purposes[row["journey"]], channel=row["channel"]
            )
            for row in actions
            if (when := _reached_at(row, at)) is not None
        ]
        full = full_cap(
            config.house.caps, config.vocabulary, reached, facts["purpose"], facts["channel"], at=at
        )
        if reason is None:
            return "" if full is None else f"it went out, though {full.words}"
        if full is None:
            return "it was put off for a cap that had room"
        again = {"count": full.count, "newest": list(full.newest), "room_at": full.until}
        if said != again or body.get("rule") != full.cap.path:
            return f"counted again, {full.words}; it says {said['count']}"
        return ""


def _again(book: Playbook, mine: list[dict[str, Any]], entry: int, timezone: str) -> str:
    if book.again_ever or not mine:
        return "free"
    if book.again is None:
        return "never"
    last = max(row["entry"] for row in mine)
    return "early" if entry < shift(last, book.again, timezone) else "free"


def _overlap(book: Playbook, mine: list[dict[str, Any]], entry: int) -> str:
    if book.overlap is Overlap.QUEUE:
        running = any(row["state"] == JourneyState.RUNNING for row in mine)
    else:
        running = any(
            row.get("ended_at") is None or row["ended_at"] > entry for row in mine
        )  # fmt: skip
    return _OVERLAPS.get(book.overlap, "free") if running else "free"


def _reached_at(row: Mapping[str, Any], at: int) -> int | None:
    """Return when an action reached the customer, as caps count it at T; None: it does not count."""
    found: int | None = None
    if row["kind"] == "message" and row["state"] in _COUNTED:
        found = row.get("opened_at")
    elif row["kind"] == "task" and row.get("host") is None:
        if row["state"] == "done":
            found = row.get("closed_at")
        elif row["state"] == "open" and row.get("opened_at") == at:
            found = at
    return found
