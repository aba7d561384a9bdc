"""The spool: what came from outside and waits for the next run, one JSON object a line.

A batch is one file, written beside, synced and renamed: it is there whole or not at all, whatever
dies. Names rise with the time of arrival, and no two writers share one. Files go when the log has
their rows; a crash between is harmless, since the log knows a row again by its id.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import secrets
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from rules.errors import BusyError

__all__ = [
    "Receipt",
    "Shape",
    "Spool",
    "SpoolFullError",
    "Waiting",
    "read_receipts",
    "receipt_files",
    "waiting",
    "write_receipts",
]

_ENDING = ".jsonl"
_HALF = ".half"  #: a file being written; its name says by whom
_SHOWN = 2_000  #: characters kept of a line that is no receipt
_NUMBERS = itertools.count()  #: of this process, for files of one instant


class Shape(StrEnum):
    """In whose words something came."""

    SEGMENT = "segment"  #: a call of a Segment client: track, identify ...
    CLOUDEVENT = "cloudevent"  #: a CloudEvents 1.0 object
    RESULT = "result"  #: what came of an action
    BROKEN = "broken"  #: none of these; ``why`` says why


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One thing that came, as it came."""

    at: int  #: instant of arrival
    shape: Shape
    body: Mapping[str, Any]  #: JSON; its numbers are the texts that they were
    sent: str = ""  #: the sender's own clock when it sent the batch, for its wrong clock
    origin: str = ""  #: ``orders.jsonl line 12``; "" for what came over HTTP
    why: str = ""  #: why it was refused, of BROKEN and of rows in the rejects

    def line(self) -> str:
        """Return the receipt as one line of JSON, what explains it first."""
        told = {"why": self.why, "at": self.at, "shape": str(self.shape), "origin": self.origin,
                "sent": self.sent, "body": self.body}  # fmt: skip
        return json.dumps(
            {key: value for key, value in told.items() if value != ""}, ensure_ascii=False
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What lies in a folder of receipts."""

    files: int
    bytes: int
    oldest: int | None  #: instant at which the oldest file arrived


class SpoolFullError(BusyError):
    """The spool is as large as it may grow, or the disk is full: try again later."""


class Spool:
    """The folder of one project's spool, which may hold ``limit`` bytes."""

    def __init__(self, folder: Path, *, limit: int) -> None:
        self.folder = folder
        self.limit = limit
        self._size: int | None = None  # as last counted, and what was written since

    def put(self, receipts: Sequence[Receipt], *, at: int) -> Path:
        """Write a batch and return its file once the disk has it; ``at`` is its arrival.

        Several threads and processes may write at once. Raises SpoolFullError when there is no
        room; then nothing is written.
        """
        data = _encoded(receipts)
        self._make_room(len(data))
        path = self.folder / _fresh_name(at)
        try:
            _write(path, data)
        except OSError as error:
            raise SpoolFullError(f"{self.folder} can't be written: {error.strerror}") from error
        return path

    def files(self) -> list[Path]:
        """Return the waiting files, the oldest first."""
        return receipt_files(self.folder)

    def waiting(self) -> Waiting:
        """Return how much waits."""
        return waiting(self.folder)

    def full(self) -> bool:
        """Tell whether the spool has reached its limit."""
        return self.waiting().bytes >= self.limit

    def sweep(self) -> None:
        """Remove halves whose writer died."""
        if not self.folder.is_dir():
            return
        for path in self.folder.glob(f"*{_HALF}"):
            if _orphan(path):
                path.unlink(missing_ok=True)

    def _make_room(self, size: int) -> None:
        """Count what is written; look at the folder only when that seems too much."""
        known = self._size
        if known is None or known + size > self.limit:
            known = self.waiting().bytes
        if known + size > self.limit:
            raise SpoolFullError(
                f"the spool holds {known // 1_000_000} MB and may hold {self.limit // 1_000_000}:"
                " `care run` empties it"
            )
        self._size = known + size


def receipt_files(folder: Path) -> list[Path]:
    """Return the files of receipts in a folder, the oldest first; none where there is no folder."""
    if not folder.is_dir():
        return []
    return sorted(folder.glob(f"*{_ENDING}"), key=lambda path: path.name)


def waiting(folder: Path) -> Waiting:
    """Return what lies in a folder of receipts; nothing where there is no folder."""
    files = receipt_files(folder)
    sizes = 0
    for path in files:
        with contextlib.suppress(FileNotFoundError):  # a run has just taken it
            sizes += path.stat().st_size
    return Waiting(files=len(files), bytes=sizes, oldest=_arrived(files[0]) if files else None)


def _fresh_name(at: int) -> str:
    """Return a file name that sorts by an instant, then as this process wrote, and that nobody
    else chooses.
    """
    return f"{at:020d}-{os.getpid()}-{next(_NUMBERS):08d}-{secrets.token_hex(4)}{_ENDING}"


def write_receipts(path: Path, receipts: Sequence[Receipt]) -> None:
    """Write receipts as a file that is there whole or not at all; OSError passes through."""
    _write(path, _encoded(receipts))


def read_receipts(path: Path) -> Iterator[Receipt]:
    """Return the receipts of a file; a line that is none comes as BROKEN."""
    arrived = _arrived(path) or 0
    with path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            yield _receipt(raw, arrived, f"{path.name} line {number}")


def _encoded(receipts: Sequence[Receipt]) -> bytes:
    return "".join(f"{receipt.line()}\n" for receipt in receipts).encode("utf-8", "surrogatepass")


def _receipt(raw: bytes, arrived: int, origin: str) -> Receipt:
    try:
        found = json.loads(raw.decode("utf-8", "surrogatepass"))
        return Receipt(
            at=int(found["at"]), shape=Shape(found["shape"]), body=dict(found["body"]),
            sent=str(found.get("sent", "")), origin=str(found.get("origin", "")),
            why=str(found.get("why", "")),
        )  # fmt: skip
    except (ValueError, KeyError, TypeError, RecursionError):
        return Receipt(
            at=arrived, shape=Shape.BROKEN, origin=origin,
            body={"text": raw.decode("utf-8", "replace")[:_SHOWN]},
            why="the line of the spool is damaged",
        )  # fmt: skip


def _arrived(path: Path) -> int | None:
    digits = path.name.partition("-")[0]
    return int(digits) if digits.isdecimal() else None


def _write(path: Path, data: bytes) -> None:
    """Write a file beside its place, sync it, move it there, sync the folder."""
    if not path.parent.is_dir():
        path.parent.mkdir(parents=True, exist_ok=True)
        _sync(path.parent.parent)
    half = path.with_name(f"{path.name}.{socket.gethostname()}.{os.getpid()}{_HALF}")
    try:
        with half.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            half.unlink(missing_ok=True)
        raise
    _sync(path.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _orphan(path: Path) -> bool:
    """Tell whether a half's writer was a process of this machine and is gone."""
    owner, _, pid = path.name.removesuffix(_HALF).rpartition(".")
    if not owner.endswith(f".{socket.gethostname()}") or not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
