"""``date`` and ``holiday``: days before, on or after a date of the customer or of the calendar.

A moment counts when it lies in (last run, T]. A date that is learned, or that changes, when its
moment has passed already counts at once, as long as it is not late; journeys that run stay.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from engine.calendar import WorkingCalendar
from engine.candidates import Candidate, Look, Source
from engine.holders import holders, kept
from engine.ids import sha
from engine.members import members
from engine.moments import Kept, Moments, Occasion
from rules.history import Datum
from rules.playbook import Existing, Playbook, Trigger
from rules.public_holidays import holiday_day
from rules.units import date_of, day_number, day_of, shift, to_iso
from rules.vocabulary import NamedDate, Vocabulary

__all__ = ["day_again", "from_dates", "from_holidays"]


def from_dates(look: Look, source: Source) -> Iterator[Candidate]:
    """Yield the candidates of a trigger ``date``."""
    trigger, book, cursor = source.trigger, source.playbook, source.cursor
    assert trigger.date is not None
    moments = _moments(look.vocabulary, look.calendar, book, trigger)
    if cursor is None:
        if trigger.back and book.existing is Existing.ENROL and not source.edited:
            yield from _enrolled(look, source, moments)
        return
    found = holders(look, book.catalogue, trigger.date, moments.values(cursor.at, look.at))
    for customer, value in found.items():
        for one in moments.occasions(value, cursor.at, look.at):
            yield _candidate(look, source, moments, customer, one, entry=one.moment)
    # Learned afterwards: who had another value, or none, when the last run looked.
    since = _accepted(look, trigger)
    ranges = moments.values_not_late(cursor.at, since)
    learned = holders(look, book.catalogue, trigger.date, ranges, since=cursor)
    for customer, value in learned.items():
        for one in moments.occasions(value, moments.earliest(since), cursor.at):
            if one.until > since:
                yield _candidate(look, source, moments, customer, one, entry=look.at)


def _enrolled(look: Look, source: Source, moments: Moments) -> Iterator[Candidate]:
    """Those whose moment has passed and whose day has not, when the playbook goes live."""
    assert source.trigger.date is not None
    today = day_of(look.at, look.timezone)
    after = moments.earliest(look.at)
    ranges = moments.values(after, look.at)
    found = holders(look, source.playbook.catalogue, source.trigger.date, ranges)
    for customer, value in found.items():
        for one in moments.occasions(value, after, look.at):
            if one.day >= today:
                yield _candidate(look, source, moments, customer, one, entry=look.at)


def _moments(
    vocabulary: Vocabulary, calendar: WorkingCalendar, book: Playbook, trigger: Trigger
) -> Moments:
    assert trigger.date is not None
    how = kept(vocabulary, book.catalogue, trigger.date)
    return Moments(trigger=trigger, kept=how, calendar=calendar)


def _accepted(look: Look, trigger: Trigger) -> int:
    """Return the instant up to which everything is late at T."""
    accept = trigger.late.accept
    assert accept is not None  # the parser takes no ``late: ignore`` here
    return shift(look.at, accept, look.timezone, back=True)


def _candidate(
    look: Look, source: Source, moments: Moments, customer: str, one: Occasion, *, entry: int
) -> Candidate:
    trigger = source.trigger
    personal = _personal(look.vocabulary, source.playbook, trigger)
    moment: dict[str, object] = {"words": _words(trigger, one, personal=personal)}
    if not personal:
        moment["date"] = one.day
    if entry != one.moment:
        moment["words"] = f"{moment['words']}; known only after {to_iso(one.moment, look.timezone)}"
    years = _unannounced(moments, one)
    if years:
        moment["unannounced"] = years
    return Candidate(
        playbook=source.playbook, trigger=trigger, customer=customer,
        occurrence=_key(one, moments.kept, look.timezone, personal=personal), entry=entry,
        late=one.until <= _accepted(look, trigger), lasts=one.until, extra={"date": one.day},
        personal=frozenset({"date"}) if personal else frozenset(), moment=moment,
    )  # fmt: skip


def _personal(vocabulary: Vocabulary, book: Playbook, trigger: Trigger) -> bool:
    declared = vocabulary.attributes.get(trigger.date or "")
    return declared is not None and declared.pii and trigger.date not in book.catalogue.measures


def _key(one: Occasion, how: Kept, tz: str, *, personal: bool) -> str:
    """Return what names the occurrence: the stored value, and the year of an anniversary."""
    value = to_iso(one.value, tz) if how.instant else date_of(one.value).isoformat()
    if personal:
        value = sha(value)[:16]
    return value if one.year is None else f"{value}:{one.year}"


def _words(trigger: Trigger, one: Occasion, *, personal: bool) -> str:
    what = f"the day of {trigger.date} in {one.year}" if one.year is not None else trigger.date
    side = f"{trigger.offset} {'before' if trigger.back else 'after'} " if trigger.offset else ""
    return f"{side}{what}" + ("" if personal else f", {date_of(one.day).isoformat()}")


def _unannounced(moments: Moments, one: Occasion) -> list[int]:
    """Return the years counted in working time though their make-up days are not known."""
    if moments.trigger.offset is None or not moments.trigger.offset.working:
        return []
    days = sorted((one.day, day_of(one.moment, moments.calendar.timezone)))
    years = range(date_of(days[0]).year, date_of(days[1]).year + 1)
    return [year for year in years if not moments.calendar.announced(year)]


def day_again(
    vocabulary: Vocabulary,
    calendar: WorkingCalendar,
    book: Playbook,
    trigger: Trigger,
    value: int,
    occurrence: str,
    *,
    at: int,
) -> int | None:
    """Return the day of an occurrence whose evidence keeps a personal date to itself; None where
    the date is another one by now.
    """
    moments = _moments(vocabulary, calendar, book, trigger)
    accept = trigger.late.accept
    assert accept is not None
    since = moments.earliest(shift(at, accept, calendar.timezone, back=True))
    return next(
        (
            one.day
            for one in moments.occasions(value, since, at)
            if _key(one, moments.kept, calendar.timezone, personal=True) == occurrence
        ),
        None,
    )


# -- holidays ----------------------------------------------------------------------------------


def from_holidays(look: Look, source: Source) -> Iterator[Candidate]:
    """Yield the candidates of a trigger ``holiday``: every member, for each day that counts."""
    trigger, cursor = source.trigger, source.cursor
    if cursor is None:
        return
    moments = Moments(trigger=trigger, kept=Kept(instant=False), calendar=look.calendar)
    days = moments.days(cursor.at, look.at)
    if not days:
        return
    years = range(date_of(days[0]).year, date_of(days[-1]).year + 1)
    found = [
        (day, name, year)
        for year in years
        for name in trigger.days
        if (day := _day(look.vocabulary, name, year)) is not None and day in days
    ]
    if not found:
        return
    customers = members(look, source.playbook, trigger.members)
    since = _accepted(look, trigger)
    for day, name, year in sorted(found):
        moment = moments.of_day(day)
        offset, side = trigger.offset, "before" if trigger.back else "after"
        words = f"{f'{offset} {side} ' if offset else ''}{name}, {date_of(day).isoformat()}"
        told: dict[str, object] = {"words": words, "date": day, "holiday": name}
        one = Occasion(value=day, year=year, day=day, moment=moment, until=moments.until(day))
        unknown = _unannounced(moments, one)
        if unknown:
            told["unannounced"] = unknown
        extra: dict[str, Datum] = {
            "date": day,
            "holiday": name,
        }  # one for all: they may be millions
        key = f"{name}:{year}"
        for customer in customers:
            yield Candidate(
                playbook=source.playbook, trigger=trigger, customer=customer, occurrence=key,
                entry=moment, late=one.until <= since, lasts=one.until, extra=extra, moment=told,
            )  # fmt: skip


def _day(vocabulary: Vocabulary, name: str, year: int) -> int | None:
    """Return the day of an own date or a public holiday in a year."""
    own = vocabulary.dates.get(name)
    return _own_day(own, year) if own else holiday_day(vocabulary.calendar, name, year)


def _own_day(own: NamedDate, year: int) -> int | None:
    if own.year not in (None, year):
        return None
    try:
        return day_number(dt.date(year, own.month, own.day))
    except ValueError:  # 29 February of a common year
        return day_number(dt.date(year, 2, 28))
