"""Random vocabularies, logs, catalogues and conditions, and a log in memory to put them in.

Instants are drawn from T moved by the very durations that windows and phrases use, give or take a
microsecond, so that edges, ties, month ends and changes of clocks are hit all the time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from random import Random
from typing import Any

import duckdb
from hypothesis import strategies as st

from rules.columns import attribute_cells, cell, column, sql_type
from rules.conditions import (
    All,
    Always,
    AnyOf,
    Between,
    Bound,
    Compare,
    Condition,
    Has,
    InSegment,
    IsKnown,
    IsUnknown,
    Moment,
    Not,
    NotTest,
    OneOf,
    Op,
    Subject,
    SubjectKind,
    Test,
    Top,
)
from rules.evaluate import Evaluator, RankKey
from rules.history import AttributeVersion, Datum, Event, History
from rules.measures import (
    Aggregate,
    Catalogue,
    Change,
    Changed,
    ClassValue,
    CustomerClass,
    Events,
    Fold,
    Measure,
    NamedMeasure,
    OpenItems,
    Quantity,
    Ratio,
    Segment,
    TimeTo,
    Window,
)
from rules.units import Duration, Unit, day_of, day_start, from_iso
from rules.values import Shape, rank_value, shape_of_field, shape_of_quantity
from rules.vocabulary import EventType, FieldKind, FieldType, Vocabulary
from rules.windows import mark

ZONES = ("UTC", "Asia/Shanghai", "Europe/London", "America/St_Johns", "Pacific/Apia")
KINDS = ("ask", "answer", "order")
FIELDS = ("key", "n", "mix")
ATTRIBUTES = ("size", "label", "tier", "tags", "on", "day", "since")
WORDS = ("low", "high", "甲")
TEXTS = ("", "a", "a", "a'b", "甲")

# Month ends, leap days, the hours at which clocks change in London and St John's, a skipped day.
NOWS = tuple(
    from_iso(text, "UTC")
    for text in (
        "2024-02-29T12:00",
        "2024-03-31T01:30",
        "2024-03-31T00:00",
        "2023-10-29T01:30",
        "2009-11-01T02:31",
        "2011-12-31T10:00",
        "2011-12-09T13:00",
        "2024-07-31T16:00",
    )
)

DURATIONS = (
    Duration(1, Unit.SECOND),
    Duration(90, Unit.MINUTE),
    Duration(24, Unit.HOUR),
    Duration(1, Unit.DAY),
    Duration(3, Unit.DAY),
    Duration(2, Unit.WEEK),
    Duration(1, Unit.MONTH),
    Duration(2, Unit.MONTH),
    Duration(3, Unit.MONTH),
    Duration(1, Unit.YEAR),
)
#: Windows, longer ones more often: they hold more.
LENGTHS = (*DURATIONS, *DURATIONS[5:], *DURATIONS[8:], *DURATIONS[9:])

NUMBERS = (0, 10_000, -10_000, 20_000, 15_000, 3_333, 123_456)
EXTREMES = (9 * 10**18, -(9 * 10**18))
LIMITS = tuple(
    Fraction(*pair)
    for pair in (
        (0, 1), (1, 1), (2, 1), (-1, 1), (1, 3), (3, 10), (-3, 10), (-1, 5), (3, 2), (3333, 10_000),
        (86_400_000_000, 1), (10**30, 1), (1, 10**15),
    )
)  # fmt: skip
SHARES = tuple(Fraction(*pair) for pair in ((1, 5), (1, 3), (1, 2), (1, 1), (1, 100)))


# The log


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """A row of ``events``."""

    seq: int
    customer: int
    kind: str
    at: int
    source: str
    id: str
    fields: Mapping[str, Datum]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeRow:
    """A row of ``attributes``."""

    seq: int
    customer: int
    name: str
    at: int
    id: str
    value: Datum | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRows:
    """A whole log."""

    events: tuple[EventRow, ...] = ()
    attributes: tuple[AttributeRow, ...] = ()

    @property
    def max_seq(self) -> int:
        """The highest seq."""
        return max((row.seq for row in (*self.events, *self.attributes)), default=0)

    def superseded(self) -> list[tuple[int, int]]:
        """(seq, by_seq): each version of a (source, id) and the one after it."""
        last: dict[tuple[str, str], int] = {}
        pairs = []
        for row in sorted(self.events, key=lambda row: row.seq):
            key = (row.source, row.id)
            if key in last:
                pairs.append((last[key], row.seq))
            last[key] = row.seq
        return pairs

    def histories(self, at: int, seq: int) -> dict[int, History]:
        """What a run at (T, S) sees, by customer code; the whole population."""
        newest: dict[tuple[str, str], EventRow] = {}
        for row in sorted(self.events, key=lambda row: row.seq):
            if row.seq <= seq:
                newest[(row.source, row.id)] = row
        events: dict[int, list[EventRow]] = {}
        for row in newest.values():
            if row.at <= at:
                events.setdefault(row.customer, []).append(row)
        versions: dict[int, list[AttributeRow]] = {}
        for version in self.attributes:
            if version.seq <= seq:
                versions.setdefault(version.customer, []).append(version)
        return {
            customer: History(
                customer=f"k{customer}",
                events=tuple(
                    Event(id=row.id, name=row.kind, at=row.at, fields=row.fields, seq=row.seq)
                    for row in sorted(
                        events.get(customer, ()), key=lambda row: (row.at, row.id, row.seq)
                    )
                ),
                attributes=tuple(
                    AttributeVersion(name=row.name, at=row.at, value=row.value, id=row.id)
                    for row in sorted(
                        versions.get(customer, ()),
                        key=lambda row: (row.name, row.at, row.id, row.seq),
                    )
                ),
            )
            for customer in sorted(events.keys() | versions.keys())
        }


@dataclass(frozen=True, slots=True)
class LogCodes:
    """The codes of names."""

    kinds: Mapping[str, int]
    attributes: Mapping[str, int]


def install(vocabulary: Vocabulary, log: LogRows) -> tuple[duckdb.DuckDBPyConnection, LogCodes]:
    """Return an in-memory database with the tables of the log. The caller closes it."""
    connection = duckdb.connect(":memory:", config={"threads": 1})
    columns = {
        column(field): sql_type(field)
        for event in vocabulary.events.values()
        for field in event.fields.values()
    }
    typed = "".join(f', "{name}" {kind}' for name, kind in columns.items())
    connection.execute(
        f"""
        CREATE TABLE events (seq BIGINT, customer INTEGER, kind INTEGER, occurred_at BIGINT,
            known_at BIGINT, source VARCHAR, id VARCHAR{typed}, rest VARCHAR);
        CREATE TABLE superseded (seq BIGINT, by_seq BIGINT);
        CREATE TABLE attributes (seq BIGINT, customer INTEGER, attribute INTEGER,
            occurred_at BIGINT, known_at BIGINT, source VARCHAR, id VARCHAR, num BIGINT,
            txt VARCHAR);
        CREATE TABLE scope (customer INTEGER);
        CREATE TABLE customers (code INTEGER, id VARCHAR);
        """
    )
    people = sorted({row.customer for row in (*log.events, *log.attributes)})
    _insert(connection, "customers", [[code, f"k{code}"] for code in people])
    # Names that are in no row have no code: what compiled statements bind for them matches nothing.
    kinds = sorted({row.kind for row in log.events})
    names = sorted({row.name for row in log.attributes})
    codes = LogCodes(
        kinds={name: place + 7 for place, name in enumerate(kinds)},
        attributes={name: place + 3 for place, name in enumerate(names)},
    )
    rows = []
    for row in log.events:
        declared = vocabulary.events[row.kind].fields
        cells = {
            column(declared[name]): cell(declared[name], value)
            for name, value in row.fields.items()
            if name in declared
        }
        rows.append(
            [row.seq, row.customer, codes.kinds[row.kind], row.at, row.at, row.source, row.id,
             *(cells.get(name) for name in columns), None]
        )  # fmt: skip
    _insert(connection, "events", rows)
    _insert(connection, "superseded", [list(pair) for pair in log.superseded()])
    versions = []
    for version in log.attributes:
        field = vocabulary.attributes[version.name]
        versions.append(
            [version.seq, version.customer, codes.attributes[version.name], version.at, version.at,
             "s", version.id, *attribute_cells(field, version.value)]
        )  # fmt: skip
    _insert(connection, "attributes", versions)
    return connection, codes


def _insert(
    connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Sequence[Any]]
) -> None:
    if rows:
        places = "(" + ", ".join("?" for _ in rows[0]) + ")"
        flat = [value for row in rows for value in row]
        connection.execute(f"INSERT INTO {table} VALUES {', '.join([places] * len(rows))}", flat)


class AllRanks(Mapping[RankKey, int | None]):
    """The last value inside every top, worked out in Python over a whole population."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        catalogue: Catalogue,
        histories: Mapping[int, History],
        at: int,
    ) -> None:
        self.people = {
            customer: Evaluator(vocabulary, catalogue, at=at, history=history, ranks=self)
            for customer, history in histories.items()
        }
        self._known: dict[RankKey, int | None] = {}

    def __getitem__(self, key: RankKey) -> int | None:
        if key not in self._known:
            name, segment, share = key
            values = []
            for person in self.people.values():
                if person.in_segment(segment):
                    kind = SubjectKind.ATTRIBUTE
                    if name in person.catalogue.measures:
                        kind = SubjectKind.MEASURE
                    value = rank_value(person._value(Subject(kind, name))[0])
                    if value is not None:
                        values.append(value)
            values.sort(reverse=True)
            k = ceil(share * len(values))
            self._known[key] = values[k - 1] if k else None
        return self._known[key]

    def __contains__(self, key: object) -> bool:
        return True

    def __iter__(self) -> Iterator[RankKey]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


