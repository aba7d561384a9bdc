"""Damage as a person does it: one slip in one line of a file of a project.

A slip of the pen in a title or a brief cannot be seen by any program, and a number can be another
number: what is damaged is the language itself (keys, names that stand for something declared
elsewhere, units, words, marks, layout).
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

__all__ = ["Damage", "damages"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """One damaged file, and what a good answer to it says."""

    how: str  #: the kind of slip
    text: str  #: the whole file, damaged
    lines: frozenset[int]  #: where a good finding stands, 1-based
    word: str = ""  #: what a good suggestion names; "" where none is due

    def __str__(self) -> str:
        return f"{self.how} at {sorted(self.lines)} ({self.word})"


#: Keys under which people write what they like: the words there mean nothing to a program.
_FREE = (
    "title", "brief", "owner", "intent", "strategy", "business", "goal", "marks", "when_not",
)  # fmt: skip
_KEY = re.compile(r"([A-Za-z_][A-Za-z0-9_]{2,})(?=:(?: |$))")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{3,}")
_UNIT = re.compile(r"\b(minute|hour|day|week|month|quarter|year)s?\b")
_NEAR = {
    "a": "s", "b": "v", "c": "x", "d": "s", "e": "r", "f": "g", "g": "h", "h": "j", "i": "o",
    "j": "k", "k": "l", "l": "k", "m": "n", "n": "m", "o": "p", "p": "o", "q": "w", "r": "t",
    "s": "d", "t": "y", "u": "i", "v": "b", "w": "e", "x": "c", "y": "u", "z": "x", "_": "-",
}  # fmt: skip

Slip = Callable[[list[str], random.Random], Iterator[Damage]]


def damages(text: str, seed: int, count: int) -> list[Damage]:
    """Return ``count`` different damaged copies of a file, of all kinds in turn, or all there are."""
    rng = random.Random(seed)
    lines = text.splitlines()
    pools = [list(slip(lines, rng)) for slip in SLIPS]
    for pool in pools:
        rng.shuffle(pool)
    found: dict[str, Damage] = {}
    while any(pools) and len(found) < count:
        for pool in pools:
            if pool and len(found) < count:
                damage = pool.pop()
                if damage.text != text:
                    found.setdefault(damage.text, damage)
    return list(found.values())


# -- what a line holds -------------------------------------------------------------------------


def _code(line: str) -> str:
    """Return the part of a line before its comment."""
    return re.split(r"(?:^|\s)#", line, maxsplit=1)[0]


def _free(line: str) -> bool:
    """Tell whether the line says only what people like to say."""
    match = re.match(r"[\s-]*([a-z_]+):", line)
    return bool(match and match[1] in _FREE)


def _spoken(line: str) -> str:
    """Return the code of a line, its free texts and quoted texts blanked out."""
    code = _code(line)
    blank = lambda match: " " * len(match[0])  # noqa: E731
    code = re.sub(r"\"[^\"]*\"|'[^']*'", blank, code)
    for name in _FREE:
        code = re.sub(rf"\b{name}: [^,}}\]]*", blank, code)
    return "" if _free(line) else code


def _made(
    how: str, lines: list[str], at: int, new: str | list[str] | None, word: str = "", near: int = 0
) -> Damage:
    """Return the file with one line replaced; findings may stand ``near`` lines off."""
    put = [] if new is None else [new] if isinstance(new, str) else new
    text = "\n".join([*lines[:at], *put, *lines[at + 1 :]]) + "\n"
    where = frozenset(range(max(1, at + 1 - near), at + 2 + near))
    return Damage(how=how, text=text, lines=where, word=word)


def _typos(word: str, rng: random.Random) -> Iterator[tuple[str, str]]:
    """Yield (name, misspelt word): a letter lost, doubled, swapped, or its neighbour hit."""
    at = rng.randrange(1, len(word) - 1)
    yield "lost", word[:at] + word[at + 1 :]
    yield "doubled", word[:at] + word[at] + word[at:]
    yield "swapped", word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    yield "neighbour", word[:at] + _NEAR.get(word[at], "q") + word[at + 1 :]


def _pick(lines: list[str]) -> Iterator[tuple[int, str, str]]:
    """Yield (index, line, what is language in it) of the lines that say something."""
    for at, line in enumerate(lines):
        spoken = _spoken(line)
        if spoken.strip(" -"):
            yield at, line, spoken


# -- slips of the pen --------------------------------------------------------------------------


def key_typo(lines: list[str], rng: random.Random) -> Iterator[Damage]:
    """A key misspelt."""
    for at, line, _ in _pick_keys(lines):
        for match in _KEY.finditer(_code(line)):
            if _own_key(lines, at, match[1]):
                continue
            for how, wrong in _typos(match[1], rng):
                new = line[: match.start()] + wrong + line[match.end() :]
                yield _made(f"key-{how}", lines, at, new, match[1])


def _pick_keys(lines: list[str]) -> Iterator[tuple[int, str, str]]:
    for at, line in enumerate(lines):
        if _code(line).strip(" -"):
            yield at, line, line


#: Under these, keys are names that people give: a misspelt one is another name, told elsewhere.
_NAMED = (
    "events", "event_groups", "fields", "customer", "channels", "roles", "dates", "measures",
    "segments", "classes", "marks", "ask", "split", "any_of",
)  # fmt: skip


def _own_key(lines: list[str], at: int, word: str) -> bool:
    """Tell whether a key is a name of the project's own making."""
    indent = len(lines[at]) - len(lines[at].lstrip(" "))
    begun = re.match(r"[\s-]*([^\s:]+):", lines[at])
    outer: list[str] = []
    for line in reversed(lines[:at]):
        depth = len(line) - len(line.lstrip(" "))
        match = re.match(r"([^\s:#]+):", line.strip())
        if match and line.strip() and depth < indent:
            outer.append(match[1])
            indent = depth
    parent = outer[0] if outer else ""
    leading = bool(begun and begun[1] == word)
    if leading:
        return parent in _NAMED
    inside = re.findall(r"([a-z_]+): *\{", lines[at][: lines[at].find(word + ":")])
    return bool(inside and inside[-1] in _NAMED)


