# ruff: noqa: S608  (names are ours, texts are literals made by `literal`)
"""One entry of a map as SQL: the rows that it wants, their values, and what can't be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.intake import cells
from engine.intake.layers import UNREADABLE, Check, Layers, any_of, check_numbers
from engine.intake.staging import Column, Stage, literal
from engine.log_schema import quoted
from rules.columns import column, join_words, sql_type
from rules.importmap_types import CellMap, EventMap, Known, ProfileMap, Take, TimeMap
from rules.phrases import read_number
from rules.units import SCALE
from rules.vocabulary import FieldKind, FieldType

__all__ = ["EntryPlan", "plan_event", "plan_profile"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPlan:
    """One entry as SQL."""

    rows: str  #: SELECT of line, kind, customer, occurred_at, known_at, id, v0.., bad
    checks: tuple[Check, ...]
    events: str  #: SELECT list over the sound rows, with {table} to fill in; "" for a profile
    unique: bool  #: ids can't stand twice


def _value(layers: Layers, field: FieldType, cell: CellMap) -> str:
    """Return SQL for the value of one row, and note what may be wrong with it."""
    if cell.constant is not None:
        return _constant(field, cell.constant)
    if not cell.factors:
        return "TRUE"  # count: rows
    name = _whole_name(layers.stage.columns, cell)
    if name is None or cell.take is Take.SUM:
        return _product(layers, cell)
    if cell.take in (Take.COUNT, Take.DISTINCT):
        return layers.text(name)
    value = _converted(layers, field, cell, name)
    if field.kind is not FieldKind.TEXT:
        reason = UNREADABLE.get(field.kind)
        if reason is None:
            reason = f"not one of the values of {field.name} in care.yaml: {', '.join(field.words)}"
        layers.check(f"{layers.present(name)} AND ({value}) IS NULL", name, reason)
    return value


def _converted(layers: Layers, field: FieldType, cell: CellMap, name: str) -> str:
    """Return SQL for a cell as the type of its field; NULL where it is empty or unreadable."""
    match field.kind:
        case FieldKind.NUMBER if not cell.values:
            return layers.low(cells.scaled(layers.column(name)))
        case FieldKind.DATE:
            return layers.day(name, cell.format, cell.timezone)
        case FieldKind.INSTANT:
            return layers.instant(name, cell.format, cell.timezone)
        case _:
            text = layers.text(name)
    source = layers.high(cells.mapped(text, cell.values)) if cell.values else text
    match field.kind:
        case FieldKind.NUMBER:
            return f"care_scaled(care_decimal({source}))"
        case FieldKind.WORD:
            listed = ", ".join(literal(word) for word in field.words) or "NULL"
            return f"CASE WHEN {source} IN ({listed}) THEN {source} END"
        case FieldKind.WORDS:
            return cells.words(text, field.words, cell.values)
        case FieldKind.YES_NO:
            return cells.yes_no(source)
        case _:
            return source


def _whole_name(columns: Mapping[str, Column], cell: CellMap) -> str | None:
    """Return the one column that a cell names, None for a product."""
    name = " * ".join(cell.factors)
    return name if name in columns else None


def _product(layers: Layers, cell: CellMap) -> str:
    whole = _whole_name(layers.stage.columns, cell)
    names = [whole] if whole is not None else list(cell.factors)
    columns = [name for name in names if name in layers.stage.columns]
    parts: list[str] = []
    for name in names:
        if name not in layers.stage.columns:
            number = read_number(name)
            assert number is not None  # `columns_needed` has refused what is neither
            parts.append(cells.number_literal(number))
            continue
        staged = layers.column(name)
        part = layers.low(cells.factor(staged, len(columns)))
        present = layers.present(name)
        if staged.type == "VARCHAR":
            wide = layers.low(cells.decimal(staged))
            reason = UNREADABLE[FieldKind.NUMBER]
            layers.check(f"{present} AND {wide} IS NULL", name, reason)
        layers.check(
            f"{present} AND {part} IS NULL",
            name,
            "too large, or too many decimals, to calculate with exactly",
        )
        parts.append(part)
    value = f"TRY({' * '.join(parts)})"
    known = " AND ".join(f"{part} IS NOT NULL" for part in parts)
    layers.check(
        f"{known} AND coalesce(abs({value}) >= {cells.LARGEST}, TRUE)",
        columns[0] if columns else "",
        "the result is too large",
    )
    return value


def _constant(field: FieldType, constant: str) -> str:
    match field.kind:
        case FieldKind.NUMBER:
            number = read_number(constant)
            assert number is not None  # the map's parser has refused it
            return f"{round(number * SCALE)}::BIGINT"
        case FieldKind.YES_NO:
            return "TRUE" if constant == "yes" else "FALSE"
        case FieldKind.WORDS:
            return literal(join_words((constant,)))
        case _:
            return literal(constant)


def plan_event(
    entry: EventMap, stage: Stage, *, timezone: str, at: int, codes: Mapping[str, int], salt: str
) -> EntryPlan:
    """Return an entry of ``events`` as SQL.

    ``salt`` keeps the row hashes of two entries that make the same event apart.
    """
    layers = Layers(stage, timezone, at)
    wanted = any_of(layers, entry.when)
    customer = _customer(layers, entry.customer)
    kind = f"{codes[entry.event]}" if entry.event is not None else _kind(layers, entry, codes)
    check_numbers(layers, entry.when)
    occurred_at = layers.time(entry.time)
    known_at = layers.known(entry.known, occurred_at)
    key, given = _ids(layers, entry, salt)
    values = [_value(layers, mapped.field, mapped.cell) for mapped in entry.fields]
    columns = [
        f"{kind}::INTEGER AS kind",
        f"{customer} AS customer",
        f"{occurred_at} AS occurred_at",
        f"{given} AS id",
        *(f"{value} AS v{index}" for index, value in enumerate(values)),
    ]
    if isinstance(entry.known, TimeMap):
        columns.append(f"{known_at} AS known_at")
    if entry.group:
        columns.append(f"{key} AS key")
    condition = f"{customer} IS NOT NULL AND wanted IS NOT FALSE"
    if entry.event is None:
        condition += f" AND {kind} IS NOT NULL"
    layers.inner[f"({wanted})"] = "wanted"
    return EntryPlan(
        rows=layers.select(condition, columns, "staged_rows"),
        checks=tuple(layers.checks),
        events=_events(entry, at),
        unique=bool(entry.group and not entry.id) or not (entry.id or entry.group),
    )


def _customer(layers: Layers, name: str) -> str:
    """Return the customer's id; 17850.0, as spreadsheets and pandas write it, is 17850."""
    cell = layers.text(name)
    if layers.column(name).type != "VARCHAR":
        return cell
    return layers.high(
        f"CASE WHEN suffix({cell}, '.0') AND regexp_full_match({cell}, '\\d+[.]0') "
        f"THEN {cell}[:-3] ELSE {cell} END"
    )


