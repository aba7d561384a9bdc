"""Evidence: what each leaf of a condition saw, and how values are shown to people."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, assert_never

from rules.errors import Span
from rules.history import Event
from rules.measures import Quantity
from rules.units import SCALE, date_of, describe_number, to_local
from rules.values import Amount, Result, Shape
from rules.vocabulary import FieldKind

__all__ = [
    "NEWEST",
    "Evidence",
    "Leaf",
    "Trace",
    "Watcher",
    "answered",
    "evidence",
    "show",
    "show_field",
    "watched",
]

NEWEST = 5  #: so many event ids stand in evidence; the digest covers all


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The events behind a measure's value."""

    ids: tuple[str, ...]  #: the newest, at most NEWEST, newest first
    count: int
    digest: str  #: sha256 in hex over all ids in order, a newline after each

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"ids": list(self.ids), "count": self.count, "digest": self.digest}


def evidence(events: Sequence[Event]) -> Evidence:
    """Return the evidence of events that are ordered by (at, id)."""
    digest = hashlib.sha256()
    for event in events:
        digest.update(event.id.encode("utf-8", "surrogatepass") + b"\n")
    newest = tuple(event.id for event in reversed(events[-NEWEST:]))
    return Evidence(ids=newest, count=len(events), digest=digest.hexdigest())


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One comparison, or one ``in``, with the value that it saw."""

    path: str  #: YAML path of the test
    subject: str  #: ``orders_change``, ``trigger.amount``, ``in``
    words: str  #: the test as written
    shown: str  #: the value, as a person writes it; ``unknown``
    verdict: bool | None
    events: Evidence | None = None  #: of measures over events
    note: str = ""  #: where the value comes from, if that is not plain
    inside: tuple[Leaf, ...] = ()  #: of ``in`` and classes: the leaves behind the answer

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON; what is empty is left out."""
        shown: dict[str, Any] = {
            "path": self.path,
            "subject": self.subject,
            "words": self.words,
            "value": self.shown,
            "verdict": self.verdict,
        }
        if self.events is not None:
            shown["events"] = self.events.to_json()
        if self.note:
            shown["note"] = self.note
        if self.inside:
            shown["inside"] = [leaf.to_json() for leaf in self.inside]
        return shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A condition's verdict with its leaves, in the order of the YAML."""

    verdict: bool | None
    leaves: tuple[Leaf, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"verdict": self.verdict, "leaves": [leaf.to_json() for leaf in self.leaves]}


#: Is told where a leaf stands and what its answer was, each time that it is asked.
Watcher = Callable[[Span, bool | None], None]

_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


@contextmanager
def watched(watcher: Watcher) -> Iterator[None]:
    """Tell ``watcher`` of every answer within, for the coverage of tests."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


def answered(span: Span | None, verdict: bool | None) -> bool | None:  # noqa: FBT001
    """Return a leaf's answer, told to whoever watches."""
    watcher = _watcher.get()
    if watcher is not None and span is not None:
        watcher(span, verdict)
    return verdict


_TIMES = (
    (86_400_000_000, "day"),
    (3_600_000_000, "hour"),
    (60_000_000, "minute"),
    (1_000_000, "second"),
)


def show(value: Result, quantity: Quantity, tz: str = "UTC") -> str:
    """Return a measure's value as a person writes it: ``45%``, ``3.5``, ``2011-09-10 14:00``.

    What two decimals can't hold is rounded and keeps both: ``33.33%``, and ``30.00%`` for a
    thousandth less than 30%. Instants are local to the zone. None is ``unknown``.
    """
    match quantity:
        case Quantity.NUMBER | Quantity.SHARE | Quantity.TIME:
            return _show_amount(value, quantity)
        case Quantity.INSTANT:
            return _show(value, Shape.INSTANT, tz)
        case Quantity.DATE:
            return _show(value, Shape.DATE, tz)
        case Quantity.TEXT | Quantity.YES_NO:
            return _show(value, Shape.TEXT, tz)
        case _:
            assert_never(quantity)


def show_field(value: Result, kind: FieldKind, tz: str = "UTC") -> str:
    """Return a field's or attribute's value, as the log holds it, as a person writes it."""
    match kind:
        case FieldKind.NUMBER:
            if isinstance(value, int):
                value = Amount(value, SCALE)
            return _show_amount(value, Quantity.NUMBER)
        case FieldKind.INSTANT:
            return _show(value, Shape.INSTANT, tz)
        case FieldKind.DATE:
            return _show(value, Shape.DATE, tz)
        case FieldKind.TEXT | FieldKind.WORD | FieldKind.WORDS | FieldKind.YES_NO:
            return _show(value, Shape.TEXT, tz)
        case _:
            assert_never(kind)


def _show_amount(value: Result, quantity: Quantity) -> str:
    if not isinstance(value, Amount):
        return _show(value, Shape.TEXT, "UTC")
    number = value.value
    if quantity is Quantity.SHARE:
        return _decimal(number * 100) + "%"
    if quantity is Quantity.TIME:
        size, word = next((pair for pair in _TIMES if abs(number) >= pair[0]), _TIMES[-1])
        amount = number / size
        return f"{_decimal(amount)} {word}{'' if amount == 1 else 's'}"
    return _decimal(number)


def _decimal(number: Fraction) -> str:
    if (number * 100).denominator == 1 or (number * SCALE).denominator == 1:
        return describe_number(number)  # a number of the log, whole
    cents = round(number * 100)
    sign, cents = ("-", -cents) if cents < 0 else ("", cents)
    return f"{sign}{cents // 100}.{cents % 100:02d}"


def _show(value: Result, shape: Shape, tz: str) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    if isinstance(value, int) and shape is Shape.DATE:
        return _show_day(value)
    if isinstance(value, int) and shape is Shape.INSTANT:
        return _show_instant(value, tz)
    return str(value)


def _show_day(day: int) -> str:
    try:
        return date_of(day).isoformat()
    except (ValueError, OverflowError):
        return f"day {day}"


def _show_instant(instant: int, tz: str) -> str:
    try:
        local = to_local(instant, tz)
    except (ValueError, OverflowError):
        return f"instant {instant}"
    exact = local.second or local.microsecond
    return f"{local:%Y-%m-%d %H:%M:%S}" if exact else f"{local:%Y-%m-%d %H:%M}"
