"""care.yaml: ``reports``, which events the tables of `care report` count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rules.parse.events import event_names, read_fields, shared_fields
from rules.parse.names import Names, Section, nearest
from rules.parse.place import Place
from rules.parse.settings import read_length
from rules.reporting import Limit, Replies, Reports
from rules.vocabulary import FieldKind

__all__ = ["read_reports"]


def read_reports(place: Place | None, names: Names) -> Reports:
    """Return what reports count; ``names`` are those of care.yaml and shared.yaml."""
    if place is None or not place.is_mapping():
        return Reports()
    churned, limits = place.get("churned"), place.get("limits")
    return Reports(
        orders=_numbers(place.get("orders"), names),
        satisfaction=_numbers(place.get("satisfaction"), names),
        nps=_numbers(place.get("nps"), names),
        replies=_replies(place.get("replies"), names),
        churned=names.member(churned) if churned else None,
        limits=tuple(_limits(limits, names)) if limits and not limits.empty else (),
    )


def _numbers(place: Place | None, names: Names) -> Mapping[str, str]:
    found = read_fields(place, names) if place else None
    if found is None or place is None:
        return {}
    fields, declared = found
    if declared.kind is FieldKind.NUMBER:
        return fields
    message = f"`{place.key}` counts with numbers, and this field holds none"
    place.error("bad-measure", message, "take a field that is declared as a number")
    return {}


def _replies(place: Place | None, names: Names) -> Replies | None:
    if place is None:
        return None
    found = {key: _events(place, key, names) for key in ("of", "by")}
    same = _same(place.get("same"), found.values(), names)
    of, by = found["of"], found["by"]
    return Replies(of=of, by=by, same=same) if of and by else None


def _limits(place: Place, names: Names) -> Iterable[Limit]:
    for title, below in place.pairs():
        found = {key: _events(below, key, names) for key in ("from", "to")}
        same = _same(below.get("same"), found.values(), names)
        written = below.get("within")
        within = read_length(written, "24 hours", working=True) if written else None
        start, end = found["from"], found["to"]
        if start and end and within:
            yield Limit(title=title, start=start, end=end, same=same, within=within)


def _events(place: Place, key: str, names: Names) -> tuple[str, ...]:
    below = place.get(key)  # that it is there is the schema's business
    return (event_names(below, names) if below else None) or ()


def _same(
    place: Place | None, events: Iterable[tuple[str, ...]], names: Names
) -> str | None:  # fmt: skip
    text = place.text() if place else None
    both = [each for each in events if each]
    if place is None or text is None or len(both) < 2:
        return None
    known = shared_fields(both, names)
    if text in known:
        return text
    kinds = {kind for each in both for kind in each}
    if not any(names.silent(f"{kind}.{text}", Section.FIELDS) for kind in kinds):
        message = f'not all of these events have a field "{text}" of one type'
        place.error("unknown-field", message, nearest(text, known, Section.FIELDS))
    return None
