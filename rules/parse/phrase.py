"""The phrase behind a subject, read for the kind of value that the subject gives. No places."""

from __future__ import annotations

import re
from fractions import Fraction

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
    SubjectKind,
    Test,
    Top,
    Value,
)
from rules.errors import did_you_mean
from rules.parse.names import Left, Sort
from rules.phrases import (
    PhraseError,
    plain,
    read_date,
    read_duration,
    read_duration_pair,
    read_number,
    read_share,
)
from rules.units import MICROS, Duration, Unit, day_number, describe_number

__all__ = ["EXAMPLES", "read_phrase", "read_value"]

_BOUND = re.compile(r"(at least|at most|above|below) (.+)")
_BETWEEN = re.compile(r"between (.+?) and (.+)")
_MOVE = re.compile(r"(up|down) (more than|at least) (.+)")
_STEADY = re.compile(r"steady within (.+)")
_TOP = re.compile(r"top (.+?) of (.+)")
_HAS = re.compile(r"has (any of )?(.+)")
_ANY_PHRASE = re.compile(
    r"(at (least|most)|above|below|between|within|not|has|up|down|steady|top|more|less|over|under)\b"
    r"|[<>=≥≤]"
)

_YES_NO = ("yes", "no")
#: What may stand behind each kind of value, for the answer to a phrase that nothing explains.
EXAMPLES = {
    Sort.NUMBER: "write 3, at least 3, at most 3, above 3, below 3, or between 3 and 5",
    Sort.SHARE: "write at least 20%, below 20%, or between 10% and 20%",
    Sort.TIME: "write at least 4 hours, below 2 days, or between 1 and 4 hours",
    Sort.INSTANT: "write within last 30 days, at least 3 months ago, "
    "between 3 and 6 months ago, or within next 7 days",
    Sort.DATE: "write within last 30 days, at least 3 months ago, "
    "between 3 and 6 months ago, within next 7 days, or 2026-03-18",
    Sort.YES_NO: "write yes or no",
    Sort.TEXT: "write the text, or a list of texts in [ ]",
}


def read_phrase(text: str, left: Left) -> Test:
    """Return the test that a phrase is, for this left side. Raises PhraseError."""
    if left.sort is Sort.WORD and text in left.words:
        return OneOf((text,))
    words = plain(text)
    if words == "known":
        return IsKnown()
    if words == "unknown":
        return IsUnknown()
    if words.startswith("not "):
        rest = words.removeprefix("not ")
        if rest.startswith("not "):
            raise PhraseError("bad-test", f'{left.label} has "not" twice')
        inner = _bracketed(rest)
        if inner is not None and left.sort is not Sort.WORDS:
            return NotTest(OneOf(tuple(read_value(item, left) for item in inner)))
        try:
            return NotTest(read_phrase(rest, left))
        except PhraseError as wrong:
            message = wrong.message.replace(f'"{rest}"', f'"{words}"')
            raise PhraseError(
                wrong.code, message, wrong.hint and f"write {_not(wrong.hint)}"
            ) from wrong
    if words.startswith("top "):
        return _top(words, left)
    match left.sort:
        case Sort.NUMBER | Sort.SHARE | Sort.TIME:
            return _amount_test(words, left)
        case Sort.INSTANT | Sort.DATE:
            return _moment(words, left)
        case Sort.WORDS:
            return _has(words, left)
        case Sort.TEXT | Sort.WORD | Sort.YES_NO:
            if left.sort is Sort.TEXT and _ANY_PHRASE.match(words):
                raise PhraseError(
                    "bad-test",
                    f'{left.label} is a text and can\'t be "{words}"',
                    f'if these are the very words, quote them: "{words}"',
                )
            return OneOf((read_value(text, left),))


def _not(hint: str) -> str:
    return f"not {hint.removeprefix('write ')}"


def _amount_test(words: str, left: Left) -> Test:
    if found := _BOUND.fullmatch(words):
        return Bound(Op(found[1]), _amount(found[2], left, words))
    if found := _BETWEEN.fullmatch(words):
        low, high = _pair(found[1], found[2], left, words)
        if low > high:
            better = words.replace(found[1], "\0").replace(found[2], found[1])
            raise PhraseError(
                "bad-test",
                f"{left.label}: nothing is {words}",
                "write " + better.replace("\0", found[2]),
            )
        return Between(low, high)
    if words in ("up", "down") or words.startswith(("up ", "down ", "steady")):
        return _movement(words, left)
    return OneOf((_amount(words, left, words),))


