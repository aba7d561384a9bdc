"""What a receipt means in the words of care.yaml: an event, attributes, a result, or nothing.

Names only: whether a value is the number or the date that its field wants is for the import.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.ids import canonical_json, sha
from engine.intake.jsonl import flatten
from engine.spool import Receipt, Shape
from rules.errors import did_you_mean
from rules.ingest import Anonymous, Taking, Undeclared
from rules.units import MICROS, from_datetime
from rules.vocabulary import BUILT_IN_EVENTS, FieldType, Vocabulary

__all__ = ["Happened", "Known", "Meaning", "Passed", "Refused", "Result", "meaning"]

_AHEAD = 24 * 3600 * MICROS  #: so far after its arrival an event may be said to happen
#: What page, screen, group and alias calls say outside of their properties.
_BESIDE = ("name", "category", "groupId", "previousId")
_RESULT_KEYS = ("action", "outcome", "ask", "note", "at", "who", "id")

Cells = Mapping[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """An event of a customer."""

    source: str  #: with the id it makes the event known again
    id: str
    event: str
    customer: str
    at: int
    received: int
    cells: Cells  #: our field -> text; None: said to be empty


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Attributes of a customer, those that the sender spoke of."""

    source: str
    id: str
    customer: str
    at: int
    received: int
    cells: Cells


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of an action."""

    id: str
    action: str
    outcome: str | None
    asked: Mapping[str, str]
    note: str
    who: str
    at: int
    received: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """Nothing that anybody wants; ``why`` is for counting."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """What care.yaml does not allow, or what can't be true."""

    why: str


Meaning = Happened | Known | Result | Passed | Refused


class _RefusedError(Exception):
    """Carries why."""


def meaning(receipt: Receipt, vocabulary: Vocabulary) -> Meaning:
    """Return what a receipt means under a vocabulary."""
    try:
        match receipt.shape:
            case Shape.SEGMENT:
                return _segment(receipt, vocabulary)
            case Shape.CLOUDEVENT:
                return _cloud_event(receipt, vocabulary)
            case Shape.RESULT:
                return _result(receipt)
            case Shape.BROKEN:
                return Refused(why=receipt.why)
    except _RefusedError as error:
        return Refused(why=str(error))


# -- Segment -----------------------------------------------------------------------------------


def _segment(receipt: Receipt, vocabulary: Vocabulary) -> Meaning:
    body, rules = receipt.body, vocabulary.ingest
    kind = _text(body.get("type"))
    name = _text(body.get("event")) if kind == "track" else kind
    if name in rules.ignore:
        return Passed(why=name)
    given = body.get("traits") if kind in ("identify", "group") else body.get("properties")
    cells = flatten(given if isinstance(given, dict) else {})
    taking = rules.events.get(name)
    if taking is None and kind == "identify":
        taking = Taking(event=None, fields=rules.attributes)
    taking = taking or _same_name(name, vocabulary)
    wanted = {*taking.fields.values(), *_declared_of(taking, vocabulary)}
    cells |= {key: _text(body.get(key)) or None for key in _BESIDE if key in body and key in wanted}
    customer = _text(body.get("userId"))
    if taking.customer:
        customer = _named_customer(cells, taking)
    elif not customer:
        visitor = _text(body.get("anonymousId"))
        if rules.anonymous is Anonymous.IGNORE:
            return Passed(why="no customer, only a visitor")
        if rules.anonymous is Anonymous.REFUSE or not visitor:
            raise _RefusedError("no customer (userId), only a visitor (anonymousId)")
        customer = visitor
    at = _segment_time(receipt)
    identity = _text(body.get("messageId")) or _by_content(receipt)
    return _made("segment", identity, customer, at, receipt, cells, taking, vocabulary)


def _segment_time(receipt: Receipt) -> int:
    """Return when it happened, the sender's wrong clock taken out.

    Segment's rule: the arrival, less what passed on the sender's own clock between the event and
    the sending.
    """
    body = receipt.body
    relayed = "receivedAt" in body  # by Segment's servers, which have corrected the timestamp
    original = "" if relayed else _text(body.get("originalTimestamp"))
    text = original or _text(body.get("timestamp"))
    if not text:
        return receipt.at
    at = _instant(text, "timestamp")
    if receipt.sent and not relayed:
        at = receipt.at - (_instant(receipt.sent, "sentAt") - at)
    return _possible(at, receipt)


# -- CloudEvents -------------------------------------------------------------------------------


def _cloud_event(receipt: Receipt, vocabulary: Vocabulary) -> Meaning:
    body, rules = receipt.body, vocabulary.ingest
    name = _text(body.get("type"))
    if name in rules.ignore:
        return Passed(why=name)
    data = body.get("data")
    cells = flatten(data if isinstance(data, dict) else {})
    taking = rules.events.get(name) or _same_name(name, vocabulary)
    customer = _named_customer(cells, taking) if taking.customer else _text(body.get("subject"))
    if not customer:
        raise _RefusedError("no `subject`, the customer")
    text = _text(body.get("time"))
    at = _possible(_instant(text, "time"), receipt) if text else receipt.at
    identity = f"{_text(body.get('source'))} {_text(body.get('id'))}"
    return _made("cloudevents", identity, customer, at, receipt, cells, taking, vocabulary)


