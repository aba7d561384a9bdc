"""A comparison of two projects on the screen and as JSON: what an edit changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from engine.console import moment, table
from engine.planning.compare import Comparison, Difference, Sign
from engine.planning.words import HEADS, item_json, item_row, named
from rules.playbook import Migrate

__all__ = ["comparison_json", "render_comparison"]

_MIGRATE = {
    Migrate.STAY: "stay with the version that they began under (migrate: stay)",
    Migrate.MOVE: "follow the edited playbook from the next run on (migrate: move)",
    Migrate.CANCEL: "end in the next run (migrate: cancel)",
}


def render_comparison(found: Comparison, zone: str, *, limit: int | None, personal: bool) -> str:
    """Return a comparison as text, of at most ``limit`` journeys; ``personal`` shows names and the
    words of texts.
    """
    since = f", with what changed since the run at {moment(found.last, zone)}" if found.last else ""
    lines = [f"a run at {moment(found.at, zone)}{since}: this project against {found.against}"]
    lines += _notes(found)
    if found.found:
        lines += ["", *_rows(found, zone, limit=limit, personal=personal)]
    lines += ["", _summary(found)]
    return "\n".join(lines)


def _notes(found: Comparison) -> Iterator[str]:
    if found.last is None:
        yield (
            "  no run yet: the first run takes the customers as it finds them, under either project;"
            " only `existing: enrol` and `care start` let anyone begin"
        )
    for one in found.starts:
        if one.held:
            yield (
                f"  HELD: {one.playbook} starts {one.after} > {one.limit}: would be held;"
                f" `care approve {one.playbook}` lets it go"
            )
        elif one.before != one.after:
            limit = f", of at most {one.limit} a run" if one.limit else ""
            yield f"  {one.playbook}: {one.before} → {one.after} starts{limit}"
    for counted, before in found.counted:
        yield (
            f"  {counted.playbook}: {before} → {counted.count} refused at once"
            f" ({counted.reason}, trigger {counted.trigger})"
        )
    for moving in found.inflight:
        running = f"{moving.count} running journey{'' if moving.count == 1 else 's'}"
        yield f"  {moving.playbook}: {running} {_MIGRATE[moving.migrate]}"
    if found.levelled:
        yield (
            f"  the trigger of {', '.join(found.levelled)} is new or edited: both sides are shown as"
            " if in force since the last run;"
        )
        yield (
            "    the next run itself takes the customers as it finds them, and what comes after it"
            " begins"
        )
    for files, where in ((found.broken, "here"), (found.broken_before, f"at {found.against}")):
        for file in files:
            yield f"  left out {where}: {file} has errors"


def _rows(found: Comparison, zone: str, *, limit: int | None, personal: bool) -> Iterator[str]:
    """Yield the table; under a row what differs in words."""
    names = found.names if personal else {}
    groups = [
        list(group)
        for _, group in groupby(
            found.found, lambda one: (one.item.playbook, one.item.customer, one.item.journey)
        )
    ]
    rows: list[tuple[str, ...]] = []
    below: dict[int, list[str]] = {}
    for group in groups if limit is None else groups[:limit]:
        for index, one in enumerate(group):
            row = item_row(one.item, names, zone, first=index == 0, sign=str(one.sign))
            below[len(rows)] = list(_below(one, personal=personal))
            rows.append(row)
    head, rule, *body = table(HEADS, rows).splitlines()
    yield from (head, rule)
    for index, line in enumerate(body):
        yield line
        yield from (f"      {text}" for text in below[index])
    if limit is not None and len(groups) > limit:
        yield f"... and {len(groups) - limit} more; --limit all shows them"


def _below(one: Difference, *, personal: bool) -> Iterator[str]:
    yield from one.changes
    for text in one.texts:
        yield f"{text.part}: {text.words}" if personal else f"{text.part} differs"


def _summary(found: Comparison) -> str:
    if not found.any:
        return "no change: the next run would do the same under both"
    starts, others = (
        " ".join(f"{sign}{found.count(sign, starts=kind)}" for sign in Sign)
        for kind in (True, False)
    )
    texts = sum(bool(one.texts) for one in found.found)
    customers = len({one.item.customer for one in found.found})
    said = f", {texts} with other words" if texts else ""
    who = f"{customers} customer{'' if customers == 1 else 's'}"
    return f"change: starts {starts}; steps and ends {others}{said}; {who}"


def comparison_json(found: Comparison, *, personal: bool) -> dict[str, Any]:
    """Return a comparison as plain values; names and texts where ``personal``."""
    names = found.names if personal else {}
    return {
        "at": found.at, "against": found.against, "changed": found.any,
        "differences": [_json(one, names, personal=personal) for one in found.found],
        "starts": [
            {"playbook": one.playbook, "before": one.before, "after": one.after,
             "per_run": one.limit, "held": one.held}
            for one in found.starts
        ],
        "refused": [
            {"playbook": one.playbook, "trigger": one.trigger, "reason": one.reason,
             "before": before, "after": one.count}
            for one, before in found.counted
        ],
        "running": [
            {"playbook": one.playbook, "journeys": one.count, "migrate": str(one.migrate)}
            for one in found.inflight
        ],
        "levelled": list(found.levelled), "left_out": list(found.broken),
        "left_out_before": list(found.broken_before),
    }  # fmt: skip


def _json(one: Difference, names: Mapping[str, str], *, personal: bool) -> dict[str, Any]:
    told: dict[str, Any] = {
        "sign": str(one.sign), "customer": one.item.customer, "playbook": one.item.playbook,
        "step": named(one.item) or None, "changes": list(one.changes),
        "before": item_json(one.before, names) if one.before else None,
        "after": item_json(one.after, names) if one.after else None,
        "texts": [
            {"part": text.part, "before": text.before, "after": text.after}
            if personal
            else {"part": text.part}
            for text in one.texts
        ],
    }  # fmt: skip
    return told
