"""The event log: one DuckDB file, opened in one place, read by (T, S), appended in transactions.

A run sees ``seq <= S and occurred_at <= T``; of the versions of one event (same source, id and
kind) only the one with the highest seq <= S. Order is (occurred_at, id) everywhere.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import log_read, log_write
from engine.log_read import Arrival
from engine.log_schema import create_tables, register_names, widen
from engine.questions import Questions
from rules.errors import BusyError, InputError
from rules.history import AttributeVersion, Event, History
from rules.vocabulary import Vocabulary

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

__all__ = ["MEMORY", "Arrival", "Codes", "Log", "open_log", "patiently"]

MEMORY = "1GB"  #: leaves 0.5 GB of the 1.5 GB budget to Python
_PAUSE = 0.05  #: seconds between two tries to open
_HOLDER = re.compile(r"lock is held in (?P<command>.+?) \(PID (?P<pid>\d+)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """The integer codes under which the log holds names."""

    kinds: Mapping[str, int]
    attributes: Mapping[str, int]


class Log:
    """An open log. Use ``open_log`` and close it, or take it as a context manager."""

    questions: Questions | None = None  #: who is asked about sets of customers instead of DuckDB

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, path: Path, *, writable: bool
    ) -> None:
        self.connection = connection
        self.path = path
        self.writable = writable
        self._shown: Vocabulary | None = None  #: whose columns and names are here
        self._codes: Codes | None = None  #: while nothing can change them
        self._decoders: dict[frozenset[str] | None, log_read.Decoder] = {}  #: of that vocabulary

    def __enter__(self) -> Log:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file and let others have it."""
        self.connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do everything in the block or nothing, whatever ends it."""
        self.connection.execute("BEGIN")
        try:
            yield
        except BaseException:
            self.connection.rollback()
            self._show(None)
            raise
        self.connection.execute("COMMIT")

    def _show(self, vocabulary: Vocabulary | None) -> None:
        """Note whose columns and names the log has; what was kept of others is forgotten."""
        self._shown, self._codes = vocabulary, None
        self._decoders.clear()

    def ensure_columns(self, vocabulary: Vocabulary) -> None:
        """Give every declared field its column and every declared name its code.

        On a read-only log the columns are there for this connection only, all NULL, and names
        without code stay without.
        """
        if self._shown is vocabulary:
            return
        widen(self.connection, vocabulary, writable=self.writable)
        if self.writable:
            register_names(self.connection, vocabulary)
        self._show(vocabulary)

    def max_seq(self) -> int:
        """Return the highest seq given so far, 0 for an empty log."""
        (row,) = self.query(
            "SELECT greatest((SELECT coalesce(max(seq), 0) FROM events),"
            " (SELECT coalesce(max(seq), 0) FROM attributes))"
        )
        return int(row[0])

    def codes(self) -> Codes:
        """Return the codes of event kinds and attributes."""
        if self._codes is not None:
            return self._codes
        kinds = self.query("SELECT name, code FROM kinds")
        attributes = self.query("SELECT name, code FROM attribute_names")
        found = Codes(kinds=dict(kinds), attributes=dict(attributes))
        if self._shown is not None:
            self._codes = found
        return found

    def _decoder(
        self, vocabulary: Vocabulary, kinds: frozenset[str] | None = None
    ) -> log_read.Decoder:
        self.ensure_columns(vocabulary)
        if kinds not in self._decoders:
            self._decoders[kinds] = log_read.Decoder(vocabulary, self.codes().kinds, kinds)
        return self._decoders[kinds]

    def customer_codes(self, ids: Iterable[str]) -> dict[str, int]:
        """Return id -> code of those customers that the log knows."""
        return log_read.customer_codes(self.connection, ids)

    def customer_ids(self, codes: Iterable[int]) -> dict[int, str]:
        """Return code -> id of those codes that are given."""
        return log_read.customer_ids(self.connection, codes)

    def population_count(self, at: int, seq: int) -> int:
        """Return how many customers are known at (T, S), by a visible event or any profile."""
        (row,) = self.query(log_read.POPULATION_COUNT, {"at": at, "seq": seq})
        return int(row[0])

    def histories(
        self,
        customers: Iterable[str],
        *,
        at: int,
        seq: int,
        vocabulary: Vocabulary,
        kinds: frozenset[str] | None = None,
    ) -> dict[str, History]:
        """Return what is visible of each customer at (T, S), in one query each for events and
        attributes; of events those of ``kinds`` where given.

        Every customer asked for has an entry, those that the log does not know an empty one.
        Fields and attributes that care.yaml does not declare (any more) are left out.
        """
        decoder = self._decoder(vocabulary, kinds)
        names = tuple(customers)
        return log_read.histories(
            self.connection, names, self.customer_codes(names), decoder,
            attributes=self.codes().attributes, at=at, seq=seq,
        )  # fmt: skip

    def last_values(
        self, names: Sequence[str], customers: Sequence[str], *, at: int
    ) -> list[tuple[str, str, int | None, str | None]]:
        """Return (customer, attribute, number, text), as stored, of the last versions at an instant."""
        return log_read.last_values(self.connection, names, customers, at=at)

    def events_between(
        self,
        kinds: Sequence[str],
        *,
        vocabulary: Vocabulary,
        at0: int,
        seq0: int,
        at1: int,
        seq1: int,
    ) -> Iterator[Arrival]:
        """Return the events of some kinds that (T1, S1) sees and (T0, S0) did not, by (at, id)."""
        return log_read.events_between(
            self.connection,
            kinds,
            self._decoder(vocabulary),
            codes=self.codes().kinds,
            bounds={"at0": at0, "seq0": seq0, "at1": at1, "seq1": seq1},
        )

    def events_of(self, seqs: Iterable[int], *, vocabulary: Vocabulary) -> list[Arrival]:
        """Return single events by seq, ordered by (at, id)."""
        return log_read.events_of(self.connection, seqs, self._decoder(vocabulary))

    def append(
        self,
        events: Sequence[tuple[str, Event]],
        *,
        vocabulary: Vocabulary,
        source: str,
        known_at: int,
    ) -> int:
        """Add (customer, event) pairs and return how many are new; a (source, id) counts once.

        In one transaction of its own. Undeclared fields go to ``rest`` as JSON.
        """
        if not events:
            return 0
        with self.transaction():
            self.ensure_columns(vocabulary)
            return log_write.append(
                self.connection,
                events,
                vocabulary=vocabulary,
                source=source,
                known_at=known_at,
                kinds=self.codes().kinds,
                first_seq=self.max_seq() + 1,
            )

    def append_attributes(
        self,
        versions: Sequence[tuple[str, AttributeVersion]],
        *,
        vocabulary: Vocabulary,
        source: str,
        known_at: int,
    ) -> int:
        """Add (customer, version) pairs and return how many are new; undeclared ones are left out."""
        kept = [item for item in versions if item[1].name in vocabulary.attributes]
        if not kept:
            return 0
        with self.transaction():
            self.ensure_columns(vocabulary)
            return log_write.append_attributes(
                self.connection,
                kept,
                vocabulary=vocabulary,
                source=source,
                known_at=known_at,
                codes=self.codes().attributes,
                first_seq=self.max_seq() + 1,
            )

    def execute_scope(self, customers: Iterable[int]) -> None:
        """Make (or make anew) the temporary table ``scope(customer)`` of customer codes."""
        log_read.stage_codes(self.connection, "scope", customers)

    def query(self, sql: str, binds: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Run one statement with ``$name`` binds and return its rows."""
        return self.connection.execute(sql, dict(binds) if binds else None).fetchall()

    def table(self, sql: str, binds: Mapping[str, Any] | None = None) -> pa.Table:
        """Run one statement with ``$name`` binds and return an Arrow table, for large results."""
        return self.connection.sql(sql, params=dict(binds) if binds else None).to_arrow_table()


