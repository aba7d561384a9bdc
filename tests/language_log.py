"""What happens to the firm of the language page: orders, complaints, talk, and who its customers are.

Some twenty customers, most of them as one example needs them; the days count from the first run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from engine.ids import stable_share

__all__ = ["FIRST", "IDLE", "OUT", "OUT_OF_ALL", "SLOW", "day", "events", "late_events", "profiles"]

FIRST = date(2025, 9, 1)  #: the day of the first run, a Monday
SLOW = ("c05", "c10", "c18", "c19")  #: whose tasks take five days
IDLE = ("c06", "c15")  #: whose tasks nobody does


def day(number: int, time: str = "10:00") -> str:
    """Return a moment so many days after the first run's day."""
    return f"{FIRST + timedelta(days=number)}T{time}"


def held_out(what: str, share: float) -> str:
    """Return a customer in the hold-out of a playbook, or of the ``project``."""
    return next(
        name for name in map("h{}".format, range(1_000)) if stable_share(what, name) < share
    )


OUT = held_out("who_and_how_often_1", 0.05)
OUT_OF_ALL = held_out("project", 0.02)

#: customer -> spans of days in which there is an order a week
_WEEKLY: Mapping[str, Sequence[tuple[int, int]]] = {
    "c01": [(-400, 200)], "c02": [(-200, 200)], "c03": [(-120, 200)],
    "c04": [(-100, -3), (45, 115)], "c05": [(-100, 2)], "c06": [(-100, 4)], "c07": [(-100, 9)],
    "c08": [(-100, -65), (-30, 160)], "c09": [(5, 200)], "c11": [(-500, -150)],
    "c12": [(-500, -450)], "c15": [(-100, 3)], "c16": [(-90, 0), (30, 44)], "c19": [(-120, -77)],
    "c21": [(-100, -50)], OUT: [(-100, 2)], OUT_OF_ALL: [(-20, 0)],
}  # fmt: skip
#: customer -> days with an order
_ONCE: Mapping[str, Sequence[int]] = {
    "c10": (4, 10, 60), "c13": (-80, -40, -5), "c17": (12,), "c18": (-10, 8, 20),
    "c20": (-300, *(10,) * 35),  # more in an evening than all but two others ever had
    "c21": (5, 5, 6, 6, 7, 7, 8, 8),
}  # fmt: skip


def _orders(customer: str) -> Iterator[str]:
    """Yield when a customer orders: weekly and ever on, less and less, more and more, seldom."""
    for first, last in _WEEKLY.get(customer, ()):
        yield from (day(number, "11:00") for number in range(first, last, 7))
    for index, number in enumerate(_ONCE.get(customer, ())):
        yield day(number, f"11:{index:02}")


#: customer -> (day of opening, case, severity, day of its end or None)
_COMPLAINTS: Mapping[str, Sequence[tuple[int, str, str, int | None]]] = {
    "c01": [(1, "A1", "high", 3), (2, "A2", "low", 9)],
    "c02": [(2, "B1", "low", 24)],
    "c03": [(3, "C1", "high", 4), (30, "C2", "high", 31)],
    "c05": [(6, "E1", "low", 50), (8, "E2", "low", 50)],
    "c06": [(40, "F1", "high", 44)],
    OUT_OF_ALL: [(2, "Z1", "low", None)],
    "c10": [(8, "J1", "high", 9)],
    "c12": [(4, "L1", "low", 60)],
    "c13": [(12, "M1", "high", 13)],
    "c14": [(7, "N1", "high", 60)],
    "c15": [(4, "O1", "high", None)],
    "c16": [(5, "P1", "low", 60)],
    "c17": [(9, "Q1", "high", 16)],
    "c18": [(9, "R1", "low", 11)],
    "c20": [(3, "T1", "low", 60)],
    "c19": [(18, "S1", "low", 60)],
}


