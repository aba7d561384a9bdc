"""Pieces of a made-up history: plain values of each type, windows moved back, ranks."""

from __future__ import annotations

from dataclasses import replace

from rules.conditions import All, AnyOf, Compare, Condition, Not, Top
from rules.doubts_cells import bare
from rules.evaluate import RankKey
from rules.history import Datum
from rules.measures import Aggregate, Catalogue, Change, Changed, Measure, OpenItems, Ratio, TimeTo
from rules.units import SCALE, Duration, Unit
from rules.vocabulary import FieldKind
from rules.windows import bound

__all__ = ["moved", "plain_value", "ranks_of", "reach"]

_HOUR = 3_600_000_000
_DAY = 24 * _HOUR
#: The top of a segment is open: the example is taken to be in it.
_IN_TOP = -(2**62)


def plain_value(kind: FieldKind, words: tuple[str, ...], step: int) -> Datum:
    """Return the value number ``step`` of a type, different ones as long as there are."""
    match kind:
        case FieldKind.NUMBER:
            return (step + 1) * SCALE
        case FieldKind.TEXT:
            return f"K{step + 1}"
        case FieldKind.WORD:
            return words[step % len(words)]
        case FieldKind.WORDS:
            return (words[step % len(words)],)
        case FieldKind.YES_NO:
            return step % 2 == 0
        case FieldKind.DATE:
            return 20_000 + step
        case FieldKind.INSTANT:
            return 20_000 * _DAY + step * _HOUR


def reach(measure: Measure, at: int, tz: str) -> int:
    """Return how far back a measure looks, in microseconds."""
    if isinstance(measure, Changed):
        return 0
    inner = measure.of if isinstance(measure, Change) else measure
    if isinstance(inner, Change | Changed):
        return 0
    return at - bound(at, inner.window, 2 if isinstance(measure, Change) else 1, tz)


def moved(measure: Aggregate | Ratio | TimeTo | OpenItems) -> Measure | None:
    """Return a measure in the window before its own; None where lengths do not add up."""
    window = measure.window
    last, shift = window.last, window.shift
    assert last is not None
    if shift is None:
        return replace(measure, window=replace(window, shift=last))
    if shift.exact and last.exact:
        both = Duration(shift.seconds + last.seconds, Unit.SECOND)
        return replace(measure, window=replace(window, shift=both))
    if shift.unit is last.unit:
        both = Duration(shift.amount + last.amount, last.unit)
        return replace(measure, window=replace(window, shift=both))
    return None


def ranks_of(catalogue: Catalogue) -> dict[RankKey, int | None]:
    """Return ranks by which everybody ranked is in every top that the goals may name."""
    found: dict[RankKey, int | None] = {}
    waiting: list[Condition] = [each.condition for each in catalogue.segments.values()]
    for kind in catalogue.classes.values():
        waiting += [each.condition for each in kind.values if each.condition]
    while waiting:
        condition = waiting.pop()
        match condition:
            case Compare():
                test = bare(condition.test)
                if isinstance(test, Top):
                    found[condition.subject.name, test.segment, test.share] = _IN_TOP
            case All() | AnyOf():
                waiting += condition.parts
            case Not():
                waiting.append(condition.part)
            case _:
                pass
    return found
