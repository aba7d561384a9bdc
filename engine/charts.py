"""Charts as HTML with SVG inside: bars, columns, lines. Nothing is fetched by them, no script runs.

Vega-Lite draws (``vl-convert``, which has it built in). Titles and legends are HTML around the
drawing, since a machine without Chinese fonts can't tell how wide a Chinese text will be.
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["COLOURS", "Point", "bars", "columns", "lines"]

COLOURS = ("#2f6db3", "#d9822b", "#3f9678", "#9a6bb0", "#b5503f", "#6b7a8c", "#b59a2e", "#4aa3b8")
_INK, _GRID = "#3c4043", "#e4e7eb"
_WIDTH = 560  #: pixels of the whole drawing
_BAR = 18  #: pixels of one bar
_LETTER = 7.2  #: pixels of a character cell at 12 px
_MOST_LABELS = 16  #: below a drawing; of more only some are written
_WIDEST = 28  #: character cells of a label
_FONT = "system-ui, PingFang SC, Microsoft YaHei, Noto Sans CJK SC, sans-serif"
_INTERVALS = "datum.low != null && datum.high != null"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One value of a chart; ``low`` and ``high`` are the ends of its confidence interval."""

    label: str
    value: float | None  #: None: nothing is drawn there
    series: str = ""
    low: float | None = None
    high: float | None = None


def bars(title: str, points: Sequence[Point], *, percent: bool = False) -> str:
    """Return bars lying one below the other, one a label and series, in the order given.

    With ``percent`` values are parts of 1. "" where there is nothing to draw.
    """
    if not _drawable(points):
        return ""
    drawn = _Drawn(points, percent=percent)
    room = min(_WIDEST, max(map(_cells, drawn.labels))) * _LETTER + 8
    value = {
        "field": "value", "type": "quantitative", "title": None, "scale": drawn.scale(),
        "axis": {"format": drawn.format, "tickCount": 5, "domain": False, "ticks": False},
    }  # fmt: skip
    row = {
        "field": "row", "type": "ordinal", "title": None,
        "axis": {
            "labelExpr": "labels[datum.value]", "minExtent": room, "maxExtent": room,
            "labelLimit": 0, "labelPadding": 5, "ticks": False, "grid": False,
        },
    }  # fmt: skip
    step = _BAR * max(1, len(drawn.names))
    spec = {
        "width": _WIDTH - room - 30,
        "height": {"step": step + 8} if len(drawn.names) < 2 else (step + 10) * len(drawn.labels),
        "layer": [
            {
                "mark": "bar",
                "encoding": {"x": value, **drawn.coloured("y", row)},
            },
            _whisker("x", drawn.inside("y", row)),
            {
                "mark": {"type": "text", "align": "left", "dx": 4, "fontSize": 11, "fill": _INK},
                "encoding": {
                    "x": {"field": "end", "type": "quantitative"}, **drawn.inside("y", row),
                    "text": {"field": "text"},
                },
            },
        ],
    }  # fmt: skip
    return drawn.figure(title, spec)


def columns(title: str, points: Sequence[Point], *, percent: bool = False) -> str:
    """Return bars standing side by side, those of a label together, in the order given.

    With ``percent`` values are parts of 1. "" where there is nothing to draw.
    """
    if not _drawable(points):
        return ""
    drawn = _Drawn(points, percent=percent)
    across = drawn.across()
    spec = {
        "width": _WIDTH - 80,
        "height": 220,
        "layer": [
            {
                "mark": "bar",
                "encoding": {"y": drawn.upright(), **drawn.coloured("x", across)},
            },
            _whisker("y", drawn.inside("x", across)),
        ],
    }
    return drawn.figure(title, spec)


def lines(title: str, points: Sequence[Point], *, percent: bool = False) -> str:
    """Return a line a series over the labels, in the order given; intervals are whiskers.

    With ``percent`` values are parts of 1. "" where there is nothing to draw.
    """
    if not _drawable(points):
        return ""
    drawn = _Drawn(points, percent=percent)
    across = {"x": drawn.across()}
    spec = {
        "width": _WIDTH - 80,
        "height": 220,
        "layer": [
            {
                "mark": {"type": "line", "point": {"size": 36}, "strokeWidth": 2},
                "encoding": {"y": drawn.upright(), **across, "color": drawn.colour()},
            },
            _whisker("y", across),
        ],
    }
    return drawn.figure(title, spec)


def _drawable(points: Sequence[Point]) -> bool:
    return any(point.value is not None for point in points)


def _whisker(side: str, place: Mapping[str, Any]) -> dict[str, Any]:
    """Return the layer that draws confidence intervals along a side."""
    return {
        "transform": [{"filter": _INTERVALS}],
        "mark": {"type": "rule", "color": _INK, "strokeWidth": 1.4},
        "encoding": {
            side: {"field": "low", "type": "quantitative"}, f"{side}2": {"field": "high"}, **place,
        },
    }  # fmt: skip


