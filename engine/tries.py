"""Tries: what a channel's answer makes of a message, and when it is tried again. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

from engine.channels.kinds import Answer, Verdict
from engine.ids import stable_share
from engine.words import ActionState, Reason
from rules.units import MICROS

__all__ = ["LONGEST", "POISON", "After", "after_answer", "ladder", "next_try"]

_MINUTE, _HOUR = 60 * MICROS, 3600 * MICROS

#: Waits between the tries of every kind without a ladder of its own; five tries in all.
_USUAL = (_MINUTE, 10 * _MINUTE, _HOUR, 6 * _HOUR)
#: Kind -> waits between its tries. Webhooks: "Standard Webhooks", Deliverability and reliability.
_LADDERS: Mapping[str, tuple[int, ...]] = {
    "webhook": (
        5 * MICROS, 5 * _MINUTE, 30 * _MINUTE, 2 * _HOUR, 5 * _HOUR, 10 * _HOUR, 14 * _HOUR,
        20 * _HOUR, 24 * _HOUR,
    ),
}  # fmt: skip
POISON = 5  #: tries of a message that can't even be made, or breaks its channel's own code
LONGEST = 24 * _HOUR  #: no try is put off further, whatever the other side asks for


@dataclass(frozen=True, slots=True, kw_only=True)
class After:
    """What a try leaves: a state, and whether there is another try."""

    state: ActionState  #: DUE or INTENT: it waits
    reason: Reason | None = None

    @property
    def waits(self) -> bool:
        """True when the message is tried again."""
        return not self.state.closed


def ladder(kind: str) -> tuple[int, ...]:
    """Return the waits (µs) between the tries of a kind of channel; there is one try more."""
    return _LADDERS.get(kind, _USUAL)


def after_answer(answer: Answer, *, tries: int, most: int, doubt: bool, resend: bool) -> After:
    """Return what becomes of a message after its try number ``tries`` of at most ``most``.

    ``doubt``: an earlier try may have arrived, so that no later answer can say that it did not.
    ``resend``: it may go out again although it may have arrived.
    """
    waiting = ActionState.INTENT if doubt else ActionState.DUE
    lost = ActionState.UNKNOWN if doubt else ActionState.FAILED
    match answer.verdict:
        case Verdict.SENT:
            return After(state=ActionState.SENT)
        case Verdict.HANDED_OVER:
            return After(state=ActionState.HANDED_OVER)
        case Verdict.REFUSED if answer.disable:
            return After(state=waiting)
        case Verdict.REFUSED:
            return After(state=lost, reason=Reason.CHANNEL_FAILED)
        case Verdict.RETRY if tries < most:
            return After(state=waiting)
        case Verdict.RETRY:
            return After(state=lost, reason=Reason.PARKED)
        case Verdict.UNKNOWN if not resend:
            return After(state=ActionState.UNKNOWN, reason=Reason.UNKNOWN_ANSWER)
        case Verdict.UNKNOWN if tries < most:
            return After(state=ActionState.INTENT)
        case Verdict.UNKNOWN:
            return After(state=ActionState.UNKNOWN, reason=Reason.PARKED)
        case _:
            assert_never(answer.verdict)


def next_try(kind: str, action: str, tries: int, *, now: int, retry_after: int | None) -> int:
    """Return the wall time of the try after try number ``tries``: somewhere within the ladder's
    wait ("full jitter"), always the same for one action, and never before the other side allows.

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    waits = ladder(kind)
    wait = waits[min(tries, len(waits)) - 1]
    drawn = int(wait * stable_share(action, str(tries)))
    return now + min(max(drawn, retry_after or 0), LONGEST)
