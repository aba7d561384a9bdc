"""Steps that happen in one moment: ``split``, ``set``, ``record``, ``start``, ``stop``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from rules.errors import did_you_mean
from rules.parse.assignment import read_record, read_set
from rules.parse.names import check_name
from rules.parse.place import Place
from rules.parse.scope import Head, Scope
from rules.phrases import read_number, read_share
from rules.playbook import Record, Set, Split, StartOther, Step, StopHere
from rules.units import describe_number

__all__ = ["SINGLE"]


def _split(head: Head, _scope: Scope) -> Split | None:
    shares = _shares(head.under("split"))
    if shares is None:
        return None
    place = head.place
    return Split(
        name=head.name,
        path=place.path,
        span=place.span,
        shares=shares,
        anchor=head.anchor,
        disabled=head.disabled,
    )


def _shares(place: Place) -> tuple[tuple[str, Fraction], ...] | None:
    pairs = place.pairs("`split`")
    found = [(name, _share(name, value)) for name, value in pairs]
    sound = tuple((name, share) for name, share in found if share is not None)
    if not place.is_mapping() or len(sound) < len(found):
        return None
    if len(sound) < 2:
        message = "`split` needs two shares or more"
        place.error("bad-split", message, "write {a: 50%, b: 50%}", at_key=True)
        return None
    total = sum((share for _, share in sound), Fraction(0))
    if total != 1:
        message = f"the shares of `split` add up to {describe_number(total * 100)}%"
        place.error("bad-split", message, "make them add up to 100%", at_key=True)
        return None
    return sound


def _share(name: str, place: Place) -> Fraction | None:
    if not check_name(name, place, "share"):
        return None
    text = place.text()
    if text is None:
        return None
    share, number = read_share(text), read_number(text)
    if share is not None and 0 < share < 1:
        return share
    if number is not None and 0 < number < 100:
        shown = number * 100 if number < 1 else number
        place.error("needs-percent", f"`{name}` is a share", f"write {describe_number(shown)}%")
    else:
        message = f'`{name}` is a share between 0% and 100% and can\'t be "{text}"'
        place.error("bad-number", message, "write 50%")
    return None


def _set(head: Head, scope: Scope) -> Set | None:
    values = read_set(head.under("set"), scope)
    if values is None:
        return None
    place = head.place
    return Set(
        name=head.name,
        path=place.path,
        span=place.span,
        values=values,
        anchor=head.anchor,
        disabled=head.disabled,
    )


def _record(head: Head, scope: Scope) -> Record | None:
    place = head.place
    found = read_record(head.under("record"), place.get("fields"), scope)
    if found is None:
        return None
    return Record(
        name=head.name,
        path=place.path,
        span=place.span,
        event=found[0],
        fields=found[1],
        anchor=head.anchor,
        disabled=head.disabled,
    )


def _start(head: Head, scope: Scope) -> StartOther | None:
    start, place = head.under("start"), head.place
    name = start.text()
    known = scope.around.playbooks
    if name is not None and name not in known:
        start.error("unknown-playbook", f'no playbook "{name}"', did_you_mean(name, known))
        return None
    if name is None:
        return None
    return StartOther(
        name=head.name,
        path=place.path,
        span=place.span,
        playbook=name,
        anchor=head.anchor,
        disabled=head.disabled,
    )


def _stop(head: Head, _scope: Scope) -> StopHere | None:
    stop, place = head.under("stop"), head.place
    word = stop.text()
    if word is None or not check_name(word, stop, "stop"):
        return None
    return StopHere(
        name=head.name,
        path=place.path,
        span=place.span,
        word=word,
        anchor=head.anchor,
        disabled=head.disabled,
    )


#: The key that says the kind -> its reader.
SINGLE: Mapping[str, Callable[[Head, Scope], Step | None]] = {
    "split": _split,
    "set": _set,
    "record": _record,
    "start": _start,
    "stop": _stop,
}
