"""The smtp channel against a real mail server: what arrives, and what each failure is called."""

from __future__ import annotations

import re
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.channels.kinds import Answer, Verdict
from tests.receivers import NOW, MailServer, authority, mail_server, send, silent, talker

OPEN = {"host": "127.0.0.1", "tls": "none", "sender": "云帆客服 <care@example.com>"}


def mailed(server: MailServer, root: Path | None = None, **given: Any) -> Answer:
    """Send a mail without encryption."""
    more = given.pop("settings", {})
    return send("smtp", {**OPEN, "port": str(server.port), **more}, root, **given)


def lines(text: str) -> list[str]:
    """Return the lines of a text, without empty ones at its end."""
    return re.sub("\r\n|\r|\n", "\n", text).rstrip("\n").split("\n")


# ---------------------------------------------------------------- what arrives


def test_a_mail_arrives_whole() -> None:
    """Sender, address, subject and both texts arrive as written, with headers that tell of us."""
    with mail_server() as server:
        answer = mailed(
            server,
            subject="王女士：您的合同 📄",
            text="第一行\n.点开头\n" + "长" * 500,
            html="<p>好</p>",
        )

    envelope, mail = server.taken[0]
    assert answer.verdict is Verdict.SENT
    assert answer.words == "127.0.0.1 has taken it"
    assert (envelope.mail_from, envelope.rcpt_tos) == ("care@example.com", ["wang@example.com"])
    assert str(mail["From"]) == "云帆客服 <care@example.com>"
    assert str(mail["To"]) == "wang@example.com"
    assert str(mail["Subject"]) == "王女士：您的合同 📄"
    assert mail["Date"] == "Mon, 11 May 2026 01:30:00 +0000"
    assert mail["Message-ID"] == "<a-0123456789abcdef@example.com>"
    assert mail["Auto-Submitted"] == "auto-generated"
    plain, html = mail.iter_parts()
    assert lines(plain.get_content()) == ["第一行", ".点开头", "长" * 500]
    assert lines(html.get_content()) == ["<p>好</p>"]
    assert mail.get_content_type() == "multipart/alternative"


def test_nothing_but_ascii_goes_over_the_wire() -> None:
    """Any server can take it: no SMTPUTF8, no 8BITMIME, no line longer than it may be."""
    with mail_server() as server:
        mailed(server, subject="客户" * 100, text="您" * 3000)

    content = server.taken[0][0].content
    assert isinstance(content, bytes)
    assert content.isascii()
    assert max(map(len, content.split(b"\r\n"))) <= 998


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_every_text_arrives(text: str, endless: MailServer) -> None:
    """Whatever stands in a text, also dots, control characters and odd line ends: it arrives, its
    lines the same.
    """
    endless.taken.clear()
    answer = mailed(endless, text=text)

    assert answer.verdict is Verdict.SENT
    expected = text or "回访"
    assert lines(endless.mail().get_content()) == lines(expected)


@pytest.fixture(scope="module")
def endless() -> Any:
    with mail_server() as server:
        yield server


def test_the_message_id_is_the_actions() -> None:
    """A mail sent again can be told from a second mail."""
    with mail_server() as server:
        mailed(server, attempt=1)
        mailed(server, attempt=2)
        mailed(server, action="a-other")

    assert [mail["Message-ID"] for _, mail in server.taken] == [
        "<a-0123456789abcdef@example.com>",
        "<a-0123456789abcdef@example.com>",
        "<a-other@example.com>",
    ]


def test_html_alone_and_nothing_at_all() -> None:
    """A mail without a plain text is HTML; one without any text says what its step says."""
    with mail_server() as server:
        mailed(server, text="", html="<b>好</b>")
        mailed(server, text="", subject="", data={"brief": "请回电"})
        mailed(server, text="", subject="", data={})

    found = [(str(mail["Subject"]), mail.get_content_type(), mail.get_content().strip()) for _, mail in server.taken]  # fmt: skip
    assert found == [
        ("您好，王女士", "text/html", "<b>好</b>"),
        ("回访", "text/plain", "请回电"),
        ("回访", "text/plain", "回访"),
    ]


