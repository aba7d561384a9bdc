"""Tasks of people: which are open, whose they are, and when they are due."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from engine.ids import sha
from engine.journeys import Action
from engine.ledger import Ledger
from engine.render import Rendered, rendered
from engine.revisions import Revisions
from engine.store import action_of
from engine.words import ActionState
from rules.errors import StateError
from rules.playbook import Do
from rules.templates import has_liquid

__all__ = ["Task", "find_action", "open_guests", "short_ids", "tasks", "version"]

_SHORTEST = 6  #: characters of a short id, its letter included: ``a-k3vq``


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """An action with what a person needs to know to do it."""

    action: Action
    title: str  #: of the playbook
    step: Do
    overdue: bool
    note: str = ""
    texts: Rendered | None = None  #: None: it has none, or they were erased
    guests: tuple[Action, ...] = ()  #: open tasks of other journeys that go with this one

    @property
    def what(self) -> str:
        """What there is to do, in a few words."""
        return self.step.title or self.title

    @property
    def brief(self) -> str:
        """What the person is told, filled in as it was when the task opened."""
        filled = self.texts.brief if self.texts else ""
        return filled or ("" if has_liquid(self.step.brief) else self.step.brief)

    @property
    def script(self) -> str:
        """What the person is to say to the customer: the text of the step's template."""
        return self.texts.text if self.texts else ""

    @property
    def told(self) -> str:
        """Brief and script, one below the other."""
        return "\n\n".join(part.strip() for part in (self.brief, self.script) if part.strip())

    @property
    def role(self) -> str | None:
        """The role that got it: the step's, or the one that a house rule named."""
        return self.action.detail.get("role") or self.step.assign


def tasks(
    ledger: Ledger,
    *,
    at: int,
    assignee: str | None = None,
    role: str | None = None,
    customer: str | None = None,
    playbook: str | None = None,
    step: str | None = None,
    due_until: int | None = None,
    closed: bool = False,
    closed_since: int | None = None,
    overdue: bool = False,
) -> list[Task]:
    """Return the open tasks (``closed``: all; ``closed_since``: and those closed since an instant), the
    earliest due first.

    A task that goes with another one is no line of its own. ``due_until`` leaves out what is due at
    that instant or later, ``overdue`` what is due at T or later.
    """
    clauses, values = ["a.kind = 'task'"], list[object]()
    if closed:
        clauses.append("a.state <> 'planned'")
    elif closed_since is not None:
        clauses.append(
            "a.host IS NULL AND (a.state = 'open' OR a.opened_at IS NOT NULL AND a.closed_at >= ?)"
        )
        values.append(closed_since)
    else:
        clauses.append("a.host IS NULL AND a.state = 'open'")
    for name, value in (
        ("assignee", assignee), ("customer", customer), ("playbook", playbook), ("step", step),
    ):  # fmt: skip
        if value is not None:
            clauses.append(f"a.{name} = ?")
            values.append(value)
    for limit in (due_until, at if overdue else None):
        if limit is not None:
            clauses.append("a.due_by < ?")
            values.append(limit)
    if overdue:
        clauses.append("a.state = 'open'")
    where = " AND ".join(clauses)
    sql = (  # the clauses are written above, the values are bound
        "SELECT a.*, j.revision FROM actions a JOIN journeys j ON j.id = a.journey"  # noqa: S608
        f" WHERE {where} ORDER BY a.due_by, a.priority DESC, a.id"
    )
    found = _tasks(ledger, ledger.rows(sql, *values), at)
    return [task for task in found if role is None or task.role == role]


def _tasks(ledger: Ledger, rows: Iterable[dict[str, Any]], at: int) -> list[Task]:
    revisions = Revisions(ledger)
    guests: dict[str, list[Action]] = {}
    for row in ledger.rows("SELECT * FROM actions WHERE state = 'open' AND host IS NOT NULL"):
        guests.setdefault(row["host"], []).append(action_of(row))
    found = []
    for row in rows:
        action = action_of(row)
        book = revisions.with_step(row["revision"], action.step)
        late = action.state is ActionState.OPEN and action.due_by < at
        found.append(
            Task(
                action=action, title=book.title, step=book.act(action.step), overdue=late,
                note=row["note"] or "", texts=_texts(ledger, action), guests=tuple(guests.get(action.id, ())),
            )
        )  # fmt: skip
    return found


def _texts(ledger: Ledger, action: Action) -> Rendered | None:
    """Return the texts of a task; None where it has none, or they were erased."""
    if not action.detail.keys() & {"texts", "reopens"}:
        return None
    try:
        return rendered(ledger, action.id)
    except StateError:
        return None


def open_guests(ledger: Ledger, host: Action) -> list[Action]:
    """Return the open tasks of other journeys that go with an open task."""
    rows = ledger.rows(
        "SELECT * FROM actions WHERE customer = ? AND state = 'open' AND host = ? ORDER BY id",
        host.customer, host.id,
    )  # fmt: skip
    return [action_of(row) for row in rows]


def version(action: Action, guests: Sequence[Action]) -> str:
    """Return a mark of a task as it stands: another one once anything about it has changed."""
    parts = (
        action.state, str(action.due_by), action.assignee or "", action.outcome or "",
        *sorted(guest.id for guest in guests),
    )  # fmt: skip
    return "v" + sha(action.id, *parts)[:8]


def find_action(ledger: Ledger, key: str) -> Action:
    """Return the action with this id, or the only one that begins so. Raises StateError."""
    key = key.strip()
    rows = list(ledger.rows("SELECT * FROM actions WHERE id = ?", key))
    if not rows and len(key) >= 4:
        low = key.casefold()
        rows = list(
            ledger.rows("SELECT * FROM actions WHERE id >= ? AND id < ? LIMIT 6", low, f"{low}~")
        )
    if not rows:
        raise StateError(f'no action "{key}"; `care tasks` and `care journeys` show the ids')
    if len(rows) > 1:
        ids = ", ".join(row["id"] for row in rows)
        raise StateError(f'"{key}" could be {ids}; write more of it')
    return action_of(rows[0])


def short_ids(ledger: Ledger, ids: Iterable[str]) -> dict[str, str]:
    """Return the shortest beginning of each action's id that no other action shares."""
    found = {}
    for key in ids:
        beside = ledger.one(
            "SELECT (SELECT max(id) FROM actions WHERE id < ?) AS before,"
            " (SELECT min(id) FROM actions WHERE id > ?) AS after",
            key, key,
        )  # fmt: skip
        assert beside is not None
        shared = max(_shared(key, beside["before"] or ""), _shared(key, beside["after"] or ""))
        found[key] = key[: max(_SHORTEST, shared + 1)]
    return found


def _shared(one: str, other: str) -> int:
    """Return how many characters two texts have in common at their beginning."""
    count = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        count += 1
    return count
