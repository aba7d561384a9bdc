"""What a playbook of the library needs from a project, and what of it the project has not.

Names only: events with their fields, event groups, customer attributes, channels, roles, own dates, shared
definitions, other playbooks. Found in the parsed playbook and in every definition that it reaches, so a
name in a text or in a measure of a measure counts too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass

from rules.conditions import Compare, Condition, SubjectKind
from rules.measures import Aggregate, Changed, Events, NamedMeasure, Segment
from rules.playbook import (
    Do,
    Playbook,
    Project,
    Record,
    Set,
    StartOther,
    TriggerKind,
    walk,
)
from rules.resolve import closure, playbook_references, references
from rules.vocabulary import BUILT_IN_EVENTS, TRIGGER_FACTS, Vocabulary

__all__ = ["SECTIONS", "Needs", "entries", "missing", "needs"]

#: Where each kind of name stands: section -> file.
SECTIONS: Mapping[str, str] = {
    "events": "care.yaml",
    "event_groups": "care.yaml",
    "customer": "care.yaml",
    "channels": "care.yaml",
    "roles": "care.yaml",
    "dates": "care.yaml",
    "measures": "shared.yaml",
    "segments": "shared.yaml",
    "classes": "shared.yaml",
    "playbooks": "playbooks",
}

_WORD = re.compile(r"[\w-]+")
_COMPARED = re.compile(r"\b(?:change|difference): *([\w-]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """Names by section; an event's field is ``order.amount``."""

    names: Mapping[str, frozenset[str]] = field(default_factory=dict)
    routing: bool = False  #: a step says `do: message`, which house.yaml gives a channel

    def lines(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield section and sorted names of every section that has any, in the order of SECTIONS."""
        for section in SECTIONS:
            if found := self.names.get(section):
                yield section, tuple(sorted(found))

    @property
    def count(self) -> int:
        """How many names there are; routing counts as one."""
        return sum(len(found) for found in self.names.values()) + self.routing


def needs(project: Project, playbook: Playbook, shared_text: str) -> Needs:
    """Return what a playbook of a sound project uses.

    ``shared_text`` is the project's shared.yaml: names of groups stand only in the written form.
    """
    vocabulary = project.vocabulary
    own = {*playbook.catalogue.measures, *playbook.catalogue.segments, *playbook.catalogue.classes}
    own -= {*project.catalogue.measures, *project.catalogue.segments, *project.catalogue.classes}
    start = playbook_references(playbook)
    reached = closure(playbook.catalogue, start)
    found: dict[str, set[str]] = {section: set() for section in SECTIONS}
    for value in (playbook.triggers, playbook.stops, playbook.steps, *reached.values()):
        found["events"] |= set(_fields_used(value))
    found["events"] |= _trigger_fields(playbook)
    for key in reached:
        kind, _, name = key.partition(":")
        if name not in own:
            found[{"measure": "measures", "segment": "segments", "class": "classes"}[kind]].add(
                name
            )
    found["customer"] |= set(start.attributes) & set(vocabulary.attributes)
    for definition in reached.values():
        found["customer"] |= _attributes(definition) & set(vocabulary.attributes)
    routed = _steps(playbook, vocabulary, found)
    written = _written(playbook, shared_text, found)
    found["event_groups"] |= set(vocabulary.groups) & written
    found["dates"] |= {
        day for trigger in playbook.triggers for day in trigger.days if day in vocabulary.dates
    }
    found["events"] = {
        name for name in found["events"] if name.partition(".")[0] not in BUILT_IN_EVENTS
    }
    return Needs(
        names={section: frozenset(names) for section, names in found.items() if names},
        routing=routed,
    )


def missing(wanted: Needs, project: Project) -> Needs:
    """Return what of it a project does not declare."""
    vocabulary, catalogue = project.vocabulary, project.catalogue
    events = set(vocabulary.events)
    events |= {
        f"{event.name}.{name}" for event in vocabulary.events.values() for name in event.fields
    }
    there: dict[str, set[str]] = {
        "events": events,
        "event_groups": set(vocabulary.groups),
        "customer": set(vocabulary.attributes),
        "channels": set(vocabulary.channels),
        "roles": set(vocabulary.roles),
        "dates": set(vocabulary.dates),
        "measures": set(catalogue.measures),
        "segments": set(catalogue.segments),
        "classes": set(catalogue.classes),
        "playbooks": {book.name for book in project.playbooks},
    }
    left = {section: names - there[section] for section, names in wanted.names.items()}
    return Needs(
        names={section: names for section, names in left.items() if names},
        routing=wanted.routing and not project.house.routing,
    )


def _steps(playbook: Playbook, vocabulary: Vocabulary, found: dict[str, set[str]]) -> bool:
    """Add what the steps name; tell whether one of them leaves its channel to the routing."""
    routed = False
    for step in walk(playbook.steps):
        match step:
            case Do():
                if step.channel in vocabulary.channels:
                    found["channels"].add(step.channel)
                else:
                    routed = True
                roles = (step.assign, *(rung.role for rung in step.if_overdue))
                found["roles"] |= {role for role in roles if role and role in vocabulary.roles}
            case Set():
                found["customer"] |= {each.attribute for each in step.values}
            case StartOther():
                found["playbooks"].add(step.playbook)
            case _:
                pass
    for name in sorted(found["channels"]):
        found["customer"] |= {vocabulary.channels[name].to.removeprefix("customer.")} - {""}
    for name in sorted(found["roles"]):
        found["customer"] |= {vocabulary.roles[name].attribute or ""} - {""}
    return routed


def _fields_used(value: object) -> Iterator[str]:
    """Yield every event, and every ``event.field``, that some part of the model reads or writes."""
    if isinstance(value, Events):
        asked = set(_where(value.where))
        for name in value.names:
            yield name
            yield from (f"{name}.{one}" for one in asked)
    elif isinstance(value, Record):
        yield value.event
        yield from (f"{value.event}.{each.attribute}" for each in value.fields)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _fields_used(item)
    elif isinstance(value, tuple):
        for item in value:
            yield from _fields_used(item)
    elif is_dataclass(value) and not isinstance(value, type):
        if isinstance(value, Aggregate):
            yield from (f"{name}.{one}" for name, one in value.fields.items())
        parts = [getattr(value, each.name) for each in fields(value)]
        same = getattr(value, "same", None)
        for part in parts:
            if same and isinstance(part, Events):
                yield from (f"{name}.{same}" for name in part.names)
            yield from _fields_used(part)


def _where(condition: object) -> Iterator[str]:
    """Yield the fields that a ``where`` asks."""
    if isinstance(condition, Compare) and condition.subject.kind is SubjectKind.FIELD:
        yield condition.subject.name
    elif isinstance(condition, tuple):
        for part in condition:
            yield from _where(part)
    elif is_dataclass(condition) and not isinstance(condition, type):
        for each in fields(condition):
            yield from _where(getattr(condition, each.name))


def _trigger_fields(playbook: Playbook) -> set[str]:
    """Return the fields of the beginning event that conditions, texts and writing steps name."""
    named = set(_triggers_named((playbook.steps, playbook.stops)))
    for text in playbook.texts.values():
        named |= {
            name.removeprefix("trigger.") for name in text.names if name.startswith("trigger.")
        }
    kinds = (TriggerKind.EVENT, TriggerKind.FIRST)
    events = {
        name
        for trigger in playbook.triggers
        if trigger.kind in kinds and trigger.events
        for name in trigger.events.names
    }
    return {f"{event}.{name}" for event in events for name in named - {*TRIGGER_FACTS, "at"}}


def _triggers_named(value: object) -> Iterator[str]:
    if isinstance(value, Compare) and value.subject.kind is SubjectKind.TRIGGER:
        yield value.subject.name
    elif isinstance(value, str):
        return
    elif isinstance(value, tuple):
        for item in value:
            yield from _triggers_named(item)
    elif is_dataclass(value) and not isinstance(value, type):
        source = getattr(value, "source", None)
        if isinstance(source, str) and source.startswith("trigger."):
            yield source.removeprefix("trigger.")
        same = getattr(value, "same", None)
        if isinstance(same, str):
            yield same
        for each in fields(value):
            yield from _triggers_named(getattr(value, each.name))


def _attributes(definition: object) -> set[str]:
    """Return the attributes that one definition asks by itself."""
    if isinstance(definition, NamedMeasure):
        measure = definition.measure
        return {measure.attribute} if isinstance(measure, Changed) else set()
    if isinstance(definition, Segment):
        return set(references(definition.condition).attributes)
    values = getattr(definition, "values", ())
    conditions: list[Condition | None] = [value.condition for value in values]
    return {name for each in conditions for name in references(each).attributes}


def _written(playbook: Playbook, shared_text: str, found: dict[str, set[str]]) -> set[str]:
    """Return the words of the playbook, and of the shared definitions that it reaches.

    Adds the measures that other measures compare (`change: orders_60d`): the model holds them unnamed.
    """
    by_name = {key.partition("/")[2]: text for key, text in entries(shared_text).items()}
    words = set(_WORD.findall(playbook.source))
    waiting = [playbook.source]
    waiting += [by_name[name] for name in sorted(_definitions(found)) if name in by_name]
    while waiting:
        text = waiting.pop()
        words |= set(_WORD.findall(text))
        for name in _COMPARED.findall(text):
            if name in by_name and name not in found["measures"]:
                found["measures"].add(name)
                waiting.append(by_name[name])
    return words


def _definitions(found: Mapping[str, set[str]]) -> set[str]:
    return found["measures"] | found["segments"] | found["classes"]


def entries(text: str) -> dict[str, str]:
    """Return the entries of a YAML file's sections as they are written: ``measures/orders`` -> lines.

    For files in the layout of the library: sections at the margin, entries indented by two blanks.
    """
    found: dict[str, list[str]] = {}
    section = name = ""
    for line in text.splitlines():
        if re.match(r"[a-z_]+:", line):
            section, name = line.partition(":")[0], ""
        elif entry := re.match(r"  ([^\s#][^:]*):", line):
            name = entry[1]
            found[f"{section}/{name}"] = [line]
        elif name and line.startswith("    "):
            found[f"{section}/{name}"].append(line)
        else:
            name = ""
    return {key: "\n".join(lines) for key, lines in found.items()}
