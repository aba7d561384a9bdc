"""The names that may be used at some place of a project, and what stands behind each."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from rules.conditions import Subject, SubjectKind
from rules.errors import did_you_mean
from rules.measures import Change, NamedMeasure, Quantity
from rules.parse.place import Place
from rules.vocabulary import FieldKind, FieldType, Vocabulary

__all__ = ["Left", "Names", "Section", "Sort", "Subjects", "check_name", "field_left", "nearest"]


class Sort(StrEnum):
    """What kind of value stands on the left of a test; it decides which tests make sense."""

    NUMBER = "number"
    SHARE = "share"
    TIME = "time"
    INSTANT = "instant"
    DATE = "date"
    TEXT = "text"
    WORD = "word"
    WORDS = "words"
    YES_NO = "yes_no"


class Section(StrEnum):
    """Where a name is declared."""

    EVENTS = "event"
    FIELDS = "field"
    ATTRIBUTES = "attribute"
    CHANNELS = "channel"
    ROLES = "role"
    MEASURES = "measure"
    SEGMENTS = "segment"
    CLASSES = "class"


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """The left side of a test, with its type."""

    subject: Subject
    label: str  #: as written: ``trigger.amount``
    sort: Sort
    words: tuple[str, ...] = ()  #: closed values of WORD and WORDS
    change: bool = False  #: a change or difference: takes ``up`` and ``down``


@dataclass(slots=True, kw_only=True)
class Names:
    """All names in scope. What is declared but wrong is in ``broken``: its uses are not reported
    again; a section in ``opened`` could not be read at all.
    """

    vocabulary: Vocabulary
    measures: dict[str, NamedMeasure] = field(default_factory=dict)
    measure_words: dict[str, tuple[str, ...]] = field(default_factory=dict)
    segments: set[str] = field(default_factory=set)
    classes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    broken: set[tuple[Section, str]] = field(default_factory=set)
    opened: set[Section] = field(default_factory=set)

    def copy(self) -> Names:
        """Return the names to add a playbook's own to."""
        return Names(
            vocabulary=self.vocabulary,
            measures=dict(self.measures),
            measure_words=dict(self.measure_words),
            segments=set(self.segments),
            classes=dict(self.classes),
            broken=set(self.broken),
            opened=set(self.opened),
        )

    def silent(self, name: str, *sections: Section) -> bool:
        """Tell whether an unknown name is somebody else's error."""
        return any(section in self.opened or (section, name) in self.broken for section in sections)

    def attribute(self, name: str) -> FieldType | None:
        """Return a customer attribute's type."""
        return self.vocabulary.attributes.get(name)

    def left(self, name: str) -> Left | None:
        """Return what an attribute, measure or class gives."""
        if name in self.measures:
            found = self.measures[name]
            words = self.measure_words.get(name, ())
            return Left(
                subject=Subject(SubjectKind.MEASURE, name),
                label=name,
                sort=Sort.WORD if words else _OF_QUANTITY[found.quantity],
                words=words,
                change=isinstance(found.measure, Change),
            )
        if name in self.classes:
            subject = Subject(SubjectKind.CLASS, name)
            return Left(subject=subject, label=name, sort=Sort.WORD, words=self.classes[name])
        attribute = self.vocabulary.attributes.get(name)
        if attribute:
            return field_left(attribute, Subject(SubjectKind.ATTRIBUTE, name), name)
        return None

    def memberships(self, place: Place) -> tuple[str, ...] | None:
        """Return the segments and ``class.value`` that a name or a list of names gives."""
        found = place.texts("the list of segments" if place.is_list() else "")
        if found is None:
            return None
        if not found:
            place.error("empty-value", f"{place.key} has no segment in its list")
            return None
        good = [self._member(text, item) for text, item in found]
        return tuple(text for text, _ in found) if all(good) else None

    def member(self, place: Place) -> str | None:
        """Return the one segment or ``class.value`` that a name gives."""
        text = place.text()
        return text if text is not None and self._member(text, place) else None

    def _member(self, name: str, place: Place) -> bool:
        if name in self.segments:
            return True
        head, dot, value = name.partition(".")
        if dot and head in self.classes:
            if value in self.classes[head] or self.silent(head, Section.CLASSES):
                return True
            hint = did_you_mean(value, self.classes[head])
            place.error("unknown-value", f'class "{head}" has no value "{value}"', hint)
            return False
        if self.silent(name, Section.SEGMENTS, Section.CLASSES) or (
            dot and self.silent(head, Section.CLASSES)
        ):
            return False
        if place.one_text():
            return False
        if self.classes.get(name):
            example = (
                f"write {name}.{self.classes[name][0]}, or {{{name}: {self.classes[name][0]}}}"
            )
            place.error("unknown-segment", f'"{name}" is a class, not a segment', example)
            return False
        if dot:
            hint = nearest(head, self.classes, Section.CLASSES)
            place.error("unknown-class", f'no class "{head}"', hint)
            return False
        if self.left(name):
            hint = f"write it as a test: {{{name}: ...}}"
            place.error("unknown-segment", f'"{name}" is not a segment', hint)
            return False
        values = {f"{key}.{word}" for key, words in self.classes.items() for word in words}
        alike = [known for known in values if known.partition(".")[2] == name]
        hint = (
            f"write {sorted(alike)[0]}" if alike else nearest(name, self.segments, Section.SEGMENTS)
        )
        place.error("unknown-segment", f'no segment "{name}"', hint)
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Subjects:
    """What may stand on the left in one condition."""

    names: Names
    fields: dict[str, Left] | None = None  #: set in ``where``: only these
    fields_of: str = ""  #: in ``where``: the event as written
    trigger: dict[str, Left] | None = None  #: ``trigger.<field>``, by field
    trigger_why: str = "`trigger.` has a meaning in recheck and stop_when only"
    eventless: bool = False  #: not every trigger has an event, so there are no fields of one
    steps: dict[str, Left] | None = None  #: ``<step>.outcome``, by whole name
    step_names: frozenset[str] = frozenset()  #: every step of the playbook
    later: frozenset[str] = frozenset()  #: steps that have not acted yet here

    def misspelt(self, name: str, place: Place, keys: frozenset[str]) -> bool:
        """Report a name that is rather a key that may stand here; True where it is one."""
        known = {
            *keys,
            *self.names.measures,
            *self.names.classes,
            *self.names.vocabulary.attributes,
        }
        near = difflib.get_close_matches(name.casefold(), known, n=1, cutoff=0.7)
        if name in known or not near or near[0] not in keys:
            return False
        place.error("unknown-key", f'no key "{name}" here', did_you_mean(name, keys), at_key=True)
        return True

    def find(self, name: str, place: Place, *, beside: frozenset[str] = frozenset()) -> Left | None:
        """Return what a name gives; reports an unknown one at the key.

        ``beside``: the keys that may stand beside it, for one that is misspelt.
        """
        if self.fields is not None:
            return self._field(name, place)
        known = self.names.left(name)
        if known:
            return known
        head, dot, rest = name.partition(".")
        if dot and head == "trigger":
            return self._trigger(rest, place)
        if dot and head in self.step_names:
            return self._step(name, head, place)
        if self.names.silent(name, Section.ATTRIBUTES, Section.MEASURES, Section.CLASSES) or (
            dot and self.names.silent(head, Section.CLASSES)
        ):
            return None
        if self.misspelt(name, place, beside):
            return None
        message = f'no measure, attribute or class "{name}"'
        known_names = {*self.names.measures, *self.names.classes, *self.names.vocabulary.attributes}
        hint = nearest(name, known_names, Section.MEASURES)
        if name in self.names.segments:
            message, hint = f'"{name}" is a segment', f"write `in: {name}`"
        elif dot and head in self.names.classes:
            message, hint = f'"{name}" is a value of a class', f"write `{head}: {rest}`"
        elif dot and head in self.names.vocabulary.events:
            hint = "a field of an event needs a measure: {last_value: " + name + "}"
        elif head == "customer" and rest in self.names.vocabulary.attributes:
            hint = f"write `{rest}`, without `customer.`"
        elif dot and self.step_names:
            message, hint = f'no step "{head}"', did_you_mean(head, self.step_names)
        elif name in self.names.vocabulary.events:
            hint = "an event needs a measure: {count: " + name + "}"
        place.error("unknown-name", message, hint, at_key=True)
        return None

    def _field(self, name: str, place: Place) -> Left | None:
        assert self.fields is not None
        if name in self.fields:
            return self.fields[name]
        if self.names.silent(name, Section.FIELDS):
            return None
        if name in ("in", "trigger") or self.names.left(name):
            message = f'"{name}" is about the customer; `where` asks about the event'
            place.error("unknown-field", message, "use `only`, or a segment", at_key=True)
            return None
        hint = did_you_mean(name, self.fields) or f'"{self.fields_of}" has no fields'
        message = f'event "{self.fields_of}" has no field "{name}"'
        place.error("unknown-field", message, hint, at_key=True)
        return None

    def _trigger(self, name: str, place: Place) -> Left | None:
        if self.trigger is None:
            place.error("unknown-name", self.trigger_why, at_key=True)
            return None
        if name in self.trigger:
            return self.trigger[name]
        if self.names.silent(name, Section.FIELDS):
            return None
        if name in _GIVEN_BY:
            message = f"`trigger.{name}` is given by triggers of kind {_GIVEN_BY[name]} only"
            place.error("unknown-name", message, "take it out here", at_key=True)
            return None
        if self.eventless:
            place.error("unknown-name", self.trigger_why, at_key=True)
            return None
        hint = did_you_mean(name, self.trigger)
        message = f'no field "{name}" in every event that starts this playbook'
        place.error("unknown-field", message, hint, at_key=True)
        return None

    def _step(self, name: str, head: str, place: Place) -> Left | None:
        if self.steps is None or head in self.later:
            message = f'step "{head}" has no result yet when this is asked'
            place.error("unknown-name", message, "name a step above", at_key=True)
            return None
        if name in self.steps:
            return self.steps[name]
        if (Section.FIELDS, head) in self.names.broken:
            return None
        own = [known for known in self.steps if known.startswith(f"{head}.")]
        hint = did_you_mean(name, own)
        place.error(
            "unknown-name", f'step "{head}" asks for no such thing: "{name}"', hint, at_key=True
        )
        return None


