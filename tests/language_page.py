"""The language page: its sections, tables and examples, and the project that an example makes.

A block is a file of the project, named by its first line. The first block of a file is the whole file;
a later one shows some keys, and takes the rest from there.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from rules.errors import Finding
from rules.playbook import Project
from rules.project import check_files

__all__ = [
    "BLOCK",
    "CODE",
    "PAGE",
    "ROW",
    "base",
    "blocks",
    "checked",
    "code",
    "first_words",
    "sections",
]

PAGE = (Path(__file__).parents[1] / "docs" / "language.md").read_text(encoding="utf-8")

_HEADING = re.compile(r"^#{2,3} (.+)$", re.MULTILINE)
BLOCK = re.compile(r"^```yaml\n# (\S+\.yaml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| (.+?) \|", re.MULTILINE)
CODE = re.compile(r"`([^`]+)`")


@cache
def sections() -> dict[str, str]:
    """Return heading -> the text below it, up to the next heading."""
    parts = _HEADING.split(PAGE)
    assert len(set(parts[1::2])) == len(parts[1::2]), "two sections have one name"
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def first_words(section: str) -> set[str]:
    """Return the codes in the first cells of a section's tables: ``count`` of ``count: E``."""
    cells = ROW.findall(sections()[section])
    return {code.split(":")[0] for cell in cells for code in CODE.findall(cell)}


def blocks() -> list[tuple[str, str]]:
    """Return file and text of every example of the page, in order."""
    return BLOCK.findall(PAGE)


@cache
def code() -> str:
    """Return everything of the page that is set as code."""
    words = re.sub(r"^```.*?^```$", "", PAGE, flags=re.MULTILINE | re.DOTALL)
    return "\n".join([*CODE.findall(words), *(text for _, text in blocks())])


def top_keys(text: str) -> dict[str, str]:
    """Return key -> the lines that belong to it, of a file's top level."""
    parts = re.split(r"^(?=[A-Za-z_]\w*:)", text, flags=re.MULTILINE)
    return {part.partition(":")[0]: part for part in parts if part.strip()}


def entries(part: str) -> dict[str, str] | None:
    """Return name -> lines of what is declared below a key; None for lists and single values."""
    head, _, below = part.partition("\n")
    found = re.split(r"^(?=  [^\s#-][^\n]*)", below, flags=re.MULTILINE)
    if head.partition(":")[2].strip() or not below.strip() or below.startswith("  -"):
        return None
    return {line.strip().partition(":")[0]: line for line in found if line.strip()}


def merged(base: str, text: str) -> str:
    """Return a file with the keys of an example over its own; declarations are added one by one."""
    keys = top_keys(base)
    for key, part in top_keys(text).items():
        own, new = entries(keys.get(key, "")), entries(part)
        if own and new:
            part = f"{key}:\n" + "".join({**own, **new}.values())  # noqa: PLW2901
        keys[key] = part if part.endswith("\n") else f"{part}\n"
    return "".join(keys.values())


@cache
def base() -> dict[str, str]:
    """Return the whole project with which the page begins."""
    return dict(BLOCK.findall(sections()["A whole project"]))


def checked(file: str, text: str) -> tuple[Project | None, tuple[Finding, ...]]:
    """Return what ``check`` says of the project with one example in it."""
    files = {**base(), file: merged(base().get(file, ""), text)}
    texts = ("apology.md", "a.md", "b.md")
    templates = {
        f"templates/{text}": b"x" for text in texts if any(text in each for each in files.values())
    }
    return check_files({**{name: text.encode() for name, text in files.items()}, **templates})
