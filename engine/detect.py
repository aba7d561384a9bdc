"""Which occurrences of which triggers a run sees for the first time: the candidates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from engine.calendar import WorkingCalendar
from engine.candidates import Candidate, Cursor, Edge, Look, Source
from engine.detect_changes import from_changes
from engine.detect_dates import from_dates, from_holidays
from engine.detect_every import from_rhythms
from engine.detect_manual import forget_requests, from_hand
from engine.detect_missing import from_missing
from engine.feed import FEED_SOURCE
from engine.ids import canonical_json, sha
from engine.ledger import Ledger
from engine.log import Log
from engine.watch import Shift, edge_kind, hash_of
from rules.canonical import digest
from rules.playbook import Existing, Playbook, Trigger, TriggerKind
from rules.units import shift
from rules.vocabulary import Vocabulary

__all__ = ["Candidate", "Cursor", "Edge", "Source", "advance_cursors", "detect", "sources"]

_BEGINNING = -(2**62)  #: before every instant
_EVENTS = (TriggerKind.EVENT, TriggerKind.FIRST)


def sources(ledger: Ledger, playbooks: Iterable[Playbook]) -> list[Source]:
    """Return every trigger of these playbooks with what it has seen.

    A trigger whose definition changed, or whose playbook comes back, has no cursor.
    """
    known = {
        (row["playbook"], row["trigger"]): row for row in ledger.rows("SELECT * FROM triggers")
    }
    found = []
    for book in playbooks:
        for trigger in book.triggers:
            key = _trigger_hash(book, trigger)
            row = known.get((book.name, trigger.path))
            cursor = None
            if row is not None and row["hash"] == key:
                cursor = Cursor(live_at=row["live_at"], at=row["at"], seq=row["seq"])
            edited = row is not None and cursor is None
            found.append(
                Source(playbook=book, trigger=trigger, hash=key, cursor=cursor, edited=edited)
            )
    return found


def _trigger_hash(book: Playbook, trigger: Trigger) -> str:
    parts = [
        trigger.kind,
        trigger.path,
        str(trigger.holds_for),
        canonical_json(digest(trigger.events)),
    ]
    parts += [*trigger.from_values, "|", *trigger.to_values]
    name = trigger.segment or trigger.of_class
    if name:
        parts.append(hash_of(book, name))
    every = trigger.every
    if every is not None and every.span is not None:
        parts += [hash_of(book, member) for member in trigger.members]
    for named in (trigger.date, every.since if every else None):
        if named is not None and named in book.catalogue.measures:
            parts.append(digest(book.catalogue.measures[named]))
    timed = [
        trigger.after, trigger.within, trigger.same, trigger.date, trigger.offset, trigger.back,
        trigger.at, trigger.yearly, trigger.days, every, trigger.attribute,
    ]  # fmt: skip
    return sha(*parts, *(digest(timed) for _ in range(any(timed))))


#: Kind -> what finds its candidates; events and edges are found together, below.
_FINDERS: Mapping[TriggerKind, Callable[[Look, Source], Iterator[Candidate]]] = {
    TriggerKind.MISSING: from_missing,
    TriggerKind.DATE: from_dates,
    TriggerKind.HOLIDAY: from_holidays,
    TriggerKind.EVERY: from_rhythms,
    TriggerKind.CHANGED: from_changes,
    TriggerKind.MANUAL: from_hand,
}


def detect(
    ledger: Ledger,
    log: Log,
    vocabulary: Vocabulary,
    found: Sequence[Source],
    shifts: Sequence[Shift],
    *,
    at: int,
    seq: int,
    calendar: WorkingCalendar,
) -> list[Candidate]:
    """Return the candidates of a run at (T, S), in serving order. Membership is up to date.

    ``shifts`` are this run's: they tell its edges from those of an earlier run at the same T.
    """
    look = Look(
        ledger=ledger, log=log, vocabulary=vocabulary, calendar=calendar, at=at, seq=seq
    )  # fmt: skip
    candidates = list(_from_events(log, vocabulary, found, at=at, seq=seq))
    moved = {
        item.watched.hash: item.entered.keys() | item.left for item in shifts if not item.baseline
    }
    for source in found:
        kind = source.trigger.kind
        if edge_kind(kind):
            edges = _from_edges(ledger, source, at=at, timezone=look.timezone)
            if source.cursor is not None and source.cursor.at == at:
                edges = (one for one in edges if one.customer in moved.get(_watches(source), ()))
            candidates += edges
        elif kind in _FINDERS:
            candidates += _FINDERS[kind](look, source)
    return sorted(candidates, key=lambda candidate: candidate.order)


def _from_events(
    log: Log, vocabulary: Vocabulary, found: Sequence[Source], *, at: int, seq: int
) -> Iterator[Candidate]:
    """One pass over the new events for each distinct cursor."""
    by_cursor: dict[Cursor, list[Source]] = defaultdict(list)
    for source in found:
        if source.cursor is not None and source.trigger.kind in _EVENTS:
            by_cursor[Cursor(live_at=0, at=source.cursor.at, seq=source.cursor.seq)].append(source)
    for cursor, members in by_cursor.items():
        wanted: Mapping[str, list[Source]] = defaultdict(list)
        for source in members:
            assert source.trigger.events is not None
            for name in source.trigger.events.names:
                wanted[name].append(source)
        arrivals = log.events_between(
            sorted(wanted), vocabulary=vocabulary,
            at0=cursor.at, seq0=cursor.seq, at1=at, seq1=seq,
        )  # fmt: skip
        for arrival in arrivals:
            for source in wanted[arrival.event.name]:
                yield Candidate(
                    playbook=source.playbook,
                    trigger=source.trigger,
                    customer=arrival.customer,
                    occurrence=f"{arrival.event.name}:{arrival.source}:{arrival.event.id}",
                    entry=arrival.event.at,
                    event=arrival.event,
                    late=arrival.late and arrival.source != FEED_SOURCE,  # our own come after T
                )


def _from_edges(ledger: Ledger, source: Source, *, at: int, timezone: str) -> Iterator[Candidate]:
    trigger = source.trigger
    name = trigger.segment or trigger.of_class
    assert name is not None
    definition = _watches(source)
    bound = at if trigger.holds_for is None else shift(at, trigger.holds_for, timezone, back=True)
    live = source.cursor.live_at if source.cursor else at
    enrols = source.playbook.existing is Existing.ENROL and not source.edited
    enrolled = source.cursor is None and enrols
    low = _BEGINNING
    if source.cursor is not None:
        low = source.cursor.at if source.cursor.at < at else at - 1
    if trigger.holds_for is not None and source.cursor is not None:
        low = shift(source.cursor.at, trigger.holds_for, timezone, back=True)

    def candidate(customer: str, since: int, before: str | None, after: str | None) -> Candidate:
        edge = Edge(definition=definition, name=name, since=since, before=before, after=after)
        return Candidate(
            playbook=source.playbook, trigger=trigger, customer=customer,
            occurrence=f"{definition[:12]}:{since}", entry=at, edge=edge,
        )  # fmt: skip

    if enrolled:
        if trigger.kind is not TriggerKind.LEAVES:
            for row in ledger.rows(_INSIDE, definition):
                if trigger.kind is TriggerKind.ENTERS or _wanted(trigger, None, row["value"]):
                    yield candidate(row["customer"], row["since"], None, row["value"] or None)
        return
    if source.cursor is None:
        return
    if trigger.kind is TriggerKind.LEAVES:
        for row in ledger.rows(_LEFT, definition, low, bound, live):
            yield candidate(row["customer"], row["until"], row["value"] or None, None)
        return
    for row in ledger.rows(_ENTERED, definition, low, bound, live):
        before = row["before"]
        if trigger.kind is TriggerKind.ENTERS or _wanted(trigger, before, row["value"]):
            yield candidate(row["customer"], row["since"], before, row["value"] or None)


def _watches(source: Source) -> str:
    """Return the hash of the definition on whose edges a trigger fires."""
    name = source.trigger.segment or source.trigger.of_class
    assert name is not None
    return hash_of(source.playbook, name)


def _wanted(trigger: Trigger, before: str | None, after: str) -> bool:
    return (not trigger.from_values or before in trigger.from_values) and (
        not trigger.to_values or after in trigger.to_values
    )


#: Those inside when a playbook with ``existing: enrol`` goes live.
_INSIDE = """
SELECT customer, since, value FROM membership WHERE definition = ? AND until IS NULL
ORDER BY customer
"""

#: Edges into a segment or class value that are old enough now, were not at the cursor, came after
#: the playbook went live, and have not ended since; with the value before, where it bordered.
_ENTERED = """
SELECT m.customer, m.since, m.value,
       (SELECT p.value FROM membership p WHERE p.definition = m.definition
         AND p.customer = m.customer AND p.until = m.since AND p.since < m.since) AS before
