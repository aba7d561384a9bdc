"""The kinds of channel: how an action reaches somebody. The registry is the dict at the end.

What each takes in care.yaml stands in ``rules.channel_kinds``, under the same names.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.channels.apprised import send_apprise
from engine.channels.bots import BOTS, Bot, digest
from engine.channels.files import send_file
from engine.channels.sending import Answer, ChannelKind, Message, Sending, Verdict
from engine.channels.smtp import send_smtp
from engine.channels.webhook import send_webhook

__all__ = ["KINDS", "Answer", "ChannelKind", "Message", "Sending", "Verdict"]

_PER_MINUTE = 20  #: the vendors' limit for one bot


def _bot(bot: Bot) -> ChannelKind:
    return ChannelKind(
        name=bot.name,
        send=bot.send,
        per_minute=_PER_MINUTE,
        digest=digest(bot.longest["markdown"]),
    )


KINDS: Mapping[str, ChannelKind] = {
    kind.name: kind
    for kind in (
        ChannelKind(name="task", send=None),
        ChannelKind(name="file", send=send_file, idempotent=True),
        ChannelKind(name="smtp", send=send_smtp),
        ChannelKind(name="webhook", send=send_webhook, idempotent=True),
        *map(_bot, BOTS.values()),
        ChannelKind(name="apprise", send=send_apprise),
    )
}
