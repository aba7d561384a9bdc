# ruff: noqa: S608  (names are ours or quoted, values are bound)
"""A log that grows as the real one did: before each run come the rows that were known by then.

The rows are copied once, so the real log is free for others while the backtest works. What real
runs had written is left out: a backtest writes that itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from engine import log_write
from engine.feed import FEED_SOURCE
from engine.intake.staging import literal
from engine.log import MEMORY, Log, open_log
from engine.log_schema import create_tables, quoted
from rules.history import AttributeVersion, Event
from rules.vocabulary import Vocabulary

if TYPE_CHECKING:
    import duckdb

__all__ = ["Copied", "Sandbox", "open_sandbox"]

_SMALL = 64 * 2**20  #: bytes of a log whose copy is kept in memory
_FEW_CUSTOMERS = 200_000  #: whose codes are kept in memory
_PLAIN = ("customers", "kinds", "attribute_names")

#: The stored rows by arrival. Of a correction that was known before what it corrects only the
#: correction is ever seen.
_STAGE = """
CREATE SCHEMA past;
CREATE TABLE past.links AS
WITH RECURSIVE chain AS (
    SELECT seq, by_seq FROM kept.superseded
    UNION
    SELECT c.seq, s.by_seq FROM chain c JOIN kept.superseded s ON s.seq = c.by_seq
)
SELECT c.seq, c.by_seq, old.known_at AS known_at, new.known_at AS by_known_at
FROM chain c JOIN kept.events old ON old.seq = c.seq JOIN kept.events new ON new.seq = c.by_seq;
CREATE TABLE past.events AS
SELECT * FROM kept.events e
WHERE e.source <> $source
  AND e.seq NOT IN (SELECT seq FROM past.links WHERE by_known_at < known_at)
ORDER BY e.known_at, e.seq;
CREATE TABLE past.superseded AS
SELECT l.seq, min(l.by_seq) AS by_seq, min_by(l.by_known_at, l.by_seq) AS known_at
FROM past.links l
WHERE l.seq IN (SELECT seq FROM past.events) AND l.by_seq IN (SELECT seq FROM past.events)
GROUP BY l.seq;
CREATE TABLE past.attributes AS
SELECT * FROM kept.attributes WHERE source <> $source ORDER BY known_at, seq;
"""

#: The pairs (seq there, seq here) of what arrived: events first, attributes after them.
_ARRIVED = """
CREATE OR REPLACE TEMP TABLE arrived AS
SELECT seq, $base + row_number() OVER (ORDER BY attribute, seq) AS new_seq, attribute FROM (
    SELECT seq, FALSE AS attribute FROM past.events WHERE known_at > $after AND known_at <= $at
    UNION ALL
    SELECT seq, TRUE FROM past.attributes WHERE known_at > $after AND known_at <= $at
)
"""

_EVENTS = """
INSERT INTO events BY NAME
SELECT a.new_seq AS seq, e.* EXCLUDE (seq)
FROM past.events e JOIN arrived a ON a.seq = e.seq AND NOT a.attribute
WHERE e.known_at > $after AND e.known_at <= $at
ORDER BY a.new_seq
"""

_ATTRIBUTES = """
INSERT INTO attributes BY NAME
SELECT a.new_seq AS seq, e.* EXCLUDE (seq)
FROM past.attributes e JOIN arrived a ON a.seq = e.seq AND a.attribute
WHERE e.known_at > $after AND e.known_at <= $at
ORDER BY a.new_seq
"""

# The elder came in this batch or in one before: what is kept of it here tells its seq.
_SUPERSEDED = """
INSERT INTO superseded
SELECT old.new_seq, new.new_seq FROM past.superseded s
JOIN past.places old ON old.seq = s.seq JOIN past.places new ON new.seq = s.by_seq
WHERE s.known_at > $after AND s.known_at <= $at
ORDER BY old.new_seq
"""

_COUNTS = """
SELECT
    (SELECT count(*) FROM past.events WHERE occurred_at > $start AND occurred_at <= $end),
    (SELECT count(*) FROM past.events
     WHERE occurred_at > $start AND occurred_at <= $end AND known_at > $end),
    (SELECT count(*) FROM past.attributes),
    (SELECT count(*) FROM past.attributes WHERE known_at > $end),
    (SELECT max(occurred_at) FROM past.events)
"""


_KINDS = """
SELECT k.name, count(*) FROM past.events e JOIN kinds k ON k.code = e.kind GROUP BY 1 ORDER BY 1
"""

_TIMES = """
SELECT e.customer, e.occurred_at FROM past.events e JOIN scope s ON s.customer = e.customer
WHERE e.kind = $kind AND e.seq NOT IN (SELECT seq FROM past.superseded)
ORDER BY e.customer, e.occurred_at
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """What the real log holds of the time that is tried."""

    events: int  #: that happened within it
    late_events: int  #: of those, not known before its end
    versions: int  #: of customers' attributes, in all
    late_versions: int  #: of those, not known before its end
    last: int | None  #: instant of the newest event of the whole log; None: there is none


