"""``same``: the field that ties an event to the one that began the journey."""

from __future__ import annotations

from collections.abc import Iterable

from rules.errors import did_you_mean
from rules.measures import Events
from rules.parse.names import Names, Section
from rules.parse.place import Place
from rules.playbook import Trigger, TriggerKind

__all__ = ["begun_by", "read_same"]


def begun_by(trigger: Trigger) -> Events | None:
    """Return the events whose fields ``trigger.<field>`` and ``same`` see; None: it has none."""
    match trigger.kind:
        case TriggerKind.EVENT | TriggerKind.FIRST:
            return trigger.events
        case TriggerKind.MISSING:
            return trigger.after
        case _:
            return None


def read_same(
    place: Place,
    events: Events | None,
    triggers: tuple[Trigger, ...] | None,
    names: Names,
    *,
    code: str,
) -> str | None:
    """Return the field that these events share with every event that starts the playbook.

    ``code`` is that of a mistake in the use of ``same`` here.
    """
    text = place.text()
    if text is None or events is None or triggers is None:
        return None
    began = [begun_by(trigger) for trigger in triggers]
    if any(each is None for each in began):
        message = "`same` compares with the event that starts, and this playbook has other triggers"
        place.error(code, message, "take `same` out", at_key=True)
        return None
    starts = {name for each in began if each for name in each.names}
    kinds = set()
    for event in _sorted(starts, events.names):
        fields = names.vocabulary.events[event].fields
        if text not in fields:
            if not names.silent(f"{event}.{text}", Section.FIELDS):
                hint = did_you_mean(text, fields) or f'"{event}" has no fields'
                place.error("unknown-field", f'event "{event}" has no field "{text}"', hint)
            return None
        kinds.add(fields[text].kind)
    if len(kinds) > 1:
        message = f'field "{text}" has not one type in all these events'
        place.error(code, message, "declare it alike in care.yaml")
        return None
    return text


def _sorted(*several: Iterable[str]) -> list[str]:
    return sorted({name for names in several for name in names})
