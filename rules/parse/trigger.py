"""What begins a journey: ``event``, ``first``, ``enters``, ``leaves``, ``changes``."""

from __future__ import annotations

import re

from rules.conditions import Subject, SubjectKind
from rules.errors import did_you_mean
from rules.measures import Events
from rules.parse.events import event_names, read_where, shared_fields
from rules.parse.names import Left, Names, Section, check_name, field_left, nearest
from rules.parse.place import Place, written
from rules.parse.settings import read_length
from rules.phrases import plain, read_duration
from rules.playbook import Late, Trigger, TriggerKind
from rules.repair import repair

__all__ = ["read_triggers", "trigger_fields"]

_KINDS = {kind.value: kind for kind in TriggerKind}
#: Of the language, not of this version.
_LATER = ("missing", "date", "holiday", "every", "manual", "changed")
#: Keys that belong to some kinds only.
_TAKES = {
    "where": ("event", "first"),
    "late": ("event", "first"),
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
    return sound if len(sound) == len(found) else None


def _trigger(place: Place, names: Names) -> Trigger | None:
    if place.is_scalar():
        text = place.text("trigger")
        if text in _LATER:
            place.not_yet(f'trigger kind "{text}"')
        elif text is not None:
            hint = f"write {{enters: {text}}}"
            if text in names.vocabulary.events or text in names.vocabulary.groups:
                hint = f"write {{event: {text}}}"
            place.error("wrong-shape", f'trigger "{text}" does not say what it is', hint)
        return None
    keys = [key for key, _ in place.pairs("trigger")]
    later = next((key for key in keys if key in _LATER), None)
    if later:
        value = place.get(later)
        assert value is not None
        value.not_yet(f'trigger kind "{later}"')
        return None
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
    events: Events | None = None
    segment: str | None = None
    of_class: str | None = None
    from_values: tuple[str, ...] | None = ()
    to_values: tuple[str, ...] | None = ()
    match kind:
        case "event" | "first":
            events = _events(kind, subject, place, names)
            sound = sound and events is not None
        case "enters" | "leaves":
            segment = names.member(subject)
            sound = sound and segment is not None
        case _:
            of_class = _class(subject, names)
            from_values = _values(place.get("from"), of_class, names)
            to_values = _values(place.get("to"), of_class, names)
            sound = sound and None not in (of_class, from_values, to_values)
    holds, late = place.get("holds_for"), place.get("late")
    holds_for = read_length(holds, "2 days") if holds and sound else None
    lateness = _late(late) if late else None
    name_place = place.get("name")
    name = name_place.text() if name_place else kind
    if name_place and (name is None or not check_name(name, name_place, "trigger")):
        return None
    if not sound or name is None or (holds and not holds_for) or (late and not lateness):
        return None
    words = ", ".join(f"{key} {written(value.node)}" for key, value in place.pairs())
    return Trigger(
        kind=_KINDS[kind],
        name=name,
        path=place.path,
        span=place.span,
        words=words,
        events=events,
        segment=segment,
        of_class=of_class,
        from_values=from_values or (),
        to_values=to_values or (),
        holds_for=holds_for,
        late=lateness or Late(read_duration("7 days")),
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
        place.not_yet(f'a trigger on the attribute "{text}"', "a class can be made of it")
        return None
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


def _late(place: Place) -> Late | None:
    text = place.text()
    if text is None:
        return None
    words = plain(text)
    if words == "ignore":
        return Late(None)
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


def trigger_fields(triggers: tuple[Trigger, ...], names: Names) -> dict[str, Left] | None:
    """Return what ``trigger.<field>`` may name; None where a trigger has no event."""
    if any(trigger.events is None for trigger in triggers):
        return None
    events = [trigger.events.names for trigger in triggers if trigger.events]
    return {
        name: field_left(declared, Subject(SubjectKind.TRIGGER, name), f"trigger.{name}")
        for name, declared in shared_fields(events, names).items()
    }
