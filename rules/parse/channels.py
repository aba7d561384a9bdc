"""Channels and roles of care.yaml: through what an action goes, and who gets a task."""

from __future__ import annotations

import re

from rules.errors import did_you_mean
from rules.parse.hours import read_zone
from rules.parse.names import Section, check_name
from rules.parse.place import Place, written
from rules.parse.settings import read_yes_no
from rules.phrases import plain, read_number
from rules.vocabulary import Channel, FieldType, Role

__all__ = ["CHANNEL_KINDS", "read_channels", "read_roles"]

#: The kinds of channel that this version delivers to.
CHANNEL_KINDS = frozenset({"task", "file"})
_LATER_KINDS = ("smtp", "webhook", "wecom", "dingtalk", "feishu", "apprise")


def read_channels(
    pairs: list[tuple[str, Place]],
    attributes: dict[str, FieldType],
    broken: set[tuple[Section, str]],
    opened: set[Section],
) -> dict[str, Channel]:
    """Return the sound channels by name; the others are marked as broken."""
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
            known = {*CHANNEL_KINDS, *_LATER_KINDS}
            kind_place.error("bad-word", f'no channel kind "{kind}"', did_you_mean(kind, known))
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


def read_roles(
    pairs: list[tuple[str, Place]],
    attributes: dict[str, FieldType],
    broken: set[tuple[Section, str]],
    opened: set[Section],
) -> dict[str, Role]:
    """Return the sound roles by name; the others are marked as broken."""
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
    home = place.get("timezone")
    zone = read_zone(home) if home else None
    if (capacity and limit is None) or (home and zone is None):
        return None
    return Role(
        name=name,
        attribute=attribute,
        otherwise=fixed,
        capacity=limit,
        timezone=zone,
        span=place.key_span,
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
