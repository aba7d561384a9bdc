"""Warnings: few, true, useful; and a parser that nothing breaks."""

from __future__ import annotations

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules.errors import Level
from rules.project import check_files
from tests.projects import CARE, PLAYBOOK, SHARED, told

HOUSE = """\
rules:
  - rule: one
    when: {work: {purpose: [repair], channel: call}, customer: {orders: above 0}}
    then: defer 3 days
"""
FULL = """\
playbook: q
title: x
owner: y
status: active
purpose: repair
measures:
  visits: {count: {event: contact, where: {channel: call}}, last: 30 days}
segments:
  quiet: {title: z, any: [{visits: above 3}, {not: {need: has price}}]}
trigger:
  - {event: complaint, where: {severity: [low, high]}, late: accept within 3 days}
only: [buyers, tier.A]
except: {vip: yes}
again: after 3 days
holdout: 5%
stop_when:
  - {event: solved, same: case_id, goal: done, within: 3 days}
  - {leaves: quiet}
  - {call.mark: at least 3}
steps:
  - {step: call, do: call, assign: owner, due: within 3 working days, at: 10:00, ask: {mark: 1 to 5}}
  - {step: letter, do: letter, from: 3 days before contract_end, template: a.md, recheck: {trigger.severity: low}}
"""
TREE = """\
playbook: r
owner: y
trigger: {event: complaint}
overlap: queue
migrate: move
steps:
  - {step: call, do: call, assign: owner, outcomes: [ok, no_answer], ask: {day: date, mark: 1 to 5}, retry: {on: no_answer, every: 1 working day, times: 3}, done_when: {event: solved, same: case_id}, if_overdue: {escalate: manager, after: 4 working hours}, if_late: escalate, give_up: after 30 days}
  - step: how
    choose:
      - {if: {call.outcome: ok}, then: [{step: group, split: {a: 50%, b: 50%}}, {step: again, start: q}]}
      - {if: {trigger.severity: high}, then: [{step: note, set: {size: add 1, vip: yes, contract_end: call.day}}]}
      - {else: [{step: over, stop: lost}]}
  - {step: reply, wait: {event: solved, same: case_id, up_to: 5 working days}, then: [{step: thanks, do: letter, template: [a.md, a.md]}], else: [{step: more, do: letter, repeat: {every: 3 days, times: 4, until: {tier: A}}}]}
  - {step: log, record: solved, fields: {case_id: trigger.case_id}, from: 2 days before call.day}
  - {step: text, do: letter, template: {by: industry, 制造业: a.md, else: a.md}, to: customer.name, on_unknown: resend}
  - {step: later, wait: 3 days, disabled: yes}
"""
FILES = {
    "care.yaml": CARE,
    "shared.yaml": SHARED,
    "house.yaml": HOUSE,
    "playbooks/p.yaml": PLAYBOOK,
    "playbooks/q.yaml": FULL,
    "playbooks/r.yaml": TREE,
}


def test_a_share_without_same_may_exceed_100_percent() -> None:
    """A ratio of two counts is legal and warned about, where it is defined."""
    local = PLAYBOOK + "measures:\n  ratio: {share: solved, of: complaint}\n"

    assert told(p=local) == [
        (
            'playbooks/p.yaml:7:3: warning[share-without-same] measure "ratio" may exceed 100%: '
            "nothing ties the two events together; add same: with a field that both have"
        )
    ]


def test_a_segment_that_takes_strangers() -> None:
    """Counting zero of something takes customers of whom nothing is known; `check` says so."""
    shared = "measures:\n  n: {count: order}\nsegments:\n  a: {n: 0}\n  b: {n: 0, size: known}\n"

    assert told(shared=shared) == [
        (
            'shared.yaml:4:3: warning[matches-unknown] segment "a" also takes customers of whom '
            "nothing is known; add a test that only somebody known can pass"
        )
    ]


