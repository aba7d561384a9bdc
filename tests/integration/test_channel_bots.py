"""The bots of WeCom, DingTalk and Feishu: what a group gets, and which answers mean what.

The receivers answer as the vendors do; signatures are checked as the vendors' pages tell receivers to.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.channels.bots import BOTS, cut
from engine.channels.kinds import KINDS, Answer, Verdict
from rules.units import MICROS
from tests.receivers import NOW, WebServer, message, send, web_server

FINE = {
    "wecom_bot": b'{"errcode":0,"errmsg":"ok"}',
    "dingtalk_bot": b'{"errcode":0,"errmsg":"ok"}',
    "feishu_bot": b'{"code":0,"msg":"success","data":{}}',
}
NAMES = sorted(FINE)


def posted(kind: str, server: WebServer, **given: Any) -> Answer:
    """Send a message to a bot whose address is a secret."""
    more = {"url": "${env:BOT_URL}", "allow_private": "yes", **given.pop("settings", {})}
    environ = {"BOT_URL": server.url("/send?key=k-123"), **given.pop("environ", {})}
    return send(kind, more, environ=environ, **given)


# ---------------------------------------------------------------- what a group gets


@pytest.mark.parametrize(
    ("kind", "form", "body"),
    [
        ("wecom_bot", "markdown",
         {"msgtype": "markdown", "markdown": {"content": "**您好，王女士**\n第一行\n第二行\n"}}),
        ("wecom_bot", "text", {"msgtype": "text", "text": {"content": "您好，王女士\n第一行\n第二行\n"}}),
        ("dingtalk_bot", "markdown",
         {"msgtype": "markdown", "markdown": {
             "title": "您好，王女士", "text": "**您好，王女士**\n\n第一行  \n第二行  \n"}}),
        ("dingtalk_bot", "text", {"msgtype": "text", "text": {"content": "您好，王女士\n第一行\n第二行\n"}}),
        ("feishu_bot", "markdown",
         {"msg_type": "interactive", "card": {
             "header": {"title": {"tag": "plain_text", "content": "您好，王女士"}},
             "elements": [{"tag": "markdown", "content": "第一行\n第二行\n"}]}}),
        ("feishu_bot", "text", {"msg_type": "text", "content": {"text": "您好，王女士\n第一行\n第二行\n"}}),
    ],
)  # fmt: skip
def test_the_body_is_the_vendors(kind: str, form: str, body: dict[str, Any]) -> None:
    """Each vendor gets its own form, under the address with its key; markdown is the usual one."""
    with web_server(body=FINE[kind]) as server:
        answer = posted(kind, server, settings={"format": form})

    assert answer == Answer(verdict=Verdict.SENT, words="the group has it", code="0")
    assert server.request.path == "/send?key=k-123"
    assert server.request.headers["content-type"] == "application/json; charset=utf-8"
    assert server.request.json == body


def test_markdown_is_the_usual_form() -> None:
    """Without ``format`` a text is shown with its bold words and links."""
    with web_server(body=FINE["wecom_bot"]) as server:
        posted("wecom_bot", server)

    assert server.request.json["msgtype"] == "markdown"


def test_dingtalk_signature() -> None:
    """Time in ms and its signature stand in the address, as DingTalk's page computes it."""
    with web_server(body=FINE["dingtalk_bot"]) as server:
        posted("dingtalk_bot", server, settings={"secret": "${env:S}"}, environ={"S": "SEC密"})

    query = parse_qs(urlsplit(server.request.path).query)
    timestamp = str(NOW // 1000)
    digest = hmac.new("SEC密".encode(), f"{timestamp}\nSEC密".encode(), hashlib.sha256).digest()
    assert query == {
        "key": ["k-123"], "timestamp": [timestamp], "sign": [base64.b64encode(digest).decode()],
    }  # fmt: skip


def test_feishu_signature() -> None:
    """Time in s and its signature stand in the body, as Feishu's page computes it."""
    with web_server(body=FINE["feishu_bot"]) as server:
        posted("feishu_bot", server, settings={"secret": "${env:S}"}, environ={"S": "密"})

    timestamp = str(NOW // MICROS)
    digest = hmac.new(f"{timestamp}\n密".encode(), b"", hashlib.sha256).digest()
    assert server.request.json["timestamp"] == timestamp
    assert server.request.json["sign"] == base64.b64encode(digest).decode()


# ---------------------------------------------------------------- answers


@pytest.mark.parametrize(
    ("kind", "body", "verdict", "code", "wait"),
    [
        ("wecom_bot", {"errcode": 45009, "errmsg": "api freq out of limit"}, Verdict.RETRY, "45009", 60),
        ("wecom_bot", {"errcode": -1, "errmsg": "system busy"}, Verdict.RETRY, "-1", 60),
        ("wecom_bot", {"errcode": 93000, "errmsg": "invalid webhook url"}, Verdict.RETRY, "93000", None),
        ("wecom_bot", {"errcode": 40058, "errmsg": "content exceed max length"}, Verdict.REFUSED, "40058", None),
        ("dingtalk_bot", {"errcode": 130101, "errmsg": "send too fast"}, Verdict.RETRY, "130101", 600),
        ("dingtalk_bot", {"errcode": 660026, "errmsg": "too fast"}, Verdict.RETRY, "660026", 600),
        ("dingtalk_bot", {"errcode": 310000, "errmsg": "sign not match"}, Verdict.RETRY, "310000", None),
        ("dingtalk_bot", {"errcode": 430101, "errmsg": "unsafe link"}, Verdict.REFUSED, "430101", None),
        ("feishu_bot", {"code": 9499, "msg": "too many requests"}, Verdict.RETRY, "9499", 60),
        ("feishu_bot", {"code": 11232, "msg": "frequency limited"}, Verdict.RETRY, "11232", 60),
        ("feishu_bot", {"code": 19021, "msg": "sign match fail"}, Verdict.RETRY, "19021", None),
        ("feishu_bot", {"code": 10003, "msg": "bad parameter"}, Verdict.REFUSED, "10003", None),
        ("feishu_bot", {"StatusCode": 0, "StatusMessage": "success"}, Verdict.SENT, "0", None),
        ("feishu_bot", {"StatusCode": 19021, "StatusMessage": "no"}, Verdict.RETRY, "19021", None),
    ],
)  # fmt: skip
def test_the_code_in_the_body_decides(
    kind: str, body: dict[str, Any], verdict: Verdict, code: str, wait: int | None
) -> None:
    """HTTP 200 with a code that is not 0 is no success: too fast waits, a wrong bot waits for its
    owner, a wrong message is for good.
    """
    with web_server(body=json.dumps(body).encode()) as server:
        answer = posted(kind, server)

    assert (answer.verdict, answer.code) == (verdict, code)
    assert answer.retry_after == (None if wait is None else wait * MICROS)
    said = body.get("errmsg", body.get("msg", body.get("StatusMessage")))
    assert answer.words == ("the group has it" if code == "0" else f"the bot refuses: {said}")


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize(
    "body",
    [b"", b"ok", b"<html>log in</html>", b"[]", b"{}", b'{"errcode":"0","code":"0"}', b"null",
     b'{"errcode":true,"code":true}', b'{"errcode":null,"code":null}', b"\xff", b"[" * 10_000],
)  # fmt: skip
def test_200_without_a_code_is_no_success(kind: str, body: bytes) -> None:
    """What does not say code 0 may have arrived, and is not called sent."""
    with web_server(body=body) as server:
        answer = posted(kind, server)

    assert answer == Answer(
        verdict=Verdict.UNKNOWN,
        words="the bot answered without a code: it may have arrived",
        code="HTTP 200",
    )


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (302, Verdict.REFUSED),
        (400, Verdict.REFUSED),
        (404, Verdict.RETRY),
        (429, Verdict.RETRY),
        (500, Verdict.UNKNOWN),
        (502, Verdict.UNKNOWN),
        (503, Verdict.RETRY),
    ],
)
def test_http_errors(kind: str, status: int, verdict: Verdict) -> None:
    """A chat message is read twice if sent twice: what a failing server may have taken is unknown,
    also when the body says 0.
    """
    with web_server(status=status, body=FINE[kind], headers={"Retry-After": "30"}) as server:
        answer = posted(kind, server)

    assert (answer.verdict, answer.code) == (verdict, f"HTTP {status}")
    assert answer.retry_after == (30 * MICROS if status in (429, 503) else None)


