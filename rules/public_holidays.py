"""Public holidays by name, as the ``holidays`` library writes them (Chinese ones in Chinese)."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache

from rules.units import day_number

__all__ = ["countries", "holiday_day", "holiday_names", "known_country"]

#: What the library adds to a name: ``国庆节（补假）``, ``New Year's Day (observed)``.
_SUFFIX = re.compile(r"\s*[(（][^()（）]*[)）]$")
_SWAPPED = "休息日"  #: a weekday off that a make-up day pays for; no holiday of its own
#: Names are taken from these years: enough for every holiday that a country has in some years only.
_YEARS = range(2015, 2035)


@lru_cache(maxsize=8)
def holiday_names(country: str) -> tuple[str, ...]:
    """Return the names of a country's public holidays, sorted; of ``none`` or an unknown one ().

    What was a holiday in one year only is left out.
    """
    seen = Counter(name for year in _YEARS for name in _first_days(country, year))
    return tuple(sorted(name for name, years in seen.items() if years > 1))


def holiday_day(country: str, name: str, year: int) -> int | None:
    """Return the day of a holiday in a year: the first of that name; None where there is none."""
    return _first_days(country, year).get(name)


#: Countries that are known without asking the library, which takes 0.1 s to load.
_SURE = frozenset(
    "AU BR CA CH CN DE ES FR GB HK ID IN IT JP KR MO"  # noqa: SIM905  one line reads better
    " MX MY NL NZ PH PL RU SE SG TH TR TW US VN ZA".split()
)


def known_country(code: str) -> bool:
    """Return whether the public holidays of a country are known."""
    return code in _SURE or code in countries()


@lru_cache(maxsize=1)
def countries() -> frozenset[str]:
    """Return the codes of the countries whose public holidays are known.

    From the library's register: its own list loads every country.
    """
    from holidays.registry import COUNTRIES  # noqa: PLC0415 - lazy: 0.1 s

    return frozenset(names[1] for names in COUNTRIES.values())


@lru_cache(maxsize=256)
def _first_days(country: str, year: int) -> dict[str, int]:
    """Return name -> day. A day in lieu counts only where the holiday itself is not in the year."""
    country = country.upper()
    if country == "NONE" or not known_country(country):
        return {}
    import holidays  # noqa: PLC0415 - lazy: 0.1 s that only playbooks with holidays need

    plain = holidays.country_holidays(country)
    wanted = "zh_CN" if country == "CN" else "en_US"
    language = wanted if wanted in plain.supported_languages else None
    table = holidays.country_holidays(country, years=[year], language=language, expand=False)
    found: dict[str, int] = {}
    in_lieu: dict[str, int] = {}
    for date, names in sorted(table.items()):
        for name in names.split("; "):
            bare = _SUFFIX.sub("", name)
            if date.year == year and bare != _SWAPPED:
                (found if bare == name else in_lieu).setdefault(bare, day_number(date))
    return {**in_lieu, **found}
