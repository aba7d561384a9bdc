"""The spool on a real disk."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.spool import Receipt, Shape, Spool, SpoolFullError, read_receipts, waiting
from tests.factories import REPOSITORY

NOW = 1_760_000_000_000_000


def one(name: str = "m1", **more: object) -> Receipt:
    return Receipt(at=NOW, shape=Shape.SEGMENT, body={"messageId": name, **more}, origin="x line 3")


def spool(folder: Path, limit: int = 10_000_000) -> Spool:
    return Spool(folder / ".care" / "spool", limit=limit)


def held(place: Spool) -> list[Receipt]:
    return [receipt for file in place.files() for receipt in read_receipts(file)]


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size, as a full disk would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_is_put_is_read_again(tmp_path: Path) -> None:
    """Every part of a receipt comes back, Chinese and line ends too, in the order of arrival."""
    place = spool(tmp_path)
    rich = Receipt(
        at=NOW, shape=Shape.BROKEN, body={"text": "a\nb\u2028c 王 \ud800"}, sent="s", origin="o",
        why="w",
    )  # fmt: skip
    place.put([rich, one("m2")], at=NOW + 1)
    place.put([one("m1")], at=NOW)

    assert held(place) == [one("m1"), rich, one("m2")]
    assert (waiting(place.folder).files, waiting(place.folder).oldest) == (2, NOW)


def test_nothing_waits_where_nothing_came(tmp_path: Path) -> None:
    """A project without a spool has nothing waiting, and sweeping it makes none."""
    place = spool(tmp_path)
    place.sweep()

    assert (place.waiting().files, place.waiting().bytes, place.waiting().oldest) == (0, 0, None)
    assert not place.folder.exists()


def test_many_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    """Sixteen threads and two processes write at the same instant: every batch has its file."""
    place = spool(tmp_path)

    def write(part: int) -> None:
        for index in range(10):
            place.put([one(f"{part}-{index}")], at=NOW)

    code = (
        "import sys; from pathlib import Path; from engine.spool import *\n"
        "place = Spool(Path(sys.argv[1]), limit=10**7)\n"
        "for index in range(10): place.put([Receipt(at=1, shape=Shape.SEGMENT, "
        f"body={{'messageId': f'{{sys.argv[2]}}-{{index}}'}})], at={NOW})"
    )
    others = [
        subprocess.Popen([sys.executable, "-c", code, str(place.folder), name], cwd=REPOSITORY)
        for name in "xy"
    ]
    threads = [threading.Thread(target=write, args=(part,)) for part in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [other.wait() for other in others] == [0, 0]
    wanted = {f"{part}-{index}" for part in [*range(16), "x", "y"] for index in range(10)}
    assert len(place.files()) == 180
    assert {receipt.body["messageId"] for receipt in held(place)} == wanted


def test_a_spool_has_a_limit(tmp_path: Path) -> None:
    """What does not fit is refused whole; when a run has emptied the spool, there is room again."""
    place = spool(tmp_path, limit=1_500)
    size = place.put([one("a" * 500)], at=NOW).stat().st_size
    place.put([one("b" * 500)], at=NOW)

    with pytest.raises(SpoolFullError, match=r"holds 0 MB and may hold 0: `care run` empties it"):
        place.put([one("c" * 500)], at=NOW)
    assert place.waiting().bytes == 2 * size
    assert not place.full()

    for file in place.files():
        file.unlink()
    place.put([one("c" * 500)], at=NOW)
    assert [receipt.body["messageId"][0] for receipt in held(place)] == ["c"]


def test_a_full_disk_leaves_no_half(tmp_path: Path) -> None:
    """A batch that the disk does not take is refused, and nothing of it stays."""
    place = spool(tmp_path)
    place.put([one()], at=NOW)
    with (
        largest_file(4096),
        pytest.raises(SpoolFullError, match="can't be written: File too large"),
    ):
        place.put([one("a" * 5000)], at=NOW)

    assert held(place) == [one()]
    assert sorted(place.folder.iterdir()) == place.files()


def test_halves_of_the_dead_are_swept(tmp_path: Path) -> None:
    """What a process was writing when it died goes; what a living one writes stays."""
    place = spool(tmp_path)
    place.put([one()], at=NOW)
    code = (
        "import os, sys; from pathlib import Path; from engine.spool import *\n"
        "os.fsync = lambda handle: os._exit(9)\n"
        "Spool(Path(sys.argv[1]), limit=10**7).put([Receipt(at=1, shape=Shape.SEGMENT, body={})], at=5)"
    )
    died = subprocess.run(
        [sys.executable, "-c", code, str(place.folder)], cwd=REPOSITORY, check=False
    )
    (half,) = place.folder.glob("*.half")
    alive = half.with_name(half.name.replace(f".{half.name.split('.')[-2]}.", f".{os.getpid()}."))
    alive.write_text("")
    place.sweep()

    assert died.returncode == 9
    assert held(place) == [one()]
    assert [path.name for path in place.folder.glob("*.half")] == [alive.name]


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_a_damaged_file_is_read_line_by_line(lines: list[bytes]) -> None:
    """Whatever stands between two good lines, they are read, and the rest is told as damaged."""
    import tempfile

    good = one().line().encode()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "00000000000000000005-1-x.jsonl"
        path.write_bytes(b"\n".join([good, *(line.replace(b"\n", b"") for line in lines), good]))
        found = list(read_receipts(path))

    assert [found[0], found[-1]] == [one(), one()]
    assert {each.shape for each in found[1:-1]} <= {Shape.BROKEN}
    assert all(each.at == 5 and each.why and each.origin for each in found[1:-1])
