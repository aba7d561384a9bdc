"""Secrets of channels: put in where they belong, and shown nowhere, whatever the other side says."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.channels.kinds import Answer, Verdict
from engine.secrets import HIDDEN, faults, redact, resolve, secrets_of
from engine.switchboard import Line, Switchboard
from rules.errors import InputError
from rules.vocabulary import Channel
from tests.projects import CARE, project
from tests.receivers import NOW, mail_server, message, talker, web_server

CANARY = "c4n4ry-密/+&=?-0123"


# ---------------------------------------------------------------- put in


def test_references_are_replaced(tmp_path: Path) -> None:
    """Variables and files stand in for parts of a text; line ends at a file's end don't count."""
    (tmp_path / "hook").write_bytes("\ufeff密 钥\r\n".encode())
    found = resolve(
        {"a": "x ${env:A} y", "b": "${env:A}${env:B}", "c": "${file:hook}", "d": "plain $5"},
        tmp_path,
        {"A": "1", "B": "2"},
    )

    assert found == {"a": "x 1 y", "b": "12", "c": "密 钥", "d": "plain $5"}


def test_a_value_is_not_looked_into(tmp_path: Path) -> None:
    """What a variable holds is text, also where it looks like a reference."""
    found = resolve({"a": "${env:A}"}, tmp_path, {"A": "${env:B}", "B": "x"})

    assert found == {"a": "${env:B}"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("${env:GONE}", 'channel "mail": `password` needs the environment variable GONE, which is not set'),
        ("${env:EMPTY}", 'channel "mail": `password` needs the environment variable EMPTY, which is empty'),
        ("${file:gone}", 'channel "mail": `password` needs the file gone, which can\'t be read: No such file or directory'),
        ("${file:empty}", 'channel "mail": `password` needs the file empty, which is empty'),
        ("${file:.}", 'channel "mail": `password` needs the file ., which can\'t be read: Is a directory'),
        ("${file:latin}", 'channel "mail": `password` needs the file latin, which is no UTF-8 text'),
        ("${file:long}", 'channel "mail": `password` needs the file long, which is longer than 64 kB'),
    ],
)  # fmt: skip
def test_what_is_missing_is_named(text: str, words: str, tmp_path: Path) -> None:
    """The words name the channel, the setting and what to set."""
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "latin").write_bytes(b"\xff")
    (tmp_path / "long").write_text("x" * 65_537)
    with pytest.raises(InputError) as error:
        resolve({"password": text}, tmp_path, {"EMPTY": ""}, channel="mail")

    assert str(error.value) == words


@pytest.mark.parametrize(
    ("kind", "key", "value", "told"),
    [
        ("smtp", "port", "abc", "`port`, which comes from X, is no port; write a number such as 587"),
        ("smtp", "host", "a b", "`host`, which comes from X, is no name of a host; write smtp.example.com"),
        ("smtp", "sender", "nobody", "`sender`, which comes from X, is no e-mail address; write name@example.com"),
        ("smtp", "password", "a\nb", "`password`, which comes from X, has a line break or another control character in it"),
        ("webhook", "url", "ftp://x", "`url`, which comes from X, is no http or https address; write https://example.com/path"),
        ("webhook", "url", "https://u:p@x/", "`url`, which comes from X, has a user in it (before the @); write that into `headers` as Authorization"),
        ("webhook", "headers/X-Key", "a\r\nHost: b", "`headers/X-Key`, which comes from X, has a line break or another control character in it"),
        ("wecom_bot", "url", "key", "`url`, which comes from X, is no http or https address; write https://example.com/path"),
    ],
)  # fmt: skip
def test_values_that_check_could_not_see(kind: str, key: str, value: str, told: str) -> None:
    """A wrong value is told with the variable that it comes from, and without itself."""
    channel = Channel(name="out", kind=kind, settings={key: "${env:X}"})

    assert faults(channel, {key: value}) == [told]


# ---------------------------------------------------------------- taken out


def test_secrets_of_a_channel() -> None:
    """What secret settings take from elsewhere is secret, with the parts of an address; host, port
    and what is written out is not.
    """
    raw = {
        "url": "${env:URL}", "headers/Authorization": "Bearer ${env:T}", "headers/X-Team": "care",
        "secret": "${file:s}", "timeout": "${env:TIME}",
    }  # fmt: skip
    url = "https://hooks.example.com/services/T0123456/abcdefgh%20ij?k=short&key=12345678"
    settings = {
        "url": url, "headers/Authorization": "Bearer t-123", "headers/X-Team": "care",
        "secret": "s3cret", "timeout": "20 seconds",
    }  # fmt: skip
    found = secrets_of(Channel(name="out", kind="webhook", settings=raw), settings)

    assert found == {
        url, "services", "T0123456", "abcdefgh%20ij", "abcdefgh ij", "12345678", "t-123", "s3cret",
    }  # fmt: skip


@given(
    secret=st.text(st.characters(exclude_categories=["Cs"]), min_size=4, max_size=30),
    before=st.text(max_size=10),
    after=st.text(max_size=10),
)
def test_no_secret_survives(secret: str, before: str, after: str) -> None:
    """Plain, as in an address, and as in JSON."""
    for form in (secret, quote(secret, safe=""), json.dumps(secret)[1:-1]):
        shown = redact(f"{before} {form} {after}", [secret])

        if form not in (before, after, HIDDEN):
            assert form not in shown.replace(HIDDEN, "").replace(before, "").replace(after, "")


def test_short_secrets_are_left() -> None:
    """Three letters can't be told from words; hiding them would only spoil every sentence."""
    assert redact("the answer", ["e", "the", ""]) == "the answer"


