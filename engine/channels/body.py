"""A message as other programs read it: in files and in the body of a webhook."""

from __future__ import annotations

import json
from typing import Any

from engine.channels.sending import Message

__all__ = ["body_of", "subject_of", "text_of", "to_json"]


def body_of(message: Message) -> dict[str, Any]:
    """Return a message as plain values; texts that it does not have are left out."""
    texts = {
        "to": message.to, "subject": message.subject, "text": message.text, "html": message.html,
        "attachments": list(message.attachments),
    }  # fmt: skip
    return {
        "action": message.action, "customer": message.customer, "playbook": message.playbook,
        "title": message.title, "step": message.step, "channel": message.channel,
        **message.data, **{key: value for key, value in texts.items() if value},
    }  # fmt: skip


def to_json(message: Message) -> bytes:
    """Return the body of a request: the same bytes for the same message."""
    return json.dumps(body_of(message), ensure_ascii=False, sort_keys=True).encode()


def subject_of(message: Message) -> str:
    """Return the subject; that of a message without a text of its own is the step's title."""
    return message.subject or message.title


def text_of(message: Message) -> str:
    """Return the text; a step without one says what its brief says, or its title."""
    brief = message.data.get("brief")
    return message.text or (brief if isinstance(brief, str) else "") or message.title
