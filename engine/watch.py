"""Membership over time: who is in the segments and classes that triggers and stops look at.

Edges are found here: absent, unknown or false before, true now. A definition that is new to the
ledger (by the hash of all that it refers to) takes a silent baseline: its members are ``existing``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.audit.members import membership_digests
from engine.ids import canonical_json
from engine.ledger import Ledger, Row
from engine.log import Log
from engine.questions import Questions
from engine.words import Transition
from rules.measures import Catalogue
from rules.playbook import Playbook, Status, TriggerKind
from rules.resolve import definition_hash
from rules.vocabulary import Vocabulary

if TYPE_CHECKING:
    from rules.sql import Population

__all__ = ["Compiled", "Shift", "Watched", "apply", "hash_of", "measure", "watched"]

#: Question by hashes and scope -> what ``compile_population`` made of it, and its SQL.
Compiled = dict[tuple[tuple[str, ...], bool], tuple["Population", str]]

#: Hashes of definitions, by the catalogue and the name; each takes a millisecond.
_HASHES: dict[tuple[int, str], tuple[Catalogue, str]] = {}
_MOST_HASHES = 4_096
_FEW = 50_000  #: customers whose verdicts are read as rows, not as columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One segment, class or ``class.value`` whose members the ledger follows."""

    hash: str
    name: str
    catalogue: Catalogue = field(compare=False)

    @property
    def of_class(self) -> str | None:
        """The class behind a class or ``class.value``; None for a segment."""
        head = self.name.split(".", 1)[0]
        return head if head in self.catalogue.classes else None

    @property
    def of_value(self) -> str | None:
        """The value of ``class.value``."""
        return self.name.split(".", 1)[1] if self.of_class and "." in self.name else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """What a run at T found changed in one definition."""

    watched: Watched
    baseline: bool  #: first seen: the members are existing ones, not edges
    entered: Mapping[str, str]  #: customer -> value of the class, "" for segments
    left: frozenset[str]  #: customers; one who changed value is in both


def hash_of(book: Playbook, name: str) -> str:
    """Return the hash under which a playbook's segment or class is watched."""
    key = (id(book.catalogue), name)
    found = _HASHES.get(key)
    if found is None or found[0] is not book.catalogue:
        if len(_HASHES) >= _MOST_HASHES:
            _HASHES.clear()
        found = _HASHES[key] = book.catalogue, definition_hash(book.catalogue, name)
    return found[1]


def watched(playbooks: Iterable[Playbook]) -> list[Watched]:
    """Return what active playbooks need watched, each hash once, in a stable order."""
    found: dict[str, Watched] = {}
    for book in playbooks:
        if book.status is not Status.ACTIVE:
            continue
        names = [trigger.segment or trigger.of_class for trigger in book.triggers]
        # A rhythm that runs from joining needs to know when that was.
        names += [
            name
            for trigger in book.triggers
            if trigger.every is not None and trigger.every.span is not None
            for name in trigger.members
        ]
        names += [stop.leaves for stop in book.stops]
        for name in names:
            if name:
                key = hash_of(book, name)
                found.setdefault(key, Watched(hash=key, name=name, catalogue=book.catalogue))
    return [found[key] for key in sorted(found)]


def edge_kind(kind: TriggerKind) -> bool:
    """True for triggers that fire on an edge of membership."""
    return kind in (TriggerKind.ENTERS, TriggerKind.LEAVES, TriggerKind.CHANGES)


def measure(
    ledger: Ledger,
    log: Log,
    vocabulary: Vocabulary,
    definitions: Sequence[Watched],
    *,
    at: int,
    seq: int,
    full: bool = False,
    compiled: Compiled | None = None,
) -> list[Shift]:
    """Return the shifts of all watched definitions at (T, S).

    ``compiled`` keeps compiled questions from run to run of one project. Known definitions are asked only of customers for whom something may have changed since the
    definition's last measuring; ``full`` asks all. Reads the ledger and the log, writes neither.
    """
    cursors = {
        row["hash"]: (row["at"], row["seq"]) for row in ledger.rows("SELECT * FROM definitions")
    }
    plain: dict[tuple[int, int] | None, list[Watched]] = {}
    for item in definitions:
        cursor = cursors.get(item.hash)
        if cursor == (at, seq):
            continue
        plain.setdefault(cursor, []).append(item)
    shifts: list[Shift] = []
    for since, items in plain.items():
        if log.questions is not None:
            shifts += [
                _asked(ledger, log.questions, vocabulary, item, since=since, at=at, seq=seq)
                for item in items
            ]
            continue
        for group in _groups(items):
            shifts += _measure_group(
                ledger, log, vocabulary, group, since=since, at=at, seq=seq, full=full,
                compiled={} if compiled is None else compiled,
            )  # fmt: skip
    return sorted(shifts, key=lambda shift: shift.watched.hash)


