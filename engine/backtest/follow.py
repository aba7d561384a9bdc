"""How customers went on after a journey began, beside those that the hold-out kept from it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from engine.backtest.past import Played
from engine.words import Reason
from rules.errors import UsageError, did_you_mean
from rules.units import MICROS
from rules.vocabulary import BUILT_IN_EVENTS, FieldKind, Vocabulary

__all__ = ["SPANS", "Followed", "follow", "followed_event"]

SPANS = (30, 60, 90)  #: days after the entry
_USUAL = ("order", "purchase")  #: what is looked for where nothing is said
_AMOUNT = "amount"
_DAY = 86_400 * MICROS


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """How the customers of one playbook went on."""

    playbook: str
    held_out: bool  #: those who would have begun it, and were kept from it
    entries: int  #: all of them
    of: Mapping[int, tuple[int, int]]  #: days -> (entries seen that long, those with the event)


def followed_event(vocabulary: Vocabulary, then: str | None, counts: Mapping[str, int]) -> str:
    """Return the event that counts as going on: the one named, else ``order`` or ``purchase``, else
    the most frequent one with an amount; "" where there is none. Raises UsageError.
    """
    own = [name for name in vocabulary.events if name not in BUILT_IN_EVENTS]
    if then is not None:
        if then not in own:
            hint = did_you_mean(then, own) or f"care.yaml has {', '.join(own)}"
            raise UsageError(f'--then: no event "{then}"; {hint}')
        return then
    for name in _USUAL:
        if name in own:
            return name
    paid = [name for name in own if _paid(vocabulary, name)]
    return min(paid, key=lambda name: (-counts.get(name, 0), name), default="")


def _paid(vocabulary: Vocabulary, name: str) -> bool:
    field = vocabulary.events[name].fields.get(_AMOUNT)
    return field is not None and field.kind is FieldKind.NUMBER


def follow(played: Played, event: str) -> list[Followed]:
    """Return, by playbook, how those who began it went on, and those of its hold-out after them.

    An entry counts for a span only where the log goes on so long after it.
    """
    last = played.copied.last
    if not event or last is None:
        return []
    entries = {key: list(rows) for key, rows in _entries(played).items()}
    customers = {customer for rows in entries.values() for customer, _ in rows}
    times = played.sandbox.times(event, customers)
    return [
        Followed(
            playbook=playbook, held_out=held_out, entries=len(rows),
            of={days: _share(rows, times, days, last) for days in SPANS},
        )
        for (playbook, held_out), rows in sorted(entries.items())
    ]  # fmt: skip


def _share(
    rows: Sequence[tuple[str, int]], times: Mapping[str, Sequence[int]], days: int, last: int
) -> tuple[int, int]:
    seen = [(customer, entry) for customer, entry in rows if entry + days * _DAY <= last]
    return len(seen), sum(
        _within(times.get(customer, ()), entry, entry + days * _DAY) for customer, entry in seen
    )


def _within(times: Sequence[int], after: int, until: int) -> bool:
    place = bisect_right(times, after)
    return place < len(times) and times[place] <= until


def _entries(played: Played) -> dict[tuple[str, bool], list[tuple[str, int]]]:
    """Return (playbook, held out) -> (customer, entry), each occurrence once."""
    found: dict[tuple[str, bool], list[tuple[str, int]]] = {}
    for playbook, held_out, customer, entry in _rows(played):
        found.setdefault((playbook, held_out), []).append((customer, entry))
    return found


def _rows(played: Played) -> Iterator[tuple[str, bool, str, int]]:
    for row in played.draft.rows("SELECT playbook, customer, entry FROM journeys ORDER BY id"):
        yield row["playbook"], False, row["customer"], row["entry"]
    kept = played.draft.rows(
        "SELECT playbook, customer, entry, run_at FROM decisions"
        " WHERE reason IN (?, ?) AND customer IS NOT NULL ORDER BY id",
        Reason.HOLDOUT, Reason.HOLDOUT_PROJECT,
    )  # fmt: skip
    for row in kept:
        entry = row["run_at"] if row["entry"] is None else row["entry"]
        yield row["playbook"], True, row["customer"], entry
