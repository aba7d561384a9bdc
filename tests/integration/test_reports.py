"""The tables of `care report` against figures that are counted another way: from the events as they
were made, and by SQL over the ledger.
"""

from __future__ import annotations

import datetime as dt
import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from engine.grid import json_rows
from engine.ledger import Ledger
from engine.log import open_log
from engine.paths import paths_of
from engine.reports.care_record import care_report
from engine.reports.customers import customers_report
from engine.reports.outlook import outlook_report
from engine.reports.proportions import difference
from engine.reports.report import Period, Report, Source, month_of
from engine.reports.review import review_report
from engine.reports.segments import segments_report
from engine.reports.show import page_of, report_text
from engine.reports.sla import sla_report
from engine.run import open_runner
from engine.task_changes import TaskChanges
from rules.project import load
from rules.units import to_iso
from tests.factories import CARE, SHARED, ZONE, Shop, at, event, profile

REPORTS = """\
reports:
  orders: order.amount
  replies: {of: complaint, by: solved, same: case_id}
  churned: lapsed
  limits:
    解决: {from: complaint, to: solved, same: case_id, within: 48 hours}
    拜访: {from: complaint, to: visit, within: 3 working days}
"""
LOOP = """\
title: 投诉闭环
trigger: {event: complaint}
again: always
overlap: parallel
holdout: 40%
stop_when: [{event: solved, same: case_id, goal: fixed, within: 20 days}]
steps:
  - step: ring
    do: call
    due: within 24 hours
    assign: owner
    title: 致电
    outcomes: [fine, angry]
    ask: {satisfaction: 1 to 5, nps: 0 to 10}
  - {step: note, do: letter, due: after 1 day, brief: 致歉信}
"""
NEWS = """\
title: 每月资讯
trigger: {every: month, day: 15, at: 09:00, in: buyers}
steps:
  - {step: news, do: letter, due: same day, brief: 资讯}
"""
RENEW = """\
title: 续约
trigger: {date: contract_end, before: 10 days}
again: always
steps:
  - {step: talk, do: call, due: within 2 working days, assign: boss, brief: 谈续约}
"""
NOW = "2025-04-03T12:00"
MARCH = month_of("2025-03", ZONE)
HOUR = 3_600_000_000


@dataclass
class World:
    """What was made, as plain Python values; instants in µs."""

    shop: Shop
    orders: list[tuple[str, int, int]] = field(default_factory=list)  #: customer, instant, amount
    visits: list[tuple[str, int]] = field(default_factory=list)
    cases: dict[str, tuple[str, int, int | None]] = field(default_factory=dict)  #: begun, solved

    @property
    def customers(self) -> list[str]:
        return [f"c{n:02}" for n in range(1, 31)]


