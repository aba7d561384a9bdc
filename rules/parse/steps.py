"""Steps of a playbook: in this version ``do`` through a channel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from rules.conditions import Condition, Subject, SubjectKind
from rules.parse.asked import read_asked
from rules.parse.channels import CHANNEL_KINDS
from rules.parse.condition import read_who
from rules.parse.due import read_anchor, read_due
from rules.parse.names import Left, Names, Section, Sort, Subjects, check_name, nearest
from rules.parse.place import Place
from rules.parse.settings import read_clock_at, read_word
from rules.playbook import Anchor, AnchorKind, AskedKind, Do, Due, DueForm, IfLate

__all__ = ["read_steps", "step_lefts", "step_names"]

#: Step kinds and keys of the language that this version leaves out.
_LATER_STEPS = ("wait", "choose", "split", "set", "record", "start", "stop")
_LATER_KEYS = (
    "repeat",
    "retry",
    "done_when",
    "give_up",
    "if_overdue",
    "disabled",
    "to",
    "on_unknown",
)
_SORTS = {
    AskedKind.SCALE: Sort.NUMBER,
    AskedKind.NUMBER: Sort.NUMBER,
    AskedKind.CHOICE: Sort.WORD,
    AskedKind.TEXT: Sort.TEXT,
    AskedKind.DATE: Sort.DATE,
    AskedKind.YES_NO: Sort.YES_NO,
}


def step_names(place: Place | None) -> frozenset[str]:
    """Return every step name of a playbook, also inside branches of steps to come."""
    found: set[str] = set()
    waiting = [place] if place else []
    while waiting:
        each = waiting.pop()
        if each.is_list():
            waiting += each.items()
        elif each.is_mapping():
            name = each.get("step")
            if name and name.is_scalar() and not name.empty:
                found.add(name.text() or "")
            waiting += [value for key, value in each.pairs() if key in ("choose", "then", "else")]
    return frozenset(found)


def read_steps(
    place: Place,
    names: Names,
    subjects: Subjects,
    template: Callable[[str], str | None],
) -> tuple[tuple[Do, ...] | None, dict[str, Left]]:
    """Return the steps of a playbook (None where one is wrong), and what they ask for.

    ``subjects`` hold the customer, the trigger and the playbook's step names; ``template``
    returns None for a path that exists below ``templates/``, else what to write instead.
    """
    items = place.items("`steps`")
    if not items and place.is_list():
        place.error("empty-value", "the playbook has no steps", at_key=True)
    reader = _Reader(names=names, subjects=subjects, template=template)
    steps = [reader.read(item) for item in items]
    sound = tuple(step for step in steps if step)
    straight = _no_circle(steps, items)
    if not sound or len(sound) < len(steps) or not straight:
        return None, reader.done
    return sound, reader.done


@dataclass(slots=True)
class _Reader:
    names: Names
    subjects: Subjects
    template: Callable[[str], str | None]
    done: dict[str, Left] = field(default_factory=dict)  #: results of the steps read so far
    seen: set[str] = field(default_factory=set)  #: their names

    def read(self, place: Place) -> Do | None:
        """Return one step; what it asks for is known to the steps after it."""
        if not place.is_mapping():
            hint = "write {step: call, do: phone, due: within 3 days}"
            place.error("wrong-shape", "a step needs a name and a channel", hint)
            return None
        name = self._name(place)
        later = [value for key, value in place.pairs() if key in (*_LATER_STEPS, *_LATER_KEYS)]
        for value in later:
            if value.key in _LATER_STEPS:
                value.not_yet(f'step kind "{value.key}"', "this version has steps with `do`")
            else:
                value.not_yet(f'step key "{value.key}"', "take it out of this step")
            self.names.broken |= {(Section.FIELDS, inner) for inner in step_names(value)}
        found = self._do(name or "", place) if place.get("do") or not later else None
        if name:
            self.seen.add(name)
        if found:
            self.done |= step_lefts((found,))
        elif name:
            self.names.broken.add((Section.FIELDS, name))
        return found if name and not later else None

    def _name(self, place: Place) -> str | None:
        step = place.get("step")
        if step is None:
            hint = "start it with `step: <name>`"
            place.error("missing-key", "this step has no name", hint)
            return None
        name = step.text()
        if name is None or not check_name(name, step, "step"):
            return None
        if name in self.seen:
            step.error("name-clash", f'two steps have the name "{name}"', "rename one of them")
            return None
        return name

    def _do(self, name: str, place: Place) -> Do | None:
        channel = self._channel(name, place)
        due_place, at_place, from_place = place.get("due"), place.get("at"), place.get("from")
        due = read_due(due_place) if due_place else Due(DueForm.NOW)
        at = read_clock_at(at_place) if at_place else None
        anchor: Anchor | None = Anchor(AnchorKind.PREVIOUS)
        if from_place:
            anchor = read_anchor(from_place, name, self.subjects.step_names, self.names)
        assign = self._role(place.get("assign"))
        outcomes = self._outcomes(place.get("outcomes"))
        ask = read_asked(place.get("ask"))
        late_place = place.get("if_late")
        if_late = self._if_late(late_place) if late_place else IfLate.DO
        recheck = self._recheck(place.get("recheck"))
        template = self._template(place.get("template"), must_exist=channel is not None)
        title, brief = place.label("title"), place.label("brief")
        self._fits(name, place, channel)
        broken = (
            channel is None
            or due is None
            or (at_place and at is None)
            or anchor is None
            or assign == ""
            or outcomes is None
            or ask is None
            or if_late is None
            or (place.get("recheck") and recheck is None)
            or template == ""
        )
        if broken or channel is None or due is None or anchor is None or if_late is None:
            return None
        return Do(
            name=name,
            channel=channel,
            due=due,
            path=place.path,
            span=place.span,
            title=title,
            at=at,
            anchor=anchor,
            assign=assign,
            brief=brief,
            template=template,
            outcomes=outcomes or (),
            ask=ask or (),
            if_late=if_late,
            recheck=recheck,
        )

    def _channel(self, name: str, place: Place) -> str | None:
        do = place.get("do")
        label = f'step "{name}"' if name else "this step"
        channels = self.names.vocabulary.channels
        if do is None:
            usable = [key for key, known in channels.items() if known.kind in CHANNEL_KINDS]
            hint = f"add do: {usable[0]}" if usable else "add `do:` with a channel"
            place.error("missing-key", f"{label} does not say what to do", hint)
            return None
        text = do.text()
        if text is None:
            return None
        if text == "message":
            usable = [key for key, known in channels.items() if known.kind in CHANNEL_KINDS]
            message = (
                f"{label}: `do: message` needs routing, which is not supported yet in this version"
            )
            hint = f"name a channel: {', '.join(sorted(usable))}" if usable else "name a channel"
            do.error("not-yet", message, hint)
            return None
        if text not in channels:
            if not self.names.silent(text, Section.CHANNELS):
                hint = nearest(text, channels, Section.CHANNELS)
                do.error("unknown-channel", f'{label}: no channel "{text}"', hint)
            return None
        kind = channels[text].kind
        if kind not in CHANNEL_KINDS:
            message = f'{label}: channel "{text}" is of kind {kind}, which is not supported yet in this version'
            do.error("not-yet", message, "take a channel of kind task or file")
            return None
        return text

    def _fits(self, name: str, place: Place, channel: str | None) -> None:
        """Report what only a person can answer behind a channel without one."""
        if channel is None:
            return
        kind = self.names.vocabulary.channels[channel].kind
        if kind == "task":
            if place.get("assign") is None:
                message = f'step "{name}" is a task that nobody gets'
                place.warn("no-assignee", message, "add assign: with a role of care.yaml")
            return
        for key in ("outcomes", "ask", "assign"):
            value = place.get(key)
            if value:
                message = f'step "{name}": nobody does a {kind}, so `{key}` has no meaning'
                value.error("needs-task", message, "take a channel of kind task", at_key=True)
                self.names.broken.add((Section.FIELDS, name))

    def _role(self, place: Place | None) -> str | None:
        """Return the role, None without one, "" where it is wrong."""
        if place is None:
            return None
        text = place.text() or ""
        roles = self.names.vocabulary.roles
        if text and text not in roles:
            if not self.names.silent(text, Section.ROLES):
                hint = nearest(text, roles, Section.ROLES)
                place.error("unknown-role", f'no role "{text}"', hint)
            return ""
        return text

    def _outcomes(self, place: Place | None) -> tuple[str, ...] | None:
        if place is None:
            return ()
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
            if word == "expired":
                message = (
                    '"expired" is the outcome that care itself gives to a task nobody finished'
                )
                item.error("bad-name", message, "choose another word")
                return None
        return tuple(word for word in words if word)

    def _if_late(self, place: Place) -> IfLate | None:
        if place.is_scalar() and not place.empty and place.text() == "escalate":
            place.not_yet("if_late: escalate", "write do or skip")
            return None
        word = read_word(place, [choice.value for choice in IfLate])
        return IfLate(word) if word else None

    def _recheck(self, place: Place | None) -> Condition | None:
        if place is None:
            return None
        later = self.subjects.step_names - self.seen
        subjects = replace(self.subjects, steps=self.done, later=later)
        return read_who(place, subjects)

    def _template(self, place: Place | None, *, must_exist: bool) -> str | None:
        """Return the path, None without one, "" where it is wrong."""
        if place is None:
            return None
        if not place.is_scalar():
            what = "a template that rotates" if place.is_list() else "a template by attribute"
            place.not_yet(what, "name one file")
            return ""
        text = place.text() or ""
        if not text:
            return ""
        if text.startswith(("/", "\\")) or ".." in text.split("/") or "\\" in text or ":" in text:
            message = f'template "{text}" is not a file below templates/'
            place.error("unknown-template", message, "write the name alone: welcome.md")
            return ""
        missing = self.template(text) if must_exist else None
        if missing is not None:
            place.error("unknown-template", f"there is no file templates/{text}", missing)
            return ""
        return text


def step_lefts(steps: tuple[Do, ...]) -> dict[str, Left]:
    """Return ``<step>.outcome`` and ``<step>.<asked>`` with their types."""
    found: dict[str, Left] = {}
    for step in steps:
        name = f"{step.name}.outcome"
        found[name] = Left(
            subject=Subject(SubjectKind.STEP, name),
            label=name,
            sort=Sort.WORD,
            words=(*step.outcomes, "expired"),
        )
        for asked in step.ask:
            name = f"{step.name}.{asked.name}"
            found[name] = Left(
                subject=Subject(SubjectKind.STEP, name),
                label=name,
                sort=_SORTS[asked.kind],
                words=asked.choices,
            )
    return found


def _no_circle(steps: list[Do | None], places: list[Place]) -> bool:
    """Report steps that wait for each other; True where there are none."""
    before: dict[str, str] = {}
    for above, step in zip([None, *steps], steps, strict=False):
        if step and step.anchor.kind is AnchorKind.STEP:
            before[step.name] = step.anchor.name
        elif step and step.anchor.kind is AnchorKind.PREVIOUS and above:
            before[step.name] = above.name
    reported: set[str] = set()
    for step, place in zip(steps, places, strict=True):
        if not step or step.anchor.kind is not AnchorKind.STEP or step.name in reported:
            continue
        ring = [step.name]
        while (found := before.get(ring[-1])) and found not in ring:
            ring.append(found)
        if found == step.name:
            message = "these steps wait for each other: " + " -> ".join([*ring, step.name])
            start = place.get("from") or place
            start.error("cycle", message, "let one of them start `from: entry`")
            reported |= set(ring)
    return not reported
