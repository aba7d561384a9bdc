"""A message as an e-mail: headers that nobody can add to, texts in UTF-8, attachments."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from engine.channels.body import subject_of, text_of
from engine.channels.sending import Sending, Verdict
from rules.channel_values import address_fault, read_mailbox
from rules.units import to_datetime

if TYPE_CHECKING:
    from email.headerregistry import Address
    from email.message import EmailMessage

__all__ = ["MAX_ATTACHMENTS", "NotAMailError", "address_of", "mail_of", "sender_domain"]

MAX_ATTACHMENTS = 10 * 1024 * 1024  #: bytes of all attachments of a mail; a third more on the way

_CONTROL = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]")


class NotAMailError(Exception):
    """No mail can be made of the message; the words say why."""

    def __init__(self, words: str, verdict: Verdict = Verdict.REFUSED) -> None:
        super().__init__(words)
        self.verdict = verdict


def address_of(text: str) -> str:
    """Return an address as mail servers take it, its domain in ASCII. Raises NotAMailError."""
    wrong = address_fault(text) if text else "is missing"
    if wrong:
        raise NotAMailError(f"the address {wrong.partition('; ')[0]}")
    local, _, domain = text.rpartition("@")
    return f"{local}@{domain.encode('idna').decode('ascii')}"


def sender_domain(sending: Sending) -> str:
    """Return the domain of the channel's sender."""
    return address_of(read_mailbox(sending.settings["sender"])[1]).rpartition("@")[2]


def mail_of(sending: Sending) -> bytes:
    """Return a message as it goes over the wire: lines end in CRLF, and the last one does.

    Its Message-ID is the action's, so that a mail sent twice can be told from two mails. Raises
    NotAMailError.
    """
    from email.message import EmailMessage  # noqa: PLC0415  slow
    from email.policy import SMTP  # noqa: PLC0415
    from email.utils import format_datetime  # noqa: PLC0415

    settings, message = sending.settings, sending.message
    mail = EmailMessage(policy=SMTP.clone(cte_type="7bit"))  # any server can take it
    mail["From"] = _mailbox(settings["sender"])
    mail["To"] = _header(address_of(message.to))
    if settings.get("reply_to"):
        mail["Reply-To"] = _mailbox(settings["reply_to"])
    mail["Subject"] = _header(subject_of(message), "subject")
    mail["Date"] = format_datetime(to_datetime(sending.now).replace(microsecond=0))
    mail["Message-ID"] = f"<{_token(message.action)}@{sender_domain(sending)}>"
    mail["Auto-Submitted"] = (
        "auto-generated"  # RFC 3834: no out-of-office answers that look like replies
    )
    _unsubscribe(mail, sending)
    if message.text or not message.html:
        mail.set_content(text_of(message), charset="utf-8")
        if message.html:
            mail.add_alternative(message.html, subtype="html", charset="utf-8")
    else:
        mail.set_content(message.html, subtype="html", charset="utf-8")
    _attach(mail, sending)
    data = mail.as_bytes()
    return data if data.endswith(b"\r\n") else data + b"\r\n"


def _header(text: str, what: str = "address") -> str:
    if _CONTROL.search(text):
        raise NotAMailError(f"the {what} has a line break or another control character in it")
    return text


def _mailbox(text: str) -> Address:
    """Return a name with an address, for a header."""
    from email.headerregistry import Address  # noqa: PLC0415  slow

    name, address = read_mailbox(_header(text))
    local, _, domain = address_of(address).rpartition("@")
    return Address(display_name=name, username=local, domain=domain)


def _token(text: str) -> str:
    """Return a text as a part of a Message-ID."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", text)


def _unsubscribe(mail: EmailMessage, sending: Sending) -> None:
    """Tell mail programs how the reader says no more: RFC 2369, and RFC 8058 for one click."""
    places = [
        place.replace("{action}", quote(sending.message.action, safe="")).replace(
            "{customer}", quote(sending.message.customer, safe="")
        )
        for key, place in sorted(sending.settings.items())
        if key.startswith("unsubscribe/")
    ]
    if not places:
        return
    mail["List-Unsubscribe"] = _header(", ".join(f"<{place}>" for place in places))
    if any(place.startswith("https:") for place in places):
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"


def _attach(mail: EmailMessage, sending: Sending) -> None:
    """Add the files that a message names. Raises NotAMailError."""
    import mimetypes  # noqa: PLC0415  slow

    left = MAX_ATTACHMENTS
    for name in sending.message.attachments:
        path = _inside(sending.root, name)
        try:
            if path.stat().st_size > left:
                raise NotAMailError(f"the attachments are larger than 10 MB (with {name})")
            data = path.read_bytes()
        except OSError as error:
            words = f"the attachment {name} can't be read: {error.strerror}"
            raise NotAMailError(words, Verdict.RETRY) from None
        left -= len(data)
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        main, _, sub = kind.partition("/")
        mail.add_attachment(data, maintype=main, subtype=sub, filename=path.name)


def _inside(root: Path, name: str) -> Path:
    """Return the path of a file of the project, links followed. Raises NotAMailError."""
    home = root.resolve()
    path = (home / name).resolve()
    if not path.is_relative_to(home) or path.is_relative_to(home / ".care"):
        raise NotAMailError(f"the attachment {name} is no file of the project")
    return path
