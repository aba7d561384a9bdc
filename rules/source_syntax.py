"""What a person meant where YAML's own parser gives up.

Each guess is a mistake with an edit; the reader tries the guesses in order and believes the first
whose edit carries the parser further. A guess without an edit is believed when none does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.source_indent import indentation
from rules.source_page import Edit, Page, quoted
from rules.source_silent import Mistake, short, symbol_words, value_text
from rules.source_stop import Stop, indent_of, line_above, mistake

__all__ = ["guesses"]

_WIDE = {
    "：": ": ", "，": ", ", "、": ", ", "｛": "{", "｝": "}", "［": "[", "］": "]", "【": "[",
    "】": "]", "“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "＃": "#", "\u3000": " ", "\u00a0": " ",
}  # fmt: skip
_WIDE_CHARS = "".join(_WIDE)
_SPACES = {"\u3000": "a full-width space", "\u00a0": "a no-break space"}
_NEEDS_QUOTES = {
    "*": "a value that starts with * is a YAML alias",
    "&": "a value that starts with & is a YAML anchor",
    "@": "a value cannot start with @",
    "%": "a value cannot start with %",
    "`": "a value cannot start with `",
    "!": "a value that starts with ! is a YAML tag",
    "|": "| begins a text on the lines below it",
}
_START = r"^[\s\u3000\u00a0]*(?:-\s+)*"
_CLOSERS = {"{": "}", "[": "]"}


def guesses(page: Page, stop: Stop) -> Iterator[Mistake]:
    """Yield what may be wrong, the likeliest first; the last one always fits."""
    above = line_above(page, stop.line)
    if page.line(above).strip() == "...":
        yield mistake(page, "one-document", "... ends the playbook, and more text follows", above, 0, "delete the line with the three dots")  # fmt: skip
        return
    flow = stop.since if "flow" in stop.doing else None
    yield from _value_start(page, stop)
    yield from _tight(page, stop)
    yield from _swallowed(page, stop)
    yield from _quotes(page, stop)
    if flow is not None:
        yield from _in_flow(page, stop, flow)
    for line in _suspects(page, stop):
        yield from _key_line(page, line)
    yield from _second_colon(page, stop)
    yield from _brackets(page, stop)
    yield from indentation(page, stop)
    yield _unknown(page, stop)


def _suspects(page: Page, stop: Stop) -> list[int]:
    """Return the lines where a key may be amiss: the parser often notices one line late."""
    lines = [stop.line]
    if stop.since is not None and stop.since[0] != stop.line:
        lines.append(stop.since[0])
    line = stop.line
    for _ in range(5):
        line = line_above(page, line)
        if line < 0:
            break
        lines.append(line)
        if re.match(_START + r"[^\s:：]+:(\s|$)", page.line(line)):
            break
    return list(dict.fromkeys(lines))


def _value_start(page: Page, stop: Stop) -> Iterator[Mistake]:
    """Guess at a value that begins with a character that YAML keeps for itself."""
    places = [stop.since, stop.place] if stop.since else [stop.place]
    for line, col in places:
        raw = page.line(line)
        char = raw[col : col + 1]
        before = raw[:col].rstrip()
        if before and before[-1] not in ":-,[{?":
            continue
        flow = _open_brackets(raw[:col]) != ""
        text = value_text(raw[col:], flow=flow)
        words = symbol_words(text)
        if char == ">" and words:
            yield mistake(page, "symbol-in-test", f"{short(text)} uses a comparison symbol", line, col, f"write {short(words)}", Edit(line, col, col + len(text), words))  # fmt: skip
        elif char in _NEEDS_QUOTES and text:
            yield mistake(page, "needs-quotes", _NEEDS_QUOTES[char], line, col, f"quote it: {quoted(short(text))}", Edit(line, col, col + len(text), quoted(text)))  # fmt: skip
        elif char == "\t":
            yield mistake(page, "tab-indent", "a tab where YAML needs spaces", line, col, "use spaces", Edit(line, col, col + 1, " "))  # fmt: skip
    brace = re.search(r"(?:[:\-,\[]\s+|^\s*)(\{\{.*)$", page.line(stop.line)[: stop.col + 1])
    if brace:
        line, col = stop.line, brace.start(1)
        text = value_text(page.line(line)[col:])
        yield mistake(page, "needs-quotes", "{{ has a meaning of its own in YAML", line, col, f"quote the whole value: {quoted(short(text))}", Edit(line, col, col + len(text), quoted(text)))  # fmt: skip


def _tight(page: Page, stop: Stop) -> Iterator[Mistake]:
    """Guess at ``{any_of:[a, b]}`` and ``{enters:}``."""
    raw = page.line(stop.line)
    key = re.search(r"([\w.]+)$", raw[: stop.col])
    at = stop.col + 1
    if key and raw[stop.col : at] == ":" and raw[at : at + 1] in tuple("[{\"'"):
        yield mistake(page, "missing-space", f"a space is missing after {key[1]}:", stop.line, at, f"write {key[1]}: {short(raw[at:])}", Edit(stop.line, at, at, " "))  # fmt: skip

    elif key and raw[stop.col : at] == ":" and raw[at : at + 1] in tuple(",]}"):
        yield mistake(page, "empty-value", f"`{key[1]}` has nothing behind it", stop.line, key.start(1), f"write {key[1]}: and its value", Edit(stop.line, at, at, " "))  # fmt: skip


def _swallowed(page: Page, stop: Stop) -> Iterator[Mistake]:
    """Guess at a quote, lines above, that the first quote of another text closed."""
    for line in range(stop.line - 1, -1, -1):
        raw = page.line(line)
        opened = re.match(r"""[\s-]*[^\s"'#][^"'#]*?:\s+(["'])""", raw)
        if opened is None or opened[1] in raw[opened.end() :]:
            continue
        mark, at = opened[1], opened.start(1)
        end = at + 1 + len(value_text(raw[at + 1 :]))
        yield mistake(page, "open-quote", f"this {mark} is never closed", line, at, f"write {mark} at the end of the text too", Edit(line, end, end, mark))  # fmt: skip
        return


def _quotes(page: Page, stop: Stop) -> Iterator[Mistake]:
    """Guess at a quote that is never closed, text behind a closing one, a stray backslash."""
    if "quoted" in stop.doing and stop.since is not None:
        line, col = stop.since
        raw = page.line(line)
        mark = raw[col : col + 1]
        for back in (0, 1):
            at = stop.col - back
            if mark == '"' and page.line(stop.line)[at : at + 1] == "\\":
                yield mistake(page, "needs-quotes", "\\ has a meaning of its own in double quotes", stop.line, at, "use single quotes", Edit(stop.line, at, at, "\\"))  # fmt: skip
        flow = _open_brackets(raw[:col]) != ""
        ends = [len(raw.rstrip())]
        if flow:
            ends.insert(0, col + 1 + len(value_text(raw[col + 1 :], flow=True)))
        for end in ends:
            yield mistake(page, "open-quote", f"this {mark} is never closed", line, col, f"write {mark} at the end of the text too", Edit(line, end, end, mark))  # fmt: skip
        return
    raw = page.line(stop.line)
    behind = re.search(r"""(["'])\s*$""", raw[: stop.col])
    if behind:
        opening = re.search(r"""(?:[:\-,\[{]\s*|^\s*)(["'])""", raw[: stop.col])
        if opening and opening.start(1) < behind.start(1):
            col = opening.start(1)
            flow = _open_brackets(raw[:col]) != ""
            tail = value_text(raw[stop.col :], flow=flow)
            end = stop.col + len(tail)
            text = raw[col:end].strip()
            cut = behind.start(1) - col
            plain = text[1:-1] if text[-1] == opening[1] else text[1:cut] + text[cut + 1 :]
            yield mistake(page, "text-after-quote", "text follows the closing quote", stop.line, stop.col, f"put the whole value in quotes: {quoted(short(plain))}", Edit(stop.line, col, end, quoted(plain)))  # fmt: skip


#: ``${env:X}`` and ``https://x/{action}`` without quotes, inside brackets.
_WITH_BRACES = re.compile(
    r"""(?:(?<=[:,] )|(?<=[\[,]))[^\s"',\[\]{}]+(?<!:)(?:\{[^\s{},]*\}[^\s"',\[\]{}]*)+"""
)


def _in_flow(page: Page, stop: Stop, since: tuple[int, int]) -> Iterator[Mistake]:
    """Inside { } or [ ]: full-width punctuation, a comma too few, a colon too many, no end."""
    line, col = stop.line, stop.col
    raw = page.line(line)
    first = since[1] + 1 if since[0] == line else 0
    wide = list(_wide_outside_quotes(raw, first, col + 1))
    for at in reversed(wide):
        yield _wide(page, line, at, _wide_edit(raw, line, at))
    if len(wide) > 1:
        yield _wide(page, line, wide[0], *(_wide_edit(raw, line, at) for at in wide))
    start_raw = page.line(since[0])
    opener = start_raw[since[1] : since[1] + 1]
    if opener not in _CLOSERS:  # at the end of the text the parser names a place behind it
        begin = since[0] if start_raw.strip() else line_above(page, since[0])
        start_raw = page.line(begin)
        columns = _open_columns(start_raw)
        if not columns:
            return
        since = (begin, columns[-1])
        opener = start_raw[columns[-1]]
    for braced in _WITH_BRACES.finditer(start_raw, since[1]):
        yield mistake(page, "needs-quotes", f"a text with {{ }} needs quotes inside {opener} {_CLOSERS[opener]}", since[0], braced.start(), f"write {quoted(short(braced[0]))}", Edit(since[0], *braced.span(), quoted(braced[0])))  # fmt: skip
    comment = re.search(r"\s#", start_raw[since[1] :])
    if comment and any(c in start_raw[since[1] + comment.start() :] for c in ",]}"):
        at = since[1] + comment.start() + 1
        value = start_raw.rfind(": ", 0, at - 1) + 2
        end = re.search(r"[,\]}]", start_raw[at:])
        assert end is not None
        text = start_raw[value : at + end.start()].strip()
        yield mistake(page, "comment-cut", f"# begins a comment, so the rest of the line and its {_CLOSERS[opener]} are not read", since[0], at, f"quote the text: {quoted(short(text))}", Edit(since[0], value, value + len(text), quoted(text)))  # fmt: skip
    closers = "".join(_CLOSERS[c] for c in reversed(_open_brackets(start_raw)))
    end_at = len(re.split(r"\s#", start_raw, maxsplit=1)[0].rstrip())
    unclosed = mistake(page, "open-bracket", f"this {opener} is never closed", since[0], since[1], f"write {closers} at the end of the line", Edit(since[0], end_at, end_at, closers))  # fmt: skip
    outside = line > since[0] and indent_of(raw) <= indent_of(start_raw)
    if closers and outside:
        yield unclosed
    missing = re.search(r"[^\s:,\[{]\s+([A-Za-z_][\w.]*)\s*$", raw[:col])
    if raw[col : col + 1] == ":" and missing and missing.start() >= first - 1:
        at = missing.start() + 1
        yield mistake(page, "missing-comma", f"a comma is missing before {missing[1]}", line, at, f"write , {missing[1]}:", Edit(line, at, at, ","))  # fmt: skip
    above = line_above(page, line)
    if above >= since[0]:
        end_above = len(re.split(r"\s#", page.line(above), maxsplit=1)[0].rstrip())
        if raw[:col].strip(" ]}") == "" or re.fullmatch(r"\s*[\w.]+\s*", raw[:col]):
            yield mistake(page, "missing-comma", "a comma is missing at the end of the line", above, end_above, "write , between two entries", Edit(above, end_above, end_above, ","))  # fmt: skip
    if re.search(r"""["'\]}]\s+$""", raw[:col]) and raw[col : col + 1] not in ("", "#"):
        at = len(raw[:col].rstrip())
        yield mistake(page, "missing-comma", "a comma is missing between two entries", line, at, "write , and a space", Edit(line, at, at, ","))  # fmt: skip
    yield from _second_colon(page, stop)
    if closers and not outside:
        yield unclosed
    yield mistake(page, "open-bracket", f"what begins with this {opener} cannot be read to its end", since[0], since[1], f"each entry needs a comma after it, and the last one {_CLOSERS[opener]}")  # fmt: skip


def _key_line(page: Page, line: int) -> Iterator[Mistake]:
    """Guess at a key line with a full-width colon, no space after its colon or dash, or an odd space."""
    raw = page.line(line)
    spaces = re.match(r"[ ]*([\u3000\u00a0][ \u3000\u00a0]*)", raw)
    if spaces:
        at = spaces.start(1)
        yield mistake(page, "full-width", f"{_SPACES[raw[at]]} in the indentation", line, at, "indent with ordinary spaces", *(Edit(line, i, i + 1, " ") for i in range(at, spaces.end()) if raw[i] != " "))  # fmt: skip
    after = re.match(_START + r"[^\s:：]+:([\u3000\u00a0])", raw)
    if after:
        at = after.start(1)
        yield mistake(page, "full-width", f"{_SPACES[raw[at]]} after the colon", line, at, "type an ordinary space", Edit(line, at, at + 1, " "))  # fmt: skip
    wide = re.match(_START + r"""[^\s:：#"'{\[]+(?: [^\s:：#"'{\[]+)*\s*(：\s*)""", raw)
    if wide:
        yield _wide(page, line, wide.start(1), Edit(line, wide.start(1), wide.end(1), ": "))
    comma = re.match(_START + r"""[^\s:：#"'{\[，]+\s*(，\s*)""", raw)
    if comma:
        at = comma.start(1)
        yield mistake(page, "full-width", "full-width ， stands in place of :", line, at, "type : and a space", Edit(line, at, comma.end(1), ": "))  # fmt: skip
    tight = re.match(_START + r"([^\W\d]\w*):(?=[^\s:/])", raw)
    if tight:
        rest = value_text(raw[tight.end() :])
        yield mistake(page, "missing-space", f"a space is missing after {tight[1]}:", line, tight.end(), f"write {tight[1]}: {short(rest)}", Edit(line, tight.end(), tight.end(), " "))  # fmt: skip
    keyless = re.match(_START + r":(?=\s)", raw)
    if keyless:
        yield mistake(page, "missing-key", "a colon without a key before it", line, keyless.end() - 1, "write the key before the colon")  # fmt: skip
    dash = re.match(r"\s*(?:-\s+)*-(?=[^\s\-\d.])", raw)
    if dash:
        rest = value_text(raw[dash.end() :])
        yield mistake(page, "missing-space", "a space is missing after the dash", line, dash.end(), f"write - {short(rest)}", Edit(line, dash.end(), dash.end(), " "))  # fmt: skip
    quote = re.match(_START + r"""[^\s:：#"']+:(?=["'\[{])""", raw)
    if quote:
        yield mistake(page, "missing-space", "a space is missing after the colon", line, quote.end(), "type a space after the colon", Edit(line, quote.end(), quote.end(), " "))  # fmt: skip
    bare = re.match(_START + r"([A-Za-z_]\w*)\s*$", raw)
    if bare:
        yield mistake(page, "missing-colon", f"a colon is missing after {bare[1]}", line, bare.end(1), f"write {bare[1]}:", Edit(line, bare.end(1), bare.end(1), ":"))  # fmt: skip
    word = re.match(_START + r"([A-Za-z_]\w*) +(?=[^\s:#])", raw)
    if word and ": " not in raw:
        yield mistake(page, "missing-colon", f"a colon is missing after {word[1]}", line, word.end(1), f"write {word[1]}: {short(value_text(raw[word.end() :]))}", Edit(line, word.end(1), word.end(1), ":"))  # fmt: skip
    if ":" not in raw and raw.strip() and not raw.lstrip().startswith(("-", "#", "]", "}")):
        at = len(raw) - len(raw.lstrip())
        yield mistake(
            page, "missing-colon", "this line has no colon", line, at, "write name: value"
        )


def _second_colon(page: Page, stop: Stop) -> Iterator[Mistake]:
    """``title: 降幅: 30%``: a value that holds a colon and a space."""
    raw = page.line(stop.line)
    if raw[stop.col : stop.col + 1] != ":":
        return
    head = re.search(r"(?:[:,\[{]|^\s*-|[-])\s+([^\s:,\[\]{}\"'][^:,\[\]{}]*)$", raw[: stop.col])
    if head is None:
        return
    start = head.start(1)
    flow = _open_brackets(raw[:start]) != ""
    text = raw[start : stop.col] + value_text(raw[stop.col :], flow=flow)
    text = text.rstrip()
    key = re.search(r"([^\s,\[{]+:\s+)$", raw[:start])
    hint = f"quote the whole value: {key[1] if key else ''}{quoted(short(text))}"
    second = re.search(r"\s([a-z_]+)$", raw[: stop.col])
    if second and not flow:
        hint = f"put {second[1]}: on a line of its own, or {hint}"
    yield mistake(page, "needs-quotes", "a colon and a space inside a value", stop.line, stop.col, hint, Edit(stop.line, start, start + len(text), quoted(text)))  # fmt: skip


def _brackets(page: Page, stop: Stop) -> Iterator[Mistake]:
    """Guess at a bracket that was never opened, and at text behind one that is closed."""
    raw = page.line(stop.line)
    bare = value_text(raw)
    if bare.endswith("}") and "," in bare and "{" not in bare.split(",", maxsplit=1)[0]:
        begin = re.match(r"\s*(?:-\s+)*", raw)
        at = begin.end() if begin else 0
        yield mistake(page, "open-bracket", "a } at the end of the line, and no { at its begin", stop.line, at, f"write {{{short(raw[at:].strip())}", Edit(stop.line, at, at, "{"))  # fmt: skip
    char = raw[stop.col : stop.col + 1]
    if char and char in "]}":
        opener = "[" if char == "]" else "{"
        yield mistake(page, "stray-bracket", f"{char} without its {opener}", stop.line, stop.col, "delete it, or quote the value if it belongs to a text", Edit(stop.line, stop.col, stop.col + 1, ""))  # fmt: skip
    closed = re.search(r"[\]}]\s*$", raw[: stop.col])
    if closed and raw[stop.col :].strip():
        yield mistake(page, "text-after-bracket", f"text follows the closing {closed[0].strip()}", stop.line, stop.col, "write the next key on a line of its own, or put a comma before the next entry")  # fmt: skip


def _unknown(page: Page, stop: Stop) -> Mistake:
    line = min(stop.line, len(page.lines) - 1)
    if not page.line(line).strip():
        line = max(line_above(page, line), 0)
    col = stop.col if line == stop.line else 0
    return mistake(page, "syntax", "care cannot read on from here", line, min(col, len(page.line(line))), "check on this line and the one above: a colon and a space after each key, equal indentation, both quotes, a closing bracket")  # fmt: skip


def _wide(page: Page, line: int, at: int, *edits: Edit) -> Mistake:
    char = page.line(line)[at]
    ascii_char = _WIDE[char].strip()
    if char in _SPACES:
        return mistake(page, "full-width", f"{_SPACES[char]} where YAML needs an ordinary one", line, at, "type an ordinary space", *edits)  # fmt: skip
    space = " and a space" if _WIDE[char].endswith(" ") else ""
    return mistake(page, "full-width", f"full-width {char} stands in place of {ascii_char}", line, at, f"type {ascii_char}{space}", *edits)  # fmt: skip


def _wide_edit(raw: str, line: int, at: int) -> Edit:
    new = _WIDE[raw[at]]
    end = at + 1
    while new.endswith(" ") and raw[end : end + 1] == " ":
        end += 1
    return Edit(line, at, end, new)


def _wide_outside_quotes(raw: str, start: int, end: int) -> Iterator[int]:
    quote = ""
    for at, char in enumerate(raw[:end]):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'" and (at == 0 or raw[at - 1] in " [{,:"):
            quote = char
        elif at >= start and char in _WIDE_CHARS:
            yield at


def _open_brackets(raw: str) -> str:
    """Return the brackets that a line opens and does not close, outside of quotes."""
    return "".join(raw[at] for at in _open_columns(raw))


def _open_columns(raw: str) -> list[int]:
    """Return where they stand."""
    quote = ""
    stack: list[int] = []
    for at, char in enumerate(raw):
        before = raw[at - 1] if at else " "
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'" and before in " [{,:":
            quote = char
        elif char == "#" and before == " ":
            break
        elif char in "[{" and (stack or before in " -:"):
            stack.append(at)
        elif char in "]}" and stack:
            stack.pop()
    return stack