def events() -> Iterator[dict[str, Any]]:
    """Yield all events, one row each."""
    for number, name in enumerate((*(f"c{n:02}" for n in range(1, 22)), OUT, OUT_OF_ALL)):
        yield {"event": "signup", "customer": name, "at": day(-600 + number)}
        for index, when in enumerate(_orders(name)):
            yield {
                "event": "order", "customer": name, "at": when, "amount": 20 + 60 * (index % 3),
                "product": ("茶", "咖啡", "杯")[index % 3], "paid": ("yes", "no")[index % 4 == 3],
            }  # fmt: skip
        for opened, case, severity, solved in _COMPLAINTS.get(name, ()):
            row = {"customer": name, "case_id": case}
            yield {**row, "event": "complaint_opened", "at": day(opened), "severity": severity}
            if solved is not None:
                yield {**row, "event": "complaint_resolved", "at": day(solved, "15:00")}
    yield from _talk()


def _talk() -> Iterator[dict[str, Any]]:
    """Yield visits, messages with and without an answer, renewals and surveys."""
    for number in range(-60, 60, 10):
        for name, wait in (
            ("c01", timedelta(seconds=20)),
            ("c02", timedelta(hours=2)),
            ("c03", None),
        ):
            key = f"m{number}-{name}"
            sent = datetime.fromisoformat(day(number, "09:00"))
            row = {"customer": name, "message_id": key}
            yield {**row, "event": "message_sent", "at": sent.isoformat()}
            if wait is not None:
                yield {**row, "event": "message_reply", "at": (sent + wait).isoformat()}
    for name, number, minutes in (
        ("c01", -40, 30), ("c01", -20, 30), ("c01", 10, 30), ("c02", 11, 4), ("c04", -50, 10),
        ("c04", -30, 10), ("c04", -9, 10), ("c17", 14, 20), ("c18", 17, 3), ("c10", 12, 15), ("c09", 10, 8),
    ):  # fmt: skip
        after = FIRST + timedelta(days=number + 7)
        yield {
            "event": "visit", "customer": name, "at": day(number, "14:00"), "minutes": minutes,
            "next_visit": f"{after}",
        }  # fmt: skip
    yield {"event": "renewed", "customer": "c01", "at": day(20)}
    yield {"event": "survey", "customer": "c01", "at": day(21), "nps": 9, "reason": "quality"}


def late_events() -> Iterator[dict[str, Any]]:
    """Yield what reaches the log ten days after the first run, some of it long after it happened."""
    yield {"event": "visit", "customer": "c09", "at": day(8, "14:00"), "minutes": 5}
    yield {"event": "message_reply", "customer": "c01", "at": day(4), "message_id": "m-10-c01"}
    yield {
        "event": "complaint_opened", "customer": "c09", "at": day(2), "case_id": "I1",
        "severity": "high",
    }  # fmt: skip
    yield {
        "event": "complaint_opened", "customer": "c09", "at": day(-3), "case_id": "I0",
        "severity": "high",
    }  # fmt: skip


def profiles() -> Iterator[dict[str, Any]]:
    """Yield what is known of the customers; two of them get another manager later."""
    for row in _known():
        yield row
        if row["customer"] in ("c02", "c08"):
            yield {**row, "at": day(6), "account_manager": "赵敏"}


def _known() -> Iterator[dict[str, Any]]:
    for number in range(1, 22):
        end = FIRST + timedelta(days=30 * number - 20 if number != 13 else -295)
        yield {
            "customer": f"c{number:02}", "at": day(-500), "name": f"客户{number}",
            "region": ("华东", "华南", "华北", "")[number % 4],
            "size": (5, 60, 1600, 6000, "")[number % 5] if number != 8 else 600_000, "vip": {6: "no", 7: "yes", 14: "no", 21: "no"}.get(number, ("yes", "no", "")[number % 3]),
            "need": ("price", "service", "price,service", "")[number % 4],
            "contract_end": "" if number % 6 == 0 else f"{end}",
            "account_manager": "" if number % 5 == 0 else ("王芳", "李雷")[number % 2],
            "letter_ok": ("yes", "no", "yes", "")[number % 4], "no_contact": ("no", "yes")[number == 7],
            "points": 10 * number, "tz": ("Asia/Shanghai", "Europe/London")[number % 2],
            "joined": day(-550 + number), "birthday": f"19{70 + number}-0{number % 9 + 1}-10",
            "email": f"c{number}@example.com",
            "pain_point": ("cost", "slow_service", "hard_to_use")[number % 3],
            "kind": ("company", "person")[number % 2],
        }  # fmt: skip
