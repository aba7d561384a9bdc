"""What an import did, or would do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rules.history import Datum

__all__ = ["ImportSummary", "Landing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """One event, or one profile, as it stands in the log."""

    line: int  #: of the file; of the first of its lines
    event: str  #: kind; "" for a profile
    customer: str
    at: int  #: instant
    id: str
    values: Mapping[str, Datum | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportSummary:
    """Counts of one import. Rows are those of the file, without its header and empty lines."""

    file: str
    kind: str  #: csv, jsonl, parquet, xlsx
    encoding: str  #: "" where the format has its own
    rows: int
    added: int  #: events that the log did not have in this form; corrected ones among them
    corrected: int  #: new versions of events that it had
    known: int  #: events that it had exactly so
    repeated: int  #: ids that stand again in the file, with the same values
    replaced: int  #: ids that stand again in the file with other values: the last line counts
    dropped: int  #: exact duplicate lines, with ``duplicates: drop``
    rejected: int  #: lines that can't be read
    rejects: Path | None  #: the file that lists them
    reasons: Mapping[str, int]  #: of rejected lines
    passed: Mapping[str, int]  #: lines that the map does not want, by reason
    events: Mapping[str, int]  #: added events by kind
    versions: int  #: attribute versions added
    unchanged: int  #: attribute values as the log had them
    customers: int  #: seen for the first time
    first_at: int | None  #: instants of the added events
    last_at: int | None
    first_seq: int | None  #: None: nothing was added
    last_seq: int | None
    dry_run: bool = False
    landings: tuple[Landing, ...] = field(default=())  #: the first ten, of a dry run
