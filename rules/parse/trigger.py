"""What begins a journey: events, edges of membership, and what ``rules.parse.trigger_time`` reads."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import count

from rules.conditions import Subject, SubjectKind
from rules.errors import did_you_mean
from rules.measures import Events
from rules.parse.events import event_names, read_where, shared_fields
from rules.parse.names import Left, Names, Section, Sort, check_name, field_left, nearest
from rules.parse.place import Place, written
from rules.parse.same import begun_by
from rules.parse.settings import read_length
from rules.parse.trigger_time import TIMED, read_timed
from rules.phrases import plain, read_duration
from rules.playbook import Late, Trigger, TriggerKind
from rules.repair import repair

__all__ = ["read_triggers", "trigger_fields"]

_KINDS = {kind.value: kind for kind in TriggerKind}
#: Keys that belong to some kinds only.
_TAKES = {
    "where": ("event", "first", "missing"),
    "late": ("event", "first", "missing", "date", "holiday", "changed"),
    "from": ("changes",),
    "to": ("changes",),
    "holds_for": ("enters", "leaves", "changes"),
}


def read_triggers(place: Place, names: Names) -> tuple[Trigger, ...] | None:
    """Return the triggers of a playbook, or None where one is wrong."""
    places = place.each()
    if not places:
        place.error("empty-value", "`trigger` has an empty list", at_key=True)
        return None
    found = [_trigger(each, names) for each in places]
    sound = tuple(trigger for trigger in found if trigger)
    given: set[str] = set()
    for each in places:
        name = each.get("name")
        if name and not name.empty and (text := name.text()):
            if text in given:
                name.error("name-clash", f'two triggers have the name "{text}"')
                return None
            given.add(text)
    return _numbered(sound) if len(sound) == len(found) else None


#: Kinds of which two may have one occurrence: ``before: 90 days`` and ``before: 60 days`` of a date.
_NUMBERED = (TriggerKind.DATE, TriggerKind.HOLIDAY, TriggerKind.EVERY)


def _numbered(triggers: tuple[Trigger, ...]) -> tuple[Trigger, ...]:
    """Return the triggers with a name of its own for each that has none: ``date``, ``date-2``."""
    found: list[Trigger] = []
    names = {trigger.name for trigger in triggers}
    for trigger in triggers:
        name = trigger.name
        if trigger.kind in _NUMBERED and name in {each.name for each in found}:
            free = (f"{trigger.kind}-{number}" for number in count(2))
            name = next(each for each in free if each not in names)
            names.add(name)
        found.append(replace(trigger, name=name))
    return tuple(found)


def _trigger(place: Place, names: Names) -> Trigger | None:
    if place.is_scalar():
        text = place.text("trigger")
        if text == TriggerKind.MANUAL:
            return Trigger(
                kind=TriggerKind.MANUAL, name=text, path=place.path, span=place.span, words=text
            )
        if text is not None:
            hint = f"write {{enters: {text}}}"
            if text in names.vocabulary.events or text in names.vocabulary.groups:
                hint = f"write {{event: {text}}}"
            elif text in _KINDS:
                hint = f"write {{{text}: ...}}"
            place.error("wrong-shape", f'trigger "{text}" does not say what it is', hint)
        return None
    keys = [key for key, _ in place.pairs("trigger")]
    kinds = [kind for kind in _KINDS if kind in keys]
    if len(kinds) > 1:
        message = f"one trigger has {' and '.join(f'`{kind}`' for kind in kinds)}"
        second = place.get(kinds[1]) or place
        second.error("bad-trigger", message, "make two of it, each with its dash", at_key=True)
        return None
    if not kinds:
        if place.is_mapping():
            hint = did_you_mean(keys[0], {*_KINDS}) if keys else ""
            hint = hint or "write {event: ...} or {enters: ...}"
            place.error("missing-key", "the trigger does not say what begins a journey", hint)
        return None
    return _of_kind(kinds[0], place, names)


def _of_kind(kind: str, place: Place, names: Names) -> Trigger | None:
    sound = True
    for key, value in place.pairs():
        if key in _TAKES and kind not in _TAKES[key]:
            hint = f"it belongs to {' and '.join(_TAKES[key])}"
            value.error(
                "bad-trigger", f"a trigger of kind `{kind}` takes no `{key}`", hint, at_key=True
            )
            sound = False
    subject = place.get(kind)
    assert subject is not None
    late = place.get("late")
    lateness = _late(late, kind) if late else None
    name_place = place.get("name")
    name = name_place.text() if name_place else kind
    if name_place and (name is None or not check_name(name, name_place, "trigger")):
        name = None
    base = Trigger(
        kind=_KINDS[kind],
        name=name or kind,
        path=place.path,
        span=place.span,
        words=", ".join(f"{key} {written(value.node)}" for key, value in place.pairs()),
        late=lateness or Late(read_duration("7 days")),
    )
    read = read_timed if kind in TIMED else _watched
    found = read(base, subject, place, names)
    return found if sound and name is not None and (lateness or not late) else None


def _watched(base: Trigger, subject: Place, place: Place, names: Names) -> Trigger | None:
    """Return a trigger on events or on an edge of membership."""
    kind = base.kind.value
    holds = place.get("holds_for")
    holds_for = read_length(holds, "2 days") if holds else None
    sound = holds is None or holds_for is not None
    match base.kind:
        case TriggerKind.EVENT | TriggerKind.FIRST:
            events = _events(kind, subject, place, names)
            return replace(base, events=events) if events and sound else None
        case TriggerKind.ENTERS | TriggerKind.LEAVES:
            segment = names.member(subject)
            sound = sound and segment is not None
            return replace(base, segment=segment, holds_for=holds_for) if sound else None
        case _:
            of_class = _class(subject, names)
            before = _values(place.get("from"), of_class, names)
            after = _values(place.get("to"), of_class, names)
            if not sound or of_class is None or before is None or after is None:
                return None
            return replace(
                base, of_class=of_class, from_values=before, to_values=after, holds_for=holds_for
            )


def _events(kind: str, subject: Place, place: Place, names: Names) -> Events | None:
    if subject.is_mapping():
        hint = f"write {{{kind}: order, where: {{...}}}}"
        subject.error("wrong-shape", f"`{kind}` takes the name of an event", hint)
        return None
    found = event_names(subject, names)
    where = read_where(place.get("where"), found, written(subject.node), names)
    return None if found is None or where is None else Events(names=found, where=where)


def _class(place: Place, names: Names) -> str | None:
    text = place.text()
    if text is None or text in names.classes:
        return text
    if names.silent(text, Section.CLASSES):
        return None
    hint = nearest(text, names.classes, Section.CLASSES)
    if text in names.segments:
        hint = f"a segment is entered or left: write {{enters: {text}}}"
    elif text in names.vocabulary.attributes:
        hint = f"an attribute is watched by {{changed: {text}}}"
    place.error("unknown-class", f'no class "{text}"', hint)
    return None


def _values(place: Place | None, of_class: str | None, names: Names) -> tuple[str, ...] | None:
    if place is None:
        return ()
    texts = place.texts()
    if texts is None or of_class is None:
        return None
    known = names.classes[of_class]
    sound = True
    for text, item in texts:
        if text not in known and not names.silent(of_class, Section.CLASSES):
            hint = did_you_mean(text, known)
            item.error("unknown-value", f'class "{of_class}" has no value "{text}"', hint)
            sound = False
    return tuple(text for text, _ in texts) if sound else None


def _late(place: Place, kind: str) -> Late | None:
    text = place.text()
    if text is None:
        return None
    words = plain(text)
    if words == "ignore":
        if kind not in ("date", "holiday"):
            return Late(None)
        message = f"a trigger of kind `{kind}` is always seen a little later"
        place.error("bad-trigger", message, "write accept within 1 day")
        return None
    start = "accept within "
    span = read_duration(words.removeprefix(start)) if words.startswith(start) else None
    if span and not span.working:
        return Late(span)
    bare = re.sub("^(accept )?(within )?", "", words)
    better = repair(bare, lambda candidate: read_duration(candidate) is not None)
    if not better and read_duration(bare):
        better = bare
    message = f'`late` can\'t be "{text}"'
    place.error("bad-phrase", message, f"write accept within {better or '7 days'}, or ignore")
    return None


_DATED = (TriggerKind.DATE, TriggerKind.HOLIDAY, TriggerKind.EVERY)


def trigger_fields(triggers: tuple[Trigger, ...], names: Names) -> dict[str, Left]:
    """Return what ``trigger.<field>`` may name: what every trigger gives."""
    found: dict[str, Left] = {}
    kinds = {trigger.kind for trigger in triggers}
    given = {"name": tuple(dict.fromkeys(trigger.name for trigger in triggers))}
    if kinds == {TriggerKind.HOLIDAY}:
        given["holiday"] = tuple(dict.fromkeys(day for each in triggers for day in each.days))
    for name, words in given.items():
        subject = Subject(SubjectKind.TRIGGER, name)
        found[name] = Left(subject=subject, label=f"trigger.{name}", sort=Sort.WORD, words=words)
    if kinds <= {*_DATED}:
        subject = Subject(SubjectKind.TRIGGER, "date")
        found["date"] = Left(subject=subject, label="trigger.date", sort=Sort.DATE)
    began = [begun_by(trigger) for trigger in triggers]
    events = [each.names for each in began if each]
    for name in found.keys() & {
        field
        for kinds_ in events
        for kind in kinds_
        for field in names.vocabulary.events[kind].fields
    }:
        del found[name]  # the event's own field goes before
    if len(events) < len(began):
        return found
    return found | {
        name: field_left(declared, Subject(SubjectKind.TRIGGER, name), f"trigger.{name}")
        for name, declared in shared_fields(events, names).items()
    }
