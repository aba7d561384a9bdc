"""One text: what stands in a file below ``templates/``, or behind ``brief``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["BRIEF", "Filled", "Text", "TextKind", "has_liquid"]

BRIEF = "#"  #: before a step's name: the key of its brief among a playbook's texts


class TextKind(StrEnum):
    """How a text is written; the file's ending says it."""

    PLAIN = "plain"  #: ``.txt`` and all others
    MARKDOWN = "markdown"  #: ``.md``
    HTML = "html"  #: ``.html``, ``.htm``


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text that is sound: its parts are filled in when an action opens."""

    file: str  #: below ``templates/``; "" for a brief
    kind: TextKind
    body: str  #: Liquid, with other files that it renders put in
    subject: str = ""  #: Liquid, one line; "" where the file has none
    attachments: tuple[str, ...] = ()  #: paths in the project
    names: tuple[str, ...] = ()  #: the variables that it uses: ``customer.name``; sorted


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A text with its values put in."""

    subject: str = ""
    text: str = ""
    html: str = ""  #: "" for a plain text


def has_liquid(text: str) -> bool:
    """Tell whether there is anything to fill in."""
    return "{{" in text or "{%" in text
