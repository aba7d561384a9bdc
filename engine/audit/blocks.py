"""Blocks: the form in which the entries of the audit chain stand on disk.

A block holds the entries of one transaction, or of a part of a long one, as a JSON array with one
entry a line: ``[at, kind, subject, prev, body]`` in canonical JSON. It is packed with raw DEFLATE
and a dictionary. The hash of an entry is over the hash before it, its number, and its line; the
block keeps that of its last entry.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.ids import canonical_json, sha
from rules.errors import StateError

__all__ = ["GENESIS", "Entry", "follow", "line_of", "pack", "unpack"]

GENESIS = "0" * 64  #: what the first entry is chained to

#: What entries have in common. Packed blocks can't be read with another one: never change it.
_DICTIONARY = (
    b'"leaves":[{"inside":[{"events":{"count":1,"digest":"","ids":["path":"segments/classes//'
    b'"subject":"value":"verdict":true,"words":"verdict":null,"verdict":false,"late":false,'
    b'"edge":{"after":"before":"definition":"name":"since":"running":[{"journey":"j-'
    b'"moment":{"date":"words":"planned for T00:00:00+00:00"},"matched":["house '
    b'"event":{"at":"fields":{"amount":"name":"id":"private":"salt":"value":"run_at":"until":'
    b'"hold","skipped","deferred","refused","stopped","cancelled","failed","handed_over","unknown"'
    b'"approval","request","revision","membership","live","cursor","private","hold","slot"],['
    b'"within 3 working days of Mon Tue Wed Thu Fri Sat Sun Jan Feb Mar Apr May Jun Jul Aug Sep Oct'
    b' Nov Dec 2025 2026 09:00, due 18:00, weekend off, 08:00: at once","opens and is due '
    b'"gate":{"again":"free","except":"no","existing":"no","gate":"start","holdout":"no","late":"no"'
    b',"only":"yes","overlap":"free","playbook":"purpose":"value"},"matcher":"durable-rules",'
    b'"reference","trigger":{"extra":{"name":"event"},"kind":"event","path":"trigger","place":'
    b'"playbooks/.yaml:5:10","words":"channel":"call","gate":"release","recheck":"yes","step_late":'
    b'"no"},"notes":[],"anchor":"the entry","calendar":"opens ","config":"customer":"entry":'
    b'"evidence":{"gate":"start","journey":"j-","occurrence":"order:","place":"playbooks/.yaml:8:5",'
    b'"playbook":"revision":"run_at":1,"trigger":"event","verb":"started"}],\n'
    b'"verb":"released"}],\n'
    b'{"entry":"event":{"occurrence":"playbook":"revision":"started_at":"state":"running",'
    b'"ended_at":"next_at":"goal":null,"reason":null,"state":"finished"}],\n'
    b'"wake","",0,{"j-","attempt","outcome",{"action":"a-","at":"n":1,"wall":1,"result":"sent"}],\n'
    b',"decision","d-,0,{"action":"a-,"journey","j-,0,{"ended_at":1,"action","a-,0,{"anchor":"the '
    b'entry","assignee":"channel":"customer":"due_by":1,"journey":"j-","kind":"message","opened_at":'
    b'1,"opens_at":1,"playbook":"priority":0,"state":"planned","step":"turn":1,"words":"opens '
    b'{"assignee":"closed_at":1,"outcome":"expired","state":"expired"}],\n'
    b'{"closed_at":1,"state":"sent"}],\n{"state":"intent"}],\n{"opened_at":1,"state":"due"}],\n'
    b'{"opened_at":1,"state":"open"}],\n'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of the chain."""

    n: int  #: its number; the first is 1
    at: int  #: T of the run, or the instant that a person gave
    kind: str
    subject: str
    prev: int  #: number of the entry before about the same journey or action, 0 for none
    body: dict[str, Any]

    @classmethod
    def of(cls, n: int, line: str) -> Entry:
        """Return the entry that a line tells. Raises ValueError for what is no entry."""
        at, kind, subject, prev, body = json.loads(line)
        return cls(n=n, at=at, kind=kind, subject=subject, prev=prev, body=body)


def line_of(at: int, kind: str, subject: str, prev: int, body: dict[str, Any]) -> str:
    """Return the line of an entry: canonical JSON, so without a line break."""
    return canonical_json([at, kind, subject, prev, body])


def follow(last: str, n: int, line: str) -> str:
    """Return the hash of entry ``n``, which follows the entry with the hash ``last``."""
    return sha(last, str(n), line)


def pack(lines: Sequence[str]) -> bytes:
    """Return the block of some lines."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS, zdict=_DICTIONARY)
    text = "[" + ",\n".join(lines) + "]"
    return packer.compress(text.encode("utf-8", "surrogatepass")) + packer.flush()


def unpack(block: bytes) -> list[str]:
    """Return the lines of a block. Raises StateError for what is none."""
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS, zdict=_DICTIONARY)
    try:
        text = (unpacker.decompress(block) + unpacker.flush()).decode("utf-8", "surrogatepass")
    except (zlib.error, UnicodeDecodeError, TypeError) as error:
        raise StateError(f"a block of the audit chain can't be read: {error}") from error
    if not unpacker.eof or unpacker.unused_data or text[:1] != "[" or text[-1:] != "]":
        raise StateError("a block of the audit chain can't be read: it was cut or changed")
    return text[1:-1].split(",\n")
