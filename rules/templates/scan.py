"""The form of a text: where something is put in, what is not closed, what only looks like it.

Liquid's own parser tells such mistakes without a place, or not at all; what passes here it can read
but for the inside of ``{{ }}`` and ``{% %}``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from rules.errors import did_you_mean

__all__ = ["TAGS", "Fault", "Scan", "scan"]

#: Tag -> what closes it; "" for one that stands alone.
TAGS = {
    "assign": "",
    "case": "endcase",
    "comment": "endcomment",
    "for": "endfor",
    "if": "endif",
    "raw": "endraw",
    "render": "",
    "unless": "endunless",
}
#: Tag -> inside of which it stands.
_INSIDE = {
    "else": ("if", "unless", "case", "for"),
    "elsif": ("if", "unless"),
    "when": ("case",),
    "break": ("for",),
    "continue": ("for",),
}
_CLOSES = {end: tag for tag, end in TAGS.items() if end}
_ALIKE = {"elseif": "elsif", "else if": "elsif", "elif": "elsif", "include": "render", "end": ""}

_OPEN = re.compile(r"\{\{-?|\{%-?")
_TAG = re.compile(r"\s*(#|\w*)\s*")
_RENDER = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)')\s*""")
_LONGEST = 1_000  #: characters between the braces

#: Braces that only look like those of Liquid.
_WIDE = re.compile("[｛{]\\s?[｛{]|[｝}]\\s?[｝}]|[｛{][%％]|[%％][｝}]")
_SINGLE = re.compile(r"(?<![{$])\{\s*((?:customer|trigger|action)\.[^\s{}|]+)\s*\}(?!\})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something wrong in a text."""

    at: int  #: where, in characters from the beginning
    code: str
    message: str
    hint: str = ""
    warning: bool = False


@dataclass(slots=True, kw_only=True)
class Scan:
    """What was found in one text."""

    faults: list[Fault] = field(default_factory=list)
    renders: list[tuple[int, int, str]] = field(default_factory=list)  #: start, end, file
    pieces: list[tuple[int, int, str]] = field(
        default_factory=list
    )  #: start, end, tag ("" for ``{{ }}``)


@dataclass(slots=True)
class _Block:
    tag: str
    at: int


def scan(source: str) -> Scan:
    """Return the faults in the form of a text, and the files that it renders."""
    found = Scan()
    blocks: list[_Block] = []
    inside: list[tuple[int, int]] = []  #: what Liquid takes for its own, raw texts as well
    at = 0
    while (opening := _OPEN.search(source, at)) is not None:
        start = opening.start()
        closing = "}}" if opening[0].startswith("{{") else "%}"
        end = source.find(closing, opening.end())
        if end < 0 or end - start > _LONGEST or _OPEN.search(source, opening.end(), end):
            message = f"`{opening[0].rstrip('-')}` is not closed by `{closing}`"
            found.faults.append(Fault(at=start, code="bad-text", message=message))
            found.faults += _look_alikes(source[:start], inside)
            return found
        at = end + 2
        if closing == "%}":
            at = _tag(source, opening.end(), start, at, blocks, found)
        else:
            found.pieces.append((start, at, ""))
        inside.append((start, at))
    for block in blocks:
        message = f"`{{% {block.tag} %}}` is not closed"
        hint = f"write {{% {TAGS[block.tag]} %}} where it ends"
        found.faults.append(Fault(at=block.at, code="bad-text", message=message, hint=hint))
    found.faults += _look_alikes(source, inside)
    return found


def _tag(source: str, begin: int, start: int, end: int, blocks: list[_Block], found: Scan) -> int:
    """Judge one tag; return where to go on: behind the end of a comment or raw text."""
    name = _TAG.match(source, begin, end - 2)
    tag = name[1] if name else ""
    rest = source[name.end() if name else begin : end - 2].removesuffix("-").strip()
    found.pieces.append((start, end, tag))
    if tag == "#":
        return end
    if tag in ("comment", "raw"):
        close = re.compile(rf"\{{%-?\s*end{tag}\s*-?%\}}").search(source, end)
        if close is None:
            blocks.append(_Block(tag, start))
            return len(source)
        return close.end()
    fault = _judged(tag, rest, start, blocks)
    if fault:
        found.faults.append(fault)
    elif tag in _CLOSES:
        blocks.pop()
    elif tag == "render":
        file = _RENDER.fullmatch(rest)
        if file is None:
            message = "`{% render %}` takes the name of a file below templates/ in quotes"
            hint = 'write {% render "signature.md" %}'
            found.faults.append(Fault(at=start, code="bad-text", message=message, hint=hint))
        else:
            found.renders.append((start, end, file[1] or file[2] or ""))
    elif TAGS.get(tag):
        blocks.append(_Block(tag, start))
    return end


def _judged(tag: str, rest: str, at: int, blocks: list[_Block]) -> Fault | None:
    """Return what is wrong with a tag where it stands."""

    def bad(message: str, hint: str = "take it out") -> Fault:
        return Fault(at=at, code="bad-text", message=message, hint=hint)

    if tag in _CLOSES:
        if blocks and blocks[-1].tag == _CLOSES[tag]:
            return None
        if blocks:
            still = blocks[-1].tag
            message = f"`{{% {tag} %}}` stands where `{{% {still} %}}` is still open"
            return bad(message, f"write {{% {TAGS[still]} %}} before it")
        return bad(f"`{{% {tag} %}}` closes nothing")
    if tag == "else" and rest:
        hint = f"write {{% elsif {rest.removeprefix('if ')} %}}"
        return bad("`{% else %}` takes nothing more", hint)
    if tag in _INSIDE:
        near = [block.tag for block in blocks if block.tag in _INSIDE[tag]]
        if near and (tag in ("break", "continue") or blocks[-1].tag in _INSIDE[tag]):
            return None
        places = " or ".join(f"{{% {each} %}}" for each in _INSIDE[tag])
        return bad(f"`{{% {tag} %}}` does not stand inside of {places}")
    if tag in TAGS:
        return None
    message = f"there is no `{{% {tag} %}}`" if tag else "`{% %}` begins with no word that it knows"
    hint = "write {% if ... %}, or {{ ... }} to put a value in"
    if tag:
        other = _ALIKE.get(tag)
        hint = f"write {other}" if other else did_you_mean(tag, [*TAGS, *_INSIDE, *_CLOSES])
    return Fault(at=at, code="unknown-tag", message=message, hint=hint)


def _look_alikes(source: str, inside: list[tuple[int, int]]) -> Iterator[Fault]:
    """Yield what a reader takes for Liquid and Liquid for plain text."""
    for wide in _WIDE.finditer(source):
        text = wide[0]
        plain = text.translate(str.maketrans("｛｝％", "{}%")).replace(" ", "")
        if text == plain or any(a <= wide.start() < b for a, b in inside):
            continue
        if any(char in text for char in "｛｝％"):
            message = f"{text} is full-width, so nothing is put in here"
            yield Fault(at=wide.start(), code="full-width", message=message, hint=f"type {plain}")
    for single in _SINGLE.finditer(source):
        if any(a <= single.start() < b for a, b in inside):
            continue
        message = f"{single[0]} goes out as it stands here"
        hint = f"write {{{{ {single[1]} }}}}"
        yield Fault(
            at=single.start(), code="single-brace", message=message, hint=hint, warning=True
        )
