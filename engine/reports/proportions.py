"""Confidence intervals of shares, and of the difference of two."""

from __future__ import annotations

from math import sqrt

__all__ = ["Interval", "difference", "wilson"]

_Z = 1.959963984540054  #: of 95%, two-sided

Interval = tuple[float, float]


def wilson(hits: int, n: int) -> Interval:
    """Return the 95% score interval of a share; n is at least 1.

    Wilson, Probable inference, the law of succession, and statistical inference. Journal of the
    American Statistical Association 22 (1927), 209-212.
    """
    share, z2 = hits / n, _Z * _Z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z / (1 + z2 / n) * sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    high = 1.0 if hits == n else min(1.0, middle + half)
    return low, high


def difference(hits: int, n: int, other_hits: int, other_n: int) -> Interval:
    """Return the 95% interval of hits/n - other_hits/other_n, of two independent groups, neither
    empty: Newcombe's hybrid score interval (method 10).

    Newcombe, Interval estimation for the difference between independent proportions: comparison of
    eleven methods. Statistics in Medicine 17 (1998), 873-890.
    """
    one, other = hits / n, other_hits / other_n
    low, high = wilson(hits, n)
    other_low, other_high = wilson(other_hits, other_n)
    gap = one - other
    return (
        gap - sqrt((one - low) ** 2 + (other_high - other) ** 2),
        gap + sqrt((high - one) ** 2 + (other - other_low) ** 2),
    )
