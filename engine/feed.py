"""What care did becomes events in the log: ``care_started``, ``care_done`` and their like.

Only transitions before T are fed by the run at T, so a second run at T sees the same log.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.ids import sha
from engine.ledger import Ledger
from engine.log import open_log
from engine.words import Done
from rules.history import Datum, Event
from rules.vocabulary import Vocabulary

__all__ = ["FEED_SOURCE", "feed"]

FEED_SOURCE = "care"

#: Journeys and actions whose entry in the chain lies behind the cursor.
_NEW = """
SELECT a.n, a.at, a.kind, a.subject, a.body FROM audit a
WHERE a.n > ? AND a.kind IN ('journey', 'action') ORDER BY a.n
"""

_STATES = {
    ("journey", "running"): Done.STARTED,
    ("journey", "stopped"): Done.STOPPED,
    ("action", "sent"): Done.SENT,
    ("action", "done"): Done.DONE,
    ("action", "expired"): Done.EXPIRED,
}


def feed(ledger: Ledger, log_path: Path, vocabulary: Vocabulary, *, at: int) -> int:
    """Append what care did before T and return how many events are new.

    Repeating it changes nothing: an event's id is made of the subject and the transition. The
    cursor moves after the log has committed.
    """
    cursor = ledger.one("SELECT value FROM cursors WHERE name = 'feed'")
    start = cursor["value"] if cursor else 0
    events: list[tuple[str, Event]] = []
    reached, waiting = start, False
    for row in ledger.rows(_NEW, start):
        kind = _STATES.get((row["kind"], json.loads(row["body"]).get("state", "")))
        if kind is not None:
            customer, event = _event(ledger, kind, row["subject"])
            if event.at >= at or row["at"] >= at:  # of T itself, also where it tells of earlier
                waiting = True
                continue
            events.append((customer, event))
        if not waiting:
            reached = row["n"]
    if not events and reached == start:
        return 0
    added = 0
    if events:
        with open_log(log_path, writable=True) as log:
            added = log.append(events, vocabulary=vocabulary, source=FEED_SOURCE, known_at=at)
    with ledger.transaction():
        ledger.execute(
            "INSERT INTO cursors (name, value) VALUES ('feed', ?)"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            reached,
        )
    return added


def _event(ledger: Ledger, kind: Done, subject: str) -> tuple[str, Event]:
    if kind in (Done.STARTED, Done.STOPPED):
        row = ledger.one("SELECT * FROM journeys WHERE id = ?", subject)
        assert row is not None
        fields: dict[str, Datum] = {"playbook": row["playbook"], "journey": subject}
        instant = row["started_at"] if kind is Done.STARTED else row["ended_at"]
        if kind is Done.STOPPED and row["reason"]:
            fields["reason"] = row["reason"]
    else:
        row = ledger.one("SELECT * FROM actions WHERE id = ?", subject)
        assert row is not None
        fields = {
            name: row[name] for name in ("playbook", "journey", "step", "channel")
        }  # fmt: skip
        fields["action"] = subject
        instant = row["closed_at"]
        if kind is Done.DONE:
            if row["outcome"]:
                fields["outcome"] = row["outcome"]
            fields |= _asked(row)
    event_id = sha(subject, kind)[:20]
    return row["customer"], Event(id=event_id, name=str(kind), at=instant, fields=fields)


def _asked(row: Mapping[str, Any]) -> dict[str, Datum]:
    return json.loads(row["asked"]) if row["asked"] else {}
