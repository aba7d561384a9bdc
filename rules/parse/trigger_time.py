"""Triggers that a time, a missing event, a changed attribute or a person's hand fires."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from rules.errors import did_you_mean
from rules.measures import Aggregate, Events, Fold, NamedMeasure, Quantity, Window
from rules.nodes import Scalar
from rules.parse.events import event_names, read_events, read_where
from rules.parse.names import Names, Section, nearest
from rules.parse.place import Place, written
from rules.parse.rhythm import read_every
from rules.parse.settings import read_clock_at, read_length, read_yes_no
from rules.playbook import Trigger
from rules.public_holidays import holiday_names
from rules.units import Duration
from rules.vocabulary import FieldKind

__all__ = ["TIMED", "read_timed"]

_DATES = {FieldKind.DATE: Quantity.DATE, FieldKind.INSTANT: Quantity.INSTANT}
_LISTED = 12  #: more public holidays are not listed in a message
_SINCE = re.compile(r"(last_time|first_time) (\S+)")


def read_timed(trigger: Trigger, subject: Place, place: Place, names: Names) -> Trigger | None:
    """Return a trigger with what its kind needs, or None where something is wrong.

    ``subject`` is what stands behind the key of its kind, ``place`` the whole trigger.
    """
    return TIMED[trigger.kind.value](trigger, subject, place, names)


# -- missing -----------------------------------------------------------------------------------


def _missing(trigger: Trigger, subject: Place, place: Place, names: Names) -> Trigger | None:
    after, within, same = place.get("after"), place.get("within"), place.get("same")
    for key, part, example in (
        ("after", after, "complaint_opened"),
        ("within", within, "24 hours"),
    ):
        if part is None:
            place.error("missing-key", f"`missing` needs `{key}`", f"write {key}: {example}")
    missed = read_events(subject, names)
    began = _began(after, place, names) if after else None
    length = read_length(within, "24 hours", working=True) if within else None
    if missed is None or began is None or length is None:
        return None
    field = _same(same, (*began.names, *missed.names), names) if same else None
    if same and field is None:
        return None
    return replace(trigger, events=missed, after=began, within=length, same=field)


def _began(after: Place, place: Place, names: Names) -> Events | None:
    where = place.get("where")
    if after.is_mapping():
        if where:
            message = "`after` has its own `where`"
            where.error("bad-trigger", message, "put all tests into that one", at_key=True)
            return None
        return read_events(after, names)
    found = event_names(after, names)
    tests = read_where(where, found, written(after.node), names)
    return None if found is None or tests is None else Events(names=found, where=tests)


def _same(place: Place, kinds: tuple[str, ...], names: Names) -> str | None:
    text = place.text()
    if text is None:
        return None
    types = set()
    for event in dict.fromkeys(kinds):
        fields = names.vocabulary.events[event].fields
        if text not in fields:
            if not names.silent(f"{event}.{text}", Section.FIELDS):
                hint = did_you_mean(text, fields) or f'"{event}" has no fields'
                place.error("unknown-field", f'event "{event}" has no field "{text}"', hint)
            return None
        types.add(fields[text].kind)
    if len(types) > 1:
        message = f'field "{text}" has not one type in all these events'
        place.error("bad-trigger", message, "declare it alike in care.yaml")
        return None
    return text


# -- date, holiday -----------------------------------------------------------------------------


def _date(trigger: Trigger, subject: Place, place: Place, names: Names) -> Trigger | None:
    name = subject.text()
    if name is None or not _is_date(name, subject, names):
        return None
    yearly = place.get("yearly")
    every_year = read_yes_no(yearly) if yearly else False
    moved = _moved(trigger, place)
    if moved is None or every_year is None:
        return None
    return replace(moved, date=name, yearly=every_year)


def _is_date(name: str, place: Place, names: Names) -> bool:
    attribute, measure = names.attribute(name), names.measures.get(name)
    kinds = {attribute.kind} if attribute and not measure else set()
    if kinds & _DATES.keys() or (measure and measure.quantity in _DATES.values()):
        return True
    if names.silent(name, Section.ATTRIBUTES, Section.MEASURES) or place.one_text():
        return False
    dates = {key for key, each in names.vocabulary.attributes.items() if each.kind in _DATES}
    dates |= {key for key, each in names.measures.items() if each.quantity in _DATES.values()}
    hint = did_you_mean(name, dates) or "name a date of the customer, such as contract_end: date"
    if attribute or measure:
        place.error("bad-trigger", f'"{name}" is no date', hint)
    elif name in names.vocabulary.dates:
        place.error("bad-trigger", f'"{name}" is a day of care.yaml', f"write {{holiday: {name}}}")
    elif name in names.vocabulary.events or name in names.vocabulary.groups:
        message = f'"{name}" is an event, not a date'
        place.error("bad-trigger", message, f"define a measure {{first_time: {name}}} and name it")
    else:
        place.error("unknown-name", f'no date "{name}"', hint)
    return False


def _moved(trigger: Trigger, place: Place) -> Trigger | None:
    """Return a trigger with ``before`` or ``after``, and ``at``."""
    before, after, at = place.get("before"), place.get("after"), place.get("at")
    if before and after:
        message = "one trigger has `before` and `after`"
        after.error("bad-trigger", message, "make two of it, each with its dash", at_key=True)
        return None
    found: list[object] = []
    offset: Duration | None = None
    for part, example in ((before, "90 days"), (after, "3 days")):
        if part:
            offset = read_length(part, example, working=True)
            found.append(offset)
    time = None
    if at:
        time = read_clock_at(at)
        found.append(time)
    if None in found:
        return None
    return replace(trigger, offset=offset, back=before is not None, at=time)


def _holiday(trigger: Trigger, subject: Place, place: Place, names: Names) -> Trigger | None:
    texts = subject.texts("a holiday")
    moved = _moved(trigger, place)
    members = _members(place, names)
    if texts is None or moved is None or members is None:
        return None
    if not texts:
        subject.error("empty-value", "`holiday` has an empty list", at_key=True)
        return None
    vocabulary = names.vocabulary
    sound = True
    for text, item in texts:
        public = holiday_names(vocabulary.calendar) if text not in vocabulary.dates else ()
        if text in vocabulary.dates or text in public or item.one_text():
            sound = sound and (text in vocabulary.dates or text in public)
            continue
        known = {*vocabulary.dates, *public}
        hint = did_you_mean(text, known)
        if not hint.startswith("did"):
            hint = "declare it under `dates` in care.yaml"
            if vocabulary.calendar == "none":
                hint += "; public holidays need a calendar, such as calendar: CN"
            elif len(public) <= _LISTED:
                hint += f"; public holidays are {', '.join(public)}"
        item.error("unknown-holiday", f'no holiday "{text}"', hint)
        sound = False
    days = tuple(dict.fromkeys(text for text, _ in texts))
    return replace(moved, days=days, members=members) if sound else None


def _members(place: Place, names: Names) -> tuple[str, ...] | None:
    inside = place.get("in")
    return names.memberships(inside) if inside else ()


# -- every -------------------------------------------------------------------------------------


def _every(trigger: Trigger, subject: Place, place: Place, names: Names) -> Trigger | None:
    members = _members(place, names)
    since = place.get("since")
    instant = _since(since, names) if since else None
    every = read_every(subject, place, instant)
    if every is None or members is None or (since and instant is None):
        return None
    if every.span and not every.since and not members:
        word = {"day": "day", "week": "week", "month": "month", "year": "year"}.get(
            every.span.unit.value, ""
        )
        hint = "add in: <segment>, or since: last_time <event>"
        if word and every.span.amount == 1:
            hint += f"; by the calendar it is `every: {word}`"
        message = f"`every: {every.span}` counts from joining a segment, and there is none"
        subject.error("missing-key", message, hint)
        return None
    return replace(trigger, every=every, members=members)


def _since(place: Place, names: Names) -> str | None:
    """Return an instant measure; ``last_time order`` becomes one of that name."""
    text = place.text()
    if text is None:
        return None
    short = _SINCE.fullmatch(" ".join(text.split()))
    if short:
        event = Scalar(text=short[2], quoted=False, span=place.span)
        found = event_names(replace(place, node=event), names)
        if found is None:
            return None
        fold = Fold(short[1])
        name = f"{short[1]} {short[2]}"  # no name that a person gives has a space in it
        measure = Aggregate(fold=fold, events=Events(names=found), window=Window())
        names.measures[name] = NamedMeasure(
            name=name, measure=measure, quantity=Quantity.INSTANT, span=place.span
        )
        return name
    measured = names.measures.get(text)
    if measured and measured.quantity is Quantity.INSTANT:
        return text
    if names.silent(text, Section.MEASURES):
        return None
    message = f'"{text}" is no instant'
    hint = "write since: last_time <event>, or the name of a measure `last_time`"
    if not measured and text in (*names.vocabulary.events, *names.vocabulary.groups):
        hint = f"write since: last_time {text}"
    elif not measured:
        instants = [k for k, each in names.measures.items() if each.quantity is Quantity.INSTANT]
        message, hint = f'no measure "{text}"', did_you_mean(text, instants) or hint
    place.error("bad-trigger", message, hint)
    return None


# -- changed, manual ---------------------------------------------------------------------------


def _changed(trigger: Trigger, subject: Place, place: Place, names: Names) -> Trigger | None:  # noqa: ARG001  one shape for all kinds
    name = subject.text()
    if name is None or names.attribute(name):
        return replace(trigger, attribute=name) if name else None
    if names.silent(name, Section.ATTRIBUTES) or subject.one_text():
        return None
    hint = nearest(name, names.vocabulary.attributes, Section.ATTRIBUTES)
    if name in names.classes:
        hint = f"a class is watched by {{changes: {name}}}"
    subject.error("unknown-name", f'no attribute "{name}"', hint)
    return None


def _manual(trigger: Trigger, subject: Place, place: Place, names: Names) -> Trigger | None:  # noqa: ARG001  one shape for all kinds
    word = read_yes_no(subject)
    if word is False:
        subject.error("bad-trigger", "`manual: no` begins nothing", "take this trigger out")
    return trigger if word else None


#: Kind -> its reader.
TIMED: dict[str, Callable[[Trigger, Place, Place, Names], Trigger | None]] = {
    "missing": _missing,
    "date": _date,
    "holiday": _holiday,
    "every": _every,
    "changed": _changed,
    "manual": _manual,
}
