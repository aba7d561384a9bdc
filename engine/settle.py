"""Settling: a person says what became of a message of which care knows no more."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from engine.journeys import Action
from engine.ledger import Ledger, Row
from engine.store import Store
from engine.tasks import find_action
from engine.words import ActionKind, ActionState, JourneyState
from rules.errors import StateError, UsageError

__all__ = ["Settled", "settle", "settlements_of"]

_LONGEST = 10_000  #: characters of a reason


class Settled(StrEnum):
    """What a person may say."""

    SENT = "sent"  #: it did arrive
    FAILED = "failed"  #: it did not arrive, or is no longer wanted
    RESEND = "resend"  #: it is to go out again


#: state -> what may be said about a message in it
_MAY: dict[ActionState, tuple[Settled, ...]] = {
    ActionState.UNKNOWN: (Settled.SENT, Settled.FAILED, Settled.RESEND),
    ActionState.FAILED: (Settled.SENT, Settled.RESEND),
    ActionState.DUE: (Settled.FAILED,),
    ActionState.INTENT: (Settled.FAILED,),
}


def settle(
    ledger: Ledger, key: str, verdict: Settled, *, why: str, who: str, at: int
) -> tuple[Action, bool]:
    """Write what became of a message; return it as it is now, and whether that changed anything.

    The same again changes nothing. Raises StateError for what is no message, was never sent, is
    being sent just now, or belongs to a journey that was stopped; UsageError without a reason.
    """
    if not why.strip() or len(why) > _LONGEST:
        raise UsageError('say why, in a few words: --why "the customer has it, I called"')
    found = find_action(ledger, key)
    if found.kind is not ActionKind.MESSAGE:
        raise StateError(f"{found.id} is a task; `care done` says what came of it")
    store = Store(ledger)
    with ledger.transaction():
        action = find_action(ledger, found.id)
        rows = ledger.rows("SELECT * FROM settlements WHERE action = ? ORDER BY n", action.id)
        earlier = list(rows)
        if earlier and earlier[-1]["verdict"] == verdict and _stands(action, verdict):
            return action, False
        _may(ledger, store, action, verdict)
        n = len(earlier) + 1
        row = {
            "action": action.id, "n": n, "at": at, "verdict": str(verdict), "why": why.strip(),
            "who": who,
        }  # fmt: skip
        ledger.insert("settlements", [row], at=at)
        return _write(ledger, store, action, verdict, at), True


def settlements_of(ledger: Ledger, action: str) -> tuple[Row, ...]:
    """Return what people said of a message, in order: ``at, change, before, after, why, who``."""
    return tuple(
        ledger.rows(
            "SELECT at, 'settled as ' || verdict AS change, '' AS before, '' AS after, why, who"
            " FROM settlements WHERE action = ? ORDER BY n",
            action,
        )
    )


def _stands(action: Action, verdict: Settled) -> bool:
    state = {
        Settled.SENT: (ActionState.SENT,),
        Settled.FAILED: (ActionState.FAILED,),
        Settled.RESEND: (ActionState.DUE, ActionState.INTENT),
    }
    return action.state in state[verdict]


def _may(ledger: Ledger, store: Store, action: Action, verdict: Settled) -> None:
    """Raise StateError where a verdict makes no sense."""
    open_try = ledger.one("SELECT 1 FROM attempts WHERE action = ? AND verdict IS NULL", action.id)
    if action.state is ActionState.INTENT and open_try is not None:
        raise StateError(
            f"{action.id} is being sent just now, or care was stopped while it was;"
            " `care deliver` finds out"
        )
    allowed = _MAY.get(action.state, ())
    if verdict not in allowed:
        words = f"; it can be settled as {' or '.join(allowed)}" if allowed else ""
        raise StateError(f"{action.id} is {action.state}{words}")
    journey = store.journey(action.journey)
    assert journey is not None
    if verdict is Settled.RESEND and journey.state is JourneyState.STOPPED:
        raise StateError(
            f"the journey of {action.id} was stopped ({journey.reason}); nothing more of it goes out"
        )


def _write(ledger: Ledger, store: Store, action: Action, verdict: Settled, at: int) -> Action:
    if verdict is Settled.RESEND:
        tried = ledger.one("SELECT max(n) AS n FROM attempts WHERE action = ?", action.id)
        since = tried["n"] or 0 if tried else 0
        row = {"action": action.id, "next_try": 0, "since": since}
        ledger.insert("retries", [row], replace=True, at=at)
        after = replace(action, state=ActionState.DUE, reason=None, closed_at=None, by="")
        store.move(after, at=at)
        return after
    reason = None if verdict is Settled.SENT else action.reason
    after = replace(
        action, state=ActionState(verdict), reason=reason, closed_at=action.closed_at or at
    )
    store.move(after, at=at)
    ledger.drop("retries", {"action": action.id}, at=at)
    store.wake(action.journey, at)
    return after
