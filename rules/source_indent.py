"""What a person meant where the indentation or the dashes of a text do not fit."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.source_page import Edit, Page
from rules.source_silent import Mistake, short
from rules.source_stop import Stop, indent_of, line_above, mistake

__all__ = ["indentation"]


def indentation(page: Page, stop: Stop) -> Iterator[Mistake]:
    """Guess at a line that begins too deep, too shallow or without its dash."""
    raw = page.line(stop.line)
    indent = indent_of(raw)
    above = line_above(page, stop.line)
    if not raw.strip() or above < 0:
        return
    top: str = page.line(above)
    if re.match(r"\s*(?:-\s+)*[^\s:#]+:\s+-\s", raw):
        yield mistake(page, "indent", "a list begins on a line of its own", stop.line, stop.col, "write the first dash on the line below, indented")  # fmt: skip
        return
    if raw.lstrip().startswith("- ") and re.match(r"\s*[^\s:#-][^:#]*:\s+[^\s#|>]", top) and indent >= indent_of(top):  # fmt: skip
        owner = top.split(":", maxsplit=1)[0].strip()
        yield mistake(page, "indent", f"a list item below `{owner}`, which already has a value", stop.line, indent, "move the item to the list that it belongs to")  # fmt: skip
        return
    top_indent = indent_of(top)
    levels: list[int] = []
    line, lowest = above, len(top) + 1
    while line >= 0 and lowest > 0 and len(levels) < 40:
        text = page.line(line)
        for level in _begins(text):
            if level < lowest and level not in levels:
                levels.append(level)
        lowest = min(lowest, indent_of(text))
        line = line_above(page, line)
    levels.sort()
    if "block" in stop.doing and raw.lstrip().startswith("- ") and indent in levels and not top.lstrip().startswith("-"):  # fmt: skip
        yield mistake(page, "indent", "a list item stands where a key belongs", stop.line, indent, "indent the dash deeper than the key it belongs to, and leave that key's own line empty after the colon")  # fmt: skip
        return
    if "block" in stop.doing and indent in levels and "-" in stop.problem + stop.doing + "-" and _dash_at(page, above, indent):  # fmt: skip
        key = re.match(r"\s*([^\s:]+)", raw)
        yield mistake(page, "missing-dash", "an item of the list above has no dash", stop.line, indent, f"write - {short(key[1] if key else '')}: and the keys below it two spaces deeper")  # fmt: skip
        return
    fitting = [level for level in levels if level != indent]
    if indent > top_indent and re.search(r":\s+[^\s#|>]", top):
        level = max((x for x in levels if x <= indent), default=top_indent)
        yield mistake(page, "indent", "this line is indented deeper than the line above it, which already has a value", stop.line, indent, f"begin it after {_spaces(level)}", Edit(stop.line, 0, indent, " " * level))  # fmt: skip
    for level in sorted(fitting, key=lambda x: (abs(x - indent), x)):
        yield mistake(page, "indent", f"this line begins after {_spaces(indent)}, the lines above it after {_either(levels)}", stop.line, indent, "give the keys of one block the same number of spaces", Edit(stop.line, 0, indent, " " * level))  # fmt: skip


def _begins(raw: str) -> list[int]:
    """Return the columns at which a line begins blocks: its dashes and its key."""
    match = re.match(r"(\s*)((?:-\s+)*)", raw)
    assert match is not None
    at = len(match[1])
    return [at, *(at + dash.end() for dash in re.finditer(r"-\s+", match[2]))]


def _dash_at(page: Page, line: int, indent: int) -> bool:
    """Say whether the list that a line ends has its dashes at a column."""
    while line >= 0:
        raw = page.line(line)
        here = indent_of(raw)
        if here == indent:
            return raw[here:].startswith("- ")
        if here < indent:
            return False
        line = line_above(page, line)
    return False


def _spaces(count: int) -> str:
    return "1 space" if count == 1 else f"{count} spaces"


def _either(levels: list[int]) -> str:
    words = [str(level) for level in levels[-4:]]
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + f" or {words[-1]}"
