"""care.yaml: the closed vocabulary of a project and its settings."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo

from rules.errors import did_you_mean
from rules.parse.fields import read_fields_of, read_type
from rules.parse.names import Names, Section, check_name
from rules.parse.place import Place, written
from rules.parse.settings import read_after, read_count, read_length, read_yes_no
from rules.phrases import plain, read_clock, read_date, read_number
from rules.units import Duration, zone
from rules.vocabulary import (
    BUILT_IN_EVENTS,
    Channel,
    EventType,
    FieldType,
    NamedDate,
    Role,
    Vocabulary,
)

__all__ = ["CHANNEL_KINDS", "read_vocabulary"]

#: The kinds of channel that this version delivers to.
CHANNEL_KINDS = frozenset({"task", "file"})
#: What people call the one zone of China that the zone database has under another name.
_SHANGHAI = {"asia/beijing", "beijing", "shanghai", "china", "cst", "utc+8", "gmt+8", "+08:00"}
_LATER_KINDS = ("smtp", "webhook", "wecom", "dingtalk", "feishu", "apprise")


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
    opens, closes = _hours(root.get("hours"))
    limits, give_up = root.get("limits"), root.get("give_up")
    per_run = limits.get("per_run") if limits else None
    vocabulary = Vocabulary(
        business=root.label("business"),
        timezone=_timezone(root.get("timezone")),
        calendar=_calendar(root.get("calendar")),
        opens=opens,
        closes=closes,
        events=events,
        groups=_groups(sections["event_groups"], events, broken, opened),
        attributes=attributes,
        channels=_channels(sections["channels"], attributes, broken, opened),
        roles=_roles(sections["roles"], attributes, broken, opened),
        dates=_dates(sections["dates"]),
        per_run=(read_count(per_run) if per_run else None) or 500,
        give_up=_give_up(give_up) if give_up else None,
        span=root.span,
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


def _timezone(place: Place | None) -> str:
    text = place.text() if place else None
    if place is None or text is None:
        return "UTC"
    try:
        zone(text)
    except KeyError:
        near = did_you_mean(text, zoneinfo.available_timezones()) or "write Asia/Shanghai"
        hint = "write Asia/Shanghai" if text.casefold() in _SHANGHAI else near
        place.error("unknown-timezone", f'no time zone "{text}"', hint)
        return "UTC"
    return text


def _calendar(place: Place | None) -> str:
    text = place.text() if place else None
    if place is None or text is None or text == "none":
        return "none"
    import holidays  # noqa: PLC0415 -- slow, and not every command needs it

    if re.fullmatch("[A-Z]{2}", text) and hasattr(holidays, text):
        return text
    known = holidays.list_supported_countries(include_aliases=False)
    if text.upper() in known:
        hint = f"write {text.upper()}"
    else:
        common = {"china": "CN", "中国": "CN", "uk": "GB", "usa": "US", "germany": "DE"}
        meant = common.get(text.casefold())
        hint = f"write {meant}" if meant else "write a country's two letters (CN), or none"
    place.error("unknown-calendar", f'no calendar of public holidays for "{text}"', hint)
    return "none"


def _hours(place: Place | None) -> tuple[dt.time, dt.time]:
    text = place.text() if place else None
    usual = dt.time(9), dt.time(18)
    if place is None or text is None:
        return usual
    opens, dash, closes = plain(text).partition("-")
    start, end = read_clock(opens), read_clock(closes)
    if not dash or start is None or end is None:
        message = f'`hours` is a span of the day and can\'t be "{text}"'
        place.error("bad-time", message, "write hours: 09:00-18:00")
        return usual
    if start >= end:
        message = f"`hours` end before they begin: {text}"
        place.error("bad-time", message, "working hours over midnight are not supported")
        return usual
    return start, end


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


def _channels(
    pairs: list[tuple[str, Place]],
    attributes: dict[str, FieldType],
    broken: set[tuple[Section, str]],
    opened: set[Section],
) -> dict[str, Channel]:
    found: dict[str, Channel] = {}
    for name, place in pairs:
        channel = _channel(name, place, attributes, broken, opened)
        if channel is None:
            broken.add((Section.CHANNELS, name))
        else:
            found[name] = channel
    return found


def _channel(
    name: str,
    place: Place,
    attributes: dict[str, FieldType],
    broken: set[tuple[Section, str]],
    opened: set[Section],
) -> Channel | None:
    sound = check_name(name, place, "channel")
    if name == "message":
        message = "`do: message` means the channel that routing chooses"
        place.error("bad-name", message, "choose another name for this channel", at_key=True)
        return None
    if not place.is_mapping():
        place.error(
            "wrong-shape", f'channel "{name}" needs a kind', f"write {name}: {{kind: task}}"
        )
        return None
    kind_place = place.get("kind")
    if kind_place is None:
        hint = f"write {name}: {{kind: task}}"
        place.error("missing-key", f'channel "{name}" has no kind', hint)
        return None
    kind = kind_place.text()
    if kind is None:
        return None
    if kind not in CHANNEL_KINDS:
        if kind not in _LATER_KINDS:
            hint = did_you_mean(kind, {*CHANNEL_KINDS, *_LATER_KINDS})
            kind_place.error("bad-word", f'no channel kind "{kind}"', hint)
            return None
        message = f'channel "{name}": kind {kind} is not supported yet in this version'
        hint = "steps can't use it; the kinds task and file work"
        kind_place.warn("not-yet", message, hint)
    reaches_place, to = place.get("reaches_customer"), place.get("to")
    reaches = read_yes_no(reaches_place) if reaches_place else True
    address = to.text() if to else ""
    if to and address:
        head, _, attribute = address.partition(".")
        if head == "customer" and attribute not in attributes:
            if Section.ATTRIBUTES in opened or (Section.ATTRIBUTES, attribute) in broken:
                return None
            hint = did_you_mean(attribute, attributes)
            to.error("unknown-attribute", f'no attribute "{attribute}"', hint)
            return None
    if not sound or reaches is None or address is None:
        return None
    settings = {
        key: value.text() or "" if value.is_scalar() else written(value.node)
        for key, value in place.pairs()
        if key not in ("kind", "reaches_customer", "to")
    }
    return Channel(
        name=name,
        kind=kind,
        reaches_customer=reaches,
        to=address,
        settings=settings,
        span=place.key_span,
    )


def _roles(
    pairs: list[tuple[str, Place]],
    attributes: dict[str, FieldType],
    broken: set[tuple[Section, str]],
    opened: set[Section],
) -> dict[str, Role]:
    found: dict[str, Role] = {}
    for name, place in pairs:
        role = _role(name, place, attributes, broken, opened)
        if role is None:
            broken.add((Section.ROLES, name))
        else:
            found[name] = role
    return found


def _role(
    name: str,
    place: Place,
    attributes: dict[str, FieldType],
    broken: set[tuple[Section, str]],
    opened: set[Section],
) -> Role | None:
    if not check_name(name, place, "role"):
        return None
    if not place.is_mapping():
        text = place.text(f'role "{name}"')
        return None if text is None else Role(name=name, attribute=None, otherwise=text)
    source, otherwise, capacity = place.get("from"), place.get("else"), place.get("capacity")
    attribute = source.text() if source else None
    if source and attribute is None:
        return None
    if source and attribute is not None:
        bare = attribute.removeprefix("customer.")
        if bare not in attributes:
            if Section.ATTRIBUTES not in opened and (Section.ATTRIBUTES, bare) not in broken:
                hint = did_you_mean(bare, attributes)
                source.error("unknown-attribute", f'no attribute "{bare}"', hint)
            return None
        attribute = bare
    fixed = otherwise.text() if otherwise else None
    if fixed is None:
        if otherwise is None:
            hint = "add `else:` with the team that gets the task then"
            why = "whose attribute is unknown" if source else "at all"
            place.error("missing-key", f'role "{name}": nobody is named for customers {why}', hint)
        return None
    limit = _capacity(capacity) if capacity else None
    if capacity and limit is None:
        return None
    return Role(
        name=name, attribute=attribute, otherwise=fixed, capacity=limit, span=place.key_span
    )


def _capacity(place: Place) -> int | None:
    text = place.text()
    if text is None:
        return None
    found = re.fullmatch(r"(.+?) (?:a|per) (?:working )?day", plain(text))
    number = read_number(found[1]) if found else None
    if number is not None and number.denominator == 1 and 1 <= number <= 10**6:
        return int(number)
    digits = re.search(r"\d+", plain(text))
    message = f'`capacity` is a number of tasks a day and can\'t be "{text}"'
    place.error("bad-number", message, f"write {digits[0] if digits else 25} a day")
    return None


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
