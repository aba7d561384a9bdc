"""From YAML events to nodes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from rules.errors import Finding, Span
from rules.nodes import Mapping, Node, Scalar, Sequence
from rules.source_page import Page, quoted
from rules.source_silent import LIST_KEYS, TEXT_KEYS, Silent, end_of, has_text, start_of

__all__ = ["MAX_DEPTH", "TooDeepError", "Tree", "events"]

#: Levels of nesting. The handbook's deepest playbook has 11.
MAX_DEPTH = 40

#: libyaml where PyYAML has it (20 times faster), else the same parser in Python.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class TooDeepError(Exception):
    """Nested deeper than MAX_DEPTH; carries the place, from 0."""

    def __init__(self, line: int, col: int) -> None:
        super().__init__()
        self.line = line
        self.col = col


def events(text: str) -> Iterator[Event]:
    """Yield YAML events one by one; raises yaml.YAMLError where the text is none."""
    return iter(yaml.parse(text, Loader=_LOADER))


class Tree:
    """Builds the nodes of one text. Read ``silent.mistakes`` afterwards, also after an exception."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.silent = Silent(page)
        self._depth = 0

    def build(self) -> Node | None:
        """Return the root, or None for a text without a value.

        Raises yaml.YAMLError and TooDeepError.
        """
        root: Node | None = None
        documents = 0
        stream = events(self.page.text())
        for event in stream:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self.silent.add("one-document", "--- begins a second document here", event, "one playbook a file: move what follows into a file of its own")  # fmt: skip
                    break
                if event.version or event.tags:
                    self.silent.add("directive", "a line that starts with % has no meaning here", event, "delete the line")  # fmt: skip
            elif isinstance(
                event, ScalarEvent | AliasEvent | SequenceStartEvent | MappingStartEvent
            ):
                root = self._node(event, stream, key=None, flow=False)
                if isinstance(event, ScalarEvent) and not event.style:
                    self.silent.odd_key(event)
        if isinstance(root, Scalar) and root.empty:
            return None
        return root

    # ------------------------------------------------------------------ nodes

    def _node(
        self, event: Event, stream: Iterator[Event], *, key: Scalar | None, flow: bool
    ) -> Node:
        """Build the node that an event begins; ``key`` is the one before it, ``flow``: in { }."""
        if isinstance(event, AliasEvent):
            return self._alias(event)
        self.silent.anchor_or_tag(event, flow=flow)
        if isinstance(event, ScalarEvent):
            return self._scalar(event, key)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise TooDeepError(*start_of(event))
        try:
            if isinstance(event, SequenceStartEvent):
                return self._sequence(event, stream)
            assert isinstance(event, MappingStartEvent)
            return self._mapping(event, stream, key)
        finally:
            self._depth -= 1

    def _sequence(self, start: SequenceStartEvent, stream: Iterator[Event]) -> Sequence:
        flow = bool(start.flow_style)
        items: list[Node] = []
        for event in stream:
            if isinstance(event, SequenceEndEvent):
                break
            item = self._node(event, stream, key=None, flow=flow)
            if isinstance(item, Scalar) and isinstance(event, ScalarEvent) and not event.style:
                if flow:
                    self.silent.wide_comma(event)
                    self.silent.split_number(event, items)
                else:
                    self.silent.odd_key(event)
            items.append(item)
        return Sequence(items=tuple(items), span=self._span(start))

    def _mapping(
        self, start: MappingStartEvent, stream: Iterator[Event], parent: Scalar | None
    ) -> Node:
        flow = bool(start.flow_style)
        pairs: list[tuple[Scalar, Node]] = []
        seen: dict[str, Scalar] = {}
        split: list[int] = []  # where a further item of a list without dashes begins
        before: Event | None = None
        for event in stream:
            if isinstance(event, MappingEndEvent):
                break
            name = self._node(event, stream, key=None, flow=flow)
            value_event = next(stream)
            scalar_key = name if isinstance(name, Scalar) else None
            value = self._node(value_event, stream, key=scalar_key, flow=flow)
            if scalar_key is None:
                self.silent.braces(start, event)
                continue
            if flow and isinstance(value_event, ScalarEvent) and not has_text(value_event):
                self.silent.lonely(event, value_event, before)
            if isinstance(value_event, ScalarEvent) and not value_event.style:
                if start_of(value_event)[0] > start_of(event)[0]:
                    self.silent.odd_key(value_event)
                elif flow and scalar_key.text not in TEXT_KEYS:
                    self.silent.next_key(value_event)
            self.silent.check_key(scalar_key, event, flow=flow)
            text = scalar_key.text
            twin = seen.get(text)
            if twin is None:
                seen[text] = scalar_key
                pairs.append((scalar_key, value))
            elif (
                not flow
                and parent is not None
                and parent.text in LIST_KEYS
                and pairs[0][0].text == text
            ):
                split.append(len(pairs))
                seen = {text: scalar_key}
                pairs.append((scalar_key, value))
            else:
                self.silent.twice(scalar_key, twin)
            before = value_event
        span = self._span(start)
        if split and parent is not None:
            return self._dashes(parent, pairs, split, span)
        return Mapping(pairs=tuple(pairs), span=span)

    def _scalar(self, event: ScalarEvent, key: Scalar | None) -> Scalar:
        style = event.style
        if not style:
            if key is not None:
                self.silent.comment_cut(event, key)
                self.silent.wrapped(event, key)
            if start_of(event)[0] != end_of(event)[0]:
                self.silent.odd_lines(event)
        elif style in "|>":
            self.silent.block(event)
        return Scalar(text=event.value, quoted=bool(style), span=self._span(event))

    def _alias(self, event: AliasEvent) -> Scalar:
        name = f"*{event.anchor}"
        self.silent.add("alias", f"{name} is a YAML alias, and care has none", event, f"write the value out here, or quote it if it is a text: {quoted(name)}")  # fmt: skip
        return Scalar(text=name, quoted=True, span=self._span(event))

    def _dashes(
        self, parent: Scalar, pairs: list[tuple[Scalar, Node]], split: list[int], span: Span
    ) -> Sequence:
        """Part a mapping that was meant as a list, and say where the dashes go."""
        first = pairs[0][0]
        self.silent.report(
            Finding(
                code="missing-dash",
                message=f"{parent.text} needs a list, and its items have no dashes",
                span=first.span,
                hint=f"write - {first.text}: here and at every further item, the keys below it two spaces deeper",
            )
        )
        bounds = [0, *split, len(pairs)]
        items = tuple(
            Mapping(pairs=tuple(pairs[low:high]), span=pairs[low][0].span)
            for low, high in itertools.pairwise(bounds)
        )
        return Sequence(items=items, span=span)

    def _span(self, event: Event) -> Span:
        return self.page.span(*start_of(event))
