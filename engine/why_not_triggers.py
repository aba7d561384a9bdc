"""Why a trigger has not fired for a customer, by its kind, with the values at T."""

from __future__ import annotations

from dataclasses import dataclass

from engine.calendar import WorkingCalendar
from engine.detect_missing import deadline_of
from engine.facts import Facts
from engine.ledger import Ledger, Row
from engine.needs import segment_needs
from engine.obstacles import Obstacle
from engine.watch import hash_of
from rules.history import Event
from rules.measures import Events, Quantity
from rules.playbook import Playbook, Trigger, TriggerKind
from rules.trace import show
from rules.units import shift

__all__ = ["Met", "trigger_obstacles"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """The trigger has fired, or would now: what the gate is then asked about."""

    trigger: Trigger
    entry: int
    event: Event | None = None
    occurrence: str = ""


def trigger_obstacles(
    ledger: Ledger | None,
    facts: Facts,
    book: Playbook,
    trigger: Trigger,
    customer: str,
    calendar: WorkingCalendar,
) -> Met | list[Obstacle]:
    """Return what the trigger would begin with, or why it does not fire for the customer at T."""
    live = None if ledger is None else ledger.one(
        "SELECT live_at, at FROM triggers WHERE playbook = ? AND trigger = ?",
        book.name, trigger.path,
    )  # fmt: skip
    asked = _Asked(ledger, facts, book, trigger, customer, calendar, live)
    if ledger is not None and live is None:
        return [
            asked.no(
                "no run has looked at this trigger yet; the first one takes what is there as given",
                "`care run`", code="not_live",
            )
        ]  # fmt: skip
    match trigger.kind:
        case TriggerKind.EVENT | TriggerKind.FIRST:
            return asked.event()
        case TriggerKind.MISSING:
            return asked.missing()
        case TriggerKind.ENTERS | TriggerKind.LEAVES | TriggerKind.CHANGES:
            return asked.edge()
        case TriggerKind.DATE:
            return asked.date()
        case TriggerKind.HOLIDAY | TriggerKind.EVERY:
            return asked.recurring()
        case TriggerKind.CHANGED:
            return asked.changed()
        case TriggerKind.MANUAL:
            hint = f"`care start {book.name} {customer}`"
            return [asked.no("it begins only when somebody asks for it", hint)]


@dataclass(frozen=True, slots=True)
class _Asked:
    ledger: Ledger | None
    facts: Facts
    book: Playbook
    trigger: Trigger
    customer: str
    calendar: WorkingCalendar
    live: Row | None

    def no(self, words: str, *wanted: str, code: str = "trigger") -> Obstacle:
        """Return an obstacle at the trigger's line."""
        name = f"{self.trigger.name}: " if len(self.book.triggers) > 1 else ""
        return Obstacle(
            code=code, words=f"{name}{words}", needs=wanted, place=str(self.trigger.span)
        )

    @property
    def zone(self) -> str:
        """The business zone."""
        return self.facts.vocabulary.timezone

    def _since(self) -> int | None:
        return self.live["live_at"] if self.live else None

    def _existing(self, instant: int, what: str) -> Obstacle | None:
        since = self._since()
        if since is None or instant > since:
            return None
        return self.no(
            f"{what} of {show(instant, Quantity.INSTANT, self.zone)} was there before the playbook went live"
            f" ({show(since, Quantity.INSTANT, self.zone)})",
            "a new occurrence; where the trigger allows it, `existing: enrol`",
            code="existing",
        )

    def _of(self, events: Events) -> tuple[list[Event], list[Event]]:
        """Return the customer's events of these names: those that meet ``where``, and the others."""
        good: list[Event] = []
        bad: list[Event] = []
        for event in self.facts.history(self.customer).events:
            if event.name in events.names:
                (good if self.facts.passes(events.where, event) else bad).append(event)
        return good, bad

    def event(self) -> Met | list[Obstacle]:
        """Answer for ``event`` and ``first``."""
        events = self.trigger.events
        assert events is not None
        good, bad = self._of(events)
        names = " or ".join(events.names)
        if not good and bad:
            last = bad[-1]
            return [
                self.no(
                    f"{len(bad)} {names} up to then, none meets `where`; the last is {last.id} of"
                    f" {show(last.at, Quantity.INSTANT, self.zone)}",
                    f"an event {names} that meets `where`",
                )
            ]
        if not good:
            return [self.no(f"no event {names} up to then", f"an event {names}")]
        one = good[0] if self.trigger.kind is TriggerKind.FIRST else good[-1]
        before = self._existing(
            one.at, f"{'the first ' if one is good[0] else 'the last '}{one.name} {one.id}"
        )
        if before is not None:
            return [before]
        return Met(trigger=self.trigger, entry=one.at, event=one)

    def missing(self) -> Met | list[Obstacle]:
        """Answer for ``missing``."""
        after, awaited, within = self.trigger.after, self.trigger.events, self.trigger.within
        assert after is not None
        assert awaited is not None
        assert within is not None
        begun, _ = self._of(after)
        if not begun:
            names = " or ".join(after.names)
            return [self.no(f"no event {names} up to then", f"an event {names}")]
        answers, _ = self._of(awaited)
        deadline, same = deadline_of(within, self.calendar), self.trigger.same
        found: list[Obstacle] = []
        for event in reversed(begun):
            end = deadline(event.at)
            tied = [
                a for a in answers if same is None or a.fields.get(same) == event.fields.get(same)
            ]
            answer = next((a for a in tied if event.at < a.at <= end), None)
            if answer is not None:
                found.append(
                    self.no(
                        f"{event.name} {event.id} was answered in time by {answer.name}"
                        f" {answer.id} of {show(answer.at, Quantity.INSTANT, self.zone)}",
                        "nothing: what it waits for came",
                    )
                )
            elif end > self.facts.at:
                found.append(
                    self.no(
                        f"the time of {event.name} {event.id} is not over",
                        f"no answer by {show(end, Quantity.INSTANT, self.zone)}",
                    )
                )
            else:
                before = self._existing(end, f"the end of the time of {event.name} {event.id}")
                if before is None:
                    return Met(trigger=self.trigger, entry=end, event=event)
                found.append(before)
        return found[:3]

    def edge(self) -> Met | list[Obstacle]:
        """Answer for ``enters``, ``leaves`` and ``changes``."""
        name = self.trigger.segment or self.trigger.of_class
        assert name is not None
        evaluator = self.facts.evaluator(self.book.catalogue, self.customer)
        whole = self.trigger.kind is TriggerKind.CHANGES
        now = evaluator.class_value(name) if whole else None
        inside = now is not None if whole else evaluator.in_segment(name)
        spell = self._spell(hash_of(self.book, name))
        if whole:
            return self._changes(name, now, spell)
        leaves = self.trigger.kind is TriggerKind.LEAVES
        if not leaves and not inside:
            return [self.no(f"the customer is not in {name}", *segment_needs(evaluator, name))]
        if leaves and inside:
            out = segment_needs(evaluator, name, want=False)
            return [self.no(f"the customer is still in {name}", *out)]
        if spell is None:
            what = f"was never seen in {name}" if leaves else f"came into {name} since the last run"
            return [self.no(f"the customer {what}", *(() if leaves else ("the next run",)))]
        since = spell["until"] if leaves else spell["since"]
        if since is None:
            return [self.no(f"the customer left {name} since the last run", "the next run")]
        if not leaves and spell["existing"]:
            return [
                self.no(
                    f"the customer was in {name} already when the playbook went live",
                    "`existing: enrol`; or leave the segment and come back", code="existing",
                )
            ]  # fmt: skip
        before = self._existing(since, "the change seen by the run")
        return [before] if before else self._held(since, name)

    def _changes(self, name: str, now: str | None, spell: Row | None) -> Met | list[Obstacle]:
        wanted = self.trigger.to_values
        shown = now or "none"
        if wanted and now not in wanted:
            return [self.no(f"{name} is {shown}", f"{name} has to become {' or '.join(wanted)}")]
        if spell is None or spell["existing"]:
            return [
                self.no(f"{name} was {shown} already when the playbook went live", "a change of it")
            ]
        return self._held(spell["since"], name)

    def _held(self, since: int, name: str) -> Met | list[Obstacle]:
        lasts = self.trigger.holds_for
        if lasts is not None:
            end = shift(since, lasts, self.zone)
            if end > self.facts.at:
                return [
                    self.no(
                        f"{name}: so since {show(since, Quantity.INSTANT, self.zone)}, not for {lasts} yet",
                        f"it has to last until {show(end, Quantity.INSTANT, self.zone)}",
                    )
                ]
        return Met(trigger=self.trigger, entry=self.facts.at)

    def _spell(self, definition: str) -> Row | None:
        """Return the newest stay of the customer that the runs up to T saw."""
        if self.ledger is None:
            return None
        return self.ledger.one(
            "SELECT since, CASE WHEN until > ? THEN NULL ELSE until END AS until, existing, value"
            " FROM membership WHERE definition = ? AND customer = ? AND since <= ?"
            " ORDER BY since DESC LIMIT 1",
            self.facts.at, definition, self.customer, self.facts.at,
        )  # fmt: skip

    def date(self) -> Met | list[Obstacle]:
        """Answer for ``date``."""
        name = self.trigger.date
        assert name is not None
        evaluator = self.facts.evaluator(self.book.catalogue, self.customer)
        known = name in self.facts.vocabulary.attributes
        value = evaluator.attribute(name) if known else evaluator.measure(name)
        if value is None:
            return [self.no(f"{name} is unknown", f"{name} has to be known")]
        moved = ""
        if self.trigger.offset is not None:
            moved = f" {self.trigger.offset} {'before' if self.trigger.back else 'after'}"
        return [self.no("its day is not now", f"the day:{moved} {name}")]

    def recurring(self) -> Met | list[Obstacle]:
        """Answer for ``holiday`` and ``every``."""
        members = self.trigger.members
        evaluator = self.facts.evaluator(self.book.catalogue, self.customer)
        if members and not any(evaluator.in_segment(name) for name in members):
            ways = [" and ".join(segment_needs(evaluator, name)) for name in members]
            return [self.no(f"the customer is not in {' or '.join(members)}", " or ".join(ways))]
        return Met(trigger=self.trigger, entry=self.facts.at)

    def changed(self) -> Met | list[Obstacle]:
        """Answer for ``changed``."""
        name = self.trigger.attribute
        assert name is not None
        since = self._since()
        versions = [v for v in self.facts.history(self.customer).attributes if v.name == name]
        if not versions:
            return [self.no(f"{name} was never told", f"{name} has to change")]
        last = versions[-1]
        if since is not None and last.at <= since:
            return [
                self.no(
                    f"{name} has not changed since the playbook went live", f"{name} has to change"
                )
            ]
        return Met(trigger=self.trigger, entry=last.at)