def _asked(
    ledger: Ledger,
    questions: Questions,
    vocabulary: Vocabulary,
    item: Watched,
    *,
    since: tuple[int, int] | None,
    at: int,
    seq: int,
) -> Shift:
    """Return the shift of one definition in a log that answers without SQL."""
    now = questions.members(vocabulary, item.catalogue, item.name, at=at, seq=seq)
    before = {} if since is None else open_members(ledger, item.hash)
    return _shift(item, before, now, baseline=since is None)


def _groups(items: Sequence[Watched]) -> list[tuple[Catalogue, list[Watched]]]:
    """Join definitions whose catalogues do not contradict each other: one scan serves them."""
    groups: list[tuple[Catalogue, list[Watched]]] = []
    for item in items:
        for index, (catalogue, members) in enumerate(groups):
            joined = _joined(catalogue, item.catalogue)
            if joined is not None:
                groups[index] = (joined, [*members, item])
                break
        else:
            groups.append((item.catalogue, [item]))
    return groups


def _joined(one: Catalogue, two: Catalogue) -> Catalogue | None:
    if one is two:
        return one
    parts = []
    for name in ("measures", "segments", "classes"):
        left, right = getattr(one, name), getattr(two, name)
        if any(left[key] != right[key] for key in left.keys() & right.keys()):
            return None
        parts.append({**left, **right})
    return Catalogue(measures=parts[0], segments=parts[1], classes=parts[2])


def _measure_group(
    ledger: Ledger,
    log: Log,
    vocabulary: Vocabulary,
    group: tuple[Catalogue, list[Watched]],
    *,
    since: tuple[int, int] | None,
    at: int,
    seq: int,
    full: bool,
    compiled: Compiled,
) -> list[Shift]:
    from rules.sql import changed_customers, compile_population, edges  # noqa: PLC0415  slow

    catalogue, items = group
    shifts: list[Shift] = []
    bound = [
        item
        for item in items
        if full or since is None or edges(catalogue, item.of_class or item.name).population_bound
    ]
    scoped = [item for item in items if item not in bound]
    codes = log.codes()
    names: dict[int, str] = {}
    for part, scope in ((bound, False), (scoped, True)):
        if not part:
            continue
        if scope:
            assert since is not None
            groups = sorted({item.of_class or item.name for item in part})
            asking, binds = changed_customers(
                vocabulary, catalogue, groups,
                at0=since[0], seq0=since[1], at1=at, seq1=seq, codes=codes,
            )  # fmt: skip
            changed = [row[0] for row in log.query(asking, binds)]
            if not changed:
                shifts += [_shift(item, {}, {}, baseline=False) for item in part]
                continue
            log.execute_scope(changed)
            names = log.customer_ids(changed)
        key = (tuple(item.hash for item in part), scope)
        if key not in compiled:
            segments = sorted({item.name for item in part if item.of_class is None})
            classes = sorted({item.of_class for item in part if item.of_class})
            population = compile_population(vocabulary, catalogue, segments, classes, scoped=scope)
            compiled[key] = (population, population.sql())
        population, sql = compiled[key]
        binds = population.binds(at, seq, codes)
        asked = sorted(names.values()) if scope else None
        found = _few(log, sql, binds, part, names) if scope and len(names) <= _FEW else None
        if found is None:
            table = log.table(sql, binds)
            found = (_members(log, table, item) for item in part)
        for item, now in zip(part, found, strict=True):
            before = {} if since is None else open_members(ledger, item.hash, among=asked)
            shifts.append(_shift(item, before, now, baseline=since is None))
    return shifts


def _few(
    log: Log,
    sql: str,
    binds: Mapping[str, Any],
    part: Sequence[Watched],
    names: Mapping[int, str],
) -> Iterator[dict[str, str]]:
    """Yield the members of each definition, of few customers; ``names`` are theirs by code.

    Without pyarrow's functions, which take 0.1 s to load.
    """
    cursor = log.connection.execute(sql, dict(binds))
    heads = [column[0] for column in cursor.description or ()]
    values = list(zip(*cursor.fetchall(), strict=True)) or [()] * len(heads)
    columns = dict(zip(heads, values, strict=True))
    return (_few_members(columns, item, names) for item in part)


