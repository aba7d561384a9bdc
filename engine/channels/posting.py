"""One POST over HTTP, to a server that may be anywhere but in the own network.

The name is looked up once, every address it has must be public, and the connection goes to one of
these addresses, with the name in the Host header and in the TLS handshake: a name that changes its
address in between (DNS rebinding) gains nothing. No redirects, no proxies of the environment.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.channels.network import Address, Cutter, cutter, is_public, lookup, tls_context
from engine.channels.sending import Answer, Sending, Verdict
from rules.channel_values import read_seconds
from rules.units import MICROS, to_datetime

if TYPE_CHECKING:
    import httpx

__all__ = ["MAX_ANSWER", "MAX_REQUEST", "Posted", "post", "retry_after"]

MAX_REQUEST = 1024 * 1024  #: bytes of a body that we send
MAX_ANSWER = 64 * 1024  #: bytes of an answer that we read
_TIMEOUT = 20.0  #: seconds of one try, where the channel does not say
_LONGEST_PAUSE = 24 * 3600 * MICROS  #: what a server may ask us to wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """The answer of a web server."""

    status: int
    headers: Mapping[str, str]  #: names in lower case
    body: bytes  #: at most MAX_ANSWER
    whole: bool  #: the body was read to its end

    @property
    def code(self) -> str:
        """The answer in one word."""
        return f"HTTP {self.status}"


def post(sending: Sending, url: str, body: bytes, headers: Mapping[str, str]) -> Posted | Answer:
    """Send a body to an http address and return the answer; an Answer where there is none.

    The channel's settings ``timeout``, ``allow_private`` and ``ca_file`` are obeyed.
    """
    import httpx  # noqa: PLC0415  slow

    if len(body) > MAX_REQUEST:
        return Answer(verdict=Verdict.REFUSED, words="the message is larger than 1 MB")
    settings = sending.settings
    seconds = min(sending.timeout, read_seconds(settings.get("timeout", "")) or _TIMEOUT)
    try:
        place = httpx.URL(url)
        host, port = place.raw_host.decode("ascii"), place.port or _PORTS[place.scheme]
    except (httpx.InvalidURL, KeyError, UnicodeError):
        return _retry("`url` is no address of a web server")
    try:
        context = (
            tls_context("http", _ca_file(sending)) if place.scheme == "https" else False
        )  # no TLS
    except OSError:
        return _retry("`ca_file` can't be read, or holds no certificate")
    with cutter(seconds) as cut:
        try:
            addresses = _addresses(host, port, cut.left)
        except OSError:
            return _retry(f"the name {host} can't be looked up now")
        inside = [address for address in addresses if not is_public(address)]
        if inside and settings.get("allow_private") not in ("yes", "true"):
            return _retry(
                f"{host} is a server of the own network ({inside[0]}), where no request goes; "
                "write allow_private: yes where that is meant"
            )
        request = _request(place, host, body, headers)
        for number, address in enumerate(addresses, 1):
            with httpx.HTTPTransport(verify=context, trust_env=False) as transport:
                try:
                    share = cut.left / (len(addresses) - number + 1)
                    return _exchange(transport, request, address, cut, share)
                except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                    if number < len(addresses) and not cut.cut:
                        continue
                    return _retry(_not_reached(host, error))
                except _CutError as error:
                    return error.answer(host)
    return _retry(f"{host} has no address")


_PORTS = {"http": 80, "https": 443}


def _retry(words: str) -> Answer:
    return Answer(verdict=Verdict.RETRY, words=words)


def _addresses(host: str, port: int, timeout: float) -> list[Address]:
    try:
        return [ipaddress.ip_address(host.strip("[]"))]
    except ValueError:
        return lookup(host, port, timeout)


def _ca_file(sending: Sending) -> Path | None:
    name = sending.settings.get("ca_file")
    return sending.root / name if name else None


def _request(place: httpx.URL, host: str, body: bytes, headers: Mapping[str, str]) -> httpx.Request:
    import httpx  # noqa: PLC0415  slow

    own = {
        "Host": place.netloc.decode("ascii"),
        "User-Agent": "care",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Content-Type": "application/json; charset=utf-8",
        "Connection": "close",
    }
    values = [(key, value.encode()) for key, value in {**own, **headers}.items()]
    made = httpx.Request(
        "POST", place, headers=[(key.encode(), value) for key, value in values], content=body
    )
    made.extensions = {} if _is_address(host) else {"sni_hostname": host}
    return made


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


class _CutError(Exception):
    """The exchange ended without an answer."""

    def __init__(self, *, sent: bool, late: bool) -> None:
        super().__init__()
        self.sent = sent  #: the whole request had been handed over
        self.late = late  #: because of the time

    def answer(self, host: str) -> Answer:
        """Return what became of the message."""
        why = "did not answer in time" if self.late else "ended the connection without an answer"
        if self.sent:
            return Answer(
                verdict=Verdict.UNKNOWN,
                words=f"{host} took the request and {why}: it may have arrived",
            )
        return _retry(f"{host} {why}, before it had the whole message")


def _exchange(
    transport: httpx.HTTPTransport,
    request: httpx.Request,
    address: Address,
    cut: Cutter,
    connect: float,
) -> Posted:
    """Send a request to one address, connecting within ``connect`` seconds.

    Raises httpx.ConnectError, httpx.ConnectTimeout, _CutError.
    """
    import httpx  # noqa: PLC0415  slow

    sent: list[bool] = []

    def trace(event: str, info: Mapping[str, Any]) -> None:
        match event:
            case "connection.connect_tcp.complete":
                cut.watch(info["return_value"].get_extra_info("socket"))
            case "http11.send_request_body.complete":
                sent.append(True)

    pinned = httpx.Request(
        request.method,
        request.url.copy_with(host=str(address)),
        headers=request.headers,
        stream=request.stream,
        extensions={
            **request.extensions,
            "timeout": httpx.Timeout(cut.left, connect=connect).as_dict(),
            "trace": trace,
        },
    )
    with _cuts(sent, cut):
        response = transport.handle_request(pinned)
    try:
        body, whole = _read(response, cut)
    finally:
        response.close()
    return Posted(
        status=response.status_code,
        headers={key.lower(): value for key, value in response.headers.items()},
        body=body,
        whole=whole,
    )


@contextmanager
def _cuts(sent: list[bool], cut: Cutter) -> Iterator[None]:
    """Make a _CutError of everything that goes wrong once there is a connection."""
    import httpx  # noqa: PLC0415  slow

    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout):
        if cut.cut:
            raise _CutError(sent=False, late=True) from None
        raise
    except httpx.TransportError as error:
        late = cut.cut or isinstance(error, httpx.TimeoutException)
        raise _CutError(sent=bool(sent), late=late) from None


def _read(response: httpx.Response, cut: Cutter) -> tuple[bytes, bool]:
    """Return the body as far as it may be read, and whether that is all."""
    import httpx  # noqa: PLC0415  slow

    parts: list[bytes] = []
    size = 0
    try:
        for part in response.iter_raw():
            parts.append(part[: MAX_ANSWER - size])
            size += len(part)
            if size > MAX_ANSWER or cut.cut:
                return b"".join(parts), False
    except httpx.TransportError:
        return b"".join(parts), False
    return b"".join(parts), True


def _not_reached(host: str, error: Exception) -> str:
    """Return why there is no connection, in words."""
    import ssl  # noqa: PLC0415  slow

    import httpx  # noqa: PLC0415

    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the certificate of {host} is not good: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return f"no encrypted connection with {host} ({cause.reason or 'TLS'})"
        if isinstance(cause, ConnectionRefusedError):
            return f"{host} takes no connections at this port"
        cause = cause.__cause__ or cause.__context__
    late = isinstance(error, httpx.ConnectTimeout)
    return f"{host} {'did not answer in time' if late else 'can not be reached'}"


def retry_after(posted: Posted, now: int) -> int | None:
    """Return how long, in µs, a server asks us to wait: seconds or a date; at most a day."""
    from email.utils import parsedate_to_datetime  # noqa: PLC0415  slow

    text = posted.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:9]) * MICROS, _LONGEST_PAUSE)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    pause = (moment - to_datetime(now)) // dt.timedelta(microseconds=1)
    return min(max(pause, 0), _LONGEST_PAUSE)
