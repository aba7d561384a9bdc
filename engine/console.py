"""What people read on the screen. Each function takes a value and returns text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from engine.console_ingest import taken_json, taken_lines
from engine.holds import Hold
from engine.journeys import NEVER, Action, Journey
from engine.words import Reason
from rules.history import Datum, Event, History
from rules.trace import show_field
from rules.units import to_iso, to_local
from rules.values import valued
from rules.vocabulary import FieldKind, FieldType, Vocabulary

if TYPE_CHECKING:
    from engine.run import RunResult  # slow to import, and so is what follows
    from engine.segments import SegmentRow

__all__ = [
    "as_json",
    "held_words",
    "history_json",
    "moment",
    "render_history",
    "render_journeys",
    "render_run",
    "render_segments",
    "table",
]

#: Keys of JSON values that hold instants.
_INSTANTS = frozenset(
    (
        "at", "closed_at", "due_by", "ended_at", "entry", "next_try", "opened_at", "opens_at",
        "run_at", "since", "started_at", "tried_at", "until", "wall",
    )
)  # fmt: skip


def as_json(value: object, tz: str = "UTC") -> str:
    """Return JSON for scripts: Chinese as it is, instants as ISO text with offset."""
    return json.dumps(_timed(value, tz), ensure_ascii=False, indent=2)


def _timed(value: object, tz: str) -> object:
    if isinstance(value, Mapping):
        return {
            key: _iso(item, tz) if key in _INSTANTS and isinstance(item, int) else _timed(item, tz)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_timed(item, tz) for item in value]
    return value


def _iso(instant: int, tz: str) -> str | None:
    return to_iso(instant, tz) if instant < NEVER else None


def moment(instant: int | None, tz: str) -> str:
    """Return an instant as people read it: ``Fri 2011-12-09 13:00``; "" for none and for never."""
    if instant is None or instant >= NEVER:
        return ""
    return f"{to_local(instant, tz):%a %Y-%m-%d %H:%M}"


def table(
    heads: Sequence[str], rows: Sequence[Sequence[object]], *, right: Sequence[int] = ()
) -> str:
    """Return a table whose columns line up, Chinese characters counted as two."""
    from rich.cells import cell_len  # noqa: PLC0415  slow

    texts = [[_one_line(str(cell)) for cell in row] for row in [heads, *rows]]
    used = [
        index for index in range(len(heads)) if any(row[index] for row in texts[1:]) or not rows
    ]
    widths = {index: max(cell_len(row[index]) for row in texts) for index in used}
    lines = []
    for row in texts:
        cells = []
        for index in used:
            gap = " " * (widths[index] - cell_len(row[index]))
            cells.append(gap + row[index] if index in right else row[index] + gap)
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "  ".join("-" * widths[index] for index in used))
    return "\n".join(lines)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def render_run(result: RunResult, tz: str) -> str:
    """Return one run in a line, and further lines only for what needs a person."""
    from engine.console_delivery import delivery_counts, delivery_lines  # noqa: PLC0415  slow

    told = ["nothing new: this run was done before"] if result.repeated else _counts(result)
    told += delivery_counts(result.delivery)
    lines = [f"{moment(result.at, tz)}  {', '.join(told)}"]
    lines += taken_lines(result.taken)
    if result.live:
        names = ", ".join(result.live)
        lines.append(f"  live from now on: {names} (what was before counts as existing)")
    lines += [
        f"  HELD: {name} would begin {count} journeys, more than its limit; nothing of it happened."
        f" `care approve {name}` lets it go"
        for name, count in result.held.items()
    ]
    lines += [
        f"  waiting: {_many(count, 'journey')} of {name}, which is paused, broken or gone"
        for name, count in result.waiting.items()
    ]
    lines += [
        f"  on hold: {_many(count, 'journey')} of {name}, by house rules; `care journeys CUSTOMER`"
        " shows which"
        for name, count in result.on_hold.items()
    ]
    lines += delivery_lines(result.delivery)
    if result.degraded:
        lines.append(f"  rule engine: {result.degraded}; the reference matcher decided instead")
    return "\n".join(lines)


#: Reasons of starts that are asked again later: nothing is refused yet.
_LATER = (Reason.QUEUED, Reason.HOUSE_HOLD, Reason.HOUSE_DEFER)


def _counts(result: RunResult) -> list[str]:
    """Return what a run did, as the parts of one line."""
    begun = {name: n for (name, what), n in result.starts.items() if what == "started"}
    refused: dict[str, int] = {}
    later: dict[str, int] = {}
    for (_, what), count in result.starts.items():
        if what != "started":
            counts = later if what in _LATER else refused
            counts[what] = counts.get(what, 0) + count
    moves: dict[str, int] = {}
    for (_, what), count in result.moves.items():
        moves[what] = moves.get(what, 0) + count
    told = [f"{result.started} started{_shares(begun)}"]
    if refused:
        told.append(f"{sum(refused.values())} refused{_shares(refused)}")
    if later:
        told.append(f"{sum(later.values())} put off{_shares(later)}")
    for what, words in (("task", "task"), ("message", "message")):
        if what in moves:
            told.append(_many(moves.pop(what), words))
    told += [f"{count} {what.replace('_', ' ')}" for what, count in sorted(moves.items())]
    told += [f"{sum(result.stops.values())} stopped"] if result.stops else []
    told += [f"{result.finished} finished"] if result.finished else []
    return told


def _many(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def _shares(counts: Mapping[str, int]) -> str:
    """Return which parts a number is made of, the largest first."""
    told = [
        f"{name} {n}" for name, n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]
    return f" ({', '.join(told)})" if told else ""


def run_json(result: RunResult) -> dict[str, Any]:
    """Return one run as plain values."""
    from engine.console_delivery import delivery_json  # noqa: PLC0415  slow

    def told(counts: Mapping[tuple[str, str], int]) -> list[dict[str, Any]]:
        return [
            {"playbook": name, "what": what, "count": count}
            for (name, what), count in sorted(counts.items())
        ]

    return {
        "at": result.at, "repeated": result.repeated, "taken": taken_json(result.taken),
        "fed": result.fed,
        "starts": told(result.starts), "moves": told(result.moves), "stops": told(result.stops),
        "live": list(result.live), "held": dict(result.held), "waiting": dict(result.waiting), "on_hold": dict(result.on_hold),
        "finished": result.finished, "sent": result.delivery.sent,
        "delivery": delivery_json(result.delivery), "matcher": result.matcher,
        "degraded": result.degraded, "audit": {"n": result.head[0], "head": result.head[1]},
    }  # fmt: skip


def render_journeys(found: Sequence[tuple[Journey, Sequence[Action], Hold | None]], tz: str) -> str:
    """Return a customer's journeys, each with its steps and the hold that it is under."""
    blocks = []
    for journey, actions, hold in found:
        end = f", {journey.goal or journey.reason or 'done'}" if journey.ended_at else ""
        until = f" to {moment(journey.ended_at, tz)}" if journey.ended_at else ""
        head = (
            f"{journey.id}  {journey.playbook}  {journey.state}{end}"
            f"  from {moment(journey.entry, tz)}{until}"
        )
        if hold is not None:
            head += f"\n  held {held_words(hold, tz)}"
        rows = [
            (
                f"  {action.id}", _turn(action), action.channel or str(action.kind), str(action.state),
                moment(action.opens_at, tz), moment(action.due_by, tz),
                moment(action.closed_at, tz), action.outcome or "", _because(action),
            )
            for action in actions
        ]  # fmt: skip
        heads = (
            "  action",
            "step",
            "channel",
            "state",
            "opens",
            "due",
            "closed",
            "outcome",
            "reason",
        )
        blocks.append(head + ("\n" + table(heads, rows) if rows else ""))
    return "\n\n".join(blocks) if blocks else "no journeys"