def test_ranking_is_no_reason_to_warn() -> None:
    """A segment by rank takes nobody of whom nothing is known."""
    shared = SHARED.replace("classes:", "  best: {orders: top 20% of buyers}\nclasses:")

    assert told(shared=shared) == []


def test_ranking_among_customers_of_whom_nothing_is_known() -> None:
    """A rank in a segment that takes unknown customers is no reason to fail: nobody is ranked."""
    segments = "  few: {orders: below 5}\n  best: {orders: top 20% of few}\nclasses:"

    assert [
        line.partition(" warning")[2] for line in told(shared=SHARED.replace("classes:", segments))
    ] == [
        (
            '[matches-unknown] segment "few" also takes customers of whom nothing is known; '
            "add a test that only somebody known can pass"
        )
    ]


def test_the_files_below_are_sound() -> None:
    """The mutations start from a project with nothing to say about it."""
    files = {name: text.encode() for name, text in FILES.items()}
    project, findings = check_files({**files, "templates/a.md": b"x"})

    assert project is not None
    assert findings == ()
    assert len(project.playbooks) == 3


WORDS = st.sampled_from(
    [
        "", "3", "30%", "within 3 days", "3 days", "at least 3", "between 3 and 1", "not not 3",
        "known", "has any of []", "top 20% of", "buyers", "tier.A", "tier", "order", "contact",
        "trigger.severity", "call.mark", "customer.name", "[a, b]", "a, b", "yes", "~", "above",
        "5 before x", "1 to 5", "order.amount", ".", "x" * 100, "１２", "entry", "2026-02-30",
        "call", "how", "call.day", "2 days after call.day", "add 3", "add x", "q", "r", "message",
    ]
)  # fmt: skip
KEYS = st.sampled_from(
    [
        "title", "any", "all", "not", "in", "event", "where", "count", "share", "of", "same",
        "last", "change", "values", "if", "value", "steps", "step", "do", "due", "from", "ask",
        "trigger", "only", "x", "a b", "choose", "then", "kind", "orders", "tier", "changed",
        "else", "wait", "split", "set", "record", "fields", "start", "stop", "repeat", "retry",
        "times", "every", "on", "until", "up_to", "by", "template", "done_when", "disabled",
    ]
)  # fmt: skip
TREES = st.recursive(
    WORDS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(KEYS, below, max_size=3),
    max_leaves=6,
)


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, bytes]:
    """Return the project with a few parts of its trees replaced, removed or renamed."""
    trees = {name: yaml.load(text, yaml.BaseLoader) for name, text in FILES.items()}
    for _ in range(draw(st.integers(1, 4))):
        node = trees[draw(st.sampled_from(sorted(trees)))]
        while True:
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            below = node[key]
            if isinstance(below, (dict, list)) and draw(st.integers(0, 3)):
                node = below
                continue
            match draw(st.integers(0, 3)):
                case 0:
                    del node[key]
                case 1 if isinstance(node, dict):
                    node[draw(KEYS)] = node.pop(key)
                case _:
                    node[key] = draw(TREES)
            break
    dumped = {
        name: yaml.dump(tree, allow_unicode=True, sort_keys=False) for name, tree in trees.items()
    }
    return {name: text.encode() for name, text in dumped.items()}


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mutated())
def test_nothing_in_a_file_breaks_the_parser(files: dict[str, bytes]) -> None:
    """Any change to any file gives findings in plain words, never an exception; what is broken is
    left out and the rest is whole."""
    project, findings = check_files({**files, "templates/a.md": b"x"})

    errors = {each.span.file for each in findings if each.level is Level.ERROR}
    shared = errors & {"care.yaml", "shared.yaml", "house.yaml"}
    assert (project is None) == bool(shared)
    if project:
        assert set(project.broken) == errors
        assert {each.file for each in project.playbooks} == {
            name for name in FILES if name.startswith("playbooks/") and name not in errors
        }
    for finding in findings:
        assert finding.message
        for internal in ("None", "Fraction(", "Kind.", "Sort.", "object at", "Traceback"):
            assert internal not in str(finding)
