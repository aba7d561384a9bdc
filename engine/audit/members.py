"""Digests of membership: what the chain holds of who came into a segment and who left it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from engine.ids import sha
from engine.ledger import Ledger

__all__ = ["membership_digests", "odd_members"]

_CAME = """
SELECT customer, existing, value FROM membership WHERE definition = ? AND since = ?
ORDER BY customer
"""
_WENT = """
SELECT customer, since FROM membership WHERE definition = ? AND until = ? ORDER BY customer, since
"""


def membership_digests(ledger: Ledger, definition: str, at: int) -> dict[str, str]:
    """Return digests of the rows that begin at T, and of those that end at T."""

    def parts(sql: str) -> Iterator[str]:
        for row in ledger.rows(sql, definition, at):
            yield "\x1e".join(map(str, row.values()))

    return {"since": sha(*parts(_CAME))[:32], "until": sha(*parts(_WENT))[:32]}


def odd_members(
    ledger: Ledger, said: Mapping[tuple[str, int], tuple[str, str]], rows: Counter[str]
) -> Iterator[str]:
    """Yield where the rows of membership are not what the chain has digests of.

    ``said``: (definition, T) -> the digests of the last entry about it.
    """
    for side in ("since", "until"):
        places = ledger.rows(
            f"SELECT definition, {side} AS at FROM membership WHERE {side} IS NOT NULL"  # noqa: S608
            f" GROUP BY definition, {side}"
        )
        for row in list(places):
            key = (row["definition"], row["at"])
            if key not in said:
                yield f"membership of {key[0]} at {key[1]}: no entry of the chain makes these rows"
    for (definition, at), digests in said.items():
        now = membership_digests(ledger, definition, at)
        if (now["since"], now["until"]) != digests:
            yield f"membership of {definition} at {at}: its rows are not what they were"
    count = ledger.one("SELECT count(*) AS n FROM membership")
    rows["membership"] += count["n"] if count else 0
