"""What a journey's walk sees of its customer: the log's history, asked at T or at a step's instant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.context import RunContext
from engine.facts import DATED
from engine.giveup import expires_at
from engine.journeys import Action, Journey, Key
from engine.words import ActionKind
from rules.conditions import Condition
from rules.evaluate import Evaluator
from rules.history import Datum, Event
from rules.playbook import Anchor, AnchorKind, Assignment, Awaited, Do, Playbook, Record, Set
from rules.units import day_start, shift, shift_day
from rules.vocabulary import FieldKind

__all__ = ["CustomerWorld"]


class CustomerWorld:
    """The ``World`` of one journey in one run; ``at`` may lie before the run's T."""

    def __init__(
        self,
        ctx: RunContext,
        book: Playbook,
        journey: Journey,
        actions: Mapping[Key, Action],
        at: int | None = None,
        *,
        replans: bool = False,
    ) -> None:
        self.replans = replans
        self.ctx, self.book, self.journey, self.actions = ctx, book, journey, actions
        self.at = ctx.at if at is None else at
        self.calendar = ctx.calendar

    @property
    def events(self) -> Sequence[Event]:
        """What the log has of the customer up to T, by (time, id)."""
        return self.ctx.facts.history(self.journey.customer).events

    def follow(self, actions: Mapping[Key, Action]) -> None:
        """Look at the steps in this mapping from now on."""
        self.actions = actions

    def evaluator(self, at: int | None = None) -> Evaluator:
        """Return the evaluator at an instant, with what the trigger and the steps had left by then."""
        at = self.at if at is None else at
        closed = [one for one in self.actions.values() if one.closed_at and one.closed_at <= at]
        return self.ctx.facts.evaluator(
            self.book.catalogue, self.journey.customer, at=at, trigger=self.journey.event,
            trigger_event=self.journey.event_name, steps=self.ctx.store.step_values(closed),
            overlaid=True,
        )  # fmt: skip

    def clock(self, at: int) -> int | None:
        """Return an instant from which a clock may count: after a hold; None while it lasts."""
        return self.ctx.holds.clock(self.journey.id, at)

    def kind(self, channel: str) -> ActionKind:
        """Return TASK or MESSAGE."""
        return ActionKind.TASK if self.ctx.human(channel) else ActionKind.MESSAGE

    def date(self, anchor: Anchor) -> int | None:
        """Return the instant of a date anchor, None while it is unknown."""
        zone = self.ctx.timezone
        if anchor.kind is AnchorKind.DATE:
            return self.ctx.facts.date(self.book.catalogue, self.journey.customer, anchor)
        if anchor.kind is AnchorKind.TRIGGER_DATE:
            value = self.journey.event.get(anchor.name)
            kind = self.ctx.project.vocabulary.events.get(self.journey.event_name)
            field = kind.fields.get(anchor.name) if kind else None
            dated = anchor.name == "date" if field is None else field.kind is FieldKind.DATE
        else:
            value = self.ctx.store.step_values(self.actions.values()).get(anchor.name)
            dated = True
        if not isinstance(value, int):
            return None
        if anchor.offset is not None and dated and anchor.offset.unit in DATED:
            return day_start(shift_day(value, anchor.offset, back=anchor.back), zone)
        at = day_start(value, zone) if dated else value
        return at if anchor.offset is None else shift(at, anchor.offset, zone, back=anchor.back)

    def verdict(self, condition: Condition, at: int) -> tuple[bool | None, Mapping[str, Any]]:
        """Return whether a condition holds at an instant, and the trace."""
        trace = self.evaluator(at).trace(condition)
        return trace.verdict, trace.to_json()

    def passes(self, awaited: Awaited, event: Event) -> bool:
        """Return whether an event is one that is awaited, ``same`` included."""
        if event.name not in awaited.events.names:
            return False
        if awaited.same is not None:
            mine = self.journey.event.get(awaited.same)
            if mine is None or event.fields.get(awaited.same) != mine:
                return False
        return self.ctx.facts.passes(awaited.events.where, event)

    def assigned(self, step: Set | Record, at: int) -> dict[str, Datum | None]:
        """Return the values that a step writes; what can't be told is left out.

        A ``set`` is seen by the later steps of the customer in this run.
        """
        lines = step.values if isinstance(step, Set) else step.fields
        found: dict[str, Datum | None] = {}
        for line in lines:
            value = self._value(line)
            if value is not None or line.source is None:
                found[line.attribute] = value
        if isinstance(step, Set):
            self.ctx.facts.overlay(self.journey.customer, found, at)
        return found

    def _value(self, line: Assignment) -> Datum | None:
        value = line.value
        if line.source is not None:
            head, _, name = line.source.partition(".")
            left = self.ctx.store.step_values(self.actions.values())
            value = self.journey.event.get(name) if head == "trigger" else left.get(line.source)
        if line.add and isinstance(value, int):
            known = self.evaluator().attribute(line.attribute)
            value += known if isinstance(known, int) else 0
        return value

    def expires(self, step: Do, action: Action) -> int | None:
        """Return when an open task is given up, None for never."""
        return expires_at(step, action, self.ctx)

    def host(self, action: Action) -> Action | None:
        """Return the task of another journey that a task goes with, as it is now."""
        return self.ctx.store.action(action.host) if action.host else None
