"""Measures: what is counted, summed, compared over a window of a customer's events."""

from __future__ import annotations

from dataclasses import dataclass

from rules.conditions import Always
from rules.errors import did_you_mean
from rules.measures import (
    Aggregate,
    Change,
    Changed,
    Events,
    Fold,
    Measure,
    NamedMeasure,
    OpenItems,
    Quantity,
    Ratio,
    TimeTo,
    Window,
)
from rules.parse.events import read_events, read_fields, read_where
from rules.parse.names import Names, Section, check_name, nearest
from rules.parse.place import Place, written
from rules.phrases import plain, read_duration, read_number
from rules.repair import repair
from rules.units import Duration, Unit
from rules.vocabulary import FieldKind, FieldType

__all__ = ["KINDS", "MeasureReader"]

_COUNTS = frozenset({"count", "first_time", "last_time", "months_with"})
_FOLDS = frozenset({"sum", "mean", "min", "max", "distinct", "first_value", "last_value"})
#: The key that says what kind of measure it is.
KINDS = frozenset({*_COUNTS, *_FOLDS, "share", "change", "difference", "time", "open", "changed"})

_NUMERIC = frozenset({"sum", "mean", "min", "max"})
_PER_MONTH = frozenset({"count", "sum", "distinct"})
_COMPARABLE = frozenset({Fold.COUNT, Fold.SUM, Fold.MEAN, Fold.MIN, Fold.MAX, Fold.DISTINCT})
_VALUE = {
    FieldKind.NUMBER: Quantity.NUMBER,
    FieldKind.TEXT: Quantity.TEXT,
    FieldKind.WORD: Quantity.TEXT,
    FieldKind.YES_NO: Quantity.YES_NO,
    FieldKind.DATE: Quantity.DATE,
    FieldKind.INSTANT: Quantity.INSTANT,
}
#: Keys that belong to some kinds only, with those kinds.
_ONLY = {
    "of": {"share"},
    "to": {"time"},
    "closed_by": {"open"},
    "same": {"share", "time", "open"},
    "needs": {"change", "difference", "share", "mean", "time"},
    "per": _PER_MONTH,
    "where": {*_COUNTS, *_FOLDS},
    "last": KINDS - {"change", "difference", "changed"},
    "ending": KINDS - {"change", "difference", "changed"},
}


