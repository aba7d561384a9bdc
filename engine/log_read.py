"""Reading the log by (T, S): whole histories of some customers, and what is new between two runs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.log_schema import event_columns, quoted
from rules.columns import attribute_datum, column, datum
from rules.history import AttributeVersion, Datum, Event, History
from rules.vocabulary import FieldKind, FieldType, Vocabulary

if TYPE_CHECKING:
    import duckdb

__all__ = [
    "POPULATION_COUNT",
    "Arrival",
    "Decoder",
    "customer_codes",
    "customer_ids",
    "events_between",
    "events_of",
    "histories",
    "last_values",
    "stage_codes",
]

_FETCH = 10_000  #: rows a round trip; keeps a pass over many histories flat in memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """An event that a run sees and the run before it did not."""

    customer: str
    event: Event
    source: str
    late: bool  #: happened before the earlier run, came after it
    corrects: bool  #: a new version of an event that the earlier run saw


#: All customers with a visible event, or with any attribute version up to S.
POPULATION_COUNT = """
SELECT count(*) FROM (
    SELECT customer FROM events
    WHERE seq <= $seq AND occurred_at <= $at
      AND seq NOT IN (SELECT seq FROM superseded WHERE by_seq <= $seq)
    UNION
    SELECT customer FROM attributes WHERE seq <= $seq
)
"""

_EVENTS = """
SELECT e.customer, e.kind, e.occurred_at, e.id, e.seq {columns}
FROM events e JOIN wanted w ON e.customer = w.customer
WHERE e.seq <= $seq AND e.occurred_at <= $at {kinds}
  AND e.seq NOT IN (SELECT seq FROM superseded WHERE by_seq <= $seq)
ORDER BY e.customer, e.occurred_at, e.id, e.seq
"""

# The first version counts from the beginning of time, so it is kept even where it lies after T.
_ATTRIBUTES = """
SELECT customer, attribute, occurred_at, num, txt, id FROM (
    SELECT a.*, row_number() OVER (
        PARTITION BY a.customer, a.attribute ORDER BY a.occurred_at, a.id, a.seq) AS nth
    FROM attributes a JOIN wanted w ON a.customer = w.customer
    WHERE a.seq <= $seq
)
WHERE occurred_at <= $at OR nth = 1
ORDER BY customer, attribute, occurred_at, id, seq
"""

#: The last version of each attribute up to an instant, whatever its seq; the first one counts from
#: the beginning of time.
_LAST_VALUES = """
SELECT c.id, n.name, last.num, last.txt FROM (
    SELECT *, row_number() OVER (PARTITION BY customer, attribute ORDER BY nth DESC) AS back FROM (
        SELECT a.customer, a.attribute, a.num, a.txt, a.occurred_at, row_number() OVER (
            PARTITION BY a.customer, a.attribute ORDER BY a.occurred_at, a.id, a.seq) AS nth
        FROM attributes a JOIN wanted w ON a.customer = w.customer
    )
    WHERE occurred_at <= $at OR nth = 1
) last
JOIN customers c ON c.code = last.customer
JOIN attribute_names n ON n.code = last.attribute
WHERE last.back = 1
"""

# `corrected` walks back over all versions: the earlier run may have seen the last but one.
_ARRIVALS = """
{corrected}
SELECT e.customer, e.kind, e.occurred_at, e.id, e.seq {columns},
       e.source, e.occurred_at <= $at0 AND e.seq > $seq0,
       e.seq IN (SELECT by_seq FROM corrected), c.id
FROM events e JOIN customers c ON c.code = e.customer
WHERE e.kind IN ({kinds})
  AND ((e.seq <= $seq0 AND e.occurred_at > $at0 AND e.occurred_at <= $at1)
    OR (e.seq > $seq0 AND e.seq <= $seq1 AND e.occurred_at <= $at1))
  AND e.seq NOT IN (SELECT seq FROM superseded WHERE by_seq <= $seq1)
