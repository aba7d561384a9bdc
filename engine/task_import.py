"""Results that came back in a task sheet: each row is taken, or told why not.

A row that was changed by nobody else since the export is written as ``care done`` would; the same
row again does nothing. One wrong row does not keep the others back.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from engine.calendar import WorkingCalendar
from engine.journeys import Action
from engine.ledger import Ledger
from engine.revisions import Revisions
from engine.task_answers import answers_of, outcome_of, read_day
from engine.task_changes import TaskChanges
from engine.task_columns import FINISHED, Column, asked_heading, plain_head
from engine.task_rows import NO_VALUE, SheetRow, TaskFile
from engine.tasks import open_guests, version
from engine.words import ActionState
from rules.errors import CareError, StateError, UsageError
from rules.phrases import plain
from rules.playbook import AskedKind, Do, walk
from rules.units import MICROS, date_of, day_number, day_of, day_start, from_iso, to_iso
from rules.vocabulary import Vocabulary

__all__ = ["Fate", "RowResult", "Taken", "asked_names", "take_results"]

_CHUNK = 500  #: rows in one transaction
_AHEAD = 5 * 60 * MICROS  #: clocks differ by so much


class Fate(StrEnum):
    """What became of a row."""

    TAKEN = "taken"
    ALREADY = "already"  #: the ledger had this very result
    EMPTY = "empty"  #: nothing was filled in
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowResult:
    """What became of one row, in words where it failed."""

    number: int
    action: str
    fate: Fate
    words: str = ""
    version: str = ""  #: of a row that is out of date while its task is still open: the new mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of a sheet."""

    rows: tuple[RowResult, ...]
    counts: Counter[Fate] = field(default_factory=Counter)

    @property
    def failed(self) -> tuple[RowResult, ...]:
        """The rows that were not taken."""
        return tuple(row for row in self.rows if row.fate is Fate.FAILED)


class _StaleError(CareError):
    """The task has changed since the export; ``mark`` is the new one while it is open."""

    def __init__(self, words: str, mark: str) -> None:
        super().__init__(words)
        self.mark = mark


def asked_names(ledger: Ledger) -> list[str]:
    """Return every name that a step asks for, of all revisions that are kept."""
    revisions = Revisions(ledger)
    keys = [row["id"] for row in ledger.rows("SELECT id FROM revisions ORDER BY id")]
    return list(
        dict.fromkeys(
            item.name
            for key in keys
            for step in walk(revisions.get(key).steps)
            if isinstance(step, Do)
            for item in step.ask
        )
    )


def take_results(
    ledger: Ledger, vocabulary: Vocabulary, file: TaskFile, *, at: int, who: str
) -> Taken:
    """Write the results of a sheet, in transactions of its own; ``at`` is the instant of the import.

    Raises BusyError where the ledger stays locked; rows of earlier chunks are taken by then, and the
    file may be imported again.
    """
    taker = _Taker(ledger, vocabulary, file, at=at, who=who)
    found: list[RowResult] = []
    for start in range(0, len(file.rows), _CHUNK):
        with ledger.transaction():
            found += [taker.take(row) for row in file.rows[start : start + _CHUNK]]
    return Taken(rows=tuple(found), counts=Counter(row.fate for row in found))


