"""The instants at which time alone may change what a project decides.

Of every boundary that moves with T (``rules.edges``) and everything known that it can pass, the
instants are listed; those of months and days a little too many, never one too few.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from engine.calendar import WorkingCalendar
from engine.detect_missing import deadline_of
from engine.holders import kept
from engine.moments import Kept, Moments
from engine.testing.memory_log import MemoryLog
from rules.conditions import All, AnyOf, Compare, Condition, Not, SubjectKind
from rules.edges import (
    AttributeEdge,
    ChangeEdge,
    Edge,
    FieldEdge,
    Place,
    TimeEdge,
    WindowEdge,
    edges,
)
from rules.measures import Catalogue, Segment
from rules.mentions import event_names
from rules.playbook import (
    AnchorKind,
    Playbook,
    Project,
    Record,
    Set,
    Trigger,
    TriggerKind,
    walk,
)
from rules.units import MICROS, Duration, day_of, day_start, to_local
from rules.vocabulary import BUILT_IN_EVENTS, FieldKind, Vocabulary
from rules.windows import BEGINNING, END, mark

__all__ = ["Thresholds", "thresholds_of"]

_HOUR = 3600 * MICROS
_TIMED = (TriggerKind.EVERY, TriggerKind.HOLIDAY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """What there is to watch in one project."""

    vocabulary: Vocabulary
    calendar: WorkingCalendar
    boundaries: tuple[Edge, ...]
    timed: tuple[tuple[Playbook, Trigger], ...]  #: that fire by the calendar or after a while
    moments: dict[int, Moments]  #: of dates and holidays, by the id of the trigger
    answers: tuple[Trigger, ...]  #: ``missing``
    dates: tuple[tuple[Playbook, Trigger], ...]  #: ``date``
    always: bool  #: something can't be foreseen: every run is made
    hears_itself: bool  #: what care does may be news to a playbook
    kept: dict[tuple[object, int], tuple[int, ...]] = field(default_factory=dict)

    def marks(self, log: MemoryLog, at: int, *, after: int, upto: int) -> list[int]:
        """Return the instants at which something known at T is passed: the first run from there on
        has to be made. Of dates those in (after, upto].
        """
        found: set[int] = set()
        for edge in self.boundaries:
            for value in set(_values(self.vocabulary, log, edge)):
                key: tuple[object, int] = (edge, value)
                if key not in self.kept:
                    self.kept[key] = tuple(_passes(edge, value, self.vocabulary.timezone))
                found.update(self.kept[key])
        for trigger in self.answers:
            assert trigger.after is not None
            assert trigger.within is not None
            deadline = deadline_of(trigger.within, self.calendar)
            for one in _events(log, trigger.after.names):
                key = (id(trigger), one)
                if key not in self.kept:
                    self.kept[key] = (deadline(one),)
                found.update(self.kept[key])
        for book, trigger in self.dates:
            assert trigger.date is not None
            days = self.moments[id(trigger)]
            for value in self.values(log, book, trigger.date, at).values():
                found.update(one.moment for one in days.occasions(value, after, upto))
        return sorted(found)

    def values(self, log: MemoryLog, book: Playbook, name: str, at: int) -> dict[int, int]:
        """Return the dates or instants of an attribute or measure that are known at T."""
        return log.questions.values(self.vocabulary, book.catalogue, name, at=at, seq=log.max_seq())


_KNOWN: dict[str, tuple[Project, Thresholds]] = {}


def thresholds_of(stage: Project) -> Thresholds:
    """Return what there is to watch, worked out once a project."""
    found = _KNOWN.get(stage.config_hash)
    if found is None or found[0] is not stage:
        if len(_KNOWN) > 64:
            _KNOWN.clear()
        found = _KNOWN[stage.config_hash] = (stage, _thresholds(stage))
    return found[1]


def _thresholds(stage: Project) -> Thresholds:
    boundaries: set[Edge] = set()
    always = False
    timed: list[tuple[Playbook, Trigger]] = []
    dates: list[tuple[Playbook, Trigger]] = []
    answers: list[Trigger] = []
    moments: dict[int, Moments] = {}
    calendar = WorkingCalendar.of(stage.vocabulary)
    house = [rule.customer for rule in stage.house.rules if rule.customer is not None]
    boundaries |= _edges(stage.catalogue, (), house)
    for book in stage.playbooks:
        names = [one.leaves for one in book.stops if one.leaves]
        conditions = [one.condition for one in book.stops if one.condition is not None]
        always = always or any(map(_beyond_customer, conditions))
        for trigger in book.triggers:
            named = trigger.segment or trigger.of_class
            names += [*([named] if named else []), *trigger.members]
            every = trigger.every
            match trigger.kind:
                case TriggerKind.EVERY if every is not None and every.since is not None:
                    always = always or _moves(book, every.since)
                case TriggerKind.DATE:
                    assert trigger.date is not None
                    always = always or _moves(book, trigger.date)
                    how = kept(stage.vocabulary, book.catalogue, trigger.date)
                    moments[id(trigger)] = Moments(trigger=trigger, kept=how, calendar=calendar)
                    dates.append((book, trigger))
                case TriggerKind.HOLIDAY:
                    how = Kept(instant=False)
                    moments[id(trigger)] = Moments(trigger=trigger, kept=how, calendar=calendar)
                case TriggerKind.MISSING:
                    answers.append(trigger)
            if trigger.kind in _TIMED or trigger.holds_for is not None:
                timed.append((book, trigger))
        boundaries |= _edges(book.catalogue, tuple(names), conditions)
        always = always or any(
            step.anchor.kind is AnchorKind.DATE and _moves(book, step.anchor.name)
            for step in walk(book.steps)
        )
    writes = any(
        isinstance(step, Set | Record) for book in stage.playbooks for step in walk(book.steps)
    )
    heard = event_names(stage)
    return Thresholds(
        vocabulary=stage.vocabulary, calendar=calendar,
        boundaries=tuple(sorted(boundaries, key=repr)), timed=tuple(timed), moments=moments,
        answers=tuple(answers), dates=tuple(dates), always=always,
        hears_itself=writes or not heard.isdisjoint(BUILT_IN_EVENTS),
    )  # fmt: skip


def _moves(book: Playbook, name: str) -> bool:
    """Tell whether the value of a measure changes with time alone."""
    return name in book.catalogue.measures and bool(edges(book.catalogue, name).boundaries)


def _edges(
    catalogue: Catalogue, names: Sequence[str], conditions: Sequence[Condition]
) -> set[Edge]:
    """Return the boundaries of segments, classes and conditions."""
    asked = {
        f"\x00asked{index}": Segment(name=f"\x00asked{index}", title="", condition=condition)
        for index, condition in enumerate(conditions)
    }
    whole = replace(catalogue, segments={**catalogue.segments, **asked})
    return set(edges(whole, *names, *asked).boundaries)


def _beyond_customer(condition: Condition) -> bool:
    """Tell whether a condition asks about the trigger or a step: what stands to T in another way."""
    match condition:
        case All() | AnyOf():
            return any(_beyond_customer(part) for part in condition.parts)
        case Not():
            return _beyond_customer(condition.part)
        case Compare():
            return condition.subject.kind in (SubjectKind.STEP, SubjectKind.TRIGGER)
    return False


# -- what a boundary passes --------------------------------------------------------------------


def _events(log: MemoryLog, names: Sequence[str]) -> Iterator[int]:
    for events in log.events.values():
        for one in events:
            if one.event.name in names:
                yield one.event.at


def _values(vocabulary: Vocabulary, log: MemoryLog, edge: Edge) -> Iterator[int]:
    """Yield the instants that a boundary may pass; of days their midnights."""
    zone = vocabulary.timezone
    match edge:
        case WindowEdge() | TimeEdge():
            yield from _events(log, edge.names)
        case FieldEdge():
            for events in log.events.values():
                for one in events:
                    value = one.event.fields.get(edge.field)
                    if one.event.name in edge.names and isinstance(value, int):
                        kind = vocabulary.events[one.event.name].fields[edge.field].kind
                        yield day_start(value, zone) if kind is FieldKind.DATE else value
        case AttributeEdge() | ChangeEdge():
            declared = vocabulary.attributes.get(edge.attribute)
            for versions in log.versions.values():
                for said in (one.said for one in versions if one.said.name == edge.attribute):
                    if isinstance(edge, ChangeEdge):
                        yield said.at
                    elif declared is not None and isinstance(said.value, int):
                        date = declared.kind is FieldKind.DATE
                        yield day_start(said.value, zone) if date else said.value


def _passes(edge: Edge, value: int, zone: str) -> Iterator[int]:
    """Yield when a boundary passes an instant, with what lies around where days are counted."""
    if isinstance(edge, WindowEdge):
        spans = [] if edge.window.shift is None else [edge.window.shift]
        if edge.window.last is not None and edge.step:
            last = edge.window.last
            spans.append(Duration(last.amount * edge.step, last.unit))
        yield from _around(value, spans, zone, back=True)
    else:
        place: Place = edge.place
        yield from _around(
            value, [] if place.duration is None else [place.duration], zone, back=place.back
        )


def _around(value: int, spans: Sequence[Duration], zone: str, *, back: bool) -> Iterator[int]:
    moved = value
    for span in spans:  # what moves T back moves what is passed forward
        moved = mark(moved, span, zone, back=not back)
    if not BEGINNING < moved < END:
        return
    yield moved
    yield moved + 1  # the end of a window that is open there
    midnight = value == day_start(day_of(value, zone), zone)  # it may stand for a day
    if all(span.exact for span in spans) and not midnight:
        return
    reach = 2 if all(span.exact for span in spans) else 4 * len(spans)
    clock = to_local(value, zone).time()
    day = day_of(moved, zone)
    for number in range(day - reach, day + reach + 1):
        yield day_start(number, zone)
        for hours in () if midnight else (-1, 0, 1):  # clocks may have changed in between
            noted = day_start(number, zone, at=clock) + hours * _HOUR
            yield noted
            yield noted + 1
