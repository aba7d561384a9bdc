"""What runs ask of a log about sets of customers: who is inside, who changed, what went unanswered.

DuckDB answers in SQL that stands beside each question. A log that has ``questions`` of its own, as
the one in memory of ``care test``, is asked those instead; both give the same answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rules.evaluate import RankKey
from rules.measures import Catalogue, Events
from rules.vocabulary import Vocabulary

__all__ = ["ChangeRow", "Questions"]

#: Customer, instant, then number and text as stored: of the new value, and of the one before; and
#: whether it lies before the cursor.
ChangeRow = tuple[str, int, int | None, str | None, int | None, str | None, bool]


class Questions(Protocol):
    """Answers at (T, S), for logs that are not asked in SQL."""

    def members(
        self, vocabulary: Vocabulary, catalogue: Catalogue, name: str, *, at: int, seq: int
    ) -> dict[str, str]:
        """Return customer -> value of the class ("" for a segment) of those in a segment, class or
        ``class.value``.
        """

    def population(self, *, at: int, seq: int) -> set[str]:
        """Return all customers that are known, by a visible event or any profile."""

    def values(
        self, vocabulary: Vocabulary, catalogue: Catalogue, name: str, *, at: int, seq: int
    ) -> dict[int, int]:
        """Return code -> value of those whose date or instant, attribute or measure, is known."""

    def changes(
        self, vocabulary: Vocabulary, attribute: str, *, at: int, seq: int, at0: int, seq0: int
    ) -> list[ChangeRow]:
        """Return the changes of an attribute that (T, S) sees and the cursor did not, in order."""

    def unanswered(
        self,
        vocabulary: Vocabulary,
        first: Events,
        answer: Events,
        same: str | None,
        *,
        at: int,
        seq: int,
    ) -> list[tuple[int, int, int | None]]:
        """Return (seq, instant, first answer) of the events ``first``, those without one too."""

    def last_inside(
        self, vocabulary: Vocabulary, catalogue: Catalogue, key: RankKey, *, at: int, seq: int
    ) -> int | None:
        """Return the value of the last one inside of a ``top N% of segment``."""

    def among(self, codes: Sequence[int]) -> set[str]:
        """Return the customers behind codes."""
