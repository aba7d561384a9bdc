"""The charts of the review."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from engine.audit.report_words import REASONS
from engine.charts import Point
from engine.grid import MILLION
from engine.reports.goals import Trial
from engine.reports.proportions import wilson
from engine.reports.report import Chart, Period, Source, day_labels
from rules.units import day_of

__all__ = ["daily", "goal_chart", "on_time_chart", "refusal_chart"]

_MOST = 6  #: lines that can be told apart
_MOST_REASONS = 12


def daily(source: Source, period: Period, begun: Collection[tuple[int, str]]) -> Chart:
    """Return how many journeys of which playbook began on each day; ``begun``: instant, title."""
    counts = Counter((day_of(at, source.zone), title) for at, title in begun)
    most = [title for title, _ in Counter(title for _, title in begun).most_common(_MOST)]
    points = [
        Point(label=label, value=counts[day, title], series=title)
        for title in most
        for day, label in day_labels(period, source.zone).items()
    ]
    return Chart(kind="lines", title="每天启动的旅程", points=points)


def goal_chart(found: Mapping[str, Trial]) -> Chart:
    """Return the share that reached its goal, of those cared for and of the hold-out."""
    points = []
    for trial in found.values():
        for series, hits, n in (
            ("执行组", trial.acted_goals, trial.acted), ("对照组", trial.held_goals, trial.held),
        ):  # fmt: skip
            if n:
                low, high = wilson(hits, n)
                points.append(
                    Point(label=trial.title, value=hits / n, series=series, low=low, high=high)
                )
    return Chart(kind="bars", title="目标达成率（95% 区间）", points=points, percent=True)


def on_time_chart(books: Iterable[Mapping[str, object]]) -> Chart:
    """Return how much of each playbook was done in time."""
    points = [
        Point(label=str(row["playbook"]), value=value / MILLION)
        for row in books
        if isinstance(value := row["on_time"], int)
    ]
    return Chart(kind="bars", title="按时率", points=points, percent=True)


def refusal_chart(rows: Iterable[Mapping[str, object]]) -> Chart:
    """Return the reasons why nothing was done, the most frequent first."""
    words = {str(reason): told for reason, told in REASONS.items()}
    counts: Counter[str] = Counter()
    for row in rows:
        count, reason = row["count"], str(row["reason"])
        assert isinstance(count, int)
        counts[words.get(reason, reason)] += count
    points = [Point(label=reason, value=n) for reason, n in counts.most_common(_MOST_REASONS)]
    return Chart(kind="bars", title="没有做的原因", points=points)
