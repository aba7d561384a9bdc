"""durable-rules behind its fence decides what the reference decides, whatever happens to it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rules.matcher as package
from rules.matcher import (
    Case,
    Comparison,
    DurableMatcher,
    FactKind,
    FieldTest,
    GateRule,
    Part,
    ReferenceMatcher,
    open_matcher,
)
from rules.matcher.durable import Child, ChildFailedError, unavailable

pytestmark = pytest.mark.skipif(
    bool(unavailable()), reason=f"durable-rules can't be tested here: {unavailable()}"
)

WORK, CUSTOMER, RUNNING = FactKind.WORK, FactKind.CUSTOMER, FactKind.RUNNING
SIZES = (Comparison.LT, Comparison.LTE, Comparison.GT, Comparison.GTE)

#: Few names and few values, so that rules do match; and the values that hurt.
names = st.sampled_from(["a", "字段", "k", "sid", "id", "$and", "a.b", "e0"])
words = st.sampled_from(["", "v", "v0", "y", "维修", "quo\"te'\\", "30", "\x00", "\ud800", "work"])
numbers = st.sampled_from([0, 1, 2, -1, 5, 2**53 + 1, 2**53 + 2, -(2**63), 10**30])
values = st.one_of(words, st.booleans(), numbers)
hostile = st.sampled_from([None, float("nan"), 1e300, 1.5, [1], {"a": {"b": 1}}, b"x"])


@st.composite
def field_tests(draw):
    op = draw(st.sampled_from(list(Comparison)))
    if op in SIZES:
        chosen = (draw(numbers),)
    elif op is Comparison.ONE_OF:
        chosen = tuple(draw(st.lists(values, min_size=1, max_size=4)))
    else:
        chosen = (draw(values),)
    return FieldTest(draw(names), op, chosen)


parts = st.builds(
    Part, st.sampled_from(list(FactKind)), st.lists(field_tests(), max_size=3).map(tuple)
)
rule_bases = st.lists(st.lists(parts, max_size=4), min_size=1, max_size=6).map(
    lambda bases: [GateRule(f"rule {i}", tuple(each)) for i, each in enumerate(bases)]
)
facts = st.dictionaries(names, values | hostile, max_size=4)
cases = st.lists(
    st.builds(Case, work=facts, customer=facts, running=st.lists(facts, max_size=3)),
    min_size=1,
    max_size=6,
)


@pytest.fixture(scope="module")
def child():
    """One child for many rule bases (each gets fresh ruleset names in it), its memory poisoned."""
    made = Child(env={**os.environ, "MALLOC_PERTURB_": "165"})
    yield made
    made.close()


def both(rules, asked, child=None):
    """The two matchers' answers; durable-rules must not have failed."""
    matcher = DurableMatcher(rules, child=child)
    actual = matcher.match(asked)
    if child is None:
        matcher.close()
    assert matcher.degraded is None
    return ReferenceMatcher(rules).match(asked), actual


def work_rule(name: str, purpose: str) -> GateRule:
    return GateRule(name, (Part(WORK, (FieldTest("purpose", Comparison.EQ, (purpose,)),)),))


def customers(count: int, purpose: str = "repair") -> list[Case]:
    """Cases that differ, and reach the engine."""
    return [
        Case(work={"purpose": purpose}, customer={"age": i}, running=[{"purpose": "x"}])
        for i in range(count)
    ]


def age_rules(count: int) -> list[GateRule]:
    """Rules that tell all these customers apart, each matching some of them."""
    own = Part(WORK, (FieldTest("purpose", Comparison.EQ, ("repair",)),))
    return [
        GateRule(f"rule {i}", (own, Part(CUSTOMER, (FieldTest("age", Comparison.GT, (i,)),))))
        for i in range(count)
    ]


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rule_bases, cases)
def test_any_rules_on_any_facts_decide_the_same(child, rules, asked):
    """The matchers are equal, hostile names and values included."""
    expected, actual = both(rules, asked, child)

    assert actual == expected


@pytest.mark.long
@settings(max_examples=20_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rule_bases, cases)
def test_very_many_rules_on_any_facts_decide_the_same(child, rules, asked):
    """The same at length."""
    expected, actual = both(rules, asked, child)

    assert actual == expected