def held_words(hold: Hold, tz: str) -> str:
    """Return since when and by what a journey is held."""
    return f"since {moment(hold.since, tz)} by house rule {hold.rule}  {hold.place}"


def _because(action: Action) -> str:
    return " ".join((action.reason or "", f"with {action.host}" if action.host else "")).strip()


def _turn(action: Action) -> str:
    return action.step if action.turn == 1 else f"{action.step} ({action.turn})"


def journey_json(journey: Journey, actions: Sequence[Action], hold: Hold | None) -> dict[str, Any]:
    """Return a journey with its actions as plain values."""
    return {
        "id": journey.id, "playbook": journey.playbook, "revision": journey.revision,
        "customer": journey.customer, "trigger": journey.trigger, "entry": journey.entry,
        "started_at": journey.started_at, "state": str(journey.state),
        "ended_at": journey.ended_at, "reason": journey.reason, "goal": journey.goal,
        "held": hold and {"since": hold.since, "rule": hold.rule, "place": hold.place},
        "actions": [
            {
                "id": a.id, "step": a.step, "turn": a.turn, "kind": str(a.kind),
                "channel": a.channel, "state": str(a.state), "branch": a.branch, "by": a.by,
                "opens_at": a.opens_at, "due_by": a.due_by, "opened_at": a.opened_at,
                "closed_at": a.closed_at, "assignee": a.assignee, "outcome": a.outcome,
                "reason": a.reason, "host": a.host, "calendar": a.words,
            }
            for a in actions
        ],
    }  # fmt: skip


