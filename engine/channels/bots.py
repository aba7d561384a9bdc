"""Bots of chat groups: WeCom, DingTalk, Feishu. Taken means HTTP 2xx *and* code 0 in the answer.

The vendors' own pages are the source of lengths, signatures and codes (2025): the WeCom page
"group bot", DingTalk "custom bot: errors, signing", Feishu "custom bot guide".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any
from urllib.parse import quote

from engine.channels.body import subject_of, text_of
from engine.channels.posting import Posted, post, retry_after
from engine.channels.sending import Answer, Message, Sending, Verdict
from rules.units import MICROS

__all__ = ["BOTS", "Bot", "cut", "digest"]

_MINUTE = 60 * MICROS
_END = "…"
_LONGEST_TITLE = 300  #: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """One vendor."""

    name: str
    longest: Mapping[str, int]  #: format -> bytes of text, as it stands in JSON
    body: Callable[[str, str, str, int], dict[str, Any]]
    #: format, title, text and the bytes that the text may have -> the request
    sign: Callable[[str, dict[str, Any], str, int], tuple[str, dict[str, Any]]] | None
    #: url, body, secret, instant -> url and body, signed
    codes: tuple[str, ...]  #: where the answer's code may stand
    busy: Mapping[int, int]  #: codes that say "too many" or "busy" -> µs to wait
    channel: frozenset[int]  #: codes of a wrong address, signature or setting of the bot

    def send(self, sending: Sending) -> Answer:
        """Post a message into the group."""
        settings = sending.settings
        body = self.request(sending.message, settings.get("format", "markdown"))
        url = settings["url"]
        if self.sign and settings.get("secret"):
            url, body = self.sign(url, body, settings["secret"], sending.now)
        posted = post(sending, url, json.dumps(body, ensure_ascii=False).encode(), {})
        return posted if isinstance(posted, Answer) else self._answer(posted, sending.now)

    def request(self, message: Message, form: str) -> dict[str, Any]:
        """Return what the vendor is told; texts that are too long are cut."""
        if "digest" in message.data:  # made as Markdown, whatever form single messages have
            form = "markdown"
        title = cut(subject_of(message), _LONGEST_TITLE)
        return self.body(form, title, text_of(message), self.longest[form] - _length(title))

    def _answer(self, posted: Posted, now: int) -> Answer:
        """Return what an answer means: the code in its body decides."""
        if not 200 <= posted.status < 300:
            return _of_status(posted, now)
        code, words = self._said(posted)
        if code is None:
            words = "the bot answered without a code: it may have arrived"
            return Answer(verdict=Verdict.UNKNOWN, words=words, code=posted.code)
        if code == 0:
            return Answer(verdict=Verdict.SENT, words="the group has it", code="0")
        verdict = Verdict.REFUSED
        if code in self.busy or code in self.channel:
            verdict = Verdict.RETRY
        return Answer(
            verdict=verdict,
            words=f"the bot refuses: {words}" if words else "the bot refuses",
            code=str(code),
            retry_after=self.busy.get(code),
        )

    def _said(self, posted: Posted) -> tuple[int | None, str]:
        """Return the code of an answer, None for none, and its words."""
        try:
            said = json.loads(posted.body) if posted.whole else None
        except (ValueError, RecursionError):
            return None, ""
        if not isinstance(said, dict):
            return None, ""
        code = next((said[name] for name in self.codes if name in said), None)
        words = next(
            (said[name] for name in ("errmsg", "msg", "StatusMessage") if name in said), ""
        )
        if not isinstance(code, int) or isinstance(code, bool):
            return None, ""
        return code, words if isinstance(words, str) else ""


def _of_status(posted: Posted, now: int) -> Answer:
    """Return what an HTTP error means where a repetition would be read twice."""
    status, code = posted.status, posted.code
    if status in (408, 425, 429, 503):
        pause = retry_after(posted, now)
        return Answer(
            verdict=Verdict.RETRY, words="the bot asks to wait", code=code, retry_after=pause
        )
    if status >= 500:
        words = "the bot's server failed on it: it may have arrived"
        return Answer(verdict=Verdict.UNKNOWN, words=words, code=code)
    if status in (401, 403, 404, 407):
        return Answer(verdict=Verdict.RETRY, words="there is no such bot; look at `url`", code=code)
    return Answer(verdict=Verdict.REFUSED, words="the bot refuses the request", code=code)


def _length(text: str) -> int:
    """Return the bytes of a text in JSON: what the vendors count, or a little more."""
    return len(json.dumps(text, ensure_ascii=False).encode()) - 2


def cut(text: str, longest: int) -> str:
    """Return a text of at most so many bytes (as in JSON); one that was cut ends in ``…``."""
    if _length(text) <= longest:
        return text
    low, high = 0, min(len(text), max(longest, 0))
    while low < high:
        middle = (low + high + 1) // 2
        if _length(text[:middle]) + _length(_END) <= longest:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + _END


def digest(longest: int) -> Callable[[Sequence[Message]], Message]:
    """Return what makes one message of several: their titles and customers, in ``longest`` bytes."""

    def make(messages: Sequence[Message]) -> Message:
        """Return one message that tells of all; its ``data["digest"]`` lists their actions."""
        first = messages[0]
        actions = [message.action for message in messages]
        ids = hashlib.sha256("\n".join(actions).encode()).hexdigest()
        title = f"{len(messages)} 条消息 · {len(messages)} messages"
        return Message(
            action=f"digest-{ids[:24]}",
            attempt=1,
            customer="",
            playbook="",
            step="",
            channel=first.channel,
            title=title,
            text=_listed(messages, longest - _length(title)),
            data={"digest": actions},
        )

    return make


def _listed(messages: Sequence[Message], longest: int) -> str:
    """Return a line a message, as many as there is room for, and how many more there are."""
    lines = [f"- {_plain(subject_of(each))}: {_plain(each.customer)}" for each in messages]
    ends = [*accumulate((_length(line) + 4 for line in lines), initial=0)]  # 4: the line's end
    for kept in range(len(lines), -1, -1):
        more = len(lines) - kept
        last = [f"... 还有 {more} 条 · and {more} more"] if more else []
        if ends[kept] + sum(map(_length, last)) <= longest:
            return "\n".join(lines[:kept] + last)
    return ""


#: What Markdown reads as more than itself, and a sign that looks like it.
_SIGNS = str.maketrans("[]<>*`#", "［］＜＞＊｀＃")


def _plain(text: str) -> str:
    """Return a text on one line in which no vendor's Markdown finds a link or a mention."""
    return " ".join(text.split()).translate(_SIGNS)


