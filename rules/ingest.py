"""What care.yaml says of events that other programs send: ``ingest``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from rules.errors import Span

__all__ = ["Anonymous", "Ingest", "Taking", "Undeclared"]


class Anonymous(StrEnum):
    """What becomes of a call that names no customer, only a visitor."""

    REFUSE = "refuse"  #: it goes to the rejects
    IGNORE = "ignore"  #: it is counted and passed over
    TAKE = "take"  #: the visitor's id is the customer's


class Undeclared(StrEnum):
    """What becomes of an event with a field that care.yaml does not declare."""

    REFUSE = "refuse"  #: the event goes to the rejects
    IGNORE = "ignore"  #: the field is left out


@dataclass(frozen=True, slots=True, kw_only=True)
class Taking:
    """What one of the senders' names stands for."""

    event: str | None  #: our kind of event; None: attributes of the customer
    fields: Mapping[str, str] = field(default_factory=dict)  #: our field -> theirs, ``order.total``
    customer: str = ""  #: their field that names the customer; "": the usual place
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingest:
    """How events from other programs are taken."""

    token: str = ""  #: as written, ``${env:NAME}``; "": none
    secret: str = ""  #: of signed requests (Standard Webhooks), as written
    events: Mapping[str, Taking] = field(default_factory=dict)  #: their name -> what it stands for
    attributes: Mapping[str, str] = field(
        default_factory=dict
    )  #: our attribute -> their trait, of ``identify``
    ignore: tuple[str, ...] = ()  #: their names that are passed over
    undeclared: Undeclared = Undeclared.REFUSE
    anonymous: Anonymous = Anonymous.REFUSE
    replies: str = ""  #: our kind of event for replies to messages; "": none
    limit: int = 256_000_000  #: bytes that may wait in the spool
