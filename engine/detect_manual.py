"""``manual``: what a person asked for with ``care start``, and the runs that take it up."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from engine.candidates import Candidate, Look, Source
from engine.ledger import Ledger
from rules.playbook import Playbook, TriggerKind
from rules.units import to_iso

__all__ = ["forget_requests", "from_hand"]


def from_hand(look: Look, source: Source) -> Iterator[Candidate]:
    """Yield what was asked for up to T and no run has taken up; also before the first run."""
    rows = look.ledger.rows(
        "SELECT * FROM requests WHERE playbook = ? AND trigger = ? AND taken IS NULL AND at <= ?"
        " ORDER BY at, customer, occurrence",
        source.playbook.name, source.trigger.name, look.at,
    )  # fmt: skip
    for row in list(rows):
        words = f"asked for by {row['who']} at {to_iso(row['at'], look.timezone)}"
        if row["source"]:
            words += f", from {row['source']}"
        yield Candidate(
            playbook=source.playbook, trigger=source.trigger, customer=row["customer"],
            occurrence=row["occurrence"], entry=row["at"], moment={"words": words},
        )  # fmt: skip


def forget_requests(
    ledger: Ledger, playbooks: Collection[Playbook], held: Collection[str], *, at: int
) -> None:
    """Mark what this run has taken up; a held playbook meets it again. In a transaction."""
    for book in playbooks:
        for trigger in book.triggers if book.name not in held else ():
            if trigger.kind is TriggerKind.MANUAL:
                waiting = ledger.rows(
                    "SELECT playbook, trigger, customer, occurrence FROM requests"
                    " WHERE playbook = ? AND trigger = ? AND taken IS NULL AND at <= ?",
                    book.name, trigger.name, at,
                )  # fmt: skip
                for key in list(waiting):
                    ledger.change("requests", key, {"taken": at}, at=at)
