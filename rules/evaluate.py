"""Conditions, segments, classes and measures of one customer at one instant, with a trace.

::

    evaluator = Evaluator(vocabulary, catalogue, at=at, history=history)
    evaluator.in_segment("slipping")                 # True or False
    evaluator.verdict(playbook.only)                 # True, False or None: unknown
    evaluator.trace_segment("slipping").to_json()    # the evidence
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import assert_never

from rules.conditions import (
    All,
    Always,
    AnyOf,
    Compare,
    Condition,
    InSegment,
    Not,
    Subject,
    SubjectKind,
    Top,
)
from rules.folds import Timeline, event_verdict
from rules.history import AttributeVersion, Datum, Event, History
from rules.measures import (
    Aggregate,
    Catalogue,
    Change,
    Changed,
    CustomerClass,
    Fold,
    Measure,
    OpenItems,
    Quantity,
    Ratio,
    TimeTo,
)
from rules.trace import Leaf, Trace, answered, evidence, show, show_field
from rules.values import (
    Amount,
    Result,
    Shape,
    all_of,
    any_of,
    negated,
    passes,
    rank_value,
    shape_of_field,
    shape_of_quantity,
    valued,
)
from rules.vocabulary import TRIGGER_FACTS, FieldKind, FieldType, Vocabulary

__all__ = ["Amount", "Evaluator", "RankKey", "Ranks", "Result", "event_verdict", "split_class"]

#: (name of the measure or attribute, segment, share): one ``top N% of segment``.
RankKey = tuple[str, str, Fraction]

#: The value of the last one inside, as ``rules.values.rank_value`` gives it; None: nobody ranked.
#: ``rules.sql.compile_ranks`` computes it over the population.
Ranks = Mapping[RankKey, int | None]

_NOTHING: Mapping[str, Datum] = {}
_NO_RANKS: Ranks = {}


def split_class(catalogue: Catalogue, name: str) -> tuple[CustomerClass, str] | None:
    """Return the class and value behind ``class.value``, or None for the name of a segment."""
    if name in catalogue.segments:
        return None
    head, _, value = name.partition(".")
    return (catalogue.classes[head], value) if head in catalogue.classes and value else None


class Evaluator:
    """What holds of one customer at T. Answers are kept: ask as often as you like.

    ``trigger`` holds the fields of the event that began the journey and ``trigger_event`` its name;
    ``steps`` what steps left, by ``<step>.outcome`` and ``<step>.<asked>``. Numbers in both are
    scaled as in the log. ``ranks`` is needed where a ``top`` stands in a condition. ``history``
    may be a function that gives it; it is asked once something hangs on it.
    """

    __slots__ = (
        "_attributes",
        "_classes",
        "_history",
        "_measures",
        "_segments",
        "_timeline",
        "at",
        "catalogue",
        "ranks",
        "steps",
        "trigger",
        "trigger_event",
        "vocabulary",
    )

    def __init__(
        self,
        vocabulary: Vocabulary,
        catalogue: Catalogue,
        *,
        at: int,
        history: History | Callable[[], History],
        ranks: Ranks = _NO_RANKS,
        trigger: Mapping[str, Datum] = _NOTHING,
        trigger_event: str = "",
        steps: Mapping[str, Datum] = _NOTHING,
    ) -> None:
        self.vocabulary = vocabulary
        self.catalogue = catalogue
        self.at = at
        self.ranks = ranks
        self.trigger = trigger
        self.trigger_event = trigger_event
        self.steps = steps
        self._history = history
        self._timeline: Timeline | None = None
        self._measures: dict[str, Result] = {}
        self._segments: dict[str, bool] = {}
        self._classes: dict[str, str | None] = {}
        self._attributes: dict[str, AttributeVersion | None] = {}

    @property
    def timeline(self) -> Timeline:
        """The customer's history up to T."""
        if self._timeline is None:
            history = self._history if isinstance(self._history, History) else self._history()
            self._timeline = Timeline(self.vocabulary, history, at=self.at)
        return self._timeline

    # Values

    def measure(self, name: str) -> Result:
        """Return a measure's value; None: unknown. Raises KeyError for a name that is not there."""
        if name not in self._measures:
            self._measures[name] = self.timeline.value(self.catalogue.measures[name])
        return self._measures[name]

    def attribute(self, name: str) -> Datum | None:
        """Return an attribute's value at T as the log holds it; None: unknown."""
        version = self._version(name)
        return None if version is None else version.value

    def class_value(self, name: str) -> str | None:
        """Return the customer's value in a class; None: outside, or no value matches."""
        if name not in self._classes:
            self._classes[name] = self._classify(self.catalogue.classes[name])[0]
        return self._classes[name]

    def in_segment(self, name: str) -> bool:
        """Return whether the customer is in a segment or ``class.value``; unknown is not in."""
        if name not in self._segments:
            classed = split_class(self.catalogue, name)
            if classed is not None:
                self._segments[name] = self.class_value(classed[0].name) == classed[1]
            else:
                condition = self.catalogue.segments[name].condition
                self._segments[name] = self.verdict(condition) is True
        return self._segments[name]

    def verdict(self, condition: Condition) -> bool | None:
        """Return whether a condition holds: True, False, or None for unknown."""
        match condition:
            case Always():
                return True
            case All():
                return all_of(self.verdict(part) for part in condition.parts)
            case AnyOf():
                return any_of(self.verdict(part) for part in condition.parts)
            case Not():
                return negated(self.verdict(condition.part))
            case InSegment():
                inside = any(self.in_segment(name) for name in condition.names)
                return answered(condition.span, inside)
            case Compare():
                return answered(condition.span, self._compare(condition))
            case _:
                assert_never(condition)

    def _version(self, name: str) -> AttributeVersion | None:
        if name not in self._attributes:
            self._attributes[name] = self.timeline.attribute(name)
        return self._attributes[name]

    def _classify(self, found: CustomerClass) -> tuple[str | None, Condition | None]:
        """Return the value of a class and the condition that gave it."""
        if found.of is not None and not self.in_segment(found.of):
            return None, None
        for item in found.values:
            if item.condition is None or self.verdict(item.condition) is True:
                return item.value, item.condition
        return None, None

    def _compare(self, leaf: Compare) -> bool | None:
        value, shape = self._value(leaf.subject)

        def top(test: Top) -> bool | None:
            if not self.in_segment(test.segment):
                return False
            ranked = rank_value(value)
            if ranked is None:
                return None
            key = (leaf.subject.name, test.segment, test.share)
            if key not in self.ranks:
                raise ValueError(f"no ranks given for the top of {test.segment} by {key[0]}")
            last = self.ranks[key]
            return last is not None and ranked >= last

        return passes(leaf.test, value, shape, at=self.at, tz=self.vocabulary.timezone, top=top)

    def _value(self, subject: Subject) -> tuple[Result, Shape]:
        match subject.kind:
            case SubjectKind.MEASURE:
                quantity = self.catalogue.measures[subject.name].quantity
                return self.measure(subject.name), shape_of_quantity(quantity)
            case SubjectKind.CLASS:
                return self.class_value(subject.name), Shape.TEXT
            case SubjectKind.ATTRIBUTE | SubjectKind.TRIGGER | SubjectKind.STEP:
                field, held = self.field(subject)
                if field is None:
                    return None, Shape.NOTHING
                return valued(field.kind, held), shape_of_field(field.kind)
            case SubjectKind.FIELD:
                raise ValueError(f"{subject.name} is a field of an event: ask event_verdict")
            case _:
                assert_never(subject.kind)

    def field(self, subject: Subject) -> tuple[FieldType | None, Datum | None]:
        """Return the type and the held value of a subject that is a field."""
        events = self.vocabulary.events
        if subject.kind is SubjectKind.ATTRIBUTE:
            return self.vocabulary.attributes.get(subject.name), self.attribute(subject.name)
        if subject.kind is SubjectKind.STEP:
            asked = subject.name.rpartition(".")[2]
            done = events.get("care_done")
            return done.fields.get(asked) if done else None, self.steps.get(subject.name)
        if self.trigger_event:
            event = events.get(self.trigger_event)
            field = event.fields.get(subject.name) if event else None
            field = field or TRIGGER_FACTS.get(subject.name)
        elif subject.name in TRIGGER_FACTS:
            field = TRIGGER_FACTS[subject.name]
        else:  # every event that has such a field declares it alike, or it can't be told
            types = [e.fields[subject.name] for e in events.values() if subject.name in e.fields]
            field = types[0] if len({item.kind for item in types}) == 1 else None
        return field, self.trigger.get(subject.name)

    # Evidence

    def trace(self, condition: Condition) -> Trace:
        """Return a condition's verdict with what each leaf saw, in the order of the YAML."""
        return Trace(verdict=self.verdict(condition), leaves=self._leaves(condition))

    def trace_segment(self, name: str) -> Trace:
        """Return the trace behind ``in_segment``, for a segment or ``class.value``."""
        return Trace(verdict=self.in_segment(name), leaves=self._behind(name))

    def _leaves(self, condition: Condition) -> tuple[Leaf, ...]:
        match condition:
            case Always():
                return ()
            case All() | AnyOf():
                return tuple(leaf for part in condition.parts for leaf in self._leaves(part))
            case Not():
                return self._leaves(condition.part)
            case InSegment():
                return (self._membership(condition),)
            case Compare():
                return (self._leaf(condition),)
            case _:
                assert_never(condition)

    def _behind(self, name: str) -> tuple[Leaf, ...]:
        """Return the leaves that decide on a segment or class: of a class those up to its value."""
        classed = split_class(self.catalogue, name)
        if classed is None and name in self.catalogue.segments:
            return self._leaves(self.catalogue.segments[name].condition)
        found = classed[0] if classed else self.catalogue.classes[name]
        leaves: tuple[Leaf, ...] = ()
        if found.of is not None:
            inside = self.in_segment(found.of)
            leaves = (self._membership(InSegment(names=(found.of,), path=f"{found.name}/of")),)
            if not inside:
                return leaves
        matched = self._classify(found)[1]
        return leaves + (() if matched is None else self._leaves(matched))

    def _membership(self, leaf: InSegment) -> Leaf:
        inside = [name for name in leaf.names if self.in_segment(name)]
        return Leaf(
            path=leaf.path,
            subject="in",
            words=", ".join(leaf.names),
            shown=", ".join(inside) or "none of them",
            verdict=bool(inside),
            inside=tuple(x for name in inside or leaf.names for x in self._behind(name)),
        )

    def _leaf(self, leaf: Compare) -> Leaf:
        subject, tz = leaf.subject, self.vocabulary.timezone
        name = f"trigger.{subject.name}" if subject.kind is SubjectKind.TRIGGER else subject.name
        value, note, events = "", "", None
        inside: tuple[Leaf, ...] = ()
        match subject.kind:
            case SubjectKind.MEASURE:
                named = self.catalogue.measures[subject.name]
                value = show(self.measure(subject.name), named.quantity, tz)
                if isinstance(named.measure, Changed):
                    note = self._note(self.timeline.last_change(named.measure.attribute))
                else:
                    events = evidence(self.behind(named.measure, named.quantity))
            case SubjectKind.CLASS:
                value = self.class_value(subject.name) or "no value"
                inside = self._behind(subject.name)
            case _:
                field, held = self.field(subject)
                value = show_field(
                    held if field else None, field.kind if field else FieldKind.TEXT, tz
                )
                if subject.kind is SubjectKind.ATTRIBUTE:
                    note = self._note(self._version(subject.name))
        return Leaf(
            path=leaf.path,
            subject=name,
            words=leaf.words,
            shown=value,
            verdict=self._compare(leaf),
            events=events,
            note=note,
            inside=inside,
        )

    def _note(self, version: AttributeVersion | None) -> str:
        if version is None:
            return ""
        said = show(version.at, Quantity.INSTANT, self.vocabulary.timezone)
        if version.at > self.at:
            return f"first said on {said}, taken to hold before as well"
        return f"said on {said}"

    def behind(
        self, measure: Measure, quantity: Quantity = Quantity.NUMBER, step: int = 0
    ) -> Sequence[Event]:
        """Return the events that a measure's value rests on, ordered by (at, id)."""
        timeline = self.timeline
        found = timeline.counted(measure, step)
        match measure:
            case Aggregate():
                if measure.fold in (Fold.FIRST_VALUE, Fold.LAST_VALUE):
                    found = timeline.folded(measure, step, quantity)
                if measure.fold in (Fold.FIRST_TIME, Fold.FIRST_VALUE):
                    return found[:1]
                return found[-1:] if measure.fold in (Fold.LAST_TIME, Fold.LAST_VALUE) else found
            case Ratio() if measure.same is None:
                part = timeline.within(measure.part, *timeline.edges(measure, step))
                return _together(found, part)
            case OpenItems():
                return _together(timeline.still_open(measure, step))
            case Change():
                return _together(
                    self.behind(measure.of, quantity, step),
                    self.behind(measure.of, quantity, step + 1),
                )
            case Ratio() | TimeTo() | Changed():
                return found
            case _:
                assert_never(measure)


def _together(*parts: Sequence[Event]) -> list[Event]:
    """Return events of several lists once each, ordered by (at, id)."""
    once = {(event.at, event.id, event.seq): event for part in parts for event in part}
    return [once[key] for key in sorted(once)]
