"""Tests behind a subject: every phrase of the language, and the answer to every other one."""

from __future__ import annotations

from fractions import Fraction

import pytest

from rules.conditions import (
    Between,
    Bound,
    Has,
    IsKnown,
    IsUnknown,
    Moment,
    NotTest,
    OneOf,
    Op,
    Test,
    Top,
)
from rules.errors import Finding, Span
from rules.nodes import Scalar
from rules.parse.comparison import read_test
from rules.parse.names import Left, Sort, Subject, SubjectKind
from rules.parse.place import Place
from rules.units import Duration, Unit

HOUR = 3_600_000_000


def days(amount: int) -> Duration:
    return Duration(amount, Unit.DAY)


def months(amount: int) -> Duration:
    return Duration(amount, Unit.MONTH)


LEFTS = {
    "number": Left(subject=Subject(SubjectKind.MEASURE, "x"), label="x", sort=Sort.NUMBER),
    "share": Left(subject=Subject(SubjectKind.MEASURE, "x"), label="x", sort=Sort.SHARE),
    "time": Left(subject=Subject(SubjectKind.MEASURE, "x"), label="x", sort=Sort.TIME),
    "instant": Left(subject=Subject(SubjectKind.MEASURE, "x"), label="x", sort=Sort.INSTANT),
    "date": Left(subject=Subject(SubjectKind.ATTRIBUTE, "x"), label="x", sort=Sort.DATE),
    "text": Left(subject=Subject(SubjectKind.ATTRIBUTE, "x"), label="x", sort=Sort.TEXT),
    "word": Left(
        subject=Subject(SubjectKind.CLASS, "x"),
        label="x",
        sort=Sort.WORD,
        words=("A", "其他", "above 3", "known"),
    ),
    "words": Left(
        subject=Subject(SubjectKind.ATTRIBUTE, "x"), label="x", sort=Sort.WORDS, words=("a", "b")
    ),
    "yes_no": Left(subject=Subject(SubjectKind.ATTRIBUTE, "x"), label="x", sort=Sort.YES_NO),
    "change": Left(
        subject=Subject(SubjectKind.MEASURE, "x"), label="x", sort=Sort.SHARE, change=True
    ),
    "difference": Left(
        subject=Subject(SubjectKind.MEASURE, "x"), label="x", sort=Sort.NUMBER, change=True
    ),
    "time change": Left(
        subject=Subject(SubjectKind.MEASURE, "x"), label="x", sort=Sort.TIME, change=True
    ),
}


def read(sort: str, text: str, *, quoted: bool = False) -> tuple[Test | None, str]:
    """Return the test, and what is said about the text."""
    findings: list[Finding] = []
    node = Scalar(text=text, quoted=quoted, span=Span("f.yaml", 1, 1))
    test = read_test(Place(node=node, path="x", findings=findings), LEFTS[sort])
    return test, "; ".join(f"{each.message}; {each.hint}".rstrip("; ") for each in findings)


