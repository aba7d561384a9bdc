"""``routing`` of house.yaml: which channel a ``do: message`` takes."""

from __future__ import annotations

from rules.parse.condition import read_who
from rules.parse.limits import read_attribute
from rules.parse.names import Names, Section, Subjects, nearest
from rules.parse.place import Place
from rules.playbook import Route
from rules.vocabulary import FieldKind, FieldType

__all__ = ["read_routing"]


def read_routing(place: Place | None, names: Names) -> tuple[Route, ...] | None:
    """Return the lines of routing in order, or None where one is wrong."""
    if place is None or place.empty:
        return ()
    found = [_route(item, names) for item in place.items("`routing`")]
    sound = [route for route in found if route is not None]
    if len(sound) < len(found) or not found:
        return None
    always: set[str] = set()
    for item, route in zip(place.items(), sound, strict=True):
        if route.use in always:
            message = f"a line above tries {route.use} for everybody already"
            item.warn("route-hidden", message, "take this line out")
        if route.condition is None:
            always.add(route.use)
    return tuple(sound)


def _route(place: Place, names: Names) -> Route | None:
    if not place.is_mapping():
        place.error("wrong-shape", "a line of routing needs `use`", "write {use: email}")
        return None
    use, condition = place.get("use"), place.get("if")
    if use is None:
        place.error("missing-key", "this line names no channel", "add use: with a channel")
        return None
    who = read_who(condition, Subjects(names=names)) if condition else None
    named = _use(use, names)
    if named is None or (condition is not None and who is None):
        return None
    return Route(
        use=named[0],
        of_attribute=named[1],
        path=place.path,
        span=place.span,
        condition=who,
    )


def _use(place: Place, names: Names) -> tuple[str, bool] | None:
    """Return the channel's name, or the attribute's and True."""
    text = place.text()
    if text is None:
        return None
    channels = names.vocabulary.channels
    if text in channels:
        return text, False
    bare = text.removeprefix("customer.")
    attribute = names.attribute(bare)
    if attribute is not None:
        found = read_attribute(place, names, (FieldKind.TEXT, FieldKind.WORD))
        if found is not None:
            _warn_of_words(place, found, names)
        return (bare, True) if found else None
    if not names.silent(text, Section.CHANNELS) and not names.silent(bare, Section.ATTRIBUTES):
        hint = nearest(text, {*channels, *names.vocabulary.attributes}, Section.CHANNELS)
        place.error("unknown-channel", f'no channel or attribute "{text}"', hint)
    return None


def _warn_of_words(place: Place, attribute: FieldType, names: Names) -> None:
    for word in attribute.words:
        if word not in names.vocabulary.channels and not names.silent(word, Section.CHANNELS):
            message = f'"{word}" of {attribute.name} is not a channel: this line passes it over'
            place.warn("unknown-channel", message)