ORDER BY e.occurred_at, e.id, e.seq
"""

_CORRECTED = """
WITH RECURSIVE versions AS (
    SELECT by_seq, seq FROM superseded WHERE by_seq > $seq0 AND by_seq <= $seq1
    UNION
    SELECT v.by_seq, s.seq FROM versions v JOIN superseded s ON s.by_seq = v.seq
), corrected AS (
    SELECT DISTINCT v.by_seq FROM versions v JOIN events o ON o.seq = v.seq
    WHERE o.seq <= $seq0 AND o.occurred_at <= $at0
)
"""

#: Where nothing was corrected: the same, without the walk.
_NOTHING_CORRECTED = "WITH corrected AS (SELECT 0 AS by_seq WHERE FALSE)"
_ANY_CORRECTED = "SELECT 1 FROM superseded WHERE by_seq > $seq0 LIMIT 1"


#: Single events by seq, with customer and source.
_CHOSEN = """
SELECT e.customer, e.kind, e.occurred_at, e.id, e.seq {columns}, e.source, c.id
FROM events e JOIN customers c ON c.code = e.customer
WHERE e.seq IN (SELECT seq FROM chosen)
ORDER BY e.occurred_at, e.id, e.seq
"""


class Decoder:
    """Makes events of rows that begin (customer, kind, occurred_at, id, seq) + field columns.

    Of some kinds only, where they are given.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        codes: Mapping[str, int],
        kinds: Collection[str] | None = None,
    ) -> None:
        self.kinds = None if kinds is None else frozenset(kinds)
        self.attributes = vocabulary.attributes
        known = sorted((code, name) for name, code in codes.items())
        chosen = [(code, name) for code, name in known if kinds is None or name in kinds]
        self.codes = None if kinds is None else [code for code, _ in chosen]
        fields = {
            name: declared.fields if (declared := vocabulary.events.get(name)) else {}
            for _, name in chosen
        }
        # A column that differs from another in case only is one column.
        used = {column(each).lower() for held in fields.values() for each in held.values()}
        names = {name.lower(): name for name in event_columns(vocabulary)}
        self.columns = [name for key, name in names.items() if kinds is None or key in used]
        place = {name.lower(): index + 5 for index, name in enumerate(self.columns)}
        self.after = 5 + len(self.columns)
        self._kinds: dict[int, tuple[str, tuple[tuple[str, FieldType | None, int], ...]]] = {}
        for code, name in chosen:
            cells = tuple(
                (
                    key,
                    field if field.kind is FieldKind.WORDS else None,
                    place[column(field).lower()],
                )
                for key, field in fields[name].items()
            )
            self._kinds[code] = (name, cells)

    @property
    def select(self) -> str:
        """The field columns as they follow the fixed ones."""
        return "".join(f", e.{quoted(name)}" for name in self.columns)

    def event(self, row: tuple[Any, ...]) -> Event:
        """Return the event of a row."""
        name, fields = self._kinds[row[1]]
        values: dict[str, Datum] = {}
        for key, field, index in fields:
            value = row[index]
            if value is not None:
                held = value if field is None else datum(field, value)
                assert held is not None
                values[key] = held
        return Event(id=row[3], name=name, at=row[2], fields=values, seq=row[4])


def stage_codes(
    connection: duckdb.DuckDBPyConnection, table: str, customers: Iterable[int]
) -> None:
    """Make the temporary table ``table(customer INTEGER)``, without doubles, sorted."""
    import pyarrow as pa  # noqa: PLC0415

    rows = pa.table({"customer": pa.array(sorted(set(customers)), type=pa.int32())})
    connection.register("staged_codes", rows)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT * FROM staged_codes")  # noqa: S608
    connection.unregister("staged_codes")


def customer_codes(connection: duckdb.DuckDBPyConnection, ids: Iterable[str]) -> dict[str, int]:
    """Return id -> code of those customers that the log knows."""
    import pyarrow as pa  # noqa: PLC0415

    rows = pa.table({"id": pa.array(sorted(set(ids)), type=pa.string())})
    connection.register("staged_ids", rows)
    found = connection.execute(
        "SELECT c.id, c.code FROM customers c JOIN staged_ids s ON s.id = c.id ORDER BY c.id"
    ).fetchall()
    connection.unregister("staged_ids")
    return dict(found)


def customer_ids(connection: duckdb.DuckDBPyConnection, codes: Iterable[int]) -> dict[int, str]:
    """Return code -> id of those codes that are given."""
    stage_codes(connection, "wanted", codes)
    return dict(
        connection.execute(
            "SELECT c.code, c.id FROM customers c JOIN wanted w ON w.customer = c.code"
            " ORDER BY c.code"
        ).fetchall()
    )


