"""What happens in a test: events, changes, and what people do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rules.errors import did_you_mean
from rules.history import Datum
from rules.parse.assignment import constant
from rules.parse.names import Section, nearest
from rules.parse.place import Place
from rules.parse.testfile_time import read_instant
from rules.phrases import plain, read_duration, read_number
from rules.playbook import Do, Playbook, TriggerKind, walk
from rules.schema_testfile import HAPPENING_KINDS
from rules.steps import overdue_steps
from rules.testfile import Begins, Finishes, Happening, Occurs, PutsOff, Sets
from rules.units import Duration, shift
from rules.vocabulary import BUILT_IN_EVENTS, FieldKind, FieldType, Vocabulary

__all__ = ["Stage", "read_count", "read_events", "read_field", "read_values"]

_MOST = 10_000  #: repetitions of one line
_END = 7_258_118_400_000_000  #: the beginning of 2200


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What the lines of one test may speak of."""

    vocabulary: Vocabulary
    customers: tuple[str, ...]
    books: Sequence[Playbook]  #: those that run
    zone: str
    main: str  #: the playbook that the test is about

    def acts(self) -> dict[str, Do]:
        """Return every step that a person may do, escalations too, by name."""
        found: dict[str, Do] = {}
        for book in self.books:
            for step in walk(book.steps):
                if isinstance(step, Do) and self._human(step.channel):
                    found |= {each.name: each for each in (step, *overdue_steps(step))}
        return found

    def _human(self, channel: str) -> bool:
        declared = self.vocabulary.channels.get(channel)
        return declared is None or declared.kind == "task"  # ``message``: routing may choose a task

    def customer(self, place: Place) -> str | None:
        """Return whom a line is about; reports an unknown one, and none where there are several."""
        said = place.get("customer")
        if said is None:
            if len(self.customers) == 1:
                return self.customers[0]
            hint = f"write customer: {self.customers[0]}"
            place.error("missing-key", "it does not say which customer", hint)
            return None
        name = said.text()
        if name is None:
            return None
        if name not in self.customers:
            hint = (
                did_you_mean(name, self.customers) or f"write it under customers: {{{name}: {{}}}}"
            )
            said.error("unknown-customer", f'the test has no customer "{name}"', hint)
            return None
        return name


def read_events(places: Sequence[Place], stage: Stage) -> list[Happening] | None:
    """Return what happens, in order; None where a line is wrong, which is reported."""
    lines = [list(_line(place, stage)) for place in places]
    if not all(lines):
        return None
    found = [one for line in lines for one in line]
    return sorted(found, key=lambda one: one.at)  # stable: at one instant in the order of the file


def _line(place: Place, stage: Stage) -> Iterator[Happening]:
    when = place.get("at")
    at = None if when is None else read_instant(when, stage.zone)
    customer = stage.customer(place)
    kind = next((key for key in HAPPENING_KINDS if place.get(key) is not None), None)
    if at is None or customer is None or kind is None:
        return
    subject = place.get(kind)
    assert subject is not None
    match kind:
        case "event" | "set":
            yield from _series(place, subject, kind, customer, at, stage)
        case "start":
            yield from _start(place, subject, customer, at, stage)
        case _:
            yield from _deed(place, subject, kind, customer, at, stage)


def _series(
    place: Place, subject: Place, kind: str, customer: str, at: int, stage: Stage
) -> Iterator[Happening]:
    every, often, late = place.get("every"), place.get("times"), place.get("arrives")
    span, times = None, 1
    if every is not None or often is not None:
        span, count = _span(place, every), read_count(place, often)
        if span is None or count is None:
            return
        times = count
    arrives = at if late is None else read_instant(late, stage.zone)
    if arrives is None:
        return
    if late is not None and arrives < at:
        late.error("bad-time", "it arrives before it happens", "write a later instant")
        return
    values: Mapping[str, Datum | None] = {}
    if kind == "event":
        fields = _fields(place, subject, stage.vocabulary)
        if fields is None:
            return
    else:
        fields = {}
        values = read_values(subject, stage.vocabulary)
    for number in range(times):
        moment = _nth(at, span, number, stage.zone)
        if moment is None or moment > _END:
            place.error("bad-time", "the series goes on beyond the year 2200", "lower `times`")
            return
        known = max(moment, arrives)
        if kind == "set":
            yield Sets(at=moment, customer=customer, span=place.span, values=values, arrives=known)
        else:
            yield Occurs(
                at=moment, customer=customer, span=place.span, event=subject.text() or "",
                fields=fields, arrives=known,
            )  # fmt: skip


def _nth(at: int, span: Duration | None, number: int, zone: str) -> int | None:
    """Return the instant of a repetition; None beyond the calendar."""
    if span is None or not number:
        return at
    try:
        return shift(at, Duration(span.amount * number, span.unit), zone)
    except (ValueError, OverflowError):
        return None


def _span(place: Place, every: Place | None) -> Duration | None:
    if every is None:
        place.error("missing-key", "`times` needs `every`", "write every: 7 days")
        return None
    text = every.text()
    found = None if text is None else read_duration(text)
    if text is not None and (found is None or found.working):
        every.error("bad-duration", f'`every` can\'t be "{text}"', "write every: 7 days")
        return None
    return found


def read_count(place: Place, often: Place | None) -> int | None:
    """Return a whole number from 1; reports anything else, and its absence."""
    if often is None:
        place.error("missing-key", "`every` needs `times`", "write times: 5")
        return None
    text = often.text()
    number = None if text is None else read_number(text)
    if text is None:
        return None
    if number is None or number.denominator != 1 or not 1 <= number <= _MOST:
        often.error("bad-value", f'{often.key} can\'t be "{text}"', f"write a number up to {_MOST}")
        return None
    return int(number)


