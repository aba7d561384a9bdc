"""What ``care check`` says in the light of the log: windows longer than it, texts that lack a name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rules.errors import Finding, Level, Span
from rules.measures import Change, Changed, Measure, NamedMeasure
from rules.playbook import Do, Playbook, Project, walk
from rules.resolve import closure, playbook_references, template_files
from rules.templates import BRIEF
from rules.units import MICROS
from rules.windows import bound

if TYPE_CHECKING:
    from engine.log import Log

__all__ = ["LOOKED_WAIT", "log_findings", "open_if_there"]

#: Seconds that ``check`` waits for a log that somebody else has in hand.
LOOKED_WAIT = 1.0
#: Fewer customers say nothing about the rest.
_FEWEST = 20
#: A value that more than one in five lacks.
_MANY = 5
_DAY = 86_400 * MICROS


def open_if_there(path: Path) -> Log | None:
    """Open the log to read, or return None where there is none. Raises BusyError."""
    if not path.exists():
        return None
    from engine.log import open_log  # noqa: PLC0415  slow

    return open_log(path, writable=False, wait=LOOKED_WAIT)


def log_findings(project: Project, log: Log, *, at: int) -> list[Finding]:
    """Return the warnings that only the events and customers of a log give, as of an instant."""
    return [*_short(project, log, at), *_lacking(project, log)]


# Windows longer than the log


def _short(project: Project, log: Log, at: int) -> Iterator[Finding]:
    ((first,),) = log.query("SELECT min(occurred_at) FROM events")
    if first is None:
        return
    tz = project.vocabulary.timezone
    told: set[str] = set()
    for book in project.playbooks:
        for found in closure(book.catalogue, playbook_references(book)).values():
            if not isinstance(found, NamedMeasure) or found.name in told or found.span is None:
                continue
            start = _start(found.measure, at, tz)
            if start is None or start >= first - _DAY:
                continue
            told.add(found.name)
            days = (at - first) // _DAY
            message = (
                f'measure "{found.name}" looks back {(at - start) // _DAY} days, and the log'
                f" begins {days} days ago: what was before counts as nothing"
            )
            hint = "import older events, or take a shorter window until then"
            yield _warning("window-beyond-log", message, hint, found.span, f"measures/{found.name}")


def _start(measure: Measure, at: int, tz: str) -> int | None:
    """Return where a measure's window begins; None for one that looks back for ever."""
    if isinstance(measure, Changed):
        return None
    if isinstance(measure, Change):
        inner = measure.of
        if isinstance(inner, Change | Changed) or inner.window.last is None:
            return None
        return bound(at, inner.window, 2, tz)
    return None if measure.window.last is None else bound(at, measure.window, 1, tz)


def _warning(code: str, message: str, hint: str, span: Span, path: str) -> Finding:
    return Finding(level=Level.WARNING, code=code, message=message, hint=hint, span=span, path=path)


# Texts that name what many customers lack


def _lacking(project: Project, log: Log) -> Iterator[Finding]:
    ((customers,),) = log.query("SELECT count(*) FROM customers")
    if customers < _FEWEST:
        return
    known = dict(
        log.query(
            "SELECT n.name, count(DISTINCT a.customer) FROM attributes a"
            " JOIN attribute_names n ON n.code = a.attribute"
            " WHERE a.num IS NOT NULL OR a.txt IS NOT NULL GROUP BY n.name"
        )
    )
    said: dict[str, dict[str, Do]] = {}  #: attribute -> place of a text -> a step that says it
    for book in project.playbooks:
        for step, file, name in _uses(book):
            if name in project.vocabulary.attributes:
                where = f"templates/{file}" if file else f"brief of {book.name}/{step.name}"
                said.setdefault(name, {}).setdefault(where, step)
    for name, steps in said.items():
        lack = customers - known.get(name, 0)
        if lack * _MANY <= customers:
            continue
        (where, step), *others = steps.items()
        more = f"; {len(others)} other texts say it too" if len(others) > 1 else ""
        more = f"; {others[0][0]} says it too" if len(others) == 1 else more
        message = (
            f'step "{step.name}" says customer.{name} ({where}), which'
            f" {lack * 100 // customers}% of {customers} customers lack{more}"
        )
        hint = "read the text as they would: they get what stands behind default:"
        yield _warning("text-lacks-value", message, hint, step.span, step.path)


def _uses(book: Playbook) -> Iterator[tuple[Do, str, str]]:
    """Yield (step, file below templates/ or "", attribute) of every text of a playbook."""
    for step in walk(book.steps):
        if not isinstance(step, Do) or step.disabled:
            continue
        for key in (*template_files(step.template), BRIEF + step.name):
            text = book.texts.get(key)
            for name in text.names if text else ():
                if name.startswith("customer."):
                    yield step, text.file if text else "", name.removeprefix("customer.")