def random_case(rng: random.Random) -> tuple[list[GateRule], list[Case]]:
    """Rules as a house has them: purposes, complaints, tiers; and customers with other work."""
    purposes = [f"purpose {i}" for i in range(6)]
    rules = []
    for i in range(rng.randint(1, 60)):
        own = [
            Part(WORK, (FieldTest("purpose", Comparison.ONE_OF, tuple(rng.sample(purposes, 2))),))
        ]
        if rng.random() < 0.6:
            op = rng.choice(SIZES)
            own.append(Part(CUSTOMER, (FieldTest("complaints", op, (rng.randint(0, 3),)),)))
        own += [
            Part(RUNNING, (FieldTest("purpose", Comparison.EQ, (rng.choice(purposes),)),))
            for _ in range(rng.choice((0, 0, 1, 2)))
        ]
        rules.append(GateRule(f"rule {i}", tuple(own)))
    asked = [
        Case(
            work={"purpose": rng.choice(purposes)},
            customer={"complaints": rng.randint(0, 4), "vip": rng.random() < 0.5},
            running=[{"purpose": rng.choice(purposes)} for _ in range(rng.randint(0, 5))],
        )
        for _ in range(30)
    ]
    return rules, asked


@pytest.mark.parametrize("seed", range(25))
def test_houses_of_many_rules_decide_the_same(child, seed):
    """Up to 60 rules, most of them matched by somebody, split over rulesets."""
    rules, asked = random_case(random.Random(seed))

    expected, actual = both(rules, asked, child)

    assert actual == expected


@pytest.mark.parametrize("count", [49, 50, 51, 130])
def test_a_fact_may_match_more_rules_than_a_ruleset_can_hold(child, count):
    """All of them fire; 64 branches in one ruleset would be error 303."""
    rules = [
        GateRule(f"rule {i}", (Part(WORK, (FieldTest("f", Comparison.NE, (str(i),)),)),))
        for i in range(count)
    ]

    expected, actual = both(rules, [Case(work={"f": "other"}), Case(work={"f": "3"})], child)

    assert actual == expected
    assert [len(each) for each in actual] == [count, count - 1]


def test_a_list_of_thousands_does_not_hang_the_engine(child):
    """600 equalities in one rule do."""
    listed = tuple(f"word {i}" for i in range(5_000))
    rules = [GateRule("rule", (Part(WORK, (FieldTest("f", Comparison.ONE_OF, listed),)),))]

    _, actual = both(rules, [Case(work={"f": each}) for each in ("word 4999", "word 5000")], child)

    assert actual == [frozenset({"rule"}), frozenset()]


def test_the_longest_rule_is_compiled_and_matched(child):
    """200 comparisons, as ``problems`` allows, in every kind of part."""
    tests = [FieldTest(f"f{i}", Comparison.NE, ("x",)) for i in range(100)]
    more = [FieldTest(f"f{i}", Comparison.GT, (0,)) for i in range(50)]
    rules = [GateRule("rule", (Part(WORK, (*tests, *more)), Part(RUNNING, tuple(tests[:50]))))]
    work = {f"f{i}": 7 for i in range(100)}
    fine = Case(work=work, running=[{}, work])

    expected, actual = both(rules, [fine, Case(work=work | {"f49": 0}, running=[work])], child)

    assert actual == expected == [frozenset({"rule"}), frozenset()]


def test_much_other_work_is_no_trouble(child):
    """Sixty running facts and a rule with six parts about them: joins don't multiply."""
    six = tuple(Part(RUNNING, (FieldTest("n", Comparison.GTE, (i,)),)) for i in range(6))
    rules = [
        GateRule("rule", six),
        GateRule("none", (Part(RUNNING), Part(CUSTOMER, (FieldTest("x", Comparison.EQ, (1,)),)))),
    ]

    expected, actual = both(rules, [Case(work={}, running=[{"n": i} for i in range(60)])], child)

    assert actual == expected == [frozenset({"rule"})]


def test_huge_words_never_reach_the_engine(child):
    """Megabytes in a field of a fact are a symbol by then."""
    rules = [work_rule("rule", "x" * 1_000_000)]

    _, actual = both(rules, [Case(work={"purpose": each * 1_000_000}) for each in "xy"], child)

    assert actual == [frozenset({"rule"}), frozenset()]


