"""Texts with values put in: the one way from a ``Text`` to what a person reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from liquid.exceptions import (
    LiquidError,
    LocalNamespaceLimitError,
    LoopIterationLimitError,
    OutputStreamLimitError,
)

from rules.errors import InputError
from rules.templates.filters import LIMIT, FilterMisuseError
from rules.templates.liquid import LOOPS, Missing, UnknownValueError, rendered
from rules.templates.markup import (
    for_chat,
    for_html,
    for_line,
    for_markdown,
    for_plain,
    html_of,
    plain_of,
)
from rules.templates.text import Filled, Text, TextKind

__all__ = ["fill"]


def fill(
    text: Text,
    values: Mapping[str, object],
    *,
    html: bool = True,
    chat: bool = False,
    unknown: Callable[[str], str] | None = None,
) -> Filled:
    """Return a text with values put in, by the names that it uses; None is an unknown one.

    ``html``: also as HTML. ``chat``: for a chat that reads some Markdown or tags. ``unknown`` gives
    what to show for an unknown value; without it, one that has no default is an error. Raises
    InputError, in words without any value, for what can't be filled in.
    """
    known = _nested(text, values, unknown)
    subject = _put(text.subject, known, for_line).strip()
    if text.kind is TextKind.HTML:
        made = _put(text.body, known, _for_chat_html if chat else for_html)
        return Filled(subject=subject, text=plain_of(made), html=made)
    plain = _put(text.body, known, for_chat if chat else for_plain)
    made = ""
    if html and text.kind is TextKind.MARKDOWN:
        made = html_of(_put(text.body, known, for_markdown))
    return Filled(subject=subject, text=plain, html=made)


def _for_chat_html(value: str) -> str:
    return for_html(for_chat(value))


def _nested(
    text: Text, values: Mapping[str, object], unknown: Callable[[str], str] | None
) -> dict[str, object]:
    """Return the values by the parts of their names: ``customer.name`` below ``customer``."""
    found: dict[str, object] = {}
    for name in text.names:
        value = values.get(name)
        if value is None:
            value = Missing(name, unknown)
        head, _, tail = name.partition(".")
        if not tail:
            found[head] = value
            continue
        below = found.setdefault(head, {})
        assert isinstance(below, dict)
        below[tail] = value
    return found


def _put(source: str, values: Mapping[str, object], neutral: Callable[[str], str]) -> str:
    try:
        return rendered(source, values, neutral)
    except UnknownValueError as error:
        raise InputError(f"{error} is unknown, and the text has no default for it") from error
    except FilterMisuseError as error:
        raise InputError(str(error)) from error
    except LoopIterationLimitError as error:
        raise InputError(f"its loops turn more than {LOOPS:,} times") from error
    except (OutputStreamLimitError, LocalNamespaceLimitError) as error:
        raise InputError(f"the text gets longer than {LIMIT:,} characters") from error
    except LiquidError as error:
        raise InputError(f"the text can't be filled in: {error.message}") from error
    except (ArithmeticError, RecursionError, TypeError, ValueError) as error:
        raise InputError(
            "the text can't be filled in: a value is not of the kind it needs"
        ) from error
