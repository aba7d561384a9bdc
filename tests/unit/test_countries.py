"""Countries with public holidays."""

from __future__ import annotations

import holidays

from rules.public_holidays import countries


def test_the_register_is_the_library_s_list() -> None:
    """What is read without loading every country is what the library itself lists."""
    assert countries() == frozenset(holidays.list_supported_countries(include_aliases=False))
