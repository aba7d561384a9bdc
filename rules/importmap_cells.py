"""Import maps: where a value comes from, which rows are meant, which column holds the time."""

from __future__ import annotations

import re
from fractions import Fraction

from rules.errors import Span, did_you_mean
from rules.importmap_notes import Notes
from rules.importmap_types import CellMap, RowTest, Take, TestKind, TimeMap
from rules.nodes import Mapping, Node, Scalar, Sequence
from rules.phrases import plain, read_number
from rules.vocabulary import FieldKind, FieldType

__all__ = ["UNIX_FORMATS", "read_cell", "read_columns", "read_time", "read_when"]

#: Formats for numbers that count from 1970, and how many microseconds one is.
UNIX_FORMATS = {"unix seconds": 1_000_000, "unix milliseconds": 1_000, "unix microseconds": 1}

_CELL_KEYS = ("column", "value", "values", "format", "timezone", *(take.value for take in Take))
_TIME_KEYS = ("column", "format", "timezone")
#: strptime directives that Python and DuckDB read alike.
_DIRECTIVES = frozenset("YymdHIMSfpzbBjaA%")
_TEXT_TESTS = (TestKind.STARTS, TestKind.ENDS, TestKind.CONTAINS)
_NUMBER_TESTS = (TestKind.AT_LEAST, TestKind.AT_MOST, TestKind.ABOVE, TestKind.BELOW)
_SYMBOLS = {
    "=>": "at least",
    "=<": "at most",
    ">=": "at least",
    "<=": "at most",
    ">": "above",
    "<": "below",
    "=": "",
    "!=": "not",
}


def read_columns(node: Node | None, path: str, notes: Notes) -> tuple[str, ...]:
    """Return one column or a list of them."""
    if node is None:
        return ()
    if isinstance(node, Sequence):
        texts = (notes.scalar(item, f"{path}/{index}") for index, item in enumerate(node.items))
        return tuple(text for text in texts if text is not None)
    text = notes.scalar(node, path)
    return () if text is None else (text,)


def read_time(node: Node | None, path: str, notes: Notes) -> TimeMap | None:
    """Return a time column: its name, or {column, format, timezone}."""
    if node is None:
        return None
    if not isinstance(node, Mapping):
        column = notes.scalar(node, path)
        return None if column is None else TimeMap(column=column, span=node.span)
    notes.mapping(node, path, _TIME_KEYS, "")
    column = notes.text(node, "column", path, needed="the name of the column")
    zone_node = node.get("timezone")
    timezone = None if zone_node is None else notes.zone(zone_node, f"{path}/timezone")
    pattern = _format(node, path, notes)
    if column is None:
        return None
    return TimeMap(column=column, format=pattern, timezone=timezone, span=node.span)


def _format(mapping: Mapping, path: str, notes: Notes) -> str | None:
    pattern = notes.text(mapping, "format", path)
    node = mapping.get("format")
    if pattern is None or node is None:
        return None
    if pattern in UNIX_FORMATS:
        return pattern
    used = re.findall("%(.?)", pattern)
    wrong = [letter for letter in used if letter not in _DIRECTIVES]
    if wrong or not used:
        message = (
            f'the format has "%{wrong[0]}", which is not known'
            if wrong
            else f'"{pattern}" is no format of a time'
        )
        hint = 'write it like "%d/%m/%Y %H:%M", or unix seconds, unix milliseconds'
        notes.add("bad-format", f"{path}/format", node.span, message, hint)
        return None
    if not {"Y", "y"} & set(used) or not ({"j"} & set(used) or "d" in used):
        hint = 'a whole date is needed, like "%d/%m/%Y"'
        notes.add(
            "bad-format", f"{path}/format", node.span, f'"{pattern}" has no year or day', hint
        )
        return None
    return pattern


