"""``care plan`` as people and scripts call it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.factories import Shop, event, profile
from tests.zygote import Zygote

BOOK = """\
trigger: {event: order}
steps:
  - {step: letter, do: letter, due: now}
  - {step: ask, do: call, due: within 2 days, assign: boss}
"""


@pytest.fixture
def made(tmp_path: Path, zygote: Zygote) -> Shop:
    """A project beside a copy of it, run once, with two orders since."""
    shop = Shop(tmp_path / "shop", through=zygote, thanks=BOOK)
    shop.customers(
        profile("c1", "2025-01-01", name="甲公司"), profile("c2", "2025-01-01", name="Beta")
    )
    shop.run("2025-03-03T09:00")
    shutil.copytree(tmp_path / "shop", tmp_path / "before", ignore=shutil.ignore_patterns(".care"))
    shop.events(event("c1", "order", "2025-03-03T10:00"), event("c2", "order", "2025-03-03T10:30"))
    return shop


TEXT = """\
a run at Mon 2025-03-03 11:00 would do this; the last run was at Mon 2025-03-03 09:00; nothing is written

   customer  name    playbook  what    step    channel  when                      who   why
-  --------  ------  --------  ------  ------  -------  ------------------------  ----  -----------------------------------------------------
+  c1        甲公司  thanks    starts                   Mon 2025-03-03 10:00            order order-c1-2025-03-03T10:00, Mon 2025-03-03 10:00
                               sends   letter  letter   now                             at once
                               opens   ask     call     due Wed 2025-03-05 11:00  经理  within 2 days of Mon 3 Mar 2025 11:00
+  c2        Beta    thanks    starts                   Mon 2025-03-03 10:30            order order-c2-2025-03-03T10:30, Mon 2025-03-03 10:30
                               sends   letter  letter   now                             at once
                               opens   ask     call     due Wed 2025-03-05 11:00  经理  within 2 days of Mon 3 Mar 2025 11:00

tasks of  who   Wed 03-05  in all
--------  ----  ---------  ------
boss      经理          2       2

plan: 2 starts (thanks 2), 2 messages (letter 2), 2 tasks (call 2)
"""


def test_a_plan_on_the_screen(made: Shop) -> None:
    """The table lines up with Chinese in it, ends with the counts, and exits with 0."""
    said = made.care("plan", "--at", "2025-03-03T11:00", "--names")

    assert (said.code, said.out, said.err) == (0, TEXT, "")


def test_a_plan_for_scripts(made: Shop) -> None:
    """JSON has every item with its instants, and no names where the output is no terminal."""
    said = made.care("plan", "--at", "2025-03-03T11:00", "--format", "json", "--customer", "c1")
    items = said.json["items"]

    assert [(item["what"], item.get("step")) for item in items] == [
        ("starts", None), ("sends", "letter"), ("opens", "ask"),
    ]  # fmt: skip
    assert (items[2]["due_by"], items[2]["assignee"]) == ("2025-03-05T11:00:00+08:00", "经理")
    assert said.json["counts"] == {"opens": 1, "sends": 1, "starts": 1}
    assert "甲公司" not in said.out


def test_what_an_edit_changes(made: Shop) -> None:
    """With ``--against`` changes exit with 3 and are signed; without any it exits with 0."""
    before = str(made.root.parent / "before")
    same = made.care("plan", "--at", "2025-03-03T11:00", "--against", before)
    made.book("thanks", BOOK.replace("within 2 days", "within 3 days"))
    edited = made.care("plan", "--at", "2025-03-03T11:00", "--against", before, "--limit", "1")
    found = made.care("plan", "--at", "2025-03-03T11:00", "--against", before, "--format", "json")

    assert (same.code, same.out.splitlines()[-1]) == (
        0, "no change: the next run would do the same under both",
    )  # fmt: skip
    assert (edited.code, edited.out.splitlines()[-4:]) == (
        3,
        [
            "      due Wed 2025-03-05 11:00 → Thu 2025-03-06 11:00",
            "... and 1 more; --limit all shows them",
            "",
            "change: starts +0 -0 ~0; steps and ends +0 -0 ~2; 2 customers",
        ],
    )
    assert [one["sign"] for one in found.json["differences"]] == ["~", "~"]


def test_a_held_playbook_exits_with_findings(made: Shop) -> None:
    """A plan in which a playbook would be held exits with 3."""
    made.book("thanks", "limits: {per_run: 1}\n" + BOOK)
    said = made.care("plan", "--at", "2025-03-03T11:00")

    assert said.code == 3
    assert "HELD: thanks starts 2 > 1" in said.out


def test_wrong_words(made: Shop) -> None:
    """What is no limit, no time and no revision is told in a line, with exit code 2."""
    limit = made.care("plan", "--limit", "many")
    when = made.care("plan", "--at", "gestern")
    against = made.care("plan", "--against", "mian")

    assert [said.code for said in (limit, when, against)] == [2, 2, 2]
    assert limit.err == 'care: --limit takes a number above 0 or "all", not "many"\n'
    assert against.err.startswith('care: "mian" is no')


def test_a_playbook_left_out_exits_with_findings(made: Shop) -> None:
    """As after `care run`, the exit code says that something was not looked at."""
    made.book("broken", "trigger: {event: ordr}\nsteps: []\n")
    said = made.care("plan", "--at", "2025-03-03T11:00")

    assert said.code == 3
    assert "playbooks/broken.yaml is left out" in said.err
    assert "2 starts (thanks 2)" in said.out


def test_an_attribute_is_written_without_customer(made: Shop) -> None:
    """What people take over from `roles` is answered with what to write in a condition."""
    made.book(
        "only",
        "trigger: {event: order}\nonly: {customer.tier: gold}\nsteps: [{step: a, do: letter}]\n",
    )
    assert "write `tier`, without `customer.`" in made.care("check", "--at", "2026-05-01").out
