"""Events and attributes from outside into the log, by the same ways as the rows of a file.

What came before stays: a (source, id) that the log has is the same thing sent again. Its time may
differ then, since senders tell their clock anew with each try.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.ingest.meaning import Happened, Known
from engine.intake import cells
from engine.intake.job import Job
from engine.intake.jsonl import JsonRow
from engine.intake.staging import Stage, stage_rows
from engine.intake.summary import ImportSummary
from engine.log import Log
from rules.errors import Span
from rules.importmap_types import (
    AttributeMap,
    CellMap,
    EventMap,
    FieldMap,
    ImportMap,
    ProfileMap,
    RowTest,
    TestKind,
    TimeMap,
)
from rules.vocabulary import EventType, FieldType, Vocabulary

__all__ = ["Landed", "land"]

_SPAN = Span("care.yaml", 1, 1)
_AT = TimeMap(column="at", format="unix microseconds", span=_SPAN)
_RECEIVED = TimeMap(column="received", format="unix microseconds", span=_SPAN)
_FIELD, _SAID = ".", "?"  #: begin the names of columns: a value, and whether it was spoken of


@dataclass(slots=True, kw_only=True)
class Landed:
    """What became of some events and attributes."""

    events: Counter[str] = field(default_factory=Counter)  #: added, by kind
    values: int = 0  #: attribute versions added
    customers: int = 0  #: seen for the first time
    known: int = 0  #: that had come before
    refused: dict[int, str] = field(default_factory=dict)  #: place in what was given -> why


def land(log: Log, vocabulary: Vocabulary, items: Sequence[Happened | Known], *, at: int) -> Landed:
    """Add to the log what it does not have; the caller owns the transaction.

    ``at`` is the instant of taking them; an event is known from its arrival on.
    """
    landed = Landed()
    log.ensure_columns(vocabulary)
    log.connection.execute(cells.MACROS)
    placed = list(enumerate(items))
    for source in sorted({item.source for item in items}):
        batch = _Batch(log=log, vocabulary=vocabulary, source=source, at=at)
        own = [(place, item) for place, item in placed if item.source == source]
        happened = [(place, item) for place, item in own if isinstance(item, Happened)]
        known = [(place, item) for place, item in own if isinstance(item, Known)]
        _events(batch, happened, landed)
        _attributes(batch, known, landed)
    return landed


def _events(batch: _Batch, items: Sequence[tuple[int, Happened]], landed: Landed) -> None:
    seen = batch.held([item.id for _, item in items])
    while items:
        first: dict[str, tuple[int, Happened]] = {}
        again: list[tuple[int, Happened]] = []
        for place, item in items:
            if item.id in seen:
                landed.known += 1
            elif item.id in first:
                again.append((place, item))  # its turn comes if the first is refused
            else:
                first[item.id] = (place, item)
        refused = _add_events(batch, list(first.values()), landed)
        seen |= {item.id for place, item in first.values() if place not in refused}
        items = again


def _add_events(
    batch: _Batch, items: Sequence[tuple[int, Happened]], landed: Landed
) -> frozenset[int]:
    """Add events whose ids are new, and return the places of those that are refused."""
    if not items:
        return frozenset()
    kinds = [batch.vocabulary.events[kind] for kind in sorted({item.event for _, item in items})]
    rows = [_row(place, item, event=item.event) for place, item in items]
    stage = batch.stage(rows, {name for kind in kinds for name in kind.fields})
    found, refused = batch.merge(stage, landed, events=tuple(map(_event_map, kinds)))
    landed.events.update(found.events)
    return refused


def _attributes(batch: _Batch, items: Sequence[tuple[int, Known]], landed: Landed) -> None:
    seen = batch.held_versions([item.id for _, item in items])
    while items:
        first: dict[str, tuple[int, Known]] = {}
        again: list[tuple[int, Known]] = []
        for place, item in items:
            if all((item.id, name) in seen for name in item.cells):
                landed.known += 1
            elif item.id in first:
                again.append((place, item))
            else:
                first[item.id] = (place, item)
        seen |= _add_versions(batch, list(first.values()), seen, landed)
        items = again


def _add_versions(
    batch: _Batch,
    items: Sequence[tuple[int, Known]],
    seen: set[tuple[str, str]],
    landed: Landed,
) -> set[tuple[str, str]]:
    """Add what the log has not seen, attribute by attribute, since each sender speaks of others.

    Returns (id, attribute) of what was taken.
    """
    spoken: dict[str, list[tuple[int, str]]] = {}
    rows: list[JsonRow] = []
    for place, item in items:
        fresh = [name for name in item.cells if (item.id, name) not in seen]
        for name in fresh:
            spoken.setdefault(name, []).append((place, item.id))
        rows.append(_row(place, item, **{f"{_SAID}{name}": "yes" for name in fresh}))
    if not rows:
        return set()
    stage = batch.stage(rows, spoken)
    taken: set[tuple[str, str]] = set()
    for name in sorted(spoken):
        attribute = batch.vocabulary.attributes[name]
        found, refused = batch.merge(stage, landed, profile=_attribute_map(attribute))
        landed.values += found.versions
        taken |= {(key, name) for place, key in spoken[name] if place not in refused}
    return taken


def _row(place: int, item: Happened | Known, **more: str) -> JsonRow:
    cells = {f"{_FIELD}{name}": text for name, text in item.cells.items() if text is not None}
    fixed = {
        "customer": item.customer, "id": item.id, "at": str(item.at),
        "received": str(item.received),
    }  # fmt: skip
    return JsonRow(place, {**fixed, **cells, **more})


def _event_map(kind: EventType) -> EventMap:
    return EventMap(
        event=kind.name, customer="customer", time=_AT, known=_RECEIVED, id=("id",), span=_SPAN,
        when=_when(RowTest(column="event", kind=TestKind.EQUALS, words=(kind.name,), span=_SPAN)),
        fields=tuple(
            FieldMap(field=each, cell=_cell(each.name)) for each in kind.fields.values()
        ),
    )  # fmt: skip


def _attribute_map(attribute: FieldType) -> ProfileMap:
    said = RowTest(column=f"{_SAID}{attribute.name}", kind=TestKind.KNOWN, span=_SPAN)
    return ProfileMap(
        customer="customer", time=_AT, known=_RECEIVED, id=("id",), when=_when(said), span=_SPAN,
        attributes=(AttributeMap(field=attribute, cell=_cell(attribute.name)),),
    )  # fmt: skip


def _when(test: RowTest) -> tuple[tuple[RowTest, ...], ...]:
    return ((test,),)


def _cell(name: str) -> CellMap:
    return CellMap(factors=(f"{_FIELD}{name}",), span=_SPAN)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """The rows of one source on their way into the log."""

    log: Log
    vocabulary: Vocabulary
    source: str
    at: int

    def held(self, ids: Sequence[str]) -> set[str]:
        """Return which of these ids the log has as events."""
        sql = (
            "SELECT DISTINCT id FROM events WHERE source = $source AND id IN (SELECT id FROM given)"
        )
        return {row[0] for row in self._ask(sql, ids)}

    def held_versions(self, ids: Sequence[str]) -> set[tuple[str, str]]:
        """Return (id, attribute) of the versions that the log has of these ids."""
        sql = (
            "SELECT DISTINCT a.id, n.name FROM attributes a JOIN attribute_names n"
            " ON n.code = a.attribute"
            " WHERE a.source = $source AND a.id IN (SELECT id FROM given)"
        )
        return {(row[0], row[1]) for row in self._ask(sql, ids)}

    def _ask(self, sql: str, ids: Sequence[str]) -> list[tuple[str, ...]]:
        import pyarrow as pa  # noqa: PLC0415

        given = pa.table({"id": pa.array(list(dict.fromkeys(ids)), type=pa.string())})
        self.log.connection.register("given", given)
        try:
            return self.log.query(sql, {"source": self.source})
        finally:
            self.log.connection.unregister("given")

    def stage(self, rows: Sequence[JsonRow], names: Iterable[str]) -> Stage:
        """Stage rows with columns for fields or attributes of these names."""
        columns = ["customer", "id", "at", "received", "event"]
        columns += [f"{mark}{name}" for name in sorted(names) for mark in (_FIELD, _SAID)]
        return stage_rows(self.log.connection, rows, columns, whole=("at", "received"))

    def merge(
        self,
        stage: Stage,
        landed: Landed,
        events: tuple[EventMap, ...] = (),
        profile: ProfileMap | None = None,
    ) -> tuple[ImportSummary, frozenset[int]]:
        """Merge what is staged by a map; return what was added, and the places that are refused."""
        wanted = ImportMap(
            source=self.source, timezone=self.vocabulary.timezone, events=events, profile=profile,
            span=_SPAN,
        )  # fmt: skip
        job = Job(
            log=self.log, vocabulary=self.vocabulary, path=Path("ingest"), map=wanted, at=self.at,
            rejects=Path(), progress=None,
        )  # fmt: skip
        found = job.merge(stage)
        landed.customers += found.customers
        rejects = self.log.query("SELECT line, name, reason FROM rejects")
        self.log.query("DELETE FROM rejects")
        for line, name, reason in rejects:
            landed.refused[line] = f"{name.removeprefix(_FIELD)}: {reason}" if name else reason
        return found, frozenset(row[0] for row in rejects)
