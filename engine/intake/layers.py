# ruff: noqa: S608  (names are ours, texts are literals made by `literal`)
"""The layers of an entry's SELECT: texts and numbers of the cells, then instants, then what is wrong.

A row condition is part of the first layer; ``bad`` of the last is the place in ``checks`` of the
first thing that is wrong with a row, NULL where nothing is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from engine.intake import cells, zones
from engine.intake.staging import Column, Stage, literal
from rules.importmap_types import FileKind, Known, RowTest, TestKind, TimeMap
from rules.vocabulary import FieldKind

__all__ = ["UNREADABLE", "Check", "Layers", "any_of", "check_numbers"]

UNREADABLE = {
    FieldKind.NUMBER: "not a number care can read: write it like 1234.5",
    FieldKind.YES_NO: "not yes or no: name the file's words in values",
    FieldKind.DATE: "not a date care can read: write it like 2026-03-18, or give its format",
    FieldKind.INSTANT: "not a time care can read: write it like 2026-03-18 14:30, or give its format",
}
_TIME = f"{UNREADABLE[FieldKind.INSTANT]}; years {zones.FIRST_YEAR} to {zones.LAST_YEAR}"
_OPERATORS = {
    TestKind.AT_LEAST: ">=",
    TestKind.AT_MOST: "<=",
    TestKind.ABOVE: ">",
    TestKind.BELOW: "<",
}
_FUNCTIONS = {
    TestKind.STARTS: "starts_with",
    TestKind.ENDS: "ends_with",
    TestKind.CONTAINS: "contains",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What may be wrong with a row."""

    condition: str  #: SQL, true where it is
    name: str  #: column of the file, "" for none
    reason: str


class Layers:
    """Collects the expressions of an entry; equal ones once."""

    def __init__(self, stage: Stage, timezone: str, at: int) -> None:
        self.stage = stage
        self.timezone = timezone
        self.at = at
        self.inner: dict[str, str] = {}  #: expression -> alias
        self.outer: dict[str, str] = {}
        self.checks: list[Check] = []

    def column(self, name: str) -> Column:
        """Return a column of the file."""
        return self.stage.columns[name]

    def low(self, expression: str) -> str:
        """Return the alias of an expression over ``staged``."""
        return self.inner.setdefault(expression, f"a{len(self.inner)}")

    def high(self, expression: str) -> str:
        """Return the alias of an expression over the first layer."""
        return self.outer.setdefault(expression, f"b{len(self.outer)}")

    def text(self, name: str) -> str:
        """Return the alias of a cell as text."""
        return self.low(cells.text(self.column(name)))

    def present(self, name: str) -> str:
        """Return SQL that is true where a cell is not empty; cheaper than its text."""
        staged = self.column(name)
        if staged.type in ("DOUBLE", "FLOAT"):
            return f"({staged.sql} IS NOT NULL AND NOT isnan({staged.sql}))"
        if staged.type in cells.TYPED:
            return f"{staged.sql} IS NOT NULL"
        return f"{self.text(name)} IS NOT NULL"

    def check(self, condition: str, name: str, reason: str) -> None:
        """Note what may be wrong with a row; the first that is counts."""
        self.checks.append(Check(condition=condition, name=name, reason=reason))

    def instant(self, name: str, form: str | None, timezone: str | None) -> str:
        """Return the alias of a column as an instant."""
        local, utc, _ = self._times(name, form)
        place = timezone or self.timezone
        if local == "NULL::BIGINT":
            return self.low(cells.in_range(utc))
        clock = self.low(cells.in_range(local))
        moved = clock if place == "UTC" else zones.to_utc(clock, place)
        if utc == "NULL::BIGINT":
            return clock if place == "UTC" else self.high(moved)
        return self.high(f"coalesce({self.low(cells.in_range(utc))}, {moved})")

    def day(self, name: str, form: str | None, timezone: str | None) -> str:
        """Return the alias of a column as a day."""
        _, utc, wall = self._times(name, form)
        if wall != "NULL::BIGINT":
            return self.low(cells.date_days(cells.in_range(wall)))
        place = timezone or self.timezone
        instant = self.low(cells.in_range(utc))
        return self.high(cells.date_days(zones.to_local(instant, place)))

    def _times(self, name: str, form: str | None) -> tuple[str, str, str]:
        serials = self.stage.kind is FileKind.XLSX
        return cells.local_time(self.column(name), form, serials=serials)

    def key(self, names: Sequence[str]) -> str:
        """Return several columns as one text; one column is itself."""
        texts = [self.text(name) for name in names]
        if len(texts) == 1:
            return texts[0]
        # Escaped, so that a/b + c and a + b/c stay two.
        parts = [f"replace(replace({text}, '%', '%25'), '/', '%2F')" for text in texts]
        return self.high(" || '/' || ".join(parts))

    def known(self, known: Known | TimeMap, occurred_at: str) -> str:
        """Return SQL for the instant at which the firm knew."""
        match known:
            case Known.AT_EVENT:
                return occurred_at
            case Known.AT_IMPORT:
                return f"{self.at}::BIGINT"
            case TimeMap():
                return self.time(known)

    def time(self, time: TimeMap) -> str:
        """Return the alias of a time that every row needs."""
        found = self.instant(time.column, time.format, time.timezone)
        self.check(f"NOT {self.present(time.column)}", time.column, "no time")
        self.check(f"{found} IS NULL", time.column, _TIME)
        return found

    def select(self, wanted: str, columns: Iterable[str], source: str) -> str:
        """Return the whole SELECT."""
        inner = "".join(f", {expression} AS {alias}" for expression, alias in self.inner.items())
        outer = "".join(f", {expression} AS {alias}" for expression, alias in self.outer.items())
        bad = "".join(
            f" WHEN {check.condition} THEN {index}" for index, check in enumerate(self.checks)
        )
        bad = f"CASE{bad} END::SMALLINT" if bad else "NULL::SMALLINT"
        return (
            f"SELECT line, {', '.join(columns)}, {bad} AS bad FROM ("
            f"SELECT *{outer} FROM (SELECT *{inner} FROM {source}) WHERE {wanted})"
        )


