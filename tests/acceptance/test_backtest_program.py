"""``care backtest`` and levelling as the program shows them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.factories import CARE, Shop, event
from tests.zygote import Zygote

BOOK = """\
trigger: {event: order}
again: always
steps:
  - {step: ring, do: call, due: within 3 working days, assign: boss, outcomes: [fine, bad]}
"""
LEVELLED = CARE.replace(
    "  boss: 经理", "  boss: {else: 经理, capacity: 2 a day}\nlimits: {levelling: yes}"
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, zygote: Zygote) -> Shop:
    """A log with a few orders, and runs with levelling over three days."""
    made = Shop(tmp_path_factory.mktemp("backtest"), care=LEVELLED, through=zygote, ring=BOOK)
    made.events(*(event(f"c{n}", "order", "2025-03-03T10:00") for n in range(5)))
    made.run("2025-03-03T09:00", *(f"2025-03-0{day}T11:00" for day in range(3, 6)))
    return made


def test_text(shop: Shop) -> None:
    """The screen shows what is assumed, then the tables; the real ledger stays as it was."""
    before = shop.export()
    said = shop.care("backtest", "--from", "2025-03-02", "--to", "2025-03-07", "--level")

    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("回测 2025-03-02 至 2025-03-07\n- ")
    assert [title in said.out for title in ("负荷与峰值", "任务均衡", "之后如何")] == [True] * 3
    assert shop.export() == before


def test_json_and_files(shop: Shop, tmp_path: Path) -> None:
    """JSON has English keys; the files that are named are written."""
    said = shop.care(
        "backtest", "ring", "--from", "2025-03-02", "--to", "2025-03-07", "--format", "json",
        "--outcome", "ring=bad", "--tasks", "at-open", "--xlsx", str(tmp_path / "a.xlsx"), "--html",
        str(tmp_path / "a.html"),
    )  # fmt: skip

    assert said.json["playbooks"][0]["started"] == 5
    assert said.json["load"][0]["peak"] == 2  # the project's own levelling
    assert (tmp_path / "a.xlsx").read_bytes()[:2] == b"PK"
    assert (tmp_path / "a.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("rign",), 2, 'no playbook "rign"; did you mean "ring"?'),
        (("--then", "oder"), 2, '--then: no event "oder"; did you mean "order"?'),
        (("--at", "8"), 2, '"8" is no time of day; write --at 08:00'),
        (("--outcome", "ring=god"), 2, 'step "ring" has no outcome "god"'),
        (("--every", "often"), 2, "--every takes a duration"),
    ],
)
def test_wrong_words(shop: Shop, words: tuple[str, ...], code: int, message: str) -> None:
    """What is mistyped is answered in a sentence."""
    said = shop.care("backtest", "--from", "2025-03-02", "--to", "2025-03-03", *words)

    assert (said.code, said.out) == (code, "")
    assert message in said.err


def test_a_levelled_task_is_explained(shop: Shop) -> None:
    """``why`` names the setting and both days; the audit and a replay find nothing odd."""
    (row,) = shop.rows(
        "SELECT action FROM decided WHERE reason = 'levelled' ORDER BY until DESC LIMIT 1"
    )
    said = shop.care("why", row["action"])

    assert (
        "deferred (levelled) by limits/levelling of care.yaml until Wed 2025-03-05 09:00"
        in said.out
    )
    assert "boss has 2 a day, and 2025-03-03 has 2: it opens on 2025-03-05" in said.out
    assert (shop.care("audit", "verify").code, shop.care("replay").code) == (0, 0)
