"""What goes into a channel and what comes out of it: the message, and the channel's answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from rules.vocabulary import Channel

__all__ = ["Answer", "ChannelKind", "Message", "Sending", "Verdict"]


class Verdict(StrEnum):
    """What one try to send came to."""

    SENT = "sent"  #: the other side has taken it
    HANDED_OVER = "handed_over"  #: given to a library that does not say whether it arrived
    RETRY = "retry"  #: surely not delivered; it may be tried again
    REFUSED = "refused"  #: will never work: no further try
    UNKNOWN = "unknown"  #: the answer was cut: it may or may not have arrived


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The outcome of one try, for the outbox and for people."""

    verdict: Verdict
    words: str  #: one sentence without a secret
    retry_after: int | None = None  #: µs to wait before the next try, where the other side said so
    code: str = ""  #: the other side's own: ``550``, ``HTTP 429``, ``45009``
    disable: bool = False  #: the address is gone for good: the channel is to be disabled


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One rendered message."""

    action: str  #: id of the action, and the key by which a receiver knows a repetition
    attempt: int  #: 1 for the first try
    customer: str
    playbook: str
    step: str
    channel: str
    title: str
    to: str = ""  #: the address; "" where the channel has none
    subject: str = ""
    text: str = ""
    html: str = ""
    attachments: tuple[str, ...] = ()  #: paths inside the project
    data: Mapping[str, Any] = field(
        default_factory=dict
    )  #: what files and webhooks carry beside: assignee, opens_at, due_by, brief, journey ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """One try: a message, its channel with the secrets resolved, and the time there is."""

    root: Path  #: the project's folder
    channel: Channel
    settings: Mapping[str, str] = field(repr=False)  #: the channel's, with every secret put in
    message: Message
    timeout: float  #: seconds
    now: int  #: instant of the wall clock: signatures and the Date of a mail


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelKind:
    """One kind of channel. ``send`` None: a person acts, nothing is sent."""

    name: str
    send: Callable[[Sending], Answer] | None
    idempotent: bool = False  #: sent twice it is one: may be repeated after a cut or a crash
    per_minute: int | None = None  #: messages a minute that one channel of this kind takes
    digest: Callable[[Sequence[Message]], Message] | None = None  #: one message of several

    @property
    def human(self) -> bool:
        """True when its actions are tasks."""
        return self.send is None
