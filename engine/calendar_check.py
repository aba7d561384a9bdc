"""What ``care check`` says of the calendar: only the runtime knows holidays, and what day it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.calendar import WorkingCalendar
from rules.errors import Finding, Level, Span
from rules.units import date_of, day_of
from rules.vocabulary import Vocabulary

__all__ = ["calendar_findings", "unannounced", "within_reach"]

#: Windows seldom reach further; the notice for a year comes about two months before it.
_DAYS_AHEAD = 90


def calendar_findings(vocabulary: Vocabulary, at: int) -> list[Finding]:
    """Return warnings about the calendar as it is known at an instant: years within reach whose
    make-up days are not announced, and half days on which nobody works.
    """
    calendar = WorkingCalendar.of(vocabulary)
    found = [*_unannounced(vocabulary, calendar, at), *_idle(vocabulary, calendar)]
    return sorted(found, key=lambda finding: finding.order)


def within_reach(today: int) -> range:
    """Return the years in which windows may lie that are counted from a day."""
    return range(date_of(today).year, date_of(today + _DAYS_AHEAD).year + 1)


def unannounced(calendar: WorkingCalendar, years: Iterable[int]) -> list[int]:
    """Return those years whose make-up days are not known."""
    return [year for year in years if not calendar.announced(year)]


def _unannounced(vocabulary: Vocabulary, calendar: WorkingCalendar, at: int) -> Iterator[Finding]:
    for year in unannounced(calendar, within_reach(day_of(at, vocabulary.timezone))):
        yield Finding(
            level=Level.WARNING,
            code="unannounced-year",
            message=f"the make-up days of {year} are not known, so working days are counted there"
            " by the public holidays alone",
            hint="update the package `holidays` when they are announced, or list them under"
            " days_on and days_off",
            span=_place(vocabulary, "calendar"),
            path="calendar",
        )


def _idle(vocabulary: Vocabulary, calendar: WorkingCalendar) -> Iterator[Finding]:
    for day in vocabulary.half_days:
        if not calendar.is_working_day(day):
            path = f"half_days/{date_of(day)}"
            yield Finding(
                level=Level.WARNING,
                code="idle-half-day",
                message=f"{date_of(day)} is a day off, so nobody works in its hours",
                hint="add it to days_on if it is worked",
                span=_place(vocabulary, path),
                path=path,
            )


def _place(vocabulary: Vocabulary, path: str) -> Span:
    return vocabulary.places.get(path) or vocabulary.span or Span("care.yaml", 1, 1)
