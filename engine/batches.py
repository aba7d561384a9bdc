"""Which messages go out together: intents in one commit, and several in one digest."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from engine.channel_states import MINUTE, ChannelStates
from engine.outbox import Waiting
from engine.switchboard import Switchboard
from engine.waits import LOCAL

__all__ = ["Batch", "Batches", "plan"]

_GROUP = 100  #: files whose intents are committed together; a crash writes so many again
_FEW = 10  #: the same for other kinds that may be asked twice


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Messages whose intents are committed together."""

    items: Sequence[Waiting]
    digest: bool = False  #: they go out as one


@dataclass(slots=True, kw_only=True)
class Batches:
    """What is sent in one sweep, and what has to wait for room in a channel with a limit."""

    batches: list[Batch] = field(default_factory=list)
    waiting: int = 0
    soonest: list[int] = field(default_factory=list)  #: wall times at which there is room again


def plan(
    ready: Sequence[Waiting],
    board: Switchboard,
    states: ChannelStates,
    *,
    now: int,
    patience: float | None,
) -> Batches:
    """Return the batches of what is ready, in its order, the digests last.

    A channel that takes so many a minute gets what it has room for. The rest waits where there is
    room for all of it within ``patience`` (seconds; None: nobody waits), else the last message is a
    digest that tells of the rest, where the kind of channel has one.
    """
    found = Batches()
    digests: list[Batch] = []
    later: set[str] = set()
    for channel, items in _limited(ready, board).items():
        kind = board.kind(channel)
        assert kind is not None
        assert kind.per_minute is not None
        free, room_at = states.room(channel, kind.per_minute, now=now)
        if len(items) <= free:
            continue
        minutes = math.ceil((len(items) - free) / kind.per_minute)
        if patience is not None and minutes * 60 <= patience:
            alone = items[:free]
            found.soonest.append(now + MINUTE if free else room_at)
        elif kind.digest is not None and free:
            alone = items[: free - 1]
            digests.append(Batch(items=items[free - 1 :], digest=True))
        else:
            alone = items[:free]
            found.soonest.append(room_at)
        later |= {item.action.id for item in items[len(alone) :]}
    found.waiting = len(later) - sum(len(batch.items) for batch in digests)
    singles = [item for item in ready if item.action.id not in later]
    found.batches = [*_groups(singles, board), *digests]
    return found


def _limited(ready: Sequence[Waiting], board: Switchboard) -> dict[str, list[Waiting]]:
    found: dict[str, list[Waiting]] = {}
    for item in ready:
        kind = board.kind(item.action.channel)
        if kind is not None and kind.per_minute is not None:
            found.setdefault(item.action.channel, []).append(item)
    return found


def _groups(items: Sequence[Waiting], board: Switchboard) -> Iterator[Batch]:
    """Yield neighbours of one kind together where it may be asked twice; what failed before or must
    not go out twice is alone.
    """
    group: list[Waiting] = []
    last = ""
    for item in items:
        kind = board.kind(item.action.channel)
        name = kind.name if kind is not None else ""
        twice = kind is not None and kind.idempotent and kind.per_minute is None
        most = 1 if item.tried or not twice else _GROUP if name == LOCAL else _FEW
        if group and (name != last or len(group) >= most):
            yield Batch(items=group)
            group = []
        group.append(item)
        last = name if most > 1 else ""
    if group:
        yield Batch(items=group)
