"""What people and channels did, one action each, with the words that people know it by."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from engine.ledger import Ledger, Row
from engine.revisions import Revisions
from engine.task_answers import answer_text
from engine.words import ActionKind, ActionState
from rules.errors import StateError
from rules.history import Datum
from rules.playbook import Do, Playbook, rung_of
from rules.templates import has_liquid

__all__ = ["DONE", "REACHED", "Act", "Acts", "Timeliness"]

REACHED = (ActionState.SENT, ActionState.HANDED_OVER)
_SHORT = 30  #: characters of a brief that can stand for a title
DONE = (ActionState.DONE, *REACHED)  #: states of what was carried out

_ACTS = """
SELECT a.*, j.revision, j.state AS journey_state, j.reason AS journey_reason, j.goal
FROM actions a JOIN journeys j ON j.id = a.journey
WHERE a.kind IN ('task', 'message') AND {where} ORDER BY {order}, a.id
"""


class Timeliness(StrEnum):
    """How an action stands to its due time."""

    IN_TIME = "in_time"
    LATE = "late"  #: carried out, after it was due
    MISSED = "missed"  #: never carried out, or not yet, and the time is over
    OPEN = "open"  #: not yet carried out, and there is still time
    NONE = "none"  #: skipped or cancelled: nobody had to


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """A task or a message."""

    id: str
    journey: str
    playbook: str
    title: str  #: of the playbook
    customer: str
    step: str
    what: str  #: what there was to do, in a few words
    brief: str  #: the step's own, not filled in
    kind: ActionKind
    channel: str
    state: ActionState
    opens_at: int
    opened_at: int | None
    due_by: int
    closed_at: int | None
    assignee: str | None
    role: str | None  #: who is to get it
    outcome: str | None
    asked: Mapping[str, Datum]
    answers: str  #: those, in words
    note: str
    reason: str | None
    texts: bool  #: whether the ledger keeps what it said
    do: Do | None  #: None where no revision has the step any more
    journey_state: str
    journey_reason: str | None

    def timely(self, at: int) -> Timeliness:
        """Return how it stands to its due time at T."""
        if self.state in (ActionState.SKIPPED, ActionState.CANCELLED):
            return Timeliness.NONE
        if self.state in DONE:
            closed = self.closed_at if self.closed_at is not None else self.due_by
            if self.kind is ActionKind.MESSAGE and self.opened_at is not None:
                closed = self.opened_at  # when its channel took it is not the step's doing
            return Timeliness.IN_TIME if closed <= self.due_by else Timeliness.LATE
        if self.state is ActionState.EXPIRED or self.due_by < at:
            return Timeliness.MISSED
        return Timeliness.OPEN


class Acts:
    """Reads actions of one ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.revisions = Revisions(ledger)
        self._steps: dict[tuple[str, str], tuple[Playbook | None, Do | None]] = {}

    def find(self, where: str, *values: object, order: str = "a.opens_at") -> list[Act]:
        """Return the tasks and messages that meet a condition written by hand."""
        sql = _ACTS.format(where=where, order=order)
        return [self._act(row) for row in self.ledger.rows(sql, *values)]

    def opened(self, since: int, until: int) -> list[Act]:
        """Return those that opened in [since, until), without tasks that go with another one."""
        return self.find(
            "a.opened_at >= ? AND a.opened_at < ? AND a.host IS NULL", since, until,
            order="a.opened_at",
        )  # fmt: skip

    def _act(self, row: Row) -> Act:
        book, do = self._step(row["revision"], row["step"])
        title = book.title if book else row["playbook"]
        detail = json.loads(row["detail"]) if row["detail"] else {}
        asked = json.loads(row["asked"]) if row["asked"] else {}
        return Act(
            id=row["id"], journey=row["journey"], playbook=row["playbook"], title=title,
            customer=row["customer"], step=row["step"],
            what=_what(do) or row["step"], brief=do.brief if do else "",
            kind=ActionKind(row["kind"]), channel=row["channel"], state=ActionState(row["state"]),
            opens_at=row["opens_at"], opened_at=row["opened_at"], due_by=row["due_by"],
            closed_at=row["closed_at"], assignee=row["assignee"],
            role=detail.get("role") or (do.assign if do else None), outcome=row["outcome"],
            asked=asked, answers=_answers(do, asked), note=row["note"] or "", reason=row["reason"],
            texts="texts" in detail, do=do, journey_state=row["journey_state"],
            journey_reason=row["journey_reason"],
        )  # fmt: skip

    def _step(self, revision: str, name: str) -> tuple[Playbook | None, Do | None]:
        key = (revision, name)
        if key not in self._steps:
            try:
                book = self.revisions.with_step(revision, name)
            except (KeyError, StateError):
                self._steps[key] = None, None
            else:
                step = book.step(name)
                self._steps[key] = book, step if isinstance(step, Do) else None
        return self._steps[key]


def _what(do: Do | None) -> str:
    """Return what a step is to people: its title, else the first line of its brief; whether it is that
    step's escalation.
    """
    if do is None:
        return ""
    first = "" if has_liquid(do.brief) else next(iter(do.brief.strip().splitlines()), "")
    what = do.title or (first if len(first) <= _SHORT else "")
    return f"{what}（升级）" if what and rung_of(do.name) else what


def _answers(do: Do | None, asked: Mapping[str, Datum]) -> str:
    known = {item.name: item for item in do.ask} if do else {}
    return "; ".join(
        f"{name}={answer_text(known[name], value) if name in known else value}"
        for name, value in asked.items()
    )