def _fields(place: Place, subject: Place, vocabulary: Vocabulary) -> dict[str, Datum] | None:
    """Return the fields of an event; None where it or one of them is wrong."""
    name = subject.text()
    if name is None:
        return None
    if name not in vocabulary.events:
        known = set(vocabulary.events) - set(BUILT_IN_EVENTS)
        subject.error("unknown-event", f'no event "{name}"', nearest(name, known, Section.EVENTS))
        return None
    if name in BUILT_IN_EVENTS:
        hint = "let it happen: done: <step>, or a playbook's own steps"
        subject.error("bad-test", f'event "{name}" is written by care itself', hint)
        return None
    declared = vocabulary.events[name].fields
    keys = {"at", "customer", *HAPPENING_KINDS["event"]}
    written = [(key, value) for key, value in place.pairs() if key not in keys]
    inner = place.get("fields")
    written += inner.pairs() if inner is not None else []
    found: dict[str, Datum] = {}
    for key, value in written:
        if key not in declared:
            hint = did_you_mean(key, {*declared, "at", "customer", "every", "times", "arrives"})
            value.error("unknown-field", f'event "{name}" has no field "{key}"', hint, at_key=True)
            return None
        datum = read_field(declared[key], value, vocabulary.timezone)
        if datum is None:
            return None
        found[key] = datum
    return found


def read_values(place: Place, vocabulary: Vocabulary) -> dict[str, Datum | None]:
    """Return attributes with their values; None for unknown. What is wrong is reported."""
    found: dict[str, Datum | None] = {}
    for name, value in place.pairs():
        declared = vocabulary.attributes.get(name)
        if declared is None:
            hint = nearest(name, vocabulary.attributes, Section.ATTRIBUTES)
            value.error("unknown-attribute", f'no attribute "{name}"', hint, at_key=True)
        elif not value.quoted and value.is_scalar() and _unknown(value, declared):
            found[name] = None
        else:
            datum = read_field(declared, value, vocabulary.timezone)
            if datum is not None:
                found[name] = datum
    return found


def _unknown(place: Place, declared: FieldType) -> bool:
    return plain(place.text() or "") == "unknown" and "unknown" not in declared.words


def read_field(declared: FieldType, place: Place, zone: str) -> Datum | None:
    """Return a value as the log holds it; reports one that does not fit."""
    if place.is_list():
        if declared.kind is not FieldKind.WORDS:
            place.error("bad-value", f"{declared.name} has one value", "write it without [ ]")
            return None
        found = [constant(declared, text, item) for text, item in place.texts(declared.name) or []]
        words = {word for each in found if isinstance(each, tuple) for word in each}
        return None if None in found else tuple(sorted(words))
    if declared.kind is FieldKind.INSTANT:
        return read_instant(place, zone)
    text = place.text(declared.name)
    return None if text is None else constant(declared, text, place)


def _start(
    place: Place, subject: Place, customer: str, at: int, stage: Stage
) -> Iterator[Happening]:
    name = subject.text()
    books = {book.name: book for book in stage.books}
    if name is None:
        return
    if name not in books:
        hint = did_you_mean(name, books) or "write it under `with` as well"
        subject.error("unknown-playbook", f'no playbook "{name}" runs in this test', hint)
        return
    manual = [one.name for one in books[name].triggers if one.kind is TriggerKind.MANUAL]
    if not manual:
        subject.error("bad-test", f"{name} is not begun by hand", "add `manual` to its triggers")
        return
    said = place.get("trigger")
    trigger = said.text() if said is not None else None
    if said is not None and trigger not in manual:
        said.error(
            "unknown-trigger",
            f'no trigger "{trigger}" by hand',
            did_you_mean(trigger or "", manual),
        )
        return
    yield Begins(at=at, customer=customer, span=place.span, playbook=name, trigger=trigger)


def _deed(
    place: Place, subject: Place, kind: str, customer: str, at: int, stage: Stage
) -> Iterator[Happening]:
    step = subject.text()
    acts = stage.acts()
    if step is None:
        return
    if step not in acts:
        subject.error(
            "unknown-step", f'no step "{step}" that a person does', did_you_mean(step, acts)
        )
        return
    if kind == "snooze":
        until = place.get("until")
        instant = None if until is None else read_instant(until, stage.zone)
        if until is None:
            place.error(
                "missing-key", "it does not say until when", "write until: 2025-03-07 18:00"
            )
        if instant is not None:
            yield PutsOff(at=at, customer=customer, span=place.span, step=step, until=instant)
        return
    outcome, note = place.get("outcome"), place.get("note")
    keys = {"at", "customer", *HAPPENING_KINDS["done"]}
    asks = {one.name for one in acts[step].ask}
    asked: dict[str, str] = {}
    for key, value in place.pairs():
        if key in keys:
            continue
        if key not in asks:
            hint = did_you_mean(key, {*asks, "outcome", "note"})
            value.error("unknown-key", f'step "{step}" does not ask for "{key}"', hint, at_key=True)
            return
        asked[key] = value.text() or ""
    word = outcome.text() if outcome is not None else None
    if outcome is not None and word is not None and word not in acts[step].outcomes:
        hint = did_you_mean(word, acts[step].outcomes)
        outcome.error("unknown-value", f'step "{step}" has no outcome "{word}"', hint)
        return
    if word is None and acts[step].outcomes:
        words = ", ".join(acts[step].outcomes)
        hint = f"write outcome: {acts[step].outcomes[0]}"
        place.error("missing-key", f'step "{step}" asks for an outcome: {words}', hint)
        return
    yield Finishes(
        at=at, customer=customer, span=place.span, step=step, outcome=word, asked=asked,
        note=(note.text() or "") if note is not None else "",
    )  # fmt: skip
