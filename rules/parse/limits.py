"""What ``caps``, ``quiet`` and ``consent`` of house.yaml have in common: lists of words, attributes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from rules.errors import did_you_mean
from rules.parse.names import Names, Section, check_name, nearest
from rules.parse.place import Place
from rules.vocabulary import FieldKind, FieldType

__all__ = ["read_attribute", "read_bound_channels", "read_purposes"]


def read_purposes(place: Place | None) -> tuple[str, ...] | None:
    """Return the purposes of a list; () where there is no such key, None where one is wrong."""
    return _words(place, lambda text, item: check_name(text, item, "purpose"))


def read_bound_channels(place: Place | None, names: Names) -> tuple[str, ...] | None:
    """Return the channels of a list: () where there is no such key, None where one is wrong."""

    def known(text: str, item: Place) -> bool:
        channel = names.vocabulary.channels.get(text)
        if channel is None:
            if not names.silent(text, Section.CHANNELS):
                hint = nearest(text, names.vocabulary.channels, Section.CHANNELS)
                item.error("unknown-channel", f'no channel "{text}"', hint)
            return False
        if not channel.reaches_customer:
            message = f'channel "{text}" does not reach the customer, so nothing here binds it'
            item.error("bad-channel", message, "take it out")
        return channel.reaches_customer

    return _words(place, known)


def _words(place: Place | None, good: Callable[[str, Place], bool]) -> tuple[str, ...] | None:
    if place is None:
        return ()
    found = place.texts()
    if found is None:
        return None
    if not found:
        place.error("empty-value", f"`{place.key}` has an empty list", at_key=True)
        return None
    sound = [good(text, item) for text, item in found]
    return tuple(dict.fromkeys(text for text, _ in found)) if all(sound) else None


_TOLD = {
    FieldKind.NUMBER: "a number",
    FieldKind.TEXT: "a text",
    FieldKind.WORD: "one of a list of words",
    FieldKind.WORDS: "several of a list of words",
    FieldKind.YES_NO: "a yes or no",
    FieldKind.DATE: "a date",
    FieldKind.INSTANT: "an instant",
}


def read_attribute(place: Place, names: Names, kinds: Iterable[FieldKind]) -> FieldType | None:
    """Return the customer attribute that ``customer.email_ok`` or ``email_ok`` names."""
    text = place.text()
    if text is None:
        return None
    bare = text.removeprefix("customer.")
    found = names.attribute(bare)
    if found is None:
        if not names.silent(bare, Section.ATTRIBUTES):
            hint = did_you_mean(bare, names.vocabulary.attributes)
            place.error("unknown-attribute", f'no attribute "{bare}"', hint)
        return None
    allowed = list(kinds)
    if found.kind not in allowed:
        message = f'"{bare}" is {_TOLD[found.kind]}, and `{place.key}` needs {_TOLD[allowed[0]]}'
        place.error("bad-attribute", message, f"name one that is {_TOLD[allowed[0]]}")
        return None
    return found