@dataclass(slots=True)
class MeasureReader:
    """Reads the measures of one file, each when it is first asked for."""

    names: Names  #: gets every measure that is sound, and the names of those that are not
    nodes: dict[str, Place]  #: by name

    def read_all(self) -> None:
        """Read every measure into ``names``."""
        for name in self.nodes:
            self.read(name)

    def read(self, name: str) -> NamedMeasure | None:
        """Return a measure by name; None for one that is wrong or not declared."""
        names = self.names
        if name not in self.nodes or name in names.measures:
            return names.measures.get(name)
        if (Section.MEASURES, name) in names.broken:
            return None
        place = self.nodes[name]
        found = self._named(name, place) if check_name(name, place, "measure") else None
        if found is None:
            names.broken.add((Section.MEASURES, name))
            return None
        names.measures[name] = found
        return found

    def _named(self, name: str, place: Place) -> NamedMeasure | None:
        if not place.is_mapping():
            hint = f"write {name}: {{count: order, last: 30 days}}"
            place.error("wrong-shape", f'measure "{name}" needs a kind', hint)
            return None
        keys = [key for key, _ in place.pairs()]
        kinds = [key for key in keys if key in KINDS]
        if len(kinds) != 1:
            self._no_kind(name, place, keys, kinds)
            return None
        kind = kinds[0]
        for key, value in place.pairs():
            if key in _ONLY and kind not in _ONLY[key]:
                self._misplaced(key, kind, value)
                return None
        window, needs = self._window(place), self._needs(place)
        subject = place.get(kind)
        assert subject is not None
        read = self._read(name, kind, subject, place, window, needs)
        if read is None or window is None or needs == -1:
            return None
        measure, quantity = read
        per_month = self._per_month(name, place, window)
        if per_month == -1:
            return None
        if kind == "difference" and isinstance(measure, Change):
            per_month = self.names.measures[(subject.text() or "")].per_month
        return NamedMeasure(
            name=name, measure=measure, quantity=quantity, per_month=per_month, span=place.key_span
        )

    def _no_kind(self, name: str, place: Place, keys: list[str], kinds: list[str]) -> None:
        if kinds:
            message = f'measure "{name}" has {" and ".join(f"`{kind}`" for kind in kinds)}'
            place.error("bad-measure", message, "split it in two measures")
            return
        odd = next((key for key in keys if key not in _ONLY), "")
        hint = did_you_mean(odd, KINDS) if odd else f"write {name}: {{count: order}}"
        place.error("missing-key", f'measure "{name}" does not say what it measures', hint)

    def _misplaced(self, key: str, kind: str, value: Place) -> None:
        hint = ""
        if kind in ("change", "difference") and key in ("last", "ending", "where"):
            hint = "it belongs to the measure that changes"
        elif key == "where":
            hint = f"put it with its event: {kind}: {{event: ..., where: {{...}}}}"
        value.error("bad-measure", f"`{kind}` takes no `{key}`", hint, at_key=True)

    def _window(self, place: Place) -> Window | None:
        last, ending = place.get("last"), place.get("ending")
        length = self._span(last, "3 months") if last else None
        shift = self._span(ending, "60 days ago", suffix=" ago") if ending else None
        if (last and length is None) or (ending and shift is None):
            return None
        return Window(last=length, shift=shift)

    def _span(self, place: Place, example: str, *, suffix: str = "") -> Duration | None:
        text = place.text()
        if text is None:
            return None
        words = plain(text)
        found = read_duration(words.removesuffix(suffix)) if words.endswith(suffix) else None
        if found and not found.working:
            return found
        if found:
            message = f"`{place.key}` can't be counted in working time"
            place.error("bad-duration", message, "write days, weeks, months or years")
            return None

        def accepts(candidate: str) -> bool:
            read = read_duration(candidate.removesuffix(suffix))
            return candidate.endswith(suffix) and read is not None and not read.working

        words = words.removeprefix("last ").removeprefix("past ")
        better = repair(words, accepts)
        if not better and suffix and accepts(words + suffix):
            better = words + suffix
        message = f'`{place.key}` is a length of time and can\'t be "{text}"'
        place.error("bad-duration", message, f"write {better or example}")
        return None

    def _needs(self, place: Place) -> int | None:
        """Return ``needs``, None without one, -1 where it is wrong."""
        needs = place.get("needs")
        if needs is None:
            return None
        text = needs.text()
        number = read_number(text) if text is not None else None
        if number is not None and number.denominator == 1 and 1 <= number <= 10**6:
            return int(number)
        if text is not None:
            message = f'`needs` is a number of events and can\'t be "{text}"'
            needs.error("bad-number", message, "write needs: 4")
        return -1

    def _per_month(self, name: str, place: Place, window: Window) -> int | None:
        per = place.get("per")
        if per is None:
            return None
        text = per.text()
        if text != "month":
            if text is not None:
                per.error("bad-measure", f'`per` can\'t be "{text}"', "write per: month")
            return -1
        last = window.last
        if last is None or last.unit not in (Unit.MONTH, Unit.YEAR):
            message = f'measure "{name}": `per: month` needs `last` in months or years'
            per.error("bad-measure", message, "write last: 12 months")
            return -1
        return last.amount * (12 if last.unit is Unit.YEAR else 1)

    def _read(
        self,
        name: str,
        kind: str,
        subject: Place,
        place: Place,
        window: Window | None,
        needs: int | None,
    ) -> tuple[Measure, Quantity] | None:
        window = window or Window()
        match kind:
            case "share" | "time" | "open":
                return self._pair(name, kind, subject, place, window, needs)
            case "changed":
                return self._changed(subject)
            case "change" | "difference":
                return self._change(kind, subject, needs)
            case _:
                return self._aggregate(name, kind, subject, place, window, needs)

    def _aggregate(
        self,
        name: str,
        kind: str,
        subject: Place,
        place: Place,
        window: Window,
        needs: int | None,
    ) -> tuple[Aggregate, Quantity] | None:
        fields: dict[str, str] = {}
        quantity = Quantity.INSTANT if kind in ("first_time", "last_time") else Quantity.NUMBER
        if kind in _FOLDS:
            read = read_fields(subject, self.names)
            if read is None:
                return None
            fields, declared = read
            if not self._fits(kind, subject, declared):
                return None
            if kind in ("first_value", "last_value"):
                quantity = _VALUE[declared.kind]
                if declared.kind is FieldKind.WORD:
                    self.names.measure_words[name] = declared.words
            events: Events | None = Events(names=tuple(sorted(fields)))
        else:
            events = read_events(subject, self.names)
        where = place.get("where")
        if events is not None and where is not None:
            if not isinstance(events.where, Always):
                where.error("bad-measure", "two `where` in one measure", "keep one", at_key=True)
                return None
            condition = read_where(where, events.names, written(subject.node), self.names)
            events = None if condition is None else Events(names=events.names, where=condition)
        if events is None:
            return None
        measure = Aggregate(
            fold=Fold(kind), events=events, fields=fields, window=window, needs=needs
        )
        return measure, quantity

    def _fits(self, kind: str, place: Place, declared: FieldType) -> bool:
        if kind in _NUMERIC and declared.kind is not FieldKind.NUMBER:
            message = f"`{kind}` needs numbers, and {written(place.node)} is {declared.kind.value}"
            place.error("bad-measure", message, "declare the field as number, or take `last_value`")
            return False
        if declared.kind is FieldKind.WORDS:
            message = f"{written(place.node)} has several values at once"
            place.error("bad-measure", f"`{kind}` needs one value, and {message}")
            return False
        return True

    def _pair(
        self,
        name: str,
        kind: str,
        subject: Place,
        place: Place,
        window: Window,
        needs: int | None,
    ) -> tuple[Measure, Quantity] | None:
        key = {"share": "of", "time": "to", "open": "closed_by"}[kind]
        other = place.get(key)
        first = read_events(subject, self.names)
        if other is None:
            message = f'measure "{name}": `{kind}` needs `{key}`'
            place.error("missing-key", message, f"write {kind}: a, {key}: b")
            return None
        second = read_events(other, self.names)
        if first is None or second is None:
            return None
        same = self._same(place.get("same"), first, second)
        if same == "":
            return None
        match kind:
            case "share":
                ratio = Ratio(part=first, whole=second, same=same, window=window, needs=needs)
                return ratio, Quantity.SHARE
            case "time":
                time = TimeTo(start=first, end=second, same=same, window=window, needs=needs)
                return time, Quantity.TIME
            case _:
                items = OpenItems(opened=first, closed=second, same=same, window=window)
                return items, Quantity.NUMBER

    def _same(self, place: Place | None, first: Events, second: Events) -> str | None:
        """Return the field, None without one, "" where it is wrong."""
        if place is None:
            return None
        text = place.text()
        if text is None:
            return ""
        kinds = set()
        for event in (*first.names, *second.names):
            fields = self.names.vocabulary.events[event].fields
            if text in fields:
                kinds.add(fields[text].kind)
                continue
            if (Section.FIELDS, f"{event}.{text}") not in self.names.broken:
                hint = did_you_mean(text, fields) or f'"{event}" has no fields'
                place.error("unknown-field", f'event "{event}" has no field "{text}"', hint)
            return ""
        if len(kinds) > 1 or FieldKind.WORDS in kinds:
            message = f'field "{text}" has not one type in all these events'
            place.error("bad-measure", message, "declare it alike in care.yaml")
            return ""
        return text

    def _changed(self, place: Place) -> tuple[Changed, Quantity] | None:
        text = place.text()
        if text is None:
            return None
        if self.names.attribute(text) is None:
            if not self.names.silent(text, Section.ATTRIBUTES):
                known = self.names.vocabulary.attributes
                message = f'no attribute "{text}"'
                hint = nearest(text, known, Section.ATTRIBUTES)
                if text in self.nodes or text in self.names.measures:
                    hint = f"for a measure write {{change: {text}}}"
                place.error("unknown-attribute", message, hint)
            return None
        return Changed(attribute=text), Quantity.INSTANT

    def _change(self, kind: str, place: Place, needs: int | None) -> tuple[Change, Quantity] | None:
        text = place.text()
        if text is None:
            return None
        inner = self.nodes.get(text)
        if inner and (inner.get("change") or inner.get("difference")):
            message = f'measure "{text}" is a change itself'
            place.error("bad-measure", message, "take the change of what it compares")
            return None
        base = self.read(text)
        if base is None:
            names = self.names
            if text not in self.nodes and not names.silent(text, Section.MEASURES):
                hint = nearest(text, {*names.measures, *self.nodes}, Section.MEASURES)
                if text in names.vocabulary.events or text in names.vocabulary.groups:
                    hint = f"define a measure {{count: {text}, last: 60 days}} and name that"
                elif text in names.vocabulary.attributes:
                    hint = f"for an attribute write {{changed: {text}}}"
                place.error("unknown-measure", f'no measure "{text}"', hint)
            return None
        if not _comparable(base.measure):
            message = f'measure "{text}" can\'t be compared with the window before'
            hint = "take a count, sum, mean, min, max, distinct, share, time or months_with"
            place.error("bad-measure", message, hint)
            return None
        window = getattr(base.measure, "window", Window())
        if window.last is None:
            message = f'measure "{text}" has no `last`, so there is no window before'
            place.error("bad-measure", message, f"give {text} a `last: 60 days`")
            return None
        relative = kind == "change"
        quantity = Quantity.SHARE if relative else base.quantity
        return Change(of=base.measure, relative=relative, needs=needs), quantity


def _comparable(measure: Measure) -> bool:
    if isinstance(measure, Aggregate):
        return measure.fold in {*_COMPARABLE, Fold.MONTHS_WITH}
    return isinstance(measure, (Ratio, TimeTo))
