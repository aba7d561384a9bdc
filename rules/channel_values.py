"""Settings of channels as texts: what each shape may be, and what its text says.

A fault is one sentence without its subject: ``is no port; write 587``. It never repeats the text,
which may have come out of a secret.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from urllib.parse import parse_qsl, urlsplit

from rules.phrases import read_duration

__all__ = [
    "REFERENCE",
    "Shape",
    "address_fault",
    "fault",
    "header_fault",
    "read_flag",
    "read_mailbox",
    "read_seconds",
    "secret_header",
    "secret_in_url",
    "wrong_reference",
]

#: ``${env:NAME}`` and ``${file:PATH}``.
REFERENCE = re.compile(r"\$\{(env|file):([^{}]+)\}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: What people write instead, with the name in it.
_LIKE = re.compile(r"\$\{\s*([^{}]*?)\s*\}|\$([A-Z_][A-Z0-9_]{2,})\b|\$\((\w+)\)|\{\{?\s*env[:.]\s*(\w+)\s*\}?\}")  # fmt: skip

_LONGEST = 600  #: seconds that one try may be told to take
_HOST = re.compile(r"(?=.{1,253}$)(?!-)[\w-]{1,63}(?:\.(?!-)[\w-]{1,63})*\.?|\[?[0-9a-fA-F:]*:[0-9a-fA-F:.]+\]?")  # fmt: skip
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(r"(?!-)[\w-]{1,63}(?<!-)(?:\.(?!-)[\w-]{1,63}(?<!-))*")
_MAILBOX = re.compile(r"\s*(?:\"([^\"<>]*)\"|([^\"<>]*?))\s*<([^<>]*)>\s*")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
#: Names of parameters and headers that carry secrets.
_SECRET_WORD = re.compile(
    r"(?:^|[_-])(?:key|apikey|token|secret|password|passwd|pwd|sig|sign|signature|auth|authorization|cookie)$",
    re.IGNORECASE,
)


class Shape(StrEnum):
    """What the text of a setting is."""

    TEXT = "text"
    HOST = "host"
    PORT = "port"
    URL = "url"
    FLAG = "flag"
    TIME = "time"
    WORD = "word"  #: one of a closed list
    ADDRESS = "address"  #: ``care@example.com``
    MAILBOX = "mailbox"  #: an address, with or without a name before it
    UNSUBSCRIBE = "unsubscribe"  #: an https address or ``mailto:``
    HEADERS = "headers"  #: names with texts


def wrong_reference(text: str) -> str | None:
    """Return what to write instead of a reference that is none; None where all are right."""
    for kind, name in REFERENCE.findall(text):
        if kind == "env" and not _VARIABLE.fullmatch(name):
            return "write ${env:NAME} with letters, digits and _"
        if kind == "file" and name != name.strip():
            return f"write ${{file:{name.strip()}}}"
    found = _LIKE.search(REFERENCE.sub("", text))
    if found is None:
        return None
    name = next((part for part in found.groups() if part), "")
    name = re.sub(r"^(?:env|file)\s*[:.]\s*", "", name, flags=re.IGNORECASE)
    kind = "file" if "/" in name else "env"
    return f"write ${{{kind}:{name}}}" if name else "write ${env:NAME}"


def fault(shape: Shape, text: str, words: Mapping[str, str]) -> str | None:
    """Return what is wrong with a text of this shape, None where nothing is.

    ``words``: the closed list of a WORD.
    """
    if re.search(r"[\x00-\x1f\x7f\u0085\u2028\u2029]", text):
        return "has a line break or another control character in it"
    match shape:
        case Shape.HOST:
            bad = not _HOST.fullmatch(text)
            return "is no name of a host; write smtp.example.com" if bad else None
        case Shape.PORT:
            return None if _is_port(text) else "is no port; write a number such as 587"
        case Shape.URL:
            return _url_fault(text)
        case Shape.FLAG:
            return "is yes or no" if read_flag(text) is None else None
        case Shape.TIME:
            bad = read_seconds(text) is None
            return "is no time from 1 second to 10 minutes; write 20 seconds" if bad else None
        case Shape.WORD:
            return None if text in words else f"is one of {', '.join(words)}"
        case Shape.ADDRESS:
            return address_fault(text)
        case Shape.MAILBOX:
            return address_fault(read_mailbox(text)[1])
        case Shape.UNSUBSCRIBE:
            return _unsubscribe_fault(text)
        case Shape.TEXT | Shape.HEADERS:
            return None if text.strip() else "is empty"


def _is_port(text: str) -> bool:
    return bool(re.fullmatch(r"[0-9]{1,5}", text)) and 0 < int(text) < 65536


def _url_fault(text: str) -> str | None:
    """Return what is wrong with an http address."""
    example = "write https://example.com/path"
    if re.search(r"\s", text):
        return f"has a space in it; {example}"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return f"is no address of a web server; {example}"
    if parts.scheme not in ("http", "https"):
        return f"is no http or https address; {example}"
    if "@" in parts.netloc:
        return "has a user in it (before the @); write that into `headers` as Authorization"
    if not parts.hostname or not _HOST.fullmatch(parts.hostname) or port == 0:
        return f"names no server; {example}"
    return None


def _unsubscribe_fault(text: str) -> str | None:
    if text.startswith("mailto:"):
        return address_fault(text.removeprefix("mailto:").partition("?")[0])
    plain = text.replace("{action}", "a").replace("{customer}", "c")
    if re.search(r"[{}<>,]", plain):
        return "takes {action} and {customer} in its address and nothing else in { }"
    if not text.startswith("https://") or _url_fault(plain):
        return "is no https address and no mailto:; write https://example.com/stop?a={action}"
    return None


def secret_in_url(text: str) -> str | None:
    """Return the name of a parameter of an address that carries a secret in plain words."""
    for name, value in parse_qsl(urlsplit(REFERENCE.sub("", text)).query):
        if value and _SECRET_WORD.search(name):
            return name
    return None


def secret_header(name: str) -> bool:
    """Tell whether what stands behind this header is usually a secret."""
    return _SECRET_WORD.search(name) is not None


def header_fault(name: str) -> str | None:
    """Return what is wrong with the name of a header."""
    if not _HEADER.fullmatch(name):
        return "is no name of a header; write X-Team"
    if name.casefold() in _OWN_HEADERS or name.casefold().startswith("webhook-"):
        return "is set by care itself; take it out"
    return None


_OWN_HEADERS = frozenset({"host", "content-length", "content-type", "transfer-encoding", "connection", "idempotency-key", "accept-encoding"})  # fmt: skip


def read_flag(text: str) -> bool | None:
    """Return a yes or no; None for anything else."""
    return {"yes": True, "true": True, "no": False, "false": False}.get(text)


def read_seconds(text: str) -> float | None:
    """Return the seconds of ``20 seconds``; None for none, and for more than ten minutes."""
    found = read_duration(text)
    if found is None or not found.exact or not 0 < found.seconds <= _LONGEST:
        return None
    return float(found.seconds)


def read_mailbox(text: str) -> tuple[str, str]:
    """Return name and address of ``云帆客服 <care@example.com>``; the name may be ""."""
    found = _MAILBOX.fullmatch(text)
    if found is None:
        return "", text.strip()
    return (found[1] or found[2] or "").strip(), found[3].strip()


def address_fault(text: str) -> str | None:
    """Return what is wrong with an e-mail address, None where nothing is.

    One address, its part before the @ in ASCII (anything else needs servers that few have).
    """
    local, at, domain = text.rpartition("@")
    if not at:
        return "is no e-mail address; write name@example.com"
    if re.search(r"[,;，；、\s]", text):
        return "is more than one e-mail address, or has a space in it; write one"
    if not _LOCAL.fullmatch(local) or len(local) > 64:
        return "has something before the @ that mail servers do not take"
    try:
        ascii_domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        ascii_domain = ""
    if not _DOMAIN.fullmatch(ascii_domain) or len(local) + len(ascii_domain) > 253:
        return "has no domain behind the @; write name@example.com"
    return None
