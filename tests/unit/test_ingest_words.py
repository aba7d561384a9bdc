"""What came from other programs, in words."""

from __future__ import annotations

from collections import Counter

from engine.console_ingest import render_refused, render_taken, taken_lines
from engine.ingest.taken import Taken
from engine.spool import Receipt, Shape


def test_a_run_to_which_nobody_sent_has_no_line() -> None:
    """Nothing came, nothing is told; asked for it, one line says so."""
    assert taken_lines(Taken()) == []
    assert render_taken(Taken()) == "nothing waits in the spool"


def test_everything_that_came_is_told_in_a_line() -> None:
    """Events by kind, the most frequent first, values, customers, tasks, what came before, what not."""
    taken = Taken(
        rows=15, events=Counter(visit=1, order=3), values=1, customers=2, done=1, replies=1, known=4,
        passed=Counter(page=2), refused=Counter(x=2),
    )  # fmt: skip

    assert taken_lines(taken) == [
        (
            "  came in: 4 events (3 order, 1 visit), 1 attribute value, 2 new customers, 1 task done,"
            " 4 known before, 2 passed over (2 page), 2 refused"
        ),
        "  REFUSED: 2 rows of it; `care ingest --rejects` shows why",
    ]


def test_many_reasons_are_counted() -> None:
    """Thirty reasons are shown one by one, the others are counted."""
    reasons = [f"no action a-{index:02}" for index in range(35)]
    rows = [Receipt(at=0, shape=Shape.RESULT, body={}, why=why) for why in reasons]
    taken = render_taken(Taken(rows=35, refused=Counter(reasons))).splitlines()
    shown = render_refused(rows, "UTC").splitlines()

    assert (len(taken), taken[-1]) == (33, "    and 5 other reasons")
    assert (len(shown), shown[1]) == (32, "  1 since 1970-01-01 00:00: no action a-00")
    assert shown[-1] == "  and 5 other reasons; --format json has every row"