def moment(rng: random.Random, first: str, days: int) -> str:
    """Return a random minute within some days of a day."""
    start = dt.datetime.fromisoformat(f"{first}T00:00")
    return (start + dt.timedelta(minutes=rng.randrange(days * 1440))).isoformat(timespec="minutes")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Thirty customers, ten weeks of events, a month of runs, tasks done in time, late, or not."""
    rng = random.Random(20)
    made = World(
        Shop(tmp_path_factory.mktemp("reports"), care=CARE + REPORTS, shared=SHARED, loop=LOOP, news=NEWS, renew=RENEW)
    )  # fmt: skip
    made.shop.customers(
        *(
            profile(
                name, "2025-01-01", name=f"客户{name}", size=10 * n, tier=rng.choice(["gold", "silver"]),
                manager=rng.choice(["王丽", "赵敏", ""]) or None,
                contract_end=f"2025-04-{n:02}" if n % 3 == 0 else None,
            )
            for n, name in enumerate(made.customers, 1)
        )
    )  # fmt: skip
    rows = []
    for name in made.customers[:24]:
        for _ in range(rng.randrange(6)):
            when, amount = moment(rng, "2025-01-20", 70), rng.randrange(1, 900)
            made.orders.append((name, at(when), amount))
            rows.append(event(name, "order", when, key=f"o{len(rows)}", amount=amount))
    for number in range(60):
        name, begun = rng.choice(made.customers), moment(rng, "2025-02-25", 34)
        solved = moment(rng, begun[:10], 9) if rng.random() < 0.7 else None
        if solved is not None and at(solved) <= at(begun):
            solved = None
        made.cases[f"K{number}"] = (name, at(begun), at(solved) if solved else None)
        rows.append(event(name, "complaint", begun, key=f"b{number}", case_id=f"K{number}"))
        if solved:
            rows.append(event(name, "solved", solved, key=f"s{number}", case_id=f"K{number}"))
    for number in range(50):
        name, when = rng.choice(made.customers), moment(rng, "2025-02-25", 34)
        made.visits.append((name, at(when)))
        rows.append(event(name, "visit", when, key=f"v{number}"))
    made.shop.events(*rows)
    work(made.shop, rng)
    return made


def work(shop: Shop, rng: random.Random) -> None:
    """Run from the end of February to April, every other day; people finish tasks between the runs."""
    with shop.ledger() as ledger, open_runner(
        shop.project, ledger, clock=lambda: 0, prefer="reference"
    ) as runner:  # fmt: skip
        for number in range(18):
            day = dt.date(2025, 2, 27) + dt.timedelta(days=2 * number)
            runner.run(at(f"{day}T08:00"))
            with ledger.transaction():
                for row in list(
                    ledger.rows("SELECT * FROM actions WHERE state = 'open' ORDER BY id")
                ):
                    late = row["opened_at"] + rng.randrange(1, 40) * HOUR
                    if number < 15 and rng.random() < 0.5:
                        finish(ledger, rng, row, min(late, at(f"{day}T23:00")))


def finish(ledger: Ledger, rng: random.Random, row: dict[str, Any], when: int) -> None:
    given: dict[str, Any] = {}
    if row["step"] == "ring":
        asked = {"satisfaction": str(rng.randint(1, 5)), "nps": str(rng.randint(0, 10))}
        given = {"outcome": rng.choice(["fine", "angry"]), "asked": asked, "note": "=1+1"}
    TaskChanges(ledger, ZONE).finish(row["id"], at=when, who="甲", **given)


def asked(world: World, make: Callable[[Source], Report], now: str = NOW) -> Report:
    """Return a report as known at an instant."""
    project = load(world.shop.root)
    path = paths_of(world.shop.root).log
    with world.shop.ledger() as ledger, open_log(path, writable=False) as log:
        return make(Source(project=project, at=at(now), opened_ledger=ledger, opened_log=log))


def tables(report: Report) -> dict[str, list[dict[str, Any]]]:
    return {table.name: json_rows(table, ZONE) for table in report.tables}


@pytest.fixture(scope="module")
def review(world: World) -> dict[str, list[dict[str, Any]]]:
    return tables(asked(world, lambda source: review_report(source, MARCH)))


def inside(instant: int, period: Period = MARCH) -> bool:
    return period.since <= instant < period.until


# -- who is where --------------------------------------------------------------------------------


def bought(world: World, upto: int) -> dict[str, list[int]]:
    """Return customer -> instants of the orders up to an instant."""
    found: dict[str, list[int]] = {name: [] for name in world.customers}
    for name, when, _ in world.orders:
        if when <= upto:
            found[name].append(when)
    return found


def test_segments_are_counted(world: World) -> None:
    """客户分层分析表: customers and share of each segment and class value."""
    now = at(NOW)
    orders = bought(world, now)
    month = now - 30 * 24 * HOUR
    lapsed = {name for name, when in orders.items() if when and max(when) <= month}
    active = {name for name, when in orders.items() if any(each > month for each in when)}
    found = tables(asked(world, segments_report))["segments"]

    assert {row["segment"]: row["customers"] for row in found} == {
        "buyers": sum(map(bool, orders.values())), "active": len(active), "lapsed": len(lapsed),
        "big": sum(10 * n >= 100 for n in range(1, 31)), "unhappy": unhappy(world, now),
    } | {  # the class `stage`, whose first two values have the names of segments
        "other": 30 - len(lapsed) - len(active - lapsed)
    }  # fmt: skip
    assert [row["share"] for row in found] == [round(row["customers"] / 30, 6) for row in found]
    assert {row["model"] for row in found} == {"分群", "阶段"}


def unhappy(world: World, now: int) -> int:
    open_cases = [
        name for name, _, solved in world.cases.values() if solved is None or solved > now
    ]
    return len(set(open_cases))


def test_every_customer_has_a_row(world: World) -> None:
    """客户分层与标签管理表: attributes, classes, segments, last contact; personal ones only if wanted."""
    found = tables(asked(world, customers_report))["customers"]
    bare = asked(world, lambda source: customers_report(source, pii=False))
    last = {
        name: max((w for n, w in world.visits if n == name), default=0) for name in world.customers
    }
    for row in world.shop.rows(
        "SELECT customer, max(coalesce(opened_at, 0)) AS sent FROM actions"
        " WHERE state = 'sent' AND closed_at < (SELECT max(at) FROM runs) GROUP BY customer"
    ):
        last[row["customer"]] = max(last[row["customer"]], row["sent"])

    assert [row["customer"] for row in found] == world.customers
    assert [row["name"] for row in found] == [f"客户{name}" for name in world.customers]
    assert [row["size"] for row in found] == [10 * n for n in range(1, 31)]
    assert found[2]["contract_end"] == "2025-04-03"
    assert all(
        (row["last_contact"] or "")
        >= (to_iso(last[row["customer"]], ZONE) if last[row["customer"]] else "")
        for row in found
    )
    orders = bought(world, at(NOW))
    assert [("买过" in row["segments"].split("、")) for row in found] == [
        bool(orders[name]) for name in world.customers
    ]
    assert {column.name for column in bare.tables[0].columns}.isdisjoint({"name", "address"})


# -- what was done -------------------------------------------------------------------------------


def test_the_record_has_what_was_carried_out(world: World) -> None:
    """客户关怀记录表: a row for each task and message that ended in the span, with what came of it."""
    found = tables(asked(world, lambda source: care_report(source, MARCH)))["care"]
    expected = world.shop.rows(
        "SELECT id, outcome, asked, note, assignee FROM actions WHERE kind IN ('task', 'message')"
        " AND state IN ('done', 'expired', 'sent', 'handed_over', 'failed', 'unknown')"
        " AND closed_at >= ? AND closed_at < ? AND host IS NULL ORDER BY closed_at, id",
        MARCH.since, MARCH.until,
    )  # fmt: skip
    answers = [json.loads(row["asked"] or "{}") for row in expected]

    assert len(found) > 60
    assert [row["action"] for row in found] == [row["id"] for row in expected]
    assert [row["outcome"] for row in found] == [row["outcome"] for row in expected]
    assert [row["who"] for row in found] == [row["assignee"] or "自动" for row in expected]
    assert [f"satisfaction={given['satisfaction'] // 10_000};" in row["feedback"] for row, given in zip(found, answers, strict=True) if given] == [True] * sum(map(bool, answers))  # fmt: skip
    assert {row["what"] for row in found} == {"致电", "致歉信", "资讯", "谈续约"}


def test_the_next_step_is_the_journeys_own(world: World) -> None:
    """What comes next is the next open or planned action of that journey, with when it is due."""
    found = tables(asked(world, lambda source: care_report(source, MARCH)))["care"]
    for row in found:
        (journey,) = world.shop.rows("SELECT journey FROM actions WHERE id = ?", row["action"])
        coming = world.shop.rows(
            "SELECT step, due_by FROM actions WHERE journey = ? AND kind IN ('task', 'message')"
            " AND state IN ('planned', 'due', 'open', 'intent') ORDER BY due_by, id LIMIT 1",
            journey["journey"],
        )

        assert row["next_due"] == (to_iso(coming[0]["due_by"], ZONE) if coming else None)


def test_without_personal_values(world: World) -> None:
    """Without them the record has no texts and no answers."""
    found = asked(world, lambda source: care_report(source, MARCH, pii=False))

    assert {"content", "feedback"}.isdisjoint(column.name for column in found.tables[0].columns)
    assert "satisfaction" not in json.dumps(tables(found))


# -- what is to come -----------------------------------------------------------------------------


def test_the_plan_has_what_is_open_and_planned(world: World) -> None:
    """沟通计划表: open tasks, overdue ones too, and what is planned in the span, by owner."""
    span = Period(at("2025-04-03"), at("2025-05-03"))
    found = tables(asked(world, lambda source: outlook_report(source, span)))
    expected = world.shop.rows(
        "SELECT id, due_by, assignee, kind FROM actions WHERE kind IN ('task', 'message') AND host IS NULL"
        " AND (state = 'open' AND opens_at < ? OR state IN ('planned', 'due') AND opens_at >= ? AND opens_at < ?)",
        span.until, 0, span.until,
    )  # fmt: skip

    assert len(expected) >= 5
    assert {row["action"] for row in found["plan"]} == {row["id"] for row in expected}
    assert {row["action"] for row in found["plan"] if row["overdue"]} == {
        row["id"] for row in expected if row["kind"] == "task" and row["due_by"] < at(NOW)
    }
    owners = [row["owner"] for row in found["plan"]]
    assert owners == sorted(owners)
    assert {row["owner"] for row in found["plan"] if row["channel"] == "letter"} <= {"自动发送"}


def test_an_escalation_is_told_from_its_task(tmp_path: Path) -> None:
    """What was handed up does not stand in the plan under the same words as the task that is late."""
    book = (
        "trigger: {event: complaint}\n"
        "steps: [{step: ring, do: call, title: 致电, due: within 1 hour, assign: owner,"
        " if_overdue: {escalate: boss}}]\n"
    )
    shop = Shop(tmp_path, p=book)
    shop.events(event("c1", "order", "2025-03-01", amount=1))
    shop.run("2025-04-01T08:00")
    shop.events(event("c1", "complaint", "2025-04-02T09:00", case_id="A"))
    shop.run("2025-04-02T09:30", "2025-04-02T12:00")
    span = Period(at("2025-04-02"), at("2025-04-09"))
    rows = tables(asked(World(shop), lambda source: outlook_report(source, span)))["plan"]

    assert sorted(row["what"] for row in rows) == ["致电", "致电（升级）"]


def test_the_calendar_begins_what_the_plan_says(world: World) -> None:
    """预计触发: the rhythm on the 15th for all who bought, and a renewal ten days before each end of
    contract that is not yet begun.
    """
    span = Period(at("2025-04-03"), at("2025-05-03"))
    coming = tables(asked(world, lambda source: outlook_report(source, span)))["coming"]
    ends = {f"c{n:02}": dt.date(2025, 4, n) for n in range(1, 31) if n % 3 == 0}
    days = Counter((end - dt.timedelta(days=10)).isoformat() for end in ends.values())
    news = {"2025-04-15": sum(map(bool, bought(world, at("2025-05-01")).values()))}

    assert {row["day"]: row["customers"] for row in coming if row["playbook"] == "续约"} == {
        day: count for day, count in days.items() if day > "2025-04-03"
    }
    assert {row["day"]: row["customers"] for row in coming if row["playbook"] == "每月资讯"} == news
    assert world.shop.counts()["waiting_slots"] == 0  # the ledger itself was only read


# -- how it went ---------------------------------------------------------------------------------


def test_journeys_and_work_of_playbooks(
    world: World, review: dict[str, list[dict[str, Any]]]
) -> None:
    """Started, running, finished, stopped, done, in time, late and missed are those of the ledger."""
    for row in review["playbooks"]:
        name = {"投诉闭环": "loop", "每月资讯": "news", "续约": "renew"}[row["playbook"]]
        states = Counter(
            each["state"]
            for each in world.shop.rows(
                "SELECT state FROM journeys WHERE playbook = ? AND started_at >= ? AND started_at < ?",
                name, MARCH.since, MARCH.until,
            )
        )  # fmt: skip
        (work,) = world.shop.rows(
            """
            SELECT count(*) AS opened, sum(state IN ('done', 'sent')) AS done,
                sum(kind = 'task' AND state = 'done' AND closed_at <= due_by
                    OR kind = 'message' AND state = 'sent' AND opened_at <= due_by) AS in_time,
                sum(kind = 'task' AND state = 'done' AND closed_at > due_by
                    OR kind = 'message' AND state = 'sent' AND opened_at > due_by) AS late,
                sum(state = 'expired' OR state IN ('open', 'planned', 'due') AND due_by < ?) AS missed
            FROM actions WHERE playbook = ? AND kind IN ('task', 'message') AND host IS NULL
                AND opened_at >= ? AND opened_at < ?
            """,
            at(NOW), name, MARCH.since, MARCH.until,
        )  # fmt: skip

        assert row["started"] == states.total()
        assert [row[state] for state in ("running", "finished", "stopped")] == [
            states[state] for state in ("running", "finished", "stopped")
        ]
        assert {key: row[key] for key in work} == work
        judged = work["in_time"] + work["late"] + work["missed"]
        assert row["on_time"] == (round(work["in_time"] / judged, 6) if judged else None)


def test_goals_against_the_hold_out(world: World, review: dict[str, list[dict[str, Any]]]) -> None:
    """Of all complaints that runs of the month decided, those held out and those cared for reached
    the goal as their cases were solved; the interval is that of the difference.
    """
    counts = {"started": [0, 0], "refused": [0, 0]}
    rows = world.shop.rows(
        "SELECT verb, occurrence FROM decided WHERE gate = 'start' AND playbook = 'loop'"
        " AND customer IS NOT NULL AND run_at >= ? AND run_at < ?"
        " AND (verb = 'started' OR reason = 'holdout')",
        MARCH.since, MARCH.until,
    )  # fmt: skip
    for row in rows:
        key = row["occurrence"].rpartition(":")[2]
        _, begun, solved = world.cases[f"K{key.removeprefix('b')}"]
        hit = solved is not None and begun < solved <= at(NOW) and solved <= begun + 20 * 24 * HOUR
        counts[row["verb"]][0] += 1
        counts[row["verb"]][1] += hit
    (acted, hits), (held, held_hits) = counts["started"], counts["refused"]
    low, high = difference(hits, acted, held_hits, held)
    (found,) = review["goals"]

    assert acted > 15
    assert held > 8
    assert (found["acted"], found["held"]) == (acted, held)
    assert found["acted_share"] == round(hits / acted, 6)
    assert found["held_share"] == round(held_hits / held, 6)
    assert found["gain"] == pytest.approx(hits / acted - held_hits / held, abs=1e-6)
    assert (found["low"], found["high"]) == (
        pytest.approx(low, abs=1e-6),
        pytest.approx(high, abs=1e-6),
    )
    told = "好于对照组" if low > 0 else "差于对照组" if high < 0 else "看不出差别"
    assert found["verdict"] == (told if min(acted, held) >= 30 else "样本太少，不下结论")


def figure(review: dict[str, list[dict[str, Any]]], name: str) -> dict[str, Any]:
    (found,) = [row for row in review["figures"] if row["figure"] == name]
    return found


def test_marks_are_those_that_people_gave(
    world: World, review: dict[str, list[dict[str, Any]]]
) -> None:
    """CSAT, the share of the satisfied and NPS come from the answers of the tasks done in the month."""
    given = [
        json.loads(row["asked"])
        for row in world.shop.rows(
            "SELECT asked FROM actions WHERE state = 'done' AND asked IS NOT NULL AND asked <> '{}'"
            " AND closed_at >= ? AND closed_at < ?", MARCH.since, MARCH.until,
        )
    ]  # fmt: skip
    marks = [each["satisfaction"] // 10_000 for each in given if "satisfaction" in each]
    nps = [each["nps"] // 10_000 for each in given if "nps" in each]
    promoters, detractors = sum(mark >= 9 for mark in nps), sum(mark <= 6 for mark in nps)

    assert len(marks) > 10
    assert figure(review, "满意度 CSAT")["n"] == len(marks)
    assert figure(review, "满意度 CSAT")["value"] == pytest.approx(
        sum(marks) / len(marks), abs=0.005
    )
    assert figure(review, "满意率")["value"] == round(sum(m >= 4 for m in marks) / len(marks), 6)
    assert figure(review, "NPS")["value"] == pytest.approx(
        100 * (promoters - detractors) / len(nps), abs=0.005
    )


def test_orders_churn_and_replies(world: World, review: dict[str, list[dict[str, Any]]]) -> None:
    """Repurchase, order value, churn and replies are those of the events, this month and the last."""
    february = month_of("2025-02", ZONE)
    for key, count, period in (("value", "n", MARCH), ("before", "before_n", february)):
        mine = [(name, amount) for name, when, amount in world.orders if inside(when, period)]
        buyers = {name for name, _ in mine}
        again = {
            name for name in buyers
            if sum(n == name and when < period.until for n, when, _ in world.orders) > 1
        }  # fmt: skip
        edges = [lapsed(world, edge - 1) for edge in (period.since, period.until)]
        kept = set(world.customers) - edges[0]
        cases = [case for case in world.cases.values() if inside(case[1], period)]
        replied = sum(solved is not None and solved <= at(NOW) for _, _, solved in cases)

        assert figure(review, "复购率")[key] == round(len(again) / len(buyers), 6)
        assert figure(review, "下单客户数")[key] == figure(review, "复购率")[count] == len(buyers)
        mean = sum(amount for _, amount in mine) / len(mine)
        assert figure(review, "平均订单金额")[key] == pytest.approx(mean, abs=0.005)
        assert figure(review, "平均订单金额")[count] == len(mine)
        assert figure(review, "流失率")[key] == round(len(kept & edges[1]) / len(kept), 6)
        assert figure(review, "响应率")[key] == (round(replied / len(cases), 6) if cases else None)


def lapsed(world: World, when: int) -> set[str]:
    month = when - 30 * 24 * HOUR
    return {name for name, orders in bought(world, when).items() if orders and max(orders) <= month}


def test_what_was_left_out_and_why(world: World, review: dict[str, list[dict[str, Any]]]) -> None:
    """Refusals and skips stand with their number, also where one row of the ledger stands for many."""
    counts: Counter[tuple[str, str]] = Counter()
    for row in world.shop.rows(
        "SELECT gate, reason, customer, json_extract(evidence, '$.count') AS many FROM decisions"
        " WHERE verb IN ('refused', 'skipped') AND run_at >= ? AND run_at < ?",
        MARCH.since, MARCH.until,
    ):  # fmt: skip
        counts[row["gate"], row["reason"]] += row["many"] if row["customer"] is None else 1

    assert ("start", "holdout") in counts
    assert (
        Counter({(row["gate"], row["reason"]): row["count"] for row in review["suppressed"]})
        == counts
    )


def test_outcomes_steps_and_channels_add_up(review: dict[str, list[dict[str, Any]]]) -> None:
    """Steps and channels are the same work told another way; shares of a task's outcomes make one."""
    for key in ("opened", "done", "in_time", "late", "missed"):
        sums = {
            name: sum(row[key] for row in review[name])
            for name in ("playbooks", "steps", "channels")
        }

        assert len(set(sums.values())) == 1, (key, sums)
    assert sum(row["share"] for row in review["outcomes"]) == pytest.approx(1)
    assert {row["outcome"] for row in review["outcomes"]} == {"fine", "angry"}


