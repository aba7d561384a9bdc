"""Key figures of a span, beside those of the span before: satisfaction, NPS, repurchase, churn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from engine.grid import Column, Kind, Table, share
from engine.log_schema import quoted
from engine.reports.acts import Act, Acts, Timeliness
from engine.reports.answers import answers
from engine.reports.report import Period, Source
from rules.columns import column
from rules.measures import Events
from rules.playbook import AskedKind
from rules.units import SCALE
from rules.vocabulary import BUILT_IN_EVENTS

__all__ = ["figures_table"]

_COLUMNS = (
    Column(name="figure", title="指标", width=20),
    Column(name="value", title="本期", kind=Kind.FIGURE),
    Column(name="n", title="样本数", kind=Kind.COUNT),
    Column(name="before", title="上期", kind=Kind.FIGURE),
    Column(name="before_n", title="上期样本数", kind=Kind.COUNT),
    Column(name="change", title="变化", kind=Kind.FIGURE),
    Column(name="meaning", title="口径", width=48),
)

#: Numbers of some events; ``{cases}`` gives the field of each kind. All of them visible at (T, S).
_NUMBERS = """
SELECT customer, CASE kind {cases} END AS held FROM events
WHERE kind IN ({kinds}) AND occurred_at >= $since AND occurred_at < $until AND seq <= $seq
    AND seq NOT IN (SELECT seq FROM superseded WHERE by_seq <= $seq)
"""
_MEANS = "SELECT count(held), coalesce(sum(held), 0)::BIGINT FROM ({numbers})"
_NPS = """
SELECT count(held), count(held) FILTER (held >= $promoter), count(held) FILTER (held <= $detractor)
FROM ({numbers})
"""
#: Buyers of the span, and those of them with an earlier order, inside or before it.
_BUYERS = """
SELECT count(*), count(*) FILTER (bought.n > 1 OR bought.first < $since) FROM (
    SELECT customer, count(*) FILTER (occurred_at >= $since) AS n, min(occurred_at) AS first
    FROM events WHERE kind IN ({kinds}) AND occurred_at < $until AND seq <= $seq
        AND seq NOT IN (SELECT seq FROM superseded WHERE by_seq <= $seq)
    GROUP BY customer HAVING count(*) FILTER (occurred_at >= $since) > 0
) AS bought
"""


_HUNDREDTH = SCALE // 100


@dataclass(frozen=True, slots=True)
class _Figure:
    """A value, and of how many it was taken."""

    value: int | None  #: scaled as its kind is
    n: int


_Reader = Callable[[Source, Period], _Figure]


def figures_table(source: Source, period: Period) -> Table:
    """Return the figures that this project has events or tasks for."""
    rows = []
    for name, kind, meaning, reader in _readers(source):
        now, before = reader(source, period), reader(source, period.before(source.zone))
        if not now.n and not before.n:
            continue
        known = now.value is not None and before.value is not None
        rows.append(
            {
                "figure": name, "meaning": meaning, "n": now.n, "before_n": before.n,
                "value": None if now.value is None else (kind, now.value),
                "before": None if before.value is None else (kind, before.value),
                "change": (kind, (now.value or 0) - (before.value or 0)) if known else None,
            }
        )  # fmt: skip
    note = (
        ""
        if source.project.reports.orders
        else "care.yaml 的 reports 里写上 orders、replies、churned，这里就有复购、响应和流失。"
    )
    return Table(name="figures", title="关键指标", columns=_COLUMNS, rows=rows, note=note)


def _readers(source: Source) -> Iterator[tuple[str, Kind, str, _Reader]]:
    reports = source.project.reports
    yield "满意度 CSAT", Kind.NUMBER, "1 到 5 分的平均分", _satisfaction
    yield "满意率", Kind.SHARE, "4 分和 5 分的占比", _satisfied
    yield "NPS", Kind.NUMBER, "9、10 分的百分比减去 0 到 6 分的百分比", _nps
    if reports.orders:
        yield "复购率", Kind.SHARE, "本期下单的客户中，此前（或本期内）已下过单的占比", _repurchase
        yield "平均订单金额", Kind.NUMBER, "本期订单金额的平均数", _order_value
        yield "下单客户数", Kind.COUNT, "本期下过单的客户", _buyers
    if reports.churned:
        segment = source.project.catalogue.segments.get(reports.churned)
        lost = segment.title if segment and segment.title else reports.churned
        words = f"期初不在分群“{lost}”、期末在的客户 ÷ 期初不在的客户"
        yield "流失率", Kind.SHARE, words, _churn
    if reports.replies:
        yield "响应率", Kind.SHARE, "本期发出的消息中得到回复的占比", _reply_rate
    yield "任务按时率", Kind.SHARE, "本期放行的任务：按时 ÷ (按时 + 迟到 + 逾期未做)", _on_time


# -- marks ---------------------------------------------------------------------------------------


def _asked(source: Source, period: Period, name: str, low: int, high: int) -> list[int]:
    """Return the marks that people gave to tasks, of a step's scale with these ends."""
    found = Acts(source.ledger).find(
        "a.state = 'done' AND a.asked IS NOT NULL AND a.closed_at >= ? AND a.closed_at < ?",
        period.since, period.until,
    )  # fmt: skip
    return [
        mark
        for act in found
        if isinstance(mark := act.asked.get(name), int) and _scaled(act, name, low, high)
    ]


def _scaled(act: Act, name: str, low: int, high: int) -> bool:
    return act.do is not None and any(
        item.name == name and item.kind is AskedKind.SCALE and (item.low, item.high) == (low, high)
        for item in act.do.ask
    )


