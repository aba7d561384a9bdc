"""From bytes to receipts: JSON within limits, and which of the three shapes it is in.

Whatever care.yaml has to say of it is for ``engine.ingest.meaning``, when a run takes it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from engine.spool import Receipt, Shape
from rules.errors import InputError

__all__ = [
    "CALLS",
    "EVENT_LIMIT",
    "Refusals",
    "broken",
    "check",
    "cloud_event",
    "is_json",
    "read_json",
    "receipt",
    "segment_batch",
    "several",
]

Refusals = list[tuple[int, str]]  #: place in a list from 0, and why

#: Kinds of call that a Segment client makes.
CALLS = ("track", "identify", "page", "screen", "group", "alias")
EVENT_LIMIT = 32 << 10  #: bytes of one event, Segment's own limit
_DEEPEST = 20  #: objects inside each other
_SHOWN = 2_000  #: characters kept of what can't be read


def read_json(data: bytes) -> Any:
    """Return what JSON says, its numbers as the texts that they are.

    A float would change 0.1 + 0.2, and a large id would lose digits. Raises InputError.
    """
    try:
        value = json.loads(data.decode(), parse_float=str, parse_int=str, parse_constant=str)
    except UnicodeDecodeError as error:
        raise InputError("the text is not UTF-8") from error
    except json.JSONDecodeError as error:
        raise InputError(f"this is no JSON: {error.msg} at character {error.pos}") from error
    except RecursionError as error:
        raise InputError(_TOO_DEEP) from error
    if _deeper(value, _DEEPEST):
        raise InputError(_TOO_DEEP)
    return value


_TOO_DEEP = f"more than {_DEEPEST} objects stand inside each other"


def _deeper(value: Any, levels: int) -> bool:
    """Tell whether lists and objects stand inside each other more often than that."""
    inner = [value]
    for _ in range(levels + 1):
        below: list[Any] = []
        for each in inner:
            if isinstance(each, dict):
                below.extend(each.values())
            elif isinstance(each, list):
                below.extend(each)
        if not below:
            return False
        inner = below
    return True


def receipt(
    value: Any,
    *,
    at: int,
    origin: str = "",
    sent: str = "",
    call: str = "",
    shape: Shape | None = None,
) -> Receipt:
    """Return a receipt of one object. ``call`` and ``shape`` are what its address says it is.

    Raises InputError for what is none of the shapes, or too large.
    """
    if not isinstance(value, dict):
        raise InputError("a JSON object is needed: { ... }")
    body: Mapping[str, Any] = {**value, "type": call} if call else value
    shape = shape or _shape(body)
    if shape is Shape.SEGMENT:
        sent = _text(body.get("sentAt")) or sent
    elif shape is Shape.CLOUDEVENT:
        body = _with_data(body)
    elif shape is Shape.RESULT:
        body = _without_envelope(body)
    found = Receipt(at=at, shape=shape, body=body, sent=sent, origin=origin)
    check(found)
    return found


def check(receipt: Receipt) -> None:
    """Raise InputError where a receipt lacks what its shape needs, or is above the limit."""
    body = receipt.body
    size = _size(body)
    if size > EVENT_LIMIT:
        raise InputError(f"one event may have {EVENT_LIMIT >> 10} kB, this has {size >> 10}")
    match receipt.shape:
        case Shape.SEGMENT:
            _require_segment(body)
        case Shape.CLOUDEVENT:
            _require_cloud_event(body)
        case Shape.RESULT:
            if not _text(body.get("action")):
                raise InputError("`action`, the id of what was done, is missing")
        case Shape.BROKEN:
            raise InputError(receipt.why)


def _size(value: Mapping[str, Any]) -> int:
    """Return the bytes of an object. Raises InputError for characters that no text has."""
    text = json.dumps(value, ensure_ascii=False)
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise InputError("a text has half a character in it (a lone surrogate)") from error
    if "\\u0000" in text:
        raise InputError("a text has a NUL character in it")
    return size


def _shape(value: Mapping[str, Any]) -> Shape:
    if "specversion" in value:
        return Shape.CLOUDEVENT
    if value.get("type") in CALLS:
        return Shape.SEGMENT
    if "action" in _without_envelope(value):
        return Shape.RESULT
    raise InputError(
        f"this is no Segment call (type: {', '.join(CALLS)}), no CloudEvent (specversion: 1.0)"
        " and no result (action: a-...)"
    )


def _require_segment(body: Mapping[str, Any]) -> None:
    kind = body.get("type")
    if kind not in CALLS:
        raise InputError(f'no call is of the type "{_text(kind)}"; there are {", ".join(CALLS)}')
    if kind == "track" and not _text(body.get("event")):
        raise InputError("`event`, the name of what happened, is missing")
    if not (_text(body.get("userId")) or _text(body.get("anonymousId"))):
        raise InputError("`userId`, the customer, is missing")
    for key in ("properties", "traits"):
        if not isinstance(body.get(key) or {}, dict):
            raise InputError(f"`{key}` is no JSON object")


def _require_cloud_event(body: Mapping[str, Any]) -> None:
    for key in ("specversion", "id", "source", "type"):
        if not _text(body.get(key)):
            raise InputError(f"`{key}` is missing; CloudEvents 1.0 requires it")
    if body["specversion"] != "1.0":
        raise InputError(f"CloudEvents {_text(body['specversion'])} is not known, 1.0 is")
    if any(char.isspace() for char in _text(body["source"])):
        raise InputError("`source` has a blank in it, and is to be a URI")
    if not isinstance(body.get("data") or {}, dict):
        raise InputError("`data` is no JSON object")


def broken(text: str, why: str, *, at: int, origin: str = "") -> Receipt:
    """Return a receipt of what can't be read, so that somebody sees it."""
    return Receipt(at=at, shape=Shape.BROKEN, body={"text": text[:_SHOWN]}, origin=origin, why=why)


