"""The kinds of channel as the language knows them: what each needs, for check, schema and docs.

How they send stands in ``engine.channels``, under the same names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rules.channel_values import Shape

__all__ = ["CHANNEL_KINDS", "Kind", "Setting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One key that a kind of channel takes."""

    name: str
    says: str  #: one sentence
    example: str | tuple[str, ...] | Mapping[str, str]
    shape: Shape = Shape.TEXT
    required: bool = False
    secret: bool = False  #: its value is never shown
    literal: bool = False  #: of a secret: may nevertheless be written out
    several: bool = False  #: takes a list as well
    words: Mapping[str, str] = field(default_factory=dict)  #: of a WORD, with meanings


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of channel."""

    name: str
    says: str  #: a few words
    settings: tuple[Setting, ...] = ()
    addressed: bool = False  #: nothing can be sent without an address: `to` is needed

    def setting(self, key: str) -> Setting | None:
        """Return the setting behind a key of `Channel.settings`: ``headers/X-Team`` is headers."""
        name = key.partition("/")[0]
        return next((each for each in self.settings if each.name == name), None)


_TIMEOUT = Setting(
    name="timeout",
    says="How long one try may take.",
    example="20 seconds",
    shape=Shape.TIME,
)
_PRIVATE = Setting(
    name="allow_private",
    says="Whether it may be a server of the own network.",
    example="yes",
    shape=Shape.FLAG,
)
_AUTHORITY = Setting(
    name="ca_file",
    says="A PEM file with the certificate of the firm's own authority.",
    example="certs/firm.pem",
)
_BOT = (
    Setting(
        name="url",
        says="The address that the group shows for the bot, key and all.",
        example="${env:BOT_URL}",
        shape=Shape.URL,
        required=True,
        secret=True,
    ),
    Setting(
        name="format",
        says="How the text is shown.",
        example="text",
        shape=Shape.WORD,
        words={
            "markdown": "with headings, links and bold text",
            "text": "as it stands",
        },
    ),
    _TIMEOUT,
    _PRIVATE,
    _AUTHORITY,
)
_SIGNED = Setting(
    name="secret",
    says="What requests are signed with.",
    example="${env:BOT_SECRET}",
    secret=True,
)

CHANNEL_KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(name="task", says="a task for a person"),
        Kind(
            name="file",
            says="a file an action, in a folder",
            settings=(
                Setting(name="folder", says="Where the files go.", example="out/letters"),
                Setting(
                    name="format",
                    says="What the files are.",
                    example="csv",
                    shape=Shape.WORD,
                    words={
                        "json": "for programs",
                        "csv": "a sheet with one line",
                        "xlsx": "an Excel file with one line",
                    },
                ),
            ),
        ),
        Kind(
            name="smtp",
            says="an e-mail",
            addressed=True,
            settings=(
                Setting(
                    name="host",
                    says="The mail server.",
                    example="smtp.example.com",
                    shape=Shape.HOST,
                    required=True,
                ),
                Setting(
                    name="port",
                    says="Its port, where it is not the usual one.",
                    example="587",
                    shape=Shape.PORT,
                ),
                Setting(
                    name="tls",
                    says="How the connection is encrypted.",
                    example="tls",
                    shape=Shape.WORD,
                    words={
                        "starttls": "after the greeting, usually at port 587",
                        "tls": "from the beginning, usually at port 465",
                        "none": "not at all: only inside the own network",
                    },
                ),
                Setting(name="user", says="Who logs in.", example="care@example.com"),
                Setting(
                    name="password",
                    says="The password of `user`.",
                    example="${env:SMTP_PASSWORD}",
                    secret=True,
                ),
                Setting(
                    name="sender",
                    says="Whom the mail is from.",
                    example="云帆客服 <care@example.com>",
                    shape=Shape.MAILBOX,
                    required=True,
                ),
                Setting(
                    name="reply_to",
                    says="Where answers go, where not to the sender.",
                    example="service@example.com",
                    shape=Shape.MAILBOX,
                ),
                Setting(
                    name="unsubscribe",
                    says="Where a reader says no more: an https address, a mailto:, or both.",
                    example=("https://example.com/stop?a={action}", "mailto:stop@example.com"),
                    shape=Shape.UNSUBSCRIBE,
                    several=True,
                ),
                _TIMEOUT,
                _AUTHORITY,
            ),
        ),
        Kind(
            name="webhook",
            says="a signed request to an address",
            settings=(
                Setting(
                    name="url",
                    says="Where the request goes.",
                    example="https://example.com/care",
                    shape=Shape.URL,
                    required=True,
                    secret=True,
                    literal=True,
                ),
                Setting(
                    name="secret",
                    says="What requests are signed with: whsec_ and base64, or any text.",
                    example="${env:HOOK_SECRET}",
                    secret=True,
                ),
                Setting(
                    name="headers",
                    says="Headers to send along.",
                    example={"Authorization": "Bearer ${env:HOOK_TOKEN}"},
                    shape=Shape.HEADERS,
                    secret=True,
                    literal=True,
                ),
                _TIMEOUT,
                _PRIVATE,
                _AUTHORITY,
            ),
        ),
        Kind(name="wecom_bot", says="a message of a bot in a WeCom group", settings=_BOT),
        Kind(
            name="dingtalk_bot",
            says="a message of a bot in a DingTalk group",
            settings=(*_BOT, _SIGNED),
        ),
        Kind(
            name="feishu_bot",
            says="a message of a bot in a Feishu group",
            settings=(*_BOT, _SIGNED),
        ),
        Kind(
            name="apprise",
            says="any other service that Apprise knows",
            settings=(
                Setting(
                    name="urls",
                    says="The addresses in the words of Apprise, one or several.",
                    example="${env:APPRISE_URL}",
                    required=True,
                    secret=True,
                    several=True,
                ),
            ),
        ),
    )
}
