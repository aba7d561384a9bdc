"""``care replay`` in words and as plain values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from engine.audit.likeness import Difference
from engine.audit.rerun import Replayed
from engine.console import moment

__all__ = ["render_replayed", "replayed_json"]

_MOST = 10  #: differences of one run that are told
_RUNS = 5  #: runs of which they are told


def render_replayed(found: Replayed, tz: str) -> str:
    """Return what was made again, the first difference first."""
    return "\n".join(_lines(found, tz))


def _lines(found: Replayed, tz: str) -> Iterator[str]:
    groups = [(at, list(ones)) for at, ones in groupby(found.differences, lambda one: one.at)]
    for at, ones in groups[:_RUNS]:
        yield "the rows at the end" if at is None else f"the run of {moment(at, tz)}"
        yield from _told(ones)
    if len(groups) > _RUNS:
        yield f"{len(groups) - _RUNS} more runs are not the same"
    for unmade in found.unmade[:_RUNS]:
        yield f"not made again: the run of {moment(unmade.at, tz)}: {unmade.why}"
    if len(found.unmade) > _RUNS:
        yield f"not made again: {len(found.unmade) - _RUNS} more runs"
    if found.versions and found.differences:
        yield f"other versions may decide otherwise: {'; '.join(found.versions)}"
    made = "1 run" if found.runs == 1 else f"{found.runs} runs"
    line = f"made again: {made}, {found.entries} entries"
    if found.taken:
        line += f"; taken as recorded: {found.taken} before"
    if found.rows:
        line += f"; {found.rows} rows compared"
    yield line if found.differences else f"{line}; all the same"


def _told(ones: Sequence[Difference]) -> Iterator[str]:
    for one in ones[:_MOST]:
        yield f"  {one.table} {one.row}: {one.words}"
    if len(ones) > _MOST:
        yield f"  and {len(ones) - _MOST} more"


def replayed_json(found: Replayed) -> dict[str, Any]:
    """Return plain values; instants are microseconds UTC."""
    return {
        "equal": found.equal, "runs": found.runs, "taken": found.taken,
        "entries": found.entries, "rows": found.rows,
        "differences": [
            {"at": one.at, "table": one.table, "row": one.row, "words": one.words}
            for one in found.differences
        ],
        "not_made": [{"at": one.at, "why": one.why} for one in found.unmade],
        "versions": list(found.versions),
    }  # fmt: skip
