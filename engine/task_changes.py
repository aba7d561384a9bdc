"""What people do to tasks: done, put off, given to somebody else, opened again.

Each change is a row of ``outcomes`` or ``task_changes``, for which the audit chain vouches. The same
change again does nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from engine.calendar import WorkingCalendar
from engine.due import window
from engine.ids import canonical_json, name_id
from engine.joining import OpenTasks
from engine.journeys import Action, Journey
from engine.ledger import Ledger
from engine.revisions import Revisions
from engine.store import Store, action_of
from engine.task_answers import answers_of, outcome_of
from engine.task_trail import write_change
from engine.tasks import find_action, open_guests
from engine.words import ActionState, JourneyState, Reason, TaskChange
from rules.errors import StateError, UsageError
from rules.playbook import Do, Due, DueForm
from rules.steps import rung_of
from rules.units import MICROS, Duration, Unit, to_iso

__all__ = ["Changed", "TaskChanges", "finish_task"]

_YEAR = 366 * 86_400 * MICROS  #: nobody puts a task off for longer
_AGAIN = Due(DueForm.WITHIN, high=Duration(1, Unit.WORKING_DAY))  #: where the step's own is no span
_LONGEST = 10_000  #: characters of a note


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A task as it is now."""

    action: Action
    changed: bool  #: False: it was so already
    open_beside: tuple[
        Action, ...
    ] = ()  #: of an escalation that is done: the task that was overdue


