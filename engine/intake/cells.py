"""SQL that turns cells of ``staged`` into exact values; NULL where a cell is empty or unreadable.

Every conversion comes with its text, so that unreadable is ``text IS NOT NULL AND value IS NULL``.
No float arithmetic: a DOUBLE counts as the decimal that it is printed as.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from fractions import Fraction

from engine.intake.staging import Column, literal
from engine.intake.zones import FIRST_YEAR, LAST_YEAR
from rules.columns import SEPARATOR
from rules.importmap_cells import UNIX_FORMATS
from rules.units import MICROS, day_number

__all__ = [
    "LARGEST",
    "MACROS",
    "TYPED",
    "date_days",
    "decimal",
    "factor",
    "in_range",
    "local_time",
    "mapped",
    "number_literal",
    "scaled",
    "text",
    "words",
    "yes_no",
]

#: Numbers from here on don't fit BIGINT when scaled by 10^4.
LARGEST = 9 * 10**14

_BLANKS = " \t\r\n\u00a0\u3000"
_WIDE = ("０１２３４５６７８９．，－＋：／", "0123456789.,-+:/")
_ISO = r"\d{4}[-/]\d{1,2}[-/]\d{1,2}([T ]+\d{1,2}:\d{2}(:\d{2}([.]\d+)?)?)?"
_OFFSET = r" ?(Z|[+-]\d{2}(:?\d{2})?)"
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER")
_DAY = 86_400 * MICROS
_LATEST = 10**16  #: microseconds, in the year 2286; times a factor it fits a DECIMAL(38,20)
_DATES = ("DATE", "TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMP_MS", "TIMESTAMP_S")

#: Types in which a cell is empty only as NULL.
TYPED = (*_INTEGERS, *_DATES, "BOOLEAN", "TIMESTAMP WITH TIME ZONE")

#: Temporary macros of the connection, all exact:
MACROS = rf"""
-- A text without the blanks around it; NULL for an empty one.
-- (Most begin and end with a visible ASCII character: seeing that is four times faster.)
CREATE OR REPLACE TEMP MACRO care_text(t) AS
    CASE WHEN t BETWEEN '!' AND '~' AND right(t, 1) BETWEEN '!' AND '~' THEN t
         ELSE nullif(trim(t, {literal(_BLANKS)}), '') END;
-- The same of a typed file, where texts are rarely padded: one look at both ends, for spaces only.
CREATE OR REPLACE TEMP MACRO care_stored(t) AS
    CASE WHEN t >= '!' AND NOT suffix(t, ' ') THEN t ELSE nullif(trim(t, {literal(_BLANKS)}), '') END;
-- Full-width digits and signs as plain ones.
CREATE OR REPLACE TEMP MACRO care_plain(t) AS
    translate(t, {literal(_WIDE[0])}, {literal(_WIDE[1])});
-- 1,234.50 without its commas; anything else with a comma (1,5) stays as it is, unreadable.
CREATE OR REPLACE TEMP MACRO care_digits(t) AS
    CASE WHEN regexp_full_match(t, '[+-]?\d{{1,3}}(,\d{{3}})+([.]\d*)?')
         THEN replace(t, ',', '') ELSE t END;
