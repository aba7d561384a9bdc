"""``do``: a step that acts through a channel."""

from __future__ import annotations

from rules.errors import did_you_mean
from rules.parse.again import (
    EXPIRED,
    read_give_up,
    read_overdue,
    read_repeat,
    read_retry,
    read_role,
)
from rules.parse.asked import read_asked
from rules.parse.condition import read_who
from rules.parse.due import read_due
from rules.parse.events import read_events
from rules.parse.names import Section, nearest
from rules.parse.place import Place
from rules.parse.same import read_same
from rules.parse.scope import Head, Parts, Scope
from rules.parse.settings import read_clock_at, read_word
from rules.parse.template import read_template
from rules.parse.texts import brief_at
from rules.playbook import Do, DoneWhen, Due, DueForm, IfLate
from rules.vocabulary import FieldKind

__all__ = ["MESSAGE", "read_do", "read_late"]

MESSAGE = "message"  #: the channel that routing chooses
#: What only a task has, since a person does it.
_OF_TASKS = ("outcomes", "ask", "assign", "done_when", "retry", "if_overdue", "give_up")


def read_do(head: Head, scope: Scope) -> Do | None:
    """Return a step that acts, or None where something in it is wrong."""
    name, place, parts = head.name, head.place, Parts()
    channel = _channel(name, place, scope)
    due = parts.read(place.get("due"), read_due)
    at = parts.read(place.get("at"), read_clock_at)
    assign = parts.read(place.get("assign"), lambda each: read_role(each, scope))
    outcomes_place, outcomes = place.get("outcomes"), parts.read(place.get("outcomes"), _outcomes)
    ask = parts.read(place.get("ask"), read_asked)
    recheck_place = place.get("recheck")
    recheck = read_who(recheck_place, scope.here()) if recheck_place else None
    template = parts.read(place.get("template"), lambda each: read_template(each, name, scope))
    to = parts.read(place.get("to"), lambda each: _address(each, scope))
    done_when = parts.read(place.get("done_when"), lambda each: _done_when(each, scope))
    known = None if outcomes_place and outcomes is None else outcomes or ()
    retry = parts.read(place.get("retry"), lambda each: read_retry(each, known))
    repeat = parts.read(place.get("repeat"), lambda each: read_repeat(each, scope))
    overdue = parts.read(place.get("if_overdue"), lambda each: read_overdue(each, scope))
    give_up = parts.read(place.get("give_up"), read_give_up)
    unknown = parts.read(place.get("on_unknown"), lambda each: read_word(each, ("hold", "resend")))
    if_late = parts.read(place.get("if_late"), lambda each: read_late(each, acts=True))
    title, brief = place.label("title"), place.label("brief")
    told = place.get("brief")
    parts.sound = (told is None or brief_at(name, brief, told, scope)) and parts.sound
    fits = _fits(name, place, channel, scope) and _goes_together(place, if_late)
    sound = parts.sound and fits and not (recheck_place and recheck is None)
    if channel is None or not sound:
        return None
    return Do(
        name=name,
        channel=channel,
        due=due or Due(DueForm.NOW),
        path=place.path,
        span=place.span,
        title=title,
        at=at,
        anchor=head.anchor,
        assign=assign,
        brief=brief,
        template=template,
        to=to,
        outcomes=outcomes or (),
        ask=ask or (),
        if_late=if_late or IfLate.DO,
        recheck=recheck,
        done_when=done_when,
        retry=retry,
        repeat=repeat,
        if_overdue=overdue or (),
        give_up=give_up,
        on_unknown=unknown,
        disabled=head.disabled,
    )


def _channel(name: str, place: Place, scope: Scope) -> str | None:
    do = place.get("do")
    label = f'step "{name}"' if name else "this step"
    channels = scope.names.vocabulary.channels
    usable = sorted(channels)
    text = do.text() if do else None
    if do is None or text is None:
        return None
    if text == MESSAGE:
        if scope.around.routing:
            return text
        message = f"{label}: `do: message` needs `routing` in house.yaml, which chooses the channel"
        hint = f"or name a channel: {', '.join(usable)}" if usable else "or name a channel"
        do.error("needs-routing", message, hint)
        return None
    if text not in channels:
        if not scope.names.silent(text, Section.CHANNELS):
            hint = nearest(text, channels, Section.CHANNELS)
            do.error("unknown-channel", f'{label}: no channel "{text}"', hint)
        return None
    return text