def test_answers_and_unsubscribing() -> None:
    """Answers go where the channel says; mail programs show where the reader says no more."""
    more = {
        "reply_to": "王经理 <manager@例子.中国>",
        "unsubscribe/0": "https://example.com/stop?a={action}&c={customer}",
        "unsubscribe/1": "mailto:stop@example.com",
    }
    with mail_server() as server:
        mailed(server, settings=more, customer="客户 1")
        mailed(server, settings={"unsubscribe/0": "mailto:stop@example.com"})

    (_, first), (_, second) = server.taken
    assert str(first["Reply-To"]) == "王经理 <manager@xn--fsqu00a.xn--fiqs8s>"
    assert first["List-Unsubscribe"].strip() == (
        "<https://example.com/stop?a=a-0123456789abcdef&c=%E5%AE%A2%E6%88%B7%201>,"
        " <mailto:stop@example.com>"
    )
    assert first["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert second["List-Unsubscribe"] == "<mailto:stop@example.com>"
    assert second["List-Unsubscribe-Post"] is None


# ---------------------------------------------------------------- attachments


def test_attachments_arrive(tmp_path: Path) -> None:
    """Files of the project arrive with their names and bytes."""
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "报价单.pdf").write_bytes(b"%PDF\x00\xff")
    (tmp_path / "files" / "odd.qqq").write_bytes(b".\r\n.\n")
    with mail_server() as server:
        answer = mailed(
            server, tmp_path, attachments=("files/报价单.pdf", "files/odd.qqq"), html="<p>x</p>"
        )

    assert answer.verdict is Verdict.SENT
    found = [
        (part.get_filename(), part.get_content_type(), part.get_content())
        for part in server.mail().iter_attachments()
    ]
    assert found == [
        ("报价单.pdf", "application/pdf", b"%PDF\x00\xff"),
        ("odd.qqq", "application/octet-stream", b".\r\n.\n"),
    ]


@pytest.mark.parametrize(
    "name", ["../secret.txt", "/etc/hostname", "link.txt", ".care/ledger.db", "a/../../secret.txt"]
)
def test_no_file_from_elsewhere(name: str, tmp_path: Path) -> None:
    """What lies outside the project, or is care's own, is not attached, also not through a link."""
    root = tmp_path / "project"
    (root / ".care").mkdir(parents=True)
    (root / ".care" / "ledger.db").write_text("x")
    (tmp_path / "secret.txt").write_text("x")
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    with mail_server() as server:
        answer = mailed(server, root, attachments=(name,))

    assert server.taken == []
    assert answer == Answer(
        verdict=Verdict.REFUSED, words=f"the attachment {name} is no file of the project"
    )


def test_attachments_that_are_missing_or_too_large(tmp_path: Path) -> None:
    """A file that is not there may come back; one that is too large will not shrink."""
    with (tmp_path / "large.bin").open("wb") as file:
        file.truncate(10 * 1024 * 1024 + 1)
    with mail_server() as server:
        missing = mailed(server, tmp_path, attachments=("gone.pdf",))
        large = mailed(server, tmp_path, attachments=("large.bin",))

    assert server.taken == []
    assert (missing.verdict, large.verdict) == (Verdict.RETRY, Verdict.REFUSED)
    assert missing.words == "the attachment gone.pdf can't be read: No such file or directory"
    assert large.words == "the attachments are larger than 10 MB (with large.bin)"


# ---------------------------------------------------------------- nobody adds a header


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"subject": "a\r\nBcc: b@example.com"}, "the subject has a line break"),
        ({"subject": "a\nb"}, "the subject has a line break"),
        ({"subject": "a\u2028b"}, "the subject has a line break"),
        ({"to": "a@example.com\r\nBcc: b@example.com"}, "the address is more than one"),
        ({"to": "a@example.com, b@example.com"}, "the address is more than one"),
        ({"to": "a@example.com;b@example.com"}, "the address is more than one"),
        ({"to": ""}, "the address is missing"),
        ({"to": "王@example.com"}, "the address has something before the @"),
        ({"to": "a b@example.com"}, "the address is more than one"),
        ({"to": "a@"}, "the address has no domain"),
        ({"to": "<a@example.com>"}, "the address has something before the @"),
        ({"to": "a@exa<mple.com"}, "the address has no domain"),
    ],
)  # fmt: skip
def test_no_header_is_smuggled_in(given: dict[str, str], words: str) -> None:
    """A line break or a second address is refused for good, before anybody is asked."""
    with mail_server() as server:
        answer = mailed(server, **given)

    assert server.taken == []
    assert answer.verdict is Verdict.REFUSED
    assert answer.words.startswith(words)


