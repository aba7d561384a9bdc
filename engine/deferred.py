"""Deferrals of the start gate that are over: the same candidates again, made anew of their rows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from engine.candidates import Candidate, Edge
from engine.context import RunContext
from engine.detect_dates import day_again
from engine.ledger import Row
from rules.history import Datum, Event
from rules.playbook import Playbook, Status, Trigger

__all__ = ["deferred_candidates"]


def deferred_candidates(ctx: RunContext) -> list[Candidate]:
    """Return the deferrals that are over, as candidates again; of active playbooks only."""
    found = []
    rows = list(ctx.store.deferred("start", ctx.at))
    ctx.facts.expect(row["customer"] for row in rows)
    for row in rows:
        book = ctx.books.get(row["playbook"])
        evidence = json.loads(row["evidence"])
        path = evidence["trigger"]["path"]
        trigger = next((t for t in book.triggers if t.path == path), None) if book else None
        if book is None or trigger is None or book.status is not Status.ACTIVE:
            continue
        event = _event(ctx, row, evidence) if "event" in evidence else None
        if "event" in evidence and event is None:
            continue
        moment = evidence.get("moment", {})
        found.append(
            Candidate(
                playbook=book, trigger=trigger, customer=row["customer"],
                occurrence=row["occurrence"], entry=row["entry"], event=event,
                edge=_edge(evidence["edge"]) if "edge" in evidence else None,
                extra=_extra(ctx, book, trigger, row, evidence), moment=moment,
                personal=frozenset(moment.get("personal", ())), pending=row["reason"],
            )
        )  # fmt: skip
    return found


def _event(ctx: RunContext, row: Row, evidence: Mapping[str, Any]) -> Event | None:
    seen = evidence["event"]
    return ctx.facts.event(row["customer"], seen["name"], seen["id"])


def _edge(seen: Mapping[str, Any]) -> Edge:
    return Edge(
        definition=seen["definition"], name=seen["name"], since=seen["since"],
        before=seen["before"], after=seen["after"],
    )  # fmt: skip


def _extra(
    ctx: RunContext, book: Playbook, trigger: Trigger, row: Row, evidence: Mapping[str, Any]
) -> dict[str, Datum]:
    """Return the names of ``trigger.`` again; a personal date is read where it is kept."""
    moment = evidence.get("moment", {})
    found: dict[str, Datum] = dict(evidence["trigger"].get("extra", {}))
    if "date" in moment.get("personal", ()) and trigger.date is not None:
        value = ctx.facts.evaluator(book.catalogue, row["customer"]).attribute(trigger.date)
        day = None
        if isinstance(value, int):
            day = day_again(
                ctx.project.vocabulary, ctx.calendar, book, trigger, value, row["occurrence"],
                at=ctx.at,
            )  # fmt: skip
        if day is not None:
            found["date"] = day
    return found
