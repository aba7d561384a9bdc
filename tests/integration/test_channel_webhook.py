"""The webhook channel against real web servers: what arrives, who may be asked, what answers mean."""

from __future__ import annotations

import base64
import ipaddress
import json
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from engine.channels import posting
from engine.channels.kinds import Answer, Verdict
from engine.channels.network import is_public
from rules.units import MICROS, from_iso
from tests.receivers import NOW, WebServer, authority, send, silent, talker, web_server

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


def posted(server: WebServer, root: Path | None = None, **given: Any) -> Answer:
    """Post a message to a server on loopback, which the channel allows."""
    more = {"url": server.url(), "allow_private": "yes", **given.pop("settings", {})}
    return send("webhook", more, root, **given)


# ---------------------------------------------------------------- what arrives


def test_the_body_is_the_message() -> None:
    """A receiver gets everything that is known of the message, as JSON in UTF-8."""
    with web_server() as server:
        answer = posted(server, html="<p>好</p>", attachments=("files/a.pdf",))

    assert answer == Answer(
        verdict=Verdict.SENT, words="the receiver has taken it", code="HTTP 200"
    )
    assert server.request.path == "/in"
    assert server.request.headers["content-type"] == "application/json; charset=utf-8"
    assert "您好，王女士" in server.request.body.decode()
    assert server.request.json == {
        "action": "a-0123456789abcdef", "customer": "c1", "playbook": "p", "step": "offer",
        "title": "回访", "channel": "out", "to": "wang@example.com", "subject": "您好，王女士",
        "text": "第一行\n第二行\n", "html": "<p>好</p>", "attachments": ["files/a.pdf"],
        "journey": "j-1", "due_by": "2026-05-12T18:00:00+08:00",
    }  # fmt: skip


@pytest.mark.parametrize("secret", [SECRET, "任何文字 any text"])
def test_the_signature_holds_in_the_standards_own_library(secret: str) -> None:
    """A receiver that uses the library of Standard Webhooks takes the message; it takes no other
    body, id or secret.
    """
    with web_server() as server:
        posted(server, settings={"secret": "${env:S}"}, environ={"S": secret}, now=time.time_ns() // 1000)  # fmt: skip
    request = server.request
    key = secret if secret == SECRET else secret.encode()

    assert Webhook(key).verify(request.body, dict(request.headers)) == request.json
    for body, headers, other in (
        (request.body + b" ", {}, key),
        (request.body, {"webhook-id": "a-other"}, key),
        (request.body, {}, b"another"),
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(other).verify(body, {**request.headers, **headers})


def test_a_secret_that_is_no_base64_is_told() -> None:
    """What begins with whsec_ and goes on otherwise is a fault of the settings: nothing is sent."""
    with web_server() as server:
        answer = posted(server, settings={"secret": "${env:S}"}, environ={"S": "whsec_%%%"})

    assert server.requests == []
    assert answer == Answer(
        verdict=Verdict.RETRY, words="`secret` begins with whsec_, and what follows is no base64"
    )


def test_a_repetition_can_be_told() -> None:
    """Each try has the action's id as the message's and as the idempotency key, and the same body."""
    with web_server() as server:
        posted(server, attempt=1)
        posted(server, attempt=2, now=NOW + 60 * MICROS)

    first, second = server.requests
    assert first.body == second.body
    assert {
        request.headers[name] for request in server.requests for name in ("webhook-id", "idempotency-key")
    } == {"a-0123456789abcdef"}  # fmt: skip
    times = [int(request.headers["webhook-timestamp"]) for request in server.requests]
    assert times == [NOW // MICROS, NOW // MICROS + 60]
    assert "webhook-signature" not in first.headers


def test_headers_of_ones_own() -> None:
    """Headers go along, secrets put in, Chinese in UTF-8."""
    more = {"headers/X-Team": "客服", "headers/Authorization": "Bearer ${env:TOKEN}"}
    with web_server() as server:
        posted(server, settings=more, environ={"TOKEN": "t-123"})

    assert server.request.headers["authorization"] == "Bearer t-123"
    assert server.request.headers["x-team"].encode("latin-1").decode() == "客服"


# ---------------------------------------------------------------- answers


@pytest.mark.parametrize(
    ("status", "verdict", "words"),
    [
        (200, Verdict.SENT, "the receiver has taken it"),
        (204, Verdict.SENT, "the receiver has taken it"),
        (299, Verdict.SENT, "the receiver has taken it"),
        (301, Verdict.REFUSED, "the receiver sends on to another address, where no request goes; write that address"),
        (400, Verdict.REFUSED, "the receiver refuses the message"),
        (401, Verdict.RETRY, "the receiver does not know the address or lets nobody in; look at `url`, `secret`, `headers`"),
        (404, Verdict.RETRY, "the receiver does not know the address or lets nobody in; look at `url`, `secret`, `headers`"),
        (408, Verdict.RETRY, "the receiver asks to wait"),
        (409, Verdict.REFUSED, "the receiver refuses the message"),
        (413, Verdict.REFUSED, "the receiver refuses the message"),
        (425, Verdict.RETRY, "the receiver asks to wait"),
        (429, Verdict.RETRY, "the receiver asks to wait"),
        (500, Verdict.RETRY, "the receiver can't take it now"),
        (503, Verdict.RETRY, "the receiver can't take it now"),
    ],
)  # fmt: skip
def test_what_a_status_means(status: int, verdict: Verdict, words: str) -> None:
    """2xx is sent; what may pass is tried again; what is wrong with the message is for good."""
    with web_server(status=status) as server:
        answer = posted(server)

    assert answer == Answer(verdict=verdict, words=words, code=f"HTTP {status}")


def test_410_disables_the_channel() -> None:
    """A receiver that is gone for good is not asked again."""
    with web_server(status=410) as server:
        answer = posted(server)

    assert (answer.verdict, answer.disable) == (Verdict.REFUSED, True)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        (" 7 ", 7),
        ("Mon, 11 May 2026 01:31:30 GMT", 90),
        ("Mon, 11 May 2026 01:00:00 GMT", 0),
        ("99999999999", 86_400),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400),
        ("soon", None),
        ("-5", None),
        ("１２", None),
        ("", None),
    ],
)
def test_retry_after(status: int, header: str, seconds: int | None) -> None:
    """Seconds and dates are obeyed, up to a day; what is neither is passed over."""
    with web_server(status=status, headers={"Retry-After": header.encode().decode("latin-1")}) as server:  # fmt: skip
        answer = posted(server)

    assert from_iso("2026-05-11T01:30:00Z", "UTC") == NOW
    assert answer.retry_after == (None if seconds is None else seconds * MICROS)


