"""The settings of a channel: what its kind takes, and no secret written out."""

from __future__ import annotations

import re

from rules.channel_kinds import Kind, Setting
from rules.channel_values import (
    REFERENCE,
    Shape,
    fault,
    header_fault,
    secret_header,
    secret_in_url,
    wrong_reference,
)
from rules.parse.place import Place

__all__ = ["read_settings"]

#: Keys that every kind of channel takes.
_COMMON = frozenset({"kind", "reaches_customer", "to", "on_unknown"})

#: What stands before the secret of an Authorization header.
_SCHEME = re.compile(r"(?:bearer|basic|token) ", re.IGNORECASE)


def read_settings(name: str, kind: Kind, place: Place) -> dict[str, str] | None:
    """Return the settings of a channel as written; None where one is wrong or missing.

    One of several is called ``urls/1``, a header ``headers/X-Team``. Keys that the kind does not
    take are left to the schema.
    """
    found: dict[str, str] = {}
    sound = True
    for key, value in place.pairs():
        setting = kind.setting(key)
        if setting is None or key != setting.name:
            sound = sound and key in _COMMON
            continue
        for path, text, each in _texts(setting, value):
            if text is None or not _judge(name, setting, path, text, each):
                sound = False
            else:
                found[path] = text
        sound = sound and any(path.partition("/")[0] == key for path in found)
    for setting in kind.settings:
        if setting.required and place.get(setting.name) is None:
            hint = f"write {setting.name}: {_shown(setting)}"
            message = f"a channel of kind {kind.name} needs `{setting.name}`"
            place.error("missing-key", message, hint)
            sound = False
    return found if _go_together(place) and sound else None


def _texts(setting: Setting, place: Place) -> list[tuple[str, str | None, Place]]:
    """Return path, text and place of each value of a setting; text None where it has none."""
    name = setting.name
    if setting.shape is Shape.HEADERS:
        return [(f"{name}/{key}", value.text(), value) for key, value in place.pairs()]
    if setting.several:
        return [
            (f"{name}/{index}", item.text(f"an item of `{name}`"), item)
            for index, item in enumerate(place.each())
        ]
    return [(name, place.text(), place)]


def _judge(name: str, setting: Setting, path: str, text: str, place: Place) -> bool:
    """Report what is wrong with one value, without repeating it; True where nothing is."""
    label = f"`{path.rpartition('/')[2] if setting.shape is Shape.HEADERS else setting.name}`"
    better = wrong_reference(text)
    if better:
        place.error("bad-reference", f"{label} has a reference that is none", better)
        return False
    if setting.shape is Shape.HEADERS:
        wrong = header_fault(place.key)
        if wrong:
            _told(place, label, wrong)
            return False
    if setting.secret and _written_out(name, setting, label, text, place):
        return False
    if REFERENCE.search(text) and (setting.shape is not Shape.URL or text.startswith("$")):
        return True  # what stands there is known when it is sent
    wrong = fault(setting.shape, REFERENCE.sub("x", text), setting.words)
    if wrong:
        _told(place, label, wrong)
    return wrong is None


def _written_out(name: str, setting: Setting, label: str, text: str, place: Place) -> bool:
    """Report a secret that is written out, or a part of an address that is one."""
    key = setting.name if setting.several else place.key
    if not REFERENCE.search(text) and not _open(setting, place, text):
        message = f"{label} is a secret, and care.yaml is no place for one"
        hint = f'write {key}: "{_scheme(text)}${{env:{_variable(name, key)}}}"'
    elif setting.shape is Shape.URL and (parameter := secret_in_url(text)):
        message = f"{label} has a secret in it (`{parameter}`), and care.yaml is no place for one"
        hint = f"write {parameter}=${{env:{_variable(name, parameter)}}}"
    else:
        return False
    place.error("literal-secret", message, f"{hint} and set that variable")
    return True


def _told(place: Place, label: str, wrong: str) -> None:
    words, _, hint = wrong.partition("; ")
    place.error("bad-setting", f"{label} {words}", hint)


def _open(setting: Setting, place: Place, text: str) -> bool:
    """Tell whether a secret setting may be written out this time."""
    if setting.shape is Shape.HEADERS:
        return not secret_header(place.key) and not _SCHEME.match(text)
    return setting.literal


def _scheme(text: str) -> str:
    """Return the word before the secret of an Authorization header: ``Bearer ``."""
    found = _SCHEME.match(text)
    return found[0] if found else ""


def _variable(channel: str, what: str) -> str:
    """Return a name for the variable that holds a secret: ``EMAIL_PASSWORD``."""
    words = re.sub(r"[^A-Za-z0-9]+", "_", f"{channel}_{what}").strip("_").upper()
    return words if re.match("[A-Z]", words) else f"CARE_{words}"


def _shown(setting: Setting) -> str:
    example = setting.example if isinstance(setting.example, str) else next(iter(setting.example))
    return f'"{example}"' if "{" in example else example


def _go_together(place: Place) -> bool:
    """Report settings of an smtp channel of which one needs the other."""
    user, password, tls = place.get("user"), place.get("password"), place.get("tls")
    if (user is None) != (password is None):
        there, missing = (user, "password") if user else (password, "user")
        assert there is not None
        hint = 'add password: "${env:SMTP_PASSWORD}"' if user else "add user: care@example.com"
        there.error(
            "bad-setting", f"`{there.key}` says nothing without `{missing}`", hint, at_key=True
        )
        return False
    if password and tls and tls.is_scalar() and tls.text() == "none":
        message = "with `tls: none` the password goes through the network readable"
        tls.warn("open-password", message, "write tls: starttls or tls: tls")
    return True
