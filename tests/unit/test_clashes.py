"""Playbooks and house rules that do not go together, each with a customer for whom it is so."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from engine.clashes import clashes, meetings
from rules.conditions import InSegment
from rules.doubts_solver import Goal, Solver, Want
from rules.doubts_story import Example, example
from rules.evaluate import Evaluator
from rules.measures import Catalogue
from rules.playbook import Project
from rules.project import check, check_files
from rules.vocabulary import Vocabulary
from tests.projects import CARE, SHARED
from tests.strategies import World, worlds

ROOT = Path(__file__).parents[2]
SOME = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
CALL = "steps: [{step: call, do: call, assign: manager, due: within 3 days}]\n"
LAPSED = "trigger: {enters: slipping}\n"


def project(house: str = "", **books: str) -> Project:
    files = {"care.yaml": CARE, "shared.yaml": SHARED, "house.yaml": house}
    for name, text in books.items():
        files[f"playbooks/{name}.yaml"] = f"playbook: {name}\nowner: x\n{text}"
    found, findings = check_files({name: text.encode() for name, text in files.items() if text})
    assert found is not None, findings
    assert not found.broken, findings
    return found


def codes(house: str = "", **books: str) -> list[str]:
    return [each.code for each in clashes(project(house, **books))]


def truths(
    vocabulary: Vocabulary, catalogue: Catalogue, found: Example, goals: list[Goal]
) -> list[bool]:
    """Return whether each goal is true of the example, by an evaluator of its own."""
    person = Evaluator(vocabulary, catalogue, at=found.at, history=found.history, ranks=found.ranks)
    return [person.verdict(condition) in want.value for condition, want in goals]


# Playbooks that meet


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (LAPSED + CALL, LAPSED + CALL),
        ("trigger: {event: complaint}\n" + CALL, "trigger: [{enters: buyers}, {event: complaint}]\n" + CALL),
        (LAPSED + "only: {size: at least 5}\n" + CALL, LAPSED + "only: {size: below 9}\n" + CALL),
        ("trigger: {date: contract_end, before: 30 days}\n" + CALL,) * 2,
        ("trigger: {every: month, in: buyers}\n" + CALL, "trigger: {every: month}\nonly: {tier: A}\n" + CALL),
        (LAPSED + CALL, LAPSED + "steps: [{step: w, wait: 3 days}, {step: again, do: call, assign: manager, due: within 2 days}]\n"),
    ],
)  # fmt: skip
def test_playbooks_that_meet(one: str, other: str) -> None:
    """Two playbooks that call one customer in a week are told, with such a customer."""
    found = project(a=one, b=other)

    [meeting] = meetings(found)
    [finding] = clashes(found)
    assert finding.code == "same-week"
    assert finding.span.file == "playbooks/b.yaml"
    assert meeting.goals == () or all(
        truths(found.vocabulary, meeting.solver.catalogue, meeting.example, list(meeting.goals))
    )
    assert meeting.example.told in finding.message


@pytest.mark.parametrize(
    ("house", "one", "other"),
    [
        ("", LAPSED + CALL, "trigger: {enters: buyers}\n" + CALL),
        ("", LAPSED + CALL, LAPSED + "steps: [{step: l, do: letter}]\n"),
        ("", LAPSED + "only: {vip: yes}\n" + CALL, LAPSED + "only: {vip: no}\n" + CALL),
        ("", LAPSED + "except: {vip: yes}\n" + CALL, LAPSED + "only: {vip: yes}\n" + CALL),
        ("", LAPSED + CALL, LAPSED + "status: draft\n" + CALL),
        ("", LAPSED + CALL, LAPSED + "steps: [{step: c, choose: [{if: {vip: yes}, then: [{step: call, do: call, assign: manager}]}]}]\n"),
        ("", LAPSED + CALL, LAPSED + "steps: [{step: w, wait: 9 days}, {step: call, do: call, assign: manager}]\n"),
        ("caps: [{at_most: 1, per: 7 days, then: defer}]\n", LAPSED + CALL, LAPSED + CALL),
        ("rules: [{rule: r, when: {work: {playbook: b}, running: {playbook: a}}, then: hold}]\n", LAPSED + CALL, LAPSED + CALL),
        ("rules: [{rule: r, when: {work: {playbook: a}, running: {playbook: b}}, then: skip}]\n", LAPSED + CALL, LAPSED + CALL),
        ("", "trigger: {event: order, where: {paid: yes}}\n" + CALL, "trigger: {event: order, where: {paid: no}}\n" + CALL),
    ],
)  # fmt: skip
def test_playbooks_that_stay_apart(house: str, one: str, other: str) -> None:
    """Other triggers, channels, customers or weeks, a cap, or a rule of the house: nothing to say."""
    assert codes(house, a=one, b=other) == []


# House rules and caps


RULE = "{rule: %s, when: {work: {playbook: a}, customer: {%s}}, then: %s}"


def rules(*lines: tuple[str, str]) -> str:
    shown = (RULE % (f"r{index}", *line) for index, line in enumerate(lines))
    return "rules:\n" + "".join(f"  - {line}\n" for line in shown)


@pytest.mark.parametrize(
    ("house", "expected"),
    [
        (rules(("vip: yes", "assign manager"), ("size: above 5", "assign owner")), ["rules-disagree"]),
        (rules(("vip: yes", "use letter"), ("size: above 5", "use call")), ["rules-disagree"]),
        (rules(("vip: yes", "assign manager"), ("size: above 5", "assign manager")), []),
        (rules(("vip: yes", "assign manager"), ("vip: no", "assign owner")), []),
        (rules(("vip: yes", "skip"), ("size: above 5", "defer 1 day")), []),
        ("rules: [{rule: r, when: {work: {playbook: a, channel: letter}}, then: skip}]\n", ["idle-rule"]),
        ("rules: [{rule: r, when: {work: {playbook: a, channel: call}}, then: skip}]\n", []),
        ("rules: [{rule: r, when: {work: {playbook: a}, running: {playbook: a, purpose: care}}, then: skip}]\n", ["idle-rule"]),
        ("caps: [{at_most: 1, per: 7 days}]\n", []),
    ],
)  # fmt: skip
def test_house_rules(house: str, expected: list[str]) -> None:
    """Rules that disagree about one customer, and rules that judge nothing, are told."""
    second = "purpose: care\ntrigger: {event: complaint}\nsteps: [{step: w, wait: 1 day}]\n"

    assert codes(house, a=LAPSED + CALL, c=second) == expected


@pytest.mark.parametrize(
    ("cap", "expected"),
    [
        ("at_most: 1, per: 30 days", ["cap-too-small"]),
        ("at_most: 2, per: 30 days", []),
        ("at_most: 1, per: 3 days", []),
        ("at_most: 1, per: 30 days, purposes: [other]", []),
        ("at_most: 1, per: 30 days, channels: [letter]", []),
    ],
)
def test_caps(cap: str, expected: list[str]) -> None:
    """A cap that one playbook alone breaks as planned is told."""
    steps = """\
