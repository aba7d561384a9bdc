"""A plan on the screen and as JSON: what the next run would do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from engine.console import moment, table
from engine.console_ingest import taken_json, taken_lines
from engine.planning.items import Item, What
from engine.planning.plan import Plan
from rules.units import date_of

__all__ = ["HEADS", "item_json", "item_row", "journeys_of", "named", "plan_json", "render_plan"]

HEADS = ("", "customer", "name", "playbook", "what", "step", "channel", "when", "who", "why")
_SIGNS = {What.STARTS: "+", What.STOPS: "-", What.MOVES: "~"}


def render_plan(found: Plan, zone: str, *, limit: int | None, personal: bool) -> str:
    """Return a plan as text: what needs a person first, then at most ``limit`` journeys, then the
    counts; ``personal`` shows names.
    """
    parts = [_head(found, zone), *_notes(found)]
    if found.items:
        parts += ["", items_table(found.items, found.names if personal else {}, zone, limit=limit)]
    people = _people(found, zone)
    if people:
        parts += ["", people]
    parts += ["", summary(found)]
    return "\n".join(parts)


def _head(found: Plan, zone: str) -> str:
    last = f"the last run was at {moment(found.last, zone)}" if found.last else "no run yet"
    return f"a run at {moment(found.at, zone)} would do this; {last}; nothing is written"


def _notes(found: Plan) -> Iterator[str]:
    if found.repeated:
        yield "  this very run was done before: it would only send what is still on its way"
    yield from taken_lines(found.taken)
    if found.sent:
        yield f"  {found.sent} messages of earlier runs go out first, where their channels take them"
    if found.live:
        names = ", ".join(found.live)
        yield (
            f"  goes live: {names}. This run takes the customers as it finds them: who is inside a"
            " segment now, and what happened before, begins nothing; what comes after does"
        )
    for one in found.held:
        yield (
            f"  HELD: {one.playbook} starts {one.count} > {one.limit}: would be held, nothing of it"
            f" would happen; `care approve {one.playbook}` lets it go"
        )
    for name, count in found.waiting.items():
        yield f"  waiting: {count} journey{'' if count == 1 else 's'} of {name}, which is paused, broken or gone"
    for name, count in found.on_hold.items():
        yield f"  on hold: {count} journey{'' if count == 1 else 's'} of {name}, by house rules"
    for file in found.broken:
        yield f"  left out: {file}, until it is mended"


def items_table(
    items: Sequence[Item], names: Mapping[str, str], zone: str, *, limit: int | None
) -> str:
    """Return the items as a table, of at most so many journeys, and how to see the rest."""
    groups = journeys_of(items)
    rows = [
        row
        for group in (groups if limit is None else groups[:limit])
        for index, item in enumerate(group)
        for row in [item_row(item, names, zone, first=index == 0)]
    ]
    lines = [table(HEADS, rows)]
    if limit is not None and len(groups) > limit:
        lines.append(f"... and {len(groups) - limit} more; --limit all shows them")
    return "\n".join(lines)


def journeys_of(items: Sequence[Item]) -> list[list[Item]]:
    """Return the items of one journey after another; a refusal stands alone."""
    return [
        list(group)
        for _, group in groupby(items, lambda one: (one.playbook, one.customer, one.journey))
    ]


def item_row(
    item: Item, names: Mapping[str, str], zone: str, *, first: bool = True, sign: str | None = None
) -> tuple[str, ...]:
    """Return an item as a row of the table; customer and playbook in the ``first`` of a journey."""
    what = f"{item.what} ({item.reason})" if item.reason else str(item.what)
    return (
        _SIGNS.get(item.what, "") if sign is None else sign,
        item.customer if first else "", names.get(item.customer, "") if first else "",
        item.playbook if first else "", what, named(item), item.channel, _when(item, zone),
        item.assignee, ", ".join(part for part in (item.rule, item.why) if part),
    )  # fmt: skip


def named(item: Item) -> str:
    """Return a step's name, with its turn where it is not the first."""
    return item.step if item.turn == 1 else f"{item.step} ({item.turn})"


def _when(item: Item, zone: str) -> str:
    match item.what:
        case What.OPENS | What.JOINS | What.CHANGES:
            return f"due {moment(item.due_by, zone)}" if item.due_by is not None else ""
        case What.SENDS | What.WRITES:
            return "now"
        case What.DEFERS | What.WAITS:
            return f"until {moment(item.until, zone)}" if item.until is not None else ""
        case What.LATER | What.STARTS | What.STOPS | What.FINISHES:
            return moment(item.opens_at, zone)
        case _:
            return ""