def read_cell(node: Node, path: str, field: FieldType, notes: Notes) -> CellMap | None:
    """Return where the value of a declared field comes from."""
    if isinstance(node, Mapping):
        cell = _long_cell(node, path, notes)
    else:
        text = notes.scalar(node, path)
        if text is None:
            return None
        cell = CellMap(factors=_factors(text), span=node.span)
    if cell is None:
        return None
    return cell if _fits(cell, path, field, node.span, notes) else None


def _long_cell(node: Mapping, path: str, notes: Notes) -> CellMap | None:
    notes.mapping(node, path, _CELL_KEYS, "")
    sources = [key for key, _ in node if key.text in ("column", "value") or key.text in tuple(Take)]
    if len(sources) != 1:
        message = "a cell has one of column, value, " + ", ".join(Take)
        span = sources[1].span if len(sources) > 1 else node.span
        notes.add("wrong-shape", path, span, message, "write {column: NAME} or {sum: NAME}")
        return None
    key = sources[0].text
    text = notes.text(node, key, path)
    if text is None:
        return None
    zone_node = node.get("timezone")
    timezone = None if zone_node is None else notes.zone(zone_node, f"{path}/timezone")
    take = Take.FIRST if key in ("column", "value") else Take(key)
    counts_lines = take is Take.COUNT and text == "rows"
    return CellMap(
        take=take,
        factors=() if key == "value" or counts_lines else _factors(text),
        constant=text if key == "value" else None,
        values=_values(node.get("values"), f"{path}/values", notes),
        format=_format(node, path, notes),
        timezone=timezone,
        span=node.span,
    )


def _values(node: Node | None, path: str, notes: Notes) -> dict[str, str]:
    table = notes.mapping(node, path, None, "values are the file's words and ours: {Y: yes, N: no}")
    found: dict[str, str] = {}
    for word, value in table or ():
        text = notes.scalar(value, f"{path}/{word.text}")
        if text is not None:
            found[word.text] = text
    return found


def _factors(text: str) -> tuple[str, ...]:
    """Split ``A * B``; blanks round the star are needed, since column names may hold one."""
    return tuple(part.strip() for part in text.split(" * "))


def _fits(cell: CellMap, path: str, field: FieldType, span: Span, notes: Notes) -> bool:
    """Note what a cell asks of a field that its type does not have."""
    name, kind = field.name, field.kind
    numeric = cell.take in (Take.SUM, Take.COUNT, Take.DISTINCT)
    if (numeric or len(cell.factors) > 1) and kind is not FieldKind.NUMBER:
        what = cell.take.value if numeric else "a product"
        message = f"{what} gives a number, and {name} is {kind.value}"
        notes.add("wrong-type", path, span, message)
        return False
    if len(cell.factors) > 1 and cell.take is not Take.SUM and cell.take is not Take.FIRST:
        message = f"{cell.take.value} takes one column, a product goes with sum"
        notes.add("wrong-shape", path, span, message)
        return False
    if sum(1 for factor in cell.factors if read_number(factor) is None) > 3:
        notes.add("wrong-shape", path, span, "a product has at most three columns")
        return False
    if cell.take in (Take.MIN, Take.MAX) and kind in (
        FieldKind.WORD,
        FieldKind.WORDS,
        FieldKind.YES_NO,
    ):
        message = f"{cell.take.value} needs something with an order, and {name} is {kind.value}"
        notes.add("wrong-type", path, span, message)
        return False
    texts = list(cell.values.values()) if kind in (FieldKind.WORD, FieldKind.WORDS) else []
    if cell.constant is not None:
        texts.append(cell.constant)
    return all(_reads(text, path, field, span, notes) for text in texts)