def name_typo(lines: list[str], rng: random.Random) -> Iterator[Damage]:
    """A name misspelt where it is used: a channel, an event, a segment, a step."""
    uses = r"(?:enters|leaves|event|do|from|in|assign|count|of|sum|last_time|first_time|only|same)"
    for at, line, spoken in _pick(lines):
        for match in re.finditer(rf"\b{uses}: ([a-z_]{{4,}})(?=[\s,}}\].]|$)", spoken):
            word = match[1]
            if word in ("entry", "message", "trigger"):
                continue
            for how, wrong in _typos(word, rng):
                new = line[: match.start(1)] + wrong + line[match.end(1) :]
                yield _made(f"name-{how}", lines, at, new, word)


def unit_typo(lines: list[str], rng: random.Random) -> Iterator[Damage]:
    """A unit of time misspelt."""
    for at, line, spoken in _pick(lines):
        for match in _UNIT.finditer(spoken):
            if not re.search(r"\d (?:working )?$", spoken[: match.start()]):
                continue
            for how, wrong in _typos(match[0], rng):
                if wrong.rstrip("s") != match[1]:
                    new = line[: match.start()] + wrong + line[match.end() :]
                    yield _made(f"unit-{how}", lines, at, new, match[1])


def word_typo(lines: list[str], rng: random.Random) -> Iterator[Damage]:
    """A word of a phrase misspelt."""
    words = r"within|after|between|working|above|below|at least|at most|down|more than|last|ago"
    for at, line, spoken in _pick(lines):
        for match in re.finditer(rf"(?<=[: ])({words})(?= )", spoken):
            head = match[1].split(" ", maxsplit=1)[0]
            if len(head) < 4:
                continue
            for how, wrong in _typos(head, rng):
                new = line[: match.start()] + wrong + line[match.start() + len(head) :]
                yield _made(f"word-{how}", lines, at, new, head)


def closed_typo(lines: list[str], rng: random.Random) -> Iterator[Damage]:
    """A closed word misspelt: a status, a re-entry, a kind."""
    keys = r"status|again|overlap|existing|kind|type|then|calendar|migrate|if_late|every"
    for at, line, spoken in _pick(lines):
        for match in re.finditer(rf"\b(?:{keys}): ([a-z]{{4,}})(?=[\s,}}\]]|$)", spoken):
            if match[1] == "after":
                continue
            for how, wrong in _typos(match[1], rng):
                new = line[: match.start(1)] + wrong + line[match.end(1) :]
                yield _made(f"closed-{how}", lines, at, new, match[1])


