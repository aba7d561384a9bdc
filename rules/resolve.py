"""What a definition refers to, and hashes that change exactly when its meaning may change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rules.canonical import digest
from rules.conditions import (
    All,
    Always,
    AnyOf,
    Compare,
    Condition,
    InSegment,
    Not,
    NotTest,
    SubjectKind,
    Top,
)
from rules.measures import Catalogue, CustomerClass
from rules.playbook import (
    AnchorKind,
    Choose,
    Do,
    Playbook,
    Step,
    Template,
    Trigger,
    walk,
)

__all__ = [
    "References",
    "class_references",
    "closure",
    "definition_hash",
    "merged",
    "playbook_references",
    "references",
    "template_files",
]

#: Where a definition stands and how it was spelled is no part of its meaning.
_SPELLING = frozenset({"path", "words", "title", "strategy", "marks"})


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """The names that something uses directly."""

    attributes: frozenset[str] = frozenset()
    measures: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()  #: segments and classes, without ``.value``


def merged(several: Iterable[References]) -> References:
    """Return all names of several."""
    found = list(several)
    return References(
        attributes=frozenset().union(*(each.attributes for each in found)),
        measures=frozenset().union(*(each.measures for each in found)),
        groups=frozenset().union(*(each.groups for each in found)),
    )


def references(condition: Condition | None) -> References:
    """Return the names that a condition uses directly."""
    match condition:
        case None | Always():
            return References()
        case All(parts) | AnyOf(parts):
            return merged(references(part) for part in parts)
        case Not(part):
            return references(part)
        case InSegment():
            return References(groups=frozenset(map(_head, condition.names)))
        case Compare():
            return _compared(condition)


def _compared(compare: Compare) -> References:
    subject = compare.subject
    test = compare.test
    while isinstance(test, NotTest):
        test = test.test
    groups = frozenset({_head(test.segment)}) if isinstance(test, Top) else frozenset()
    match subject.kind:
        case SubjectKind.ATTRIBUTE:
            return References(attributes=frozenset({subject.name}), groups=groups)
        case SubjectKind.MEASURE:
            return References(measures=frozenset({subject.name}), groups=groups)
        case SubjectKind.CLASS:
            return References(groups=groups | {subject.name})
        case SubjectKind.FIELD | SubjectKind.TRIGGER | SubjectKind.STEP:
            return References(groups=groups)


def _head(name: str) -> str:
    return name.partition(".")[0]


def class_references(found: CustomerClass) -> References:
    """Return the names that a class uses directly."""
    of = References(groups=frozenset({_head(found.of)}) if found.of else frozenset())
    return merged([of, *(references(value.condition) for value in found.values)])


def closure(catalogue: Catalogue, start: References) -> dict[str, object]:
    """Return every definition that is reached from some names: ``segment:x`` -> its type.

    Names that the catalogue does not hold are passed over.
    """
    found: dict[str, object] = {}
    waiting = [start]
    while waiting:
        names = waiting.pop()
        for name in names.measures:
            if name in catalogue.measures:
                found[f"measure:{name}"] = catalogue.measures[name]
        for name in names.groups:
            if name in catalogue.segments and f"segment:{name}" not in found:
                segment = catalogue.segments[name]
                found[f"segment:{name}"] = segment
                waiting.append(references(segment.condition))
            if name in catalogue.classes and f"class:{name}" not in found:
                known = catalogue.classes[name]
                found[f"class:{name}"] = known
                waiting.append(class_references(known))
    return found


def definition_hash(catalogue: Catalogue, name: str) -> str:
    """Return the hash of a segment, ``class`` or ``class.value`` and all that it refers to.

    Titles, marks, comments, spelling and place do not change it. Raises KeyError.
    """
    head, _, value = name.partition(".")
    if name not in catalogue.segments and head not in catalogue.classes:
        raise KeyError(name)
    found = closure(catalogue, References(groups=frozenset({head})))
    return digest([value, found], skip=_SPELLING)


def playbook_references(playbook: Playbook) -> References:
    """Return the names that a playbook uses directly."""
    found = [references(playbook.only), references(playbook.excepted)]
    found += [_of_trigger(trigger) for trigger in playbook.triggers]
    for stop in playbook.stops:
        groups = {_head(stop.leaves)} if stop.leaves else set()
        found += [References(groups=frozenset(groups)), references(stop.condition)]
    for step in walk(playbook.steps):
        found += _of_step(step)
    for text in playbook.texts.values():
        found += [_named(name.removeprefix("customer.")) for name in text.names]
    return merged(found)


def _of_trigger(trigger: Trigger) -> References:
    groups = {_head(name) for name in (trigger.segment, trigger.of_class, *trigger.members) if name}
    since = trigger.every.since if trigger.every else None
    return References(
        attributes=frozenset(name for name in (trigger.date, trigger.attribute) if name),
        measures=frozenset(name for name in (trigger.date, since) if name),
        groups=frozenset(groups),
    )


def _of_step(step: Step) -> Iterator[References]:
    if step.anchor.kind is AnchorKind.DATE:
        yield _named(step.anchor.name)
    if isinstance(step, Choose):
        for branch in step.branches:
            yield references(branch.condition)
    if isinstance(step, Do):
        yield references(step.recheck)
        yield references(step.repeat.until if step.repeat else None)
        for name in (step.to, step.template.by if step.template else None):
            if name and "." not in name:
                yield _named(name)


def _named(name: str) -> References:
    """Return a name that may be an attribute, a measure or a class."""
    names = frozenset({name})
    return References(attributes=names, measures=names, groups=names)


def template_files(template: Template | None) -> tuple[str, ...]:
    """Return every text that a template may take, in the order of the file."""
    if template is None:
        return ()
    last = (template.otherwise,) if template.otherwise else ()
    return (*template.files, *(file for _, file in template.cases), *last)
