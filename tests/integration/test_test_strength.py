"""How strong tests are: what they did not reach, and the mistakes that they did not notice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from engine.console_strength import render_coverage, render_mutation
from engine.testing.coverage import Share, covered
from engine.testing.hunt import Score, cases_with, hunt
from engine.testing.mutants import mutants_of
from engine.testing.suite import load
from rules.variants import variants_of
from tests.factories import Shop

BOOK = """\
trigger: {event: complaint, where: {severity: high}}
except: big
stop_when:
  - {event: order, goal: won_back}
steps:
  - step: sorry
    do: call
    due: within 2 days
    assign: boss
    outcomes: [fine, angry]
    if_overdue: {escalate: owner}
  - step: next
    choose:
      - if: {sorry.outcome: angry}
        then: [{step: talk, do: review, due: within 3 days, assign: boss}]
      - else: [{step: thanks, do: letter, due: now}]
"""
GIVEN = """\
playbook: sorry
given:
  customers: {c1: {name: 甲公司, size: 50}}
  runs: every day at 10:00
tests:
"""
WEAK = (
    GIVEN
    + """\
  - test: 严重投诉会开始
    events: [{at: 2025-03-03 09:00, event: complaint, case_id: K1, severity: high}]
    expect: [{starts: yes}]
"""
)
STRONG = (
    WEAK
    + """\
  - test: 经理两天内致歉
    events: [{at: 2025-03-03 09:00, event: complaint, case_id: K1, severity: high}]
    until: 2025-03-06
    expect:
      - {step: sorry, opens: 2025-03-03 09:00, due: 2025-03-05 09:00, channel: call, assign: 经理}
      - {step: sorry.overdue, assign: 客户成功组}
  - test: 一般投诉不会
    events: [{at: 2025-03-03 09:00, event: complaint, case_id: K1, severity: low}]
    expect: [{starts: no}]
  - test: 大客户另有安排
    customers: {c1: {size: 100}}
    events: [{at: 2025-03-03 09:00, event: complaint, case_id: K1, severity: high}]
    expect: [{starts: no, because: except}]
  - test: 仍不满意, 三天内面谈
    events:
      - {at: 2025-03-03 09:00, event: complaint, case_id: K1, severity: high}
      - {at: 2025-03-04 11:00, done: sorry, outcome: angry}
    expect:
      - {step: talk, opens: 2025-03-04 11:00, due: 2025-03-07 11:00, channel: review, assign: 经理}
      - {step: thanks, never: yes}
  - test: 满意就致谢, 一次投诉一次
    events:
      - {at: 2025-03-03 09:00, event: complaint, case_id: K1, severity: high}
      - {at: 2025-03-03 20:00, event: complaint, case_id: K2, severity: high}
      - {at: 2025-03-04 11:00, done: sorry, outcome: fine}
      - {at: 2025-03-06 09:00, event: complaint, case_id: K3, severity: high}
    expect:
      - {starts: yes, times: 2}
      - {step: thanks, at: 2025-03-04 11:00, channel: letter, state: sent}
      - {step: talk, never: yes}
  - test: 下单就停
    events:
      - {at: 2025-03-03 09:00, event: complaint, case_id: K1, severity: high}
      - {at: 2025-03-04 09:00, event: order, amount: 10}
    expect: [{journey: stopped, reason: goal, goal: won_back}]
