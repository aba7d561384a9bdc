"""Hashes: they change with the meaning, and only with it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from fractions import Fraction

import pytest

from rules.canonical import canonical, digest
from rules.playbook import Status
from rules.resolve import definition_hash
from rules.units import Duration, Unit
from tests.projects import CARE, PLAYBOOK, SHARED, project

BOOK = """\
playbook: p
title: one
owner: x
trigger: {enters: slipping}
only: {tier: A}
steps:
  - {step: call, do: call, assign: manager, title: hello, template: a.md}
"""


def revision(text: str = BOOK, *, shared: str = SHARED, care: str = CARE, a: str = "hi") -> str:
    return project(p=text, shared=shared, care=care, templates={"a.md": a}).playbooks[0].revision


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("title: one", "title: two"),
        ("owner: x", "owner: y"),
        ("only: {tier: A}", "only:\n  tier: A   # a comment"),
        ("owner: x", "owner: x\nstatus: paused"),
        ("{enters: slipping}", "{ enters:   slipping }"),
    ],
)
def test_what_is_no_part_of_the_revision(old: str, new: str) -> None:
    """Titles, owners, comments, spacing and status leave a playbook's revision as it is."""
    assert old in BOOK
    assert revision(BOOK.replace(old, new)) == revision()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("title: hello", "title: goodbye"),
        ("{tier: A}", "{tier: 其他}"),
        ("owner: x", "owner: x\nholdout: 5%"),
        ("owner: x", "owner: x\npriority: 5"),
        ("{enters: slipping}", "{enters: slipping, holds_for: 2 days}"),
    ],
)
def test_what_is_part_of_the_revision(old: str, new: str) -> None:
    """What the playbook does or tells people changes its revision."""
    assert old in BOOK
    assert revision(BOOK.replace(old, new)) != revision()


def test_the_revision_follows_definitions_and_templates() -> None:
    """Shared definitions that are reached count, others not; so does a template's text."""
    reached = SHARED.replace("last: 60 days}\n  orders_change", "last: 90 days}\n  orders_change")
    through_a_class = SHARED.replace("orders: at least 10", "orders: at least 11")
    elsewhere = SHARED.replace("{last_time: order}", "{first_time: order}")

    assert reached != SHARED
    assert revision(shared=reached) != revision()
    assert revision(shared=through_a_class) != revision()
    assert revision(shared=elsewhere) == revision()
    assert revision(a="other") != revision()


def test_definition_hashes() -> None:
    """A segment's hash follows its closure; a value's also its own word; titles do not count."""
    before = project(shared=SHARED).catalogue
    titled = project(shared=SHARED.replace("title: 下滑", "title: x")).catalogue
    moved = project(
        shared=SHARED.replace("{orders: at least 10}", "{orders: at least 9}")
    ).catalogue

    assert definition_hash(titled, "slipping") == definition_hash(before, "slipping")
    assert definition_hash(moved, "slipping") == definition_hash(before, "slipping")
    assert definition_hash(moved, "tier.A") != definition_hash(before, "tier.A")
    assert definition_hash(before, "tier.A") != definition_hash(before, "tier.其他")
    assert definition_hash(before, "tier") != definition_hash(before, "buyers")
    with pytest.raises(KeyError):
        definition_hash(before, "nobody")


def test_the_configuration_hash() -> None:
    """It follows whatever can change a decision: status, house, revisions, vocabulary."""
    whole = {
        "plain": project(p=PLAYBOOK),
        "status": project(p=PLAYBOOK.replace("owner: service", "owner: s\nstatus: paused")),
        "house": project(p=PLAYBOOK, house="holdout: 2%\n"),
        "vocabulary": project(p=PLAYBOOK, care=CARE.replace("calendar: CN", "calendar: none")),
        "shared": project(p=PLAYBOOK, shared=SHARED.replace("at least 10", "at least 9")),
        "playbook": project(p=PLAYBOOK.replace("1 to 5", "1 to 7")),
    }
    title = project(p=PLAYBOOK, care=CARE.replace("title: 拜访", "title: 上门"))

    assert len({each.config_hash for each in whole.values()}) == len(whole)
    assert title.config_hash == whole["plain"].config_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    number: Fraction
    when: dt.time
    spot: int = field(default=0, compare=False)


def test_the_canonical_form() -> None:
    """Types by name, mappings by key, no field that is not compared."""
    thing = Thing(number=Fraction(1, 3), when=dt.time(9), spot=7)

    assert canonical({"b": thing, "a": (Status.DRAFT, Duration(3, Unit.DAY))}) == {
        "a": ["draft", {"": "Duration", "amount": 3, "unit": "day"}],
        "b": {"": "Thing", "number": "1/3", "when": "09:00:00"},
    }
    assert digest({"x": 1, "y": 2}) == digest({"y": 2, "x": 1})
    with pytest.raises(TypeError):
        canonical(object())
