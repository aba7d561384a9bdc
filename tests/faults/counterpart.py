"""The other side of the channels, in a process of its own: a web server and a mail server.

It keeps a record of what arrives and looks into the ledger at that moment: whatever arrives without
an intent that is committed is a fault. One fault at a time: ``/-/begin`` clears the record, and
``/-/end`` returns it once everybody has left.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sqlite3
import threading
import time
import urllib.request
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

__all__ = ["Arrived", "Counterpart", "Desired"]

_LEAVE = 10.0  #: seconds until everybody must have left
_MARK = re.compile(r"#(\w+)/(\w+)#")  #: stands in each text: customer and step
_LISTED = re.compile(r": (c\d+)")  #: a customer in a digest, which bots get


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """What the other side is asked to do."""

    ledger: str  #: path of the ledger, to look for intents
    answer: str = "ok"  #: ``first_503``, ``first_cut``: the first try of each id; ``down``: all
    kill: int = 0  #: number of the arrival at which the sender is killed, before it has an answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """One message that was taken. A digest is several, with one number."""

    number: int
    way: str  #: ``hook``, ``bot`` or ``mail``
    id: str  #: the action's id, where the channel tells it
    customer: str
    step: str
    intent: bool  #: the ledger had the intent of it, committed, when it came
    taken: bool  #: it was answered with a yes, or not at all
    later: bool  #: in the run at the next T


@dataclass(slots=True)
class _Office:
    """What is shared by both servers."""

    desired: Desired = field(default_factory=lambda: Desired(ledger=""))
    record: list[Arrived] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    number: int = 0
    later: bool = False
    sessions: int = 0  #: of the mail server

    def arrive(self, way: str, key: str, text: str) -> str:
        """Write down what came and return how to answer it: ``yes``, ``no`` or ``cut``."""
        self.number += 1
        marks = _MARK.findall(text) or [(one, "bot") for one in _LISTED.findall(text)]
        first = text not in self.seen
        self.seen.add(text)
        answer = "yes"
        if self.desired.answer == "down" or (first and self.desired.answer == "first_503"):
            answer = "no"
        elif first and self.desired.answer == "first_cut":
            answer = "cut"
        for customer, step in marks or [("", "")]:
            self.record.append(
                Arrived(
                    number=self.number, way=way, id=key, customer=customer, step=step,
                    intent=self._intended(customer, step), taken=answer != "no",
                    later=self.later,
                )
            )  # fmt: skip
        if self.number == self.desired.kill:
            os.kill(self._sender(), signal.SIGKILL)
            answer = "cut"
        return answer

    def _ask(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(self.desired.ledger, timeout=10)
        try:
            return connection.execute(sql, values).fetchall()
        finally:
            connection.close()

    def _intended(self, customer: str, step: str) -> bool:
        """Tell whether an intent was committed. Where the sender was stopped meanwhile, another
        process may have gone on from there.
        """
        sql = (
            "SELECT a.state FROM actions a WHERE a.customer = ? AND a.step = ?"
            " AND EXISTS (SELECT 1 FROM attempts t WHERE t.action = a.id)"
        )
        found = self._ask(sql, customer, step)
        return any(state in ("intent", "unknown", "sent") for (state,) in found)

    def _sender(self) -> int:
        ((holder,),) = self._ask("SELECT holder FROM lease WHERE name = 'deliver'")
        return int(holder.split("\t")[1])


class Counterpart:
    """Starts the process and talks to it. Close it."""

    def __init__(self) -> None:
        reads, writes = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(reads)
            _serve(writes)
        os.close(writes)
        with os.fdopen(reads) as told:
            self.web, self.mail = map(int, told.readline().split())

    def begin(self, desired: Desired) -> None:
        """Forget what came so far and answer as desired."""
        self._ask("begin", asdict(desired))

    def change(self, answer: str) -> None:
        """Answer otherwise from now on; nobody is killed any more."""
        self._ask("change", {"answer": answer})

    def next_day(self) -> None:
        """Say that what comes now comes in the run at the next T."""
        self._ask("next", {})

    def end(self) -> list[Arrived]:
        """Return what came since the beginning, when everybody has left."""
        return [Arrived(**row) for row in self._ask("end", {})]

    def _ask(self, what: str, value: Mapping[str, Any]) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.web}/-/{what}", data=json.dumps(value).encode()
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.loads(response.read())

    def close(self) -> None:
        """End it."""
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)


def _serve(told: int) -> None:
    office = _Office()
    mail = _mail_server(office)
    server = HTTPServer(("127.0.0.1", 0), _handler(office))
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    os.write(told, f"{server.server_address[1]} {mail}\n".encode())
    os.close(told)
    server.serve_forever(60)
    os._exit(0)


def _handler(office: _Office) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 2  # seconds: a client that is stopped must not keep the others out

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length)
            if len(body) < length:
                return  # it died in the middle
            if self.path == "/-/begin":
                office.desired = Desired(**json.loads(body))
                office.record, office.seen, office.number = [], set(), 0
                office.later = False
                self._say(200, b"{}")
            elif self.path == "/-/change":
                answer = json.loads(body)["answer"]
                office.desired = replace(office.desired, answer=answer, kill=0)
                self._say(200, b"{}")
            elif self.path == "/-/next":
                office.later = True
                self._say(200, b"{}")
            elif self.path == "/-/end":
                until = time.monotonic() + _LEAVE
                while office.sessions and time.monotonic() < until:
                    time.sleep(0.002)
                self._say(200, json.dumps([asdict(one) for one in office.record]).encode())
            else:
                key = self.headers.get("webhook-id", "")
                way = self.path.removeprefix("/")
                answer = office.arrive(way, key, json.dumps(json.loads(body), ensure_ascii=False))
                if answer != "cut":
                    said = b'{"errcode": 0, "errmsg": "ok"}'
                    self._say(200 if answer == "yes" else 503, said)

        def _say(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


class _Mail:
    """What the mail server does with a mail."""

    def __init__(self, office: _Office) -> None:
        self.office = office

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=default)
        key = str(mail["Message-ID"]).strip("<>").partition("@")[0]
        answer = self.office.arrive("mail", key, str(mail.get_content()))
        if answer == "cut":
            transport = server.transport
            assert isinstance(transport, asyncio.Transport)
            transport.abort()
        return "250 OK" if answer == "yes" else "451 later"


def _mail_server(office: _Office) -> int:
    """Run a mail server in a thread and return its port."""
    loop = asyncio.new_event_loop()

    class Server(SMTP):
        def connection_made(self, transport: Any) -> None:
            office.sessions += 1
            super().connection_made(transport)

        def connection_lost(self, error: Exception | None) -> None:
            office.sessions -= 1
            super().connection_lost(error)

    def protocol() -> SMTP:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Server(_Mail(office), hostname="mx.example.com", loop=loop)

    server = loop.run_until_complete(loop.create_server(protocol, "127.0.0.1", 0))
    threading.Thread(target=loop.run_forever, daemon=True).start()
    port: int = server.sockets[0].getsockname()[1]
    return port
