"""An event log in memory: what ``engine.log`` answers, without a file and without DuckDB.

For the few customers of a test. Nothing is corrected here: a (source, id) counts once.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from operator import attrgetter

from engine.log import Codes, Log
from engine.log_read import Arrival
from engine.testing.answers import Answers
from rules.columns import attribute_cells, attribute_datum, cell, datum
from rules.history import AttributeVersion, Datum, Event, History
from rules.vocabulary import FieldType, Vocabulary

__all__ = ["MemoryLog", "Stored"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """An event with where it came from."""

    customer: str
    event: Event
    source: str

    @property
    def order(self) -> tuple[int, str, int]:
        """Instant, id, seq: the order of the log."""
        return (self.event.at, self.event.id, self.event.seq)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Version:
    """An attribute version with its seq."""

    seq: int
    said: AttributeVersion

    @property
    def order(self) -> tuple[str, int, str, int]:
        return (self.said.name, self.said.at, self.said.id, self.seq)


_ORDER = attrgetter("order")


class MemoryLog(Log):
    """A log without a connection; everything that a run asks for is answered in Python."""

    questions: Answers

    def __init__(self) -> None:
        self.writable = True
        self.events: dict[str, list[Stored]] = {}  #: customer -> events in order
        self.versions: dict[str, list[_Version]] = {}  #: customer -> versions in order
        self.names: list[str] = []  #: customers by code
        self.instants: list[int] = []  #: of every event, in the order of arrival
        self._code_of: dict[str, int] = {}
        self._ids: set[tuple[str, str, str]] = set()  #: what, source, id
        self._by_seq: dict[int, Stored] = {}
        self._seq = 0
        self._cut: dict[str, tuple[tuple[int, int, int], History]] = {}
        self.questions = Answers(self)

    def __enter__(self) -> MemoryLog:
        return self

    def close(self) -> None:
        """There is nothing to close: it may be opened again."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Nothing outlives a test: there is nothing to take back."""
        yield

    def ensure_columns(self, vocabulary: Vocabulary) -> None:
        """Every field has its place."""

    def max_seq(self) -> int:
        """Return the highest seq given so far."""
        return self._seq

    def codes(self) -> Codes:
        """Return no codes: names stand for themselves."""
        return Codes(kinds={}, attributes={})

    def customer_codes(self, ids: Iterable[str]) -> dict[str, int]:
        """Return id -> code of the customers that are known."""
        return {name: self._code_of[name] for name in ids if name in self._code_of}

    def customer_ids(self, codes: Iterable[int]) -> dict[int, str]:
        """Return code -> id."""
        return {code: self.names[code] for code in codes}

    def population_count(self, at: int, seq: int) -> int:
        """Return how many customers are known at (T, S)."""
        return len(self.questions.population(at=at, seq=seq))

    def histories(
        self,
        customers: Iterable[str],
        *,
        at: int,
        seq: int,
        vocabulary: Vocabulary,
        kinds: frozenset[str] | None = None,  # noqa: ARG002  few as they are, all come along
    ) -> dict[str, History]:
        """Return what is visible of each customer at (T, S)."""
        return {
            name: self.history(name, at=at, seq=seq, vocabulary=vocabulary) for name in customers
        }

    def history(self, customer: str, *, at: int, seq: int, vocabulary: Vocabulary) -> History:
        """Return what is visible of one customer at (T, S), the same object while nothing changes."""
        events = self.events.get(customer, [])
        versions = self.versions.get(customer, [])
        upto = bisect_right(events, at, key=lambda one: one.event.at)
        said = sum(1 for one in versions if one.said.at <= at) if versions else 0
        key = (upto, said, min(seq, self._seq))
        kept = self._cut.get(customer)
        if kept is not None and kept[0] == key:
            return kept[1]
        found = History(
            customer=customer,
            events=tuple(one.event for one in events[:upto] if one.event.seq <= seq),
            attributes=tuple(self._visible(versions, at, seq, vocabulary)),
        )
        self._cut[customer] = (key, found)
        return found

    @staticmethod
    def _visible(
        versions: Sequence[_Version], at: int, seq: int, vocabulary: Vocabulary
    ) -> Iterator[AttributeVersion]:
        """Yield versions up to T, and the first of each attribute: it holds from the beginning."""
        told = ""
        for one in versions:
            if one.seq > seq or one.said.name not in vocabulary.attributes:
                continue
            if one.said.at <= at or one.said.name != told:
                yield one.said
            told = one.said.name

    def events_between(
        self,
        kinds: Sequence[str],
        *,
        vocabulary: Vocabulary,  # noqa: ARG002  fields were read when they came
        at0: int,
        seq0: int,
        at1: int,
        seq1: int,
    ) -> Iterator[Arrival]:
        """Return the events of some kinds that (T1, S1) sees and (T0, S0) did not, by (at, id)."""
        wanted = set(kinds)
        found = [
            one
            for events in self.events.values()
            for one in events
            if one.event.name in wanted
            and one.event.at <= at1
            and one.event.seq <= seq1
            and (one.event.at > at0 or one.event.seq > seq0)
        ]
        return (
            Arrival(
                customer=one.customer, event=one.event, source=one.source, corrects=False,
                late=one.event.at <= at0 and one.event.seq > seq0,
            )
            for one in sorted(found, key=_ORDER)
        )  # fmt: skip

    def events_of(self, seqs: Iterable[int], *, vocabulary: Vocabulary) -> list[Arrival]:  # noqa: ARG002
        """Return single events by seq, ordered by (at, id)."""
        found = sorted((self._by_seq[seq] for seq in set(seqs)), key=_ORDER)
        return [
            Arrival(
                customer=one.customer,
                event=one.event,
                source=one.source,
                late=False,
                corrects=False,
            )
            for one in found
        ]

    def append(
        self,
        events: Sequence[tuple[str, Event]],
        *,
        vocabulary: Vocabulary,
        source: str,
        known_at: int,  # noqa: ARG002  only a backtest asks for it
    ) -> int:
        """Add (customer, event) pairs and return how many are new; a (source, id) counts once."""
        fresh: dict[str, tuple[str, Event]] = {}
        for customer, event in events:
            if ("event", source, event.id) not in self._ids:
                fresh.setdefault(event.id, (customer, event))
        ordered = sorted(fresh.values(), key=lambda pair: (pair[1].at, pair[1].id))
        for customer, event in ordered:
            self._seq += 1
            self._ids.add(("event", source, event.id))
            fields = _cells(vocabulary.events[event.name].fields, event.fields)
            stored = Stored(
                customer=customer, event=replace(event, fields=fields, seq=self._seq), source=source
            )
            self._by_seq[self._seq] = stored
            self._register(customer)
            insort(self.events.setdefault(customer, []), stored, key=_ORDER)
            self.instants.append(event.at)
            self._cut.pop(customer, None)
        return len(ordered)

    def append_attributes(
        self,
        versions: Sequence[tuple[str, AttributeVersion]],
        *,
        vocabulary: Vocabulary,
        source: str,
        known_at: int,  # noqa: ARG002  only a backtest asks for it
    ) -> int:
        """Add (customer, version) pairs and return how many are new; undeclared ones are left out."""
        fresh = [
            (customer, version)
            for customer, version in versions
            if version.name in vocabulary.attributes
            and ("attribute", source, version.id) not in self._ids
        ]
        for customer, version in fresh:
            self._seq += 1
            self._ids.add(("attribute", source, version.id))
            field = vocabulary.attributes[version.name]
            held = attribute_datum(field, *attribute_cells(field, version.value))
            self._register(customer)
            kept = _Version(seq=self._seq, said=replace(version, value=held))
            insort(self.versions.setdefault(customer, []), kept, key=_ORDER)
            self.instants.append(version.at)
            self._cut.pop(customer, None)
        return len(fresh)

    def _register(self, customer: str) -> None:
        if customer not in self._code_of:
            self._code_of[customer] = len(self.names)
            self.names.append(customer)


def _cells(declared: Mapping[str, FieldType], fields: Mapping[str, Datum]) -> dict[str, Datum]:
    """Return the declared fields in the order of care.yaml, as the log gives them back."""
    found: dict[str, Datum] = {}
    for name, field in declared.items():
        if name in fields:
            held = datum(field, cell(field, fields[name]))
            assert held is not None
            found[name] = held
    return found
