"""What people read of the outbox: messages on their way, and those that need a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.channel_states import ChannelState
from engine.console import moment, table
from engine.outbox_list import Listed

__all__ = ["listed_json", "render_outbox"]


def render_outbox(
    found: Sequence[Listed], disabled: Mapping[str, ChannelState], tz: str, most: int
) -> str:
    """Return the outbox as a table, at most so many lines of it, and the disabled channels."""
    rows = [
        (
            one.action.id, str(one.action.state), one.why.replace("_", " "), one.action.customer,
            one.action.channel, one.action.step, moment(one.action.due_by, tz), one.tries or "",
            moment(one.tried_at, tz), moment(one.next_try, tz) if one.next_try else "",
            ": ".join(part for part in (one.code, one.said) if part),
        )
        for one in found[:most]
    ]  # fmt: skip
    heads = ("id", "state", "why", "customer", "channel", "step", "due", "tries", "tried", "again", "said")  # fmt: skip
    lines = [table(heads, rows) if rows else "the outbox is empty"]
    if len(found) > most:
        lines.append(f"... and {len(found) - most} more; --format json shows all")
    lines += [
        f"channel {name} is disabled since {moment(state.disabled, tz)}: {state.words};"
        f" `care deliver --enable {name}`"
        for name, state in disabled.items()
    ]
    return "\n".join(lines)


def listed_json(one: Listed) -> dict[str, Any]:
    """Return a message of the outbox as plain values."""
    action = one.action
    return {
        "id": action.id, "state": str(action.state), "why": one.why, "customer": action.customer,
        "playbook": action.playbook, "step": action.step, "channel": action.channel,
        "opened_at": action.opened_at, "due_by": action.due_by, "closed_at": action.closed_at,
        "tries": one.tries, "tried_at": one.tried_at, "next_try": one.next_try or None,
        "code": one.code, "said": one.said,
    }  # fmt: skip
