"""``care fmt`` on disk: which files it looks at, and how one gets its new layout."""

from __future__ import annotations

import contextlib
import difflib
import os
import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from rules.errors import Finding, InputError
from rules.layout import lay_out
from rules.schema import SCHEMAS

__all__ = ["State", "Tidied", "files_of", "kind_of", "named", "tidy", "write"]

_FIRST_KEY = re.compile(rb"^(care|playbook|import|tests)[ \t]*:", re.MULTILINE)


class State(StrEnum):
    """How a file stands to its layout."""

    SAME = "same"  #: it is laid out already
    CHANGED = "changed"  #: it is laid out otherwise now, or would be
    LEFT = "left"  #: it can't be laid out; see ``why``


@dataclass(frozen=True, slots=True, kw_only=True)
class Tidied:
    """One file, before and after."""

    path: Path
    name: str  #: as the person named it, or from the project's folder
    state: State
    old: bytes
    new: bytes  #: equal to ``old`` unless changed
    why: str = ""  #: why it was left
    findings: tuple[Finding, ...] = ()  #: its errors, where it was left for them

    def diff(self) -> str:
        """Return the lines that differ, as ``diff -u`` shows them; "" where none do."""
        old, new = (data.decode("utf-8", "replace").splitlines() for data in (self.old, self.new))
        lines = difflib.unified_diff(old, new, self.name, self.name, lineterm="")
        return "\n".join(lines)

    def to_json(self) -> dict[str, object]:
        """Return the words of ``--format json``."""
        return {
            "file": self.name,
            "state": self.state.value,
            "why": self.why,
            "findings": [str(each) for each in self.findings],
        }


def named(paths: Iterable[Path]) -> list[Path]:
    """Return files as named, and of folders the YAML files in them, also further down."""
    found: list[Path] = []
    for path in paths:
        found += sorted(path.rglob("*.yaml")) if path.is_dir() else [path]
    return found


def files_of(root: Path) -> list[Path]:
    """Return the YAML files of a project: shared ones, playbooks, import maps, tests."""
    names = [f"{kind}.yaml" for kind in ("care", "shared", "house")]
    found = [root / name for name in names if (root / name).is_file()]
    for folder, ending in (
        ("playbooks", "*.yaml"),
        ("imports", "*.yaml"),
        ("tests", "*.test.yaml"),
    ):
        found += sorted(path for path in (root / folder).glob(ending) if path.is_file())
    return found


def kind_of(name: str, data: bytes) -> str:
    """Return the kind of a file (care, shared, house, playbook, import, test), or ""."""
    if name.endswith(".test.yaml"):
        return "test"
    keys = {match.decode() for match in _FIRST_KEY.findall(data)}
    for key, kind in (("tests", "test"), ("playbook", "playbook"), ("import", "import"), ("care", "care")):  # fmt: skip
        if key in keys:
            return kind
    stem = Path(name).stem
    return stem if stem in SCHEMAS else ""


def tidy(paths: Iterable[Path], root: Path | None = None) -> list[Tidied]:
    """Return what each file would be; nothing is written. Raises InputError for an unreadable one."""
    return [_tidied(path, _name(path, root)) for path in paths]


def _tidied(path: Path, name: str) -> Tidied:
    try:
        old = path.read_bytes()
    except OSError as error:
        raise InputError(f"can't read {name}: {error.strerror}") from error
    laid = lay_out(old, name, kind_of(name, old))
    state = State.LEFT if laid.left else State.SAME if laid.data == old else State.CHANGED
    return Tidied(
        path=path, name=name, state=state, old=old, new=laid.data, why=laid.left,
        findings=laid.findings,
    )  # fmt: skip


def write(file: Tidied) -> None:
    """Put the new bytes in place of the old ones, whole or not at all; the mode stays.

    A link stays a link: the file that it leads to is written. Raises InputError where the file was
    changed meanwhile or can't be written.
    """
    target = file.path.resolve()
    half = None
    try:
        if target.read_bytes() != file.old:
            raise InputError(f"{file.name} was changed meanwhile; run care fmt again")
        handle, half = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        with os.fdopen(handle, "wb") as out:
            out.write(file.new)
            out.flush()
            os.fsync(out.fileno())
        Path(half).chmod(target.stat().st_mode & 0o7777)
        Path(half).replace(target)
    except OSError as error:
        raise InputError(f"can't write {file.name}: {error.strerror}") from error
    finally:
        if half is not None:
            with contextlib.suppress(FileNotFoundError):
                Path(half).unlink()


def _name(path: Path, root: Path | None) -> str:
    if root is not None and path.resolve().is_relative_to(root):
        return path.resolve().relative_to(root).as_posix()
    return str(path)
