"""The shipped library: what it holds, a project made from it, and single playbooks added to one.

What was copied is remembered in the project's ``.library``, one line a file with the hash of what was
written (the form of ``sha256sum``). So a later version of care can tell its own news from the user's
edits: a copy that was edited is never overwritten, and a newer version is shown as a difference first.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath

from engine.library_needs import Needs, entries, missing, needs
from engine.scaffold import own_schema, schema_files, walk_files, write_new
from rules.errors import InputError, UsageError, did_you_mean
from rules.playbook import Do, Playbook, Project, walk
from rules.project import check_files
from rules.resolve import template_files

__all__ = [
    "KINDS",
    "REMEMBERED",
    "Addition",
    "Book",
    "Change",
    "State",
    "add",
    "book",
    "books",
    "init_library",
    "snippets",
    "state_of",
]

REMEMBERED = ".library"
#: The kinds of companies that there is a vocabulary for.
KINDS = ("retail", "saas", "services")
#: What is read to judge the library itself; the names are the same in all kinds.
_REFERENCE = "saas"
_RENDER = re.compile(r"""\{%-?\s*render\s+["']([^"']+)["']""")
_HEAD = re.compile(r"^# (handbook|intent|not for): *(.+)$", re.MULTILINE)


class State(StrEnum):
    """How a project's copy of a file, or of a whole playbook, stands to the library's."""

    ABSENT = "absent"
    SAME = "same"
    NEWER = "newer"  #: the copy was not touched, and the library has another version
    EDITED = "edited"  #: the copy was edited
    OWN = "own"  #: it was never copied from the library


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """One playbook of the library."""

    name: str  #: ``complaint_loop``
    file: str  #: ``playbooks/complaint-loop.yaml``
    title: str
    owner: str
    purpose: str
    intent: str
    not_for: str
    handbook: tuple[str, ...]  #: rows: ``2.3``
    files: tuple[str, ...]  #: its own, its texts and its tests, as paths in a project
    needs: Needs


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What ``care add`` did with one file, or would not do."""

    file: str
    state: State  #: before
    written: bool
    difference: str = ""  #: from the copy to the library's, where they differ


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """What came of ``care add``."""

    book: Book
    changes: tuple[Change, ...]
    lacking: Needs | None  #: None where the project itself has errors

    @property
    def open(self) -> bool:
        """True where something is left to the user."""
        left = any(each.difference and not each.written for each in self.changes)
        return left or self.lacking is None or self.lacking.count > 0


def init_library(target: Path, kind: str) -> list[Path]:
    """Write a new project of the whole library into a folder and return the files written, sorted.

    Raises UsageError for an unknown kind, InputError where files stand in the way.
    """
    if kind not in KINDS:
        raise UsageError(f'no library "{kind}"; {did_you_mean(kind, KINDS)}')
    copied = _copies(kind)
    contents = {PurePosixPath(name): data for name, data in copied.items()}
    contents[PurePosixPath(REMEMBERED)] = _remembering(
        {name: _hash(data) for name, data in copied.items() if not name.startswith("data/")}
    )
    return write_new(target, {**contents, **dict(schema_files())})


@cache
def books() -> tuple[Book, ...]:
    """Return the playbooks of the library, by the rows of the handbook."""
    project = _project()
    shared = _copies(_REFERENCE)["shared.yaml"].decode()
    found = [_book(project, playbook, shared) for playbook in project.playbooks]
    return tuple(
        sorted(found, key=lambda each: ([_numbers(row) for row in each.handbook], each.name))
    )


def book(name: str) -> Book:
    """Return a playbook by its name or that of its file; raises UsageError with a near one."""
    asked = name.removeprefix("playbooks/").removesuffix(".yaml").replace("-", "_")
    for each in books():
        if each.name == asked:
            return each
    near = did_you_mean(asked, (b.name for b in books())) or "`care library` lists them"
    raise UsageError(f'the library has no playbook "{name}"; {near}')


def state_of(root: Path, found: Book) -> State:
    """Return how a project's copy of a playbook, its file alone, stands to the library's."""
    return _state(root, found.file, _copies(_REFERENCE)[found.file], _recall(root))


def add(root: Path, name: str, project: Project | None, *, update: bool = False) -> Addition:
    """Copy a playbook with its texts and tests into a project, and say what it still lacks there.

    A file that is there already is never overwritten, but for an untouched copy of ours with
    ``update``. ``project`` is the one in ``root`` as it was before, None where it has errors. Raises
    UsageError for an unknown playbook, InputError where its name is taken or a file can't be written.
    """
    found = book(name)
    if project is not None:
        for other in project.playbooks:
            if other.name == found.name and other.file != found.file:
                raise InputError(
                    f"{other.file} has a playbook {found.name} already; give it another name first"
                )
    shipped, remembered = _copies(_REFERENCE), _recall(root)
    changes = []
    for file in found.files:
        state = _state(root, file, shipped[file], remembered)
        write = state is State.ABSENT or (state is State.NEWER and update)
        differs = state in {State.NEWER, State.EDITED, State.OWN}
        difference = _difference(root / file, file, shipped[file]) if differs else ""
        if write:
            _write(root / file, shipped[file])
        if write or state is State.SAME:
            remembered[file] = _hash(shipped[file])
        changes.append(Change(file=file, state=state, written=write, difference=difference))
    _write(root / REMEMBERED, _remembering(remembered))
    lacking = missing(found.needs, project) if project else None
    return Addition(book=found, changes=tuple(changes), lacking=lacking)


def snippets(wanted: Needs) -> Iterator[tuple[str, str, str]]:
    """Yield file, section and the lines to put there, for names that a project lacks.

    Fields alone (``order.amount``, where ``order`` is there) come as comments: the event is the user's.
    """
    copies = _copies(_REFERENCE)
    known = {name: entries(copies[name].decode()) for name in ("care.yaml", "shared.yaml")}
    for section, names in wanted.lines():
        lines = []
        file = "shared.yaml" if section in {"measures", "segments", "classes"} else "care.yaml"
        for name in names:
            event, _, inner = name.partition(".")
            if section == "playbooks":
                lines.append(f"  # care add {name}")
            elif not inner:
                lines.append(known[file][f"{section}/{name}"])
            elif event not in names:
                kind = _field_type(known[file][f"{section}/{event}"], inner)
                lines.append(f"  # the event {event} needs the field {{{inner}: {kind}}}")
        if lines:
            yield ("" if section == "playbooks" else file), section, "\n".join(lines)


def _field_type(entry: str, name: str) -> str:
    """Return the type of a field as an entry of care.yaml writes it."""
    found = re.search(rf"\b{name}: *(\[[^]]*\]|\w+)", entry)
    assert found is not None, (entry, name)
    return found[1]


def _book(project: Project, playbook: Playbook, shared: str) -> Book:
    head = dict(_HEAD.findall(playbook.source))
    return Book(
        name=playbook.name,
        file=playbook.file,
        title=playbook.title,
        owner=playbook.owner,
        purpose=playbook.purpose,
        intent=head["intent"].strip(),
        not_for=head["not for"].strip(),
        handbook=tuple(row.strip() for row in head["handbook"].split(",")),
        files=_files_of(playbook),
        needs=needs(project, playbook, shared),
    )


def _files_of(playbook: Playbook) -> tuple[str, ...]:
    """Return the paths of a playbook, of all texts that it may take, and of its tests."""
    shipped = _copies(_REFERENCE)
    waiting = [
        file
        for step in walk(playbook.steps)
        if isinstance(step, Do)
        for file in template_files(step.template)
    ]
    texts: set[str] = set()
    while waiting:
        file = f"templates/{waiting.pop()}"
        if file not in texts:
            texts.add(file)
            waiting += _RENDER.findall(shipped[file].decode())
    tests = f"tests/{PurePosixPath(playbook.file).stem}.test.yaml"
    return (playbook.file, *sorted(texts), *([tests] if tests in shipped else []))


def _numbers(row: str) -> list[int]:
    return [int(part) for part in row.split(".")]


@cache
def _project() -> Project:
    project, findings = check_files(_copies(_REFERENCE))
    assert project is not None, findings
    return project


@cache
def _copies(kind: str) -> dict[str, bytes]:
    """Return the files of a project of that kind, as they are written: path -> bytes."""
    shelf = files("playbooks").joinpath("library")
    found = {}
    for path, entry in _shared_and_own(shelf, kind):
        data = entry.read_bytes()
        found[path.as_posix()] = own_schema(data, path) if path.suffix == ".yaml" else data
    return found


def _shared_and_own(shelf: Traversable, kind: str) -> Iterator[tuple[PurePosixPath, Traversable]]:
    for path, entry in walk_files(shelf, PurePosixPath()):
        if path.parts[0] not in KINDS:
            yield path, entry
    yield from walk_files(shelf.joinpath(kind), PurePosixPath())


def _state(root: Path, file: str, shipped: bytes, remembered: dict[str, str]) -> State:
    try:
        copy = (root / file).read_bytes()
    except FileNotFoundError:
        return State.ABSENT
    except OSError as error:
        raise InputError(f"can't read {root / file}: {error.strerror or error}") from error
    if copy == shipped:
        return State.SAME
    if file not in remembered:
        return State.OWN
    return State.NEWER if _hash(copy) == remembered[file] else State.EDITED


def _difference(path: Path, file: str, shipped: bytes) -> str:
    """Return a unified difference from the copy to what the library has."""
    before = path.read_bytes().decode("utf-8", "replace").splitlines()
    after = shipped.decode().splitlines()
    lines = difflib.unified_diff(before, after, file, f"{file} (library)", lineterm="", n=2)
    return "\n".join(lines)


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise InputError(f"can't write {path}: {error.strerror or error}") from error


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _remembering(hashes: dict[str, str]) -> bytes:
    return "".join(f"{value}  {name}\n" for name, value in sorted(hashes.items())).encode()


def _recall(root: Path) -> dict[str, str]:
    """Return what was copied into a project: path -> hash; lines that are none are passed over."""
    try:
        text = (root / REMEMBERED).read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"can't read {root / REMEMBERED}: {error}") from error
    pairs = (line.split("  ", 1) for line in text.splitlines() if "  " in line)
    return {name: value for value, name in pairs}
