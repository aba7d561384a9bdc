"""Journeys, actions and decisions in the ledger: every write stands in the audit chain as well."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from secrets import token_hex
from typing import Any

from engine.ids import canonical_json, name_id
from engine.journeys import Action, Journey, Key
from engine.ledger import Ledger, Row
from engine.words import ActionKind, ActionState, JourneyState, Reason, Verb
from rules.history import Datum

__all__ = ["PERSONAL", "Decision", "Store", "action_of", "cancelled", "journey_of"]

PERSONAL = "(personal)"  #: stands where a personal value was
_CHUNK = 500  #: values bound in one query


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One yes or no, with what it rests on."""

    run_at: int
    gate: str  #: ``start``, ``release``, ``stop``, ``hold`` or ``deliver``
    playbook: str
    revision: str
    customer: str | None  #: None: one row for many
    trigger: str
    occurrence: str
    verb: Verb
    entry: int | None = None
    reason: Reason | None = None
    rule: str | None = None  #: house rule
    place: str | None = None  #: file:line:col of what decided
    until: int | None = None  #: of DEFERRED
    journey: str | None = None
    action: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)


class Store:
    """Reads and writes the state of one ledger. Writes need the caller's transaction."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    # -- journeys --------------------------------------------------------------------------

    def journeys_of(
        self, customers: Iterable[str], *, running: bool = False
    ) -> dict[str, list[Journey]]:
        """Return all journeys of some customers, or those that run, by customer, oldest entry first."""
        found: dict[str, list[Journey]] = {}
        state = " AND state = 'running'" if running else ""
        for part in _chunks(sorted(set(customers))):
            marks = ",".join("?" * len(part))
            sql = f"SELECT * FROM journeys WHERE customer IN ({marks}){state} ORDER BY entry, id"  # noqa: S608
            for row in self.ledger.rows(sql, *part):
                found.setdefault(row["customer"], []).append(self._journey(row))
        return found

    def running(self, where: str = "1", *values: object) -> list[Journey]:
        """Return running journeys that meet a hand-written condition."""
        # Without the plus SQLite walks through all journeys by id rather than sort a few.
        sql = f"SELECT * FROM journeys WHERE state = 'running' AND {where} ORDER BY +id"  # noqa: S608
        return [self._journey(row) for row in self.ledger.rows(sql, *values)]

    def running_ids(self, where: str, *values: object) -> dict[str, str]:
        """Return id -> customer of the running journeys that meet a hand-written condition."""
        sql = f"SELECT id, customer FROM journeys WHERE state = 'running' AND {where}"  # noqa: S608
        return {row["id"]: row["customer"] for row in self.ledger.rows(sql, *values)}

    def running_of(self, keys: Iterable[str]) -> list[Journey]:
        """Return those of some journeys (ids) that run, in the order of the ids."""
        rows = self.ledger.rows(
            "SELECT t.* FROM json_each(?) j CROSS JOIN journeys t ON t.id = j.value"
            " WHERE t.state = 'running' ORDER BY j.key",
            canonical_json(list(keys)),
        )
        return [self._journey(row) for row in rows]

    def journey(self, key: str) -> Journey | None:
        """Return a journey by id."""
        row = self.ledger.one("SELECT * FROM journeys WHERE id = ?", key)
        return self._journey(row) if row else None

    def _journey(self, row: Row) -> Journey:
        """Return the journey of a row, its trigger's personal fields put back."""
        found = journey_of(row)
        if PERSONAL not in found.event.values():
            return found
        private = self.ledger.rows("SELECT name, value FROM private WHERE owner = ?", found.id)
        return replace(
            found,
            event={**found.event, **{item["name"]: json.loads(item["value"]) for item in private}},
        )

    def start(
        self,
        journey: Journey,
        event: Mapping[str, Any],
        private: Mapping[str, Datum],
        *,
        at: int,
    ) -> None:
        """Write a new journey; ``event`` is the trigger's, for ``trigger.<field>`` and why.

        Its personal fields are kept apart, where they can be erased.
        """
        self.keep(journey.id, private, at=at)
        row = {
            "id": journey.id, "playbook": journey.playbook, "revision": journey.revision,
            "customer": journey.customer, "trigger": journey.trigger,
            "occurrence": journey.occurrence, "entry": journey.entry,
            "started_at": journey.started_at, "event": canonical_json(event),
            "state": str(journey.state), "ended_at": None, "reason": None, "goal": None,
            "next_at": at,
        }  # fmt: skip
        self.ledger.insert("journeys", [row], at=at, also={"event": event})

    def keep(self, owner: str, private: Mapping[str, Datum], *, at: int) -> None:
        """Write personal values of a journey or action; the chain holds salted digests of them."""
        rows = [
            {
                "owner": owner, "name": name, "value": canonical_json(value),
                "salt": token_hex(8),
            }
            for name, value in private.items()
        ]  # fmt: skip
        self.ledger.insert("private", rows, at=at)

    def end(self, journey: Journey, *, at: int) -> None:
        """Write that a journey is finished or stopped."""
        values = {
            "state": str(journey.state), "ended_at": journey.ended_at, "reason": journey.reason,
            "goal": journey.goal, "next_at": None,
        }  # fmt: skip
        self.ledger.change("journeys", {"id": journey.id}, values, at=at)

    def resume(self, journey: Journey, *, at: int) -> None:
        """Write that a finished journey runs again, since a person reopened one of its tasks."""
        values = {"state": str(JourneyState.RUNNING), "ended_at": None, "reason": None}
        self.ledger.change("journeys", {"id": journey.id}, values, at=at)

    def rebase(self, journey: Journey, revision: str, *, at: int) -> None:
        """Let a running journey follow another revision of its playbook."""
        self.ledger.change("journeys", {"id": journey.id}, {"revision": revision}, at=at)

    def wake(self, journey: str, at: int | None) -> None:
        """Say when a journey is to be looked at again; None: when something happens."""
        self.ledger.wake(journey, at)

    # -- actions ---------------------------------------------------------------------------

    def actions_of(self, journeys: Sequence[str]) -> dict[str, dict[Key, Action]]:
        """Return the actions of journeys: journey -> (step, turn) -> action, as they were planned."""
        found: dict[str, dict[Key, Action]] = {key: {} for key in journeys}
        for part in _chunks(journeys):
            marks = ",".join("?" * len(part))
            sql = f"SELECT * FROM actions WHERE journey IN ({marks}) ORDER BY rowid"  # noqa: S608
            for row in self.ledger.rows(sql, *part):
                action = action_of(row)
                found[action.journey][action.key] = action
        return found

    def action(self, key: str) -> Action | None:
        """Return an action by id."""
        row = self.ledger.one("SELECT * FROM actions WHERE id = ?", key)
        return action_of(row) if row else None

    def add(self, action: Action, *, at: int) -> None:
        """Write a new action."""
        row = {
            "id": action.id, "journey": action.journey, "playbook": action.playbook,
            "customer": action.customer, "step": action.step, "turn": action.turn,
            "priority": action.priority, **_state_of(action), "asked": None, "note": None,
        }  # fmt: skip
        self.ledger.insert("actions", [row], at=at)

    def move(self, action: Action, *, at: int, **also: str) -> None:
        """Write an action's new state; ``also`` sets further columns (outcome, asked, note)."""
        values = {**_state_of(action), **also}
        self.ledger.change("actions", {"id": action.id}, values, at=at)
        if action.human and action.state.closed:
            self._wake_guests(action, at)

    def _wake_guests(self, host: Action, at: int) -> None:
        """Let the journeys be looked at whose tasks went with one that is closed now."""
        sql = "SELECT journey FROM actions WHERE customer = ? AND state = 'open' AND host = ?"
        for row in list(self.ledger.rows(sql, host.customer, host.id)):
            self.wake(row["journey"], at)

    def step_values(self, actions: Iterable[Action]) -> dict[str, Datum]:
        """Return what closed steps left: ``<step>.outcome`` and ``<step>.<asked>``; the last turn's."""
        found: dict[str, Datum] = {}
        for action in sorted(actions, key=lambda one: one.key):
            if action.state not in (ActionState.DONE, ActionState.EXPIRED):
                continue
            if action.outcome:
                found[f"{action.step}.outcome"] = action.outcome
            if action.kind is not ActionKind.TASK:
                continue
            row = self.ledger.one("SELECT asked FROM actions WHERE id = ?", action.id)
            if row and row["asked"]:
                answers = json.loads(row["asked"])
                found |= {f"{action.step}.{name}": value for name, value in answers.items()}
        return found

    # -- decisions -------------------------------------------------------------------------

    def decide(self, decision: Decision) -> str:
        """Write a decision and return its id; a deferral of the same occurrence is closed by it."""
        parts = (
            decision.gate, decision.playbook, decision.customer or "", decision.trigger,
            decision.occurrence, decision.action or "", decision.reason or "" if decision.customer is None else "",
        )  # fmt: skip
        earlier = [] if decision.customer is None else list(
            self.ledger.rows(
                "SELECT id FROM decided WHERE open = 1 AND gate = ? AND playbook = ?"
                " AND customer = ? AND trigger = ? AND occurrence = ? AND action IS ?",
                decision.gate, decision.playbook, decision.customer, decision.trigger,
                decision.occurrence, decision.action,
            )
        )  # fmt: skip
        for row in earlier:
            self.ledger.change("decided", {"id": row["id"]}, {"open": 0}, at=decision.run_at)
        key = name_id("d", *parts)
        turn = 0
        again = decision.customer is None or decision.gate == "hold"  # told as often as it is so
        while (earlier or again) and self.ledger.one("SELECT 1 FROM decided WHERE id = ?", key):
            turn += 1
            key = name_id("d", *parts, str(turn))
        row = {
            "id": key, "run_at": decision.run_at, "gate": decision.gate,
            "playbook": decision.playbook, "customer": decision.customer,
            "trigger": decision.trigger, "occurrence": decision.occurrence,
            "verb": str(decision.verb), "reason": decision.reason, "until": decision.until,
            "open": int(decision.verb is Verb.DEFERRED), "journey": decision.journey,
            "action": decision.action,
        }  # fmt: skip
        apart = {
            "revision": decision.revision, "entry": decision.entry, "rule": decision.rule,
            "place": decision.place, "evidence": decision.evidence,
        }  # fmt: skip
        also = {name: value for name, value in apart.items() if value is not None}
        self.ledger.insert("decided", [row], at=decision.run_at, also=also)
        return key

    def decided(
        self, gate: str, playbook: str, trigger: str, customers: Iterable[str]
    ) -> set[tuple[str, str]]:
        """Return (customer, occurrence) of a trigger's final decisions about some customers."""
        rows = self.ledger.rows(
            "SELECT d.customer, d.occurrence FROM json_each(?) j CROSS JOIN decided d"
            " ON d.customer = j.value AND d.playbook = ?"
            " WHERE d.gate = ? AND d.trigger = ? AND d.open = 0 AND d.verb <> 'deferred'",
            canonical_json(list(customers)), playbook, gate, trigger,
        )  # fmt: skip
        return {(row["customer"], row["occurrence"]) for row in rows}

    def deferred(self, gate: str, at: int) -> Iterator[Row]:
        """Yield the deferrals that are over at T."""
        return self.ledger.rows(
            "SELECT * FROM decisions WHERE open = 1 AND gate = ? AND until <= ? ORDER BY +id",
            gate,
            at,
        )


