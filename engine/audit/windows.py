"""Calendar arithmetic made again: the windows of steps that count from the entry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from importlib import metadata

from engine.audit.past import Past
from engine.calendar import WorkingCalendar
from engine.configs import Configs
from engine.due import window
from engine.ledger import Ledger
from engine.revisions import Revisions
from rules.errors import StateError
from rules.playbook import Do

__all__ = ["odd_windows"]

_ANCHOR = "the entry"
_ASKED = """
SELECT a.id, a.step, a.link, j.link AS told, j.entry FROM actions a JOIN journeys j ON j.id = a.journey
WHERE a.turn = 1 AND a.anchor = ? AND a.words IS NOT NULL AND a.kind IN ('task', 'message')
    AND NOT EXISTS (SELECT 1 FROM holds h WHERE h.journey = j.id)
ORDER BY a.link
"""
_RUN = "SELECT DISTINCT config, json_extract(versions, '$.holidays') AS holidays FROM runs WHERE at = ?"


def odd_windows(ledger: Ledger, counts: Counter[str]) -> Iterator[str]:
    """Yield the steps whose first window is not what their playbook and the calendar make of it.

    Counted are those that were made again. Journeys that a house rule held are left out (their
    clocks stood), and so are runs with another version of the library that knows the holidays.
    """
    revisions, past = Revisions(ledger), Past(ledger)
    calendars: dict[int, WorkingCalendar | None] = {}
    for row in ledger.rows(_ASKED, _ANCHOR):
        first = past.first(ledger.chain.entry(row["link"]))
        if first.at not in calendars:
            calendars[first.at] = _calendar(ledger, first.at)
        calendar = calendars[first.at]
        step = _step(revisions, _revision(ledger, row["told"], before=first.n), row["step"])
        if calendar is None or step is None or first.body.get("anchor") != _ANCHOR:
            continue
        counts["windows"] += 1
        opening = window(step.due, row["entry"], calendar.of_role(step.assign), step.at)
        said = tuple(first.body.get(name) for name in ("opens_at", "due_by", "words"))
        if said != (opening.opens_at, opening.due_by, opening.words):
            yield f"actions {row['id']}: counted again, its window is: {opening.words}"


def _calendar(ledger: Ledger, at: int) -> WorkingCalendar | None:
    """Return the calendar of the run at T, None where it is not certain which it was."""
    runs = list(ledger.rows(_RUN, at))
    if len(runs) != 1 or runs[0]["holidays"] != metadata.version("holidays"):
        return None
    config = Configs(ledger).get(runs[0]["config"])
    return WorkingCalendar.of(config.vocabulary) if config is not None else None


def _revision(ledger: Ledger, number: int, *, before: int) -> str:
    """Return the revision that a journey had before an entry: an edited playbook may have taken the
    journey along since. ``number``: of the last entry about the journey.
    """
    while number:
        entry = ledger.chain.entry(number)
        if entry.n < before and "revision" in entry.body:
            return str(entry.body["revision"])
        number = entry.prev
    return ""


def _step(revisions: Revisions, revision: str, name: str) -> Do | None:
    try:
        return revisions.get(revision).act(name)
    except (KeyError, StateError):
        return None
