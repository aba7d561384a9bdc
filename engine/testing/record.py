"""What the ledger of a story says, asked the way expectations need it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.ledger import Row
from engine.why_not import WhyNot, why_not
from rules.errors import CareError
from rules.testfile import Expected, When

if TYPE_CHECKING:
    from engine.testing.play import Played

__all__ = ["Record"]

#: (reason, rule): either may be "".
Reasons = list[tuple[str, str]]

_ACTIONS = """
SELECT * FROM actions WHERE customer = ? AND playbook = ? ORDER BY opens_at, step, turn, id
"""
_JOURNEYS = "SELECT * FROM journeys WHERE customer = ? AND playbook = ? ORDER BY entry, id"
_DECISIONS = "SELECT * FROM decisions WHERE action = ? AND gate = 'release' ORDER BY run_at, id"
_REFUSED = """
SELECT * FROM decisions WHERE customer = ? AND playbook = ? AND gate = 'start' AND verb <> 'started'
ORDER BY run_at, id
"""
_STOPPED = "SELECT evidence FROM decisions WHERE journey = ? AND gate = 'stop' ORDER BY run_at, id"
_HELD = "SELECT reason, rule FROM decisions WHERE journey = ? AND gate = 'hold' AND verb = 'held'"


class Record:
    """Reads one played story."""

    def __init__(self, played: Played) -> None:
        self.played = played
        self.ledger = played.ledger

    def journeys(self, customer: str, playbook: str) -> list[Row]:
        """Return the journeys of a customer, the oldest entry first."""
        return list(self.ledger.rows(_JOURNEYS, customer, playbook))

    def actions(self, customer: str, playbook: str, step: str | None) -> list[Row]:
        """Return what became of a step, or of all, the earliest opening first."""
        rows = self.ledger.rows(_ACTIONS, customer, playbook)
        return [row for row in rows if step in (None, row["step"])]

    def action_reasons(self, action: Row) -> Reasons:
        """Return why an action was put off, left out or called off."""
        found = [(action["reason"] or "", "")]
        rows = [*self.ledger.rows(_DECISIONS, action["id"])]
        rows += self.ledger.rows(_HELD, action["journey"])
        found += [(row["reason"] or "", row["rule"] or "") for row in rows]
        return [pair for pair in found if any(pair)]

    def start_reasons(self, line: Expected) -> Reasons:
        """Return why the ledger says that nothing began, of the entry that is meant."""
        at = line.get("at")
        when = at.value if at is not None and isinstance(at.value, When) else None
        return [
            (row["reason"] or "", row["rule"] or "")
            for row in self.ledger.rows(_REFUSED, line.customer, line.playbook)
            if when is None or (row["entry"] is not None and when.low <= row["entry"] < when.high)
        ]

    def ends(self, line: Expected) -> Reasons:
        """Return why the journeys ended."""
        rows = self.journeys(line.customer, line.playbook)
        return [(row["reason"], "") for row in rows if row["reason"]]

    def ended_by(self, journey: Row) -> str | None:
        """Return the event that ended a journey."""
        for row in self.ledger.rows(_STOPPED, journey["id"]):
            event = json.loads(row["evidence"]).get("event")
            if event is not None:
                return str(event["name"])
        return None

    def codes(self, line: Expected) -> list[str]:
        """Return the codes of what stands in the way of a start, as ``care why-not`` has them."""
        found = self._why_not(line)
        if isinstance(found, str):
            return []
        return [*dict.fromkeys(one.code for one in (*found.now, *found.recorded))]

    def why_not(self, line: Expected) -> Sequence[str]:
        """Return in a sentence what stands in the way of a start."""
        found = self._why_not(line)
        if isinstance(found, str):
            return [found]
        first = found.first
        if first is None:
            return ["nothing stood in its way"]
        return [f"{first.code.replace('_', ' ')}: {first.words}"]

    def _why_not(self, line: Expected) -> WhyNot | str:
        at = line.get("at")
        when = at.value if at is not None and isinstance(at.value, When) else None
        if not self.played.log.customer_codes([line.customer]):
            return f"nothing is known of {line.customer}"
        moment = self.played.until if when is None else min(self.played.until, when.high - 1)
        try:
            return why_not(
                self.played.project, self.played.log, self.ledger, customer=line.customer,
                playbook=line.playbook, at=moment,
            )  # fmt: skip
        except CareError as error:
            return str(error)
