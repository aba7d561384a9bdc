"""Which events were answered, and when first: by the same question as a trigger ``missing`` asks."""

from __future__ import annotations

from engine.reports.report import Period, Source
from rules.measures import Events

__all__ = ["answers"]

_ALL = -1  #: microseconds: an answer at the very same time is one, too
_NO_SEQ = 2**62  #: no event is asked for only because it is new


def answers(
    source: Source, first: Events, answer: Events, same: str | None, period: Period
) -> dict[int, int | None]:
    """Return seq -> instant of the first answer known at T (None: not yet) of the events in a span."""
    from rules.sql import compile_unanswered  # noqa: PLC0415  slow

    asked = compile_unanswered(source.project.vocabulary, first, answer, same)
    log = source.log
    binds = asked.binds(
        source.at, log.max_seq(), log.codes(), after=period.since - 1, upto=period.until - 1,
        seq0=_NO_SEQ, least=_ALL,
    )  # fmt: skip
    return {seq: then for seq, _, then in log.query(asked.sql(), binds)}