@pytest.mark.parametrize("poison", ["85", "165"])
def test_customers_that_match_nothing_don_t_crash_it(poison):
    """The library frees memory that it never set; with memory poisoned, priming shows its worth."""
    rules = [*age_rules(20), work_rule("never", "else")]
    never = [
        GateRule(f"no {i}", (Part(WORK), Part(CUSTOMER, (FieldTest("age", Comparison.LT, (-i,)),))))
        for i in range(5)
    ]
    child = Child(env={**os.environ, "MALLOC_PERTURB_": poison})
    matcher = DurableMatcher([*never, *rules], child=child)
    asked = customers(600, "unmatched") + customers(600)

    actual = matcher.match(asked)

    matcher.close()
    assert matcher.degraded is None
    assert actual == ReferenceMatcher([*never, *rules]).match(asked)


def test_it_decides_and_says_so():
    """Where durable-rules can be had it is taken, and nothing is degraded."""
    rules = [work_rule("rule", "repair")]
    matcher = open_matcher(rules)

    actual = matcher.match(customers(1))

    matcher.close()
    assert actual == [frozenset({"rule"})]
    assert (matcher.name, matcher.reason, matcher.degraded) == ("durable-rules", "", None)


def test_cases_that_no_rule_is_about_are_not_sent():
    """No process is started for them."""
    matcher = DurableMatcher(age_rules(3))

    actual = matcher.match(customers(100, "marketing"))

    assert actual == [frozenset()] * 100
    assert matcher.pid is None
    assert matcher.match([]) == []


def test_a_killed_child_costs_no_decision():
    """Between two batches: the second and all later ones are decided by the reference."""
    rules, asked = age_rules(20), customers(30)
    matcher = DurableMatcher(rules)
    first = matcher.match(asked)
    os.kill(matcher.pid, signal.SIGKILL)

    later = [matcher.match(asked), matcher.match(asked)]

    matcher.close()
    assert [first, *later] == [ReferenceMatcher(rules).match(asked)] * 3
    assert matcher.degraded == "durable-rules died"


def test_a_child_killed_in_the_middle_of_a_batch_costs_no_decision():
    """It has the batch (it is stopped while it has), and is killed before it can answer."""
    rules, asked = age_rules(20), customers(30)
    matcher = DurableMatcher(rules)
    matcher.match(asked[:1])
    pid = matcher.pid
    os.kill(pid, signal.SIGSTOP)
    killer = threading.Timer(0.2, os.kill, (pid, signal.SIGKILL))
    killer.start()

    actual = matcher.match(asked)

    killer.join()
    matcher.close()
    assert actual == ReferenceMatcher(rules).match(asked)
    assert matcher.degraded == "durable-rules died"


def test_a_hanging_child_is_given_up():
    """After the time limit, also when the batch does not fit into the pipe."""
    unlike = [tuple(FieldTest(name, Comparison.NE, (i,)) for i in range(50)) for name in "ab"]
    rules = [work_rule("rule", "repair")]
    rules += [GateRule(f"tell {i}", (Part(CUSTOMER, each),)) for i, each in enumerate(unlike)]
    asked = [
        Case(work={"purpose": "repair"}, customer={"a": a, "b": b})
        for a in range(50)
        for b in range(50)
    ]
    matcher = DurableMatcher(rules, limit=10)
    matcher.match(asked[:1])
    matcher._limit = 0.3
    os.kill(matcher.pid, signal.SIGSTOP)

    actual = matcher.match(asked)

    matcher.close()
    assert actual == ReferenceMatcher(rules).match(asked)
    assert matcher.degraded == "durable-rules hung for 0.3 seconds"
    assert matcher.pid is None


