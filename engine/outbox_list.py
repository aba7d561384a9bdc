"""What ``care outbox`` shows: messages on their way, and those that a person should look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from engine.channel_states import ChannelState, ChannelStates
from engine.journeys import Action
from engine.ledger import Ledger, Row
from engine.outbox import Outbox
from engine.store import action_of
from engine.switchboard import Switchboard
from engine.waits import Obstacles, Waits
from rules.playbook import Project

__all__ = ["Listed", "Shown", "list_outbox"]


class Shown(StrEnum):
    """What may be asked for."""

    OPEN = "open"  #: on their way, and failed or unknown without a person's word
    WAITING = "waiting"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SENT = "sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One message, with what it waits for and what its channel said last."""

    action: Action
    why: str  #: a word of Waits, or the reason
    next_try: int | None = None  #: wall time
    tries: int = 0
    tried_at: int | None = None  #: wall time
    said: str = ""  #: words of the last answer
    code: str = ""


_LAST = "SELECT n, wall, words, code FROM attempts WHERE action = ? ORDER BY n DESC LIMIT 1"

#: Closed messages; those that a person settled as failed are nobody's business any more.
_CLOSED = """
SELECT * FROM actions a WHERE a.kind = 'message' AND a.state IN ({states})
    AND NOT EXISTS (SELECT 1 FROM settlements s WHERE s.action = a.id AND s.verdict = 'failed')
ORDER BY a.closed_at DESC, a.id
"""


def list_outbox(
    project: Project,
    ledger: Ledger,
    *,
    now: int,
    environ: Mapping[str, str],
    shown: Shown = Shown.OPEN,
    channel: str | None = None,
    customer: str | None = None,
    playbook: str | None = None,
) -> tuple[list[Listed], dict[str, ChannelState]]:
    """Return messages, those on their way first, and the disabled channels by name."""
    states = ChannelStates(ledger)
    found: list[Listed] = []
    if shown in (Shown.OPEN, Shown.WAITING):
        board = Switchboard(project.vocabulary, Path(project.root), environ)
        obstacles = Obstacles(project, states, board, now=now)
        outbox = Outbox(ledger)
        found += [
            _listed(ledger, item.action, Waits.IN_FLIGHT, None) for item in outbox.interrupted()
        ]
        found += [
            _listed(ledger, item.action, str(obstacles.of(item)), item.next_try)
            for item in outbox.waiting()
        ]
    wanted = {
        Shown.OPEN: ("failed", "unknown"), Shown.FAILED: ("failed",), Shown.UNKNOWN: ("unknown",),
        Shown.SENT: ("sent", "handed_over"),
    }.get(shown, ())  # fmt: skip
    if wanted:
        sql = _CLOSED.format(states=", ".join(f"'{word}'" for word in wanted))
        found += [
            _listed(ledger, action_of(row), row["reason"] or row["state"], None)
            for row in list(ledger.rows(sql))
        ]
    asked = {"channel": channel, "customer": customer, "playbook": playbook}
    kept = [
        one
        for one in found
        if all(value is None or getattr(one.action, name) == value for name, value in asked.items())
    ]
    return kept, states.disabled()


def _listed(ledger: Ledger, action: Action, why: str, next_try: int | None) -> Listed:
    last: Row | None = ledger.one(_LAST, action.id)
    if last is None:
        return Listed(action=action, why=why, next_try=next_try)
    return Listed(
        action=action, why=why, next_try=next_try, tries=last["n"], tried_at=last["wall"],
        said=last["words"], code=last["code"],
    )  # fmt: skip