#: What the triggers themselves give, and which do.
_GIVEN_BY = {"date": "`date`, `holiday` and `every`", "holiday": "`holiday`"}

#: Where a name that nothing resembles has to be declared.
_DECLARED = {
    Section.EVENTS: "declare it under `events` in care.yaml",
    Section.ATTRIBUTES: "declare it under `customer` in care.yaml",
    Section.FIELDS: "declare it under the event's `fields` in care.yaml",
    Section.CHANNELS: "declare it under `channels` in care.yaml",
    Section.ROLES: "declare it under `roles` in care.yaml",
    Section.MEASURES: "define it under `measures`",
    Section.SEGMENTS: "define it under `segments`",
    Section.CLASSES: "define it under `classes`",
}


def nearest(name: str, known: Iterable[str], section: Section) -> str:
    """Return the nearest known name, or where to declare one."""
    return did_you_mean(name, known) or _DECLARED[section]


_OF_QUANTITY = {
    Quantity.NUMBER: Sort.NUMBER,
    Quantity.SHARE: Sort.SHARE,
    Quantity.TIME: Sort.TIME,
    Quantity.INSTANT: Sort.INSTANT,
    Quantity.TEXT: Sort.TEXT,
    Quantity.YES_NO: Sort.YES_NO,
    Quantity.DATE: Sort.DATE,
}
_OF_KIND = {
    FieldKind.NUMBER: Sort.NUMBER,
    FieldKind.TEXT: Sort.TEXT,
    FieldKind.WORD: Sort.WORD,
    FieldKind.WORDS: Sort.WORDS,
    FieldKind.YES_NO: Sort.YES_NO,
    FieldKind.DATE: Sort.DATE,
    FieldKind.INSTANT: Sort.INSTANT,
}