BODY = (
    "import struct, sys, json\nread = sys.stdin.buffer.read\n"
    "def send(text):\n    sys.stdout.buffer.write(struct.pack('>I', len(text)) + text)\n"
    "    sys.stdout.buffer.flush()\n"
    "read(struct.unpack('>I', read(4))[0])\n"
)
READY = BODY + "send(b'{\"ready\": 1}')\nread(struct.unpack('>I', read(4))[0])\n"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("", "durable-rules died"),
        ("raise SystemExit(3)", "durable-rules died"),
        (BODY + "sys.stdout.buffer.write(b'\\xff' * 99)", "durable-rules answered garbage"),
        (BODY + "send(b'not json')", "durable-rules answered garbage"),
        (BODY + "send(b'[' * 100000)", "durable-rules answered garbage"),
        (BODY + "send(b'[]')", "durable-rules answered garbage"),
        (BODY + "send(b'{\"ready\": 2}')", "durable-rules answered garbage"),
        (BODY + "send(b'{\"error\": \"303\"}')", "durable-rules failed: 303"),
        (READY + "send(b'{\"fired\": [[], []]}')", "durable-rules answered garbage"),
        (READY + "send(b'{\"fired\": [[\"r9_9\"]]}')", "durable-rules answered garbage"),
        (READY + "send(b'{\"fired\": [[1]]}')", "durable-rules answered garbage"),
        (READY + "send(b'{\"fired\": [\"r0_0\"]}')", "durable-rules answered garbage"),
        (READY + "send(b'{\"fired\": null}')", "durable-rules answered garbage"),
        (READY + "sys.stdout.buffer.write(b'\\x00\\x00\\x00\\x09abc')", "durable-rules died"),
    ],
)  # fmt: skip
def test_a_child_that_lies_or_fails_is_not_believed(tmp_path, script, expected):
    """Whatever comes back instead of an answer, the reference decides and the reason is kept."""
    path = tmp_path / "impostor.py"
    path.write_text(script, encoding="utf-8")
    rules, asked = [work_rule("rule", "repair")], customers(1)
    matcher = DurableMatcher(rules, child=Child(script=path))

    actual = matcher.match(asked)

    matcher.close()
    assert actual == [frozenset({"rule"})]
    assert matcher.degraded == expected


def test_an_answer_that_is_right_is_taken(tmp_path):
    """The harness of the lies above is believed when it says what durable-rules would."""
    path = tmp_path / "honest.py"
    path.write_text(READY + 'send(b\'{"fired": [["r1_0"]]}\')', encoding="utf-8")
    rules = [work_rule("other", "x"), work_rule("rule", "repair")]
    matcher = DurableMatcher(rules, child=Child(script=path))

    actual = matcher.match(customers(1))

    matcher.close()
    assert (actual, matcher.degraded) == ([frozenset({"rule"})], None)


def test_the_childs_own_error_is_told():
    """A rule that the library refuses ends the child with words."""
    child = Child()
    with pytest.raises(ChildFailedError, match="durable-rules failed: "):
        child.ask(
            {"rulesets": [{"rules": {"bad": [{"m": {"$nonsense": {"a": 1}}}]}, "fields": []}]}, 10
        )
    child.close()


def test_a_users_own_folders_are_not_taken_for_ours(tmp_path, monkeypatch):
    """``rules/`` and ``json.py`` beside the user's playbooks don't get into the child."""
    (tmp_path / "rules").mkdir()
    for name in ("rules/__init__.py", "json.py", "durable.py"):
        (tmp_path / name).write_text("raise SystemExit(9)", encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    expected, actual = both([work_rule("rule", "repair")], customers(2))

    assert actual == expected


def test_the_child_ends_with_us():
    """By close, and when our process is killed: its stdin ends then, and it goes."""
    matcher = DurableMatcher([work_rule("rule", "repair")])
    matcher.match(customers(1))
    process = matcher._child._process

    matcher.close()
    matcher.close()

    assert process.returncode == 0


def test_an_interrupt_is_left_to_the_parent():
    """Ctrl-C reaches the whole process group; the child goes on until its stdin ends."""
    rules = [work_rule("rule", "repair")]
    matcher = DurableMatcher(rules)
    matcher.match(customers(1))
    os.kill(matcher.pid, signal.SIGINT)

    actual = matcher.match(customers(1))

    matcher.close()
    assert (actual, matcher.degraded) == ([frozenset({"rule"})], None)


def test_the_child_imports_nothing_of_ours():
    """It is run as a script, wherever we are installed."""
    script = Path(package.__file__).with_name("child.py")

    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import runpy; runpy.run_path({str(script)!r})"],
        capture_output=True,
        check=False,
        text=True,
    )

    assert (done.returncode, done.stderr) == (0, "")