# Random worlds


class Maker:
    """Makes everything from one source of chance; small numbers make small things."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.now = self.one(NOWS)
        self.used = self.some(ATTRIBUTES, 2, 4)  #: attributes that the log holds
        self.vocabulary = self.make_vocabulary()
        self.tz = self.vocabulary.timezone

    def one(self, choices: Sequence[Any]) -> Any:
        """One of these."""
        return self.random.choice(choices)

    def some(self, choices: Sequence[Any], least: int = 1, most: int = 2) -> tuple[Any, ...]:
        """A few of these, perhaps the same twice."""
        return tuple(self.one(choices) for _ in range(self.random.randint(least, most)))

    def chance(self, per_cent: int) -> bool:
        """True so often."""
        return self.random.randrange(100) < per_cent

    def attribute(self) -> str:
        """An attribute, mostly one that the log holds."""
        return str(self.one(self.used) if self.chance(85) else self.one(ATTRIBUTES))

    # Vocabularies and values

    def make_vocabulary(self) -> Vocabulary:
        """Three events whose fields have the same names and often other types."""
        choices: dict[str, Sequence[FieldKind | None]] = {
            "key": [FieldKind.TEXT] * 6 + [FieldKind.WORD, FieldKind.NUMBER],
            "n": [FieldKind.NUMBER] * 7 + [None],
            "mix": [*FieldKind, None],
        }
        events = {}
        for kind in KINDS:
            chosen = {name: self.one(choices[name]) for name in FIELDS}
            fields = {name: self._field(name, kind) for name, kind in chosen.items() if kind}
            events[kind] = EventType(name=kind, title=kind, fields=fields)
        kinds = (
            FieldKind.NUMBER, FieldKind.TEXT, FieldKind.WORD, FieldKind.WORDS, FieldKind.YES_NO,
            FieldKind.DATE, FieldKind.INSTANT,
        )  # fmt: skip
        return Vocabulary(
            business="b",
            timezone=self.one(ZONES),
            calendar="none",
            opens=dt.time(9),
            closes=dt.time(18),
            events=events,
            groups={},
            attributes={
                name: self._field(name, kind) for name, kind in zip(ATTRIBUTES, kinds, strict=True)
            },
            channels={},
            roles={},
            dates={},
        )

    def _field(self, name: str, kind: FieldKind) -> FieldType:
        words = WORDS if kind in (FieldKind.WORD, FieldKind.WORDS) else ()
        return FieldType(name=name, kind=kind, words=words)

    def instant(self) -> int:
        """An instant near one that some window or phrase may ask about."""
        moved = self.now
        for _ in range(self.one((0, 1, 1, 1, 2, 2, 3))):
            moved = mark(moved, self.one(DURATIONS), self.tz, back=self.chance(85))
        return moved + self.one((0, 0, 0, 0, 1, -1, 3_600_000_000, -60_000_000))

    def datum(self, kind: FieldKind) -> Datum:
        """A value of a field."""
        match kind:
            case FieldKind.NUMBER:
                return self.one(NUMBERS) if self.chance(95) else self.one(EXTREMES)
            case FieldKind.TEXT:
                return self.one(TEXTS)
            case FieldKind.WORD:
                return self.one(WORDS)
            case FieldKind.WORDS:
                return tuple(sorted(set(self.some(WORDS, 0, 3))))
            case FieldKind.YES_NO:
                return self.chance(50)
            case FieldKind.DATE:
                return day_of(self.instant(), self.tz) + self.one((0, 0, 1, -1))
            case FieldKind.INSTANT:
                return self.instant()

    def log(self, size: int, customers: int = 0) -> LogRows:
        """Events of a few customers in two sources, with ties, corrections and attributes."""
        events: list[EventRow] = []
        attributes: list[AttributeRow] = []
        times = [self.instant() for _ in range(4)]
        customers = customers or self.one((1, 2, 2, 3, 4, 8))
        for seq in range(1, size + 1):
            at = self.one(times) if self.chance(40) else self.instant()
            customer = self.random.randint(1, customers)
            if self.chance(75):
                kind = self.one(KINDS)
                declared = self.vocabulary.events[kind].fields
                events.append(
                    EventRow(
                        seq=seq,
                        customer=customer,
                        kind=kind,
                        at=at,
                        source=self.one("st"),
                        id=self.one("abcdef") if self.chance(30) else f"e{self.one((1, 2))}{seq}",
                        fields={
                            name: self.datum(field.kind)
                            for name, field in declared.items()
                            if self.chance(85)
                        },
                    )
                )
            else:
                name = self.one(self.used)
                known = self.chance(85)
                attributes.append(
                    AttributeRow(
                        seq=seq,
                        customer=customer + self.one((0, 0, 0, 1)),
                        name=name,
                        at=at,
                        id=self.one("ab"),
                        value=self.datum(self.vocabulary.attributes[name].kind) if known else None,
                    )
                )
        return LogRows(events=tuple(events), attributes=tuple(attributes))

    # Conditions

    def window(self, *, bounded: bool = False) -> Window:
        """A window, now and then from the beginning of time."""
        last = self.one(LENGTHS) if bounded or self.chance(75) else None
        return Window(last=last, shift=self.one(DURATIONS) if self.chance(20) else None)

    def test(self, shape: Shape, texts: Sequence[str] = TEXTS) -> Test:
        """A test that fits a shape, and now and then one that does not."""
        test = self._test(shape, texts)
        return NotTest(test) if self.chance(12) else test

    def _test(self, shape: Shape, texts: Sequence[str]) -> Test:
        if self.chance(12):
            return self.one((IsKnown(), IsUnknown()))
        if self.chance(5):
            return self.one((OneOf((Fraction(1),)), OneOf(("a",)), OneOf((True,)), self._moment()))
        match shape:
            case Shape.AMOUNT:
                if self.chance(25):
                    return OneOf(self.some(LIMITS))
                if self.chance(25):
                    return Between(self.one(LIMITS), self.one(LIMITS))
                return Bound(self.one(tuple(Op)), self.one(LIMITS))
            case Shape.TEXT:
                return OneOf(self.some(texts))
            case Shape.YES_NO:
                return OneOf((self.chance(50),))
            case Shape.DATE:
                if self.chance(25):
                    return OneOf((day_of(self.instant(), self.tz),))
                return self._moment()
            case Shape.INSTANT:
                return self._moment()
            case Shape.WORDS:
                return Has(self.some(WORDS))
            case Shape.NOTHING:
                return OneOf(("a",))

    def _moment(self) -> Moment:
        word = self.one(("within last", "ago", "between ago", "within next"))
        one, two = self.one(DURATIONS), self.one(DURATIONS)
        match word:
            case "ago":
                return Moment(word, near=one)
            case "between ago":
                return Moment(word, far=one, near=two)
            case _:
                return Moment(word, far=one)

    def condition(self, leaf: Callable[[], Condition], depth: int = 2) -> Condition:
        """A condition over leaves."""
        if not depth or self.chance(50):
            return leaf()
        if self.chance(25):
            return Not(self.condition(leaf, depth - 1))
        parts = tuple(self.condition(leaf, depth - 1) for _ in range(self.one((0, 1, 2, 2, 2, 3))))
        return All(parts) if self.chance(50) else AnyOf(parts)

    def where(self) -> Condition:
        """A condition on the fields of an event, mostly none."""
        return self.condition(self._where_leaf) if self.chance(20) else Always()

    def _where_leaf(self) -> Condition:
        name = self.one(FIELDS)
        kinds = [e.fields[name].kind for e in self.vocabulary.events.values() if name in e.fields]
        shape = shape_of_field(self.one(kinds)) if kinds else Shape.NOTHING
        return Compare(subject=Subject(SubjectKind.FIELD, name), test=self.test(shape))

    # Measures

    def events(self) -> Events:
        """One or two kinds of events."""
        return Events(names=tuple(sorted(set(self.some(KINDS)))), where=self.where())

    def measure(
        self, *, amounts: bool = False, bounded: bool = False, depth: int = 0
    ) -> tuple[Measure, Quantity]:
        """A measure with its quantity; ``amounts``: one that a change can be taken of."""
        window = self.window(bounded=bounded)
        needs = self.random.randint(1, 3) if self.chance(20) else None
        same = self.one(("key", "key", "key", "mix", "n", None, None))
        kinds = ["aggregate"] * 6 + ["ratio", "ratio", "time", "time", "open", "open"]
        kinds += [] if depth > 1 else ["change"] * 3
        kinds += [] if amounts else ["changed"]
        match self.one(kinds):
            case "ratio":
                part, whole = self.events(), self.events()
                ratio = Ratio(part=part, whole=whole, same=same, window=window, needs=needs)
                return ratio, Quantity.SHARE
            case "time":
                start, end = self.events(), self.events()
                time = TimeTo(start=start, end=end, same=same, window=window, needs=needs)
                return time, Quantity.TIME
            case "open":
                opened, closed = self.events(), self.events()
                items = OpenItems(opened=opened, closed=closed, same=same, window=window)
                return items, Quantity.NUMBER
            case "change":
                inner, quantity = self.measure(amounts=True, bounded=True, depth=depth + 1)
                relative = self.chance(60)
                change = Change(of=inner, relative=relative, needs=needs)
                return change, Quantity.SHARE if relative else quantity
            case "changed":
                return Changed(attribute=self.attribute()), Quantity.INSTANT
        return self._aggregate(window, needs, amounts=amounts)

    def _aggregate(
        self, window: Window, needs: int | None, *, amounts: bool
    ) -> tuple[Measure, Quantity]:
        times = (Fold.FIRST_TIME, Fold.LAST_TIME)
        fold = self.one([fold for fold in Fold if not amounts or fold not in times])
        events = self.events()
        fields: dict[str, str] = {}
        quantity = Quantity.NUMBER
        names: Sequence[str] = ("n", "n", "n", "mix")
        if fold in (Fold.FIRST_VALUE, Fold.LAST_VALUE) and not amounts:
            quantity = self.one((Quantity.NUMBER, Quantity.NUMBER, *FOLDABLE))
            names = {Quantity.NUMBER: ("n",), Quantity.TEXT: ("key",)}.get(quantity, ("mix",))
        if fold is Fold.DISTINCT:
            names = FIELDS
        if fold in times:
            quantity = Quantity.INSTANT
        elif fold not in (Fold.COUNT, Fold.MONTHS_WITH):
            fields = {name: self.one(names) for name in events.names}
            if self.chance(5):
                fields.pop(next(iter(fields)))
        sparse = fold is Fold.MEAN or self.chance(20)
        aggregate = Aggregate(
            fold=fold, events=events, fields=fields, window=window, needs=needs if sparse else None
        )
        return aggregate, quantity

    # Definitions

    def catalogue(self, size: int, *, tops: bool) -> Catalogue:
        """Measures m0.., segments s0.. and classes c0.., each built on those before it."""
        named: dict[str, NamedMeasure] = {}
        for place in range(size):
            measure, quantity = self.measure()
            months = None
            if quantity is Quantity.NUMBER and self.chance(20):
                months = self.one((3, 12))
            name = f"m{place}"
            named[name] = NamedMeasure(
                name=name, measure=measure, quantity=quantity, per_month=months
            )
        segments: dict[str, Segment] = {}
        classes: dict[str, CustomerClass] = {}
        known = Catalogue(measures=named, segments=segments, classes=classes)

        def leaf() -> Condition:
            return self.leaf(known, tops=tops)

        for place in range(size):
            if self.chance(60):
                name = f"s{place}"
                segments[name] = Segment(name=name, title=name, condition=self.condition(leaf))
                continue
            name = f"c{place}"
            values = [ClassValue(value=v, condition=self.condition(leaf)) for v in ("x", "y")]
            if self.chance(50):
                values.append(ClassValue(value="z", condition=None))
            groups = [*segments, *(f"{known}.x" for known in classes)]
            of = self.one(groups) if groups and self.chance(50) else None
            classes[name] = CustomerClass(name=name, title=name, of=of, values=tuple(values))
        return known

    def leaf(self, known: Catalogue, *, tops: bool) -> Condition:
        """A comparison or membership that refers to what is known."""
        groups = [*known.segments, *(f"{c}.{v}" for c in known.classes for v in ("x", "y", "z"))]
        if groups and self.chance(20):
            return InSegment(names=self.some(groups))
        if known.classes and self.chance(10):
            subject = Subject(SubjectKind.CLASS, self.one(sorted(known.classes)))
            return Compare(subject=subject, test=self.test(Shape.TEXT, ("x", "y", "?")))
        texts = TEXTS
        if self.chance(30):
            name = self.attribute()
            kind = self.vocabulary.attributes[name].kind
            subject, shape = Subject(SubjectKind.ATTRIBUTE, name), shape_of_field(kind)
            texts = WORDS if kind is FieldKind.WORD else TEXTS
        else:
            name = self.one(sorted(known.measures))
            subject = Subject(SubjectKind.MEASURE, name)
            shape = shape_of_quantity(known.measures[name].quantity)
        if tops and groups and self.chance(35):
            top: Test = Top(self.one(SHARES), self.one(groups))
            return Compare(subject=subject, test=NotTest(top) if self.chance(20) else top)
        return Compare(subject=subject, test=self.test(shape, texts))


FOLDABLE = (Quantity.TEXT, Quantity.YES_NO, Quantity.DATE, Quantity.INSTANT)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything that one evaluation needs."""

    seed: int
    vocabulary: Vocabulary
    catalogue: Catalogue
    log: LogRows
    at: int
    seq: int
    later: tuple[tuple[int, int], ...] = ()  #: further (T, S), neither going back


