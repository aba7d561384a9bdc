"""What a step would say to a customer, from the log as of T: nothing is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.address import address_of
from engine.calendar import WorkingCalendar
from engine.context import assignee
from engine.due import window
from engine.facts import Facts
from engine.journeys import Action, Journey
from engine.ledger import Ledger
from engine.log import Log
from engine.render import Rendered, Scene, write
from engine.routing import MESSAGE, route
from engine.store import Store
from engine.templates import earlier_turns, template_file
from engine.words import ActionKind, ActionState
from rules.errors import UsageError, did_you_mean
from rules.evaluate import Evaluator
from rules.history import Datum, Event
from rules.parse.same import begun_by
from rules.playbook import Do, Playbook, Project, walk

__all__ = ["Preview", "preview"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A step's texts for one customer, and what stands in the way of their going out."""

    playbook: Playbook
    step: Do
    customer: str
    at: int  #: T
    channel: str  #: "" where routing gives none
    kind: str  #: of the channel
    template: str | None
    assignee: str | None
    texts: Rendered
    seen: str  #: what the trigger and the steps above were taken from
    missing: tuple[str, ...] = ()  #: what would keep the text from going out
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        texts = self.texts
        return {
            "playbook": self.playbook.name, "step": self.step.name, "customer": self.customer,
            "at": self.at, "channel": self.channel, "kind": self.kind, "template": self.template,
            "assignee": self.assignee, "to": texts.to, "subject": texts.subject,
            "text": texts.text, "html": texts.html, "brief": texts.brief,
            "attachments": list(texts.attachments), "seen": self.seen,
            "missing": list(self.missing), "notes": list(self.notes),
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """The journey in which the step would stand, real or imagined."""

    journey: Journey
    steps: dict[str, Datum]  #: what closed steps left
    action: Action | None  #: the step's newest
    seen: str


def preview(
    project: Project,
    log: Log,
    ledger: Ledger | None,
    *,
    playbook: str,
    step: str,
    customer: str,
    at: int,
) -> Preview:
    """Return what a step of a playbook, as its file is now, would say to a customer at T.

    The newest journey of the customer in that playbook is taken for its trigger and steps; without
    one, the newest event that could begin it. Raises UsageError for a name that is not there.
    """
    book, act = _step(project, playbook, step)
    facts = Facts(log, project.vocabulary, at=at, seq=log.max_seq())
    history = facts.history(customer)
    if not history.events and not history.attributes:
        raise UsageError(f'the log knows nothing of a customer "{customer}"')
    case = _case(book, act, customer, ledger, facts, at)
    evaluator = facts.evaluator(
        book.catalogue, customer, trigger=case.journey.event,
        trigger_event=case.journey.event_name, steps=case.steps,
    )  # fmt: skip
    return _shown(project, book, act, case, evaluator, ledger, at)


def _step(project: Project, playbook: str, step: str) -> tuple[Playbook, Do]:
    books = {book.name: book for book in project.playbooks}
    if playbook not in books:
        hint = did_you_mean(playbook, books)
        raise UsageError(f'no sound playbook "{playbook}"; {hint}'.rstrip("; "))
    book = books[playbook]
    try:
        return book, book.act(step)
    except KeyError:
        acts = [each.name for each in walk(book.steps) if isinstance(each, Do)]
        hint = did_you_mean(step, acts)
        message = f'playbook "{playbook}" has no step "{step}" that says anything; {hint}'
        raise UsageError(message.rstrip("; ")) from None


def _case(
    book: Playbook, step: Do, customer: str, ledger: Ledger | None, facts: Facts, at: int
) -> _Case:
    if ledger is not None:
        store = Store(ledger)
        mine = [
            journey
            for journey in store.journeys_of([customer]).get(customer, [])
            if journey.playbook == book.name and journey.started_at <= at
        ]
        if mine:
            journey = mine[-1]
            actions = store.actions_of([journey.id])[journey.id]
            turns = [action for key, action in sorted(actions.items()) if key[0] == step.name]
            return _Case(
                journey=journey, steps=store.step_values(actions.values()),
                action=turns[-1] if turns else None, seen=f"journey {journey.id}",
            )  # fmt: skip
    event = _newest(book, customer, facts)
    journey = Journey(
        id="", playbook=book.name, revision=book.revision, customer=customer, trigger="",
        occurrence="", entry=event.at if event else at, started_at=at,
        event_name=event.name if event else "", event=event.fields if event else {},
    )  # fmt: skip
    seen = f"event {event.name} {event.id}" if event else "no journey and no event that begins one"
    return _Case(journey=journey, steps={}, action=None, seen=seen)


def _newest(book: Playbook, customer: str, facts: Facts) -> Event | None:
    """Return the newest event up to T that could have begun the playbook."""
    begins = [events for events in map(begun_by, book.triggers) if events is not None]
    for event in reversed(facts.history(customer).events):
        if any(event.name in each.names and facts.passes(each.where, event) for each in begins):
            return event
    return None


def _shown(
    project: Project,
    book: Playbook,
    step: Do,
    case: _Case,
    evaluator: Evaluator,
    ledger: Ledger | None,
    at: int,
) -> Preview:
    vocabulary, notes = project.vocabulary, list[str]()
    name = step.channel
    if name == MESSAGE:
        routed = route(project.house, vocabulary, evaluator, book.purpose, step.to)
        name = routed.channel or ""
        notes += [f"routing: {note}" for note in routed.notes]
    channel = vocabulary.channels.get(name)
    kind = channel.kind if channel else ""
    opening = window(step.due, at, WorkingCalendar.of(vocabulary).of_role(step.assign), step.at)
    action = case.action or Action(
        id="", journey=case.journey.id, playbook=book.name, customer=case.journey.customer,
        step=step.name, kind=ActionKind.TASK if kind == "task" else ActionKind.MESSAGE,
        channel=name, state=ActionState.PLANNED, priority=book.priority, opens_at=opening.opens_at,
        due_by=opening.due_by,
        assignee=assignee(vocabulary, step.assign, evaluator) if step.assign else None,
    )  # fmt: skip
    scene = Scene(
        book=book, step=step, journey=case.journey, action=action, evaluator=evaluator,
        vocabulary=vocabulary,
    )  # fmt: skip
    turns = earlier_turns(ledger, step, action) if ledger is not None else 0
    file = template_file(step, book.catalogue, evaluator, turns)
    printed: dict[str, None] = {}

    def unknown(value: str) -> str:
        printed[value] = None
        return f"⟨{value}⟩"

    written = write(scene, file, channel, at=at, unknown=unknown)
    missing = []
    for value in printed:
        if _later(value, case):
            notes.append(f"{value} is not known yet, and the text has no default for it")
        else:
            missing.append(f"{value} is unknown, and the text has no default for it")
    missing += [written.failed] if written.failed else []
    if channel is None:
        missing.append("no line of routing gives a channel")
    elif kind != "task":
        address = address_of(channel, step.to, evaluator.attribute).missing
        missing += [f"no address: {address}"] if address else []
    return Preview(
        playbook=book, step=step, customer=case.journey.customer, at=at, channel=name, kind=kind,
        template=file, assignee=action.assignee, texts=written.texts, seen=case.seen,
        missing=tuple(missing), notes=tuple(notes),
    )  # fmt: skip


def _later(name: str, case: _Case) -> bool:
    """Tell whether a value may still come: of the trigger with the journey, of a step when it is done."""
    head = name.partition(".")[0]
    if head == "trigger":
        return not case.journey.id
    return head not in ("customer", "action") and "." in name
