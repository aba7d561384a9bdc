"""Cells become exact values: numbers as decimals, times in their zone, against Python's own."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.intake import cells, zones
from engine.intake.staging import Column
from rules.units import from_datetime, from_iso, scaled, to_datetime, to_local
from tests.imports import landed, rejects, run_text

MAP = """
customer: who
time: when
events:
  - event: order
    fields: {amount: v, paid: p, due: d, sent: s}
"""


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    opened = duckdb.connect()
    opened.execute(cells.MACROS)
    return opened


def evaluate(
    connection: duckdb.DuckDBPyConnection, expression: str, kind: str, values: Sequence[Any]
) -> list[Any]:
    """Return an expression over a column ``c0`` of some values, in their order."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE probe (nth INTEGER, c0 {kind})")
    for nth, value in enumerate(values):
        connection.execute("INSERT INTO probe VALUES (?, ?)", [nth, value])
    rows = connection.execute(f"SELECT {expression} FROM probe ORDER BY nth").fetchall()
    return [row[0] for row in rows]


def half_even(number: Decimal) -> int | None:
    """Return a number scaled by 10^4, None beyond what the log holds."""
    if abs(number) >= cells.LARGEST:
        return None
    return int((number * 10_000).to_integral_value(rounding=ROUND_HALF_EVEN))


TEXT = Column(sql="c0", type="VARCHAR")
decimals = st.decimals(
    min_value=-(10**15), max_value=10**15, allow_nan=False, allow_infinity=False, places=6
) | st.decimals(min_value=-2, max_value=2, places=5)


@settings(max_examples=60, deadline=None)
@given(st.lists(decimals, min_size=1, max_size=20))
def test_numbers_of_text(connection: duckdb.DuckDBPyConnection, numbers: list[Decimal]) -> None:
    """Always: a number in text is scaled exactly, half-even beyond the fourth decimal."""
    found = evaluate(connection, cells.scaled(TEXT), "VARCHAR", [f"{n:f}" for n in numbers])

    assert found == [half_even(number) for number in numbers]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.floats(allow_nan=False, allow_infinity=False)
        | st.floats(-1e6, 1e6)
        | st.integers(-(10**14), 10**14).map(lambda cents: cents / 100)
        | st.integers(-(10**6), 10**6).map(lambda n: n / 100_000),
        min_size=1,
        max_size=20,
    )
)
def test_numbers_of_doubles(connection: duckdb.DuckDBPyConnection, numbers: list[float]) -> None:
    """Always: a DOUBLE counts as the decimal that it prints as, not as the binary fraction."""
    column = Column(sql="c0", type="DOUBLE", typed=True)
    found = evaluate(connection, cells.scaled(column), "DOUBLE", numbers)

    assert found == [half_even(Decimal(repr(number))) for number in numbers]


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("1,234.50", 12_345_000),
        ("１２３．４", 1_234_000),
        ("￥1,000", 10_000_000),
        ("+5", 50_000),
        ("-0.00005", 0),
        ("0.00015", 2),
        (" 7 ", 70_000),
        ("\u30007\u00a0", 70_000),
        ("1e3", 10_000_000),
        (".5", 5_000),
        ("899999999999999.9999", 8_999_999_999_999_999_999),
        ("900000000000000", None),
        ("1,5", None),
        ("1_000", None),
        ("12,34,567", None),
        ("nan", None),
        ("inf", None),
        ("5 kg", None),
        ("0x10", None),
        ("--5", None),
    ],
)
def test_numbers_as_people_write_them(
    connection: duckdb.DuckDBPyConnection, written: str, wanted: int | None
) -> None:
    """Commas by thousands, full-width digits and currency signs are read; the doubtful is not."""
    assert evaluate(connection, cells.scaled(TEXT), "VARCHAR", [written]) == [wanted]


@pytest.mark.parametrize(
    ("kind", "value", "wanted"),
    [
        ("INTEGER", 7, 70_000),
        ("BIGINT", 10**16, None),
        ("UTINYINT", 255, 2_550_000),
        ("DECIMAL(10,2)", Decimal("1.25"), 12_500),
        ("DECIMAL(18,4)", Decimal("99999999999999.9999"), 999_999_999_999_999_999),
        ("DECIMAL(13,4)", Decimal("-999999999.9999"), -9_999_999_999_999),
        ("DECIMAL(18,0)", Decimal(10**17), None),
        ("DECIMAL(18,9)", Decimal("0.000050000"), 0),
        ("DECIMAL(38,4)", Decimal(10) ** 20, None),
        ("HUGEINT", 10**30, None),
        ("DOUBLE", float("nan"), None),
    ],
)
def test_numbers_of_typed_columns(
    connection: duckdb.DuckDBPyConnection, kind: str, value: Any, wanted: int | None
) -> None:
    """Numbers of every type of a Parquet file are scaled exactly, or unreadable when too large."""
    column = Column(sql="c0", type=kind, typed=True)

    assert evaluate(connection, cells.scaled(column), kind, [value]) == [wanted]


