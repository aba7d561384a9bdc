"""house.yaml past the parser."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from rules.conditions import Condition
from rules.errors import Span
from rules.units import Duration

__all__ = [
    "Cap",
    "Consent",
    "HouseRule",
    "HouseRules",
    "Quiet",
    "Route",
    "Verdict",
]


class Verdict(StrEnum):
    """What a house rule may say."""

    HOLD = "hold"  #: neither starts nor goes on, until the rule no longer matches
    SKIP = "skip"
    DEFER = "defer"
    ASSIGN = "assign"
    USE = "use"


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseRule:
    """One house rule: judges ``work`` in the light of ``customer`` and ``running``."""

    name: str
    span: Span = field(compare=False)
    path: str  #: ``rules/0``
    verdict: Verdict
    delay: Duration | None = None  #: of DEFER
    role: str | None = None  #: of ASSIGN
    channel: str | None = None  #: of USE
    purposes: tuple[str, ...] = ()  #: work.purpose one of; empty: any
    playbooks: tuple[str, ...] = ()  #: work.playbook one of; empty: any
    channels: tuple[str, ...] = ()  #: work.channel one of (release gate only); empty: any
    customer: Condition | None = None
    running_purposes: tuple[
        str, ...
    ] = ()  #: another journey of the customer runs with one of these
    running_playbooks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """At most so many actions that reached the customer in a rolling window."""

    at_most: int
    per: Duration
    path: str
    span: Span = field(compare=False)
    purposes: tuple[str, ...] = ()  #: counted and bound; empty: all
    channels: tuple[str, ...] = ()  #: counted and bound; empty: all
    exempt: tuple[str, ...] = ()  #: purposes neither counted nor bound
    verdict: Verdict = Verdict.DEFER  #: DEFER until the window has room, or SKIP


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """Hours in which nothing reaches a customer, in the customer's zone; may span midnight."""

    start: dt.time
    end: dt.time
    span: Span = field(compare=False)
    verdict: Verdict = Verdict.DEFER  #: ``wait`` is DEFER to the end; or SKIP
    channels: tuple[str, ...] = ()  #: bound; empty: all that reach the customer
    exempt: tuple[str, ...] = ()  #: purposes
    path: str = "quiet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """A channel needs a yes in an attribute; no and unknown are no."""

    channel: str  #: ``all`` for every channel
    attribute: str
    span: Span = field(compare=False)
    path: str = "consent"  #: ``consent/email``, ``consent/0/email``
    purposes: tuple[str, ...] = ()  #: empty: all
    refuses: bool = False  #: True: the attribute is a do-not-contact mark: only its yes is a no


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One line of ``routing``: a channel, or the attribute that names it."""

    use: str
    of_attribute: bool
    path: str
    span: Span = field(compare=False)
    condition: Condition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseRules:
    """house.yaml past the parser."""

    rules: tuple[HouseRule, ...] = ()
    holdout: Fraction = Fraction(0)  #: project-wide
    caps: tuple[Cap, ...] = ()
    quiet: Quiet | None = None
    consent: tuple[Consent, ...] = ()
    routing: tuple[Route, ...] = ()