def _wecom(form: str, title: str, text: str, room: int) -> dict[str, Any]:
    if form == "markdown":
        return {"msgtype": "markdown", "markdown": {"content": f"**{title}**\n{cut(text, room)}"}}
    return {"msgtype": "text", "text": {"content": f"{title}\n{cut(text, room)}"}}


def _dingtalk(form: str, title: str, text: str, room: int) -> dict[str, Any]:
    if form == "markdown":
        shown = cut(text.replace("\n", "  \n"), room)  # two spaces: else lines are joined
        return {
            "msgtype": "markdown",
            "markdown": {"title": title, "text": f"**{title}**\n\n{shown}"},
        }
    return {"msgtype": "text", "text": {"content": f"{title}\n{cut(text, room)}"}}


def _feishu(form: str, title: str, text: str, room: int) -> dict[str, Any]:
    if form == "markdown":
        card = {
            "header": {"title": {"tag": "plain_text", "content": title}},
            "elements": [{"tag": "markdown", "content": cut(text, room)}],
        }
        return {"msg_type": "interactive", "card": card}
    return {"msg_type": "text", "content": {"text": f"{title}\n{cut(text, room)}"}}


def _sign_dingtalk(
    url: str, body: dict[str, Any], secret: str, now: int
) -> tuple[str, dict[str, Any]]:
    """Sign the time in ms with the secret; time and signature go into the address."""
    timestamp = now // 1000
    made = _hmac(secret.encode(), f"{timestamp}\n{secret}".encode())
    mark = "&" if "?" in url else "?"
    return f"{url}{mark}timestamp={timestamp}&sign={quote(made, safe='')}", body


def _sign_feishu(
    url: str, body: dict[str, Any], secret: str, now: int
) -> tuple[str, dict[str, Any]]:
    """Sign nothing with the time in s and the secret as the key; both go into the body."""
    timestamp = str(now // MICROS)
    made = _hmac(f"{timestamp}\n{secret}".encode(), b"")
    return url, {"timestamp": timestamp, "sign": made, **body}


def _hmac(key: bytes, text: bytes) -> str:
    return base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode("ascii")


BOTS: Mapping[str, Bot] = {
    bot.name: bot
    for bot in (
        Bot(
            name="wecom_bot",
            longest={"markdown": 4096 - 8, "text": 2048 - 8},
            body=_wecom,
            sign=None,
            codes=("errcode",),
            busy={45009: _MINUTE, 45033: _MINUTE, -1: _MINUTE},
            channel=frozenset({93000, 93004, 93008, 93017, 40001, 40014, 41001, 60020}),
        ),
        Bot(
            name="dingtalk_bot",
            longest={"markdown": 18_000, "text": 18_000},
            body=_dingtalk,
            sign=_sign_dingtalk,
            codes=("errcode",),
            busy={
                130101: 10 * _MINUTE, 410100: 10 * _MINUTE, 660026: 10 * _MINUTE,
                90030: 60 * _MINUTE, 90018: _MINUTE, -1: _MINUTE,
            },
            channel=frozenset({310000, 300001, 300005, 400101, 400102, 400105, 400106}),
        ),
        Bot(
            name="feishu_bot",
            longest={"markdown": 18_000, "text": 18_000},
            body=_feishu,
            sign=_sign_feishu,
            codes=("code", "StatusCode"),
            busy={9499: _MINUTE, 11232: _MINUTE, 11233: _MINUTE},
            channel=frozenset({19001, 19002, 19021, 19022, 19024}),
        ),
    )
}  # fmt: skip