def render_segments(rows: Sequence[SegmentRow]) -> str:
    """Return the segment table (客户分层分析表)."""
    if not rows:
        return "no segments or classes are defined yet"
    lines = [
        (
            row.name, row.title if row.title != row.name else "", row.customers, row.share,
            row.marks, row.strategy, row.playbook,
        )
        for row in rows
    ]  # fmt: skip
    heads = ("segment", "title", "customers", "share", "marks", "strategy", "playbook")
    return f"{table(heads, lines, right=(2, 3))}\n\n{rows[0].population} customers in all"


def render_history(history: History, vocabulary: Vocabulary) -> str:
    """Return a customer's events and attributes, the newest last."""
    tz = vocabulary.timezone
    rows = [
        (moment(event.at, tz), event.name, event.id, _fields(event, vocabulary))
        for event in history.events
    ]
    text = table(("when", "event", "id", "fields"), rows) if rows else "no events"
    known = []
    for version in history.attributes:
        declared = vocabulary.attributes[version.name]
        shown = show_field(valued(declared.kind, version.value), declared.kind, tz)
        known.append(
            (version.name, shown, moment(version.at, tz) if version.at > 0 else "first known")
        )
    return text + ("\n\n" + table(("attribute", "value", "since"), known) if known else "")


def _fields(event: Event, vocabulary: Vocabulary) -> str:
    declared = vocabulary.events[event.name].fields
    return ", ".join(
        f"{name} {show_field(valued(declared[name].kind, value), declared[name].kind, vocabulary.timezone)}"
        for name, value in event.fields.items()
        if name in declared
    )


def history_json(history: History, vocabulary: Vocabulary) -> dict[str, Any]:
    """Return a customer's history as plain values; numbers are texts, exact."""
    tz = vocabulary.timezone

    def told(declared: FieldType, value: Datum | None) -> Any:
        if value is None or declared.kind is FieldKind.YES_NO:
            return value
        return (
            list(value)
            if isinstance(value, tuple)
            else show_field(valued(declared.kind, value), declared.kind, tz)
        )

    return {
        "customer": history.customer,
        "events": [
            {
                "id": event.id, "event": event.name, "at": event.at,
                "fields": {
                    name: told(vocabulary.events[event.name].fields[name], value)
                    for name, value in event.fields.items()
                    if name in vocabulary.events[event.name].fields
                },
            }
            for event in history.events
        ],
        "attributes": [
            {
                "name": version.name, "at": version.at,
                "value": told(vocabulary.attributes[version.name], version.value),
            }
            for version in history.attributes
        ],
    }  # fmt: skip
