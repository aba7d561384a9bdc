"""The audit chain, checked link by link."""

from __future__ import annotations

from dataclasses import dataclass

from engine.ids import sha
from engine.ledger import GENESIS, Ledger

__all__ = ["ChainCheck", "verify_chain"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainCheck:
    """What a walk along the chain found."""

    entries: int
    head: str  #: hash of the last sound entry
    broken_at: int | None = None  #: number of the first entry that does not follow


def verify_chain(
    ledger: Ledger, *, number: int | None = None, head: str | None = None
) -> ChainCheck:
    """Check that every entry follows from the one before it, and an outside copy of a head.

    A head kept elsewhere (number and hash, as each run prints it) also shows a cut or rewritten
    tail.
    """
    last, count = GENESIS, 0
    for row in ledger.rows("SELECT * FROM audit ORDER BY n"):
        digest = sha(last, str(row["n"]), str(row["at"]), row["kind"], row["subject"], row["body"])
        if row["n"] != count + 1 or digest != row["hash"]:
            return ChainCheck(entries=count, head=last, broken_at=count + 1)
        last, count = digest, count + 1
        if number == count and head is not None and not digest.startswith(head):
            return ChainCheck(entries=count, head=last, broken_at=count)
    if number is not None and number > count:
        return ChainCheck(entries=count, head=last, broken_at=count + 1)
    return ChainCheck(entries=count, head=last)
