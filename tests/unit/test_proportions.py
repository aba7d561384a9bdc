"""Confidence intervals against the published ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.reports.proportions import difference, wilson

COUNTS = st.integers(1, 5_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718)],
)  # fmt: skip
def test_wilson_gives_the_published_intervals(hits: int, n: int, low: float, high: float) -> None:
    """The score interval is that of Newcombe's first paper of 1998, table I, method 3."""
    assert [round(end, 4) for end in wilson(hits, n)] == [low, high]


@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
    ],
)
def test_the_difference_has_the_published_interval(
    one: tuple[int, int], other: tuple[int, int], low: float, high: float
) -> None:
    """The hybrid score interval is that of Newcombe's paper of 1998, table II, method 10."""
    assert [round(end, 4) for end in difference(*one, *other)] == [low, high]


@given(COUNTS, COUNTS)
def test_an_interval_holds_what_was_seen_and_nothing_impossible(
    one: tuple[int, int], other: tuple[int, int]
) -> None:
    """The share, and the difference, lie inside; no end lies outside of what can be; the two groups
    swapped give the mirror image.
    """
    low, high = wilson(*one)
    gap_low, gap_high = difference(*one, *other)
    gap = one[0] / one[1] - other[0] / other[1]

    assert 0 <= low <= one[0] / one[1] <= high <= 1
    assert -1 - 1e-12 <= gap_low <= gap <= gap_high <= 1 + 1e-12
    assert difference(*other, *one) == pytest.approx((-gap_high, -gap_low))
