"""Liquid with limits: the tags and filters that there are, how values are printed, what is unknown.

Templates are cached; a template is only asked for when ``study`` has found no fault in its source.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache, lru_cache
from typing import TextIO

from liquid import BoundTemplate, Environment, Expression, Node, RenderContext
from liquid.builtin.content import Literal
from liquid.builtin.expressions.primitive import FloatLiteral
from liquid.builtin.illegal import Illegal
from liquid.builtin.output import Output, OutputNode
from liquid.builtin.tags.assign_tag import AssignTag
from liquid.builtin.tags.case_tag import CaseTag
from liquid.builtin.tags.comment_tag import CommentTag
from liquid.builtin.tags.for_tag import BreakTag, ContinueTag, ForTag
from liquid.builtin.tags.if_tag import IfTag
from liquid.builtin.tags.inline_comment_tag import InlineCommentTag
from liquid.builtin.tags.unless_tag import UnlessTag
from liquid.mode import Mode
from liquid.output import LimitedStringIO
from liquid.undefined import StrictUndefined, Undefined

from rules.templates.filters import FILTERS, LIMIT, FilterMisuseError, printed

__all__ = ["Missing", "UnknownValueError", "rendered", "template"]

LOOPS = 1_000  #: turns of all loops inside each other


class UnknownValueError(Exception):
    """A value that is to be printed and nobody knows; its argument is the name."""


class Missing(Undefined):
    """A value that is unknown: false in a test, replaced by ``default``, an error where printed."""

    __slots__ = ("shown",)

    def __init__(self, name: str, shown: Callable[[str], str] | None) -> None:
        """Take the name of the value, and what gives something to show for it; None: an error."""
        super().__init__(name)
        self.shown = shown

    def __str__(self) -> str:
        if self.shown is None:
            raise UnknownValueError(self.name)
        return self.shown(self.name)

    def __bool__(self) -> bool:
        return False

    __hash__ = Undefined.__hash__


class _Context(RenderContext):
    """A rendering that knows how values are made harmless where they go."""

    __slots__ = ("neutral",)

    neutral: Callable[[str], str]


class _OutputNode(OutputNode):
    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Write the value, made harmless."""
        assert isinstance(context, _Context)
        return buffer.write(context.neutral(printed(self.expression.evaluate(context))))


class _Output(Output):
    node_class = _OutputNode


class _If(IfTag):
    mode = Mode.STRICT  #: ``{% else if x %}`` is an error, not an ``else``


class _Unless(UnlessTag):
    mode = Mode.STRICT


def _default(value: object, other: object) -> object:
    unknown = value is None or isinstance(value, Undefined) or value in ("", [])
    return other if unknown else value


def _guarded(name: str) -> Callable[..., object]:
    """Return a filter that passes on what is unknown, and stays within bounds."""
    run = FILTERS[name]

    def guarded(value: object, *given: object) -> object:
        if isinstance(value, Undefined):
            return value
        try:
            found = run(value, *given)
        except FilterMisuseError as error:
            raise FilterMisuseError(f"{error} (filter {name})") from error
        if isinstance(found, str) and len(found) > LIMIT:
            raise FilterMisuseError(f"the text gets longer than {LIMIT} characters")
        return found

    return guarded


class _Environment(Environment):
    block_nesting_limit = 20
    context_depth_limit = 30
    loop_iteration_limit = LOOPS
    local_namespace_limit = 4 * LIMIT
    output_stream_limit = 4 * LIMIT

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:  # noqa: ARG002
        """Register what there is: nothing that loads, reads a clock or counts."""
        for tag in (
            Literal, _Output, Illegal, _If, _Unless, CaseTag, ForTag, BreakTag, ContinueTag,
            AssignTag, CommentTag, InlineCommentTag,
        ):  # fmt: skip
            self.add_tag(tag)
        for name in FILTERS:
            self.add_filter(name, _guarded(name))
        self.add_filter("default", _default)


@cache
def _environment() -> Environment:
    return _Environment(undefined=StrictUndefined)


@lru_cache(maxsize=512)
def template(source: str) -> BoundTemplate:
    """Return the parsed template. Raises LiquidError for what can't be read."""
    found = _environment().from_string(source)
    for node in found.nodes:
        _exact(node, RenderContext(found))
    return found


def _exact(node: Node, context: RenderContext) -> None:
    """Let every number of a template compare exactly."""
    for expression in node.expressions():
        _exact_in(expression)
    for child in node.children(context):
        _exact(child, context)


def _exact_in(expression: Expression) -> None:
    if isinstance(expression, FloatLiteral):
        expression.value = Decimal(str(expression.value))  # type: ignore[assignment]
    for child in expression.children():
        _exact_in(child)


def rendered(source: str, values: Mapping[str, object], neutral: Callable[[str], str]) -> str:
    """Return a template with values put in; ``neutral`` makes each harmless where it stands.

    Raises LiquidError, FilterMisuseError, UnknownValueError.
    """
    found = template(source)
    context = _Context(found, globals=values)
    context.neutral = neutral
    buffer = LimitedStringIO(limit=4 * LIMIT)
    found.render_with_context(context, buffer)
    return buffer.getvalue()
