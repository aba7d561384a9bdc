"""``from``: the moment from which a step's clock counts."""

from __future__ import annotations

import re

from rules.errors import did_you_mean
from rules.measures import Quantity
from rules.parse.names import Names, Section, Sort
from rules.parse.place import Place
from rules.parse.scope import Scope
from rules.phrases import plain, read_duration
from rules.playbook import Anchor, AnchorKind
from rules.repair import repair
from rules.units import Duration, Unit
from rules.vocabulary import FieldKind

__all__ = ["read_anchor"]

_OFFSET = re.compile(r"(.+?) (before|after) (.+)")
_HOURS = (Unit.SECOND, Unit.MINUTE, Unit.HOUR)
_DATES = (Sort.DATE, Sort.INSTANT)


def read_anchor(place: Place, step: str, scope: Scope) -> Anchor | None:
    """Return the moment from which a step's clock counts, or report why there is none."""
    text = place.text()
    if text is None:
        return None
    words = plain(text)
    if words == "entry":
        return Anchor(AnchorKind.ENTRY)
    if words == step:
        place.error("cycle", f'step "{step}" waits for itself', "name another step, or entry")
        return None
    steps = scope.subjects.step_names
    if text in steps:
        return Anchor(AnchorKind.STEP, text)
    found = _OFFSET.fullmatch(words)
    if found is None:
        return _at(place, words, step, scope, None, back=False)
    offset = read_duration(found[1])
    if offset is None:
        better = repair(found[1], lambda candidate: read_duration(candidate) is not None)
        hint = f"write {better or '60 days'} {found[2]} {found[3]}"
        place.error("bad-duration", f'"{found[1]}" is no length of time', hint)
        return None
    if offset.working:
        message = f"`from` can't be counted in working time: {text}"
        place.error("bad-duration", message, "write days or weeks here; `due` takes working days")
        return None
    return _at(place, found[3], step, scope, offset, back=found[2] == "before")


def _at(
    place: Place, name: str, step: str, scope: Scope, offset: Duration | None, *, back: bool
) -> Anchor | None:
    """Return the anchor on a name, moved by an offset, if the name is a date."""
    steps = scope.subjects.step_names
    if name in steps or name == "entry":
        hint = f"write from: {name} and due: after {offset}"
        place.error("bad-anchor", f'`from: {name}` takes no "{offset}"', hint)
        return None
    head, dot, rest = name.partition(".")
    if dot and head == "trigger":
        kind, sort, name = AnchorKind.TRIGGER_DATE, _of_trigger(place, rest, scope), rest
    elif dot and head in steps:
        kind, sort = AnchorKind.STEP_DATE, _of_step(place, name, head, step, scope)
    else:
        kind, sort = AnchorKind.DATE, _of_customer(place, name, scope, offset)
    if sort is None:
        return None
    if sort is Sort.DATE and offset and offset.unit in _HOURS:
        message = f"{name if kind is not AnchorKind.TRIGGER_DATE else f'trigger.{name}'} is a date"
        place.error(
            "bad-anchor", f"{message}, which has no hours", "write days, weeks, months or years"
        )
        return None
    return Anchor(kind, name, offset, back=back)


def _of_trigger(place: Place, name: str, scope: Scope) -> Sort | None:
    """Return DATE or INSTANT of ``trigger.date`` or a field of the event that starts."""
    known = scope.subjects.trigger or {}
    if name in known:
        if known[name].sort in _DATES:
            return known[name].sort
        place.error("bad-anchor", f'"trigger.{name}" is no date', "name a step, entry, or a date")
        return None
    if scope.triggers is None or scope.names.silent(name, Section.FIELDS):
        return None
    message, hint = f'no date "trigger.{name}" to count from', "name a step, entry, or a date"
    if name == "date":
        message = "`trigger.date` is the day of a trigger `date`, `holiday` or `every`"
    else:
        dates = [f"trigger.{key}" for key, left in known.items() if left.sort in _DATES]
        hint = did_you_mean(f"trigger.{name}", dates) or hint
    place.error("unknown-field", message, hint)
    return None


def _of_step(place: Place, name: str, head: str, step: str, scope: Scope) -> Sort | None:
    """Return DATE of what a step above asks for."""
    done = scope.here().steps or {}
    if name in done:
        if done[name].sort in _DATES:
            return done[name].sort
        place.error("bad-anchor", f'"{name}" is no date', "name a step, entry, or a date")
        return None
    if head == step:
        place.error("cycle", f'step "{step}" waits for itself', "name another step, or entry")
    elif head not in scope.seen or head in scope.apart:
        message = f'step "{head}" is not done before this one'
        place.error("bad-anchor", message, "name a date that a step above asks for")
    elif (Section.FIELDS, head) not in scope.names.broken:
        dates = [each for each, left in done.items() if left.sort in _DATES]
        hint = did_you_mean(name, dates) or f"add ask: {{{name.partition('.')[2]}: date}} there"
        place.error("unknown-name", f'step "{head}" asks for no such thing: "{name}"', hint)
    return None


def _of_customer(place: Place, name: str, scope: Scope, offset: Duration | None) -> Sort | None:
    """Return DATE or INSTANT of an attribute or measure."""
    names = scope.names
    attribute, measure = names.attribute(name), names.measures.get(name)
    if attribute and attribute.kind in (FieldKind.DATE, FieldKind.INSTANT):
        return Sort.DATE if attribute.kind is FieldKind.DATE else Sort.INSTANT
    if measure and measure.quantity in (Quantity.DATE, Quantity.INSTANT):
        return Sort.DATE if measure.quantity is Quantity.DATE else Sort.INSTANT
    if attribute or measure:
        place.error("bad-anchor", f'"{name}" is no date', "name a step, entry, or a date")
        return None
    if names.silent(name, Section.ATTRIBUTES, Section.MEASURES):
        return None
    hint = did_you_mean(name, {*scope.subjects.step_names, "entry", *_dates(names)})
    what = "date" if offset else "step or date"
    place.error("unknown-step", f'no {what} "{name}" to count from', hint)
    return None


def _dates(names: Names) -> set[str]:
    kinds = (FieldKind.DATE, FieldKind.INSTANT)
    dates = {key for key, known in names.vocabulary.attributes.items() if known.kind in kinds}
    measures = names.measures.items()
    return dates | {key for key, known in measures if known.quantity is Quantity.INSTANT}
