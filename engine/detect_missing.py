"""``missing``: what should have come after an event and did not, once its time is over.

The entry is the end of that time. An answer that comes later changes nothing, and neither does one
that is imported after the run that has decided.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from engine.calendar import WorkingCalendar
from engine.candidates import Candidate, Look, Source
from engine.moments import last_before
from rules.playbook import Trigger
from rules.units import MICROS, Duration, Unit, day_of, shift, to_iso

__all__ = ["deadline_of", "from_missing"]

_DAY = 86_400 * MICROS
_FEWEST = {Unit.MONTH: 28, Unit.YEAR: 365}  #: days that one has at least
_MOST = {Unit.MONTH: 31, Unit.YEAR: 366, Unit.WORKING_DAY: 3, Unit.WORKING_HOUR: 3}


def from_missing(look: Look, source: Source) -> Iterator[Candidate]:
    """Yield the candidates of a trigger ``missing``."""
    trigger, cursor = source.trigger, source.cursor
    within = trigger.within
    assert trigger.events is not None
    assert trigger.after is not None
    assert within is not None
    if cursor is None:
        return
    deadline = deadline_of(within, look.calendar)
    # Deadlines grow with the events: those up to T belong to the events up to one instant.
    reach = _longest(within) + (look.at - cursor.at)
    passed = last_before(deadline, cursor.at, look.at - reach, look.at)
    upto = last_before(deadline, look.at, look.at - reach, look.at)
    asked = {"after": passed, "upto": upto, "seq0": cursor.seq, "least": _shortest(within)}
    open_ones = {
        seq: at
        for seq, at, first in _unanswered(look, trigger, **asked)
        if first is None or first > deadline(at)
    }
    for arrival in look.log.events_of(open_ones, vocabulary=look.vocabulary) if open_ones else ():
        event = arrival.event
        end = deadline(event.at)
        yield Candidate(
            playbook=source.playbook, trigger=trigger, customer=arrival.customer,
            occurrence=f"{event.name}:{arrival.source}:{event.id}", entry=end, event=event,
            late=end <= cursor.at and event.seq > cursor.seq,
            moment={"words": _words(trigger, end, look.timezone)},
        )  # fmt: skip


def _unanswered(
    look: Look, trigger: Trigger, *, after: int, upto: int, seq0: int, least: int
) -> Sequence[tuple[Any, ...]]:
    """Return (seq, instant, first answer or None) of the events whose time is over by now; some of
    those that were answered in time may be left out.
    """
    assert trigger.events is not None
    assert trigger.after is not None
    what = (look.vocabulary, trigger.after, trigger.events, trigger.same)
    if look.log.questions is not None:
        rows = look.log.questions.unanswered(*what, at=look.at, seq=look.seq)
        return [row for row in rows if row[1] <= upto and (row[1] > after or row[0] > seq0)]
    from rules.sql import compile_unanswered  # noqa: PLC0415  slow

    asked = compile_unanswered(*what)
    binds = asked.binds(
        look.at, look.seq, look.log.codes(), after=after, upto=upto, seq0=seq0, least=least
    )
    return look.log.query(asked.sql(), binds)


def deadline_of(within: Duration, calendar: WorkingCalendar) -> Callable[[int], int]:
    """Return the function: time of an event -> the end of the time that its answer has.

    Working days end at the close of hours of the last one, as ``due: within`` does.
    """

    def deadline(instant: int) -> int:
        if within.unit is Unit.WORKING_DAY:
            day = calendar.add_working_days(day_of(instant, calendar.timezone), within.amount)
            return max(instant, calendar.closing(day))
        if within.unit is Unit.WORKING_HOUR:
            return calendar.advance(instant, within.amount * 3600 * MICROS)
        return shift(instant, within, calendar.timezone)

    return deadline


def _shortest(within: Duration) -> int:
    """Return microseconds that pass at least until the deadline."""
    if within.exact:
        return within.seconds * MICROS
    if within.unit is Unit.WORKING_HOUR:
        return within.amount * 3600 * MICROS
    return max(0, within.amount * _FEWEST.get(within.unit, 1) - 2) * _DAY


def _longest(within: Duration) -> int:
    """Return microseconds that pass at most until the deadline."""
    if within.exact:
        return within.seconds * MICROS
    return (within.amount * _MOST[within.unit] + 60) * _DAY


def _words(trigger: Trigger, end: int, tz: str) -> str:
    assert trigger.events is not None
    tied = f" with the same {trigger.same}" if trigger.same else ""
    missed = " or ".join(trigger.events.names)
    return f"no {missed}{tied} by {to_iso(end, tz)}, {trigger.within} after the event"
