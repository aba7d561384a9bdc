"""The house keeps its walls: who imports whom, who reads the clock, how big things grow."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = {"rules", "engine", "cli", "playbooks", "schemas", "tests", "bench"}

#: Room -> the rooms of ours that it may import.
MAY_IMPORT = {
    "rules": {"rules"},
    "engine": {"engine", "rules"},
    "cli.py": {"engine", "rules"},
    "playbooks": set[str](),
    "schemas": set[str](),
}

#: Reading the wall clock. Below cli.py time is an argument.
CLOCK = {
    ("datetime", "now"),
    ("datetime", "today"),
    ("datetime", "utcnow"),
    ("date", "today"),
    ("time", "time"),
    ("time", "time_ns"),
    ("time", "localtime"),
    ("time", "gmtime"),
    ("time", "ctime"),
    ("time", "strftime"),
    ("pendulum", "now"),
    ("pendulum", "today"),
    ("pendulum", "tomorrow"),
    ("pendulum", "yesterday"),
}
#: Modules from which such a name may come, for ``from time import time`` and ``import time as t``.
CLOCK_MODULES = {"datetime", "time", "pendulum"}

MAX_LINES = 400
#: Module -> why it may be longer.
LONGER: dict[str, str] = {}

MAX_BYTES = 1_000_000

MODELINE = re.compile(r"# yaml-language-server: \$schema=(\S+)")


def files_of_git() -> list[Path]:
    """What is committed or would be."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout: no list of shipped files")
    names = listed.stdout.decode().split("\0")
    return sorted(ROOT / name for name in names if name and (ROOT / name).is_file())


def modules(room: str) -> list[Path]:
    place = ROOT / room
    return [place] if place.is_file() else sorted(place.rglob("*.py"))


def code() -> list[Path]:
    return [path for room in MAY_IMPORT for path in modules(room)]


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def syntax(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imports(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Top-level names that a module imports, in functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name.partition(".")[0], node.lineno
        elif isinstance(node, ast.ImportFrom):
            yield ("." if node.level else (node.module or "").partition(".")[0]), node.lineno


def clock_reads(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Every mention of a function that reads the wall clock, under whatever name."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name in CLOCK_MODULES:
                    names[alias.asname or alias.name] = alias.name
        elif isinstance(node, ast.ImportFrom) and node.module in CLOCK_MODULES:
            for alias in node.names:
                names[alias.asname or alias.name] = alias.name
                if (node.module, alias.name) in CLOCK:
                    yield f"{node.module}.{alias.name}", node.lineno
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute):
            continue
        match node.value:
            case ast.Name(id=name):
                owner = names.get(name, name)
            case ast.Attribute(attr=attr):
                owner = attr
            case _:
                continue
        if (owner, node.attr) in CLOCK:
            yield f"{owner}.{node.attr}", node.lineno


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_rooms_import_only_what_they_may(room: str) -> None:
    """No room imports a room above or beside it, and no import is relative."""
    wrong = [
        f"{shown(path)}:{line} imports {name}"
        for path in modules(room)
        for name, line in imports(syntax(path))
        if name == "." or (name in OURS and name not in MAY_IMPORT[room])
    ]

    assert wrong == []


def test_no_clock_below_the_command_line() -> None:
    """Time is an argument: nothing in rules/ and engine/ reads the wall clock."""
    wrong = [
        f"{shown(path)}:{line} reads {what}"
        for room in ("rules", "engine")
        for path in modules(room)
        for what, line in clock_reads(syntax(path))
    ]

    assert wrong == []


@pytest.mark.parametrize(
    "text",
    [
        "import datetime as dt\nx = dt.datetime.now(dt.UTC)",
        "import datetime\nx = datetime.date.today()",
        "from datetime import datetime\nx = datetime.now()",
        "from datetime import datetime as moment\nx = moment.utcnow",
        "import time as clock\nx = clock.time()",
        "from time import time\nx = time()",
        "import pendulum\nx = pendulum.now('UTC')",
    ],
)
def test_the_clock_is_seen_under_any_name(text: str) -> None:
    """Renaming an import does not hide a read of the clock."""
    assert len(list(clock_reads(ast.parse(text)))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "import time\nx = time.monotonic()\ntime.sleep(0.1)",
        "import datetime as dt\nx = dt.datetime.fromisoformat('2025-01-01')",
        "x = self.time.hour\ny = row.now",
    ],
)
def test_waiting_and_parsing_are_no_clock_reads(text: str) -> None:
    """Monotonic waits and parsed times are allowed."""
    assert list(clock_reads(ast.parse(text))) == []


def test_modules_fit_on_a_few_screens() -> None:
    """A module has at most 400 lines, or a reason here; a reason that is not needed goes."""
    long = {
        shown(path)
        for path in code()
        if len(path.read_text(encoding="utf-8").splitlines()) > MAX_LINES
    }

    assert set(LONGER) == long


def test_every_package_has_an_init() -> None:
    """The wheel takes packages only: a folder of modules without ``__init__.py`` would be lost."""
    folders = {path.parent for room in ("rules", "engine") for path in modules(room)}

    assert sorted(shown(path) for path in folders if not (path / "__init__.py").is_file()) == []


def test_shipped_yaml_names_its_schema() -> None:
    """Every YAML file of a shipped project begins with a modeline whose schema is there."""
    wrong = []
    for path in files_of_git():
        if path.suffix not in (".yaml", ".yml") or ROOT / "playbooks" not in path.parents:
            continue
        first = path.read_text(encoding="utf-8").split("\n", 1)[0]
        modeline = MODELINE.fullmatch(first)
        if modeline is None or not (path.parent / modeline[1]).is_file():
            wrong.append(shown(path))

    assert wrong == []


def test_no_big_files() -> None:
    """Nothing above 1 MB is kept in the repository."""
    assert [shown(path) for path in files_of_git() if path.stat().st_size > MAX_BYTES] == []


def test_pins_are_names_and_versions() -> None:
    """constraints.txt pins by name and version only: no address, no path, no hash."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()

    assert [
        line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line)
    ] == []


def test_every_dependency_is_pinned() -> None:
    """What pyproject.toml asks for stands in constraints.txt."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [*project["dependencies"]]
    for extra in project["optional-dependencies"].values():
        asked += extra
    names = {_plain(re.split(r"[^A-Za-z0-9._-]", want, maxsplit=1)[0]) for want in asked}
    pinned = {
        _plain(line.partition("==")[0])
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    }

    assert set() == names - pinned


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
