"""Goals reached by those who were cared for, against those who were held out: one question for both.

Both are looked at in the same way: from the entry on, in the log, whatever the journey did meanwhile.
Occurrences of the hold-out that ``again`` would have refused after an earlier one don't count. Only
goals of events count, since a journey is needed to leave a segment or meet a condition.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice

from engine.ids import canonical_json, recorded_id
from engine.journeys import Journey, halt
from engine.ledger import Row
from engine.reports.report import Period, Source
from engine.revisions import Revisions
from engine.store import journey_of
from engine.words import Reason
from rules.errors import StateError
from rules.evaluate import event_verdict
from rules.history import Event
from rules.playbook import Playbook, Stop
from rules.units import shift

__all__ = ["Trial", "trials"]

_CHUNK = 2_000  #: customers whose histories are read at once

_STARTED = "SELECT * FROM journeys WHERE started_at >= ? AND started_at < ? ORDER BY id"
_HELD_OUT = """
SELECT * FROM decided
WHERE gate = 'start' AND verb = 'refused' AND reason IN (?, ?) AND customer IS NOT NULL
    AND run_at < ? ORDER BY run_at, id
"""


@dataclass(slots=True)
class Trial:
    """What came of one playbook."""

    title: str
    acted: int = 0  #: journeys
    acted_goals: int = 0
    held: int = 0  #: occurrences that the hold-out kept from beginning
    held_goals: int = 0
    journeys: set[str] = field(default_factory=set)  #: those that began
    reached: set[str] = field(default_factory=set)  #: those of them that reached a goal


def trials(source: Source, period: Period) -> dict[str, Trial]:
    """Return what came, as known at T, of the journeys that began in a span and of the hold-out of
    that span, by playbook; of playbooks whose goal is an event.
    """
    revisions = Revisions(source.ledger)
    found: dict[str, Trial] = {}
    for held, book, journey, hit in _judged(source, revisions, period):
        trial = found.setdefault(book.name, Trial(title=book.title or book.name))
        if held:
            trial.held += 1
            trial.held_goals += hit
        else:
            trial.acted += 1
            trial.acted_goals += hit
            trial.journeys.add(journey.id)
            if hit:
                trial.reached.add(journey.id)
    return dict(sorted(found.items()))


def _judged(
    source: Source, revisions: Revisions, period: Period
) -> Iterator[tuple[bool, Playbook, Journey, bool]]:
    """Yield (held out, playbook, journey, reached its goal)."""
    cases: list[tuple[bool, Playbook, Journey]] = []
    before: dict[tuple[str, str], int] = {}  #: entries that count of those held out
    for held, journey in _cases(source, period):
        try:
            book = revisions.get(journey.revision)
        except StateError:
            continue
        if held:
            key = (journey.playbook, journey.customer)
            if not _again(book, before.get(key), journey.entry, source.zone):
                continue
            before[key] = journey.entry
            if journey.started_at < period.since:
                continue
        stops = tuple(stop for stop in book.stops if stop.events is not None)
        if any(stop.goal for stop in stops):
            cases.append((held, replace(book, stops=stops), journey))
    names = {name for _, book, _ in cases for stop in book.stops for name in _names(stop)}
    own = _recorded(source, [journey.id for held, _, journey in cases if not held])
    log, vocabulary = source.log, source.project.vocabulary
    seq = log.max_seq()

    def passes(stop: Stop, event: Event) -> bool:
        assert stop.events is not None
        return event_verdict(stop.events.where, event, vocabulary, at=event.at) is True

    for part in _parts(cases):
        histories = log.histories(
            sorted({journey.customer for _, _, journey in part}), at=source.at, seq=seq,
            vocabulary=vocabulary, kinds=frozenset(names),
        )  # fmt: skip
        for held, book, journey in part:
            mine = own.get(journey.id, frozenset())
            events = [e for e in histories[journey.customer].events if e.id not in mine]
            end = halt(
                book, journey, events, passes, lambda _: None, lambda _: False, at=source.at,
                timezone=source.zone,
            )  # fmt: skip
            yield held, book, journey, end is not None and end.goal is not None


def _again(book: Playbook, last: int | None, entry: int, zone: str) -> bool:
    """Whether ``again`` lets an occurrence begin after the last one that counts.

    Nothing begins for those held out, so the gate refuses none of their later occurrences for that.
    Counted, they would be many of the same few customers, and those in the worst state.
    """
    if last is None or book.again_ever:
        return True
    return book.again is not None and entry >= shift(last, book.again, zone)


def _names(stop: Stop) -> tuple[str, ...]:
    return stop.events.names if stop.events is not None else ()


def _parts(
    cases: Iterable[tuple[bool, Playbook, Journey]],
) -> Iterator[list[tuple[bool, Playbook, Journey]]]:
    ordered = iter(sorted(cases, key=lambda case: (case[2].customer, case[2].id, case[0])))
    while part := list(islice(ordered, _CHUNK)):
        yield part


def _cases(source: Source, period: Period) -> Iterator[tuple[bool, Journey]]:
    for row in source.ledger.rows(_STARTED, period.since, period.until):
        yield False, journey_of(row)
    reasons = (str(Reason.HOLDOUT), str(Reason.HOLDOUT_PROJECT))
    for row in source.ledger.rows(_HELD_OUT, *reasons, period.until):
        yield True, _held_out(source, row)


def _held_out(source: Source, row: Row) -> Journey:
    """Return the journey that would have begun."""
    told = {
        name: source.ledger.chain.told(row["link"], name)
        for name in ("revision", "entry", "evidence")
    }
    evidence, entry = told["evidence"], told["entry"]
    event = evidence.get("event", {}) if isinstance(evidence, dict) else {}
    return journey_of(
        {
            "id": row["id"], "playbook": row["playbook"], "revision": told["revision"],
            "customer": row["customer"], "trigger": row["trigger"],
            "occurrence": row["occurrence"],
            "entry": entry if isinstance(entry, int) else row["run_at"],
            "started_at": row["run_at"], "event": canonical_json(event), "state": "running",
            "ended_at": None, "reason": None, "goal": None,
        }
    )  # fmt: skip


def _recorded(source: Source, journeys: Iterable[str]) -> Mapping[str, frozenset[str]]:
    """Return journey -> ids of the events that it recorded itself: they are no goal of its own."""
    found: dict[str, set[str]] = defaultdict(set)
    rows = source.ledger.rows(
        "SELECT a.id, a.journey FROM json_each(?) j CROSS JOIN actions a ON a.journey = j.value"
        " WHERE a.kind = 'record'",
        canonical_json(list(journeys)),
    )
    for row in rows:
        found[row["journey"]].add(recorded_id(row["id"]))
    return {journey: frozenset(ids) for journey, ids in found.items()}