def test_segments_of_the_review(world: World, review: dict[str, list[dict[str, Any]]]) -> None:
    """The journeys of a segment are those of the customers who are in it when the month ends."""
    begun = world.shop.rows(
        "SELECT customer FROM journeys WHERE started_at >= ? AND started_at < ?",
        MARCH.since, MARCH.until,
    )  # fmt: skip
    orders = bought(world, MARCH.until - 1)
    (found,) = [row for row in review["segments"] if row["segment"] == "买过"]

    assert found["started"] == sum(bool(orders[row["customer"]]) for row in begun)
    assert found["aiming"] <= found["started"]


def test_the_best_and_the_worst(review: dict[str, list[dict[str, Any]]]) -> None:
    """Nothing of five verdicts or more is better than the best, or worse than the worst."""
    (found,) = [r for r in review["extremes"] if (r["what"], r["measure"]) == ("渠道", "按时率")]
    known = {
        row["channel"]: row["on_time"] for row in review["channels"]
        if row["in_time"] + row["late"] + row["missed"] >= 5
    }  # fmt: skip

    assert len(known) >= 2
    assert found["best_share"] == max(known.values()) == known[found["best"]]
    assert found["worst_share"] == min(known.values()) == known[found["worst"]]


# -- in time -------------------------------------------------------------------------------------


