"""The other project of a comparison: a folder, or the project's own folder at a git revision."""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path

from rules.errors import Finding, InputError, Level, ProjectError, UsageError
from rules.playbook import Project
from rules.project import check_files, load

__all__ = ["other_project"]

#: What of a project decides; the rest is not looked at.
_PARTS = ("care.yaml", "shared.yaml", "house.yaml", "playbooks", "templates")

_LIMIT = 60  #: seconds for one call of git


def other_project(root: Path, against: str) -> Project:
    """Return the project in a folder, or what the project in ``root`` was at a git revision.

    A folder with a care.yaml goes before a revision of that name. Its log and ledger are never
    looked at. Raises UsageError where it is neither, InputError where git does not work or the
    project there has errors in its shared files.
    """
    folder = Path(against)
    if (folder / "care.yaml").is_file():
        try:
            return load(folder)
        except ProjectError as error:
            raise _broken(against, error.findings) from error
    files = _files_at(root, against)
    project, findings = check_files(files, root=str(root))
    if project is None:
        raise _broken(against, findings)
    return project


def _broken(against: str, findings: Sequence[Finding]) -> InputError:
    first = next(one for one in findings if one.level is Level.ERROR)
    return InputError(f"the project at {against} can't be read: {first}")


def _files_at(root: Path, revision: str) -> dict[str, bytes]:
    """Return path in the project -> content at a revision."""
    top = _git(root, "rev-parse", "--show-prefix")
    if top is None:
        raise UsageError(
            f'"{revision}" is no folder with a care.yaml, and {root} is not under git;'
            " name a folder, or make the project a git repository"
        )
    prefix = top.decode().rstrip("\n").rstrip("/")
    above = root.resolve()
    for _ in Path(prefix).parts:  # from below, git would look for the folder's own path in it
        above = above.parent
    commit = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")  # fmt: skip
    if commit is None:
        raise UsageError(
            f'"{revision}" is neither a folder with a care.yaml nor a git revision;'
            " `git branch -a` and `git log --oneline` show what there is"
        )
    tree = f"{commit.decode().strip()}:{prefix}"
    listed = _git(above, "ls-tree", "-z", "--name-only", tree)
    names = listed.decode("utf-8", "surrogateescape").split("\0") if listed else []
    if "care.yaml" not in names:
        where = f"the folder {prefix}" if prefix else "the repository"
        raise InputError(
            f"there was no care.yaml in {where} at {revision}; name a later revision,"
            " or a folder that holds the other project"
        )
    packed = _git(above, "archive", "--format=tar", tree, "--", *(n for n in _PARTS if n in names))
    if packed is None:
        raise InputError(f"git can't show the project as it was at {revision}")
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        found = {member.name: archive.extractfile(member) for member in archive if member.isfile()}
        return {name: file.read() for name, file in found.items() if file is not None}


def _git(root: Path, *words: str) -> bytes | None:
    """Return what git says in the project's folder, None where it fails. Raises InputError."""
    try:
        done = subprocess.run(  # noqa: S603  a fixed program, and no shell
            ["git", "-C", str(root), *words],  # noqa: S607  as the person who calls has it
            capture_output=True, check=False, timeout=_LIMIT,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise InputError(
            "git is not installed: install it, or compare with a folder that holds a copy"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise InputError(f"git {words[0]} took longer than {_LIMIT} seconds") from error
    said = done.stderr.decode(errors="replace")
    if "dubious ownership" in said:
        raise InputError(
            f"git does not trust {root}, which belongs to another user:"
            f" git config --global --add safe.directory {root}"
        )
    return done.stdout if done.returncode == 0 else None