# -- results -----------------------------------------------------------------------------------


def _result(receipt: Receipt) -> Result:
    body = receipt.body
    for key in body:
        if key not in _RESULT_KEYS:
            raise _RefusedError(f'a result has no "{key}"; {did_you_mean(key, _RESULT_KEYS)}')
    asked = body.get("ask") or {}
    if not isinstance(asked, dict):
        raise _RefusedError('`ask` is no JSON object: write {"satisfaction": 4}')
    text = _text(body.get("at"))
    return Result(
        id=_text(body.get("id")) or _by_content(receipt, timed=True),
        action=_text(body.get("action")),
        outcome=_text(body.get("outcome")) or None,
        asked={name: value for name, value in flatten(asked).items() if value is not None},
        note=_text(body.get("note")),
        who=_text(body.get("who")),
        at=_possible(_instant(text, "at"), receipt) if text else receipt.at,
        received=receipt.at,
    )


# -- what they share ---------------------------------------------------------------------------


def _same_name(name: str, vocabulary: Vocabulary) -> Taking:
    """Return what a name stands for of which ``ingest`` says nothing: the event of that name."""
    if name in BUILT_IN_EVENTS:
        raise _RefusedError(f'event "{name}" is written by care itself')
    if name not in vocabulary.events:
        known = {*vocabulary.events, *vocabulary.ingest.events} - set(BUILT_IN_EVENTS)
        hint = did_you_mean(name, known) or "name it under ingest: events: in care.yaml"
        raise _RefusedError(f'no event "{name}"; {hint}')
    return Taking(event=name)


def _named_customer(cells: dict[str, str | None], taking: Taking) -> str:
    customer = (cells.pop(taking.customer, "") or "").strip()
    if not customer:
        raise _RefusedError(f'no "{taking.customer}", which names the customer')
    return customer


def _made(
    source: str,
    identity: str,
    customer: str,
    at: int,
    receipt: Receipt,
    given: Cells,
    taking: Taking,
    vocabulary: Vocabulary,
) -> Happened | Known | Passed:
    cells = _taken(given, taking, vocabulary)
    if taking.event is not None:
        return Happened(
            source=source, id=identity, event=taking.event, customer=customer, at=at,
            received=receipt.at, cells=cells,
        )  # fmt: skip
    if not cells:
        return Passed(why="no attributes")
    return Known(
        source=source, id=identity, customer=customer, at=at, received=receipt.at, cells=cells
    )


def _declared_of(taking: Taking, vocabulary: Vocabulary) -> Mapping[str, FieldType]:
    if taking.event is None:
        return vocabulary.attributes
    return vocabulary.events[taking.event].fields


def _taken(given: Cells, taking: Taking, vocabulary: Vocabulary) -> Cells:
    """Return our names with the values of theirs. Raises where a name of theirs is not taken."""
    declared = _declared_of(taking, vocabulary)
    left = dict(given)
    found: dict[str, str | None] = {}
    for ours, theirs in taking.fields.items():
        if theirs in left:
            found[ours] = left.pop(theirs)
    for name in [each for each in left if each in declared and each not in found]:
        found[name] = left.pop(name)
    if left and vocabulary.ingest.undeclared is Undeclared.REFUSE:
        name = next(iter(left))
        hint = did_you_mean(name, declared) or "`undeclared: ignore` in care.yaml leaves such out"
        if taking.event is None:
            raise _RefusedError(f'no attribute "{name}"; {hint}')
        raise _RefusedError(f'event "{taking.event}" has no field "{name}"; {hint}')
    return found


def _instant(text: str, key: str) -> int:
    """Return the instant of ISO text; a time without offset is UTC."""
    try:
        moment = dt.datetime.fromisoformat(text)
        return from_datetime(moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC))
    except (ValueError, OverflowError) as error:
        message = f'`{key}` is no time care can read: write it like "2026-03-18T14:30:00Z"'
        raise _RefusedError(message) from error


def _possible(at: int, receipt: Receipt) -> int:
    if at > receipt.at + _AHEAD:
        raise _RefusedError("it is said to have happened more than a day after it arrived")
    return at


def _by_content(receipt: Receipt, *, timed: bool = False) -> str:
    """Return an id for what has none: equal content is the same thing, sent again.

    Without a time of its own it is a new thing each time it comes.
    """
    body = {key: value for key, value in receipt.body.items() if key != "sentAt"}
    own = timed or any(key in body for key in ("timestamp", "originalTimestamp"))
    when = "" if own else str(receipt.at)
    return sha(canonical_json(body), when, receipt.origin if not own else "")[:32]


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""