@cache
def third_working_day(day: dt.date) -> dt.date:
    """Return the third day from Monday to Friday after a day."""
    left = 3
    while left:
        day += dt.timedelta(days=1)
        left -= day.weekday() < 5
    return day


def test_limits_between_events(world: World) -> None:
    """服务时效表: each complaint of the month against its answer: 48 hours to the second, and three
    working days to the close of hours.
    """
    found = tables(asked(world, lambda source: sla_report(source, MARCH)))
    rows = {row["limit"]: row for row in found["limits"]}
    cases = [case for case in world.cases.values() if inside(case[1])]
    solved = [(begun, begun + 48 * HOUR, done) for _, begun, done in cases]
    visited = []
    for name, begun, _ in cases:
        day = third_working_day(dt.datetime.fromisoformat(to_iso(begun, ZONE)).date())
        came = min((w for n, w in world.visits if n == name and w >= begun), default=None)
        visited.append((begun, at(f"{day}T18:00"), came))

    assert len(cases) > 20
    assert counted(rows["解决"]) == judged(solved)
    assert counted(rows["拜访"]) == judged(visited)
    late = [row for row in found["late"] if row["what"] == "解决"]
    assert len(late) == judged(solved)[2] + judged(solved)[3]


def judged(cases: list[tuple[int, int, int | None]]) -> list[int]:
    """Return all, in time, late, missed, open."""
    done = [(due, then) for _, due, then in cases if then is not None and then <= at(NOW)]
    waiting = [due for _, due, then in cases if then is None or then > at(NOW)]
    in_time = sum(then <= due for due, then in done)
    missed = sum(due < at(NOW) for due in waiting)
    return [len(cases), in_time, len(done) - in_time, missed, len(waiting) - missed]


