"""Quiet hours: whether it is night where the customer is, and when that ends."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from rules.history import Datum
from rules.playbook import Quiet
from rules.units import date_of, day_of, from_datetime, to_local, zone
from rules.vocabulary import Vocabulary

__all__ = ["Zone", "binds", "customer_zone", "quiet_until"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A customer's time zone and how it is known."""

    name: str
    words: str


def customer_zone(vocabulary: Vocabulary, attribute_of: Callable[[str], Datum | None]) -> Zone:
    """Return the zone that ``customer_timezone`` names, or the business zone where it is none;
    ``attribute_of`` gives the value of a customer's attribute.
    """
    business = vocabulary.timezone
    if vocabulary.customer_zone is None:
        return Zone(name=business, words=f"{business}, the business zone")
    said = attribute_of(vocabulary.customer_zone)
    attribute = vocabulary.customer_zone
    if not isinstance(said, str) or not said:
        return Zone(name=business, words=f"{business}, the business zone: {attribute} is unknown")
    try:
        zone(said)
    except KeyError:
        words = f"{business}, the business zone: {attribute} is no time zone"
        return Zone(name=business, words=words)
    return Zone(name=said, words=f"{said}, the customer's {attribute}")


def binds(quiet: Quiet, vocabulary: Vocabulary, channel: str, purpose: str) -> bool:
    """Whether work of a purpose through a channel is bound by the quiet hours."""
    declared = vocabulary.channels.get(channel)
    if declared is not None and not declared.reaches_customer:
        return False
    return purpose not in quiet.exempt and (not quiet.channels or channel in quiet.channels)


def quiet_until(quiet: Quiet, at: int, tz: str) -> int | None:
    """Return the instant at which the quiet hours around this one end; None outside of them.

    The start is quiet, the end is not. Hours that a clock change repeats are quiet both times.
    """
    if not _within(quiet, at, tz):
        return None
    day = day_of(at, tz)
    for date in (date_of(day), date_of(day + 1), date_of(day + 2)):
        for fold in (0, 1):  # where a clock change repeats the hour
            end = quiet.end.replace(tzinfo=zone(tz), fold=fold)
            moment = from_datetime(dt.datetime.combine(date, end))
            if moment > at and not _within(quiet, moment, tz):
                return moment
    raise ValueError(f"the quiet hours from {quiet.start} to {quiet.end} never end")


def _within(quiet: Quiet, at: int, tz: str) -> bool:
    local = to_local(at, tz).time()
    if quiet.start < quiet.end:
        return quiet.start <= local < quiet.end
    return local >= quiet.start or local < quiet.end
