"""JSON lines from a file or a pipe into the spool, in any of the three shapes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from engine.ingest.reading import broken, read_json, receipt, segment_batch
from engine.spool import Receipt, Spool
from rules.errors import InputError

__all__ = ["Piped", "pipe"]

_BATCH, _BYTES = 2_000, 4_000_000  #: receipts, and their size, of one file of the spool
_LONGEST = 512 << 10  #: bytes of a line
_TOLD = 20  #: lines that are shown


@dataclass(slots=True, kw_only=True)
class Piped:
    """What became of the lines."""

    name: str
    rows: int = 0  #: in the spool, with those that can't be read
    unreadable: int = 0
    told: list[tuple[int, str]] = field(default_factory=list)  #: the first of those: line, why


def pipe(stream: BinaryIO, name: str, spool: Spool, *, clock: Callable[[], int]) -> Piped:
    """Put the lines of a stream into the spool, as they come, and return what became of them.

    Lines that can't be read go along, so that the rejects show them. Raises SpoolFullError; what
    was put before that stays.
    """
    piped = Piped(name=name)
    batch: list[Receipt] = []
    size = 0
    for number, line in _lines(stream):
        origin = f"{name} line {number}"
        receipts, why = _read(line, origin, clock())
        if why:
            piped.unreadable += len(why)
            piped.told += [(number, each) for each in why][: _TOLD - len(piped.told)]
        batch += receipts
        size += len(line)
        if len(batch) >= _BATCH or size >= _BYTES:
            spool.put(batch, at=batch[0].at)
            piped.rows += len(batch)
            batch, size = [], 0
    if batch:
        spool.put(batch, at=batch[0].at)
        piped.rows += len(batch)
    return piped


def _read(line: bytes, origin: str, at: int) -> tuple[list[Receipt], list[str]]:
    """Return the receipts of a line, and what is wrong with those that can't be read."""
    try:
        if len(line) > _LONGEST:
            raise InputError(f"a line may have {_LONGEST >> 10} kB")
        value = read_json(line)
        if isinstance(value, dict) and isinstance(value.get("batch"), list):
            receipts, refused = segment_batch(value, at=at)
            return receipts, [why for _, why in refused]
        return [receipt(value, at=at, origin=origin)], []
    except InputError as error:
        why = str(error)
        return [broken(line.decode("utf-8", "replace"), why, at=at, origin=origin)], [why]


def _lines(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield number and bytes of the lines that are not empty; of too long ones the beginning."""
    number = 0
    while line := stream.readline(_LONGEST + 2):
        number += 1
        rest = line
        while not rest.endswith(b"\n") and (rest := stream.readline(_LONGEST)):
            pass
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if line.strip():
            yield number, line.rstrip(b"\r\n")