def test_no_redirect_is_followed() -> None:
    """The address that a receiver names is asked nothing."""
    with web_server() as other, web_server(status=307, headers={"Location": other.url()}) as server:
        answer = posted(server)

    assert answer.verdict is Verdict.REFUSED
    assert len(server.requests) == 1
    assert other.requests == []


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would look the name up by itself, behind the guard's back."""
    with web_server() as proxy, web_server() as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url("/"))
        answer = posted(server)

    assert answer.verdict is Verdict.SENT
    assert proxy.requests == []


def test_a_message_that_is_too_large_is_not_sent() -> None:
    """More than 1 MB is refused before anybody is asked."""
    with web_server() as server:
        fits = posted(server, text="x" * (1024 * 1024 - 1000))
        large = posted(server, text="x" * (1024 * 1024))

    assert len(server.requests) == 1
    assert fits.verdict is Verdict.SENT
    assert large == Answer(verdict=Verdict.REFUSED, words="the message is larger than 1 MB")


# ---------------------------------------------------------------- cut and hanging


def answering(*parts: bytes, pause: float = 0) -> Callable[[socket.socket], None]:
    """Return a server that reads a request and says these parts."""

    def talk(connection: socket.socket) -> None:
        with connection.makefile("rb") as file:
            length = 0
            while (line := file.readline().strip()) != b"":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            file.read(length)
            for part in parts:
                connection.sendall(part)
                time.sleep(pause)

    return talk


def asked(port: int, **given: Any) -> Answer:
    """Post a message to a port on loopback."""
    more = {"url": f"http://127.0.0.1:{port}/", "allow_private": "yes"}
    return send("webhook", more, **given)


@pytest.mark.parametrize(
    "parts", [(), (b"HTTP/1.1 20",), (b"nonsense\r\n\r\n",), (b"HTTP/1.1 200 OK\r\nX: ",)]
)
def test_cut_after_the_request(parts: tuple[bytes, ...]) -> None:
    """The receiver had the whole message and its answer is not one: nobody knows."""
    with talker(answering(*parts)) as port:
        answer = asked(port)

    assert answer == Answer(
        verdict=Verdict.UNKNOWN,
        words="127.0.0.1 took the request and ended the connection without an answer: it may have arrived",
    )


def test_no_answer_in_time() -> None:
    """A receiver that only listens is left after the time; it may have taken the message."""
    with talker(silent) as port:
        answer = asked(port, timeout=1)

    assert answer == Answer(
        verdict=Verdict.UNKNOWN,
        words="127.0.0.1 took the request and did not answer in time: it may have arrived",
    )


def test_an_answer_that_drips_does_not_hold_us() -> None:
    """Headers that come byte by byte end with the time of the try, not of each byte."""
    drops = [b"HTTP/1.1 200 OK\r\nX-Slow: ", *[b"x"] * 200]
    with talker(answering(*drops, pause=0.02)) as port:
        began = time.monotonic()
        answer = asked(port, timeout=1)
        took = time.monotonic() - began

    assert answer.verdict is Verdict.UNKNOWN
    assert took < 3.5


