"""The chain part by part: what a run decided in its transaction, and what came in between.

A block belongs to one transaction, and each transaction that is not a run's leaves entries of a kind
that runs never write; so the parts are told apart by what stands in them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.audit.blocks import Entry, unpack
from engine.ledger import Ledger
from engine.words import TaskChange, Transition

__all__ = ["Part", "parts_of"]

#: Kinds of entry that only people, channels and the feed leave.
_FROM_OUTSIDE = frozenset(
    (
        Transition.ATTEMPT, Transition.RETRY, Transition.CHANNEL, Transition.SETTLED,
        Transition.OUTCOME, Transition.CURSOR,
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Entries that were written together; with ``run``, all those of that run."""

    entries: tuple[Entry, ...]
    run: Entry | None = None


def parts_of(ledger: Ledger) -> Iterator[Part]:
    """Yield the whole chain in order. Raises StateError or ValueError where it can't be read."""
    run: list[Entry] = []  #: of a run that has come to its end, but for what it wakes
    begun: list[Entry] = []
    for row in ledger.rows("SELECT n, body FROM blocks ORDER BY n"):
        lines = unpack(row["body"])
        block = [Entry.of(n, line) for n, line in enumerate(lines, row["n"] - len(lines) + 1)]
        waking = all(entry.kind == Transition.WAKE for entry in block)
        if run and waking:
            run += block
            continue
        if run:
            yield _of_run(run)
            run = []
        if (waking and not begun) or any(_from_outside(entry) for entry in block):
            if begun:
                yield Part(entries=tuple(begun))
                begun = []
            yield Part(entries=tuple(block))
            continue
        begun += block
        if any(entry.kind == Transition.RUN for entry in block):
            run, begun = begun, []
    if run:
        yield _of_run(run)
    if begun:
        yield Part(entries=tuple(begun))


def _of_run(entries: Sequence[Entry]) -> Part:
    run = next(entry for entry in entries if entry.kind == Transition.RUN)
    return Part(entries=tuple(entries), run=run)


def _from_outside(entry: Entry) -> bool:
    body = entry.body
    match entry.kind:
        case Transition.REQUEST:
            return "who" in body
        case Transition.APPROVAL:
            return not body.get("gone")
        case Transition.TASK:
            return bool(body.get("change") != TaskChange.JOINED)
        case Transition.DECISION:
            return bool(body.get("gate") == "deliver")
        case _:
            return entry.kind in _FROM_OUTSIDE
