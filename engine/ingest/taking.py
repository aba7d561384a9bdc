"""Taking what waits in the spool: results into the ledger, events and attributes into the log.

A file leaves the spool when everything of it is where it belongs. Whatever dies before that, taking
it again changes nothing: the ledger and the log know what they have.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from engine.ingest.landing import land
from engine.ingest.meaning import Happened, Known, Meaning, Passed, Refused, Result, meaning
from engine.ingest.reading import check
from engine.ingest.results import apply_results
from engine.ingest.taken import Taken
from engine.ledger import Lease, Ledger
from engine.log import Log, open_log
from engine.paths import Paths
from engine.spool import Receipt, Spool, read_receipts, receipt_files, write_receipts
from rules.errors import InputError
from rules.vocabulary import Vocabulary

__all__ = ["refused", "retry_refused", "spool_of", "take", "try_taking"]

_CHUNK, _BYTES = 20_000, 16_000_000  #: receipts, and their size, for one transaction of the log


def spool_of(paths: Paths, vocabulary: Vocabulary) -> Spool:
    """Return the spool of a project."""
    return Spool(paths.spool, limit=vocabulary.ingest.limit)


def take(
    paths: Paths, vocabulary: Vocabulary, ledger: Ledger, lease: Lease | None, *, at: int
) -> Taken:
    """Take everything that waits in the spool and return what came of it.

    What can't be taken goes to the rejects, and stops nothing else. Raises BusyError while another
    program holds the log or the ledger; then the spool keeps what was not taken.
    """
    taken = Taken()
    spool = spool_of(paths, vocabulary)
    spool.sweep()
    with ExitStack() as stack:
        log: Log | None = None
        for files, receipts in _chunks(spool.files()):
            chunk = _Chunk(receipts, vocabulary)
            chunk.apply(ledger, lease, taken)
            if chunk.items:
                if log is None:
                    log = stack.enter_context(open_log(paths.log, writable=True))
                chunk.land(log, at, taken)
            chunk.count(taken)
            _settle(files, chunk.refused_by_file(), paths.refused)
    return taken


def try_taking(paths: Paths, vocabulary: Vocabulary, ledger: Ledger, log: Log, *, at: int) -> Taken:
    """Take what waits in the spool into a ledger and a log that are tried out; the files stay."""
    taken = Taken()
    for _, receipts in _chunks(spool_of(paths, vocabulary).files()):
        chunk = _Chunk(receipts, vocabulary)
        chunk.apply(ledger, None, taken)
        if chunk.items:
            chunk.land(log, at, taken)
        chunk.count(taken)
    return taken


def retry_refused(paths: Paths) -> int:
    """Put everything that was refused back into the spool; return how many files that were."""
    files = receipt_files(paths.refused)
    if files:
        paths.spool.mkdir(parents=True, exist_ok=True)
    for file in files:
        file.replace(paths.spool / file.name)
    return len(files)


def refused(paths: Paths) -> list[Receipt]:
    """Return what was refused, the oldest first."""
    files = receipt_files(paths.refused)
    return [receipt for file in files for receipt in read_receipts(file)]


class _Chunk:
    """Some receipts on their way. Places are theirs in the list."""

    def __init__(self, receipts: Sequence[tuple[Path, Receipt]], vocabulary: Vocabulary) -> None:
        self.receipts = receipts
        self.vocabulary = vocabulary
        self.means = [_meaning(receipt, vocabulary) for _, receipt in receipts]
        self.refused = {
            place: found.why for place, found in enumerate(self.means) if isinstance(found, Refused)
        }
        self.items: list[tuple[int, Happened | Known]] = [
            (place, found)
            for place, found in enumerate(self.means)
            if isinstance(found, Happened | Known)
        ]

    def apply(self, ledger: Ledger, lease: Lease | None, taken: Taken) -> None:
        """Write the results; replies become events to land."""
        results = [
            (place, found) for place, found in enumerate(self.means) if isinstance(found, Result)
        ]
        applied = apply_results(ledger, self.vocabulary, results, lease=lease)
        self.items += applied.replies
        self.refused |= applied.refused
        taken.done += applied.done
        taken.replies += len(applied.replies)
        taken.known += applied.known

    def land(self, log: Log, at: int, taken: Taken) -> None:
        """Add events and attributes to the log, in one transaction."""
        with log.transaction():
            landed = land(log, self.vocabulary, [item for _, item in self.items], at=at)
        self.refused |= {self.items[index][0]: why for index, why in landed.refused.items()}
        taken.events += landed.events
        taken.values += landed.values
        taken.customers += landed.customers
        taken.known += landed.known

    def count(self, taken: Taken) -> None:
        """Count what was passed over and refused."""
        taken.rows += len(self.receipts)
        taken.passed.update(found.why for found in self.means if isinstance(found, Passed))
        taken.refused.update(self.refused.values())

    def refused_by_file(self) -> dict[Path, list[Receipt]]:
        """Return the receipts that are refused, with the reason, by the file that they came from."""
        found: dict[Path, list[Receipt]] = {}
        for place, why in sorted(self.refused.items()):
            file, receipt = self.receipts[place]
            found.setdefault(file, []).append(replace(receipt, why=why))
        return found


def _meaning(receipt: Receipt, vocabulary: Vocabulary) -> Meaning:
    """Return what a receipt means; what stands in the spool may have been written by hand."""
    try:
        check(receipt)
    except InputError as error:
        return Refused(why=str(error))
    return meaning(receipt, vocabulary)


def _chunks(files: Sequence[Path]) -> Iterator[tuple[list[Path], list[tuple[Path, Receipt]]]]:
    """Yield whole files and their receipts, some thousands at a time."""
    some: list[Path] = []
    receipts: list[tuple[Path, Receipt]] = []
    size = 0
    for file in files:
        some.append(file)
        receipts.extend((file, receipt) for receipt in read_receipts(file))
        size += file.stat().st_size
        if len(receipts) >= _CHUNK or size >= _BYTES:
            yield some, receipts
            some, receipts, size = [], [], 0
    if some:
        yield some, receipts


def _settle(files: Sequence[Path], refused: dict[Path, list[Receipt]], folder: Path) -> None:
    """Keep what was refused, under the name of its file; then the file may go."""
    for file in files:
        if file in refused:
            write_receipts(folder / file.name, refused[file])
        file.unlink(missing_ok=True)