@settings(max_examples=100, deadline=None)
@given(subject=st.text(max_size=80), to=st.text(max_size=40), name=st.text(max_size=40))
def test_headers_stay_ours(subject: str, to: str, name: str) -> None:
    """Whatever stands in subject, address and the sender's name: there is no header but ours, or
    no mail.
    """
    from engine.channels.mail import NotAMailError, mail_of
    from tests.receivers import sending

    try:
        made = mail_of(
            sending(
                "smtp", {**OPEN, "sender": f"{name} <care@example.com>"}, subject=subject, to=to
            )
        )
    except NotAMailError:
        return

    head, _, body = made.partition(b"\r\n\r\n")
    names = [line.partition(b":")[0] for line in head.split(b"\r\n") if not line.startswith((b" ", b"\t"))]  # fmt: skip
    assert names == [
        b"From", b"To", b"Subject", b"Date", b"Message-ID", b"Auto-Submitted", b"Content-Type",
        b"Content-Transfer-Encoding", b"MIME-Version",
    ]  # fmt: skip
    assert body


# ---------------------------------------------------------------- encryption and log-in


def test_starttls_is_asked_for_unless_the_channel_says_none() -> None:
    """A server that offers no encryption gets no mail and no password."""
    with mail_server(login=True) as server:
        answer = mailed(server, settings={"tls": "starttls", "user": "u", "password": "p"})

    assert (server.taken, server.logins) == ([], [])
    assert answer.verdict is Verdict.RETRY
    assert answer.words == (
        "127.0.0.1 offers no encryption; write tls: tls, or tls: none inside the own network"
    )


@pytest.mark.parametrize("mode", ["starttls", "tls"])
def test_encrypted_with_a_login(mode: str, tmp_path: Path) -> None:
    """Both ways of encryption work, with an authority of the firm's own, and a login."""
    context = authority().server("127.0.0.1")
    more = {
        "tls": mode, "ca_file": authority().file(tmp_path), "user": "care", "password": "open sesame",
    }  # fmt: skip
    with mail_server(**{mode: context}, login=True) as server:
        answer = mailed(server, settings=more)

    assert answer.verdict is Verdict.SENT
    assert server.logins == [("care", "open sesame")]
    assert server.encrypted == [True]


@pytest.mark.parametrize("mode", ["starttls", "tls"])
@pytest.mark.parametrize(
    ("name", "trusted", "words"),
    [
        ("127.0.0.1", False, "the certificate of 127.0.0.1 is not good: unable to get local issuer certificate"),
        ("mx.example.com", True, "the certificate of 127.0.0.1 is not good: IP address mismatch, certificate is not valid for '127.0.0.1'."),
    ],
)  # fmt: skip
def test_a_wrong_certificate_gets_no_mail(
    mode: str, name: str, words: str, tmp_path: Path, *, trusted: bool
) -> None:
    """An unknown authority or another name: nothing is sent, no password told, tried later."""
    context = authority().server(name)
    more = {"tls": mode, "user": "care", "password": "open sesame"}
    more |= {"ca_file": authority().file(tmp_path)} if trusted else {}
    with mail_server(**{mode: context}, login=True) as server:
        answer = mailed(server, settings=more)

    assert (server.taken, server.logins) == ([], [])
    assert (answer.verdict, answer.words) == (Verdict.RETRY, words)


def test_a_server_that_does_not_speak_tls() -> None:
    """TLS from the beginning against a server that greets in plain words is a fault of the
    settings.
    """
    with mail_server() as server:
        answer = mailed(server, settings={"tls": "tls"})

    assert answer.verdict is Verdict.RETRY
    assert answer.words.startswith("no encrypted connection with 127.0.0.1 (")
    assert answer.words.endswith("); look at `tls` and `port`")


def test_a_ca_file_that_is_none(tmp_path: Path) -> None:
    """A missing or empty file of the firm's authority is told as that."""
    (tmp_path / "empty.pem").touch()
    with mail_server(starttls=authority().server("127.0.0.1")) as server:
        missing = mailed(server, tmp_path, settings={"tls": "starttls", "ca_file": "gone.pem"})
        empty = mailed(server, tmp_path, settings={"tls": "starttls", "ca_file": "empty.pem"})

    assert missing == Answer(verdict=Verdict.RETRY, words="`ca_file` can't be read")
    assert empty.verdict is Verdict.RETRY
    assert server.taken == []