def unit_lost(lines: list[str], rng: random.Random) -> Iterator[Damage]:
    """A number without its unit."""
    for at, line, spoken in _pick(lines):
        for match in re.finditer(
            r"(\d+) (?:working )?(?:minute|hour|day|week|month|year)s?", spoken
        ):
            yield _made("unit-lost", lines, at, line[: match.end(1)] + line[match.end() :])


def percent_lost(lines: list[str], rng: random.Random) -> Iterator[Damage]:
    """A share without its sign."""
    for at, line, spoken in _pick(lines):
        for match in re.finditer(r"\d%", spoken):
            new = line[: match.end() - 1] + line[match.end() :]
            yield _made("percent-lost", lines, at, new)


def symbols(lines: list[str], rng: random.Random) -> Iterator[Damage]:
    """A comparison in signs."""
    signs = {"above": ">", "below": "<", "at least": ">=", "at most": "<="}
    for at, line, spoken in _pick(lines):
        for match in re.finditer(r"(above|below|at least|at most) (?=\d)", spoken):
            for gap in ("", " "):
                new = line[: match.start()] + signs[match[1]] + gap + line[match.end() :]
                yield _made("symbol", lines, at, new, match[1])


def chinese_unit(lines: list[str], rng: random.Random) -> Iterator[Damage]:
    """A span of time in Chinese."""
    units = {"day": "天", "hour": "小时", "week": "周", "month": "个月", "minute": "分钟"}
    for at, line, spoken in _pick(lines):
        for match in re.finditer(r"(\d+) (day|hour|week|month|minute)s?\b", spoken):
            new = line[: match.start()] + match[1] + units[match[2]] + line[match.end() :]
            yield _made("chinese-unit", lines, at, new, match[2])


# -- marks and layout --------------------------------------------------------------------------


def colons(lines: list[str], rng: random.Random) -> Iterator[Damage]:
    """A colon lost, glued, in full width, or doubled."""
    for at, line in enumerate(lines):
        code = _code(line)
        for match in re.finditer(r"(?<=\w): (?=\S)", code):
            if '"' in code[: match.start()]:
                continue
            head, tail = line[: match.start()], line[match.end() :]
            yield _made("colon-lost", lines, at, f"{head} {tail}")
            yield _made("colon-glued", lines, at, f"{head}:{tail}")
            yield _made("colon-wide", lines, at, f"{head}：{tail}", ":")
            yield _made("colon-equals", lines, at, f"{head} = {tail}")


def indents(lines: list[str], rng: random.Random) -> Iterator[Damage]:
    """A line too far in, too far out, or moved by a tab."""
    for at, line in enumerate(lines):
        if not _code(line).strip():
            continue
        yield _made("indent-more", lines, at, " " + line, near=1)
        if line.startswith(" "):
            yield _made("indent-less", lines, at, line[1:], near=1)
            yield _made("indent-tab", lines, at, "\t" + line.lstrip(" "), near=1)


def quotes(lines: list[str], rng: random.Random) -> Iterator[Damage]:
    """A quote that is opened and not closed, or in full width."""
    for at, line in enumerate(lines):
        for match in re.finditer(r"(?<=: )[^\s\[{\"'|>][^,}\]#]*", _code(line)):
            word = match[0].rstrip()
            if match[0]:
                new = f'{line[: match.start()]}"{line[match.start() :]}'
                yield _made("quote-open", lines, at, new)
                end = match.start() + len(word)
                if not _free(line) and _spoken(line):
                    wide = f"{line[: match.start()]}“{word}”{line[end:]}"
                    yield _made("quote-wide", lines, at, wide)
        code = _code(line)
        if code.count('"') == 2:
            cut = code.rindex('"')
            yield _made("quote-unclosed", lines, at, line[:cut] + line[cut + 1 :])


