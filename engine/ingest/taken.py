"""What came in, counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

__all__ = ["Taken"]


@dataclass(slots=True, kw_only=True)
class Taken:
    """What came in."""

    rows: int = 0
    events: Counter[str] = field(default_factory=Counter)  #: added to the log, by kind
    values: int = 0  #: attribute versions added
    customers: int = 0  #: seen for the first time
    done: int = 0  #: tasks closed
    replies: int = 0  #: to messages; they are events too
    known: int = 0  #: that had come before
    passed: Counter[str] = field(default_factory=Counter)  #: not wanted, by reason
    refused: Counter[str] = field(default_factory=Counter)  #: kept in the rejects, by reason
