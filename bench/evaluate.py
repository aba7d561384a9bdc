"""Full evaluation against hand-written SQL of the same measures on the same tables.

``python bench/evaluate.py LOG [--rounds 3]`` with a log of ``bench/generate.py``. Both statements
count the members of the same segments; they run alternately, and the best times are compared. The
budget is 1.3 times the hand-written statement, in processor seconds of all threads: those bear
company on the machine.
"""

from __future__ import annotations

import argparse
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

from bench.generate import LAST, vocabulary
from engine.log import Log, open_log
from rules.conditions import AnyOf, Bound, Compare, Moment, OneOf, Op, Subject, SubjectKind, Test
from rules.measures import (
    Aggregate,
    Catalogue,
    Change,
    Events,
    Fold,
    Measure,
    NamedMeasure,
    OpenItems,
    Quantity,
    Ratio,
    Segment,
    TimeTo,
    Window,
)
from rules.sql import compile_population
from rules.units import Duration, Unit, day_of, shift, shift_day

ZONE = "Asia/Shanghai"


def days(amount: int) -> Duration:
    return Duration(amount, Unit.DAY)


def months(amount: int) -> Duration:
    return Duration(amount, Unit.MONTH)


def fold(of: Fold, event: str, last: Duration | None, field: str = "") -> Aggregate:
    return Aggregate(
        fold=of,
        events=Events(names=(event,)),
        fields={event: field} if field else {},
        window=Window(last=last),
    )


def _measures() -> dict[str, tuple[Measure, Quantity]]:
    sent, reply = Events(names=("message_sent",)), Events(names=("message_reply",))
    window = Window(last=days(60))
    return {
        "first_order": (fold(Fold.FIRST_TIME, "order", None), Quantity.INSTANT),
        "last_order": (fold(Fold.LAST_TIME, "order", None), Quantity.INSTANT),
        "orders_3m": (fold(Fold.COUNT, "order", months(3)), Quantity.NUMBER),
        "orders_change": (
            Change(of=fold(Fold.COUNT, "order", days(60)), relative=True, needs=4),
            Quantity.SHARE,
        ),
        "usage_change": (
            Change(of=fold(Fold.SUM, "usage", days(60), "minutes"), relative=True, needs=4),
            Quantity.SHARE,
        ),
        "amount_1y": (fold(Fold.SUM, "order", Duration(1, Unit.YEAR), "amount"), Quantity.NUMBER),
        "mean_order": (fold(Fold.MEAN, "order", days(180), "amount"), Quantity.NUMBER),
        "months_bought": (fold(Fold.MONTHS_WITH, "order", months(12)), Quantity.NUMBER),
        "reply_rate": (
            Ratio(part=reply, whole=sent, same="message_id", window=window, needs=2),
            Quantity.SHARE,
        ),
        "reply_time": (
            TimeTo(start=sent, end=reply, same="message_id", window=window),
            Quantity.TIME,
        ),
        "open_complaints": (
            OpenItems(
                opened=Events(names=("complaint_opened",)),
                closed=Events(names=("complaint_resolved",)),
                same="case_id",
                window=Window(last=days(90)),
            ),
            Quantity.NUMBER,
        ),
        "resolved": (fold(Fold.LAST_TIME, "complaint_resolved", None), Quantity.INSTANT),
    }


def _segments() -> dict[str, tuple[Compare, ...]]:
    def test(name: str, test: Test, kind: SubjectKind = SubjectKind.MEASURE) -> Compare:
        return Compare(subject=Subject(kind, name), test=test)

    def bound(name: str, op: Op, value: Fraction | int) -> Compare:
        return test(name, Bound(op, Fraction(value)))

    zero = OneOf((Fraction(0),))
    return {
        "new": (test("first_order", Moment("within last", far=days(30))),),
        "lapsed": (test("last_order", Moment("ago", near=days(90))),),
        "quiet": (test("orders_3m", zero),),
        "dropping": (bound("orders_change", Op.BELOW, Fraction(-3, 10)),),
        "using_less": (bound("usage_change", Op.BELOW, Fraction(-3, 10)),),
        "big": (bound("amount_1y", Op.AT_LEAST, 20_000),),
        "rich": (bound("mean_order", Op.ABOVE, 3_000),),
        "steady": (bound("months_bought", Op.AT_LEAST, 3),),
        "silent": (bound("reply_rate", Op.BELOW, Fraction(1, 5)),),
        "slow": (bound("reply_time", Op.ABOVE, 3_600_000_000),),
        "open": (bound("open_complaints", Op.ABOVE, 0),),
        "mended": (test("resolved", Moment("within last", far=days(14))),),
        "ending": (
            test("contract_end", Moment("within next", far=days(60)), SubjectKind.ATTRIBUTE),
        ),
    }