@pytest.mark.parametrize("kind", NAMES)
def test_the_own_network_needs_a_word(kind: str) -> None:
    """A bot's address is guarded like a webhook's."""
    with web_server() as server:
        answer = posted(kind, server, settings={"allow_private": "no"})

    assert server.requests == []
    assert answer.verdict is Verdict.RETRY
    assert "allow_private: yes" in answer.words


# ---------------------------------------------------------------- lengths


def content(kind: str, form: str, body: dict[str, Any]) -> str:
    """Return the text that the vendor counts."""
    match kind, form:
        case "wecom_bot", _:
            return str(body[form]["content"])
        case "dingtalk_bot", "markdown":
            return str(body["markdown"]["text"])
        case "dingtalk_bot", _:
            return str(body["text"]["content"])
    return json.dumps(body, ensure_ascii=False)


LONGEST = {"wecom_bot": {"markdown": 4096, "text": 2048}}
EITHER = {"markdown": 20_000, "text": 20_000}


@settings(max_examples=100, deadline=None)
@given(
    kind=st.sampled_from(NAMES),
    form=st.sampled_from(["markdown", "text"]),
    unit=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5),
    times=st.integers(0, 30_000),
    subject=st.text(st.characters(exclude_categories=["Cs"]), max_size=300),
)
def test_no_message_is_longer_than_the_vendor_takes(
    kind: str, form: str, unit: str, times: int, subject: str
) -> None:
    """However long title and text are, the request keeps the vendor's length, and what fits is not
    cut.
    """
    bot = BOTS[kind]
    given = message(subject=subject, text=unit * times)
    shown = content(kind, form, bot.request(given, form))

    assert len(shown.encode()) <= LONGEST.get(kind, EITHER)[form]
    if len(given.text.encode()) < 300:
        assert shown.count("…") == (given.text + cut(subject, 300)).count("…")


