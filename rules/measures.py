"""Measures, segments and classes past the parser."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from rules.conditions import Always, Condition
from rules.errors import Span
from rules.units import Duration

__all__ = [
    "Aggregate",
    "Catalogue",
    "Change",
    "Changed",
    "ClassValue",
    "CustomerClass",
    "Events",
    "Fold",
    "Measure",
    "NamedMeasure",
    "OpenItems",
    "Quantity",
    "Ratio",
    "Segment",
    "TimeTo",
    "Window",
]


class Quantity(StrEnum):
    """What a measure gives; it decides which tests may stand behind it.

    NUMBER, SHARE, TIME are a pair (num, den) of ints with den > 0, never divided for a verdict:
    value = num / den. Numbers of fields are scaled by 10^4 in the log, so ``sum``, ``mean``,
    ``min``, ``max`` carry den = 10^4 (times n); ``count`` has den = 1. TIME is in microseconds.
    """

    NUMBER = "number"
    SHARE = "share"  #: shares and relative changes: tested with %
    TIME = "time"  #: mean time between events: tested with exact durations
    INSTANT = "instant"
    TEXT = "text"  #: last_value and first_value of text, word
    YES_NO = "yes_no"
    DATE = "date"


class Fold(StrEnum):
    """The simple aggregates over the events of one customer."""

    COUNT = "count"
    SUM = "sum"
    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    DISTINCT = "distinct"
    FIRST_TIME = "first_time"
    LAST_TIME = "last_time"
    FIRST_VALUE = "first_value"
    LAST_VALUE = "last_value"
    MONTHS_WITH = "months_with"


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """Which events: of these kinds, and passing the condition on their fields."""

    names: tuple[str, ...]  #: resolved from groups, sorted, no repeats
    where: Condition = field(default_factory=Always)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The span (T - shift - last, T - shift]; without ``last`` from the beginning of time."""

    last: Duration | None = None
    shift: Duration | None = None  #: ``ending: 60 days ago``


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """A fold over events in a window. ``fields`` maps event name to the field that is folded
    (events without the field, or with it unknown, are passed over; empty for count, times,
    months_with). ``min``/``max`` of numbers only. Of nothing: count, sum, distinct, months_with 0;
    the others unknown. ``first_value``/``last_value`` order by (occurred_at, id).
    """

    fold: Fold
    events: Events
    fields: Mapping[str, str] = field(default_factory=dict, hash=False)
    window: Window
    needs: int | None = None  #: of mean: at least N events, else unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """``share: part, of: whole``. With ``same``: the part of the ``whole`` events in the window
    (those where the field is known) for which some ``part`` event at any time up to T carries the
    same value of the field. Without: count(part) / count(whole) in the window. Zero whole or fewer
    than ``needs``: unknown.
    """

    part: Events
    whole: Events
    same: str | None
    window: Window
    needs: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeTo:
    """``time: start, to: end, same: f``: mean time from each ``start`` event in the window to its
    first ``end`` event at the same time or later, up to T, with the same value of the field
    (without ``same``: any). Starts without an end are passed over; none left: unknown.
    """

    start: Events
    end: Events
    same: str | None
    window: Window
    needs: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenItems:
    """``open: E1, closed_by: E2, same: f``: how many are open at T.

    With ``same``: distinct values v of the field for which the latest E1 with v in the window has
    no E2 with v at the same time or later (up to T); reopening opens again, twice opened is one.
    Without ``same``: the number of E1 events in the window with no E2 at the same time or later.
    """

    opened: Events
    closed: Events
    same: str | None
    window: Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """``changed: attribute``: the instant of its last change, unknown where it never changed.
    The first value is no change; the same value again is none.
    """

    attribute: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """``change: m`` or ``difference: m``: m in its window against m in the window before.

    The window before is (start - last, start] where start is the window's own start, by the
    calendar for months and years (the bounds are T moved back by shift, shift+last, shift+2*last).
    relative: (now - before) / abs(before), zero or unknown baseline unknown. Else now - before.
    ``needs`` N: at least N events (of the measure's events that count: for share its ``of``, for
    time the answered starts, for mean those with the field) in the earlier window, else unknown.
    """

    of: Measure
    relative: bool
    needs: int | None = None


Measure = Aggregate | Ratio | TimeTo | OpenItems | Changed | Change


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedMeasure:
    """A measure with its name. ``per_month`` divides by the months of the window (a number of
    months or years): 12 for ``last: 1 year``.
    """

    name: str
    measure: Measure
    quantity: Quantity
    per_month: int | None = None
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A named condition on customers."""

    name: str
    title: str
    condition: Condition
    strategy: str = ""
    marks: str = ""
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassValue:
    """One value of a class; ``condition`` None takes whoever is left."""

    value: str
    condition: Condition | None
    title: str = ""
    strategy: str = ""
    marks: str = ""
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerClass:
    """One value a customer, the first that matches; nobody outside ``of`` has one (unknown)."""

    name: str
    title: str
    of: str | None  #: segment
    values: tuple[ClassValue, ...]
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Definitions by name; a playbook's own stand before the shared ones of the same name (which
    ``check`` refuses). Free of cycles, every reference resolved.
    """

    measures: Mapping[str, NamedMeasure]
    segments: Mapping[str, Segment]
    classes: Mapping[str, CustomerClass]
