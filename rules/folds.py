"""What measures give, in Python: the reference that the SQL must equal."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter
from typing import assert_never

from rules.columns import column
from rules.conditions import All, Always, AnyOf, Compare, Condition, InSegment, Not, SubjectKind
from rules.history import AttributeVersion, Datum, Event, History
from rules.measures import (
    Aggregate,
    Change,
    Changed,
    Events,
    Fold,
    Measure,
    NamedMeasure,
    OpenItems,
    Quantity,
    Ratio,
    TimeTo,
)
from rules.trace import answered
from rules.units import SCALE
from rules.values import (
    Amount,
    Result,
    Shape,
    all_of,
    any_of,
    negated,
    passes,
    shape_of_field,
    valued,
)
from rules.vocabulary import FieldKind, FieldType, Vocabulary
from rules.windows import BEGINNING, bound, month_of

__all__ = ["NEEDS_FIELD", "Parts", "Timeline", "event_verdict", "folded_kinds"]

_VALUE_KINDS: Mapping[Quantity, tuple[FieldKind, ...]] = {
    Quantity.NUMBER: (FieldKind.NUMBER,),
    Quantity.TEXT: (FieldKind.TEXT, FieldKind.WORD),
    Quantity.YES_NO: (FieldKind.YES_NO,),
    Quantity.DATE: (FieldKind.DATE,),
    Quantity.INSTANT: (FieldKind.INSTANT,),
}

#: Folds over a field, not over events as such.
NEEDS_FIELD = (
    Fold.SUM,
    Fold.MEAN,
    Fold.MIN,
    Fold.MAX,
    Fold.DISTINCT,
    Fold.FIRST_VALUE,
    Fold.LAST_VALUE,
)

_ORDER = attrgetter("at", "id", "seq")
_AT = attrgetter("at")


def folded_kinds(fold: Fold, quantity: Quantity) -> tuple[FieldKind, ...]:
    """Return the field kinds that a fold takes; events whose field is of another are passed over."""
    match fold:
        case Fold.SUM | Fold.MEAN | Fold.MIN | Fold.MAX:
            return (FieldKind.NUMBER,)
        case Fold.FIRST_VALUE | Fold.LAST_VALUE:
            return _VALUE_KINDS.get(quantity, ())
        case _:
            return tuple(FieldKind)


@dataclass(frozen=True, slots=True)
class Parts:
    """An amount not yet divided: num / (count * scale).

    The scale is the same in every window, so that a relative change leaves it out.
    """

    num: int
    count: int  #: positive
    scale: int  #: positive


def event_verdict(
    condition: Condition, event: Event, vocabulary: Vocabulary, *, at: int
) -> bool | None:
    """Return whether an event passes a ``where`` at T. Raises ValueError for other subjects."""
    match condition:
        case Always():
            return True
        case All():
            return all_of(event_verdict(p, event, vocabulary, at=at) for p in condition.parts)
        case AnyOf():
            return any_of(event_verdict(p, event, vocabulary, at=at) for p in condition.parts)
        case Not():
            return negated(event_verdict(condition.part, event, vocabulary, at=at))
        case Compare():
            subject = condition.subject
            if subject.kind is not SubjectKind.FIELD:
                raise ValueError(f"where asks of fields only, not of {subject.name}")
            kind = vocabulary.events.get(event.name)
            field = kind.fields.get(subject.name) if kind else None
            value = valued(field.kind, event.fields.get(subject.name)) if field else None
            shape = shape_of_field(field.kind) if field else Shape.NOTHING
            verdict = passes(condition.test, value, shape, at=at, tz=vocabulary.timezone)
            return answered(condition.span, verdict)
        case InSegment():
            raise ValueError("where asks of fields only, not of segments")
        case _:
            assert_never(condition)


class Timeline:
    """One customer's history up to T, indexed by event name, and the measures over it."""

    __slots__ = ("_chosen", "_kinds", "_windows", "at", "history", "tz", "vocabulary")

    def __init__(self, vocabulary: Vocabulary, history: History, *, at: int) -> None:
        self.vocabulary = vocabulary
        self.history = history
        self.at = at
        self.tz = vocabulary.timezone
        self._kinds: dict[str, list[Event]] = {}
        for event in history.events:
            if event.at <= at:
                self._kinds.setdefault(event.name, []).append(event)
        self._chosen: dict[int, tuple[Events, list[Event]]] = {}
        self._windows: dict[tuple[int, int, int], list[Event]] = {}

    # Events

    def select(self, events: Events) -> list[Event]:
        """Return the events that are meant, up to T, ordered by (at, id)."""
        known = self._chosen.get(id(events))
        if known is not None and known[0] is events:
            return known[1]
        held = self.history.kinds
        assert held is None or held.issuperset(events.names), "events that were not read"
        found: list[Event] = []
        for name in events.names:
            found += self._kinds.get(name, ())
        if not isinstance(events.where, Always):
            found = [
                event
                for event in found
                if event_verdict(events.where, event, self.vocabulary, at=self.at)
            ]
        found.sort(key=_ORDER)
        self._chosen[id(events)] = (events, found)  # holding it keeps the id its own
        return found

    def within(self, events: Events, low: int, high: int) -> list[Event]:
        """Return the events that are meant in (low, high]."""
        found = self.select(events)
        first = bisect_right(found, low, key=_AT) if low > BEGINNING else 0
        last = bisect_right(found, high, key=_AT) if high < self.at else len(found)
        return found if first == 0 and last == len(found) else found[first:last]

    def field(self, event: Event, name: str | None) -> FieldType | None:
        """Return the declared type of an event's field."""
        kind = self.vocabulary.events.get(event.name)
        return kind.fields.get(name) if kind is not None and name is not None else None

    def key(self, event: Event, name: str) -> tuple[str, Datum] | None:
        """Return what two events must share to have the same value of a field; None: unknown."""
        field = self.field(event, name)
        value = event.fields.get(name) if field else None
        return None if field is None or value is None else (column(field)[0], value)

    def edges(self, measure: Aggregate | Ratio | TimeTo | OpenItems, step: int) -> tuple[int, int]:
        """Return (low, high] of the window, or of the one ``step`` windows before."""
        high = bound(self.at, measure.window, step, self.tz)
        return bound(self.at, measure.window, step + 1, self.tz), high

    # Measures

    def value(self, named: NamedMeasure) -> Result:
        """Return what a measure gives; None: unknown."""
        found = self.fold(named.measure, 0, named.quantity)
        if not isinstance(found, Parts):
            return found
        scale = found.scale * (named.per_month or 1)
        return Amount(found.num, found.count * scale)

    def fold(
        self, measure: Measure, step: int = 0, quantity: Quantity = Quantity.NUMBER
    ) -> Parts | Datum | None:
        """Return what a measure gives in its window, or ``step`` windows before."""
        match measure:
            case Aggregate():
                return self._aggregate(measure, step, quantity)
            case Ratio():
                whole, part = self._ratio(measure, step)
                return None if whole < max(1, measure.needs or 0) else Parts(part, whole, 1)
            case TimeTo():
                times = self.answered(measure, step)
                if len(times) < max(1, measure.needs or 0):
                    return None
                return Parts(sum(end - start.at for start, end in times), len(times), 1)
            case OpenItems():
                return Parts(len(self.still_open(measure, step)), 1, 1)
            case Changed():
                version = self.last_change(measure.attribute)
                return None if version is None else version.at
            case Change():
                return self._change(measure, step)
            case _:
                assert_never(measure)

    def counted(self, measure: Measure, step: int) -> list[Event]:
        """Return the events that count for ``needs``, in the window ``step`` windows before."""
        match measure:
            case Aggregate():
                return self.folded(measure, step, Quantity.NUMBER)
            case Ratio():
                found = self.within(measure.whole, *self.edges(measure, step))
                same = measure.same
                return found if same is None else [e for e in found if self.key(e, same)]
            case TimeTo():
                return [start for start, _ in self.answered(measure, step)]
            case OpenItems():
                found = self.within(measure.opened, *self.edges(measure, step))
                same = measure.same
                return found if same is None else [e for e in found if self.key(e, same)]
            case Changed():
                return []
            case Change():
                return self.counted(measure.of, step)
            case _:
                assert_never(measure)

    def folded(self, measure: Aggregate, step: int, quantity: Quantity) -> list[Event]:
        """Return the events that an aggregate folds: with the field known, where it has one."""
        kinds = folded_kinds(measure.fold, quantity)
        found = self.within(measure.events, *self.edges(measure, step))
        if measure.fold not in NEEDS_FIELD:
            return found
        kept = []
        for event in found:
            name = measure.fields.get(event.name)
            field = self.field(event, name)
            if field is None or field.kind not in kinds:
                continue
            if event.fields.get(field.name) is not None:
                kept.append(event)
        return kept

    def _held(self, measure: Aggregate, event: Event) -> Datum:
        return event.fields[measure.fields[event.name]]

    def _aggregate(self, measure: Aggregate, step: int, quantity: Quantity) -> Parts | Datum | None:
        fold = measure.fold
        found = self.folded(measure, step, quantity)
        if len(found) < (measure.needs or 0):
            return None
        match fold:
            case Fold.COUNT:
                return Parts(len(found), 1, 1)
            case Fold.DISTINCT:
                keys = {self.key(event, measure.fields[event.name]) for event in found}
                return Parts(len(keys), 1, 1)
            case Fold.MONTHS_WITH:
                return Parts(len({month_of(event.at, self.tz) for event in found}), 1, 1)
            case Fold.SUM:
                return Parts(sum(self._numbers(measure, found)), 1, SCALE)
        if not found:
            return None
        match fold:
            case Fold.MEAN:
                return Parts(sum(self._numbers(measure, found)), len(found), SCALE)
            case Fold.MIN:
                return Parts(min(self._numbers(measure, found)), 1, SCALE)
            case Fold.MAX:
                return Parts(max(self._numbers(measure, found)), 1, SCALE)
            case Fold.FIRST_TIME:
                return found[0].at
            case Fold.LAST_TIME:
                return found[-1].at
            case Fold.FIRST_VALUE | Fold.LAST_VALUE:
                held = self._held(measure, found[0 if fold is Fold.FIRST_VALUE else -1])
                if quantity is not Quantity.NUMBER:
                    return held
                assert isinstance(held, int)
                return Parts(held, 1, SCALE)
            case _:
                assert_never(fold)

    def _numbers(self, measure: Aggregate, found: Sequence[Event]) -> list[int]:
        held = [self._held(measure, event) for event in found]
        return [value for value in held if isinstance(value, int)]

    def _ratio(self, measure: Ratio, step: int) -> tuple[int, int]:
        """Return (whole, part)."""
        whole = self.counted(measure, step)
        if measure.same is None:
            return len(whole), len(self.within(measure.part, *self.edges(measure, step)))
        answered = {self.key(event, measure.same) for event in self.select(measure.part)}
        part = [event for event in whole if self.key(event, measure.same) in answered]
        return len(whole), len(part)

    def answered(self, measure: TimeTo, step: int) -> list[tuple[Event, int]]:
        """Return the starts in the window with the instant of their first end."""
        ends: dict[tuple[str, Datum] | None, list[int]] = {}
        for event in self.select(measure.end):
            key = None if measure.same is None else self.key(event, measure.same)
            if measure.same is None or key is not None:
                ends.setdefault(key, []).append(event.at)
        found = []
        for start in self.within(measure.start, *self.edges(measure, step)):
            key = None if measure.same is None else self.key(start, measure.same)
            if measure.same is not None and key is None:
                continue
            after = ends.get(key, [])
            first = bisect_left(after, start.at)
            if first < len(after):
                found.append((start, after[first]))
        return found

    def still_open(self, measure: OpenItems, step: int) -> list[Event]:
        """Return the opening events that are still open at T, the latest of each value."""
        same = measure.same
        opened = self.counted(measure, step)
        closed = self.select(measure.closed)
        if same is None:
            last = closed[-1].at if closed else BEGINNING
            return [event for event in opened if event.at > last]
        latest = {self.key(event, same): event for event in opened}
        ended = {self.key(event, same): event.at for event in closed}
        return [e for key, e in latest.items() if ended.get(key, BEGINNING) < e.at]

    def _change(self, measure: Change, step: int) -> Parts | None:
        now, before = self.fold(measure.of, step), self.fold(measure.of, step + 1)
        if not isinstance(now, Parts) or not isinstance(before, Parts):
            return None  # an instant or a text has no change
        if measure.needs and len(self.counted(measure.of, step + 1)) < measure.needs:
            return None
        difference = now.num * before.count - before.num * now.count
        if not measure.relative:
            return Parts(difference, now.count * before.count, now.scale)
        if before.num == 0:
            return None
        return Parts(difference, now.count * abs(before.num), 1)

    # Attributes

    def attribute(self, name: str) -> AttributeVersion | None:
        """Return the version of an attribute that holds at T: the last one, else the first."""
        held: AttributeVersion | None = None
        for version in self.history.attributes:
            if version.name == name and (held is None or version.at <= self.at):
                held = version
        return held

    def last_change(self, name: str) -> AttributeVersion | None:
        """Return the version up to T that last changed the known value; None: it never changed."""
        known = [
            version
            for version in self.history.attributes
            if version.name == name and version.at <= self.at and version.value is not None
        ]
        changes = [after for before, after in pairwise(known) if before.value != after.value]
        return changes[-1] if changes else None