def counted(row: dict[str, Any]) -> list[int]:
    return [row[key] for key in ("total", "in_time", "late", "missed", "open")]


def test_limits_of_tasks(world: World) -> None:
    """The tasks that were due in the month, by step: in time, late, not at all."""
    found = tables(asked(world, lambda source: sla_report(source, MARCH)))
    for row in found["steps"]:
        (expected,) = world.shop.rows(
            """
            SELECT count(*) AS total,
                coalesce(sum(state = 'done' AND closed_at <= due_by), 0) AS in_time,
                coalesce(sum(state = 'done' AND closed_at > due_by), 0) AS late,
                coalesce(sum(state IN ('open', 'expired') AND due_by < ?), 0) AS missed
            FROM actions WHERE step = ? AND kind = 'task' AND opened_at IS NOT NULL AND host IS NULL
                AND state NOT IN ('skipped', 'cancelled') AND due_by >= ? AND due_by < ?
            """,
            at(NOW), row["step"], MARCH.since, MARCH.until,
        )  # fmt: skip

        assert {key: row[key] for key in expected} == expected
        assert row["total"] > 0


def test_a_later_look_sees_more(world: World) -> None:
    """As known in the middle of the month, answers that came later are not known yet."""
    cases = [
        case for case in world.cases.values() if inside(case[1]) and case[1] <= at("2025-03-16")
    ]
    span = Period(MARCH.since, at("2025-03-16"))
    found = tables(asked(world, lambda source: sla_report(source, span), "2025-03-16"))
    (row,) = [row for row in found["limits"] if row["limit"] == "解决"]

    assert row["total"] == len(cases)
    assert row["in_time"] + row["late"] == sum(
        done is not None and done <= at("2025-03-16") for _, _, done in cases
    )