def test_a_body_that_never_ends_is_left() -> None:
    """The status says it: an answer's body is read up to 64 kB, and an endless one is no fault."""
    parts = [b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n", *[b"x" * 4096] * 100]
    with talker(answering(*parts)) as port:
        long = asked(port)
    with talker(answering(parts[0], b"x", b"x", b"x", pause=0.4)) as port:
        slow = asked(port, timeout=1)

    assert (long.verdict, slow.verdict) == (Verdict.SENT, Verdict.SENT)


def test_cut_in_the_middle_of_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """A receiver that leaves before it has the whole message has taken nothing.

    The message is larger than what the system takes off our hands before it is received.
    """

    def talk(connection: socket.socket) -> None:
        connection.recv(100)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    monkeypatch.setattr(posting, "MAX_REQUEST", 10**9)
    with talker(talk) as port:
        answer = asked(port, text="x" * 20_000_000)

    assert answer == Answer(
        verdict=Verdict.RETRY,
        words="127.0.0.1 ended the connection without an answer, before it had the whole message",
    )


def test_nobody_there() -> None:
    """A closed port and a name that does not exist are told as what they are, and tried again."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    closed = asked(port)
    unknown = send("webhook", {"url": "https://hooks.invalid/"})

    assert closed == Answer(
        verdict=Verdict.RETRY, words="127.0.0.1 takes no connections at this port"
    )
    assert unknown == Answer(
        verdict=Verdict.RETRY, words="the name hooks.invalid can't be looked up now"
    )


def test_a_name_that_is_looked_up_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's look-up has no time-out; a try has."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(1) or [])
    began = time.monotonic()
    answer = send("webhook", {"url": "https://example.com/"}, timeout=0.2)

    assert answer.words == "the name example.com can't be looked up now"
    assert time.monotonic() - began < 0.9


# ---------------------------------------------------------------- who may be asked


class Names:
    """Stands for the name service: each question takes the next answer of a name."""

    def __init__(self, **names: list[list[str]]) -> None:
        self.names = names
        self.asked: list[str] = []
        self.system = socket.getaddrinfo

    def __call__(self, host: str, port: int, *_: object, **__: object) -> list[Any]:
        if host.replace(".", "").isdigit():  # an address is no question
            return list(self.system(host, port, type=socket.SOCK_STREAM))
        self.asked.append(host)
        answers = self.names[host.replace(".", "_")]
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return [
            (socket.AF_INET6 if ":" in address else socket.AF_INET, 1, 6, "", (address, port))
            for address in found
        ]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.9.1", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1", "192.0.2.1",
        "198.18.0.1", "240.0.0.1", "::1", "::", "fe80::1", "fc00::1", "fd12:3456::1", "ff02::1",
        "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
        "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2001:0:7f00:1::", "fec0::1",
        "100::1", "::127.0.0.1",
    ],
)  # fmt: skip
def test_the_own_network_is_not_asked(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that leads to such an address gets nothing, in no clothes, and neither does the
    address itself.
    """
    monkeypatch.setattr(socket, "getaddrinfo", Names(hooks_example_com=[[address]]))
    monkeypatch.setattr(socket, "create_connection", None)  # calling it would be an error
    by_name = send("webhook", {"url": "https://hooks.example.com/"})
    literal = f"[{address}]" if ":" in address else address
    by_address = send("webhook", {"url": f"http://{literal}/"})

    assert by_name.verdict is Verdict.RETRY
    assert by_name.words == (
        f"hooks.example.com is a server of the own network ({ipaddress.ip_address(address)}), where "
        "no request goes; write allow_private: yes where that is meant"
    )
    assert "is a server of the own network" in by_address.words


def test_one_private_address_among_others_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every address must be public, not only the first."""
    monkeypatch.setattr(
        socket, "getaddrinfo", Names(hooks_example_com=[["93.184.216.34", "10.0.0.1"]])
    )
    monkeypatch.setattr(socket, "create_connection", None)
    answer = send("webhook", {"url": "https://hooks.example.com/"})

    assert "is a server of the own network (10.0.0.1)" in answer.words


def test_a_name_that_changes_its_address_gains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name is looked up once, and the connection goes to the address that was judged, though
    the name leads to another server the moment after (DNS rebinding).
    """
    with web_server() as judged, web_server(host="127.0.0.2") as other:
        names = Names(rebinding_example_com=[["127.0.0.1"], ["127.0.0.2"]])
        monkeypatch.setattr(socket, "getaddrinfo", names)
        for server in (judged, other):
            url = f"http://rebinding.example.com:{server.port}/"
            names.names["rebinding_example_com"] = [["127.0.0.1"], ["127.0.0.2"]]
            send("webhook", {"url": url, "allow_private": "yes"}, timeout=1)

    assert len(judged.requests) == 1
    assert other.requests == []
    assert names.asked == ["rebinding.example.com"] * 2
    assert judged.request.headers["host"] == f"rebinding.example.com:{judged.port}"


def test_the_second_address_is_tried_where_the_first_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A server with several addresses is reached while one of them answers."""
    with web_server(host="127.0.0.2") as server:
        names = Names(hooks_example_com=[["127.0.0.1", "127.0.0.2"]])
        monkeypatch.setattr(socket, "getaddrinfo", names)
        url = f"http://hooks.example.com:{server.port}/"
        answer = send("webhook", {"url": url, "allow_private": "yes"})

    assert answer.verdict is Verdict.SENT


def test_the_certificate_is_that_of_the_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Connected to an address, the server must still prove its name, and is told it (SNI)."""
    told: list[str] = []
    context = authority().server("hooks.example.com")
    context.sni_callback = lambda _socket, name, _context: told.append(name)
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        Names(hooks_example_com=[["127.0.0.1"]], other_example_com=[["127.0.0.1"]]),
    )
    more = {"allow_private": "yes", "ca_file": authority().file(tmp_path)}
    with web_server(tls=context) as server:
        right = send(
            "webhook", {"url": server.url(host="hooks.example.com", scheme="https"), **more}
        )
        wrong = send(
            "webhook", {"url": server.url(host="other.example.com", scheme="https"), **more}
        )

    assert right.verdict is Verdict.SENT
    assert told == ["hooks.example.com", "other.example.com"]
    assert wrong.verdict is Verdict.RETRY
    assert wrong.words == (
        "the certificate of other.example.com is not good: Hostname mismatch, certificate is not "
        "valid for 'other.example.com'."
    )
    assert len(server.requests) == 1