ZONES = [
    "Europe/London",
    "Asia/Shanghai",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Pacific/Apia",
]
EDGES = [
    (at // 1_000_000, name)
    for name in ZONES
    for at in (second * 1_000_000 for _, second, _ in zones.offsets(name)[1:][-400::23])
]


@settings(max_examples=60, deadline=None)
@given(
    edge=st.sampled_from(EDGES),
    minutes=st.lists(st.integers(-200, 200), min_size=1, max_size=8),
)
def test_local_times_near_a_change_of_offset(
    connection: duckdb.DuckDBPyConnection, edge: tuple[int, str], minutes: list[int]
) -> None:
    """Always: a local time is the instant that Python gives, gaps forward, the first of two."""
    second, name = edge
    place = zoneinfo.ZoneInfo(name)
    clocks = [
        (dt.datetime.fromtimestamp(second + minute * 60, tz=place)).replace(tzinfo=None, fold=0)
        for minute in minutes
    ]
    micros = [from_datetime(clock.replace(tzinfo=dt.UTC)) for clock in clocks]
    found = evaluate(connection, zones.to_utc("c0", name), "BIGINT", micros)
    back = evaluate(connection, zones.to_local("c0", name), "BIGINT", found)

    assert found == [from_iso(clock.isoformat(), name) for clock in clocks]
    assert back == [
        from_datetime(to_local(instant, name).replace(tzinfo=dt.UTC)) for instant in found
    ]


@settings(max_examples=40, deadline=None)
@given(
    second=st.integers(-2_177_452_800, 4_070_908_800),
    name=st.sampled_from(sorted(zoneinfo.available_timezones())),
)
def test_local_times_of_every_zone(
    connection: duckdb.DuckDBPyConnection, second: int, name: str
) -> None:
    """Always: any zone's local time is the instant that Python gives."""
    assume(name not in ("localtime", "Factory"))
    micros = second * 1_000_000
    found = evaluate(connection, zones.to_utc("c0", name), "BIGINT", [micros])

    assert found == [from_iso(f"{to_datetime(micros):%Y-%m-%dT%H:%M:%S}", name)]


def times(
    connection: duckdb.DuckDBPyConnection, written: str, form: str | None = None, **options: bool
) -> tuple[int | None, int | None, int | None]:
    options.setdefault("serials", False)
    parts = cells.local_time(TEXT, form, **options)
    local, utc, wall = (evaluate(connection, part, "VARCHAR", [written])[0] for part in parts)
    return local, utc, wall


def utc(text: str) -> int:
    return from_iso(text, "UTC")


@pytest.mark.parametrize(
    ("written", "form", "wanted"),
    [
        ("2011-12-09", None, "2011-12-09"),
        ("2011-12-09 08:26", None, "2011-12-09T08:26"),
        ("2011-12-09T08:26:01.5", None, "2011-12-09T08:26:01.5"),
        ("2012/10/09 14:50:17.000", None, "2012-10-09T14:50:17"),
        ("2011/1/4 8:26", None, "2011-01-04T08:26"),
        ("２０１１－０１－０４　８：２６", None, None),
        ("２０１１－０１－０４ ０８：２６", None, "2011-01-04T08:26"),
        ("2011年1月4日 8:26", None, "2011-01-04T08:26"),
        ("20110104", None, "2011-01-04"),
        ("20110104082600", None, "2011-01-04T08:26"),
        ("2011-02-29", None, None),
        ("2011-12-09 25:00", None, None),
        ("09/12/2011", None, None),
        ("09/12/2011", "%d/%m/%Y", "2011-12-09"),
        ("12/9/2011 8:26", "%m/%d/%Y %H:%M", "2011-12-09T08:26"),
        ("31/02/2011", "%d/%m/%Y", None),
        ("2011-12-09 08:26 PM", None, None),
        ("2011-12-09 08:26 Europe/London", None, None),
        ("infinity", None, None),
        ("now", None, None),
        ("", None, None),
    ],
)
def test_times_without_zone(
    connection: duckdb.DuckDBPyConnection, written: str, form: str | None, wanted: str | None
) -> None:
    """Local times are read in these forms; day and month are never guessed, words never taken."""
    clock = None if wanted is None else utc(wanted)

    assert times(connection, written, form) == (clock, None, clock)


@pytest.mark.parametrize(
    ("written", "form", "wanted", "wall"),
    [
        ("2011-12-09T08:26:00Z", None, "2011-12-09T08:26", "2011-12-09T08:26"),
        ("2011-12-09 08:26:00+08:00", None, "2011-12-09T00:26", "2011-12-09T08:26"),
        ("2011-12-09 08:26 -0330", None, "2011-12-09T11:56", "2011-12-09T08:26"),
        ("2011-12-09 01:26+05", None, "2011-12-08T20:26", "2011-12-09T01:26"),
        ("09.12.2011 08:26 +0100", "%d.%m.%Y %H:%M %z", "2011-12-09T07:26", None),
        ("1323419160", "unix seconds", "2011-12-09T08:26", None),
        ("1323419160500", "unix milliseconds", "2011-12-09T08:26:00.5", None),
        ("1323419160500001", "unix microseconds", "2011-12-09T08:26:00.500001", None),
    ],
)
def test_times_with_zone(
    connection: duckdb.DuckDBPyConnection,
    written: str,
    form: str | None,
    wanted: str,
    wall: str | None,
) -> None:
    """A time that says its offset, or counts from 1970, is an instant whatever the zone."""
    clock = None if wall is None else utc(wall)

    assert times(connection, written, form) == (None, utc(wanted), clock)


def test_serials_of_excel(connection: duckdb.DuckDBPyConnection) -> None:
    """In a workbook bare numbers are Excel's days, to the millisecond."""
    found = times(connection, "40886.351388888889", serials=True)

    assert found == (utc("2011-12-09T08:26"), None, utc("2011-12-09T08:26"))
    assert times(connection, "40886") == (None, None, None)


def test_days_before_1970(connection: duckdb.DuckDBPyConnection) -> None:
    """A date before 1970 is its own day, not the one after."""
    days = evaluate(
        connection, cells.date_days("c0"), "BIGINT", [-1, 0, -86_400_000_000, 86_399_999_999]
    )

    assert days == [-1, 0, -1, 0]


def test_fields_of_a_zone(tmp_path: Path) -> None:
    """Times are local to the map's zone, dates are as written, yes and no in either language."""
    summary = run_text(
        tmp_path,
        "who,when,v,p,d,s\n"
        "ann,2026-07-01 00:30,1,是,2026-07-01,2026-07-01 00:30\n"
        "ann,2026-07-02 00:30+00:00,1,no,2026-07-01T23:00-05:00,2026-07-01T23:00-05:00\n",
        "timezone: Europe/London\n" + MAP,
        timezone="Asia/Shanghai",
    )

    assert rejects(summary) == []
    first, second = landed(tmp_path, "ann")[0].events
    london = utc("2026-06-30T23:30")
    assert (first.at, second.at) == (london, utc("2026-07-02T00:30"))
    assert first.fields == {"amount": 10_000, "paid": True, "due": 20_635, "sent": london}
    assert second.fields == {
        "amount": 10_000, "paid": False, "due": 20_635, "sent": utc("2026-07-02T04:00")
    }  # fmt: skip


rows = st.lists(
    st.tuples(st.integers(-(10**6), 10**6), st.integers(-(10**9), 10**9)), min_size=1, max_size=9
)


@settings(max_examples=10, deadline=None)
@given(rows)
def test_sums_of_products_are_exact(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, int]]
) -> None:
    """Always: the sum of quantity times price is exact, rounded once at the end."""
    root = tmp_path_factory.mktemp("sums")
    pairs = [(Decimal(quantity) / 100, Decimal(price) / 10**5) for quantity, price in rows]
    text = "id,who,when,q,price\n" + "".join(f"A,ann,2026-03-01,{q},{p:f}\n" for q, p in pairs)
    run_text(
        root,
        text,
        "customer: who\ntime: when\nevents:\n"
        "  - {event: order, group: id, fields: {amount: {sum: q * price * -0.5}}}\n",
    )

    total = sum((q * p for q, p in pairs), Decimal(0)) * Decimal("-0.5")
    assert landed(root, "ann")[0].events[0].fields == {"amount": scaled(total)}


def test_factors_that_are_too_long(tmp_path: Path) -> None:
    """A factor that could not be calculated with exactly turns the line away."""
    summary = run_text(
        tmp_path,
        "id,who,when,q,price\nA,ann,2026-03-01,1,0.1234567891\nB,ann,2026-03-01,99999999999,1\n"
        "C,ann,2026-03-01,x,1\nD,ann,2026-03-01,9999999999,9999999999\nE,ann,2026-03-01,,1\n",
        "customer: who\ntime: when\nid: id\nevents:\n  - {event: order, fields: {amount: q * price}}\n",
    )

    reason = '"too large, or too many decimals, to calculate with exactly"'
    assert rejects(summary) == [
        f"2,price,0.1234567891,{reason}",
        f"3,q,99999999999,{reason}",
        "4,q,x,not a number care can read: write it like 1234.5",
        "5,q,9999999999,the result is too large",
    ]
    assert landed(tmp_path, "ann")[0].events[0].fields == {}
