"""A process that has loaded care and forks it: the program without its start-up.

Reads a JSON list of words a line and answers how the child ended and what it said; killing that child
is killing ``care`` in the middle of its work. It never opens DuckDB itself, which could not be forked.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from tempfile import TemporaryFile
from typing import IO, NamedTuple, NoReturn

REPOSITORY = Path(__file__).resolve().parents[1]


class Ended(NamedTuple):
    """How care ended, and what it said."""

    code: int
    out: str
    err: str


class Zygote:
    """Starts care again and again, quickly. Close it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, text=True, encoding="utf-8",
        )  # fmt: skip

    def run(self, *words: str, kill_after: float | None = None) -> int:
        """Run care with these words, or kill it after some seconds; return how it ended."""
        return self.told(*words, kill_after=kill_after).code

    def told(
        self,
        *words: str,
        kill_after: float | None = None,
        folder: Path | None = None,
        together: bool = False,
    ) -> Ended:
        """Run care as ``run`` does, in a folder, and return what it said, too; ``together``: what
        it said on stderr stands between what it said on stdout.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        where = str(folder) if folder is not None else None
        self._process.stdin.write(json.dumps([kill_after, where, together, *words]) + "\n")
        self._process.stdin.flush()
        return Ended(*json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        """End it."""
        self._process.communicate()


def load_all() -> None:
    """Import what the commands import when they are called."""
    import duckdb  # noqa: F401
    import httpx  # noqa: F401
    import pyarrow.compute  # noqa: F401
    import sqlite_utils  # noqa: F401

    import cli  # noqa: F401

    for package in (
        "engine",
        "engine.backtest",
        "engine.commands",
        "engine.handbook",
        "engine.ingest",
        "engine.intake",
        "engine.planning",
        "engine.reports",
        "engine.testing",
        "rules",
        "rules.sql",
    ):
        for module in iter_modules(import_module(package).__path__, f"{package}."):
            import_module(module.name)


def _serve() -> None:
    load_all()
    for line in sys.stdin:
        kill_after, folder, together, *words = json.loads(line)
        with TemporaryFile() as out, TemporaryFile() as err:
            pid = os.fork()
            if pid == 0:
                if folder is not None:
                    os.chdir(folder)
                _care(words, out, out if together else err)
            if kill_after is not None:
                time.sleep(kill_after)
                os.kill(pid, 9)
            _, status = os.waitpid(pid, 0)
            ended = Ended(os.waitstatus_to_exitcode(status), _said(out), _said(err))
        sys.stdout.write(f"{json.dumps(ended)}\n")
        sys.stdout.flush()


def _care(words: list[str], out: IO[bytes], err: IO[bytes]) -> NoReturn:
    """Be care, in the child."""
    import cli

    sys.argv = ["care", *words]
    null = os.open(os.devnull, os.O_RDONLY)
    for number, file in enumerate((null, out.fileno(), err.fileno())):
        os.dup2(file, number)
    try:
        cli.main()
    except SystemExit as end:
        sys.stdout.flush()
        os._exit(int(end.code or 0))
    os._exit(99)


def _said(file: IO[bytes]) -> str:
    """Return what was written to a file."""
    file.seek(0)
    return file.read().decode()


if __name__ == "__main__":
    _serve()
