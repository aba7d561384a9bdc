"""What the documentation shows is what the program does: every ``console`` block is run.

A page's blocks run in order, in a folder of their own. A line ``...`` in the output stands for any
lines. ``<!-- edit FILE | old | new -->`` in a page edits a file of the project between two blocks (``\\n``
is a line's end), ``<!-- file FILE -->`` writes the YAML block that follows it into one.
With ``--update-golden`` the outputs in the pages are rewritten; the diff is the review.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.zygote import Zygote

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "docs" / "getting-started.md",
    ROOT / "docs" / "tour.md",
    ROOT / "docs" / "reports.md",
    ROOT / "docs" / "plan.md",
    ROOT / "docs" / "backtest.md",
    ROOT / "docs" / "editor.md",
]

#: What differs by machine: the matcher in use, and all hashes over it; how long something took.
VARIES = [
    (re.compile(r"matcher (?:durable-rules|reference)\b(?: \([^)]*\))?"), "matcher *"),
    (re.compile(r" in \d+\.\d s$"), " in * s"),
    (re.compile(r"audit head: (\d+) [0-9a-f]{64}"), r"audit head: \1 *"),
]

_EDIT = re.compile(r"<!-- edit (\S+) \| (.+?) \| (.+?) -->")
_FILE = re.compile(r"<!-- file (\S+) -->")
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


@dataclass(kw_only=True)
class Shown:
    """One command of a page, with the output that the page shows."""

    command: str
    first: int  #: index of the first line of output
    output: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One edit of a file between two blocks."""

    file: str
    old: str
    new: str


@dataclass(kw_only=True)
class Written:
    """A file that the reader writes."""

    file: str
    lines: list[str] = field(default_factory=list)


def steps(lines: list[str]) -> Iterator[Shown | Edit | Written]:
    """Yield the commands, edits and files of a page, in order."""
    inside, shown = False, None
    written: Written | None = None
    for index, line in enumerate(lines):
        if line.startswith("```"):
            if shown is not None:
                yield shown
            inside, shown = line == "```console", None
            if written is not None and line == "```":
                yield written
                written = None
        elif file := _FILE.fullmatch(line):
            written = Written(file=file[1])
        elif written is not None and line:
            written.lines.append(line)
        elif inside and line.startswith("$ "):
            if shown is not None:
                yield shown
            shown = Shown(command=line[2:], first=index + 1)
        elif inside and shown is not None:
            shown.output.append(line)
        elif edit := _EDIT.fullmatch(line):
            yield Edit(
                file=edit[1], old=edit[2].replace("\\n", "\n"), new=edit[3].replace("\\n", "\n")
            )


def trimmed(lines: list[str]) -> list[str]:
    """Drop empty lines at the end and spaces at line ends."""
    lines = [line.rstrip() for line in lines]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def plain(line: str) -> str:
    for pattern, text in VARIES:
        line = pattern.sub(text, line)
    return line


def cut_like(shown: list[str], actual: list[str]) -> list[str]:
    """Shorten the actual output as the page does: its head, ``...``, its tail."""
    if "..." not in shown:
        return actual
    head = shown.index("...")
    tail = len(shown) - head - 1
    if len(actual) <= head + tail:
        return actual
    return [*actual[:head], "...", *(actual[-tail:] if tail else [])]


def run(command: str, folder: Path, zygote: Zygote) -> tuple[list[str], Path]:
    """Run one command of a page and return its output (both streams) and the folder after it."""
    words = shlex.split(command, comments=True)
    if words[0] == "cd":
        return [], folder / words[1]
    if words[0] == "cp":
        shutil.copytree(folder / words[2], folder / words[3])
        return [], folder
    assert words[0] == "care", f"a console block may hold care, cd and cp -r only: {command}"
    if words[1] == "check":
        words += ["--at", "2026-05-01"]  # in autumn it may warn of the year to come
    done = zygote.told(*words[1:], folder=folder, together=True)
    lines = done.out.splitlines()
    assert done.code in (0, 1, 3), "\n".join([command, *lines])
    notes = "care: reference matcher:"  # said where durable-rules can't be used
    return [line for line in lines if not line.startswith(notes)], folder


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_console_blocks_show_what_happens(
    page: Path, tmp_path: Path, zygote: Zygote, *, update_golden: bool
) -> None:
    """Each command of the page prints what the page says."""
    lines = page.read_text(encoding="utf-8").splitlines()
    folder = tmp_path
    wrong: list[str] = []
    rewritten: list[tuple[Shown, list[str]]] = []
    for step in steps(lines):
        if isinstance(step, Edit):
            place = folder / step.file
            text = place.read_text(encoding="utf-8")
            assert text.count(step.old) == 1, step
            place.write_text(text.replace(step.old, step.new), encoding="utf-8")
            continue
        if isinstance(step, Written):
            place = folder / step.file
            place.parent.mkdir(exist_ok=True)
            place.write_text("\n".join(step.lines) + "\n", encoding="utf-8")
            continue
        output, folder = run(step.command, folder, zygote)
        expected = trimmed(step.output)
        actual = cut_like(expected, trimmed(output))
        if [*map(plain, actual)] != [*map(plain, expected)]:
            wrong.append("\n".join([f"$ {step.command}", *actual]))
            rewritten.append((step, actual))
    if update_golden:
        for step, actual in reversed(rewritten):
            shown = len(trimmed(step.output))
            lines[step.first : step.first + shown] = actual
        page.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return

    assert wrong == []


def test_the_playbook_of_the_readme_is_shipped() -> None:
    """The playbook on the first screen is the sample's own, word for word."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = readme.partition("```yaml\n")[2].partition("```")[0]
    shipped = ROOT / "playbooks/samples/online-retail/playbooks/activity-drop.yaml"

    assert shown == shipped.read_text(encoding="utf-8").partition("\n")[2]


def test_pages_hold_commands() -> None:
    """The pages that are run do show something."""
    for page in PAGES:
        assert list(steps(page.read_text(encoding="utf-8").splitlines())), page


def test_links_lead_somewhere() -> None:
    """Every relative link in the documentation names a file that is there."""
    pages = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in _LINK.findall(page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]

    assert broken == []


def test_every_page_is_in_the_index() -> None:
    """docs/index.md leads to every page of docs/."""
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"index.md"}

    assert pages - set(_LINK.findall(index)) == set()
