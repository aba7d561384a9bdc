"""Where in a project's YAML a person may err, and what it would say then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from yaml.nodes import Node, ScalarNode, SequenceNode

from engine.testing.notes import Change, root_of
from engine.testing.notes_conditions import ConditionNotes
from engine.testing.notes_steps import StepNotes
from engine.testing.sheet import Edit, Sheet
from engine.testing.slips import Kind, longer
from rules.vocabulary import Vocabulary

__all__ = ["changes_of_definitions", "changes_of_playbook"]

#: Keys of a line of ``stop_when`` that are no tests.
_STOP_KEYS = frozenset({"event", "where", "same", "leaves", "goal", "within"})
_FLIPPED_TRIGGERS = {"enters": "leaves", "leaves": "enters"}
_FLIPPED_OFFSETS = {"before": "after", "after": "before"}


def changes_of_playbook(sheet: Sheet, vocabulary: Vocabulary) -> list[Change]:
    """Return the mistakes that a person may make in a playbook, in the order of the file."""
    notes = _BookNotes(sheet, vocabulary)
    notes.playbook()
    return sorted(notes.found, key=lambda change: (change.offset, change.kind, change.turn))


def changes_of_definitions(
    sheet: Sheet, vocabulary: Vocabulary, wanted: Mapping[str, frozenset[str]]
) -> list[Change]:
    """Return those in shared.yaml; ``wanted``: ``measures``, ``segments``, ``classes`` -> names."""
    notes = ConditionNotes(sheet, vocabulary)
    notes.definitions(sheet.root, wanted)
    return notes.found


class _BookNotes(StepNotes):
    """Mistakes of one whole playbook."""

    def playbook(self) -> None:
        """Look through a whole playbook, in the order of its file."""
        sheet, root = self.sheet, self.sheet.root
        for key, value in sheet.pairs(root):
            match key.value:
                case "trigger":
                    self.triggers(value)
                case "only" | "except":
                    hint = (
                        f"write a test with a customer that `{key.value}` keeps out, and starts: no"
                    )
                    self.dropped(Kind.WHO, root_of(root), key.value, hint)
                    self.who(key, value, hint)
                case "again" if not self.begins_once():
                    self.again(key, value)
                case "overlap" if not self.begins_once():
                    self.overlap(key, value)
                case "stop_when":
                    self.stops(value)
                case "steps":
                    self.step_list(value)
                case "existing":
                    other = "enrol" if value.value == "skip" else "skip"
                    hint = "write a test with a customer who is inside before the first run"
                    self.became(Kind.AGAIN, key, value, other, hint)
        self.added(root, "again", ("always", "never"), "a second occurrence of the trigger")
        self.added(root, "overlap", ("parallel", "ignore"), "a second trigger while a journey runs")
        self.definitions(root)

    def added(self, root: Node | None, name: str, words: Iterable[str], what: str) -> None:
        """Keep the mistake of a setting that is not written, where its default was meant."""
        trigger = self.sheet.get(root, "trigger")
        if trigger is None or self.sheet.get(root, name) or self.sheet.flat(root_of(root)):
            return
        if self.begins_once():
            return
        at = trigger[0].start_mark.index
        for word in words:
            hint = f"write a test with {what}"
            self.add(
                Kind.AGAIN, trigger[0], f"{name}: {word} was added", hint,
                Edit(at, at, f"{name}: {word}\n"),
            )  # fmt: skip

    def begins_once(self) -> bool:
        """Tell whether the trigger is one `first`: no customer has a second journey."""
        trigger = self.sheet.get(self.sheet.root, "trigger")
        return trigger is not None and self.sheet.get(trigger[1], "first") is not None

    def again(self, key: ScalarNode, value: Node) -> None:
        hint = "write a test in which the trigger comes twice, and what the second time does"
        word = getattr(value, "value", "")
        for other in {"always": ["never"], "never": ["always"]}.get(
            word, [*longer(word), "always", "never"]
        ):
            self.became(Kind.AGAIN, key, value, other, hint)

    def overlap(self, key: ScalarNode, value: Node) -> None:
        hint = "write a test in which the trigger comes again while the journey runs"
        for other in ("ignore", "parallel", "restart"):
            if other != value.value:
                self.became(Kind.AGAIN, key, value, other, hint)

    def triggers(self, node: Node) -> None:
        """A trigger, or a list of them."""
        for n, trigger in enumerate(node.value if isinstance(node, SequenceNode) else [node]):
            if isinstance(node, SequenceNode) and len(node.value) > 1:
                words = f"the trigger {self.sheet.written(trigger)} was dropped"
                hint = "write a test that begins with this trigger, and starts: yes"
                edits = self.sheet.without_items(node, [n])
                self.add(Kind.TRIGGER, trigger, words, hint, *edits)
            for key, value in self.sheet.pairs(trigger):
                self.trigger_key(trigger, key, value)

    def trigger_key(self, trigger: Node, key: ScalarNode, value: Node) -> None:
        name = key.value
        hint = f"write a test with a customer for whom `{self.told(key, value)}` decides"
        if name == "late":
            hint = "write a test with an event that reaches care late: `arrives:`"
        if name in _FLIPPED_TRIGGERS:
            other = _FLIPPED_TRIGGERS[name]
            self.add(
                Kind.TRIGGER, key, f"{name} became {other}", hint, self.sheet.replaced(key, other)
            )
        if name in _FLIPPED_OFFSETS and isinstance(value, ScalarNode):
            other = _FLIPPED_OFFSETS[name]
            if any(longer(value.value)) and not self.sheet.get(trigger, "missing"):
                edit = self.sheet.replaced(key, other)
                self.add(Kind.TRIGGER, key, f"{name} became {other}", hint, edit)
        if name in ("holds_for", "same", "yearly", "in", "from", "to", "where", "at"):
            self.dropped(Kind.TRIGGER, trigger, name, hint)
        if name in ("holds_for", "within", "before", "after", "every", "late"):
            self.lengths(key, value, hint)
        if name == "where":
            self.condition(value, hint)

    def stops(self, node: Node) -> None:
        """``stop_when``: one line, or a list of them."""
        items = node.value if isinstance(node, SequenceNode) else [node]
        for n, item in enumerate(items):
            said = self.sheet.written(item)
            hint = "write a test in which this comes before the steps are over: {journey: stopped}"
            if len(items) > 1:
                edits = self.sheet.without_items(node, [n])
                self.add(Kind.STOP, item, f"stop_when: {said} was dropped", hint, *edits)
            else:
                self.dropped(Kind.STOP, root_of(self.sheet.root), "stop_when", hint)
            self.without_goal(
                item, "write a test that reaches the goal: {journey: stopped, reason: goal}"
            )
            self.dropped(
                Kind.ANCHOR, item, "same", "write a test with two cases, of which one ends"
            )
            self.dropped(Kind.CONDITION, item, "where", hint)
            for key, value in self.sheet.pairs(item):
                if key.value == "within":
                    self.lengths(key, value, "write a test that reaches the goal too late")
                if key.value == "where":
                    self.condition(value, hint)
            self.condition(item, hint, beside=_STOP_KEYS)

    def without_goal(self, item: Node, hint: str) -> None:
        """A goal forgotten, with the time in which it counts."""
        goal = self.sheet.get(item, "goal")
        if goal is not None:
            edits = self.sheet.without_pair(item, "goal", "within")
            self.add(Kind.STOP, goal[0], f"{self.told(*goal)} was dropped", hint, *edits)
