"""The texts of actions on the screen: in ``care why`` and ``care preview``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from engine.console import moment
from engine.render import Rendered

if TYPE_CHECKING:
    from engine.preview import Preview

__all__ = ["render_preview", "text_lines"]


def text_lines(texts: Rendered) -> Iterator[str]:
    """Yield address, subject and text, each line of the text behind a bar."""
    heads = (("to", texts.to), ("subject", texts.subject), ("with", ", ".join(texts.attachments)))
    yield from (f"{name}: {value}" for name, value in heads if value)
    same = texts.brief.strip() == texts.text.strip()
    for part in (texts.brief, "" if same else texts.text):
        yield from (f"| {line}".rstrip() for line in part.strip("\n").splitlines())


def render_preview(found: Preview, tz: str) -> str:
    """Return a preview as text."""
    return "\n".join(_preview(found, tz))


def _preview(found: Preview, tz: str) -> Iterator[str]:
    step = found.step
    yield f"{step.title or found.playbook.title or found.playbook.name}: {step.name}, {step.span}"
    through = f" through {found.channel} ({found.kind})" if found.channel else ""
    text = f", templates/{found.template}" if found.template else ""
    yield f"customer {found.customer} as of {moment(found.at, tz)}{through}{text}"
    if found.assignee:
        yield f"who: {found.assignee}"
    yield f"trigger and steps: {found.seen}"
    yield from found.notes
    yield ""
    lines = list(text_lines(found.texts))
    if not lines and step.brief:
        lines = [f"| {line}" for line in step.brief.splitlines()]
    yield from lines or ["no text: the message says its title"]
    if found.missing:
        yield ""
        yield "It would not go out:" if found.kind != "task" else "The task opens without it:"
        yield from (f"  {why}" for why in found.missing)