def make_world(seed: int, rows: int, definitions: int, *, tops: bool = True) -> World:
    """Return the world of a seed: a vocabulary, a log of it, definitions, and some (T, S)."""
    maker = Maker(seed)
    log = maker.log(rows)
    steps = sorted(mark(maker.now, maker.one(DURATIONS), maker.tz, back=True) for _ in range(2))
    steps.append(maker.now)
    seqs = sorted(maker.random.randint(log.max_seq // 2, log.max_seq) for _ in steps)
    while len(steps) < 6:  # ahead: what is known grows old
        hop = maker.one((None, *DURATIONS, *DURATIONS[-5:]))
        steps.append(mark(steps[-1], hop, maker.tz, back=False) + maker.one((0, 0, 1)))
        seqs.append(maker.random.randint(seqs[-1], log.max_seq))
    return World(
        seed=seed,
        vocabulary=maker.vocabulary,
        catalogue=maker.catalogue(definitions, tops=tops),
        log=log,
        at=maker.one((maker.now, maker.now, steps[0], steps[1])),
        seq=maker.random.randint(max(0, log.max_seq - 3), log.max_seq),
        later=tuple(zip(steps, seqs, strict=True)),
    )


def make_walk(seed: int, rows: int, definitions: int) -> World:
    """Return a world to walk through in small steps: many customers of whom little is known, plain
    segments, and instants at which some row crosses some boundary.
    """
    maker = Maker(seed)
    maker.used = (*maker.some(("day", "since", "label")), *maker.used[:2])
    log = maker.log(rows, customers=max(1, rows // 3))
    marks = [mark(row.at, maker.one(DURATIONS), maker.tz, back=False) for row in log.events]
    for version in log.attributes:
        back = maker.chance(50)
        if version.name == "since" and isinstance(version.value, int):
            marks.append(mark(version.value, maker.one(DURATIONS), maker.tz, back=back))
        elif version.name == "day" and isinstance(version.value, int):
            marks.append(day_start(version.value, maker.tz))
            marks.append(mark(marks[-1], maker.one(DURATIONS[3:]), maker.tz, back=back))
        marks.append(mark(version.at, maker.one(DURATIONS), maker.tz, back=False))
    near = [at for at in marks if abs(at - maker.now) < 100 * 86_400_000_000] or [maker.now]
    steps = sorted(maker.one(near) + maker.one((0, 0, 0, 1, -1)) for _ in range(8))
    seqs = sorted(maker.random.randint(log.max_seq // 3, log.max_seq) for _ in range(3))
    seen = sorted(maker.one((*seqs, seqs[-1])) for _ in steps)

    measures: dict[str, NamedMeasure] = {}
    segments: dict[str, Segment] = {}
    known = Catalogue(measures=measures, segments=segments, classes={})
    for place in range(definitions):
        measure, quantity = maker.measure()
        measures["m"] = NamedMeasure(name="m", measure=measure, quantity=quantity)
        leaf = maker.leaf(Catalogue(measures=measures, segments={}, classes={}), tops=False)
        if isinstance(leaf, Compare) and leaf.subject.kind is SubjectKind.MEASURE:
            name = f"m{place}"
            subject = Subject(SubjectKind.MEASURE, name)
            leaf = Compare(subject=subject, test=leaf.test)
            measures[name] = NamedMeasure(name=name, measure=measure, quantity=quantity)
        del measures["m"]
        segments[f"s{place}"] = Segment(name=f"s{place}", title="", condition=leaf)
    return World(
        seed=seed,
        vocabulary=maker.vocabulary,
        catalogue=known,
        log=log,
        at=maker.now,
        seq=log.max_seq,
        later=tuple(zip(steps, seen, strict=True)),
    )


def walks(*, rows: int = 60, definitions: int = 5) -> st.SearchStrategy[World]:
    """Worlds to walk through in small steps."""
    return st.builds(
        make_walk,
        st.integers(0, 2**48),
        st.integers(0, rows).map(lambda fewer: rows - fewer),
        st.integers(1, definitions),
    )


def worlds(*, tops: bool = True, rows: int = 60, definitions: int = 6) -> st.SearchStrategy[World]:
    """Worlds up to a size; they shrink in size, and are made again from (seed, rows, size)."""
    return st.builds(
        lambda seed, rows, definitions: make_world(seed, rows, definitions, tops=tops),
        st.integers(0, 2**48),
        st.integers(0, rows).map(lambda fewer: rows - fewer) | st.integers(0, rows),
        st.integers(1, definitions),
    )