def journey_of(row: Row) -> Journey:
    """Return the journey of a table row."""
    event = json.loads(row["event"])
    return Journey(
        id=row["id"], playbook=row["playbook"], revision=row["revision"],
        customer=row["customer"], trigger=row["trigger"], occurrence=row["occurrence"],
        entry=row["entry"], started_at=row["started_at"],
        event_name=event.get("name", ""),
        event={key: tuple(v) if isinstance(v, list) else v
               for key, v in event.get("fields", {}).items()},
        state=JourneyState(row["state"]), ended_at=row["ended_at"], reason=row["reason"],
        goal=row["goal"],
    )  # fmt: skip


def action_of(row: Row) -> Action:
    """Return the action of a table row."""
    return Action(
        id=row["id"], journey=row["journey"], playbook=row["playbook"], customer=row["customer"],
        step=row["step"], turn=row["turn"], kind=ActionKind(row["kind"]), channel=row["channel"],
        branch=row["branch"], by=row["closed_by"] or "",
        detail=json.loads(row["detail"]) if row["detail"] else {},
        state=ActionState(row["state"]), priority=row["priority"], opens_at=row["opens_at"],
        due_by=row["due_by"], opened_at=row["opened_at"], closed_at=row["closed_at"],
        assignee=row["assignee"], outcome=row["outcome"], reason=row["reason"],
        words=row["words"] or "", anchor=row["anchor"] or "", host=row["host"],
    )  # fmt: skip


def _state_of(action: Action) -> dict[str, Any]:
    """Return the columns that may change."""
    return {
        "channel": action.channel, "kind": str(action.kind), "state": str(action.state),
        "branch": action.branch, "opens_at": action.opens_at, "due_by": action.due_by,
        "opened_at": action.opened_at, "closed_at": action.closed_at,
        "assignee": action.assignee, "outcome": action.outcome, "reason": action.reason,
        "host": action.host, "words": action.words or None, "anchor": action.anchor or None,
        "closed_by": action.by or None,
        "detail": canonical_json(action.detail) if action.detail else None,
    }  # fmt: skip


def cancelled(action: Action, *, at: int, reason: Reason) -> Action:
    """Return an open action as cancelled."""
    return replace(action, state=ActionState.CANCELLED, closed_at=at, reason=reason)


def _chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]
