"""``care init``: a new care project, copied from a shipped sample.

The samples stand in the package ``playbooks``, the schemas in ``schemas``: found through the
packages, so that an installed wheel works like a checkout. A sample's modelines point to the
schemas of the source tree; a new project gets its own copies in ``.schemas/``, so that editors
complete and explain keys without a network.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath

from rules.errors import InputError, UsageError, did_you_mean

__all__ = [
    "DEFAULT_SAMPLE",
    "SCHEMA_FOLDER",
    "init",
    "own_schema",
    "samples",
    "schema_files",
    "walk_files",
    "write_new",
]

DEFAULT_SAMPLE = "starter"
SCHEMA_FOLDER = ".schemas"

#: What ``care`` itself writes into a project is not for git: personal data stand in it.
_NAMED = 6  #: files in the way that a message names
_GITIGNORE = b".care/\n"

_MODELINE = re.compile(rb"\A(# yaml-language-server: \$schema=)(?:\.\./)*schemas/([^\s/]+)")


def samples() -> tuple[str, ...]:
    """Return the names of the shipped samples, sorted."""
    return tuple(sorted(entry.name for entry in _shelf().iterdir() if entry.is_dir()))


def init(target: Path, sample: str = DEFAULT_SAMPLE) -> list[Path]:
    """Write a new project into a folder and return the files written, sorted.

    The folder may exist and hold other files; none is overwritten. Raises UsageError for an unknown
    sample, InputError where a file stands in the way (nothing is written then) or the folder
    can't be written.
    """
    if sample not in samples():
        raise UsageError(f'no sample "{sample}"; {did_you_mean(sample, samples())}')
    return write_new(target, dict(_contents(sample)))


def write_new(target: Path, contents: dict[PurePosixPath, bytes]) -> list[Path]:
    """Write files, by their path in the project, into a folder; return what was written, sorted.

    Raises InputError where a file stands in the way (nothing is written then) or the folder can't be
    written.
    """
    if target.exists() and not target.is_dir():
        raise InputError(f"{target} is a file; name a folder for the new project")
    _refuse_to_overwrite(target, contents)
    written = []
    for name, data in sorted(contents.items()):
        path = target / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                file.write(data)
        except OSError as error:
            raise InputError(f"can't write {path}: {error.strerror or error}") from error
        written.append(path)
    return written


def _refuse_to_overwrite(target: Path, contents: dict[PurePosixPath, bytes]) -> None:
    """Raise InputError that names the first files that stand where one of ours would go."""
    in_the_way: set[str] = set()
    for name in contents:
        for part in (name, *name.parents[:-1]):
            path = target / part
            stands = path.exists() or path.is_symlink()
            if stands and (part == name or not path.is_dir()):
                in_the_way.add(str(part))
    if in_the_way:
        listed = ", ".join(sorted(in_the_way)[:_NAMED])
        if len(in_the_way) > _NAMED:
            listed += f" and {len(in_the_way) - _NAMED} more"
        raise InputError(
            f"{target} already holds {listed}; nothing was written: choose an empty folder"
        )


def _shelf() -> Traversable:
    return files("playbooks").joinpath("samples")


def _contents(sample: str) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Yield every file of the new project: its path within the project and its bytes."""
    yield from schema_files()
    for path, entry in walk_files(_shelf().joinpath(sample), PurePosixPath()):
        data = entry.read_bytes()
        yield path, own_schema(data, path) if path.suffix == ".yaml" else data


def schema_files() -> Iterator[tuple[PurePosixPath, bytes]]:
    """Yield what every new project has: what git passes over, and the schemas for editors."""
    yield PurePosixPath(".gitignore"), _GITIGNORE
    for entry in files("schemas").iterdir():
        if entry.name.endswith(".schema.json"):
            yield PurePosixPath(SCHEMA_FOLDER, entry.name), entry.read_bytes()


def walk_files(
    folder: Traversable, path: PurePosixPath
) -> Iterator[tuple[PurePosixPath, Traversable]]:
    """Yield every file below a shipped folder, with its path from ``path`` on."""
    for entry in folder.iterdir():
        if entry.name == "__pycache__":
            continue
        if entry.is_dir():
            yield from walk_files(entry, path / entry.name)
        else:
            yield path / entry.name, entry


def own_schema(data: bytes, path: PurePosixPath) -> bytes:
    """Return a YAML file with its modeline pointing at the project's own copy of the schema."""
    up = "../" * (len(path.parts) - 1)
    return _MODELINE.sub(rf"\g<1>{up}{SCHEMA_FOLDER}/\g<2>".encode(), data)
