"""What a file is: its kind, compression and encoding, found out from its first bytes."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from rules.errors import InputError
from rules.importmap_types import FileFormat, FileKind

__all__ = ["READ_ERRORS", "Opened", "detect_encoding", "detect_kind", "open_bytes"]

#: What the standard library raises for damaged or cut files.
READ_ERRORS = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)

_GZIP, _BZIP2, _XZ, _ZIP = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"PK\x03\x04"
_REFUSED = {
    b"\xd0\xcf\x11\xe0": "is an old Excel file (.xls): save it as .xlsx",
    b"\x28\xb5\x2f\xfd": "is compressed with zstd: unpack it first, or use gzip",
    b"Rar!": "is a RAR archive: unpack it first",
    b"7z\xbc\xaf": "is a 7-Zip archive: unpack it first",
    b"%PDF": "is a PDF, not a table",
}
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A file open for reading, unpacked; ``raw`` is what lies on the disk."""

    stream: BinaryIO
    raw: BinaryIO

    @property
    def done(self) -> int:
        """Bytes read from the disk so far."""
        return self.raw.tell()


def detect_kind(path: Path, form: FileFormat) -> FileKind:
    """Return what a file holds. Raises InputError for what care can't read."""
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise InputError(f"{path.name} can't be read: {error.strerror or error}") from error
    for magic, words in _REFUSED.items():
        if head.startswith(magic):
            raise InputError(f"{path.name} {words}")
    if head.startswith(b"PAR1"):
        return FileKind.PARQUET
    if head.startswith(_ZIP) and _is_workbook(path):
        return FileKind.XLSX
    if form.kind in (FileKind.PARQUET, FileKind.XLSX):
        raise InputError(
            f"{path.name} is no {form.kind} file, though the map says format: {form.kind}"
        )
    if form.kind is not None:
        return form.kind
    with open_bytes(path) as opened:
        start = opened.stream.read(4096)
    if start.startswith(b"PAR1"):
        raise InputError(f"{path.name} is a compressed Parquet file: unpack it first")
    text = start.removeprefix(codecs.BOM_UTF8).lstrip()
    if text.startswith(b"["):
        raise InputError(f"{path.name} is one JSON list: care reads one object a line")
    return FileKind.JSONL if text.startswith(b"{") else FileKind.CSV


def _is_workbook(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except READ_ERRORS as error:
        raise InputError(f"{path.name} is damaged: {error}") from error


@contextmanager
def open_bytes(path: Path) -> Iterator[Opened]:
    """Open a file, unpacked by what its first bytes say. Raises InputError for damaged ones."""
    try:
        with path.open("rb") as raw:
            head = raw.read(6)
            raw.seek(0)
            if head.startswith(_ZIP):
                with (
                    zipfile.ZipFile(raw) as archive,
                    archive.open(_member(archive, path)) as packed,
                ):
                    yield Opened(stream=cast("BinaryIO", packed), raw=raw)
            else:
                yield Opened(stream=_unpacked(raw, head), raw=raw)
    except READ_ERRORS as error:
        raise InputError(f"{path.name} is damaged or cut off: {error}") from error


def _unpacked(raw: BinaryIO, head: bytes) -> BinaryIO:
    if head.startswith(_GZIP):
        return cast("BinaryIO", gzip.GzipFile(fileobj=raw))
    if head.startswith(_BZIP2):
        return cast("BinaryIO", bz2.BZ2File(raw))
    if head.startswith(_XZ):
        return cast("BinaryIO", lzma.LZMAFile(raw))
    return raw


def _member(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    members = [
        member
        for member in archive.infolist()
        if not member.is_dir() and not member.filename.startswith("__MACOSX/")
    ]
    if len(members) != 1:
        raise InputError(
            f"{path.name} holds {len(members)} files: pack one, or import them one by one"
        )
    if members[0].flag_bits & 1:
        raise InputError(f"{path.name} has a password: unpack it first")
    return members[0]


def detect_encoding(path: Path, given: str | None) -> str:
    """Return the encoding of a text file: the map's, by its mark, UTF-8, else GB18030.

    Reads the whole file once. Raises InputError with the line of the first byte that is neither.
    """
    with open_bytes(path) as opened:
        head = opened.stream.read(4)
    if head.startswith(codecs.BOM_UTF8) and (given is None or codecs.lookup(given).name == "utf-8"):
        return "utf-8-sig"
    if given is not None:
        return given
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    line = _first_wrong_line(path, "utf-8")
    if line is None:
        return "utf-8"
    if _first_wrong_line(path, "gb18030") is None:
        return "gb18030"
    raise InputError(
        f"{path.name} is neither UTF-8 (see line {line}) nor GB18030: name its encoding in the map, "
        "like encoding: cp1252"
    )


def _first_wrong_line(path: Path, encoding: str) -> int | None:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    line = 1
    with open_bytes(path) as opened:
        while True:
            chunk = opened.stream.read(_CHUNK)
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                # `error.object` begins with what the chunk before left open: less than one line.
                return line + chunk.count(b"\n", 0, max(0, error.start))
            if not chunk:
                return None
            line += chunk.count(b"\n")


def text_stream(opened: Opened, encoding: str) -> io.TextIOWrapper:
    """Return the text of a file with its line ends as they are; bytes that are no text become
    lone surrogates, which the readers turn away row by row.
    """
    return io.TextIOWrapper(
        cast("io.BufferedReader", opened.stream), encoding, errors="surrogateescape", newline=""
    )
