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


def paths_of(root: Path) -> Paths:
    """Return the paths of a project."""
    return Paths(log=root / ".care" / "log.duckdb", ledger=root / ".care" / "ledger.db")
