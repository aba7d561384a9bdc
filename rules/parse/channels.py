"""Channels and roles of care.yaml: through what an action goes, and who gets a task."""

from __future__ import annotations

import re

from rules.channel_kinds import CHANNEL_KINDS, Kind
from rules.channel_values import address_fault
from rules.errors import did_you_mean
from rules.parse.channel_settings import read_settings
from rules.parse.hours import read_zone
from rules.parse.names import Section, check_name
from rules.parse.place import Place
from rules.parse.settings import read_word, read_yes_no
from rules.phrases import plain, read_number
from rules.vocabulary import Channel, FieldType, Role

__all__ = ["read_channels", "read_roles"]


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
    text = kind_place.text()
    if text is None:
        return None
    kind = CHANNEL_KINDS.get(text)
    if kind is None:
        kind_place.error("bad-word", f'no channel kind "{text}"', did_you_mean(text, CHANNEL_KINDS))
        return None
    reaches_place = place.get("reaches_customer")
    reaches = read_yes_no(reaches_place) if reaches_place else True
    address = _address(name, kind, place, attributes, broken, opened)
    settings = read_settings(name, kind, place)
    unknown = place.get("on_unknown")
    answer = read_word(unknown, ("hold", "resend")) if unknown else "hold"
    if unknown and kind.name == "task":
        message = f'channel "{name}": a task is never sent, so `on_unknown` has no meaning'
        unknown.error("needs-message", message, "take `on_unknown` out", at_key=True)
        return None
    if not sound or reaches is None or address is None or settings is None or answer is None:
        return None
    return Channel(
        name=name,
        kind=kind.name,
        reaches_customer=reaches,
        on_unknown=answer,
        to=address,
        settings=settings,
        span=place.key_span,
    )


def _address(
    name: str,
    kind: Kind,
    place: Place,
    attributes: dict[str, FieldType],
    broken: set[tuple[Section, str]],
    opened: set[Section],
) -> str | None:
    """Return the address of a channel as written; "" for none, None for a wrong one."""
    to = place.get("to")
    if to is None:
        if kind.addressed:
            message = f'channel "{name}" does not say to whom'
            hint = "add to: customer.email, an attribute with the address"
            place.error("missing-key", message, hint)
        return None if kind.addressed else ""
    text = to.text()
    if text is None:
        return None
    head, dot, attribute = text.partition(".")
    if dot and head == "customer":
        if attribute in attributes:
            return text
        if Section.ATTRIBUTES not in opened and (Section.ATTRIBUTES, attribute) not in broken:
            hint = did_you_mean(attribute, attributes)
            to.error("unknown-attribute", f'no attribute "{attribute}"', hint)
        return None
    wrong = address_fault(text) if kind.addressed else None
    if wrong and text in attributes:
        to.error("bad-setting", f'"{text}" is no e-mail address', f"write to: customer.{text}")
    elif wrong:
        words, _, hint = wrong.partition("; ")
        to.error(
            "bad-setting",
            f"`to` {words}",
            "write to: customer.email, or " + hint.removeprefix("write ") if hint else "",
        )
    return None if wrong else text


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