def _movement(words: str, left: Left) -> Test:
    if not left.change:
        raise PhraseError(
            "bad-test",
            f"{left.label} is not a change, so it can't be {words.split(maxsplit=1)[0]}",
            "define a measure {change: " + left.label + "} and test that",
        )
    if words == "up":
        return Bound(Op.ABOVE, Fraction(0))
    if words == "down":
        return Bound(Op.BELOW, Fraction(0))
    if found := _STEADY.fullmatch(words):
        edge = _amount(found[1], left, words)
        if edge >= 0:
            return Between(-edge, edge)
    if found := _MOVE.fullmatch(words):
        value = _amount(found[3], left, words)
        if value < 0:
            raise PhraseError("bad-test", f"{left.label}: write the change without a minus")
        strict = found[2] == "more than"
        if found[1] == "up":
            return Bound(Op.ABOVE if strict else Op.AT_LEAST, value)
        return Bound(Op.BELOW if strict else Op.AT_MOST, -value)
    raise PhraseError("bad-test", f'{left.label} is a change and can\'t be "{words}"')


def _amount(text: str, left: Left, phrase: str) -> Fraction:
    """Return a number, a share or exact time (in microseconds), as the left side wants it."""
    number, share = read_number(text), read_share(text)
    duration = read_duration(text)
    if duration is None and (found := re.fullmatch(r"-(\d.*)", text)):
        duration = read_duration(found[1])
    match left.sort:
        case Sort.SHARE:
            if share is not None:
                return share
            if number == 0:
                return Fraction(0)
            if number is not None:
                shown = number * 100 if 0 < abs(number) < 1 else number
                better = phrase.replace(text, f"{describe_number(shown)}%")
                raise PhraseError("needs-percent", f"{left.label} is a share", f"write {better}")
            raise PhraseError("bad-test", f'{left.label} is a share and can\'t be "{phrase}"')
        case Sort.TIME:
            if duration and duration.exact:
                micros = Fraction(duration.seconds * MICROS)
                return -micros if text.startswith("-") else micros
            if number == 0:
                return Fraction(0)
            if duration:
                why = "working time" if duration.working else "months and years"
                raise PhraseError(
                    "bad-test",
                    f"{left.label} is a mean time, which has no {why}",
                    "write it in minutes, hours, days or weeks",
                )
            if number is not None:
                better = phrase.replace(text, f"{text} hours")
                raise PhraseError("bad-test", f"{left.label} is a time", f"write {better}")
            raise PhraseError("bad-test", f'{left.label} is a time and can\'t be "{phrase}"')
        case _:
            if number is not None:
                return number
            if share is not None:
                better = phrase.replace(text, text.removesuffix("%").strip())
                message = f"{left.label} is a number, not a share"
                raise PhraseError("bad-test", message, f"write {better}")
            raise PhraseError("bad-test", f'{left.label} is a number and can\'t be "{phrase}"')


def _pair(low: str, high: str, left: Left, phrase: str) -> tuple[Fraction, Fraction]:
    """Return both ends; the first may leave its unit to the second: ``between 10 and 20%``."""
    if left.sort is Sort.SHARE and high.endswith("%") and not low.endswith("%"):
        low = f"{low}%"
    if left.sort is Sort.TIME and read_number(low) is not None and " " in high:
        low = f"{low} {high.split(' ', 1)[1]}"
    return _amount(low, left, phrase), _amount(high, left, phrase)


def _moment(words: str, left: Left) -> Test:
    if words.startswith("within last "):
        return Moment("within last", far=_span(words.removeprefix("within last "), left, words))
    if words.startswith("within next "):
        return Moment("within next", far=_span(words.removeprefix("within next "), left, words))
    if found := re.fullmatch(r"at least (.+) ago", words):
        return Moment("ago", near=_span(found[1], left, words))
    if found := re.fullmatch(r"less than (.+) ago", words):
        return Moment("within last", far=_span(found[1], left, words))
    if found := re.fullmatch(r"(between .+) ago", words):
        pair = read_duration_pair(found[1])
        if pair is None:
            raise _no_moment(words, left)
        near, far = (_check_span(end, left) for end in pair)
        if _length(near) > _length(far):
            raise PhraseError(
                "bad-test",
                f"{left.label}: nothing is {words}",
                f"write between {_both(far, near)} ago",
            )
        return Moment("between ago", far=far, near=near)
    if left.sort is Sort.DATE and (day := read_date(words)):
        return OneOf((day_number(day),))
    raise _no_moment(words, left)


def _no_moment(words: str, left: Left) -> PhraseError:
    kind = "a date" if left.sort is Sort.DATE else "a moment in time"
    return PhraseError("bad-test", f'{left.label} is {kind} and can\'t be "{words}"')


def _span(text: str, left: Left, words: str) -> Duration:
    found = read_duration(text)
    if found is None:
        raise _no_moment(words, left)
    return _check_span(found, left)


