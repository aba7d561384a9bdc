"""The file channel: one file an action, for another program to send; and the files gathered."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.channels.body import body_of
from engine.channels.sending import Answer, Sending, Verdict
from engine.channels.tables import SUFFIXES, read_rows, render, write_whole
from rules.errors import BusyError, InputError, UsageError

__all__ = ["Collected", "collect", "folder_of", "send_file"]

_COLLECTED = "collected"
_MARK = ".out"  #: in a batch: the table that is to be made of it


def folder_of(root: Path, channel: str, settings: Mapping[str, str]) -> Path:
    """Return the folder of a file channel."""
    return root / settings.get("folder", f".care/out/{channel}")


def send_file(sending: Sending) -> Answer:
    """Write one file, named by the action: sent twice it is the same file.

    The half is named by the action too, so that the next try finishes what a power cut left. What
    was collected already is not written again.
    """
    folder = folder_of(sending.root, sending.channel.name, sending.settings)
    form = sending.settings.get("format", "json")
    target = folder / f"{sending.message.action}.{form}"
    try:
        if _collected(folder, target.name):
            return Answer(verdict=Verdict.SENT, words=f"{target.name} was collected already")
        data = render([body_of(sending.message)], form, single=True)
        write_whole(target, data, target.with_suffix(".half"))
    except OSError as error:
        words = f"cannot write {target}: {error.strerror or error}"
        return Answer(verdict=Verdict.RETRY, words=words)
    return Answer(verdict=Verdict.SENT, words=f"written to {target.name}")


def _collected(folder: Path, name: str) -> bool:
    batches = folder / _COLLECTED
    return batches.is_dir() and any((batch / name).exists() for batch in batches.iterdir())


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What one gathering did."""

    out: Path
    added: int  #: files that are new in the table
    rows: int  #: of the table, those of earlier gatherings under the same name too
    broken: tuple[str, ...] = ()  #: files left where they are, with what is wrong with them
    resumed: tuple[Path, ...] = ()  #: tables of gatherings that were cut, finished now


def collect(folder: Path, out: Path) -> Collected:
    """Gather the files of a folder into one table: ``.xlsx``, ``.csv`` or ``.json``.

    The files move to ``collected/<name of the table>/``. Gathering under the same name again adds
    the new files to the table; nothing new leaves it alone. A gathering that was cut, at whatever
    point, is finished by the next one, so that each file gets into exactly one table. Raises
    UsageError for another suffix, BusyError while another one gathers, InputError where the table
    can't be written or is somebody else's.
    """
    form = out.suffix.removeprefix(".")
    if form not in SUFFIXES:
        raise UsageError(
            f'"{out.name}" is no table; write a name that ends in .xlsx, .csv or .json'
        )
    if out.resolve().parent == folder.resolve():
        raise UsageError(
            "the table can't stand among the files that it gathers; write another folder"
        )
    if not folder.is_dir():
        return Collected(out=out, added=0, rows=0)
    batches = folder / _COLLECTED
    try:
        batches.mkdir(exist_ok=True)
        with _alone(batches):
            resumed = [
                _finish(batch) for batch in sorted(batches.iterdir()) if (batch / _MARK).exists()
            ]
            sound, broken = _look(folder)
            batch = batches / out.name
            rows = 0
            if sound:
                if out.exists() and not batch.is_dir():
                    raise InputError(
                        f"{out} is there already, and not gathered from {folder}; write another name"
                    )
                batch.mkdir(exist_ok=True)
                write_whole(batch / _MARK, str(out.resolve()).encode())
                for path in sound:
                    path.rename(batch / path.name)
                rows = _finish(batch)[1]
    except OSError as error:
        raise InputError(f"cannot gather {folder} into {out}: {error.strerror or error}") from None
    return Collected(
        out=out, added=len(sound), rows=rows, broken=tuple(broken),
        resumed=tuple(path for path, _ in resumed),
    )  # fmt: skip


@contextlib.contextmanager
def _alone(batches: Path) -> Iterator[None]:
    """Keep other gatherings of the folder out. Raises BusyError."""
    with (batches / ".lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(f"somebody else gathers the files of {batches.parent}") from None
        yield


def _look(folder: Path) -> tuple[list[Path], list[str]]:
    """Return the files of actions in a folder, and what is wrong with those that can't be read."""
    sound: list[Path] = []
    broken: list[str] = []
    for path in sorted(folder.iterdir()):
        if path.suffix.removeprefix(".") in SUFFIXES and path.is_file():
            try:
                read_rows(path)
            except InputError as error:
                broken.append(str(error))
            else:
                sound.append(path)
    return sound, broken


def _finish(batch: Path) -> tuple[Path, int]:
    """Write the table of a batch and take its mark away; return the table and its rows."""
    mark = batch / _MARK
    out = Path(mark.read_text(encoding="utf-8"))
    files = (path for path in sorted(batch.iterdir()) if path.suffix.removeprefix(".") in SUFFIXES)
    rows: list[dict[str, Any]] = [row for path in files for row in read_rows(path)]
    rows.sort(key=lambda row: (str(row.get("opens_at") or ""), str(row["action"])))
    write_whole(out, render(rows, out.suffix.removeprefix(".")))
    mark.unlink()
    return out, len(rows)