def _people(found: Plan, zone: str) -> str:
    """Return how many tasks come to whom on which day; where the days are too many, in all."""
    tasks = found.tasks(zone)
    if not tasks:
        return ""
    days = sorted({day for *_, day in tasks})
    shown = days if len(days) <= _DAYS else []
    people = sorted({(role, who) for role, who, _ in tasks})
    rows = [
        (
            role, who, *(tasks[role, who, day] or "" for day in shown),
            sum(tasks[role, who, day] for day in days),
        )
        for role, who in people
    ]  # fmt: skip
    heads = ("tasks of", "who", *(f"{date_of(day):%a %m-%d}" for day in shown), "in all")
    return table(heads, rows, right=range(2, len(heads)))


_DAYS = 10  #: columns of days that fit on a screen


def summary(found: Plan) -> str:
    """Return the counts in one line."""
    told = [_some(found.count(What.STARTS), "start", found)]
    for what, word in (
        (What.SENDS, "message"), (What.OPENS, "task"), (What.JOINS, "task joined"),
        (What.LATER, "later"), (What.DEFERS, "deferred"), (What.SKIPS, "skipped"),
        (What.CLOSES, "closed"), (What.CANCELS, "cancelled"), (What.STOPS, "stop"),
        (What.FINISHES, "finished"), (What.MOVES, "moved"),
    ):  # fmt: skip
        count = sum(found.count(what).values())
        if count:
            plural = "s" if count > 1 and word in ("message", "task", "stop") else ""
            shares = _shares(found.channels(what)) if what in (What.SENDS, What.OPENS) else ""
            told.append(f"{count} {word}{plural}{shares}")
    refused = Counter(item.reason for item in found.items if item.what is What.REFUSES)
    for one in found.counted:
        refused[one.reason] += one.count
    if refused:
        told.append(f"{sum(refused.values())} refused{_shares(refused)}")
    waits = sum(found.count(What.WAITS).values())
    told += [f"{waits} put off"] if waits else []
    return f"plan: {', '.join(told)}"


def _some(counts: Counter[str], word: str, found: Plan) -> str:
    total = sum(counts.values())
    limits = "".join(
        f"; {name} {n} of at most {found.limits[name]} a run"
        for name, n in sorted(counts.items())
        if name in found.limits and 2 * n > found.limits[name]
    )
    return f"{total} {word}{'' if total == 1 else 's'}{_shares(counts)}{limits}"


def _shares(counts: Mapping[str, int]) -> str:
    told = [
        f"{name} {n}" for name, n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]
    return f" ({', '.join(told)})" if told else ""


def item_json(item: Item, names: Mapping[str, str]) -> dict[str, Any]:
    """Return an item as plain values; keys without a value are left out."""
    told = {
        "what": str(item.what), "playbook": item.playbook, "customer": item.customer,
        "name": names.get(item.customer), "journey": item.journey, "action": item.action,
        "step": item.step, "turn": item.turn if item.step else None, "channel": item.channel,
        "opens_at": item.opens_at if item.step else None,
        "entry": None if item.step else item.opens_at, "due_by": item.due_by,
        "until": item.until, "role": item.role, "assignee": item.assignee, "reason": item.reason, "rule": item.rule,
        "place": item.place, "why": item.why,
    }  # fmt: skip
    return {key: value for key, value in told.items() if value not in (None, "")}


def plan_json(found: Plan, zone: str, *, personal: bool) -> dict[str, Any]:
    """Return a plan as plain values; names where ``personal``."""
    names = found.names if personal else {}
    return {
        "at": found.at, "last_run": {"at": found.last} if found.last is not None else None,
        "repeated": found.repeated,
        "items": [item_json(item, names) for item in found.items],
        "refused": [
            {"playbook": one.playbook, "trigger": one.trigger, "reason": one.reason,
             "count": one.count}
            for one in found.counted
        ],
        "held": [
            {"playbook": one.playbook, "starts": one.count, "per_run": one.limit}
            for one in found.held
        ],
        "tasks": [
            {"role": role, "assignee": who, "day": date_of(day).isoformat(), "count": count}
            for (role, who, day), count in sorted(found.tasks(zone).items())
        ],
        "live": list(found.live), "waiting": dict(found.waiting), "on_hold": dict(found.on_hold),
        "taken": taken_json(found.taken), "on_their_way": found.sent,
        "left_out": list(found.broken),
        "counts": dict(sorted(Counter(str(item.what) for item in found.items).items())),
    }  # fmt: skip