def test_a_wrong_password_is_the_channels_fault() -> None:
    """It is not for good: once the password is mended the same mail goes."""
    with mail_server(login=True) as server:
        answer = mailed(server, settings={"user": "care", "password": "wrong password"})

    assert server.taken == []
    assert answer == Answer(
        verdict=Verdict.RETRY, words="127.0.0.1 does not accept `user` and `password`", code="535"
    )


def test_a_login_that_is_missing_is_the_channels_fault() -> None:
    """530 to MAIL or RCPT is about the account, not the mail."""
    with mail_server(login=True) as server:
        answer = mailed(server)

    assert (answer.verdict, answer.code) == (Verdict.RETRY, "530")


def test_a_server_without_a_login() -> None:
    """A login that the server does not offer is told in words."""
    with talker(conversation(b"220 hi\r\n", b"250 mx\r\n", b"250 bye\r\n")) as port:
        answer = send("smtp", {**OPEN, "port": str(port), "user": "care", "password": "x"})

    assert (answer.verdict, answer.words) == (
        Verdict.RETRY, "127.0.0.1 has no way to log in that care knows",
    )  # fmt: skip


# ---------------------------------------------------------------- answers


@pytest.mark.parametrize(
    ("command", "said", "verdict", "words"),
    [
        ("MAIL", "421 4.3.2 closing", Verdict.RETRY, "127.0.0.1 refuses the sender: 4.3.2 closing"),
        ("MAIL", "550 no such sender", Verdict.RETRY, "127.0.0.1 refuses the sender: no such sender"),
        ("MAIL", "552 too large", Verdict.REFUSED, "127.0.0.1 refuses the size of the mail: too large"),
        ("RCPT", "421 later", Verdict.RETRY, "127.0.0.1 refuses the address for now: later"),
        ("RCPT", "450 greylisted", Verdict.RETRY, "127.0.0.1 refuses the address for now: greylisted"),
        ("RCPT", "550 no such user", Verdict.REFUSED, "127.0.0.1 refuses the address: no such user"),
        ("RCPT", "535 log in", Verdict.RETRY, "127.0.0.1 refuses the address for now: log in"),
        ("RCPT", "550 <WANG@example.com>\x07 unknown", Verdict.REFUSED,
         "127.0.0.1 refuses the address: <[hidden]> unknown"),
        ("DATA", "421 later", Verdict.RETRY, "127.0.0.1 refuses the mail for now: later"),
        ("DATA", "451 later", Verdict.RETRY, "127.0.0.1 refuses the mail for now: later"),
        ("DATA", "554 spam", Verdict.REFUSED, "127.0.0.1 refuses the mail: spam"),
    ],
)  # fmt: skip
def test_what_a_no_means(command: str, said: str, verdict: Verdict, words: str) -> None:
    """4xx is for now, 5xx for good; about the sender or the account it is the channel's. The
    customer's address is not in the words.
    """
    with mail_server() as server:
        server.say[command] = said
        answer = mailed(server)

    assert server.taken == []
    assert answer == Answer(verdict=verdict, words=words, code=said[:3])


def test_a_mail_that_is_larger_than_the_server_takes() -> None:
    """The server tells its limit in the greeting and refuses before the mail is sent."""
    with mail_server(largest=1000) as server:
        answer = mailed(server, text="x" * 2000)

    assert (answer.verdict, answer.code) == (Verdict.REFUSED, "552")


# ---------------------------------------------------------------- cut and hanging


@pytest.mark.parametrize("command", ["MAIL", "RCPT"])
@pytest.mark.parametrize("how", ["cut", "hang"])
def test_cut_before_the_mail_was_handed_over(command: str, how: str) -> None:
    """Nothing can have been delivered: it is tried again."""
    with mail_server() as server:
        server.say[command] = how
        answer = mailed(server, timeout=0.5)

    why = "ended the connection" if how == "cut" else "did not answer in time"
    assert answer == Answer(verdict=Verdict.RETRY, words=f"127.0.0.1 {why}")


@pytest.mark.parametrize("how", ["cut", "hang"])
def test_cut_after_the_last_dot(how: str) -> None:
    """The server had the whole mail and may have delivered it: nobody knows, and it is said so."""
    with mail_server() as server:
        server.say["DATA"] = how
        answer = mailed(server, timeout=1)

    assert len(server.taken) == int(how == "cut")
    why = "ended the connection" if how == "cut" else "did not answer in time"
    assert answer == Answer(
        verdict=Verdict.UNKNOWN,
        words=f"127.0.0.1 had the whole mail and {why}: it may have been delivered",
    )


