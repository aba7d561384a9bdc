"""What a step does, when, who does it and what comes of it, as sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from engine.handbook.sentences import Sentences
from engine.handbook.tongue import span
from rules.playbook import (
    Anchor,
    AnchorKind,
    Asked,
    AskedKind,
    Assignment,
    Choose,
    Do,
    Due,
    DueForm,
    IfLate,
    Record,
    Set,
    Split,
    StartOther,
    Step,
    StopHere,
    Template,
    Wait,
)
from rules.trace import show_field
from rules.vocabulary import FieldType

__all__ = ["Deeds"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deeds:
    """Says things of the steps of one playbook."""

    say: Sentences
    steps: dict[str, str]  #: the titles of the playbook's steps, by name

    def what(self, step: Step) -> str:
        """Return what a step does."""
        say = self.say
        match step:
            case Do():
                return say.label("message") if step.channel == "message" else step.channel
            case Wait():
                return self._wait(step)
            case Choose():
                return say.label("choose")
            case Split():
                return say.label("split")
            case Set():
                return say.label("set", say.listed(map(self._assigned, step.values)))
            case Record():
                return say.label("record", say.event(step.event))
            case StartOther():
                return say.label("start", say.playbook(step.playbook))
            case StopHere():
                return say.label("stop", step.word)
        assert_never(step)

    def _wait(self, step: Wait) -> str:
        say = self.say
        up_to = span(step.up_to, say.tongue)
        if not step.awaited:
            return say.label("wait_plain", up_to)
        events = say.joined((say.events(each.events) for each in step.awaited), either=True)
        return say.label("wait", events) + (say.label("up_to", up_to) if up_to else "")

    def _assigned(self, value: Assignment) -> str:
        type_: FieldType | None = self.say.vocabulary.attributes.get(value.attribute)
        if value.source is not None:
            new = value.source
        elif value.value is None:
            new = self.say.label("unknown")
        else:
            new = show_field(value.value, type_.kind) if type_ else str(value.value)
        return f"{value.attribute} {'+' if value.add else '='} {self.say.said(new)}"

    # ------------------------------------------------------------------ when

    def when(self, step: Step) -> str:
        """Return when a step opens and is due, and from where that is counted; "" for at once."""
        return self.say.listed([self.anchor(step.anchor), self.due(step)])

    def due(self, step: Step) -> str:
        """Return when a step opens and is due, counted from its own beginning."""
        if not isinstance(step, Do):
            return ""
        return self.say.listed([self._due(step.due), f"{step.at:%H:%M}" if step.at else ""])

    def anchor(self, anchor: Anchor) -> str:
        """Return from where a step's clock counts; "" for the close of the step above."""
        say = self.say
        match anchor.kind:
            case AnchorKind.PREVIOUS:
                return ""
            case AnchorKind.ENTRY:
                return say.label("after_entry")
            case AnchorKind.STEP:
                return say.label("after_step", say.mark(self.steps.get(anchor.name) or anchor.name))
            case AnchorKind.DATE | AnchorKind.STEP_DATE:
                day = say.mark(anchor.name)
            case AnchorKind.TRIGGER_DATE:
                day = say.label("trigger_date") if anchor.name == "date" else say.mark(anchor.name)
        if anchor.offset is None:
            return say.label("a_date", day)
        form = "a_before" if anchor.back else "a_after"
        return say.label(form, day, span(anchor.offset, say.tongue))

    def _due(self, due: Due) -> str:
        match due.form:
            case DueForm.NOW | DueForm.SAME_DAY:
                words = due.form.value
            case DueForm.WITHIN:
                words = f"within {due.high}"
            case DueForm.AFTER:
                words = f"after {due.low}"
            case DueForm.BETWEEN:
                assert due.low is not None
                words = f"between {due.low.amount} and {due.high}"
        return self.say.said(words)

    # ------------------------------------------------------------------ who, and the rest

    def who(self, step: Step) -> str:
        """Return who gets the task, "" for a step without a person."""
        if isinstance(step, Do) and step.assign:
            return self.say.role(step.assign)
        return ""

    def details(self, step: Step) -> list[str]:
        """Return what else is to say of a step, a sentence each."""
        found = [self.say.label("disabled")] if step.disabled else []
        if isinstance(step, Do):
            found += self._of_do(step)
        late = getattr(step, "if_late", IfLate.DO)
        if late is not IfLate.DO:
            found.append(self.say.label(f"late_{late.value}"))
        return found

    def _of_do(self, step: Do) -> Iterator[str]:
        say = self.say
        if step.brief:
            yield step.brief
        if step.template:
            yield self._template(step.template)
        if step.outcomes:
            yield say.label("outcomes", say.joined(step.outcomes, either=True))
        if step.ask:
            yield say.label("ask", say.joined(map(self._asked, step.ask)))
        if step.recheck is not None:
            yield say.label("recheck", say.condition(step.recheck))
        if step.done_when is not None:
            yield say.label("done_when", say.events(step.done_when.events))
        if step.retry is not None:
            outcomes = say.joined(step.retry.on, either=True)
            every = span(step.retry.every, say.tongue)
            yield say.label("retry", outcomes, every, step.retry.times)
        if step.repeat is not None:
            until = step.repeat.until
            more = say.label("until", say.condition(until)) if until is not None else ""
            yield say.label("repeat", span(step.repeat.every, say.tongue), step.repeat.times, more)
        for rung in step.if_overdue:
            role = say.role(rung.role)
            if rung.after:
                yield say.label("overdue_after", role, span(rung.after, say.tongue))
            else:
                yield say.label("overdue", role)
        if step.give_up:
            yield say.label("give_up", span(step.give_up, say.tongue))

    def _template(self, template: Template) -> str:
        say = self.say
        if template.by:
            cases = [f"{value} {file}" for value, file in template.cases]
            if template.otherwise:
                cases.append(f"{say.label('else')} {template.otherwise}")
            return say.label("text_by", say.mark(template.by), say.listed(cases))
        form = "text" if len(template.files) == 1 else "text_in_turn"
        return say.label(form, say.listed(template.files))

    def _asked(self, asked: Asked) -> str:
        if asked.kind is AskedKind.SCALE:
            return self.say.label("ask_scale", asked.name, asked.low, asked.high)
        if asked.kind is AskedKind.CHOICE:
            return self.say.label("ask_choice", asked.name, " / ".join(asked.choices))
        return asked.name
