"""Boundaries that move with T: what must be looked at again when time has passed.

A verdict can only change between two runs where a row became visible or was replaced, or where a
row lies between the old and the new place of one of these boundaries.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from rules.conditions import (
    All,
    Always,
    AnyOf,
    Compare,
    Condition,
    InSegment,
    Moment,
    Not,
    NotTest,
    Subject,
    SubjectKind,
    Test,
    Top,
)
from rules.evaluate import split_class
from rules.measures import (
    Aggregate,
    Catalogue,
    Change,
    Changed,
    Events,
    Fold,
    Measure,
    OpenItems,
    Ratio,
    TimeTo,
    Window,
)
from rules.units import Duration
from rules.values import moment_bounds

__all__ = [
    "AttributeEdge",
    "ChangeEdge",
    "Edge",
    "Edges",
    "FieldEdge",
    "Place",
    "TimeEdge",
    "WindowEdge",
    "edges",
]


@dataclass(frozen=True, slots=True)
class Place:
    """T moved by a duration."""

    duration: Duration | None  #: None: T itself
    back: bool


@dataclass(frozen=True, slots=True)
class WindowEdge:
    """Events of these names enter or leave a window here, see ``rules.windows.bound``."""

    names: tuple[str, ...]
    window: Window
    step: int


@dataclass(frozen=True, slots=True)
class TimeEdge:
    """The time of an event of these names is tested against this place."""

    names: tuple[str, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class FieldEdge:
    """A date or instant in this field of these events is tested against this place."""

    names: tuple[str, ...]
    field: str
    place: Place


@dataclass(frozen=True, slots=True)
class AttributeEdge:
    """A date or instant attribute is tested against this place."""

    attribute: str
    place: Place


@dataclass(frozen=True, slots=True)
class ChangeEdge:
    """The instant of an attribute's last change is tested against this place."""

    attribute: str
    place: Place


Edge = WindowEdge | TimeEdge | FieldEdge | AttributeEdge | ChangeEdge


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """What a definition depends on, through all that it refers to."""

    boundaries: frozenset[Edge]
    kinds: frozenset[str]  #: events that it reads
    attributes: frozenset[str]  #: attributes that it reads
    population_bound: bool  #: ``top``: anybody's change may change everybody's verdict


def edges(catalogue: Catalogue, *names: str) -> Edges:
    """Return what some segments, classes, ``class.value`` or measures depend on.

    Raises KeyError for a name that the catalogue does not hold.
    """
    walk = _Walk(catalogue)
    for name in names:
        if name in catalogue.measures:
            walk.measure(catalogue.measures[name].measure)
        else:
            walk.group(name)
    return Edges(
        boundaries=frozenset(walk.found),
        kinds=frozenset(walk.kinds),
        attributes=frozenset(walk.attributes),
        population_bound=walk.population_bound,
    )


class _Walk:
    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.found: set[Edge] = set()
        self.kinds: set[str] = set()
        self.attributes: set[str] = set()
        self.population_bound = False
        self._groups: set[str] = set()

    def group(self, name: str) -> None:
        """Follow a segment, class or ``class.value``."""
        classed = split_class(self.catalogue, name)
        if classed is not None:
            name = classed[0].name
        if name in self._groups:
            return
        self._groups.add(name)
        if name in self.catalogue.segments:
            self.condition(self.catalogue.segments[name].condition)
            return
        known = self.catalogue.classes[name]
        if known.of is not None:
            self.group(known.of)
        for value in known.values:
            if value.condition is not None:
                self.condition(value.condition)

    def condition(self, condition: Condition) -> None:
        """Follow a condition on customers."""
        match condition:
            case Always():
                return
            case All() | AnyOf():
                for part in condition.parts:
                    self.condition(part)
            case Not():
                self.condition(condition.part)
            case InSegment():
                for name in condition.names:
                    self.group(name)
            case Compare():
                self.compare(condition.subject, condition.test)
            case _:
                assert_never(condition)

    def compare(self, subject: Subject, test: Test) -> None:
        """Follow a leaf."""
        while isinstance(test, NotTest):
            test = test.test
        if isinstance(test, Top):
            self.population_bound = True
            self.group(test.segment)
        places = _places(test)
        match subject.kind:
            case SubjectKind.ATTRIBUTE:
                self.attributes.add(subject.name)
                self.found |= {AttributeEdge(subject.name, place) for place in places}
            case SubjectKind.CLASS:
                self.group(subject.name)
            case SubjectKind.MEASURE:
                measure = self.catalogue.measures[subject.name].measure
                self.measure(measure)
                self.found |= set(_moved(measure, places))
            case SubjectKind.FIELD | SubjectKind.TRIGGER | SubjectKind.STEP:
                return
            case _:
                assert_never(subject.kind)

    def measure(self, measure: Measure, step: int = 0) -> None:
        """Follow a measure whose window is ``step`` windows back."""
        match measure:
            case Aggregate():
                self.window(measure.events, measure.window, step)
            case Ratio():
                self.window(measure.part, measure.window, step)
                self.window(measure.whole, measure.window, step)
            case TimeTo():
                self.window(measure.start, measure.window, step)
                self.events(measure.end)
            case OpenItems():
                self.window(measure.opened, measure.window, step)
                self.events(measure.closed)
            case Changed():
                self.attributes.add(measure.attribute)
            case Change():
                self.measure(measure.of, step)
                self.measure(measure.of, step + 1)
            case _:
                assert_never(measure)

    def window(self, events: Events, window: Window, step: int) -> None:
        """Follow events in a window."""
        self.events(events)
        if step or window.shift is not None:  # else it ends at T: new rows, not moved ones
            self.found.add(WindowEdge(events.names, window, step))
        if window.last is not None:
            self.found.add(WindowEdge(events.names, window, step + 1))

    def events(self, events: Events) -> None:
        """Follow events, and the dates and instants that their ``where`` tests."""
        self.kinds.update(events.names)
        self.found |= {
            FieldEdge(events.names, leaf.subject.name, place)
            for leaf in _leaves(events.where)
            for place in _places(leaf.test)
        }


def _leaves(condition: Condition) -> Iterator[Compare]:
    match condition:
        case All() | AnyOf():
            for part in condition.parts:
                yield from _leaves(part)
        case Not():
            yield from _leaves(condition.part)
        case Compare():
            yield condition


def _places(test: Test) -> list[Place]:
    while isinstance(test, NotTest):
        test = test.test
    if not isinstance(test, Moment):
        return []
    # Dates and instants have the same places; only which of them are inside differs.
    bounds = moment_bounds(test, date=False)
    return [Place(*each) for each in (bounds.low, bounds.high) if each is not None]


def _moved(measure: Measure, places: list[Place]) -> Iterator[Edge]:
    """Return where the value of a measure meets places that move."""
    for place in places:
        match measure:
            case Aggregate(fold=Fold.FIRST_TIME | Fold.LAST_TIME):
                yield TimeEdge(measure.events.names, place)
            case Aggregate(fold=Fold.FIRST_VALUE | Fold.LAST_VALUE):
                for field in sorted(set(measure.fields.values())):
                    yield FieldEdge(measure.events.names, field, place)
            case Changed():
                yield ChangeEdge(measure.attribute, place)
