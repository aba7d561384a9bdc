"""A flow as an SVG of its own: boxes top to bottom, ways on side by side. Needs no network."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from unicodedata import east_asian_width

from engine.handbook.flow import Box, Lane

__all__ = ["svg"]

_LINE = 18.0  #: height of a line of text
_PAD = 9.0
_GAP = 26.0  #: between boxes, room for an arrow
_BETWEEN = 22.0  #: between lanes
_WIDE = 210.0  #: of text in a box before it is broken
_LABEL = 170.0  #: of the words above a lane before they are broken

_STYLE = (
    "<style>text{font:13px system-ui,'PingFang SC','Microsoft YaHei','Noto Sans CJK SC',sans-serif;"
    "fill:#1c1e21;text-anchor:middle}.name{font-weight:600}.way{font-size:12px;fill:#4a4f55}"
    "path{fill:none;stroke:#7b828a;stroke-width:1.3}.aside{stroke-dasharray:5 4}"
    "rect{stroke-width:1.3}.act{fill:#eaf2fd;stroke:#5a8fd6}.ask{fill:#fff6e0;stroke:#d6a63a}"
    ".note{fill:#f1f3f5;stroke:#a2a9b1}.stop{fill:#fdecec;stroke:#cf6a6a}"
    ".end{fill:#e8f5ec;stroke:#5aa874}</style>"
)
_ARROW = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
    'orient="auto"><path d="M0 0L8 4L0 8z" style="fill:#7b828a;stroke:none"/></marker></defs>'
)


#: What stays together in a line: a Chinese character with the marks around it, or a word.
_PART = re.compile(
    r"[（「《“]*(?:[\u2e80-\u9fff\uff00-\uffef]|[^\s\u2e80-\u9fff\uff00-\uffef（「《“]+)[，。、；：）」》”！？]*\s*|\s+|."
)


@dataclass(frozen=True, slots=True)
class _Mark:
    """One thing to draw, at its place in a piece."""

    head: str  #: SVG up to where its place stands
    tail: str  #: and from there on
    x: float
    y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """A part of the drawing; entered at the top of its axis, left at the bottom of it."""

    width: float
    height: float
    axis: float
    marks: tuple[_Mark, ...]
    ends: bool = False  #: nothing goes on below
    forked: bool = False  #: it begins with a line to the side, no box


def svg(lanes: tuple[Lane, ...], starts: tuple[str, ...], end: str, title: str) -> str:
    """Return the drawing of a flow, with a first box that says what may begin it."""
    first = _box_piece("end", starts)
    last = _box_piece("end", (end,))
    middle = _columns(lanes) if any(lane.boxes for lane in lanes) else None
    whole = _stacked([first, *([middle] if middle else []), last])
    body = "".join(_drawn(mark) for mark in whole.marks)
    size = f'width="{whole.width + 4:.0f}" height="{whole.height + 4:.0f}"'
    view = f'viewBox="-2 -2 {whole.width + 4:.0f} {whole.height + 4:.0f}"'
    least = f'style="min-width:{whole.width * 0.6:.0f}px"'  # wider ones are scrolled
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {view} {least} role="img">'
        f"<title>{html.escape(title)}</title>{_STYLE}{_ARROW}{body}</svg>"
    )


def _drawn(mark: _Mark) -> str:
    return f'{mark.head} transform="translate({mark.x:.1f} {mark.y:.1f})"{mark.tail}'


def _moved(piece: _Piece, dx: float, dy: float) -> tuple[_Mark, ...]:
    return tuple(replace(mark, x=mark.x + dx, y=mark.y + dy) for mark in piece.marks)


# ---------------------------------------------------------------- pieces


def _box_piece(shape: str, texts: Sequence[str]) -> _Piece:
    lines = [
        (number == 0, part) for number, text in enumerate(texts) for part in _broken(text, _WIDE)
    ]
    width = max(_width(part) * (1.06 if name else 1) for name, part in lines) + 2 * _PAD + 6
    height = len(lines) * _LINE + 2 * _PAD - 3
    round_ = 14 if shape == "end" else 5
    marks = [
        _Mark(
            f'<rect class="{shape}"', f' width="{width:.1f}" height="{height:.1f}" rx="{round_}"/>', 0, 0,
        )
    ]  # fmt: skip
    for number, (name, part) in enumerate(lines):
        y = _PAD + 12 + number * _LINE
        kind = "name" if name and shape != "end" else "line"
        marks.append(_text(width / 2, y, part, kind))
    return _Piece(
        width=width, height=height, axis=width / 2, marks=tuple(marks), ends=shape == "stop"
    )


def _text(x: float, y: float, words: str, kind: str) -> _Mark:
    return _Mark(f'<text class="{kind}"', f">{html.escape(words)}</text>", x, y)


def _path(points: Sequence[tuple[float, float]], *, tip: bool, aside: bool = False) -> _Mark:
    (x, y), *rest = points
    steps = "".join(f"L{px - x:.1f} {py - y:.1f}" for px, py in rest)
    more = (' marker-end="url(#tip)"' if tip else "") + (' class="aside"' if aside else "")
    return _Mark(f'<path d="M0 0{steps}"', f"{more}/>", x, y)


def _piece(box: Box) -> _Piece:
    head = _box_piece(box.shape, box.lines)
    if not box.forks:
        return head
    ways = [_lanes_of(fork) for fork in box.forks]
    below = _side_by_side(ways)
    return _stacked([head, below], gap=0)


def _lanes_of(fork: tuple[Lane, ...]) -> tuple[Lane, _Piece | None]:
    """Return a way on as one column: its first lane's words, and all of its lanes."""
    first = fork[0]
    inside = (replace(first, words=""), *fork[1:])
    return first, _columns(inside) if any(lane.boxes for lane in inside) else None


