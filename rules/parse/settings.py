"""Single values that several files have: counts, shares, durations, times of day, words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from fractions import Fraction

from rules.errors import did_you_mean
from rules.parse.place import Place
from rules.phrases import plain, read_clock, read_duration, read_number, read_share
from rules.repair import repair
from rules.units import Duration

__all__ = [
    "read_after",
    "read_clock_at",
    "read_count",
    "read_holdout",
    "read_length",
    "read_span",
    "read_word",
    "read_yes_no",
]


def read_count(place: Place, example: int = 500) -> int | None:
    """Return a whole number from 1 up."""
    text = place.text()
    if text is None:
        return None
    number = read_number(text)
    if number is not None and number.denominator == 1 and 1 <= number <= 10**9:
        return int(number)
    message = f'`{place.key}` is a whole number and can\'t be "{text}"'
    place.error("bad-number", message, f"write {place.key}: {example}")
    return None


def read_holdout(place: Place) -> Fraction | None:
    """Return a share from 0% to below 100%."""
    text = place.text()
    if text is None:
        return None
    share, number = read_share(text), read_number(text)
    if share is not None and 0 <= share < 1:
        return share
    if number is not None and 0 < number < 100:
        hint = f"write {text}%" if number >= 1 else "write 5%"
        place.error("needs-percent", f"`{place.key}` is a share", hint)
    else:
        message = f'`{place.key}` is a share below 100% and can\'t be "{text}"'
        place.error("bad-number", message, f"write {place.key}: 5%")
    return None


def read_yes_no(place: Place) -> bool | None:
    """Return a yes or no; a setting may also be ``true`` or ``false``."""
    text = place.text()
    if text in ("yes", "no", "true", "false"):
        return text in ("yes", "true")
    if text is not None:
        better = {"是": "yes", "y": "yes", "on": "yes", "否": "no", "n": "no", "off": "no"}.get(
            text.casefold()
        )
        hint = f"write {better}" if better else "write yes or no"
        place.error("bad-word", f'`{place.key}` is yes or no, not "{text}"', hint)
    return None


def read_clock_at(place: Place) -> dt.time | None:
    """Return a time of day."""
    text = place.text()
    if text is None:
        return None
    found = read_clock(text)
    if found is None:
        message = f'`{place.key}` is a time of day and can\'t be "{text}"'
        place.error("bad-time", message, f"write {place.key}: {_clock_meant(text) or '09:30'}")
    return found


def _clock_meant(text: str) -> str:
    words = plain(text).casefold().replace(" ", "")
    late = words.endswith("pm")
    words = words.removesuffix("am").removesuffix("pm").replace(".", ":").replace("点", ":")
    words = words.rstrip(":")
    found = read_clock(words if ":" in words else f"{words}:00")
    if found is None:
        return ""
    if late and found.hour < 12:
        found = found.replace(hour=found.hour + 12)
    return f"{found:%H:%M}"


def read_length(place: Place, example: str, *, working: bool = False) -> Duration | None:
    """Return a duration; working time only where it is asked for."""
    return _phrase(place, "", example, working=working)


def read_after(place: Place, example: str, *, working: bool = False) -> Duration | None:
    """Return the duration of ``after 90 days``."""
    return _phrase(place, "after ", example, working=working)


def read_span(place: Place, example: str = "2 minutes") -> Duration | None:
    """Return a duration of seconds, minutes or hours, up to a day."""
    found = read_length(place, example)
    if found is None or (found.exact and 0 < found.seconds <= 86_400):
        return found
    message = f"`{place.key}` is a time of up to a day"
    place.error("bad-duration", message, f"write {place.key}: {example}")
    return None


def _phrase(place: Place, word: str, example: str, *, working: bool) -> Duration | None:
    text = place.text()
    if text is None:
        return None
    words = plain(text)

    def duration(candidate: str) -> Duration | None:
        return read_duration(candidate.removeprefix(word)) if candidate.startswith(word) else None

    def accepts(candidate: str) -> bool:
        found = duration(candidate)
        return found is not None and (working or not found.working)

    found = duration(words)
    if found and found.working and not working:
        message = f"`{place.key}` can't be counted in working time"
        place.error("bad-duration", message, f"write days or weeks: {word}{example}")
        return None
    if found is None:
        bare = repair(words, lambda candidate: accepts(word + candidate)) if word else ""
        better = repair(words, accepts) or (word + bare if bare else "")
        if word and not better and accepts(word + words):
            better = word + words
        message = f'`{place.key}` is a length of time and can\'t be "{text}"'
        place.error("bad-duration", message, f"write {better or word + example}")
    return found


def read_word(place: Place, known: Iterable[str]) -> str | None:
    """Return one of a closed list of words."""
    text = place.text()
    words = list(known)
    if text is None or text in words:
        return text
    hint = did_you_mean(text, words)
    place.error("bad-word", f'`{place.key}` can\'t be "{text}"', hint)
    return None
