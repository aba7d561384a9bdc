"""The outbox: messages on their way. Each of their moves is written here, with its audit entry.

A message is ``due``; its ``intent`` is committed before its channel is asked; the answer makes it
``sent``, ``handed_over``, ``failed`` or ``unknown``, or due again where it surely did not arrive.
Where it may have arrived and may go out again it stays an ``intent``, with a time for its next try.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from engine.channels.kinds import Answer, Verdict
from engine.journeys import Action
from engine.ledger import Ledger, Row
from engine.store import Decision, Store, action_of
from engine.tries import LONGEST, After
from engine.words import ActionState, Reason, Verb
from rules.units import MICROS

__all__ = ["ABOUT_NOW", "NO_ANSWER", "Begun", "No", "Outbox", "Waiting"]

NO_ANSWER = Answer(
    verdict=Verdict.UNKNOWN, words="care was stopped before the answer could be recorded"
)
ABOUT_NOW = 3600 * MICROS  #: a run whose T is further from the clock is not about the present

_SOME = "SELECT 1 FROM actions WHERE state IN ('due', 'intent') AND kind = 'message' LIMIT 1"

#: Messages on their way, those that were never tried first: a poison item must not starve the rest.
_WAITING = """
SELECT a.*, r.next_try, r.since, j.revision, j.trigger, j.occurrence, j.entry,
    (SELECT max(t.n) FROM attempts t WHERE t.action = a.id) AS tried,
    EXISTS (SELECT 1 FROM attempts t WHERE t.action = a.id AND t.verdict = 'unknown') AS doubt,
    EXISTS (SELECT 1 FROM runs u WHERE u.at = a.opened_at AND abs(u.wall - u.at) <= ?) AS live,
    EXISTS (SELECT 1 FROM holds h WHERE h.journey = a.journey AND h.until IS NULL) AS held
FROM actions a JOIN journeys j ON j.id = a.journey LEFT JOIN retries r ON r.action = a.id
WHERE a.kind = 'message' AND a.state IN ('due', 'intent')
    AND NOT (a.state = 'intent' AND EXISTS (
        SELECT 1 FROM attempts t WHERE t.action = a.id AND t.verdict IS NULL))
ORDER BY tried IS NOT NULL, a.priority DESC, a.due_by, a.id
"""

#: Messages whose process died between the intent and the record of the answer.
_INTERRUPTED = """
SELECT a.*, t.n AS tried, r.since, j.revision, j.trigger, j.occurrence, j.entry,
    EXISTS (SELECT 1 FROM attempts u WHERE u.action = a.id AND u.verdict = 'unknown') AS doubt
FROM actions a JOIN journeys j ON j.id = a.journey
JOIN attempts t ON t.action = a.id AND t.verdict IS NULL
LEFT JOIN retries r ON r.action = a.id
WHERE a.kind = 'message' AND a.state = 'intent' ORDER BY a.id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One message on its way."""

    action: Action
    revision: str  #: of its journey; so are trigger, occurrence and entry
    trigger: str
    occurrence: str
    entry: int
    tried: int = 0  #: tries in all
    since: int = 0  #: tries before a person let it begin anew
    doubt: bool = False  #: an earlier try may have arrived
    next_try: int | None = None  #: wall time
    live: bool = True  #: decided by a run about its own present
    held: bool = False  #: a house rule holds its journey

    @property
    def tries(self) -> int:
        """Tries that count towards the most that it may have."""
        return self.tried - self.since

    def early(self, now: int) -> bool:
        """True before its next try. A wait that is too long shows a clock that went back."""
        return self.next_try is not None and now < self.next_try <= now + LONGEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A message whose intent is committed."""

    waiting: Waiting
    n: int  #: number of this try


@dataclass(frozen=True, slots=True, kw_only=True)
class No:
    """What stands against a message that was decided: it is not sent after all."""

    reason: Reason
    rule: str | None
    place: str
    words: str


