"""One open task for the same customer, playbook and step: a further one goes with it.

Journeys whose playbook tells cases apart by ``same`` are about different things where the field
differs, and have a task each.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from engine.journeys import Action, Journey
from engine.store import Store
from engine.task_trail import write_change
from engine.words import TaskChange
from rules.playbook import Do, Playbook, Wait, walk

__all__ = ["OpenTasks", "alike", "join", "same_fields"]


def same_fields(book: Playbook) -> frozenset[str]:
    """Return the fields by which a playbook tells one case of a customer from another."""
    found = {stop.same for stop in book.stops} | {trigger.same for trigger in book.triggers}
    for step in walk(book.steps):
        if isinstance(step, Wait):
            found |= {awaited.same for awaited in step.awaited}
        elif isinstance(step, Do) and step.done_when is not None:
            found.add(step.done_when.same)
    return frozenset(name for name in found if name is not None)


def alike(book: Playbook, one: Journey, other: Journey) -> bool:
    """Tell whether two journeys of a playbook are about the same case; unknown ones are not."""
    fields = same_fields(book)
    return all(
        one.event.get(name) is not None and one.event.get(name) == other.event.get(name)
        for name in fields
    )


class OpenTasks:
    """The open tasks that a step may go with: those of the ledger, and what a run is releasing."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._new: dict[tuple[str, str, str], list[tuple[str, str]]] = {}

    def add(self, journey: Journey, action: Action) -> None:
        """Count a task that is released and not written yet."""
        key = (journey.customer, journey.playbook, action.step)
        self._new.setdefault(key, []).append((journey.id, action.id))

    def host(
        self, book: Playbook, journey: Journey, step: str, others: Iterable[Journey]
    ) -> str | None:
        """Return the id of the open task of another journey that does what this step is about to do.

        ``others`` are the customer's running journeys.
        """
        beside = {
            other.id
            for other in others
            if other.playbook == journey.playbook and other.id != journey.id
            and alike(book, journey, other)
        }  # fmt: skip
        if not beside:
            return None
        rows = self.store.ledger.rows(
            "SELECT id, journey FROM actions WHERE customer = ? AND playbook = ? AND step = ?"
            " AND kind = 'task' AND state = 'open' AND host IS NULL ORDER BY opened_at, id",
            journey.customer, journey.playbook, step,
        )  # fmt: skip
        known = [(row["journey"], row["id"]) for row in rows]
        known += self._new.get((journey.customer, journey.playbook, step), ())
        return next((key for of, key in known if of in beside), None)


def join(store: Store, guest: Action, journey: Journey, *, at: int) -> Action:
    """Write that a task goes with an open one, and return the open one: due when the earlier of both
    is due. Inside the run's transaction.
    """
    assert guest.host is not None
    host = store.action(guest.host)
    assert host is not None
    moved = replace(host, due_by=min(host.due_by, guest.due_by))
    write_change(
        store.ledger, TaskChange.JOINED, host, before=str(host.due_by), after=guest.id, at=at,
        why=f"{journey.trigger} {journey.occurrence}",
    )  # fmt: skip
    if moved != host:
        store.move(moved, at=at)
    return moved