def brackets(lines: list[str], rng: random.Random) -> Iterator[Damage]:
    """A bracket lost, swapped or in full width; a comma lost or in full width."""
    for at, line in enumerate(lines):
        code = _code(line)
        for match in re.finditer(r"[\[\]{}]", code):
            if '"' in code:
                continue
            mark = match[0]
            head, tail = line[: match.start()], line[match.end() :]
            if mark in "]}":
                yield _made("bracket-lost", lines, at, head + tail)
                yield _made(
                    "bracket-swapped", lines, at, head + ("}" if mark == "]" else "]") + tail
                )
            elif ", " in code or ":" in code[match.start() :]:
                yield _made("bracket-lost", lines, at, head + tail)
        if re.search(r"[\[{].*, .*[\]}]", _spoken(line)) and '"' not in code:
            for match in re.finditer(r", (?=[A-Za-z_]+:)", _spoken(line)):
                head, tail = line[: match.start()], line[match.end() :]
                yield _made("comma-lost", lines, at, f"{head} {tail}")
                yield _made("comma-wide", lines, at, f"{head}，{tail}", ",")


def dashes(lines: list[str], rng: random.Random) -> Iterator[Damage]:
    """The dash of a list item lost, glued or doubled."""
    for at, line in enumerate(lines):
        match = re.match(r"( *)- (?=\S)", line)
        if match:
            yield _made("dash-lost", lines, at, f"{match[1]}  {line[match.end() :]}", near=1)
            yield _made("dash-dropped", lines, at, f"{match[1]}{line[match.end() :]}", near=1)
            yield _made("dash-glued", lines, at, f"{match[1]}-{line[match.end() :]}", near=1)


# -- whole lines -------------------------------------------------------------------------------


def value_lost(lines: list[str], rng: random.Random) -> Iterator[Damage]:
    """A key with nothing after it."""
    for at, line, _ in _pick(lines):
        match = re.match(r"([\s-]*[a-z_]+:) \S", line)
        if match:
            yield _made("value-lost", lines, at, match[1])


def line_twice(lines: list[str], rng: random.Random) -> Iterator[Damage]:
    """A line twice, below itself."""
    for at, line in enumerate(lines):
        if re.match(r" *[^\s#-][^:]*:(?: |$)", line):
            yield _made("line-twice", lines, at, [line, line], near=1)


def needed_line_lost(lines: list[str], rng: random.Random) -> Iterator[Damage]:
    """A line that cannot be missing."""
    for at, line in enumerate(lines):
        match = re.match(r" *(?:- )?(do|trigger|steps|kind|timezone|playbook|care): ?", line)
        if match and not line.lstrip().startswith("- "):
            near = 3 if line.startswith(" ") else len(lines)
            yield _made("needed-line-lost", lines, at, None, match[1], near=near)


def lines_swapped(lines: list[str], rng: random.Random) -> Iterator[Damage]:
    """A line changed places with the one below, which lies deeper."""
    for at in range(len(lines) - 1):
        first, second = lines[at], lines[at + 1]
        deep = len(second) - len(second.lstrip(" ")) > len(first) - len(first.lstrip(" "))
        if deep and _code(first).strip() and _code(second).strip():
            made = _made("lines-swapped", lines[: at + 1] + lines[at + 2 :], at, [second, first])
            yield Damage(how=made.how, text=made.text, lines=frozenset(range(at, at + 4)), word="")


def declared_renamed(lines: list[str], rng: random.Random) -> Iterator[Damage]:
    """A step renamed where it is declared and not where it is used."""
    for at, line in enumerate(lines):
        match = re.match(r"( *- step: )([a-z_]+)", line)
        if match is None:
            continue
        name = match[2]
        used = [
            n + 1 for n, other in enumerate(lines)
            if n != at and re.search(rf"(?:from: |\{{){name}\b", _code(other))
        ]  # fmt: skip
        if used:
            text = "\n".join([*lines[:at], match[1] + name + "_new", *lines[at + 1 :]]) + "\n"
            yield Damage(how="renamed", text=text, lines=frozenset(used), word=name)


SLIPS: tuple[Slip, ...] = (
    key_typo, name_typo, unit_typo, word_typo, closed_typo, unit_lost, percent_lost, symbols,
    chinese_unit, colons, indents, quotes, brackets, dashes, value_lost, line_twice,
    needed_line_lost, lines_swapped, declared_renamed,
)  # fmt: skip
