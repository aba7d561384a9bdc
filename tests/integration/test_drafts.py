"""Drafts: runs tried in a ledger in memory."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from engine.drafts import draft_of, empty_draft, send_all
from engine.export import canonical_lines
from engine.log import open_log
from engine.run import Runner
from rules.errors import InputError
from tests.factories import Shop, at, event

BOOK = """\
trigger: {event: order}
steps:
  - {step: thanks, do: letter, due: now}
  - {step: ask, do: call, due: within 2 days, assign: boss}
"""


def test_a_draft_decides_as_the_ledger_and_leaves_it_alone(tmp_path: Path) -> None:
    """A run in a draft of a ledger writes what the real run then writes, and nothing on disk."""
    shop = Shop(tmp_path, thanks=BOOK)
    shop.events(event("c1", "order", "2025-03-03T10:00"))
    shop.run("2025-03-03T09:00")
    before = shop.export()
    path = tmp_path / ".care" / "ledger.db"
    moment = at("2025-03-03T11:00")
    project = shop.project
    with (
        closing(draft_of(path)) as draft,
        open_log(tmp_path / ".care/log.duckdb", writable=False) as log,
    ):
        log.ensure_columns(project.vocabulary)
        with draft.lease(lambda: 0) as lease:
            runner = Runner(project, draft, lease, clock=lambda: 0, prefer="reference")
            runner.decide(log, at=moment, seq=log.max_seq())
            runner.close()
        assert send_all(draft) == 1
        tried = list(canonical_lines(draft))
        assert shop.export() == before
    shop.run("2025-03-03T11:00")
    assert shop.actions() == [("thanks", "sent", ""), ("ask", "open", "")]
    assert sum('"sent"' in line for line in tried) == 1
    assert len(tried) == len(shop.export())


def test_drafts_are_empty_and_apart() -> None:
    """Every new draft begins empty, whatever the one before has seen."""
    with closing(empty_draft()) as one, closing(empty_draft()) as two:
        with one.transaction(), one.transaction():
            one.insert("cursors", [{"name": "feed", "value": 1}], at=0)
        assert (
            len(list(one.rows("SELECT * FROM cursors"))),
            list(two.rows("SELECT * FROM cursors")),
        ) == (1, [])


def test_no_ledger(tmp_path: Path) -> None:
    """Where there is no ledger, the error says what makes one."""
    with pytest.raises(InputError, match="care run"):
        draft_of(tmp_path / "ledger.db")
