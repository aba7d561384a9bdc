"""Countries with public holidays."""

from __future__ import annotations

from itertools import product
from string import ascii_uppercase

import holidays

from rules.public_holidays import countries, known_country


def test_the_register_is_the_library_s_list() -> None:
    """What is read without loading every country is what the library itself lists."""
    assert countries() == frozenset(holidays.list_supported_countries(include_aliases=False))


def test_known_countries() -> None:
    """Those that are known without the library are in its list; other codes are looked up there."""
    listed = holidays.list_supported_countries(include_aliases=False)
    code = "".join

    assert all(known_country(each) for each in listed)
    assert not any(
        known_country(each)
        for each in map(code, product(ascii_uppercase, repeat=2))
        if each not in listed
    )