@pytest.mark.parametrize("kind", NAMES)
def test_a_long_message_arrives_cut(kind: str) -> None:
    """The group gets the beginning and sees that there is more."""
    with web_server(body=FINE[kind]) as server:
        posted(kind, server, text="长" * 20_000)

    text = content(kind, "markdown", server.request.json)
    assert text.count("长") > 1_300
    assert "长…" in text


@settings(max_examples=200)
@given(
    text=st.text(st.characters(exclude_categories=["Cs"]), max_size=50), longest=st.integers(3, 200)
)
def test_cut(text: str, longest: int) -> None:
    """A cut text has at most so many bytes, begins as the whole one, and says that it was cut."""
    found = cut(text, longest)

    assert len(found.encode()) <= longest
    assert found == text or (found.endswith("…") and text.startswith(found[:-1]))
    if len(json.dumps(text, ensure_ascii=False).encode()) - 2 <= longest:
        assert found == text


# ---------------------------------------------------------------- digests


@pytest.mark.parametrize("kind", NAMES)
def test_a_digest_tells_of_all(kind: str) -> None:
    """Several messages become one with the title and customer of each."""
    made = KINDS[kind].digest
    assert made is not None
    found = made(
        [message(action=f"a-{n}", customer=f"客户{n}", subject=f"回访{n}") for n in (1, 2, 3)]
    )
    with web_server(body=FINE[kind]) as server:
        answer = posted(kind, server, settings={"format": "text"}, **_fields(found))

    assert answer.verdict is Verdict.SENT
    assert found.data == {"digest": ["a-1", "a-2", "a-3"]}
    shown = json.dumps(server.request.json, ensure_ascii=False)
    assert "3 条消息 · 3 messages" in shown
    assert [f"- 回访{n}: 客户{n}" in shown for n in (1, 2, 3)] == [True] * 3


def _fields(made: Any) -> dict[str, Any]:
    return {name: getattr(made, name) for name in ("action", "customer", "title", "text", "subject", "data")}  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(
    kind=st.sampled_from(NAMES),
    subjects=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=200), min_size=1, max_size=60),
    times=st.integers(1, 30),
)  # fmt: skip
def test_a_digest_counts_what_it_leaves_out(kind: str, subjects: list[str], times: int) -> None:
    """However many messages there are, the digest fits, and lines and the rest add up to all."""
    made = KINDS[kind].digest
    assert made is not None
    messages = [message(action=f"a-{n}", subject=subject) for n, subject in enumerate(subjects * times)]  # fmt: skip
    found = made(messages)
    lines = found.text.split("\n")
    left = [int(line.split()[2]) for line in lines if line.startswith("... 还有")]
    kept = len(lines) - len(left)

    assert kept + sum(left) == len(messages)
    assert len(found.data["digest"]) == len(messages)
    body = BOTS[kind].request(found, "text")
    assert json.dumps(lines[-1], ensure_ascii=False).strip('"') in json.dumps(
        body, ensure_ascii=False
    )
    assert len(content(kind, "markdown", body).encode()) <= LONGEST.get(kind, EITHER)["markdown"]


def test_a_digest_holds_no_link_and_no_mention() -> None:
    """What a customer is called can't make a link, or call everybody in the group."""
    made = KINDS["feishu_bot"].digest
    assert made is not None
    found = made([message(subject="[x](http://evil.example)", customer="<at id=all></at>\n# 大字")])

    assert found.text == "- ［x］(http://evil.example): ＜at id=all＞＜/at＞ ＃ 大字"


def test_bots_take_twenty_a_minute_and_are_not_repeated() -> None:
    """What the outbox has to know of them."""
    told = [(KINDS[name].per_minute, KINDS[name].idempotent) for name in NAMES]

    assert told == [(20, False)] * 3