def _few_members(
    columns: Mapping[str, Sequence[Any]], item: Watched, names: Mapping[int, str]
) -> dict[str, str]:
    of_class = item.of_class
    held = columns[f"s_{item.name}" if of_class is None else f"c_{of_class}"]
    pairs = zip(columns["customer"], held, strict=True)
    if of_class is None:
        return {names[code]: "" for code, inside in pairs if inside}
    wanted = item.of_value
    return {
        names[code]: value for code, value in pairs if value is not None and wanted in (None, value)
    }


def _members(log: Log, table: object, item: Watched) -> dict[str, str]:
    import pyarrow as pa  # noqa: PLC0415  slow
    import pyarrow.compute as pc  # noqa: PLC0415

    assert isinstance(table, pa.Table)
    if item.of_class is None:
        rows = table.filter(table[f"s_{item.name}"])
        codes = rows["customer"].to_pylist()
        values = [""] * len(codes)
    else:
        column = table[f"c_{item.of_class}"]
        chosen = pc.is_valid(column) if item.of_value is None else pc.equal(column, item.of_value)
        rows = table.filter(chosen)
        codes = rows["customer"].to_pylist()
        values = rows[f"c_{item.of_class}"].to_pylist()
    ids = log.customer_ids(codes)
    return {ids[code]: value for code, value in zip(codes, values, strict=True)}


def _shift(
    item: Watched, before: Mapping[str, str], now: Mapping[str, str], *, baseline: bool
) -> Shift:
    entered = {customer: value for customer, value in now.items() if before.get(customer) != value}
    left = frozenset(customer for customer, value in before.items() if now.get(customer) != value)
    return Shift(watched=item, baseline=baseline, entered=entered, left=left)


def open_members(
    ledger: Ledger, definition: str, *, among: Sequence[str] | None = None
) -> dict[str, str]:
    """Return customer -> value of those who were inside at the last measuring."""
    sql = "SELECT customer, value FROM membership WHERE definition = ? AND until IS NULL"
    rows = ledger.rows(sql, definition) if among is None else _among(ledger, definition, among)
    return {row["customer"]: row["value"] for row in rows}


def _among(ledger: Ledger, definition: str, among: Sequence[str]) -> Iterator[Row]:
    """Look some customers up by the key, however many others there are."""
    return ledger.rows(
        "SELECT m.customer, m.value FROM json_each(?) j CROSS JOIN membership m"
        " ON m.definition = ? AND m.customer = j.value WHERE m.until IS NULL",
        canonical_json(list(among)), definition,
    )  # fmt: skip


def apply(
    ledger: Ledger,
    definitions: Sequence[Watched],
    shifts: Sequence[Shift],
    *,
    asleep: Iterable[Watched] = (),
    at: int,
    seq: int,
) -> None:
    """Write the shifts, and forget definitions that nobody watches. Inside a transaction.

    Those ``asleep`` are kept as they were last measured: the playbook that needs them is broken.
    """
    for shift in shifts:
        key = shift.watched.hash
        for customer in sorted(shift.left):
            ledger.execute(
                "UPDATE membership SET until = ?"
                " WHERE definition = ? AND customer = ? AND until IS NULL",
                at, key, customer,
            )  # fmt: skip
        ledger.insert(
            "membership",
            [
                {
                    "definition": key, "customer": customer, "since": at, "until": None,
                    "existing": int(shift.baseline), "value": value,
                }
                for customer, value in sorted(shift.entered.items())
            ],
            replace=True,  # a second run at one T, after a late import
        )  # fmt: skip
        if shift.baseline or shift.entered or shift.left:
            body = {
                "name": shift.watched.name,
                "baseline": shift.baseline,
                "entered": len(shift.entered),
                "left": len(shift.left),
                **membership_digests(ledger, key, at),
            }
            ledger.record(at, Transition.MEMBERSHIP, key, body)
    kept = {item.hash for item in (*definitions, *asleep)}
    for row in list(ledger.rows("SELECT hash FROM definitions")):
        if row["hash"] not in kept:
            ledger.drop("definitions", {"hash": row["hash"]}, at=at)
            left = ledger.execute(
                "UPDATE membership SET until = ? WHERE definition = ? AND until IS NULL",
                at, row["hash"],
            )  # fmt: skip
            if left:
                body = {"left": left, **membership_digests(ledger, row["hash"], at)}
                ledger.record(at, Transition.MEMBERSHIP, row["hash"], body)
    for item in definitions:
        row = {"hash": item.hash, "name": item.name, "at": at, "seq": seq}
        ledger.insert("definitions", [row], replace=True)