def _marks(
    source: Source, fields: Mapping[str, str], period: Period, sql: str, **binds: int
) -> tuple[int, ...]:
    """Return a row of numbers about fields of events in a span; zeros where nothing is declared."""
    numbers, values = _numbers(source, fields, period)
    if not numbers:
        return (0, 0, 0)
    (row,) = source.log.query(sql.format(numbers=numbers), {**values, **binds})
    return tuple(row)


def _numbers(
    source: Source, fields: Mapping[str, str], period: Period
) -> tuple[str, dict[str, int]]:
    """Return the statement that reads one field of each kind of event; care's own are left out,
    since their answers stand in the ledger.
    """
    known, events = source.log.codes().kinds, source.project.vocabulary.events
    codes = {
        known[event]: quoted(column(events[event].fields[name]))
        for event, name in fields.items()
        if event in known and event not in BUILT_IN_EVENTS
    }
    if not codes:
        return "", {}
    cases = " ".join(f"WHEN {code} THEN {held}" for code, held in sorted(codes.items()))
    sql = _NUMBERS.format(cases=cases, kinds=", ".join(map(str, sorted(codes))))
    return sql, {"since": period.since, "until": period.until, "seq": source.log.max_seq()}


def _satisfaction(source: Source, period: Period) -> _Figure:
    given = _asked(source, period, "satisfaction", 1, 5)
    count, total, *_ = _marks(source, source.project.reports.satisfaction, period, _MEANS)
    n, total = count + len(given), total + sum(given)
    return _Figure(_half_even(total, n), n)


def _satisfied(source: Source, period: Period) -> _Figure:
    given = _asked(source, period, "satisfaction", 1, 5)
    count, good, *_ = _marks(
        source, source.project.reports.satisfaction, period, _NPS, promoter=4 * SCALE, detractor=0
    )
    n = count + len(given)
    return _Figure(share(good + sum(mark >= 4 * SCALE for mark in given), n), n)


def _nps(source: Source, period: Period) -> _Figure:
    given = _asked(source, period, "nps", 0, 10)
    count, promoters, detractors = _marks(
        source, source.project.reports.nps, period, _NPS, promoter=9 * SCALE, detractor=6 * SCALE
    )
    n = count + len(given)
    promoters += sum(mark >= 9 * SCALE for mark in given)
    detractors += sum(mark <= 6 * SCALE for mark in given)
    return _Figure(_half_even(100 * SCALE * (promoters - detractors), n), n)


def _half_even(total: int, n: int) -> int | None:
    """Return a mean of numbers scaled by 10^4, to the hundredth; None of nothing."""
    return round(Fraction(total, n * _HUNDREDTH)) * _HUNDREDTH if n else None


# -- orders, churn, replies, punctuality -----------------------------------------------------------


def _bought(source: Source, period: Period) -> tuple[int, int]:
    """Return the buyers of a span, and how many of them had bought before."""
    known = source.log.codes().kinds
    kinds = [str(known[event]) for event in source.project.reports.orders if event in known]
    if not kinds:
        return 0, 0
    binds = {"since": period.since, "until": period.until, "seq": source.log.max_seq()}
    (row,) = source.log.query(_BUYERS.format(kinds=", ".join(kinds)), binds)
    return row[0], row[1]


def _repurchase(source: Source, period: Period) -> _Figure:
    buyers, again = _bought(source, period)
    return _Figure(share(again, buyers), buyers)


def _buyers(source: Source, period: Period) -> _Figure:
    buyers, _ = _bought(source, period)
    return _Figure(buyers, buyers)


def _order_value(source: Source, period: Period) -> _Figure:
    count, total, *_ = _marks(source, source.project.reports.orders, period, _MEANS)
    return _Figure(_half_even(total, count), count)


def _churn(source: Source, period: Period) -> _Figure:
    before, after = (_outside(source, edge - 1) for edge in (period.since, period.until))
    lost = before - after
    return _Figure(share(len(lost), len(before)), len(before))


def _outside(source: Source, at: int) -> set[int]:
    """Return the customers (codes) who are known at an instant and not in the segment of the lost."""
    from rules.evaluate import split_class  # noqa: PLC0415
    from rules.sql import compile_population  # noqa: PLC0415  slow

    name, catalogue = source.project.reports.churned, source.project.catalogue
    assert name is not None
    parts = split_class(catalogue, name)
    segments, classes = ([name], []) if parts is None else ([], [parts[0].name])
    population = compile_population(
        source.project.vocabulary, catalogue, segments, classes, scoped=False
    )
    binds = population.binds(at, source.log.max_seq(), source.log.codes())
    table = source.log.table(population.sql(), binds)
    held = table[f"s_{name}" if parts is None else f"c_{parts[0].name}"].to_pylist()
    lost = True if parts is None else parts[1]
    customers = table["customer"].to_pylist()
    return {code for code, value in zip(customers, held, strict=True) if value != lost}


def _reply_rate(source: Source, period: Period) -> _Figure:
    replies = source.project.reports.replies
    assert replies is not None
    found = answers(
        source, Events(names=replies.of), Events(names=replies.by), replies.same, period
    )
    answered = sum(first is not None for first in found.values())
    return _Figure(share(answered, len(found)), len(found))


def _on_time(source: Source, period: Period) -> _Figure:
    found = [
        act.timely(source.at)
        for act in Acts(source.ledger).opened(period.since, period.until)
        if act.kind == "task"
    ]
    judged = [word for word in found if word not in (Timeliness.OPEN, Timeliness.NONE)]
    in_time = judged.count(Timeliness.IN_TIME)
    return _Figure(share(in_time, len(judged)), len(judged))