def _fits(name: str, place: Place, channel: str | None, scope: Scope) -> bool:
    """Report what only a person can answer behind a channel without one, and the other way round."""
    if channel is None:
        return True
    kind = MESSAGE if channel == MESSAGE else scope.names.vocabulary.channels[channel].kind
    if kind == "task":
        if place.get("assign") is None:
            message = f'step "{name}" is a task that nobody gets'
            place.warn("no-assignee", message, "add assign: with a role of care.yaml")
        unknown = place.get("on_unknown")
        if unknown:
            message = f'step "{name}": a task is never sent, so `on_unknown` has no meaning'
            unknown.error("needs-message", message, "take `on_unknown` out", at_key=True)
        return unknown is None
    sound = True
    for key in _OF_TASKS:
        value = place.get(key)
        if value and not (kind == MESSAGE and key == "assign"):
            sent = "file" if kind == "file" else "message"
            message = f'step "{name}": nobody does a {sent}, so `{key}` has no meaning'
            value.error("needs-task", message, "take a channel of kind task", at_key=True)
            sound = False
    told = place.get("template") or place.get("brief")
    if told is None and kind not in ("file", "webhook", MESSAGE):
        message = f'step "{name}" sends a message that says no more than its title'
        place.warn("no-text", message, "add template: with a file below templates/")
    return sound


def _goes_together(place: Place, if_late: IfLate | None) -> bool:
    """Report keys of which one needs, or excludes, another."""
    sound = True
    late, retry, repeat = place.get("if_late"), place.get("retry"), place.get("repeat")
    if late and if_late is IfLate.ESCALATE and place.get("if_overdue") is None:
        message = "`if_late: escalate` does not say to whom"
        late.error("missing-key", message, "add if_overdue: {escalate: manager}")
        sound = False
    if retry and repeat:
        message = "a step has `retry` or `repeat`, not both"
        repeat.error("bad-step", message, "make two steps of it", at_key=True)
        sound = False
    return sound


def read_late(place: Place, *, acts: bool) -> IfLate | None:
    """Return what to do with a step whose time is over; only one that ``acts`` can escalate."""
    words = [choice.value for choice in IfLate if acts or choice is not IfLate.ESCALATE]
    if not acts and place.is_scalar() and not place.empty and place.text() == IfLate.ESCALATE:
        message = "only a step with `do` can be given to somebody else"
        place.error("bad-word", message, "write do or skip")
        return None
    word = read_word(place, words)
    return IfLate(word) if word else None


def _outcomes(place: Place) -> tuple[str, ...] | None:
    texts = [(item.text("an outcome"), item) for item in place.items("`outcomes`")]
    words = [text for text, _ in texts]
    if not words or None in words:
        if place.is_list() and not words:
            place.error("empty-value", "`outcomes` has an empty list", at_key=True)
        return None
    for index, (word, item) in enumerate(texts):
        if word in words[:index]:
            item.error("name-clash", f'`outcomes` lists "{word}" twice')
            return None
        if word == EXPIRED:
            message = '"expired" is the outcome that care itself gives to a task nobody finished'
            item.error("bad-name", message, "choose another word")
            return None
    return tuple(word for word in words if word)


def _address(place: Place, scope: Scope) -> str | None:
    """Return the attribute that holds the address."""
    text = place.text()
    if text is None:
        return None
    name = text.removeprefix("customer.")
    attributes = scope.names.vocabulary.attributes
    if name not in attributes:
        if not scope.names.silent(name, Section.ATTRIBUTES):
            texts = [key for key, known in attributes.items() if known.kind is FieldKind.TEXT]
            message = f'no attribute "{name}" with an address'
            place.error("unknown-attribute", message, did_you_mean(name, texts))
        return None
    if attributes[name].kind is not FieldKind.TEXT:
        message = f'"{name}" is no text, so it holds no address'
        place.error("unknown-attribute", message, "name an attribute of type text")
        return None
    return name


def _done_when(place: Place, scope: Scope) -> DoneWhen | None:
    if not place.is_mapping():
        hint = "write {event: first_reply, same: case_id}"
        place.error("wrong-shape", "`done_when` needs `key: value` lines", hint)
        return None
    events = read_events(place, scope.names)
    same_place = place.get("same")
    same = None
    if same_place:
        same = read_same(same_place, events, scope.triggers, scope.names, code="bad-step")
    if events is None or (same_place and same is None):
        return None
    return DoneWhen(events=events, same=same)
