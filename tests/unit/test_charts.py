"""Charts: what is drawn, and that nothing of a text is taken for anything else."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from xml.etree import ElementTree

import pytest

from engine.charts import COLOURS, Point, bars, columns, lines

NASTY = """<script>alert("1")</script> 'labels[0]' \\ {{x}}"""
DRAWERS = [bars, columns, lines]
Drawer = Callable[..., str]


def drawn(figure: str) -> ElementTree.Element:
    """Return the SVG of a figure."""
    found = re.search(r"<svg.*</svg>", figure, re.DOTALL)
    assert found is not None
    return ElementTree.fromstring(found[0])


def texts(figure: str) -> list[str]:
    """Return what the drawing says."""
    return ["".join(each.itertext()) for each in drawn(figure).iter() if each.tag.endswith("text")]


def marks(figure: str, role: str) -> int:
    """Return how many marks of a kind the drawing has: of Vega-Lite's class for it."""
    groups = [
        each for each in drawn(figure).iter() if f"mark-{role} role-mark" in each.get("class", "")
    ]
    return sum(1 for group in groups for each in group.iter() if each.tag.endswith("path"))


@pytest.mark.parametrize("draw", DRAWERS)
def test_labels_and_titles_are_texts(draw: Drawer) -> None:
    """A label stands in the drawing as it is, whatever it looks like; a title in the page, escaped."""
    figure = draw(NASTY, [Point(label=NASTY[:20], value=1), Point(label="投诉闭环", value=2)])

    assert NASTY[:20] in texts(figure)
    assert "投诉闭环" in texts(figure)
    assert "<script" not in figure
    assert "&lt;script&gt;" in figure


@pytest.mark.parametrize("draw", DRAWERS)
def test_nothing_is_drawn_of_nothing(draw: Drawer) -> None:
    """Without a value there is no figure."""
    assert draw("空", []) == ""
    assert draw("空", [Point(label="a", value=None)]) == ""


@pytest.mark.parametrize("draw", DRAWERS)
def test_a_figure_fetches_nothing(draw: Drawer) -> None:
    """No address stands in a figure but the names of XML namespaces, no script and no style sheet."""
    figure = draw("图", [Point(label="a", value=1)])

    assert set(re.findall(r"https?://[^\"'\s<]+", figure)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert not re.search(r"<(script|link|style|image|foreignObject)\b|url\(", figure)


def test_a_bar_a_label_and_series() -> None:
    """Each value has a bar with its number behind it, each interval a whisker, each series a colour."""
    points = [
        Point(label=label, series=series, value=value, low=value - 0.1, high=value + 0.1)
        for label, series, value in (
            ("甲", "执行组", 0.5), ("甲", "对照组", 0.25), ("乙", "执行组", 0.75),
        )
    ]  # fmt: skip
    figure = bars("达成率", points, percent=True)

    assert [text for text in texts(figure) if text.endswith(".0%")] == ["50.0%", "25.0%", "75.0%"]
    assert marks(figure, "rect") == 3
    assert marks(figure, "rule") == 0  # rules are lines
    assert sum(each.tag.endswith("line") for each in drawn(figure).iter()) >= 3
    assert [colour in figure for colour in COLOURS[:3]] == [True, True, False]
    assert "执行组</span>" in figure


def test_equal_labels_of_one_series_are_no_surprise() -> None:
    """The labels of a line stand below it once each, in the order given."""
    days = [f"11-{day:02}" for day in range(1, 8)]
    points = [Point(label=day, series=name, value=1.0) for name in "ab" for day in days]

    assert [text for text in texts(lines("每天", points)) if text in days] == days


@pytest.mark.parametrize("values", [[0.0, 0.0], [-3.0, 5.0], [1e9], [0.001]])
def test_any_size_can_be_drawn(values: Sequence[float]) -> None:
    """Zeros, losses, large and small numbers have a drawing."""
    points = [Point(label=str(index), value=value) for index, value in enumerate(values)]

    assert all(draw("数", points).startswith("<figure>") for draw in DRAWERS)


def test_of_many_labels_some_are_written() -> None:
    """Of a hundred days below a drawing every seventh is written, so that they can be read."""
    days = [f"day {number}" for number in range(100)]
    points = [Point(label=day, value=1.0) for day in days]

    assert [text for text in texts(columns("每天", points)) if text in days] == days[::7]


def test_long_labels_are_cut() -> None:
    """A label of 200 Chinese characters is cut to 14, with dots."""
    (label,) = [
        text for text in texts(bars("长", [Point(label="长" * 200, value=1)])) if "长" in text
    ]

    assert label == "长" * 13 + "…"
