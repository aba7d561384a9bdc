"""Events that no other event answered: ``missing: first_reply, after: complaint, same: case_id``."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from rules.measures import Events
from rules.sql.binds import Binds, Codes
from rules.sql.build import (
    any_of,
    col,
    is_set,
    named,
    number,
    select,
    subquery,
)
from rules.sql.scan import Reader, visible
from rules.vocabulary import Vocabulary

__all__ = ["Unanswered", "compile_unanswered"]


@dataclass(frozen=True, slots=True)
class Unanswered:
    """One statement: ``seq``, ``occurred_at`` and ``care_first`` (the first answer, or NULL)."""

    query: exp.Select
    bound: Binds

    def sql(self, dialect: str = "duckdb") -> str:
        """Return the statement, with ``$name`` placeholders."""
        return self.query.sql(dialect)

    def binds(
        self, at: int, seq: int, codes: Codes, *, after: int, upto: int, seq0: int, least: int
    ) -> dict[str, int | str | None]:
        """Return the values of the placeholders at (T, S).

        Asked are the first events with a time in (after, upto], and those up to ``upto`` that came
        after ``seq0``. Left out is what was answered within ``least`` microseconds.
        """
        found = self.bound.values({0: (at, seq)}, codes, {})
        return {**found, "after": after, "upto": upto, "seq0": seq0, "least": least}


def compile_unanswered(
    vocabulary: Vocabulary, first: Events, answer: Events, same: str | None
) -> Unanswered:
    """Compile the question. With ``same`` both carry the same known value of that field.

    An answer comes at a later time; one of another kind may also come at the very same time.
    """
    binds = Binds(vocabulary.timezone)
    reader = Reader(vocabulary, binds, scoped=False)
    key = [] if same is None else [reader.key((*first.names, *answer.names), same)]
    keys = [named(each, "care_k") for each in key]
    new = exp.GT(this=col("seq"), expression=exp.Placeholder(this="seq0"))
    timely = exp.GT(this=col("occurred_at"), expression=exp.Placeholder(this="after"))
    began = select(
        [col("seq"), col("customer"), col("occurred_at"), *keys],
        "events",
        where=[
            *visible(binds),
            reader.meant(first),
            exp.LTE(this=col("occurred_at"), expression=exp.Placeholder(this="upto")),
            any_of([timely, new]),
            *(is_set(each) for each in key),
        ],
    )
    concerned = exp.select("customer").from_("care_began").subquery()
    answers = select(
        [col("customer"), col("occurred_at"), *keys],
        "events",
        where=[
            *visible(binds),
            reader.meant(answer),
            exp.In(this=col("customer"), query=concerned),
        ],
    )
    names = [col("care_k")] if key else []
    nothing = exp.cast(exp.null(), exp.DataType.Type.BIGINT)
    both = exp.union(
        select([col("seq"), col("customer"), col("occurred_at"), *names, named(nothing, "care_a")], "care_began"),
        select([nothing, col("customer"), col("occurred_at"), *names, col("occurred_at")], "care_answers"),
        distinct=False,
        copy=False,
    )  # fmt: skip
    apart = set(first.names).isdisjoint(answer.names)
    edge = {"start": "CURRENT ROW"} if apart else {"start": number(1), "start_side": "FOLLOWING"}
    soonest = exp.Window(
        this=exp.Min(this=col("care_a")),
        partition_by=[col("customer"), *names],
        order=exp.Order(expressions=[exp.Ordered(this=col("occurred_at"))]),
        spec=exp.WindowSpec(kind="RANGE", **edge, end="UNBOUNDED", end_side="FOLLOWING"),
    )
    rows = select(
        [col("seq"), col("occurred_at"), named(soonest, "care_first")],
        subquery(both, "care_both"),
    )
    soon = exp.Add(this=col("occurred_at"), expression=exp.Placeholder(this="least"))
    late = exp.GT(this=col("care_first"), expression=soon)
    never = exp.Is(this=col("care_first"), expression=exp.null())
    query = select(
        [col("seq"), col("occurred_at"), col("care_first")],
        subquery(rows, "care_rows"),
        where=[is_set(col("seq")), any_of([never, late])],
    )
    query = query.with_("care_began", as_=began, copy=False)
    query = query.with_("care_answers", as_=answers, copy=False)
    return Unanswered(query, binds.used(query))