def segment_batch(value: Any, *, at: int) -> tuple[list[Receipt], Refusals]:
    """Return the receipts of a Segment batch, and which of its calls can't be taken.

    Those are receipts too, of the shape BROKEN: the others of their batch are not sent again.
    Raises InputError for what is no batch.
    """
    if not isinstance(value, dict) or not isinstance(value.get("batch"), list):
        raise InputError("a batch is {batch: [ ... ]}")
    sent = _text(value.get("sentAt"))
    return several(value["batch"], at=at, sent=sent, shape=Shape.SEGMENT)


def several(
    items: list[Any], *, at: int, shape: Shape, sent: str = ""
) -> tuple[list[Receipt], Refusals]:
    """Return the receipts of a list of objects, and which of them can't be taken."""
    found: list[Receipt] = []
    refused: Refusals = []
    for index, item in enumerate(items):
        origin = f"number {index + 1} of its batch"
        try:
            found.append(receipt(item, at=at, sent=sent, origin=origin, shape=shape))
        except InputError as error:
            refused.append((index, str(error)))
            shown = json.dumps(item, ensure_ascii=False)
            found.append(broken(shown, str(error), at=at, origin=origin))
    return found, refused


def cloud_event(headers: Mapping[str, str], data: bytes, content_type: str) -> dict[str, Any]:
    """Return a CloudEvent of binary mode, whose attributes are headers, as one object.

    ``headers``: names in lower case without their ``ce-``, values decoded. Raises InputError.
    """
    event: dict[str, Any] = dict(headers)
    if not data:
        return event
    if content_type and not is_json(content_type):
        raise InputError(f"data of a CloudEvent is to be JSON, not {content_type}")
    return {**event, "data": read_json(data)}


def is_json(content_type: str) -> bool:
    """Tell whether a media type is JSON: ``application/json``, ``application/x+json``."""
    kind = content_type.partition(";")[0].strip().casefold()
    return kind in ("application/json", "text/json") or kind.endswith("+json")


def _with_data(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a CloudEvent whose ``data_base64`` is read into ``data``. Raises InputError."""
    if "data_base64" not in body:
        return body
    if not is_json(_text(body.get("datacontenttype")) or "application/json"):
        raise InputError("`data_base64` holds something else than JSON")
    try:
        data = read_json(base64.b64decode(_text(body["data_base64"]), validate=True))
    except ValueError as error:
        raise InputError("`data_base64` is no base64") from error
    return {**{key: value for key, value in body.items() if key != "data_base64"}, "data": data}


def _without_envelope(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a result out of the envelope of Standard Webhooks: type, timestamp, data."""
    data = body.get("data")
    if "action" in body or not isinstance(data, dict):
        return body
    return {"at": body["timestamp"], **data} if "timestamp" in body else data


def _text(value: Any) -> str:
    """Return an id or a name; "" for what is none."""
    return value.strip() if isinstance(value, str) else ""
