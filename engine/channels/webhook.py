"""The webhook channel: a signed POST, as https://www.standardwebhooks.com has it.

The action's id is the message's id and the idempotency key: a receiver that has seen it answers 2xx
and does nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from engine.channels.body import to_json
from engine.channels.posting import Posted, post, retry_after
from engine.channels.sending import Answer, Sending, Verdict
from rules.units import MICROS

__all__ = ["send_webhook", "signature"]

#: The channel is wrong, not the message: once it is mended the same message goes through.
_OF_THE_CHANNEL = frozenset({401, 403, 404, 407})
_LATER = frozenset({408, 425, 429})


def send_webhook(sending: Sending) -> Answer:
    """Post a message and read the answer: 2xx is sent, 410 disables the channel."""
    settings, message = sending.settings, sending.message
    body = to_json(message)
    timestamp = str(sending.now // MICROS)
    headers = {
        key.removeprefix("headers/"): value
        for key, value in settings.items()
        if key.startswith("headers/")
    }
    headers |= {
        "Idempotency-Key": message.action,
        "webhook-id": message.action,
        "webhook-timestamp": timestamp,
    }
    if "secret" in settings:
        try:
            signed = signature(settings["secret"], message.action, timestamp, body)
        except ValueError:
            words = "`secret` begins with whsec_, and what follows is no base64"
            return Answer(verdict=Verdict.RETRY, words=words)
        headers["webhook-signature"] = signed
    posted = post(sending, settings["url"], body, headers)
    return posted if isinstance(posted, Answer) else _answer(posted, sending.now)


def signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """Return the ``v1`` signature. ``whsec_`` and base64 is a key as the standard writes it; any
    other secret is taken by its letters. Raises ValueError for a ``whsec_`` without base64.
    """
    key = secret.encode()
    if secret.startswith("whsec_"):
        text = secret.removeprefix("whsec_")
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode('ascii')}"


def _answer(posted: Posted, now: int) -> Answer:
    """Return what a status means for the message."""
    status, code = posted.status, posted.code
    if 200 <= status < 300:
        return Answer(verdict=Verdict.SENT, words="the receiver has taken it", code=code)
    if 300 <= status < 400:
        words = (
            "the receiver sends on to another address, where no request goes; write that address"
        )
        return Answer(verdict=Verdict.REFUSED, words=words, code=code)
    if status == 410:
        words = "the receiver is gone for good: the channel is disabled"
        return Answer(verdict=Verdict.REFUSED, words=words, code=code, disable=True)
    if status in _LATER or status >= 500:
        words = "the receiver can't take it now" if status >= 500 else "the receiver asks to wait"
        pause = retry_after(posted, now)
        return Answer(verdict=Verdict.RETRY, words=words, code=code, retry_after=pause)
    if status in _OF_THE_CHANNEL:
        words = "the receiver does not know the address or lets nobody in; look at `url`, `secret`, `headers`"
        return Answer(verdict=Verdict.RETRY, words=words, code=code)
    return Answer(verdict=Verdict.REFUSED, words="the receiver refuses the message", code=code)
