"""The HTTP receiver: one request, one answer, and 200 only when the disk has what came.

It decides about the shape of what comes only. What care.yaml has to say of it is decided when a run
takes it, so that a name that is missing there loses nothing.
"""

from __future__ import annotations

import asyncio
import functools
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from engine.ingest.guard import Guard, is_loopback
from engine.ingest.reading import (
    CALLS,
    Refusals,
    cloud_event,
    is_json,
    read_json,
    receipt,
    segment_batch,
    several,
)
from engine.spool import Receipt, Shape, Spool, SpoolFullError
from rules.errors import InputError

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

__all__ = ["BODY_LIMIT", "Receiver", "application"]

BODY_LIMIT = 512 << 10  #: bytes of one request, unpacked: Segment's own limit
_PATIENCE = 30.0  #: seconds for a request to arrive whole
_AGAIN = "60"  #: seconds after which a sender may try again
_CUT = 499  #: in the log: the sender went away before all had come

#: Reads headers (names in lower case) and the unpacked body of a request that came at an instant.
Reader = Callable[[Mapping[str, str], bytes, int], tuple[list[Receipt], Refusals]]


class _AnswerError(Exception):
    """Ends a request with a status, a code for programs and words for people."""

    def __init__(self, status: int, code: str, words: str) -> None:
        self.status, self.code = status, code
        super().__init__(words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Where requests go. ``clock`` gives the wall time; ``told`` gets a line a request, which has
    nothing of what was sent in it.
    """

    spool: Spool
    guard: Guard
    clock: Callable[[], int]
    told: Callable[[str], None]

    async def receive(self, request: Request, reader: Reader) -> Response:
        """Answer a request whose body a reader understands."""
        from starlette.requests import ClientDisconnect  # noqa: PLC0415

        status, taken, odd = 200, 0, ""
        try:
            taken, refused = await self._take(request, reader)
            answer = {"success": True, "taken": taken, "refused": refused}
        except _AnswerError as error:
            status, answer = error.status, _said(error.code, str(error))
        except SpoolFullError as error:
            status, answer = 503, _said("full", str(error))
        except InputError as error:
            status, answer = 400, _said("bad_request", str(error))
        except ClientDisconnect:
            status, answer = _CUT, _said("cut", "the request did not arrive whole")
        except Exception as error:  # told, and the next request is none the worse for it
            status, answer = 500, _said("internal", "an error inside care")
            odd = f", {type(error).__name__}"
        self.told(f"{request.method} {request.url.path} {status} {taken} taken{odd}")
        return _response(status, answer)

    async def _take(self, request: Request, reader: Reader) -> tuple[int, list[dict[str, Any]]]:
        if self.guard.open and not is_loopback(_host(request.headers.get("host", ""))):
            raise _AnswerError(403, "host", "without a token only this machine may send")
        packed = await _body(request)
        at = self.clock()
        if not self.guard.admits(request.headers, packed, at=at):
            words = "the token, or the signature, is missing or wrong"
            raise _AnswerError(401, "unauthorized", words)
        body = _unpacked(packed, request.headers.get("content-encoding", ""))
        receipts, refused = reader(request.headers, body, at)
        if receipts:
            await asyncio.to_thread(self.spool.put, receipts, at=at)
        told = [{"number": number + 1, "why": why} for number, why in refused]
        return len(receipts) - len(refused), told

    async def health(self, request: Request) -> Response:  # noqa: ARG002  a route's shape
        """Answer whether there is room for more; needs no token."""
        if await asyncio.to_thread(self.spool.full):
            return _response(503, _said("full", "the spool is full: `care run` empties it"))
        return _response(200, {"success": True})


def application(receiver: Receiver) -> Starlette:
    """Return the ASGI application of a receiver."""
    from starlette.applications import Starlette  # noqa: PLC0415  slow
    from starlette.exceptions import HTTPException  # noqa: PLC0415
    from starlette.routing import Route  # noqa: PLC0415

    async def nowhere(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        receiver.told(f"{request.method} (no such address) {error.status_code}")
        words = "there is nothing at this address for this method"
        return _response(error.status_code, _said("not_found", words))

    def route(path: str, reader: Reader) -> Route:
        async def endpoint(request: Request) -> Response:
            return await receiver.receive(request, reader)

        return Route(path, endpoint, methods=["POST"])

    routes = [
        Route("/healthz", receiver.health, methods=["GET"]),
        route("/v1/batch", _read_batch),
        route("/v1/cloudevents", _read_cloud_events),
        route("/v1/results", _read_results),
        *(route(f"/v1/{call}", functools.partial(_read_call, call)) for call in CALLS),
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: nowhere})


# -- what stands behind each address -----------------------------------------------------------


def _read_batch(headers: Mapping[str, str], body: bytes, at: int) -> tuple[list[Receipt], Refusals]:
    return segment_batch(_json(headers, body), at=at)


def _read_call(
    call: str, headers: Mapping[str, str], body: bytes, at: int
) -> tuple[list[Receipt], Refusals]:
    return [receipt(_json(headers, body), at=at, call=call)], []


def _read_cloud_events(
    headers: Mapping[str, str], body: bytes, at: int
) -> tuple[list[Receipt], Refusals]:
    if "ce-specversion" in headers:
        own = {key[3:]: unquote(value) for key, value in headers.items() if key.startswith("ce-")}
        event = cloud_event(own, body, headers.get("content-type", ""))
        return [receipt(event, at=at, shape=Shape.CLOUDEVENT)], []
    return _one_or_several(_json(headers, body), at, Shape.CLOUDEVENT)


def _read_results(
    headers: Mapping[str, str], body: bytes, at: int
) -> tuple[list[Receipt], Refusals]:
    return _one_or_several(_json(headers, body), at, Shape.RESULT)


def _one_or_several(value: Any, at: int, shape: Shape) -> tuple[list[Receipt], Refusals]:
    if isinstance(value, list):
        return several(value, at=at, shape=shape)
    return [receipt(value, at=at, shape=shape)], []


def _json(headers: Mapping[str, str], body: bytes) -> Any:
    """Return the JSON of a body that says it is; a page in a browser may send other types."""
    if not is_json(headers.get("content-type", "")):
        raise _AnswerError(415, "content_type", "send JSON, with content-type: application/json")
    return read_json(body)


# -- bodies and answers ------------------------------------------------------------------------


async def _body(request: Request) -> bytes:
    """Return the body as it came, if it came in time and is not too long."""
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and int(length) > BODY_LIMIT:
        raise _too_long()
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(_PATIENCE):
            async for chunk in request.stream():
                size += len(chunk)
                if size > BODY_LIMIT:
                    raise _too_long()
                chunks.append(chunk)
    except TimeoutError:
        words = f"the request did not arrive within {_PATIENCE:.0f} seconds"
        raise _AnswerError(408, "timeout", words) from None
    return b"".join(chunks)


def _unpacked(body: bytes, encoding: str) -> bytes:
    """Return a body without its compression, never more than may come in plain."""
    match encoding.strip().casefold():
        case "" | "identity":
            return body
        case "gzip":
            unpacker = zlib.decompressobj(wbits=31)
            try:
                plain = unpacker.decompress(body, BODY_LIMIT + 1)
            except zlib.error as error:
                raise InputError("the body is said to be gzip, and is not") from error
            if len(plain) > BODY_LIMIT:
                raise _too_long()
            if not unpacker.eof:
                raise InputError("the gzip body is cut off")
            return plain
        case _:
            raise _AnswerError(415, "content_encoding", "send it plain, or with gzip")


def _too_long() -> _AnswerError:
    words = f"a request may have {BODY_LIMIT >> 10} kB, also when it is unpacked"
    return _AnswerError(413, "too_large", words)


def _host(header: str) -> str:
    """Return the name of a Host header without its port."""
    name, _, port = header.rpartition(":")
    return (name if name and port.isdecimal() else header).casefold()


def _said(code: str, words: str) -> dict[str, Any]:
    return {"success": False, "code": code, "message": words}


def _response(status: int, answer: Mapping[str, Any]) -> Response:
    from starlette.responses import JSONResponse  # noqa: PLC0415

    headers = {"cache-control": "no-store"}
    if status == 401:
        headers["www-authenticate"] = 'Bearer realm="care", Basic realm="care"'
    if status == 503:
        headers["retry-after"] = _AGAIN
    return JSONResponse(answer, status_code=status, headers=headers)
