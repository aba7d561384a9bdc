"""Two pasts side by side: every table of the one with the values of the other beside its own.

In a workbook each has a column; a screen is narrower, so there a cell holds both where they differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.grid import Column, Kind, Table, cell_text

__all__ = ["beside", "narrow"]

_OTHER = "other_"

#: Table -> what tells its rows apart; every other column stands twice.
_KEYS = {
    "playbooks": ("playbook",),
    "load": ("what", "name"),
    "days": ("day", "what", "name"),
    "suppressed": ("playbook", "gate", "verb", "reason"),
    "overlap": ("playbook", "other", "real"),
    "followed": ("playbook", "group"),
}


def beside(here: Sequence[Table], there: Sequence[Table], label: str) -> list[Table]:
    """Return the tables of one past with the other's values, whose columns bear a label.

    Rows that only the other has follow after its own.
    """
    others = {table.name: table for table in there}
    return [_beside(table, others[table.name], label) for table in here]


def _beside(table: Table, other: Table, label: str) -> Table:
    keys = _KEYS[table.name]
    columns: list[Column] = []
    for column in table.columns:
        columns.append(column)
        if column.name not in keys:
            columns.append(
                replace(column, name=f"{_OTHER}{column.name}", title=f"{column.title} · {label}")
            )
    theirs = {_key(row, keys): row for row in other.rows}
    rows = [{**row, **_told(theirs.pop(_key(row, keys), {}), keys)} for row in table.rows]
    rows += [
        {**dict(zip(keys, key, strict=True)), **_told(row, keys)} for key, row in theirs.items()
    ]
    notes = [note for note in (table.note, f"{label}: {other.note}" if other.note else "") if note]
    note = notes[0] if notes and other.note == table.note else "; ".join(notes)
    return replace(table, columns=columns, rows=rows, note=note)


def narrow(table: Table, zone: str) -> Table:
    """Return a table in which a cell holds the other's value and its own: ``10 → 12``."""
    pairs = {column.name: column for column in table.columns if column.name.startswith(_OTHER)}
    if not pairs:
        return table
    columns = [column for column in table.columns if column.name not in pairs]
    rows = []
    for row in table.rows:
        told = dict(row)
        for column in columns:
            other = pairs.get(f"{_OTHER}{column.name}")
            if other is not None:
                before = cell_text(other, row.get(other.name), zone) or "-"
                now = cell_text(column, row.get(column.name), zone) or "-"
                told[column.name] = now if before == now else f"{before} → {now}"
        rows.append(told)
    plain = [
        replace(column, kind=Kind.TEXT, words=None) if f"{_OTHER}{column.name}" in pairs else column
        for column in columns
    ]
    return replace(table, columns=plain, rows=rows)


def _key(row: Mapping[str, Any], keys: Sequence[str]) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in keys)


def _told(row: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    return {f"{_OTHER}{name}": value for name, value in row.items() if name not in keys}
