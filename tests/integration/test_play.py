"""Stories played in memory: what may happen in a test, and what may be expected."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from textwrap import dedent, indent

import pytest

from engine.scaffold import init
from engine.testing.play import run_test
from engine.testing.suite import CODES, load
from engine.testing.verdict import Verdict
from engine.testing.workers import verdicts
from rules.parse.testfile import read_cases
from rules.playbook import Project
from rules.project import check_files
from rules.project import load as load_project
from tests.factories import CARE, SHARED

DOCS = Path(__file__).resolve().parents[2] / "docs"

BOOKS = {
    "care_call": (
        "trigger: [{event: complaint}, manual]\nagain: always\noverlap: parallel\npurpose: repair\n"
        "steps:\n  - step: ring\n    do: call\n    due: within 1 working day\n    assign: owner\n"
        "    if_overdue: {escalate: boss}\n    give_up: after 5 days\n"
        "  - {step: news, do: letter, due: now}\n  - {step: next, start: follow_up}\n"
        "  - {step: note, record: visit}\n"
    ),
    "follow_up": (
        "trigger: {event: signup}\nstatus: draft\nsteps:\n"
        "  - {step: mail, do: letter, due: after 2 days}\n  - {step: mark, set: {tier: gold}}\n"
    ),
    "lapsed": "trigger: {enters: lapsed}\nsteps:\n  - {step: hello, do: letter, due: now}\n",
    "silver": (
        "trigger: {changes: stage, to: lapsed}\nonly: {tier: silver}\nsteps:\n"
        "  - {step: hello, do: letter, due: now}\n"
    ),
    "birthday": (
        "trigger: {date: contract_end, before: 7 days}\n"
        "steps:\n  - {step: hello, do: letter, due: now}\n"
    ),
}
HOUSE = "rules:\n  - {rule: 不打扰, when: {work: {purpose: repair}, customer: {no_contact: yes}}, then: skip}\n"


@lru_cache(maxsize=1)
def project() -> Project:
    files = {"care.yaml": CARE, "shared.yaml": SHARED, "house.yaml": HOUSE}
    files |= {
        f"playbooks/{name}.yaml": f"playbook: {name}\nowner: us\n{text}"
        for name, text in BOOKS.items()
    }
    found, findings = check_files({name: text.encode() for name, text in files.items()})
    assert found is not None, findings
    assert found.broken == (), findings
    return found


def played(text: str, playbook: str = "care_call") -> Verdict:
    """Play the one test of a file."""
    story = indent(dedent(text).strip("\n"), "    ")
    body = f"playbook: {playbook}\ntests:\n  - test: t\n{story}\n"
    file, findings = read_cases(body.encode(), "tests/a.test.yaml", project(), CODES)
    assert findings == ()
    (case,) = file.cases
    return run_test(project(), case)


def told(verdict: Verdict) -> str:
    """Return what is wrong with a verdict, "" where nothing is."""
    wrong = [f"{f.shown}: {f.differences} {f.instead}" for f in verdict.failures]
    return "\n".join([*wrong, *([verdict.error] if verdict.error else [])])


STORIES = {
    "a person is late: the boss gets a task, and both are closed in the end": """
        events: [{at: 2025-03-03 10:00, event: complaint, case_id: A}]
        until: 2025-03-12
        expect:
          - {step: ring, state: expired, due: 2025-03-04 18:00, closes: 2025-03-09 18:00}
          - {step: ring.overdue, opens: 2025-03-04 18:00, assign: 经理}
          - {journey: finished}
    """,
    "put off, the task is due later, and then done": """
        events:
          - {at: 2025-03-03 10:00, event: complaint, case_id: A}
          - {at: 2025-03-04 09:30, snooze: ring, until: 2025-03-06 12:00}
          - {at: 2025-03-05 09:30, done: ring}
        expect:
          - {step: ring, state: done, due: 2025-03-06 12:00}
          - {step: ring.overdue, never: yes}
          - {step: news, sent: yes, at: 2025-03-05 09:30}
    """,
    "a start step begins a draft, which runs along; what it sets is known then": """
        events:
          - {at: 2025-03-03 10:00, event: complaint, case_id: A}
          - {at: 2025-03-04 09:30, done: ring}
        until: 2025-03-07
        expect:
          - {starts: yes, playbook: follow_up}
          - {step: mail, opens: 2025-03-06}
          - {event: visit, times: 1}
          - {event: care_sent, times: 2}
    """,
    "begun by hand": """
        customers: {甲: {}}
        events: [{at: 2025-03-03 10:20, start: care_call}]
        expect: [{starts: yes, trigger: manual, at: 2025-03-03 10:20}]
    """,
    "a rule of the house skips it; without house rules it begins": """
        customers: {K1: {no_contact: yes}}
        events: [{at: 2025-03-03 10:00, event: complaint, case_id: A}]
        expect:
          - {starts: no, because: house_rule, rule: 不打扰}
          - {step: ring, never: yes, because: house_rule}
    """,
    "no rules of the house": """
        customers: {K1: {no_contact: yes}}
        house: none
        events: [{at: 2025-03-03 10:00, event: complaint, case_id: A}]
        expect: [{starts: yes}]
    """,
    "what was before it went live is history": """
        live: 2025-03-05
        events:
          - {at: 2025-03-03 10:00, event: complaint, case_id: A}
          - {at: 2025-03-06 10:00, event: complaint, case_id: B, every: 2 days, times: 2}
        expect:
          - {starts: yes, times: 2}
          - {starts: no, at: 2025-03-03}
    """,
    "what arrives too late does not count": """
        events: [{at: 2025-03-03 10:00, event: complaint, case_id: A, arrives: 2025-03-20 10:00}]
        expect: [{starts: no, because: late}]
    """,
    "two customers are told apart": """
        customers: {甲: {manager: 王芳}, 乙: {}}
        events:
          - {at: 2025-03-03 10:00, event: complaint, case_id: A, customer: 甲}
        expect:
          - {step: ring, customer: 甲, assign: 王芳}
          - {starts: no, customer: 乙, because: trigger}
    """,
    "runs at the instants that are listed, and no others": """
        runs: [2025-03-03 08:00, 2025-03-04 08:00]
        events:
          - {at: 2025-03-03 10:00, event: complaint, case_id: A}
          - {at: 2025-03-04 08:30, done: ring}
        expect:
          - {step: ring, state: done}
          - {step: news, never: yes}
    """,
}


@pytest.mark.parametrize("name", STORIES)
def test_stories(name: str) -> None:
    """Each story comes as it is told."""
    assert told(played(STORIES[name])) == ""


def test_segments_are_entered() -> None:
    """Who becomes silent enters the segment on the run that sees it; who was silent does not."""
    story = """
        events:
          - {at: 2025-03-01 10:00, event: order, amount: 1}
        until: 2025-04-02
        runs: every day at 08:00
        expect: [{starts: yes, at: 2025-04-01 08:00}]
    """
    before = story.replace("until:", "live: 2025-04-01 12:00\n        until:")
    before = before.replace("starts: yes, at: 2025-04-01 08:00", "starts: no, because: existing")

    assert told(played(story, "lapsed")) == ""
    assert told(played(before, "lapsed")) == ""


def test_why_not_of_what_is_only_counted() -> None:
    """Reasons that the ledger counts and does not name are answered as ``why-not`` does."""
    story = """
        customers: {K1: {tier: gold}}
        events: [{at: 2025-03-01 10:00, event: order, amount: 1}]
        until: 2025-04-02
        expect: [{starts: no, because: only}, {step: hello, never: yes, because: only}]
    """
    assert told(played(story, "silver")) == ""


def test_dates() -> None:
    """A date that is known from the beginning fires on its day, and one that is learned too."""
    story = """
        customers: {K1: {contract_end: 2025-03-20}, K2: {}}
        live: 2025-03-01
        events: [{at: 2025-03-10 09:30, set: {contract_end: 2025-03-18}, customer: K2}]
        until: 2025-03-14
        expect:
          - {starts: yes, customer: K1, at: 2025-03-13}
          - {starts: yes, customer: K2, at: 2025-03-11}
    """
    assert told(played(story, "birthday")) == ""


def test_a_missing_expectation_is_no_pass() -> None:
    """What does not happen fails, with what came instead."""
    verdict = played("""
        events: [{at: 2025-03-03 10:00, event: complaint, case_id: A}]
        expect: [{step: news, sent: yes}, {event: visit}, {journey: finished}, {starts: no}]
    """)

    assert [one.differences[0].key for one in verdict.failures] == [
        "step", "event", "journey", "starts",
    ]  # fmt: skip
    assert not verdict.passed


def test_workers_answer_as_one_does() -> None:
    """Many tests on two workers have the verdicts that they have on one, in their order."""
    lines = "".join(
        f"  - test: t{n}\n    events: [{{at: 2025-03-03 10:00, event: complaint, case_id: A}}]\n"
        f"    expect: [{{starts: yes, times: {1 + n % 2}}}]\n"
        for n in range(45)
    )
    body = f"playbook: care_call\ntests:\n{lines}"
    file, _ = read_cases(body.encode(), "tests/a.test.yaml", project(), CODES)
    alone = verdicts(project(), file.cases, jobs=1)

    assert [one.passed for one in alone] == [n % 2 == 0 for n in range(45)]
    assert verdicts(project(), file.cases, jobs=2) == alone


def test_the_page(tmp_path: Path) -> None:
    """The file of tests that the documentation shows passes in a new project."""
    init(tmp_path / "p")
    page = (DOCS / "testing.md").read_text(encoding="utf-8")
    block = re.search(r"```yaml\n(playbook: .*?)```", page, re.DOTALL)
    assert block is not None
    (tmp_path / "p" / "tests" / "page.test.yaml").write_text(block[1], encoding="utf-8")
    shown = load_project(tmp_path / "p")
    suite = load(shown, ["tests/page.test.yaml"])

    assert suite.findings == ()
    assert [told(run_test(shown, case)) for case in suite.cases] == ["", ""]


def test_every_reason_is_told() -> None:
    """Every code that ``because`` takes has its line in the documentation."""
    page = (DOCS / "reasons.md").read_text(encoding="utf-8")

    assert [code for code in CODES if f"`{code}`" not in page] == []
