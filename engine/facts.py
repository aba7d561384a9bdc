"""What a run knows of the few customers it decides about: their histories, asked in Python."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

from engine.log import Log
from engine.store import PERSONAL
from rules.conditions import Compare, Condition, Subject, SubjectKind, Top
from rules.evaluate import Evaluator, RankKey, event_verdict
from rules.history import AttributeVersion, Datum, Event, History
from rules.measures import Catalogue, Segment
from rules.playbook import Anchor
from rules.units import Unit, day_start, shift, shift_day
from rules.vocabulary import FieldKind, Vocabulary

__all__ = ["DATED", "Facts", "event_json"]

_EMPTY: Mapping[str, Datum] = {}
_BATCH = 10_000  #: histories fetched at once
_KEEP = 40_000  #: histories held; about 10 kB each with the answers that hang on them
DATED = (Unit.DAY, Unit.WEEK, Unit.MONTH, Unit.YEAR)


class Facts:
    """Histories at (T, S): fetched in bulk once one of them is asked for, kept for the run.

    ``kinds`` are the events that anybody may ask for; None: all.
    """

    def __init__(
        self,
        log: Log,
        vocabulary: Vocabulary,
        *,
        at: int,
        seq: int,
        kinds: frozenset[str] | None = None,
    ) -> None:
        self.log = log
        self.vocabulary = vocabulary
        self.at = at
        self.seq = seq
        self.kinds = kinds
        self._histories: dict[str, History] = {}
        self._expected: dict[str, None] = {}  #: in the order in which they will be asked for
        self.ranks: dict[tuple[int, RankKey], int | None] = {}
        self._evaluators: dict[str, dict[tuple[int, int], Evaluator]] = {}
        self._overlays: dict[str, tuple[AttributeVersion, ...]] = {}

    def overlay(self, customer: str, values: Mapping[str, Datum | None], at: int) -> None:
        """Lay attributes over a customer's history, for the later steps of this run."""
        laid = tuple(
            AttributeVersion(name=name, at=at, value=value, id="~")
            for name, value in values.items()
        )
        self._overlays[customer] = (*self._overlays.get(customer, ()), *laid)

    def _laid(self, customer: str) -> History:
        history = self.history(customer)
        laid = self._overlays.get(customer)
        if not laid:
            return history
        versions = sorted((*history.attributes, *laid), key=lambda v: (v.name, v.at, v.id))
        return replace(history, attributes=tuple(versions))

    def expect(self, customers: Iterable[str]) -> None:
        """Say whose histories may be asked for, and in which order.

        None is fetched by that: of millions who begin something nothing may hang on a history.
        """
        known = self._histories
        self._expected.update((name, None) for name in customers if name not in known)

    def history(self, customer: str) -> History:
        """Return a customer's history up to (T, S); others that are expected come along."""
        if customer not in self._histories:
            self._fetch(customer)
        return self._histories[customer]

    def _fetch(self, customer: str) -> None:
        self._expected.pop(customer, None)
        batch = [customer, *islice(self._expected, _BATCH - 1)]
        for name in batch[1:]:
            del self._expected[name]
        if len(self._histories) + len(batch) > _KEEP:
            for name in list(islice(self._histories, len(batch))):
                del self._histories[name]
                self._evaluators.pop(name, None)
                self._expected[name] = None
        self._histories |= self.log.histories(
            batch, at=self.at, seq=self.seq, vocabulary=self.vocabulary, kinds=self.kinds
        )

    def event(self, customer: str, name: str, key: str) -> Event | None:
        """Return one event of a customer by name and id, also of a kind that nobody asks for now."""
        found = self.history(customer)
        if found.kinds is not None and name not in found.kinds:
            found = self.log.histories(
                [customer], at=self.at, seq=self.seq, vocabulary=self.vocabulary
            )[customer]
        return next((one for one in found.events if (one.name, one.id) == (name, key)), None)

    def evaluator(
        self,
        catalogue: Catalogue,
        customer: str,
        *,
        at: int | None = None,
        trigger: Mapping[str, Datum] = _EMPTY,
        trigger_event: str = "",
        steps: Mapping[str, Datum] = _EMPTY,
        overlaid: bool = False,
    ) -> Evaluator:
        """Return the evaluator of a customer at an instant up to T (default T).

        ``overlaid``: with what ``set`` steps wrote in this run.
        """
        moment = self.at if at is None else at
        plain = not trigger and not steps and not (overlaid and customer in self._overlays)
        key = (moment, id(catalogue))
        kept = self._evaluators.get(customer, {})
        if plain and key in kept:
            return kept[key]
        laid = overlaid and customer in self._overlays
        made = Evaluator(
            self.vocabulary,
            catalogue,
            at=moment,
            history=self._laid(customer) if laid else partial(self.history, customer),
            ranks=_Ranks(self, catalogue, moment),
            trigger=trigger,
            trigger_event=trigger_event,
            steps=steps,
        )
        if plain:
            if customer not in self._evaluators and len(self._evaluators) >= _KEEP:
                for name in list(islice(self._evaluators, _KEEP // 2)):
                    del self._evaluators[name]
            self._evaluators.setdefault(customer, kept)[key] = made
        return made

    def passes(self, where: Condition, event: Event) -> bool:
        """True when an event meets a ``where``; unknown is not true."""
        return event_verdict(where, event, self.vocabulary, at=event.at) is True

    def date(self, catalogue: Catalogue, customer: str, anchor: Anchor) -> int | None:
        """Return the instant of a date anchor; None while the date is unknown.

        A date is the midnight of its day in the business zone; days, weeks, months and years move
        the date, smaller units the instant.
        """
        zone = self.vocabulary.timezone
        evaluator = self.evaluator(catalogue, customer)
        declared = self.vocabulary.attributes.get(anchor.name)
        if declared is None:
            value = evaluator.measure(anchor.name)
        else:
            value = evaluator.attribute(anchor.name)
        if not isinstance(value, int):
            return None
        offset = anchor.offset
        if declared is not None and declared.kind is FieldKind.DATE:
            if offset is None:
                return day_start(value, zone)
            if offset.unit in DATED:
                return day_start(shift_day(value, offset, back=anchor.back), zone)
            value = day_start(value, zone)
        return value if offset is None else shift(value, offset, zone, back=anchor.back)

    def shown(self, event: Event) -> dict[str, Any]:
        """Return an event for the evidence: personal fields are named, not told."""
        return event_json(event, self.vocabulary)


class _Ranks(Mapping[RankKey, "int | None"]):
    """The last value inside of each ``top N% of segment``, asked of the population when needed."""

    def __init__(self, facts: Facts, catalogue: Catalogue, at: int) -> None:
        self._facts, self._catalogue, self._at = facts, catalogue, at

    def __getitem__(self, key: RankKey) -> int | None:
        known = self._facts.ranks
        if (self._at, key) not in known:
            known[self._at, key] = self._ask(key)
        return known[self._at, key]

    def _ask(self, key: RankKey) -> int | None:
        log = self._facts.log
        if log.questions is not None:
            return log.questions.last_inside(
                self._facts.vocabulary, self._catalogue, key, at=self._at, seq=self._facts.seq
            )
        from rules.sql import compile_ranks  # noqa: PLC0415  slow

        name, segment, share = key
        of_measure = name in self._catalogue.measures
        kind = SubjectKind.MEASURE if of_measure else SubjectKind.ATTRIBUTE
        leaf = Compare(subject=Subject(kind, name), test=Top(share, segment))
        asked = Segment(name="\x00top", title="", condition=leaf)
        catalogue = replace(
            self._catalogue, segments={**self._catalogue.segments, asked.name: asked}
        )
        ranks = compile_ranks(self._facts.vocabulary, catalogue, [asked.name])
        assert ranks is not None
        binds = ranks.binds(self._at, self._facts.seq, log.codes())
        return ranks.read(log.query(ranks.sql(), binds))[key]

    def __iter__(self) -> Iterator[RankKey]:
        return iter(key for at, key in self._facts.ranks if at == self._at)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def event_json(event: Event, vocabulary: Vocabulary) -> dict[str, Any]:
    """Return an event as JSON values, without the values of personal fields."""
    declared = vocabulary.events[event.name].fields if event.name in vocabulary.events else {}
    fields = {
        name: PERSONAL if name in declared and declared[name].pii else value
        for name, value in event.fields.items()
    }
    return {"name": event.name, "id": event.id, "at": event.at, "fields": fields}
