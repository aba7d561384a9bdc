"""The audit of journeys that an edited playbook took along."""

from __future__ import annotations

from pathlib import Path

from engine.audit.verify import verify
from tests.factories import Shop, event

BOOK = """\
trigger: {event: complaint}
migrate: move
steps:
  - {step: ring, do: call, from: entry, due: after 1 day, assign: owner}
"""


def test_a_step_that_moved_with_its_playbook_is_sound(tmp_path: Path) -> None:
    """Its first window was counted by the playbook of then, its new one by that of now."""
    made = Shop(tmp_path, p=BOOK)
    made.events(event("c0", "visit", "2025-02-01T10:00"))
    made.run("2025-03-03T08:00")
    made.events(event("c1", "complaint", "2025-03-03T10:00", case_id="1"))
    made.run("2025-03-03T12:00")
    first = made.action("ring")["opens_at"]
    made.book("p", BOOK.replace("1 day", "2 days"))
    made.run("2025-03-03T18:00")
    with made.ledger() as ledger:
        found = verify(ledger)

    assert made.action("ring")["opens_at"] > first
    assert found.again["windows"] == 1
    assert found.faults == ()
