"""What a message waits for: the closed words that ``care outbox`` and the run's summary tell."""

from __future__ import annotations

from enum import StrEnum

from engine.channel_states import ChannelStates
from engine.outbox import Waiting
from engine.switchboard import Switchboard
from rules.playbook import Project, Status

__all__ = ["LOCAL", "Obstacles", "Waits"]

LOCAL = "file"  #: the kind of channel that leaves nothing but files in the project


class Waits(StrEnum):
    """Why a message on its way is not sent now."""

    IN_FLIGHT = "in_flight"  #: being sent just now, or care was stopped while it was
    READY = "ready"  #: nothing but time: the next delivery sends it
    RETRY = "retry"  #: a try failed, the next one has its time
    DISABLED = "channel_disabled"  #: the other side said that the address is gone for good
    PAUSED = "channel_paused"  #: the channel failed several times in a row
    SETTINGS = "settings"  #: a setting or secret of the channel is missing
    RATE = "rate"  #: the channel takes only so many a minute
    QUIET = "quiet"  #: it is night where the customer is
    HOLD = "house_hold"  #: a house rule holds its journey
    PLAYBOOK = "playbook"  #: its playbook is paused, broken or gone
    PAST = "past_run"  #: decided by a run of the past, or one ahead of the clock
    LOG = "log_in_use"  #: consent can't be asked while somebody imports


class Obstacles:
    """What stands in the way of messages at an instant of the wall clock, as far as the ledger and
    the project tell. Quiet hours and consent are asked when a message is sent.

    ``past``: what runs of the past decided goes out as well.
    """

    def __init__(
        self,
        project: Project,
        states: ChannelStates,
        board: Switchboard,
        *,
        now: int,
        past: bool = False,
    ) -> None:
        self.states = states
        self.board = board
        self.now = now
        self.past = past
        self._acting = {book.name for book in project.playbooks if book.status is Status.ACTIVE}

    def of(self, item: Waiting) -> Waits:
        """Return what a message waits for."""
        channel = item.action.channel
        kind, state = self.board.kind(channel), self.states.of(channel)
        if state.disabled is not None:
            return Waits.DISABLED
        if item.action.playbook not in self._acting:
            return Waits.PLAYBOOK
        if item.held:
            return Waits.HOLD
        if not (item.live or self.past) and kind is not None and kind.name != LOCAL:
            return Waits.PAST
        if item.early(self.now):
            return Waits.RETRY
        if state.paused(self.now):
            return Waits.PAUSED
        if kind is not None and isinstance(self.board.line(channel), str):
            return Waits.SETTINGS
        return Waits.READY
