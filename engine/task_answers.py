"""What people answer when a task is done, read against what the step asks for."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Mapping, Sequence
from fractions import Fraction

from rules.errors import UsageError, did_you_mean
from rules.history import Datum
from rules.phrases import plain, read_number
from rules.playbook import Asked, AskedKind, Do
from rules.units import SCALE, date_of, day_number

__all__ = ["NO", "YES", "answer_text", "answers_of", "outcome_of", "read_day"]

YES, NO = "是", "否"  #: as the sheet offers them; ``yes`` and ``no`` are read as well
_YES = frozenset(("yes", "true", YES))
_NO = frozenset(("no", "false", NO))
_LONGEST = 10_000  #: characters of a text


def outcome_of(step: Do, outcome: str | None) -> str | None:
    """Return the outcome in the step's own spelling. Raises UsageError when it has no such one."""
    if outcome is None or not outcome.strip():
        if step.outcomes:
            raise UsageError(f"this task asks for an outcome: {', '.join(step.outcomes)}")
        return None
    found = _chosen(outcome, step.outcomes)
    if found is not None:
        return found
    if not step.outcomes:
        raise UsageError(f'step "{step.name}" has no outcomes; leave the outcome out')
    hint = did_you_mean(outcome, step.outcomes) or f"it has {', '.join(step.outcomes)}"
    raise UsageError(f'no outcome "{outcome}" in step "{step.name}"; {hint}')


def answers_of(step: Do, asked: Mapping[str, str]) -> dict[str, Datum]:
    """Return answers as the log holds them. Raises UsageError for what the step does not ask for,
    or not like this.
    """
    known = {item.name: item for item in step.ask}
    found: dict[str, Datum] = {}
    for name, text in asked.items():
        if name not in known:
            hint = did_you_mean(name, known) if known else "it asks for nothing"
            raise UsageError(f'step "{step.name}" does not ask for "{name}"; {hint}'.rstrip("; "))
        found[name] = _answer(known[name], text.strip())
    return found


def answer_text(item: Asked, value: Datum) -> str:
    """Return an answer as it may be written again."""
    match item.kind:
        case AskedKind.YES_NO:
            return YES if value else NO
        case AskedKind.DATE if isinstance(value, int):
            return date_of(value).isoformat()
        case AskedKind.NUMBER | AskedKind.SCALE if isinstance(value, int):
            return str(value // SCALE) if value % SCALE == 0 else f"{value / SCALE:f}".rstrip("0")
        case _:
            return str(value)


def read_day(text: str) -> dt.date | None:
    """Return the date of ``2025-10-08``, ``2025/10/8``, ``2025年10月8日``; None for other texts."""
    found = re.fullmatch(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})日?", plain(text))
    if found is None:
        return None
    try:
        return dt.date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None


def _chosen(text: str, words: Sequence[str]) -> str | None:
    """Return the word that a text is, in its own spelling; width and capitals don't matter."""
    if text in words:
        return text
    near = [word for word in words if _folded(word) == _folded(text)]
    return near[0] if len(near) == 1 else None


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _answer(item: Asked, text: str) -> Datum:
    match item.kind:
        case AskedKind.TEXT:
            if len(text) > _LONGEST:
                raise UsageError(f"{item.name}: at most {_LONGEST} characters, not {len(text)}")
            return text
        case AskedKind.CHOICE:
            found = _chosen(text, item.choices)
            if found is None:
                raise UsageError(f'{item.name}: "{text}" is none of {", ".join(item.choices)}')
            return found
        case AskedKind.YES_NO:
            if _folded(text) in _YES | _NO:
                return _folded(text) in _YES
            raise UsageError(f'{item.name}: write yes or no, not "{text}"')
        case AskedKind.DATE:
            day = read_day(text)
            if day is None:
                raise UsageError(f'{item.name}: write a date like 2025-10-08, not "{text}"')
            return day_number(day)
        case AskedKind.NUMBER:
            number = read_number(text)
            held = None if number is None else number * SCALE
            if held is None or held.denominator != 1:
                most = " with at most four decimals" if held is not None else ""
                raise UsageError(f'{item.name}: write a number{most}, not "{text}"')
            return int(held)
        case AskedKind.SCALE:
            return _on_scale(item, text, read_number(text))


def _on_scale(item: Asked, text: str, number: Fraction | None) -> int:
    if number is None or number.denominator != 1:
        kind = "a number" if number is None else "a whole number"
        raise UsageError(f'{item.name}: write {kind} from {item.low} to {item.high}, not "{text}"')
    if not item.low <= number <= item.high:
        raise UsageError(f"{item.name}: from {item.low} to {item.high}, not {number}")
    return int(number) * SCALE
