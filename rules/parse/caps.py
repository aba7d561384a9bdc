"""``caps`` of house.yaml: at most so many actions that reach one customer in a rolling window."""

from __future__ import annotations

from rules.parse.limits import read_bound_channels, read_purposes
from rules.parse.names import Names
from rules.parse.place import Place
from rules.parse.settings import read_count, read_length, read_word
from rules.playbook import Cap, Verdict

__all__ = ["read_caps"]


def read_caps(place: Place | None, names: Names) -> tuple[Cap, ...] | None:
    """Return the caps, or None where one is wrong."""
    if place is None or place.empty:
        return ()
    found = [_cap(item, names) for item in place.items("`caps`")]
    sound = [cap for cap in found if cap is not None]
    return tuple(sound) if len(sound) == len(found) and found else None


def _cap(place: Place, names: Names) -> Cap | None:
    if not place.is_mapping():
        hint = "write {at_most: 3, per: 7 days, then: defer}"
        place.error("wrong-shape", "a cap needs `at_most` and `per`", hint)
        return None
    at_most, per, then = place.get("at_most"), place.get("per"), place.get("then")
    count = read_count(at_most, 3) if at_most else None
    window = read_length(per, "7 days") if per else None
    for key, example, given in (("at_most", "3", at_most), ("per", "7 days", per)):
        if given is None:
            place.error("missing-key", f"this cap has no `{key}`", f"write {key}: {example}")
    verdict = read_word(then, ("defer", "skip")) if then else "defer"
    purposes = read_purposes(place.get("purposes"))
    channels = read_bound_channels(place.get("channels"), names)
    exempt = read_purposes(place.get("exempt"))
    if purposes and exempt and set(purposes) & set(exempt):
        both = sorted(set(purposes) & set(exempt))[0]
        message = f'"{both}" stands in `purposes` and in `exempt`'
        place.error("name-clash", message, "take it out of one of them")
        return None
    if (
        count is None
        or window is None
        or verdict is None
        or purposes is None
        or channels is None
        or exempt is None
    ):
        return None
    return Cap(
        at_most=count,
        per=window,
        path=place.path,
        span=place.span,
        purposes=purposes,
        channels=channels,
        exempt=exempt,
        verdict=Verdict(verdict),
    )
