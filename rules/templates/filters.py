"""The filters of texts: what may stand behind ``|``. Each takes a value that is known.

Results are bounded, numbers are exact, nothing reads a clock.
"""

from __future__ import annotations

import datetime as dt
import inspect
import re
import urllib.parse
from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from functools import cache

from rules.templates.values import Lasting, Moment, Share, number

__all__ = ["FILTERS", "LIMIT", "FilterMisuseError", "arity", "printed"]

LIMIT = 100_000  #: characters of any value on its way, and of a whole text

_MOST = Fraction(10**15)


class FilterMisuseError(Exception):
    """A filter that can't do this, in words without the value: it may be personal."""


def printed(value: object) -> str:
    """Return a value as text: ``yes`` and ``no``, plain numbers, lists with commas."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case Decimal():
            return f"{value:f}"
        case list() | tuple():
            return ", ".join(printed(item) for item in value)
        case _:
            return str(value)


def _number(value: object) -> Fraction:
    """Return the number behind a value; texts that are one are taken."""
    if isinstance(value, Share):
        value = value.value
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return Fraction(value)
    text = printed(value).strip()
    if re.fullmatch(r"-?\d{1,18}(\.\d{1,9})?", text, re.ASCII):
        return Fraction(text)
    raise FilterMisuseError("the value is no number")


def _counted(value: Fraction) -> int | Decimal:
    if abs(value) > _MOST:
        raise FilterMisuseError("the number is too large")
    return number(value)


def _whole(value: object) -> int:
    found = _number(value)
    if found.denominator != 1 or abs(found) > LIMIT:
        raise FilterMisuseError("the value is no whole number that fits here")
    return int(found)


def _bounded(size: int) -> None:
    if size > LIMIT:
        raise FilterMisuseError(f"the text gets longer than {LIMIT} characters")


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else [value]


# Texts


def _upcase(value: object) -> str:
    return printed(value).upper()


def _downcase(value: object) -> str:
    return printed(value).lower()


def _capitalize(value: object) -> str:
    return printed(value).capitalize()


def _strip(value: object) -> str:
    return printed(value).strip()


def _squish(value: object) -> str:
    return " ".join(printed(value).split())


def _append(value: object, other: object) -> str:
    return printed(value) + printed(other)


def _prepend(value: object, other: object) -> str:
    return printed(other) + printed(value)


def _replace(value: object, old: object, new: object = "") -> str:
    text, gone, come = printed(value), printed(old), printed(new)
    _bounded(len(text) + text.count(gone) * max(0, len(come) - len(gone)))
    return text.replace(gone, come)


def _remove(value: object, old: object) -> str:
    return printed(value).replace(printed(old), "")


def _truncate(value: object, length: object = 50, end: object = "...") -> str:
    text, tail, most = printed(value), printed(end), max(0, _whole(length))
    return text if len(text) <= most else text[: max(0, most - len(tail))] + tail


def _slice(value: object, start: object, length: object = 1) -> str:
    text, first = printed(value), _whole(start)
    first = max(0, len(text) + first) if first < 0 else first
    return text[first : first + max(0, _whole(length))]


def _url_encode(value: object) -> str:
    return urllib.parse.quote(printed(value), safe="")


# Lists


def _join(value: object, glue: object = " ") -> str:
    items, between = [printed(item) for item in _list(value)], printed(glue)
    _bounded(sum(map(len, items)) + len(between) * len(items))
    return between.join(items)


def _split(value: object, by: object) -> list[str]:
    mark = printed(by)
    return printed(value).split(mark) if mark else list(printed(value))


def _first(value: object) -> object:
    return next(iter(_list(value)), None)


def _last(value: object) -> object:
    return next(reversed(_list(value)), None)


def _size(value: object) -> int:
    return len(value) if isinstance(value, list | tuple) else len(printed(value))


def _sort(value: object) -> list[object]:
    return sorted(_list(value), key=printed)


def _uniq(value: object) -> list[object]:
    return list({printed(item): item for item in _list(value)}.values())


# Numbers


def _plus(value: object, other: object) -> int | Decimal:
    return _counted(_number(value) + _number(other))


def _minus(value: object, other: object) -> int | Decimal:
    return _counted(_number(value) - _number(other))


def _times(value: object, other: object) -> int | Decimal:
    return _counted(_number(value) * _number(other))


def _divided_by(value: object, other: object) -> int | Decimal:
    by = _number(other)
    if not by:
        raise FilterMisuseError("nothing can be divided by 0")
    return _counted(_number(value) / by)


def _round(value: object, places: object = 0) -> int | Decimal:
    return _counted(round(_number(value), min(6, max(0, _whole(places)))))


def _ceil(value: object) -> int:
    return -((-_number(value)).__floor__())


def _floor(value: object) -> int:
    return _number(value).__floor__()


def _abs(value: object) -> int | Decimal:
    return _counted(abs(_number(value)))


def _at_least(value: object, other: object) -> int | Decimal:
    return _counted(max(_number(value), _number(other)))


def _at_most(value: object, other: object) -> int | Decimal:
    return _counted(min(_number(value), _number(other)))


def _money(value: object, sign: object = "") -> str:
    """``1234.5`` as ``1,234.50``; a sign stands before it."""
    cents = round(_number(value) * 100)
    return f"{'-' if cents < 0 else ''}{printed(sign)}{abs(cents) // 100:,}.{abs(cents) % 100:02d}"


# Times

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_CODE = re.compile(r"%-?(.)", re.DOTALL)

#: Code of a pattern -> what it gives. Own, since those of the system follow its language.
_CODES: Mapping[str, Callable[[dt.datetime], str]] = {
    "%Y": lambda t: f"{t.year:04d}",
    "%y": lambda t: f"{t.year % 100:02d}",
    "%m": lambda t: f"{t.month:02d}",
    "%-m": lambda t: str(t.month),
    "%d": lambda t: f"{t.day:02d}",
    "%-d": lambda t: str(t.day),
    "%H": lambda t: f"{t.hour:02d}",
    "%-H": lambda t: str(t.hour),
    "%M": lambda t: f"{t.minute:02d}",
    "%S": lambda t: f"{t.second:02d}",
    "%B": lambda t: _MONTHS[t.month - 1],
    "%b": lambda t: _MONTHS[t.month - 1][:3],
    "%A": lambda t: _DAYS[t.weekday()],
    "%a": lambda t: _DAYS[t.weekday()][:3],
    "%j": lambda t: f"{t.timetuple().tm_yday:03d}",
    "%%": lambda _: "%",
}


def _local(value: object) -> dt.datetime:
    if not isinstance(value, Moment):
        raise FilterMisuseError("the value is no date")
    local = value.local
    return local if isinstance(local, dt.datetime) else dt.datetime.combine(local, dt.time())


def _date(value: object, pattern: object) -> str:
    local = _local(value)

    def code(found: re.Match[str]) -> str:
        if found[0] not in _CODES:
            raise FilterMisuseError(
                f"a date has no part {found[0]}; known here: {', '.join(_CODES)}"
            )
        return _CODES[found[0]](local)

    return _CODE.sub(code, printed(pattern))


def _date_cn(value: object) -> str:
    local = _local(value)
    day = f"{local.year}年{local.month}月{local.day}日"
    assert isinstance(value, Moment)
    return f"{day} {local:%H:%M}" if isinstance(value.local, dt.datetime) else day


def _weekday_cn(value: object) -> str:
    return f"星期{'一二三四五六日'[_local(value).weekday()]}"


def _lasting(micros: int) -> Callable[[object], int | Decimal]:
    def amount(value: object) -> int | Decimal:
        if not isinstance(value, Lasting):
            raise FilterMisuseError("the value is no length of time")
        return _counted(round(value.micros / micros, 2))

    return amount


#: Name -> what it does. ``default`` is no part of it: it is the one that takes what is unknown.
FILTERS: Mapping[str, Callable[..., object]] = {
    "abs": _abs,
    "append": _append,
    "at_least": _at_least,
    "at_most": _at_most,
    "capitalize": _capitalize,
    "ceil": _ceil,
    "date": _date,
    "date_cn": _date_cn,
    "days": _lasting(86_400_000_000),
    "divided_by": _divided_by,
    "downcase": _downcase,
    "first": _first,
    "floor": _floor,
    "hours": _lasting(3_600_000_000),
    "join": _join,
    "last": _last,
    "minus": _minus,
    "minutes": _lasting(60_000_000),
    "money": _money,
    "plus": _plus,
    "prepend": _prepend,
    "remove": _remove,
    "replace": _replace,
    "round": _round,
    "size": _size,
    "slice": _slice,
    "sort": _sort,
    "split": _split,
    "squish": _squish,
    "strip": _strip,
    "times": _times,
    "truncate": _truncate,
    "uniq": _uniq,
    "upcase": _upcase,
    "url_encode": _url_encode,
    "weekday_cn": _weekday_cn,
}


@cache
def arity(name: str) -> tuple[int, int]:
    """Return the least and the most values that a filter takes behind its colon."""
    if name == "default":
        return (1, 1)
    parameters = list(inspect.signature(FILTERS[name]).parameters.values())[1:]
    return (sum(p.default is p.empty for p in parameters), len(parameters))
