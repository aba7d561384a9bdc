"""Mistakes in conditions, measures, segments and classes."""

from __future__ import annotations

from collections.abc import Mapping

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from engine.testing.notes import Notes, is_plain
from engine.testing.sheet import Edit
from engine.testing.slips import Kind, phrase_slips

__all__ = ["ConditionNotes"]

#: Beside the tests of a condition: only read by people.
_LABELS = frozenset({"title", "strategy", "marks"})


class ConditionNotes(Notes):
    """Mistakes of who, when it holds, and how much."""

    def who(self, key: ScalarNode, value: Node, hint: str) -> None:
        """``only``, ``except``, ``recheck``: segments, or a condition."""
        if isinstance(value, MappingNode):
            self.condition(value, hint)
        elif isinstance(value, SequenceNode) and len(value.value) > 1:
            self.shorter(Kind.WHO, key, value, hint)

    def shorter(self, kind: Kind, key: ScalarNode, value: SequenceNode, hint: str) -> None:
        """A list with one word less."""
        for n, item in enumerate(value.value):
            edits = self.sheet.without_items(value, [n])
            words = f"{key.value}: {self.sheet.written(item)} was dropped"
            self.add(kind, item, words, hint, *edits)

    def condition(self, node: Node, hint: str, *, beside: frozenset[str] = _LABELS) -> None:
        """The tests of a condition, changed, negated and dropped."""
        pairs = [pair for pair in self.sheet.pairs(node) if pair[0].value not in beside]
        for key, value in pairs:
            name = key.value
            if name in ("all", "any"):
                other = "any" if name == "all" else "all"
                words = f"{name} became {other}"
                self.add(Kind.COMPARISON, key, words, hint, self.sheet.replaced(key, other))
                self.parts(key, value, hint)
            elif name == "not":
                if self.sheet.flat(value):
                    edits = (Edit(key.start_mark.index, self.sheet.tail(value), f"all: [{self.sheet.written(value)}]"),)  # fmt: skip
                    self.add(Kind.CONDITION, key, "not was dropped", hint, *edits)
                self.condition(value, hint)
            else:
                self.leaf(node, key, value, hint)
            if len(pairs) > 1:
                self.dropped(Kind.CONDITION, node, name, hint)

    def parts(self, key: ScalarNode, value: Node, hint: str) -> None:
        """The conditions in ``all`` or ``any``."""
        if not isinstance(value, SequenceNode):
            return
        for n, part in enumerate(value.value):
            if len(value.value) > 1:
                edits = self.sheet.without_items(value, [n])
                words = f"{key.value}: {self.sheet.written(part)} was dropped"
                self.add(Kind.CONDITION, part, words, hint, *edits)
            self.condition(part, hint)

    def leaf(self, node: Node, key: ScalarNode, value: Node, hint: str) -> None:
        """One test: another number, another comparison, its contrary, a shorter list."""
        if is_plain(value) and key.value != "in":
            for kind, other in phrase_slips(value.value):
                near = f"write a test in which {key.value} lies between the two"
                closer = kind in (Kind.THRESHOLD, Kind.DURATION)
                self.became(kind, key, value, other, near if closer else hint)
        elif isinstance(value, SequenceNode) and len(value.value) > 1:
            self.shorter(Kind.CONDITION, key, value, hint)
        if self.sheet.flat(value) and not self.sheet.get(node, "not"):
            said = self.told(key, value)
            edit = Edit(key.start_mark.index, self.sheet.tail(value), f"not: {{{self.sheet.written(key)}: {self.sheet.written(value)}}}")  # fmt: skip
            self.add(Kind.CONDITION, key, f"{said} became not {{{said}}}", hint, edit)

    def definitions(
        self, root: Node | None, wanted: Mapping[str, frozenset[str]] | None = None
    ) -> None:
        """Measures, segments and classes: all, or those of some names."""
        for section in ("measures", "segments", "classes"):
            pair = self.sheet.get(root, section)
            for key, value in self.sheet.pairs(pair[1] if pair else None):
                if wanted is not None and key.value not in wanted.get(section, ()):
                    continue
                hint = f"write a test with a customer at the border of {key.value}"
                if section == "measures":
                    self.measure(value, hint)
                elif section == "segments":
                    self.condition(value, hint)
                else:
                    self.classes(value, hint)

    def measure(self, node: Node, hint: str) -> None:
        """Another window, another condition, another number of events."""
        for key, value in self.sheet.pairs(node):
            if key.value in ("last", "ending"):
                self.lengths(key, value, hint)
            if key.value == "needs" and str(value.value).isdigit():
                for other in (int(value.value) + 1, int(value.value) - 1):
                    if other > 0:
                        self.became(Kind.THRESHOLD, key, value, str(other), hint)
            if key.value in ("where", "same", "last", "per", "needs"):
                self.dropped(Kind.CONDITION, node, key.value, hint)
            if key.value == "where":
                self.condition(value, hint)

    def classes(self, node: Node, hint: str) -> None:
        """The values of a class, in their order."""
        values = self.sheet.get(node, "values")
        if values is None or not isinstance(values[1], SequenceNode):
            return
        for n, item in enumerate(values[1].value):
            asked = self.sheet.get(item, "if")
            if asked:
                self.condition(asked[1], hint)
            if n + 1 < len(values[1].value) and asked:
                name = self.sheet.get(item, "value")
                said = self.sheet.written(name[1] if name else item)
                words = f"the value {said} and the one below changed places"
                self.add(Kind.ORDER, item, words, hint, self.sheet.swapped(values[1], n))
