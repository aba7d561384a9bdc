"""Levelling at the release gate: a task that opens may wait for a day of its window with room.

Only with ``limits: levelling: yes``, for roles with a ``capacity``, and never past the task's due
time: a later day counts only where its whole working hours lie before that.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from engine.calendar import WorkingCalendar
from engine.context import RunContext
from engine.journeys import Action
from engine.levelling import Slot, level
from engine.revisions import Revisions
from engine.rulings import Opening, Ruling, rule_on
from engine.store import action_of
from engine.words import ActionState, Reason, Verb
from rules.steps import rung_of
from rules.units import date_of, day_of, day_start

__all__ = ["LEVELLING", "Roles", "rule_level"]

LEVELLING = "limits/levelling"  #: stands where another no has its house rule

_MOST = 400  #: days; a window is never looked at beyond

#: What has opened since an instant, or will open. Of closed tasks those that were due after it, by
#: the index.
_BUSY = """
SELECT a.*, j.revision FROM actions a JOIN journeys j ON j.id = a.journey
WHERE a.kind = 'task' AND a.host IS NULL AND (
    (a.state = 'planned' AND a.opens_at > ?)
    OR (a.state = 'open' AND a.opened_at >= ?)
    OR (a.state IN ('done', 'expired', 'cancelled') AND a.due_by >= ? AND a.opened_at >= ?))
ORDER BY a.id
"""


class Roles:
    """Says who gets a task: the role that a house rule named, else the step's."""

    def __init__(self, revisions: Revisions) -> None:
        self.revisions = revisions
        self._known: dict[tuple[str, str], str | None] = {}

    def of(self, action: Action, revision: str) -> str | None:
        """Return the role of a task."""
        named = action.detail.get("role")
        if named:
            return str(named)
        key = (revision, action.step)
        if key not in self._known:
            book = self.revisions.with_step(revision, action.step)
            self._known[key] = book.act(action.step).assign
        return self._known[key]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """A task that opens at T, and might open on a later day."""

    place: int  #: among the openings
    role: str
    slot: Slot
    at: dt.time | None  #: the step's own time of day


def rule_level(ctx: RunContext, openings: Sequence[Opening]) -> list[Ruling]:
    """Return what becomes of each step, in the order given; with levelling some tasks open later.

    Those that stay are asked again without them: what waits takes no room of a cap.
    """
    rulings = rule_on(ctx, openings)
    if not ctx.project.vocabulary.levelling:
        return rulings
    moved = _moved(ctx, openings, rulings)
    if not moved:
        return rulings
    stays = [place for place in range(len(openings)) if place not in moved]
    again = dict(zip(stays, rule_on(ctx, [openings[place] for place in stays]), strict=True))
    return [
        moved[place] if place in moved else again[place] for place in range(len(openings))
    ]  # fmt: skip


def _moved(
    ctx: RunContext, openings: Sequence[Opening], rulings: Sequence[Ruling]
) -> dict[int, Ruling]:
    """Return place -> deferral of the tasks that open on a later day."""
    wishes: dict[str, list[_Wish]] = {}
    for place, (opening, ruling) in enumerate(zip(openings, rulings, strict=True)):
        role = ruling.role or opening.step.assign
        free = ruling.verb is Verb.RELEASED and ruling.host is None and ctx.human(ruling.channel)
        if role is None or not free or _capacity(ctx, role) is None or rung_of(opening.step.name):
            continue
        calendar = ctx.calendar.of_role(role)
        wishes.setdefault(role, []).append(
            _Wish(
                place=place, role=role, at=opening.step.at,
                slot=_slot(opening.action, ctx.at, calendar),
            )
        )  # fmt: skip
    if not any(wish.slot.first < wish.slot.last for mine in wishes.values() for wish in mine):
        return {}
    busy = _busy(ctx, openings)
    found: dict[int, Ruling] = {}
    for role, mine in wishes.items():
        calendar, capacity = ctx.calendar.of_role(role), _capacity(ctx, role)
        assert capacity is not None
        days = _days(mine, calendar)
        levelled = level([wish.slot for wish in mine], days, capacity, busy.get(role))
        for wish in mine:
            day = levelled[wish.slot.key]
            if day > wish.slot.first:
                count = busy.get(role, Counter())[wish.slot.first]
                count += sum(other == wish.slot.first for other in levelled.values())
                found[wish.place] = _later(
                    openings[wish.place], rulings[wish.place], wish, day, calendar, capacity, count
                )
    return found


def _slot(action: Action, at: int, calendar: WorkingCalendar) -> Slot:
    """Return the days on which a task may open, from the working day of T on."""
    first = calendar.this_or_next_working_day(day_of(at, calendar.timezone))
    last = day_of(action.due_by, calendar.timezone)
    if last - first > _MOST:
        last = first + _MOST
    while last > first and calendar.closing(last) > action.due_by:
        last -= 1
    return Slot(key=action.id, first=first, last=max(first, last), value=action.priority)


def _days(wishes: Sequence[_Wish], calendar: WorkingCalendar) -> list[int]:
    first = min(wish.slot.first for wish in wishes)
    last = max(wish.slot.last for wish in wishes)
    return [day for day in range(first, last + 1) if calendar.is_working_day(day)]


def _busy(ctx: RunContext, openings: Sequence[Opening]) -> Mapping[str, Counter[int]]:
    """Return role -> day -> tasks that open on it, without those that are asked about now."""
    asked = {opening.action.id for opening in openings}
    roles = Roles(ctx.revisions)
    before = ctx.calendar.add_working_days(day_of(ctx.at, ctx.timezone), 2, back=True)
    since = day_start(before, ctx.timezone)  # also of a day off whose tasks are found today
    found: dict[str, Counter[int]] = {}
    for row in ctx.ledger.rows(_BUSY, ctx.at, since, since, since):
        action = action_of(row)
        role = roles.of(action, row["revision"])
        if action.id in asked or role is None or _capacity(ctx, role) is None:
            continue
        calendar = ctx.calendar.of_role(role)
        moment = action.opens_at if action.state is ActionState.PLANNED else action.opened_at
        assert moment is not None
        day = calendar.this_or_next_working_day(day_of(moment, calendar.timezone))
        found.setdefault(role, Counter())[day] += 1
    return found


def _capacity(ctx: RunContext, role: str) -> int | None:
    declared = ctx.project.vocabulary.roles.get(role)
    return declared.capacity if declared else None


def _later(
    opening: Opening,
    ruling: Ruling,
    wish: _Wish,
    day: int,
    calendar: WorkingCalendar,
    capacity: int,
    count: int,
) -> Ruling:
    """Return the deferral to a later day, with its words."""
    until = calendar.opening(day)
    if wish.at is not None:
        until = max(until, day_start(day, calendar.timezone, at=wish.at))
    note = (
        f"{wish.role} has {capacity} a day, and {date_of(wish.slot.first)} has {count}:"
        f" it opens on {date_of(day)}, the window ends on {date_of(wish.slot.last)}"
    )
    notes = [*ruling.evidence.get("notes", ()), note]
    return replace(
        ruling, verb=Verb.DEFERRED, reason=Reason.LEVELLED, rule=LEVELLING, place=None,
        until=min(until, opening.action.due_by), evidence={**ruling.evidence, "notes": notes},
    )  # fmt: skip