def catalogue() -> Catalogue:
    """Return the measures and segments of some ten playbooks."""
    return Catalogue(
        measures={
            name: NamedMeasure(name=name, measure=measure, quantity=quantity)
            for name, (measure, quantity) in _measures().items()
        },
        segments={
            name: Segment(name=name, title=name, condition=AnyOf(parts))
            for name, parts in _segments().items()
        },
        classes={},
    )


#: The same segments, written by a person who knows the tables.
BY_HAND = """
WITH simple AS (
    SELECT customer,
        MIN(CASE WHEN kind = $order_ THEN occurred_at END) AS first_order,
        MAX(CASE WHEN kind = $order_ THEN occurred_at END) AS last_order,
        COUNT(CASE WHEN kind = $order_ AND occurred_at > $m3 THEN 1 END) AS orders_3m,
        COUNT(CASE WHEN kind = $order_ AND occurred_at > $d60 THEN 1 END) AS orders_now,
        COUNT(CASE WHEN kind = $order_ AND occurred_at > $d120 AND occurred_at <= $d60 THEN 1 END)
            AS orders_before,
        SUM(CASE WHEN kind = $usage AND occurred_at > $d60 THEN n_minutes END) AS usage_now,
        SUM(CASE WHEN kind = $usage AND occurred_at > $d120 AND occurred_at <= $d60
                 THEN n_minutes END) AS usage_before,
        COUNT(CASE WHEN kind = $usage AND occurred_at > $d120 AND occurred_at <= $d60
                   THEN n_minutes END) AS usages_before,
        SUM(CASE WHEN kind = $order_ AND occurred_at > $y1 THEN n_amount END) AS amount_1y,
        SUM(CASE WHEN kind = $order_ AND occurred_at > $d180 THEN n_amount END) AS amount_180,
        COUNT(CASE WHEN kind = $order_ AND occurred_at > $d180 THEN n_amount END) AS orders_180,
        MAX(CASE WHEN kind = $resolved THEN occurred_at END) AS resolved
    FROM events
    WHERE seq <= $seq AND occurred_at <= $at
    GROUP BY customer
), months AS (
    SELECT customer, COUNT(*) AS months_bought FROM (
        SELECT DISTINCT customer,
            date_trunc('month', make_timestamp(occurred_at + 28800000000)) AS month
        FROM events
        WHERE kind = $order_ AND occurred_at > $y1 AND occurred_at <= $at AND seq <= $seq
    ) GROUP BY customer
), replies AS (
    SELECT s.customer, COUNT(*) AS sent, COUNT(r.at) AS replied,
           SUM(CASE WHEN r.at >= s.occurred_at THEN r.at - s.occurred_at END) AS took,
           COUNT(CASE WHEN r.at >= s.occurred_at THEN 1 END) AS answered
    FROM events s LEFT JOIN (
        SELECT customer, t_message_id, MIN(occurred_at) AS at FROM events
        WHERE kind = $reply AND occurred_at <= $at AND seq <= $seq GROUP BY ALL
    ) r ON r.customer = s.customer AND r.t_message_id = s.t_message_id
    WHERE s.kind = $sent AND s.occurred_at > $d60 AND s.occurred_at <= $at AND s.seq <= $seq
    GROUP BY s.customer
), cases AS (
    SELECT customer, COUNT(CASE WHEN opened IS NOT NULL AND (closed IS NULL OR closed < opened)
                                THEN 1 END) AS open_complaints
    FROM (
        SELECT customer, t_case_id,
               MAX(CASE WHEN kind = $opened THEN occurred_at END) AS opened,
               MAX(CASE WHEN kind = $resolved THEN occurred_at END) AS closed
        FROM events
        WHERE kind IN ($opened, $resolved) AND occurred_at > $d90 AND occurred_at <= $at
          AND seq <= $seq
        GROUP BY ALL
    ) GROUP BY customer
), contracts AS (
    SELECT customer, arg_max(num, occurred_at) AS contract_end FROM attributes
    WHERE attribute = $contract AND seq <= $seq GROUP BY customer
)
SELECT COUNT(CASE WHEN first_order > $d30 THEN 1 END) AS new,
    COUNT(CASE WHEN last_order <= $d90 THEN 1 END) AS lapsed,
    COUNT(CASE WHEN COALESCE(orders_3m, 0) = 0 THEN 1 END) AS quiet,
    COUNT(CASE WHEN orders_before >= 4 AND (orders_now - orders_before) * 10 < -3 * orders_before
               THEN 1 END) AS dropping,
    COUNT(CASE WHEN usages_before >= 4 AND usage_before <> 0
                AND (COALESCE(usage_now, 0) - usage_before) * 10 < -3 * usage_before
               THEN 1 END) AS using_less,
    COUNT(CASE WHEN amount_1y >= 200000000 THEN 1 END) AS big,
    COUNT(CASE WHEN amount_180 > 30000000 * orders_180 THEN 1 END) AS rich,
    COUNT(CASE WHEN months_bought >= 3 THEN 1 END) AS steady,
    COUNT(CASE WHEN sent >= 2 AND replied * 5 < sent THEN 1 END) AS silent,
    COUNT(CASE WHEN took > 3600000000 * answered THEN 1 END) AS slow,
    COUNT(CASE WHEN open_complaints > 0 THEN 1 END) AS open,
    COUNT(CASE WHEN resolved > $d14 THEN 1 END) AS mended,
    COUNT(CASE WHEN contract_end BETWEEN $today AND $soon THEN 1 END) AS ending
FROM (SELECT customer FROM simple UNION SELECT customer FROM attributes WHERE seq <= $seq) people
LEFT JOIN simple USING (customer) LEFT JOIN months USING (customer)
LEFT JOIN replies USING (customer) LEFT JOIN cases USING (customer)
LEFT JOIN contracts USING (customer)
"""


