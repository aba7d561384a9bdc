"""Deterministic ids and canonical JSON: the same thing always gets the same name."""

from __future__ import annotations

import base64
import hashlib
import json
from fractions import Fraction

__all__ = ["canonical_json", "name_id", "recorded_id", "sha", "stable_share"]

_JSON = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def canonical_json(value: object) -> str:
    """Return JSON with sorted keys and no blanks, Chinese as it is."""
    return _JSON.encode(value)


def sha(*parts: str) -> str:
    """Return the sha256 hex of parts, each ended by a unit separator so that none run together."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode("utf-8", "surrogatepass"))
        digest.update(b"\x1f")
    return digest.hexdigest()


def name_id(letter: str, *parts: str) -> str:
    """Return an id such as ``a-k3vq7m2x5p4c``: 60 bits of sha256 in base32, easy to read out."""
    raw = bytes.fromhex(sha(letter, *parts))
    # Ten bytes give sixteen letters; the rest would be encoded for nothing.
    return f"{letter}-{base64.b32encode(raw[:10])[:12].decode('ascii').lower()}"


def recorded_id(action: str) -> str:
    """Return the id of the event that an action of kind ``record`` writes into the log."""
    return sha(action, "record")[:20]


def stable_share(*parts: str) -> Fraction:
    """Return a number in [0, 1) that depends on the parts alone: for hold-outs."""
    return Fraction(int(sha(*parts)[:16], 16), 16**16)
