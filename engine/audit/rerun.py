"""Runs made again: the ledger derived once more from the log, the revisions and recorded inputs.

Into a temporary ledger. What people, channels and other programs did is taken as it was recorded;
what runs decided is decided again by the same engine, over the log as each of them saw it. Nothing
is sent, and the log and the ledger are only read.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

from engine.audit.likeness import Difference, of_entries, of_rows
from engine.audit.parts import Part, parts_of
from engine.audit.recorded import Recorded
from engine.audit.views import add_views
from engine.configs import Configs
from engine.drafts import Draft
from engine.ledger import Lease, Ledger, open_ledger
from engine.log import open_log
from engine.paths import paths_of
from engine.run import Runner
from rules.errors import CareError, InputError, StateError

__all__ = ["Replayed", "Unmade", "replay"]

#: How making a run again may fail, beside our own errors, where the log or the ledger was changed.
_FAULTS = (CareError, KeyError, ValueError, TypeError, AssertionError, sqlite3.Error)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmade:
    """A run that could not be made again."""

    at: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What was made again, and where it is not what the ledger says."""

    runs: int  #: made again
    taken: int  #: taken as they were recorded: they lie before the first that was asked for
    entries: int  #: of the runs made again
    rows: int  #: compared at the end, 0 with an end
    differences: tuple[Difference, ...] = ()
    unmade: tuple[Unmade, ...] = ()
    versions: tuple[str, ...] = ()  #: of libraries that are others than at the last run, in words

    @property
    def equal(self) -> bool:
        """True when nothing differs."""
        return not self.differences


def replay(
    root: Path,
    *,
    start: int | None = None,
    end: int | None = None,
    progress: Callable[[int, int | None], None] | None = None,
) -> Replayed:
    """Make the runs from ``start`` to ``end`` (instants, both inclusive) again and compare.

    Each is compared with what the ledger says of it; without an end, all rows are compared at last.
    A run that differs is taken as it was recorded, so that those after it stand for themselves.
    Raises InputError without a ledger or a log, StateError for a chain that can't be read.
    """
    paths = paths_of(root)
    if not paths.ledger.exists():
        raise InputError(f"there is no ledger yet at {paths.ledger}; `care run` makes it")
    if not paths.log.exists():
        raise InputError("there is no event log: without it no run can be made again")
    with TemporaryDirectory(prefix="care-replay-") as folder, contextlib.ExitStack() as stack:
        copy = Path(folder) / "recorded.db"
        _copy(paths.ledger, copy)
        kept = stack.enter_context(contextlib.closing(open_ledger(copy)))
        made = stack.enter_context(contextlib.closing(_fresh(Path(folder) / "made.db")))
        lease = stack.enter_context(made.lease(lambda: 0))
        return stack.enter_context(
            contextlib.closing(_Replay(root, kept, made, lease, start=start, end=end))
        ).all(progress or (lambda _done, _total: None))


class _Differs(Exception):  # noqa: N818  it takes a transaction back, and is no error
    """A run that is made again is not what the ledger says."""


