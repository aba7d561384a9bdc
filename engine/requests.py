"""``care start``: a person asks for a playbook to begin for some customers; the next run takes it up."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.ids import sha
from engine.ledger import Ledger
from engine.log import Log
from rules.errors import InputError, StateError, did_you_mean
from rules.playbook import Playbook, Project, Status, Trigger, TriggerKind

__all__ = ["Asked", "customers_of", "file_key", "manual_trigger", "request"]

_COLUMN = "customer"  #: of a CSV file
_SAME = (
    "SELECT 1 FROM requests WHERE playbook = ? AND trigger = ? AND customer = ? AND occurrence = ?"
)
_SHOWN = 5  #: unknown customers named in one message


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What became of a request."""

    new: int
    known: int  #: asked for before under the same key


def manual_trigger(project: Project, name: str, trigger: str | None) -> tuple[Playbook, Trigger]:
    """Return an active playbook and its manual trigger. Raises StateError."""
    books = {book.name: book for book in project.playbooks}
    book = books.get(name)
    if book is None:
        raise StateError(f'no playbook "{name}"; {did_you_mean(name, books)}'.removesuffix("; "))
    found = {each.name: each for each in book.triggers if each.kind is TriggerKind.MANUAL}
    if not found:
        raise StateError(
            f"{name} is not begun by hand; add `manual` to its triggers: [{{event: ...}}, manual]"
        )
    if book.status is not Status.ACTIVE:
        raise StateError(f"{name} is {book.status}; nothing of it begins until it is active")
    if trigger is None and len(found) > 1:
        raise StateError(f"{name} has several manual triggers; say --trigger {' or '.join(found)}")
    if trigger is not None and trigger not in found:
        hint = did_you_mean(trigger, found)
        raise StateError(f'{name} has no manual trigger "{trigger}"; {hint}'.removesuffix("; "))
    return book, found[trigger] if trigger is not None else next(iter(found.values()))


def customers_of(path: Path) -> list[str]:
    """Return the customers of a file, each once, in its order. Raises InputError.

    ``.csv``: the column ``customer``. Anything else: one a line; lines that begin with # are notes.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"can't read {path}: {error.strerror}") from error
    text = _decoded(data, path)
    if path.suffix.casefold() == ".csv":
        reader = csv.DictReader(text.splitlines())
        columns = [name.strip() for name in reader.fieldnames or ()]
        if _COLUMN not in columns:
            raise InputError(
                f'{path.name} has no column "{_COLUMN}"; its columns are {", ".join(columns)}'
            )
        place = list(reader.fieldnames or ())[columns.index(_COLUMN)]
        found = [(row[place] or "").strip() for row in reader]
    else:
        lines = (line.strip() for line in text.splitlines())
        found = [line for line in lines if not line.startswith("#")]
    customers = list(dict.fromkeys(name for name in found if name))
    if not customers:
        raise InputError(f"{path.name} names no customer")
    return customers


def _decoded(data: bytes, path: Path) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise InputError(f"{path.name} is neither UTF-8 nor GB18030 text")


def file_key(path: Path) -> str:
    """Return the key of a file's content: the same file again asks for nothing new."""
    return f"file:{sha(path.read_bytes().hex())[:16]}"


def request(
    ledger: Ledger,
    log: Log,
    book: Playbook,
    trigger: Trigger,
    customers: Sequence[str],
    *,
    key: str | None,
    source: str,
    at: int,
    who: str,
) -> Asked:
    """Write down that these customers are to begin. ``source``: the file's name, or "".

    Without a ``key`` the occurrence is the playbook, the customer and the instant: asked again at
    another time it begins again, as far as ``again`` allows. Raises InputError for customers that
    the log does not know; nothing is written then.
    """
    known = log.customer_codes(customers)
    strange = [customer for customer in customers if customer not in known]
    if strange:
        more = f" and {len(strange) - _SHOWN} more" if len(strange) > _SHOWN else ""
        named = ", ".join(strange[:_SHOWN])
        raise InputError(f"the log knows no customer {named}{more}; nothing was written")
    new = 0
    with ledger.transaction():
        for customer in dict.fromkeys(customers):
            occurrence = key or f"hand:{sha(book.name, customer, str(at))[:16]}"
            row = {
                "playbook": book.name, "trigger": trigger.name, "customer": customer,
                "occurrence": occurrence, "at": at, "who": who, "source": source, "taken": None,
            }  # fmt: skip
            if ledger.one(_SAME, book.name, trigger.name, customer, occurrence) is None:
                ledger.insert("requests", [row])
                new += 1
    return Asked(new=new, known=len(dict.fromkeys(customers)) - new)