def _kind(layers: Layers, entry: EventMap, codes: Mapping[str, int]) -> str:
    assert entry.column is not None
    cell = layers.text(entry.column)
    branches = " ".join(
        f"WHEN {literal(word.strip())} THEN {codes[kind]}" for word, kind in entry.values.items()
    )
    return layers.high(f"CASE {cell} {branches} END")


def _ids(layers: Layers, entry: EventMap, salt: str) -> tuple[str, str]:
    """Return what groups the lines, and the event's id."""
    for name in (*entry.group, *entry.id):
        layers.check(f"NOT {layers.present(name)}", name, "no id")
    given = layers.key(entry.id) if entry.id else ""
    key = layers.key(entry.group) if entry.group else given
    if not key:
        # Of the row itself: its hash, and which of the equal rows it is.
        key = f"row_hash || CASE WHEN row_ordinal = 1 THEN '' ELSE '-' || row_ordinal END || {literal(salt)}"
    return key, given or key


def _events(entry: EventMap, at: int) -> str:
    """Return the SELECT that makes events of the sound rows of ``{table}``.

    ``place`` is the order of the rows in that table.
    """
    shown = []
    for index, mapped in enumerate(entry.fields):
        taken = _taken(mapped.cell, f"v{index}", grouped=bool(entry.group))
        shown.append(f"CAST({taken} AS {sql_type(mapped.field)}) AS {quoted(column(mapped.field))}")
    fields = "".join(f", {item}" for item in shown)
    known_at = "known_at" if isinstance(entry.known, TimeMap) else "occurred_at"
    if entry.group:
        known_at = f"arg_min({known_at}, line)"
    if entry.known is Known.AT_IMPORT:
        known_at = f"{at}::BIGINT"
    if not entry.group:
        return (
            f"SELECT line, kind, customer, occurred_at, {known_at} AS known_at, id{fields},"
            " rowid AS place FROM {table} WHERE bad IS NULL"
        )
    return (
        "SELECT min(line) AS line, kind, arg_min(customer, line) AS customer,"
        f" arg_min(occurred_at, line) AS occurred_at, {known_at} AS known_at,"
        f" arg_min(id, line) AS id{fields}, 0::BIGINT AS place"
        " FROM {table} WHERE bad IS NULL GROUP BY kind, key"
    )


