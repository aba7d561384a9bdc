"""house.yaml: every key becomes its type, and what rules cannot say is refused with its line."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from rules.conditions import Compare, InSegment
from rules.errors import Span
from rules.house import house_gate_rules, house_problems
from rules.matcher import FactKind
from rules.playbook import Cap, Consent, HouseRule, HouseRules, Quiet, Route, Verdict
from rules.project import check_files
from rules.units import Duration, Unit
from tests.projects import CARE, PLAYBOOK, project, told

ASKED = CARE.replace("  vip: yes_no\n", "  vip: yes_no\n  ok: yes_no\n  via: [call, letter]\n")
PLACE = Span("house.yaml", 1, 1)


def house(text: str) -> HouseRules:
    return project(care=ASKED, house=text, p=PLAYBOOK).house


def rule(then: str) -> HouseRule:
    text = f"rules:\n  - {{rule: 规则1, when: {{work: {{purpose: a}}}}, then: {then}}}\n"
    return house(text).rules[0]


@pytest.mark.parametrize(
    ("then", "verdict", "rest"),
    [
        ("hold", Verdict.HOLD, (None, None, None)),
        ("skip", Verdict.SKIP, (None, None, None)),
        ("defer 2 days", Verdict.DEFER, (Duration(2, Unit.DAY), None, None)),
        ("assign manager", Verdict.ASSIGN, (None, "manager", None)),
        ("use letter", Verdict.USE, (None, None, "letter")),
    ],
)
def test_the_five_verdicts(then: str, verdict: Verdict, rest: tuple[object, ...]) -> None:
    """`then` is hold, skip, defer D, assign a role or use a channel."""
    found = rule(then)

    assert (found.verdict, (found.delay, found.role, found.channel)) == (verdict, rest)


def test_caps() -> None:
    """A cap has its number and window; purposes, channels and exemptions may narrow it."""
    first, second = house(
        "caps:\n  - {at_most: 3, per: 7 days}\n"
        "  - {at_most: 1, per: 1 month, purposes: a, channels: [call], exempt: [b], then: skip}\n"
    ).caps

    assert first == Cap(at_most=3, per=Duration(7, Unit.DAY), path="caps/0", span=PLACE)
    assert second == Cap(
        at_most=1, per=Duration(1, Unit.MONTH), path="caps/1", span=PLACE, purposes=("a",),
        channels=("call",), exempt=("b",), verdict=Verdict.SKIP,
    )  # fmt: skip


@pytest.mark.parametrize("hours", ["21:00-08:30", "21:00 - 8:30", "２１：００-08:30"])
def test_quiet_hours(hours: str) -> None:
    """Hours may span midnight; `wait` is the default."""
    found = house(f'quiet: {{hours: "{hours}", exempt: [a]}}\n').quiet

    assert found == Quiet(start=dt.time(21), end=dt.time(8, 30), span=PLACE, exempt=("a",))


def test_consent_as_one_mapping_and_as_a_list() -> None:
    """A mapping binds its purposes; a list gives each line its own; a mark forbids."""
    one = house("consent: {letter: customer.ok, call: vip, purposes: [a, b]}\n").consent
    several = house(
        "consent:\n  - {letter: ok}\n  - {do_not_contact: vip}\n  - {all: ok}\n"
    ).consent

    assert one == (
        Consent(channel="letter", attribute="ok", span=PLACE, path="consent/letter",
                purposes=("a", "b")),
        Consent(channel="call", attribute="vip", span=PLACE, path="consent/call",
                purposes=("a", "b")),
    )  # fmt: skip
    assert several == (
        Consent(channel="letter", attribute="ok", span=PLACE, path="consent/0/letter"),
        Consent(channel="all", attribute="vip", span=PLACE, path="consent/1/do_not_contact",
                refuses=True),
        Consent(channel="all", attribute="ok", span=PLACE, path="consent/2/all"),
    )  # fmt: skip


def test_routing() -> None:
    """A line names a channel or the attribute that names it, and may have a condition."""
    first, second, third, fourth = house(
        "routing:\n  - {use: via}\n  - {if: {size: above 3}, use: call}\n"
        "  - {if: buyers, use: customer.via}\n  - {use: letter}\n"
    ).routing

    assert first == Route(use="via", of_attribute=True, path="routing/0", span=PLACE)
    assert isinstance(second.condition, Compare)
    assert (second.use, second.of_attribute) == ("call", False)
    assert isinstance(third.condition, InSegment)
    assert (third.use, third.of_attribute) == ("via", True)
    assert fourth == Route(use="letter", of_attribute=False, path="routing/3", span=PLACE)


def test_a_line_of_routing_that_can_never_be_taken() -> None:
    """What stands above for everybody makes the same below useless: a warning."""
    text = "routing:\n  - {use: letter}\n  - {if: buyers, use: letter}\n"

    (found,) = told(care=ASKED, house=text, p=PLAYBOOK)
    assert found == (
        "house.yaml:3:5: warning[route-hidden] a line above tries letter for everybody already;"
        " take this line out"
    )


def test_an_empty_house() -> None:
    """Keys with nothing behind them, and no file at all, are no rules."""
    assert house("rules:\n") == HouseRules()
    assert project(care=ASKED, p=PLAYBOOK).house == HouseRules()


def test_house_rules_become_rules_of_the_matcher() -> None:
    """Work, customer and running are its kinds of fact; conditions come in as words."""
    rules = house(
        "rules:\n  - rule: 一\n    when: {work: {purpose: [a, b]}, customer: {size: above 3},"
        " running: {playbook: p}}\n    then: hold\n"
    )
    (compiled,) = house_gate_rules(rules)

    assert compiled.name == "house 一"
    assert [part.kind for part in compiled.parts] == [
        FactKind.WORK, FactKind.CUSTOMER, FactKind.RUNNING,
    ]  # fmt: skip
    assert [(test.field, test.values) for part in compiled.parts for test in part.tests] == [
        ("purpose", ("a", "b")), ("rule_0", ("yes",)), ("playbook", ("p",)),
    ]  # fmt: skip


def test_what_the_compiler_refuses() -> None:
    """A hold by channel, and two rules of one name, can't be told to a matcher."""
    made = HouseRule(name="x", span=PLACE, path="rules/0", verdict=Verdict.HOLD, channels=("call",))
    found = house_problems(HouseRules(rules=(made, made)))

    assert [message for _, message, _ in found] == [
        'rule "x" holds whole journeys, and a journey has no channel',
        'rule "x" holds whole journeys, and a journey has no channel',
        'rule "x": two rules have this name; rename one',
    ]


def test_the_house_of_the_examples() -> None:
    """The house.yaml of the language's examples is read whole."""
    folder = Path(__file__).parents[1] / "golden" / "language"
    files = {
        name: (folder / name).read_bytes() for name in ("care.yaml", "shared.yaml", "house.yaml")
    }
    found, findings = check_files(files)

    assert found is not None, "\n".join(map(str, findings))
    house = found.house
    assert [rule.verdict for rule in house.rules] == [Verdict.HOLD, Verdict.HOLD]
    assert [(line.use, line.of_attribute) for line in house.routing] == [
        ("preferred_channel", True), ("wecom", False), ("email", False),
    ]  # fmt: skip
    assert [(cap.at_most, cap.per, cap.verdict) for cap in house.caps] == [
        (3, Duration(7, Unit.DAY), Verdict.DEFER)
    ]
    assert house.quiet is not None
    assert (house.quiet.start, house.quiet.end) == (dt.time(21), dt.time(8, 30))
    assert [(line.channel, line.attribute, line.purposes) for line in house.consent] == [
        ("email", "email_ok", ("marketing",))
    ]
