"""What can't come true is told, and what can is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.clashes import clashes
from rules.doubts import doubts
from rules.project import check, check_files
from tests.projects import CARE, PLAYBOOK, SHARED

ROOT = Path(__file__).parents[2]


def told(*, segments: str = "", classes: str = "", house: str = "", **books: str) -> list[str]:
    """Return ``code: message`` of what is doubtful in a project with these lines besides."""
    shared = SHARED.replace("classes:\n", f"{segments}classes:\n{classes}")
    files = {"care.yaml": CARE, "shared.yaml": shared, "house.yaml": house}
    files |= {f"playbooks/{name}.yaml": text for name, text in {"p": PLAYBOOK, **books}.items()}
    project, findings = check_files({name: text.encode() for name, text in files.items() if text})
    assert project is not None, findings
    assert not project.broken, findings
    return [f"{each.code}: {each.message}" for each in doubts(project)]


def segment(condition: str) -> list[str]:
    return told(segments=f"  x: {{title: 某, {condition}}}\n")


@pytest.mark.parametrize(
    ("condition", "why"),
    [
        ("all: [{orders: above 5}, {orders: below 6}]", "`orders: above 5` and `orders: below 6`"),
        ("all: [{size: above 5}, {not: {size: above 5}}]", "`size: above 5` and `not: size: above 5`"),
        ("orders: below 0", "`orders: below 0` is never true"),
        ("answered: above 100%", "`answered: above 100%` is never true"),
        ("orders_change: down more than 120%", "`orders_change: down more than 120%` is never true"),
        ("orders: unknown", "`orders: unknown` is never true"),
        ("last_order: within next 3 days", "`last_order: within next 3 days` is never true"),
        ("all: [{last_order: within last 3 days}, {last_order: at least 1 week ago}]", "never true together"),
        ("all: [{last_order: within last 80 days}, {last_order: at least 3 months ago}]", "never true together"),
        ("all: [{industry: 教育}, {industry: not 教育}]", "never true together"),
        ("all: [{industry: [教育]}, {not: {industry: [教育, 制造业]}}]", "制造业]` is never true"),
        ("all: [{vip: yes}, {vip: unknown}]", "never true together"),
        ("all: [{need: has price}, {not: {need: has price}}]", "never true together"),
        ("all: [{product: 甲}, {product: 乙}]", "never true together"),
        ("in: buyers, orders: 0", "`in: buyers` and `orders: 0` are never true together"),
        ("all: [{tier: A}, {orders: at most 3}]", "`tier: A` and `orders: at most 3`"),
        ("all: [{not: {tier: A}}, {orders: 0}]", "never true together"),
        ("all: [{tier: unknown}, {in: buyers}]", "never true together"),
        ("all: [{not: {in: buyers}}, {orders: above 0}]", "never true together"),
        ("all: [{any: [{orders: 1}, {orders: 2}]}, {orders: above 2}]", "never true together"),
        ("all: [{size: known}, {size: below 1}, {size: above 3}]", "`size: below 1` and `size: above 3`"),
        ("all: [{orders: top 10% of buyers}, {orders: 0}]", "never true together"),
    ],
)  # fmt: skip
def test_contradictions_are_found(condition: str, why: str) -> None:
    """A segment that nobody can be in is told, with the parts that speak against each other."""
    found = segment(condition)

    assert [each.partition(":")[0] for each in found] == ["matches-nobody"]
    assert why in found[0]


@pytest.mark.parametrize(
    "condition",
    [
        "all: [{orders: at least 5}, {orders: below 6}]",
        "all: [{size: above 5}, {size: below 6}]",
        "orders_change: down more than 90%",
        "orders_more: down at least 2",
        "all: [{last_order: within last 90 days}, {last_order: at least 3 months ago}]",
        "all: [{last_order: within last 1 week}, {last_order: at least 6 days ago}]",
        "all: [{contract_end: within next 30 days}, {contract_end: known}]",
        "all: [{need: has price}, {not: {need: has service}}]",
        "all: [{not: {in: buyers}}, {orders: 0}]",
        "all: [{tier: 其他}, {orders: between 1 and 9}]",
        "any: [{all: [{vip: yes}, {vip: no}]}, {vip: no}]",
        "all: [{product: not 甲}, {product: not 乙}]",
        "all: [{orders: top 10% of buyers}, {orders: above 0}]",
    ],
)
def test_what_can_be_is_left_alone(condition: str) -> None:
    """Conditions that somebody can meet, on some day of the year, make no warning."""
    assert segment(condition) == []


def test_values_of_classes_behind_others() -> None:
    """A value of a class that those above it leave nobody for is told; the last, without if, is not."""
    lines = """\
  k:
    values:
      - {value: 多, if: {orders: at least 3}}
      - {value: 很多, if: {orders: at least 10}}
      - {value: 少, if: {orders: below 3}}
      - {value: 其他}