@dataclass(slots=True)
class _Replay:
    """One replay: from the recorded ledger ``kept`` into ``made``."""

    root: Path
    kept: Ledger
    made: Ledger
    lease: Lease
    start: int | None = field(kw_only=True)
    end: int | None = field(kw_only=True)
    wall: int = 0  #: of the run that is made again
    runner: Runner | None = None
    runs: int = 0
    taken: int = 0
    entries: int = 0
    differences: list[Difference] = field(default_factory=list)
    unmade: list[Unmade] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)

    def close(self) -> None:
        """Let the rule engine go."""
        if self.runner is not None:
            self.runner.close()

    def all(self, progress: Callable[[int, int | None], None]) -> Replayed:
        """Walk along the chain and compare."""
        row = self.kept.one("SELECT count(*) AS n FROM runs")
        total = row["n"] if row else 0
        recorded = Recorded(self.kept, self.made)
        try:
            for part in parts_of(self.kept):
                if part.run is not None and self.end is not None and part.run.at > self.end:
                    break
                if part.run is None or not self._again(part):
                    with self.made.transaction():
                        recorded.take(part.entries)
                progress(self.runs + self.taken + len(self.unmade), total)
        except (StateError, KeyError, ValueError, sqlite3.Error) as error:
            raise StateError(
                f"the audit chain can't be followed ({error}); `care audit verify` says where it"
                " is broken"
            ) from error
        rows = self._rows(recorded) if self.end is None else 0
        return Replayed(
            runs=self.runs, taken=self.taken, entries=self.entries, rows=rows,
            differences=tuple(self.differences), unmade=tuple(self.unmade),
            versions=tuple(self._other_versions()),
        )  # fmt: skip

    # -- runs -----------------------------------------------------------------------------------

    def _again(self, part: Part) -> bool:
        """Make a run again; tell whether it stands now in ``made`` as it was recorded."""
        run = part.run
        assert run is not None
        if self.start is not None and run.at < self.start:
            self.taken += 1
            return False
        try:
            runner = self._runner(run.body["config"], run.body["summary"].get("left_out", ()))
        except StateError as error:
            self.unmade.append(Unmade(at=run.at, why=str(error)))
            return False
        self.runs += 1
        self.entries += len(part.entries)
        self.wall, self.versions = run.body["wall"], run.body["versions"]
        with open_log(runner.paths.log, writable=False) as log:
            log.ensure_columns(runner.project.vocabulary)
            try:
                with self.made.transaction():
                    number, _ = self.made.head()
                    runner.decide(log, at=run.at, seq=run.body["seq"])
                    found = list(
                        of_entries(
                            part.entries, list(self.made.chain.entries(after=number)), at=run.at
                        )
                    )
                    if found:
                        self.differences += found
                        raise _Differs
            except _Differs:
                return False
            except _FAULTS as error:
                words = f"it can't be made again: {type(error).__name__}: {error}"
                self.differences.append(
                    Difference(at=run.at, table="runs", row=run.subject, words=words)
                )
                return False
        return True

    def _runner(self, config: str, broken: list[str]) -> Runner:
        """Return what runs the project of a configuration. Raises StateError."""
        now = self.runner
        if now is not None and (now.project.config_hash, now.project.broken) == (
            config, tuple(broken),
        ):  # fmt: skip
            return now
        project = Configs(self.kept).project(config, str(self.root), broken=broken)
        self.close()
        self.runner = Runner(
            project, self.made, self.lease, clock=lambda: self.wall, prefer="reference"
        )
        return self.runner

    # -- the end --------------------------------------------------------------------------------

    def _rows(self, recorded: Recorded) -> int:
        """Compare all rows, and return how many there are."""
        count = 0
        for found in of_rows(self.kept, self.made):
            count += 1
            if found is not None:
                self.differences.append(found)
        for (table, row, column), number in recorded.odd.items():
            words = f"{column} is not what audit entry {number} has the digest of"
            self.differences.append(Difference(at=None, table=table, row=row, words=words))
        return count

    def _other_versions(self) -> Iterator[str]:
        for name, version in sorted(self.versions.items()):
            now = metadata.version(name)
            if now != version:
                yield f"{name} was {version}, it is {now} now"


def _copy(source: Path, target: Path) -> None:
    """Copy a ledger as it is at this moment, while others may write to it."""
    with (
        contextlib.closing(
            sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)
        ) as old,
        contextlib.closing(sqlite3.connect(target)) as new,
    ):
        try:
            old.backup(new)
        except sqlite3.DatabaseError as error:
            raise InputError(f"{source} cannot be used as a ledger: {error}") from error


def _fresh(path: Path) -> Ledger:
    """Return a new ledger that nobody needs after a power cut."""
    open_ledger(path).close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = MEMORY")
    connection.execute("PRAGMA synchronous = OFF")
    made = Draft(connection, path)
    add_views(connection, made.chain)
    return made