class _Taker:
    def __init__(
        self, ledger: Ledger, vocabulary: Vocabulary, file: TaskFile, *, at: int, who: str
    ) -> None:
        self.ledger, self.file, self.at, self.who = ledger, file, at, who
        self.zone = vocabulary.timezone
        self.calendar = WorkingCalendar.of(vocabulary)
        self.changes = TaskChanges(ledger, self.zone)
        self.twice = _told_twice(file.rows)

    def take(self, row: SheetRow) -> RowResult:
        """Write one row; return what became of it. Inside a transaction."""
        key = row.cells.get(Column.ID, "")
        if not _filled(row):
            return RowResult(number=row.number, action=key, fate=Fate.EMPTY)
        try:
            changed = self._write(row, key)
        except _StaleError as error:
            return RowResult(
                number=row.number, action=key, fate=Fate.FAILED, words=str(error),
                version=error.mark,
            )  # fmt: skip
        except (StateError, UsageError) as error:
            return RowResult(number=row.number, action=key, fate=Fate.FAILED, words=str(error))
        fate = Fate.TAKEN if changed else Fate.ALREADY
        return RowResult(number=row.number, action=key, fate=fate)

    def _write(self, row: SheetRow, key: str) -> bool:
        if not key:
            raise UsageError(f'"{Column.ID}" is empty: which task is it?')
        others = [number for number in self.twice.get(key, ()) if number != row.number]
        if others:
            raise UsageError(
                f"row {others[0]} is about the same task and says something else: keep one of them"
            )
        for name, text in row.cells.items():
            if text == NO_VALUE:
                raise UsageError(f'"{_heading(name)}" is a formula without a value: type the value')
        if self.changes.store.action(key) is None:
            raise StateError(f'no task "{key}"')
        action = self.changes.task(key)
        _same_customer(action, row)
        step = self.changes.step(action)
        outcome, asked = self._outcome(step, row), self._answers(step, row)
        word, answers = outcome_of(step, outcome), answers_of(step, asked)
        known = action.outcome, self.changes.answers(action)
        if action.state is ActionState.DONE and known == (word, answers):
            return False
        self._unchanged(action, row)
        found = self.changes.finish(
            action.id, at=self._done_at(action, row), outcome=outcome, asked=asked,
            note=row.cells.get(Column.NOTE, ""), who=row.cells.get(Column.WHO, "") or self.who,
        )  # fmt: skip
        return found.changed

    def _outcome(self, step: Do, row: SheetRow) -> str | None:
        text = row.cells.get(Column.OUTCOME, "")
        if not text:
            word = ", ".join(step.outcomes) if step.outcomes else FINISHED
            raise UsageError(f'"{Column.OUTCOME}" is empty: choose {word}, or clear the row')
        done = plain_head(text) in (plain_head(FINISHED), "done")
        return None if done and not step.outcomes else text

    def _answers(self, step: Do, row: SheetRow) -> dict[str, str]:
        """Return what was answered; dates that Excel holds as numbers become dates."""
        kinds = {item.name: item.kind for item in step.ask}
        found = {}
        for name, text in row.cells.items():
            if isinstance(name, Column):
                continue
            if name not in kinds:
                raise UsageError(
                    f'step "{step.name}" does not ask for "{asked_heading(name)}": clear the cell'
                )
            day = self._day(text) if kinds[name] is AskedKind.DATE else None
            found[name] = text if day is None else date_of(day).isoformat()
        return found

    def _day(self, text: str) -> int | None:
        """Return the day of ``2025-10-08 00:00:00``, or of a number as Excel counts days."""
        moment = re.fullmatch(r"(\d{4}-\d{2}-\d{2})[ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?", plain(text))
        if moment:
            text = moment[1]
        if re.fullmatch(r"\d{5}", plain(text), re.ASCII):
            return day_number(self.file.epoch + dt.timedelta(days=int(plain(text))))
        day = read_day(text)
        return None if day is None else day_number(day)

    def _done_at(self, action: Action, row: SheetRow) -> int:
        """Return when it was done: as the row says, else the instant of the import."""
        text = plain(row.cells.get(Column.DONE_AT, ""))
        if not text:
            return self.at
        at = self._moment(text, action)
        if at > self.at + _AHEAD:
            raise UsageError(f'"{Column.DONE_AT}" {text} lies ahead')
        return at

    def _moment(self, text: str, action: Action) -> int:
        number = re.fullmatch(r"(\d{5})\.(\d+)", text, re.ASCII)
        if number:
            micros = round(Decimal(f"0.{number[2]}") * 86_400) * MICROS
            day = day_number(self.file.epoch + dt.timedelta(days=int(number[1])))
            return day_start(day, self.zone) + micros
        parts = re.fullmatch(r"(.+?[\d日])[ T]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?", text)
        day_only = self._day(text) if parts is None or parts[0].endswith("00:00:00") else None
        if day_only is not None:  # that day, when it is known to have been open
            opened = action.opened_at or action.opens_at
            at = min(self.calendar.closing(day_only), self.at)
            return max(at, opened) if day_of(opened, self.zone) == day_only else at
        written = self._day(parts[1]) if parts else None
        try:
            if parts is None or written is None:
                return from_iso(text, self.zone)
            clock = dt.time(int(parts[2]), int(parts[3]), int(parts[4] or 0))
            return day_start(written, self.zone, at=clock)
        except ValueError:
            raise UsageError(
                f'"{Column.DONE_AT}" can\'t be "{text}"; write 2025-10-08 14:30'
            ) from None

    def _unchanged(self, action: Action, row: SheetRow) -> None:
        """Raise _StaleError where the task is not as it was when the sheet was exported."""
        if action.state is not ActionState.OPEN:
            since = f" since {to_iso(action.closed_at, self.zone)}" if action.closed_at else ""
            outcome = f" with outcome {action.outcome}" if action.outcome else ""
            raise _StaleError(
                f"the task is {action.state}{outcome}{since}; nothing was changed", ""
            )
        mark = version(action, open_guests(self.ledger, action))
        if row.cells.get(Column.VERSION, "") == mark:
            return
        raise _StaleError(
            f"the task has changed since the export: it is due {to_iso(action.due_by, self.zone)}"
            f" and {action.assignee or 'nobody'}'s now. If the result still holds, import this row"
            " from the returned file",
            mark,
        )


def _filled(row: SheetRow) -> bool:
    """Tell whether a row says anything; who and when alone is no result."""
    return any(
        not isinstance(name, Column) or name in (Column.OUTCOME, Column.NOTE) for name in row.cells
    )


def _heading(name: Column | str) -> str:
    return str(name) if isinstance(name, Column) else asked_heading(name)


def _told_twice(rows: Sequence[SheetRow]) -> Mapping[str, list[int]]:
    """Return the tasks of which two rows say different things, with the numbers of the rows."""
    told: dict[str, dict[int, Mapping[Column | str, str]]] = defaultdict(dict)
    for row in rows:
        key = row.cells.get(Column.ID, "")
        if key and _filled(row):
            told[key][row.number] = row.cells
    return {
        key: list(found)
        for key, found in told.items()
        if any(cells != next(iter(found.values())) for cells in found.values())
    }


def _same_customer(action: Action, row: SheetRow) -> None:
    """Refuse a row whose customer is another one: cells were moved apart from each other."""
    text = row.cells.get(Column.CUSTOMER)
    if text is None or text == action.customer or _number(text) == _number(action.customer):
        return
    raise UsageError(
        f"{action.id} is about customer {action.customer}, the row about {text}: were the cells"
        " sorted apart?"
    )


def _number(text: str) -> object:
    """Return what Excel makes of an id like 00123."""
    return int(text) if text.isascii() and text.isdigit() else text