def test_an_unknown_authority_gets_nothing() -> None:
    """Without ``ca_file`` the firm's own authority is not known."""
    with web_server(tls=authority().server("127.0.0.1")) as server:
        answer = posted(server, settings={"url": server.url(scheme="https")})

    assert answer == Answer(
        verdict=Verdict.RETRY,
        words="the certificate of 127.0.0.1 is not good: unable to get local issuer certificate",
    )
    assert server.requests == []


def test_a_server_that_does_not_speak_tls(tmp_path: Path) -> None:
    """https to a plain server, and a ca_file that is none, are faults of the settings."""
    with web_server() as server:
        plain = posted(server, settings={"url": server.url(scheme="https")})
        secure = server.url(scheme="https")
        file = posted(server, tmp_path, settings={"url": secure, "ca_file": "gone.pem"})

    assert plain.verdict is Verdict.RETRY
    assert plain.words.startswith("no encrypted connection with 127.0.0.1 (")
    assert file == Answer(
        verdict=Verdict.RETRY, words="`ca_file` can't be read, or holds no certificate"
    )


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_ipv6() -> None:
    """An address of the new kind works, in its brackets."""
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 loopback here")
    with listener:
        port = listener.getsockname()[1]
    answer = send("webhook", {"url": f"http://[::1]:{port}/", "allow_private": "yes"})

    assert answer.words == "::1 takes no connections at this port"


NETWORKS = [
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/4", "240.0.0.0/4", "fc00::/7", "fe80::/10",
        "ff00::/8", "2002::/16", "::/96",
    )
]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_no_address_of_an_own_network_is_public(data: st.DataObject) -> None:
    """Any address of any such network, also written as IPv6 by mapping or NAT64."""
    network = data.draw(st.sampled_from(NETWORKS))
    address = data.draw(st.ip_addresses(network=network))
    forms = [address]
    if isinstance(address, ipaddress.IPv4Address):
        number = int(address)
        forms += [ipaddress.IPv6Address((0xFFFF << 32) + number)]
        forms += [ipaddress.IPv6Address((0x64FF9B << 96) + number)]

    assert [str(form) for form in forms if is_public(form)] == []


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_addresses_of_the_internet_are_public(address: str) -> None:
    """The guard does not close what must be open."""
    assert is_public(ipaddress.ip_address(address))


def test_the_body_is_the_same_bytes_each_time() -> None:
    """Keys are in order: a signature of one try is the signature of the next one's body."""
    with web_server() as server:
        posted(server, data={"b": 1, "a": 2})

    assert list(json.loads(server.request.body)) == sorted(json.loads(server.request.body))


def test_old_protocols_are_not_spoken() -> None:
    """TLS 1.2 is the least."""
    from engine.channels.network import tls_context

    for use in ("http", "smtp"):
        assert tls_context(use).minimum_version >= ssl.TLSVersion.TLSv1_2
