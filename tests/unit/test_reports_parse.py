"""care.yaml: ``reports``; and the spans that reports speak of."""

from __future__ import annotations

import pytest

from engine.reports.report import Period, last_month, month_of
from rules.errors import UsageError
from rules.reporting import Limit, Replies, Reports
from rules.units import Duration, Unit, from_iso, to_iso
from tests.projects import CARE, checked, project

ZONE = "Asia/Shanghai"


def reports(text: str) -> Reports:
    return project(care=f"{CARE}reports:\n{text}").reports


def at(text: str) -> int:
    return from_iso(text, ZONE)


def test_without_the_section_nothing_is_counted() -> None:
    """A project without `reports`, or with a bare one, counts only what care did."""
    assert project(care=CARE).reports == Reports()
    assert project(care=f"{CARE}reports:\n").reports == Reports()


def test_every_key_arrives_in_its_type() -> None:
    """Fields, pairs of events, segments and limits arrive; groups are resolved."""
    found = reports(
        "  orders: order.amount\n"
        "  nps: [order.amount]\n"
        "  satisfaction: care_done.satisfaction\n"
        "  replies: {of: complaint, by: solved, same: case_id}\n"
        "  churned: tier.其他\n"
        "  limits:\n"
        "    首次联系: {from: [complaint], to: contact, within: 3 working days}\n"
    )

    assert found == Reports(
        orders={"order": "amount"}, nps={"order": "amount"},
        satisfaction={"care_done": "satisfaction"},
        replies=Replies(of=("complaint",), by=("solved",), same="case_id"), churned="tier.其他",
        limits=(
            Limit(
                title="首次联系", start=("complaint",), end=("care_done", "visit"), same=None,
                within=Duration(3, Unit.WORKING_DAY),
            ),
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("  orders: order.amout\n", 'no field "amout"; did you mean "amount"'),
        ("  orders: order\n", "write order.amount"),
        ("  nps: order.product\n", "this field holds none"),
        ("  churned: buyer\n", 'no segment "buyer"; did you mean "buyers"'),
        ("  replies: {of: complaint, by: solvd}\n", 'no event "solvd"; did you mean "solved"'),
        ("  replies: {of: complaint, by: solved, same: caseid}\n", 'did you mean "case_id"'),
        ("  limits: {a: {from: complaint, to: solved, within: 3 wks}}\n", "write 3 weeks"),
        ("  limits: {a: {from: complaint, to: solved}}\n", "within"),
        ("  orders: order.amount\n  order: x\n", 'no key "order"'),
    ],
)
def test_what_is_wrong_is_said_with_what_to_write(text: str, message: str) -> None:
    """Unknown names, wrong types and missing keys are one error each, at their place."""
    _, findings = checked(care=f"{CARE}reports:\n{text}")

    assert len(findings) == 1, findings
    assert message in str(findings[0])
    assert findings[0].span.file == "care.yaml"


def test_no_decision_hangs_on_it() -> None:
    """`reports` leaves the configuration as it is: no run is another one for it."""
    bare, told = project(care=CARE), project(care=f"{CARE}reports: {{orders: order.amount}}\n")

    assert told.reports != bare.reports
    assert told.config_hash == bare.config_hash


@pytest.mark.parametrize(
    ("since", "until", "words", "before"),
    [
        ("2025-03-01", "2025-04-01", "2025-03", "2025-02-01"),
        ("2025-01-01", "2025-04-01", "2025-01-01 至 2025-03-31", "2024-10-01"),
        ("2025-03-03", "2025-03-04", "2025-03-03", "2025-03-02"),
        ("2025-03-03", "2025-03-10", "2025-03-03 至 2025-03-09", "2025-02-24"),
        ("2025-03-03T08:00", "2025-03-03T20:00", "2025-03-03 08:00 至 2025-03-03 20:00", "2025-03-02T20:00"),
    ],
)  # fmt: skip
def test_spans_are_told_and_compared_as_people_do(
    since: str, until: str, words: str, before: str
) -> None:
    """Whole months go with whole months, everything else with the same length before it."""
    period = Period(at(since), at(until))

    assert period.words(ZONE) == words
    assert period.before(ZONE) == Period(at(before), at(since))


def test_months() -> None:
    """A month is its days in the business zone; last month is the last whole one."""
    assert month_of("2024-02", ZONE) == Period(at("2024-02-01"), at("2024-03-01"))
    assert to_iso(month_of("2025-12", ZONE).until, ZONE) == "2026-01-01T00:00:00+08:00"
    assert last_month(at("2025-01-31T23:59"), ZONE) == month_of("2024-12", ZONE)
    assert last_month(at("2025-02-01"), ZONE) == month_of("2025-01", ZONE)


@pytest.mark.parametrize("text", ["2025", "2025-13", "March", "2025-00", "2025-03-01"])
def test_what_is_no_month(text: str) -> None:
    """Anything else is told how a month is written."""
    with pytest.raises(UsageError, match="write --month 2011-11"):
        month_of(text, ZONE)
