"""Journeys under hold: what a house rule with ``then: hold`` keeps from going on.

While it holds nothing of a journey is released and its clocks stand. When the rule no longer
matches, what was planned moves by the length of the pause. Stops and goals act meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from engine.journeys import Action
from engine.ledger import Ledger, Row
from engine.words import ActionState

__all__ = ["LATEST", "Hold", "Holds", "hold_of", "moved_by", "on_hold"]

LATEST = 253_402_300_799_000_000  #: the end of the year 9999: nothing is due later

#: From the holds, which are few, to their journeys.
_OF_RUNNING = """
SELECT h.* FROM holds h CROSS JOIN journeys j ON j.id = h.journey
WHERE j.state = 'running' ORDER BY h.since, h.rule
"""

#: The journey came to its end under hold, by a stop or a goal.
_OVER = """
SELECT h.journey, h.since, h.rule, j.ended_at FROM holds h JOIN journeys j ON j.id = h.journey
WHERE h.until IS NULL AND j.state <> 'running'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """One pause of one journey, [since, until); ``until`` None: it lasts."""

    journey: str
    since: int
    until: int | None
    rule: str
    place: str


class Holds:
    """The holds of running journeys, read from the ledger once a run and kept up to date."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._of: dict[str, list[Hold]] | None = None

    def held(self, journey: str) -> bool:
        """Return whether a journey is under hold now."""
        return self.now(journey) is not None

    def now(self, journey: str) -> Hold | None:
        """Return the hold that lasts, None where there is none."""
        found = self._known().get(journey)
        return found[-1] if found and found[-1].until is None else None

    def lasting(self) -> Mapping[str, Hold]:
        """Return every hold that lasts, by journey."""
        return {
            journey: found[-1]
            for journey, found in self._known().items()
            if found[-1].until is None
        }

    def clock(self, journey: str, instant: int) -> int | None:
        """Return the instant from which a clock counts that would start at this one.

        Within a hold that is the end of it; None while the hold lasts.
        """
        moment: int | None = instant
        for hold in self._known().get(journey, ()):
            if moment is not None and hold.since <= moment:
                if hold.until is None:
                    moment = None
                elif moment < hold.until:
                    moment = hold.until
        return moment

    def moved(self, journey: str, since: int, until: int) -> int:
        """Return an instant that was planned at ``since``, moved by the pauses that came before it."""
        for hold in self._known().get(journey, ()):
            if hold.until is not None and since < hold.since <= until:
                until += hold.until - hold.since
        return until

    def begin(self, hold: Hold) -> None:
        """Write that a hold begins."""
        row = {
            "journey": hold.journey, "since": hold.since, "until": None, "rule": hold.rule,
            "place": hold.place,
        }  # fmt: skip
        self.ledger.insert(
            "holds", [row], replace=True, at=hold.since
        )  # again at one T, after a late import
        known = self._known().setdefault(hold.journey, [])
        known[:] = [one for one in known if (one.since, one.rule) != (hold.since, hold.rule)]
        known.append(hold)

    def end(self, hold: Hold, *, at: int) -> None:
        """Write that a hold ends."""
        key = {"journey": hold.journey, "since": hold.since, "rule": hold.rule}
        self.ledger.change("holds", key, {"until": at}, at=at)
        known = self._known()[hold.journey]
        known[known.index(hold)] = replace(hold, until=at)

    def drop_ended(self) -> None:
        """Close the holds of journeys that came to their end meanwhile."""
        for row in list(self.ledger.rows(_OVER)):
            key = {name: row[name] for name in ("journey", "since", "rule")}
            self.ledger.change("holds", key, {"until": max(row["since"], row["ended_at"])})

    def _known(self) -> dict[str, list[Hold]]:
        if self._of is None:
            self._of = {}
            for row in self.ledger.rows(_OF_RUNNING):
                self._of.setdefault(row["journey"], []).append(_hold(row))
            for found in self._of.values():  # the one that lasts is the last
                found.sort(key=lambda one: (one.since, one.until is None, one.until or 0))
        return self._of


def hold_of(ledger: Ledger, journey: str) -> Hold | None:
    """Return the hold under which a journey is now, None where there is none."""
    row = ledger.one("SELECT * FROM holds WHERE journey = ? AND until IS NULL", journey)
    return None if row is None else _hold(row)


def on_hold(ledger: Ledger) -> dict[str, int]:
    """Return playbook -> how many of its running journeys are under hold."""
    rows = ledger.rows(
        "SELECT j.playbook, count(*) AS n FROM holds h JOIN journeys j ON j.id = h.journey"
        " WHERE h.until IS NULL AND j.state = 'running' GROUP BY j.playbook ORDER BY j.playbook"
    )
    return {row["playbook"]: row["n"] for row in rows}


def _hold(row: Row) -> Hold:
    return Hold(
        journey=row["journey"], since=row["since"], until=row["until"], rule=row["rule"],
        place=row["place"],
    )  # fmt: skip


def moved_by(actions: Iterable[Action], pause: int) -> list[tuple[Action, Action]]:
    """Return (before, after) of the actions that a pause moves: planned ones, and what is due."""
    found = []
    for action in actions:
        if action.state not in (ActionState.PLANNED, ActionState.OPEN):
            continue
        after = replace(action, due_by=min(action.due_by + pause, max(action.due_by, LATEST)))
        if action.state is ActionState.PLANNED:
            after = replace(after, opens_at=min(action.opens_at + pause, LATEST))
        if after != action:
            found.append((action, after))
    return found