def any_of(layers: Layers, when: tuple[tuple[RowTest, ...], ...]) -> str:
    """Return SQL for a row condition; NULL where a number in it can't be read."""
    if not when:
        return "TRUE"
    return " OR ".join(
        "(" + (" AND ".join(_test(layers, test) for test in tests) or "TRUE") + ")"
        for tests in when
    )


def _test(layers: Layers, test: RowTest) -> str:
    present = layers.present(test.column)
    if test.kind is TestKind.KNOWN:
        return f"NOT {present}" if test.negated else present
    negation = "NOT " if test.negated else ""
    if test.low is not None:
        return _number_test(layers, test, test.low, negation)
    cell = layers.text(test.column)
    if test.kind is TestKind.EQUALS:
        words = ", ".join(literal(word.strip()) for word in test.words) or "NULL"
        return f"coalesce({cell} {negation}IN ({words}), FALSE)"
    called = f"{_FUNCTIONS[test.kind]}({cell}, {literal(test.words[0])})"
    return f"coalesce({negation}{called}, FALSE)"


def _number_test(layers: Layers, test: RowTest, bound: Fraction, negation: str) -> str:
    staged = layers.column(test.column)
    # A whole number is a DOUBLE exactly; other thresholds are compared as decimals.
    whole = bound.denominator == 1 and (test.high or bound).denominator == 1
    direct = staged.type == "DOUBLE" and whole
    number = staged.sql if direct else layers.low(cells.decimal(staged))
    low = cells.number_literal(bound)
    if test.high is not None:
        compared = f"{number} BETWEEN {low} AND {cells.number_literal(test.high)}"
    else:
        compared = f"{number} {_OPERATORS[test.kind]} {low}"
    present = layers.present(test.column)
    return f"CASE WHEN NOT {present} THEN FALSE ELSE {negation}({compared}) END"


def check_numbers(layers: Layers, when: tuple[tuple[RowTest, ...], ...]) -> None:
    """Note the number tests that keep a row from being judged."""
    tests = [test for tests in when for test in tests if test.low is not None]
    reason = UNREADABLE[FieldKind.NUMBER]
    for test in tests:
        staged = layers.column(test.column)
        if staged.type == "VARCHAR":
            number = layers.low(cells.decimal(staged))
            present = layers.present(test.column)
            unread = f"wanted IS NULL AND {present} AND {number} IS NULL"
            layers.check(unread, test.column, reason)
    if tests:
        layers.check("wanted IS NULL", tests[0].column, reason)
