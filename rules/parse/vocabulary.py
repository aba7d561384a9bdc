"""care.yaml: the closed vocabulary of a project and its settings."""

from __future__ import annotations

import re

from rules.errors import did_you_mean
from rules.parse.channels import read_channels, read_roles
from rules.parse.fields import read_fields_of, read_type
from rules.parse.hours import read_customer_zone, read_working_time
from rules.parse.ingest import read_ingest
from rules.parse.names import Names, Section, check_name
from rules.parse.place import Place
from rules.parse.settings import read_after, read_count, read_length, read_span, read_yes_no
from rules.phrases import plain, read_date
from rules.units import Duration, Unit
from rules.vocabulary import (
    BUILT_IN_EVENTS,
    EventType,
    FieldType,
    NamedDate,
    Vocabulary,
)

__all__ = ["read_vocabulary"]


def read_vocabulary(root: Place) -> Names:
    """Return the names of care.yaml; those that are wrong are marked as broken."""
    broken: set[tuple[Section, str]] = set()
    opened: set[Section] = set()
    sections = {
        key: _section(root, key, section, opened)
        for key, section in (
            ("events", Section.EVENTS),
            ("event_groups", Section.EVENTS),
            ("customer", Section.ATTRIBUTES),
            ("channels", Section.CHANNELS),
            ("roles", Section.ROLES),
            ("dates", None),
        )
    }
    events = _events(sections["events"], broken)
    attributes = _attributes(sections["customer"], broken)
    time = read_working_time(root)
    limits, give_up = root.get("limits"), root.get("give_up")
    per_run = limits.get("per_run") if limits else None
    deliver_for = limits.get("deliver_for") if limits else None
    levelling = limits.get("levelling") if limits else None
    vocabulary = Vocabulary(
        business=root.label("business"),
        timezone=time.timezone,
        calendar=time.calendar,
        opens=time.hours[0][0],
        closes=time.hours[-1][1],
        breaks=time.breaks,
        days_off=time.days_off,
        days_on=time.days_on,
        half_days=time.half_days,
        customer_zone=read_customer_zone(root.get("customer_timezone"), attributes, broken, opened),
        events=events,
        groups=_groups(sections["event_groups"], events, broken, opened),
        attributes=attributes,
        channels=read_channels(sections["channels"], attributes, broken, opened),
        roles=read_roles(sections["roles"], attributes, broken, opened),
        dates=_dates(sections["dates"]),
        per_run=(read_count(per_run) if per_run else None) or 500,
        deliver_for=(read_span(deliver_for) if deliver_for else None) or Duration(2, Unit.MINUTE),
        levelling=bool(levelling and read_yes_no(levelling)),
        give_up=_give_up(give_up) if give_up else None,
        ingest=read_ingest(root.get("ingest"), events, attributes, broken, opened),
        span=root.span,
        places=time.places,
    )
    return Names(vocabulary=vocabulary, broken=broken, opened=opened)


def _section(
    root: Place, key: str, section: Section | None, opened: set[Section]
) -> list[tuple[str, Place]]:
    place = root.get(key)
    if place is None or place.empty:
        return []
    if not place.is_mapping() and section:
        opened.add(section)
    return place.pairs()


def _give_up(place: Place) -> Duration | None:
    text = place.text()
    if text is None:
        return None
    if plain(text).startswith("after "):
        return read_after(place, "30 days", working=True)
    return read_length(place, "after 30 days", working=True)


def _events(
    pairs: list[tuple[str, Place]], broken: set[tuple[Section, str]]
) -> dict[str, EventType]:
    events = dict(BUILT_IN_EVENTS)
    for name, place in pairs:
        if name in BUILT_IN_EVENTS:
            message = f'event "{name}" is written by care itself'
            place.error("name-clash", message, "take it out, or choose another name", at_key=True)
            continue
        if not check_name(name, place, "event"):
            broken.add((Section.EVENTS, name))
            continue
        events[name] = EventType(
            name=name,
            title=place.label("title") if place.is_mapping() else "",
            fields=read_fields_of(name, place.get("fields"), broken),
            span=place.key_span,
        )
        if not place.is_mapping() and not place.empty:
            broken.add((Section.FIELDS, f"{name}.*"))
            hint = f"write {name}: {{title: ..., fields: {{amount: number}}}}"
            place.error("wrong-shape", f'event "{name}" needs keys behind it', hint)
    return events


def _groups(
    pairs: list[tuple[str, Place]],
    events: dict[str, EventType],
    broken: set[tuple[Section, str]],
    opened: set[Section],
) -> dict[str, tuple[str, ...]]:
    members: dict[str, list[str]] = {}
    places = dict(pairs)
    known = {*events, *places}
    for name, place in pairs:
        if name in events:
            place.error("name-clash", f'"{name}" is already the name of an event', at_key=True)
            continue
        if not check_name(name, place, "group of events"):
            broken.add((Section.EVENTS, name))
            continue
        members[name] = []
        for text, item in place.texts(f'group "{name}"') or []:
            if text in known:
                members[name].append(text)
            elif Section.EVENTS not in opened and (Section.EVENTS, text) not in broken:
                item.error("unknown-event", f'no event "{text}"', did_you_mean(text, known))
        if not members[name]:
            broken.add((Section.EVENTS, name))
    return {
        name: tuple(sorted(found))
        for name in members
        if (found := _resolved(name, members, events, places[name]))
    }


def _resolved(
    name: str, members: dict[str, list[str]], events: dict[str, EventType], place: Place
) -> set[str]:
    """Return the events of a group and the groups in it; reports a group that holds itself."""
    found: set[str] = set()
    seen: set[str] = set()
    waiting = list(members[name])
    while waiting:
        member = waiting.pop()
        if member == name:
            message = f'group "{name}" holds itself'
            place.error("cycle", message, "take it out of its own list", at_key=True)
        elif member in events:
            found.add(member)
        elif member not in seen:
            seen.add(member)
            waiting += members.get(member, [])
    return found


def _attributes(
    pairs: list[tuple[str, Place]], broken: set[tuple[Section, str]]
) -> dict[str, FieldType]:
    found: dict[str, FieldType] = {}
    for name, place in pairs:
        declared = read_type(name, place) if check_name(name, place, "attribute") else None
        if declared is None:
            broken.add((Section.ATTRIBUTES, name))
        else:
            found[name] = declared
    return found


def _dates(pairs: list[tuple[str, Place]]) -> dict[str, NamedDate]:
    found: dict[str, NamedDate] = {}
    for name, place in pairs:
        text = place.text(f'date "{name}"') if check_name(name, place, "date") else None
        if text is None:
            continue
        words = plain(text)
        yearly = re.fullmatch(r"every year (\d{2}-\d{2})", words)
        # 2024 is a leap year: 02-29 is a day of some years.
        date = read_date(f"2024-{yearly[1]}") if yearly else read_date(words)
        if date is None:
            message = f'"{text}" is no day'
            place.error("bad-date", message, "write 2026-03-18, or every year 11-20")
            continue
        found[name] = NamedDate(
            name=name,
            month=date.month,
            day=date.day,
            year=None if yearly else date.year,
            span=place.key_span,
        )
    return found
