"""The closed words of the ledger: each is documented, each is used."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path

import pytest

from engine.gate import ORDER
from engine.waits import Waits
from engine.words import ActionState, Reason, Verb

REPOSITORY = Path(__file__).resolve().parents[2]


def documented() -> set[str]:
    """Return the words in the first column of the tables of docs/reasons.md."""
    text = (REPOSITORY / "docs" / "reasons.md").read_text(encoding="utf-8")
    return set(re.findall(r"^\| `([a-z_]+)` \| [^|]{10,}", text, re.MULTILINE))


def test_every_reason_and_verb_has_its_line_in_the_docs() -> None:
    """docs/reasons.md says of each word what it means, and of no other."""
    assert documented() == {*map(str, Reason), *map(str, Verb)}


@pytest.mark.parametrize("word", [*Reason, *Verb])
def test_every_word_is_used_by_the_engine(word: StrEnum) -> None:
    """No word is left over from something that is gone."""
    name = f"{type(word).__name__}.{word.name}"
    sources = (
        path.read_text(encoding="utf-8")
        for path in sorted((REPOSITORY / "engine").rglob("*.py"))
        if path.name != "words.py"
    )

    assert any(re.search(rf"\b{re.escape(name)}\b", text) for text in sources)


def test_what_messages_wait_for_is_documented() -> None:
    """docs/operations.md says of each word of `care outbox` what it means."""
    text = (REPOSITORY / "docs" / "operations.md").read_text(encoding="utf-8")
    words = set(re.findall(r"^\| `([a-z_]+)` \| [^|]{5,}\|$", text, re.MULTILINE))

    assert set(map(str, Waits)) <= words


def test_states_that_are_closed() -> None:
    """What waits, is planned or on its way is open; everything else is over."""
    still = {ActionState.PLANNED, ActionState.DUE, ActionState.INTENT, ActionState.OPEN}

    assert {state for state in ActionState if not state.closed} == still


def test_reasons_of_the_gate_are_told_once() -> None:
    """The order of telling names no reason twice."""
    reasons = [reason for reason, _ in ORDER]

    assert len(reasons) == len(set(reasons))