"""
)


class Tried:
    """A project with one playbook and a file of tests for it."""

    def __init__(self, root: Path, tests: str, book: str = BOOK) -> None:
        shop = Shop(
            root, sorry=book, other="trigger: manual\nsteps: [{step: bye, do: letter, due: now}]\n"
        )
        shop.write("tests/sorry.test.yaml", tests)
        self.variants = variants_of(root)
        self.cases = load(self.variants.project).cases

    def score(self, *, most: int | None = None, jobs: int = 1) -> Score:
        """Return what became of mutants of the playbook, of all unless told otherwise."""
        litter = mutants_of(self.variants, "sorry", most=most)
        return hunt(self.variants.project, litter, cases_with(self.cases, "sorry"), jobs=jobs)

    def shares(self, *, jobs: int = 1) -> list[Share]:
        """Return what the tests reached."""
        found, failing = covered(self.variants.project, self.cases, jobs=jobs)
        assert failing == []
        return found.shares(
            self.variants.project.playbooks, Counter(c.playbook for c in self.cases)
        )


def test_weak_tests_let_mistakes_pass_and_strong_ones_do_not(tmp_path: Path) -> None:
    """One test that only sees a start notices little; tests of every way notice every mistake."""
    weak = Tried(tmp_path / "weak", WEAK).score()
    strong = Tried(tmp_path / "strong", STRONG).score()

    passed = [fate.mutant.words for fate in weak.survivors]
    assert "the step talk was dropped" in passed
    assert "due: within 2 days became within 4 days" in passed
    assert weak.percent < 20
    assert [fate.mutant.words for fate in strong.survivors] == []
    assert (strong.percent, len(strong.fates)) == (100, len(weak.fates))


def test_survivors_are_told_with_their_place_and_the_test_to_write(tmp_path: Path) -> None:
    """Each mistake that nobody noticed stands there with file, line, change and advice."""
    text = render_mutation([Tried(tmp_path, WEAK).score()], ["other"])

    assert (
        "      playbooks/sorry.yaml:17  the step talk was dropped\n"
        "          expect the step: {step: talk, ...}\n"
    ) in text
    assert "  -   other: no test\n" in text


def test_workers_find_the_same(tmp_path: Path) -> None:
    """Spread over two workers, the answers are those of one."""
    tried = Tried(tmp_path, WEAK)
    alone, together = tried.score(most=8), tried.score(most=8, jobs=2)

    assert alone.to_json() == together.to_json()


def test_a_test_that_fails_anyway_notices_nothing(tmp_path: Path) -> None:
    """A test that fails without any mistake is named and left out."""
    wrong = f"{WEAK}  - test: 错\n    events: [{{at: 2025-03-03, event: visit}}]\n    expect: [{{starts: yes}}]\n"

    score = Tried(tmp_path, wrong).score(most=1)

    assert ([case.name for case in score.failing], score.tests) == (["错"], 1)


def test_what_no_test_reached(tmp_path: Path) -> None:
    """Steps, branches, outcomes, both ways of every condition, stops and goals: those left out."""
    other, sorry, shared = Tried(tmp_path, WEAK).shares()

    assert [(point.span.line, point.words) for point in sorry.missed] == [
        (3, "severity: high is never false"),
        (4, "in: big is never true"),
        (6, "never stopped by event: order, goal: won_back"),
        (6, "goal won_back is never reached"),
        (12, "step sorry never ends with angry"),
        (12, "step sorry never ends with fine"),
        (13, "step sorry is never overdue for owner"),
        (14, "step next never opens"),
        (16, "step next: branch 1 is never taken"),
        (16, "sorry.outcome: angry is never false"),
        (16, "sorry.outcome: angry is never true"),
        (17, "step talk never opens"),
        (18, "step next: else is never taken"),
        (18, "step thanks never opens"),
    ]
    assert (other.tests, other.percent) == (0, 0)
    assert [point.words for point in shared.missed] == ["size: at least 100 is never true"]
    assert "0%  other: no test; trigger 0/1" in render_coverage([sorry, other, shared])


def test_tests_of_every_way_reach_everything(tmp_path: Path) -> None:
    """Nothing is left where every way is tested."""
    shares = Tried(tmp_path, STRONG).shares()

    assert [(share.name, share.percent) for share in shares] == [
        ("other", 0),
        ("sorry", 100),
        ("shared.yaml", 100),
    ]


def test_a_skipped_step_is_not_what_was_expected(tmp_path: Path) -> None:
    """Who expects when a step opens expects that it opens: a negated `recheck` is noticed."""
    book = BOOK.replace(
        "    due: within 2 days\n", "    due: within 2 days\n    recheck: {size: 50}\n"
    )
    tests = f"{WEAK}      - {{step: sorry, opens: 2025-03-03 09:00}}\n".replace(
        "expect: [{starts: yes}]", "expect:\n      - {starts: yes}"
    )

    survivors = [fate.mutant.words for fate in Tried(tmp_path, tests, book).score().survivors]

    assert "size: 50 became not {size: 50}" not in survivors
    assert "recheck: {size: 50} was dropped" in survivors


@pytest.mark.long
def test_workers_reach_the_same(tmp_path: Path) -> None:
    """What many tests reach does not hang on who plays them."""
    lines = WEAK.partition("tests:\n")[2]
    many = "".join(lines.replace("会开始", f"会开始 {n}") for n in range(50))
    tried = Tried(tmp_path, STRONG + many)

    assert tried.shares() == tried.shares(jobs=2)
