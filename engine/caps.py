"""Caps: how much has reached a customer in a rolling window, and when there is room again."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from engine.context import RunContext
from rules.playbook import Cap, Verdict
from rules.units import MICROS, shift
from rules.vocabulary import Vocabulary

__all__ = ["Full", "Reached", "ReachedBook", "full_cap", "room_at"]

_CHUNK = 500  #: values bound in one query
_MARGIN = 4 * 86_400 * MICROS  #: months clamp: a window of months may begin so much earlier

#: What reached the customer: messages that went out or are about to, tasks that were done; and
#: tasks that this very run released.
_REACHED = """
SELECT a.id, a.customer, a.channel, j.revision,
       CASE WHEN a.kind = 'task' AND a.state = 'done' THEN a.closed_at ELSE a.opened_at END AS at
FROM actions a JOIN journeys j ON j.id = a.journey
WHERE a.customer IN ({marks}) AND (
    (a.kind = 'message' AND a.opened_at >= ?
        AND a.state IN ('due', 'intent', 'sent', 'handed_over', 'unknown'))
    OR (a.kind = 'task' AND a.state = 'done' AND a.host IS NULL AND a.closed_at >= ?)
    OR (a.kind = 'task' AND a.state = 'open' AND a.host IS NULL AND a.opened_at = ?))
ORDER BY a.id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """One action that reached a customer."""

    action: str
    at: int
    purpose: str
    channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Full:
    """A cap that has no room at T."""

    cap: Cap
    until: int  #: the first instant with room
    count: int
    newest: tuple[str, ...]  #: actions counted, the newest first, at most five

    @property
    def words(self) -> str:
        """What stands on the evidence."""
        return f"{self.count} reached the customer in {self.cap.per}, {self.cap.at_most} may"


class ReachedBook:
    """What reached some customers, and what this run adds to it."""

    def __init__(self, ctx: RunContext, customers: Collection[str]) -> None:
        self.ctx = ctx
        self.caps = ctx.project.house.caps
        self._of: dict[str, list[Reached]] = {}
        if self.caps:
            for customer, reached in self._read(sorted(set(customers))):
                self._of.setdefault(customer, []).append(reached)

    def _read(self, customers: Sequence[str]) -> Iterator[tuple[str, Reached]]:
        ctx = self.ctx
        starts = [shift(ctx.at, cap.per, ctx.timezone, back=True) for cap in self.caps]
        first = min(starts) - _MARGIN
        for start in range(0, len(customers), _CHUNK):
            part = customers[start : start + _CHUNK]
            sql = _REACHED.format(marks=",".join("?" * len(part)))
            for row in ctx.ledger.rows(sql, *part, first, first, ctx.at):
                purpose = ctx.revisions.get(row["revision"]).purpose
                yield (
                    row["customer"],
                    Reached(
                        action=row["id"], at=row["at"], purpose=purpose, channel=row["channel"]
                    ),
                )

    def add(self, customer: str, reached: Reached) -> None:
        """Count what this run releases."""
        self._of.setdefault(customer, []).append(reached)

    def full(self, customer: str, purpose: str, channel: str) -> Full | None:
        """Return the cap that stands against one more action now; None where all have room.

        A cap that skips goes before one that defers; of those the one that takes longest.
        """
        mine = self._of.get(customer, ())
        vocabulary = self.ctx.project.vocabulary
        return full_cap(self.caps, vocabulary, mine, purpose, channel, at=self.ctx.at)


def full_cap(
    caps: Sequence[Cap],
    vocabulary: Vocabulary,
    reached: Sequence[Reached],
    purpose: str,
    channel: str,
    *,
    at: int,
) -> Full | None:
    """Return the cap that stands against one more action at T, given what reached the customer."""
    found: list[Full] = []
    for cap in caps:
        if not _binds(vocabulary, cap, purpose, channel):
            continue
        inside = sorted(
            (
                (end, one.action)
                for one in reached
                if _binds(vocabulary, cap, one.purpose, one.channel)
                and (end := shift(one.at, cap.per, vocabulary.timezone)) > at
            ),
            reverse=True,
        )
        until = room_at([end for end, _ in inside], cap.at_most, at)
        if until > at:
            newest = tuple(action for _, action in inside[:5])
            found.append(Full(cap=cap, until=until, count=len(inside), newest=newest))
    skips = [one for one in found if one.cap.verdict is Verdict.SKIP]
    if skips:
        return skips[0]
    return max(found, key=lambda one: one.until, default=None)


def _binds(vocabulary: Vocabulary, cap: Cap, purpose: str, channel: str) -> bool:
    """Whether a cap counts and binds an action."""
    declared = vocabulary.channels.get(channel)
    if declared is not None and not declared.reaches_customer:
        return False
    if purpose in cap.exempt or (cap.purposes and purpose not in cap.purposes):
        return False
    return not cap.channels or channel in cap.channels


def room_at(ends: Sequence[int], at_most: int, at: int) -> int:
    """Return the first instant from T on at which fewer than so many are still counted.

    ``ends`` are the instants at which each leaves the window.
    """
    inside = sorted((end for end in ends if end > at), reverse=True)
    return inside[at_most - 1] if len(inside) >= at_most else at
