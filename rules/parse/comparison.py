"""The right side of a test in its place: from a node and its left side to a typed test."""

from __future__ import annotations

from collections.abc import Callable

from rules.conditions import OneOf, Test, Value
from rules.errors import did_you_mean
from rules.parse.names import Left, Sort
from rules.parse.phrase import EXAMPLES, read_phrase, read_value
from rules.parse.place import Place
from rules.phrases import PhraseError
from rules.repair import repair

__all__ = ["read_test"]


def read_test(place: Place, left: Left) -> Test | None:
    """Return the test behind a subject, or report why there is none."""
    if place.is_mapping():
        place.error("wrong-shape", f"{left.label} needs a test, not `key: value`", _example(left))
        return None
    if place.is_list():
        return _one_of(place, left)
    text = place.text(left.label)
    if text is None:
        return None
    try:
        return _literal(text, left) if place.quoted else read_phrase(text, left)
    except PhraseError as wrong:
        place.error(wrong.code, wrong.message, wrong.hint or _hint(text, left, quoted=place.quoted))
        return None


def _one_of(place: Place, left: Left) -> Test | None:
    values: list[Value] = []
    sound = True
    for item in place.items():
        text = item.text(f"the list of {left.label}")
        if text is None:
            sound = False
            continue
        try:
            if left.sort is Sort.WORDS:
                words = ", ".join(text for text, _ in place.texts() or [])
                raise PhraseError(
                    "bad-test",
                    f"{left.label} has several values at once",
                    f"write has any of [{words}]",
                )
            if item.quoted:
                values += _values(_literal(text, left))
            else:
                values.append(read_value(text, left))
        except PhraseError as wrong:
            item.error(wrong.code, wrong.message, wrong.hint or _example(left))
            return None
    if sound and not values:
        place.error("empty-value", f"the list of {left.label} is empty", at_key=True)
        return None
    return OneOf(tuple(values)) if sound else None


def _values(test: Test) -> tuple[Value, ...]:
    return test.values if isinstance(test, OneOf) else ()


def _literal(text: str, left: Left) -> Test:
    """Return the test for equality with a text in quotes."""
    try:
        return OneOf((read_value(text, left),))
    except PhraseError as wrong:
        if left.sort in (Sort.TEXT, Sort.WORD):
            raise
        message = f"a text in quotes is taken letter by letter, and {wrong.message}"
        raise PhraseError(wrong.code, message, "take the quotes away") from wrong


def _example(left: Left) -> str:
    if left.sort is Sort.WORDS:
        return f"write has {left.words[0]}" if left.words else "write has ..."
    if left.change:
        more = {Sort.SHARE: "30%", Sort.TIME: "2 hours"}.get(left.sort, "2")
        return f"write up, down, up more than {more}, down at least {more}, or steady within {more}"
    if left.sort is Sort.WORD:
        return did_you_mean("", left.words)
    return EXAMPLES[left.sort]


def _repaired(text: str, left: Left) -> str:
    better = repair(text, _accepts(left))
    return f"write {better}" if better else ""


def _hint(text: str, left: Left, *, quoted: bool) -> str:
    return _example(left) if quoted else _repaired(text, left) or _example(left)


def _accepts(left: Left) -> Callable[[str], bool]:
    def accepts(text: str) -> bool:
        if left.sort is Sort.TEXT:
            return False
        try:
            read_phrase(text, left)
        except (PhraseError, KeyError):
            return False
        return True

    return accepts
