"""In which segments and classes some customers are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from engine.reports.report import Source

__all__ = ["groups_of"]

_SEGMENTS = "分群"


def groups_of(
    source: Source, customers: Collection[str], *, at: int
) -> dict[tuple[str, str], set[str]]:
    """Return (model, segment) -> those of some customers who are in it at an instant.

    Shared segments first, then the values of shared classes, as they are declared.
    """
    from rules.sql import compile_population  # noqa: PLC0415  slow

    log, catalogue = source.log, source.project.catalogue
    segments, classes = list(catalogue.segments), list(catalogue.classes)
    if not customers or not (segments or classes):
        return {}
    population = compile_population(
        source.project.vocabulary, catalogue, segments, classes, scoped=False
    )
    seq = log.max_seq()
    table = log.table(population.sql(), population.binds(at, seq, log.codes()))
    import pyarrow as pa  # noqa: PLC0415  slow
    import pyarrow.compute as pc  # noqa: PLC0415

    ids = {code: name for name, code in log.customer_codes(customers).items()}
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    codes = pa.array(sorted(ids), type=table["customer"].type)
    for row in table.filter(pc.is_in(table["customer"], codes)).to_pylist():
        customer = ids[row["customer"]]
        for name in segments:
            if row[f"s_{name}"]:
                found["s", name].add(customer)
        for name in classes:
            if row[f"c_{name}"] is not None:
                found[f"c.{name}", row[f"c_{name}"]].add(customer)
    ordered = {
        (_SEGMENTS, one.title or name): found["s", name] for name, one in catalogue.segments.items()
    }
    for name, kind in catalogue.classes.items():
        for value in kind.values:
            ordered[kind.title or name, value.value] = found[f"c.{name}", value.value]
    return {key: inside for key, inside in ordered.items() if inside}