steps:
  - {step: call, do: call, assign: manager, due: within 1 day}
  - {step: later, do: call, assign: manager, due: between 5 and 6 days}
"""

    assert codes(f"caps: [{{{cap}}}]\n", a=LAPSED + steps) == expected


# Examples


@given(worlds(rows=8, definitions=8))
@SOME
def test_every_example_is_true(world: World) -> None:
    """A customer that is named for two conditions meets both, in whatever catalogue."""
    solver = Solver(vocabulary=world.vocabulary, catalogue=world.catalogue)
    names = list(world.catalogue.segments)[:3]
    wrong = []
    for index, name in enumerate(names):
        goals: list[Goal] = [
            (InSegment(names=(name,)), Want.HOLDS),
            (InSegment(names=(names[index - 1],)), Want.NOT_HOLDS if index else Want.HOLDS),
        ]
        found = example(solver, goals)
        if found and not all(truths(world.vocabulary, world.catalogue, found, goals)):
            wrong.append(name)

    assert wrong == []


def test_examples_are_found_for_most_segments() -> None:
    """For at least nine of ten segments and class values of the samples somebody is found."""
    found: dict[str, bool] = {}
    for folder in ("playbooks/samples/starter", "tests/golden/language"):
        loaded, _ = check(ROOT / folder)
        assert loaded is not None
        catalogue = loaded.catalogue
        solver = Solver(vocabulary=loaded.vocabulary, catalogue=catalogue)
        values = [f"{k.name}.{v.value}" for k in catalogue.classes.values() for v in k.values]
        for name in [*catalogue.segments, *values]:
            found[name] = example(solver, [(InSegment(names=(name,)), Want.HOLDS)]) is not None

    assert len(found) > 30
    assert sum(found.values()) >= 0.9 * len(found), [k for k, v in found.items() if not v]
