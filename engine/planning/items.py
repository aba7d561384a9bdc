"""What a tried run did, item by item, as people read it: told by the entries of its audit chain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from engine.audit.blocks import Entry
from engine.console import moment
from engine.journeys import NEVER, Action, Journey
from engine.planning.rehearsal import Rehearsal
from engine.revisions import Revisions
from engine.store import Store
from engine.words import ActionKind, ActionState, JourneyState, Transition, Verb
from rules.playbook import TriggerKind

__all__ = ["Counted", "Item", "What", "doings"]


class What(StrEnum):
    """What happens, in the order in which it is shown within a journey."""

    STARTS = "starts"  #: a journey begins
    MOVES = "moves"  #: a journey follows the edited playbook from now on
    HELD = "held"  #: a house rule holds a journey
    RESUMES = "resumes"  #: it holds it no longer
    STOPS = "stops"  #: a journey ends before its steps do
    FINISHES = "finishes"  #: a journey has no more steps
    SENDS = "sends"  #: a message goes out
    OPENS = "opens"  #: a task opens
    JOINS = "joins"  #: a task goes with one that is open already
    WRITES = "writes"  #: a step sets an attribute or records an event
    CHANGES = "changes"  #: something of an open task changes
    CLOSES = "closes"  #: a task is done or given up without a person
    CANCELS = "cancels"  #: an open task or a waiting message is taken back
    SKIPS = "skips"  #: a step is left out
    DEFERS = "defers"  #: a step that was to open is put off
    LATER = "later"  #: a step is planned for a later instant
    WAITS = "waits"  #: a start is put off
    REFUSES = "refuses"  #: nothing begins


_ORDER = {what: index for index, what in enumerate(What)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that a run does to one customer."""

    what: What
    playbook: str
    customer: str
    journey: str = ""  #: id, "" where nothing begins
    key: tuple[str, ...] = ()  #: names the same thing under another project: see ``compare``
    action: str = ""  #: id
    step: str = ""
    turn: int = 1
    channel: str = ""
    opens_at: int | None = None
    due_by: int | None = None  #: None also for never
    until: int | None = None  #: of what is put off
    assignee: str = ""  #: person or team
    role: str = ""  #: whose task it is, by the step
    reason: str = ""  #: code of docs/reasons.md
    rule: str = ""
    place: str = ""  #: file:line:col of what decided
    why: str = ""  #: in a line

    @property
    def order(self) -> tuple[Any, ...]:
        """By playbook and customer, within a journey as it happens; where nothing begins, last."""
        return (
            self.what in (What.WAITS, What.REFUSES), self.playbook, self.customer, self.journey, _ORDER[self.what], self.opens_at or 0,
            self.step, self.turn, self.reason, self.key,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Many customers refused for one reason, of whom the ledger keeps one row."""

    playbook: str
    trigger: str
    reason: str
    count: int


@dataclass(slots=True)
class _Told:
    """What the entries of one run tell, by subject, in their order."""

    journeys: dict[str, list[Entry]] = field(default_factory=dict)
    actions: dict[str, list[Entry]] = field(default_factory=dict)
    decisions: list[dict[str, Any]] = field(default_factory=list)


def doings(found: Rehearsal) -> tuple[list[Item], list[Counted]]:
    """Return what a tried run does, in the order in which it is shown, and the refusals that stand in
    one row for many.
    """
    told = _told(found)
    items = sorted(_Reading(found, told).items(), key=lambda item: item.order)
    return items, _counted(told)


def _counted(told: _Told) -> list[Counted]:
    many: Counter[tuple[str, str, str]] = Counter()
    for body in told.decisions:
        if "customer" not in body and body["verb"] == Verb.REFUSED:
            key = (body["playbook"], body["trigger"], body["reason"])
            many[key] += body["evidence"]["count"]
    return [
        Counted(playbook=playbook, trigger=trigger, reason=reason, count=count)
        for (playbook, trigger, reason), count in sorted(many.items())
    ]


def _told(found: Rehearsal) -> _Told:
    told = _Told()
    by_kind = {Transition.JOURNEY: told.journeys, Transition.ACTION: told.actions}
    for entry in found.draft.chain.entries(after=found.tried.head):
        if entry.kind in by_kind:
            by_kind[Transition(entry.kind)].setdefault(entry.subject, []).append(entry)
        elif entry.kind == Transition.DECISION and "evidence" in entry.body:
            told.decisions.append(entry.body)
    return told


class _Reading:
    """The items of one tried run."""

    def __init__(self, found: Rehearsal, told: _Told) -> None:
        self.store = Store(found.draft)
        self.revisions = Revisions(found.draft)
        self.zone = found.project.vocabulary.timezone
        self.told = told
        self.keys: dict[str, tuple[str, ...]] = {}  #: journey -> key
        self.started: dict[str, Mapping[str, Any]] = {}  #: journey -> decision
        self.released: dict[str, Mapping[str, Any]] = {}  #: action -> newest decision
        for body in self.told.decisions:
            if body.get("action"):
                self.released[body["action"]] = body
            elif body["gate"] == "start" and body.get("journey"):
                self.started[body["journey"]] = body

    def items(self) -> Iterator[Item]:
        """Yield them as the chain tells them."""
        for key, entries in self.told.journeys.items():
            journey = self.store.journey(key)
            assert journey is not None
            yield from self._of_journey(journey, entries)
        for key, entries in self.told.actions.items():
            action = self.store.action(key)
            assert action is not None
            item = self._of_action(action, entries)
            if item is not None:
                yield item
        for body in self.told.decisions:
            item = self._of_decision(body)
            if item is not None:
                yield item

    def _of_journey(self, journey: Journey, entries: list[Entry]) -> Iterator[Item]:
        begun = self.started.get(journey.id)
        item = Item(
            what=What.STARTS, playbook=journey.playbook, customer=journey.customer,
            journey=journey.id, opens_at=journey.entry,
        )  # fmt: skip
        if entries[0].prev == 0 and begun is not None:
            self.keys[journey.id] = _key(begun)
            yield replace(
                item, why=self._because(begun), place=begun.get("place", ""),
                key=self.keys[journey.id],
            )  # fmt: skip
        ends = any("ended_at" in entry.body for entry in entries)
        if ends and journey.state is not JourneyState.RUNNING:
            stops = journey.state is JourneyState.STOPPED
            yield replace(
                item, what=What.STOPS if stops else What.FINISHES, opens_at=journey.ended_at,
                reason=journey.reason or "", why=journey.goal or "",
                key=self.keys.get(journey.id, (journey.id,)),
            )  # fmt: skip

    def _of_action(self, action: Action, entries: list[Entry]) -> Item | None:
        fresh = entries[0].prev == 0
        what = self._what(action, entries, fresh=fresh)
        if what is None:
            return None
        body = self.released.get(action.id, {})
        item = Item(
            what=what, playbook=action.playbook, customer=action.customer, journey=action.journey,
            key=(*self._journey_key(action.journey), action.step, str(action.turn)),
            action=action.id, step=action.step, turn=action.turn, channel=action.channel,
            opens_at=action.opens_at, due_by=action.due_by if action.due_by < NEVER else None,
            assignee=action.assignee or "", role=self._role(action), why=action.words.partition(": ")[2] or action.words,
        )  # fmt: skip
        match what:
            case What.DEFERS | What.SKIPS:
                return replace(
                    item, reason=str(body.get("reason") or action.reason or ""),
                    rule=body.get("rule") or "", place=body.get("place") or "",
                    until=body.get("until"), why=_notes(body) or body.get("place") or "",
                )  # fmt: skip
            case What.CLOSES | What.CANCELS:
                return replace(item, reason=action.reason or str(action.state), why=action.by)
            case What.JOINS:
                return replace(item, why=f"with {action.host}")
            case _:
                return item

    def _role(self, action: Action) -> str:
        """Return the role that a task is given to: the step's, or the one above it."""
        journey = self.store.journey(action.journey)
        if not action.human or journey is None:
            return ""
        step = self.revisions.with_step(journey.revision, action.step).act(action.step)
        return str(action.detail.get("role") or step.assign or "")

    def _what(self, action: Action, entries: list[Entry], *, fresh: bool) -> What | None:
        if action.kind in (ActionKind.SET, ActionKind.RECORD):
            return What.WRITES if action.state is ActionState.DONE else None
        if action.kind not in (ActionKind.TASK, ActionKind.MESSAGE):
            return None
        match action.state:
            case ActionState.PLANNED:
                verb = self.released.get(action.id, {}).get("verb")
                return What.DEFERS if verb == Verb.DEFERRED else What.LATER
            case ActionState.DUE:
                return What.SENDS
            case ActionState.OPEN:
                if not any(entry.body.get("state") == ActionState.OPEN for entry in entries):
                    return What.CHANGES
                return What.JOINS if action.host else What.OPENS
            case ActionState.SKIPPED:
                return What.SKIPS
            case ActionState.CANCELLED:
                return What.CANCELS if action.opened_at is not None and not fresh else None
            case _:
                return What.CLOSES

    def _of_decision(self, body: Mapping[str, Any]) -> Item | None:
        what = _DECIDED.get((body["gate"], body["verb"]))
        if what is None or not body.get("customer"):
            return None
        journey = body.get("journey") or ""
        return Item(
            what=what, playbook=body["playbook"], customer=body["customer"], journey=journey,
            key=self._journey_key(journey) if journey else _key(body),
            opens_at=body.get("entry"), reason=body.get("reason") or "",
            rule=body.get("rule") or "", place=body.get("place") or "", until=body.get("until"),
            why=self._because(body) if body["gate"] == "start" else _notes(body),
        )  # fmt: skip

    def _journey_key(self, journey: str) -> tuple[str, ...]:
        return self.keys.get(journey, (journey,))

    def _because(self, body: Mapping[str, Any]) -> str:
        """Return what made a journey begin, or would have."""
        shown = body["evidence"]
        event, edge = shown.get("event"), shown.get("edge")
        if edge:
            return _edge(edge, shown["trigger"]["kind"])
        if event:
            return f"{event['name']} {event['id']}, {moment(event['at'], self.zone)}"
        words = shown.get("moment", {}).get("words")
        return str(words or shown["trigger"]["words"])


#: What a decision about a customer is where no entry of a journey or action tells it.
_DECIDED = {
    ("start", Verb.REFUSED): What.REFUSES,
    ("start", Verb.DEFERRED): What.WAITS,
    ("migrate", Verb.MOVED): What.MOVES,
    ("hold", Verb.HELD): What.HELD,
    ("hold", Verb.RESUMED): What.RESUMES,
}


def _key(body: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what names a start under another project too: an edge without its definition's hash."""
    occurrence = body["occurrence"]
    if body["evidence"].get("edge"):
        occurrence = "edge"
    return (body["playbook"], body["customer"], body["trigger"], occurrence)


def _edge(edge: Mapping[str, Any], kind: str) -> str:
    if kind == TriggerKind.CHANGES:
        return f"{edge['name']}: {edge['before'] or 'none'} → {edge['after'] or 'none'}"
    return f"{'left' if kind == TriggerKind.LEAVES else 'entered'} {edge['name']}"


def _notes(body: Mapping[str, Any]) -> str:
    notes = body.get("evidence", {}).get("notes", ())
    return "; ".join(str(note) for note in notes)
