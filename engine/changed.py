"""Of whom a condition may have another verdict than at the last run: the rest need not be asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.context import RunContext
from rules.conditions import All, AnyOf, Compare, Condition, Not, SubjectKind
from rules.measures import Catalogue, Segment

__all__ = ["changed_since"]


def changed_since(
    ctx: RunContext, catalogue: Catalogue, conditions: Sequence[Condition], *, at: int, seq: int
) -> set[str] | None:
    """Return the customers for whom one of the conditions may have changed since (T0, S0).

    None: all of them, where a condition hangs on more than the customer (on what steps left, or on
    how a value of the trigger stands to T) or on everybody, and where the run asks everybody.
    """
    from rules.sql import changed_customers, edges  # noqa: PLC0415  slow

    if ctx.full or any(_beyond_customer(condition) for condition in conditions):
        return None
    segments = {
        f"\x00asked{index}": Segment(name=f"\x00asked{index}", title="", condition=condition)
        for index, condition in enumerate(conditions)
    }
    catalogue = replace(catalogue, segments={**catalogue.segments, **segments})
    names = sorted(segments)
    if edges(catalogue, *names).population_bound:
        return None
    log = ctx.facts.log
    asking, binds = changed_customers(
        ctx.project.vocabulary, catalogue, names,
        at0=at, seq0=seq, at1=ctx.at, seq1=ctx.seq, codes=log.codes(),
    )  # fmt: skip
    return set(log.customer_ids([row[0] for row in log.query(asking, binds)]).values())


def _beyond_customer(condition: Condition) -> bool:
    match condition:
        case All() | AnyOf():
            return any(_beyond_customer(part) for part in condition.parts)
        case Not():
            return _beyond_customer(condition.part)
        case Compare():
            return condition.subject.kind in (SubjectKind.STEP, SubjectKind.TRIGGER)
    return False
