"""Values as a text shows them. What is unknown, or empty, is None.

Numbers are ``int`` or ``Decimal``, texts ``str``, several words a list of ``str``. Days and instants
are texts that compare by time, a share prints as ``45%`` and counts as 0.45.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from fractions import Fraction

from rules.measures import Quantity
from rules.trace import show, show_field
from rules.units import SCALE, date_of, describe_number, round6, to_local
from rules.values import Amount, Result
from rules.vocabulary import FieldKind

__all__ = ["Lasting", "Moment", "Share", "Value", "cleaned", "number", "of_field", "of_measure"]

#: What nobody can see and what breaks a line of a header or a file: C0 but tab and line feed, DEL,
#: C1, lone surrogates.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class Moment(str):
    """A day or an instant: prints as ``2025-03-03`` or ``2025-03-03 14:30``, local to the zone."""

    __slots__ = ("local",)

    local: dt.date | dt.datetime

    def __new__(cls, text: str, local: dt.date | dt.datetime) -> Moment:
        """Return the text with the time behind it."""
        made = super().__new__(cls, text)
        made.local = local
        return made


class Lasting(str):
    """A length of time: prints as ``3.5 hours``; the filters hours, days ... give its number."""

    __slots__ = ("micros",)

    micros: Fraction

    def __new__(cls, text: str, micros: Fraction) -> Lasting:
        """Return the text with the microseconds behind it."""
        made = super().__new__(cls, text)
        made.micros = micros
        return made


class Share:
    """A share: prints as ``45%`` and counts as 0.45."""

    __slots__ = ("text", "value")

    def __init__(self, text: str, value: Fraction) -> None:
        self.text = text
        self.value = number(value)

    def __str__(self) -> str:
        return self.text

    def __liquid__(self) -> int | Decimal:
        """Return what Liquid compares."""
        return self.value


#: A value for a text.
Value = int | Decimal | str | bool | list[str] | Share


def number(value: Fraction) -> int | Decimal:
    """Return a number exact to 6 decimals."""
    return (
        Decimal(describe_number(value))
        if round6(*value.as_integer_ratio()) % 10**6
        else round(value)
    )


def cleaned(text: str) -> str:
    """Return a text without what nobody can see; every line end is a line feed."""
    return _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def of_field(kind: FieldKind, held: Result, tz: str) -> Value | None:
    """Return a field's value, as the log holds it, for a text; instants local to the zone."""
    if held is None:
        return None
    match kind:
        case FieldKind.NUMBER:
            return number(Fraction(held, SCALE)) if isinstance(held, int) else None
        case FieldKind.DATE | FieldKind.INSTANT:
            return _moment(held, show_field(held, kind, tz), None if kind is FieldKind.DATE else tz)
        case FieldKind.YES_NO:
            return bool(held)
        case FieldKind.TEXT | FieldKind.WORD | FieldKind.WORDS:
            return _words(held)


def of_measure(quantity: Quantity, result: Result, tz: str) -> Value | None:
    """Return a measure's value for a text; instants local to the zone."""
    if result is None:
        return None
    match quantity:
        case Quantity.NUMBER:
            return number(result.value) if isinstance(result, Amount) else None
        case Quantity.SHARE:
            return (
                Share(show(result, quantity), result.value) if isinstance(result, Amount) else None
            )
        case Quantity.TIME:
            shown = show(result, quantity)
            return Lasting(shown, result.value) if isinstance(result, Amount) else None
        case Quantity.DATE | Quantity.INSTANT:
            return _moment(
                result, show(result, quantity, tz), None if quantity is Quantity.DATE else tz
            )
        case Quantity.YES_NO:
            return bool(result)
        case Quantity.TEXT:
            return _words(result)


def _words(held: Result) -> str | list[str] | None:
    """Return a text or a list of them; an empty one tells as little as an unknown one."""
    if isinstance(held, tuple):
        return [cleaned(word) for word in held] or None
    return cleaned(held).strip() or None if isinstance(held, str) else None


def _moment(held: Result, shown: str, tz: str | None) -> Moment | None:
    if not isinstance(held, int):
        return None
    try:
        return Moment(shown, date_of(held) if tz is None else to_local(held, tz))
    except (ValueError, OverflowError):
        return None
