"""``consent`` of house.yaml: which attribute of the customer allows which channel."""

from __future__ import annotations

from rules.parse.limits import read_attribute, read_purposes
from rules.parse.names import Names, Section, nearest
from rules.parse.place import Place
from rules.playbook import Consent
from rules.vocabulary import FieldKind

__all__ = ["ALL", "DO_NOT_CONTACT", "read_consent"]

ALL = "all"  #: a yes that every channel needs
DO_NOT_CONTACT = "do_not_contact"  #: a mark that forbids every channel
_EXAMPLE = "email: customer.email_ok"


def read_consent(place: Place | None, names: Names) -> tuple[Consent, ...] | None:
    """Return every line of consent, or None where one is wrong: one mapping, or a list of them."""
    if place is None or place.empty:
        return ()
    found: list[Consent] = []
    sound = True
    for entry in place.each():
        lines = _entry(entry, names)
        sound = sound and lines is not None
        found += lines or []
    return tuple(found) if sound else None


def _entry(place: Place, names: Names) -> list[Consent] | None:
    if not place.is_mapping():
        hint = f"write {{{_EXAMPLE}, purposes: [marketing]}}"
        place.error("wrong-shape", "`consent` names the attribute behind each channel", hint)
        return None
    purposes = read_purposes(place.get("purposes"))
    found: list[Consent] = []
    lines = [(key, value) for key, value in place.pairs() if key != "purposes"]
    if not lines:
        place.error("missing-key", "this consent names no channel", f"add {_EXAMPLE}")
        return None
    sound = purposes is not None
    for key, value in lines:
        channel = _channel(key, value, names)
        attribute = read_attribute(value, names, (FieldKind.YES_NO,))
        if channel is None or attribute is None:
            sound = False
            continue
        found.append(
            Consent(
                channel=channel,
                attribute=attribute.name,
                span=value.key_span,
                path=value.path,
                purposes=purposes or (),
                refuses=key == DO_NOT_CONTACT,
            )
        )
    return found if sound else None


def _channel(key: str, value: Place, names: Names) -> str | None:
    if key in (ALL, DO_NOT_CONTACT):
        return ALL
    channel = names.vocabulary.channels.get(key)
    if channel is None:
        if not names.silent(key, Section.CHANNELS):
            known = {*names.vocabulary.channels, ALL, DO_NOT_CONTACT, "purposes"}
            hint = nearest(key, known, Section.CHANNELS)
            value.error("unknown-channel", f'no channel "{key}"', hint, at_key=True)
        return None
    if not channel.reaches_customer:
        message = f'channel "{key}" does not reach the customer, so it needs no consent'
        value.error("bad-channel", message, "take this line out", at_key=True)
        return None
    return key
