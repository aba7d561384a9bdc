"""``wait``: the events that it may end with, and how long it lasts."""

from __future__ import annotations

from rules.parse.events import read_events
from rules.parse.place import Place
from rules.parse.same import read_same
from rules.parse.scope import Scope
from rules.parse.settings import read_length
from rules.playbook import Awaited
from rules.units import Duration

__all__ = ["read_awaited"]


def read_awaited(place: Place, scope: Scope) -> tuple[tuple[Awaited, ...], Duration | None] | None:
    """Return what is waited for (() for a plain delay) and how long; None where one is wrong."""
    if place.is_scalar():
        return _delay(place, scope)
    items = place.each()
    if not items:
        place.error("empty-value", "`wait` has an empty list", at_key=True)
        return None
    found = [_awaited(item, scope) for item in items]
    lengths = [(each, item.get("up_to")) for each, item in zip(found, items, strict=True)]
    spans = [(_up_to(given), given) for _, given in lengths if given]
    sound = tuple(each for each in found if each)
    if len(sound) < len(found) or any(span is None for span, _ in spans):
        return None
    known = {span for span, _ in spans}
    if len(known) > 1:
        _, last = spans[-1]
        message = "one wait has one `up_to` for all its events"
        last.error("bad-wait", message, f"write up_to: {spans[0][0]} once", at_key=True)
        return None
    return sound, (spans[0][0] if spans else None)


def _delay(place: Place, scope: Scope) -> tuple[tuple[Awaited, ...], Duration | None] | None:
    text = place.text()
    if text is None:
        return None
    vocabulary = scope.names.vocabulary
    if text in vocabulary.events or text in vocabulary.groups:
        message = f'"{text}" is an event, and `wait` alone takes a length of time'
        place.error("wrong-shape", message, f"write wait: {{event: {text}, up_to: 5 days}}")
        return None
    span = read_length(place, "3 days", working=True)
    return ((), span) if span else None


def _up_to(place: Place) -> Duration | None:
    return read_length(place, "5 working days", working=True)


def _awaited(place: Place, scope: Scope) -> Awaited | None:
    if not place.is_mapping():
        hint = "write {event: message_reply, up_to: 5 days}"
        place.error("wrong-shape", "`wait` needs `key: value` lines for each event", hint)
        return None
    events = read_events(place, scope.names)
    same_place = place.get("same")
    same = None
    if same_place:
        same = read_same(same_place, events, scope.triggers, scope.names, code="bad-wait")
    if events is None or (same_place and same is None):
        return None
    return Awaited(events=events, same=same)