@pytest.mark.parametrize(
    ("sort", "text", "expected"),
    [
        ("number", "3", OneOf((Fraction(3),))),
        ("number", "50万", OneOf((Fraction(500_000),))),
        ("number", "at least 500,000", Bound(Op.AT_LEAST, Fraction(500_000))),
        ("number", "at most ３", Bound(Op.AT_MOST, Fraction(3))),
        ("number", "above 2.5", Bound(Op.ABOVE, Fraction(5, 2))),
        ("number", "below -1", Bound(Op.BELOW, Fraction(-1))),
        ("number", "between 3 and 5", Between(Fraction(3), Fraction(5))),
        ("number", "between 3  and  5", Between(Fraction(3), Fraction(5))),
        ("number", "not 3", NotTest(OneOf((Fraction(3),)))),
        ("number", "not between 3 and 5", NotTest(Between(Fraction(3), Fraction(5)))),
        ("number", "not [3, 5]", NotTest(OneOf((Fraction(3), Fraction(5))))),
        ("number", "known", IsKnown()),
        ("number", "unknown", IsUnknown()),
        ("number", "not known", NotTest(IsKnown())),
        ("number", "top 20% of buyers", Top(Fraction(1, 5), "buyers")),
        ("number", "not top 100% of buyers", NotTest(Top(Fraction(1), "buyers"))),
        ("share", "below 20%", Bound(Op.BELOW, Fraction(1, 5))),
        ("share", "20％", OneOf((Fraction(1, 5),))),
        ("share", "0", OneOf((Fraction(0),))),
        ("share", "above 0", Bound(Op.ABOVE, Fraction(0))),
        ("share", "between 10 and 20%", Between(Fraction(1, 10), Fraction(1, 5))),
        ("share", "between 10% and 20%", Between(Fraction(1, 10), Fraction(1, 5))),
        ("time", "at least 4 hours", Bound(Op.AT_LEAST, Fraction(4 * HOUR))),
        ("time", "between 1 and 4 hours", Between(Fraction(HOUR), Fraction(4 * HOUR))),
        ("time", "between 30 minutes and 4 hours", Between(Fraction(HOUR, 2), Fraction(4 * HOUR))),
        ("instant", "within last 30 days", Moment("within last", far=days(30))),
        ("instant", "less than 30 days ago", Moment("within last", far=days(30))),
        ("instant", "at least 3 months ago", Moment("ago", near=months(3))),
        (
            "instant",
            "between 3 and 6 months ago",
            Moment("between ago", far=months(6), near=months(3)),
        ),
        (
            "instant",
            "between 30 days and 6 months ago",
            Moment("between ago", far=months(6), near=days(30)),
        ),
        ("instant", "within next 7 days", Moment("within next", far=days(7))),
        ("date", "within next 7 days", Moment("within next", far=days(7))),
        ("date", "1970-01-03", OneOf((2,))),
        ("date", "not 1970-01-03", NotTest(OneOf((2,)))),
        ("text", "Li Lei", OneOf(("Li Lei",))),
        ("text", "not Li Lei", NotTest(OneOf(("Li Lei",)))),
        ("text", "unknown", IsUnknown()),
        ("word", "A", OneOf(("A",))),
        ("word", "above 3", OneOf(("above 3",))),
        ("word", "known", OneOf(("known",))),
        ("word", "unknown", IsUnknown()),
        ("word", "not 其他", NotTest(OneOf(("其他",)))),
        ("words", "has a", Has(("a",))),
        ("words", "has any of [a, b]", Has(("a", "b"))),
        ("words", "not has b", NotTest(Has(("b",)))),
        ("words", "known", IsKnown()),
        ("yes_no", "yes", OneOf((True,))),
        ("yes_no", "no", OneOf((False,))),
        ("change", "up", Bound(Op.ABOVE, Fraction(0))),
        ("change", "down", Bound(Op.BELOW, Fraction(0))),
        ("change", "up more than 30%", Bound(Op.ABOVE, Fraction(3, 10))),
        ("change", "up at least 30%", Bound(Op.AT_LEAST, Fraction(3, 10))),
        ("change", "down more than 30%", Bound(Op.BELOW, Fraction(-3, 10))),
        ("change", "down at least 30%", Bound(Op.AT_MOST, Fraction(-3, 10))),
        ("change", "steady within 20%", Between(Fraction(-1, 5), Fraction(1, 5))),
        ("change", "below -30%", Bound(Op.BELOW, Fraction(-3, 10))),
        ("difference", "up at least 2", Bound(Op.AT_LEAST, Fraction(2))),
        ("difference", "steady within 2", Between(Fraction(-2), Fraction(2))),
        ("time change", "up more than 2 hours", Bound(Op.ABOVE, Fraction(2 * HOUR))),
        ("time change", "below -2 hours", Bound(Op.BELOW, Fraction(-2 * HOUR))),
    ],
)
def test_phrases_of_the_language(sort: str, text: str, expected: Test) -> None:
    """Each phrase means one test, for the kind of value on its left."""
    assert read(sort, text) == (expected, "")


