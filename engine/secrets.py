"""Secrets of channels: put in from the environment and from files, and never shown.

``${env:NAME}`` and ``${file:PATH}`` in a setting stand for the value of an environment variable and
for the text of a file (its last line ends dropped; a relative path counts from the project).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus, unquote, urlsplit

from rules.channel_kinds import CHANNEL_KINDS
from rules.channel_values import REFERENCE, Shape, fault
from rules.errors import InputError
from rules.vocabulary import Channel

__all__ = ["HIDDEN", "faults", "redact", "resolve", "secrets_of"]

HIDDEN = "[hidden]"  #: what stands in the place of a secret

_MAX_BYTES = 64 * 1024  #: of a file with a secret; a key with its chain of certificates fits
_SHORTEST = 4  #: characters; fewer can't be told from ordinary words
_PART = 8  #: characters; parts of a secret address that may be told from ordinary words


def resolve(
    settings: Mapping[str, str], root: Path, environ: Mapping[str, str], *, channel: str = ""
) -> Mapping[str, str]:
    """Return the settings of a channel with every reference replaced by what it names.

    ``root`` is the project's folder. Raises InputError naming the channel, the setting and the
    variable or file that is missing.
    """
    return {
        key: REFERENCE.sub(lambda found: _value(found, key, root, environ, channel), text)  # noqa: B023 - used at once
        for key, text in settings.items()
    }


def _value(
    found: re.Match[str], key: str, root: Path, environ: Mapping[str, str], channel: str
) -> str:
    kind, name = found.groups()
    label = f'channel "{channel}": `{key}`' if channel else f"`{key}`"
    if kind == "env":
        value = environ.get(name, "")
        if not value:
            told = "is empty" if name in environ else "is not set"
            raise InputError(f"{label} needs the environment variable {name}, which {told}")
        return value
    try:
        with (root / name).open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise InputError(
            f"{label} needs the file {name}, which can't be read: {error.strerror}"
        ) from None
    try:
        value = data.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise InputError(f"{label} needs the file {name}, which is no UTF-8 text") from None
    if not value or len(data) > _MAX_BYTES:
        told = "is longer than 64 kB" if value else "is empty"
        raise InputError(f"{label} needs the file {name}, which {told}")
    return value


def faults(channel: Channel, settings: Mapping[str, str]) -> list[str]:
    """Return what is wrong with the settings of a channel once its references are replaced.

    What ``care check`` could not see; without the values, which may be secrets.
    """
    kind = CHANNEL_KINDS.get(channel.kind)
    found: list[str] = []
    for key, text in settings.items():
        setting = kind.setting(key) if kind else None
        if setting is None or not REFERENCE.search(channel.settings.get(key, "")):
            continue
        shape = Shape.TEXT if setting.shape is Shape.HEADERS else setting.shape
        wrong = fault(shape, text, setting.words)
        if wrong:
            names = " and ".join(name for _, name in REFERENCE.findall(channel.settings[key]))
            found.append(f"`{key}`, which comes from {names}, {wrong}")
    return found


def secrets_of(channel: Channel, settings: Mapping[str, str]) -> frozenset[str]:
    """Return the texts that may not be shown: what references of secret settings stand for.

    Of a secret address its path and the parts of its query are secrets as well.
    """
    kind = CHANNEL_KINDS.get(channel.kind)
    found: set[str] = set()
    for key, raw in channel.settings.items():
        setting = kind.setting(key) if kind else None
        if setting is None or not setting.secret or not REFERENCE.search(raw):
            continue
        text = settings.get(key, "")
        pattern = "(.*)".join(re.escape(part) for part in REFERENCE.split(raw)[::3])
        values = re.fullmatch(pattern, text, re.DOTALL)
        for value in values.groups() if values else (text,):
            found |= {value, *_parts(value)}
    return frozenset(text for text in found if len(text) >= _SHORTEST)


def _parts(address: str) -> set[str]:
    """Return what may be secret in an address: all but its scheme and the name of its server."""
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        host = ""
    scheme, mark, rest = address.partition("://")
    if not mark:
        return set()
    raw = re.split(r"[/:@?&=#]+", rest)
    pieces = {*raw, *map(unquote, raw)}
    return {piece for piece in pieces if len(piece) >= _PART and piece not in (host, scheme)}


def redact(text: str, secrets: Iterable[str]) -> str:
    """Return a text without secrets, also where they are written as in an address or in JSON."""
    forms = {
        form
        for secret in secrets
        for form in (
            secret, quote(secret, safe=""), quote_plus(secret), quote(secret),
            json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1],
        )
        if len(form) >= _SHORTEST
    }  # fmt: skip
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, HIDDEN)
    return text