"""
    [found] = told(classes=lines)

    assert found == (
        'matches-nobody: value "很多" of class "k" can match nobody: the values above take everybody whom'
        " it would take"
    )


def book(steps: str, head: str = "", trigger: str = "{event: complaint}") -> list[str]:
    text = f"playbook: q\nowner: x\ntrigger: {trigger}\n{head}steps:\n{steps}"
    return [each.partition(":")[0] for each in told(q=text)]


LETTER = "  - {step: l, do: letter}\n"


@pytest.mark.parametrize(
    ("head", "trigger", "expected"),
    [
        ("only: {orders: 0}\n", "{enters: buyers}", ["never-starts"]),
        ("except: [buyers]\n", "{enters: buyers}", ["never-starts"]),
        ("only: [buyers]\nexcept: {orders: above 0}\n", "{event: complaint}", ["never-starts"]),
        ("only: [buyers]\n", "{leaves: buyers}", ["never-starts"]),
        ("only: {tier: 其他}\n", "{changes: tier, to: A}", ["never-starts"]),
        ("only: {orders: 0}\n", "{every: month, in: buyers}", ["never-starts"]),
        ("", "{event: order, where: {all: [{amount: above 5}, {amount: below 3}]}}", ["never-starts"]),
        ("stop_when: [{trigger.severity: [low, high]}]\n", "{event: complaint}", []),
        ("stop_when: [{all: [{trigger.severity: low}, {trigger.severity: high}]}]\n", "{event: complaint}", ["matches-nobody"]),
        ("only: {tier: A}\n", "{enters: buyers}", []),
        ("except: {tier: A}\n", "{enters: buyers}", []),
        ("only: {orders: above 0}\n", "{leaves: buyers}", ["never-starts"]),
        ("stop_when: [{all: [{orders: 1}, {orders: 2}]}]\n", "{event: complaint}", ["matches-nobody"]),
    ],
)  # fmt: skip
def test_playbooks_that_never_start(head: str, trigger: str, expected: list[str]) -> None:
    """``only`` and ``except`` that refuse everybody whom the trigger brings are told."""
    assert book(LETTER, head, trigger) == expected


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("  - {step: c, choose: [{if: {orders: above 3}, then: []}, {if: {orders: above 5}, then: []}]}\n", ["unreachable"]),
        ("  - {step: c, choose: [{if: {orders: above 5}, then: []}, {if: {orders: above 3}, then: []}]}\n", []),
        ("  - {step: c, choose: [{if: {orders: below 0}, then: []}, {else: []}]}\n", ["unreachable"]),
        ("  - {step: c, choose: [{if: {vip: yes}, then: []}, {if: {vip: no}, then: []}, {if: {vip: unknown}, then: []}, {else: []}]}\n", []),
        ("  - {step: t, do: call, assign: manager, ask: {mark: 1 to 5}}\n  - {step: c, choose: [{if: {t.mark: above 5}, then: []}, {else: []}]}\n", ["unreachable"]),
        ("  - {step: t, do: call, assign: manager, ask: {mark: 1 to 5}}\n  - {step: c, choose: [{if: {t.mark: at least 5}, then: []}, {else: []}]}\n", []),
        ("  - {step: l, do: letter, recheck: {all: [{orders: 1}, {orders: 2}]}}\n", ["matches-nobody"]),
        ("  - {step: l, do: letter, repeat: {every: 1 day, times: 3, until: {orders: below 0}}}\n", ["matches-nobody"]),
        ("  - {step: w, wait: 5 days}\n  - {step: l, do: letter, due: within 1 day}\n", []),
        ("  - {step: w, wait: {event: order, up_to: 9 days}, else: [{step: l, do: letter, from: entry, due: within 2 days}]}\n", ["due-before-open"]),
        ("  - {step: w, wait: {event: order, up_to: 9 days}, else: [{step: l, do: letter, from: entry, due: between 8 and 12 days}]}\n", []),
        ("  - {step: w, wait: {event: order, up_to: 9 days}, then: [{step: l, do: letter, from: entry, due: within 2 days}]}\n", []),
    ],
)  # fmt: skip
def test_steps_that_never_come(steps: str, expected: list[str]) -> None:
    """A branch that those above it hide, a test that is never true, a window that is over: all told."""
    assert book(steps) == expected


def test_a_date_that_is_over_when_the_playbook_begins() -> None:
    """A step 60 days before a date is late in a playbook that begins 30 days before it."""
    step = "  - {step: l, do: letter, from: 60 days before contract_end, due: within 5 days}\n"

    assert book(step, trigger="{date: contract_end, before: 30 days}") == ["due-before-open"]
    assert book(step, trigger="{date: contract_end, before: 90 days}") == []


def test_the_house_is_asked_too() -> None:
    """A condition of house.yaml that nobody meets is told."""
    house = """\
rules:
  - {rule: r, when: {work: {playbook: p}, customer: {all: [{orders: 1}, {orders: 2}]}}, then: skip}
routing: [{if: {orders: below 0}, use: letter}]
"""

    assert [each.partition(":")[0] for each in told(house=house)] == ["matches-nobody"] * 2


@pytest.mark.parametrize(
    "folder",
    [
        ROOT / "playbooks" / "samples" / "starter",
        ROOT / "playbooks" / "samples" / "online-retail",
        ROOT / "tests" / "golden" / "language",
        ROOT / "tests" / "golden" / "check" / "base",
    ],
    ids=lambda folder: folder.name,
)
def test_sound_projects_are_quiet(folder: Path) -> None:
    """The samples and the example of the language make no false alarm."""
    project, findings = check(folder)
    assert project is not None, findings
    assert project.playbooks

    assert [str(each) for each in (*doubts(project), *clashes(project))] == []