@pytest.mark.parametrize(
    ("sort", "text", "hint"),
    [
        ("number", "more than 3", "write above 3"),
        ("number", "more then 3", "write above 3"),
        ("number", "less than 3", "write below 3"),
        ("number", "over 3", "write above 3"),
        ("number", "under 3", "write below 3"),
        ("number", ">= 3", "write at least 3"),
        ("number", "≤3", "write at most 3"),
        ("number", "!= 3", "write not 3"),
        ("number", "== 3", "write 3"),
        ("number", "5-7", "write between 5 and 7"),
        ("number", "5 to 7", "write between 5 and 7"),
        ("number", "between 5-7", "write between 5 and 7"),
        ("number", "between 7 and 5", "write between 5 and 7"),
        ("number", "greater than or equal to 3", "write at least 3"),
        ("number", "no more than 3", "write at most 3"),
        ("number", "not less than 3", "write at least 3"),
        ("number", "3 or more", "write at least 3"),
        ("number", "3个以上", "write at least 3"),
        ("number", "不低于50万", "write at least 50万"),
        ("number", "at leest 3", "write at least 3"),
        ("number", "atleast 3", "write at least 3"),
        ("number", "three", "write 3"),
        ("number", "¥500", "write 500"),
        ("number", "below 20%", "write below 20"),
        ("number", "none", "write unknown"),
        ("number", "top 20%", "write top 20% of <segment>"),
        ("number", "top 20 of buyers", "write top 20% of buyers"),
        ("number", "up", "define a measure {change: x} and test that"),
        ("share", "below 20", "write below 20%"),
        ("share", "below 0.2", "write below 20%"),
        ("share", "20-30%", "write between 20% and 30%"),
        ("share", "less than 20 percent", "write below 20%"),
        ("time", "below 4", "write below 4 hours"),
        ("time", "over 30 min", "write above 30 minutes"),
        ("time", "below 3 months", "write it in minutes, hours, days or weeks"),
        ("time", "below 3 working hours", "write it in minutes, hours, days or weeks"),
        ("instant", "within 30 days", "write within last 30 days"),
        ("instant", "last 30 days", "write within last 30 days"),
        ("instant", "in the past 30 days", "write within last 30 days"),
        ("instant", "最近30天", "write within last 30 days"),
        ("instant", "30 days ago", "write at least 30 days ago"),
        ("instant", "more than 30 days ago", "write at least 30 days ago"),
        ("instant", "> 30 days", "write at least 30 days ago"),
        ("instant", "3-6 months ago", "write between 3 and 6 months ago"),
        ("instant", "between 6 and 3 months ago", "write between 3 and 6 months ago"),
        ("instant", "within last month", "write within last 1 month"),
        ("instant", "within last 90days", "write within last 90 days"),
        ("instant", "within last 3 working days", "write days, weeks, months or years"),
        ("date", "within last 3 hours", "write days, weeks, months or years"),
        ("date", "2026/03/18", "write 2026-03-18"),
        ("text", "above 3", 'if these are the very words, quote them: "above 3"'),
        ("word", "B", "known here: A, above 3, known, 其他"),
        ("words", "a", "write has a"),
        ("words", "[a, b]", "write has any of [a, b]"),
        ("words", "has c", "known here: a, b"),
        ("yes_no", "true", "write yes"),
        ("yes_no", "No", "write no"),
        ("change", "down 30%", "write down at least 30%"),
        ("change", "dropped by 30%", "write down at least 30%"),
        ("change", "down over 30%", "write down more than 30%"),
        ("change", "down more than 30", "write down more than 30%"),
        ("change", "降幅超过30%", "write down more than 30%"),
        ("difference", "steady", "write up, down, up more than 2, down at least 2, or steady within 2"),
    ],
)  # fmt: skip
def test_other_words_get_the_exact_replacement(sort: str, text: str, hint: str) -> None:
    """What people write instead is refused with what to write."""
    test, said = read(sort, text)

    assert test is None
    assert said.endswith(hint)


@pytest.mark.parametrize(
    ("sort", "text", "expected"),
    [
        ("text", "above 3", OneOf(("above 3",))),
        ("text", "known", OneOf(("known",))),
        ("word", "A", OneOf(("A",))),
        ("number", "3", OneOf((Fraction(3),))),
        ("yes_no", "yes", OneOf((True,))),
    ],
)
def test_quoted_text_is_literal(sort: str, text: str, expected: Test) -> None:
    """A text in quotes is a value, never a phrase."""
    assert read(sort, text, quoted=True) == (expected, "")


def test_a_quoted_phrase_on_a_number_is_refused() -> None:
    """``"above 3"`` in quotes is no number, and the answer says why."""
    test, said = read("number", "above 3", quoted=True)

    assert test is None
    assert said == (
        'a text in quotes is taken letter by letter, and x is a number and can\'t be "above 3"; '
        "take the quotes away"
    )


@pytest.mark.parametrize("sort", sorted(LEFTS))
@pytest.mark.parametrize(
    "text", ["not " * 2000 + "3", "between and", "top of", "has any of []", "[", "within last", "¡"]
)
def test_nonsense_never_raises(sort: str, text: str) -> None:
    """Any text gets a test or exactly one answer."""
    test, said = read(sort, text)

    assert (test is None) == bool(said)
