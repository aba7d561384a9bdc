"""Who may send: a token in the header, or a signature over the request."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.secrets import resolve
from rules.errors import InputError, UsageError
from rules.ingest import Ingest
from rules.units import MICROS

__all__ = ["Guard", "guard_of", "is_loopback"]

_TOLERANCE = 5 * 60 * MICROS  #: how far a signature's time may lie from ours
_PREFIX = "whsec_"  #: what stands before the base64 of a Standard Webhooks secret
_SHORTEST = 16  #: characters of a token that may be seen from other machines


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """What a sender has to show. Without token and secret: nothing.

    Raises InputError for a secret that can't be one.
    """

    token: str = ""
    secret: str = ""

    def __post_init__(self) -> None:
        """Look at the secret now, not with the first request."""
        _key(self.secret)

    @property
    def open(self) -> bool:
        """True where anybody may send."""
        return not (self.token or self.secret)

    def require_for(self, host: str) -> None:
        """Raise UsageError where an address would be open to other machines without a token."""
        if is_loopback(host):
            return
        if self.open:
            raise UsageError(
                f"{host} can be reached from other machines: write ingest: {{token:"
                " ${env:CARE_INGEST_TOKEN}} into care.yaml first"
            )
        if self.token and len(self.token) < _SHORTEST:
            raise UsageError(f"a token for {host} needs at least {_SHORTEST} characters")

    def admits(self, headers: Mapping[str, str], body: bytes, *, at: int) -> bool:
        """Tell whether a request may come in. ``headers``: names in lower case; ``at``: now.

        A token comes as ``Authorization: Bearer TOKEN``, or as the user name of Basic, as Segment
        clients send their write key. A signature is that of Standard Webhooks.
        """
        if self.open:
            return True
        if self.token and _same(_shown(headers.get("authorization", "")), self.token):
            return True
        return bool(self.secret) and self._signed(headers, body, at)

    def _signed(self, headers: Mapping[str, str], body: bytes, at: int) -> bool:
        key, moment = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        if not key or not (moment.isascii() and moment.isdecimal()) or len(moment) > 12:
            return False
        if abs(int(moment) * MICROS - at) > _TOLERANCE:
            return False
        signed = b".".join((key.encode(), moment.encode(), body))
        digest = hmac.new(_key(self.secret), signed, hashlib.sha256).digest()
        wanted = f"v1,{base64.b64encode(digest).decode()}"
        # All are compared, so that the time taken tells nothing.
        matches = [_same(each, wanted) for each in headers.get("webhook-signature", "").split(" ")]
        return any(matches)


def is_loopback(host: str) -> bool:
    """Tell whether a name or an address, an IPv6 one perhaps in [ ], is this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False


def guard_of(rules: Ingest, root: Path, environ: Mapping[str, str]) -> Guard:
    """Return what senders have to show, the references of care.yaml replaced.

    ``root`` is the project's folder. Raises InputError where something is not to be found.
    """
    written = {"ingest: token": rules.token, "ingest: secret": rules.secret}
    known = resolve({key: text for key, text in written.items() if text}, root, environ)
    return Guard(token=known.get("ingest: token", ""), secret=known.get("ingest: secret", ""))


def _shown(authorization: str) -> str:
    """Return the token that a header shows; "" for none."""
    scheme, _, given = authorization.strip().partition(" ")
    given = given.strip()
    match scheme.casefold():
        case "bearer":
            return given
        case "basic":
            try:
                decoded = base64.b64decode(given, validate=True).decode()
            except (binascii.Error, ValueError):
                return ""
            return decoded.partition(":")[0]
        case _:
            return ""


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), wanted.encode())


def _key(secret: str) -> bytes:
    """Return the bytes behind a secret: base64 after ``whsec_``, else the text itself."""
    if secret.startswith(_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except ValueError as error:
            raise InputError(
                f"the `secret` of ingest begins with {_PREFIX}, and what follows is no base64"
            ) from error
    return secret.encode()
