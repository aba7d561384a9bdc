"""What ``care doctor`` looks at: can this installation work, and with what."""

from __future__ import annotations

import datetime as dt
import importlib.util
import platform
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from rules.matcher import Case, Comparison, FactKind, FieldTest, GateRule, Part, open_matcher
from rules.units import date_of, day_of

__all__ = ["Examined", "examine"]

_NEEDED = ("click", "duckdb", "holidays", "httpx", "jsonschema", "markdown-it-py", "pendulum", "pyarrow", "python-liquid", "PyYAML", "sqlglot", "sqlite-utils", "tzdata")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """One thing that was looked at."""

    name: str
    fine: bool
    told: str
    warning: bool = False  #: it works, and somebody should look at it

    def __str__(self) -> str:
        mark = "BAD" if not self.fine else "!  " if self.warning else "ok "
        return f"{mark}  {self.name}: {self.told}"

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "name": self.name, "fine": self.fine, "warning": self.warning, "told": self.told,
        }  # fmt: skip


def examine(at: int, country: str) -> list[Examined]:
    """Return what was looked at; ``at`` (an instant) tells the years whose calendar is needed, of the
    ``country`` by which days are counted.
    """
    return [_python(), *_libraries(), _sqlite(), *_ours(), _matcher(), _calendar(at, country)]


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


def _calendar(at: int, country: str) -> Examined:
    """Whether the make-up days of this year and the next are known, and whether it is time."""
    from engine.calendar import WorkingCalendar  # noqa: PLC0415  slow
    from engine.calendar_check import unannounced, within_reach  # noqa: PLC0415

    if country == "none":
        return Examined(name="calendar", fine=True, told="weekends only")
    country = country.upper()
    today = day_of(at, "UTC")
    year = date_of(today).year
    calendar = WorkingCalendar(
        timezone="UTC", country=country, opens=dt.time(9), closes=dt.time(18)
    )
    missing = unannounced(calendar, (year, year + 1))
    if not missing:
        return Examined(
            name="calendar", fine=True, told=f"{country}, known for {year} and {year + 1}"
        )
    told = f"{country}: the make-up days of {' and '.join(map(str, missing))} are not known"
    late = unannounced(calendar, within_reach(today))
    if late:
        told += "; update the package `holidays`, or list them under days_on and days_off"
    return Examined(name="calendar", fine=True, told=told, warning=bool(late))
