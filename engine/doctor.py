"""What ``care doctor`` looks at: can this installation work, and with what."""

from __future__ import annotations

import importlib.util
import platform
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from rules.matcher import Case, Comparison, FactKind, FieldTest, GateRule, Part, open_matcher
from rules.units import to_datetime

__all__ = ["Examined", "examine"]

_NEEDED = ("click", "duckdb", "holidays", "httpx", "jsonschema", "markdown-it-py", "pendulum", "pyarrow", "python-liquid", "PyYAML", "sqlglot", "sqlite-utils", "tzdata")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """One thing that was looked at."""

    name: str
    fine: bool
    told: str

    def __str__(self) -> str:
        return f"{'ok ' if self.fine else 'BAD'}  {self.name}: {self.told}"

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"name": self.name, "fine": self.fine, "told": self.told}


def examine(at: int) -> list[Examined]:
    """Return what was looked at; ``at`` (an instant) tells the year whose calendar is needed."""
    return [_python(), *_libraries(), _sqlite(), *_ours(), _matcher(), _calendar(at)]


def _python() -> Examined:
    version = platform.python_version_tuple()
    fine = (int(version[0]), int(version[1])) >= (3, 11)
    return Examined(name="Python", fine=fine, told=platform.python_version())


def _libraries() -> Iterator[Examined]:
    for name in _NEEDED:
        try:
            yield Examined(name=name, fine=True, told=metadata.version(name))
        except metadata.PackageNotFoundError:
            yield Examined(name=name, fine=False, told="missing; install care again")


def _sqlite() -> Examined:
    return Examined(name="SQLite", fine=True, told=sqlite3.sqlite_version)


def _ours() -> Iterator[Examined]:
    """The program owns three top-level names; another package may have taken one."""
    home = Path(__file__).resolve().parent.parent
    for name in ("cli", "engine", "rules", "playbooks", "schemas"):
        spec = importlib.util.find_spec(name)
        origin = Path(spec.origin).resolve() if spec and spec.origin else None
        fine = origin is not None and origin.is_relative_to(home)
        told = (
            "ours" if fine else f"another package's: {origin}; give care an environment of its own"
        )
        yield Examined(name=f"module {name}", fine=fine, told=told)


def _matcher() -> Examined:
    """A rule that must match and one that must not, asked of the matcher in use."""
    yes = FieldTest("purpose", Comparison.EQ, ("marketing",))
    no = FieldTest("purpose", Comparison.EQ, ("repair",))
    rules = [GateRule("yes", (Part(FactKind.WORK, (yes,)),)), GateRule("no", (Part(FactKind.WORK, (no,)),))]  # fmt: skip
    matcher = open_matcher(rules)
    try:
        (matched,) = matcher.match([Case(work={"purpose": "marketing"})])
    finally:
        matcher.close()
    why = f" ({matcher.reason or matcher.degraded})" if matcher.reason or matcher.degraded else ""
    fine = matched == frozenset(("yes",))
    told = f"{matcher.name}{why}, self-test {'passed' if fine else 'FAILED'}"
    return Examined(name="rule engine", fine=fine, told=told)


def _calendar(at: int) -> Examined:
    import holidays  # noqa: PLC0415  slow

    year = to_datetime(at).year
    table = holidays.country_holidays("CN", years=[year, year + 1])
    known = [
        str(y)
        for y in (year, year + 1)
        if any(day.year == y for day in getattr(table, "weekend_workdays", ()))
    ]
    missing = [str(y) for y in (year, year + 1) if str(y) not in known]
    told = f"make-up days of China known for {', '.join(known) or 'neither year'}"
    if missing:
        told += f"; not yet announced or not in this version of holidays: {', '.join(missing)}"
    return Examined(name="calendar", fine=True, told=told)
