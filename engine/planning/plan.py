"""The plan of the next run: what it would do, with the counts that a person reads first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from engine.ingest.taken import Taken
from engine.log import Log
from engine.planning.items import Counted, Item, What, doings
from engine.planning.rehearsal import Rehearsal, rehearsed, staged
from engine.why_not import known_customer
from rules.errors import UsageError, did_you_mean
from rules.playbook import Project
from rules.units import day_of

__all__ = [
    "Held",
    "Plan",
    "chosen",
    "known_books",
    "known_customers",
    "names_of",
    "plan",
    "plan_of",
]

NAME = "name"  #: the attribute that people know customers by


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A playbook over its blast radius: nothing of it begins until it is approved."""

    playbook: str
    count: int  #: journeys that would begin
    limit: int  #: ``limits.per_run``


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run at T would do."""

    at: int  #: T
    last: int | None  #: T of the last run, None before the first
    repeated: bool  #: this very run was done before: it would only deliver
    items: tuple[Item, ...]
    counted: tuple[Counted, ...]  #: refusals of many at once
    held: tuple[Held, ...]
    limits: Mapping[str, int]  #: playbook -> ``limits.per_run``
    live: tuple[str, ...]  #: playbooks that take their silent baseline
    waiting: Mapping[str, int]  #: journeys whose playbook is paused, broken or gone
    on_hold: Mapping[str, int]  #: journeys that house rules hold
    taken: Taken  #: from the spool
    sent: int  #: messages of earlier runs that are on their way; the plan counts them as sent
    broken: tuple[str, ...]  #: files of playbooks that are left out
    names: Mapping[str, str] = field(default_factory=dict)  #: customer -> name

    def count(self, *what: What) -> Counter[str]:
        """Return how many items of some kinds there are, by playbook."""
        return Counter(item.playbook for item in self.items if item.what in what)

    def tasks(self, zone: str) -> Counter[tuple[str, str, int]]:
        """Return how many tasks there are by (role, person or team, day on which they are due)."""
        return Counter(
            (item.role, item.assignee, day_of(item.due_by, zone))
            for item in self.items
            if item.role and item.due_by is not None and item.what in (What.OPENS, What.LATER)
        )

    def channels(self, what: What) -> Counter[str]:
        """Return how many items of a kind there are, by channel."""
        return Counter(item.channel for item in self.items if item.what is what)


def plan(
    project: Project,
    *,
    at: int,
    playbooks: Collection[str] = (),
    customers: Collection[str] = (),
    wait: float = 10.0,
) -> Plan:
    """Return what a run at T would do, of some playbooks and customers (default: all).

    Nothing is written. Raises as ``staged`` does, UsageError for an unknown playbook or customer.
    """
    known_books(project, playbooks)
    with staged(project, at=at, wait=wait) as stage, rehearsed(stage, project) as found:
        known_customers(stage.log, customers)
        return plan_of(found, playbooks=playbooks, customers=customers)


def known_customers(log: Log, customers: Collection[str]) -> None:
    """Raise UsageError for a customer of whom the log knows nothing."""
    for customer in customers:
        known_customer(log, customer)


def plan_of(
    found: Rehearsal, *, playbooks: Collection[str] = (), customers: Collection[str] = ()
) -> Plan:
    """Return the plan that a tried run is."""
    stage, tried, project = found.stage, found.tried, found.project
    every, many = doings(found)
    items = chosen(every, playbooks, customers)
    limits = {book.name: book.per_run for book in project.playbooks}

    def wanted(name: str) -> bool:
        return not playbooks or name in playbooks

    return Plan(
        at=stage.at, last=stage.last[0] if stage.last else None, repeated=tried.repeated,
        items=items,
        counted=tuple(one for one in many if wanted(one.playbook) and not customers),
        held=tuple(
            Held(playbook=name, count=count, limit=limits[name])
            for name, count in sorted(tried.held.items())
            if wanted(name)
        ),
        limits=limits, live=tuple(filter(wanted, tried.live)),
        waiting={name: n for name, n in sorted(tried.waiting.items()) if wanted(name)},
        on_hold={name: n for name, n in sorted(tried.on_hold.items()) if wanted(name)},
        taken=stage.taken, sent=stage.sent, broken=project.broken,
        names=names_of(stage.log, project, {item.customer for item in items}, at=stage.at),
    )  # fmt: skip


def chosen(
    items: Collection[Item], playbooks: Collection[str], customers: Collection[str]
) -> tuple[Item, ...]:
    """Return the items of some playbooks and customers; all where none are named."""
    return tuple(
        item
        for item in items
        if (not playbooks or item.playbook in playbooks)
        and (not customers or item.customer in customers)
    )


def known_books(project: Project, names: Collection[str]) -> None:
    """Raise UsageError for a playbook that the project does not have."""
    known = [book.name for book in project.playbooks]
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known) or f"there are {', '.join(known) or 'none'}"
            raise UsageError(f'no sound playbook "{name}"; {hint}')


def names_of(log: Log, project: Project, customers: Collection[str], *, at: int) -> dict[str, str]:
    """Return customer -> name, as known at T, where care.yaml declares an attribute ``name``."""
    if NAME not in project.vocabulary.attributes or not customers:
        return {}
    rows = log.last_values([NAME], sorted(customers), at=at)
    return {customer: text for customer, _, _, text in rows if text}