def _check_span(duration: Duration, left: Left) -> Duration:
    if duration.working:
        message = f"{left.label} can't be tested in working time"
        raise PhraseError("bad-test", message, "write days, weeks, months or years")
    if left.sort is Sort.DATE and duration.unit in (Unit.SECOND, Unit.MINUTE, Unit.HOUR):
        message = f"{left.label} is a date, which has no hours"
        raise PhraseError("bad-test", message, "write days, weeks, months or years")
    return duration


def _both(near: Duration, far: Duration) -> str:
    return f"{near.amount if near.unit is far.unit else near} and {far}"


def _length(duration: Duration) -> int:
    """Return about how many seconds a duration has, to tell the longer of two."""
    days = {Unit.MONTH: 30, Unit.YEAR: 365, Unit.WORKING_DAY: 1}.get(duration.unit)
    if days:
        return duration.amount * days * 86_400
    if duration.unit is Unit.WORKING_HOUR:
        return duration.amount * 3600
    return duration.seconds


def _has(words: str, left: Left) -> Test:
    found = _HAS.fullmatch(words)
    if not found:
        inner = _bracketed(words) or [words]
        if all(word in left.words for word in inner):
            better = f"has any of [{', '.join(inner)}]" if len(inner) > 1 else f"has {inner[0]}"
            message = f"{left.label} has several values at once"
            raise PhraseError("bad-test", message, f"write {better}")
        raise PhraseError("bad-test", f'{left.label} can\'t be "{words}"')
    values = _bracketed(found[2])
    if values is None:
        values = [found[2]]
    return Has(tuple(_word(value, left) for value in values))


def _bracketed(text: str) -> list[str] | None:
    """Return the items of ``[a, b]`` written inside a phrase, or None. Raises PhraseError."""
    if not (text.startswith("[") and text.endswith("]")):
        return None
    found = [item.strip().strip("\"'") for item in text[1:-1].split(",") if item.strip()]
    if not found:
        raise PhraseError("empty-value", f'the list in "{text}" is empty')
    return found


def _top(words: str, left: Left) -> Test:
    if left.subject.kind is not SubjectKind.MEASURE or left.sort not in (
        Sort.NUMBER,
        Sort.SHARE,
        Sort.TIME,
    ):
        message = f"{left.label} can't be ranked: `top` takes a measure that is a number"
        raise PhraseError("bad-test", message, EXAMPLES.get(left.sort, ""))
    found = _TOP.fullmatch(words)
    if not found:
        share = words.removeprefix("top ")
        if read_share(share) is not None:
            message = f'"{words}" does not say of whom'
            raise PhraseError("bad-test", message, f"write {words} of <segment>")
        raise PhraseError("bad-test", f'"{words}" is no share of a segment', "write top 20% of ...")
    value = read_share(found[1])
    if value is None and (number := read_number(found[1])) is not None:
        better = f"write top {describe_number(number)}% of {found[2]}"
        raise PhraseError("needs-percent", f'"{words}" needs a share', better)
    if value is None or not 0 < value <= 1:
        message = f'"{found[1]}" is no share above 0% and up to 100%'
        raise PhraseError("bad-test", message, f"write top 20% of {found[2]}")
    return Top(value, found[2])


def read_value(text: str, left: Left) -> Value:
    """Return one constant to be equal to."""
    match left.sort:
        case Sort.NUMBER | Sort.SHARE | Sort.TIME:
            return _amount(plain(text), left, plain(text))
        case Sort.WORD:
            return _word(text, left)
        case Sort.YES_NO:
            if text in ("yes", "no"):
                return text == "yes"
            near = {"true": "yes", "是": "yes", "y": "yes", "on": "yes", "1": "yes"}
            near |= {"false": "no", "否": "no", "n": "no", "off": "no", "0": "no"}
            hint = near.get(text.casefold(), text.casefold() if text.casefold() in _YES_NO else "")
            message = f'{left.label} is yes or no, not "{text}"'
            raise PhraseError("unknown-value", message, f"write {hint}" if hint else "")
        case Sort.DATE if day := read_date(text):
            return day_number(day)
        case Sort.DATE:
            raise PhraseError("bad-test", f'"{text}" is no date', "write 2026-03-18")
        case Sort.INSTANT:
            raise PhraseError("bad-test", f"{left.label} is a moment, which is never exactly equal")
        case Sort.TEXT | Sort.WORDS:
            return text


def _word(text: str, left: Left) -> str:
    if text in left.words:
        return text
    # Full-width letters, case and stray spaces are the reader's to point out, not to guess.
    hint = did_you_mean(plain(text), left.words)
    raise PhraseError("unknown-value", f'{left.label} has no value "{text}"', hint)
