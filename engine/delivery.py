"""What a pass over the outbox did, and the real time that it takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from engine.waits import Waits

__all__ = ["Delivery", "Stopwatch"]

_COUNTS = (
    "sent", "handed_over", "failed", "parked", "unknown", "refused", "skipped", "retried",
    "digests",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What one pass over the outbox did."""

    sent: int = 0
    handed_over: int = 0
    failed: int = 0  #: refused by their channels for good
    parked: int = 0  #: tried as often as they may be
    unknown: int = 0  #: the answer was cut
    refused: int = 0  #: consent was withdrawn since the decision
    skipped: int = 0  #: without an address, or at night where quiet hours skip
    retried: int = 0  #: tries that failed and are made again later
    digests: int = 0  #: messages that told of several
    waiting: Mapping[Waits, int] = field(default_factory=dict)  #: what is still on its way
    disabled: Mapping[str, str] = field(default_factory=dict)  #: channel -> what it said
    troubles: Mapping[str, str] = field(default_factory=dict)  #: channel -> which setting is wrong
    busy: str = ""  #: another delivery is at work
    seconds: float = 0.0  #: that it took

    def plus(self, other: Delivery) -> Delivery:
        """Return this pass and a later one together."""
        counts = {name: getattr(self, name) + getattr(other, name) for name in _COUNTS}
        return replace(
            other, **counts, disabled={**self.disabled, **other.disabled},
            troubles={**self.troubles, **other.troubles}, seconds=self.seconds + other.seconds,
        )  # fmt: skip

    @property
    def needs_a_person(self) -> bool:
        """True when something happened that does not mend itself."""
        return bool(self.failed or self.parked or self.unknown or self.disabled or self.troubles)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopwatch:
    """Real time, in seconds: how much has passed, and waiting."""

    read: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