def by_hand_binds(log: Log, at: int, seq: int) -> dict[str, Any]:
    """Return the binds of the hand-written statement."""

    def back(duration: Duration) -> int:
        return shift(at, duration, ZONE, back=True)

    kinds = log.codes().kinds
    today = day_of(at, ZONE)
    binds = {f"d{n}": back(days(n)) for n in (14, 30, 60, 90, 120, 180)}
    return binds | {
        "at": at, "seq": seq, "m3": back(months(3)), "y1": back(months(12)),
        "order_": kinds["order"], "usage": kinds["usage"], "sent": kinds["message_sent"],
        "reply": kinds["message_reply"], "opened": kinds["complaint_opened"],
        "resolved": kinds["complaint_resolved"],
        "contract": log.codes().attributes["contract_end"],
        "today": today, "soon": shift_day(today, days(60)),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("log", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with open_log(options.log, writable=False) as log:
        seq, at = log.max_seq(), LAST
        began = time.perf_counter()
        names = list(_segments())
        population = compile_population(vocabulary(ZONE), catalogue(), names, scoped=False)
        binds = population.binds(at, seq, log.codes())
        counts = ", ".join(f'COUNT(CASE WHEN "s_{name}" THEN 1 END)' for name in names)
        compiled = f"SELECT {counts} FROM ({population.sql()})"
        print(f"compiled in {time.perf_counter() - began:.2f} s, {len(compiled):,} characters")
        hand = by_hand_binds(log, at, seq)
        best = {"by hand": (9e9, 9e9), "compiled": (9e9, 9e9)}  # processor, wall clock
        answers = {}
        for _ in range(options.rounds):
            for name, sql, values in (("by hand", BY_HAND, hand), ("compiled", compiled, binds)):
                began, worked = time.perf_counter(), time.process_time()
                answers[name] = log.query(sql, values)[0]
                took = (time.process_time() - worked, time.perf_counter() - began)
                best[name] = min(best[name], took)
        for name, (worked, waited) in best.items():
            print(f"{name:9} {worked:6.2f} s of processor, {waited:6.2f} s")
        print(f"ratio     {best['compiled'][0] / best['by hand'][0]:6.2f}    budget 1.3")
        for name, one, two in zip(names, *answers.values(), strict=True):
            print(f"  {name:12} {one:>9,} {'' if one == two else f'but compiled {two:,}'}")


if __name__ == "__main__":
    main()