class _Own(Log):
    """A log that nobody else writes to: it knows its last seq, its customers, and what was fed."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path) -> None:
        super().__init__(connection, path, writable=True)
        self.seq = 0
        self._fed: set[str] = set()
        (row,) = self.query("SELECT count(*) FROM customers")
        few = row[0] <= _FEW_CUSTOMERS
        rows = self.query("SELECT id, code FROM customers") if few else []
        self._of_id: dict[str, int] = dict(rows)
        self._of_code = {code: name for name, code in rows}

    def max_seq(self) -> int:
        """Return the highest seq given so far."""
        return self.seq

    def customer_codes(self, ids: Iterable[str]) -> dict[str, int]:
        """Return id -> code of those customers that the log knows."""
        if not self._of_id:
            return super().customer_codes(ids)
        return {name: self._of_id[name] for name in ids if name in self._of_id}

    def customer_ids(self, codes: Iterable[int]) -> dict[int, str]:
        """Return code -> id of those codes that are given."""
        if not self._of_id:
            return super().customer_ids(codes)
        return {code: self._of_code[code] for code in codes if code in self._of_code}

    def append(
        self,
        events: Sequence[tuple[str, Event]],
        *,
        vocabulary: Vocabulary,
        source: str,
        known_at: int,
    ) -> int:
        """Add what runs tell of themselves; an id counts once. Their customers are known."""
        new = {event.id: (customer, event) for customer, event in reversed(events)}
        fresh = [pair for key, pair in new.items() if key not in self._fed]
        if not fresh:
            return 0
        self._fed.update(event.id for _, event in fresh)
        self.seq += log_write.add_events(
            self.connection, fresh, vocabulary=vocabulary, source=source, known_at=known_at,
            kinds=self.codes().kinds, first_seq=self.seq + 1,
        )  # fmt: skip
        return len(fresh)

    def append_attributes(
        self,
        versions: Sequence[tuple[str, AttributeVersion]],
        *,
        vocabulary: Vocabulary,
        source: str,
        known_at: int,
    ) -> int:
        """Add what ``set`` steps wrote."""
        added = super().append_attributes(
            versions, vocabulary=vocabulary, source=source, known_at=known_at
        )
        self.seq += added
        return added


class Sandbox:
    """A log of its own in a folder of its own; see ``open_sandbox``."""

    def __init__(self, log: _Own) -> None:
        self.log = log
        self._at = -(2**62)
        self._corrected = bool(log.query("SELECT 1 FROM past.superseded LIMIT 1"))

    @contextmanager
    def opened(self) -> Iterator[Log]:
        """Yield the log, which stays open, for who would open and close it."""
        yield self.log

    def advance(self, at: int) -> int:
        """Let everything arrive that was known by an instant later than the last; return the
        highest seq now.
        """
        binds = {"after": self._at, "at": at}
        run = self.log.connection.execute
        with self.log.transaction():
            run(_ARRIVED, {**binds, "base": self.log.seq})
            for insert in (_EVENTS, _ATTRIBUTES):
                ((added,),) = run(insert, binds).fetchall()
                self.log.seq += added
            if self._corrected:
                run("INSERT INTO past.places SELECT seq, new_seq FROM arrived WHERE NOT attribute")
                run(_SUPERSEDED, binds)
        self._at = at
        return self.log.seq

    def copied(self, start: int, end: int) -> Copied:
        """Return what the real log holds of (start, end]."""
        (row,) = self.log.query(_COUNTS, {"start": start, "end": end})
        return Copied(
            events=row[0], late_events=row[1], versions=row[2], late_versions=row[3], last=row[4]
        )

    def counts(self) -> dict[str, int]:
        """Return how many events of each kind the real log holds."""
        return dict(self.log.query(_KINDS))

    def times(self, kind: str, customers: Iterable[str]) -> dict[str, list[int]]:
        """Return when some customers had events of a kind, whenever that was known; ascending."""
        codes = self.log.customer_codes(customers)
        self.log.execute_scope(codes.values())
        names = {code: name for name, code in codes.items()}
        found: dict[str, list[int]] = {}
        for code, at in self.log.query(_TIMES, {"kind": self.log.codes().kinds.get(kind, -1)}):
            found.setdefault(names[code], []).append(at)
        return found


@contextmanager
def open_sandbox(path: Path, vocabulary: Vocabulary) -> Iterator[Sandbox]:
    """Yield a sandbox over the log at a path; its folder is gone afterwards, whatever happens.

    Raises what ``engine.log.open_log`` raises for the log itself.
    """
    import duckdb  # noqa: PLC0415  slow

    with TemporaryDirectory(prefix="care-backtest-") as folder:
        with open_log(path, writable=False):  # waits for whoever holds it; says what is wrong
            small = path.stat().st_size < _SMALL
        file = ":memory:" if small else str(Path(folder) / "log.duckdb")
        connection = duckdb.connect(file, config={"memory_limit": MEMORY, "temp_directory": folder})
        try:
            create_tables(connection)
            _copy(connection, path)
            log = _Own(connection, path)
            log.ensure_columns(vocabulary)
            yield Sandbox(log)
        finally:
            connection.close()


def _copy(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Take the rows of another log, then let go of it."""
    run = connection.execute
    run(f"ATTACH {literal(str(path))} AS kept (READ_ONLY)")
    try:
        for name in _PLAIN:
            run(f"INSERT INTO {name} SELECT * FROM kept.{name}")
        for statement in _STAGE.split(";\n"):
            run(statement, {"source": FEED_SOURCE} if "$source" in statement else None)
        run("CREATE TABLE past.places (seq BIGINT, new_seq BIGINT)")
    finally:
        run("DETACH kept")
    here = {name.lower() for name, *_ in run("DESCRIBE events").fetchall()}
    for name, kind, *_ in run("DESCRIBE past.events").fetchall():
        if name.lower() not in here:
            run(f"ALTER TABLE events ADD COLUMN {quoted(name)} {kind}")
