"""What stands on the other side of a channel: a mail server and web servers, on loopback."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from engine.channels.kinds import KINDS, Answer, Message, Sending
from engine.secrets import resolve
from rules.units import from_iso
from rules.vocabulary import Channel

__all__ = [
    "NOW",
    "Authority",
    "MailServer",
    "Request",
    "WebServer",
    "authority",
    "mail_server",
    "message",
    "send",
    "sending",
    "silent",
    "talker",
    "web_server",
]

NOW = from_iso("2026-05-11T09:30", "Asia/Shanghai")


def message(**given: Any) -> Message:
    """Return a message to a customer."""
    usual: dict[str, Any] = {
        "action": "a-0123456789abcdef", "attempt": 1, "customer": "c1", "playbook": "p",
        "step": "offer", "channel": "out", "title": "回访", "to": "wang@example.com",
        "subject": "您好，王女士", "text": "第一行\n第二行\n",
        "data": {"journey": "j-1", "due_by": "2026-05-12T18:00:00+08:00"},
    }  # fmt: skip
    return Message(**{**usual, **given})


def sending(
    kind: str,
    settings: Mapping[str, str],
    root: Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    timeout: float = 5,
    now: int = NOW,
    **given: Any,
) -> Sending:
    """Return one try to send a message through a channel of a kind, its references replaced."""
    root = root or Path("/nowhere")
    channel = Channel(name="out", kind=kind, settings=settings)
    return Sending(
        root=root, channel=channel, settings=resolve(settings, root, environ or {}, channel="out"),
        message=message(**given), timeout=timeout, now=now,
    )  # fmt: skip


def send(kind: str, settings: Mapping[str, str], root: Path | None = None, **given: Any) -> Answer:
    """Try once to send a message and return the channel's answer."""
    sender = KINDS[kind].send
    assert sender is not None
    return sender(sending(kind, settings, root, **given))


# -- certificates --------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Authority:
    """An authority of the firm's own, and servers' certificates by it."""

    made: trustme.CA

    def file(self, folder: Path) -> str:
        """Write its certificate as a PEM file and return the path."""
        path = folder / "firm.pem"
        self.made.cert_pem.write_to_path(path)
        return str(path)

    def server(self, *names: str) -> ssl.SSLContext:
        """Return the TLS side of a server that proves these names."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.made.issue_cert(*names).configure_cert(context)
        return context


@cache
def authority() -> Authority:
    """Return an authority; making its keys takes a moment."""
    return Authority(made=trustme.CA())


# -- mail ----------------------------------------------------------------------------------------


class MailServer:
    """A mail server (aiosmtpd) that keeps what it took, and says what it is told to say.

    ``say`` holds answers by command (``MAIL``, ``RCPT``, ``DATA``): an answer, ``cut`` or ``hang``.
    """

    def __init__(self) -> None:
        self.port = 0
        self.say: dict[str, str] = {}
        self.taken: list[tuple[Envelope, EmailMessage]] = []
        self.logins: list[tuple[str, str]] = []
        self.encrypted: list[bool] = []

    def mail(self) -> EmailMessage:
        """Return the one mail that was taken."""
        ((_, mail),) = self.taken
        return mail

    async def _said(self, command: str, server: SMTP) -> str:
        word = self.say.get(command, "")
        if word == "cut":
            server.transport.abort()
        if word == "hang":
            await asyncio.sleep(30)
        return word

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return await self._said("MAIL", server) or "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return await self._said("RCPT", server) or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        parsed = message_from_bytes(envelope.content, policy=default)
        assert isinstance(parsed, EmailMessage)
        self.encrypted.append(server.transport.get_extra_info("sslcontext") is not None)
        said = await self._said("DATA", server)
        if not said or said in ("cut", "hang"):
            self.taken.append((envelope, parsed))
        return said or "250 OK"

    def log_in(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        """Take one password only."""
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login.decode(), data.password.decode()))
        right = data.password == b"open sesame"
        return AuthResult(success=right, handled=right)


@contextmanager
def mail_server(
    *,
    starttls: ssl.SSLContext | None = None,
    tls: ssl.SSLContext | None = None,
    login: bool = False,
    largest: int | None = None,
) -> Iterator[MailServer]:
    """Run a mail server for the time of a ``with``."""
    made = MailServer()
    loop = asyncio.new_event_loop()

    def protocol() -> SMTP:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of logins without encryption
            return SMTP(
                made, hostname="mx.example.com", loop=loop, tls_context=starttls,
                data_size_limit=largest, auth_required=login, auth_require_tls=False,
                authenticator=made.log_in if login else None,
            )  # fmt: skip

    server = loop.run_until_complete(loop.create_server(protocol, "127.0.0.1", 0, ssl=tls))
    made.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield made
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end(server: asyncio.Server) -> None:
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0)


# -- the web -------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a web server was asked."""

    path: str
    headers: Mapping[str, str]  #: names in lower case
    body: bytes

    @property
    def json(self) -> Any:
        """The body read as JSON."""
        return json.loads(self.body)


@dataclass(kw_only=True)
class WebServer:
    """A web server that keeps what it was asked, and answers what it is told to.

    ``answer`` may give another status for a request; 0 cuts the connection without an answer.
    """

    status: int = 200
    answer: Callable[[Request], int] | None = None
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    port: int = 0

    @property
    def request(self) -> Request:
        """The one request."""
        (found,) = self.requests
        return found

    def url(self, path: str = "/in", host: str = "127.0.0.1", scheme: str = "http") -> str:
        """Return an address of this server."""
        return f"{scheme}://{host}:{self.port}{path}"


@contextmanager
def web_server(
    *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", **given: Any
) -> Iterator[WebServer]:
    """Run a web server for the time of a ``with``."""
    made = WebServer(**given)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {key.lower(): value for key, value in self.headers.items()}
            request = Request(path=self.path, headers=headers, body=body)
            made.requests.append(request)
            status = made.answer(request) if made.answer else made.status
            if status == 0:
                self.close_connection = True
                return
            self.send_response(status)
            for key, value in made.headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(made.body)))
            self.end_headers()
            self.wfile.write(made.body)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            pass  # a client that leaves in the middle is part of the tests

    server = Server((host, 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    made.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def silent(connection: socket.socket) -> None:
    """Listen until the client leaves, and say nothing."""
    while connection.recv(65_536):
        continue


@contextmanager
def talker(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """Run a server that does with each connection what it is told; yields its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                try:
                    talk(connection)
                except OSError:
                    continue

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        ended.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)
