"""care.yaml: ``ingest``, how events that other programs send are taken."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rules.channel_values import REFERENCE, wrong_reference
from rules.errors import did_you_mean
from rules.ingest import Anonymous, Ingest, Taking, Undeclared
from rules.parse.names import Section, nearest
from rules.parse.place import Place
from rules.parse.settings import read_word, read_yes_no
from rules.phrases import plain
from rules.vocabulary import BUILT_IN_EVENTS, EventType, FieldType

__all__ = ["read_ingest"]

_UNITS = {"kb": 1_000, "mb": 1_000_000, "gb": 1_000_000_000}
_SMALLEST = 1_000_000  #: bytes; one request may have half of it

Broken = set[tuple[Section, str]]


def read_ingest(
    place: Place | None,
    events: Mapping[str, EventType],
    attributes: Mapping[str, FieldType],
    broken: Broken,
    opened: set[Section],
) -> Ingest:
    """Return how events from outside are taken; without the section, by equal names."""
    if place is None or not place.is_mapping():
        return Ingest()
    known = _Known(events, attributes, broken, opened)
    ignored = [text for text, _ in _texts(place.get("ignore"))]
    words = {key: place.get(key) for key in ("undeclared", "anonymous", "replies", "limit")}
    undeclared = read_word(words["undeclared"], Undeclared) if words["undeclared"] else None
    anonymous = read_word(words["anonymous"], Anonymous) if words["anonymous"] else None
    return Ingest(
        token=_secret(place.get("token")),
        secret=_secret(place.get("secret")),
        events=_events(place.get("events"), ignored, known),
        attributes=known.fields(place.get("attributes"), None),
        ignore=tuple(dict.fromkeys(ignored)),
        undeclared=Undeclared(undeclared or Undeclared.REFUSE),
        anonymous=Anonymous(anonymous or Anonymous.REFUSE),
        replies=(known.event(words["replies"]) or "") if words["replies"] else "",
        limit=(_size(words["limit"]) if words["limit"] else None) or Ingest().limit,
    )


class _Known:
    """The names of care.yaml that may stand in ``ingest``."""

    def __init__(
        self,
        events: Mapping[str, EventType],
        attributes: Mapping[str, FieldType],
        broken: Broken,
        opened: set[Section],
    ) -> None:
        self.events = events
        self.attributes = attributes
        self.broken = broken
        self.opened = opened

    def event(self, place: Place) -> str | None:
        """Return the event that a value names; care's own can't be sent by others."""
        name = place.text()
        if name is None:
            return None
        if name in BUILT_IN_EVENTS:
            message = f'event "{name}" is written by care itself'
            place.error("name-clash", message, "declare an event of your own for it")
            return None
        if name in self.events:
            return name
        if Section.EVENTS not in self.opened and (Section.EVENTS, name) not in self.broken:
            ours = set(self.events) - set(BUILT_IN_EVENTS)
            place.error("unknown-event", f'no event "{name}"', nearest(name, ours, Section.EVENTS))
        return None

    def fields(self, place: Place | None, event: str | None) -> dict[str, str]:
        """Return our field -> theirs; of an event, or of the customer (None)."""
        found: dict[str, str] = {}
        if place is None:
            return found
        declared = self.attributes if event is None else self.events[event].fields
        for name, theirs in place.pairs():
            text = theirs.text()
            if name in declared:
                if text is not None:
                    found[name] = text
            elif not self._silent(name, event):
                self._unknown(name, theirs, event, declared)
        return found

    def _silent(self, name: str, event: str | None) -> bool:
        if event is None:
            return Section.ATTRIBUTES in self.opened or (Section.ATTRIBUTES, name) in self.broken
        fields = {(Section.FIELDS, f"{event}.{each}") for each in (name, "*")}
        return bool(fields & self.broken)

    def _unknown(
        self, name: str, place: Place, event: str | None, declared: Mapping[str, FieldType]
    ) -> None:
        turned = place.text() if place.is_scalar() and not place.empty else None
        hint = did_you_mean(name, declared)
        if turned in declared and not hint.startswith("did you mean"):
            hint = f"our name stands on the left: write {turned}: {name}"
        elif event is None:
            hint = hint or nearest(name, declared, Section.ATTRIBUTES)
        if event is None:
            place.error("unknown-attribute", f'no attribute "{name}"', hint, at_key=True)
        else:
            message = f'event "{event}" has no field "{name}"'
            place.error("unknown-field", message, hint, at_key=True)


def _events(place: Place | None, ignored: list[str], known: _Known) -> dict[str, Taking]:
    found: dict[str, Taking] = {}
    for name, value in place.pairs() if place is not None and not place.empty else ():
        if name in ignored:
            message = f'"{name}" stands under `ignore` too'
            value.error("name-clash", message, "take it out of one of them", at_key=True)
        taking = _taking(name, value, known)
        if taking is not None:
            found[name] = taking
    return found


def _taking(name: str, place: Place, known: _Known) -> Taking | None:
    if not place.is_mapping():
        event = known.event(place)
        return None if event is None else Taking(event=event, span=place.key_span)
    named, profile, customer = place.get("event"), place.get("profile"), place.get("customer")
    wanted = read_yes_no(profile) if profile else False
    event = known.event(named) if named else None
    if (named is None) == (not wanted):
        message = f'"{name}" is an event, or tells attributes of the customer'
        hint = "write event: NAME, or profile: yes"
        place.error("missing-key" if named is None else "name-clash", message, hint, at_key=True)
        return None
    if named is not None and event is None:
        return None
    return Taking(
        event=event,
        fields=known.fields(place.get("fields"), event),
        customer=(customer.text() or "") if customer else "",
        span=place.key_span,
    )


def _secret(place: Place | None) -> str:
    """Return a reference to a secret; a secret itself has no place in the file."""
    text = place.text() if place else None
    if place is None or text is None:
        return ""
    if REFERENCE.fullmatch(text.strip()) and wrong_reference(text) is None:
        return text.strip()
    example = "${env:CARE_INGEST_" + place.key.upper() + "}"
    hint = wrong_reference(text) or f"write {place.key}: {example}, and put it there"
    place.error("literal-secret", f"the `{place.key}` itself must not stand in care.yaml", hint)
    return ""


def _size(place: Place) -> int | None:
    """Return the bytes of ``256 MB``."""
    text = place.text()
    if text is None:
        return None
    found = re.fullmatch(r"(\d+) ?(kb|mb|gb)", plain(text).casefold())
    if found:
        size = int(found[1]) * _UNITS[found[2]]
        if size >= _SMALLEST:
            return size
        place.error("bad-number", f"`{place.key}` is at least 1 MB", f"write {place.key}: 256 MB")
        return None
    message = f'`{place.key}` is an amount of data and can\'t be "{text}"'
    place.error("bad-number", message, f"write {place.key}: 256 MB")
    return None


def _texts(place: Place | None) -> list[tuple[str, Place]]:
    return (place.texts() or []) if place is not None and not place.empty else []
