"""How long ``care check`` takes over 100 playbooks: ``python -m bench.check [COUNT]``.

The playbooks of the sample online-retail, each under many names, with the sample's vocabulary, texts
and house rules. Seconds of processor of a whole process, the best of three, and the part of it that
goes into what can't come true and what clashes.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from engine.clashes import clashes
from rules.doubts import doubts
from rules.project import check

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "playbooks" / "samples" / "online-retail"


def make(folder: Path, count: int) -> None:
    """Make a project of so many playbooks."""
    shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns("data", "playbooks"))
    (folder / "playbooks").mkdir()
    books = sorted((SAMPLE / "playbooks").glob("*.yaml"))
    for number in range(count):
        book = books[number % len(books)]
        text = re.sub(r"^(playbook: *\S+)", rf"\1_{number}", book.read_text("utf-8"), flags=re.M)
        (folder / "playbooks" / f"{book.stem}-{number}.yaml").write_text(text, "utf-8")


def spent(folder: Path) -> float:
    """Return the seconds of processor of one ``care check``."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "cli", "-C", str(folder), "check"],
        cwd=ROOT, env={**os.environ, "PYTHONUTF8": "1"}, stdout=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print the figures."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "shop"
        make(folder, count)
        whole = min(spent(folder) for _ in range(3))
        project, _ = check(folder)
        assert project is not None
        start = time.process_time()
        found = [*doubts(project), *clashes(project)]
        part = time.process_time() - start
    print(f"{count} playbooks: {whole:.2f} s, of it {part:.2f} s for {len(found)} doubts")


if __name__ == "__main__":
    main()