def _columns(lanes: tuple[Lane, ...]) -> _Piece:
    """Return lanes side by side; one alone is just its boxes."""
    if len(lanes) == 1:
        return _stacked([_piece(box) for box in lanes[0].boxes])
    pieces = [
        (lane, _stacked([_piece(box) for box in lane.boxes]) if lane.boxes else None)
        for lane in lanes
    ]
    return _side_by_side(pieces)


def _side_by_side(columns: Sequence[tuple[Lane, _Piece | None]]) -> _Piece:
    """Return columns between a line from above and a line below, each with its words at its top."""
    labels = [_broken(lane.words, _LABEL) if lane.words else [] for lane, _ in columns]
    top = 14.0
    room = top + max(len(lines) for lines in labels) * 15.0 + _GAP - 4
    bottom = room + max((piece.height if piece else 0.0) for _, piece in columns) + 14.0
    axes: list[float] = []
    marks: list[_Mark] = []
    left = 0.0
    for (_, piece), lines in zip(columns, labels, strict=True):
        words = max((_width(line) * 0.93 for line in lines), default=0.0) + 12
        before = max(piece.axis if piece else 0.0, words / 2, 18.0)
        after = max(piece.width - piece.axis if piece else 0.0, words / 2, 18.0)
        axes.append(left + before)
        if piece is not None:
            marks += _moved(piece, left + before - piece.axis, room)
        left += before + after + _BETWEEN
    width = left - _BETWEEN
    axis = (axes[0] + axes[-1]) / 2
    going: list[float] = []
    for (lane, piece), lines, x in zip(columns, labels, axes, strict=True):
        words_end = top + len(lines) * 15.0 + 5 if lines else top
        for number, line in enumerate(lines):
            marks.append(_text(x, top + 13 + number * 15.0, line, "way"))
        marks.append(_path([(axis, 0), (axis, 6), (x, 6), (x, top)], tip=False, aside=lane.aside))
        if piece is None:
            marks.append(_path([(x, words_end), (x, bottom)], tip=False, aside=lane.aside))
            going.append(x)
            continue
        marks.append(_path([(x, words_end), (x, room)], tip=True, aside=lane.aside))
        if not piece.ends:
            marks.append(_path([(x, room + piece.height), (x, bottom)], tip=False))
            going.append(x)
    marks += [_path([(x, bottom), (axis, bottom)], tip=False) for x in going if x != axis]
    return _Piece(
        width=width, height=bottom, axis=axis, marks=tuple(marks), ends=not going, forked=True
    )


def _stacked(pieces: Sequence[_Piece], gap: float = _GAP) -> _Piece:
    """Return pieces one below the other on one axis, with arrows between them."""
    axis = max(piece.axis for piece in pieces)
    width = axis + max(piece.width - piece.axis for piece in pieces)
    marks: list[_Mark] = []
    y = 0.0
    for number, piece in enumerate(pieces):
        if number:
            if gap and not pieces[number - 1].ends:
                marks.append(_path([(axis, y), (axis, y + gap)], tip=not piece.forked))
            y += gap
        marks += _moved(piece, axis - piece.axis, y)
        y += piece.height
    return _Piece(width=width, height=y, axis=axis, marks=tuple(marks), ends=pieces[-1].ends)


# ---------------------------------------------------------------- text


def _width(text: str) -> float:
    """Return about how wide a text is at 13 pixels."""
    return sum(13.0 if east_asian_width(char) in "WF" else 7.0 for char in text)


def _broken(text: str, most: float) -> list[str]:
    """Return a text in lines that are not wider than ``most``, broken at spaces or between Han."""
    lines = [""]
    for word in _words(text):
        if lines[-1] and _width(lines[-1] + word.rstrip()) > most:
            lines.append("")
        lines[-1] += word if lines[-1] else word.lstrip()
    return [line.rstrip() for line in lines]


def _words(text: str) -> list[str]:
    """Return the parts of a text between which a line may end."""
    return [match[0] for match in _PART.finditer(text)]
