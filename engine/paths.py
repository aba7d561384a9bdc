"""Where a project keeps what it remembers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Paths", "paths_of"]


@dataclass(frozen=True, slots=True)
class Paths:
    """The files of one project's memory; git ignores their folder."""

    log: Path
    ledger: Path
    spool: Path  #: what other programs sent and no run has taken yet
    refused: Path  #: what of it could not be taken


def paths_of(root: Path) -> Paths:
    """Return the paths of a project."""
    state = root / ".care"
    return Paths(
        log=state / "log.duckdb",
        ledger=state / "ledger.db",
        spool=state / "spool",
        refused=state / "rejects" / "ingest",
    )
