"""The texts of an action: filled in when it opens, kept apart where they can be erased."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engine.address import address_of
from engine.journeys import Action, Journey
from engine.ledger import Ledger
from engine.store import Store
from rules.conditions import Subject, SubjectKind
from rules.errors import InputError, StateError
from rules.evaluate import Evaluator
from rules.playbook import Do, Playbook
from rules.templates import BRIEF, Filled, Text
from rules.templates.values import Value, cleaned, of_field, of_measure
from rules.units import day_of
from rules.vocabulary import Channel, FieldKind, Vocabulary

__all__ = ["Rendered", "Scene", "Written", "rendered", "speaks", "write"]

_AS_HTML = ("smtp", "apprise", "webhook")  #: kinds that carry HTML beside the plain text
_CHATS = ("wecom_bot", "dingtalk_bot", "feishu_bot")  #: kinds whose text is read as markup


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What an action says, as it was when it opened."""

    to: str = ""  #: the address
    subject: str = ""
    text: str = ""  #: of a message; of a task what is to be said
    html: str = ""
    attachments: tuple[str, ...] = ()  #: paths in the project
    brief: str = ""  #: "" where the step's own has nothing to fill in


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a text may speak of."""

    book: Playbook
    step: Do
    journey: Journey
    action: Action
    evaluator: Evaluator  #: at T, with what the trigger and the steps left
    vocabulary: Vocabulary

    def values(self, text: Text, *, at: int) -> dict[str, Value | None]:
        """Return the value of every name that a text uses, as of T; None for an unknown one."""
        given = self._given(at)
        return {name: self._value(name, given) for name in text.names}

    def _given(self, at: int) -> dict[str, Value | None]:
        zone = self.vocabulary.timezone
        found: dict[str, Value | None] = {
            "action.due_by": of_field(FieldKind.INSTANT, self.action.due_by, zone),
            "action.opens_at": of_field(FieldKind.INSTANT, self.action.opens_at, zone),
            "assignee": cleaned(self.action.assignee or "") or None,
            "business": self.vocabulary.business,
            "customer.id": cleaned(self.journey.customer),
            "today": of_field(FieldKind.DATE, day_of(at, zone), zone),
        }
        event = self.vocabulary.events.get(self.journey.event_name)
        if event is None or "at" not in event.fields:
            found["trigger.at"] = of_field(FieldKind.INSTANT, self.journey.entry, zone)
        return found

    def _value(self, name: str, given: Mapping[str, Value | None]) -> Value | None:
        if name in given:
            return given[name]
        evaluator, zone = self.evaluator, self.vocabulary.timezone
        head, _, tail = name.partition(".")
        if not tail:
            if name in self.book.catalogue.measures:
                quantity = self.book.catalogue.measures[name].quantity
                return of_measure(quantity, evaluator.measure(name), zone)
            return evaluator.class_value(name)
        if head == "customer":
            subject = Subject(SubjectKind.ATTRIBUTE, tail)
        elif head == "trigger":
            subject = Subject(SubjectKind.TRIGGER, tail)
        else:
            subject = Subject(SubjectKind.STEP, name)
        field, held = evaluator.field(subject)
        return of_field(field.kind, held, zone) if field else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The texts of an action that opens; ``failed`` says why one could not be filled in."""

    texts: Rendered
    failed: str = ""

    def private(self) -> dict[str, str]:
        """Return what is kept apart: names to texts, without empty ones."""
        texts = self.texts
        parts = {
            "to": texts.to, "subject": texts.subject, "text": texts.text, "html": texts.html,
            "brief": texts.brief,
        }  # fmt: skip
        return {name: text for name, text in parts.items() if text}

    def detail(self, file: str | None) -> dict[str, object]:
        """Return what stands on the action itself: which text it was, and what was kept of it."""
        found: dict[str, object] = {"template": file, "attachments": list(self.texts.attachments)}
        found["texts"] = sorted(self.private())
        return {name: value for name, value in found.items() if value}


def speaks(book: Playbook, step: Do, channel: Channel | None) -> bool:
    """Tell whether an action of a step has any text or address of its own."""
    address = step.to or (channel is not None and channel.to)
    return bool(address or step.template or _brief(step) in book.texts)


def _brief(step: Do) -> str:
    """Return the key of a step's brief; an escalation says what the step said."""
    return BRIEF + step.name.partition(".")[0]


def write(
    scene: Scene,
    file: str | None,
    channel: Channel | None,
    *,
    at: int,
    unknown: Callable[[str], str] | None = None,
) -> Written:
    """Return the texts of an action that opens at T: of its template, its brief, its address.

    A message without a template says its brief. A text that can't be filled in is left out.
    ``unknown`` gives what to show for an unknown value, for a look at a text; without it, one that
    has no default is a failure.
    """
    kind = channel.kind if channel else ""
    failed: list[str] = []

    def put(text: Text | None, name: str) -> Filled:
        if text is not None:
            from rules.templates.fill import fill  # noqa: PLC0415  slow

            try:
                found = fill(
                    text, scene.values(text, at=at), html=kind in _AS_HTML, chat=kind in _CHATS,
                    unknown=unknown,
                )  # fmt: skip
            except InputError as error:
                failed.append(f"{name}: {error}")
            else:
                if found.text.strip():
                    return found
                failed.append(f"{name}: nothing is left of the text for this customer")
        return Filled()

    step, texts = scene.step, scene.book.texts
    brief = put(texts.get(_brief(step)), "brief").text
    text = texts.get(file) if file is not None else None
    if file is not None and text is None:
        failed.append(f"there was no file templates/{file}")
    filled = put(text, f"templates/{file}")
    address = address_of(channel, step.to, scene.evaluator.attribute).value if channel else ""
    says = filled.text if file is not None or kind == "task" else brief
    return Written(
        texts=Rendered(
            to=address, subject=filled.subject, text=says, html=filled.html if kind in _AS_HTML else "",
            attachments=text.attachments if text else (), brief=brief,
        ),
        failed="; ".join(failed),
    )  # fmt: skip


def rendered(ledger: Ledger, action: str) -> Rendered | None:
    """Return the texts of an action as they were when it opened; None where it had none.

    Raises StateError for a text that was erased since.
    """
    found = Store(ledger).action(action)
    if found is None:
        return None
    rows = ledger.rows("SELECT name, value FROM private WHERE owner = ?", action)
    kept = {row["name"]: json.loads(row["value"]) for row in rows}
    detail = found.detail
    if not kept and "reopens" in detail:
        return rendered(ledger, detail["reopens"])  # a task again: it says what it said before
    gone = [name for name in detail.get("texts", ()) if name not in kept]
    if gone:
        raise StateError(f"the texts of {action} were erased: {', '.join(gone)}")
    if not kept:
        return None
    return Rendered(**kept, attachments=tuple(detail.get("attachments", ())))
