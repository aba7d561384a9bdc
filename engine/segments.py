"""The segment table: who is where at T, with what marks them and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.log import Log
from rules.measures import Catalogue
from rules.playbook import Playbook, Project
from rules.units import round6

__all__ = ["SegmentRow", "segment_table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentRow:
    """One line of the table."""

    name: str  #: ``lapsed``, ``stage.新客户``
    kind: str  #: ``segment`` or ``class``
    playbook: str  #: "" for shared definitions
    title: str
    customers: int
    population: int
    marks: str
    strategy: str

    @property
    def share(self) -> str:
        """Part of the population in percent with one decimal, half-even."""
        if not self.population:
            return ""
        tenths, rest = divmod(round6(self.customers, self.population), 1_000)
        tenths += 2 * rest > 1_000 or (2 * rest == 1_000 and tenths % 2 == 1)
        return f"{tenths // 10}.{tenths % 10}%"

    def to_json(self) -> dict[str, Any]:
        """Return plain values; the share as a text in percent."""
        return {
            "segment": self.name, "kind": self.kind, "playbook": self.playbook or None,
            "title": self.title, "customers": self.customers, "population": self.population,
            "share": self.share, "marks": self.marks, "strategy": self.strategy,
        }  # fmt: skip


def segment_table(project: Project, log: Log, *, at: int) -> list[SegmentRow]:
    """Return every segment and class value, the shared ones first, then the playbooks' own."""
    log.ensure_columns(project.vocabulary)
    seq = log.max_seq()
    rows = _rows(project, log, project.catalogue, "", at=at, seq=seq)
    for book in project.playbooks:
        rows += _rows(project, log, _own(project, book), book.name, at=at, seq=seq, within=book)
    return rows


def _own(project: Project, book: Playbook) -> Catalogue:
    """Return the names that only the playbook defines."""
    shared = project.catalogue
    return Catalogue(
        measures={},
        segments={k: v for k, v in book.catalogue.segments.items() if k not in shared.segments},
        classes={k: v for k, v in book.catalogue.classes.items() if k not in shared.classes},
    )


def _rows(
    project: Project,
    log: Log,
    names: Catalogue,
    playbook: str,
    *,
    at: int,
    seq: int,
    within: Playbook | None = None,
) -> list[SegmentRow]:
    from rules.sql import compile_population  # noqa: PLC0415  slow

    if not names.segments and not names.classes:
        return []
    catalogue = within.catalogue if within else names
    segments, classes = list(names.segments), list(names.classes)
    population = compile_population(project.vocabulary, catalogue, segments, classes, scoped=False)
    table = log.table(population.sql(), population.binds(at, seq, log.codes()))
    rows = [
        SegmentRow(
            name=name, kind="segment", playbook=playbook, title=item.title,
            customers=_count(table[f"s_{name}"], value=True), population=table.num_rows,
            marks=item.marks, strategy=item.strategy,
        )
        for name, item in names.segments.items()
    ]  # fmt: skip
    for name, kind in names.classes.items():
        rows += [
            SegmentRow(
                name=f"{name}.{value.value}", kind="class", playbook=playbook,
                title=value.title or kind.title,
                customers=_count(table[f"c_{name}"], value=value.value),
                population=table.num_rows, marks=value.marks, strategy=value.strategy,
            )
            for value in kind.values
        ]  # fmt: skip
    return rows


def _count(column: Any, *, value: str | bool) -> int:
    import pyarrow.compute as pc  # noqa: PLC0415  slow

    return int(pc.sum(pc.cast(pc.equal(column, value), "int64")).as_py() or 0)


def total(rows: Sequence[SegmentRow]) -> int:
    """Return the population that the table speaks of."""
    return rows[0].population if rows else 0
