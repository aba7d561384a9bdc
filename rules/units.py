"""Durations, instants, days and scaled numbers: the arithmetic that everything else stands on.

An *instant* is an ``int``: microseconds since 1970-01-01T00:00Z. A *day* is an ``int``: days since
1970-01-01 in the business zone. A *number* is an ``int`` scaled by 10^4. No floats anywhere.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from zoneinfo import ZoneInfo

import pendulum

__all__ = [
    "MICROS",
    "SCALE",
    "Duration",
    "Unit",
    "date_of",
    "day_number",
    "day_of",
    "day_start",
    "describe_number",
    "from_datetime",
    "from_iso",
    "round6",
    "scaled",
    "shift",
    "shift_day",
    "to_datetime",
    "to_iso",
    "to_local",
    "zone",
]

SCALE = 10_000  #: a number 12.5 is held as 125000
MICROS = 1_000_000  #: microseconds in a second
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_DAY_ZERO = dt.date(1970, 1, 1).toordinal()


class Unit(StrEnum):
    """The units that a duration may have, as they are written."""

    SECOND = "second"
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"
    WORKING_DAY = "working day"
    WORKING_HOUR = "working hour"


_SECONDS = {Unit.SECOND: 1, Unit.MINUTE: 60, Unit.HOUR: 3600, Unit.DAY: 86_400, Unit.WEEK: 604_800}


@dataclass(frozen=True, slots=True)
class Duration:
    """A span of time as it is written: ``3 working days`` is not ``72 hours``."""

    amount: int  #: never negative
    unit: Unit

    @property
    def exact(self) -> bool:
        """True for units that are always the same number of seconds."""
        return self.unit in _SECONDS

    @property
    def working(self) -> bool:
        """True for working days and hours, which need a calendar."""
        return self.unit in (Unit.WORKING_DAY, Unit.WORKING_HOUR)

    @property
    def seconds(self) -> int:
        """Seconds of an exact duration. Raises KeyError for calendar and working units."""
        return self.amount * _SECONDS[self.unit]

    def __str__(self) -> str:
        return f"{self.amount} {self.unit.value}{'' if self.amount == 1 else 's'}"


@lru_cache(maxsize=512)
def zone(name: str) -> ZoneInfo:
    """Return the time zone of an IANA name. Raises KeyError when there is none."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError) as error:  # "../x", "", a directory
        raise KeyError(name) from error


def to_datetime(instant: int) -> dt.datetime:
    """Return the aware UTC datetime of an instant."""
    return _EPOCH + dt.timedelta(microseconds=instant)


def from_datetime(moment: dt.datetime) -> int:
    """Return the instant of an aware datetime. Raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError(f"a time without a zone: {moment}")
    utc = moment.astimezone(dt.UTC)
    seconds = utc.hour * 3600 + utc.minute * 60 + utc.second
    return ((utc.toordinal() - _DAY_ZERO) * 86_400 + seconds) * MICROS + utc.microsecond


def to_local(instant: int, tz: str) -> dt.datetime:
    """Return the wall-clock datetime of an instant in a zone."""
    return to_datetime(instant).astimezone(zone(tz))


def from_iso(text: str, tz: str) -> int:
    """Return the instant of ISO text; without an offset it is local time in the zone.

    A local time that does not exist (spring) moves forward by the gap; one that exists twice
    (autumn) is the first. Raises ValueError.
    """
    moment = dt.datetime.fromisoformat(text.strip())
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone(tz), fold=0)
    return from_datetime(moment)


def to_iso(instant: int, tz: str = "UTC") -> str:
    """Return ISO text with offset, to the second unless there is more."""
    local = to_local(instant, tz)
    return local.isoformat(timespec="seconds" if instant % MICROS == 0 else "microseconds")


def day_of(instant: int, tz: str) -> int:
    """Return the local day on which an instant falls."""
    return to_local(instant, tz).toordinal() - _DAY_ZERO


def day_start(day: int, tz: str, *, at: dt.time = dt.time()) -> int:
    """Return the instant of a local day's midnight, or of a wall-clock time on it."""
    local = dt.datetime.combine(date_of(day), at.replace(tzinfo=zone(tz), fold=0))
    return from_datetime(local)


def date_of(day: int) -> dt.date:
    """Return the date of a day number."""
    return dt.date.fromordinal(day + _DAY_ZERO)


def day_number(date: dt.date) -> int:
    """Return the day number of a date."""
    return date.toordinal() - _DAY_ZERO


def shift(instant: int, duration: Duration, tz: str, *, back: bool = False) -> int:
    """Move an instant by a duration.

    Exact units are seconds on UTC; months and years move the wall clock of the zone and clamp to
    the month's last day. Raises ValueError for working units (the calendar moves those) and where
    the result leaves the years 1 to 9999.
    """
    sign = -1 if back else 1
    if duration.exact:
        return instant + sign * duration.seconds * MICROS
    if duration.working:
        raise ValueError(f"{duration} needs a calendar")
    months = duration.amount * (12 if duration.unit is Unit.YEAR else 1)
    local = pendulum.instance(to_local(instant, tz))
    try:
        return from_datetime(local.add(months=sign * months))
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{duration} from {to_iso(instant, tz)} leaves the calendar") from error


def shift_day(day: int, duration: Duration, *, back: bool = False) -> int:
    """Move a day by days, weeks, months or years; other units raise ValueError."""
    sign = -1 if back else 1
    match duration.unit:
        case Unit.DAY:
            return day + sign * duration.amount
        case Unit.WEEK:
            return day + sign * 7 * duration.amount
        case Unit.MONTH | Unit.YEAR:
            months = duration.amount * (12 if duration.unit is Unit.YEAR else 1)
            date = date_of(day)
            moved = pendulum.Date(date.year, date.month, date.day).add(months=sign * months)
            return day_number(moved)
        case _:
            raise ValueError(f"{duration} does not move a date")


def scaled(value: Decimal | int) -> int:
    """Return a number scaled by 10^4, rounded half-even beyond the fourth decimal."""
    return int((Decimal(value) * SCALE).to_integral_value(rounding="ROUND_HALF_EVEN"))


def round6(num: int, den: int) -> int:
    """Return num/den rounded half-even to 6 decimals, as an integer scaled by 10^6.

    ``den`` is positive. One formula in SQL and Python: floor, then the remainder decides.
    """
    whole, rest = divmod(num * 1_000_000, den)
    if 2 * rest > den or (2 * rest == den and whole % 2):
        whole += 1
    return whole


def describe_number(value: Fraction) -> str:
    """Return a number as a person writes it: at most 6 decimals, no trailing zeros."""
    six = round6(value.numerator, value.denominator)
    sign, six = ("-", -six) if six < 0 else ("", six)
    whole, rest = divmod(six, 1_000_000)
    tail = f"{rest:06d}".rstrip("0")
    return f"{sign}{whole}.{tail}" if tail else f"{sign}{whole}"