FROM membership m
WHERE m.definition = ? AND m.since > ? AND m.since <= ? AND m.since > ?
  AND m.existing = 0 AND m.until IS NULL
ORDER BY m.customer
"""

#: The same for those who left and have not come back.
_LEFT = """
SELECT m.customer, m.until, m.value FROM membership m
WHERE m.definition = ? AND m.until > ? AND m.until <= ? AND m.until > ?
  AND NOT EXISTS (SELECT 1 FROM membership l WHERE l.definition = m.definition
                  AND l.customer = m.customer AND l.since >= m.until AND l.since > m.since)
ORDER BY m.customer
"""


def advance_cursors(
    ledger: Ledger,
    found: Sequence[Source],
    held: frozenset[str],
    broken: frozenset[str],
    *,
    at: int,
    seq: int,
) -> None:
    """Write how far each trigger has looked; a held playbook keeps its place. In a transaction.

    Triggers that are gone, or whose playbook is paused, are forgotten: back again, they take a new
    baseline. Those of a ``broken`` playbook stay where they are until it is mended.
    """
    kept = {(source.playbook.name, source.trigger.path) for source in found}
    for row in list(ledger.rows("SELECT playbook, trigger FROM triggers")):
        if (row["playbook"], row["trigger"]) not in kept and row["playbook"] not in broken:
            ledger.drop("triggers", row, at=at)
    forget_requests(ledger, [source.playbook for source in found], held, at=at)
    for source in found:
        if source.playbook.name in held:
            continue
        live = source.cursor.live_at if source.cursor else at
        ledger.insert(
            "triggers",
            [
                {
                    "playbook": source.playbook.name, "trigger": source.trigger.path,
                    "hash": source.hash, "live_at": live, "at": at, "seq": seq,
                }
            ],
            replace=True,
        )  # fmt: skip