# ---------------------------------------------------------------- through failures


def board(root: Path, channel: str, environ: dict[str, str]) -> Line:
    """Return a channel of a project, ready for use."""
    care = CARE.replace("  letter: {kind: file}\n", f"  out:\n{channel}  letter: {{kind: file}}\n")
    found = Switchboard(project(care=care).vocabulary, root, environ).line("out")
    assert isinstance(found, Line), found
    return found


def tried(root: Path, channel: str, environ: dict[str, str]) -> Answer:
    """Send a message through a channel of a project, as the outbox does."""
    line = board(root, channel, environ)
    switchboard = Switchboard(project().vocabulary, root, environ)
    return switchboard.send(line, message(), timeout=0.3, now=NOW)


def bot(kind: str, port: int, *, secret: bool) -> str:
    more = '    secret: "${env:S}"\n' if secret else ""
    return f'    kind: {kind}\n    url: "http://127.0.0.1:{port}/send?key=${{env:S}}"\n    allow_private: yes\n{more}'


@pytest.mark.parametrize("kind", ["wecom_bot", "dingtalk_bot", "feishu_bot"])
@pytest.mark.parametrize("form", ["plain", "quoted", "escaped"])
def test_a_bot_that_repeats_the_secret(
    kind: str, form: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    """A vendor's words may hold the key; ours do not."""
    caplog.set_level(logging.INFO)
    said = {"plain": CANARY, "quoted": quote(CANARY, safe=""), "escaped": CANARY}[form]
    answer_body = {"errcode": 7, "code": 7, "errmsg": f"no {said} here", "msg": f"no {said} here"}
    body = json.dumps(answer_body, ensure_ascii=form == "escaped").encode()
    with web_server(body=body) as server:
        channel = bot(kind, server.port, secret=kind != "wecom_bot")
        answer = tried(tmp_path, channel, {"S": CANARY})

    assert (answer.verdict, answer.words) == (Verdict.REFUSED, f"the bot refuses: no {HIDDEN} here")
    assert "c4n4ry" not in repr(answer) + caplog.text + "".join(capfd.readouterr())


@pytest.mark.parametrize("status", [200, 302, 401, 410, 429, 500])
def test_a_webhook_with_secrets_everywhere(
    status: int, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    """Address, header and signature carry the secret; no answer and no log does."""
    caplog.set_level(logging.INFO)
    with web_server(status=status, body=CANARY.encode(), headers={"Location": "/c4n4ry"}) as server:
        channel = (
            f'    kind: webhook\n    url: "{server.url("/")}${{env:S}}"\n    secret: "${{env:S}}"\n'
            '    headers: {Authorization: "Bearer ${env:H}"}\n    allow_private: yes\n'
        )
        answer = tried(tmp_path, channel, {"S": quote(CANARY, safe=""), "H": CANARY})

    assert server.request.headers["authorization"].encode("latin-1").decode() == f"Bearer {CANARY}"
    assert "c4n4ry" not in repr(answer) + caplog.text + "".join(capfd.readouterr())


def test_a_connection_that_is_cut(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Neither words nor log of a failed exchange hold the address."""
    caplog.set_level(logging.INFO)
    with talker(lambda connection: connection.close()) as port:
        answer = tried(tmp_path, bot("feishu_bot", port, secret=True), {"S": CANARY})

    assert answer.verdict in (Verdict.UNKNOWN, Verdict.RETRY)
    assert "c4n4ry" not in repr(answer) + caplog.text


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
def test_a_mail_server_that_repeats_the_password(command: str, tmp_path: Path) -> None:
    """What a server says is kept without the secret, and without the customer's address."""
    with mail_server(login=True) as server:
        server.say[command] = "550 open sesame, wang@example.com"
        channel = (
            f"    kind: smtp\n    to: customer.name\n    host: 127.0.0.1\n    port: {server.port}\n"
            '    tls: none\n    sender: care@example.com\n    user: care\n    password: "${env:S}"\n'
        )
        answer = tried(tmp_path, channel, {"S": "open sesame"})

    assert server.logins == [("care", "open sesame")]
    assert answer.words.endswith(f": {HIDDEN}, {HIDDEN}")


def test_a_refused_login_is_told_without_the_servers_words(tmp_path: Path) -> None:
    """They could hold the password in base64, which nobody would find."""
    with mail_server(login=True) as server:
        channel = (
            f"    kind: smtp\n    to: customer.name\n    host: 127.0.0.1\n    port: {server.port}\n"
            '    tls: none\n    sender: care@example.com\n    user: care\n    password: "${file:pw}"\n'
        )
        (tmp_path / "pw").write_text("c4n4ry-0123\n")
        answer = tried(tmp_path, channel, {})

    assert set(server.logins) == {("care", "c4n4ry-0123")}
    assert answer.words == "127.0.0.1 does not accept `user` and `password`"


def test_a_sending_does_not_show_its_settings() -> None:
    """Printed in a message or a debugger, a try shows the references at most."""
    from tests.receivers import sending

    shown = repr(sending("smtp", {"password": "${env:S}"}, environ={"S": CANARY}))

    assert "c4n4ry" not in shown
    assert "${env:S}" in shown