-- (DuckDB's cast would take 1_000 and blanks too.)
CREATE OR REPLACE TEMP MACRO care_number(t) AS
    CASE WHEN regexp_full_match(t, '[+-]?(\d+[.]?\d*|[.]\d+)([eE][+-]?\d+)?')
         THEN TRY_CAST(t AS DECIMAL(38,20)) END;
CREATE OR REPLACE TEMP MACRO care_decimal(t) AS
    coalesce(care_number(t),
             care_number(care_digits(regexp_replace(care_plain(t), '^([+-]?)[¥￥$€£]? *', '\1'))));
-- x 10^4, half-even: the cast rounds half away from zero, an odd result of a tie goes back by one.
CREATE OR REPLACE TEMP MACRO care_even(x, r) AS
    CAST(CASE WHEN abs(x - r) = 0.00005 AND CAST(r * 10000 AS HUGEINT) % 2 <> 0
         THEN CAST(r * 10000 AS HUGEINT) - sign(x) ELSE CAST(r * 10000 AS HUGEINT) END AS BIGINT);
CREATE OR REPLACE TEMP MACRO care_scaled(x) AS
    CASE WHEN abs(x) < {LARGEST} THEN care_even(x, CAST(x AS DECIMAL(22,4))) END;
-- A decimal of at most 15 digits (here 13, for the product) that gives the same DOUBLE back is the one that it prints as.
CREATE OR REPLACE TEMP MACRO care_scaled_double(x) AS
    CASE WHEN abs(x) < 1000000000
              AND CAST(TRY_CAST(x AS DECIMAL(18,4)) AS DOUBLE) = x
         THEN CAST(CAST(x AS DECIMAL(18,4)) * 10000 AS BIGINT)
         ELSE care_scaled(TRY_CAST(CAST(x AS VARCHAR) AS DECIMAL(38,20))) END;
-- Offset of an ISO time in microseconds.
CREATE OR REPLACE TEMP MACRO care_offset(o) AS
    CASE WHEN o = 'Z' THEN 0
         ELSE CASE WHEN o[1] = '-' THEN -60000000::BIGINT ELSE 60000000::BIGINT END
              * (CAST(o[2:3] AS INTEGER) * 60 + coalesce(TRY_CAST(right(o, -3) AS INTEGER), 0))
    END;
"""


def text(column: Column) -> str:
    """Return SQL for a cell as trimmed text; whole floats without their ``.0``."""
    name, kind = column.sql, column.type
    if kind == "VARCHAR":
        return f"{'care_stored' if column.typed else 'care_text'}({name})"
    if kind in ("DOUBLE", "FLOAT"):
        return (
            f"CASE WHEN isnan({name}) THEN NULL WHEN {name} = trunc({name}) AND abs({name}) < 1e15 "
            f"THEN CAST(CAST({name} AS BIGINT) AS VARCHAR) ELSE CAST({name} AS VARCHAR) END"
        )
    return f"care_text(CAST({name} AS VARCHAR))"


def decimal(column: Column) -> str:
    """Return SQL for a cell as DECIMAL(38,20)."""
    name, kind = column.sql, column.type
    if kind == "VARCHAR":
        return f"care_decimal({text(column)})"
    if kind in ("DOUBLE", "FLOAT"):
        return f"TRY_CAST(CAST({name} AS VARCHAR) AS DECIMAL(38,20))"
    if kind in _INTEGERS or kind.startswith("DECIMAL") or kind in ("UBIGINT", "HUGEINT"):
        return f"TRY_CAST({name} AS DECIMAL(38,20))"
    return f"care_decimal({text(column)})"


def scaled(column: Column) -> str:
    """Return SQL for a cell as a number scaled by 10^4."""
    name, kind = column.sql, column.type
    if kind == "DOUBLE":
        return f"care_scaled_double({name})"
    if kind in _INTEGERS:
        return f"CASE WHEN abs(CAST({name} AS HUGEINT)) < {LARGEST} THEN CAST({name} AS BIGINT) * 10000 END"
    small = re.fullmatch(r"DECIMAL\((\d+),([0-4])\)", kind)
    if small and int(small[1]) - int(small[2]) <= 9:  # DuckDB keeps the product in 18 digits
        return f"CAST({name} * 10000 AS BIGINT)"
    return f"care_scaled({decimal(column)})"


def factor(column: Column, columns: int) -> str:
    """Return SQL for a cell as one of so many factors, exact, in a type whose product fits.

    Alone below 10^15 with 9 decimals, of two below 10^10 with 9, of three below 10^6 with 6; NULL
    for what has more.
    """
    narrow = {1: "DECIMAL(24,9)", 2: "DECIMAL(19,9)"}.get(columns, "DECIMAL(12,6)")
    wide = decimal(column)
    exact = f"CASE WHEN TRY_CAST({wide} AS {narrow}) = {wide} THEN CAST({wide} AS {narrow}) END"
    if column.type != "DOUBLE":
        return exact
    name = column.sql
    return (
        f"CASE WHEN abs({name}) < 1000000 AND CAST(TRY_CAST({name} AS DECIMAL(10,4)) AS DOUBLE) = "
        f"{name} THEN CAST(CAST({name} AS DECIMAL(10,4)) AS {narrow}) ELSE {exact} END"
    )


def number_literal(value: Fraction) -> str:
    """Return an SQL decimal literal; the language's numbers all end within 20 decimals."""
    digits = value * 10**20
    whole, rest = divmod(abs(digits.numerator) // digits.denominator, 10**20)
    return f"{'-' if value < 0 else ''}{whole}.{rest:020d}".rstrip("0").removesuffix(".")


def local_time(column: Column, form: str | None, *, serials: bool) -> tuple[str, str, str]:
    """Return SQL for the microseconds of a time: local, UTC where it says so, and as written.

    Of the first two at most one is not NULL; the third is the wall clock of either, NULL where the
    cell has none. ``serials``: bare numbers are Excel's days since 1899-12-30.
    """
    name, kind = column.sql, column.type
    none = "NULL::BIGINT"
    if form in UNIX_FORMATS:
        number = decimal(column)
        micros = f"TRY_CAST({number} * {UNIX_FORMATS[form]} AS BIGINT)"
        largest = _LATEST // UNIX_FORMATS[form]
        return none, f"CASE WHEN abs({number}) < {largest} THEN {micros} END", none
    if kind == "TIMESTAMP WITH TIME ZONE":
        return none, f"epoch_us({name})", none
    if kind in _DATES:
        local = f"epoch_us(CAST({name} AS TIMESTAMP))"
        return local, none, local
    cell = text(column)
    if form is not None:
        parsed = f"epoch_us(TRY_STRPTIME(care_plain({cell}), {literal(form)}))"
        return (none, parsed, none) if "%z" in form else (parsed, none, parsed)
    plain = f"regexp_replace(replace(care_plain({cell}), '日', ''), '[年月]', '-', 'g')"
    base = f"epoch_us(TRY_CAST(regexp_extract({plain}, '^{_ISO}') AS TIMESTAMP))"
    branches = [
        f"WHEN regexp_full_match({cell}, '{_ISO}') THEN epoch_us(TRY_CAST({cell} AS TIMESTAMP))",
        f"WHEN regexp_full_match({plain}, '{_ISO}') THEN {base}",
    ]
    for digits, compact in (("8", "%Y%m%d"), ("14", "%Y%m%d%H%M%S")):
        parsed = f"epoch_us(TRY_STRPTIME({plain}, '{compact}'))"
        branches.append(f"WHEN regexp_full_match({plain}, '\\d{{{digits}}}') THEN {parsed}")
    if serials:
        # Whole milliseconds: a serial's fraction is a float of Excel's.
        days = f"CAST(round(TRY_CAST({cell} AS DECIMAL(24,11)) * 86400000, 0) AS BIGINT)"
        shift = 25569 * _DAY
        branches.append(
            f"WHEN regexp_full_match({cell}, '\\d{{1,6}}([.]\\d+)?') THEN {days} * 1000 - {shift}"
        )
    zoned = f"regexp_full_match({plain}, '{_ISO}{_OFFSET}')"
    offset = f"care_offset(replace(regexp_extract({plain}, '{_OFFSET}$', 1), ':', ''))"
    local = f"CASE {' '.join(branches)} END"
    wall = f"CASE WHEN {zoned} THEN {base} {' '.join(branches)} END"
    return local, f"CASE WHEN {zoned} THEN {base} - {offset} END", wall


def in_range(micros: str) -> str:
    """Return SQL that is NULL for times outside the years that an import takes."""
    low, high = (day_number(dt.date(year, 1, 1)) * _DAY for year in (FIRST_YEAR, LAST_YEAR + 1))
    return f"CASE WHEN {micros} >= {low} AND {micros} < {high} THEN {micros} END"


def date_days(micros: str) -> str:
    """Return SQL for the day of a local time."""
    return f"CAST(({micros} - (({micros} % {_DAY}) + {_DAY}) % {_DAY}) // {_DAY} AS INTEGER)"


def yes_no(cell: str) -> str:
    """Return SQL for a text that says yes or no."""
    return (
        f"CASE WHEN lower({cell}) IN ('yes', 'y', 'true', 't', '1', '是', '有') THEN TRUE "
        f"WHEN lower({cell}) IN ('no', 'n', 'false', 'f', '0', '否', '无') THEN FALSE END"
    )


def words(cell: str, known: tuple[str, ...], values: Mapping[str, str]) -> str:
    """Return SQL for several words of a closed list, as the log holds them; NULL if one is none."""
    parts = (
        f"list_sort(list_distinct(list_filter(list_transform("
        f"regexp_split_to_array({cell}, '[,;|，、；]'), lambda part: "
        f"{mapped('care_text(part)', values)}), lambda part: part IS NOT NULL)))"
    )
    closed = "[" + ", ".join(literal(word) for word in known) + "]::VARCHAR[]"
    joined = f"{_SEPARATOR} || array_to_string({parts}, {_SEPARATOR}) || {_SEPARATOR}"
    return f"CASE WHEN list_has_all({closed}, {parts}) THEN {joined} END"


_SEPARATOR = f"chr({ord(SEPARATOR)})"


def mapped(cell: str, values: Mapping[str, str]) -> str:
    """Return SQL that puts our word for the file's; other words stay."""
    if not values:
        return cell
    branches = " ".join(
        f"WHEN {literal(theirs.strip())} THEN {literal(ours)}" for theirs, ours in values.items()
    )
    return f"CASE {cell} {branches} ELSE {cell} END"
