"""Triggers, conditions, measures, stops and house rules as sentences."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import assert_never

from engine.handbook.tongue import Tongue, joined, label, said, span
from rules.conditions import (
    All,
    Always,
    AnyOf,
    Compare,
    Condition,
    InSegment,
    Not,
    OneOf,
    SubjectKind,
    Top,
)
from rules.evaluate import split_class
from rules.measures import (
    Aggregate,
    Catalogue,
    Change,
    Changed,
    CustomerClass,
    Events,
    Measure,
    NamedMeasure,
    OpenItems,
    Ratio,
    Segment,
    TimeTo,
    Window,
)
from rules.playbook import Overlap, Playbook, Stop, Trigger, TriggerKind
from rules.vocabulary import Vocabulary

__all__ = ["Sentences"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentences:
    """Says things of one playbook in one language, with the titles that the project gives."""

    tongue: Tongue
    vocabulary: Vocabulary
    catalogue: Catalogue
    titles: dict[str, str]  #: of playbooks, by name

    def label(self, name: str, *parts: object) -> str:
        """Return one of the page's own words, filled in."""
        return label(name, self.tongue, *parts)

    def said(self, words: str) -> str:
        """Return a phrase of the language."""
        return said(words, self.tongue)

    def mark(self, name: str) -> str:
        """Return a name so that it stands out from the sentence."""
        return f"「{name}」" if self.tongue is Tongue.ZH else f"“{name}”"

    def joined(self, parts: Iterable[str], *, either: bool = False) -> str:
        """Return several parts as one."""
        return joined(parts, self.tongue, either=either)

    def listed(self, parts: Iterable[str]) -> str:
        """Return several parts with commas between them, empty ones left out."""
        return (", " if self.tongue is Tongue.EN else "，").join(filter(None, parts))

    # ------------------------------------------------------------------ names

    def group(self, name: str) -> str:
        """Return a segment or ``class.value`` by its title."""
        segment = self.catalogue.segments.get(name)
        if segment is not None:
            return self.mark(segment.title or name)
        classed = split_class(self.catalogue, name)
        if classed is not None:
            known, value = classed
            return self.mark(f"{known.title or known.name}: {value}")
        known_class = self.catalogue.classes.get(name)
        return self.mark(known_class.title or name if known_class else name)

    def event(self, name: str) -> str:
        """Return an event by its title."""
        known = self.vocabulary.events.get(name)
        return self.mark(known.title or name if known else name)

    def playbook(self, name: str) -> str:
        """Return a playbook by its title."""
        return self.mark(self.titles.get(name) or name)

    def role(self, name: str) -> str:
        """Return who a role is."""
        role = self.vocabulary.roles.get(name)
        if role is None:
            return name
        if role.attribute is None:
            return role.otherwise
        other = self.label("or_else", role.otherwise) if role.otherwise else ""
        return self.label("attribute_of", role.attribute) + other

    def events(self, events: Events) -> str:
        """Return which events."""
        names = self.joined(map(self.event, self._grouped(events.names)), either=True)
        if isinstance(events.where, Always):
            return names
        return names + self.label("where", self.condition(events.where))

    def _grouped(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return the name of the group that holds just these events, or the events."""
        for group, members in self.vocabulary.groups.items():
            if len(names) > 1 and set(members) == set(names):
                return (group,)
        return names

    # ------------------------------------------------------------------ conditions

    def condition(self, condition: Condition) -> str:
        """Return a condition as a sentence."""
        match condition:
            case Always():
                return self.label("everybody")
            case All(parts):
                return self.joined(self._inner(part) for part in parts)
            case AnyOf(parts):
                return self.joined((self._inner(part) for part in parts), either=True)
            case Not(part):
                return self.label("not", self.condition(part))
            case InSegment():
                return self.label("in", self.joined(map(self.group, condition.names), either=True))
            case Compare():
                return self._compare(condition)
        assert_never(condition)

    def _inner(self, part: Condition) -> str:
        several = isinstance(part, All | AnyOf) and len(part.parts) > 1
        words = self.condition(part)
        if not several:
            return words
        return f"（{words}）" if self.tongue is Tongue.ZH else f"({words})"

    def _compare(self, compare: Compare) -> str:
        name = compare.subject.name
        if compare.subject.kind is SubjectKind.CLASS and name in self.catalogue.classes:
            name = self.catalogue.classes[name].title or name
        if compare.subject.kind is SubjectKind.TRIGGER:
            name = self.label("of_trigger", name)
        words = compare.words
        if isinstance(compare.test, Top) and compare.test.segment in self.catalogue.segments:
            title = self.catalogue.segments[compare.test.segment].title
            words = words.replace(compare.test.segment, title or compare.test.segment)
        words = self.said(words)
        equal = "is_one" if isinstance(compare.test, OneOf) else "is"
        return self.label(equal, name, words)

    # ------------------------------------------------------------------ definitions

    def measure(self, named: NamedMeasure) -> str:
        """Return what a measure counts."""
        per = self.label("m_per") if named.per_month else ""
        return self._measure(named.measure) + per

    def _measure(self, measure: Measure) -> str:
        match measure:
            case Aggregate():
                fields = self.joined(
                    (f"{self.event(event)} {field}" for event, field in measure.fields.items()),
                    either=True,
                )
                words = self.label(f"m_{measure.fold.value}", self.events(measure.events), fields)
                return words + self._window(measure.window)
            case Ratio():
                words = self.label("m_share", self.events(measure.part), self.events(measure.whole))
                return words + self._same(measure.same) + self._window(measure.window)
            case TimeTo():
                words = self.label("m_time", self.events(measure.start), self.events(measure.end))
                return words + self._same(measure.same) + self._window(measure.window)
            case OpenItems():
                words = self.label(
                    "m_open", self.events(measure.opened), self.events(measure.closed)
                )
                return words + self._same(measure.same) + self._window(measure.window)
            case Changed():
                return self.label("m_changed", self.mark(measure.attribute))
            case Change():
                form = "m_change" if measure.relative else "m_difference"
                return self.label(form, self._measure(measure.of))
        assert_never(measure)

    def _window(self, window: Window) -> str:
        last = self.label("m_last", span(window.last, self.tongue)) if window.last else ""
        shift = self.label("m_ending", span(window.shift, self.tongue)) if window.shift else ""
        return last + shift

    def _same(self, same: str | None) -> str:
        return self.label("same", same) if same else ""

    def definition(self, found: object) -> str:
        """Return what a segment, class or measure means."""
        match found:
            case NamedMeasure():
                return self.measure(found)
            case Segment():
                marks = (found.marks, found.strategy)
                return self._with_marks(self.condition(found.condition), marks)
            case CustomerClass():
                lines = []
                for value in found.values:
                    of = self.condition(value.condition) if value.condition else self.label("rest")
                    name = f"{value.value} {value.title}".strip()
                    lines.append(f"{name}: {self._with_marks(of, (value.marks, value.strategy))}")
                words = "; ".join(lines) if self.tongue is Tongue.EN else "；".join(lines)
                return self.label("of", self.group(found.of), words) if found.of else words
        return ""

    def _with_marks(self, words: str, marks: tuple[str, ...]) -> str:
        more = [mark for mark in marks if mark]
        if not more:
            return words
        inside = "; ".join(more) if self.tongue is Tongue.EN else "；".join(more)
        return f"{words} ({inside})" if self.tongue is Tongue.EN else f"{words}（{inside}）"

    # ------------------------------------------------------------------ begin and end

    def trigger(self, trigger: Trigger) -> str:
        """Return what begins a journey."""
        words = self._begin(trigger)
        if trigger.holds_for:
            words += self.label("t_holds", span(trigger.holds_for, self.tongue))
        if trigger.yearly:
            words += self.label("t_yearly")
        at = trigger.at or (trigger.every.at if trigger.every else None)
        if at:
            words += self.label("t_at", f"{at:%H:%M}")
        if trigger.members:
            of = self.joined(map(self.group, trigger.members), either=True)
            words += self.label("t_in", of)
        return words

    def _begin(self, trigger: Trigger) -> str:
        events = self.events(trigger.events) if trigger.events else ""
        match trigger.kind:
            case TriggerKind.EVENT | TriggerKind.FIRST:
                return self.label(f"t_{trigger.kind.value}", events)
            case TriggerKind.ENTERS | TriggerKind.LEAVES:
                return self.label(f"t_{trigger.kind.value}", self.group(trigger.segment or ""))
            case TriggerKind.CHANGES:
                old, new = (
                    self.label(name, self.joined(values, either=True)) if values else ""
                    for name, values in (
                        ("t_from", trigger.from_values),
                        ("t_to", trigger.to_values),
                    )
                )
                return self.label("t_changes", self.group(trigger.of_class or ""), old, new)
            case TriggerKind.CHANGED:
                return self.label("t_changed", self.mark(trigger.attribute or ""))
            case TriggerKind.MISSING:
                after = self.events(trigger.after) if trigger.after else ""
                within = span(trigger.within, self.tongue)
                return self.label("t_missing", events, after, within) + self._same(trigger.same)
            case TriggerKind.DATE:
                return self._moved(self.mark(trigger.date or ""), trigger)
            case TriggerKind.HOLIDAY:
                return self._moved(self.joined(trigger.days, either=True), trigger)
            case TriggerKind.EVERY:
                return self._every(trigger)
            case TriggerKind.MANUAL:
                return self.label("t_manual")
        assert_never(trigger.kind)

    def _moved(self, day: str, trigger: Trigger) -> str:
        if trigger.offset is None:
            return self.label("t_date", day)
        form = "t_before" if trigger.back else "t_after"
        return self.label(form, day, span(trigger.offset, self.tongue))

    def _every(self, trigger: Trigger) -> str:
        every = trigger.every
        assert every is not None
        if every.cron:
            return self.label("t_cron", every.cron)
        if every.period:
            words = self.label("t_period", self.said(every.period.value))
        else:
            words = self.label("t_every", span(every.span, self.tongue))
        if every.day:
            words += self.label("t_day", self.said(every.day))
        if every.since:
            words += self.label("t_since", self.mark(every.since))
        return words

    def often(self, playbook: Playbook) -> str:
        """Return how often a customer may enter, and what happens when a journey runs already."""
        if playbook.again is not None:
            words = [self.label("again_after", span(playbook.again, self.tongue))]
        else:
            words = [self.label("again_always" if playbook.again_ever else "again_never")]
        if playbook.again_ever or playbook.again or playbook.overlap is not Overlap.IGNORE:
            words.append(self.label(f"o_{playbook.overlap.value}"))
        return ("; " if self.tongue is Tongue.EN else "；").join(words)

    def stop(self, stop: Stop) -> str:
        """Return what ends a journey early."""
        if stop.events is not None:
            words = self.label("s_event", self.events(stop.events)) + self._same(stop.same)
        elif stop.leaves is not None:
            words = self.label("s_leaves", self.group(stop.leaves))
        else:
            assert stop.condition is not None
            words = self.label("s_if", self.condition(stop.condition))
        if stop.goal:
            words += self.label("s_goal", stop.goal)
            if stop.within:
                words += self.label("s_within", span(stop.within, self.tongue))
        return words
