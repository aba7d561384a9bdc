"""What care did becomes events in the log: ``care_started``, ``care_done`` and their like.

Only transitions before T are fed by the run at T, so a second run at T sees the same log.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from engine.ids import recorded_id, sha
from engine.ledger import Ledger
from engine.log import Log
from engine.words import ActionKind, Done, Transition
from rules.history import AttributeVersion, Datum, Event
from rules.vocabulary import Vocabulary

__all__ = ["FEED_SOURCE", "feed"]

FEED_SOURCE = "care"
_FAR = 2_000  #: entries that are read again rather than writing where the cursor is
_BATCH = 50_000  #: events appended at once

_STATES = {
    ("journey", "running"): Done.STARTED,
    ("journey", "stopped"): Done.STOPPED,
    ("action", "sent"): Done.SENT,
    ("action", "handed_over"): Done.SENT,
    ("action", "done"): Done.DONE,
    ("action", "expired"): Done.EXPIRED,
}
_ACTS = (
    ActionKind.TASK,
    ActionKind.MESSAGE,
)  #: kinds of action whose end is an event; ``record`` names its own


def feed(
    ledger: Ledger,
    opened: Callable[[], AbstractContextManager[Log]],
    vocabulary: Vocabulary,
    *,
    at: int,
) -> int:
    """Append what care did before T and return how many events are new. ``opened`` opens the log
    to write; it is called only where there is something to append.

    Repeating it changes nothing: an event's id is made of the subject and the transition. The
    cursor moves after the log has committed.
    """
    cursor = ledger.one("SELECT value FROM cursors WHERE name = 'feed'")
    start = cursor["value"] if cursor else 0
    reached, waiting, added = start, False, 0
    batch: list[tuple[str, Event | AttributeVersion]] = []
    fed = False
    for entry in ledger.chain.entries(after=start):
        if entry.kind not in (Transition.JOURNEY, Transition.ACTION):
            continue
        kind = _STATES.get((entry.kind, entry.body.get("state", "")))
        told = _told(ledger, kind, entry.subject) if kind is not None else None
        if told is not None:
            customer, what = told
            at_of = what[0].at if what else entry.at
            if at_of >= at or entry.at >= at:  # of T itself, also where it tells of earlier
                waiting = True
                continue
            batch += [(customer, item) for item in what]
            if len(batch) >= _BATCH:  # a holiday's greeting to a million is two million events
                added += _append(opened, vocabulary, batch, at=at)
                batch, fed = [], True
        if not waiting:
            reached = entry.n
    if not batch and not fed and reached - start < _FAR:
        return 0
    if batch:
        added += _append(opened, vocabulary, batch, at=at)
    with ledger.transaction():
        ledger.insert("cursors", [{"name": "feed", "value": reached}], replace=True, at=at)
    return added


def _append(
    opened: Callable[[], AbstractContextManager[Log]],
    vocabulary: Vocabulary,
    batch: Sequence[tuple[str, Event | AttributeVersion]],
    *,
    at: int,
) -> int:
    events = [(customer, item) for customer, item in batch if isinstance(item, Event)]
    versions = [(customer, item) for customer, item in batch if isinstance(item, AttributeVersion)]
    with opened() as log:
        added = log.append(events, vocabulary=vocabulary, source=FEED_SOURCE, known_at=at)
        return added + log.append_attributes(
            versions, vocabulary=vocabulary, source=FEED_SOURCE, known_at=at
        )


def _told(
    ledger: Ledger, kind: Done, subject: str
) -> tuple[str, list[Event] | list[AttributeVersion]] | None:
    """Return the customer and what a transition tells the log; None where it tells nothing."""
    if kind in (Done.STARTED, Done.STOPPED):
        row = ledger.one("SELECT * FROM journeys WHERE id = ?", subject)
        assert row is not None
        return row["customer"], [_of_journey(kind, subject, row)]
    row = ledger.one("SELECT * FROM actions WHERE id = ?", subject)
    assert row is not None
    if row["kind"] == ActionKind.SET:
        return row["customer"], [
            AttributeVersion(
                name=name, at=row["closed_at"], value=_datum(value), id=sha(subject, name)[:20]
            )
            for name, value in _values(row).items()
        ]
    if row["kind"] == ActionKind.RECORD:
        fields = {name: _datum(value) for name, value in _values(row).items() if value is not None}
        detail = json.loads(row["detail"])
        event = Event(
            id=recorded_id(subject), name=detail["event"], at=row["closed_at"], fields=fields
        )
        return row["customer"], [event]
    if row["kind"] not in _ACTS or row["host"]:  # done once, however many tasks went with it
        return None
    return row["customer"], [_of_action(kind, subject, row)]


def _of_journey(kind: Done, subject: str, row: Mapping[str, Any]) -> Event:
    fields: dict[str, Datum] = {"playbook": row["playbook"], "journey": subject}
    instant = row["started_at"] if kind is Done.STARTED else row["ended_at"]
    if kind is Done.STOPPED and row["reason"]:
        fields["reason"] = row["reason"]
    return Event(id=sha(subject, kind)[:20], name=str(kind), at=instant, fields=fields)


def _of_action(kind: Done, subject: str, row: Mapping[str, Any]) -> Event:
    fields: dict[str, Datum] = {
        name: row[name] for name in ("playbook", "journey", "step", "channel")
    }
    fields["action"] = subject
    if kind is Done.DONE:
        if row["outcome"]:
            fields["outcome"] = row["outcome"]
        fields |= _asked(row)
    return Event(id=sha(subject, kind)[:20], name=str(kind), at=row["closed_at"], fields=fields)


def _values(row: Mapping[str, Any]) -> Mapping[str, Any]:
    values: Mapping[str, Any] = json.loads(row["detail"])["values"]
    return values


def _datum(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _asked(row: Mapping[str, Any]) -> dict[str, Datum]:
    return json.loads(row["asked"]) if row["asked"] else {}