# -- shown ---------------------------------------------------------------------------------------


def test_every_report_can_be_shown(world: World) -> None:
    """The text of every report has its title and all its tables."""
    for make in (
        segments_report, customers_report, lambda source: care_report(source, MARCH),
        lambda source: outlook_report(source, Period(at("2025-04-03"), at("2025-05-03"))),
        lambda source: sla_report(source, MARCH),
    ):  # fmt: skip
        report = asked(world, make)
        text = report_text(report, ZONE, business="测试")

        assert text.startswith(f"测试 · {report.title} · {report.when}\n")
        assert all(f"\n{table.title}\n" in text for table in report.tables)


def test_a_page_has_all_tables_and_charts(world: World) -> None:
    """The page of the review has every table, and every chart that has something to draw."""
    report = asked(world, lambda source: review_report(source, MARCH))
    page = page_of(report, ZONE, business="测试")

    assert [table.title in page for table in report.tables] == [True] * 9
    assert page.count("<figure>") == len(report.charts) == 4
    assert all(chart.title in page for chart in report.charts)


def test_a_project_in_which_nothing_happened_has_reports(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Without any journey, task or event of the span each table is empty, and nothing divides by 0."""
    shop = Shop(tmp_path_factory.mktemp("empty"), care=CARE + REPORTS, loop=LOOP)
    shop.events(event("c1", "order", "2024-01-01", amount=1))
    shop.run("2025-03-01T08:00")
    quiet = World(shop)
    found = tables(asked(quiet, lambda source: review_report(source, MARCH)))
    sla = tables(asked(quiet, lambda source: sla_report(source, MARCH)))

    assert {name: rows for name, rows in found.items() if name not in ("figures", "suppressed")} == {
        name: [] for name in ("extremes", "playbooks", "goals", "steps", "channels", "segments", "outcomes")
    }  # fmt: skip
    assert [(row["figure"], row["value"], row["n"]) for row in found["figures"]] == [
        ("流失率", None, 0)
    ] or (found["figures"] == [])
    assert [(row["total"], row["share"]) for row in sla["limits"]] == [(0, None), (0, None)]