class _Drawn:
    """What is drawn: labels and series by number, so that a text is never taken for an expression."""

    def __init__(self, points: Sequence[Point], *, percent: bool) -> None:
        self.points, self.percent = points, percent
        self.labels = list(dict.fromkeys(point.label for point in points))
        self.names = list(dict.fromkeys(point.series for point in points))

    @property
    def format(self) -> str:
        return ".0%" if self.percent else ",~r" if self._most() >= 1 else ".2~f"

    def _most(self) -> float:
        return max((abs(value) for value in self._values()), default=0.0)

    def _values(self) -> list[float]:
        told = [(point.value, point.low, point.high) for point in self.points]
        return [value for values in told for value in values if value is not None]

    def scale(self) -> dict[str, Any]:
        """Return a scale from 0 to a little more than the longest."""
        low, high = min(0.0, *self._values()), max(0.0, *self._values())
        return {"domain": [low * 1.15, high * 1.15 or 1], "nice": False}

    def colour(self) -> dict[str, Any]:
        """Return the colours of the series; the legend stands outside."""
        numbers = list(range(len(self.names)))
        range_ = [COLOURS[number % len(COLOURS)] for number in numbers]
        return {
            "field": "part", "type": "nominal", "scale": {"domain": numbers, "range": range_},
            "legend": None,
        }  # fmt: skip

    def inside(self, side: str, place: Mapping[str, Any]) -> dict[str, Any]:
        """Return where a mark stands among those of its label."""
        offset = {f"{side}Offset": {"field": "part", "type": "nominal"}}
        return {side: dict(place), **(offset if len(self.names) > 1 else {})}

    def coloured(self, side: str, place: Mapping[str, Any]) -> dict[str, Any]:
        return {**self.inside(side, place), "color": self.colour()}

    def across(self) -> dict[str, Any]:
        """Return the labels from left to right, turned where they would touch."""
        each = (_WIDTH - 80) / len(self.labels)
        turned = any(_cells(label) * _LETTER > 0.9 * each for label in self.labels)
        axis: dict[str, Any] = {
            "labelExpr": "labels[datum.value]", "labelLimit": 0, "labelOverlap": False,
            "labelAngle": -40 if turned else 0, "ticks": False, "grid": False,
        }  # fmt: skip
        if len(self.labels) > _MOST_LABELS:
            step = -(-len(self.labels) // _MOST_LABELS)
            axis["values"] = list(range(0, len(self.labels), step))
        if turned:
            room = min(_WIDEST, max(map(_cells, self.labels))) * _LETTER * 0.7 + 14
            axis |= {"labelAlign": "right", "minExtent": room}
        return {"field": "row", "type": "ordinal", "title": None, "axis": axis}

    def upright(self) -> dict[str, Any]:
        return {
            "field": "value", "type": "quantitative", "title": None, "scale": self.scale(),
            "axis": {"format": self.format, "tickCount": 5, "domain": False, "ticks": False},
        }  # fmt: skip

    def figure(self, title: str, spec: Mapping[str, Any]) -> str:
        """Return the chart with its title and its legend."""
        import vl_convert  # noqa: PLC0415  slow

        whole = {
            "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
            "data": {"values": [self._row(point) for point in self.points]},
            "params": [{"name": "labels", "value": [_short(label) for label in self.labels]}],
            "background": None,
            "config": {
                "font": _FONT, "view": {"stroke": None},
                "axis": {
                    "labelColor": _INK, "labelFontSize": 12, "gridColor": _GRID,
                    "domainColor": "#9aa0a6",
                },
            },
            **spec,
        }  # fmt: skip
        drawing = vl_convert.vegalite_to_svg(whole, allowed_base_urls=[])
        return (
            f"<figure>\n<figcaption>{html.escape(title)}</figcaption>\n{self._legend()}"
            f"{drawing}\n</figure>"
        )

    def _row(self, point: Point) -> dict[str, Any]:
        value = point.value
        return {
            "row": self.labels.index(point.label), "part": self.names.index(point.series),
            "value": value, "low": point.low, "high": point.high,
            "end": value if point.high is None or value is None else max(value, point.high),
            "text": "" if value is None else self._told(value),
        }  # fmt: skip

    def _told(self, value: float) -> str:
        if self.percent:
            return f"{value:.1%}"
        return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"

    def _legend(self) -> str:
        if self.names in ([], [""]):
            return ""
        told = "".join(
            f'<span><i style="background:{COLOURS[index % len(COLOURS)]}"></i>'
            f"{html.escape(name)}</span>"
            for index, name in enumerate(self.names)
        )
        return f'<p class="legend">{told}</p>\n'


def _cells(text: str) -> int:
    """Return how wide a text is; a Chinese character counts two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _short(label: str) -> str:
    text = " ".join(label.split())
    if _cells(text) <= _WIDEST:
        return text
    while _cells(text) >= _WIDEST:
        text = text[:-1]
    return text + "…"
