"""How what a run recorded, and what it makes again, differ: entry by entry, then row by row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.audit.blocks import Entry
from engine.audit.tables import BY_KIND, TABLES
from engine.ids import canonical_json
from engine.ledger import Ledger, Row
from engine.words import Transition

__all__ = ["Difference", "of_entries", "of_rows"]

#: What may differ from one making to the next: where a line stands in an edited file, which rule
#: engine was asked, versions of libraries, packed forms, numbers of entries, salts, wall times.
_FREE = frozenset(("place", "matcher", "versions", "model", "link", "salt", "wall"))
_LONGEST = 80  #: characters of a value that are told
_MEMBERSHIP = ("definition", "customer", "since")
_NAMES = {"decided": "decisions"}  #: what people know a table as


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that is not the same."""

    at: int | None  #: T of the run; None: a row at the end
    table: str
    row: str
    words: str


def of_entries(kept: Sequence[Entry], made: Sequence[Entry], *, at: int) -> Iterator[Difference]:
    """Yield how the entries of a run at T differ from those that are made again."""
    before, after = _by_row(kept), _by_row(made)
    for key in {**before, **after}:
        table, row = key
        words = _odd(before.get(key), after.get(key))
        if words:
            yield Difference(at=at, table=table, row=row, words=words)


def _by_row(entries: Sequence[Entry]) -> dict[tuple[str, str], list[Any]]:
    found: dict[tuple[str, str], list[Any]] = {}
    for entry in entries:
        if entry.kind == Transition.WAKE:
            for journey, at in entry.body.items():
                found.setdefault(("journeys", journey), []).append({"next_at": at})
            continue
        table = BY_KIND.get(entry.kind)
        name = table.name if table is not None else entry.kind
        rest = [str(entry.body.get(part, "")) for part in table.key[1:]] if table else []
        body = _bare(entry.body)
        if entry.kind == Transition.PRIVATE:
            body.pop("value", None)  # its digest is salted anew; the rows are compared
        key = (_NAMES.get(name, name), " ".join([entry.subject, *rest]))
        found.setdefault(key, []).append(body)
    return found


def _bare(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _bare(part) for name, part in value.items() if name not in _FREE}
    if isinstance(value, list):
        return [_bare(part) for part in value]
    return value


def _odd(kept: list[Any] | None, made: list[Any] | None) -> str:
    if made is None:
        return f"the ledger has it, made again there is none: {_shown(kept[0] if kept else None)}"
    if kept is None:
        return f"made again there is one, the ledger has none: {_shown(made[0])}"
    for before, after in zip(kept, made, strict=False):
        words = _first(before, after, "")
        if words:
            return words
    if len(kept) != len(made):
        return f"the ledger tells {len(kept)} changes of it, made again they are {len(made)}"
    return ""


def _first(kept: Any, made: Any, path: str) -> str:
    """Return the first place at which two values differ, in words; "" for equal ones."""
    if kept == made and type(kept) is type(made):
        return ""
    if isinstance(kept, dict) and isinstance(made, dict):
        for name in sorted(kept.keys() | made.keys()):
            words = _first(kept.get(name), made.get(name), f"{path}.{name}" if path else name)
            if words:
                return words
        return ""
    if isinstance(kept, list) and isinstance(made, list) and len(kept) == len(made):
        for index, (before, after) in enumerate(zip(kept, made, strict=True), 1):
            words = _first(before, after, f"{path} {index}")
            if words:
                return words
    return f"{path} is {_shown(kept)} in the ledger, made again it is {_shown(made)}"


def _shown(value: object) -> str:
    if value is None:
        return "empty"
    text = f'"{value}"' if isinstance(value, str) else canonical_json(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def of_rows(kept: Ledger, made: Ledger) -> Iterator[Difference | None]:
    """Yield for each row of two ledgers how it differs, None for an equal one."""
    keys = {name: table.key for name, table in TABLES.items()} | {"membership": _MEMBERSHIP}
    for name, key in keys.items():
        sql = f"SELECT * FROM {name} ORDER BY {', '.join(key)}"  # noqa: S608  our own names
        for before, after in _paired(kept.rows(sql), made.rows(sql), key):
            one = before or after
            assert one is not None
            words = _odd(_listed(before), _listed(after))
            row = " ".join(str(one[part]) for part in key)
            table = _NAMES.get(name, name)
            yield Difference(at=None, table=table, row=row, words=words) if words else None


def _listed(row: Row | None) -> list[Any] | None:
    return None if row is None else [_bare(row)]


def _paired(
    kept: Iterator[Row], made: Iterator[Row], key: Sequence[str]
) -> Iterator[tuple[Row | None, Row | None]]:
    """Yield rows with equal keys together. Both sides are in the order of the keys."""

    def place(row: Row) -> tuple[Any, ...]:
        values = (row[name] for name in key)
        return tuple(
            value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
            for value in values
        )

    before, after = next(kept, None), next(made, None)
    while before is not None or after is not None:
        if after is None or (before is not None and place(before) < place(after)):
            yield before, None
            before = next(kept, None)
        elif before is None or place(after) < place(before):
            yield None, after
            after = next(made, None)
        else:
            yield before, after
            before, after = next(kept, None), next(made, None)
