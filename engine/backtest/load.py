"""How much work a past would have been: what opened on which day, for which role, in which channel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from engine.calendar import WorkingCalendar
from engine.ledger import Ledger
from engine.levelled import Roles
from engine.revisions import Revisions
from engine.store import action_of
from engine.words import ActionKind
from rules.units import day_of
from rules.vocabulary import Vocabulary

__all__ = ["Act", "Load", "acts_of", "loads"]

_ACTS = """
SELECT a.*, j.revision FROM actions a JOIN journeys j ON j.id = a.journey
WHERE a.kind IN (?, ?) AND a.opened_at IS NOT NULL AND a.host IS NULL AND a.state <> 'skipped'
ORDER BY a.opened_at, a.id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One task that opened, or one message that went out."""

    playbook: str
    customer: str
    channel: str
    role: str | None  #: of a task
    at: int  #: instant of its opening
    day: int  #: of a task: the working day on which people find it
    human: bool
    reaches: bool  #: the customer notices it


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one role or channel had to carry."""

    what: str  #: ``role`` or ``channel``
    name: str
    days: Counter[int]  #: day -> number
    capacity: int | None  #: of a role: tasks a working day

    @property
    def total(self) -> int:
        """How many in all."""
        return self.days.total()

    @property
    def peak(self) -> tuple[int, int]:
        """The fullest day, the first of equals, and its number."""
        day = min(self.days, key=lambda one: (-self.days[one], one))
        return day, self.days[day]

    @property
    def over(self) -> list[int]:
        """The days above the capacity."""
        limit = self.capacity
        return [] if limit is None else sorted(d for d, n in self.days.items() if n > limit)


def acts_of(ledger: Ledger, vocabulary: Vocabulary) -> list[Act]:
    """Return what a ledger's runs opened, in order."""
    return list(_acts(ledger, vocabulary))


def _acts(ledger: Ledger, vocabulary: Vocabulary) -> Iterator[Act]:
    calendar, roles = WorkingCalendar.of(vocabulary), Roles(Revisions(ledger))
    for row in ledger.rows(_ACTS, ActionKind.TASK, ActionKind.MESSAGE):
        action = action_of(row)
        role = roles.of(action, row["revision"]) if action.human else None
        opened = action.opened_at
        assert opened is not None
        clock = calendar.of_role(role)
        day = day_of(opened, clock.timezone)
        if action.human:
            day = clock.this_or_next_working_day(day)
        declared = vocabulary.channels.get(action.channel)
        yield Act(
            playbook=action.playbook, customer=action.customer, channel=action.channel, role=role,
            at=opened, day=day, human=action.human,
            reaches=declared is None or declared.reaches_customer,
        )  # fmt: skip


def loads(acts: Iterable[Act], vocabulary: Vocabulary) -> Sequence[Load]:
    """Return the load of every role that got a task, then of every channel, each by name."""
    roles: dict[str, Counter[int]] = {}
    channels: dict[str, Counter[int]] = {}
    for act in acts:
        if act.human:
            roles.setdefault(act.role or "", Counter())[act.day] += 1
        channels.setdefault(act.channel, Counter())[act.day] += 1
    declared = vocabulary.roles
    return [
        *(
            Load(
                what="role", name=name, days=days,
                capacity=declared[name].capacity if name in declared else None,
            )
            for name, days in sorted(roles.items())
        ),
        *(
            Load(what="channel", name=name, days=days, capacity=None)
            for name, days in sorted(channels.items())
        ),
    ]  # fmt: skip
