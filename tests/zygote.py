"""A process that has loaded care and forks it: the program without its start-up.

Reads a JSON list of words a line and answers with the child's process id; killing that child is
killing ``care`` in the middle of its work.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


class Zygote:
    """Starts care again and again, quickly. Close it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, text=True, encoding="utf-8",
        )  # fmt: skip

    def run(self, *words: str, kill_after: float | None = None) -> int:
        """Run care with these words, or kill it after some seconds; return how it ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([kill_after, *words]) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        """End it."""
        self._process.communicate()


def _serve() -> None:
    import duckdb  # noqa: F401
    import pyarrow.compute  # noqa: F401
    import sqlglot  # noqa: F401
    import sqlite_utils  # noqa: F401

    import cli
    import rules.schema
    import rules.sql  # noqa: F401

    for line in sys.stdin:
        kill_after, *words = json.loads(line)
        pid = os.fork()
        if pid == 0:
            sys.argv = ["care", *words]
            null = os.open(os.devnull, os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(null, number)
            try:
                cli.main()
            except SystemExit as end:
                os._exit(int(end.code or 0))
            os._exit(99)
        if kill_after is not None:
            time.sleep(kill_after)
            os.kill(pid, 9)
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
