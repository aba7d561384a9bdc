"""Decisions through durable-rules: 20 rules, 1 candidate, 3 running; the budget is 5,000 customers/s.

Run it from the top of the repository: ``python -m bench.decisions [customers]``. Every case differs
from every other and all of them reach the engine, so that nothing is decided by a shortcut.
"""

from __future__ import annotations

import itertools
import sys
import time

from rules.matcher import (
    Case,
    Comparison,
    DurableMatcher,
    FactKind,
    FieldTest,
    GateRule,
    Matcher,
    Part,
    ReferenceMatcher,
)
from rules.matcher.codebook import Codebook
from rules.matcher.durable import unavailable

BUDGET = 5_000  #: customers a second
PURPOSES = tuple(f"purpose {i}" for i in range(10))
RULES = 20
RUNNING = 3
ROUNDS = 3


def rules() -> list[GateRule]:
    """Half of the rules judge the work by the customer, half by what else runs."""
    made = []
    for i in range(RULES):
        work = FieldTest("purpose", Comparison.ONE_OF, (PURPOSES[i % 10], PURPOSES[(i + 3) % 10]))
        if i % 2:
            other = Part(
                FactKind.CUSTOMER, (FieldTest("complaints", Comparison.GT, (i * 10_000,)),)
            )
        else:
            other = Part(
                FactKind.RUNNING, (FieldTest("purpose", Comparison.EQ, (PURPOSES[i // 2],)),)
            )
        made.append(GateRule(f"rule {i}", (Part(FactKind.WORK, (work,)), other)))
    return made


def cases(count: int) -> list[Case]:
    """Return that many different cases, as many as there are at most."""
    running = list(itertools.combinations(PURPOSES, RUNNING))
    every = itertools.product(range(RULES // 2 + 1), running, PURPOSES)
    return [
        Case(
            work={"purpose": purpose, "playbook": "p", "priority": 50},
            customer={"complaints": (2 * level) * 10_000 + 1, "vip": True},
            running=[{"purpose": other, "playbook": "q"} for other in others],
        )
        for level, others, purpose in itertools.islice(every, count)
    ]


def speed(matcher: Matcher, work: list[Case]) -> float:
    """Return customers a second, the best of some rounds."""
    best = 0.0
    for _ in range(ROUNDS):
        start = time.perf_counter()
        matcher.match(work)
        best = max(best, len(work) / (time.perf_counter() - start))
    return best


def main() -> int:
    """Print the figures; 1 where the budget is missed."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    work = cases(count)
    plain = speed(ReferenceMatcher(rules()), work)
    print(f"reference      {plain:>10,.0f} customers/s")
    if missing := unavailable():
        print(f"durable-rules  not measured: {missing}")
        return 0
    book = Codebook(rules())
    assert len({book.code(case) for case in work}) == len(work), "cases must differ in code too"
    matcher = DurableMatcher(rules())
    same = matcher.match(work) == ReferenceMatcher(rules()).match(work)
    fast = speed(matcher, work)
    matcher.close()
    if matcher.degraded or not same:
        print(f"durable-rules  {matcher.degraded or 'differs from the reference'}")
        return 1
    print(f"durable-rules  {fast:>10,.0f} customers/s of {BUDGET:,} ({len(work):,} different ones)")
    print(f"ratio          {fast / plain:>10.2f} of the reference's speed")
    return 0 if fast >= BUDGET else 1


if __name__ == "__main__":
    sys.exit(main())