class Outbox:
    """Reads and moves the messages of one ledger. Writes need the caller's transaction."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.store = Store(ledger)

    # -- reading --------------------------------------------------------------------------------

    def empty(self) -> bool:
        """True when nothing is on its way."""
        return self.ledger.one(_SOME) is None

    def waiting(self) -> list[Waiting]:
        """Return the messages on their way, in the order in which they are sent."""
        return [_waiting(row) for row in self.ledger.rows(_WAITING, ABOUT_NOW)]

    def interrupted(self) -> list[Waiting]:
        """Return the messages of which nobody recorded the answer."""
        return [_waiting(row) for row in self.ledger.rows(_INTERRUPTED)]

    # -- moving ---------------------------------------------------------------------------------

    def begin(self, items: Iterable[Waiting], *, now: int, moment: int) -> list[Begun]:
        """Write the intents of messages; those that somebody closed meanwhile are left out."""
        begun = []
        for item in items:
            row = self.ledger.one("SELECT state FROM actions WHERE id = ?", item.action.id)
            if row is None or row["state"] != item.action.state:
                continue
            n, at = item.tried + 1, _stamp(item, moment)
            attempt = {
                "action": item.action.id, "n": n, "wall": now, "verdict": None, "words": "",
                "code": "",
            }  # fmt: skip
            self.ledger.insert("attempts", [attempt], at=at)
            intent = replace(item.action, state=ActionState.INTENT)
            self.store.move(intent, at=at)
            begun.append(Begun(waiting=replace(item, action=intent), n=n))
        return begun

    def put_back(self, begun: Iterable[Begun], *, moment: int) -> None:
        """Write that channels were not asked after all: the intents are taken back."""
        for one in begun:
            item = one.waiting
            at = _stamp(item, moment)
            self.ledger.drop("attempts", {"action": item.action.id, "n": one.n}, at=at)
            if not item.doubt:
                self.store.move(replace(item.action, state=ActionState.DUE), at=at)

    def answered(
        self,
        one: Begun,
        answer: Answer,
        after: After,
        *,
        next_try: int | None,
        moment: int,
        digest: str = "",
    ) -> None:
        """Write a channel's answer and what it makes of a message; ``next_try``: wall time before
        which it is not tried again.
        """
        item, action = one.waiting, one.waiting.action
        heard = {"verdict": str(answer.verdict), "words": answer.words, "code": answer.code}
        at = _stamp(item, moment)
        self.ledger.change("attempts", {"action": action.id, "n": one.n}, heard, at=at)
        if not after.waits:
            by = f"digest {digest}" if digest else action.by
            self._close(replace(action, by=by), after, at=at)
            return
        if next_try is not None:
            row = {"action": action.id, "next_try": next_try, "since": item.since}
            self.ledger.insert("retries", [row], replace=True, at=at)
        self.store.move(replace(action, state=after.state), at=at)

    def _close(self, action: Action, after: After, *, at: int) -> None:
        closed = replace(action, state=after.state, reason=after.reason, closed_at=at)
        self.store.move(closed, at=at)
        self.ledger.drop("retries", {"action": action.id}, at=at)
        self.store.wake(action.journey, at)

    def withdraw(self, item: Waiting, no: No, *, moment: int) -> None:
        """Write that a message is not sent after all, with the decision that says why."""
        action = item.action
        row = self.ledger.one("SELECT state FROM actions WHERE id = ?", action.id)
        if row is None or row["state"] != action.state:
            return
        at = _stamp(item, moment)
        self.store.decide(
            Decision(
                run_at=at, gate="deliver", playbook=action.playbook, revision=item.revision,
                customer=action.customer, trigger=item.trigger, occurrence=item.occurrence,
                verb=Verb.SKIPPED, entry=item.entry, reason=no.reason, rule=no.rule,
                place=no.place, journey=action.journey, action=action.id,
                evidence={"notes": [no.words], "channel": action.channel},
            )
        )  # fmt: skip
        state = ActionState.UNKNOWN if item.doubt else ActionState.SKIPPED
        self._close(action, After(state=state, reason=no.reason), at=at)


def _waiting(row: Row) -> Waiting:
    return Waiting(
        action=action_of(row), revision=row["revision"], trigger=row["trigger"],
        occurrence=row["occurrence"], entry=row["entry"], tried=row["tried"] or 0,
        since=row["since"] or 0, doubt=bool(row["doubt"]), next_try=row.get("next_try"),
        live=bool(row.get("live", 1)), held=bool(row.get("held", 0)),
    )  # fmt: skip


def _stamp(item: Waiting, moment: int) -> int:
    """Return the instant of a message's move. What goes out without a wait goes out at T of its
    run, so that a run that was cut and taken up again writes what an undisturbed one writes.
    """
    opened = item.action.opened_at or item.action.opens_at
    return opened if item.next_try is None else max(opened, moment)
