"""A task once more, once late, or closed for good: ``retry``, ``repeat``, ``if_overdue``, ``give_up``."""

from __future__ import annotations

from rules.errors import did_you_mean
from rules.parse.condition import read_condition
from rules.parse.names import Section, nearest
from rules.parse.place import Place
from rules.parse.scope import Parts, Scope
from rules.parse.settings import read_after, read_count, read_length
from rules.phrases import plain
from rules.playbook import Overdue, Repeat, Retry
from rules.units import Duration

__all__ = ["EXPIRED", "read_give_up", "read_overdue", "read_repeat", "read_retry", "read_role"]

EXPIRED = "expired"  #: the outcome of a task that nobody finished
_MOST_RETRIES = 100
_MOST_RUNGS = 5
_MOST_REPEATS = 1000  #: nearly three years of days


def read_role(place: Place, scope: Scope) -> str | None:
    """Return the name of a role of care.yaml."""
    text = place.text()
    roles = scope.names.vocabulary.roles
    if text is None or text in roles:
        return text
    if not scope.names.silent(text, Section.ROLES):
        place.error("unknown-role", f'no role "{text}"', nearest(text, roles, Section.ROLES))
    return None


def read_retry(place: Place, outcomes: tuple[str, ...] | None) -> Retry | None:
    """Return when a task is done again; ``outcomes`` are its own (None: could not be read)."""
    if not place.is_mapping():
        hint = "write {on: no_answer, every: 1 working day, times: 3}"
        place.error("wrong-shape", "`retry` needs `key: value` lines", hint)
        return None
    parts = Parts()
    on = parts.read(place.get("on"), lambda each: _outcomes(each, outcomes))
    every = parts.read(place.get("every"), lambda each: _every(each, "1 working day"))
    times = parts.read(place.get("times"), lambda each: _times(each, 1, _MOST_RETRIES))
    _needed(place, ("on", "every", "times"), "retry")
    if not parts.sound or on is None or every is None or times is None:
        return None
    return Retry(on=on, every=every, times=times)


def _outcomes(place: Place, known: tuple[str, ...] | None) -> tuple[str, ...] | None:
    texts = place.texts()
    if texts is None or known is None:
        return None
    if not texts:
        place.error("empty-value", "`on` has an empty list", at_key=True)
        return None
    sound = True
    for text, item in texts:
        if text not in known and text != EXPIRED:
            hint = did_you_mean(text, known) or "add outcomes: with the words to choose from"
            item.error("unknown-value", f'the step has no outcome "{text}"', hint)
            sound = False
    return tuple(text for text, _ in texts) if sound else None


def read_repeat(place: Place, scope: Scope) -> Repeat | None:
    """Return how often a step comes again."""
    if not place.is_mapping():
        hint = "write {every: 3 days, times: 10}"
        place.error("wrong-shape", "`repeat` needs `key: value` lines", hint)
        return None
    parts = Parts()
    every = parts.read(place.get("every"), lambda each: _every(each, "3 days"))
    times = parts.read(place.get("times"), lambda each: _times(each, 2, _MOST_REPEATS))
    until_place = place.get("until")
    until = read_condition(until_place, scope.here()) if until_place else None
    _needed(place, ("every", "times"), "repeat")
    if not parts.sound or every is None or times is None or (until_place and until is None):
        return None
    return Repeat(every=every, times=times, until=until)


def _needed(place: Place, keys: tuple[str, ...], what: str) -> None:
    examples = {"on": "no_answer", "every": "1 working day", "times": "3"}
    for key in keys:
        if place.get(key) is None:
            hint = f"write {key}: {examples[key]}"
            place.error("missing-key", f"{what} needs `{key}`", hint)


def _every(place: Place, example: str) -> Duration | None:
    return read_length(place, example, working=True)


def _times(place: Place, least: int, most: int) -> int | None:
    count = read_count(place, 3)
    if count is None or least <= count <= most:
        return count
    if count < least:
        message = f"`times` counts the first one too: {count} is no repetition"
        place.error("bad-number", message, f"write times: {least}, or take `repeat` out")
    else:
        message = f"`times` is at most {most}"
        place.error("bad-number", message, "let a trigger `every` begin it anew instead")
    return None


def read_overdue(place: Place, scope: Scope) -> tuple[Overdue, ...] | None:
    """Return who is told when a task is overdue, and when: one, or several in turn."""
    items = place.each()
    if not items:
        place.error("empty-value", "`if_overdue` has an empty list", at_key=True)
        return None
    found = [_rung(item, scope) for item in items]
    sound = tuple(each for each in found if each)
    if len(sound) < len(found):
        return None
    if len(sound) > _MOST_RUNGS:
        message = f"`if_overdue` has at most {_MOST_RUNGS} rungs"
        place.error("bad-number", message, "let the last one decide", at_key=True)
        return None
    for item, before, after in zip(items[1:], sound, sound[1:], strict=False):
        if not _later(before.after, after.after):
            message = "this escalation does not come later than the one before it"
            item.error("bad-step", message, "write a longer `after`, or put them in order")
            return None
    return sound


def _rung(place: Place, scope: Scope) -> Overdue | None:
    if not place.is_mapping():
        hint = "write {escalate: manager, after: 4 working hours}"
        place.error("wrong-shape", "`if_overdue` needs `key: value` lines", hint)
        return None
    parts = Parts()
    role = parts.read(place.get("escalate"), lambda each: read_role(each, scope))
    after = parts.read(
        place.get("after"), lambda each: read_length(each, "4 working hours", working=True)
    )
    if place.get("escalate") is None:
        place.error("missing-key", "if_overdue needs `escalate`", "write escalate: manager")
    if not parts.sound or role is None:
        return None
    return Overdue(role=role, after=after)


def _later(before: Duration | None, after: Duration | None) -> bool:
    """Whether one length may be longer than another; of different units nobody can tell."""
    if after is None:
        return False
    if before is None or before.unit is not after.unit:
        return True
    return after.amount > before.amount


def read_give_up(place: Place) -> Duration | None:
    """Return after how long a task that nobody finishes is closed; ``after`` may be left out."""
    text = place.text()
    if text is None:
        return None
    if plain(text).startswith("after "):
        return read_after(place, "30 days", working=True)
    return read_length(place, "after 30 days", working=True)