def conversation(*lines: bytes) -> Any:
    """Return a server's side: it says the next line after each line of the client."""

    def talk(connection: socket.socket) -> None:
        with connection.makefile("rwb") as file:
            for line in lines:
                file.write(line)
                file.flush()
                if b"354" in line:
                    while file.readline() != b".\r\n":
                        continue
                else:
                    file.readline()

    return talk


def test_a_senseless_answer_to_a_mail_is_no_answer() -> None:
    """What is neither yes nor no leaves it open whether the mail was taken."""
    lines = b"220 hi\r\n", b"250 ok\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n", b"what?\r\n"
    with talker(conversation(*lines)) as port:
        answer = send("smtp", {**OPEN, "port": str(port)})

    assert answer.verdict is Verdict.UNKNOWN


def test_a_server_that_takes_no_mail_at_all() -> None:
    """A greeting or hello that is a no is told with its code."""
    with talker(conversation(b"554 go away\r\n")) as port:
        greeting = send("smtp", {**OPEN, "port": str(port)})
    with talker(conversation(b"220 hi\r\n", b"550 no\r\n")) as port:
        hello = send("smtp", {**OPEN, "port": str(port)})

    assert (greeting.verdict, greeting.code) == (Verdict.RETRY, "554")
    assert greeting.words == "127.0.0.1 takes no mail now"
    assert (hello.verdict, hello.code) == (Verdict.RETRY, "550")


def test_a_server_that_drips_does_not_hold_us() -> None:
    """A byte now and then never is a time-out of the socket; the try ends in its time all the same."""

    def drip(connection: socket.socket) -> None:
        for _ in range(200):
            connection.sendall(b"2")
            time.sleep(0.05)

    with talker(drip) as port:
        began = time.monotonic()
        answer = send("smtp", {**OPEN, "port": str(port)}, timeout=0.5)
        took = time.monotonic() - began

    assert answer == Answer(verdict=Verdict.RETRY, words="127.0.0.1 did not answer in time")
    assert took < 5


def test_the_channels_own_timeout_counts() -> None:
    """``timeout: 1 second`` ends a try, however much time the run has."""
    with talker(silent) as port:
        began = time.monotonic()
        answer = send("smtp", {**OPEN, "port": str(port), "timeout": "1 second"}, timeout=60)
        took = time.monotonic() - began

    assert (answer.verdict, answer.words) == (Verdict.RETRY, "127.0.0.1 did not answer in time")
    assert 0.9 < took < 10


def test_nobody_there() -> None:
    """A closed port and a name that does not exist are told as what they are, and tried again."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    closed = send("smtp", {**OPEN, "port": str(port)})
    unknown = send("smtp", {**OPEN, "host": "mail.invalid"})

    assert closed == Answer(
        verdict=Verdict.RETRY, words="127.0.0.1 takes no connections at this port"
    )
    assert unknown == Answer(
        verdict=Verdict.RETRY, words="the name mail.invalid can't be looked up now"
    )


def test_plain_words_before_encryption_are_not_believed() -> None:
    """What somebody slips in before the TLS handshake is thrown away (STARTTLS injection)."""

    def talk(connection: socket.socket) -> None:
        with connection.makefile("rwb", buffering=0) as file:
            file.write(b"220 hi\r\n")
            file.readline()
            file.write(b"250-mx\r\n250 STARTTLS\r\n")
            file.readline()
            file.write(b"220 go\r\n250-mx\r\n250 AUTH PLAIN\r\n235 welcome\r\n")
            context = authority().server("127.0.0.1")
            with context.wrap_socket(connection, server_side=True) as encrypted:
                encrypted.recv(1000)
                encrypted.sendall(b"421 not so\r\n")

    with talker(talk) as port:
        answer = send(
            "smtp", {**OPEN, "tls": "starttls", "port": str(port), "user": "u", "password": "p"}
        )

    assert answer.verdict is Verdict.RETRY
    assert answer.code in ("", "421")


def test_now_is_the_callers() -> None:
    """The date of a mail is the time that the run says."""
    with mail_server() as server:
        mailed(server, now=NOW - 86_400_000_000)

    assert server.mail()["Date"] == "Sun, 10 May 2026 01:30:00 +0000"
