"""Conditions past the parser: what a segment, an ``only`` or a ``where`` asks, as a tree of types.

A condition is asked of one customer at one instant (or of one event: ``where``). Logic is Kleene's:
a comparison with an unknown is unknown, ``not`` keeps it, ``in`` is two-valued.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from rules.errors import Span
from rules.units import Duration

__all__ = [
    "All",
    "Always",
    "AnyOf",
    "Between",
    "Bound",
    "Compare",
    "Condition",
    "Has",
    "InSegment",
    "IsKnown",
    "IsUnknown",
    "Moment",
    "Not",
    "NotTest",
    "OneOf",
    "Op",
    "Subject",
    "SubjectKind",
    "Test",
    "Top",
    "Value",
]

#: A constant in a test. Fraction: numbers and shares in natural units (30% is 3/10, ``50万`` is
#: 500000), and mean times in microseconds. int: a day, only for DATE subjects (see FieldKind).
#: str: text or a closed word. bool: yes_no.
Value = Fraction | str | bool | int


class SubjectKind(StrEnum):
    """Where the left side of a comparison comes from."""

    ATTRIBUTE = "attribute"  #: of the customer
    MEASURE = "measure"  #: a named measure
    CLASS = "class"  #: the customer's value in a class
    FIELD = "field"  #: of the event in hand (``where``)
    TRIGGER = "trigger"  #: ``trigger.<field>``: of the event that began the journey
    STEP = "step"  #: ``<step>.outcome`` or ``<step>.<asked>``; name is written with the dot


@dataclass(frozen=True, slots=True)
class Subject:
    """The left side of a comparison."""

    kind: SubjectKind
    name: str  #: without ``trigger.``; with the dot for STEP


class Op(StrEnum):
    """The four bounds, as they are written."""

    AT_LEAST = "at least"
    AT_MOST = "at most"
    ABOVE = "above"
    BELOW = "below"


@dataclass(frozen=True, slots=True)
class OneOf:
    """Equal to one of the values; a plain value is a list of one."""

    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Bound:
    """``at least | at most | above | below V``. ``up more than 30%`` is ``above 3/10``,
    ``down at least 30%`` is ``at most -3/10``; ``up`` is ``above 0``.
    """

    op: Op
    value: Fraction


@dataclass(frozen=True, slots=True)
class Between:
    """From low to high, both inside. ``steady within 20%`` is between -1/5 and 1/5."""

    low: Fraction
    high: Fraction


@dataclass(frozen=True, slots=True)
class Moment:
    """A test of an instant or date against the instant T of the question.

    The value x passes when ``after < x`` and ``x <= until``, each bound being T moved by a
    duration: ``within last D``: (T-D, T]; ``at least D ago``: x <= T-D; ``between 3 and 6 months
    ago``: [T-6m, T-3m]; ``within next D``: (T, T+D]; ``less than D ago`` is ``within last D``.
    For dates the same with days, where T is today: ``within next D`` also takes today in.
    """

    word: str  #: within last | ago | between ago | within next
    far: Duration | None = None  #: the bound further from T (None: unbounded)
    near: Duration | None = None  #: the bound nearer to T (None: T itself)


@dataclass(frozen=True, slots=True)
class IsKnown:
    """``known``; two-valued."""


@dataclass(frozen=True, slots=True)
class IsUnknown:
    """``unknown``; two-valued."""


@dataclass(frozen=True, slots=True)
class Has:
    """A several-valued attribute holds at least one of these."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Top:
    """Among the best part of a segment by this measure, ties all in; customers whose measure is
    unknown are not ranked. ``k = ceil(share * number of ranked)``; in: value >= the k-th value.
    """

    share: Fraction  #: 0 < share <= 1
    segment: str


@dataclass(frozen=True, slots=True)
class NotTest:
    """``not V``; unknown stays unknown."""

    test: Test


Test = OneOf | Bound | Between | Moment | IsKnown | IsUnknown | Has | Top | NotTest


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare:
    """One comparison: a leaf."""

    subject: Subject
    test: Test
    path: str = ""  #: YAML path of the test, relative to the definition: ``any/0/orders_change``
    words: str = ""  #: as written: ``down more than 30%``
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class InSegment:
    """Member of any of these segments (or ``class.value``); two-valued, a leaf."""

    names: tuple[str, ...]
    path: str = ""
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold; of an unknown, unknown."""

    part: Condition


@dataclass(frozen=True, slots=True)
class Always:
    """True of everybody: an empty condition."""


Condition = All | AnyOf | Not | Compare | InSegment | Always
