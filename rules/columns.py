"""Where a field of an event, or an attribute's value, stands in the tables of the log."""

from __future__ import annotations

from collections.abc import Iterable

from rules.history import Datum
from rules.vocabulary import FieldKind, FieldType

__all__ = [
    "SEPARATOR",
    "attribute_cells",
    "attribute_datum",
    "cell",
    "column",
    "datum",
    "join_words",
    "split_words",
    "sql_type",
]

#: Stands before, between and after the words of a several-valued field in its text.
SEPARATOR = "\x1f"

_COLUMNS = {
    FieldKind.NUMBER: ("n_", "BIGINT"),
    FieldKind.TEXT: ("t_", "VARCHAR"),
    FieldKind.WORD: ("t_", "VARCHAR"),
    FieldKind.WORDS: ("w_", "VARCHAR"),
    FieldKind.YES_NO: ("b_", "BOOLEAN"),
    FieldKind.DATE: ("d_", "INTEGER"),
    FieldKind.INSTANT: ("i_", "BIGINT"),
}


def column(field: FieldType) -> str:
    """Return the column of table ``events`` that holds a declared field; quote it in SQL."""
    return _COLUMNS[field.kind][0] + field.name


def sql_type(field: FieldType) -> str:
    """Return the SQL type of a declared field's column."""
    return _COLUMNS[field.kind][1]


def join_words(words: Iterable[str]) -> str:
    """Return several words as the log holds them: sorted, a SEPARATOR round each; none: just one."""
    return SEPARATOR + "".join(word + SEPARATOR for word in sorted(set(words)))


def split_words(text: str) -> tuple[str, ...]:
    """Return the words behind their text, sorted."""
    return tuple(sorted(word for word in text.split(SEPARATOR) if word))


def cell(field: FieldType, value: Datum) -> int | str | bool:
    """Return a field's value as its column holds it."""
    if field.kind is FieldKind.WORDS and isinstance(value, tuple):
        return join_words(value)
    assert not isinstance(value, tuple)
    return value


def datum(field: FieldType, value: Datum | None) -> Datum | None:
    """Return the value behind what a field's column holds; None for NULL."""
    if field.kind is FieldKind.WORDS and isinstance(value, str):
        return split_words(value)
    return value


def attribute_cells(field: FieldType, value: Datum | None) -> tuple[int | None, str | None]:
    """Return ``num`` and ``txt`` of an attribute version; both None: said to be unknown."""
    if value is None:
        return None, None
    held = cell(field, value)
    return (None, held) if isinstance(held, str) else (int(held), None)


def attribute_datum(field: FieldType, num: int | None, txt: str | None) -> Datum | None:
    """Return the value behind ``num`` and ``txt`` of an attribute version; None: unknown.

    A cell of the wrong column (the attribute has changed its type since) is unknown.
    """
    match field.kind:
        case FieldKind.TEXT | FieldKind.WORD | FieldKind.WORDS:
            return datum(field, txt)
        case FieldKind.YES_NO:
            return None if num is None else num != 0
        case _:
            return num
