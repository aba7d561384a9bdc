"""What is bound into a compiled statement: the same statement serves every (T, S) and every log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol, assert_never

from sqlglot import exp

from rules.measures import Window
from rules.units import Duration
from rules.windows import bound, day_mark, mark

__all__ = [
    "AT",
    "SEQ",
    "AttributeCode",
    "Bind",
    "Binds",
    "Codes",
    "Constant",
    "DayMark",
    "Earliest",
    "Edge",
    "KindCode",
    "Mark",
    "Moment",
    "Rank",
]

_NOBODY = -1  #: the code of a name that the log does not know


class Codes(Protocol):
    """The integer codes under which a log holds names."""

    @property
    def kinds(self) -> Mapping[str, int]:
        """Event name -> code."""
        ...

    @property
    def attributes(self) -> Mapping[str, int]:
        """Attribute -> code."""
        ...


@dataclass(frozen=True, slots=True)
class Moment:
    """T or S of one run; ``run`` tells apart the two runs of ``changed_customers``."""

    what: str  #: ``at`` or ``seq``
    run: int = 0


@dataclass(frozen=True, slots=True)
class KindCode:
    """The code of an event name."""

    name: str


@dataclass(frozen=True, slots=True)
class AttributeCode:
    """The code of an attribute."""

    name: str


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge of a window at T, see ``rules.windows.bound``."""

    window: Window
    step: int
    run: int = 0


@dataclass(frozen=True, slots=True)
class Earliest:
    """The earliest of several edges."""

    edges: tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """T moved by a duration."""

    duration: Duration | None
    back: bool
    run: int = 0


@dataclass(frozen=True, slots=True)
class DayMark:
    """The local day of T moved by a duration."""

    duration: Duration | None
    back: bool
    run: int = 0


@dataclass(frozen=True, slots=True)
class Constant:
    """A text or number of a definition."""

    value: str | int


@dataclass(frozen=True, slots=True)
class Rank:
    """The last value inside ``top N% of segment``, given from outside."""

    key: tuple[str, str, Fraction]


Bind = Moment | KindCode | AttributeCode | Edge | Earliest | Mark | DayMark | Constant | Rank

AT = Moment("at")
SEQ = Moment("seq")


class Binds:
    """The placeholders of one statement; the same bind has one name."""

    def __init__(self, timezone: str) -> None:
        self.timezone = timezone
        self._names: dict[Bind, str] = {}

    def __call__(self, bind: Bind) -> exp.Placeholder:
        """Return a placeholder for a bind."""
        if bind not in self._names:
            named = isinstance(bind, Moment) and not bind.run
            self._names[bind] = bind.what if named else f"p{len(self._names)}"  # type: ignore[union-attr]
        return exp.Placeholder(this=self._names[bind])

    def used(self, query: exp.Query) -> Binds:
        """Return the binds that stand in a statement: DuckDB refuses any other."""
        names = {placeholder.name for placeholder in query.find_all(exp.Placeholder)}
        kept = Binds(self.timezone)
        kept._names = {bind: name for bind, name in self._names.items() if name in names}
        return kept

    def values(
        self,
        runs: Mapping[int, tuple[int, int]],
        codes: Codes,
        ranks: Mapping[tuple[str, str, Fraction], int | None],
    ) -> dict[str, int | str | None]:
        """Return the values of all placeholders; ``runs``: number of a run -> (T, S)."""

        def value(bind: Bind) -> int | str | None:
            match bind:
                case Moment():
                    return runs[bind.run][0 if bind.what == "at" else 1]
                case KindCode():
                    return codes.kinds.get(bind.name, _NOBODY)
                case AttributeCode():
                    return codes.attributes.get(bind.name, _NOBODY)
                case Edge():
                    return bound(runs[bind.run][0], bind.window, bind.step, self.timezone)
                case Earliest():
                    return min(
                        bound(runs[edge.run][0], edge.window, edge.step, self.timezone)
                        for edge in bind.edges
                    )
                case Mark():
                    return mark(runs[bind.run][0], bind.duration, self.timezone, back=bind.back)
                case DayMark():
                    at = runs[bind.run][0]
                    return day_mark(at, bind.duration, self.timezone, back=bind.back)
                case Constant():
                    return bind.value
                case Rank():
                    if bind.key not in ranks:
                        raise ValueError(f"no ranks given for the top of {bind.key[1]}")
                    return ranks[bind.key]
                case _:
                    assert_never(bind)

        return {name: value(bind) for bind, name in self._names.items()}
