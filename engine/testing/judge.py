"""Compares what came of a story with what was expected: only what is written is compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, assert_never

from engine.feed import FEED_SOURCE, feed
from engine.ledger import Row
from engine.render import Rendered, rendered
from engine.testing.record import Record
from engine.testing.verdict import Difference, Failure
from engine.testing.wording import Wording
from rules.testfile import Case, Expected, Expects, Says, Wanted, When

if TYPE_CHECKING:
    from engine.testing.play import Played

__all__ = ["judge"]

_SENT = ("sent", "handed_over")
_TEXTS = ("to", "subject", "text", "brief")
_OWN = ("never", "times", "because", "rule", "turn")  #: judged apart from what stands on a row
_NOT_DONE = ("skipped", "cancelled")
#: Who expects one of these has in mind that a step may not open; all others expect that it does.
_HOW_IT_ENDS = frozenset({"state", "sent", "because", "rule"})
_CALLED = {"because": "reason", "rule": "rule"}
_MOST = 3  #: further sentences about what happened


def judge(played: Played, case: Case) -> list[Failure]:
    """Return the expectations that are not met, in the order of the file."""
    feed(
        played.ledger, lambda: nullcontext(played.log), played.project.vocabulary,
        at=played.until + 1,
    )  # fmt: skip
    record = Record(played)
    found = (_Judge(played, record, line).failure() for line in case.expect)
    return [one for one in found if one is not None]


class _Judge:
    """One expectation."""

    def __init__(self, played: Played, record: Record, line: Expected) -> None:
        self.played, self.record, self.line = played, record, line
        self.words = Wording(played.project.vocabulary)

    def failure(self) -> Failure | None:
        """Return how it is not met; None where it is."""
        match self.line.about:
            case Expects.STARTS:
                return self._starts()
            case Expects.STEP:
                return self._never() if self.line.flag("never") else self._step()
            case Expects.JOURNEY:
                return self._journey()
            case Expects.EVENT:
                return self._event()
            case _:
                assert_never(self.line.about)

    # -- starts --------------------------------------------------------------------------------

    def _starts(self) -> Failure | None:
        line = self.line
        mine = self.record.journeys(line.customer, line.playbook)
        hits = [
            row
            for row in mine
            if _within(row["entry"], line.get("at")) and _equal(row["trigger"], line.get("trigger"))
        ]
        if line.name == "yes":
            if not hits:
                wrong = Difference(key="starts", expected=self._wished(), got=self._entries(mine))
                return self._no([wrong], () if mine else self.record.why_not(line))
            return self._counted(len(hits), self._entries(mine))
        if hits:
            return self._no([Difference(key="starts", expected="no", got=self._entries(hits))], ())
        return self._because(self.record.start_reasons(line), lambda: self.record.codes(line))

    def _entries(self, rows: Sequence[Row]) -> str:
        shown = [f"{self.words.moment(row['entry'])} ({row['trigger']})" for row in rows]
        return "; ".join(shown) or "no"

    def _wished(self) -> str:
        also = [one.shown for one in self.line.wanted if one.key in ("at", "trigger")]
        return " ".join(also) or "yes"

    # -- steps ---------------------------------------------------------------------------------

    def _step(self) -> Failure | None:
        line = self.line
        mine = self._actions()
        if not mine:
            missing = Difference(key="step", expected=line.name, got="it is not there")
            return self._no([missing], self._other_steps())
        judged = [(row, list(self._on_row(row))) for row in mine]
        hits = [row for row, wrong in judged if not wrong]
        if not hits:
            row, wrong = min(judged, key=lambda pair: len(pair[1]))
            return self._no(wrong, [self.words.action(row)])
        return self._counted(len(hits), self._all(len(hits), len(mine)))

    def _never(self) -> Failure | None:
        line = self.line
        mine = self._actions()
        when = line.get("opens") or line.get("at")
        opened = [
            row
            for row in mine
            if (row["opened_at"] is not None or row["state"] in ("done", "expired", *_SENT))
            and _within(row["opens_at"], when)
        ]
        if opened:
            got = "; ".join(self.words.action(row) for row in opened[:_MOST])
            return self._no([Difference(key="never", expected="yes", got=got)], ())
        pairs = [pair for row in mine for pair in self.record.action_reasons(row)]
        pairs += self.record.start_reasons(line) if not mine else []
        pairs += self.record.ends(line)

        def more() -> Sequence[str]:
            started = self.record.journeys(line.customer, line.playbook)
            return () if mine or started else self.record.codes(line)

        return self._because(pairs, more)

    def _actions(self) -> list[Row]:
        turn = self.line.get("turn")
        rows = self.record.actions(self.line.customer, self.line.playbook, self.line.name)
        return [row for row in rows if turn is None or row["turn"] == turn.value]

    def _on_row(self, row: Row) -> Iterator[Difference]:
        says: Rendered | None = None
        keys = {one.key for one in self.line.wanted}
        if row["opened_at"] is None and row["state"] in _NOT_DONE and not keys & _HOW_IT_ENDS:
            yield Difference(key="state", expected="it opens", got=row["state"])
        for one in self.line.wanted:
            if one.key in ("times", "turn"):
                continue
            if one.key in _TEXTS:
                says = says or rendered(self.played.ledger, row["id"]) or Rendered()
                text = getattr(says, one.key) or (
                    _brief(row, self.played) if one.key == "brief" else ""
                )
                wrong = _text(one, text)
                if wrong is not None:
                    yield wrong
                continue
            if one.key in ("because", "rule"):
                place = 0 if one.key == "because" else 1
                known = [pair[place] for pair in self.record.action_reasons(row) if pair[place]]
                if one.value not in known:
                    yield Difference(
                        key=one.key, expected=one.shown, got=", ".join(known) or "none"
                    )
                continue
            got = _of_action(row, one.key)
            if not _met(got, one):
                yield Difference(key=one.key, expected=one.shown, got=self.words.value(got, one))

    def _other_steps(self) -> list[str]:
        line = self.line
        rows = self.record.actions(line.customer, line.playbook, None)
        if rows:
            return [self.words.action(row) for row in rows[-_MOST:]]
        started = self.record.journeys(line.customer, line.playbook)
        if started:
            return [self.words.journey(row) for row in started[-_MOST:]]
        return list(self.record.why_not(line))

    # -- journeys and events -------------------------------------------------------------------

    def _journey(self) -> Failure | None:
        line = self.line
        mine = self.record.journeys(line.customer, line.playbook)
        if not mine:
            missing = Difference(key="journey", expected=line.name, got="none began")
            return self._no([missing], self.record.why_not(line))
        judged = [(row, list(self._on_journey(row))) for row in mine]
        hits = [row for row, wrong in judged if not wrong]
        if not hits:
            row, wrong = min(judged, key=lambda pair: len(pair[1]))
            return self._no(wrong, [self.words.journey(row)])
        return self._counted(len(hits), self._all(len(hits), len(mine)))

    def _on_journey(self, row: Row) -> Iterator[Difference]:
        if row["state"] != self.line.name:
            yield Difference(key="journey", expected=self.line.name, got=row["state"])
        for one in self.line.wanted:
            if one.key in _OWN:
                continue
            if one.key == "by":
                got: Any = self.record.ended_by(row)
            else:
                got = row["ended_at"] if one.key == "at" else row[one.key]
            if not _met(got, one):
                yield Difference(key=one.key, expected=one.shown, got=self.words.value(got, one))

    def _event(self) -> Failure | None:
        line = self.line
        mine = [
            one.event
            for one in self.played.log.events.get(line.customer, ())
            if one.event.name == line.name and one.source == FEED_SOURCE
        ]
        hits = [one for one in mine if _within(one.at, line.get("at"))]
        hits = [one for one in hits if all(one.fields.get(w.key) == w.value for w in line.fields)]
        shown = "; ".join(self.words.event(one) for one in mine) or "no such event"
        if line.flag("never"):
            if not hits:
                return None
            return self._no([Difference(key="never", expected="yes", got=shown)], ())
        if not hits:
            return self._no([Difference(key="event", expected=line.shown, got=shown)], ())
        return self._counted(len(hits), shown)

    # -- what all have in common ---------------------------------------------------------------

    def _no(self, wrong: Sequence[Difference], instead: Sequence[str]) -> Failure:
        return Failure(
            span=self.line.span, shown=self.line.shown, differences=tuple(wrong),
            instead=tuple(instead),
        )  # fmt: skip

    def _counted(self, number: int, got: str) -> Failure | None:
        times = self.line.get("times")
        if times is None or times.value == number:
            return None
        shown = f"{number} ({got})" if got else str(number)
        wrong = Difference(key="times", expected=times.shown, got=shown)
        return self._no([wrong], ())

    @staticmethod
    def _all(hits: int, there: int) -> str:
        return "" if hits == there else f"{there} in all"

    def _because(
        self, pairs: Sequence[tuple[str, str]], more: Callable[[], Sequence[str]]
    ) -> Failure | None:
        """Judge ``because`` and ``rule`` by (reason, rule) of the ledger, then by more codes."""
        because, rule = self.line.get("because"), self.line.get("rule")
        if because is None and rule is None:
            return None
        for reason, named in pairs:
            if _equal(reason, because) and _equal(named, rule):
                return None
        codes = [] if rule is not None else list(more())
        if because is not None and because.value in codes:
            return None
        found = {
            "because": [*(reason for reason, _ in pairs), *codes],
            "rule": [named for _, named in pairs],
        }
        wrong = [
            Difference(
                key=one.key, expected=one.shown,
                got=", ".join(dict.fromkeys(filter(None, found[one.key]))) or f"no {_CALLED[one.key]}",
            )
            for one in (because, rule)
            if one is not None
        ]  # fmt: skip
        apart = [
            each
            for each, one in zip(wrong, filter(None, (because, rule)), strict=True)
            if one.value not in found[one.key]
        ]
        return self._no(apart or wrong, ())


def _within(instant: int | None, wanted: Wanted | None) -> bool:
    if wanted is None:
        return True
    when = wanted.value
    return isinstance(when, When) and instant is not None and when.low <= instant < when.high


def _equal(value: object, wanted: Wanted | None) -> bool:
    return wanted is None or value == wanted.value


def _met(got: object, one: Wanted) -> bool:
    if isinstance(one.value, When):
        return isinstance(got, int) and one.value.low <= got < one.value.high
    return got == one.value


def _of_action(row: Mapping[str, Any], key: str) -> Any:
    match key:
        case "opens" | "at":
            return row["opens_at"]
        case "due":
            return row["due_by"]
        case "closes":
            return row["closed_at"]
        case "sent":
            return row["state"] in _SENT
        case "assign":
            return row["assignee"]
        case "outcome":
            return row["outcome"] or row["branch"]
        case "state":
            return "sent" if row["state"] in _SENT else row["state"]
    return row[key]


def _brief(row: Mapping[str, Any], played: Played) -> str:
    """Return a step's brief that has nothing to fill in."""
    book = next(book for book in played.project.playbooks if book.name == row["playbook"])
    try:
        return book.act(row["step"]).brief
    except KeyError:
        return ""


def _text(one: Wanted, text: str) -> Difference | None:
    """Return how a text is other than expected."""
    says = one.value
    if not isinstance(says, Says):
        same = text == one.value
        return None if same else Difference(key=one.key, expected=one.shown, got=text or "nothing")
    if says.exact is not None:
        if text.strip() == says.exact:
            return None
        return Difference(key=one.key, expected=says.exact, got=text.strip() or "nothing")
    lacking = [part for part in says.has if part not in text]
    present = [part for part in says.lacks if part in text]
    if not lacking and not present:
        return None
    wished = [f'"{part}" in it' for part in lacking] + [f'no "{part}" in it' for part in present]
    return Difference(key=one.key, expected=", ".join(wished), got=text.strip() or "nothing")
