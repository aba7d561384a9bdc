"""An import that is killed or interrupted leaves the log whole: all of the file, or nothing."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from engine.intake import importer
from engine.log import open_log
from rules.errors import BusyError
from tests.imports import SIMPLE, dump, run, write

ROOT = Path(__file__).parents[2]
ROWS = "id,who,when,amount\n" + "".join(
    f"{index},c{index % 97},2026-03-{index % 28 + 1:02d} 10:00,{index}\n" for index in range(30_000)
)
CHILD = textwrap.dedent("""
    import sys
    from pathlib import Path
    from tests.imports import run
    print("ready", flush=True)
    run(Path(sys.argv[1]), Path(sys.argv[2]))
    print("done", flush=True)
""")


def start(root: Path, file: Path) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(root), str(file)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    return child


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_killed_imports_leave_all_or_nothing(tmp_path: Path, number: signal.Signals) -> None:
    """Killed at random moments, an import leaves the log without the file or with the whole of it."""
    first = write(tmp_path / "first.csv", "id,who,when,amount\nx,ann,2026-03-01,1\n")
    second = write(tmp_path / "second.csv", ROWS)
    begun = time.monotonic()
    run(tmp_path / "whole", first)
    with start(tmp_path / "whole", second) as child:
        child.communicate()
    length = time.monotonic() - begun
    whole = dump(tmp_path / "whole")
    chance = random.Random(7)
    root = tmp_path / "killed"
    run(root, first)
    alone = dump(root)
    for _ in range(3):
        with start(root, second) as child:
            time.sleep(chance.random() * length / 2)
            child.send_signal(number)
            child.communicate()
        assert dump(root) in (alone, whole)

    run(root, second)
    assert dump(root) == whole


def test_an_error_on_the_way_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a caller's progress bar raises, the log stays as it was and is free again."""
    file = write(tmp_path / "rows.csv", ROWS)

    def stop(done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, file, progress=stop)

    with open_log(tmp_path / ".care" / "log.duckdb", writable=True, wait=0) as log:
        assert log.max_seq() == 0
        assert log.query("SELECT count(*) FROM customers") == [(0,)]


def test_progress_ends_at_the_end(tmp_path: Path) -> None:
    """Progress never goes back, and its last call says that all is done."""
    calls: list[tuple[int, int | None]] = []
    file = write(tmp_path / "rows.csv", ROWS)
    run(tmp_path, file, progress=lambda done, total: calls.append((done, total)))

    assert calls == sorted(calls)
    assert calls[-1] == (file.stat().st_size, file.stat().st_size)


def test_a_busy_log_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An import into a log that another process holds says which one, in one line."""
    file = write(tmp_path / "rows.csv", ROWS)
    run(tmp_path, file)
    path = tmp_path / ".care" / "log.duckdb"
    script = f"import duckdb, sys; c = duckdb.connect({str(path)!r}); print(); sys.stdin.read()"
    monkeypatch.setattr(importer, "WAIT", 0.2)
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        with pytest.raises(BusyError, match=rf"in use by .*process {child.pid}"):
            run(tmp_path, file, SIMPLE)
        child.communicate("")