def _reads(text: str, path: str, field: FieldType, span: Span, notes: Notes) -> bool:
    """Note a fixed value that the field's type does not take."""
    match field.kind:
        case FieldKind.WORD | FieldKind.WORDS if text not in field.words:
            message = f'"{text}" is not one of the values of {field.name} in care.yaml'
            notes.add("unknown-value", path, span, message, did_you_mean(text, field.words))
        case FieldKind.NUMBER if read_number(text) is None:
            notes.add("wrong-type", path, span, f'"{text}" is no number, and {field.name} is one')
        case FieldKind.DATE | FieldKind.INSTANT:
            notes.add("wrong-type", path, span, f"{field.name} is a time: name a column for it")
        case FieldKind.YES_NO if text not in ("yes", "no"):
            notes.add("wrong-type", path, span, f'{field.name} is yes or no, not "{text}"')
        case _:
            return True
    return False


def read_when(node: Node | None, path: str, notes: Notes) -> tuple[tuple[RowTest, ...], ...]:
    """Return a row condition: a mapping (all of its tests), or a list of mappings (any)."""
    if node is None:
        return ()
    shape = "a row condition is columns and tests: {Status: paid, Quantity: above 0}"
    entries = node.items if isinstance(node, Sequence) else (node,)
    found = []
    for index, entry in enumerate(entries):
        place = f"{path}/{index}" if isinstance(node, Sequence) else path
        table = notes.mapping(entry, place, None, shape)
        if table is not None:
            tests = (
                _test(column.text, test, f"{place}/{column.text}", notes) for column, test in table
            )
            found.append(tuple(test for test in tests if test is not None))
    return tuple(found)


def _test(column: str, node: Node, path: str, notes: Notes) -> RowTest | None:
    if isinstance(node, Mapping):
        message = "a test is a text, a list or a phrase"
        notes.add("wrong-shape", path, node.span, message, "write above 0, or [paid, sent]")
        return None
    if isinstance(node, Sequence):
        words = read_columns(node, path, notes)
        return RowTest(column=column, kind=TestKind.EQUALS, words=words, span=node.span)
    text = notes.scalar(node, path)
    if text is None:
        return None
    if node.quoted:
        return RowTest(column=column, kind=TestKind.EQUALS, words=(text,), span=node.span)
    return _phrase(column, " ".join(text.split()), path, node, notes)


def _phrase(column: str, text: str, path: str, node: Scalar, notes: Notes) -> RowTest | None:
    span = node.span
    negated = text.startswith("not ")
    words = text.removeprefix("not ")
    if words in ("known", "unknown"):
        negated = negated != (words == "unknown")
        return RowTest(column=column, kind=TestKind.KNOWN, negated=negated, span=span)
    for kind in _TEXT_TESTS:
        if words.startswith(f"{kind} "):
            rest = (words.removeprefix(f"{kind} ").strip("\"'"),)
            return RowTest(column=column, kind=kind, negated=negated, words=rest, span=span)
    for kind in _NUMBER_TESTS:
        if words.startswith(f"{kind} "):
            low = _number(words.removeprefix(f"{kind} "), path, span, notes)
            if low is None:
                return None
            return RowTest(column=column, kind=kind, negated=negated, low=low, span=span)
    between = re.fullmatch("between (.+) and (.+)", words)
    if between:
        low, high = (_number(part, path, span, notes) for part in between.groups())
        if low is None or high is None:
            return None
        return RowTest(
            column=column, kind=TestKind.BETWEEN, negated=negated, low=low, high=high, span=span
        )
    symbol = re.match("=?[<>]=?|!=|=", plain(words))
    if symbol:
        value = plain(words)[symbol.end() :].strip()
        hint = f"write {_SYMBOLS.get(symbol[0], '')} {value}".replace("  ", " ")
        notes.add("symbol-in-test", path, span, f'no test begins with "{symbol[0]}"', hint)
        return None
    return RowTest(column=column, kind=TestKind.EQUALS, negated=negated, words=(words,), span=span)


def _number(text: str, path: str, span: Span, notes: Notes) -> Fraction | None:
    value = read_number(text)
    if value is None:
        hint = "in quotes if the text itself is meant; for dates write a query"
        notes.add("bad-number", path, span, f'"{text}" is no number', hint)
    return value
