"""Whose date lies in some ranges: millions of customers are only touched by SQL.

Rows that carry such a value are found first; of their customers alone the value that holds is
asked. The result is the same as asking everybody.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from engine.candidates import Cursor, Look
from engine.log_schema import quoted
from engine.moments import Kept
from rules.columns import column
from rules.measures import Aggregate, Catalogue, Changed, Fold, Quantity
from rules.units import MICROS
from rules.vocabulary import FieldKind, Vocabulary

__all__ = ["holders", "kept", "values_of"]

_DAY = 86_400 * MICROS
_MOST_DAYS = 50_000  #: more days than this are not listed; their whole span is looked through

Range = tuple[int, int]


def kept(vocabulary: Vocabulary, catalogue: Catalogue, name: str) -> Kept:
    """Return how the values of a measure or attribute are kept. Raises KeyError."""
    if name in catalogue.measures:
        return Kept(instant=catalogue.measures[name].quantity is Quantity.INSTANT)
    field = vocabulary.attributes[name]
    instant = field.kind is FieldKind.INSTANT
    return Kept(instant=instant, lunar=not instant and field.calendar == "lunar")


def holders(
    look: Look,
    catalogue: Catalogue,
    name: str,
    ranges: Sequence[Range],
    *,
    since: Cursor | None = None,
) -> dict[str, int]:
    """Return customer -> value of those whose value at (T, S) lies in ``ranges`` (sorted, apart).

    With ``since`` only those whose value was another one, or unknown, at that cursor.
    """
    if not ranges:
        return {}
    now = _near(look, catalogue, name, ranges, since)
    starts = [low for low, _ in ranges]
    hit = {}
    for code, value in now.items():
        place = bisect_right(starts, value) - 1
        if place >= 0 and value <= ranges[place][1]:
            hit[code] = value
    if since is not None and hit:
        before = values_of(look, catalogue, name, sorted(hit), at=since.at, seq=since.seq)
        hit = {code: value for code, value in hit.items() if before.get(code) != value}
    ids = look.log.customer_ids(hit)
    return {ids[code]: value for code, value in hit.items()}


def _near(
    look: Look, catalogue: Catalogue, name: str, ranges: Sequence[Range], since: Cursor | None
) -> dict[int, int]:
    """Return code -> value of at least those whose value at (T, S) lies in the ranges."""
    questions = look.log.questions
    if questions is not None:
        return questions.values(look.vocabulary, catalogue, name, at=look.at, seq=look.seq)
    instant = kept(look.vocabulary, catalogue, name).instant
    wanted = _Wanted(look, ranges, _DAY if instant else 1)
    _scope_carriers(look, catalogue, name, wanted, since)
    return _asked(look, catalogue, name, at=look.at, seq=look.seq, wanted=wanted)


def values_of(
    look: Look, catalogue: Catalogue, name: str, customers: Sequence[int], *, at: int, seq: int
) -> dict[int, int]:
    """Return code -> value of those of some customers whose value is known at (at, seq)."""
    if not customers:
        return {}
    questions = look.log.questions
    if questions is not None:
        known = questions.values(look.vocabulary, catalogue, name, at=at, seq=seq)
        return {code: known[code] for code in customers if code in known}
    look.log.execute_scope(customers)
    return _asked(look, catalogue, name, at=at, seq=seq, wanted=None)


def _asked(
    look: Look, catalogue: Catalogue, name: str, *, at: int, seq: int, wanted: _Wanted | None
) -> dict[int, int]:
    """Return code -> value of the customers in ``scope``; with ``wanted`` of those near its ranges."""
    from rules.sql import compile_population  # noqa: PLC0415  slow

    measured = name in catalogue.measures
    asked = compile_population(
        look.vocabulary, catalogue, [], (), [name] if measured else [],
        [] if measured else [name], scoped=True,
    )  # fmt: skip
    near = "held IS NOT NULL" if wanted is None else wanted.condition("held")
    sql = f"SELECT code, held FROM ({asked.sql()}) AS known(code, held) WHERE {near}"  # noqa: S608  our own names
    binds = asked.binds(at, seq, look.log.codes())
    return dict(look.log.query(sql, binds))


class _Wanted:
    """Ranges of values as a condition in SQL; a little too wide, never too narrow."""

    def __init__(self, look: Look, ranges: Sequence[Range], unit: int) -> None:
        self.low, self.high = ranges[0][0], ranges[-1][1]
        self.unit = unit
        days = _listed(ranges, unit) if len(ranges) > 1 else None
        self.listed = days is not None
        if days is not None:
            _stage_days(look, days)

    def condition(self, value: str) -> str:
        """Return the condition that a value is near the ranges."""
        between = f"{value} BETWEEN {self.low} AND {self.high}"
        if not self.listed:
            return between
        day = value if self.unit == 1 else f"{value} // {self.unit}"
        return f"{between} AND {day} IN (SELECT day FROM wanted_days)"  # noqa: S608  our own names


def _scope_carriers(
    look: Look, catalogue: Catalogue, name: str, wanted: _Wanted, since: Cursor | None
) -> None:
    """Make ``scope`` of the customers with a row that carries a value near the ranges; with
    ``since`` a row that is new to the cursor.
    """
    new = "" if since is None else f" AND (seq > {since.seq} OR occurred_at > {since.at})"
    parts = ["SELECT 0 AS customer WHERE false"]
    for table, which, value in _sources(look, catalogue, name):
        visible = f"seq <= {look.seq}"
        if table == "events":
            visible += f" AND occurred_at <= {look.at}"
        parts.append(
            f"SELECT customer FROM {table} WHERE {which} AND {visible}"  # noqa: S608  our own names
            f" AND {wanted.condition(value)}{new}"
        )
    look.log.connection.execute(f"CREATE OR REPLACE TEMP TABLE scope AS {' UNION '.join(parts)}")


def _sources(look: Look, catalogue: Catalogue, name: str) -> list[tuple[str, str, str]]:
    """Return (table, condition on its rows, value) for every row that may carry the value."""
    codes = look.log.codes()
    if name not in catalogue.measures:
        return [("attributes", f"attribute = {codes.attributes.get(name, -1)}", "num")]
    measure = catalogue.measures[name].measure
    if isinstance(measure, Changed):
        code = codes.attributes.get(measure.attribute, -1)
        return [("attributes", f"attribute = {code}", "occurred_at")]
    assert isinstance(measure, Aggregate)
    found = []
    for event in measure.events.names:
        which = f"kind = {codes.kinds.get(event, -1)}"
        if measure.fold in (Fold.FIRST_TIME, Fold.LAST_TIME):
            found.append(("events", which, "occurred_at"))
            continue
        declared = look.vocabulary.events[event].fields.get(measure.fields.get(event, ""))
        if declared is not None:
            found.append(("events", which, quoted(column(declared))))
    return found


def _listed(ranges: Sequence[Range], unit: int) -> list[int] | None:
    """Return the days of the ranges with their neighbours; None where they are too many."""
    if sum(high // unit - low // unit + 3 for low, high in ranges) > _MOST_DAYS:
        return None
    # A neighbour on each side: division in SQL rounds towards zero, here downwards.
    spans = (range(low // unit - 1, high // unit + 2) for low, high in ranges)
    return sorted({day for span in spans for day in span})


def _stage_days(look: Look, days: Sequence[int]) -> None:
    import pyarrow as pa  # noqa: PLC0415  slow

    connection = look.log.connection
    connection.register("staged_days", pa.table({"day": pa.array(days, type=pa.int64())}))
    connection.execute("CREATE OR REPLACE TEMP TABLE wanted_days AS SELECT * FROM staged_days")
    connection.unregister("staged_days")
