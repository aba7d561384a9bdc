"""What a report is: tables and charts over a span of time, and what it is made from."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.charts import Point
from engine.grid import Table
from rules.errors import UsageError
from rules.units import Duration, Unit, date_of, day_of, from_datetime, shift, to_local, zone

if TYPE_CHECKING:
    from engine.ledger import Ledger
    from engine.log import Log
    from rules.playbook import Project

__all__ = ["Chart", "Period", "Report", "Source", "day_labels", "days_of", "last_month", "month_of"]


_YEAR = 365  #: days


@dataclass(frozen=True, slots=True)
class Period:
    """The span [since, until)."""

    since: int
    until: int

    def words(self, tz: str) -> str:
        """Return it as people read it: days, where it is made of whole ones; the last one included."""
        first, end = to_local(self.since, tz), to_local(self.until, tz)
        if first.time() == end.time() == dt.time():
            last = end - dt.timedelta(days=1)
            if (
                first.day == 1
                and end.day == 1
                and (end - dt.timedelta(days=1)).month == first.month
            ):
                return f"{first:%Y-%m}"
            return (
                f"{first:%Y-%m-%d}"
                if first.date() == last.date()
                else f"{first:%Y-%m-%d} 至 {last:%Y-%m-%d}"
            )
        return f"{first:%Y-%m-%d %H:%M} 至 {end:%Y-%m-%d %H:%M}"

    def before(self, tz: str) -> Period:
        """Return the span of the same length that ends where this one begins; whole months before
        whole months.
        """
        first, end = to_local(self.since, tz), to_local(self.until, tz)
        months = (end.year - first.year) * 12 + end.month - first.month
        whole = (1, dt.time())
        if months and (first.day, first.time()) == whole == (end.day, end.time()):
            return Period(
                shift(self.since, Duration(months, Unit.MONTH), tz, back=True), self.since
            )
        return Period(2 * self.since - self.until, self.since)


def month_of(text: str, tz: str) -> Period:
    """Return the span of ``2011-11``. Raises UsageError."""
    found = re.fullmatch(r"(\d{4})-(\d{1,2})", text.strip())
    if found is None or not 1 <= int(found[2]) <= 12 or not 1 <= int(found[1]) <= 9998:
        raise UsageError(f'"{text}" is no month; write --month 2011-11')
    first = dt.datetime(int(found[1]), int(found[2]), 1, tzinfo=zone(tz))
    since = from_datetime(first)
    return Period(since, shift(since, Duration(1, Unit.MONTH), tz))


def last_month(at: int, tz: str) -> Period:
    """Return the last whole month before an instant."""
    local = to_local(at, tz)
    until = from_datetime(dt.datetime(local.year, local.month, 1, tzinfo=zone(tz)))
    return Period(shift(until, Duration(1, Unit.MONTH), tz, back=True), until)


def days_of(period: Period, tz: str) -> range:
    """Return the days that a span touches, as day numbers."""
    return range(day_of(period.since, tz), day_of(period.until - 1, tz) + 1)


def day_labels(period: Period, tz: str) -> dict[int, str]:
    """Return the days that a span touches with what charts call them: no two alike."""
    days = days_of(period, tz)
    form = "%m-%d" if len(days) <= _YEAR else "%Y-%m-%d"
    return {day: f"{date_of(day):{form}}" for day in days}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart that is drawn where there is a page to draw it on."""

    kind: str  #: ``bars``, ``columns`` or ``lines``
    title: str
    points: Sequence[Point]
    percent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report, ready to be shown."""

    name: str
    title: str
    when: str  #: of which time it speaks
    tables: Sequence[Table]
    charts: Sequence[Chart] = ()
    at: int  #: as known at this instant
    period: Period | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What reports are made from. Ledger and log are those that the report asks for."""

    project: Project
    at: int
    opened_ledger: Ledger | None = None
    opened_log: Log | None = None
    last_run: int | None = None  #: T of the last run in the ledger

    @property
    def zone(self) -> str:
        """The business zone."""
        return self.project.vocabulary.timezone

    @property
    def ledger(self) -> Ledger:
        """The ledger."""
        assert self.opened_ledger is not None
        return self.opened_ledger

    @property
    def log(self) -> Log:
        """The log, with a column for every declared field."""
        assert self.opened_log is not None
        self.opened_log.ensure_columns(self.project.vocabulary)
        return self.opened_log
