"""``care test`` through the program: what passes, what fails, what is broken."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.factories import Shop
from tests.zygote import Zygote

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "testing"

REPAIR = """\
purpose: repair
trigger: {event: complaint}
again: always
only: {tier: gold}
stop_when:
  - {event: order, goal: back}
steps:
  - step: note
    do: letter
    due: now
    template: note.md
  - step: apology
    from: entry
    do: call
    due: within 1 working day
    assign: owner
    brief: 致歉
    template: say.txt
    ask: {note: text}
  - step: gift
    do: letter
    due: now
    recheck: {apology.outcome: fine}
"""
HOUSE = """\
rules:
  - {rule: 勿扰, when: {work: {purpose: repair}, customer: {no_contact: yes}}, then: skip}
"""
PASSING = """\
playbook: repair
tests:
  - test: 客户投诉后致歉
    customers: {甲: {name: 甲公司, tier: gold, manager: 王芳}}
    events:
      - {at: 2025-03-03 10:00, event: complaint, case_id: C1}
      - {at: 2025-03-04 09:30, done: apology, outcome: fine, note: 已致歉}
    expect:
      - {starts: yes, at: 2025-03-03 10:00, times: 1}
      - {step: note, sent: yes, opens: 2025-03-03 10:00, subject: 您好，甲公司, text: {has: [甲公司], not: [None]}}
      - {step: apology, state: done, due: 2025-03-04 18:00, closes: 2025-03-04 09:30, brief: 致歉}
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, zygote: Zygote) -> Shop:
    """A project with one playbook and no tests yet."""
    made = Shop(
        tmp_path_factory.mktemp("testing"), house=HOUSE, through=zygote,
        repair=REPAIR.replace("gift\n    do", "gift\n    from: apology\n    do").replace(
            "    ask: {note: text}\n", "    outcomes: [fine, bad]\n    ask: {wish: text}\n"
        ),
    )  # fmt: skip
    made.write(
        "templates/note.md", "Subject: 您好，{{ customer.name }}\n\n{{ customer.name }}：完\n"
    )
    made.write("templates/say.txt", "{{ customer.name }}，我是{{ assignee }}\n")
    return made


def written(shop: Shop, **files: str) -> None:
    """Let these be the only tests of the project."""
    for path in (shop.root / "tests").glob("*"):
        path.unlink()
    for name, text in files.items():
        shop.write(f"tests/{name}.test.yaml", text)


@pytest.mark.parametrize("name", ["failing", "broken"])
def test_words(shop: Shop, name: str, update_golden: bool) -> None:
    """Failures are told with their line, expected against got, and what came instead; mistakes in a
    file with what to write. Exit code 1.
    """
    written(shop, **{name: (GOLDEN / f"{name}.test.yaml").read_text(encoding="utf-8")})
    said = shop.care("test")
    told = re.sub(r" in \d+\.\d s$", " in * s", said.out, flags=re.MULTILINE) + said.err
    told = re.sub(r"[aj]-[a-z2-7]{12}", "*", told)
    expected = GOLDEN / f"{name}.txt"
    if update_golden:
        expected.write_text(told, encoding="utf-8")

    assert said.code == 1
    assert expected.read_text(encoding="utf-8") == told


def test_passing(shop: Shop) -> None:
    """Where everything comes as expected there is one line, and exit code 0; nothing is written."""
    written(shop, passing=PASSING)
    before = sorted(path for path in shop.root.rglob("*"))
    said = shop.care("test")

    assert re.fullmatch(r"1 test, 1 passed in \d+\.\d s\n", said.out)
    assert (said.code, said.err) == (0, "")
    assert sorted(path for path in shop.root.rglob("*")) == before


def test_chosen(shop: Shop) -> None:
    """Files and ``--run`` choose tests; a file that is none, or a bad pattern, is exit code 2."""
    written(shop, passing=PASSING, failing=(GOLDEN / "failing.test.yaml").read_text("utf-8"))
    one = shop.care("test", "tests/passing.test.yaml", "--format", "json")
    by_name = shop.care("test", "--run", "客户投诉|an order ends it", "--format", "json").json

    assert (one.code, one.json["tests"]) == (0, 1)
    assert [each["test"] for each in by_name["results"]] == [
        "an order ends it, which is expected", "客户投诉后致歉",
    ]  # fmt: skip
    assert shop.care("test", "tests/other.test.yaml").code == 2
    assert "is no regular expression" in shop.care("test", "--run", "(").err


def test_json_and_junit(shop: Shop, tmp_path: Path) -> None:
    """JSON and JUnit XML tell the same: every test, its failures, and the broken ones."""
    written(shop, passing=PASSING, failing=(GOLDEN / "failing.test.yaml").read_text("utf-8"))
    target = tmp_path / "results.xml"
    said = shop.care("test", "--format", "json", "--junit", str(target))
    root = ElementTree.parse(target).getroot()
    told = json.loads(said.out)
    failed = [each for each in told["results"] if each["failures"]]

    assert said.code == 1
    assert (told["tests"], told["passed"], told["failed"], told["broken"]) == (6, 2, 4, 0)
    assert failed[0]["failures"][0]["differences"] == [
        {"key": "starts", "expected": "2025-03-03 11:00", "got": "2025-03-03 10:00 (event)"}
    ]
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("6", "3", "1")
    assert [each.get("name") for each in root.iter("testcase") if each.find("failure") is not None] == [
        each["test"] for each in failed
    ]  # fmt: skip


def test_a_broken_playbook_breaks_its_own_tests_alone(shop: Shop) -> None:
    """Tests of a playbook with errors are broken; those of the others are played."""
    written(shop, passing=PASSING, other=PASSING.replace("playbook: repair", "playbook: other"))
    shop.book("other", "trigger: {event: compaint}\nsteps:\n  - {step: a, do: letter, due: now}\n")
    said = shop.care("test")
    (shop.root / "playbooks" / "other.yaml").unlink()

    assert said.code == 1
    assert (
        'tests/other.test.yaml:1:11: error[broken-playbook] playbook "other" has errors' in said.out
    )
    assert "2 tests, 1 passed, 1 broken" in said.out


def test_other_rules_of_the_house(shop: Shop) -> None:
    """A test may have house rules of a file of its own; where there is no such file, it says so."""
    shop.write(
        "strict.yaml", HOUSE.replace("勿扰", "严格").replace("no_contact: yes", "tier: gold")
    )
    story = "events: [{at: 2025-03-03, event: complaint, case_id: A}]"
    who = "customers: {甲: {tier: gold}}"
    lines = [
        (
            f"  - {{test: strict, house: strict.yaml, {who}, {story},"
            " expect: [{starts: no, because: house_rule, rule: 严格}]}"
        ),
        f"  - {{test: gone, house: gone.yaml, {who}, {story}, expect: [{{starts: yes}}]}}",
        f"  - {{test: usual, {who}, {story}, expect: [{{starts: yes}}]}}",
    ]
    written(shop, house="playbook: repair\ntests:\n" + "\n".join(lines) + "\n")
    told = shop.care("test", "--format", "json").json

    assert [each["passed"] for each in told["results"]] == [True, False, True]
    assert "`house: gone.yaml` can't be read" in told["results"][1]["error"]


def test_no_tests_yet(shop: Shop) -> None:
    """Without any test the program says where to write one."""
    written(shop)
    said = shop.care("test")

    assert said.code == 0
    assert "write tests/NAME.test.yaml" in said.err
