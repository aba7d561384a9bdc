"""Steps of a playbook: the tree of what is done, waited for and chosen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rules.parse.anchor import read_anchor
from rules.parse.condition import read_condition
from rules.parse.do import read_do, read_late
from rules.parse.names import Left, Names, Section, Subjects, check_name
from rules.parse.place import Place
from rules.parse.scope import Around, Head, Parts, Scope, step_lefts
from rules.parse.settings import read_yes_no
from rules.parse.single import SINGLE
from rules.parse.tree import Line, names_inside, step_names, waits_straight
from rules.parse.waits import read_awaited
from rules.playbook import (
    Anchor,
    AnchorKind,
    Branch,
    Choose,
    IfLate,
    Step,
    Trigger,
    Wait,
)
from rules.templates import Text

__all__ = ["read_steps"]

_KINDS = ("do", "wait", "choose", *SINGLE)


def read_steps(
    place: Place,
    names: Names,
    subjects: Subjects,
    triggers: tuple[Trigger, ...] | None,
    around: Around,
) -> tuple[tuple[Step, ...] | None, dict[str, Left], dict[str, Text]]:
    """Return the steps of a playbook (None where one is wrong), what they leave behind, the texts.

    ``subjects`` hold the customer, the trigger and the playbook's step names.
    """
    if not place.items("`steps`") and place.is_list():
        place.error("empty-value", "the playbook has no steps", at_key=True)
        return None, {}, {}
    scope = Scope(names=names, subjects=subjects, triggers=triggers, around=around)
    reader = _Reader(scope=scope)
    steps = reader.steps(place, inside=None)
    straight = waits_straight(reader.lines)
    return (steps if steps and straight else None), scope.done, scope.texts


@dataclass(slots=True)
class _Reader:
    scope: Scope
    lines: list[Line] = field(default_factory=list)  #: every step read so far, for circles
    given: set[str] = field(default_factory=set)  #: names of those, and of the ones around

    def steps(self, place: Place, *, inside: str | None) -> tuple[Step, ...] | None:
        """Return a list of steps, or None where one is wrong."""
        items = place.items()
        found: list[Step | None] = []
        above: str | None = None
        for item in items:
            name, step = self._step(item, above, inside)
            found.append(step)
            above = name or above
        sound = tuple(step for step in found if step)
        return sound if place.is_list() and len(sound) == len(found) else None

    def _step(
        self, place: Place, above: str | None, inside: str | None
    ) -> tuple[str | None, Step | None]:
        """Return one step and its name; what it leaves behind is known to the steps after it."""
        if not place.is_mapping():
            hint = "write {step: call, do: phone, due: within 3 days}"
            place.error("wrong-shape", "a step needs a name and a channel", hint)
            return None, None
        name = self._name(place)
        kinds = [kind for kind in _KINDS if place.get(kind)]
        head = self._head(name or "", place, above, inside, chooses=kinds == ["choose"])
        found = None
        if len(kinds) == 1:
            found = self._of_kind(kinds[0], head)
        elif kinds:
            message = f"one step has {' and '.join(f'`{kind}`' for kind in kinds)}"
            place.error("bad-step", message, "make a step of each, with its dash")
        else:
            self._no_kind(name, place)
        if found and name and head.sound:
            self.scope.seen.add(name)
            self.scope.done |= step_lefts((found,))
            return name, found
        for each in {name or "", *names_inside(place)} - self.scope.seen:
            self.scope.names.broken.add((Section.FIELDS, each))
            self.scope.seen.add(each)
        return name, None

    def _name(self, place: Place) -> str | None:
        step = place.get("step")
        if step is None:
            hint = "start it with `step: <name>`"
            place.error("missing-key", "this step has no name", hint)
            return None
        name = step.text()
        if name is None or not check_name(name, step, "step"):
            return None
        if name in self.given:
            step.error("name-clash", f'two steps have the name "{name}"', "rename one of them")
            return None
        self.given.add(name)
        return name

    def _head(
        self, name: str, place: Place, above: str | None, inside: str | None, *, chooses: bool
    ) -> Head:
        parts = Parts()
        start = place.get("from")
        anchor = parts.read(start, lambda each: read_anchor(each, name, self.scope))
        disabled = parts.read(place.get("disabled"), read_yes_no)
        counted = anchor if start else Anchor(AnchorKind.PREVIOUS)
        if name:
            line = Line(
                name=name, place=place, anchor=counted, above=above, inside=inside, choose=chooses
            )
            self.lines.append(line)
        return Head(
            name=name,
            place=place,
            anchor=counted or Anchor(AnchorKind.PREVIOUS),
            disabled=disabled or False,
            sound=parts.sound,
        )

    def _no_kind(self, name: str | None, place: Place) -> None:
        label = f'step "{name}"' if name else "this step"
        channels = self.scope.names.vocabulary.channels
        usable = list(channels)
        hint = f"add do: {usable[0]}" if usable else "add `do:` with a channel"
        place.error("missing-key", f"{label} does not say what to do", hint)

    def _of_kind(self, kind: str, head: Head) -> Step | None:
        match kind:
            case "do":
                return read_do(head, self.scope)
            case "wait":
                return self._wait(head)
            case "choose":
                return self._choose(head)
            case _:
                return SINGLE[kind](head, self.scope)

    def _wait(self, head: Head) -> Step | None:
        place = head.place
        value, then, otherwise = head.under("wait"), place.get("then"), place.get("else")
        parts = Parts()
        late = parts.read(place.get("if_late"), lambda each: read_late(each, acts=False))
        found = read_awaited(value, self.scope)
        names = set(step_names(then))
        if_came = self._branch(then, head.name, set())
        if_not = self._branch(otherwise, head.name, names)
        if found is None or if_came is None or if_not is None or not parts.sound:
            return None
        awaited, up_to = found
        for branch in (then, otherwise) if not awaited else ():
            if branch:
                message = f"a plain delay has one way out, so `{branch.key}` has no meaning"
                hint = "put these steps below it, in the same list"
                branch.error("bad-wait", message, hint, at_key=True)
                return None
        if otherwise and up_to is None:
            message = "this wait has no end, so its `else` never comes"
            otherwise.error("bad-wait", message, "add up_to: 5 working days", at_key=True)
            return None
        return Wait(
            name=head.name,
            path=place.path,
            span=place.span,
            awaited=awaited,
            up_to=up_to,
            then=if_came,
            otherwise=if_not,
            anchor=head.anchor,
            if_late=late or IfLate.DO,
            disabled=head.disabled,
        )

    def _choose(self, head: Head) -> Step | None:
        place = head.place
        value = head.under("choose")
        parts = Parts()
        late = parts.read(place.get("if_late"), lambda each: read_late(each, acts=False))
        items = value.items("`choose`")
        if not items and value.is_list():
            value.error("empty-value", "`choose` has an empty list", at_key=True)
        found: list[Branch | None] = []
        names: set[str] = set()
        for index, item in enumerate(items):
            found.append(self._line(item, head.name, names, last=index == len(items) - 1))
            names |= names_inside(item)
        sound = tuple(branch for branch in found if branch)
        if not sound or len(sound) < len(found) or not parts.sound:
            return None
        return Choose(
            name=head.name,
            path=place.path,
            span=place.span,
            branches=sound,
            anchor=head.anchor,
            if_late=late or IfLate.DO,
            disabled=head.disabled,
        )

    def _line(self, place: Place, inside: str, apart: set[str], *, last: bool) -> Branch | None:
        """Return one branch of a choose; ``apart`` are the steps of the branches above."""
        test, then, rest = place.get("if"), place.get("then"), place.get("else")
        if not place.is_mapping() or (test is None) == (rest is None):
            hint = "write {if: {...}, then: [...]}, or {else: [...]} as the last one"
            place.error("bad-step", "a branch has an `if` with `then`, or an `else`", hint)
            return None
        if rest:
            if not last:
                message = "`else` takes all that is left, so no branch below it is ever taken"
                place.error("bad-step", message, "put it last", at_key=True)
            steps = self._branch(rest, inside, apart)
            return Branch(condition=None, steps=steps) if steps is not None and last else None
        assert test is not None
        if then is None:
            place.error("missing-key", "a branch with `if` needs `then`", "write then: [...]")
            return None
        with self._apart(apart):
            condition = read_condition(test, self.scope.here())
        steps = self._branch(then, inside, apart)
        if condition is None or steps is None:
            return None
        return Branch(condition=condition, steps=steps)

    def _branch(self, place: Place | None, inside: str, apart: set[str]) -> tuple[Step, ...] | None:
        """Return the steps of a branch; () where there is none."""
        if place is None:
            return ()
        with self._apart(apart):
            return self.steps(place, inside=inside or None)

    @contextmanager
    def _apart(self, names: set[str]) -> Iterator[None]:
        """Read what never happens together with some steps."""
        before = self.scope.apart
        self.scope.apart = before | names
        yield
        self.scope.apart = before
