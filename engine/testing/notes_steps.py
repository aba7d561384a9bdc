"""Mistakes in steps."""

from __future__ import annotations

import re
from functools import cached_property

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from engine.testing.notes import is_inside, is_plain, mappings, sequences, texts
from engine.testing.notes_conditions import ConditionNotes
from engine.testing.sheet import Edit
from engine.testing.slips import Kind, due_slips, phrase_slips

__all__ = ["StepNotes"]


class StepNotes(ConditionNotes):
    """Mistakes of what is done, in which order, when and by whom."""

    step = ""  #: whose keys are looked at

    @cached_property
    def steps(self) -> dict[str, MappingNode]:
        """All steps of the playbook, by name."""
        found = ((self.sheet.get(each, "step"), each) for each in mappings(self.sheet.root))
        return {str(name[1].value): each for name, each in found if name}

    def step_list(self, node: Node) -> None:
        """Steps in their order, with those inside of them."""
        if not isinstance(node, SequenceNode):
            return
        names = [self.name_of(item) for item in node.value]
        for n, (item, name) in enumerate(zip(node.value, names, strict=True)):
            self.without_step(node, n, name)
            if n + 1 < len(names):
                words = f"the steps {name} and {names[n + 1]} changed places"
                hint = f"expect when {name} and {names[n + 1]} happen: `at:` or `opens:` of both"
                self.add(Kind.ORDER, item, words, hint, self.sheet.swapped(node, n))
            outer, self.step = self.step, name
            for key, value in self.sheet.pairs(item):
                self.step_key(item, key, value)
            self.step = outer

    def name_of(self, item: Node) -> str:
        """Return the name of a step."""
        pair = self.sheet.get(item, "step")
        return str(pair[1].value) if pair else ""

    def without_step(self, node: SequenceNode, index: int, name: str) -> None:
        """A step forgotten: ``from:`` it goes too, and whole steps whose conditions name it."""
        step = node.value[index]
        gone = [other for other in self.leaning(name) if not is_inside(self.steps[other], step)]
        lists = {id(node): (node, [index])}
        for other in gone:
            home = self.home(self.steps[other])
            if home is None:
                return
            lists.setdefault(id(home[0]), (home[0], []))[1].append(home[1])
        edits: list[Edit | None] = [
            edit
            for other, mapping in self.steps.items()
            if other not in gone and other != name and not is_inside(mapping, step)
            if self.counted_from(mapping) in {name, *gone}
            for edit in self.sheet.without_pair(mapping, "from")
        ]
        for sequence, indexes in lists.values():
            edits += self.sheet.without_items(sequence, sorted(indexes))
        also = f", with {', '.join(gone)}, which need{'s' * (len(gone) == 1)} it" if gone else ""
        hint = f"expect the step: {{step: {name}, ...}}"
        self.add(Kind.STEP, step, f"the step {name} was dropped{also}", hint, *edits)

    def counted_from(self, mapping: MappingNode) -> str:
        """Return the step, or what a step asked for, from which another one counts."""
        pair = self.sheet.get(mapping, "from")
        return str(pair[1].value) if pair else ""

    def leaning(self, name: str) -> list[str]:
        """Return the steps that can't be without a step: their conditions or texts name it."""
        gone, grown = {name}, True
        while grown:
            grown = False
            for other, mapping in self.steps.items():
                if other not in gone and any(self.speaks(mapping, each) for each in gone):
                    gone.add(other)
                    grown = True
        return [other for other in self.steps if other in gone and other != name]

    def speaks(self, mapping: MappingNode, name: str) -> bool:
        """Tell whether a step, without the steps inside, names what another one leaves."""
        dotted = re.compile(rf"(?<![\w.]){re.escape(name)}\.\w")
        return any(
            dotted.search(text)
            for key, value in self.sheet.pairs(mapping)
            if key.value not in ("then", "else", "title", "template")
            for text in texts(value)
        )

    def home(self, step: MappingNode) -> tuple[SequenceNode, int] | None:
        """Return the list that a step stands in, and where."""
        for sequence in sequences(self.sheet.root):
            for n, item in enumerate(sequence.value):
                if item is step:
                    return sequence, n
        return None

    def step_key(self, item: Node, key: ScalarNode, value: Node) -> None:
        """One key of a step."""
        name, step = key.value, self.step
        due = f"expect `opens:` and `due:` of {step}"
        match name:
            case "due":
                if is_plain(value):
                    for other in due_slips(value.value):
                        self.became(Kind.DUE, key, value, other, due)
            case "do":
                for other in self.channels_like(value.value):
                    hint = f"expect the channel: {{step: {step}, channel: {value.value}}}"
                    self.became(Kind.CHANNEL, key, value, other, hint)
            case "assign":
                for other in [role for role in self.vocabulary.roles if role != value.value][:1]:
                    hint = f"expect who has it: {{step: {step}, assign: ...}}"
                    self.became(Kind.ROLE, key, value, other, hint)
            case "if_overdue":
                hint = f"write a test in which nobody does {step} in time"
                self.dropped(Kind.OVERDUE, item, name, hint)
                for rung in value.value if isinstance(value, SequenceNode) else [value]:
                    self.dropped(Kind.OVERDUE, rung, "after", hint)
            case "retry" | "repeat":
                hint = f"write a test in which {step} comes again, and when"
                self.dropped(Kind.RETRY, item, name, hint)
                for inner, held in self.sheet.pairs(value):
                    if inner.value == "every":
                        self.lengths(inner, held, hint)
                    if inner.value == "times" and str(held.value).isdigit():
                        more = str(int(held.value) + 1)
                        self.became(Kind.RETRY, inner, held, more, f"{hint}, and never more often")
                    if inner.value == "until":
                        self.dropped(Kind.CONDITION, value, "until", hint)
                        self.condition(held, hint)
            case "template" | "brief":
                read = "brief" if name == "brief" else "text"
                hint = f"expect what people read: {{step: {step}, {read}: {{has: [...]}}}}"
                self.dropped(Kind.TEMPLATE, item, name, hint)
            case "recheck":
                hint = f"write a test in which `recheck` is false when {step} opens, and never: yes"
                self.dropped(Kind.WHO, item, name, hint)
                self.who(key, value, hint)
            case "done_when":
                hint = f"write a test in which the event closes {step}, and state: done"
                self.dropped(Kind.DONE, item, name, hint)
                self.dropped(
                    Kind.ANCHOR,
                    value,
                    "same",
                    f"write a test with two cases, of which one closes {step}",
                )
            case "from":
                self.dropped(Kind.ANCHOR, item, name, due)
                self.lengths(key, value, due)
            case "at":
                self.dropped(Kind.ANCHOR, item, name, due)
            case "disabled":
                self.dropped(Kind.STEP, item, name, f"expect {{step: {step}, never: yes}}")
            case "give_up" | "if_late":
                hint = f"write a test in which {step} is late or never done"
                self.dropped(Kind.DUE, item, name, hint)
            case _:
                self.flow_key(item, key, value)

    def flow_key(self, item: Node, key: ScalarNode, value: Node) -> None:
        """The keys of wait, choose, set and record."""
        name, step = key.value, self.step
        match name:
            case "wait":
                hint = f"write a test in which nothing comes, and what follows {step} and when"
                for awaited in value.value if isinstance(value, SequenceNode) else [value]:
                    if isinstance(awaited, ScalarNode):
                        self.lengths(key, awaited, hint)
                    for inner, held in self.sheet.pairs(awaited):
                        if inner.value == "up_to":
                            self.lengths(inner, held, hint)
                    self.dropped(Kind.ANCHOR, awaited, "same", hint)
                    self.dropped(Kind.CONDITION, awaited, "where", hint)
            case "then" | "else":
                which = "the event comes" if name == "then" else "the time runs out"
                hint = f"write a test in which {which}, and what follows in {step}"
                self.branch(key, value, hint)
                if name == "else":
                    self.dropped(Kind.BRANCH, item, name, hint)
                self.step_list(value)
            case "choose":
                self.choose(value)
            case "set" | "fields":
                for inner, _ in self.sheet.pairs(value):
                    hint = f"expect what {step} writes of {inner.value}"
                    self.dropped(Kind.BRANCH, value, inner.value, hint)

    def choose(self, node: Node) -> None:
        """The branches of a choose, in their order."""
        if not isinstance(node, SequenceNode):
            return
        for n, branch in enumerate(node.value):
            asked = self.sheet.get(branch, "if")
            last = self.sheet.get(branch, "else")
            said = f"if {self.sheet.written(asked[1])}" if asked else "else"
            hint = f"write a test that takes the branch `{said}` of {self.step}"
            if len(node.value) > 1:
                edits = self.sheet.without_items(node, [n])
                words = f"the branch {said} was dropped"
                self.add(Kind.BRANCH, branch, words, hint, *edits)
            below = self.sheet.get(node.value[n + 1], "if") if n + 1 < len(node.value) else None
            if asked and below and not self.apart(asked[1], below[1]):
                words = f"the branch {said} and the one below changed places"
                both = f"write a test for which both conditions hold, in {self.step}"
                self.add(Kind.ORDER, branch, words, both, self.sheet.swapped(node, n))
            if asked:
                self.condition(asked[1], hint)
            for pair in (self.sheet.get(branch, "then"), last):
                if pair:
                    self.branch(*pair, hint)
                    self.step_list(pair[1])

    def apart(self, one: Node, other: Node) -> bool:
        """Tell whether two conditions ask for different words of the same subject: never both."""
        (first, *more), (second, *others) = self.sheet.pairs(one), self.sheet.pairs(other)
        return (
            not more
            and not others
            and first[0].value == second[0].value
            and all(
                is_plain(pair[1]) and not any(phrase_slips(pair[1].value))
                for pair in (first, second)
            )
        )

    def branch(self, key: ScalarNode, value: Node, hint: str) -> None:
        """The steps of a branch forgotten, where they are more than one."""
        if isinstance(value, SequenceNode) and len(value.value) > 1:
            words = f"all steps of `{key.value}` were dropped"
            self.add(Kind.BRANCH, value, words, hint, self.sheet.emptied(value))

    def channels_like(self, name: str) -> list[str]:
        """Return one other channel, of the same kind where there is one."""
        channels = self.vocabulary.channels
        if name not in channels:
            return []
        others = [other for other in channels if other != name]
        alike = [other for other in others if channels[other].kind == channels[name].kind]
        return (alike or others)[:1]
