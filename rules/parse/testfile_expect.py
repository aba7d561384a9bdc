"""What is expected in a test: one line of ``expect`` each."""

from __future__ import annotations

from collections.abc import Collection

from rules.errors import did_you_mean
from rules.history import Datum
from rules.parse.names import Section, nearest
from rules.parse.place import Place, written
from rules.parse.testfile_story import Stage, read_count, read_field
from rules.parse.testfile_time import read_when
from rules.playbook import Do, walk
from rules.schema_testfile import EXPECTATION_KINDS
from rules.steps import overdue_steps
from rules.testfile import Expected, Expects, Says, Wanted, When

__all__ = ["read_expected"]

_WHEN = ("opens", "at", "due", "closes")
_FLAGS = ("sent", "never")
_COUNTS = ("turn", "times")
_TEXTS = ("subject", "text", "brief")
_CODES = ("because", "reason")
_YES = {"yes": True, "no": False, "true": True, "false": False}


def read_expected(place: Place, stage: Stage, codes: Collection[str]) -> Expected | None:
    """Return one line; None where something is wrong with it, which is reported."""
    kind = next((key for key in EXPECTATION_KINDS if place.get(key) is not None), None)
    if kind is None or not place.is_mapping():
        return None
    subject = place.get(kind)
    assert subject is not None
    name = subject.text()
    customer = stage.customer(place)
    playbook = _playbook(place, stage)
    if name is None or customer is None or playbook is None:
        return None
    about = Expects(kind)
    if not _known(about, name, subject, stage, playbook):
        return None
    wanted: list[Wanted] = []
    for key, value in place.pairs():
        if key in (kind, "customer", "playbook", "fields") or key not in EXPECTATION_KINDS[kind]:
            continue
        one = _wanted(key, value, stage, codes)
        if one is None:
            return None
        wanted.append(one)
    fields = _fields(place.get("fields"), name, stage)
    if fields is None:
        return None
    if about is Expects.STARTS:
        name = "yes" if _YES[name] else "no"
    return Expected(
        about=about, name=name, customer=customer, playbook=playbook, wanted=tuple(wanted),
        fields=fields, shown=written(place.node), span=place.span,
    )  # fmt: skip


def _playbook(place: Place, stage: Stage) -> str | None:
    said = place.get("playbook")
    if said is None:
        return _owner(place, stage)
    name = said.text()
    names = [book.name for book in stage.books]
    if name is None or name in names:
        return name
    hint = did_you_mean(name, names) or "write it under `with` as well"
    said.error("unknown-playbook", f'no playbook "{name}" runs in this test', hint)
    return None


def _owner(place: Place, stage: Stage) -> str:
    """Return the playbook of the test, or of those beside it the one that has the step."""
    step = place.get("step")
    name = step.text() if step is not None and step.is_scalar() and not step.empty else None
    owners = [book.name for book in stage.books if name in _steps(stage, book.name)]
    return stage.main if name is None or stage.main in owners or not owners else owners[0]


def _steps(stage: Stage, playbook: str) -> set[str]:
    """Return the names of all steps of a playbook, escalations too."""
    found: set[str] = set()
    for book in stage.books:
        for step in walk(book.steps) if book.name == playbook else ():
            found.add(step.name)
            if isinstance(step, Do):
                found |= {each.name for each in overdue_steps(step)}
    return found


def _known(about: Expects, name: str, place: Place, stage: Stage, playbook: str) -> bool:
    match about:
        case Expects.STEP:
            names = _steps(stage, playbook)
            if name not in names:
                place.error(
                    "unknown-step", f'{playbook} has no step "{name}"', did_you_mean(name, names)
                )
                return False
        case Expects.EVENT:
            if name not in stage.vocabulary.events:
                hint = nearest(name, stage.vocabulary.events, Section.EVENTS)
                place.error("unknown-event", f'no event "{name}"', hint)
                return False
        case Expects.STARTS:
            return name in _YES
        case Expects.JOURNEY:
            return True
    return True


def _wanted(key: str, place: Place, stage: Stage, codes: Collection[str]) -> Wanted | None:
    value: str | int | bool | When | Says | Datum | None
    if key in _WHEN:
        value = read_when(place, stage.zone)
    elif key in _COUNTS:
        value = read_count(place, place)
    elif key in _TEXTS:
        value = _says(place)
    else:
        value = place.text()
        if key in _FLAGS and isinstance(value, str):
            value = _YES.get(value)
        elif key in _CODES and isinstance(value, str) and value not in codes:
            place.error("unknown-reason", f'no reason code "{value}"', did_you_mean(value, codes))
            return None
        elif key == "by" and isinstance(value, str) and value not in stage.vocabulary.events:
            hint = nearest(value, stage.vocabulary.events, Section.EVENTS)
            place.error("unknown-event", f'no event "{value}"', hint)
            return None
    if value is None:
        return None
    return Wanted(key=key, value=value, shown=written(place.node), span=place.span)


def _says(place: Place) -> Says | None:
    if not place.is_mapping():
        text = place.text()
        return None if text is None else Says(exact=text.strip())
    parts = []
    for key in ("has", "not"):
        part = place.get(key)
        texts = [] if part is None else part.texts(key)
        if texts is None:
            return None
        parts.append(tuple(text for text, _ in texts))
    if not any(parts):
        place.error("empty-value", f"{place.key} says nothing", "write has: [甲公司]")
        return None
    return Says(has=parts[0], lacks=parts[1])


def _fields(place: Place | None, event: str, stage: Stage) -> tuple[Wanted, ...] | None:
    if place is None:
        return ()
    declared = stage.vocabulary.events[event].fields
    found: list[Wanted] = []
    for name, value in place.pairs():
        if name not in declared:
            hint = did_you_mean(name, declared)
            value.error(
                "unknown-field", f'event "{event}" has no field "{name}"', hint, at_key=True
            )
            return None
        datum = read_field(declared[name], value, stage.zone)
        if datum is None:
            return None
        found.append(Wanted(key=name, value=datum, shown=written(value.node), span=value.span))
    return tuple(found)
