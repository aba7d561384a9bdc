"""What runs ask about sets of customers, answered in Python from histories.

The evaluator is the one that explains decisions; property tests keep it equal to the SQL.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from math import ceil
from typing import TYPE_CHECKING

from engine.questions import ChangeRow
from rules.columns import attribute_cells
from rules.evaluate import Evaluator, RankKey
from rules.folds import Timeline
from rules.history import Datum, Event
from rules.measures import Catalogue, Events
from rules.values import rank_value, valued
from rules.vocabulary import Vocabulary

if TYPE_CHECKING:
    from engine.testing.memory_log import MemoryLog

__all__ = ["Answers"]

_Key = tuple[str, Datum] | None


class Answers:
    """Answers ``engine.questions`` for a log in memory."""

    def __init__(self, log: MemoryLog) -> None:
        self.log = log
        self._moment: tuple[object, ...] = ()
        self._evaluators: dict[tuple[str, int], Evaluator] = {}

    def members(
        self, vocabulary: Vocabulary, catalogue: Catalogue, name: str, *, at: int, seq: int
    ) -> dict[str, str]:
        """Return customer -> value of the class ("" for a segment) of those inside."""
        ask = self._asking(vocabulary, catalogue, at, seq)
        people = sorted(self.population(at=at, seq=seq))
        head, _, value = name.partition(".")
        if name in catalogue.segments:
            return {one: "" for one in people if ask(one).in_segment(name)}
        held = {one: ask(one).class_value(head) for one in people}
        return {one: word for one, word in held.items() if word is not None and value in ("", word)}

    def population(self, *, at: int, seq: int) -> set[str]:
        """Return all customers that are known, by a visible event or any profile."""
        found = {
            customer
            for customer, versions in self.log.versions.items()
            if any(one.seq <= seq for one in versions)
        }
        for customer, events in self.log.events.items():
            if any(one.event.at <= at and one.event.seq <= seq for one in events):
                found.add(customer)
        return found

    def values(
        self, vocabulary: Vocabulary, catalogue: Catalogue, name: str, *, at: int, seq: int
    ) -> dict[int, int]:
        """Return code -> value of those whose date or instant is known."""
        ask = self._asking(vocabulary, catalogue, at, seq)
        people = sorted(self.population(at=at, seq=seq))
        codes = self.log.customer_codes(people)
        found: dict[int, int] = {}
        for one in people:
            measured = name in catalogue.measures
            value = ask(one).measure(name) if measured else ask(one).attribute(name)
            if isinstance(value, int):
                found[codes[one]] = value
        return found

    def changes(
        self, vocabulary: Vocabulary, attribute: str, *, at: int, seq: int, at0: int, seq0: int
    ) -> list[ChangeRow]:
        """Return the changes of an attribute that (T, S) sees and the cursor did not, in order."""
        field = vocabulary.attributes[attribute]
        found: list[ChangeRow] = []
        for customer in self.log.names:
            known = [
                (one.seq, one.said.at, *attribute_cells(field, one.said.value))
                for one in self.log.versions.get(customer, ())
                if one.said.name == attribute and one.seq <= seq and one.said.at <= at
                if one.said.value is not None
            ]
            found += [
                (customer, said, num, txt, num0, txt0, said <= at0)
                for (_, _, num0, txt0), (n, said, num, txt) in pairwise(known)
                if (n > seq0 or said > at0) and (num0, txt0) != (num, txt)
            ]
        return found

    def unanswered(
        self,
        vocabulary: Vocabulary,
        first: Events,
        answer: Events,
        same: str | None,
        *,
        at: int,
        seq: int,
    ) -> list[tuple[int, int, int | None]]:
        """Return (seq, instant, first answer) of the events ``first``, those without one too."""
        # An answer of another kind may also come at the very same time.
        after = bisect_left if set(first.names).isdisjoint(answer.names) else bisect_right
        found: list[tuple[int, int, int | None]] = []
        for customer in self.log.names:
            history = self.log.history(customer, at=at, seq=seq, vocabulary=vocabulary)
            line = Timeline(vocabulary, history, at=at)
            answers: dict[_Key, list[int]] = {}
            for event in line.select(answer):
                answers.setdefault(_key(line, event, same), []).append(event.at)
            for event in line.select(first):
                key = _key(line, event, same)
                if same is not None and key is None:
                    continue
                times = answers.get(key, [])
                place = after(times, event.at)
                found.append((event.seq, event.at, times[place] if place < len(times) else None))
        return found

    def last_inside(
        self, vocabulary: Vocabulary, catalogue: Catalogue, key: RankKey, *, at: int, seq: int
    ) -> int | None:
        """Return the value of the last one inside of a ``top N% of segment``; ties are all in."""
        name, segment, share = key
        ask = self._asking(vocabulary, catalogue, at, seq)
        values = []
        for one in self.population(at=at, seq=seq):
            person = ask(one)
            if not person.in_segment(segment):
                continue
            if name in catalogue.measures:
                value = rank_value(person.measure(name))
            else:
                value = rank_value(valued(vocabulary.attributes[name].kind, person.attribute(name)))
            if value is not None:
                values.append(value)
        values.sort(reverse=True)
        inside = ceil(share * len(values))
        return values[inside - 1] if inside else None

    def among(self, codes: Sequence[int]) -> set[str]:
        """Return the customers behind codes."""
        return set(self.log.customer_ids(codes).values())

    def _asking(
        self, vocabulary: Vocabulary, catalogue: Catalogue, at: int, seq: int
    ) -> Callable[[str], Evaluator]:
        """Return what gives a customer's evaluator at (T, S); they are kept while those stay."""
        moment = (id(vocabulary), at, seq)
        if moment != self._moment:
            self._moment = moment
            self._evaluators.clear()
        ranks = _Ranks(self, vocabulary, catalogue, at, seq)

        def ask(customer: str) -> Evaluator:
            key = (customer, id(catalogue))
            found = self._evaluators.get(key)
            if found is None or found.catalogue is not catalogue:
                history = self.log.history(customer, at=at, seq=seq, vocabulary=vocabulary)
                found = Evaluator(vocabulary, catalogue, at=at, history=history, ranks=ranks)
                self._evaluators[key] = found
            return found

        return ask


def _key(line: Timeline, event: Event, same: str | None) -> _Key:
    return None if same is None else line.key(event, same)


class _Ranks(Mapping[RankKey, "int | None"]):
    """The ranks of everybody at one (T, S), worked out when they are asked for."""

    def __init__(
        self, answers: Answers, vocabulary: Vocabulary, catalogue: Catalogue, at: int, seq: int
    ) -> None:
        self._answers, self._vocabulary, self._catalogue = answers, vocabulary, catalogue
        self._at, self._seq = at, seq
        self._known: dict[RankKey, int | None] = {}

    def __getitem__(self, key: RankKey) -> int | None:
        if key not in self._known:
            self._known[key] = self._answers.last_inside(
                self._vocabulary, self._catalogue, key, at=self._at, seq=self._seq
            )
        return self._known[key]

    def __contains__(self, key: object) -> bool:
        return True

    def __iter__(self) -> Iterator[RankKey]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)
