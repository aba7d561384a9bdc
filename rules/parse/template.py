"""``template``: one text, several in turn, or one by the value of something."""

from __future__ import annotations

from rules.errors import did_you_mean
from rules.parse.names import Left, Sort
from rules.parse.place import Place
from rules.parse.scope import Scope
from rules.parse.texts import text_at
from rules.playbook import Template

__all__ = ["read_template"]

_BY = "by"
_ELSE = "else"
_EXAMPLE = "write {by: industry, 制造业: a.md, else: b.md}"


def read_template(place: Place, step: str, scope: Scope) -> Template | None:
    """Return which text an action of a step takes, or report why that can't be told."""
    if place.is_mapping():
        return _by_value(place, step, scope)
    files = [_file(item, step, scope) for item in place.each()]
    if place.is_list() and not files:
        place.error("empty-value", "`template` has an empty list", at_key=True)
    sound = tuple(file for file in files if file)
    return Template(files=sound) if sound and len(sound) == len(files) else None


def _file(place: Place, step: str, scope: Scope) -> str | None:
    """Return the path of a text below ``templates/`` that can be filled in at this step."""
    text = place.text("template")
    if text is None:
        return None
    if text.startswith(("/", "\\")) or ".." in text.split("/") or "\\" in text or ":" in text:
        message = f'template "{text}" is not a file below templates/'
        place.error("unknown-template", message, "write the name alone: welcome.md")
        return None
    missing = scope.around.template(text)
    if missing is not None:
        place.error("unknown-template", f"there is no file templates/{text}", missing)
        return None
    source = scope.around.text(text)
    if source is not None and not text_at(text, source, step, place, scope):
        return None
    return text


def _by_value(place: Place, step: str, scope: Scope) -> Template | None:
    by = place.get(_BY)
    if by is None:
        place.error("missing-key", "a template with cases does not say by what", _EXAMPLE)
        return None
    left = _left(by, scope)
    cases: list[tuple[str, str]] = []
    sound = left is not None
    for value, below in place.pairs():
        if value in (_BY, _ELSE):
            continue
        file = _file(below, step, scope)
        known = left is None or not _closed(left) or value in _closed(left)
        if left and not known:
            hint = did_you_mean(value, _closed(left))
            below.error("unknown-value", f'{left.label} has no value "{value}"', hint, at_key=True)
        sound = sound and file is not None and known
        cases.append((value, file or ""))
    rest = place.get(_ELSE)
    otherwise = _file(rest, step, scope) if rest else None
    if not sound or left is None or (rest and otherwise is None):
        return None
    if not cases:
        place.error("empty-value", f"`template` has no case of {left.label}", _EXAMPLE)
        return None
    if rest is None and not _certain(left, {value for value, _ in cases}):
        message = f"there is no text where {left.label} is unknown or has another value"
        place.error("missing-key", message, "add else: with a text for all others")
        return None
    return Template(files=(), by=left.label, cases=tuple(cases), otherwise=otherwise)


def _left(place: Place, scope: Scope) -> Left | None:
    """Return what decides, if it has words to decide by."""
    text = place.text()
    if text is None:
        return None
    at_value = Place(
        node=place.node, path=place.path, findings=place.findings, name=place.node.span
    )
    left = scope.here().find(text, at_value)
    if left is None or left.sort in (Sort.WORD, Sort.TEXT, Sort.YES_NO):
        return left
    message = f"{left.label} has no words to choose a text by"
    place.error("bad-template", message, "name an attribute with a list of values, or a class")
    return None


def _closed(left: Left) -> tuple[str, ...]:
    """Return the values that there can be; empty: any."""
    return ("yes", "no") if left.sort is Sort.YES_NO else left.words


def _certain(left: Left, values: set[str]) -> bool:
    """Tell whether there is always a text: what the trigger itself says is never unknown."""
    own = left.label in ("trigger.holiday", "trigger.name")
    return own and bool(_closed(left)) and set(_closed(left)) <= values
