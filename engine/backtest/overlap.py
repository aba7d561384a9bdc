"""Where playbooks meet: customers whom two of them reached within a week of each other."""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from engine.backtest.load import Act
from rules.errors import InputError
from rules.units import MICROS

__all__ = ["NEAR", "Overlap", "Reach", "overlaps", "real_reaches"]

NEAR = 7  #: days: what is nearer counts as together

_REAL = """
SELECT playbook, customer, opened_at, channel FROM actions
WHERE kind IN ('task', 'message') AND host IS NULL AND state <> 'skipped'
  AND opened_at BETWEEN ? AND ?
ORDER BY opened_at, id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """A playbook reached a customer."""

    playbook: str
    customer: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Two playbooks that reached the same customers within a week."""

    playbook: str  #: of the backtest
    other: str
    real: bool  #: the other is of the real ledger
    customers: int
    times: int  #: actions of the first with one of the other near it


def overlaps(acts: Iterable[Act], real: Sequence[Reach] = ()) -> list[Overlap]:
    """Return the pairs of playbooks with what they share, the most first."""
    mine = _by_customer(
        Reach(playbook=act.playbook, customer=act.customer, at=act.at)
        for act in acts
        if act.reaches
    )
    theirs = _by_customer(real)
    found: dict[tuple[str, str, bool], tuple[set[str], int]] = {}
    for customer, books in mine.items():
        for name, times in books.items():
            beside = [(other, False, at) for other, at in books.items() if other > name]
            beside += [(other, True, at) for other, at in theirs.get(customer, {}).items()]
            for other, is_real, at in beside:
                count = sum(_near(at, moment) for moment in times)
                if count:
                    who, total = found.get((name, other, is_real), (set(), 0))
                    found[name, other, is_real] = who | {customer}, total + count
    return sorted(
        (
            Overlap(playbook=name, other=other, real=is_real, customers=len(who), times=total)
            for (name, other, is_real), (who, total) in found.items()
        ),
        key=lambda one: (-one.customers, -one.times, one.playbook, one.other, one.real),
    )


def _by_customer(reaches: Iterable[Reach]) -> dict[str, dict[str, list[int]]]:
    found: dict[str, dict[str, list[int]]] = {}
    for one in reaches:
        found.setdefault(one.customer, {}).setdefault(one.playbook, []).append(one.at)
    return {
        customer: {name: sorted(times) for name, times in books.items()}
        for customer, books in found.items()
    }


def _near(times: Sequence[int], moment: int) -> bool:
    span = NEAR * 86_400 * MICROS
    place = bisect_left(times, moment - span)
    return place < len(times) and times[place] <= moment + span


def real_reaches(
    ledger: Path, start: int, end: int, *, without: Collection[str], inside: Collection[str]
) -> list[Reach]:
    """Return whom playbooks reached, by the real ledger, in a span of time; nothing where there is
    no ledger. ``without`` names playbooks, ``inside`` channels that no customer notices.
    """
    if not ledger.exists():
        return []
    span = NEAR * 86_400 * MICROS
    try:
        with closing(
            sqlite3.connect(f"{ledger.resolve().as_uri()}?mode=ro", uri=True)
        ) as connection:
            rows = connection.execute(_REAL, (start - span, end + span)).fetchall()
    except sqlite3.DatabaseError as error:
        raise InputError(f"{ledger} can't be read as a ledger: {error}") from error
    return [
        Reach(playbook=playbook, customer=customer, at=at)
        for playbook, customer, at, channel in rows
        if playbook not in without and channel not in inside
    ]
