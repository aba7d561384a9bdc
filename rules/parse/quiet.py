"""``quiet`` of house.yaml: the hours in which nothing reaches a customer."""

from __future__ import annotations

import datetime as dt
import re

from rules.parse.limits import read_bound_channels, read_purposes
from rules.parse.names import Names
from rules.parse.place import Place
from rules.parse.settings import read_word
from rules.phrases import plain, read_clock
from rules.playbook import Quiet, Verdict

__all__ = ["read_quiet"]

_EXAMPLE = "21:00-08:30"


def read_quiet(place: Place | None, names: Names) -> tuple[Quiet | None, bool]:
    """Return the quiet hours, None for none, and whether all is well."""
    if place is None or place.empty:
        return None, True
    if not place.is_mapping():
        place.error("wrong-shape", "`quiet` needs its hours", f"write {{hours: {_EXAMPLE}}}")
        return None, False
    hours_place, then = place.get("hours"), place.get("then")
    if hours_place is None:
        place.error("missing-key", "`quiet` has no hours", f"write hours: {_EXAMPLE}")
    hours = _hours(hours_place) if hours_place else None
    verdict = read_word(then, ("wait", "skip")) if then else "wait"
    channels = read_bound_channels(place.get("channels"), names)
    exempt = read_purposes(place.get("exempt"))
    if hours is None or verdict is None or channels is None or exempt is None:
        return None, False
    found = Quiet(
        start=hours[0],
        end=hours[1],
        span=place.key_span,
        verdict=Verdict.SKIP if verdict == "skip" else Verdict.DEFER,
        channels=channels,
        exempt=exempt,
        path=place.path,
    )
    return found, True


def _hours(place: Place) -> tuple[dt.time, dt.time] | None:
    text = place.text()
    if text is None:
        return None
    found = _pair(plain(text), r" ?- ?")
    if found is None:
        meant = _pair(plain(text), r" ?(?:-|–|—|~|to|until|至|到) ?")
        better = f"{meant[0]:%H:%M}-{meant[1]:%H:%M}" if meant else _EXAMPLE
        place.error("bad-time", f'`hours` can\'t be "{text}"', f"write {better}")
        return None
    if found[0] == found[1]:
        message = "the quiet hours begin and end at the same time"
        place.error("bad-time", message, "write the hours of the night, or take `quiet` out")
        return None
    return found


def _pair(words: str, between: str) -> tuple[dt.time, dt.time] | None:
    parts = re.split(between, words)
    if len(parts) != 2:
        return None
    start, end = read_clock(parts[0]), read_clock("00:00" if parts[1] == "24:00" else parts[1])
    return None if start is None or end is None else (start, end)
