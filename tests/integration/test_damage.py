"""What people get wrong in a file, ``care check`` and ``care test`` see: the floors of bench/damage.py."""

from __future__ import annotations

import pytest

from bench.damage import LIBRARY, Tally, shipped, tally


def _whole(count: int, of_library: int) -> Tally:
    found = Tally()
    for label, files, names in shipped():
        for _, part in tally(files, names, of_library if label == LIBRARY else count):
            found.add(part)
    return found


def _reached(found: Tally) -> None:
    assert found.found >= 0.98, found.missed
    assert found.at_line >= 0.95, found.missed + found.elsewhere
    assert found.answered >= 0.90, found.unanswered


def test_slips_are_found_at_their_line_with_the_word_that_was_meant() -> None:
    """Of slips in every file of the shipped projects 98% are found, 95% at their line, and 90% of
    the misspelt words are answered with the right one.
    """
    _reached(_whole(15, 2))


@pytest.mark.long
def test_slips_at_length() -> None:
    """The same with 300 slips a file."""
    _reached(_whole(300, 300))
