"""What came from other programs, as people and scripts read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rules.units import to_local

if TYPE_CHECKING:
    from engine.ingest.piping import Piped
    from engine.ingest.taken import Taken
    from engine.spool import Receipt

__all__ = [
    "piped_json",
    "refused_json",
    "render_piped",
    "render_refused",
    "render_taken",
    "taken_json",
    "taken_lines",
]

_SHOWN = 30  #: reasons that are shown one by one


def taken_lines(taken: Taken) -> list[str]:
    """Return what came in as lines below a run's own; none where nothing came."""
    if not taken.rows:
        return []
    lines = [f"  came in: {', '.join(_parts(taken))}"]
    if taken.refused:
        count = taken.refused.total()
        lines.append(f"  REFUSED: {_many(count, 'row')} of it; `care ingest --rejects` shows why")
    return lines


def render_taken(taken: Taken) -> str:
    """Return what came in, with the reasons for what was refused."""
    if not taken.rows:
        return "nothing waits in the spool"
    lines = [f"{_many(taken.rows, 'row')}: {', '.join(_parts(taken))}"]
    if taken.refused:
        lines.append(
            f"  {_many(taken.refused.total(), 'row')} refused, kept in .care/rejects/ingest"
        )
        told = [f"    {count}: {why}" for why, count in taken.refused.most_common()]
        lines += _first(told, "    and {} other reasons")
    return "\n".join(lines)


def _parts(taken: Taken) -> list[str]:
    parts = []
    if taken.events:
        parts.append(f"{_many(taken.events.total(), 'event')}{_shares(taken.events)}")
    for count, word in (
        (taken.values, "attribute value"),
        (taken.customers, "new customer"),
    ):
        if count:
            parts.append(_many(count, word))
    if taken.done:
        parts.append(f"{_many(taken.done, 'task')} done")
    if taken.known:
        parts.append(f"{taken.known} known before")
    if taken.passed:
        parts.append(f"{taken.passed.total()} passed over{_shares(taken.passed)}")
    if taken.refused:
        parts.append(f"{taken.refused.total()} refused")
    return parts


def taken_json(taken: Taken) -> dict[str, Any]:
    """Return what came in as plain values."""
    return {
        "rows": taken.rows, "events": dict(sorted(taken.events.items())),
        "attribute_values": taken.values, "new_customers": taken.customers,
        "tasks_done": taken.done, "replies": taken.replies, "known": taken.known,
        "passed_over": dict(sorted(taken.passed.items())),
        "refused": taken.refused.total(),
        "reasons": dict(sorted(taken.refused.items())),
    }  # fmt: skip


def render_piped(piped: Piped, *, waits: bool) -> str:
    """Return what became of a file's lines; ``waits``: for the next run."""
    lines = [f"{piped.name}: {_many(piped.rows, 'row')}{' for the next run' if waits else ''}"]
    if piped.unreadable:
        lines.append(f"  {piped.unreadable} of them can't be read:")
        lines += [f"    line {number}: {why}" for number, why in piped.told]
        more = piped.unreadable - len(piped.told)
        lines += [f"    and {more} more"] if more else []
    return "\n".join(lines)


def piped_json(piped: Piped) -> dict[str, Any]:
    """Return what became of a file's lines as plain values."""
    told = [{"line": number, "why": why} for number, why in piped.told]
    return {
        "file": piped.name, "rows": piped.rows, "unreadable": piped.unreadable, "first": told,
    }  # fmt: skip


def render_refused(found: Sequence[Receipt], tz: str) -> str:
    """Return what was refused: how many rows, since when, and why, the most frequent first."""
    if not found:
        return "nothing was refused"
    by_reason: dict[str, list[Receipt]] = {}
    for each in found:
        by_reason.setdefault(each.why, []).append(each)
    lines = [f"{_many(len(found), 'row')} refused; `care ingest --retry-rejects` takes them again"]
    told = []
    for why, rows in sorted(by_reason.items(), key=lambda item: (-len(item[1]), item[0])):
        since = f"{to_local(min(each.at for each in rows), tz):%Y-%m-%d %H:%M}"
        told.append(f"  {len(rows)} since {since}: {why}")
    return "\n".join([*lines, *_first(told, "  and {} other reasons; --format json has every row")])


def _first(lines: list[str], more: str) -> list[str]:
    """Return the first of many lines, and how many there are besides."""
    rest = len(lines) - _SHOWN
    return lines if rest <= 0 else [*lines[:_SHOWN], more.format(rest)]


def refused_json(found: Receipt) -> dict[str, Any]:
    """Return one row that was refused as plain values."""
    return {
        "why": found.why, "at": found.at, "shape": str(found.shape), "origin": found.origin,
        "body": dict(found.body),
    }  # fmt: skip


def _shares(counts: Mapping[str, int]) -> str:
    told = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return f" ({', '.join(f'{count} {name}' for name, count in told)})"


def _many(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
