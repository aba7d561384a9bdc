"""What happened in a story, in the words of the people who write tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rules.history import Event
from rules.testfile import Wanted, When
from rules.trace import show_field
from rules.units import to_local
from rules.vocabulary import Vocabulary

__all__ = ["Wording"]


class Wording:
    """Shows values as a test writes them."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.zone = vocabulary.timezone

    def moment(self, instant: int | None) -> str:
        """Return ``2025-03-03 10:00``, with seconds where there are any."""
        if instant is None:
            return "never"
        local = to_local(instant, self.zone)
        exact = local.second or local.microsecond
        return local.strftime("%Y-%m-%d %H:%M:%S" if exact else "%Y-%m-%d %H:%M")

    def value(self, got: object, one: Wanted) -> str:
        """Return what was found in place of what was wanted."""
        if isinstance(one.value, When):
            return self.moment(got if isinstance(got, int) else None)
        if isinstance(got, bool):
            return "yes" if got else "no"
        return "nothing" if got in (None, "") else str(got)

    def action(self, row: Mapping[str, Any]) -> str:
        """Return ``apology: open since 2025-03-03 10:00, due 2025-03-04 18:00``."""
        turn = f" (turn {row['turn']})" if row["turn"] > 1 else ""
        why = f" ({row['reason']})" if row["reason"] else ""
        parts = [
            f"{row['step']}{turn}: {row['state']}{why}",
            f"opens {self.moment(row['opens_at'])}",
        ]
        if row["due_by"] is not None:
            parts.append(f"due {self.moment(row['due_by'])}")
        if row["closed_at"] is not None:
            parts.append(f"closed {self.moment(row['closed_at'])}")
        return ", ".join(parts)

    def journey(self, row: Mapping[str, Any]) -> str:
        """Return ``after_complaint: stopped (goal) at 2025-03-05 10:00, began 2025-03-03 10:00``."""
        why = row["goal"] or row["reason"]
        ended = f" at {self.moment(row['ended_at'])}" if row["ended_at"] is not None else ""
        told = f"{row['playbook']}: {row['state']}{f' ({why})' if why else ''}{ended}"
        return f"{told}, began {self.moment(row['entry'])}"

    def event(self, event: Event) -> str:
        """Return an event with its fields."""
        kind = self.vocabulary.events.get(event.name)
        declared = kind.fields if kind else {}
        shown = [
            f"{name}: {show_field(value, declared[name].kind, self.zone)}"
            for name, value in event.fields.items()
            if name in declared
        ]
        return f"{event.name} at {self.moment(event.at)}" + (
            f" ({', '.join(shown)})" if shown else ""
        )
