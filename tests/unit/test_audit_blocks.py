"""Blocks of the audit chain: what goes in comes out, and nothing else is taken for a block."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.audit.blocks import GENESIS, Entry, follow, line_of, pack, unpack
from rules.errors import StateError

TEXT = st.text(max_size=20)
BODY = st.dictionaries(TEXT, st.none() | st.booleans() | st.integers() | TEXT, max_size=4)
LINE = st.builds(line_of, st.integers(), TEXT, TEXT, st.integers(min_value=0), BODY)


@given(st.lists(LINE, min_size=1, max_size=8))
def test_lines_come_back_as_they_were(lines: list[str]) -> None:
    """Whatever texts hold, line breaks and brackets too, the lines of a block are those packed."""
    assert unpack(pack(lines)) == lines


@given(st.integers(), TEXT, TEXT, st.integers(min_value=0), BODY)
def test_an_entry_is_what_its_line_tells(
    at: int, kind: str, subject: str, prev: int, body: dict[str, object]
) -> None:
    """An entry read from its line is the entry that was written."""
    found = Entry.of(7, line_of(at, kind, subject, prev, body))

    expected = Entry(n=7, at=at, kind=kind, subject=subject, prev=prev, body=dict(body))
    assert found == expected


@given(st.lists(LINE, min_size=1, max_size=4), st.data())
def test_a_block_that_was_cut_is_refused(lines: list[str], data: st.DataObject) -> None:
    """No part of a block is taken for a whole one, and nothing may stand behind it."""
    block = pack(lines)
    length = data.draw(st.integers(0, len(block) - 1))

    with pytest.raises(StateError, match="block of the audit chain"):
        unpack(block[:length])
    with pytest.raises(StateError, match="block of the audit chain"):
        unpack(block + b"\0")


@pytest.mark.parametrize("other", [b"", b"[]", "[[1]]", None, 7])
def test_what_is_no_block_is_refused(other: object) -> None:
    """Texts, numbers and other bytes in the place of a block are told in words."""
    with pytest.raises(StateError, match="block of the audit chain"):
        unpack(other)  # type: ignore[arg-type]  what a spoilt file may hold


def test_a_hash_depends_on_place_line_and_all_before() -> None:
    """Another number, another line or another entry before gives another hash."""
    line = line_of(1, "run", "1", 0, {})
    found = {
        follow(GENESIS, 1, line), follow(GENESIS, 2, line), follow("1" * 64, 1, line),
        follow(GENESIS, 1, line_of(2, "run", "1", 0, {})),
    }  # fmt: skip

    assert len(found) == 4
