"""When the runs of a story are, and which of them have anything to do.

Cron runs every hour, and at most hours nothing can happen. Such a run is left out where nothing is
new, nobody is to be woken, and no boundary of time passes anything that is known.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from engine.drafts import Draft
from engine.ledger import Row
from engine.slots import last_slot, slot_since
from engine.testing.memory_log import MemoryLog
from engine.testing.thresholds import Thresholds, thresholds_of
from engine.watch import hash_of
from engine.words import Transition
from rules.playbook import Playbook, Project, Trigger, TriggerKind
from rules.testfile import Case, Occurs, Sets
from rules.units import MICROS, day_of, day_start, shift

__all__ = ["Pace"]

_MINUTE = 60 * MICROS
_DAY = 1440 * _MINUTE


_WAKE = "SELECT min(next_at) AS at FROM journeys WHERE state = 'running'"
_DEFERRED = "SELECT min(until) AS at FROM decided WHERE open = 1"
_WAITING = "SELECT 1 FROM waiting_slots LIMIT 1"
_HELD = "SELECT 1 FROM triggers WHERE at <> ? LIMIT 1"
_SPELLS = "SELECT since, until FROM membership WHERE definition = ?"
_TOLD = (Transition.JOURNEY, Transition.ACTION)


class Pace:
    """The runs of one test. Tell it of each run that is made."""

    def __init__(self, stage: Project, case: Case) -> None:
        self.stage, self.case = stage, case
        self.zone = stage.vocabulary.timezone
        self.thresholds: Thresholds = thresholds_of(stage)
        self.last: int | None = None  #: T of the last run that was made
        self.before: int | None = None  #: T of the last run that cron made, left out or not
        self.wake: int | None = None  #: when the next journey or deferral comes back
        self.pending = True  #: what the last run did may be news to the next one
        self._n = 0
        self._seq = -1
        self._marks: list[int] = []
        late = [
            one.arrives
            for one in case.happenings
            if isinstance(one, Occurs | Sets)
            # Dates are told apart by whether the run before has looked at them.
            and (one.arrives > one.at or self.thresholds.dates)
        ]
        self._late = sorted(late)

    def moments(self) -> Iterator[int]:
        """Yield T of every run: going live, then as cron does, up to the first at or after ``until``."""
        case, rhythm = self.case, self.case.rhythm
        first = min((one.at for one in case.happenings), default=case.live or 0)
        live = case.live
        if live is None:
            live = self._before(first)
        yield live
        if rhythm.moments:
            yield from (one for one in rhythm.moments if one > live)
            return
        at = live
        while at < case.until:
            at = self._next(at)
            yield at

    def _before(self, instant: int) -> int:
        """Return the last run that lies before an instant."""
        rhythm = self.case.rhythm
        if rhythm.moments:
            return rhythm.moments[0] if rhythm.moments[0] < instant else instant - _MINUTE
        if rhythm.at is not None:
            day = day_of(instant, self.zone)
            found = day_start(day, self.zone, at=rhythm.at)
            return found if found < instant else day_start(day - 1, self.zone, at=rhythm.at)
        step = rhythm.every.seconds * MICROS
        midnight = day_start(day_of(instant, self.zone), self.zone)
        return midnight + (instant - midnight - 1) // step * step

    def _next(self, at: int) -> int:
        """Return the run after one."""
        rhythm = self.case.rhythm
        if rhythm.at is None:
            return at + rhythm.every.seconds * MICROS
        day = day_of(at, self.zone)
        found = day_start(day, self.zone, at=rhythm.at)
        return (
            found if found > at else day_start(day + rhythm.every.amount, self.zone, at=rhythm.at)
        )

    # -- which of them matter ------------------------------------------------------------------

    def matters(self, log: MemoryLog, ledger: Draft, at: int) -> bool:
        """Tell whether a run at T may do anything that one without it would not."""
        before, self.before = self.before, at
        if self.last is None or before is None or self.thresholds.always or self.pending:
            return True
        if self.wake is not None and self.wake <= at:
            return True
        if self._late and self._next_late(at):
            return True
        if log.max_seq() != self._seq:
            self._seq = log.max_seq()
            upto = self.case.until + 2 * _DAY
            self._marks = self.thresholds.marks(log, at, after=before, upto=upto)
        if bisect_right(self._marks, before) < bisect_right(self._marks, at):
            return True
        return any(
            self._fires(log, ledger, book, trigger, before, at)
            for book, trigger in self.thresholds.timed
        )

    def _next_late(self, at: int) -> bool:
        """Tell whether something arrives late before the next run: this one has to have looked."""
        moments = self.case.rhythm.moments
        after = next((one for one in moments if one > at), None) if moments else self._next(at)
        return after is not None and any(at < one <= after for one in self._late)

    def _fires(
        self, log: MemoryLog, ledger: Draft, book: Playbook, trigger: Trigger, after: int, upto: int
    ) -> bool:
        every = trigger.every
        if trigger.kind is TriggerKind.EVERY and every is not None:
            calendar = self.thresholds.calendar
            if every.span is None:
                return last_slot(every, calendar, after=after, upto=upto) is not None
            if every.since is not None:
                starts = set(self.thresholds.values(log, book, every.since, upto).values())
            else:
                spells = (self._spells(ledger, book, name) for name in trigger.members)
                starts = {row["since"] for rows in spells for row in rows}
            slots = (slot_since(every, one, calendar, upto=upto) for one in starts)
            return any(slot is not None and slot > after for slot in slots)
        if trigger.kind is TriggerKind.HOLIDAY:
            return bool(self.thresholds.moments[id(trigger)].days(after, upto))
        name = trigger.segment or trigger.of_class
        if trigger.holds_for is None or name is None:
            return False
        instants = (
            instant
            for row in self._spells(ledger, book, name)
            for instant in (row["since"], row["until"])
            if instant is not None
        )
        return any(after < shift(one, trigger.holds_for, self.zone) <= upto for one in instants)

    def _spells(self, ledger: Draft, book: Playbook, name: str) -> list[Row]:
        return list(ledger.rows(_SPELLS, hash_of(book, name)))

    def ran(self, ledger: Draft, at: int) -> None:
        """Take note of a run at T."""
        self.last = self.before = at
        found = [row["at"] for sql in (_WAKE, _DEFERRED) for row in ledger.rows(sql)]
        self.wake = min((one for one in found if one is not None), default=None)
        told = [entry.kind in _TOLD for entry in ledger.chain.entries(after=self._n)]
        self._n += len(told)
        self.pending = self.thresholds.hears_itself and any(told)
        more = ledger.one(_HELD, at) or ledger.one(_WAITING)
        self.pending = self.pending or more is not None