def open_log(path: Path, *, writable: bool, wait: float = 10.0) -> Log:
    """Open the log, waiting some seconds for whoever holds it; writable makes it when missing.

    DuckDB itself does not wait, and a reader keeps a writer out as well. Raises BusyError with the
    process that holds it, InputError for a missing or damaged file, StateError for a log of a
    later care.
    """
    if not writable and not path.exists():
        raise InputError(
            "there are no events yet: import some first, care import FILE --map imports/NAME.yaml"
        )
    if writable:
        path.parent.mkdir(parents=True, exist_ok=True)
    connection = _connect(path, writable=writable, wait=wait)
    try:
        if writable:
            create_tables(connection)
    except BaseException:
        connection.close()
        raise
    return Log(connection, path, writable=writable)


def _connect(path: Path, *, writable: bool, wait: float) -> duckdb.DuckDBPyConnection:
    """Connect as soon as nobody else holds the file."""
    import duckdb  # noqa: PLC0415  (0.1 s, and most commands never open the log)

    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY,
        "temp_directory": str(path.parent / "tmp"),
        "autoload_known_extensions": False,
        "autoinstall_known_extensions": False,
    }
    return patiently(
        path, lambda: duckdb.connect(str(path), read_only=not writable, config=config), wait=wait
    )


def patiently(
    path: Path, connect: Callable[[], duckdb.DuckDBPyConnection], *, wait: float
) -> duckdb.DuckDBPyConnection:
    """Return what ``connect`` returns as soon as nobody else holds the log.

    Raises BusyError, after ``wait`` seconds, and InputError for a damaged file.
    """
    import duckdb  # noqa: PLC0415

    give_up = time.monotonic() + wait
    cause: Exception
    while True:
        try:
            return connect()
        except duckdb.ConnectionException as error:
            # Held by this very process in the other mode: the caller forgot to close it.
            holder, cause = "this program itself", error
        except duckdb.IOException as error:
            match = _HOLDER.search(str(error))
            if match is None:
                raise InputError(_damaged(path, str(error))) from error
            holder, cause = _describe(match["pid"], match["command"]), error
        if time.monotonic() >= give_up:
            raise BusyError(
                f"the log {path.name} is in use by {holder}: wait until that is done, then repeat"
            ) from cause
        time.sleep(min(_PAUSE, wait))


def _describe(pid: str, command: str) -> str:
    """Return the process that holds the file, with its whole command line where we may see it."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return f"{Path(command).name} (process {pid})"
    line = " ".join(word.decode(errors="replace") for word in words if word)
    line = " ".join(line.split())
    return f'"{line[:120]}" (process {pid})' if line else f"process {pid}"


def _damaged(path: Path, message: str) -> str:
    if "not a valid DuckDB" in message:
        return f"the log {path.name} is not a DuckDB file: restore it from a copy, or move it away and import anew"
    first = message.splitlines()[0].removeprefix("IO Error: ")
    return f"the log {path.name} can't be opened: {first}"
