"""What was probably meant: ``>= 3``, ``5-7 days``, ``3天`` rewritten as the language says them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from fractions import Fraction

from rules.phrases import plain
from rules.units import Unit, describe_number

__all__ = ["repair"]

_CN_UNIT = {
    "个工作日": "working days",
    "工作日": "working days",
    "个工作小时": "working hours",
    "工作小时": "working hours",
    "个小时": "hours",
    "小时": "hours",
    "分钟": "minutes",
    "天": "days",
    "日": "days",
    "周": "weeks",
    "个星期": "weeks",
    "星期": "weeks",
    "个月": "months",
    "月": "months",
    "年": "years",
}
_SHORT_UNIT = {
    "min": "minutes",
    "mins": "minutes",
    "m": "minutes",
    "h": "hours",
    "hr": "hours",
    "hrs": "hours",
    "d": "days",
    "w": "weeks",
    "wk": "weeks",
    "wks": "weeks",
    "mo": "months",
    "mth": "months",
    "mths": "months",
    "y": "years",
    "yr": "years",
    "yrs": "years",
    "business day": "working days",
    "business days": "working days",
    "workday": "working days",
    "workdays": "working days",
    "work day": "working days",
    "work days": "working days",
    "weekday": "working days",
    "weekdays": "working days",
    "business hour": "working hours",
    "business hours": "working hours",
    "work hours": "working hours",
}
_D = r"(\d+ (?:working )?[a-z]+)"

#: What people write, and what the language says; applied in this order to the whole text.
_REWRITES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), words)
    for pattern, words in (
        (r"[¥￥$€]|(?<=[\d万亿千])\s*元", ""),
        (r"\bhalf an hour\b", "30 minutes"),
        (r"\bhalf a day\b", "12 hours"),
        (r"(\d)(?=[a-z])(?![a-z]*\d)", r"\1 "),  # 90days
        (r"(?<=[a-z])(?=\d)", " "),  # least3
        (r"(?<=\d) ?percent\b| ?per cent\b", "%"),
        (r"(\d{4})[/.](\d\d)[/.](\d\d)", r"\1-\2-\3"),
        (r"\b(more|less|greater|fewer|higher|lower) then\b", r"\1 than"),
        (r"\b(last|past|next) (?=(working |business )?(day|week|month|year)\b)", r"\1 1 "),
        (r"\b(a|an|one) (?=(working |business )?(minute|hour|day|week|month|year)\b)", "1 "),
        (r"最近|过去|近(?=\d)", "within last "),
        (r"^(\d+ [a-z]+)(?:内|以内|之内)$", r"within \1"),
        (r"^(.+?) ?个?(?:以上|及以上)$|^(.+?) ?\+$|^(.+?) or (?:more|above)$", r"at least \1\2\3"),
        (r"^(.+?) ?个?(?:以下|及以下)$|^(.+?) or (?:less|fewer|below)$", r"at most \1\2"),
        (r"\b(greater|more|higher|larger|bigger) than or equals?( to)?\b", " at least "),
        (r"\b(less|lower|smaller|fewer) than or equals?( to)?\b", " at most "),
        (r"\bnot equals?( to)?\b|\bis not\b|\bisn't\b", " not "),
        (r"不低于|不少于|不小于|至少|大于等于|大于或等于|>=|=>|≥", " at least "),
        (r"\b(no|not) (less|fewer|lower) than\b|\bnot (below|under)\b", " at least "),
        (r"不高于|不超过|不多于|不大于|至多|最多|小于等于|小于或等于|<=|=<|≤", " at most "),
        (r"\b(no|not) (more|greater|higher) than\b|\bnot (above|over)\b", " at most "),
        (r"!=|<>|≠|不等于|不是", " not "),
        (r"大于|高于|超过|多于|>|\b(more|greater|higher|larger|bigger) than\b|\bover\b", " above "),
        (r"小于|低于|少于|<|\b(less|fewer|lower|smaller) than\b|\bunder\b", " below "),
        (r"^(==|=|等于|equals?( to)?\b|exactly\b)", ""),
        (r"\bminimum( of)?\b|^min\b|\bat min\b|\batleast\b", " at least "),
        (r"\bmaximum( of)?\b|^max\b|\batmost\b|\bup to\b", " at most "),
        (r"^(is|are|be) ", ""),
        (r"上升|增长|上涨|增幅|涨幅|\b(increase[sd]?|rises?|rose|grows?|grew)\b( of)?", " up "),
        (r"下降|降低|下跌|降幅|跌幅|\b(decrease[sd]?|drop(s|ped)?|falls?|fell)\b( of)?", " down "),
        (r"\bdeclined?\b( of)?", " down "),
        (r"\b(up|down) by ", r"\1 "),
        (r"\b(up|down) above ", r"\1 more than "),
        (r"\b(up|down) ([\d.]+ ?%?)$", r"\1 at least \2"),
        (r"^(stable|flat|unchanged)\b", "steady"),
        (r"^(in|within|during|for) the (last|past|next) ", r"within \2 "),
        (r"^(in|during|for) (last|past|next) ", r"within \2 "),
        (r"^(within )?past ", "within last "),
        (r"^(last|next) (?=\d)", r"within \1 "),
        (r"^(?:above|older than|longer than|at least) " + _D + "(?: ago)?$", r"at least \1 ago"),
        (r"^(?:at most|below) " + _D + " ago$", r"within last \1"),
        (
            r"(?:from |between )?(\d[\d_,.]*)( ?%)? ?(?:-|~|–|—|至|到|\bto\b|\bbis\b) ?(\d[\d_,.]*)",
            r"between \1\2 and \3",
        ),
        (r"\bbetween ([\d.]+) and ([\d.]+) ?%", r"between \1% and \2%"),
        (r"\b(from|within|after) between\b", "between"),
        (r"^(\d+ [a-z ]+?) later$", r"after \1"),
        (r"^same[-_]day$", "same day"),
        (r"^(null|none|empty|missing|未知|空)$", "unknown"),
    )
)
_COUNTED = "zero one two three four five six seven eight nine ten eleven twelve"
_DIGITS = {word: str(number) for number, word in enumerate(_COUNTED.split())}
_KEYWORDS = {
    *("at", "least", "most", "above", "below", "between", "and", "not", "known", "unknown"),
    *("within", "last", "next", "ago", "up", "down", "more", "than", "steady", "top", "of"),
    *("has", "any", "now", "same", "after", "before", "every", "yes", "no", "working"),
    *(name for unit in Unit for name in (unit.value, f"{unit.value}s") if " " not in name),
}


def repair(text: str, accepts: Callable[[str], bool]) -> str:
    """Return the nearest phrase that ``accepts`` takes, or "" where there is none.

    Nothing is guessed that the language does not read: each rewriting is tried by its reader.
    """
    words = _units(_whole(_digits(plain(text))))
    steps = [words]
    for pattern, wanted in _REWRITES:
        after = " ".join(pattern.sub(wanted, steps[-1]).split())
        if after != steps[-1]:
            steps.append(after)
    candidates = list(reversed(steps))
    candidates += [_spelled(candidate) for candidate in candidates]
    for base in candidates[:]:
        candidates += [
            f"{base} ago",
            f"at least {base} ago",
            f"at least {base}",
            f"within last {base.removeprefix('within ')}",
            f"within {base}",
            f"between {base.removeprefix('within ')}",
        ]
        if base.startswith(("above ", "at most ", "below ")):
            candidates.append(base.split(" ", 2)[-1])
    return next((c for c in candidates if c != plain(text) and accepts(c)), "")


def _digits(text: str) -> str:
    return " ".join(_DIGITS.get(word.casefold(), word) for word in text.split(" "))


_SMALLER = {"hour": (60, "minutes"), "day": (24, "hours"), "week": (7, "days")}
_SMALLER |= {"year": (12, "months")}


def _whole(text: str) -> str:
    """Return ``1.5 hours`` as ``90 minutes``."""

    def whole(found: re.Match[str]) -> str:
        times, unit = _SMALLER[found[2]]
        amount = Fraction(found[1]) * times
        return f"{describe_number(amount)} {unit}" if amount.denominator == 1 else found[0]

    return re.sub(r"(\d+\.\d+) ?(hour|day|week|year)s?\b", whole, text, flags=re.ASCII)


def _units(text: str) -> str:
    for cn in sorted(_CN_UNIT, key=len, reverse=True):
        text = re.sub(rf"(\d)\s*{cn}", rf"\1 {_CN_UNIT[cn]}", text)
    text = re.sub(r"(\d)\s*([a-z]+(?: [a-z]+)?)\b", _unit, text)
    return " ".join(re.sub(r"\b1 (\w+ ?\w+)s\b", r"1 \1", text).split())


def _unit(found: re.Match[str]) -> str:
    name = found[2]
    if name in _SHORT_UNIT:
        return f"{found[1]} {_SHORT_UNIT[name]}"
    first, _, rest = name.partition(" ")
    if first in _SHORT_UNIT:
        return f"{found[1]} {_SHORT_UNIT[first]} {rest}".rstrip()
    return f"{found[1]} {name}"


def _spelled(text: str) -> str:
    words = []
    for word in text.split(" "):
        if re.fullmatch("[a-z]{3,}", word) and word not in _KEYWORDS:
            near = difflib.get_close_matches(word, _KEYWORDS, n=1, cutoff=0.7)
            word = near[0] if near else word  # noqa: PLW2901
        words.append(word)
    return " ".join(words)
