"""care.yaml ``reports`` past the parser: which events tell how well the firm does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rules.units import Duration

__all__ = ["Limit", "Replies", "Reports"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How soon one event has to follow another, whatever playbooks say."""

    title: str
    start: tuple[str, ...]  #: event names, resolved from groups, sorted
    end: tuple[str, ...]
    same: str | None  #: field that ties the answer to what it answers
    within: Duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Replies:
    """Which events are answers to which."""

    of: tuple[str, ...]
    by: tuple[str, ...]
    same: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """What reports count beside what care itself did; without the section nothing."""

    orders: Mapping[str, str] = field(default_factory=dict)  #: event -> field with the amount
    satisfaction: Mapping[str, str] = field(default_factory=dict)  #: event -> field, 1 to 5
    nps: Mapping[str, str] = field(default_factory=dict)  #: event -> field, 0 to 10
    replies: Replies | None = None
    churned: str | None = None  #: segment or ``class.value``
    limits: tuple[Limit, ...] = ()
