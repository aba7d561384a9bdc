"""``care why-not``: the first thing in the way, all others, and what would have to change."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories import Shop, event, profile
from tests.reading import run
from tests.zygote import Zygote

STEPS = "steps:\n  - {step: ring, do: call, due: same day, assign: boss}\n"
HOUSE = """\
rules:
  - rule: 先处理投诉
    when: {work: {purpose: sales}, customer: {in: unhappy}}
    then: skip
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, zygote: Zygote) -> Shop:
    """Playbooks of several kinds, live since 1 March 2025, and a week of events after that."""
    made = Shop(
        tmp_path_factory.mktemp("why-not"), house=HOUSE, through=zygote,
        complaint=f"title: 投诉后\npurpose: repair\ntrigger: {{event: complaint}}\n"
        f"only: {{tier: gold}}\nexcept: big\n{STEPS}",
        sales=f"title: 推荐\npurpose: sales\ntrigger: {{enters: active}}\n"
        f"again: after 90 days\n{STEPS}",
        quiet=f"title: 沉默\nstatus: draft\ntrigger: {{enters: lapsed}}\n{STEPS}",
        several=f"title: 多种\ntrigger:\n  - {{name: bought, event: order, where: {{amount: at least 1000}}}}\n"
        f"  - {{name: due, date: contract_end, before: 30 days}}\n{STEPS}",
        weekly=f"title: 周报\ntrigger: {{every: week, in: buyers}}\n{STEPS}",
        answer=f"title: 未解决\ntrigger: {{missing: solved, after: complaint, within: 3 days, same: case_id}}\n{STEPS}",
        asked=f"title: 手动\ntrigger: {{manual: yes}}\n{STEPS}",
    )  # fmt: skip
    made.customers(
        profile("金牌一", "2025-01-01", tier="gold", size=20),
        profile("金牌大", "2025-01-01", tier="gold", size=300),
        profile("银牌", "2025-01-01", tier="silver"),
        profile("旧客", "2025-01-01", tier="gold"),
    )
    made.events(
        event("旧客", "order", "2025-02-20T10:00", amount=100),
        event("旧客", "complaint", "2025-02-20T11:00", case_id="0"),
    )
    run(made, "2025-03-01T08:00")
    made.events(
        event("金牌一", "complaint", "2025-03-02T10:00", case_id="1"),
        event("金牌大", "complaint", "2025-03-02T10:00", case_id="2"),
        event("银牌", "complaint", "2025-03-02T10:00", case_id="3"),
        event("银牌", "solved", "2025-03-03T10:00", case_id="3"),
        event("银牌", "order", "2025-03-04T10:00", amount=50),
        event("金牌一", "order", "2025-03-04T10:00", amount=50),
    )
    run(made, "2025-03-02T12:00", "2025-03-04T12:00", "2025-03-08T08:00")
    return made


def ask(shop: Shop, customer: str, playbook: str, *words: str) -> Any:
    said = shop.care(
        "why-not", customer, playbook, "--at", "2025-03-08T08:00", "--format", "json", *words
    )
    assert said.code == 0, said
    return said.json


@pytest.mark.parametrize(
    ("customer", "playbook", "code", "needs"),
    [
        ("银牌", "complaint", "only", ["tier has to be gold (it is silver)"]),
        ("金牌大", "complaint", "except", ["size must not be at least 100 (it is 300)"]),
        ("旧客", "sales", "existing", ["`existing: enrol`; or leave the segment and come back"]),
        ("金牌大", "sales", "trigger", ["orders_30d has to be above 0 (it is 0)"]),
        ("旧客", "quiet", "draft", ["set `status: active` in its file"]),
        ("金牌大", "weekly", "trigger", ["orders has to be above 0 (it is 0)"]),
        ("银牌", "answer", "trigger", ["nothing: what it waits for came"]),
        ("银牌", "asked", "trigger", ["`care start asked 银牌`"]),
        ("银牌", "several", "trigger", ["an event order that meets `where`"]),
    ],
)
def test_the_first_thing_in_the_way(
    shop: Shop, customer: str, playbook: str, code: str, needs: list[str]
) -> None:
    """What stands first in the way is named with what would have to change, values seen and all."""
    first = ask(shop, customer, playbook)["first"]

    assert (first["code"], first["needs"]) == (code, needs)


def test_a_refusal_that_was_written_down_is_told_with_its_rule(shop: Shop) -> None:
    """A house rule's no stands there as the run wrote it: when, which rule, for which event."""
    found = ask(shop, "金牌一", "sales")
    (told,) = found["recorded"]

    assert (told["code"], told["place"].split(":")[0]) == ("house_rule", "house.yaml")
    assert "先处理投诉" in told["words"]
    assert told["run_at"].startswith("2025-03-04T12:00")


def test_every_trigger_of_a_list_is_answered(shop: Shop) -> None:
    """Of several triggers each says by its name why it does not fire."""
    now = ask(shop, "银牌", "several")["now"]

    assert [one["words"].split(":")[0] for one in now] == ["bought", "due"]
    assert now[1]["needs"] == ["contract_end has to be known"]


def test_one_that_did_begin_says_so(shop: Shop) -> None:
    """A journey that did begin is named with its state, and what keeps another one from it."""
    found = ask(shop, "金牌一", "complaint")

    assert [journey["state"] for journey in found["journeys"]] == ["running"]


def test_an_earlier_instant_knows_no_more_than_was_known_then(shop: Shop) -> None:
    """As of before the complaint there is none, and no refusal of later runs is told."""
    said = shop.care("why-not", "银牌", "complaint", "--at", "2025-03-01T12:00", "--format", "json")

    assert said.json["recorded"] == []
    assert said.json["first"]["words"] == "no event complaint up to then"


def test_the_text_in_words(shop: Shop) -> None:
    """A person reads the first thing, what would change it, and the values behind it."""
    said = shop.care("why-not", "银牌", "complaint", "--at", "2025-03-08T08:00")

    assert said.out == (
        "customer 银牌, playbook complaint (投诉后), as of Sat 2025-03-08 08:00\n\n"
        "What stands in the way\n"
        "  only: `only` is not met  playbooks/complaint.yaml:1:1\n"
        "      to change it: tier has to be gold (it is silver)\n"
        "      only: false\n"
        "        - tier is silver, asked: gold  (said on 2025-01-01 00:00)\n"
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("银牌", "complain"), 'no playbook "complain"; did you mean "complaint"?'),
        (("银牌子", "complaint"), 'the log knows no customer "银牌子"; did you mean 银牌'),
    ],
)
def test_a_name_that_is_not_there(shop: Shop, words: tuple[str, ...], told: str) -> None:
    """A misspelt playbook or customer gets the nearest one."""
    said = shop.care("why-not", *words)

    assert said.code == 2
    assert told in said.err


def test_a_page_for_a_ticket(shop: Shop) -> None:
    """With --format html and --out the same answer is a page in a file."""
    target = shop.root / "答复.html"
    said = shop.care(
        "why-not", "银牌", "complaint", "--at", "2025-03-08T08:00", "--format", "html",
        "--out", str(target),
    )  # fmt: skip

    assert (said.code, said.out) == (0, "")
    assert "tier has to be gold (it is silver)" in target.read_text(encoding="utf-8")