class TaskChanges:
    """Changes of one ledger's tasks. Each needs the caller's transaction and checks before it
    writes: after an error nothing of it is written.
    """

    def __init__(self, ledger: Ledger, timezone: str) -> None:
        self.ledger, self.timezone = ledger, timezone
        self.store, self.revisions = Store(ledger), Revisions(ledger)

    def finish(
        self,
        key: str,
        *,
        at: int,
        outcome: str | None = None,
        asked: Mapping[str, str] | None = None,
        note: str = "",
        who: str = "",
    ) -> Changed:
        """Write that a task is done, with its outcome and what was asked.

        What goes with it is done too, if it was open by then. Raises StateError when the task is
        not open, UsageError when the outcome or an answer does not fit the step.
        """
        action = self.task(key)
        step = self.step(action)
        answers = answers_of(step, asked or {})
        word = outcome_of(step, outcome)
        _words(note, "a note")
        if action.state is ActionState.DONE and (action.outcome, self.answers(action)) == (
            word, answers,
        ):  # fmt: skip
            return Changed(action=action, changed=False)
        self._open(action, at)
        text = canonical_json(answers)
        row = {
            "id": name_id("o", action.id, str(at)), "action": action.id, "at": at,
            "outcome": word, "asked": text, "note": note, "who": who,
        }  # fmt: skip
        self.ledger.insert("outcomes", [row], at=at)
        done = replace(action, state=ActionState.DONE, closed_at=at, outcome=word)
        guests = open_guests(self.ledger, action)
        self.store.move(done, at=at, asked=text, note=note)
        for guest in guests:
            if (guest.opened_at or guest.opens_at) > at:
                self.store.move(replace(guest, host=None), at=at)  # a task of its own from now on
            else:
                closed = replace(
                    guest, state=ActionState.DONE, closed_at=at, outcome=word,
                    reason=Reason.JOINED, by=action.id,
                )  # fmt: skip
                self.store.move(closed, at=at, asked=text, note=note)
            self.store.wake(guest.journey, at)
        self.store.wake(action.journey, at)
        return Changed(action=done, changed=True, open_beside=self._overdue(action))

    def snooze(self, key: str, *, until: int, at: int, why: str, who: str = "") -> Changed:
        """Write that an open task is due at another time. What counts from its due time moves too.

        Raises StateError when it is not open, UsageError for a time that has passed.
        """
        action = self.task(key)
        _reason(why)
        self._open(action, at)
        if until == action.due_by:
            return Changed(action=action, changed=False)
        if not at < until <= at + _YEAR:
            side = "has passed" if until <= at else "is more than a year ahead"
            raise UsageError(f"{to_iso(until, self.timezone)} {side}; write when it is to be done")
        moved = replace(action, due_by=until)
        write_change(
            self.ledger, TaskChange.SNOOZED, action, before=str(action.due_by), after=str(until),
            at=at, why=why, who=who,
        )  # fmt: skip
        self.store.move(moved, at=at)
        self.store.wake(action.journey, at)
        return Changed(action=moved, changed=True)

    def assign(self, key: str, *, to: str, at: int, why: str = "", who: str = "") -> Changed:
        """Write that an open task is somebody else's. Raises StateError when it is not open."""
        action, to = self.task(key), to.strip()
        _words(why, "a reason")
        if not to or len(to) > 100 or not to.isprintable():
            raise UsageError("write the name of a person, a team, or a role of care.yaml")
        self._open(action, at)
        if to == action.assignee:
            return Changed(action=action, changed=False)
        given = replace(action, assignee=to)
        write_change(
            self.ledger, TaskChange.ASSIGNED, action, before=action.assignee or "", after=to,
            at=at, why=why, who=who,
        )  # fmt: skip
        self.store.move(given, at=at)
        return Changed(action=given, changed=True)

    def reopen(
        self, key: str, *, at: int, calendar: WorkingCalendar, why: str, who: str = ""
    ) -> Changed:
        """Open a task that is done or expired once more, as the step's next turn.

        A journey that was finished runs again. Raises StateError where the task was never closed by
        anybody, its journey was stopped, or another turn of the step has followed already.
        """
        old = self.task(key)
        _reason(why)
        known = self._again(old)
        if known is not None:
            return Changed(action=known, changed=False)
        if old.state is ActionState.OPEN:
            return Changed(action=old, changed=False)
        journey = self._reopenable(old, at)
        step = self.step(old)
        due = step.due if step.due.form in (DueForm.WITHIN, DueForm.SAME_DAY) else _AGAIN
        opening = window(due, at, calendar.of_role(step.assign))
        again = Action(
            id=name_id("a", journey.id, old.step, str(old.turn + 1)), journey=journey.id,
            playbook=old.playbook, customer=old.customer, step=old.step, turn=old.turn + 1,
            kind=old.kind, channel=old.channel, state=ActionState.OPEN, priority=old.priority,
            opens_at=at, due_by=opening.due_by, opened_at=at, assignee=old.assignee,
            words=opening.words, anchor="the reopening", detail={**old.detail, "reopens": old.id},
        )  # fmt: skip
        write_change(
            self.ledger, TaskChange.REOPENED, again, before=old.id, after=again.id, at=at, why=why,
            who=who,
        )  # fmt: skip
        self.store.add(again, at=at)
        if journey.state is JourneyState.FINISHED:
            self.store.resume(journey, at=at)
        self.store.wake(journey.id, at)
        return Changed(action=again, changed=True)

    # -- what they ask ---------------------------------------------------------------------

    def task(self, key: str) -> Action:
        """Return a task by its id, or the one that it goes with. Raises StateError for none."""
        action = find_action(self.ledger, key)
        if not action.human:
            by = action.channel or "care"
            raise StateError(f"{action.id} is not a task: {by} acts by itself")
        if action.host is not None and action.state in (ActionState.OPEN, ActionState.DONE):
            return find_action(self.ledger, action.host)
        return action

    def step(self, action: Action) -> Do:
        """Return the step of a task, under the revision that its journey follows."""
        journey = self._journey(action)
        return self.revisions.with_step(journey.revision, action.step).act(action.step)

    def answers(self, action: Action) -> dict[str, object]:
        """Return what was answered when a task was done, as the log holds it."""
        row = self.ledger.one("SELECT asked FROM actions WHERE id = ?", action.id)
        return json.loads(row["asked"]) if row and row["asked"] else {}

    def _journey(self, action: Action) -> Journey:
        journey = self.store.journey(action.journey)
        assert journey is not None
        return journey

    def _open(self, action: Action, at: int) -> None:
        if action.state is not ActionState.OPEN:
            since = f" since {to_iso(action.closed_at, self.timezone)}" if action.closed_at else ""
            why = f" ({action.reason.replace('_', ' ')})" if action.reason else ""
            raise StateError(f"{action.id} is {action.state}{since}{why}, not open")
        opened = action.opened_at or action.opens_at
        if at < opened:
            raise StateError(
                f"{action.id} opened at {to_iso(opened, self.timezone)}; it can't be done before that"
            )

    def _overdue(self, action: Action) -> tuple[Action, ...]:
        """Return the overdue task that an escalation was about, if it is still open."""
        over = rung_of(action.step)
        if over is None:
            return ()
        rows = self.ledger.rows(
            "SELECT * FROM actions WHERE journey = ? AND step = ? AND turn = ? AND state = 'open'",
            action.journey, over, action.turn,
        )  # fmt: skip
        return tuple(action_of(row) for row in rows)

    def _again(self, old: Action) -> Action | None:
        """Return the open task that reopened this one already."""
        row = self.ledger.one(
            "SELECT * FROM actions WHERE journey = ? AND step = ? AND turn = ?",
            old.journey, old.step, old.turn + 1,
        )  # fmt: skip
        if row is None:
            return None
        following = action_of(row)
        if following.detail.get("reopens") != old.id:
            raise StateError(
                f"{old.id} was try {old.turn} of the step; try {following.turn}, {following.id},"
                f" is {following.state}: use that one"
            )
        if following.state is ActionState.OPEN:
            return following
        raise StateError(
            f"{old.id} was reopened as {following.id}, which is {following.state}: reopen that one"
        )

    def _reopenable(self, old: Action, at: int) -> Journey:
        """Return the journey of a task that may be opened again. Raises StateError."""
        if old.state not in (ActionState.DONE, ActionState.EXPIRED):
            why = f" ({old.reason.replace('_', ' ')})" if old.reason else ""
            raise StateError(
                f"{old.id} is {old.state}{why}; what is done or expired can be reopened"
            )
        over = rung_of(old.step)
        if over is not None:
            raise StateError(f'{old.id} was an escalation; reopen the task of step "{over}"')
        closed = old.closed_at or old.opens_at
        if at < closed:
            raise StateError(f"{old.id} was closed at {to_iso(closed, self.timezone)}, after that")
        journey = self._journey(old)
        if journey.state is JourneyState.STOPPED:
            raise StateError(
                f"the journey of {old.id} was stopped ({journey.goal or journey.reason}); nothing of"
                " it goes on"
            )
        book = self.revisions.with_step(journey.revision, old.step)
        beside = self.store.journeys_of([old.customer]).get(old.customer, [])
        running = [one for one in beside if one.state is JourneyState.RUNNING]
        other = OpenTasks(self.store).host(book, journey, old.step, running)
        if other is not None:
            raise StateError(f"{other} is open for the same customer and step: use that one")
        return journey


def finish_task(
    ledger: Ledger,
    key: str,
    *,
    at: int,
    timezone: str,
    outcome: str | None = None,
    asked: Mapping[str, str] | None = None,
    note: str = "",
    who: str = "",
) -> Action:
    """Write that a task is done, in a transaction of its own; see ``TaskChanges.finish``."""
    with ledger.transaction():
        changes = TaskChanges(ledger, timezone)
        found = changes.finish(key, at=at, outcome=outcome, asked=asked, note=note, who=who)
    return found.action


def _reason(why: str) -> None:
    if not why.strip():
        raise UsageError('say why: --why "the customer is travelling"')
    _words(why, "a reason")


def _words(text: str, what: str) -> None:
    if len(text) > _LONGEST:
        raise UsageError(f"{what} has at most {_LONGEST} characters, not {len(text)}")