def field_left(declared: FieldType, subject: Subject, label: str) -> Left:
    """Return what a declared field or attribute gives."""
    return Left(subject=subject, label=label, sort=_OF_KIND[declared.kind], words=declared.words)


_RESERVED = frozenset({"all", "any", "not", "in", "known", "unknown", "trigger", "entry"})
#: What stands beside the tests of a segment, so that no test can begin with it.
_LABELS = frozenset({"title", "strategy", "marks"})


def check_name(name: str, place: Place, what: str) -> bool:
    """Report a name that could not be used afterwards; True for a good one."""
    article = "an" if what[0] in "aeiou" else "a"
    if name in _RESERVED or (name in _LABELS and what in ("attribute", "measure", "class")):
        message = f'"{name}" is a word of the language and can\'t be the name of {article} {what}'
        place.error("bad-name", message, "choose another name", at_key=True)
        return False
    odd = re.search(r"[\s.,:/\\'\"{}\[\]#&*!|>%@`，：。、“”‘’\x00-\x1f]", name)
    if odd or not name or len(name) > 60:
        shown = "a space" if odd and odd[0].isspace() else f'"{odd[0]}"' if odd else ""
        why = f"has {shown} in it" if odd else "is too long" if name else "is empty"
        message = f'the name "{name[:60]}" of {article} {what} {why}'
        hint = "use letters, digits, _ and -"
        place.error("bad-name", message, hint, at_key=True)
        return False
    return True
