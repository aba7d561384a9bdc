"""``stop_when``: events, leaving a segment, conditions."""

from __future__ import annotations

from rules.conditions import Condition
from rules.measures import Events
from rules.parse.condition import read_condition
from rules.parse.events import event_names, read_where
from rules.parse.names import Names, Subjects, check_name
from rules.parse.place import Place, written
from rules.parse.same import read_same
from rules.parse.settings import read_length
from rules.playbook import Stop, Trigger

__all__ = ["read_stops"]

_KEYS = frozenset({"event", "where", "same", "leaves", "goal", "within"})


def read_stops(
    place: Place | None, subjects: Subjects, triggers: tuple[Trigger, ...] | None
) -> tuple[Stop, ...] | None:
    """Return what ends a journey early, or None where something is wrong."""
    if place is None:
        return ()
    found = [_stop(each, subjects, triggers) for each in place.each()]
    if not found:
        place.error("empty-value", "`stop_when` has an empty list", at_key=True)
    sound = tuple(stop for stop in found if stop)
    return sound if sound and len(sound) == len(found) else None


def _stop(place: Place, subjects: Subjects, triggers: tuple[Trigger, ...] | None) -> Stop | None:
    names = subjects.names
    if not place.is_mapping():
        text = written(place.node)
        known = text in names.vocabulary.events or text in names.vocabulary.groups
        hint = f"write {{event: {text}}}" if known else "write {event: ...} or {leaves: ...}"
        place.error("wrong-shape", "a line of `stop_when` does not say what it is", hint)
        return None
    event, leaves = place.get("event"), place.get("leaves")
    tests = [value for key, value in place.pairs() if key not in _KEYS]
    if (event is not None) + (leaves is not None) + bool(tests) != 1:
        _unclear(place, subjects, event, leaves, tests)
        return None
    for key in ("where", "same"):
        value = place.get(key)
        if value and event is None:
            value.error("bad-stop", f"`{key}` belongs to an `event`", at_key=True)
            return None
    events = segment = same = None
    condition: Condition | None = None
    if event is not None:
        events = _events(event, place, names)
        same_place = place.get("same")
        same = (
            read_same(same_place, events, triggers, names, code="bad-stop") if same_place else None
        )
        sound = events is not None and (same_place is None or same is not None)
    elif leaves is not None:
        segment = names.member(leaves)
        sound = segment is not None
    else:
        condition = read_condition(place, subjects, skip=_KEYS)
        sound = condition is not None
    goal_place, within_place = place.get("goal"), place.get("within")
    goal = _goal(goal_place) if goal_place else None
    within = read_length(within_place, "30 days") if within_place else None
    if within_place and not goal_place:
        message = "`within` is the time in which a goal counts"
        within_place.error("bad-stop", message, "add goal: <word>", at_key=True)
        return None
    if not sound or (goal_place and not goal) or (within_place and not within):
        return None
    return Stop(
        path=place.path,
        span=place.span,
        words=written(place.node).removeprefix("{").removesuffix("}"),
        events=events,
        same=same,
        leaves=segment,
        condition=condition,
        goal=goal,
        within=within,
    )


def _unclear(
    place: Place,
    subjects: Subjects,
    event: Place | None,
    leaves: Place | None,
    tests: list[Place],
) -> None:
    if (event is None) != (leaves is None) and all(
        subjects.misspelt(each.key, each, _KEYS) for each in tests
    ):
        return
    kinds = [f"`{part.key}`" for part in (event, leaves, *tests[:1]) if part]
    if kinds:
        message = f"one line of `stop_when` has {' and '.join(kinds)}"
        place.error("bad-stop", message, "make a line of each, with its dash")
    else:
        hint = "add event: ..., leaves: ..., or a test"
        place.error("missing-key", "a line of `stop_when` does not say what stops", hint)


def _events(event: Place, place: Place, names: Names) -> Events | None:
    found = event_names(event, names)
    where = read_where(place.get("where"), found, written(event.node), names)
    return None if found is None or where is None else Events(names=found, where=where)


def _goal(place: Place) -> str | None:
    text = place.text()
    return text if text is not None and check_name(text, place, "goal") else None
