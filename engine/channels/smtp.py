"""The smtp channel: one e-mail, and exactly one answer to whether it was taken.

Until the last dot of the message has gone out nothing can have been delivered; when the connection
ends after it, nobody knows.
"""

from __future__ import annotations

import re
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.channels.mail import NotAMailError, address_of, mail_of, sender_domain
from engine.channels.network import Cutter, cutter, lookup, tls_context
from engine.channels.sending import Answer, Sending, Verdict
from engine.secrets import HIDDEN
from rules.channel_values import read_mailbox, read_seconds

if TYPE_CHECKING:
    import smtplib

__all__ = ["send_smtp"]

_TIMEOUT = 60.0  #: seconds of one try, where the channel does not say: servers scan a mail first
_PORTS = {"starttls": 587, "tls": 465, "none": 25}

#: Answers that tell of the account, whatever they are an answer to (RFC 4954): no mail goes now.
_OF_THE_ACCOUNT = frozenset({454, 530, 534, 535, 538})


class _EndError(Exception):
    """The exchange is over, with this answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.words)
        self.answer = answer


def send_smtp(sending: Sending) -> Answer:
    """Send one mail to one address."""
    import smtplib  # noqa: PLC0415  slow

    settings = sending.settings
    try:
        to = address_of(sending.message.to)
        mail = mail_of(sending)
    except NotAMailError as error:
        return Answer(verdict=error.verdict, words=str(error))
    sender = address_of(read_mailbox(settings["sender"])[1])
    seconds = min(sending.timeout, read_seconds(settings.get("timeout", "")) or _TIMEOUT)
    with cutter(seconds) as cut:
        talk = _Talk(sending, smtplib.SMTP(timeout=seconds, local_hostname=_own_name(sending)), cut)
        try:
            talk.connect()
            talk.log_in()
            return talk.give(sender, to, mail)
        except _EndError as end:
            return talk.broken(TimeoutError()) if cut.cut else end.answer
        except (smtplib.SMTPException, OSError, ValueError) as error:
            return talk.broken(error)
        finally:
            talk.close()


def _own_name(sending: Sending) -> str:
    """Return what we call ourselves: the machine's full name, or the sender's domain."""
    name = socket.gethostname()
    full = "." in name and name.isascii() and re.fullmatch(r"[\w.-]+", name)
    return name if full else sender_domain(sending)


def _end(verdict: Verdict, words: str, code: int | None = None) -> _EndError:
    return _EndError(Answer(verdict=verdict, words=words, code=str(code) if code else ""))


@dataclass(slots=True)
class _Talk:
    """The exchange with one mail server."""

    sending: Sending
    client: smtplib.SMTP
    cut: Cutter
    doubtful: bool = False  #: the last dot is on its way: it may have been taken

    @property
    def host(self) -> str:
        """The mail server's name."""
        return self.sending.settings["host"]

    def connect(self) -> None:
        """Connect, greet, encrypt."""
        mode = self.sending.settings.get("tls", "starttls")
        port = int(self.sending.settings.get("port", _PORTS[mode]))
        connection = self._socket(port)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # the dot goes by itself
        self.cut.watch(connection)
        self._take(connection)
        if mode == "tls":
            self._encrypt()
        code, _ = self.client.getreply()
        if code != 220:
            raise _end(Verdict.RETRY, f"{self.host} takes no mail now", code)
        self._hello()
        if mode == "starttls":
            if not self.client.has_extn("starttls"):
                words = f"{self.host} offers no encryption; write tls: tls, or tls: none inside the own network"
                raise _end(Verdict.RETRY, words)
            code, _ = self.client.docmd("STARTTLS")
            if code != 220:
                raise _end(Verdict.RETRY, f"{self.host} does not encrypt now", code)
            self._encrypt()
            self._hello()

    def _socket(self, port: int) -> socket.socket:
        addresses = lookup(self.host.strip("[]"), port, self.cut.left)
        for number, address in enumerate(addresses):
            share = self.cut.left / (len(addresses) - number)
            try:
                return socket.create_connection((str(address), port), timeout=share)
            except OSError:
                if number == len(addresses) - 1:
                    raise
        raise OSError("no address")

    def _take(self, connection: socket.socket) -> None:
        """Go on over this connection; what was read ahead from the one before is dropped."""
        connection.settimeout(self.cut.left)
        self.client.sock = connection
        self.client.file = None

    def _encrypt(self) -> None:
        name = self.sending.settings.get("ca_file")
        context = tls_context("smtp", self.sending.root / name if name else None)
        plain = self.client.sock
        assert plain is not None
        self._take(context.wrap_socket(plain, server_hostname=self.host.strip("[]")))

    def _hello(self) -> None:
        code, _ = self.client.ehlo()
        if not 200 <= code < 300:
            raise _end(Verdict.RETRY, f"{self.host} does not want to talk to us", code)

    def log_in(self) -> None:
        """Log in where the channel says as whom."""
        import smtplib  # noqa: PLC0415  slow

        user = self.sending.settings.get("user")
        if not user:
            return
        try:
            self.client.login(user, self.sending.settings.get("password", ""))
        except smtplib.SMTPAuthenticationError as error:
            words = f"{self.host} does not accept `user` and `password`"
            raise _end(Verdict.RETRY, words, error.smtp_code) from None
        except smtplib.SMTPNotSupportedError:
            words = f"{self.host} has no way to log in that care knows"
            raise _end(Verdict.RETRY, words) from None
        except UnicodeError:
            words = "`user` and `password` must be plain letters, digits and signs"
            raise _end(Verdict.RETRY, words) from None

    def give(self, sender: str, to: str, mail: bytes) -> Answer:
        """Hand the mail over and return what became of it."""
        size = [f"size={len(mail)}"] if self.client.has_extn("size") else []
        code, said = self.client.mail(sender, size)
        if not 200 <= code < 300:
            # The sender is the channel's: another day, or once mended, it goes. A size is the mail's.
            verdict = Verdict.REFUSED if code == 552 else Verdict.RETRY
            what = "the size of the mail" if code == 552 else "the sender"
            raise _end(verdict, self._quoted(f"{self.host} refuses {what}", said), code)
        code, said = self.client.rcpt(to)
        if not 200 <= code < 300:
            raise self._no(code, said, "refuses the address")
        code, said = self.client.docmd("DATA")
        if code != 354:
            raise self._no(code, said, "refuses the mail")
        self.client.send(re.sub(rb"(?m)^\.", b"..", mail))
        self.doubtful = True
        self.client.send(b".\r\n")
        code, said = self.client.getreply()
        if not (200 <= code < 300 or 400 <= code < 600):
            raise ValueError(f"no answer to a mail: {code}")
        self.doubtful = False
        if code >= 400:
            raise self._no(code, said, "refuses the mail")
        return Answer(verdict=Verdict.SENT, words=f"{self.host} has taken it", code=str(code))

    def _no(self, code: int, said: bytes, what: str) -> _EndError:
        """Return what a no means: 5xx is for good, 4xx for now; about the account it is the channel."""
        for_good = 500 <= code < 600 and code not in _OF_THE_ACCOUNT
        verdict = Verdict.REFUSED if for_good else Verdict.RETRY
        later = "" if for_good else " for now"
        return _end(verdict, self._quoted(f"{self.host} {what}{later}", said), code)

    def _quoted(self, words: str, said: bytes) -> str:
        """Return words with what the server said: one short line, without the customer's address."""
        told = " ".join(said.decode("utf-8", "replace").split())
        told = "".join(sign for sign in told if sign.isprintable())
        told = re.sub(re.escape(self.sending.message.to), HIDDEN, told, flags=re.IGNORECASE)[:200]
        return f"{words}: {told}" if told else words

    def broken(self, error: Exception) -> Answer:
        """Return what an exchange came to that ended before its time."""
        import smtplib  # noqa: PLC0415  slow

        late = self.cut.cut or isinstance(error.__context__ or error, TimeoutError)
        why = "did not answer in time" if late else "ended the connection"
        if self.doubtful:
            words = f"{self.host} had the whole mail and {why}: it may have been delivered"
            return Answer(verdict=Verdict.UNKNOWN, words=words)
        if isinstance(error, smtplib.SMTPResponseException) and error.smtp_code > 0:
            words = f"{self.host} breaks off"
            return Answer(verdict=Verdict.RETRY, words=words, code=str(error.smtp_code))
        return Answer(verdict=Verdict.RETRY, words=_why(self.host, error, why))

    def close(self) -> None:
        """Say good-bye, where there is still somebody to say it to."""
        import smtplib  # noqa: PLC0415  slow

        if self.client.sock is not None and not self.doubtful and not self.cut.cut:
            with suppress(smtplib.SMTPException, OSError, ValueError):  # the mail's answer is known
                self.client.sock.settimeout(min(self.cut.left, 2.0))
                self.client.quit()
        self.client.close()


def _why(host: str, error: Exception, otherwise: str) -> str:
    """Return why there was no exchange, in words."""
    import ssl  # noqa: PLC0415  slow

    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate of {host} is not good: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"no encrypted connection with {host} ({error.reason or 'TLS'}); look at `tls` and `port`"
    if isinstance(error, socket.gaierror):
        return f"the name {host} can't be looked up now"
    if isinstance(error, ConnectionRefusedError):
        return f"{host} takes no connections at this port"
    if isinstance(error, FileNotFoundError | PermissionError):
        return "`ca_file` can't be read"
    return f"{host} {otherwise}"
