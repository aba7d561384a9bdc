"""What people read of a delivery: what was sent, and what needs a person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.channels.files import Collected
from engine.delivery import Delivery
from engine.waits import Waits

__all__ = [
    "collected_json",
    "collected_lines",
    "delivery_counts",
    "delivery_json",
    "delivery_lines",
    "render_delivery",
]

_WAITS = {
    Waits.IN_FLIGHT: "being sent just now",
    Waits.READY: "left for the next delivery",
    Waits.RETRY: "waiting for another try",
    Waits.DISABLED: "waiting for a disabled channel",
    Waits.PAUSED: "waiting for a channel that fails just now",
    Waits.SETTINGS: "waiting for a channel whose settings are wrong",
    Waits.RATE: "waiting for room in a channel with a limit",
    Waits.QUIET: "waiting for the customer's morning",
    Waits.HOLD: "held by a house rule",
    Waits.PLAYBOOK: "waiting for a playbook that is paused, broken or gone",
    Waits.PAST: "not sent: decided by a run of another time than the present",
    Waits.LOG: "waiting: the log is in use, so consent can't be asked",
}


def delivery_counts(did: Delivery) -> list[str]:
    """Return what a delivery did as the parts of one line."""
    named = (
        (did.sent, "sent"), (did.handed_over, "handed over"), (did.digests, "in one message"),
        (did.refused, "not sent: consent was withdrawn"), (did.skipped, "skipped when it was sent"),
    )  # fmt: skip
    return [
        *(f"{count} {words}" for count, words in named if count),
        *(f"{count} {_WAITS[why]}" for why, count in sorted(did.waiting.items())),
    ]


def delivery_lines(did: Delivery) -> Iterator[str]:
    """Yield the lines about what needs a person."""
    if did.failed:
        yield f"  FAILED: {_messages(did.failed)} refused; `care outbox --state failed` shows them"
    if did.parked:
        yield (
            f"  PARKED: {_messages(did.parked)} tried as often as may be;"
            " `care outbox --state failed` shows them"
        )
    if did.unknown:
        yield (
            f"  UNKNOWN: nobody knows whether {_messages(did.unknown)} arrived;"
            " `care outbox --state unknown` shows them, `care settle` says what became of them"
        )
    for channel, words in sorted(did.disabled.items()):
        yield (
            f"  DISABLED: channel {channel}: {words}; its messages wait."
            f" Once it is mended: `care deliver --enable {channel}`"
        )
    for channel, words in sorted(did.troubles.items()):
        yield f"  CAN'T SEND: {words}; the messages of channel {channel} wait"
    if did.waiting.get(Waits.PAST):
        yield "  `care deliver --past` sends what runs of another time decided; look at it first"
    if did.busy:
        yield f"  {did.busy}: it sends what is due"


def _messages(count: int) -> str:
    return f"{count} message{'' if count == 1 else 's'}"


def render_delivery(did: Delivery) -> str:
    """Return what a delivery did in a line, and further lines for what needs a person."""
    return "\n".join([", ".join(delivery_counts(did)) or "nothing to send", *delivery_lines(did)])


def delivery_json(did: Delivery) -> dict[str, Any]:
    """Return a delivery as plain values."""
    return {
        "sent": did.sent, "handed_over": did.handed_over, "failed": did.failed,
        "parked": did.parked, "unknown": did.unknown, "refused": did.refused,
        "skipped": did.skipped, "retried": did.retried, "digests": did.digests,
        "undelivered": sum(did.waiting.values()),
        "waiting": {str(why): count for why, count in sorted(did.waiting.items())},
        "disabled": dict(did.disabled), "troubles": dict(did.troubles), "busy": did.busy,
    }  # fmt: skip


def collected_lines(gathered: Collected) -> list[str]:
    """Return what was gathered into a table, and which files can't be read."""
    files = f"{gathered.added} file{'' if gathered.added == 1 else 's'}"
    told = f"{files} gathered, {gathered.rows} rows in {gathered.out}"
    lines = [told if gathered.added else "no new files to gather"]
    lines += [f"  {path}: finished what an earlier gathering left" for path in gathered.resumed]
    return lines + [f"  NOT READ: {name}" for name in gathered.broken]


def collected_json(gathered: Collected) -> dict[str, Any]:
    """Return what was gathered as plain values."""
    return {
        "out": str(gathered.out), "added": gathered.added, "rows": gathered.rows,
        "broken": list(gathered.broken), "resumed": list(map(str, gathered.resumed)),
    }  # fmt: skip