def histories(
    connection: duckdb.DuckDBPyConnection,
    customers: Sequence[str],
    codes: Mapping[str, int],
    decoder: Decoder,
    *,
    attributes: Mapping[str, int],
    at: int,
    seq: int,
) -> dict[str, History]:
    """Return what is visible of each customer at (T, S), of the decoder's kinds of events; unknown
    customers are empty. ``codes`` are those of the customers, ``attributes`` those of their names.
    """
    stage_codes(connection, "wanted", codes.values())
    binds = {"at": at, "seq": seq}
    chosen = ""
    if decoder.codes is not None:
        chosen = f"AND e.kind IN ({', '.join(map(str, decoder.codes)) or 'NULL'})"
    events: dict[int, list[Event]] = {}
    for row in _rows(connection, _EVENTS.format(columns=decoder.select, kinds=chosen), binds):
        events.setdefault(row[0], []).append(decoder.event(row))
    names = {code: name for name, code in attributes.items()}
    found: dict[int, list[AttributeVersion]] = {}
    for customer, attribute, occurred_at, num, txt, version in _rows(
        connection, _ATTRIBUTES, binds
    ):
        field = decoder.attributes.get(names[attribute])
        if field is not None:
            found.setdefault(customer, []).append(
                AttributeVersion(
                    name=field.name,
                    at=occurred_at,
                    value=attribute_datum(field, num, txt),
                    id=version,
                )
            )
    return {
        customer: History(
            customer=customer,
            events=tuple(events.get(codes.get(customer, 0), ())),
            # Stable: rows come by (occurred_at, id, seq) within an attribute.
            attributes=tuple(
                sorted(found.get(codes.get(customer, 0), ()), key=lambda version: version.name)
            ),
            kinds=decoder.kinds,
        )
        for customer in customers
    }


def last_values(
    connection: duckdb.DuckDBPyConnection,
    names: Sequence[str],
    customers: Sequence[str],
    *,
    at: int,
) -> list[tuple[str, str, int | None, str | None]]:
    """Return (customer, attribute, number, text), as stored, of the last versions at an instant.

    Attributes without any version are left out.
    """
    stage_codes(connection, "wanted", customer_codes(connection, customers).values())
    wanted = set(names)
    rows = connection.execute(_LAST_VALUES, {"at": at}).fetchall()
    return [row for row in rows if row[1] in wanted]


def events_between(
    connection: duckdb.DuckDBPyConnection,
    kinds: Sequence[str],
    decoder: Decoder,
    *,
    codes: Mapping[str, int],
    bounds: Mapping[str, int],
) -> Iterator[Arrival]:
    """Return the newly visible events of some kinds, ordered by (occurred_at, id).

    ``bounds`` holds at0, seq0, at1, seq1, ``codes`` those of all kinds. All rows are read before the first is handed out, so the
    caller may use the log meanwhile.
    """
    wanted = sorted({codes[kind] for kind in kinds if kind in codes})
    if not wanted:
        return iter(())
    corrections = connection.execute(_ANY_CORRECTED, {"seq0": bounds["seq0"]}).fetchone()
    sql = _ARRIVALS.format(
        columns=decoder.select,
        kinds=", ".join(map(str, wanted)),
        corrected=_CORRECTED if corrections else _NOTHING_CORRECTED,
    )
    rows = connection.execute(sql, dict(bounds)).fetchall()
    after = decoder.after
    return (
        Arrival(
            customer=row[after + 3],
            event=decoder.event(row),
            source=row[after],
            late=row[after + 1],
            corrects=row[after + 2],
        )
        for row in rows
    )


def events_of(
    connection: duckdb.DuckDBPyConnection, seqs: Iterable[int], decoder: Decoder
) -> list[Arrival]:
    """Return single events by seq, ordered by (occurred_at, id); of their lateness nothing is told."""
    import pyarrow as pa  # noqa: PLC0415

    connection.register("staged", pa.table({"seq": pa.array(sorted(set(seqs)), type=pa.int64())}))
    connection.execute("CREATE OR REPLACE TEMP TABLE chosen AS SELECT * FROM staged")
    connection.unregister("staged")
    rows = connection.execute(_CHOSEN.format(columns=decoder.select)).fetchall()
    after = decoder.after
    return [
        Arrival(
            customer=row[after + 1], event=decoder.event(row), source=row[after], late=False,
            corrects=False,
        )
        for row in rows
    ]  # fmt: skip


def _rows(
    connection: duckdb.DuckDBPyConnection, sql: str, binds: Mapping[str, int]
) -> Iterator[tuple[Any, ...]]:
    cursor = connection.execute(sql, dict(binds))
    while batch := cursor.fetchmany(_FETCH):
        yield from batch
