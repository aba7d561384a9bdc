"""Two texts side by side: which words differ, with a little of what stands around them."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from difflib import SequenceMatcher

from engine.render import Rendered

__all__ = ["TextChange", "changed_texts", "word_difference"]

#: Words of letters and digits; of Chinese every character is one.
_WORD = re.compile(r"[A-Za-z0-9À-ɏ]+|\s+|.", re.DOTALL)
_AROUND = 12  #: characters shown on either side of what differs


@dataclass(frozen=True, slots=True, kw_only=True)
class TextChange:
    """One part of what an action says, as it would be under two projects."""

    part: str  #: ``subject``, ``text``, ``brief``, ``to`` ...
    before: str
    after: str

    @property
    def words(self) -> str:
        """What differs, as ``word_difference`` shows it."""
        return word_difference(self.before, self.after)


def changed_texts(before: Rendered, after: Rendered) -> tuple[TextChange, ...]:
    """Return the parts that differ, in the order of ``Rendered``."""
    found = []
    for each in fields(Rendered):
        old, new = getattr(before, each.name), getattr(after, each.name)
        if isinstance(old, tuple):
            old, new = ", ".join(old), ", ".join(new)
        if old != new:
            found.append(TextChange(part=each.name, before=old, after=new))
    if any(one.part == "text" for one in found):  # it is the same text once more
        found = [one for one in found if one.part != "html"]
    return tuple(found)


def word_difference(before: str, after: str) -> str:
    """Return one line with what is taken out as ``[-...-]`` and what is put in as ``{+...+}``."""
    old, new = _WORD.findall(before), _WORD.findall(after)
    parts: list[str] = []
    steps = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    for index, (kind, i1, i2, j1, j2) in enumerate(steps):
        if kind == "equal":
            first, last = index == 0, index == len(steps) - 1
            parts.append(_short("".join(old[i1:i2]), first=first, last=last))
            continue
        if i2 > i1:
            parts.append(f"[-{''.join(old[i1:i2])}-]")
        if j2 > j1:
            parts.append(f"{{+{''.join(new[j1:j2])}+}}")
    return " ".join("".join(parts).split())


def _short(text: str, *, first: bool, last: bool) -> str:
    """Return the ends of an unchanged stretch that border on a change."""
    ahead = "" if first else text[:_AROUND]
    behind = "" if last else text[-_AROUND:]
    return text if len(text) <= len(ahead) + len(behind) + 1 else f"{ahead}…{behind}"
