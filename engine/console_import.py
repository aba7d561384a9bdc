"""What an import says: what went in, what did not, and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.console import moment, table
from engine.intake import ImportSummary
from engine.intake.summary import Landing
from rules.trace import show_field
from rules.values import valued
from rules.vocabulary import Vocabulary

__all__ = ["render_import", "summary_json"]


def render_import(found: ImportSummary, vocabulary: Vocabulary) -> str:
    """Return the summary of one file."""
    return "\n".join(_lines(found, vocabulary))


def _lines(found: ImportSummary, vocabulary: Vocabulary) -> Iterator[str]:
    tz = vocabulary.timezone
    form = f"{found.kind}, {found.encoding}" if found.encoding else found.kind
    verb = "would be added" if found.dry_run else "added"
    yield f"{found.file} ({form}): {found.rows:,} {_rows(found.rows)}"
    kinds = ", ".join(f"{count:,} {name}" for name, count in found.events.items())
    yield f"  {found.added:,} events {verb}" + (f" ({kinds})" if kinds else "")
    if found.versions or found.unchanged:
        yield f"  {found.versions:,} attribute values {verb}, {found.unchanged:,} as they were"
    if found.added and found.first_at is not None:
        yield f"  from {moment(found.first_at, tz)} to {moment(found.last_at, tz)}"
    for count, words in (
        (found.customers, "customers seen for the first time"),
        (found.known, "events were in the log already"),
        (found.corrected, "of the added correct an event that was in the log"),
        (found.repeated, "events stand again in the file"),
        (found.replaced, "events stand again in the file with other values; the last counts"),
        (found.dropped, "exact duplicate lines dropped"),
    ):
        if count:
            yield f"  {count:,} {words}"
    for reason, count in found.passed.items():
        yield f"  {count:,} {_rows(count)} passed over: {reason}"
    if found.rejected:
        stay = "it is" if found.rejected == 1 else "they are"
        yield f"  {found.rejected:,} {_rows(found.rejected)} can't be read; {stay} in {found.rejects}"
        for reason, count in found.reasons.items():
            yield f"    {count:,}: {reason}"
    if found.landings:
        yield "  the first rows as they would land:"
        for line in _landings(found.landings, vocabulary).splitlines():
            yield f"    {line}"


def _rows(count: int) -> str:
    return "row" if count == 1 else "rows"


def _landings(landings: tuple[Landing, ...], vocabulary: Vocabulary) -> str:
    tz = vocabulary.timezone
    names = list(dict.fromkeys(name for landing in landings for name in landing.values))
    rows = [
        (
            landing.line, landing.event or "profile", landing.customer, moment(landing.at, tz),
            landing.id, *(_value(landing, name, vocabulary) for name in names),
        )
        for landing in landings
    ]  # fmt: skip
    return table(("line", "event", "customer", "when", "id", *names), rows)


def _value(landing: Landing, name: str, vocabulary: Vocabulary) -> str:
    fields = vocabulary.events[landing.event].fields if landing.event else vocabulary.attributes
    value = landing.values.get(name)
    if value is None or name not in fields:
        return ""
    return show_field(valued(fields[name].kind, value), fields[name].kind, vocabulary.timezone)


def summary_json(found: ImportSummary) -> dict[str, Any]:
    """Return the summary as plain values."""
    return {
        "file": found.file, "kind": found.kind, "encoding": found.encoding, "rows": found.rows,
        "added": found.added, "events": dict(found.events), "corrected": found.corrected,
        "known": found.known, "repeated": found.repeated, "replaced": found.replaced,
        "dropped": found.dropped, "rejected": found.rejected,
        "rejects": str(found.rejects) if found.rejects else None, "reasons": dict(found.reasons),
        "passed_over": dict(found.passed), "attribute_values": found.versions,
        "unchanged": found.unchanged, "new_customers": found.customers, "dry_run": found.dry_run,
        "rows_shown": [
            {
                "line": row.line, "event": row.event, "customer": row.customer, "at": row.at,
                "id": row.id, "values": dict(row.values),
            }
            for row in found.landings
        ],
    }  # fmt: skip
