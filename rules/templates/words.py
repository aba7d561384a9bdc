"""What Liquid says of a ``{{ }}`` or ``{% %}`` that it can't read, in words."""

from __future__ import annotations

import re

from liquid.exceptions import LiquidError

from rules.templates.scan import Fault

__all__ = ["unreadable"]

_WIDE = {
    "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "「": '"', "」": '"', "‘": "'", "’": "'",
    "：": ":", "，": ",", "。": ".", "｜": "|", "（": "(", "）": ")", "＝": "=", "＞": ">",
    "＜": "<", "！": "!", "．": ".", "［": "[", "］": "]", "\u3000": "a space", "\u00a0": "a space",
}  # fmt: skip
_INSTEAD = {
    "=": "write == to compare",
    "&": "write and",
    "{": "write two braces: {{ ... }}",
    "(": "parentheses are not known here: use {% if %} in {% if %}",
    "blank": "write {% if customer.name %}: what is unknown or empty counts as no",
    "empty": "write {% if customer.name %}: what is unknown or empty counts as no",
}


def unreadable(error: LiquidError, piece: str, at: int, within: int) -> Fault:
    """Return the fault in one piece, ``{{ ... }}`` or ``{% ... %}``.

    ``at`` is where the piece stands in the text, ``within`` where in it the error is; -1: at its end.
    """
    shown = " ".join(piece.split())
    shown = shown if len(shown) <= 60 else f"{shown[:60]}..."
    inside = re.sub(r"^\{[{%]-?\s*|\s*-?[}%]\}$", "", piece)
    message = f"`{shown}` can't be read"
    if not inside:
        return _unread(at, "nothing stands between the braces", "write {{ customer.id }}")
    if within < 0 or within >= len(piece):
        return _unread(at, f"{message}: something is missing at its end")
    found = piece[within]
    if found in _WIDE:
        message = f"full-width {found} stands in place of {_WIDE[found]}"
        return Fault(
            at=at + within, code="full-width", message=message, hint=f"type {_WIDE[found]}"
        )
    if found in "\"'" and piece.count(found) % 2:
        return _unread(at + within, f"{message}: a quote is not closed", f"type {found} at its end")
    word = re.match(r"[^\s|,:}%]+", piece[within:])
    token = word[0] if word else found
    if token in ("or", "and") and piece.startswith("{{"):
        hint = 'for what is unknown write {{ customer.name | default: "..." }}'
        return _unread(at + within, f"{message}: `{token}` belongs into {{% if %}}", hint)
    if token == piece[2:-2].strip(" -"):
        return _unread(at + within, f"{message}: something is missing behind `{token}`")
    hint = _INSTEAD.get(token, _INSTEAD.get(found, ""))
    behind = re.search(r"\|\s*(\w+)\s+$", piece[:within])
    if behind:
        hint = f"write {behind[1]}: {token}"
    elif not hint and error.args and "identifier" in str(error.args[0]):
        hint = f'write the name in quotes: ["{token}"]'
    return _unread(at + within, f"{message} at `{token}`", hint)


def _unread(at: int, message: str, hint: str = "") -> Fault:
    return Fault(at=at, code="bad-text", message=message, hint=hint)
