"""``every``: rhythms by the calendar, from joining a segment, from an event of the customer, by cron.

Of the slots that passed since the last run only the last one counts: it is caught up once.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.candidates import Candidate, Look, Source
from engine.holders import holders, values_of
from engine.members import members
from engine.slots import last_slot, slot_since
from engine.watch import hash_of
from rules.playbook import Every
from rules.units import MICROS, Duration, Unit, day_of, to_iso
from rules.windows import BEGINNING, mark

__all__ = ["from_rhythms"]

_DAY = 86_400 * MICROS
_YEARS_BACK = 60  #: an event further back starts no rhythm any more
_DAYS = {Unit.DAY: 1, Unit.WEEK: 7, Unit.MONTH: 28, Unit.YEAR: 365}  #: at least


def from_rhythms(look: Look, source: Source) -> Iterator[Candidate]:
    """Yield the candidates of a trigger ``every``."""
    every = source.trigger.every
    assert every is not None
    if source.cursor is None:
        return
    if every.since is not None:
        yield from _since(look, source, every, every.since)
    elif every.span is not None:
        yield from _joined(look, source, every)
    else:
        slot = last_slot(every, look.calendar, after=source.cursor.at, upto=look.at)
        if slot is not None:
            for customer in members(look, source.playbook, source.trigger.members):
                yield _candidate(look, source, customer, slot, "")


def _joined(look: Look, source: Source, every: Every) -> Iterator[Candidate]:
    """Rhythms that run from joining: the instants at which people joined are few."""
    assert source.cursor is not None
    hashes = [hash_of(source.playbook, name) for name in source.trigger.members]
    marks = ",".join("?" * len(hashes))
    joined = f"""
        SELECT customer, min(since) AS since FROM membership
        WHERE definition IN ({marks}) AND until IS NULL GROUP BY customer
    """  # noqa: S608  placeholders only
    starts = [
        row["since"]
        for row in look.ledger.rows(f"SELECT DISTINCT since FROM ({joined}) ORDER BY since", *hashes)  # noqa: S608  as above
    ]  # fmt: skip
    for start in starts:
        slot = slot_since(every, start, look.calendar, upto=look.at)
        if slot is None or slot <= source.cursor.at:
            continue
        rows = look.ledger.rows(
            f"SELECT customer FROM ({joined}) WHERE since = ? ORDER BY customer",  # noqa: S608  as above
            *hashes,
            start,
        )
        told = f", from joining at {to_iso(start, look.timezone)}"
        for row in list(rows):
            yield _candidate(look, source, row["customer"], slot, told)


def _since(look: Look, source: Source, every: Every, name: str) -> Iterator[Candidate]:
    """Rhythms that run from an instant of the customer and move with it.

    While a journey of the playbook runs the customer is left in peace; a slot that falls into that
    time waits in ``waiting_slots`` and is caught up after it, unless the instant has moved.
    """
    assert source.cursor is not None
    book, trigger = source.playbook, source.trigger
    catalogue = book.catalogue
    ranges = _ranges(look, every, after=source.cursor.at)
    starts = holders(look, catalogue, name, ranges)
    new = holders(look, catalogue, name, [(BEGINNING, look.at)], since=source.cursor)
    waiting = {
        row["customer"]
        for row in look.ledger.rows(
            "SELECT customer FROM waiting_slots WHERE playbook = ? AND trigger = ?",
            book.name, trigger.path,
        )
    }  # fmt: skip
    codes = look.log.customer_codes(waiting - starts.keys())
    again = values_of(look, catalogue, name, sorted(codes.values()), at=look.at, seq=look.seq)
    by_code = {code: customer for customer, code in codes.items()}
    starts |= {by_code[code]: start for code, start in again.items()}
    due: dict[str, tuple[int, int]] = {}
    for customer, start in sorted((starts | new).items()):
        slot = slot_since(every, start, look.calendar, upto=look.at)
        if slot is None or slot <= source.cursor.live_at:
            continue
        if customer in waiting or customer in new or slot > source.cursor.at:
            due[customer] = (slot, start)
    inside = set(due)
    if due and trigger.members:
        codes = look.log.customer_codes(due)
        inside = set(members(look, book, trigger.members, among=codes.values()))
    busy = _busy(look, source) if due else set()
    for customer in sorted(waiting - due.keys()):
        _forget(look, source, customer)
    for customer, (slot, start) in sorted(due.items()):
        if customer not in inside:
            continue
        seen = customer in waiting or customer in new or customer in busy
        if seen and _decided(look, source, customer, slot):
            _forget(look, source, customer)
        elif customer in busy:
            _remember(look, source, customer)
        else:
            told = f", from {name} at {to_iso(start, look.timezone)}"
            free = _free_since(look, source, customer) if customer in waiting else slot
            yield _candidate(look, source, customer, slot, told, entry=max(slot, free))


def _ranges(look: Look, every: Every, *, after: int) -> list[tuple[int, int]]:
    """Return where the start may lie for some slot to fall into (after, T]; not less than that."""
    span = every.span
    assert span is not None
    # Months clamp, `at` moves within the day, and a clock change within hours.
    pad = 5 * _DAY if span.unit in (Unit.MONTH, Unit.YEAR) else 3 * 3600 * MICROS
    pad += _DAY if every.at is not None else 0
    found: list[tuple[int, int]] = []
    most = _YEARS_BACK * 366 // (span.amount * _DAYS[span.unit]) + 1
    for number in range(1, most + 1):
        total = Duration(span.amount * number, span.unit)
        low = mark(after, total, look.timezone, back=True) - pad
        high = mark(look.at, total, look.timezone, back=True) + pad
        if found and high >= found[-1][0]:
            found[-1] = (low, found[-1][1])
        else:
            found.append((low, high))
    return found[::-1]


def _busy(look: Look, source: Source) -> set[str]:
    """Return the customers with a running journey of the playbook."""
    rows = look.ledger.rows(
        "SELECT DISTINCT customer FROM journeys INDEXED BY journeys_running"
        " WHERE state = 'running' AND playbook = ?",
        source.playbook.name,
    )  # fmt: skip
    return {row["customer"] for row in rows}


def _free_since(look: Look, source: Source, customer: str) -> int:
    """Return when the last journey of the playbook ended: a slot that waited begins then."""
    row = look.ledger.one(
        "SELECT max(ended_at) AS at FROM journeys WHERE customer = ? AND playbook = ?",
        customer, source.playbook.name,
    )  # fmt: skip
    return row["at"] if row and row["at"] is not None else 0


def _decided(look: Look, source: Source, customer: str, slot: int) -> bool:
    row = look.ledger.one(
        "SELECT 1 FROM decided WHERE customer = ? AND playbook = ? AND gate = 'start'"
        " AND trigger = ? AND occurrence = ?",
        customer, source.playbook.name, source.trigger.name, _key(look, slot),
    )  # fmt: skip
    return row is not None


def _remember(look: Look, source: Source, customer: str) -> None:
    row = {"playbook": source.playbook.name, "trigger": source.trigger.path, "customer": customer}
    look.ledger.insert("waiting_slots", [row], replace=True, at=look.at)


def _forget(look: Look, source: Source, customer: str) -> None:
    key = {"playbook": source.playbook.name, "trigger": source.trigger.path, "customer": customer}
    look.ledger.drop("waiting_slots", key, at=look.at)


def _key(look: Look, slot: int) -> str:
    return to_iso(slot, look.timezone)


def _candidate(
    look: Look, source: Source, customer: str, slot: int, told: str, *, entry: int | None = None
) -> Candidate:
    key = _key(look, slot)
    if entry is not None and entry > slot:
        told += f", free since {to_iso(entry, look.timezone)}"
    return Candidate(
        playbook=source.playbook, trigger=source.trigger, customer=customer, occurrence=key,
        entry=slot if entry is None else entry, extra={"date": day_of(slot, look.timezone)},
        moment={"words": f"planned for {key}{told}", "date": day_of(slot, look.timezone)},
    )  # fmt: skip
