"""An import map past the parser: how the rows of a file become events and profiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from rules.errors import Span
from rules.vocabulary import FieldType

__all__ = [
    "AttributeMap",
    "CellMap",
    "Duplicates",
    "EventMap",
    "FieldMap",
    "FileFormat",
    "FileKind",
    "ImportMap",
    "Known",
    "ProfileMap",
    "RowTest",
    "Take",
    "TestKind",
    "TimeMap",
]


class FileKind(StrEnum):
    """What a file holds; None in a map: its first bytes say it."""

    CSV = "csv"  #: text with a delimiter
    JSONL = "jsonl"  #: one JSON object a line
    PARQUET = "parquet"
    XLSX = "xlsx"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFormat:
    """What the map says of the file itself; None: found out from the file."""

    kind: FileKind | None = None
    delimiter: str | None = None  #: one character, or ``whitespace`` for runs of it
    encoding: str | None = None  #: a name that Python knows
    sheet: str | None = None  #: of a workbook; None: its first
    columns: tuple[str, ...] = ()  #: names, for a file without a header line


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeMap:
    """A column that holds a time."""

    column: str
    format: str | None = None  #: strptime directives, or ``unix seconds`` and the like
    timezone: str | None = None  #: of times without one; None: the map's
    span: Span = field(compare=False)


class Known(StrEnum):
    """When the firm knew of an event; matters to backtests only."""

    AT_EVENT = "at event"
    AT_IMPORT = "at import"


class Duplicates(StrEnum):
    """What happens to a line that is exactly equal to an earlier one of the file."""

    KEEP = "keep"
    DROP = "drop"


class TestKind(StrEnum):
    """The tests that a row condition knows."""

    __test__ = False  # not for pytest

    EQUALS = "equals"  #: one of ``words``
    STARTS = "starts with"
    ENDS = "ends with"
    CONTAINS = "contains"
    AT_LEAST = "at least"
    AT_MOST = "at most"
    ABOVE = "above"
    BELOW = "below"
    BETWEEN = "between"
    KNOWN = "known"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowTest:
    """One test of one column. An empty cell passes none but ``not known``."""

    column: str
    kind: TestKind
    negated: bool = False
    words: tuple[str, ...] = ()  #: of the text tests
    low: Fraction | None = None  #: of the number tests: the only bound, or the lower one
    high: Fraction | None = None  #: of BETWEEN
    span: Span = field(compare=False)


class Take(StrEnum):
    """How the lines of one event become one value; without ``group`` the event is one line."""

    FIRST = "first"  #: first known in the order of the file; also a plain column
    LAST = "last"
    SUM = "sum"
    MIN = "min"
    MAX = "max"
    COUNT = "count"  #: of lines, or of known cells
    DISTINCT = "distinct"  #: number of different known cells


@dataclass(frozen=True, slots=True, kw_only=True)
class CellMap:
    """Where a value comes from."""

    take: Take = Take.FIRST
    factors: tuple[str, ...] = ()  #: columns (or numbers) to multiply; one: the column itself
    constant: str | None = None  #: a fixed text in place of a column
    values: Mapping[str, str] = field(default_factory=dict)  #: the file's word -> ours
    format: str | None = None  #: of dates and instants
    timezone: str | None = None
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldMap:
    """One declared field of an event."""

    field: FieldType
    cell: CellMap


@dataclass(frozen=True, slots=True, kw_only=True)
class EventMap:
    """One entry of ``events``: which rows, and what of them."""

    event: str | None  #: fixed kind; None: by ``values`` of ``column``
    column: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)  #: the file's word -> event kind
    when: tuple[tuple[RowTest, ...], ...] = ()  #: any of these, each all of its tests; () is always
    customer: str
    time: TimeMap
    known: Known | TimeMap
    id: tuple[str, ...] = ()  #: columns; (): the group's, else a hash of the row
    group: tuple[str, ...] = ()  #: columns whose equal values make one event
    fields: tuple[FieldMap, ...] = ()
    span: Span = field(compare=False)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The event kinds that this entry may make."""
        return (
            (self.event,) if self.event is not None else tuple(dict.fromkeys(self.values.values()))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeMap:
    """One declared attribute of the customer."""

    field: FieldType
    cell: CellMap


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileMap:
    """Attributes of the customer, one row a customer and moment."""

    customer: str
    attributes: tuple[AttributeMap, ...]
    when: tuple[tuple[RowTest, ...], ...] = ()
    time: TimeMap | None = None  #: None: the instant of the import
    known: Known | TimeMap = Known.AT_IMPORT
    id: tuple[str, ...] = ()
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportMap:
    """A whole import map, checked against the vocabulary."""

    source: str
    timezone: str  #: of times without one
    format: FileFormat = FileFormat()
    query: str | None = None  #: SQL over the table ``rows``; the map then names its columns
    duplicates: Duplicates = Duplicates.KEEP
    events: tuple[EventMap, ...] = ()
    profile: ProfileMap | None = None
    file: str = ""  #: of the map itself
    span: Span = field(compare=False)