def _taken(cell: CellMap, value: str, *, grouped: bool) -> str:
    """Return SQL for the value of an event from those of its lines."""
    if not grouped:
        match cell.take:
            case Take.SUM:
                return f"care_scaled({value})"
            case Take.COUNT | Take.DISTINCT:
                return f"CASE WHEN {value} IS NULL THEN 0 ELSE 10000 END"
            case _:
                return f"care_scaled({value})" if len(cell.factors) > 1 else value
    match cell.take:
        case Take.SUM:
            return f"care_scaled(sum({value}))"
        case Take.COUNT:
            return f"count({value}) * 10000"
        case Take.DISTINCT:
            return f"count(DISTINCT {value}) * 10000"
        case Take.MIN | Take.MAX:
            return f"{cell.take.value}({value})"
        case Take.FIRST | Take.LAST:
            best = "arg_min" if cell.take is Take.FIRST else "arg_max"  # lines are unique: no ties
            found = f"{best}({value}, line)"
            return f"care_scaled({found})" if len(cell.factors) > 1 else found


def plan_profile(profile: ProfileMap, stage: Stage, *, timezone: str, at: int) -> EntryPlan:
    """Return the profile as SQL; ``v0..`` stand in the order of its attributes."""
    layers = Layers(stage, timezone, at)
    wanted = any_of(layers, profile.when)
    customer = _customer(layers, profile.customer)
    check_numbers(layers, profile.when)
    occurred_at = f"{at}::BIGINT" if profile.time is None else layers.time(profile.time)
    known_at = layers.known(profile.known, occurred_at)
    for name in profile.id:
        layers.check(f"NOT {layers.present(name)}", name, "no id")
    given = layers.key(profile.id) if profile.id else "''"
    columns = [
        f"{customer} AS customer",
        f"{occurred_at} AS occurred_at",
        f"{known_at} AS known_at",
        f"{given} AS id",
    ]
    for index, mapped in enumerate(profile.attributes):
        value = _value(layers, mapped.field, mapped.cell)
        if len(mapped.cell.factors) > 1:
            value = f"care_scaled({value})"
        columns.append(f"CAST({value} AS {sql_type(mapped.field)}) AS v{index}")
    layers.inner[f"({wanted})"] = "wanted"
    condition = f"{customer} IS NOT NULL AND wanted IS NOT FALSE"
    return EntryPlan(
        rows=layers.select(condition, columns, "staged_rows"),
        checks=tuple(layers.checks),
        events="",
        unique=False,
    )
